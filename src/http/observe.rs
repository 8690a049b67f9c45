//! Around every request: its id, its span, its one log line. Never its document, its variables or its query string.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::meters::Meters;
use crate::telemetry::trace::{self, Trace};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub(super) async fn observe(
    State(meters): State<Arc<Meters>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request
        .headers()
        .get(&REQUEST_ID)
        .filter(|id| is_sane(id))
        .cloned()
        .unwrap_or_else(fresh_id);
    let trace = trace_of(request.headers());
    request.extensions_mut().insert(trace);
    let route =
        request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let span = tracing::error_span!(
        "request",
        request_id = id.to_str().unwrap_or_default(),
        trace_id = trace.id(),
        operation = tracing::field::Empty,
    );
    meters.began();
    let (method, start) = (request.method().clone(), Instant::now());
    let line = LogLine { method, route, start, status: None, meters };
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

/// 64 bits that nobody outside can predict.
pub(super) fn random_hex() -> String {
    format!("{:016x}", trace::random())
}

/// The trace that the caller is in; if it names none, or several, one that begins here.
fn trace_of(headers: &HeaderMap) -> Trace {
    let mut named = headers.get_all(TRACEPARENT).iter();
    let trace = match (named.next(), named.next()) {
        (Some(one), None) => one.to_str().ok().and_then(Trace::read),
        _ => None,
    };
    trace.unwrap_or_else(Trace::begin)
}

/// Written, and counted, when the request is over, also when it is over because the client went away.
struct LogLine {
    method: axum::http::Method,
    route: String,
    start: Instant,
    status: Option<StatusCode>,
    meters: Arc<Meters>,
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let took = self.start.elapsed();
        self.meters.ended(&self.route, &self.method, self.status, took);
        let duration_ms = milliseconds(took);
        let (method, route) = (self.method.as_str(), self.route.as_str());
        let Some(status) = self.status.map(|status| status.as_u16()) else {
            tracing::info!(method, route, duration_ms, "the client went away");
            return;
        };
        match (status, route) {
            (500.., _) => tracing::error!(method, route, status, duration_ms, "request"),
            (_, "/livez" | "/readyz" | "/metrics" | "/page/{file}") => {
                tracing::debug!(method, route, status, duration_ms, "request");
            }
            _ => tracing::info!(method, route, status, duration_ms, "request"),
        }
    }
}

/// Milliseconds to the microsecond: what is finer is noise.
fn milliseconds(duration: Duration) -> f64 {
    let rounded = duration.saturating_add(Duration::from_nanos(500));
    let seconds = u32::try_from(rounded.as_secs()).unwrap_or(u32::MAX);
    // a whole number up to the last step
    (f64::from(seconds) * 1e6 + f64::from(rounded.subsec_micros())) / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_behind_the_point_and_no_noise() {
        for (nanos, shown) in [
            (0, "0"),
            (499, "0"),
            (500, "0.001"),
            (42_679_505, "42.68"),
            (42_679_405, "42.679"),
            (1_100_000, "1.1"),
            (2_999_999_999, "3000"),
            (86_399_123_456_989, "86399123.457"),
        ] {
            assert_eq!(milliseconds(Duration::from_nanos(nanos)).to_string(), shown, "{nanos}");
        }
    }

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
