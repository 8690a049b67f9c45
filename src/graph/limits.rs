//! What operations and the record cache may be at most.

use std::time::Duration;

/// What an operation may be at most. Each has its name in `cyclorama.yaml` under `limits:` and its own error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub document_bytes: usize,
    pub tokens: usize,
    /// Brackets, braces and parentheses inside each other, anywhere in the document.
    pub nesting: usize,
    /// Fields inside each other after fragments are spread.
    pub depth: usize,
    /// Fields, spreads and inline fragments after every fragment is spread.
    pub selections: usize,
    /// The document's tokens and its text after every fragment is spread: what is long and stands in many places is looked at
    /// in each of them.
    pub spread_tokens: usize,
    pub spread_bytes: usize,
    /// Steps of its plan: what is loaded, found or named at each place of the answer.
    pub steps: usize,
    pub aliases: usize,
    pub root_fields: usize,
    pub operations: usize,
    /// Operations times the variables that fragments use.
    pub operation_fragment_variables: usize,
    pub directives: usize,
    /// Selections of one response key, or spreads of one fragment, in one selection set as it is written.
    pub duplicates: usize,
    /// Items of one list literal.
    pub list_items: usize,
    /// Lists of the schema's schema that can lead round in a circle, inside each other.
    pub introspection_depth: usize,
    pub variables_bytes: usize,
    pub variables_depth: usize,
    /// Request body, all of it.
    pub body_bytes: usize,
    /// Errors in one answer; the rest are counted.
    pub errors: usize,
    /// Plans kept.
    pub plans: usize,
    /// Objects that one answer may hold.
    pub objects: usize,
    /// Text of one key, all parts of it.
    pub key_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 64 * 1024,
            tokens: 4_000,
            nesting: 64,
            depth: 25,
            selections: 5_000,
            spread_tokens: 40_000,
            spread_bytes: 512 * 1024,
            steps: 2_000,
            aliases: 100,
            root_fields: 20,
            operations: 10,
            operation_fragment_variables: 500,
            directives: 50,
            duplicates: 50,
            list_items: 1_000,
            introspection_depth: 2,
            variables_bytes: 256 * 1024,
            variables_depth: 32,
            body_bytes: 2 * 1024 * 1024,
            errors: 100,
            plans: 1_000,
            objects: 100_000,
            key_bytes: 512,
        }
    }
}

/// What the record cache may hold, and for how long when neither the call nor the backend says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    pub enabled: bool,
    pub bytes: u64,
    pub ttl: Duration,
    pub negative_ttl: Duration,
    /// How long past its time a record is used, where neither call nor backend says: while it is read anew, and when the backend fails.
    pub stale: Stale,
    /// The most of both, whoever says.
    pub stale_max: Duration,
}

/// How long past its time a record may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stale<T = Duration> {
    /// By whoever asks, while it is read anew.
    pub while_revalidate: T,
    /// When the backend fails.
    pub if_error: T,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            bytes: 64 * 1024 * 1024,
            ttl: Duration::from_secs(30),
            negative_ttl: Duration::from_secs(5),
            stale: Stale { while_revalidate: Duration::ZERO, if_error: Duration::from_mins(5) },
            stale_max: Duration::from_mins(15),
        }
    }
}
