//! The HTTP edge: routes, media types, statuses, the query page, health, and the way in and out of a request.
//!
//! Takes: HTTP requests, an engine, the deployment's settings.
//! Gives: GraphQL over HTTP answers whose bytes the engine wrote; one log line for each request.
//! Never: parses a document itself, or lets a request that needed no preflight change anything.

mod accept;
mod answer;
mod graphql;
mod observe;
mod page;
mod request;
mod socket;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{any, get};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

pub use crate::config::settings::{Http, StatusProfile};

use crate::engine::Engine;
use crate::error::{ErrorCode, RequestError};

/// What a deployment decides about its HTTP edge.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Serve the query page at `/`.
    pub graphiql: bool,
    pub http: Http,
    pub examples: Examples,
}

/// Values that the prepared queries of the page begin with.
#[derive(Clone, Debug)]
pub struct Examples {
    pub email: String,
    pub ticket_id: String,
}

impl Default for Examples {
    fn default() -> Self {
        Self { email: "someone@example.com".to_owned(), ticket_id: "the id of a ticket".to_owned() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { graphiql: true, http: Http::default(), examples: Examples::default() }
    }
}

/// One graph at one address.
#[derive(Debug)]
pub struct Gateway {
    engine: Arc<Engine>,
    settings: Settings,
    page: Option<page::Page>,
    schema_etag: HeaderValue,
    /// Turns true once; open sockets listen to it.
    draining: watch::Sender<bool>,
}

impl Gateway {
    pub fn new(engine: Arc<Engine>, settings: Settings) -> Arc<Self> {
        let page = settings.graphiql.then(|| page::Page::new(engine.graph(), &settings.examples));
        let schema_etag = page::etag(engine.graph().sdl.as_bytes());
        Arc::new(Self { engine, settings, page, schema_etag, draining: watch::Sender::new(false) })
    }
}

/// Every route of the server, and what each request passes on its way to one.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let routes = Router::new()
        .route("/graphql", any(graphql::handle))
        .route("/schema.graphql", get(page::schema))
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .fallback(not_found)
        .method_not_allowed_fallback(get_only);
    wrapped(routes).with_state(gateway)
}

/// What every request passes, the outermost last.
fn wrapped<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes
        .layer(CompressionLayer::new().gzip(true).compress_when(SizeAbove::new(1024)))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::map_response(protect))
        .layer(middleware::from_fn(observe::observe))
}

/// Serves until `stop` is ready, then lets running requests finish for as long as the settings allow.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let grace = gateway.settings.http.grace;
    let mut draining = gateway.draining.subscribe();
    let drain = {
        let gateway = Arc::clone(&gateway);
        async move {
            stop.await;
            tracing::info!("stopping: no new connections, running requests finish");
            gateway.draining.send_replace(true);
        }
    };
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    let overtime = async move {
        // it cannot fail: the gateway holds the sender
        drop(draining.wait_for(|is_draining| *is_draining).await);
        drop(draining);
        tokio::time::sleep(grace).await;
    };
    let finish = async {
        axum::serve(listener, router(Arc::clone(&gateway))).with_graceful_shutdown(drain).await?;
        // WebSockets are no requests to the server; they are over when nobody listens any more
        gateway.draining.closed().await;
        Ok(())
    };
    tokio::select! {
        result = finish => result,
        () = overtime => {
            tracing::warn!(grace_ms = grace.as_millis(), "stopped with requests still running");
            Ok(())
        }
    }
}

async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz(State(gateway): State<Arc<Gateway>>) -> (StatusCode, &'static str) {
    if *gateway.draining.borrow() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

async fn not_found(uri: Uri) -> Response {
    let message = format!("nothing is served at {}; the graph is at /graphql", uri.path());
    answer::refusal(StatusCode::NOT_FOUND, &RequestError::new(ErrorCode::BadRequest, message))
}

async fn get_only() -> Response {
    let error = RequestError::new(ErrorCode::MethodNotAllowed, "this address answers GET only");
    let mut response = answer::refusal(StatusCode::METHOD_NOT_ALLOWED, &error);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// Headers that no answer goes out without.
async fn protect(mut response: Response) -> Response {
    const ALWAYS: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// The last net. What the panic said may hold data, so only its place goes to the log (see `telemetry`).
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let error = RequestError::new(
        ErrorCode::Internal,
        "an internal error; the log has it under this request's id",
    );
    answer::refusal(StatusCode::INTERNAL_SERVER_ERROR, &error)
}

#[cfg(test)]
mod tests;
