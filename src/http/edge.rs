//! What every request passes on its way in and out, in one function, and who answers it.
//!
//! The graph's own address is answered from here. What is asked for less often goes through axum's router, whose layers box and
//! clone for each request.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::FutureExt as _;
use tower::{ServiceExt as _, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::Compression;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

use super::observe::{Observer, observe};
use super::{Server, answer, graphql, origin, routes};
use crate::error::{ErrorCode, RequestError};
use crate::telemetry::trace::Trace;

/// What is known of a request besides what it says.
pub(super) struct Came {
    /// Its address. `None`: it came over no connection.
    pub(super) peer: Option<IpAddr>,
    pub(super) trace: Trace,
}

/// What serves at a listener.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    /// Where the graph is served. `None`: not at this listener.
    graph: Option<origin::Place>,
    routes: Router,
    observer: Observer,
}

impl Edge {
    /// The graph, its page, health.
    pub(super) fn of_graph(server: &Server, is_local: bool) -> Arc<Self> {
        let place = origin::Place { server: server.clone(), is_local };
        let routes = routes(server, place.clone());
        Arc::new(Self { graph: Some(place), routes, observer: server.observer() })
    }

    /// Routes without the graph.
    pub(super) fn of_routes(routes: Router, observer: Observer) -> Arc<Self> {
        Arc::new(Self { graph: None, routes, observer })
    }

    /// What every request passes, the outermost first.
    pub(super) async fn pass(self: Arc<Self>, request: Request, peer: Option<IpAddr>) -> Response {
        // boxed: it is handed on many times before it is read
        let request = Box::new(request);
        let observer = self.observer.clone();
        observe(&observer, request, async |request, trace| {
            let encodings = encodings(&request);
            let answered =
                AssertUnwindSafe(self.answer(request, Came { peer, trace })).catch_unwind().await;
            let response = answered.unwrap_or_else(|_| panicked());
            protect(match encodings {
                Some(encodings) => Box::pin(compress(response, encodings)).await,
                None => response,
            })
        })
        .await
    }

    async fn answer(&self, request: Box<Request>, came: Came) -> Response {
        match &self.graph {
            Some(place) if request.uri().path() == "/graphql" => {
                let server = place.server.clone();
                // boxed: what is around it is moved several times before it is polled
                let handled = |request| Box::pin(graphql::handle(server, request, came));
                origin::admit(place, request, handled).await
            }
            _ => {
                let Ok(response) = Box::pin(self.routes.clone().oneshot(*request)).await;
                response
            }
        }
    }
}

/// The encodings that a client takes, if it says so.
fn encodings(request: &Request) -> Option<HeaderMap> {
    let mut taken = HeaderMap::new();
    for encoding in request.headers().get_all(header::ACCEPT_ENCODING) {
        taken.append(header::ACCEPT_ENCODING, encoding.clone());
    }
    (!taken.is_empty()).then_some(taken)
}

/// The same answer, compressed if its client takes that and it is worth it.
async fn compress(response: Response, encodings: HeaderMap) -> Response {
    // what comes in parts would wait for its end
    let whole = SizeAbove::new(1024)
        .and(NotForContentType::const_new("text/event-stream"))
        .and(NotForContentType::const_new("multipart/"));
    let mut response = Some(response);
    let given = service_fn(move |_: Request<()>| {
        std::future::ready(Ok::<_, Infallible>(response.take().unwrap_or_default()))
    });
    let compression =
        Compression::new(given).gzip(true).quality(CompressionLevel::Fastest).compress_when(whole);
    let mut asked = Request::new(());
    *asked.headers_mut() = encodings;
    let Ok(compressed) = compression.oneshot(asked).await;
    compressed.map(axum::body::Body::new)
}

/// Headers that no answer goes out without. Some answers have others in the place of the last two.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

fn protect(mut response: Response) -> Response {
    for (name, value) in ALWAYS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The last net. What the panic said may hold data, so only its place goes to the log (see `telemetry`).
fn panicked() -> Response {
    let error = RequestError::new(
        ErrorCode::Internal,
        "an internal error; the log has it under this request's id",
    );
    answer::refusal(StatusCode::INTERNAL_SERVER_ERROR, &error)
}
