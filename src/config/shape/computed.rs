//! Fields that are computed from others of the same record, in the files that cross roles.

use super::metrics::TESTS;
use super::{Kind, Rule, Shape, optional};

pub(super) static COMPUTED_KIND: Kind = Kind::Struct(&COMPUTED);

static COMPUTED: Shape = Shape {
    name: "computed",
    doc: "A field of a record that follows from others of the same record and the present time. Where one of them has no value, it has none.",
    keys: &[
        optional("holds", TESTS, "Whether each of these fields passes its test."),
        optional(
            "days_since",
            Kind::Text("field"),
            "How many days before today a day or instant is.",
        ),
        optional("where", TESTS, "Of `days_since`: what must hold; else it is 0."),
    ],
    rules: &[Rule::Exactly(&["holds", "days_since"]), Rule::AtMost(&["holds", "where"])],
};
