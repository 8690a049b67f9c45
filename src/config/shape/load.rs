//! The `http.overload` and `http.rate_limit` sections of `cyclorama.yaml`.

use super::{Kind, Shape, default, optional, required};

pub(super) static OVERLOAD: Shape = Shape {
    name: "overload",
    doc: "How many operations run at once, whatever they came in by; those beyond are refused at once with OVERLOADED (503).",
    keys: &[
        default(
            "operations",
            Kind::Integer { min: 1, max: 1_000_000 },
            "1000",
            "The most that run at once; each of a batch is one.",
        ),
        default(
            "adaptive",
            Kind::Bool,
            "true",
            "Whether there are fewer while what is ready waits for a processor: up to half less each tenth of a second, then a sixteenth more. Never fewer than 64 for each processor, if `operations` allows them. What waits for backends does not count.",
        ),
        default("retry_after", Kind::Duration, "1s", "What a refused client is told to wait."),
        default(
            "unready_after",
            Kind::Integer { min: 1, max: 100_000 },
            "100",
            "So many refused within `window` make `/readyz` say 503.",
        ),
        default("window", Kind::Duration, "5s", "The time in which they are counted."),
        default(
            "unready_for",
            Kind::Duration,
            "10s",
            "How long `/readyz` says so after the last of them.",
        ),
    ],
    rules: &[],
};

pub(super) static RATE_LIMIT: Shape = Shape {
    name: "rate_limit",
    doc: "What each client may ask for, in units of cost as `cost` reckons them; RATE_LIMITED (429) beyond it. None, when left out.",
    keys: &[
        required(
            "budget",
            Kind::Integer { min: 1, max: 1_000_000_000 },
            "The cost that falls due in `per`, evenly. Every operation costs at least 1.",
        ),
        default("per", Kind::Duration, "1m", "The time in which `budget` falls due, 1s to 24h."),
        optional(
            "burst",
            Kind::Integer { min: 1, max: 1_000_000_000 },
            "The most cost that can be asked for at once: `budget` when left out. What costs more takes all of it.",
        ),
        default(
            "key",
            Kind::Word(&["address", "header", "tenant"]),
            "address",
            "By what clients are told apart: the address that connects (of IPv6 its network, /64), a header that what stands in \
             front sets, or the tenant.",
        ),
        optional(
            "header",
            Kind::Text("header name"),
            "The header of `key: header`. Who sends none is known by its address; whatever lets clients set it lets them choose.",
        ),
        default(
            "clients",
            Kind::Integer { min: 1, max: 10_000_000 },
            "100000",
            "How many are told apart at once; those beyond share one budget.",
        ),
    ],
    rules: &[],
};
