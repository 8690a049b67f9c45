//! One backend call, with the policy around it.
//!
//! Takes: a call, its inputs, the operation's deadline.
//! Gives: the decoded payload, or one error.
//! Never: knows GraphQL, keys' owners, or the cache.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::error::{BackendError, chain};
use crate::graph::{Backend, BackendId, Call, Effect, Graph};
use crate::mapping::Payload;
use crate::template::Inputs;
use crate::transport::{self, Decoded, MemoryWire, Wire, WireRequest, WireResponse};
use crate::value::PageState;

/// One page of a backend's answer.
#[derive(Debug)]
pub struct Page {
    pub payload: Payload,
    /// Where the next page begins, if the call pages and the answer says that there is more.
    pub next: Option<PageState>,
    /// How long the answer may be kept, by its own `Cache-Control`; zero for `no-store`.
    pub max_age: Option<Duration>,
}

/// The live side of the graph's backends: connections, permits. One for the life of a graph.
#[derive(Debug)]
pub struct Backends {
    graph: Arc<Graph>,
    lines: Vec<Line>,
}

/// The way to one backend.
#[derive(Debug)]
struct Line {
    wire: Wire,
    permits: Arc<Semaphore>,
}

impl Backends {
    /// One HTTP client for each backend. Nothing is connected yet.
    pub fn new(graph: Arc<Graph>) -> Result<Self, BackendError> {
        let lines =
            graph.backends.iter().map(|backend| Ok(Line::new(backend, Wire::http(backend)?)));
        let lines = lines.collect::<Result<_, BackendError>>()?;
        Ok(Self { graph, lines })
    }

    /// Backends whose requests are answered by a function instead of a socket.
    #[doc(hidden)]
    pub fn in_memory(graph: Arc<Graph>, wire: &MemoryWire) -> Self {
        let line = |backend| Line::new(backend, Wire::Memory(Arc::clone(wire)));
        let lines = graph.backends.iter().map(line).collect();
        Self { graph, lines }
    }

    /// One call. The order of the lines is the policy: the operation's deadline, (a breaker,) a permit, (a rate, credentials,)
    /// a timeout around the transport; the permit goes back before the answer is decoded.
    pub async fn call(
        &self,
        call: &Call,
        inputs: Inputs<'_>,
        deadline: Instant,
    ) -> Result<Page, BackendError> {
        let backend = self.graph.backend(call.backend);
        let log = Log::new(backend, call);
        let line = self.line(call.backend)?;
        let attempt = async {
            let request = transport::request(backend, call, inputs)?;
            let permit = line.permit(deadline).await?;
            let attempt = attempt(line.wire.clone(), request, permit, call.timeout, deadline);
            let response = match call.effect {
                Effect::Read => attempt.await?,
                Effect::Write => finish(attempt, log.clone()).await?,
            };
            transport::decode(call, inputs, response)
        };
        match attempt.await {
            Ok(Decoded { payload, next, max_age }) => Ok(Page { payload, next, max_age }),
            Err(error) => {
                log.failed(&error);
                Err(error)
            }
        }
    }

    fn line(&self, backend: BackendId) -> Result<&Line, BackendError> {
        let missing = || BackendError::Build { reason: "the backend has no connection".to_owned() };
        self.lines.get(backend.index()).ok_or_else(missing)
    }
}

impl Line {
    fn new(backend: &Backend, wire: Wire) -> Self {
        let permits = backend.concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self { wire, permits: Arc::new(Semaphore::new(permits)) }
    }

    async fn permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, BackendError> {
        if Instant::now() >= deadline {
            return Err(BackendError::DeadlineExceeded);
        }
        let permit = timeout_at(deadline, Arc::clone(&self.permits).acquire_owned()).await;
        // The semaphore is never closed, so the inner result is always a permit.
        permit.ok().and_then(Result::ok).ok_or(BackendError::DeadlineExceeded)
    }
}

type Attempt = BoxFuture<'static, Result<WireResponse, BackendError>>;

/// Sends and waits, no longer than the call's timeout and the operation's deadline; whichever is sooner names the error.
fn attempt(
    wire: Wire,
    request: WireRequest,
    permit: OwnedSemaphorePermit,
    timeout: Duration,
    deadline: Instant,
) -> Attempt {
    Box::pin(async move {
        let _permit = permit;
        let end = Instant::now() + timeout;
        match timeout_at(end.min(deadline), wire.send(request)).await {
            Ok(result) => result,
            Err(_) if end <= deadline => Err(BackendError::Timeout { after: timeout }),
            Err(_) => Err(BackendError::DeadlineExceeded),
        }
    })
}

/// A write that was begun is awaited to its end, also when the caller goes away. If its answer does not come, nobody knows
/// whether it was done; only a request that was never sent is known not to be.
async fn finish(attempt: Attempt, log: Log) -> Result<WireResponse, BackendError> {
    let written = tokio::spawn(async move {
        match attempt.await {
            Ok(response) => Ok(response),
            Err(error @ (BackendError::Build { .. } | BackendError::Connect { .. })) => Err(error),
            Err(error) => {
                // Logged here: the caller may be gone.
                log.failed(&error);
                Err(BackendError::OutcomeUnknown)
            }
        }
    });
    written.await.unwrap_or(Err(BackendError::OutcomeUnknown))
}

/// Where a failed call is logged, once.
#[derive(Clone)]
struct Log {
    backend: Arc<str>,
    vendor: Arc<str>,
    call: Arc<str>,
}

impl Log {
    fn new(backend: &Backend, call: &Call) -> Self {
        Self {
            backend: Arc::clone(&backend.role),
            vendor: Arc::clone(&backend.vendor),
            call: Arc::clone(&call.name),
        }
    }

    /// A chain of errors holds no body, query value or secret; the backend's own message is short and one line.
    fn failed(&self, error: &BackendError) {
        // Its cause was logged where it was seen.
        if matches!(error, BackendError::OutcomeUnknown) {
            return;
        }
        tracing::warn!(
            backend = %self.backend,
            vendor = %self.vendor,
            call = %self.call,
            code = error.code().as_str(),
            backend_code = error.backend_code(),
            backend_message = error.backend_message(),
            error = %chain(error),
            "a backend call failed"
        );
    }
}
