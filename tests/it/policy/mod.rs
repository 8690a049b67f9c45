//! The policy around one backend's calls, over a wire in memory that says what comes of each request and when, on a clock that stands
//! still until everybody waits. What is asserted are requests: how many, when, with which headers.

mod breaker;
mod hedge;
mod login;
mod quota;
mod retry;
mod slow;
mod token;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cyclorama::backend::figures::{Figures, GroupFigures};
use cyclorama::backend::{Backends, Page};
use cyclorama::error::BackendError;
use cyclorama::graph::*;
use cyclorama::transport::{MemoryWire, WireRequest, WireResponse};
use futures_util::FutureExt;
use tokio::time::Instant;

use crate::transport::{Given, backend, call, get, graph, rest};

/// One request, and when it came.
struct Seen {
    at: Duration,
    request: WireRequest,
}

/// What comes of a request, and after how long.
struct Reply(Duration, Result<WireResponse, BackendError>);

fn status(status: u16) -> Reply {
    answer(status, &[], "{}")
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = cyclorama::transport::fields(headers.iter().copied());
    Reply(Duration::ZERO, Ok(WireResponse { status, headers, body: body.to_owned().into() }))
}

fn ok() -> Reply {
    answer(200, &[], r#"{"data":[]}"#)
}

fn reset() -> Reply {
    Reply(Duration::ZERO, Err(BackendError::Exchange { source: "reset".into() }))
}

impl Reply {
    fn after(self, wait: Duration) -> Self {
        Self(wait, self.1)
    }
}

/// A backend, and what it received.
struct World {
    backends: Backends,
    seen: Arc<Mutex<Vec<Seen>>>,
    began: Instant,
}

/// A backend of this policy; `reply` gets the number of the request, the first is 0.
fn world(
    policy: Policy,
    reply: impl Fn(usize, &WireRequest) -> Reply + Send + Sync + 'static,
) -> World {
    world_of(Backend { policy, concurrency: 64, ..backend("http://billing.example") }, reply)
}

fn world_of(
    backend: Backend,
    reply: impl Fn(usize, &WireRequest) -> Reply + Send + Sync + 'static,
) -> World {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let (log, began) = (Arc::clone(&seen), Instant::now());
    let wire: MemoryWire = Arc::new(move |request| {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(Seen { at: began.elapsed(), request: request.clone() });
            log.len() - 1
        };
        let Reply(wait, result) = reply(number, &request);
        async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            result
        }
        .boxed()
    });
    World { backends: Backends::in_memory(graph(backend), &wire), seen, began }
}

fn read() -> Call {
    get("/v1/invoices")
}

fn write() -> Call {
    let mut call = call(RequestTemplate::Rest(rest(Method::Post, "/v1/notes")));
    call.effect = Effect::Write;
    call
}

/// A policy without retries, so that a call is an attempt.
fn once() -> Policy {
    let retry = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    Policy { retry, ..Policy::default() }
}

impl World {
    async fn call(&self, call: &Call) -> Result<Page, BackendError> {
        self.call_within(call, Duration::from_mins(1)).await
    }

    async fn call_within(&self, call: &Call, time: Duration) -> Result<Page, BackendError> {
        self.backends.call(call, Given::default().inputs(), Instant::now() + time).await
    }

    fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// When the requests came, in milliseconds.
    fn times(&self) -> Vec<u128> {
        self.seen.lock().unwrap().iter().map(|seen| seen.at.as_millis()).collect()
    }

    /// A header of each request.
    fn headers(&self, name: &str) -> Vec<Option<String>> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|seen| seen.request.header(name).map(str::to_owned)).collect()
    }

    fn figures(&self) -> Figures {
        self.backends.figures().remove(0)
    }

    fn group(&self) -> GroupFigures {
        self.figures().groups.remove(0)
    }
}
