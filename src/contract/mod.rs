//! Contract cases: an operation, the recorded exchanges behind it, the answer that is expected.
//!
//! Takes: case files; a graph; for recording, live backends.
//! Gives: how each case went, without a network; case files without personal data; a server that says what was recorded.
//! Never: sends a request that is not asked for by `record`, keeps a secret, or runs other code than a server runs.

mod asked;
mod case;
mod diff;
mod files;
mod layout;
mod mock;
mod record;
mod replay;
mod scrub;
mod text;
mod write;

pub use asked::{Asked, Difference};
pub use case::{Body, Case, CaseFile, Exchange, Fault, Parameters, Reply, RequestPattern, read};
pub use diff::{Change, changes};
pub use files::{Found, list};
pub use mock::{Mock, Options as MockOptions, Served};
pub use record::{Recorded, Wanted, record};
pub use replay::{Replayed, Unmatched, replay};
pub use scrub::Choices;
pub use write::{replace_section, to_yaml};

#[cfg(test)]
mod tests;
