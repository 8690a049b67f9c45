//! The policy around a backend's calls, the same in vendor files and for a role of the deployment.

use super::{Key, Kind, Shape, default, optional};

static GROUP_KIND: Kind = Kind::Struct(&GROUP);
static MOST: Kind = Kind::Integer { min: 1, max: 10_000 };
static CONCURRENCY_KIND: Kind = Kind::Struct(&CONCURRENCY);

pub(super) const CONCURRENCY_OR_MOST: Kind = Kind::Either(&MOST, &CONCURRENCY_KIND);
pub(super) const GROUPS_KIND: Kind = Kind::Map("group", &GROUP_KIND);
const BREAKER_KIND: Kind = Kind::Struct(&BREAKER);
const QUOTA_KIND: Kind = Kind::Struct(&QUOTA);

pub(super) const RETRY_KEY: Key =
    optional("retry", Kind::Struct(&RETRY), "Further attempts of failed calls.");
pub(super) const BREAKER_KEY: Key =
    optional("breaker", BREAKER_KIND, "When calls are answered without the backend.");
pub(super) const QUOTA_KEY: Key =
    optional("quota", QUOTA_KIND, "How many requests the backend takes.");
pub(super) const HEDGE_KEY: Key =
    optional("hedge", Kind::Struct(&HEDGE), "Second requests beside slow reads.");

pub(super) const SLOW_KEY: Key =
    optional("slow", Kind::Struct(&SLOW), "When it is said to be slow.");

static RETRY: Shape = Shape {
    name: "retry",
    doc: "Further attempts of a call that failed for want of the backend: of reads, and of writes that have an `idempotency_header` or are `idempotent`.",
    keys: &[
        default(
            "attempts",
            Kind::Integer { min: 1, max: 10 },
            "3",
            "Attempts in all; 1 switches retries off.",
        ),
        default(
            "base",
            Kind::Duration,
            "50ms",
            "The longest first wait. It doubles with each attempt; a wait is anything from nothing to that (full jitter).",
        ),
        default(
            "throttled_base",
            Kind::Duration,
            "1s",
            "The same where the backend takes no more for now and does not say for how long; half of it is waited at the least.",
        ),
        default("cap", Kind::Duration, "20s", "The longest that a wait grows to."),
        default(
            "retry_after_cap",
            Kind::Duration,
            "1m",
            "The longest that the backend's `Retry-After` is obeyed for.",
        ),
        optional(
            "budget",
            Kind::Struct(&RETRY_BUDGET),
            "What retries of all calls may add to the load.",
        ),
    ],
    rules: &[],
};

static RETRY_BUDGET: Shape = Shape {
    name: "retry_budget",
    doc: "What retries of all calls may add to a backend's load.",
    keys: &[
        default(
            "percent",
            Kind::Integer { min: 0, max: 50 },
            "20",
            "Of the calls of the last ten seconds.",
        ),
        default("per_second", Kind::Integer { min: 0, max: 100 }, "10", "Besides, in each second."),
    ],
    rules: &[],
};

static BREAKER: Shape = Shape {
    name: "breaker",
    doc: "When calls are answered without the backend, BACKEND_UNAVAILABLE. Statuses of 500 and above, timeouts, failed connections \
          and certificates count; statuses of 400 to 499 and clients that go away never do.",
    keys: &[
        default("enabled", Kind::Bool, "true", "Whether there is one."),
        default(
            "failures",
            Kind::Integer { min: 1, max: 1_000 },
            "10",
            "So many failed attempts one after the other open it.",
        ),
        default(
            "percent",
            Kind::Integer { min: 1, max: 100 },
            "50",
            "So many of a hundred attempts in the window open it.",
        ),
        default(
            "volume",
            Kind::Integer { min: 1, max: 100_000 },
            "20",
            "If there were at least so many.",
        ),
        default("window", Kind::Duration, "10s", "The window, in ten buckets."),
        default("open", Kind::Duration, "5s", "How long it is open before probes are sent."),
        default(
            "probes",
            Kind::Integer { min: 1, max: 100 },
            "2",
            "So many probes at once; so many good ones close it, a bad one opens it anew.",
        ),
    ],
    rules: &[],
};

static QUOTA: Shape = Shape {
    name: "quota",
    doc: "How many requests the backend takes. Attempts wait in a queue, or are refused at once (BACKEND_RATE_LIMITED) where they could \
          not leave before the operation's deadline. What the backend's own headers say is obeyed besides.",
    keys: &[
        optional(
            "calls",
            Kind::Integer { min: 1, max: 1_000_000 },
            "So many attempts in any `per`. Left out: only the backend's own headers bound the rate.",
        ),
        default("per", Kind::Duration, "1s", "The time that `calls` is for."),
        optional(
            "burst",
            Kind::Integer { min: 1, max: 1_000_000 },
            "So many may leave at once, the others evenly spread. A tenth of `calls` when left out.",
        ),
        optional(
            "headers",
            Kind::Struct(&QUOTA_HEADERS),
            "Headers in which the backend tells of its quota, besides `X-RateLimit-*`, `RateLimit-*`, `RateLimit` and `Retry-After`.",
        ),
    ],
    rules: &[],
};

static QUOTA_HEADERS: Shape = Shape {
    name: "quota_headers",
    doc: "Headers in which a backend tells of its quota.",
    keys: &[
        optional("limit", Kind::Text("header name"), "How many in all."),
        optional("remaining", Kind::Text("header name"), "How many are left."),
        optional(
            "reset",
            Kind::Text("header name"),
            "Seconds until there are more, or the time, in seconds or milliseconds of 1970.",
        ),
        optional(
            "usage",
            Kind::Text("header name"),
            "How many were used, and of how many, in one: `18/5000`, `api-usage=18/5000`.",
        ),
    ],
    rules: &[],
};

static CONCURRENCY: Shape = Shape {
    name: "concurrency",
    doc: "Attempts at once, over all operations; the others wait until the deadline.",
    keys: &[
        default("most", Kind::Integer { min: 1, max: 10_000 }, "64", "The most."),
        default(
            "adaptive",
            Kind::Bool,
            "true",
            "Whether there are fewer while the backend does not keep up: a quarter less after timeouts and refusals, one more after \
             as many good attempts as there may be.",
        ),
        default("least", Kind::Integer { min: 1, max: 10_000 }, "1", "Never fewer than these."),
        default(
            "queue",
            Kind::Integer { min: 0, max: 100_000 },
            "1000",
            "So many may wait, for a permit or for the quota; one more is refused, BACKEND_UNAVAILABLE.",
        ),
    ],
    rules: &[],
};

static HEDGE: Shape = Shape {
    name: "hedge",
    doc: "A second request beside a read that takes longer than nearly all before it; the first good answer is used.",
    keys: &[
        default(
            "enabled",
            Kind::Bool,
            "false",
            "Whether it is sent. It spends quota: for backends that take more than they get.",
        ),
        default(
            "percentile",
            Kind::Integer { min: 50, max: 99 },
            "95",
            "It is sent when the read is slower than so many of a hundred before it.",
        ),
        default("after", Kind::Duration, "10ms", "But not before this."),
        default(
            "percent",
            Kind::Integer { min: 1, max: 20 },
            "5",
            "So many of a hundred calls may have one; each also spends the budget of retries.",
        ),
    ],
    rules: &[],
};

static GROUP: Shape = Shape {
    name: "group",
    doc: "Calls that fail together, or that have a quota of their own.",
    keys: &[
        optional("breaker", BREAKER_KIND, "What is different from the backend's `breaker`."),
        optional(
            "quota",
            QUOTA_KIND,
            "A quota of its own; the backend's is then not spent by these calls.",
        ),
    ],
    rules: &[],
};

static SLOW: Shape = Shape {
    name: "slow",
    doc: "When a backend is said to be slow, in the log, as a metric and to the webhook of `alerts`: for two minutes in a row half of \
          the attempts of a group took much longer than is usual in the last hour. It changes no call.",
    keys: &[
        default("enabled", Kind::Bool, "true", "Whether anybody looks."),
        default(
            "factor",
            Kind::Text("number"),
            "3",
            "So many times the usual is too long; from 1.5 to 100.",
        ),
        default(
            "samples",
            Kind::Integer { min: 5, max: 100_000 },
            "20",
            "Minutes with fewer attempts say nothing.",
        ),
        default("least", Kind::Duration, "50ms", "What is faster than this is never slow."),
    ],
    rules: &[],
};
