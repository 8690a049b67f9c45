//! compile

pub(crate) mod directives;
pub(crate) mod types;
