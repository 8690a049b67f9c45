//! `cyclorama.yaml`.

use super::admin::{ADMIN, RELOAD};
use super::cache::CACHE;
use super::http::HTTP;
use super::role::ROLE;
use super::telemetry::{ALERTS, TELEMETRY};
use super::{Kind, Shape, default, optional, required};

pub(super) static TEXT: Kind = Kind::Text("text");
static ROLE_KIND: Kind = Kind::Struct(&ROLE);
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
        optional(
            "country",
            Kind::Text("country"),
            "Where telephone numbers without a country's code are, by ISO 3166-1 (`AT`). Left out: such numbers match nothing.",
        ),
        default("deadline", Kind::Duration, "15s", "The whole time of one operation."),
        optional("pages", Kind::Struct(&PAGES), "Sizes of the pages that clients ask for."),
        optional("cache", Kind::Struct(&CACHE), "The cache of backend records."),
        optional("limits", Kind::Struct(&LIMITS), "What one operation may be at most."),
        optional(
            "cost",
            Kind::Struct(&COST),
            "What one operation may cost, by the schema's `@cost` and `@listSize` and by the backend calls that it can make.",
        ),
        optional("http", Kind::Struct(&HTTP), "The server itself."),
        default(
            "profile",
            Kind::Word(&["development", "production"]),
            "development",
            "`production` switches `graphiql`, `introspection` and `suggestions` off; a key that says otherwise wins.",
        ),
        optional(
            "suggestions",
            Kind::Struct(&SUGGESTIONS),
            "Names that a refused document may have meant.",
        ),
        optional("graphiql", Kind::Struct(&GRAPHIQL), "The query editor at `/`."),
        optional("introspection", Kind::Struct(&INTROSPECTION), "`__schema` and `__type`."),
        optional("incremental", Kind::Struct(&INCREMENTAL), "Answers that come in parts."),
        optional(
            "known_operations",
            Kind::Struct(&KNOWN_OPERATIONS),
            "Operations that clients name by an id instead of sending them.",
        ),
        optional(
            "federation",
            Kind::Struct(&FEDERATION),
            "Serving the graph as a subgraph of a federation.",
        ),
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
        optional("contracts", Kind::Struct(&CONTRACTS), "Backends' answers and their schemas."),
        optional("log", Kind::Struct(&LOG), "Logging."),
        optional(
            "telemetry",
            Kind::Struct(&TELEMETRY),
            "What others are told of what happens here: traces and metrics.",
        ),
        optional(
            "alerts",
            Kind::Struct(&ALERTS),
            "Who is told when something is wrong with a backend.",
        ),
        optional(
            "admin",
            Kind::Struct(&ADMIN),
            "A listener of its own for whoever runs the process: reload, invalidation, state. None, when left out.",
        ),
        optional("reload", Kind::Struct(&RELOAD), "Files that are read anew while serving."),
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
        default("spread_tokens", count(), "40000", "Tokens after every fragment is spread."),
        default("spread_bytes", Kind::Size, "512KiB", "The text after every fragment is spread."),
        default(
            "steps",
            count(),
            "2000",
            "Steps of the plan: what is loaded, found or named, once for each place of the answer; `explain` lists them.",
        ),
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
        default(
            "duplicates",
            count(),
            "50",
            "Selections of one response key, or spreads of one fragment, in one place of the document.",
        ),
        default("list_items", count(), "1000", "Items of one list literal."),
        default(
            "introspection_depth",
            count(),
            "2",
            "Lists of fields, types or interfaces inside each other in `__schema` and `__type`; `types` itself is none.",
        ),
        default("variables_bytes", Kind::Size, "256KiB", "The text of the variables."),
        default(
            "variables_depth",
            count(),
            "32",
            "Lists and objects inside each other in the variables.",
        ),
        default("body_bytes", Kind::Size, "2MiB", "The request's body, all of it."),
        default("errors", count(), "100", "Errors in one answer; the rest are counted."),
        default(
            "plans",
            count(),
            "1000",
            "Plans that are kept. One that takes more than 64 KiB of memory counts as several.",
        ),
        default("objects", count(), "100000", "Objects that one answer may hold."),
        default(
            "key_bytes",
            Kind::Size,
            "512",
            "The text of one key that a backend is asked for, all parts of it, wherever it comes from.",
        ),
    ],
    rules: &[],
};

/// Defaults are those of `cost::CostSettings`; a test holds them together.
static COST: Shape = Shape {
    name: "cost",
    doc: "What one operation may cost, by the schema's `@cost` and `@listSize` and by the backend calls that it can make. \
          A request with `extensions: {cost: true}` is told what it costs.",
    keys: &[
        default(
            "mode",
            Kind::Word(&["off", "measure", "enforce"]),
            "measure",
            "`off`: nothing is reckoned. `measure`: operations over a limit run, and the log tells of them. `enforce`: they \
             are refused before a backend is called.",
        ),
        default(
            "limit",
            count(),
            "5000",
            "The most that an operation may cost; COST_ESTIMATED_TOO_EXPENSIVE beyond it.",
        ),
        default(
            "calls_limit",
            count(),
            "1000",
            "The most backend calls that may be planned for an operation; COST_CALLS_LIMIT beyond it.",
        ),
        default(
            "list_size",
            count(),
            "10",
            "How long a list is taken to be when neither `@listSize` nor its own arguments say.",
        ),
    ],
    rules: &[],
};

static SUGGESTIONS: Shape = Shape {
    name: "suggestions",
    doc: "`Did you mean …?` in the messages of refused documents: names that the client did not know.",
    keys: &[default("enabled", Kind::Bool, "true", "Whether they are made.")],
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

static INCREMENTAL: Shape = Shape {
    name: "incremental",
    doc: "Answers that come in parts, for clients that accept them: `@defer` on fragments and `@stream` on lists.",
    keys: &[default(
        "enabled",
        Kind::Bool,
        "true",
        "Whether the schema has the two directives. They make answers come in parts where the client accepts \
         `multipart/mixed`, and are ignored otherwise.",
    )],
    rules: &[],
};

static KNOWN_OPERATIONS: Shape = Shape {
    name: "known_operations",
    doc: "Operations that clients name by an id instead of sending them: by `extensions.persistedQuery.sha256Hash`, \
          `documentId`, `doc_id` or `id`.",
    keys: &[
        optional(
            "documents",
            Kind::Text("file or folder"),
            "The trusted documents, relative to this file: an Apollo manifest, a map from id to text (as Relay and the \
             client preset write), or a folder of `*.graphql` files, whose ids are the SHA-256 of their text and their path \
             without the ending. Each must fit the schema.",
        ),
        default(
            "mode",
            Kind::Word(&["open", "safelist", "ids"]),
            "open",
            "`open`: any operation runs. `safelist`: only trusted documents, by id or by exactly their text. `ids`: only \
             trusted documents, by id alone.",
        ),
        default(
            "automatic",
            Kind::Bool,
            "true",
            "Automatic persisted queries: a client sends the text once, with its hash, and then the hash alone. Only in the \
             mode `open`.",
        ),
        default(
            "automatic_size",
            Kind::Size,
            "8MiB",
            "Memory for the texts of automatic persisted queries.",
        ),
    ],
    rules: &[],
};

static FEDERATION: Shape = Shape {
    name: "federation",
    doc: "Serving the graph as a subgraph of a federation.",
    keys: &[optional(
        "enabled",
        Kind::Bool,
        "Whether `_service` and `_entities` are served. Left out: if the schema has a `@key`, or a `@link` to Federation.",
    )],
    rules: &[],
};

static CONTRACTS: Shape = Shape {
    name: "contracts",
    doc: "Backends' answers and the JSON Schemas that calls name for them.",
    keys: &[default(
        "on_violation",
        Kind::Word(&["refuse", "warn", "off"]),
        "warn",
        "What becomes of an answer that breaks its call's `schema`, where the call does not say. `refuse`: it counts as \
         none, CONTRACT_VIOLATED. `warn`: it is used, and the log tells. `off`: answers are not looked at.",
    )],
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
