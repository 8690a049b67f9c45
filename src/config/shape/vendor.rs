//! Vendor files.

use super::auth::{AUTH, AUTH_NONE};
use super::call::{CALL, STALE_IF_ERROR, STALE_WHILE_REVALIDATE};
use super::deployment::TEXT;
use super::health::HEALTH_CALL;
use super::policy::{
    BREAKER_KEY, CONCURRENCY_OR_MOST, GROUPS_KIND, HEDGE_KEY, QUOTA_KEY, RETRY_KEY, SLOW_KEY,
};
use super::role::{PROPAGATE_DOC, PROPAGATE_KIND};
use super::{Kind, Rule, Shape, default, optional, required};

static PATH: Kind = Kind::Text("path");
static NAME: Kind = Kind::Text("name");
static WORD: Kind = Kind::Text("word");
static CALL_NAME: Kind = Kind::Text("call");
static CALL_KIND: Kind = Kind::Struct(&CALL);
static FIELD_KIND: Kind = Kind::Struct(&FIELD);
static LOOKUPS: Kind = Kind::Map("key kind", &CALL_NAME);
static TYPE_MAPPING: Kind = Kind::TypeMapping;
static SOURCE_ITEM: Kind = Kind::Either(&SOURCE_TEXT, &SOURCE_ID_KIND);
static SOURCE_TEXT: Kind = Kind::Text("slot or $args.path");
static SOURCE_ID_KIND: Kind = Kind::Struct(&SOURCE_ID);

static DIGITS: Kind = Kind::Integer { min: 0, max: 6 };

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
            "refused",
            Kind::Struct(&REFUSED),
            "Where an answer that gives some records says that it refuses others, for every call.",
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
            CONCURRENCY_OR_MOST,
            "64",
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
            "Groups of calls with a breaker, and perhaps a quota, of their own; a call names its `group`.",
        ),
        default(
            "deadline_header",
            Kind::Text("header name"),
            "X-Request-Timeout-Ms",
            "The header that tells the backend how many milliseconds its answer is waited for; `none` sends none.",
        ),
        optional("propagate", PROPAGATE_KIND, PROPAGATE_DOC),
        optional(
            "idempotency_header",
            Kind::Text("header name"),
            "The header that names a mutation's request, so that the backend does one that comes twice once: `Idempotency-Key`. With \
             it failed mutations are tried again, with the same random key.",
        ),
        optional(
            "ttl",
            Kind::Duration,
            "How long records are kept; the deployment's when left out.",
        ),
        STALE_WHILE_REVALIDATE,
        STALE_IF_ERROR,
        optional(
            "health",
            Kind::Struct(&HEALTH_CALL),
            "By what a deployment that asks for it (`health` of the role) sees whether data flows.",
        ),
        optional("answer", Kind::Struct(&ANSWER), "Limits on answers."),
        optional("soap", Kind::Struct(&SOAP), "Settings of SOAP, for every call."),
        optional(
            "minor_digits",
            Kind::Map("currency", &DIGITS),
            "How many digits minor units have, by currency, where this backend differs from ISO 4217.",
        ),
        default(
            "projected",
            Kind::Text("path"),
            ".",
            "Where in a record the opt-in properties are: `$fields` holds names below it.",
        ),
        default(
            "projection",
            Kind::Word(&["names", "paths"]),
            "names",
            "What `$fields` holds: the first name of each path, or whole paths (`Owner.Name`).",
        ),
        optional(
            "approximated",
            Kind::Map("Type.field", &TEXT),
            "Coordinates that this backend can fill only nearly, and why: for `check --coverage`.",
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

pub(super) static ERRORS: Shape = Shape {
    name: "errors",
    doc: "Where an error answer says what is wrong. The message is for the log; clients see the code.",
    keys: &[
        optional("message", Kind::Text("path"), "The message."),
        optional("code", Kind::Text("path"), "The code."),
        optional(
            "throttled",
            Kind::OneOrMore(&WORD),
            "Codes, also of SOAP faults, that mean \"no more for now\" whatever the status; `EXCEEDED_*` is whatever begins so. \
             BACKEND_RATE_LIMITED, and tried again.",
        ),
        optional(
            "unavailable",
            Kind::OneOrMore(&WORD),
            "Codes that mean that the backend itself has failed. BACKEND_UNAVAILABLE, and tried again.",
        ),
    ],
    rules: &[],
};

pub(super) static REFUSED: Shape = Shape {
    name: "refused",
    doc: "What an answer says of single records. One with a code of `missing` is not there; each other is an error of its keys, \
          and of no others.",
    keys: &[
        required("records", Kind::Text("path"), "Where it tells of each record."),
        optional(
            "success",
            Kind::Struct(&SUCCESS),
            "The test, at a path in each, that it is no refusal.",
        ),
        optional("message", Kind::Text("path"), "In each: the message."),
        optional("code", Kind::Text("path"), "In each: the code."),
        optional(
            "keys",
            Kind::OneOrMore(&PATH),
            "In each: the keys that it is about. Without it: all that no record answers.",
        ),
    ],
    rules: &[],
};

pub(super) static SUCCESS: Shape = Shape {
    name: "success",
    doc: "The test that an answer is not an error in disguise. With neither list: the path is there and not null.",
    keys: &[
        required("path", Kind::Text("path"), "Where to look, in the whole answer."),
        optional("is", Kind::OneOrMore(&WORD), "The texts that mean success."),
        optional("is_not", Kind::OneOrMore(&WORD), "The texts that mean failure."),
    ],
    rules: &[Rule::AtMost(&["is", "is_not"])],
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
        optional(
            "by",
            Kind::Mapping,
            "With `call` and `reference`: where each record of the call names the object that it stands for.",
        ),
    ],
    rules: &[Rule::AtLeast(&["call", "reference"]), Rule::AtMost(&["value", "by"])],
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
