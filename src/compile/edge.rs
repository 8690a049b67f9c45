//! The `http` section of `cyclorama.yaml`.

use std::sync::Arc;
use std::time::Duration;

use super::deployment::{duration, enabled, integer, size};
use super::load;
use crate::config::settings::{
    Batch, Connections, Cors, Get, Http, Sockets, StatusProfile, Streams,
};
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};

pub(super) fn read(node: Option<&Node>, problems: &mut Vec<Diagnostic>) -> Http {
    let defaults = Http::default();
    let Some(http) = node else { return defaults };
    Http {
        status_profile: match http.get_text("status_profile") {
            Some("draft-2026") => StatusProfile::Draft2026,
            _ => StatusProfile::Audit2025,
        },
        get: match http.get_text("get") {
            Some("preflight") => Get::Preflight,
            Some("off") => Get::Off,
            _ => Get::Checked,
        },
        hosts: http.get("hosts").map(|hosts| self::hosts(hosts, problems)),
        cors: http.get("cors").map_or(defaults.cors, |cors| self::cors(cors, problems)),
        batch: batch(http.get("batch")),
        connections: connections(http.get("connections")),
        body_timeout: duration(node, "body_timeout", defaults.body_timeout),
        notice: duration(node, "notice", defaults.notice),
        grace: duration(node, "grace", defaults.grace),
        sockets: sockets(http.get("sockets")),
        streams: streams(http.get("streams")),
        overload: load::overload(http.get("overload"), problems),
        rate_limit: http.get("rate_limit").map(|node| load::rate_limit(node, problems)),
    }
}

/// A name as `Host` has it, without its port.
fn hosts(node: &Node, problems: &mut Vec<Diagnostic>) -> Arc<[Arc<str>]> {
    let mut names = Vec::new();
    for item in node.items() {
        let Some(name) = item.filled() else { continue };
        if name != "*" && name.contains(['/', ':', '*', ' ']) {
            problems.push(
                Diagnostic::error(
                    Code::WrongKind,
                    "a host name without scheme and port must stand here",
                )
                .at(item.span, "is none")
                .help("for example `graph.example.com`, or `*` for any"),
            );
        }
        names.push(Arc::from(name.to_ascii_lowercase()));
    }
    names.into()
}

fn cors(node: &Node, problems: &mut Vec<Diagnostic>) -> Cors {
    let mut origins: Vec<Arc<str>> = Vec::new();
    let credentials = node.get("credentials");
    let is_allowed = |node: &&Node| node.filled().and_then(units::boolean) == Some(true);
    for item in node.get("origins").map(Node::items).unwrap_or_default() {
        let Some(origin) = item.filled() else { continue };
        if origin != "*" && !is_origin(origin) {
            problems.push(
                Diagnostic::error(Code::WrongKind, "an origin must stand here")
                    .at(item.span, "is none")
                    .help("scheme and host, with the port if it is not the usual one: `https://app.example.com`"),
            );
        }
        if let Some(credentials) = credentials.filter(is_allowed).filter(|_| origin == "*") {
            problems.push(
                Diagnostic::error(Code::ConflictingKeys, "no page at all may send credentials")
                    .at(item.span, "any origin")
                    .at(credentials.span, "with credentials")
                    .help("name the origins"),
            );
        }
        origins.push(Arc::from(origin.to_ascii_lowercase()));
    }
    let defaults = Cors::default();
    Cors {
        origins: origins.into(),
        credentials: credentials.is_some_and(|one| is_allowed(&one)),
        max_age: duration(Some(node), "max_age", defaults.max_age),
    }
}

/// `https://app.example.com:8443`, and nothing after it.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https")
            && !host.is_empty()
            && !host.contains(['/', '?', '#', '@', '*', ' '])
    })
}

fn batch(node: Option<&Node>) -> Batch {
    let defaults = Batch::default();
    Batch {
        enabled: enabled(node).unwrap_or(defaults.enabled),
        operations: count(node, "operations", defaults.operations),
    }
}

fn connections(node: Option<&Node>) -> Connections {
    let defaults = Connections::default();
    let head_bytes = size(node, "head_bytes").and_then(|bytes| usize::try_from(bytes).ok());
    Connections {
        most: count(node, "most", defaults.most),
        head_timeout: duration(node, "head_timeout", defaults.head_timeout),
        idle_timeout: duration(node, "idle_timeout", defaults.idle_timeout),
        send_timeout: duration(node, "send_timeout", defaults.send_timeout),
        head_bytes: head_bytes.unwrap_or(defaults.head_bytes),
        headers: count(node, "headers", defaults.headers),
    }
}

fn sockets(node: Option<&Node>) -> Sockets {
    let defaults = Sockets::default();
    Sockets {
        init_timeout: duration(node, "init_timeout", defaults.init_timeout),
        // an interval of nothing would never wait
        ping: duration(node, "ping", defaults.ping).max(Duration::from_millis(1)),
        operations: count(node, "operations", defaults.operations),
    }
}

fn streams(node: Option<&Node>) -> Streams {
    let defaults = Streams::default();
    Streams {
        keep_alive: duration(node, "keep_alive", defaults.keep_alive).max(Duration::from_millis(1)),
        per_client: count(node, "per_client", defaults.per_client),
        operations: count(node, "operations", defaults.operations),
        reservation: duration(node, "reservation", defaults.reservation),
    }
}

pub(super) fn count(node: Option<&Node>, key: &str, default: usize) -> usize {
    integer(node, key).and_then(|count| usize::try_from(count).ok()).unwrap_or(default)
}
