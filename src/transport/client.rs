//! The HTTP client: one for each backend.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub host: Arc<str>,
    pub port: u16,
}

impl Place {
    /// Of an address; one that is none is nowhere.
    pub fn of(url: &str) -> Self {
        let url = reqwest::Url::parse(url).ok();
        let host = url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
        let port = url.as_ref().and_then(reqwest::Url::port_or_known_default).unwrap_or_default();
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
    Http(reqwest::Client),
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
    /// A client for one backend, with its own pool.
    pub fn http(backend: &Backend) -> Result<Self, BackendError> {
        let mut builder = builder()
            .connect_timeout(backend.connect_timeout)
            .pool_max_idle_per_host(backend.concurrency.max(1))
            .pool_idle_timeout(Duration::from_mins(1))
            .tcp_nodelay(true);
        if let Some(pem) = &backend.tls_ca {
            builder = builder.tls_certs_only(authorities(backend, pem)?);
        } else if !backend.url.starts_with("https:") {
            // Plain HTTP needs no certificates, and must work where the system has none.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| match &backend.tls_ca {
            Some(_) => unreadable(backend),
            None => BackendError::Connect { source: Box::new(error.without_url()) },
        })?;
        Ok(Self::Http(client))
    }

    /// Sends a request and reads its whole answer.
    pub async fn send(&self, request: WireRequest) -> Result<WireResponse, BackendError> {
        match self {
            Self::Http(client) => {
                let limit = request.answer_bytes;
                let response = client.execute(to_http(request)?).await.map_err(exchange)?;
                read(response, limit).await
            }
            Self::Memory(answer) => answer(request).await,
        }
    }
}

/// What every client is: no redirects, no proxy from the environment, no retries of its own.
pub(super) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("cyclorama/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
}

fn authorities(backend: &Backend, pem: &str) -> Result<Vec<reqwest::Certificate>, BackendError> {
    let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
    certificates.ok().filter(|found| !found.is_empty()).ok_or_else(|| unreadable(backend))
}

fn unreadable(backend: &Backend) -> BackendError {
    let reason =
        format!("`tls.ca` of the role {} holds no certificate that can be read", backend.role);
    BackendError::Build { reason }
}

fn to_http(request: WireRequest) -> Result<reqwest::Request, BackendError> {
    let url = reqwest::Url::parse(&request.url)
        .map_err(|error| BackendError::Build { reason: format!("the URL: {error}") })?;
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
        Method::Head => reqwest::Method::HEAD,
    };
    let mut http = reqwest::Request::new(method, url);
    let headers = http.headers_mut();
    for (name, value) in &request.headers {
        let (name, value) = header(name, value)?;
        headers.insert(name, value);
    }
    // A body that is not there is not the same as an empty one, which some servers answer with 411.
    if !request.body.is_empty()
        || matches!(request.method, Method::Post | Method::Put | Method::Patch)
    {
        *http.body_mut() = Some(request.body.into());
    }
    Ok(http)
}

pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), BackendError> {
    let bad = || BackendError::Build {
        reason: format!("header `{name}` has a value that cannot be sent"),
    };
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
    // Whatever is not plainly public may be a credential: never indexed, never printed.
    value.set_sensitive(!matches!(name, "accept" | "content-type" | "soapaction"));
    Ok((parsed, value))
}

async fn read(mut response: reqwest::Response, limit: usize) -> Result<WireResponse, BackendError> {
    let status = response.status().as_u16();
    let headers = to_pairs(response.headers());
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(BackendError::TooLarge { limit });
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0));
    while let Some(chunk) = response.chunk().await.map_err(exchange)? {
        if body.len() + chunk.len() > limit {
            return Err(BackendError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(WireResponse { status, headers, body: body.freeze() })
}

/// Headers that are not text are left out: nothing reads them.
fn to_pairs(headers: &HeaderMap) -> Vec<(Box<str>, Box<str>)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().into(), value.to_str().ok()?.into())))
        .collect()
}

pub(super) fn exchange(error: reqwest::Error) -> BackendError {
    let (is_untrusted, is_connect) = (is_untrusted(&error), error.is_connect());
    let source = Box::new(error.without_url());
    match (is_untrusted, is_connect) {
        (true, _) => BackendError::Untrusted { source },
        (false, true) => BackendError::Connect { source },
        (false, false) => BackendError::Exchange { source },
    }
}

/// Whether what failed is the certificate of the other side: its name, its time, or who signed it.
fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    // what an I/O error carries is not its source, but what it carries has one
    let carried = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match carried {
        Some(carried) => is_untrusted(carried),
        None => error.source().is_some_and(is_untrusted),
    }
}
