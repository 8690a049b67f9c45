//! The `http` section of `cyclorama.yaml`.

use super::load::{OVERLOAD, RATE_LIMIT};
use super::{Kind, Shape, default, optional};

static HOST: Kind = Kind::Text("host name");
static ORIGIN: Kind = Kind::Text("origin");

/// Defaults are those of `settings::Http`; a test holds them together.
pub(super) static HTTP: Shape = Shape {
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
            "get",
            Kind::Word(&["checked", "preflight", "off"]),
            "checked",
            "Queries by GET. `checked`: not those that a page of another site may have caused. `preflight`: only with a header \
             that such a page cannot set without asking first, as Apollo Server has it. `off`: none.",
        ),
        optional(
            "hosts",
            Kind::List(&HOST),
            "Names that clients may call this server by (the `Host` header, without port); `*` is any. Left out: `localhost` \
             and addresses, where it listens on this machine alone; any name elsewhere. Against pages that rebind their own \
             name to this server's address.",
        ),
        optional("cors", Kind::Struct(&CORS), "Pages of other origins."),
        optional("batch", Kind::Struct(&BATCH), "Several operations in one POST."),
        optional("connections", Kind::Struct(&CONNECTIONS), "Bounds of connections."),
        default(
            "body_timeout",
            Kind::Duration,
            "30s",
            "How long a client may take to send a request's body.",
        ),
        default(
            "notice",
            Kind::Duration,
            "0s",
            "How long connections are still taken after SIGTERM, while `/readyz` says 503 already: as long as whatever sends \
             requests here may take to see it. Ctrl-C does not wait for it.",
        ),
        default(
            "grace",
            Kind::Duration,
            "20s",
            "How long running requests may take once no connections are taken any more.",
        ),
        optional("sockets", Kind::Struct(&SOCKETS), "Bounds of each WebSocket."),
        optional("streams", Kind::Struct(&STREAMS), "Bounds of streams of events."),
        optional("overload", Kind::Struct(&OVERLOAD), "How many operations run at once."),
        optional("rate_limit", Kind::Struct(&RATE_LIMIT), "What each client may ask for."),
    ],
    rules: &[],
};

static CORS: Shape = Shape {
    name: "cors",
    doc: "Pages of other origins that may ask and read the answers. None, when left out.",
    keys: &[
        optional(
            "origins",
            Kind::List(&ORIGIN),
            "Origins as browsers send them, `https://app.example.com`; `*` alone is any, and never with `credentials`.",
        ),
        default(
            "credentials",
            Kind::Bool,
            "false",
            "Whether they may send cookies and HTTP authentication.",
        ),
        default(
            "max_age",
            Kind::Duration,
            "10m",
            "How long a browser may remember that it was allowed to ask.",
        ),
    ],
    rules: &[],
};

static BATCH: Shape = Shape {
    name: "batch",
    doc: "Several operations in one POST: a JSON list of requests, answered by a list in the same order.",
    keys: &[
        default("enabled", Kind::Bool, "false", "Whether they are answered."),
        default(
            "operations",
            Kind::Integer { min: 1, max: 1000 },
            "10",
            "The most operations of one batch. All of them together may be as long as `limits.document_bytes` and \
             `limits.variables_bytes` allow for one, and cost what `cost` allows for one.",
        ),
    ],
    rules: &[],
};

static CONNECTIONS: Shape = Shape {
    name: "connections",
    doc: "Bounds of connections, whatever is spoken over them. A client that takes longer is closed.",
    keys: &[
        default(
            "most",
            Kind::Integer { min: 1, max: 1_000_000 },
            "10000",
            "How many there may be at once, WebSockets included; more wait to be accepted.",
        ),
        default(
            "head_timeout",
            Kind::Duration,
            "10s",
            "How long a client may take to send the head of a request, from its first byte or from connecting.",
        ),
        default(
            "idle_timeout",
            Kind::Duration,
            "75s",
            "How long a connection is kept between requests. More than what stands in front of it keeps its own.",
        ),
        default(
            "send_timeout",
            Kind::Duration,
            "30s",
            "How long a client may take nothing of what it is sent.",
        ),
        default(
            "head_bytes",
            Kind::Size,
            "64KiB",
            "First line and headers of a request, 8KiB at the least; more is 431.",
        ),
        default(
            "headers",
            Kind::Integer { min: 10, max: 10_000 },
            "100",
            "Headers of a request; more is 431.",
        ),
    ],
    rules: &[],
};

static SOCKETS: Shape = Shape {
    name: "sockets",
    doc: "Bounds of each WebSocket. A message may be as long as `limits.body_bytes`.",
    keys: &[
        default(
            "init_timeout",
            Kind::Duration,
            "10s",
            "How long a client may take to send `connection_init`; then it is closed with 4408.",
        ),
        default(
            "ping",
            Kind::Duration,
            "30s",
            "How often the server pings. A client that sent nothing between two pings is gone.",
        ),
        default(
            "operations",
            Kind::Integer { min: 1, max: 10_000 },
            "100",
            "Operations that run at once; more are refused with SOCKET_OPERATIONS_LIMIT.",
        ),
    ],
    rules: &[],
};

static STREAMS: Shape = Shape {
    name: "streams",
    doc: "Bounds of streams of events (`text/event-stream`).",
    keys: &[
        default(
            "keep_alive",
            Kind::Duration,
            "12s",
            "A stream on which nothing was sent for so long gets a comment, so that nobody in between closes it.",
        ),
        default(
            "per_client",
            Kind::Integer { min: 0, max: 10_000 },
            "100",
            "Streams that one client may have reserved at once, by PUT: a subject, or an address as long as callers are \
             anonymous; more are refused with STREAMS_LIMIT. 0: none can be reserved.",
        ),
        default(
            "operations",
            Kind::Integer { min: 1, max: 10_000 },
            "100",
            "Operations that run at once on a reserved stream; more are refused with STREAM_OPERATIONS_LIMIT.",
        ),
        default(
            "reservation",
            Kind::Duration,
            "30s",
            "How long a reservation is kept without its stream being opened.",
        ),
    ],
    rules: &[],
};
