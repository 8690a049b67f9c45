//! `cyclorama.yaml`.

use super::vendor::{AUTH, AUTH_NONE};
use super::{Kind, Shape, default, optional, required};

pub(super) static TEXT: Kind = Kind::Text("text");
static ROLE_KIND: Kind = Kind::Struct(&ROLE);
static COORDINATE: Kind = Kind::Text("Type.kind");
static HEADER_NAME: Kind = Kind::Text("header name");

pub(super) static DEPLOYMENT: Shape = Shape {
    name: "deployment",
    doc: "One deployment: which vendor plays which role, addresses, secrets, limits, listeners. `${env.NAME}`, \
          `${env.NAME:-default}` and `${file.path}` are expanded everywhere in this file.",
    keys: &[
        default(
            "listen",
            Kind::Text("address:port"),
            "127.0.0.1:4000",
            "Where to listen. Beyond this machine only with authentication.",
        ),
        default(
            "schema",
            Kind::Text("folder"),
            "schema",
            "The folder of the `*.graphql` files, relative to this file.",
        ),
        default(
            "resolvers",
            Kind::Text("folder"),
            "resolvers",
            "The folder of `roles.yaml`, the vendor files and the identity files, relative to this file.",
        ),
        required(
            "roles",
            Kind::Map("role", &ROLE_KIND),
            "Which vendor plays which role. A role of `roles.yaml` that is not named here is NOT_COVERED.",
        ),
        default("deadline", Kind::Duration, "15s", "The whole time of one operation."),
        optional("pages", Kind::Struct(&PAGES), "Sizes of the pages that clients ask for."),
        optional("cache", Kind::Struct(&CACHE), "The cache of backend records."),
        optional("limits", Kind::Struct(&LIMITS), "What one operation may be at most."),
        optional("http", Kind::Struct(&HTTP), "The server itself."),
        optional("graphiql", Kind::Struct(&GRAPHIQL), "The query editor at `/`."),
        optional("introspection", Kind::Struct(&INTROSPECTION), "`__schema` and `__type`."),
        optional(
            "forward_headers",
            Kind::List(&HEADER_NAME),
            "Client headers that calls may read as `$header.name`. What a call reads is part of its cache key.",
        ),
        optional(
            "cursor_secret",
            Kind::Text("text"),
            "Signs the cursors of connections; the same for all replicas. Left out or empty: made at start, and cursors \
             do not outlive the process.",
        ),
        optional("log", Kind::Struct(&LOG), "Logging."),
    ],
    rules: &[],
};

static ROLE: Shape = Shape {
    name: "role",
    doc: "One role of the deployment. Everything but `vendor` overrides what the vendor file says.",
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
        default(
            "concurrency",
            Kind::Integer { min: 1, max: 10_000 },
            "64",
            "Calls to this backend at once, over all operations.",
        ),
        optional("timeout", Kind::Duration, "The longest that one attempt may take."),
        optional("connect_timeout", Kind::Duration, "The longest that connecting may take."),
        optional(
            "equivalent",
            Kind::List(&COORDINATE),
            "Identity rules, as `Type.kind` (`Customer.email`), that in this deployment always lead to the same record as \
             the rules before them, so that a known key need not wait for those.",
        ),
    ],
    rules: &[],
};

static PAGES: Shape = Shape {
    name: "pages",
    doc: "Sizes of the pages that clients ask for.",
    keys: &[
        default(
            "default",
            Kind::Integer { min: 1, max: 10_000 },
            "20",
            "When `first` is left out.",
        ),
        default(
            "max",
            Kind::Integer { min: 1, max: 10_000 },
            "100",
            "The most that `first` may be.",
        ),
    ],
    rules: &[],
};

static CACHE: Shape = Shape {
    name: "cache",
    doc: "The cache of backend records.",
    keys: &[
        default("enabled", Kind::Bool, "true", "Whether records are kept between operations."),
        default("size", Kind::Size, "64MiB", "Memory for records."),
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
    ],
    rules: &[],
};

const fn count() -> Kind {
    Kind::Integer { min: 1, max: 100_000_000 }
}

/// Defaults are those of `graph::Limits`; a test holds them together.
static LIMITS: Shape = Shape {
    name: "limits",
    doc: "What one operation may be at most. What is over a limit is refused with an error code of its own.",
    keys: &[
        default("document_bytes", Kind::Size, "64KiB", "The document's text."),
        default("tokens", count(), "4000", "The document's tokens."),
        default("nesting", count(), "64", "Brackets inside each other, anywhere in the document."),
        default("depth", count(), "25", "Fields inside each other after fragments are spread."),
        default("selections", count(), "5000", "Selections after every fragment is spread."),
        default("aliases", count(), "100", "Aliases."),
        default("root_fields", count(), "20", "Fields of the operation itself."),
        default("operations", count(), "10", "Operations of one document."),
        default(
            "operation_fragment_variables",
            count(),
            "500",
            "Operations times the variables that fragments use.",
        ),
        default("directives", count(), "50", "Directives."),
        default("variables_bytes", Kind::Size, "256KiB", "The text of the variables."),
        default(
            "variables_depth",
            count(),
            "32",
            "Lists and objects inside each other in the variables.",
        ),
        default("body_bytes", Kind::Size, "2MiB", "The request's body, all of it."),
        default("errors", count(), "100", "Errors in one answer; the rest are counted."),
        default("plans", count(), "1000", "Plans that are kept."),
        default("objects", count(), "100000", "Objects that one answer may hold."),
    ],
    rules: &[],
};

static HTTP: Shape = Shape {
    name: "http",
    doc: "The server itself.",
    keys: &[
        default(
            "status_profile",
            Kind::Word(&["audit-2025", "draft-2026"]),
            "audit-2025",
            "Which edition of GraphQL over HTTP decides the statuses: what the published audits expect, or that of September \
             2026 (422 for what is well-formed and wrong, 294 for partial answers).",
        ),
        default(
            "body_timeout",
            Kind::Duration,
            "30s",
            "How long a client may take to send a request's body.",
        ),
        default(
            "grace",
            Kind::Duration,
            "20s",
            "How long running requests may take once the server is told to stop.",
        ),
    ],
    rules: &[],
};

static GRAPHIQL: Shape = Shape {
    name: "graphiql",
    doc: "The query editor at `/`.",
    keys: &[default("enabled", Kind::Bool, "true", "Whether it is served.")],
    rules: &[],
};

static INTROSPECTION: Shape = Shape {
    name: "introspection",
    doc: "`__schema` and `__type`.",
    keys: &[default("enabled", Kind::Bool, "true", "Whether they are answered.")],
    rules: &[],
};

static LOG: Shape = Shape {
    name: "log",
    doc: "Logging.",
    keys: &[
        default(
            "level",
            Kind::Text("filter"),
            "info",
            "`error`, `warn`, `info`, `debug`, `trace`, or a filter such as `warn,cyclorama=debug`.",
        ),
        default(
            "format",
            Kind::Word(&["auto", "human", "json"]),
            "auto",
            "`auto` is human on a terminal and JSON otherwise.",
        ),
    ],
    rules: &[],
};
