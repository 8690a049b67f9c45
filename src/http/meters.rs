//! Requests in numbers: by route, method and class of status. All labels are words of this file, so there are only so many.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};

use crate::telemetry::exposition::Exposition;
use crate::telemetry::histogram::{Durations, Histograms};

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
/// Stands in the log for an address that is none of ours.
pub(super) const NO_ROUTE: &str = "-";
/// What files of the page are called.
const FILES: &str = "/page/";
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"];
/// What ended a request that has no status.
pub(super) const CLIENT_GONE: &str = "client_gone";
/// The last one: the client went away before its answer began.
const STATUSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

/// The route that a path means, in logs too: one of this file's words, on whichever listener it is served.
pub(super) fn route(path: &str) -> &'static str {
    let is_file = path.strip_prefix(FILES).is_some_and(|file| !file.contains('/'));
    let path = if is_file { "/page/{file}" } else { path };
    ROUTES.into_iter().find(|route| *route == path && route.starts_with('/')).unwrap_or(NO_ROUTE)
}

#[derive(Debug, Default)]
pub(super) struct Meters {
    requests: Histograms<Asked>,
    running: AtomicU64,
}

/// What requests are told apart by: places in the lists above, and a status of ours; 0: the client went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    route: usize,
    method: usize,
    status: u16,
}

impl Asked {
    fn class(self) -> &'static str {
        usize::from(self.status / 100)
            .checked_sub(1)
            .and_then(|class| STATUSES.get(class))
            .unwrap_or(&"none")
    }
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
        let (route, method) = (place(&ROUTES, route), place(&METHODS, method.as_str()));
        let status = status.map_or(0, |status| status.as_u16());
        self.requests.add(Asked { route, method, status }, took);
    }

    pub(super) fn expose(&self, out: &mut Exposition) {
        let requests = self.requests.read();
        let (mut counts, mut routes) = (BTreeMap::new(), BTreeMap::new());
        for (asked, durations) in &requests {
            let place = STATUSES.iter().position(|class| *class == asked.class());
            *counts.entry((asked.route, asked.method, place)).or_insert(0) += durations.count();
            let all: &mut Durations = routes.entry(asked.route).or_default();
            *all = all.with(durations);
        }
        let family = out.counter(
            "cyclorama_http_requests_total",
            &["route", "method", "status"],
            "Requests that ended, on both listeners; status none: the client went away first.",
        );
        let word = |words: &[&'static str], at: usize| words.get(at).copied().unwrap_or_default();
        for ((route, method, class), count) in counts {
            let class = word(&STATUSES, class.unwrap_or(STATUSES.len()));
            family.sample(&[word(&ROUTES, route), word(&METHODS, method), class], count);
        }
        let family = out.histogram(
            "cyclorama_http_request_duration_seconds",
            &["route"],
            "Time from a request's head to the head of its answer.",
        );
        for (route, durations) in &routes {
            family.durations(&[word(&ROUTES, *route)], durations);
        }
        let family = out.conventional(
            "http.server.request.duration",
            &[
                "http.request.method",
                "url.scheme",
                "http.route",
                "http.response.status_code",
                "error.type",
            ],
            "Time from a request's head to the head of its answer.",
        );
        for (asked, durations) in &requests {
            let (route, method) = (word(&ROUTES, asked.route), word(&METHODS, asked.method));
            let route = if asked.route == ROUTES.len() - 1 { "" } else { route };
            let method = if asked.method == METHODS.len() - 1 { "_OTHER" } else { method };
            let status = if asked.status == 0 { String::new() } else { asked.status.to_string() };
            let error = match asked.status {
                0 => CLIENT_GONE,
                500.. => &status,
                _ => "",
            };
            family.durations(&[method, "http", route, &status, error], durations);
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
    fn a_path_that_is_no_route_has_no_name() {
        for (path, name) in [
            ("/graphql", "/graphql"),
            ("/", "/"),
            ("/page/index.js", "/page/{file}"),
            ("/page/a/b", "-"),
            ("/graphql/", "-"),
            ("other", "-"),
        ] {
            assert_eq!(route(path), name, "{path}");
        }
    }

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
        let text = out.to_text();
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
        assert!(out.to_text().contains(sample));
    }
}
