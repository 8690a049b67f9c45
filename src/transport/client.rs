//! What goes over the wire and comes back, and what carries it.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::header::{AsHeaderName, Entry, HeaderMap, HeaderName};

use super::headers;
use super::http::{self, Client};
use crate::error::BackendError;
use crate::graph::{Backend, Method, Propagates};
use crate::telemetry::trace::Trace;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// A request as it goes out.
#[derive(Clone)]
pub struct WireRequest {
    pub method: Method,
    pub url: String,
    /// Each once.
    pub headers: HeaderMap,
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
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Names the trace and the open span, unless the vendor file says what to name, and passes on what the backend is to have.
    pub fn continue_trace(
        &mut self,
        trace: &Trace,
        propagates: Propagates,
    ) -> Result<(), BackendError> {
        if let Entry::Vacant(place) = self.headers.entry(TRACEPARENT) {
            place.insert(headers::public(&TRACEPARENT, trace.traceparent())?);
        }
        if let Some(state) = trace.state().filter(|_| propagates.state) {
            self.set_default(TRACESTATE, state)?;
        }
        if let Some(baggage) = trace.baggage().filter(|_| propagates.baggage) {
            self.set_default(BAGGAGE, baggage)?;
        }
        Ok(())
    }

    /// Sets a header that is not there.
    pub fn set_default_header(&mut self, name: &str, value: &str) -> Result<(), BackendError> {
        self.set_default(headers::name(name)?, value)
    }

    pub(super) fn set_default(
        &mut self,
        name: HeaderName,
        value: &str,
    ) -> Result<(), BackendError> {
        if let Entry::Vacant(place) = self.headers.entry(name) {
            let value = headers::value(place.key(), value)?;
            place.insert(value);
        }
        Ok(())
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
    /// A name may occur more than once.
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl WireResponse {
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Those that are not text are left out: nothing reads them.
    pub fn headers_named(&self, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
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
