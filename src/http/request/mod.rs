//! From a body or a query string to one request for the engine, or to a text that says what is wrong with it.

mod members;

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, poll};
use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};

use self::members::{IDS, Members};
use super::{Settings, StatusProfile};
use crate::engine;
use crate::error::{ErrorCode, RequestError};

/// A request that is refused before the engine sees it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) error: RequestError,
    /// When it makes sense to come again.
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status, error: RequestError::new(code, message), retry_after: None }
    }

    pub(super) fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    /// The body, or a part of it, is not JSON.
    fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message)
    }

    /// It is JSON, and not a GraphQL request.
    fn malformed(message: impl Into<String>, profile: StatusProfile) -> Self {
        Self::malformed_as(ErrorCode::BadRequest, message, profile)
    }

    /// As above, with a code of its own.
    pub(super) fn malformed_as(
        code: ErrorCode,
        message: impl Into<String>,
        profile: StatusProfile,
    ) -> Self {
        let status = match profile {
            StatusProfile::Audit2025 => StatusCode::BAD_REQUEST,
            StatusProfile::Draft2026 => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, code, message)
    }
}

/// What a POST body holds.
#[derive(Debug)]
pub(super) enum Posted {
    One(Box<engine::Request>),
    /// Several, not looked at yet.
    Batch(Vec<Value>),
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
        let mut bytes = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk
                .map_err(|_| Refusal::unreadable("the body ended before its announced end"))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large());
            }
            if announced == Some(chunk.len()) {
                return Ok(chunk);
            }
            bytes.reserve(announced.unwrap_or(0).saturating_sub(bytes.len()));
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    let mut read = pin!(read);
    // most bodies come with their head: those need no timer
    if let Poll::Ready(read) = poll!(&mut read) {
        return read;
    }
    tokio::time::timeout(settings.http.body_timeout, read).await.unwrap_or_else(|_| {
        let message = format!("the body did not arrive within {:?}", settings.http.body_timeout);
        Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::BadRequest, message))
    })
}

/// The request in a POST body, or the requests.
pub(super) fn from_body(body: &[u8], profile: StatusProfile) -> Result<Posted, Refusal> {
    if body.is_empty() {
        return Err(Refusal::unreadable(
            "the body is empty; send a JSON object with `query`, and `variables` if it has any",
        ));
    }
    if body.trim_ascii_start().starts_with(b"{") {
        let mut members = Members::default();
        let mut reader = serde_json::Deserializer::from_slice(body);
        let read = members.deserialize(&mut reader).and_then(|()| reader.end());
        read.map_err(|error| unread(&error, profile))?;
        return request(members, profile).map(|request| Posted::One(Box::new(request)));
    }
    match serde_json::from_slice(body).map_err(|error| unread(&error, profile))? {
        Value::Array(members) => Ok(Posted::Batch(members)),
        other => {
            let message =
                format!("the body must be a JSON object with `query`, not {}", kind(&other));
            Err(Refusal::malformed(message, profile))
        }
    }
}

fn unread(error: &serde_json::Error, profile: StatusProfile) -> Refusal {
    if error.is_data() {
        Refusal::malformed(format!("the body is not one request: {error}"), profile)
    } else {
        Refusal::unreadable(format!("the body is not valid JSON: {error}"))
    }
}

/// The request in the query string of a GET.
pub(super) fn from_pairs(
    pairs: Vec<(String, String)>,
    profile: StatusProfile,
) -> Result<engine::Request, Refusal> {
    let mut members = Members::default();
    for (name, text) in pairs {
        let value = match name.as_str() {
            "query" | "operationName" | "documentId" | "doc_id" | "id" => Value::String(text),
            "variables" | "extensions" if text.is_empty() => Value::Null,
            "variables" | "extensions" => serde_json::from_str(&text).map_err(|error| {
                Refusal::unreadable(format!("`{name}` is not valid JSON: {error}"))
            })?,
            _ => continue,
        };
        let Some(place) = members.get_mut(&name) else { continue };
        if place.replace(value).is_some() {
            return Err(Refusal::malformed(format!("`{name}` is there twice"), profile));
        }
    }
    request(members, profile)
}

/// The request in the members of a JSON object, wherever it came from.
pub(super) fn from_members(
    members: Map<String, Value>,
    profile: StatusProfile,
) -> Result<engine::Request, Refusal> {
    request(members.into(), profile)
}

fn request(members: Members, profile: StatusProfile) -> Result<engine::Request, Refusal> {
    let text = |name: &str, value: Option<Value>| match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Refusal::malformed(
            format!("`{name}` must be a string, not {}", kind(&other)),
            profile,
        )),
    };
    let query = text("query", members.query)?;
    let mut ids = Vec::new();
    for (name, value) in IDS.into_iter().zip(members.ids) {
        ids.extend(text(name, value)?);
    }
    let mut ids = ids.into_iter();
    let id = ids.next();
    if ids.any(|other| Some(&other) != id.as_ref()) {
        let message = "`documentId`, `doc_id` and `id` name different operations; send one of them";
        return Err(Refusal::malformed(message, profile));
    }
    let operation_name =
        text("operationName", members.operation_name)?.filter(|name| !name.is_empty());
    let object = |name: &str, value: Option<Value>| match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(other) => Err(Refusal::malformed(
            format!("`{name}` must be an object, not {}", kind(&other)),
            profile,
        )),
    };
    let variables = object("variables", members.variables)?;
    let extensions = object("extensions", members.extensions)?;
    let is_named = id.is_some() || extensions.get("persistedQuery").is_some_and(|it| !it.is_null());
    if query.is_none() && !is_named {
        let message = "`query` is missing: it holds the text of the operation";
        return Err(Refusal::malformed(message, profile));
    }
    let query = query.unwrap_or_default();
    let (wants_trace, sent) = (false, None);
    Ok(engine::Request { query, id, operation_name, variables, extensions, wants_trace, sent })
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
