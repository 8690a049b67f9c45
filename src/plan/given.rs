//! What is known of an argument before a request is run.

use serde_json::Value;

/// What is known of an argument.
pub(super) enum Given {
    /// Left out, or null.
    Nothing,
    Value(Value),
    /// A variable decides.
    Unknown,
}

impl Given {
    pub(super) fn of(value: &Value) -> Self {
        if value.is_null() { Self::Nothing } else { Self::Value(value.clone()) }
    }
}
