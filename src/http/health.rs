//! Health: whether the process lives, and whether requests should be sent to it.
//!
//! A backend that is down makes nobody unready: the others are answered.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::get;

use super::{Health, ReloadOutcome, Server, get_only};

/// The addresses of health, on whatever listener.
pub fn routes(server: &Server) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .method_not_allowed_fallback(get_only)
        .with_state(server.clone())
}

async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz(State(server): State<Server>, uri: Uri) -> (StatusCode, String) {
    let (status, word) = if server.is_leaving() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else if server.is_overloaded() {
        (StatusCode::SERVICE_UNAVAILABLE, "overloaded\n")
    } else {
        (StatusCode::OK, "ready\n")
    };
    let mut text = word.to_owned();
    if is_verbose(&uri) {
        more(&server, &mut text);
    }
    (status, text)
}

fn is_verbose(uri: &Uri) -> bool {
    let mut pairs = uri.query().unwrap_or_default().split('&');
    pairs.any(|pair| pair.split('=').next() == Some("verbose"))
}

/// A line for each thing that may be well or not. Writing to a string cannot fail.
fn more(server: &Server, text: &mut String) {
    let graph = server.generations().current;
    match server.reloads().1 {
        Some(last) if last.outcome == ReloadOutcome::Refused => {
            let errors = last.errors();
            writeln!(text, "[-] graph: {graph} serves; the files that came after it were refused with {errors} errors")
        }
        _ => writeln!(text, "[+] graph: {graph} serves"),
    }
    .ok();
    let operations = server.operations();
    let sign = if server.is_overloaded() { '-' } else { '+' };
    writeln!(
        text,
        "[{sign}] operations: {} run, {} were refused",
        operations.running, operations.shed
    )
    .ok();
    for (role, health) in server.health() {
        match health {
            None => writeln!(text, "[ ] {role}: not checked"),
            Some(Health { problem: None, checked_at, .. }) => {
                writeln!(text, "[+] {role}: data flowed {} s ago", checked_at.elapsed().as_secs())
            }
            Some(Health { problem: Some(code), since, .. }) => {
                writeln!(text, "[-] {role}: {} for {} s", code.as_str(), since.elapsed().as_secs())
            }
        }
        .ok();
    }
}
