//! The messages of `graphql-transport-ws`, and the codes with which a connection is closed.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::engine::{Outcome, Payload, Response};

pub(super) const ACK: &str = r#"{"type":"connection_ack"}"#;

/// A close frame's reason may be this long.
const REASON_BYTES_MAX: usize = 123;

/// What a client may say.
#[derive(Debug, PartialEq)]
pub(super) enum FromClient {
    Init { payload: Map<String, Value> },
    Ping { payload: Option<Map<String, Value>> },
    Pong,
    Subscribe { id: String, payload: Map<String, Value> },
    Complete { id: String },
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    payload: Option<Map<String, Value>>,
}

/// Reads one message. The error is the reason to close with.
pub(super) fn read(text: &str) -> Result<FromClient, String> {
    let raw: Raw = serde_json::from_str(text).map_err(|_| {
        "a message is a JSON object with `type`, and `id` and `payload` where they belong"
            .to_owned()
    })?;
    let id = || {
        let id = raw.id.clone().filter(|id| !id.is_empty());
        id.ok_or_else(|| format!("`{}` needs an `id`", raw.kind))
    };
    Ok(match raw.kind.as_str() {
        "connection_init" => FromClient::Init { payload: raw.payload.unwrap_or_default() },
        "ping" => FromClient::Ping { payload: raw.payload },
        "pong" => FromClient::Pong,
        "subscribe" => {
            let payload = raw.payload.as_ref().ok_or("`subscribe` needs a `payload`")?;
            FromClient::Subscribe { id: id()?, payload: payload.clone() }
        }
        "complete" => FromClient::Complete { id: id()? },
        _ => return Err("this type of message is not known".to_owned()),
    })
}

pub(super) fn pong(payload: Option<Map<String, Value>>) -> String {
    match payload {
        Some(payload) => json!({ "type": "pong", "payload": payload }).to_string(),
        None => r#"{"type":"pong"}"#.to_owned(),
    }
}

/// The messages that end an operation, one a line: its answer and `complete`, or its request errors.
pub(super) fn outcome(id: &str, response: &Response) -> String {
    if matches!(response.outcome, Outcome::Refused(_)) {
        return error(id, &response.body);
    }
    messages(id, &response.body, true)
}

/// The messages of one part of an answer; the last part ends the operation.
pub(super) fn part(id: &str, payload: &Payload) -> String {
    messages(id, &payload.body, payload.is_last)
}

fn messages(id: &str, body: &[u8], is_last: bool) -> String {
    // the engine's answers are JSON on one line
    let (id, body) = (Value::from(id), String::from_utf8_lossy(body));
    let next = format!("{{\"id\":{id},\"type\":\"next\",\"payload\":{body}}}");
    if is_last { format!("{next}\n{{\"id\":{id},\"type\":\"complete\"}}") } else { next }
}

/// Request errors, from the body that would tell them over HTTP.
pub(super) fn error(id: &str, body: &[u8]) -> String {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    let errors = body.get_mut("errors").map(Value::take).unwrap_or_default();
    json!({ "id": id, "type": "error", "payload": errors }).to_string()
}

/// Why a connection is closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Close {
    fn new(code: u16, reason: &str) -> Self {
        let mut end = reason.len().min(REASON_BYTES_MAX);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self { code, reason: reason.get(..end).unwrap_or_default().to_owned() }
    }

    pub(super) fn going_away() -> Self {
        Self::new(1001, "Going away")
    }

    pub(super) fn too_long() -> Self {
        Self::new(1009, "Message too long")
    }

    pub(super) fn invalid(reason: &str) -> Self {
        Self::new(4400, &format!("Invalid message: {reason}"))
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    pub(super) fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub(super) fn taken(id: &str) -> Self {
        Self::new(4409, &format!("Subscriber for {id} already exists"))
    }

    pub(super) fn too_many_inits() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_told_apart() {
        for text in [
            "",
            "[]",
            "3",
            "{}",
            "{\"type\":3}",
            "{\"type\":\"start\"}",
            "{\"type\":\"subscribe\",\"id\":\"1\"}",
            "{\"type\":\"subscribe\",\"payload\":{}}",
            "{\"type\":\"subscribe\",\"id\":\"\",\"payload\":{}}",
            "{\"type\":\"subscribe\",\"id\":1,\"payload\":{}}",
            "{\"type\":\"ping\",\"payload\":[]}",
            "{\"type\":\"complete\"}",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(
            read("{\"type\":\"ping\",\"payload\":null}"),
            Ok(FromClient::Ping { payload: None })
        );
    }

    #[test]
    fn a_reason_fits_its_frame() {
        let close = Close::taken(&"é".repeat(200));
        assert!(close.reason.len() <= REASON_BYTES_MAX && close.reason.len() > 100);
    }
}
