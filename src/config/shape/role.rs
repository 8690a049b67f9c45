//! One role of `cyclorama.yaml`.

use super::auth::{AUTH, AUTH_NONE};
use super::deployment::TEXT;
use super::health::HEALTH;
use super::policy::{
    BREAKER_KEY, CONCURRENCY_OR_MOST, GROUPS_KIND, HEDGE_KEY, QUOTA_KEY, RETRY_KEY, SLOW_KEY,
};
use super::{Kind, Shape, optional, required};

static PROPAGATED: Kind = Kind::Word(&["tracestate", "baggage"]);
pub(super) const PROPAGATE_KIND: Kind = Kind::List(&PROPAGATED);
pub(super) const PROPAGATE_DOC: &str = "What of the caller's trace goes on to this backend besides `traceparent`. `baggage` is \
     whatever callers put into it: only for systems of one's own. Left out: nothing.";

static COORDINATE: Kind = Kind::Text("Type.kind");

pub(super) static ROLE: Shape = Shape {
    name: "role",
    doc: "One role of the deployment. Everything but `vendor` overrides what the vendor file says; of `concurrency`, `retry`, `breaker`, \
          `quota`, `hedge`, `slow` and `groups` key by key.",
    keys: &[
        required(
            "vendor",
            Kind::Text("name"),
            "The vendor file `resolvers/<role>/<vendor>.yaml`, without `.yaml`.",
        ),
        optional("url", Kind::Text("URL"), "The backend's address."),
        optional("auth", Kind::Either(&AUTH_NONE, &AUTH), "Credentials toward the backend."),
        optional(
            "headers",
            Kind::Map("header name", &TEXT),
            "Headers of every request, besides those of the vendor file.",
        ),
        optional(
            "concurrency",
            CONCURRENCY_OR_MOST,
            "Attempts at once, over all operations: a number, or more of it.",
        ),
        RETRY_KEY,
        BREAKER_KEY,
        QUOTA_KEY,
        HEDGE_KEY,
        SLOW_KEY,
        optional(
            "groups",
            GROUPS_KIND,
            "The same for the groups of the vendor file, by their names.",
        ),
        optional(
            "deadline_header",
            Kind::Text("header name"),
            "The header that tells the backend how many milliseconds its answer is waited for; `none` sends none.",
        ),
        optional("propagate", PROPAGATE_KIND, PROPAGATE_DOC),
        optional("timeout", Kind::Duration, "The longest that one attempt may take."),
        optional("connect_timeout", Kind::Duration, "The longest that connecting may take."),
        optional(
            "tls",
            Kind::Struct(&TLS),
            "How an `https` backend is known, and the gateway to it.",
        ),
        optional("health", Kind::Struct(&HEALTH), "Looking at its health from time to time."),
        optional(
            "equivalent",
            Kind::List(&COORDINATE),
            "Identity rules, as `Type.kind` (`Customer.email`), that in this deployment always lead to the same record as \
             the rules before them, so that a known key need not wait for those.",
        ),
    ],
    rules: &[],
};

pub(super) static TLS: Shape = Shape {
    name: "tls",
    doc: "How whoever is called over `https` is known, and the gateway to them.",
    keys: &[
        optional(
            "ca",
            Kind::Text("PEM"),
            "The authorities, as certificates in PEM, of which one must have signed what is shown to the gateway, also by the server that grants a backend's access tokens: \
             `${file.certificates/ca.pem}`. Instead of those of the system.",
        ),
        optional(
            "client_certificate",
            Kind::Text("PEM"),
            "The certificate by which the gateway shows who it is, in PEM, with those between it and its authority (mutual TLS).",
        ),
        optional("client_key", Kind::Text("PEM"), "Its key, in PEM."),
    ],
    rules: &[],
};
