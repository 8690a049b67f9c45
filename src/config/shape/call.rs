//! Calls of vendor files.

use super::deployment::TEXT;
use super::vendor::{ERRORS, REFUSED, SUCCESS};
use super::{Key, Kind, Rule, Shape, default, optional, required};

static ARGUMENT: Kind = Kind::Text("argument");
static DIRECTION: Kind = Kind::Word(&["ASC", "DESC"]);
static DIRECTIONS: Kind = Kind::OneOrMore(&DIRECTION);
static PATH: Kind = Kind::Text("path");
static NAME: Kind = Kind::Text("name");
static WORD: Kind = Kind::Text("word");
static CALL_NAME: Kind = Kind::Text("call");
static STATUS: Kind = Kind::Integer { min: 100, max: 599 };
static DROP_KIND: Kind = Kind::Struct(&DROP);
static DROP_OR_TYPE: Kind = Kind::Either(&TYPE_NAME, &DROP_KIND);
static TYPE_NAME: Kind = Kind::Text("type");
static SCHEMA_FILE: Kind = Kind::Text("file");
static SCHEMA: Kind = Kind::Json("JSON Schema");

pub(super) const STALE_WHILE_REVALIDATE: Key = optional(
    "stale_while_revalidate",
    Kind::Duration,
    "How long past its time a record is given out while it is read anew; at most `cache.stale_max`.",
);
pub(super) const STALE_IF_ERROR: Key = optional(
    "stale_if_error",
    Kind::Duration,
    "How long past its time a record is given out when the backend fails; at most `cache.stale_max`.",
);

pub(super) static CALL: Shape = Shape {
    name: "call",
    doc: "One request of the backend.",
    keys: &[
        optional(
            "get",
            Kind::Text("URL template"),
            "GET this RFC 6570 template below `url`. Its names: those of `with`, page variables, `key`.",
        ),
        optional("post", Kind::Text("URL template"), "POST."),
        optional("put", Kind::Text("URL template"), "PUT."),
        optional("patch", Kind::Text("URL template"), "PATCH."),
        optional("delete", Kind::Text("URL template"), "DELETE."),
        optional("head", Kind::Text("URL template"), "HEAD."),
        optional("soap", Kind::Struct(&SOAP_CALL), "The SOAP operation."),
        optional(
            "envelope",
            Kind::Text("XML template"),
            "The whole SOAP envelope, with `{{ … }}` for values; each is escaped. `post` may give a path below `url`.",
        ),
        optional(
            "with",
            REQUEST_VALUES_KIND,
            "Variables for the URL template, and `$vars.name` elsewhere.",
        ),
        optional(
            "query",
            REQUEST_VALUES_KIND,
            "More query parameters: null leaves one out, a list repeats it.",
        ),
        optional(
            "headers",
            Kind::Map("header name", &TEXT),
            "More headers, with `{args.name}`, `{header.name}`, `{claims.name}`, `{key}`.",
        ),
        optional("body", Kind::RequestValue, "A JSON body."),
        optional("form", REQUEST_VALUES_KIND, "A form body."),
        optional(
            "key",
            Kind::Bool,
            "Whether the call takes a key; needed only where the request does not read it.",
        ),
        optional("per_key", Kind::Struct(&PER_KEY), "One key a call."),
        optional("batch", Kind::Struct(&BATCH), "Many keys in one call."),
        optional("pages", Kind::Struct(&PAGES), "How the answer goes on."),
        optional(
            "pushes",
            Kind::Struct(&PUSHES),
            "What of a list's arguments the backend can do, where reading them does not say it all.",
        ),
        optional(
            "newest_first",
            Kind::Text("field"),
            "The field, of type `DateTime`, by which the records come, the newest first: merged lists then read no more pages than \
             they show.",
        ),
        optional("oldest_first", Kind::Text("field"), "The same, the oldest first."),
        optional(
            "records",
            Kind::Text("path"),
            "Where the records are; without it the answer is the one record.",
        ),
        optional(
            "only",
            Kind::Struct(&SUCCESS),
            "The test that a record counts, at a path in the record; others are passed over.",
        ),
        optional(
            "answers",
            Kind::OneOrMore(&PATH),
            "In a record: the key that it answers; several for a composite key.",
        ),
        optional(
            "also",
            Kind::Struct(&ALSO),
            "More keys that a record answers besides `answers`: other names of one and the same record.",
        ),
        optional(
            "inside",
            Kind::Text("path"),
            "In a record: the records inside it. Each answers what the record around it answers.",
        ),
        optional(
            "cut",
            Kind::Text("path"),
            "In a record that has others inside: truthy where they are not all there. Its key is PARTIAL.",
        ),
        optional(
            "longest",
            Kind::Integer { min: 1, max: 1_000_000 },
            "The most records for one key, by the vendor's documentation: the planned calls reckon with it where `pages` does \
             not say how long a list is.",
        ),
        optional(
            "success",
            Kind::Struct(&SUCCESS),
            "The test that an answer is not an error in disguise.",
        ),
        optional("errors", Kind::Struct(&ERRORS), "Where an error answer says what is wrong."),
        optional(
            "refused",
            Kind::Struct(&REFUSED),
            "Where an answer that gives some records says that it refuses others, and why.",
        ),
        optional(
            "missing",
            Kind::OneOrMore(&WORD),
            "Statuses and SOAP fault codes that mean \"no such record\".",
        ),
        optional(
            "schema",
            Kind::Either(&SCHEMA_FILE, &SCHEMA),
            "The JSON Schema (draft 2020-12 or 07) of its answers: a `.json` file of the resolvers' folder, relative to this \
             file, or the schema itself.",
        ),
        optional(
            "on_violation",
            Kind::Word(&["refuse", "warn", "off"]),
            "What becomes of an answer that breaks `schema`: an error (CONTRACT_VIOLATED), a line in the log, nothing; what \
             the deployment says when left out.",
        ),
        optional("ttl", Kind::Duration, "How long records are kept."),
        STALE_WHILE_REVALIDATE,
        STALE_IF_ERROR,
        optional("timeout", Kind::Duration, "The longest that one attempt may take."),
        optional(
            "group",
            Kind::Text("group"),
            "The group of `groups` whose breaker, and perhaps quota, this call shares.",
        ),
        optional(
            "idempotency_header",
            Kind::Text("header name"),
            "Of a mutation: the header that names it, when it is not the file's; `none`: it has no name.",
        ),
        default(
            "idempotent",
            Kind::Bool,
            "false",
            "Of a mutation: doing it twice is doing it once, so that it is tried again without a name too.",
        ),
        optional(
            "drops",
            Kind::OneOrMore(&DROP_OR_TYPE),
            "What becomes stale when this call, used by a mutation, succeeds.",
        ),
        optional(
            "tags",
            Kind::OneOrMore(&WORD),
            "Words by which the admin call drops what this call has given.",
        ),
        optional(
            "fills",
            Kind::OneOrMore(&CALL_NAME),
            "By-key calls whose cache entries these records fill.",
        ),
    ],
    rules: &[
        Rule::AtLeast(&["get", "post", "put", "patch", "delete", "head", "envelope"]),
        Rule::AtMost(&["get", "post", "put", "patch", "delete", "head"]),
        Rule::AtMost(&["get", "put", "patch", "delete", "head", "envelope"]),
        Rule::AtMost(&["per_key", "batch"]),
        Rule::AtMost(&["body", "form"]),
        Rule::AtMost(&["newest_first", "oldest_first"]),
    ],
};

static ALSO: Shape = Shape {
    name: "other_keys",
    doc: "More keys of a record: ids that were merged into it, its further addresses.",
    keys: &[
        required("keys", Kind::OneOrMore(&PATH), "Where they are, in a record."),
        optional(
            "split",
            Kind::Text("text"),
            "What stands between them where one text holds several.",
        ),
        optional(
            "length",
            Kind::Integer { min: 1, max: 1_000 },
            "Only so many characters of each, from the beginning: a short form of an id.",
        ),
    ],
    rules: &[],
};

const REQUEST_VALUES_KIND: Kind = Kind::Map("name", &REQUEST_VALUE);
static REQUEST_VALUE: Kind = Kind::RequestValue;

static SOAP_CALL: Shape = Shape {
    name: "soap_call",
    doc: "The SOAP operation.",
    keys: &[
        default("action", Kind::Text("text"), "\"\"", "The SOAPAction."),
        optional(
            "version",
            Kind::Word(&["1.1", "1.2"]),
            "The version of the envelope, when it is not the file's.",
        ),
    ],
    rules: &[],
};

static PER_KEY: Shape = Shape {
    name: "per_key",
    doc: "One key a call: for APIs that take one.",
    keys: &[default(
        "parallel",
        Kind::Integer { min: 1, max: 1_000 },
        "8",
        "Calls at once for one step.",
    )],
    rules: &[],
};

static BATCH: Shape = Shape {
    name: "batch",
    doc: "Many keys in one call, sorted, without duplicates.",
    keys: &[
        default("keys", Kind::Integer { min: 1, max: 10_000 }, "100", "Keys in one call."),
        default("bytes", Kind::Size, "64KiB", "Text of the keys in one call."),
        default(
            "parallel",
            Kind::Integer { min: 1, max: 1_000 },
            "4",
            "Calls at once for one step.",
        ),
        optional(
            "split_on",
            Kind::OneOrMore(&STATUS),
            "Statuses at which a call is halved to find the key that is refused.",
        ),
    ],
    rules: &[],
};

static PAGES: Shape = Shape {
    name: "call_pages",
    doc: "How the answer goes on. A `batch` call is read to its end; a `per_key` call hands `first` and `after` to the vendor.",
    keys: &[
        required("next", Kind::Struct(&NEXT), "Where the next page begins."),
        optional(
            "more",
            Kind::Text("path"),
            "Where the answer says that there is more; without it the next values decide, and pages by number end at a short page.",
        ),
        optional(
            "carry",
            Kind::Map("variable", &PATH),
            "Variables that the next page's request needs besides, with their places in the answer: a search's id.",
        ),
        optional("size", Kind::Struct(&SIZE), "The size of a page."),
        default(
            "max_pages",
            Kind::Integer { min: 1, max: 10_000 },
            "10",
            "Pages at the most; what is beyond is PARTIAL.",
        ),
        optional("total", Kind::Text("path"), "Where the answer says how many there are in all."),
    ],
    rules: &[],
};

static PUSHES: Shape = Shape {
    name: "call_pushes",
    doc: "What of a list's `filter` and `orderBy` the backend can do. A filter that the request reads is asked of it; what it is \
          not asked for is done over the list's pages.",
    keys: &[
        optional(
            "one",
            Kind::OneOrMore(&ARGUMENT),
            "Filters of which it takes one value at a time: `filter.status`. Several are done over pages.",
        ),
        optional(
            "orders",
            Kind::Map("order", &DIRECTIONS),
            "The orders that it can give, by the words of `orderBy.field`, and in which directions.",
        ),
    ],
    rules: &[],
};

static NEXT: Shape = Shape {
    name: "next_page",
    doc: "Where the next page begins: one of these.",
    keys: &[
        optional(
            "cursor",
            Kind::Map("variable", &PATH),
            "Variables with their values in the answer; null ends.",
        ),
        optional("page", Kind::Text("variable"), "A page number that counts up."),
        optional("offset", Kind::Text("variable"), "A record number that counts up."),
        optional(
            "link_header",
            Kind::Text("relation"),
            "A `Link` header with this relation; of it only the parameters of `keep` are used.",
        ),
        optional(
            "body_link",
            Kind::Text("path"),
            "A link in the answer; of it only the parameters of `keep` are used.",
        ),
        optional(
            "start",
            Kind::Integer { min: 0, max: 1_000_000 },
            "The first number, for `page` (1) and `offset` (0).",
        ),
        optional(
            "keep",
            Kind::OneOrMore(&NAME),
            "Query parameters of a link; each is a variable of the same name.",
        ),
        optional(
            "segment",
            Kind::Text("variable"),
            "The variable that takes the last segment of the path of a `body_link`.",
        ),
    ],
    rules: &[Rule::Exactly(&["cursor", "page", "offset", "link_header", "body_link"])],
};

static SIZE: Shape = Shape {
    name: "page_size",
    doc: "The size of a page.",
    keys: &[
        required("variable", Kind::Text("name"), "The variable that carries it."),
        default("min", Kind::Integer { min: 1, max: 100_000 }, "1", "The vendor's smallest."),
        default("max", Kind::Integer { min: 1, max: 100_000 }, "100", "The vendor's largest."),
    ],
    rules: &[],
};

static DROP: Shape = Shape {
    name: "drop",
    doc: "One object that becomes stale.",
    keys: &[
        required("type", Kind::Text("type"), "Its type."),
        required("id", Kind::RequestValue, "Its id, most often an argument."),
    ],
    rules: &[],
};
