//! The `http.overload` and `http.rate_limit` sections of `cyclorama.yaml`.

use std::sync::Arc;
use std::time::Duration;

use super::deployment::duration;
use super::edge::count;
use crate::config::settings::{Overload, RateKey, RateLimit};
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};

pub(super) fn overload(node: Option<&Node>, problems: &mut Vec<Diagnostic>) -> Overload {
    let defaults = Overload::default();
    let mut time = |key: &str, default: Duration| {
        let longest = Duration::from_hours(1);
        between(node, key, default, (Duration::from_millis(100), longest), problems)
    };
    Overload {
        retry_after: time("retry_after", defaults.retry_after),
        window: time("window", defaults.window),
        unready_for: time("unready_for", defaults.unready_for),
        operations: count(node, "operations", defaults.operations),
        adaptive: node
            .and_then(|node| node.get_text("adaptive"))
            .and_then(units::boolean)
            .unwrap_or(defaults.adaptive),
        unready_after: count(node, "unready_after", defaults.unready_after),
    }
}

pub(super) fn rate_limit(node: &Node, problems: &mut Vec<Diagnostic>) -> RateLimit {
    let defaults = RateLimit::default();
    let number = |key: &str| node.get_text(key).and_then(|text| text.parse::<u64>().ok());
    let budget = number("budget").unwrap_or(defaults.budget).max(1);
    let bounds = (Duration::from_secs(1), Duration::from_hours(24));
    RateLimit {
        budget,
        per: between(Some(node), "per", defaults.per, bounds, problems),
        burst: number("burst").unwrap_or(budget).max(1),
        key: key(node, problems),
        clients: count(Some(node), "clients", defaults.clients),
    }
}

fn key(node: &Node, problems: &mut Vec<Diagnostic>) -> RateKey {
    let header = node.get("header");
    let name = header.and_then(Node::filled).map(str::to_ascii_lowercase);
    match (node.get("key"), node.get_text("key"), name) {
        (_, Some("header"), Some(name)) => RateKey::Header(Arc::from(name)),
        (Some(place), Some("header"), None) => {
            problems.push(
                Diagnostic::error(Code::MissingKey, "`header` must stand here")
                    .at(place.span, "clients are told apart by a header, and none is named"),
            );
            RateKey::Address
        }
        (place, word, name) => {
            if let Some(header) = header.filter(|_| name.is_some()) {
                problems.push(
                    Diagnostic::error(
                        Code::ConflictingKeys,
                        "clients are not told apart by a header",
                    )
                    .at(header.span, "is not used")
                    .also(place.map(|place| place.span), "by this instead")
                    .help("set `key: header`, or leave `header` out"),
                );
            }
            if word == Some("tenant") { RateKey::Tenant } else { RateKey::Address }
        }
    }
}

pub(super) fn between(
    node: Option<&Node>,
    key: &str,
    default: Duration,
    (least, most): (Duration, Duration),
    problems: &mut Vec<Diagnostic>,
) -> Duration {
    let time = duration(node, key, default);
    if let Some(place) = node.and_then(|node| node.get(key))
        && !(least..=most).contains(&time)
    {
        let message = format!("`{key}` is {least:?} to {most:?}");
        problems.push(
            Diagnostic::error(Code::OutOfRange, message).at(place.span, "is outside of that"),
        );
    }
    time.clamp(least, most)
}
