//! The `cache` section of `cyclorama.yaml`.

use std::time::Duration;

use super::deployment::{duration, enabled, size};
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{CacheLimits, Stale};

/// Nothing is kept for longer.
const STALE_MAX: Duration = Duration::from_hours(1);

pub(super) fn read(node: Option<&Node>, problems: &mut Vec<Diagnostic>) -> CacheLimits {
    let defaults = CacheLimits::default();
    let place = |key: &str| node.and_then(|node| node.get(key));
    let stale_max = duration(node, "stale_max", defaults.stale_max);
    if let Some(place) = place("stale_max").filter(|_| stale_max > STALE_MAX) {
        problems.push(
            Diagnostic::error(Code::OutOfRange, "no record is kept for longer than an hour")
                .at(place.span, "is more than `1h`"),
        );
    }
    let past = |key: &str, default: Duration, problems: &mut Vec<Diagnostic>| {
        let wanted = duration(node, key, default);
        if let Some(one) = place(key).filter(|_| wanted > stale_max) {
            problems.push(
                Diagnostic::error(
                    Code::OutOfRange,
                    format!("`{key}` is more than `stale_max` ({stale_max:?}) allows"),
                )
                .at(one.span, "is more")
                .also(place("stale_max").map(|most| most.span), "the most"),
            );
        }
        wanted.min(stale_max)
    };
    CacheLimits {
        enabled: enabled(node).unwrap_or(defaults.enabled),
        bytes: size(node, "size").unwrap_or(defaults.bytes),
        ttl: duration(node, "ttl", defaults.ttl),
        negative_ttl: duration(node, "negative_ttl", defaults.negative_ttl),
        stale: Stale {
            while_revalidate: past(
                "stale_while_revalidate",
                defaults.stale.while_revalidate,
                problems,
            ),
            if_error: past("stale_if_error", defaults.stale.if_error, problems),
        },
        stale_max: stale_max.min(STALE_MAX),
    }
}
