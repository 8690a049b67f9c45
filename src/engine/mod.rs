//! One graph at work: the stages of an operation, called in their order.
//!
//! Takes: a compiled graph; requests, each with its principal.
//! Gives: the bytes of each answer, and how it went.
//! Never: knows HTTP, or the files that the graph was made from.

mod executor;
mod plans;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::backend::Backends;
use crate::cache::Cache;
use crate::config::settings::Secret;
use crate::error::{BackendError, ErrorCode, RequestError};
use crate::execute::{self, Context};
use crate::graph::Graph;
use crate::load::{CursorKey, Loader};
use crate::operation::{self, OperationKind};
use crate::plan::{Explanation, Plan};
use crate::principal::Principal;
use crate::respond::{self, Source};

pub use executor::EngineExecutor;
use plans::Plans;

/// What a deployment decides about the engine, apart from the graph.
#[derive(Clone, Debug, Default)]
pub struct EngineSettings {
    /// Signs cursors. `None`: made at start, so that cursors end with the process.
    pub cursor_secret: Option<Secret>,
}

/// One for each graph.
#[derive(Debug)]
pub struct Engine {
    graph: Arc<Graph>,
    loader: Arc<Loader>,
    plans: Plans,
    cursors: CursorKey,
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
    /// An engine over real backends. Nothing is connected yet.
    pub fn new(graph: Arc<Graph>, settings: EngineSettings) -> Result<Arc<Self>, BackendError> {
        let backends = Backends::new(Arc::clone(&graph))?;
        Self::over(graph, backends, settings)
    }

    /// An engine over the given backends.
    pub fn over(
        graph: Arc<Graph>,
        backends: Backends,
        settings: EngineSettings,
    ) -> Result<Arc<Self>, BackendError> {
        let cache = Cache::new(graph.cache.clone());
        let cursors = match settings.cursor_secret {
            Some(secret) => CursorKey::new(secret.reveal().as_bytes()),
            None => CursorKey::random().map_err(|error| BackendError::Build {
                reason: format!("no random key for cursors: {error}"),
            })?,
        };
        let plans = Plans::new(graph.limits.plans);
        let loader = Loader::new(Arc::clone(&graph), backends, cache);
        Ok(Arc::new(Self { graph, loader, plans, cursors }))
    }

    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Executes one request: guard, parse, validate and plan (or find the plan), coerce, execute, respond.
    pub async fn execute(&self, request: Request, principal: &Principal) -> Response {
        match self.answer(&request, principal).await {
            Ok(response) => response,
            Err(errors) => refused(&errors),
        }
    }

    async fn answer(
        &self,
        request: &Request,
        principal: &Principal,
    ) -> Result<Response, Vec<RequestError>> {
        let deadline = Instant::now() + self.graph.deadline;
        let plan = self.plan(&request.query, request.operation_name.as_deref())?;
        let variables =
            operation::coerce_variables(&self.graph, &plan.operation, &request.variables)?;
        let principal = Arc::new(principal.clone());
        let context = Context {
            loader: &self.loader,
            cursors: &self.cursors,
            principal: &principal,
            variables: &variables,
            deadline,
        };
        let outcome = execute::execute(&plan, context).await;
        let introspection = operation::introspect(&self.graph, &plan.operation, &variables)
            .map_err(|error| vec![error])?;
        let written = respond::respond(Source {
            graph: &self.graph,
            plan: &plan,
            outcome: &outcome,
            principal: &principal,
            cursors: &self.cursors,
            introspection: &introspection,
        });
        Ok(Response {
            body: Bytes::from(written.body),
            outcome: Outcome::Data { has_errors: written.errors > 0 },
        })
    }

    /// The plan of an operation: kept by document and name, so that a known document is neither parsed nor validated again.
    fn plan(
        &self,
        document: &str,
        operation_name: Option<&str>,
    ) -> Result<Arc<Plan>, Vec<RequestError>> {
        self.plans.find_or_make(&self.graph, document, operation_name)
    }

    /// The kind of an operation, for those who must know before it runs.
    pub fn kind(
        &self,
        document: &str,
        operation_name: Option<&str>,
    ) -> Result<OperationKind, Vec<RequestError>> {
        Ok(self.plan(document, operation_name)?.operation.kind)
    }

    /// The plan of an operation, for people.
    pub fn explain(
        &self,
        document: &str,
        operation_name: Option<&str>,
    ) -> Result<Explanation, Vec<RequestError>> {
        Ok(Explanation::new(&self.graph, &*self.plan(document, operation_name)?))
    }
}

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
