//! The forms of mappings and of request values.

use super::deployment::TEXT;
use super::vendor::SUCCESS;
use super::{Key, Kind, Need, Rule, Shape, default, optional, required};

static PATH: Kind = Kind::Text("path");
static WORD: Kind = Kind::Text("word");
pub(super) static MAPPING: Kind = Kind::Mapping;

/// The forms of a mapping, the first whose own key stands in a map. The own key is the first of its shape.
pub(super) static FORMS: [&Shape; 20] = [
    &ENUM, &MONEY, &TIME, &DATE, &JOIN, &SPLIT, &FIRST, &CASE, &NUMBER, &BOOL, &TEXT_FORM, &OTHER,
    &ID, &FIND, &EACH, &LIST, &ENTRIES, &OBJECT, &JQ, &VALUE,
];
/// `{ at: P, as: T }` and `{ as: T }`: no form of its own key.
pub(super) static RECORD: Shape = Shape {
    name: "record",
    doc: "A record of a type that stands under `types`, at a path or (without `at`) here.",
    keys: &[
        required("as", Kind::Text("type"), "The type, as under `types`."),
        optional("at", Kind::Text("path"), "Where the record is; null there is null here."),
    ],
    rules: &[],
};

const fn path(name: &'static str) -> Key {
    required(name, Kind::Text("path"), "Where the value is.")
}

pub(super) static ENUM: Shape = Shape {
    name: "enum",
    doc: "A vendor's words to the schema's.",
    keys: &[
        path("enum"),
        required(
            "values",
            Kind::Map("vendor's word", &WORD),
            "The schema's word for each of the vendor's.",
        ),
        optional(
            "else",
            Kind::Text("word"),
            "The word for every other; without it such a word is a problem of this field.",
        ),
    ],
    rules: &[],
};

static MONEY: Shape = Shape {
    name: "money",
    doc: "An exact amount with its currency, for types with the fields `amount` and `currency`.",
    keys: &[
        required("money", Kind::Text("path"), "Where the amount is."),
        required(
            "currency",
            Kind::Text("path or code"),
            "Where the currency is, or its ISO 4217 code. `$record.path` begins at the record that the call gave, for amounts of its lines.",
        ),
        optional("else", Kind::Text("code"), "The currency of records that name none."),
        default(
            "minor",
            Kind::Bool,
            "false",
            "Whether the amount counts minor units (cents), by the currency's own digits.",
        ),
    ],
    rules: &[],
};

const UNIX: Key = optional(
    "unix",
    Kind::Word(&["s", "ms"]),
    "The value counts seconds or milliseconds since 1970.",
);
const FORMAT: Key = optional(
    "format",
    Kind::Text("strptime pattern"),
    "The pattern of the text; without it RFC 3339, its relatives and RFC 2822 are read.",
);
const ZONE: Key =
    default("zone", Kind::Text("time zone"), "UTC", "The zone of text without an offset.");
const UNSET: Key = optional("unset", Kind::OneOrMore(&TEXT), "Texts that mean that there is none.");

static TIME: Shape = Shape {
    name: "time",
    doc: "An instant, as RFC 3339 with offset.",
    keys: &[path("time"), UNIX, FORMAT, ZONE, UNSET],
    rules: &[Rule::AtMost(&["unix", "format"])],
};

static DATE: Shape = Shape {
    name: "date",
    doc: "A day.",
    keys: &[path("date"), UNIX, FORMAT, ZONE, UNSET],
    rules: &[Rule::AtMost(&["unix", "format"])],
};

static JOIN: Shape = Shape {
    name: "join",
    doc: "Texts one after the other; nulls and blanks are left out, and all blank is null.",
    keys: &[
        required("join", Kind::List(&MAPPING), "The texts."),
        default("with", Kind::Text("text"), "\" \"", "What stands between them."),
    ],
    rules: &[],
};

static SPLIT: Shape = Shape {
    name: "split",
    doc: "A list of the texts that one text holds; blanks are left out.",
    keys: &[
        required(
            "split",
            Kind::OneOrMore(&PATH),
            "Where the text is; of several, all their texts.",
        ),
        required("on", Kind::Text("text"), "What stands between the texts."),
    ],
    rules: &[],
};

static FIRST: Shape = Shape {
    name: "first",
    doc: "The first that is neither null nor blank.",
    keys: &[required("first", Kind::List(&MAPPING), "The choices in order.")],
    rules: &[],
};

pub(super) static CASE: Shape = Shape {
    name: "case",
    doc: "One of several mappings, by a word of the record. For abstract types: which type the record is.",
    keys: &[
        required("case", Kind::Text("path"), "Where the word is."),
        required("is", Kind::Map("word", &MAPPING), "The mapping for each word."),
        optional("else", Kind::Mapping, "The mapping for every other word; without it null."),
    ],
    rules: &[],
};

static NUMBER: Shape = Shape {
    name: "number",
    doc: "A number, from a number or from text that holds one.",
    keys: &[
        path("number"),
        optional(
            "over",
            Kind::Word(&["10", "100", "1000", "10000", "100000", "1000000"]),
            "What it is divided by, exactly: `100` for a percentage.",
        ),
    ],
    rules: &[],
};

static BOOL: Shape = Shape {
    name: "bool",
    doc: "A boolean, from a boolean or from words.",
    keys: &[
        path("bool"),
        optional("yes", Kind::OneOrMore(&WORD), "The words for true."),
        optional("no", Kind::OneOrMore(&WORD), "The words for false."),
        optional("true", Kind::OneOrMore(&WORD), "Another name for `yes`."),
        optional("false", Kind::OneOrMore(&WORD), "Another name for `no`."),
    ],
    rules: &[Rule::AtMost(&["yes", "true"]), Rule::AtMost(&["no", "false"])],
};

static TEXT_FORM: Shape = Shape {
    name: "text",
    doc: "Text, from text, numbers and booleans.",
    keys: &[path("text")],
    rules: &[],
};

static OTHER: Shape = Shape {
    name: "other",
    doc: "Text, where it is another than the text somewhere else.",
    keys: &[
        path("other"),
        required("than", Kind::Text("path"), "What is the same as this is null."),
    ],
    rules: &[],
};

static ID: Shape = Shape {
    name: "id",
    doc: "The opaque id of an object of a type.",
    keys: &[
        required(
            "id",
            Kind::OneOrMore(&PATH),
            "Where the remote key is; several for a composite key.",
        ),
        required("of", Kind::Text("type"), "The type of the object."),
    ],
    rules: &[],
};

static EACH: Shape = Shape {
    name: "each",
    doc: "A list: one value for each element.",
    keys: &[
        required("each", Kind::Text("path"), "Where the list is."),
        optional("as", Kind::Text("type"), "Each element is a record of this type."),
        optional("item", Kind::Mapping, "The mapping of one element; paths start at the element."),
        optional("only", Kind::Struct(&SUCCESS), "Only elements that pass this test count."),
    ],
    rules: &[Rule::Exactly(&["as", "item"])],
};

static FIND: Shape = Shape {
    name: "find",
    doc: "One value: of the first element of a list that passes a test.",
    keys: &[
        required("find", Kind::Text("path"), "Where the list is."),
        required(
            "only",
            Kind::Struct(&SUCCESS),
            "The test; where no element passes it, the value is null.",
        ),
        optional("as", Kind::Text("type"), "The element is a record of this type."),
        optional("item", Kind::Mapping, "The mapping of the element; paths start at it."),
    ],
    rules: &[Rule::Exactly(&["as", "item"])],
};

static LIST: Shape = Shape {
    name: "list",
    doc: "A list that is written out; nulls and blanks are left out.",
    keys: &[required("list", Kind::List(&MAPPING), "The mappings of its items.")],
    rules: &[],
};

static ENTRIES: Shape = Shape {
    name: "entries",
    doc: "Fields that a company added to a backend, for a list of a type with the fields `key`, `value` and `type`.",
    keys: &[
        required("entries", Kind::Text("path"), "The object whose members they are, or the list."),
        optional("key", Kind::Text("path"), "In a list: where each element's name is."),
        optional("value", Kind::Text("path"), "In a list: where each element's value is."),
        optional(
            "is",
            Kind::Map("name in the backend", &WORD),
            "The fields by name, and for each the kind of value that it holds.",
        ),
        optional(
            "else",
            Kind::Text("word"),
            "The kind of every other; without it only what `is` names is given.",
        ),
    ],
    rules: &[],
};

static OBJECT: Shape = Shape {
    name: "object",
    doc: "A record written out here.",
    keys: &[
        required("object", Kind::Map("field", &MAPPING), "Its fields."),
        optional("at", Kind::Text("path"), "Where the record is; null there is null here."),
        optional(
            "when",
            Kind::Text("path"),
            "Only where there is something here: without it, or with blank text, the object is null.",
        ),
    ],
    rules: &[],
};

static JQ: Shape = Shape {
    name: "jq",
    doc: "A jq filter over the record: the slow road, for what no other form can say. No `def`, no recursion, no input.",
    keys: &[
        required("jq", Kind::Text("jq filter"), "The filter."),
        optional(
            "needs",
            Kind::OneOrMore(&TEXT),
            "The names that the filter reads, for APIs whose fields are opt-in.",
        ),
    ],
    rules: &[],
};

static VALUE: Shape = Shape {
    name: "value",
    doc: "A constant.",
    keys: &[required("value", Kind::Constant, "The value; `null` for none.")],
    rules: &[],
};

/// The forms of a request value. A map is a form only if it has all required keys of the form and no key besides the form's;
/// every other map is an object.
pub(crate) static REQUEST_FORMS: [&Shape; 7] = [
    &REQUEST_JOIN,
    &REQUEST_ENUM,
    &REQUEST_UNIX,
    &REQUEST_GIVEN,
    &REQUEST_EACH_KEY,
    &REQUEST_QUOTE,
    &REQUEST_ID,
];

static REQUEST_JOIN: Shape = Shape {
    name: "request_join",
    doc: "A list as one text.",
    keys: &[
        required("join", Kind::RequestValue, "The list, most often `$keys` or `$fields`."),
        required("with", Kind::Text("text"), "What stands between."),
    ],
    rules: &[],
};

static REQUEST_ENUM: Shape = Shape {
    name: "request_enum",
    doc: "Our word to the vendor's.",
    keys: &[
        required("enum", Kind::RequestValue, "Our word, or a list of them."),
        required("values", Kind::Map("our word", &WORD), "The vendor's word for each of ours."),
        optional("else", Kind::Text("word"), "The word for every other."),
    ],
    rules: &[],
};

static REQUEST_UNIX: Shape = Shape {
    name: "request_unix",
    doc: "An instant as Unix seconds; a fraction is rounded up.",
    keys: &[required("unix", Kind::RequestValue, "An RFC 3339 text, most often an argument.")],
    rules: &[],
};

static REQUEST_GIVEN: Shape = Shape {
    name: "request_given",
    doc: "A value only where another is given: an item of a list, or a text of a `join`, that is left out otherwise.",
    keys: &[
        required("given", Kind::RequestValue, "What must not be null, most often an argument."),
        required("then", Kind::RequestValue, "The value where it is given."),
        optional("else", Kind::RequestValue, "The value where it is not; null when left out."),
    ],
    rules: &[],
};

static REQUEST_EACH_KEY: Shape = Shape {
    name: "request_each_key",
    doc: "A list with one value for each key; `$key` is that key.",
    keys: &[required("each_key", Kind::RequestValue, "The value for one key.")],
    rules: &[],
};

static REQUEST_QUOTE: Shape = Shape {
    name: "request_quote",
    doc: "Text in a query language, every value quoted by the rules of the language.",
    keys: &[
        required("quote", Kind::Word(&["soql", "ticketsql", "zendesk"]), "The language."),
        required(
            "text",
            Kind::Text("quoting template"),
            "The text, with `{keys}`, `{key}`, `{each}`, `{fields}`, `{args.name}`.",
        ),
        optional(
            "each",
            Kind::Text("quoting template"),
            "The text for one key; `{each}` stands for all of them.",
        ),
        Key {
            name: "with",
            kind: Kind::Text("text"),
            need: Need::Default("\" OR \""),
            doc: "What stands between the texts of `each`.",
        },
    ],
    rules: &[],
};

static REQUEST_ID: Shape = Shape {
    name: "request_id",
    doc: "An argument that holds the opaque id of an object: checked to be of the type, and replaced by the remote key.",
    keys: &[
        required("id", Kind::Text("$args.path"), "The argument."),
        required("of", Kind::Text("type"), "The type."),
    ],
    rules: &[],
};
