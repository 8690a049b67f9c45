//! The `admin` and `reload` sections of `cyclorama.yaml`.

use super::{Kind, Shape, default, optional};

pub(super) static ADMIN: Shape = Shape {
    name: "admin",
    doc: "A listener of its own for whoever runs the process.",
    keys: &[
        default(
            "listen",
            Kind::Text("address:port"),
            "127.0.0.1:4001",
            "Where it listens. Beyond this machine only with a `token`.",
        ),
        optional(
            "token",
            Kind::Text("text"),
            "What a caller must show as `Authorization: Bearer …`: `${env.ADMIN_TOKEN}`, at least 16 characters.",
        ),
    ],
    rules: &[],
};

/// Defaults are those of `settings::Reload`; a test holds them together.
pub(super) static RELOAD: Shape = Shape {
    name: "reload",
    doc: "Files that are read anew while serving. SIGHUP and the admin call always do it.",
    keys: &[
        default(
            "watch",
            Kind::Bool,
            "true",
            "Whether files that have changed are read without being told.",
        ),
        default(
            "every",
            Kind::Duration,
            "2s",
            "How often they are looked at, 100ms to 1h. What has changed is read once it is the same twice.",
        ),
    ],
    rules: &[],
};
