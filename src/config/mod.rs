//! The files as they are written: YAML with places, checked against one table of what may stand where.
//!
//! Takes: the text of `cyclorama.yaml`, `roles.yaml`, identity and vendor files; the environment.
//! Gives: node trees with places, settings with `${env.…}` expanded, diagnostics for everything that is not as the table says.
//! Never: knows the schema, or stops at the first problem.

pub(crate) mod expand;
pub mod files;
pub mod settings;
pub mod shape;
pub(crate) mod units;
pub(crate) mod yaml;
