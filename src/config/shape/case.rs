//! Contract cases: an operation, the exchanges behind it, the answer that is expected.

use super::deployment::TEXT;
use super::{Kind, Rule, Shape, default, optional, required};

static EXCHANGE_KIND: Kind = Kind::Struct(&EXCHANGE);
static COUNT: Kind = Kind::Integer { min: 0, max: 1_000_000 };
static SCALAR: Kind = Kind::Constant;
static PARAMETERS: Kind = Kind::Map("name", &VALUES);
static VALUES: Kind = Kind::OneOrMore(&SCALAR);
static ANY: Kind = Kind::Word(&["any"]);
static NAME: Kind = Kind::Text("name");

pub(super) static CASE: Shape = Shape {
    name: "case",
    doc: "A contract case: an operation, what the backends are asked for it and say, and the answer that is expected.",
    keys: &[
        optional("description", Kind::Text("text"), "What the case shows, in a sentence."),
        required("query", Kind::Text("GraphQL"), "The operation."),
        optional("operation", Kind::Text("name"), "Which operation, if the text has several."),
        optional("variables", Kind::Json("by name: any value"), "The operation's variables."),
        optional(
            "headers",
            Kind::Map("header name", &TEXT),
            "Client headers, for calls that read `$header.name`; only those of `forward_headers` reach them.",
        ),
        required(
            "exchanges",
            Kind::List(&EXCHANGE_KIND),
            "What backends are asked, and say. Of several for one request each is used once, in this order; the last goes on.",
        ),
        optional(
            "calls",
            Kind::Map("role", &COUNT),
            "How many requests each backend gets; roles that are left out get none. Left out: any number.",
        ),
        optional(
            "expect",
            Kind::Json("the whole answer"),
            "The answer: `data`, `errors`, as the client gets them. `cyclorama test --update` writes it.",
        ),
    ],
    rules: &[],
};

static EXCHANGE: Shape = Shape {
    name: "exchange",
    doc: "One request of a backend and what came of it.",
    keys: &[
        required("backend", Kind::Text("role"), "The role whose backend is asked."),
        required("request", Kind::Struct(&REQUEST), "What it is asked."),
        optional("response", Kind::Struct(&RESPONSE), "What it says."),
        optional(
            "fails",
            Kind::Word(&["connect", "timeout", "broken"]),
            "Instead of an answer: no connection, no answer in time, a connection that breaks.",
        ),
    ],
    rules: &[Rule::Exactly(&["response", "fails"])],
};

static REQUEST: Shape = Shape {
    name: "exchange_request",
    doc: "What a request must be like to get this answer. Credentials are never looked at.",
    keys: &[
        default(
            "method",
            Kind::Word(&["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
            "GET",
            "The method.",
        ),
        required("path", Kind::Text("path"), "The path below the backend's `url`."),
        optional(
            "query",
            Kind::Either(&ANY, &PARAMETERS),
            "The query parameters, all of them; a list for one that repeats. Left out: there are none. `any`: not looked at.",
        ),
        optional(
            "ignore",
            Kind::OneOrMore(&NAME),
            "Query parameters that are not looked at: a credential, a time.",
        ),
        optional(
            "headers",
            Kind::Map("header name", &TEXT),
            "Headers that must be there. Others are not looked at.",
        ),
        optional(
            "body",
            Kind::Json("text, a map or a list"),
            "A map or list: the JSON body, or the content of a SOAP Body as a tree. Text: the body itself. Left out: not \
             looked at.",
        ),
        optional("form", PARAMETERS_KIND, "The fields of a form body."),
    ],
    rules: &[Rule::AtMost(&["body", "form"])],
};

const PARAMETERS_KIND: Kind = Kind::Map("name", &VALUES);

static RESPONSE: Shape = Shape {
    name: "exchange_response",
    doc: "An answer.",
    keys: &[
        default("status", Kind::Integer { min: 100, max: 599 }, "200", "The status."),
        optional(
            "headers",
            Kind::Map("header name", &TEXT),
            "Headers. Left out, `content-type` follows from the body.",
        ),
        optional(
            "body",
            Kind::Json("text, a map or a list"),
            "A map or list: JSON. Text: the body itself.",
        ),
    ],
    rules: &[],
};
