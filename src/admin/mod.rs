//! The admin listener: what whoever runs the process asks it, and tells it.
//!
//! Takes: requests at an address of its own, by default of this machine alone; a token elsewhere.
//! Gives: reloads, dropped cache entries, health, the state of the process as JSON, its metrics, a status page.
//! Never: shows data, documents or secrets, or obeys a page in somebody's browser.

mod access;
mod backend_metrics;
mod invalidate;
mod metrics;
mod state;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::config::settings::Secret;
use crate::http::{self, Reload, ReloadOutcome, Server};

pub use metrics::all as metrics;

/// Who reads the files when told to, and says what came of it.
pub type Reloader = mpsc::Sender<oneshot::Sender<Reload>>;

#[derive(Clone, Debug)]
struct Admin {
    server: Server,
    reloader: Reloader,
    access: Arc<access::Access>,
}

/// Every route of the admin listener.
pub fn routes(server: &Server, reloader: Reloader, token: Option<&Secret>) -> Router {
    let access = Arc::new(access::Access::new(token));
    let admin = Admin { server: server.clone(), reloader, access };
    Router::new()
        .route("/reload", post(reload))
        .route("/invalidate", post(invalidate::handle))
        .route("/state", get(state::handle))
        .route("/metrics", get(metrics::handle))
        .route("/status", get(status::handle))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(admin.clone(), admit))
        .with_state(admin)
        // whoever probes has no token, and learns nothing that it may not
        .merge(http::health_routes(server))
}

/// Around every request but those for health.
async fn admit(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    match admin.access.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            let mut response = problem(refusal.status, refusal.message);
            if refusal.status == StatusCode::UNAUTHORIZED {
                let scheme = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            response
        }
    }
}

/// Reads the files anew, and answers when their graph serves or was refused.
async fn reload(State(admin): State<Admin>) -> Response {
    let (answer, answered) = oneshot::channel();
    let told = admin.reloader.send(answer).await;
    let reload = match told {
        Ok(()) => answered.await.ok(),
        Err(_) => None,
    };
    let Some(reload) = reload else {
        let message = "the server is stopping, or the files were not read from a disk";
        return problem(StatusCode::SERVICE_UNAVAILABLE, message);
    };
    let status = match reload.outcome {
        ReloadOutcome::Applied | ReloadOutcome::Unchanged => StatusCode::OK,
        ReloadOutcome::Refused => StatusCode::UNPROCESSABLE_ENTITY,
    };
    answer_with(status, &reload.to_json())
}

async fn not_found() -> Response {
    let message = "there are POST /reload, POST /invalidate, GET /metrics, /status, /state, /livez and /readyz";
    problem(StatusCode::NOT_FOUND, message)
}

/// An answer that says what is wrong (RFC 9457).
fn problem(status: StatusCode, detail: impl Into<Value>) -> Response {
    let body = json!({ "status": status.as_u16(), "detail": detail.into() });
    let mut response = answer_with(status, &body);
    let media = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}

fn answer_with(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(format!("{body:#}\n")));
    *response.status_mut() = status;
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}
