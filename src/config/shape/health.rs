//! The `health` sections: of a vendor file, and of a role in `cyclorama.yaml`.

use super::{Kind, Shape, default, optional, required};

pub(super) static HEALTH_CALL: Shape = Shape {
    name: "health_call",
    doc: "A call that shows whether data flows.",
    keys: &[
        required(
            "call",
            Kind::Text("call"),
            "A read of this file that reads nothing of a request.",
        ),
        optional("key", Kind::Text("text"), "The key that it is made with, if it takes one."),
    ],
    rules: &[],
};

pub(super) static HEALTH: Shape = Shape {
    name: "health",
    doc: "Looking at a backend's health from time to time, by a call that must give a record. None, when left out.",
    keys: &[
        optional(
            "call",
            Kind::Text("call"),
            "The call, if it is not the one of the vendor file's `health`.",
        ),
        optional(
            "key",
            Kind::Text("text"),
            "The key of a record that is always there; that of the vendor file when left out.",
        ),
        default("every", Kind::Duration, "30s", "How often, 1s to 24h."),
        default("timeout", Kind::Duration, "5s", "How long it may take, 1s to `every`."),
    ],
    rules: &[],
};
