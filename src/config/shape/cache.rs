//! The `cache` section of `cyclorama.yaml`.

use super::{Kind, Shape, default};

pub(super) static CACHE: Shape = Shape {
    name: "cache",
    doc: "The cache of backend records.",
    keys: &[
        default("enabled", Kind::Bool, "true", "Whether records are kept between operations."),
        default(
            "size",
            Kind::Size,
            "64MiB",
            "Memory for records. Answers that are given again take a sixteenth of it besides, and at most 8 MiB.",
        ),
        default(
            "ttl",
            Kind::Duration,
            "30s",
            "How long a record is kept when neither call nor backend says.",
        ),
        default(
            "negative_ttl",
            Kind::Duration,
            "5s",
            "How long it is kept that a record does not exist.",
        ),
        default(
            "stale_while_revalidate",
            Kind::Duration,
            "0s",
            "How long past its time a record is given out at once, as STALE, while it is read anew; when neither call nor \
             backend (`stale-while-revalidate`) says.",
        ),
        default(
            "stale_if_error",
            Kind::Duration,
            "5m",
            "How long past its time a record is given out, as STALE, when its backend fails; when neither call nor backend \
             (`stale-if-error`) says.",
        ),
        default(
            "stale_max",
            Kind::Duration,
            "15m",
            "The most of both, whoever says; at most 1h. `0s`: no record is ever used past its time.",
        ),
    ],
    rules: &[],
};
