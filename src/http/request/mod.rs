//! From a body or a query string to one request for the engine, or to a text that says what is wrong with it.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use super::{Settings, StatusProfile};
use crate::engine;
use crate::error::{ErrorCode, RequestError};

/// A request that is refused before the engine sees it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) error: RequestError,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status, error: RequestError::new(code, message) }
    }

    /// The body, or a part of it, is not JSON.
    fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message)
    }

    /// It is JSON, and not a GraphQL request.
    fn malformed(message: impl Into<String>, profile: StatusProfile) -> Self {
        let status = match profile {
            StatusProfile::Audit2025 => StatusCode::BAD_REQUEST,
            StatusProfile::Draft2026 => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, ErrorCode::BadRequest, message)
    }
}

/// Reads a whole body, never more than `limit` bytes of it and never longer than the settings allow.
pub(super) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    settings: &Settings,
) -> Result<Bytes, Refusal> {
    let too_large = || {
        let message = format!("the body is larger than {limit} bytes, the most that is read here");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BodyTooLarge, message)
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let read = async {
        let mut chunks = body.into_data_stream();
        let mut bytes = BytesMut::with_capacity(announced.unwrap_or(0));
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk
                .map_err(|_| Refusal::unreadable("the body ended before its announced end"))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    tokio::time::timeout(settings.http.body_timeout, read).await.unwrap_or_else(|_| {
        let message = format!("the body did not arrive within {:?}", settings.http.body_timeout);
        Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::BadRequest, message))
    })
}

/// The request in a POST body.
pub(super) fn from_body(body: &[u8], profile: StatusProfile) -> Result<engine::Request, Refusal> {
    if body.is_empty() {
        return Err(Refusal::unreadable(
            "the body is empty; send a JSON object with `query`, and `variables` if it has any",
        ));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => from_members(members, profile),
        Ok(Value::Array(_)) => Err(Refusal::malformed(
            "batches are not served here; send one operation in each request",
            profile,
        )),
        Ok(other) => {
            let message =
                format!("the body must be a JSON object with `query`, not {}", kind(&other));
            Err(Refusal::malformed(message, profile))
        }
        Err(error) => Err(Refusal::unreadable(format!("the body is not valid JSON: {error}"))),
    }
}

/// The request in the query string of a GET.
pub(super) fn from_pairs(
    pairs: Vec<(String, String)>,
    profile: StatusProfile,
) -> Result<engine::Request, Refusal> {
    let mut members = Map::new();
    for (name, text) in pairs {
        let value = match name.as_str() {
            "query" | "operationName" => Value::String(text),
            "variables" | "extensions" if text.is_empty() => Value::Null,
            "variables" | "extensions" => serde_json::from_str(&text).map_err(|error| {
                Refusal::unreadable(format!("`{name}` is not valid JSON: {error}"))
            })?,
            _ => continue,
        };
        if members.contains_key(&name) {
            return Err(Refusal::malformed(format!("`{name}` is there twice"), profile));
        }
        members.insert(name, value);
    }
    from_members(members, profile)
}

fn from_members(
    mut members: Map<String, Value>,
    profile: StatusProfile,
) -> Result<engine::Request, Refusal> {
    let mut text = |name: &str| match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Refusal::malformed(
            format!("`{name}` must be a string, not {}", kind(&other)),
            profile,
        )),
    };
    let query = text("query")?;
    let operation_name = text("operationName")?.filter(|name| !name.is_empty());
    let mut object = |name: &str| match members.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(other) => Err(Refusal::malformed(
            format!("`{name}` must be an object, not {}", kind(&other)),
            profile,
        )),
    };
    let variables = object("variables")?;
    let extensions = object("extensions")?;
    let Some(query) = query else {
        let message = if extensions.contains_key("persistedQuery") {
            "persisted queries are not served here; send the document itself as `query`"
        } else {
            "`query` is missing: it holds the text of the operation"
        };
        return Err(Refusal::malformed(message, profile));
    };
    Ok(engine::Request { query, operation_name, variables, extensions })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
