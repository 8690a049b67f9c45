//! One graph at work: the stages of an operation, called in their order.
//!
//! Takes: a compiled graph; requests, each with its principal.
//! Gives: the bytes of each answer, and how it went.
//! Never: knows HTTP, or the files that the graph was made from.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::error::{ErrorCode, RequestError};
use crate::graph::Graph;
use crate::plan::Explanation;
use crate::principal::Principal;

/// What a deployment decides about the engine, apart from the graph.
#[derive(Clone, Debug, Default)]
pub struct EngineSettings {}

/// One for each graph.
#[derive(Debug)]
pub struct Engine {
    graph: Arc<Graph>,
}

/// A GraphQL request, whichever way it came in.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Map<String, Value>,
    pub extensions: Map<String, Value>,
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

impl Engine {
    #[expect(clippy::needless_pass_by_value, reason = "they are kept once there are some")]
    pub fn new(graph: Arc<Graph>, settings: EngineSettings) -> Arc<Self> {
        let _ = settings;
        Arc::new(Self { graph })
    }

    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Executes one request.
    pub async fn execute(&self, request: Request, principal: &Principal) -> Response {
        let _ = (request, principal);
        let body = Bytes::from_static(br#"{"errors":[{"message":"nothing is executed yet"}]}"#);
        std::future::ready(Response { body, outcome: Outcome::Refused(ErrorCode::Internal) }).await
    }

    /// The plan of an operation.
    pub fn explain(
        &self,
        document: &str,
        operation_name: Option<&str>,
    ) -> Result<Explanation, Vec<RequestError>> {
        let _ = (document, operation_name);
        Err(vec![RequestError::new(ErrorCode::Internal, "nothing is planned yet")])
    }
}
