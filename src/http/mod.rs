//! The HTTP edge: routes, media types, statuses, the query page, health, and the way in and out of a request.
//!
//! Takes: HTTP requests, an engine, the deployment's settings.
//! Gives: GraphQL over HTTP answers whose bytes the engine wrote; one log line for each request.
//! Never: parses a document itself, or lets a request that needed no preflight change anything.

mod accept;
mod admit;
mod answer;
mod batch;
mod checks;
mod events;
mod graphql;
mod health;
mod listen;
mod observe;
mod origin;
mod overload;
mod meters;
mod multipart;
mod page;
mod rate;
mod reloads;
mod request;
mod server;
mod socket;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{any, get};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

pub use crate::config::settings::{Http, StatusProfile};
pub use checks::{Health, check_backends};
pub use health::routes as health_routes;
pub use origin::is_called_by_local_name;
pub use overload::OperationCounts;
pub use reloads::{Reload, ReloadCounts, ReloadOutcome};
pub use server::{Generations, Server, serve, serve_beside};
pub use socket::AdmitSocket;

use observe::Observer;
use server::Gateway;

use crate::error::{ErrorCode, RequestError};

/// What a deployment decides about its HTTP edge.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Serve the query page at `/`.
    pub graphiql: bool,
    pub http: Http,
    pub examples: Examples,
    pub admit_socket: AdmitSocket,
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
        Self {
            graphiql: true,
            http: Http::default(),
            examples: Examples::default(),
            admit_socket: socket::admit_all,
        }
    }
}

/// Every route of the server, and what each request passes on its way to one.
fn router(server: &Server, is_local: bool) -> Router {
    let place = origin::Place { server: server.clone(), is_local };
    let guarded = Router::new()
        .route("/graphql", any(graphql::handle))
        .route("/schema.graphql", get(page::schema))
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .fallback(not_found)
        .method_not_allowed_fallback(get_only)
        .layer(middleware::from_fn_with_state(place, origin::admit));
    // whoever asks for health may call the machine what it likes
    wrapped(guarded.with_state(server.clone()).merge(health_routes(server)), server.observer())
}

/// What every request passes, the outermost last.
fn wrapped<S: Clone + Send + Sync + 'static>(routes: Router<S>, observer: Observer) -> Router<S> {
    // what comes in parts would wait for its end
    let whole = SizeAbove::new(1024)
        .and(NotForContentType::const_new("text/event-stream"))
        .and(NotForContentType::const_new("multipart/"));
    routes
        .layer(
            CompressionLayer::new()
                .gzip(true)
                .quality(CompressionLevel::Fastest)
                .compress_when(whole),
        )
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::map_response(protect))
        .layer(middleware::from_fn_with_state(observer, observe::observe))
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
