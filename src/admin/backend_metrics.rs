//! The figures of backends as metrics. One series for each role, group of calls, or word of the program.

use std::time::Duration;

use crate::engine::figures::{BATCH_BOUNDS, Figures, GroupFigures, Outcome, Phase, QuotaFigures};
use crate::telemetry::exposition::{Exposition, Number};

type Of<T> = fn(&T) -> u64;
type TimeOf = fn(&GroupFigures) -> Option<Duration>;

/// Counters of a backend: name, what it counts, where it stands.
const COUNTERS: &[(&str, &str, Of<Figures>)] = &[
    ("cyclorama_backend_calls_total", "Calls that were begun, as plans count them.", |one| {
        one.calls
    }),
    (
        "cyclorama_backend_requests_total",
        "Requests that were sent: first attempts, retries and hedges.",
        |one| one.attempts,
    ),
    ("cyclorama_backend_retries_total", "Retries that were spent.", |one| one.retries),
    ("cyclorama_backend_retries_denied_total", "Retries that the budget did not allow.", |one| {
        one.retries_denied
    }),
    (
        "cyclorama_backend_hedges_total",
        "Second requests that were sent beside a slow one.",
        |one| one.hedges,
    ),
    ("cyclorama_backend_hedges_won_total", "Hedges whose answer was used.", |one| one.hedges_won),
    ("cyclorama_backend_hedges_denied_total", "Hedges that the budget did not allow.", |one| {
        one.hedges_denied
    }),
    (
        "cyclorama_backend_queue_refused_total",
        "Attempts that were refused because too many waited.",
        |one| one.refused_by_queue,
    ),
];

const GAUGES: &[(&str, &str, Of<Figures>)] = &[
    ("cyclorama_backend_in_flight", "Attempts that are under way.", |one| one.in_flight as u64),
    ("cyclorama_backend_queue", "Attempts that wait for a permit or for the quota.", |one| {
        one.waiting as u64
    }),
    (
        "cyclorama_backend_concurrency_limit",
        "Attempts that may be under way at once, as it is adapted now.",
        |one| one.limit as u64,
    ),
    ("cyclorama_backend_concurrency_limit_most", "The most that the limit may grow to.", |one| {
        one.limit_most as u64
    }),
    ("cyclorama_backend_retry_budget", "Retries that the budget would allow now.", |one| {
        one.retry_budget
    }),
];

pub(super) fn expose(figures: &[Figures], out: &mut Exposition) {
    let labels = &["backend", "vendor"];
    for &(name, help, of) in COUNTERS {
        let family = out.counter(name, labels, help);
        for one in figures {
            family.since(one.began).sample(&[&one.role, &one.vendor], of(one));
        }
    }
    for &(name, help, of) in GAUGES {
        let family = out.gauge(name, labels, help);
        for one in figures {
            family.sample(&[&one.role, &one.vendor], of(one));
        }
    }
    calls(figures, out);
    attempts(figures, out);
    breakers(figures, out);
    usual(figures, out);
    quotas(figures, out);
}

fn calls(figures: &[Figures], out: &mut Exposition) {
    let ends = BATCH_BOUNDS.map(Number::Whole);
    let family = out.histogram(
        "cyclorama_backend_batch_keys",
        &["backend", "vendor"],
        "Calls by the number of keys that they asked for.",
    );
    for one in figures {
        family.since(one.began).buckets(&[&one.role, &one.vendor], &ends, &one.batches, one.keys);
    }
    let family = out.counter(
        "cyclorama_backend_call_failures_total",
        &["backend", "vendor", "code"],
        "Calls that failed after all attempts, by code.",
    );
    for one in figures {
        for (code, count) in &one.failures {
            family.since(one.began).sample(&[&one.role, &one.vendor, code.as_str()], *count);
        }
    }
}

fn attempts(figures: &[Figures], out: &mut Exposition) {
    let family = out.counter(
        "cyclorama_backend_attempts_total",
        &["backend", "vendor", "outcome"],
        "Attempts that ended, by how.",
    );
    for one in figures {
        for (outcome, count) in &one.outcomes {
            family.since(one.began).sample(&[&one.role, &one.vendor, outcome.as_str()], *count);
        }
    }
    let family = out.histogram(
        "cyclorama_backend_request_duration_seconds",
        &["backend", "vendor"],
        "Time of attempts that were answered, from sending to the end of the answer.",
    );
    for one in figures {
        family.since(one.began).durations(&[&one.role, &one.vendor], &one.durations);
    }
    requests(figures, out);
}

fn requests(figures: &[Figures], out: &mut Exposition) {
    let family = out.conventional(
        "http.client.request.duration",
        &[
            "http.request.method",
            "server.address",
            "server.port",
            "http.response.status_code",
            "error.type",
            "cyclorama.backend",
            "cyclorama.vendor",
        ],
        "Time of attempts, from sending to the end of the answer.",
    );
    for one in figures {
        let port = one.place.port.to_string();
        for (ended, durations) in &one.requests {
            let status = if ended.status == 0 { String::new() } else { ended.status.to_string() };
            let error = match (ended.outcome, ended.status) {
                (Outcome::Answered, _) => "",
                (_, 400..) => &status,
                (outcome, _) => outcome.as_str(),
            };
            let method = ended.method.as_str();
            let labels = [method, &one.place.host, &port, &status, error, &one.role, &one.vendor];
            family.since(one.began).durations(&labels, durations);
        }
    }
}

fn breakers(figures: &[Figures], out: &mut Exposition) {
    let labels = &["backend", "vendor", "group"];
    let groups = || figures.iter().flat_map(|one| one.groups.iter().map(move |group| (one, group)));
    let family = out.gauge(
        "cyclorama_backend_breaker_state",
        labels,
        "The breaker of a group of calls: 0 closed, 1 open, 2 half-open.",
    );
    for (one, group) in groups() {
        family.sample(&[&one.role, &one.vendor, &group.name], u64::from(group.breaker.number()));
    }
    let family = out.counter(
        "cyclorama_backend_breaker_transitions_total",
        &["backend", "vendor", "group", "to"],
        "Times that a breaker went into a state.",
    );
    let turns: [(Phase, Of<GroupFigures>); 3] = [
        (Phase::Open, |group| group.opened),
        (Phase::HalfOpen, |group| group.half_opened),
        (Phase::Closed, |group| group.closed),
    ];
    for (one, group) in groups() {
        for (phase, of) in turns {
            let labels = [&*one.role, &one.vendor, &group.name, phase.as_str()];
            family.since(one.began).sample(&labels, of(group));
        }
    }
    let family = out.counter(
        "cyclorama_backend_breaker_short_circuits_total",
        labels,
        "Calls that an open breaker answered.",
    );
    for (one, group) in groups() {
        family
            .since(one.began)
            .sample(&[&one.role, &one.vendor, &group.name], group.short_circuits);
    }
}

/// How long attempts usually take, and what is not as it should be.
fn usual(figures: &[Figures], out: &mut Exposition) {
    let labels = &["backend", "vendor", "group"];
    let groups = || figures.iter().flat_map(|one| one.groups.iter().map(move |group| (one, group)));
    let times: [(&str, &str, TimeOf); 2] = [
        (
            "cyclorama_backend_norm_seconds",
            "How long an attempt usually takes: the median of the last hour's minutes; absent while too little is known.",
            |group| group.usual.norm,
        ),
        (
            "cyclorama_backend_median_seconds",
            "How long half of the attempts of the last whole minute took at the most; absent where there were few.",
            |group| group.usual.median,
        ),
    ];
    for (name, help, of) in times {
        let family = out.gauge(name, labels, help);
        for (one, group) in groups() {
            if let Some(time) = of(group) {
                family.sample(&[&one.role, &one.vendor, &group.name], time.as_secs_f64());
            }
        }
    }
    let family = out.gauge(
        "cyclorama_backend_anomaly",
        &["backend", "vendor", "group", "kind"],
        "1 while it is so: slow, much slower than its norm; breaker, left alone after failures.",
    );
    for (one, group) in groups() {
        let is_open = group.breaker != Phase::Closed;
        for (kind, is_so) in [("slow", group.usual.is_slow), ("breaker", is_open)] {
            family.sample(&[&one.role, &one.vendor, &group.name, kind], u64::from(is_so));
        }
    }
}

fn quotas(figures: &[Figures], out: &mut Exposition) {
    let labels = &["backend", "vendor", "group"];
    // a group without a quota of its own uses that of the first
    let quotas: Vec<(&Figures, [&str; 3], QuotaFigures)> = figures
        .iter()
        .flat_map(|one| one.groups.iter().map(move |group| (one, group)))
        .filter_map(|(one, group)| {
            Some((one, [&*one.role, &one.vendor, &group.name], group.quota?))
        })
        .collect();
    let family = out.gauge(
        "cyclorama_backend_quota_left",
        labels,
        "What the backend last said to be left of its quota, less what was sent since; absent while it has not said.",
    );
    for (_, labels, quota) in &quotas {
        if let Some(left) = quota.left {
            family.sample(labels, left);
        }
    }
    let family = out.gauge(
        "cyclorama_backend_quota_limit",
        labels,
        "Of how many; absent while the backend has not said.",
    );
    for (_, labels, quota) in &quotas {
        if let Some(limit) = quota.limit {
            family.sample(labels, limit);
        }
    }
    let family = out.gauge(
        "cyclorama_backend_quota_pause_seconds",
        labels,
        "How long the backend still wants nothing more.",
    );
    for (_, labels, quota) in &quotas {
        family.sample(labels, quota.paused_for.as_secs_f64());
    }
    let family = out.counter(
        "cyclorama_backend_quota_refused_total",
        labels,
        "Attempts that the quota could not have let go before their deadline.",
    );
    for (one, labels, quota) in &quotas {
        family.since(one.began).sample(labels, quota.refused);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::engine::figures::Ended;
    use crate::error::ErrorCode;
    use crate::graph::Method;
    use crate::telemetry::exposition::Kind;
    use crate::telemetry::histogram::Histogram;

    #[test]
    fn whatever_is_counted_of_a_backend_says_since_when() {
        let quota = QuotaFigures {
            left: Some(1),
            limit: Some(2),
            paused_for: Duration::ZERO,
            waiting: 0,
            refused: 3,
        };
        let durations = Histogram::default().read();
        let ended = Ended { method: Method::Get, status: 200, outcome: Outcome::Answered };
        let figures = Figures {
            began: Some(SystemTime::UNIX_EPOCH),
            failures: vec![(ErrorCode::BackendTimeout, 1)],
            outcomes: vec![(Outcome::Answered, 1)],
            requests: vec![(ended, durations)],
            groups: vec![GroupFigures { quota: Some(quota), ..GroupFigures::default() }],
            ..Figures::default()
        };
        let mut out = Exposition::default();
        expose(&[figures], &mut out);
        for family in out.families.iter().filter(|family| family.kind != Kind::Gauge) {
            assert!(!family.samples.is_empty(), "{}", family.name);
            let since = family.samples.iter().map(|sample| sample.since);
            assert!(since.into_iter().all(|since| since.is_some()), "{}", family.name);
        }
    }
}
