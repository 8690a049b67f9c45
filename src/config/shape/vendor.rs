//! Vendor files.

use super::deployment::TEXT;
use super::{Kind, Rule, Shape, default, optional, required};

static PATH: Kind = Kind::Text("path");
static NAME: Kind = Kind::Text("name");
static WORD: Kind = Kind::Text("word");
static CALL_NAME: Kind = Kind::Text("call");
static STATUS: Kind = Kind::Integer { min: 100, max: 599 };
static CALL_KIND: Kind = Kind::Struct(&CALL);
static FIELD_KIND: Kind = Kind::Struct(&FIELD);
static DROP_KIND: Kind = Kind::Struct(&DROP);
static DROP_OR_TYPE: Kind = Kind::Either(&TYPE_NAME, &DROP_KIND);
static TYPE_NAME: Kind = Kind::Text("type");
static LOOKUPS: Kind = Kind::Map("key kind", &CALL_NAME);
static TYPE_MAPPING: Kind = Kind::TypeMapping;
static SOURCE_ITEM: Kind = Kind::Either(&SOURCE_TEXT, &SOURCE_ID_KIND);
static SOURCE_TEXT: Kind = Kind::Text("slot or $args.path");
static SOURCE_ID_KIND: Kind = Kind::Struct(&SOURCE_ID);

pub(super) static VENDOR: Shape = Shape {
    name: "vendor",
    doc: "How one backend answers: its calls, and how its records become slots and fields. `${…}` is expanded in `url`, `auth` \
          and `headers` alone.",
    keys: &[
        required(
            "role",
            Kind::Text("role"),
            "The role that this vendor plays; the name of its folder.",
        ),
        required("protocol", Kind::Word(&["rest", "soap"]), "How it is spoken to."),
        optional(
            "url",
            Kind::Text("URL"),
            "Its address: scheme, host, and an optional path prefix. The deployment may give another.",
        ),
        optional("auth", Kind::Either(&AUTH_NONE, &AUTH), "Credentials."),
        optional("headers", Kind::Map("header name", &TEXT), "Headers of every request."),
        optional("errors", Kind::Struct(&ERRORS), "Where an error answer says what is wrong."),
        optional(
            "success",
            Kind::Struct(&SUCCESS),
            "The test that an answer is not an error in disguise, for every call.",
        ),
        optional(
            "missing",
            Kind::OneOrMore(&WORD),
            "Statuses and SOAP fault codes that mean \"no such record\", for every call.",
        ),
        default("timeout", Kind::Duration, "10s", "The longest that one attempt may take."),
        default("connect_timeout", Kind::Duration, "2s", "The longest that connecting may take."),
        default(
            "concurrency",
            Kind::Integer { min: 1, max: 10_000 },
            "64",
            "Calls at once, over all operations.",
        ),
        optional(
            "ttl",
            Kind::Duration,
            "How long records are kept; the deployment's when left out.",
        ),
        optional("answer", Kind::Struct(&ANSWER), "Limits on answers."),
        optional("soap", Kind::Struct(&SOAP), "Settings of SOAP, for every call."),
        default(
            "projected",
            Kind::Text("path"),
            ".",
            "Where in a record the opt-in properties are: `$fields` holds names below it.",
        ),
        optional(
            "calls",
            Kind::Map("call", &CALL_KIND),
            "How to talk to it, by names of your own.",
        ),
        optional(
            "lookups",
            Kind::Map("type", &LOOKUPS),
            "Which call loads this role's part of a type, by kind of key.",
        ),
        optional(
            "types",
            Kind::Map("type", &TYPE_MAPPING),
            "How its records become GraphQL: the fields and slots of each type.",
        ),
        optional(
            "fields",
            Kind::Map("Type.field", &FIELD_KIND),
            "Which call or reference answers which coordinate.",
        ),
    ],
    rules: &[],
};

pub(super) static AUTH_NONE: Kind = Kind::Word(&["none"]);
pub(super) static AUTH: Kind = Kind::Struct(&AUTH_SHAPE);

static AUTH_SHAPE: Shape = Shape {
    name: "auth",
    doc: "Credentials toward a backend: one of these, or `none`.",
    keys: &[
        optional("bearer", Kind::Text("token"), "A bearer token."),
        optional("basic", Kind::Struct(&BASIC), "User and password."),
        optional("header", Kind::Struct(&PAIR), "A secret header."),
        optional("query", Kind::Struct(&PAIR), "A secret query parameter."),
        optional("username_token", Kind::Struct(&USERNAME_TOKEN), "WS-Security, for SOAP."),
        optional(
            "token_passport",
            Kind::Struct(&TOKEN_PASSPORT),
            "The token passport of NetSuite's SOAP service, signed for every request.",
        ),
    ],
    rules: &[Rule::ExactlyOne(&[
        "bearer",
        "basic",
        "header",
        "query",
        "username_token",
        "token_passport",
    ])],
};

static TOKEN_PASSPORT: Shape = Shape {
    name: "token_passport",
    doc: "Token-based authentication of NetSuite's SOAP service.",
    keys: &[
        required("version", Kind::Text("version"), "The service's version: `2017_2`."),
        required("account", Kind::Text("text"), "The account."),
        required("consumer_key", Kind::Text("text"), "The integration's key."),
        required("consumer_secret", Kind::Text("text"), "The integration's secret; never sent."),
        required("token", Kind::Text("text"), "The token's id."),
        required("token_secret", Kind::Text("text"), "The token's secret; never sent."),
    ],
    rules: &[],
};

static BASIC: Shape = Shape {
    name: "basic",
    doc: "User and password.",
    keys: &[
        required("user", Kind::Text("text"), "The user."),
        required("password", Kind::Text("text"), "The password; may be empty."),
    ],
    rules: &[],
};

static PAIR: Shape = Shape {
    name: "secret_pair",
    doc: "A name and its secret value.",
    keys: &[
        required("name", Kind::Text("name"), "The header or parameter."),
        required("value", Kind::Text("text"), "Its value."),
    ],
    rules: &[],
};

static USERNAME_TOKEN: Shape = Shape {
    name: "username_token",
    doc: "A WS-Security UsernameToken.",
    keys: &[
        required("user", Kind::Text("text"), "The user."),
        required("password", Kind::Text("text"), "The password."),
        default("digest", Kind::Bool, "true", "Whether a digest is sent in place of the password."),
    ],
    rules: &[],
};

static ERRORS: Shape = Shape {
    name: "errors",
    doc: "Where an error answer says what is wrong. The message is for the log; clients see the code.",
    keys: &[
        optional("message", Kind::Text("path"), "The message."),
        optional("code", Kind::Text("path"), "The code."),
    ],
    rules: &[],
};

static SUCCESS: Shape = Shape {
    name: "success",
    doc: "The test that an answer is not an error in disguise. With neither list: the path is there and not null.",
    keys: &[
        required("path", Kind::Text("path"), "Where to look, in the whole answer."),
        optional("is", Kind::OneOrMore(&WORD), "The texts that mean success."),
        optional("is_not", Kind::OneOrMore(&WORD), "The texts that mean failure."),
    ],
    rules: &[Rule::AtMostOne(&["is", "is_not"])],
};

static ANSWER: Shape = Shape {
    name: "answer",
    doc: "Limits on answers.",
    keys: &[
        default("body_bytes", Kind::Size, "10MiB", "The answer's body after decompression."),
        default("depth", Kind::Integer { min: 1, max: 1_000 }, "64", "Values inside each other."),
    ],
    rules: &[],
};

static SOAP: Shape = Shape {
    name: "soap",
    doc: "Settings of SOAP, for every call.",
    keys: &[
        default("version", Kind::Word(&["1.1", "1.2"]), "1.1", "The version of the envelope."),
        optional(
            "lists",
            Kind::OneOrMore(&NAME),
            "Local names of elements that are lists even when they stand alone.",
        ),
    ],
    rules: &[],
};

static CALL: Shape = Shape {
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
            "records",
            Kind::Text("path"),
            "Where the records are; without it the answer is the one record.",
        ),
        optional(
            "answers",
            Kind::OneOrMore(&PATH),
            "In a record: the key that it answers; several for a composite key.",
        ),
        optional(
            "success",
            Kind::Struct(&SUCCESS),
            "The test that an answer is not an error in disguise.",
        ),
        optional("errors", Kind::Struct(&ERRORS), "Where an error answer says what is wrong."),
        optional(
            "missing",
            Kind::OneOrMore(&WORD),
            "Statuses and SOAP fault codes that mean \"no such record\".",
        ),
        optional("ttl", Kind::Duration, "How long records are kept."),
        optional("timeout", Kind::Duration, "The longest that one attempt may take."),
        default(
            "idempotent",
            Kind::Bool,
            "false",
            "Of a POST used by a mutation: whether doing it twice is doing it once.",
        ),
        optional(
            "drops",
            Kind::OneOrMore(&DROP_OR_TYPE),
            "What becomes stale when this call, used by a mutation, succeeds.",
        ),
        optional(
            "fills",
            Kind::OneOrMore(&CALL_NAME),
            "By-key calls whose cache entries these records fill.",
        ),
    ],
    rules: &[
        Rule::AtLeastOne(&["get", "post", "put", "patch", "delete", "head", "envelope"]),
        Rule::AtMostOne(&["get", "post", "put", "patch", "delete", "head"]),
        Rule::AtMostOne(&["get", "put", "patch", "delete", "head", "envelope"]),
        Rule::AtMostOne(&["per_key", "batch"]),
        Rule::AtMostOne(&["body", "form"]),
    ],
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
    ],
    rules: &[Rule::ExactlyOne(&["cursor", "page", "offset", "link_header", "body_link"])],
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

static FIELD: Shape = Shape {
    name: "field",
    doc: "How one coordinate is answered.",
    keys: &[
        optional("call", Kind::Text("call"), "The call whose records are the value."),
        optional(
            "reference",
            Kind::Text("key kind"),
            "Another object, by this kind of key of this role's part: loaded only as far as it is needed.",
        ),
        optional(
            "from",
            Kind::OneOrMore(&SOURCE_ITEM),
            "The key: a slot of this role's part of the parent, or `$args.name`; several for a composite key.",
        ),
        optional(
            "value",
            Kind::Mapping,
            "The value, from the call's one record, when it is not a record of a type under `types`.",
        ),
    ],
    rules: &[Rule::ExactlyOne(&["call", "reference"])],
};

static SOURCE_ID: Shape = Shape {
    name: "source_id",
    doc: "An argument that holds the opaque id of an object of a type.",
    keys: &[
        required("id", Kind::Text("$args.path"), "The argument."),
        required("of", Kind::Text("type"), "The type."),
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
