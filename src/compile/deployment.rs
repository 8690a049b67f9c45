//! `cyclorama.yaml`: who plays which role, and the settings of the process.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use crate::config::settings::{Http, Log, LogFormat, Secret, Settings, StatusProfile};
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{CacheLimits, Limits};

/// What one deployment says.
pub(super) struct Deployment<'a> {
    pub(super) settings: Settings,
    pub(super) roles: Vec<RoleSettings<'a>>,
    pub(super) deadline: Duration,
    pub(super) page_size: u32,
    pub(super) page_size_max: u32,
    pub(super) cache: CacheLimits,
    pub(super) limits: Limits,
    pub(super) introspection_enabled: bool,
    pub(super) forward_headers: Vec<Arc<str>>,
}

/// One role: the vendor that plays it, and what overrides the vendor's file.
pub(super) struct RoleSettings<'a> {
    pub(super) name: Arc<str>,
    pub(super) span: Span,
    pub(super) vendor: Arc<str>,
    pub(super) vendor_span: Span,
    pub(super) node: &'a Node,
}

pub(super) fn read<'a>(root: &'a Node, problems: &mut Vec<Diagnostic>) -> Deployment<'a> {
    let (cache, defaults) = (root.get("cache"), CacheLimits::default());
    let page_size_max = integer(root.get("pages"), "max").unwrap_or(100);
    Deployment {
        settings: settings(root, problems),
        roles: roles(root),
        deadline: duration(Some(root), "deadline", Duration::from_secs(15)),
        page_size: integer(root.get("pages"), "default").unwrap_or(20).min(page_size_max),
        page_size_max,
        cache: CacheLimits {
            enabled: enabled(cache).unwrap_or(defaults.enabled),
            bytes: size(cache, "size").unwrap_or(defaults.bytes),
            ttl: duration(cache, "ttl", defaults.ttl),
            negative_ttl: duration(cache, "negative_ttl", defaults.negative_ttl),
        },
        limits: limits(root.get("limits")),
        introspection_enabled: enabled(root.get("introspection")).unwrap_or(true),
        forward_headers: root
            .get("forward_headers")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Node::filled)
            .map(|name| Arc::from(name.to_ascii_lowercase()))
            .collect(),
    }
}

fn duration(node: Option<&Node>, key: &str, default: Duration) -> Duration {
    node.and_then(|node| node.get_text(key)).and_then(units::duration).unwrap_or(default)
}

fn settings(root: &Node, problems: &mut Vec<Diagnostic>) -> Settings {
    let defaults = Settings::default();
    let secret = root.get_text("cursor_secret").filter(|text| !text.is_empty());
    let (log, http) = (root.get("log"), root.get("http"));
    Settings {
        listen: listen(root, problems).unwrap_or(defaults.listen),
        graphiql_enabled: enabled(root.get("graphiql")).unwrap_or(defaults.graphiql_enabled),
        http: Http {
            status_profile: match http.and_then(|http| http.get_text("status_profile")) {
                Some("draft-2026") => StatusProfile::Draft2026,
                _ => StatusProfile::Audit2025,
            },
            body_timeout: duration(http, "body_timeout", defaults.http.body_timeout),
            grace: duration(http, "grace", defaults.http.grace),
        },
        cursor_secret: secret.map(Secret::new),
        log: Log {
            level: log.and_then(|log| log.get_text("level")).map_or(defaults.log.level, Arc::from),
            format: match log.and_then(|log| log.get_text("format")) {
                Some("human") => LogFormat::Human,
                Some("json") => LogFormat::Json,
                _ => LogFormat::Auto,
            },
        },
    }
}

/// The address; one beyond this machine is refused as long as callers are not authenticated.
fn listen(root: &Node, problems: &mut Vec<Diagnostic>) -> Option<SocketAddr> {
    let node = root.get("listen")?;
    let text = node.filled()?;
    let parsed = text.parse::<SocketAddr>().ok();
    let local = text
        .strip_prefix("localhost:")
        .and_then(|port| ("127.0.0.1", port.parse::<u16>().ok()?).to_socket_addrs().ok()?.next());
    let Some(address) = parsed.or(local) else {
        problems.push(
            Diagnostic::error(Code::WrongKind, "an address with a port must stand here")
                .at(node.span, "cannot be read")
                .help("for example `127.0.0.1:4000`"),
        );
        return None;
    };
    if let Some(problem) = insecure(address) {
        problems.push(problem.at(node.span, "reachable from other machines"));
    }
    Some(address)
}

/// The problem of listening at an address that others can reach, without authentication.
pub fn insecure(address: SocketAddr) -> Option<Diagnostic> {
    (!address.ip().is_loopback()).then(|| {
        Diagnostic::error(
            Code::InsecureListen,
            format!("listening at {address} without authentication would show every customer to everyone"),
        )
        .help("listen at 127.0.0.1, behind something that authenticates")
    })
}

fn roles(root: &Node) -> Vec<RoleSettings<'_>> {
    let entries = root.get("roles").map(Node::entries).unwrap_or_default();
    let role = |entry: &'_ crate::config::yaml::Entry| {
        let vendor = entry.value.get("vendor")?;
        Some((Arc::clone(&entry.key), entry.key_span, Arc::from(vendor.filled()?), vendor.span))
    };
    entries
        .iter()
        .filter_map(|entry| {
            let (name, span, vendor, vendor_span) = role(entry)?;
            Some(RoleSettings { name, span, vendor, vendor_span, node: &entry.value })
        })
        .collect()
}

fn limits(node: Option<&Node>) -> Limits {
    let mut limits = Limits::default();
    let Some(node) = node else { return limits };
    for (name, place) in [
        ("document_bytes", &mut limits.document_bytes),
        ("tokens", &mut limits.tokens),
        ("nesting", &mut limits.nesting),
        ("depth", &mut limits.depth),
        ("selections", &mut limits.selections),
        ("aliases", &mut limits.aliases),
        ("root_fields", &mut limits.root_fields),
        ("operations", &mut limits.operations),
        ("operation_fragment_variables", &mut limits.operation_fragment_variables),
        ("directives", &mut limits.directives),
        ("variables_bytes", &mut limits.variables_bytes),
        ("variables_depth", &mut limits.variables_depth),
        ("body_bytes", &mut limits.body_bytes),
        ("errors", &mut limits.errors),
        ("plans", &mut limits.plans),
        ("objects", &mut limits.objects),
    ] {
        // a size without a unit is a number
        let value = node.get_text(name).and_then(units::size);
        if let Some(value) = value.and_then(|value| usize::try_from(value).ok()) {
            *place = value;
        }
    }
    limits
}

fn enabled(node: Option<&Node>) -> Option<bool> {
    node.and_then(|node| node.get_text("enabled")).and_then(units::boolean)
}

fn integer(node: Option<&Node>, key: &str) -> Option<u32> {
    node.and_then(|node| node.get_text(key)).and_then(|text| text.parse().ok())
}

fn size(node: Option<&Node>, key: &str) -> Option<u64> {
    node.and_then(|node| node.get_text(key)).and_then(units::size)
}

/// Roles and their vendors, as far as they can be read.
pub(super) fn vendors(root: &Node) -> impl Iterator<Item = (&str, &str)> {
    let entries = root.get("roles").map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((&*entry.key, entry.value.get("vendor")?.filled()?)))
}
