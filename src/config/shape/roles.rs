//! `roles.yaml` and the files that cross roles.

use super::{Kind, Shape, default, optional, required};

static NAME: Kind = Kind::Text("name");
static SLOT: Kind = Kind::Text("slot");
static COORDINATE: Kind = Kind::Text("Type.field");
static CONTRACT_KIND: Kind = Kind::Struct(&CONTRACT);
static PART_KIND: Kind = Kind::Struct(&PART);
static KEY_KIND: Kind = Kind::Struct(&KEY);
static KEY_OR_SLOT: Kind = Kind::Either(&SLOT, &KEY_KIND);
static RULE_KIND: Kind = Kind::Struct(&RULE);
static RULES: Kind = Kind::List(&RULE_KIND);
static RULES_BY_ROLE: Kind = Kind::Map("role", &RULES);

pub(super) static ROLES: Shape = Shape {
    name: "contracts",
    doc: "The contract of each role: what a vendor file of the role is to fill.",
    keys: &[required("roles", Kind::Map("role", &CONTRACT_KIND), "The roles, by name.")],
    rules: &[],
};

static CONTRACT: Shape = Shape {
    name: "contract",
    doc: "What one role answers for. Every coordinate of a type with parts is claimed by exactly one role.",
    keys: &[
        optional(
            "parts",
            Kind::Map("type", &PART_KIND),
            "The records that this role contributes, by the type that they are part of.",
        ),
        optional(
            "fields",
            Kind::List(&COORDINATE),
            "Coordinates (`Query.customer`, `Customer.opportunities`) that are answered by calls or references.",
        ),
    ],
    rules: &[],
};

static PART: Shape = Shape {
    name: "part",
    doc: "One role's record of a type.",
    keys: &[
        default(
            "anchor",
            Kind::Bool,
            "false",
            "Whether this part decides that the object exists. Exactly one role says so for a type with several parts.",
        ),
        required(
            "keys",
            Kind::Map("kind", &KEY_OR_SLOT),
            "How this part can be named, by the kind of key (`id`, `email`). A slot's name alone is short for `{ slots: [it] }`.",
        ),
        optional(
            "slots",
            Kind::List(&SLOT),
            "Hidden slots: values that link parts and are not in the graph.",
        ),
        optional(
            "fields",
            Kind::List(&NAME),
            "The fields of the type that this part's record fills.",
        ),
    ],
    rules: &[],
};

static KEY: Shape = Shape {
    name: "key",
    doc: "A way to name a part.",
    keys: &[
        required(
            "slots",
            Kind::OneOrMore(&SLOT),
            "The slots that hold the key; several for a composite key.",
        ),
        default(
            "normalize",
            Kind::Word(&["exact", "email", "phone", "case_insensitive"]),
            "exact",
            "How two spellings of one key are made equal. What clients see stays as it is.",
        ),
    ],
    rules: &[],
};

pub(super) static IDENTITY: Shape = Shape {
    name: "identity_file",
    doc: "What crosses roles. Only these files link roles; a vendor file never names another.",
    keys: &[optional(
        "identity",
        Kind::Map("type", &RULES_BY_ROLE),
        "For each type and role: how that role's part is found from the others. The first rule whose source is not blank decides.",
    )],
    rules: &[],
};

static RULE: Shape = Shape {
    name: "identity_rule",
    doc: "\"The key `key` of this part is `from`.\"",
    keys: &[
        required("key", Kind::Text("key kind"), "The kind of key, of the part that is looked for."),
        required(
            "from",
            Kind::OneOrMore(&SLOT),
            "`role.slot` of another part of the type; several, of one role, for a composite key.",
        ),
    ],
    rules: &[],
};
