//! The HTTP client of one backend: its pool of connections, over TLS where its URL says so.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Uri};
use hyper_rustls::{
    ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream,
};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use tokio::net::TcpStream;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt as _};
use tower_http::decompression::{Decompression, DecompressionBody};

use super::client::{WireRequest, WireResponse};
use crate::error::BackendError;
use crate::graph::{Auth, Backend, Method, Tls};

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("cyclorama/", env!("CARGO_PKG_VERSION")));
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

/// A connection that nobody uses stays open so long.
const IDLE: Duration = Duration::from_mins(1);
/// A connection whose other side is silent is asked after so long whether it is there, and so often.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_TRIES: u32 = 3;
/// What was sent and is not acknowledged in this time was not received.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, io::Error>;

/// An answer whose head is there.
pub(super) type Opened = hyper::Response<DecompressionBody<hyper::body::Incoming>>;

/// Host and port of an address.
pub(super) fn place(url: &str) -> Option<(String, u16)> {
    let uri = Uri::try_from(url).ok()?;
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some((uri.host()?.to_owned(), uri.port_u16().unwrap_or(usual)))
}

/// Its own pool; it follows no redirect, reads no proxy from the environment, and repeats nothing that was sent.
pub struct Client {
    pool: legacy::Client<Connector, Full<Bytes>>,
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
        let connector = Timeout::new(secured, connect_timeout);
        let pool = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle)
            .build(BoxCloneSyncService::new(connector.map_err(io::Error::other)));
        Self { pool }
    }

    /// Sends a request and reads its whole answer.
    pub(super) async fn send(&self, request: WireRequest) -> Result<WireResponse, BackendError> {
        let limit = request.answer_bytes;
        read(self.open(request).await?, limit).await
    }

    /// Sends a request; its answer's body is still to be read.
    pub(super) async fn open(&self, request: WireRequest) -> Result<Opened, BackendError> {
        let sent = Decompression::new(&self.pool).oneshot(to_http(request)?);
        sent.await.map_err(unsent)
    }
}

/// Whom a client trusts, and what it shows of itself if it is asked to. `whose` says in errors whose settings these are.
fn config(tls: &Tls, whose: &str, is_encrypted: bool) -> Result<ClientConfig, BackendError> {
    let roots = match &tls.ca {
        Some(pem) => Some(authorities(pem, whose)?),
        // Plain HTTP needs no certificates, and must work where the system has none.
        None => (!is_encrypted).then(RootCertStore::empty),
    };
    let builder = verified(roots)?;
    let Some(client) = &tls.client else { return Ok(builder.with_no_client_auth()) };
    let unreadable = || {
        let reason =
            format!("`tls.client_key`{whose} holds no key and certificate that can be read");
        BackendError::Build { reason }
    };
    let certificates = CertificateDer::pem_slice_iter(client.certificate.as_bytes());
    let certificates: Result<Vec<_>, _> = certificates.collect();
    let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).map_err(|_| unreadable())?;
    let certificates = certificates.map_err(|_| unreadable())?;
    builder.with_client_auth_cert(certificates, key).map_err(|_| unreadable())
}

/// Trust in these authorities, or in those of the system.
fn verified(
    roots: Option<RootCertStore>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, BackendError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unready)?;
    match roots {
        None => builder.try_with_platform_verifier().map_err(unready),
        Some(roots) => Ok(builder.with_root_certificates(roots)),
    }
}

/// Whether the backend, or where its access tokens are got, is spoken to over TLS.
fn is_encrypted(backend: &Backend) -> bool {
    let tokens = match &backend.auth {
        Auth::ClientCredentials(client) => Some(&client.token_url),
        _ => None,
    };
    std::iter::once(&backend.url).chain(tokens).any(|url| url.starts_with("https:"))
}

fn unready(error: impl Error + Send + Sync + 'static) -> BackendError {
    BackendError::Connect { source: Box::new(error) }
}

fn authorities(pem: &str, whose: &str) -> Result<RootCertStore, BackendError> {
    let mut roots = RootCertStore::empty();
    let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    let are_read = certificates
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    if !are_read || roots.is_empty() {
        let reason = format!("`tls.ca`{whose} holds no certificate that can be read");
        return Err(BackendError::Build { reason });
    }
    Ok(roots)
}

fn to_http(request: WireRequest) -> Result<Request<Full<Bytes>>, BackendError> {
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
    let mut http = Request::new(Full::new(request.body));
    (*http.method_mut(), *http.uri_mut()) = (method, uri);
    let headers = http.headers_mut();
    headers.reserve(request.headers.len() + 3);
    for (name, value) in &request.headers {
        let (name, value) = header(name, value)?;
        headers.insert(name, value);
    }
    headers.entry(header::USER_AGENT).or_insert(AGENT);
    headers.entry(header::ACCEPT).or_insert(ANYTHING);
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

async fn read(response: Opened, limit: usize) -> Result<WireResponse, BackendError> {
    let (head, mut body) = response.into_parts();
    let (status, headers) = (head.status.as_u16(), to_pairs(&head.headers));
    let announced = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(BackendError::TooLarge { limit });
    }
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or(0));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(exchange)?;
        let Ok(chunk) = frame.into_data() else { continue };
        if bytes.len() + chunk.len() > limit {
            return Err(BackendError::TooLarge { limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(WireResponse { status, headers, body: bytes.freeze() })
}

/// Headers that are not text are left out: nothing reads them.
fn to_pairs(headers: &HeaderMap) -> Vec<(Box<str>, Box<str>)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().into(), value.to_str().ok()?.into())))
        .collect()
}

fn unsent(error: legacy::Error) -> BackendError {
    if error.is_connect() && !is_untrusted(&error) {
        return BackendError::Connect { source: Box::new(error) };
    }
    exchange(Box::new(error))
}

pub(super) fn exchange(source: BoxError) -> BackendError {
    if is_untrusted(&*source) {
        BackendError::Untrusted { source }
    } else {
        BackendError::Exchange { source }
    }
}

/// Whether what failed is the certificate of the other side: its name, its time, or who signed it.
fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    // what an I/O error carries is not its source, but what it carries has one
    let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match carried {
        Some(carried) => is_untrusted(carried),
        None => error.source().is_some_and(is_untrusted),
    }
}
