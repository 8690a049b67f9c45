//! A case over its recorded exchanges, through the same code as a server: nothing leaves the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;

use super::asked::{Asked, Difference, nearest};
use super::case::{Body, Case, Fault, Reply};
use crate::backend::Backends;
use crate::config::settings::Secret;
use crate::engine::{Engine, EngineSettings, Request};
use crate::error::BackendError;
use crate::graph::{Backend, Graph};
use crate::principal::Principal;
use crate::transport::{MemoryWire, Wire, WireRequest, WireResponse, fields};

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Replayed {
    pub answer: Value,
    /// How many requests each backend got.
    pub calls: BTreeMap<String, usize>,
    pub unmatched: Vec<Unmatched>,
    /// Exchanges that nothing asked for, by their places in the case.
    pub unused: Vec<usize>,
}

/// A request that is not among the recorded ones.
#[derive(Clone, Debug)]
pub struct Unmatched {
    pub asked: Asked,
    /// The most similar recorded one, and in what they differ.
    pub nearest: Option<(usize, Vec<Difference>)>,
}

/// Cursors of cases can be read by every run.
const CURSOR_SECRET: &str = "contract cases";

/// Runs a case. An error is one of the program's own; whatever the case does is in what is given back.
pub async fn replay(graph: &Arc<Graph>, case: &Case) -> Result<Replayed, BackendError> {
    let book = Arc::new(Book::new(case.clone()));
    let backends = Backends::over(Arc::clone(graph), |backend| book.wire(backend));
    let backends = backends.tokens_over(|_| any_token()).once();
    let engine = engine(graph, backends)?;
    let response = engine.execute(request(case), &principal(graph, case)).await;
    let answer = serde_json::from_slice(&response.body)
        .map_err(|error| BackendError::Decode { reason: error.to_string() })?;
    let State { uses, calls, unmatched } = book.state();
    let unused = (0..).zip(&uses).filter(|(_, uses)| **uses == 0).map(|(at, _)| at).collect();
    Ok(Replayed { answer, calls, unmatched, unused })
}

/// Whoever asks gets a token that nobody looks at: running a case takes no secret.
fn any_token() -> Wire {
    Wire::Memory(Arc::new(|_| {
        let body = r#"{"access_token":"stand-in","token_type":"Bearer"}"#.into();
        async { Ok(WireResponse { status: 200, body, ..WireResponse::default() }) }.boxed()
    }))
}

/// An engine as cases are run and recorded with: whatever the deployment says of cursors, they are of cases.
pub(super) fn engine(graph: &Arc<Graph>, backends: Backends) -> Result<Arc<Engine>, BackendError> {
    let settings =
        EngineSettings { cursor_secret: Some(Secret::new(CURSOR_SECRET)), ..Default::default() };
    Engine::over(Arc::clone(graph), backends, settings)
}

pub(super) fn request(case: &Case) -> Request {
    Request {
        query: case.query.clone(),
        operation_name: case.operation.clone(),
        variables: case.variables.clone(),
        ..Request::default()
    }
}

/// Nobody, with the client headers that the deployment lets through.
pub(super) fn principal(graph: &Graph, case: &Case) -> Principal {
    let is_forwarded =
        |(name, _): &&(String, String)| graph.forward_headers.iter().any(|one| **one == **name);
    let headers = case.headers.iter().filter(is_forwarded);
    let headers = headers.map(|(name, value)| (Arc::from(&**name), Arc::from(&**value)));
    Principal { headers: headers.collect(), ..Principal::anonymous() }
}

/// The exchanges of a case, and which of them were used.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) case: Case,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    uses: Vec<usize>,
    calls: BTreeMap<String, usize>,
    unmatched: Vec<Unmatched>,
}

impl Book {
    pub(super) fn new(case: Case) -> Self {
        let uses = vec![0; case.exchanges.len()];
        Self { case, state: Mutex::new(State { uses, ..State::default() }) }
    }

    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next exchange for a request: the first one that was not used yet, or the last of those that fit.
    pub(super) fn find(&self, asked: &Asked) -> Option<usize> {
        let exchanges = self.case.exchanges.iter().enumerate();
        let fits = exchanges.filter(|(_, exchange)| {
            exchange.backend == asked.backend && asked.differences(&exchange.request).is_empty()
        });
        let fits: Vec<usize> = fits.map(|(at, _)| at).collect();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state.calls.entry(asked.backend.clone()).or_default() += 1;
        let is_unused = |at: &&usize| state.uses.get(**at) == Some(&0);
        let found = fits.iter().find(is_unused).or(fits.last()).copied();
        if let Some(uses) = found.and_then(|at| state.uses.get_mut(at)) {
            *uses += 1;
        }
        found
    }

    fn wire(self: &Arc<Self>, backend: &Backend) -> Wire {
        let book = Arc::clone(self);
        let place =
            Arc::new(Place { role: backend.role.to_string(), url: backend.url.to_string() });
        let wire: MemoryWire = Arc::new(move |request: WireRequest| {
            let asked = Asked::at(&place, &request);
            let result = book.answer(asked);
            async move { result }.boxed()
        });
        Wire::Memory(wire)
    }

    fn answer(&self, asked: Asked) -> Result<WireResponse, BackendError> {
        let exchange = self.find(&asked).and_then(|at| self.case.exchanges.get(at));
        if let Some(exchange) = exchange {
            return exchange.reply.given();
        }
        let nearest = nearest(&self.case, &asked);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unmatched.push(Unmatched { asked, nearest });
        Err(BackendError::Connect { source: "no exchange of the case fits".into() })
    }
}

/// Where a backend is, of whose requests only what is below is looked at.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) role: String,
    pub(super) url: String,
}

impl Reply {
    /// What the wire gives.
    fn given(&self) -> Result<WireResponse, BackendError> {
        match self {
            Self::Fails(Fault::Connect) => {
                Err(BackendError::Connect { source: "so it was recorded".into() })
            }
            Self::Fails(Fault::Timeout) => Err(BackendError::Timeout { after: Duration::ZERO }),
            Self::Fails(Fault::Broken) => {
                Err(BackendError::Exchange { source: "so it was recorded".into() })
            }
            Self::Answer { status, headers, body } => {
                let (media, text) = written(body.as_ref());
                let own = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let is_typed = own.clone().any(|(name, _)| name == "content-type");
                let typed = media.filter(|_| !is_typed).map(|media| ("content-type", media));
                let headers = fields(own.chain(typed));
                Ok(WireResponse { status: *status, headers, body: text.into() })
            }
        }
    }
}

/// A body as it goes over the wire, and the media type that it looks like.
pub(super) fn written(body: Option<&Body>) -> (Option<&'static str>, String) {
    match body {
        Some(Body::Tree(value)) => (Some("application/json"), value.to_string()),
        Some(Body::Text(text)) => {
            let first = text.trim_start().chars().next();
            let media = match first {
                Some('<') => Some("text/xml; charset=utf-8"),
                Some('{' | '[') => Some("application/json"),
                _ => None,
            };
            (media, text.clone())
        }
        Some(Body::Form(_)) | None => (None, String::new()),
    }
}
