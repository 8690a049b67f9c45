//! Around every request: its id, its span, its one log line. Never its document, its variables or its query string.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio::time::Instant;

use super::meters::{self, CLIENT_GONE, Meters, NO_ROUTE};
use crate::telemetry::context::LogContext;
use crate::telemetry::span::{Kind, Recorder, Span};
use crate::telemetry::trace::{self, Trace};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// What is around every request.
#[derive(Clone, Debug, Default)]
pub(super) struct Observer {
    pub(super) meters: Arc<Meters>,
    /// `None`: nobody collects traces.
    pub(super) recorder: Option<Arc<Recorder>>,
}

impl Observer {
    /// The span of a request. Whoever probes or scrapes is not worth one.
    fn begin(&self, request: &Request, route: &'static str) -> Span {
        let trace = trace_of(request.headers());
        let trace = match &self.recorder {
            Some(recorder) if !is_quiet(route) => recorder.decide(trace),
            _ => trace,
        };
        let method = known(request.method());
        let is_route = route != NO_ROUTE;
        let mut span = Span::begin(&trace, Kind::Server, || {
            if is_route { format!("{method} {route}").into() } else { method.into() }
        });
        span.set("http.request.method", if method == "HTTP" { "_OTHER" } else { method });
        span.set("url.scheme", "http");
        // a path that is none of ours may be anything
        if is_route {
            span.set("http.route", route);
            // files of the page are quiet: each other route is its own path
            span.set("url.path", route);
        }
        span
    }
}

pub(super) async fn observe(
    observer: &Observer,
    request: Box<Request>,
    answer: impl AsyncFnOnce(Box<Request>, Trace) -> Response,
) -> Response {
    let id = request.headers().get(&REQUEST_ID).filter(|id| is_sane(id));
    let id = id.map_or_else(fresh_id, |id| Bytes::copy_from_slice(id.as_bytes()));
    let route = meters::route(request.uri().path());
    let span = observer.begin(&request, route);
    let context = LogContext::new(id.clone(), span.trace().id());
    let trace = span.trace().clone();
    let meters = Arc::clone(&observer.meters);
    meters.began();
    let (method, start) = (request.method().clone(), Instant::now());
    let line = LogLine { method, route, start, status: None, meters, span };
    context
        .around(async move {
            // the whole of it: it is written when it is dropped
            let mut line = line;
            let mut response = answer(request, trace).await;
            line.status = Some(response.status());
            if let Ok(id) = HeaderValue::from_maybe_shared(id) {
                response.headers_mut().insert(REQUEST_ID, id);
            }
            response
        })
        .await
}

/// A method by its name; `HTTP` for one of a client's own.
fn known(method: &Method) -> &'static str {
    const METHODS: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("HTTP")
}

/// What machines ask all the time.
fn is_quiet(route: &str) -> bool {
    matches!(route, "/livez" | "/readyz" | "/metrics" | "/page/{file}")
}

/// Visible ASCII, and short: it is written to the log and sent back.
fn is_sane(id: &HeaderValue) -> bool {
    (1..=64).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

fn fresh_id() -> Bytes {
    Bytes::from(random_hex())
}

/// 64 bits that nobody outside can predict.
pub(super) fn random_hex() -> String {
    let mut text = String::with_capacity(16);
    trace::push_hex(&mut text, &trace::random().get().to_be_bytes());
    text
}

/// The trace that the caller is in; if it names none, or several, one that begins here.
fn trace_of(headers: &HeaderMap) -> Trace {
    let mut named = headers.get_all(TRACEPARENT).iter();
    let trace = match (named.next(), named.next()) {
        (Some(one), None) => one.to_str().ok().and_then(Trace::read),
        _ => None,
    };
    // without its trace, what another system says of it means nothing
    let state = trace.as_ref().and_then(|_| joined(headers, &TRACESTATE));
    let baggage = joined(headers, &BAGGAGE);
    trace.unwrap_or_else(Trace::begin).carrying(state.as_deref(), baggage.as_deref())
}

/// All lines of a header that is a list.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> =
        headers.get_all(name).iter().map_while(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// Written, and counted, when the request is over, also when it is over because the client went away.
struct LogLine {
    method: Method,
    route: &'static str,
    start: Instant,
    status: Option<StatusCode>,
    meters: Arc<Meters>,
    span: Span,
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let took = self.start.elapsed();
        self.meters.ended(self.route, &self.method, self.status, took);
        let duration_ms = milliseconds(took);
        let (method, route) = (self.method.as_str(), self.route);
        let Some(status) = self.status.map(|status| status.as_u16()) else {
            self.span.set("error.type", CLIENT_GONE);
            tracing::info!(method, route, duration_ms, "the client went away");
            return;
        };
        self.span.set("http.response.status_code", u64::from(status));
        if status >= 500 {
            self.span.fail(Arc::from(status.to_string()));
        }
        match status {
            // a refusal is no fault of ours, and whoever is asked for too much has no time for lines about it
            500..=502 | 504.. => {
                tracing::error!(method, route, status, duration_ms, "request");
            }
            _ if is_quiet(route) => {
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
        assert!(is_sane(&HeaderValue::from_maybe_shared(fresh_id()).unwrap()));
    }
}
