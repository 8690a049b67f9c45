//! The HTTP client of one backend: its pool of connections, over TLS where its URL says so.

mod content;
mod own;
mod pool;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use tower::BoxError;

use self::content::Content;
use self::pool::{Answer, Pool, Sending};
use self::tls::{config, is_encrypted, is_untrusted};
use super::client::{WireRequest, WireResponse};
use crate::error::BackendError;
use crate::graph::{Backend, Method, Tls};

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("cyclorama/", env!("CARGO_PKG_VERSION")));
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");
const PACKED: HeaderValue = HeaderValue::from_static("gzip");

/// A connection whose other side is silent is asked after so long whether it is there, and so often.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_TRIES: u32 = 3;
/// What was sent and is not acknowledged in this time was not received.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Host and port of an address.
pub(super) fn place(url: &str) -> Option<(String, u16)> {
    let uri = Uri::try_from(url).ok()?;
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some((uri.host()?.to_owned(), uri.port_u16().unwrap_or(usual)))
}

/// Its own pool; it follows no redirect, reads no proxy from the environment, and repeats nothing that was sent.
pub struct Client {
    pool: Arc<Pool>,
}

/// An answer that was read as far as it may be.
pub(super) struct Whole {
    pub(super) head: Parts,
    pub(super) body: Bytes,
    /// There was more.
    pub(super) is_cut: bool,
}

impl Client {
    /// Of a backend.
    pub(super) fn new(backend: &Backend) -> Result<Self, BackendError> {
        let tls = Tls { ca: backend.tls_ca.clone(), client: backend.tls_client.clone() };
        let whose = format!(" of the role {}", backend.role);
        let config = config(&tls, &whose, is_encrypted(backend))?;
        Ok(Self::over(config, backend.connect_timeout, backend.concurrency.max(1)))
    }

    /// Of whoever is at this address, with so many connections kept while nobody uses them.
    pub(super) fn to(
        url: &str,
        tls: &Tls,
        connect_timeout: Duration,
        idle: usize,
    ) -> Result<Self, BackendError> {
        let config = config(tls, "", url.starts_with("https:"))?;
        Ok(Self::over(config, connect_timeout, idle))
    }

    fn over(config: ClientConfig, connect_timeout: Duration, idle: usize) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_TRIES));
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        // TLS included
        let secured: HttpsConnector<HttpConnector> = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        Self { pool: Pool::new(secured, connect_timeout, idle) }
    }

    /// Sends a request and reads its whole answer.
    pub(super) async fn send(&self, request: WireRequest) -> Result<WireResponse, BackendError> {
        let limit = request.answer_bytes;
        let Whole { head, body, is_cut } = self.exchange(request).await?;
        if is_cut {
            return Err(BackendError::TooLarge { limit });
        }
        Ok(WireResponse { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// Sends a request and reads its answer, whose body is cut where it is too large.
    pub(super) async fn exchange(&self, request: WireRequest) -> Result<Whole, BackendError> {
        let limit = request.answer_bytes;
        let mut answer = self.pool.send(to_http(request)?).await?;
        let (body, is_cut) = read(&mut answer, limit).await?;
        let head = if is_cut { answer.head } else { self.pool.give_back(answer) };
        Ok(Whole { head, body, is_cut })
    }
}

fn to_http(request: WireRequest) -> Result<Sending, BackendError> {
    let uri = Uri::try_from(request.url)
        .map_err(|error| BackendError::Build { reason: format!("the URL: {error}") })?;
    let method = match request.method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
        Method::Put => hyper::Method::PUT,
        Method::Patch => hyper::Method::PATCH,
        Method::Delete => hyper::Method::DELETE,
        Method::Head => hyper::Method::HEAD,
    };
    let mut http = Box::new(Request::new(Full::new(request.body)));
    (*http.method_mut(), *http.uri_mut()) = (method, uri);
    let headers = http.headers_mut();
    *headers = request.headers;
    headers.entry(header::USER_AGENT).or_insert(AGENT);
    headers.entry(header::ACCEPT).or_insert(ANYTHING);
    headers.entry(header::ACCEPT_ENCODING).or_insert(PACKED);
    Ok(http)
}

/// The body as far as it may be read, and whether there was more.
async fn read(answer: &mut Answer, limit: usize) -> Result<(Bytes, bool), BackendError> {
    let announced = answer.announced();
    if announced.is_some_and(|length| length > limit) {
        return Ok((Bytes::new(), true));
    }
    let mut content = Content::new(&answer.head.headers, announced, limit);
    while let Some(frame) = answer.frame().await {
        let frame = frame.map_err(|error| exchange(Box::new(error)))?;
        let Ok(chunk) = frame.into_data() else { continue };
        if !content.add(&chunk)? || answer.is_whole() {
            break;
        }
    }
    content.finish()
}

fn exchange(source: BoxError) -> BackendError {
    if is_untrusted(&*source) {
        BackendError::Untrusted { source }
    } else {
        BackendError::Exchange { source }
    }
}
