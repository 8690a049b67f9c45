//! Around every request: its id, its span, its one log line. Never its document, its variables or its query string.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn observe(request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(&REQUEST_ID)
        .filter(|id| is_sane(id))
        .cloned()
        .unwrap_or_else(fresh_id);
    let route =
        request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let span = tracing::error_span!(
        "request",
        request_id = id.to_str().unwrap_or_default(),
        operation = tracing::field::Empty,
    );
    let line =
        LogLine { method: request.method().clone(), route, start: Instant::now(), status: None };
    async move {
        let mut line = line;
        let mut response = next.run(request).await;
        line.status = Some(response.status());
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }
    .instrument(span)
    .await
}

/// Visible ASCII, and short: it is written to the log and sent back.
fn is_sane(id: &HeaderValue) -> bool {
    (1..=64).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

fn fresh_id() -> HeaderValue {
    HeaderValue::from_str(&random_hex()).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

/// 64 bits that nobody outside can predict: a counter under a keyed hash whose key the system chose.
pub(super) fn random_hex() -> String {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}", KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// Written when the request is over, also when it is over because the client went away.
struct LogLine {
    method: axum::http::Method,
    route: String,
    start: Instant,
    status: Option<StatusCode>,
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let duration_ms = self.start.elapsed().as_secs_f64() * 1e3;
        let (method, route) = (self.method.as_str(), self.route.as_str());
        let Some(status) = self.status.map(|status| status.as_u16()) else {
            tracing::info!(method, route, duration_ms, "the client went away");
            return;
        };
        match (status, route) {
            (500.., _) => tracing::error!(method, route, status, duration_ms, "request"),
            (_, "/livez" | "/readyz" | "/page/{file}") => {
                tracing::debug!(method, route, status, duration_ms, "request");
            }
            _ => tracing::info!(method, route, status, duration_ms, "request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_visible_ascii_is_taken_as_a_request_id() {
        for (id, sane) in [
            ("a-1", true),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
            ("a b", false),
            ("", false),
        ] {
            assert_eq!(is_sane(&HeaderValue::from_str(id).unwrap()), sane, "{id:?}");
        }
        assert!(!is_sane(&HeaderValue::from_bytes(b"caf\xc3\xa9").unwrap()));
    }

    #[test]
    fn fresh_ids_differ() {
        assert_ne!(fresh_id(), fresh_id());
        assert!(is_sane(&fresh_id()));
    }
}
