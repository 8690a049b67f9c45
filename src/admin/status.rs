//! `GET /status`: how each backend is and was in the last hour, in words, for people; the same as JSON for programs.
//!
//! The page has no script and nothing from elsewhere, and says nothing of what clients asked.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Admin, answer_with};
use crate::engine::figures::{Figures, GroupFigures, Phase};
use crate::http::{Health, ReloadOutcome, Server};
use crate::telemetry::histogram::Durations;

const STYLE: &str = include_str!("status.css");

/// What the page may load: the style that stands in it, and nothing else.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    use base64::Engine as _;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// What the page and its JSON tell.
struct Status {
    ready: &'static str,
    files: String,
    backends: Vec<BackendStatus>,
    cache: CacheStatus,
}

struct BackendStatus {
    role: String,
    vendor: String,
    /// In plain words.
    state: String,
    is_well: bool,
    /// Of the last hour.
    attempts: u64,
    failed: u64,
    p50: Option<Duration>,
    p95: Option<Duration>,
    /// Attempts and failures of each minute in which there were some: how many minutes ago.
    minutes: Vec<(u64, u64, u64)>,
}

struct CacheStatus {
    entries: u64,
    bytes: u64,
    hits: u64,
    misses: u64,
}

pub(super) async fn handle(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    let status = Status::of(&admin.server);
    if wants_json(&headers) {
        return answer_with(StatusCode::OK, &status.to_json());
    }
    let mut response = Response::new(Body::from(status.to_html()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Whoever names JSON and not HTML.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let accept = accept.unwrap_or_default().to_ascii_lowercase();
    accept.contains("application/json") && !accept.contains("text/html")
}

impl Status {
    fn of(server: &Server) -> Self {
        let engine = server.engine();
        let counts = engine.cache_counts();
        let graph = server.generations().current;
        let files = match server.reloads().1 {
            Some(last) if last.outcome == ReloadOutcome::Refused => {
                format!(
                    "Graph {graph} serves. The files that came after it have errors and were refused."
                )
            }
            _ => format!("Graph {graph} serves."),
        };
        let health = server.health();
        let figures = engine.backends();
        let backends = figures.iter().map(|figures| {
            let found = health.iter().find(|(role, _)| *role == figures.role);
            BackendStatus::of(figures, found.and_then(|(_, health)| health.as_ref()))
        });
        Self {
            ready: readiness(server),
            files,
            backends: backends.collect(),
            cache: CacheStatus {
                entries: counts.entries,
                bytes: counts.bytes,
                hits: counts.hits,
                misses: counts.misses,
            },
        }
    }

    fn to_json(&self) -> Value {
        let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
        let backends = self.backends.iter().map(|one| {
            let minutes = one.minutes.iter().map(|(ago, attempts, failed)| {
                json!({ "minutesAgo": ago, "attempts": attempts, "failed": failed })
            });
            json!({
                "role": one.role,
                "vendor": one.vendor,
                "state": one.state,
                "well": one.is_well,
                "lastHour": {
                    "attempts": one.attempts,
                    "failed": one.failed,
                    "p50Seconds": seconds(one.p50),
                    "p95Seconds": seconds(one.p95),
                    "minutes": minutes.collect::<Vec<_>>(),
                },
            })
        });
        let cache = &self.cache;
        json!({
            "ready": self.ready,
            "files": self.files,
            "backends": backends.collect::<Vec<_>>(),
            "cache": { "entries": cache.entries, "bytes": cache.bytes, "hits": cache.hits, "misses": cache.misses },
        })
    }

    /// Writing to a string cannot fail.
    fn to_html(&self) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>Cyclorama: status</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Cyclorama</h1>\n<p>{} {}</p>\n<h2>Backends</h2>\n\
             <table>\n<tr><th>Backend</th><th>Now</th><th>Requests in the last hour</th><th>Failed</th><th>Half within</th><th>95 % within</th><th>Minute by minute, now at the right</th></tr>\n",
            escaped(self.ready),
            escaped(&self.files),
        );
        self.backends.iter().for_each(|one| one.write_row(&mut page));
        let CacheStatus { entries, bytes, hits, misses } = self.cache;
        let found = percent(hits, hits + misses);
        writeln!(
            page,
            "</table>\n<h2>Cache</h2>\n<p>{entries} entries, {} KiB. {} keys were looked up since this graph began, of which it held {found}.</p>\n</body>\n</html>",
            bytes / 1024,
            hits + misses,
        )
        .ok();
        page
    }
}

fn readiness(server: &Server) -> &'static str {
    match (server.is_ready(), server.is_leaving()) {
        (true, _) => "Ready.",
        (false, true) => "Stopping: what runs is finished, nothing new should be sent here.",
        (false, false) => "Overloaded: nothing more should be sent here for a while.",
    }
}

impl BackendStatus {
    fn of(figures: &Figures, health: Option<&Health>) -> Self {
        let minutes = &figures.minutes;
        let sum = |of: fn(&crate::engine::figures::Minute) -> u64| minutes.iter().map(of).sum();
        let durations =
            minutes.iter().fold(Durations::default(), |all, one| all.with(&one.durations));
        let attempts: u64 = sum(|one| one.attempts);
        let failed: u64 = sum(|one| one.failed);
        let recent = minutes.iter().filter(|one| one.ago < 5);
        let recent = recent
            .fold((0, 0), |(attempts, failed), one| (attempts + one.attempts, failed + one.failed));
        let (mut state, mut is_well) = words(figures, attempts, recent);
        if let Some(code) = health.and_then(|health| health.problem) {
            state = format!("{state} Its health check fails ({}).", code.as_str());
            is_well = false;
        }
        Self {
            role: figures.role.to_string(),
            vendor: figures.vendor.to_string(),
            state,
            is_well,
            attempts,
            failed,
            p50: durations.percentile(50),
            p95: durations.percentile(95),
            minutes: minutes.iter().map(|one| (one.ago, one.attempts, one.failed)).collect(),
        }
    }

    fn write_row(&self, page: &mut String) {
        let class = if self.is_well { "well" } else { "unwell" };
        write!(
            page,
            "<tr><td>{} <small>{}</small></td><td class=\"{class}\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"hour\">",
            escaped(&self.role),
            escaped(&self.vendor),
            escaped(&self.state),
            self.attempts,
            self.failed,
            about(self.p50),
            about(self.p95),
        )
        .ok();
        for ago in (0..60).rev() {
            let minute = self.minutes.iter().find(|(one, ..)| *one == ago);
            let (class, attempts, failed) = match minute {
                None => ("none", 0, 0),
                Some((_, attempts, 0)) => ("well", *attempts, 0),
                Some((_, attempts, failed)) => ("unwell", *attempts, *failed),
            };
            write!(page, "<i class=\"{class}\" title=\"{ago} min ago: {attempts} requests, {failed} failed\"></i>").ok();
        }
        page.push_str("</td></tr>\n");
    }
}

/// How a backend is, worst first, and whether that is well. `recent`: attempts and failures of the last minutes.
fn words(figures: &Figures, attempts: u64, (recent, failed): (u64, u64)) -> (String, bool) {
    if let Some(names) = names(figures, |group| group.breaker == Phase::Open) {
        return (format!("Left alone after failures{names}: it is tried again soon."), false);
    }
    if let Some(names) = names(figures, |group| group.breaker == Phase::HalfOpen) {
        return (format!("Being tried again after failures{names}."), false);
    }
    let paused =
        figures.groups.iter().filter_map(|group| group.quota).map(|quota| quota.paused_for);
    if let Some(pause) = paused.max().filter(|pause| !pause.is_zero()) {
        return (format!("Asked for a pause: {} s are left of it.", pause.as_secs() + 1), false);
    }
    if let Some(names) = names(figures, |group| group.usual.is_slow) {
        return (format!("Much slower than usual{names}."), false);
    }
    match (attempts, recent, failed) {
        (0, ..) => ("Not needed in the last hour.".to_owned(), true),
        (_, 0, _) => ("Not needed in the last minutes.".to_owned(), true),
        (_, _, 0) => ("Answers.".to_owned(), true),
        (_, all, failed) if failed == all => {
            ("Fails: no answer in the last minutes.".to_owned(), false)
        }
        (_, all, failed) => (
            format!("Answers, but {} of the last minutes' requests failed.", percent(failed, all)),
            false,
        ),
    }
}

/// The groups of which something is so; nothing where it is so of all, and `None` where it is of none.
fn names(figures: &Figures, is_so: impl Fn(&GroupFigures) -> bool) -> Option<String> {
    let names = figures.groups.iter().filter(|group| is_so(group)).map(|group| &*group.name);
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => None,
        all if all == figures.groups.len() => Some(String::new()),
        _ => Some(format!(" ({})", names.join(", "))),
    }
}

fn percent(part: u64, all: u64) -> String {
    let tenths = part.saturating_mul(1_000) / all.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn about(duration: Option<Duration>) -> String {
    match duration {
        None => "–".to_owned(),
        Some(duration) if duration >= Duration::from_secs(10) => "10 s or more".to_owned(),
        Some(duration) => format!("about {} ms", duration.as_millis().max(1)),
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::figures::{QuotaFigures, Usual};

    fn group(name: &str) -> GroupFigures {
        let quota = Some(QuotaFigures {
            left: None,
            limit: None,
            paused_for: Duration::ZERO,
            waiting: 0,
            refused: 0,
        });
        GroupFigures { name: name.into(), quota, ..GroupFigures::default() }
    }

    #[test]
    fn a_backend_that_is_not_as_it_should_be_is_told_in_words_the_worst_first() {
        let mut figures =
            Figures { groups: vec![group("default"), group("search")], ..Figures::default() };
        let mut told = |change: &dyn Fn(&mut [GroupFigures])| {
            change(&mut figures.groups);
            let (words, is_well) = words(&figures, 9, (9, 0));
            assert_eq!(is_well, words == "Answers.");
            words
        };
        assert_eq!(told(&|_| ()), "Answers.");
        let slow = told(&|groups| groups[1].usual = Usual { is_slow: true, ..Usual::default() });
        assert_eq!(slow, "Much slower than usual (search).");
        let paused = told(&|groups| {
            groups[0].quota.as_mut().unwrap().paused_for = Duration::from_millis(6_500);
        });
        assert_eq!(paused, "Asked for a pause: 7 s are left of it.");
        let probed = told(&|groups| groups[0].breaker = Phase::HalfOpen);
        assert_eq!(probed, "Being tried again after failures (default).");
        let open = told(&|groups| groups[1].breaker = Phase::Open);
        assert_eq!(open, "Left alone after failures (search): it is tried again soon.");
        let all = told(&|groups| groups[0].breaker = Phase::Open);
        assert_eq!(all, "Left alone after failures: it is tried again soon.");
    }

    #[test]
    fn names_of_files_are_text_on_the_page() {
        assert_eq!(escaped("<b a='\"&"), "&lt;b a=&#39;&quot;&amp;");
    }

    #[test]
    fn json_is_for_who_asks_for_it_and_not_for_a_browser() {
        for (accept, json) in [
            ("application/json", true),
            ("text/html,application/xhtml+xml,application/json;q=0.9", false),
            ("*/*", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_json(&headers), json, "{accept}");
        }
    }

    #[test]
    fn shares_and_times_are_told_as_people_say_them() {
        assert_eq!((percent(1, 3), percent(0, 0)), ("33.3 %".to_owned(), "0.0 %".to_owned()));
        assert_eq!(about(Some(Duration::from_micros(1_200))), "about 1 ms");
        assert_eq!(about(Some(Duration::from_secs(10))), "10 s or more");
    }
}
