//! Requests in numbers: by route, method and class of status. All labels are words of this file, so there are only so many.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};

use crate::telemetry::exposition::Exposition;
use crate::telemetry::histogram::Histogram;

/// The last one is whatever is none of the others.
const ROUTES: [&str; 12] = [
    "/graphql",
    "/",
    "/schema.graphql",
    "/page/{file}",
    "/livez",
    "/readyz",
    "/metrics",
    "/status",
    "/state",
    "/reload",
    "/invalidate",
    "other",
];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"];
/// The last one: the client went away before its answer began.
const STATUSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

#[derive(Debug, Default)]
pub(super) struct Meters {
    routes: [Route; ROUTES.len()],
    running: AtomicU64,
}

#[derive(Debug, Default)]
struct Route {
    counts: [[AtomicU64; STATUSES.len()]; METHODS.len()],
    durations: Histogram,
}

impl Meters {
    pub(super) fn began(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    /// `status` is `None` if the client went away.
    pub(super) fn ended(
        &self,
        route: &str,
        method: &Method,
        status: Option<StatusCode>,
        took: Duration,
    ) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        let Some(route) = self.routes.get(place(&ROUTES, route)) else { return };
        let class = status.map_or(0, |status| usize::from(status.as_u16() / 100));
        let class = class.checked_sub(1).unwrap_or(STATUSES.len() - 1);
        let counts = route.counts.get(place(&METHODS, method.as_str()));
        if let Some(count) = counts.and_then(|counts| counts.get(class)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        route.durations.add(took);
    }

    pub(super) fn expose(&self, out: &mut Exposition) {
        let mut family = out.counter(
            "cyclorama_http_requests_total",
            &["route", "method", "status"],
            "Requests that ended, on both listeners; status none: the client went away first.",
        );
        for (route, name) in self.routes.iter().zip(ROUTES) {
            for (counts, method) in route.counts.iter().zip(METHODS) {
                for (count, status) in counts.iter().zip(STATUSES) {
                    match count.load(Ordering::Relaxed) {
                        0 => {}
                        count => {
                            family.sample(&[name, method, status], count);
                        }
                    }
                }
            }
        }
        let mut family = out.histogram(
            "cyclorama_http_request_duration_seconds",
            &["route"],
            "Time from a request's head to the head of its answer.",
        );
        for (route, name) in self.routes.iter().zip(ROUTES) {
            let durations = route.durations.read();
            if durations.count() > 0 {
                family.durations(&[name], &durations);
            }
        }
        let running = self.running.load(Ordering::Relaxed);
        out.gauge("cyclorama_http_requests_running", &[], "Requests whose answer has not begun.")
            .sample(&[], running);
    }
}

/// The place of a word; that of the last one if it is not there.
fn place(words: &[&str], word: &str) -> usize {
    words.iter().position(|one| *one == word).unwrap_or(words.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_clients_send_there_are_only_so_many_series() {
        let meters = Meters::default();
        for number in 0..10_000_u16 {
            meters.began();
            let method = Method::from_bytes(format!("M{number}").as_bytes()).unwrap();
            let status = StatusCode::from_u16(100 + number % 900).ok();
            meters.ended(&format!("/{number}"), &method, status, Duration::ZERO);
        }
        let mut out = Exposition::default();
        meters.expose(&mut out);
        let text = out.into_text();
        assert!(text.lines().count() < 40, "{text}");
        assert!(text.contains("{route=\"other\",method=\"other\",status=\"4xx\"} "), "{text}");
        assert!(
            text.contains("cyclorama_http_request_duration_seconds_count{route=\"other\"} 10000\n")
        );
        assert!(text.contains("cyclorama_http_requests_running 0\n"));
    }

    #[test]
    fn a_client_that_went_away_has_no_status() {
        let meters = Meters::default();
        meters.began();
        meters.ended("/graphql", &Method::POST, None, Duration::from_millis(7));
        let mut out = Exposition::default();
        meters.expose(&mut out);
        let sample =
            "cyclorama_http_requests_total{route=\"/graphql\",method=\"POST\",status=\"none\"} 1\n";
        assert!(out.into_text().contains(sample));
    }
}
