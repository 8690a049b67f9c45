//! One graph at work: the stages of an operation, called in their order.
//!
//! Takes: a compiled graph; requests, each with its principal.
//! Gives: the bytes of each answer, and how it went.
//! Never: knows HTTP, or the files that the graph was made from.

mod again;
mod alike;
mod clock;
mod cost;
mod delivery;
mod executor;
mod health;
mod invalidate;
mod known;
mod operations;
mod plans;
mod refused;
mod request;
mod who;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::backend::Backends;
use crate::cache::Cache;
use crate::config::settings::{KnownOperations, Secret};
use crate::error::{BackendError, RequestError};
use crate::execute::{self, Context, Times};
use crate::graph::Graph;
use crate::load::{CursorKey, Loader};
use crate::operation::{self, OperationKind, Parts, Variables};
use crate::plan::{Explanation, Plan};
use crate::principal::Principal;
use crate::respond::{self, Source};
use crate::telemetry::exposition::Exposition;

use again::Answers;
use alike::Alike;

pub use crate::backend::figures;
pub use crate::cache::CacheCounts;
pub use crate::deliver::{Format, Payload};
pub use again::Kept;
pub use clock::Clock;
pub use delivery::{Delivery, Payloads};
pub use executor::EngineExecutor;
pub use invalidate::Invalidation;
use known::{Known, Meant};
use operations::Operations;
pub use plans::PlanCounts;
use plans::Plans;
pub use refused::refused;
pub use request::{Outcome, Request, Response};

/// What a deployment decides about the engine, apart from the graph.
#[derive(Clone, Debug, Default)]
pub struct EngineSettings {
    /// Signs cursors. `None`: made at start, so that cursors end with the process.
    pub cursor_secret: Option<Secret>,
    /// Which operations are known by an id, and whether others may run.
    pub known: KnownOperations,
    /// The time of day for what depends on it.
    pub clock: Clock,
}

/// One for each graph.
#[derive(Debug)]
pub struct Engine {
    graph: Arc<Graph>,
    loader: Arc<Loader>,
    plans: Plans,
    known: Known,
    cursors: CursorKey,
    operations: Arc<Operations>,
    alike: Alike,
    answers: Answers,
    clock: Clock,
}

/// A request that nothing can refuse any more.
#[derive(Debug)]
struct Prepared {
    plan: Arc<Plan>,
    variables: Variables,
    principal: Arc<Principal>,
    times: Times,
    /// The answers of `__schema` and `__type`.
    introspection: Map<String, Value>,
    /// What it costs, and that for its client, who asked for it.
    reckoned: f64,
    cost: Option<cost::Told>,
    is_traced: bool,
    /// As in the request, if its answer may be given again.
    sent: Option<Bytes>,
    /// The request names the operation.
    is_named: bool,
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
        let cursors = match settings.cursor_secret {
            Some(secret) => CursorKey::new(secret.reveal().as_bytes()),
            None => CursorKey::random().map_err(|error| BackendError::Build {
                reason: format!("no random key for cursors: {error}"),
            })?,
        };
        let known = Known::new(&settings.known);
        Ok(Self::of(graph, backends, known, (cursors, settings.clock), Arc::default()))
    }

    fn of(
        graph: Arc<Graph>,
        backends: Backends,
        known: Known,
        (cursors, clock): (CursorKey, Clock),
        operations: Arc<Operations>,
    ) -> Arc<Self> {
        let cache = Cache::new(graph.cache.clone());
        let plans = Plans::new(graph.limits.plans);
        let loader = Loader::new(Arc::clone(&graph), backends, cache);
        let (alike, answers) = (Alike::default(), Answers::new(&graph.cache));
        Arc::new(Self { graph, loader, plans, known, cursors, operations, alike, answers, clock })
    }

    /// The engine of another graph, in the place of this one: cursors, and documents that clients registered, stay good, and backends
    /// that have not changed go on as they were.
    pub fn after(
        &self,
        graph: Arc<Graph>,
        settings: &EngineSettings,
    ) -> Result<Arc<Self>, BackendError> {
        let backends = Backends::new(Arc::clone(&graph))?.keeping(&self.loader.backends);
        let secret = settings.cursor_secret.as_ref();
        let cursors = secret.map(|secret| CursorKey::new(secret.reveal().as_bytes()));
        let known = Known::new(&settings.known);
        known.keep_all_of(&self.known);
        let cursors = cursors.unwrap_or_else(|| self.cursors.clone());
        let kept = (cursors, self.clock.clone());
        Ok(Self::of(graph, backends, known, kept, Arc::clone(&self.operations)))
    }

    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Executes one request: guard, parse, validate and plan (or find the plan), coerce, execute, respond.
    pub async fn execute(
        self: &Arc<Self>,
        request: impl Into<Box<Request>>,
        principal: &Principal,
    ) -> Response {
        let request = request.into();
        let mut counted = self.operations.begin(principal);
        let prepared = self.prepare(&request, counted.principal(principal));
        // it may be large, and the run may be long
        drop(request);
        let response = match prepared {
            Ok(prepared) => {
                counted.is(prepared.kind_and_name(), prepared.reckoned);
                self.run_or_join(prepared).await
            }
            Err(response) => response,
        };
        counted.answered(&response);
        response
    }

    /// The same for a client that takes an answer in parts. What it does not defer comes first; what is not deferred at all
    /// comes whole.
    pub async fn deliver(
        self: &Arc<Self>,
        request: Request,
        principal: &Principal,
        format: Format,
    ) -> Delivery {
        let mut counted = self.operations.begin(principal);
        let prepared = self.prepare(&request, counted.principal(principal)).and_then(|prepared| {
            counted.is(prepared.kind_and_name(), prepared.reckoned);
            let parts = Parts::new(&prepared.plan.operation, &prepared.variables);
            Ok((prepared, parts.map_err(|error| refused(&[error]))?))
        });
        drop(request);
        let delivery = match prepared {
            Ok((prepared, Some(parts))) => {
                delivery::start(Arc::clone(self), prepared, parts, format).await
            }
            Ok((prepared, None)) => Delivery::Whole(self.run_or_join(prepared).await),
            Err(response) => Delivery::Whole(response),
        };
        counted.delivered(&delivery);
        delivery
    }

    /// Everything for which a request can be refused.
    fn prepare(
        &self,
        request: &Request,
        principal: Arc<Principal>,
    ) -> Result<Box<Prepared>, Response> {
        let deadline = Instant::now() + self.graph.deadline;
        let all = |errors: Vec<RequestError>| refused(&errors);
        let plan = self.plan(request).map_err(all)?;
        let variables =
            operation::coerce_variables(&self.graph, &plan.operation, &request.variables)
                .map_err(all)?;
        let is_asked = cost::is_asked(&request.extensions);
        let cost = cost::check(&self.graph, &plan, &variables, &principal, is_asked);
        if let Some(error) = cost.refused {
            let response = refused(&[error]);
            return Err(Response { body: cost::told(response.body, cost.told), ..response });
        }
        let introspection = operation::introspect(&self.graph, &plan.operation, &variables)
            .map_err(|error| refused(&[error]))?;
        let times = Times { deadline, present: self.clock.now() };
        // boxed: it is handed on many times before it runs
        let mut prepared = Box::new(Prepared {
            plan,
            variables,
            principal,
            times,
            introspection,
            reckoned: cost.total,
            cost: cost.told,
            is_traced: request.wants_trace && self.graph.federation.is_some(),
            sent: None,
            is_named: request.operation_name.is_some(),
        });
        prepared.sent = prepared.may_be_kept(request, cost.is_over);
        Ok(prepared)
    }

    fn context<'a>(&'a self, prepared: &'a Prepared) -> Context<'a> {
        Context {
            loader: &self.loader,
            cursors: &self.cursors,
            principal: &prepared.principal,
            variables: &prepared.variables,
            times: prepared.times,
            is_traced: prepared.is_traced,
            notes_looks: prepared.sent.is_some(),
        }
    }

    async fn run(&self, prepared: &Prepared) -> Response {
        let mut outcome = execute::execute(&prepared.plan, self.context(prepared)).await;
        let written = respond::respond(Source {
            graph: &self.graph,
            plan: &prepared.plan,
            outcome: &outcome,
            principal: &prepared.principal,
            cursors: &self.cursors,
            introspection: &prepared.introspection,
        });
        let body = cost::told(Bytes::from(written.body), prepared.cost);
        let has_errors = written.errors > 0;
        if let Some(looked) = outcome.looked.take().filter(|_| !has_errors) {
            self.answers.keep(prepared, looked, &body);
        }
        Response { body, outcome: Outcome::Data { has_errors } }
    }

    /// The plan of an operation: kept by document and name, so that a known document is neither parsed nor validated again;
    /// one that is known by its id is not even hashed.
    fn plan(&self, request: &Request) -> Result<Arc<Plan>, Vec<RequestError>> {
        let name = request.operation_name.as_deref();
        match self.known.find(request).map_err(|error| vec![error])? {
            Meant::Known { id, document } => {
                self.plans.find_or_make_by_id(&self.graph, id, &document, name)
            }
            Meant::New { id } => {
                let plan =
                    self.plans.find_or_make_by_id(&self.graph, id.clone(), &request.query, name)?;
                self.known.keep(id, &request.query);
                Ok(plan)
            }
            Meant::Text => self.plans.find_or_make(&self.graph, &request.query, name),
        }
    }

    /// The kind of an operation, for those who must know before it runs.
    pub fn kind(&self, request: &Request) -> Result<OperationKind, Vec<RequestError>> {
        Ok(self.plan(request)?.operation.kind)
    }

    /// Whether these requests, each of which may run alone, may run together: by what they cost in all.
    pub fn check_together<'a>(
        &self,
        requests: impl Iterator<Item = &'a Request>,
        principal: &Principal,
    ) -> Result<(), RequestError> {
        let plans: Vec<_> = requests
            .filter_map(|request| Some((self.plan(request).ok()?, &request.variables)))
            .collect();
        let reckoned = plans.iter().filter_map(|(plan, raw)| {
            let variables = operation::coerce_variables(&self.graph, &plan.operation, raw);
            Some((&**plan, variables.ok()?))
        });
        cost::check_together(&self.graph, principal, reckoned)
    }

    /// What an operation costs for its variables, in whole numbers; 1 at the least, also for one that will be refused.
    pub fn reckon(&self, request: &Request) -> u64 {
        let Ok(plan) = self.plan(request) else { return 1 };
        let raw = &request.variables;
        let Ok(variables) = operation::coerce_variables(&self.graph, &plan.operation, raw) else {
            return 1;
        };
        operations::whole(plan.operation.cost(&self.graph, &variables).total).max(1)
    }

    /// How often documents were hashed and plans were made.
    pub fn plan_counts(&self) -> PlanCounts {
        self.plans.counts()
    }

    /// What the cache holds, and how often something was dropped.
    pub fn cache_counts(&self) -> CacheCounts {
        self.loader.cache.counts()
    }

    /// Operations in numbers.
    pub fn expose(&self, out: &mut Exposition) {
        self.operations.expose(out);
    }

    /// What is going on with each backend.
    pub fn backends(&self) -> Vec<figures::Figures> {
        self.loader.backends.figures()
    }

    /// The plan of an operation, for people, and what it costs for any variables.
    pub fn explain(
        &self,
        document: &str,
        operation_name: Option<&str>,
    ) -> Result<Explanation, Vec<RequestError>> {
        self.explain_with(document, operation_name, None)
    }

    /// The same for these variables.
    pub fn explain_with(
        &self,
        document: &str,
        operation_name: Option<&str>,
        variables: Option<&Map<String, Value>>,
    ) -> Result<Explanation, Vec<RequestError>> {
        let plan = self.plans.find_or_make(&self.graph, document, operation_name)?;
        let variables = variables
            .map(|raw| operation::coerce_variables(&self.graph, &plan.operation, raw))
            .transpose()?;
        let operation = &plan.operation;
        let parts = match &variables {
            Some(variables) => Parts::new(operation, variables).map_err(|error| vec![error])?,
            None => Parts::in_general(operation),
        };
        Ok(Explanation::new(&self.graph, &plan, variables.as_ref(), parts.as_ref()))
    }
}
