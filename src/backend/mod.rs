//! One backend call, with the policy around it.
//!
//! Takes: a call, its inputs, the operation's deadline.
//! Gives: the decoded payload, or one error; what is going on with each backend, in numbers.
//! Never: knows GraphQL, keys' owners, or the cache.

mod breaker;
mod budget;
mod concurrency;
mod deadline;
mod durations;
mod exchange;
pub mod figures;
mod hedge;
mod line;
mod log;
mod norm;
mod pace;
mod quota;
mod retry;
mod tally;
mod token;
mod tries;

use std::sync::Arc;

use tokio::time::{Instant, sleep};

pub use self::deadline::Deadline;
use self::exchange::exchange;
use self::figures::Figures;
use self::line::{Line, Way};
use self::log::Log;
use self::token::Tokens;
use self::tries::Tries;
use crate::error::BackendError;
use crate::graph::{Auth, Backend, Call, Effect, Graph};
use crate::mapping::Payload;
use crate::template::Inputs;
use crate::transport::{self, Decoded, MemoryWire, Wire};
use crate::value::{Freshness, PageState};

/// One page of a backend's answer.
#[derive(Debug)]
pub struct Page {
    pub payload: Payload,
    /// Where the next page begins, if the call pages and the answer says that there is more.
    pub next: Option<PageState>,
    /// How long the answer may be used, by its own headers.
    pub freshness: Freshness,
}

/// The live side of the graph's backends: connections, permits, breakers, budgets. One for the life of a graph.
#[derive(Debug)]
pub struct Backends {
    graph: Arc<Graph>,
    lines: Vec<Arc<Line>>,
    is_once: bool,
}

impl Backends {
    /// One HTTP client for each backend. Nothing is connected yet.
    pub fn new(graph: Arc<Graph>) -> Result<Self, BackendError> {
        let lines = graph
            .backends
            .iter()
            .map(|backend| Ok(Arc::new(Line::new(backend, Wire::http(backend)?))));
        let lines = lines.collect::<Result<_, BackendError>>()?;
        Ok(Self { graph, lines, is_once: false })
    }

    /// Backends whose requests are answered by a function instead of a socket.
    #[doc(hidden)]
    pub fn in_memory(graph: Arc<Graph>, wire: &MemoryWire) -> Self {
        Self::over(graph, |_| Wire::Memory(Arc::clone(wire)))
    }

    /// Backends over wires of the caller's own.
    pub fn over(graph: Arc<Graph>, wire: impl Fn(&Backend) -> Wire) -> Self {
        let lines =
            graph.backends.iter().map(|backend| Arc::new(Line::new(backend, wire(backend))));
        let lines = lines.collect();
        Self { graph, lines, is_once: false }
    }

    /// Gets access tokens over other wires than the calls'.
    #[must_use]
    pub fn tokens_over(mut self, wire: impl Fn(&Backend) -> Wire) -> Self {
        for (backend, line) in self.graph.backends.iter().zip(&mut self.lines) {
            if let Some(line) = Arc::get_mut(line) {
                line.tokens = Tokens::over(wire(backend));
            }
        }
        self
    }

    /// Backends that are as they were go on as they were, after a change of files: connections, breakers, budgets, quotas, counts.
    #[must_use]
    pub fn keeping(mut self, before: &Self) -> Self {
        for (backend, line) in self.graph.backends.iter().zip(&mut self.lines) {
            let mut known = before.graph.backends.iter().zip(&before.lines);
            if let Some((_, kept)) = known.find(|(one, _)| is_same_way(one, backend)) {
                *line = Arc::clone(kept);
            }
        }
        self
    }

    /// No call is tried again: what goes over the wires is what was planned, and once more what a new access token may mend.
    #[must_use]
    pub fn once(self) -> Self {
        Self { is_once: true, ..self }
    }

    /// One call. The order of the lines is the policy: the deadline; for each attempt the breaker, a permit, the rate, credentials, a
    /// timeout around the transport, with whose answer the permit goes back; then the wait for the next attempt, which holds nothing.
    pub async fn call(
        &self,
        call: &Call,
        inputs: Inputs<'_>,
        deadline: impl Into<Deadline>,
    ) -> Result<Page, BackendError> {
        let deadline = &deadline.into();
        let way = self.way(call)?;
        inputs.principal.calls.iter().for_each(|calls| calls.count());
        let log = Log::new(way.backend, call);
        let attempts = if self.is_once { 1 } else { way.backend.policy.retry.attempts };
        let mut now = Instant::now();
        let mut tries = Tries::new(way, call, (inputs.keys.len(), attempts), now);
        loop {
            let attempt = async {
                in_time(deadline, now)?;
                let admission = way.admit(&log, now)?;
                // Only the first of the rate's queue goes on: who waits for its time keeps no permit from others.
                let turn = way.quota.turn(&way.line.concurrency.waiting, deadline, now).await?;
                let permit = way.line.concurrency.enter(deadline).await?;
                // What failed while this one waited may have opened the breaker.
                if !admission.holds() {
                    return Err(way.open());
                }
                turn.take(deadline).await?;
                if let Err((error, health)) = tries.authorize(deadline).await {
                    way.learn(&log, admission, health, Instant::now());
                    return Err(error);
                }
                let request = tries.request(inputs, deadline)?;
                let began = Instant::now();
                let sent = exchange(way.line, request, permit, call.timeout, deadline);
                let answered = match (call.effect, hedge::after(way, tries.number)) {
                    // boxed, as hedges are: most calls have neither, and carry the room for both
                    (Effect::Write, _) => {
                        Box::pin(exchange::finish(sent, log.clone(), tries.number)).await
                    }
                    (Effect::Read, None) => sent.await,
                    (Effect::Read, Some(after)) => {
                        let (mut is_hedged, method) = (false, tries.method);
                        let again = |permit| {
                            let request = tries.request(inputs, deadline)?;
                            Ok(exchange(way.line, request, permit, call.timeout, deadline))
                        };
                        let hedged = hedge::send(way, sent, after, again, method, &mut is_hedged);
                        let answered = Box::pin(hedged).await;
                        tries.is_hedged = is_hedged;
                        answered
                    }
                };
                tries.came(&answered);
                let decoded = answered.and_then(|answer| transport::decode(call, inputs, answer));
                way.heed(&log, admission, tries.attempt(began), decoded.as_ref().err());
                decoded
            };
            let error = match attempt.await {
                Ok(decoded) => return Ok(page(decoded, &log)),
                Err(error) => error,
            };
            match tries.next(&error, deadline) {
                Some(delay) => {
                    sleep(delay).await;
                    now = Instant::now();
                }
                None => return Err(tries.failed(error, &log)),
            }
        }
    }

    /// Logs a failure that an answer tells of one of its records: the call itself has not failed.
    pub fn tell(&self, call: &Call, error: &BackendError) {
        Log::new(self.graph.backend(call.backend), call).failed(error, 1);
    }

    /// Each backend as it is now, in the graph's order.
    pub fn figures(&self) -> Vec<Figures> {
        let now = Instant::now();
        let lines = self.graph.backends.iter().zip(&self.lines);
        lines.map(|(backend, line)| line.figures(backend, now)).collect()
    }

    fn way<'a>(&'a self, call: &Call) -> Result<Way<'a>, BackendError> {
        let missing = || BackendError::Build { reason: "the backend has no connection".to_owned() };
        let line = self.lines.get(call.backend.index()).ok_or_else(missing)?;
        line.way(self.graph.backend(call.backend), call).ok_or_else(missing)
    }
}

/// Whether requests to both go the same way. What is in a request may differ: credentials, headers, calls.
fn is_same_way(one: &Backend, other: &Backend) -> bool {
    one.role == other.role
        && one.vendor == other.vendor
        && one.url == other.url
        && token_url(one) == token_url(other)
        && (&one.tls_ca, &one.tls_client) == (&other.tls_ca, &other.tls_client)
        && one.connect_timeout == other.connect_timeout
        && one.concurrency == other.concurrency
        && one.policy == other.policy
}

/// Where its access tokens come from, which goes over a connection of its own.
fn token_url(backend: &Backend) -> Option<&str> {
    match &backend.auth {
        Auth::ClientCredentials(client) => Some(&client.token_url),
        _ => None,
    }
}

fn in_time(deadline: &Deadline, now: Instant) -> Result<(), BackendError> {
    if deadline.has_passed(now) { Err(BackendError::DeadlineExceeded) } else { Ok(()) }
}

fn page(decoded: Decoded, log: &Log) -> Page {
    let Decoded { payload, next, freshness, violation } = decoded;
    if let Some(violation) = violation {
        log.violated(&violation);
    }
    Page { payload, next, freshness }
}
