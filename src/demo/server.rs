//! One demo backend on its port: counts, waits, fails or answers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Role;
use super::world::{World, lock};

const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A request, as far as the demo backends look at it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// Percent-decoded, without the empty one before the first slash.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a str,
}

impl Asked<'_> {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What a backend says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// For the count of calls: `search_contacts`.
    pub(crate) endpoint: &'static str,
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(endpoint: &'static str, status: u16, body: &serde_json::Value) -> Self {
        Self { endpoint, status, content_type: "application/json", body: body.to_string() }
    }
}

/// Answers one request. Pure apart from the changes that it makes to the world.
pub(crate) type Answer = fn(&World, &Asked<'_>) -> Reply;

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) role: Role,
    pub(crate) world: Arc<World>,
    pub(crate) answer: Answer,
    pub(crate) latency: Duration,
    pub(crate) is_failing: bool,
    pub(crate) calls: Mutex<BTreeMap<&'static str, u64>>,
}

/// A running backend; it stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) site: Arc<Site>,
    _stop: oneshot::Sender<()>,
}

pub(crate) async fn run(site: Site) -> std::io::Result<Running> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let site = Arc::new(site);
    let app = axum::Router::new().fallback(handle).with_state(Arc::clone(&site));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        // dropping the sender is the signal
        stopped.await.unwrap_or_default();
    });
    tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::warn!(%error, "a demo backend stopped");
        }
    });
    Ok(Running { address, site, _stop: stop })
}

async fn handle(State(site): State<Arc<Site>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.map(|bytes| String::from_utf8(bytes.into()));
    let Ok(Ok(body)) = body else {
        return respond(
            StatusCode::BAD_REQUEST,
            "text/plain",
            "a body of UTF-8, please".to_owned(),
        );
    };
    let query = Query::<Vec<(String, String)>>::try_from_uri(&head.uri)
        .map(|Query(pairs)| pairs)
        .unwrap_or_default();
    let asked = Asked {
        method: head.method.as_str(),
        path: head.uri.path().split('/').skip(1).map(decode).collect(),
        query,
        headers: &head.headers,
        body: &body,
    };
    if !site.latency.is_zero() {
        tokio::time::sleep(site.latency).await;
    }
    if site.is_failing {
        *lock(&site.calls).entry("refused").or_default() += 1;
        let text = format!(
            "<html><body><h1>503</h1>The {} demo is down for maintenance.</body></html>",
            site.role
        );
        return respond(StatusCode::SERVICE_UNAVAILABLE, "text/html", text);
    }
    let reply = (site.answer)(&site.world, &asked);
    *lock(&site.calls).entry(reply.endpoint).or_default() += 1;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, reply.content_type, reply.body)
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// `%41` and its like, once.
fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
