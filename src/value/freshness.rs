//! What a backend says of how long its answer may be used, and by what it knows the answer again.

use std::time::Duration;

/// What an answer's headers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Zero for `no-store`.
    pub max_age: Option<Duration>,
    /// How long past its time it may be used while it is read anew.
    pub stale_while_revalidate: Option<Duration>,
    /// How long past its time it may be used when the backend fails.
    pub stale_if_error: Option<Duration>,
    /// It is not to be used past its time, whatever others say.
    pub must_revalidate: bool,
    pub validators: Option<Validators>,
    /// What is known already is still so; there is no payload.
    pub is_unchanged: bool,
}

impl Freshness {
    /// What holds for an answer of two pages.
    #[must_use]
    pub fn with(&self, next: &Self) -> Self {
        let least = |one: Option<Duration>, other: Option<Duration>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self {
            max_age: least(self.max_age, next.max_age),
            stale_while_revalidate: least(self.stale_while_revalidate, next.stale_while_revalidate),
            stale_if_error: least(self.stale_if_error, next.stale_if_error),
            must_revalidate: self.must_revalidate || next.must_revalidate,
            // each page has its own
            validators: None,
            is_unchanged: false,
        }
    }
}

/// By what a backend knows its answer again, as it wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    pub etag: Option<Box<str>>,
    pub last_modified: Option<Box<str>>,
}
