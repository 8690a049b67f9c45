//! Merged lists in the files that cross roles.

use super::{Kind, Shape, optional, required};

static LIST_KIND: Kind = Kind::Struct(&LIST);
static WORD: Kind = Kind::Text("value");
static NAME: Kind = Kind::Text("field");
static VALUE_KIND: Kind = Kind::Struct(&VALUE);
static FIELD_KIND: Kind = Kind::Either(&NAME, &VALUE_KIND);

pub(super) static MERGED_KIND: Kind = Kind::Struct(&MERGED);

static MERGED: Shape = Shape {
    name: "merged",
    doc: "A connection over lists of the same object, merged by time.",
    keys: &[
        required(
            "time",
            Kind::Text("field"),
            "The field of the connection's items that says when: a `DateTime`.",
        ),
        optional(
            "kind",
            Kind::Text("field"),
            "The field of the items that says of what kind they are: an enum, which the argument `kinds` chooses from.",
        ),
        required(
            "lists",
            Kind::Map("name", &LIST_KIND),
            "The lists, in the order in which events of the same time come.",
        ),
    ],
    rules: &[],
};

static LIST: Shape = Shape {
    name: "merged_list",
    doc: "One of the lists, and what its records become.",
    keys: &[
        required(
            "read",
            Kind::Text("field with its arguments"),
            "The list as a query selects it: `invoices`, `tickets(status: OPEN)`.",
        ),
        optional(
            "as",
            Kind::Text("type"),
            "The type of the events that records become; left out: the records are events themselves.",
        ),
        optional(
            "fields",
            Kind::Map("field", &FIELD_KIND),
            "For each field of the event a field of the record, `.` for the record itself, or a value. `id` comes by itself; what is \
             left out is null.",
        ),
        optional(
            "kinds",
            Kind::OneOrMore(&WORD),
            "Of records that are events themselves: the kinds that they can be. The list is not read where none of them is asked for.",
        ),
    ],
    rules: &[],
};

static VALUE: Shape = Shape {
    name: "merged_value",
    doc: "A value that is the same for all events of a list.",
    keys: &[required("value", Kind::Constant, "The value.")],
    rules: &[],
};
