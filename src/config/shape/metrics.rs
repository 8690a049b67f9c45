//! Metrics in the files that cross roles.

use super::{Kind, Rule, Shape, default, optional, required};

static FIELD: Kind = Kind::Text("field with its arguments");
static LIST_STRUCT: Kind = Kind::Struct(&LIST);
static LIST_KIND: Kind = Kind::Either(&FIELD, &LIST_STRUCT);
static COLUMN: Kind = Kind::Text("list.field");
static WORD: Kind = Kind::Text("value");
static METRIC_KIND: Kind = Kind::Struct(&METRIC);
static TEST_KIND: Kind = Kind::Struct(&TEST);
static TERM_KIND: Kind = Kind::Struct(&TERM);
static FACTOR_KIND: Kind = Kind::Struct(&FACTOR);
static FLAG_KIND: Kind = Kind::Struct(&FLAG);
static SPAN_KIND: Kind = Kind::Struct(&SPAN);
static DAYS: Kind = Kind::Text("days");
static LEAST: Kind = Kind::Integer { min: 0, max: 100 };

/// The forms: a metric is one of them.
pub(crate) const FORMS: &[&str] =
    &["sum", "buckets", "count", "average", "earliest", "latest", "age", "score", "flags"];

/// By field of a record: the test that it passes.
pub(super) const TESTS: Kind = Kind::Map("field", &TEST_KIND);

pub(super) static METRICS_KIND: Kind = Kind::Struct(&METRICS);

static METRICS: Shape = Shape {
    name: "metrics",
    doc: "The metrics at one coordinate: a field of a type with parts whose own type has nothing but metrics.",
    keys: &[
        required(
            "lists",
            Kind::Map("name", &LIST_KIND),
            "What the metrics read: fields of the object as a query selects them, such as `invoices(first: 500)`.",
        ),
        required(
            "fields",
            Kind::Map("field", &METRIC_KIND),
            "How each field of the type is reckoned.",
        ),
    ],
    rules: &[],
};

static LIST: Shape = Shape {
    name: "metric_list",
    doc: "A list that metrics read.",
    keys: &[
        required(
            "read",
            Kind::Text("field with its arguments"),
            "The field as a query selects it.",
        ),
        default(
            "enough",
            Kind::Bool,
            "false",
            "Whether what is read is all that is wanted, however much more there is: the newest of a list.",
        ),
    ],
    rules: &[],
};

static METRIC: Shape = Shape {
    name: "metric",
    doc: "How one metric is reckoned.",
    keys: &[
        optional(
            "sum",
            Kind::Text("list.field"),
            "Adds amounts of money: one total for each currency.",
        ),
        optional(
            "times",
            Kind::Text("list.field"),
            "Of `sum`: a number that each amount is multiplied by.",
        ),
        optional(
            "per",
            Kind::Struct(&PER),
            "Of `sum`: amounts that recur, as what they come to in a month or year.",
        ),
        optional("minus", Kind::OneOrMore(&TERM_KIND), "Of `sum`: amounts that are taken away."),
        optional(
            "buckets",
            Kind::Text("list.field"),
            "Adds amounts of money by how many days ago something was.",
        ),
        optional(
            "since",
            Kind::Text("list.field"),
            "Of `buckets`: the day or instant that days are counted from.",
        ),
        optional(
            "into",
            Kind::Map("name", &DAYS),
            "Of `buckets`: the most days of each, from the fewest on; `older` for all the rest.",
        ),
        optional("count", Kind::Text("list"), "Counts the items of a list."),
        optional(
            "by",
            Kind::Text("list.field"),
            "Of `count`: counts for each value of this field, too.",
        ),
        optional(
            "average",
            Kind::Either(&COLUMN, &SPAN_KIND),
            "The mean of a number, or of the seconds between two instants.",
        ),
        optional(
            "earliest",
            Kind::OneOrMore(&COLUMN),
            "The first of days and instants, of one list or of several.",
        ),
        optional("latest", Kind::OneOrMore(&COLUMN), "The last of them."),
        optional("age", Kind::Text("metric"), "How long ago the instant of another metric is."),
        default(
            "in",
            Kind::Word(&["seconds", "days"]),
            "seconds",
            "Of `age`: what it is counted in.",
        ),
        optional(
            "score",
            Kind::Map("factor", &FACTOR_KIND),
            "From 0 to 100: the mean of other metrics, each scaled and weighted. Factors whose source is missing are left out.",
        ),
        optional("bands", Kind::Map("name", &LEAST), "Of `score`: the least score of each band."),
        optional("flags", Kind::Map("name", &FLAG_KIND), "The names of the conditions that hold."),
        optional("where", TESTS, "The items that count: each field passes its test."),
    ],
    rules: &[Rule::Exactly(FORMS)],
};

static PER: Shape = Shape {
    name: "metric_period",
    doc: "Amounts that recur.",
    keys: &[
        required(
            "unit",
            Kind::Text("list.field"),
            "The field that says `DAY`, `WEEK`, `MONTH` or `YEAR`.",
        ),
        optional(
            "count",
            Kind::Text("list.field"),
            "How many of these units an amount is for. Left out: one.",
        ),
        default("as", Kind::Word(&["month", "year"]), "month", "What amounts are brought to."),
    ],
    rules: &[],
};

static TERM: Shape = Shape {
    name: "metric_term",
    doc: "Amounts that are taken away.",
    keys: &[
        required("sum", Kind::Text("list.field"), "The amounts."),
        optional("where", TESTS, "The items that count."),
    ],
    rules: &[],
};

static SPAN: Shape = Shape {
    name: "metric_span",
    doc: "The seconds between two instants of one item.",
    keys: &[
        required("from", Kind::Text("list.field"), "Where it begins."),
        required("to", Kind::Text("list.field"), "Where it ends."),
    ],
    rules: &[],
};

static TEST: Shape = Shape {
    name: "metric_test",
    doc: "A test of one field. What has no value passes none.",
    keys: &[
        optional("is", Kind::OneOrMore(&WORD), "It is one of these values."),
        optional("is_not", Kind::OneOrMore(&WORD), "It is none of these."),
        optional(
            "before",
            Kind::Text("moment"),
            "It is before `now`, `30d ago` or `in 7d`; or its day is before `today`.",
        ),
        optional("after", Kind::Text("moment"), "It is after that."),
    ],
    rules: &[Rule::AtLeast(&["is", "is_not", "before", "after"])],
};

static FACTOR: Shape = Shape {
    name: "metric_factor",
    doc: "What one metric adds to a score.",
    keys: &[
        required(
            "metric",
            Kind::Text("metric"),
            "Another metric of the same type: a count, a mean or an age.",
        ),
        required("best", Kind::Text("number"), "The value that counts full."),
        required(
            "worst",
            Kind::Text("number"),
            "The value that counts nothing; between the two it goes evenly.",
        ),
        required(
            "weight",
            Kind::Integer { min: 1, max: 1000 },
            "How much it counts beside the others.",
        ),
    ],
    rules: &[],
};

static FLAG: Shape = Shape {
    name: "metric_flag",
    doc: "A condition on one metric.",
    keys: &[
        required(
            "metric",
            Kind::Text("metric"),
            "Another metric of the same type: a count, a mean or an age.",
        ),
        required("above", Kind::Text("number"), "It holds when the metric is more than this."),
    ],
    rules: &[],
};
