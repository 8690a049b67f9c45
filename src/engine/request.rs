//! What comes in and what goes out: a request as clients send it, an answer as they get it.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::error::ErrorCode;

/// A GraphQL request, whichever way it came in.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The document; empty where the request names a known one.
    pub query: String,
    /// The id of a known document, if the request has one outside of its extensions.
    pub id: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Map<String, Value>,
    pub extensions: Map<String, Value>,
    /// Whether the answer is to hold a trace for a federation's router. Only a subgraph gives one.
    pub wants_trace: bool,
    /// All of it as it was sent, if nothing besides this and who asks decides the answer: who sends the same again may be given the
    /// same.
    pub sent: Option<Bytes>,
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The whole JSON: `{"data":…,"errors":[…],"extensions":…}`.
    pub body: Bytes,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is `data`, null or not, perhaps with errors beside it.
    Data { has_errors: bool },
    /// A request error: there is no `data`.
    Refused(ErrorCode),
}
