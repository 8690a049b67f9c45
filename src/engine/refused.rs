//! The answer to a request that cannot run.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Outcome, Response};
use crate::error::{ErrorCode, RequestError};

/// The answer to a request that is refused: errors and no `data`.
pub fn refused(errors: &[RequestError]) -> Response {
    let listed: Vec<Value> = errors
        .iter()
        .map(|error| {
            let locations: Vec<Value> = error
                .locations
                .iter()
                .map(|location| serde_json::json!({ "line": location.line, "column": location.column }))
                .collect();
            let mut entry = Map::new();
            entry.insert("message".to_owned(), Value::from(error.message.as_str()));
            if !locations.is_empty() {
                entry.insert("locations".to_owned(), Value::Array(locations));
            }
            entry.insert("extensions".to_owned(), serde_json::json!({ "code": error.code.as_str() }));
            Value::Object(entry)
        })
        .collect();
    let code = errors.first().map_or(ErrorCode::Internal, |error| error.code);
    let body = serde_json::json!({ "errors": listed }).to_string();
    Response { body: Bytes::from(body), outcome: Outcome::Refused(code) }
}
