//! What goes over the wire and comes back, and what carries it.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::http::{self, Client};
use crate::error::BackendError;
use crate::graph::{Backend, Method, Propagates};
use crate::telemetry::trace::Trace;

/// A request as it goes out.
#[derive(Clone)]
pub struct WireRequest {
    pub method: Method,
    pub url: String,
    /// Lower-case names, each once.
    pub headers: Vec<(Box<str>, Box<str>)>,
    pub body: Bytes,
    /// The most that the answer's body may hold, after decompression.
    pub answer_bytes: usize,
}

/// Method and path alone: query values and headers may be secrets.
impl std::fmt::Debug for WireRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.url.split('?').next().unwrap_or_default();
        write!(formatter, "{:?} {path}", self.method)
    }
}

impl WireRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| &**other == name).map(|(_, value)| &**value)
    }

    /// Names the trace and the open span, unless the vendor file says what to name, and passes on what the backend is to have.
    pub fn continue_trace(&mut self, trace: &Trace, propagates: Propagates) {
        self.set_default_header("traceparent", &trace.traceparent());
        if let Some(state) = trace.state().filter(|_| propagates.state) {
            self.set_default_header("tracestate", state);
        }
        if let Some(baggage) = trace.baggage().filter(|_| propagates.baggage) {
            self.set_default_header("baggage", baggage);
        }
    }

    /// Sets a header that is not there, of a lower-case name.
    pub fn set_default_header(&mut self, name: &str, value: &str) {
        if self.header(name).is_none() {
            self.headers.push((name.into(), value.into()));
        }
    }
}

/// Where a backend is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub host: Arc<str>,
    pub port: u16,
}

impl Place {
    /// Of an address; one that is none is nowhere.
    pub fn of(url: &str) -> Self {
        let (host, port) = http::place(url).unwrap_or_default();
        Self { host: Arc::from(host), port }
    }
}

/// An answer as it came.
#[derive(Clone, Debug, Default)]
pub struct WireResponse {
    pub status: u16,
    /// Lower-case names; a name may occur more than once.
    pub headers: Vec<(Box<str>, Box<str>)>,
    pub body: Bytes,
}

impl WireResponse {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| &**other == name).map(|(_, value)| &**value)
    }

    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(other, _)| &**other == name).map(|(_, value)| &**value)
    }
}

/// Answers requests without a socket.
pub type MemoryWire = Arc<
    dyn Fn(WireRequest) -> BoxFuture<'static, Result<WireResponse, BackendError>> + Send + Sync,
>;

/// What carries requests: HTTP, or a function: recorded exchanges, tests, benchmarks.
#[derive(Clone)]
pub enum Wire {
    Http(Arc<Client>),
    Memory(MemoryWire),
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Http(_) => "Http",
            Self::Memory(_) => "Memory",
        })
    }
}

impl Wire {
    /// A client for one backend. Nothing is connected yet.
    pub fn http(backend: &Backend) -> Result<Self, BackendError> {
        Ok(Self::Http(Arc::new(Client::new(backend)?)))
    }

    /// Sends a request and reads its whole answer.
    pub async fn send(&self, request: WireRequest) -> Result<WireResponse, BackendError> {
        match self {
            Self::Http(client) => client.send(request).await,
            Self::Memory(answer) => answer(request).await,
        }
    }
}
