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
mod edge;
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
mod room;
mod server;
mod socket;
mod turns;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;

pub use crate::config::settings::{Http, StatusProfile};
pub use checks::{Health, check_backends};
pub use health::routes as health_routes;
pub use origin::is_called_by_local_name;
pub use overload::OperationCounts;
pub use reloads::{Reload, ReloadCounts, ReloadOutcome};
pub use server::{Generations, Server, serve, serve_beside};
pub use socket::AdmitSocket;

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

/// Every route of the server but the graph's own, which the edge answers itself.
fn routes(server: &Server, place: origin::Place) -> Router {
    let guarded = Router::new()
        .route("/schema.graphql", get(page::schema))
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .fallback(not_found)
        .method_not_allowed_fallback(get_only)
        .layer(middleware::from_fn_with_state(place, origin::around));
    // whoever asks for health may call the machine what it likes
    guarded.with_state(server.clone()).merge(health_routes(server))
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

#[cfg(test)]
mod tests;
