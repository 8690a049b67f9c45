//! `cyclorama.yaml`: who plays which role, and the settings of the process.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use super::{admin, cache, edge, guards, telemetry, vendor};
use crate::config::files::Environment;
use crate::config::settings::{KnownMode, KnownOperations, Log, LogFormat, Secret, Settings};
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{CacheLimits, Limits};
use crate::graph::{CostMode, CostSettings, OnViolation};
use crate::value::Country;

/// What one deployment says.
pub(super) struct Deployment<'a> {
    pub(super) settings: Settings,
    pub(super) roles: Vec<RoleSettings<'a>>,
    /// Where telephone numbers without a country's code are.
    pub(super) country: Option<&'static Country>,
    pub(super) deadline: Duration,
    pub(super) page_size: u32,
    pub(super) page_size_max: u32,
    pub(super) cache: CacheLimits,
    pub(super) limits: Limits,
    pub(super) cost: CostSettings,
    pub(super) introspection_enabled: bool,
    pub(super) suggestions_enabled: bool,
    pub(super) incremental_enabled: bool,
    /// `None`: if the schema asks for it.
    pub(super) federation_enabled: Option<bool>,
    pub(super) forward_headers: Vec<Arc<str>>,
    pub(super) on_violation: OnViolation,
}

/// One role: the vendor that plays it, and what overrides the vendor's file.
pub(super) struct RoleSettings<'a> {
    pub(super) name: Arc<str>,
    pub(super) span: Span,
    pub(super) vendor: Arc<str>,
    pub(super) vendor_span: Span,
    pub(super) node: &'a Node,
}

pub(super) fn read<'a>(
    root: &'a Node,
    environment: &Environment,
    problems: &mut Vec<Diagnostic>,
) -> Deployment<'a> {
    let page_size_max = integer(root.get("pages"), "max").unwrap_or(100);
    Deployment {
        settings: settings(root, environment, problems),
        roles: roles(root),
        country: root.get("country").and_then(|node| guards::country(node, problems)),
        deadline: duration(Some(root), "deadline", Duration::from_secs(15)),
        page_size: integer(root.get("pages"), "default").unwrap_or(20).min(page_size_max),
        page_size_max,
        cache: cache::read(root.get("cache"), problems),
        limits: limits(root.get("limits")),
        cost: cost(root.get("cost")),
        introspection_enabled: switch(root, "introspection"),
        suggestions_enabled: switch(root, "suggestions"),
        incremental_enabled: enabled(root.get("incremental")).unwrap_or(true),
        federation_enabled: enabled(root.get("federation")),
        forward_headers: root
            .get("forward_headers")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Node::filled)
            .map(|name| Arc::from(name.to_ascii_lowercase()))
            .collect(),
        on_violation: vendor::on_violation(root.get("contracts")).unwrap_or_default(),
    }
}

pub(super) fn duration(node: Option<&Node>, key: &str, default: Duration) -> Duration {
    node.and_then(|node| node.get_text(key)).and_then(units::duration).unwrap_or(default)
}

fn settings(root: &Node, environment: &Environment, problems: &mut Vec<Diagnostic>) -> Settings {
    let defaults = Settings::default();
    let secret = root.get_text("cursor_secret").filter(|text| !text.is_empty());
    let log = root.get("log");
    let otlp = root.get("telemetry").and_then(|telemetry| telemetry.get("otlp"));
    Settings {
        listen: listen(root, problems).unwrap_or(defaults.listen),
        graphiql_enabled: switch(root, "graphiql"),
        http: edge::read(root.get("http"), problems),
        cursor_secret: secret.map(Secret::new),
        known: known(root.get("known_operations"), problems),
        log: Log {
            level: log.and_then(|log| log.get_text("level")).map_or(defaults.log.level, Arc::from),
            format: match log.and_then(|log| log.get_text("format")) {
                Some("human") => LogFormat::Human,
                Some("json") => LogFormat::Json,
                _ => LogFormat::Auto,
            },
        },
        otlp: telemetry::otlp(otlp, environment, problems),
        webhook: root.get("alerts").and_then(|alerts| telemetry::webhook(alerts, problems)),
        admin: admin::admin(root.get("admin"), problems),
        reload: admin::reload(root.get("reload"), problems),
    }
}

/// Everything but the documents themselves, which need the schema.
fn known(node: Option<&Node>, problems: &mut Vec<Diagnostic>) -> KnownOperations {
    let mut known = KnownOperations::default();
    let Some(node) = node else { return known };
    known.mode = match node.get_text("mode") {
        Some("safelist") => KnownMode::Safelist,
        Some("ids") => KnownMode::Ids,
        _ => KnownMode::Open,
    };
    let automatic = node.get_text("automatic").and_then(units::boolean);
    known.automatic_bytes = size(Some(node), "automatic_size").or(known.automatic_bytes);
    if automatic == Some(false) || known.mode != KnownMode::Open {
        known.automatic_bytes = None;
    }
    let Some(mode) = node.get("mode").filter(|_| known.mode != KnownMode::Open) else {
        return known;
    };
    if let Some(automatic) = node.get("automatic").filter(|_| automatic == Some(true)) {
        problems.push(
            Diagnostic::error(
                Code::ConflictingKeys,
                "clients cannot register operations where only trusted documents run",
            )
            .at(automatic.span, "anyone may add operations")
            .at(mode.span, "only the deployment may")
            .help("leave `automatic` out, or set `mode: open`"),
        );
    }
    if node.get("documents").and_then(Node::filled).is_none() {
        problems.push(
            Diagnostic::error(Code::MissingKey, "`documents` must stand here")
                .at(mode.span, "only trusted documents run, and none are named"),
        );
    }
    known
}

/// The address; one beyond this machine is refused as long as callers are not authenticated.
fn listen(root: &Node, problems: &mut Vec<Diagnostic>) -> Option<SocketAddr> {
    let node = root.get("listen")?;
    let address = address(node, problems)?;
    if let Some(problem) = insecure(address) {
        problems.push(problem.at(node.span, "reachable from other machines"));
    }
    Some(address)
}

pub(super) fn address(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<SocketAddr> {
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
        ("spread_tokens", &mut limits.spread_tokens),
        ("spread_bytes", &mut limits.spread_bytes),
        ("steps", &mut limits.steps),
        ("aliases", &mut limits.aliases),
        ("root_fields", &mut limits.root_fields),
        ("operations", &mut limits.operations),
        ("operation_fragment_variables", &mut limits.operation_fragment_variables),
        ("directives", &mut limits.directives),
        ("duplicates", &mut limits.duplicates),
        ("list_items", &mut limits.list_items),
        ("introspection_depth", &mut limits.introspection_depth),
        ("variables_bytes", &mut limits.variables_bytes),
        ("variables_depth", &mut limits.variables_depth),
        ("body_bytes", &mut limits.body_bytes),
        ("errors", &mut limits.errors),
        ("plans", &mut limits.plans),
        ("objects", &mut limits.objects),
        ("key_bytes", &mut limits.key_bytes),
    ] {
        // a size without a unit is a number
        let value = node.get_text(name).and_then(units::size);
        if let Some(value) = value.and_then(|value| usize::try_from(value).ok()) {
            *place = value;
        }
    }
    limits
}

fn cost(node: Option<&Node>) -> CostSettings {
    let defaults = CostSettings::default();
    CostSettings {
        mode: match node.and_then(|node| node.get_text("mode")) {
            Some("off") => CostMode::Off,
            Some("measure") => CostMode::Measure,
            Some("enforce") => CostMode::Enforce,
            _ => defaults.mode,
        },
        limit: integer(node, "limit").unwrap_or(defaults.limit),
        calls_limit: integer(node, "calls_limit").unwrap_or(defaults.calls_limit),
        list_size: integer(node, "list_size").unwrap_or(defaults.list_size),
    }
}

/// What is told to whoever develops against the graph: on, unless the profile or the key itself says otherwise.
fn switch(root: &Node, key: &str) -> bool {
    enabled(root.get(key)).unwrap_or(root.get_text("profile") != Some("production"))
}

pub(super) fn enabled(node: Option<&Node>) -> Option<bool> {
    node.and_then(|node| node.get_text("enabled")).and_then(units::boolean)
}

pub(super) fn integer(node: Option<&Node>, key: &str) -> Option<u32> {
    node.and_then(|node| node.get_text(key)).and_then(|text| text.parse().ok())
}

pub(super) fn size(node: Option<&Node>, key: &str) -> Option<u64> {
    node.and_then(|node| node.get_text(key)).and_then(units::size)
}

/// Roles and their vendors, as far as they can be read.
pub(super) fn vendors(root: &Node) -> impl Iterator<Item = (&str, &str)> {
    let entries = root.get("roles").map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((&*entry.key, entry.value.get("vendor")?.filled()?)))
}
