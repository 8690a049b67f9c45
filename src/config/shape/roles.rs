//! `roles.yaml` and the files that cross roles.

use super::computed::COMPUTED_KIND;
use super::merged::MERGED_KIND;
use super::metrics::METRICS_KIND;
use super::{Kind, Shape, default, optional, required};

static NAME: Kind = Kind::Text("name");
static SLOT: Kind = Kind::Text("slot");
static COORDINATE: Kind = Kind::Text("Type.field");
static CONTRACT_KIND: Kind = Kind::Struct(&CONTRACT);
static PART_KIND: Kind = Kind::Struct(&PART);
static KEY_KIND: Kind = Kind::Struct(&KEY);
static KEY_OR_SLOT: Kind = Kind::Either(&SLOT, &KEY_KIND);
const COUNTRY: Kind = Kind::Text("country");
static VALUE: Kind = Kind::Text("value");
static PATTERN: Kind = Kind::Text("pattern");
static BLOCKED_KIND: Kind = Kind::Struct(&BLOCKED);
static LOOKUP_KIND: Kind = Kind::Struct(&LOOKUP);
static ROLE_KEY: Kind = Kind::Text("role.key");
static KEY_BY_SYSTEM: Kind = Kind::Map("system", &ROLE_KEY);
static MEMBER: Kind = Kind::Either(&ROLE_KEY, &KEY_BY_SYSTEM);
static RULE_KIND: Kind = Kind::Struct(&RULE);
static RULES: Kind = Kind::List(&RULE_KIND);
static RULES_BY_ROLE: Kind = Kind::Map("role", &RULES);
static ROLE: Kind = Kind::Text("role");
static SURVIVORSHIP_KIND: Kind = Kind::Struct(&SURVIVORSHIP);

pub(super) static ROLES: Shape = Shape {
    name: "contracts",
    doc: "The contract of each role: what a vendor file of the role is to fill.",
    keys: &[required("roles", Kind::Map("role", &CONTRACT_KIND), "The roles, by name.")],
    rules: &[],
};

static CONTRACT: Shape = Shape {
    name: "contract",
    doc: "What one role answers for. Every coordinate of a type with parts is claimed by one role, or by several for which a rule under `survivorship` says whose value is shown.",
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
        optional(
            "keys",
            Kind::Map("kind", &KEY_OR_SLOT),
            "How this part can be named, by the kind of key (`id`, `email`). A slot's name alone is short for `{ slots: [it] }`. \
             At least one, in this file or in another that adds to the part.",
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
        optional(
            "merged",
            Kind::Text("slot"),
            "A slot with the remote id of the survivor, in records that were merged into another: where both answer a key, the survivor alone counts.",
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
        optional(
            "fields",
            Kind::Text("set of fields"),
            "The same key as a `@key` of the schema names it, field by field in the order of `slots`: `sku variant { id }`. Left out: the slots' names.",
        ),
        default(
            "normalize",
            Kind::Word(&["exact", "email", "phone", "domain", "case_insensitive"]),
            "exact",
            "How two spellings of one key are made equal: `phone` is E.164, `domain` that of an address or URL. What clients see stays as it is.",
        ),
        optional(
            "country",
            COUNTRY,
            "For `normalize: phone`: where numbers without a country's code are, by ISO 3166-1 (`AT`). Left out: `country` of the deployment.",
        ),
    ],
    rules: &[],
};

pub(super) static IDENTITY: Shape = Shape {
    name: "identity_file",
    doc: "What crosses roles. Only these files link roles; a vendor file never names another.",
    keys: &[
        optional(
            "roles",
            Kind::Map("role", &CONTRACT_KIND),
            "More roles, and what is added to those of `roles.yaml`: parts, and of parts keys, slots and fields.",
        ),
        optional(
            "identity",
            Kind::Map("type", &RULES_BY_ROLE),
            "For each type and role: how that role's part is found from the others. The first rule whose source is neither blank nor blocked decides.",
        ),
        optional(
            "lookups",
            Kind::Map("Query.field", &LOOKUP_KIND),
            "Root fields that name objects by an input with `@oneOf`, each member of it a kind of key.",
        ),
        optional(
            "survivorship",
            Kind::Map("Type.field", &SURVIVORSHIP_KIND),
            "Fields that several roles' records may fill, by their coordinates: whose value is shown.",
        ),
        optional(
            "blocked",
            Kind::Map("kind of key", &BLOCKED_KIND),
            "Values that say nothing about who somebody is, by the kind of key: they match nothing, and `identityMatches` says so.",
        ),
        optional(
            "metrics",
            Kind::Map("Type.field", &METRICS_KIND),
            "Fields that are reckoned from lists of the same object, by the coordinate at which they stand.",
        ),
        optional(
            "computed",
            Kind::Map("Type.field", &COMPUTED_KIND),
            "Fields that follow from others of the same record, by their coordinates.",
        ),
        optional(
            "merged",
            Kind::Map("Type.field", &MERGED_KIND),
            "Connections over lists of the same object, merged by time, by the coordinate at which they stand.",
        ),
    ],
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
        optional(
            "table",
            Kind::Text("path"),
            "A crosswalk: a JSON file of the resolvers' folder, relative to this one, whose members are the key of this part by what `from` says. \
             What is not in it is blank, and the next rule has its turn.",
        ),
        optional(
            "name",
            Kind::Text("name"),
            "What `identityMatches` calls this rule. Left out: `email from crm.primaryEmail`.",
        ),
        default(
            "at_most",
            Kind::Integer { min: 1, max: 1000 },
            "1",
            "How many records of this system on one key are one customer's: lists are those of all of them. More are AMBIGUOUS.",
        ),
    ],
    rules: &[],
};

static SURVIVORSHIP: Shape = Shape {
    name: "survivorship",
    doc: "Whose value of a field is shown, where several roles' records have one. Null, blank text, and lists and objects of nothing else count as no value.",
    keys: &[
        required(
            "prefer",
            Kind::List(&ROLE),
            "The roles, each with the field in its part of the type. The first that has a value is shown; those after it are asked only for objects that still lack one.",
        ),
        optional(
            "newest",
            Kind::OneOrMore(&SLOT),
            "The latest value is shown instead: for each role of `prefer` the `role.slot` that says when its record changed. Of equally new ones the first in `prefer`; \
             a record that does not say when is the oldest. All roles are asked.",
        ),
    ],
    rules: &[],
};

static LOOKUP: Shape = Shape {
    name: "lookup",
    doc: "A root field that names objects by keys of several kinds, of the part that decides whether they exist.",
    keys: &[
        required(
            "argument",
            Kind::Text("argument"),
            "The argument: such an input, or a list of them.",
        ),
        required(
            "keys",
            Kind::Map("member", &MEMBER),
            "For each member of the input the key: `crm.email`. For a member with `system` and `id`: the key by the system's name.",
        ),
    ],
    rules: &[],
};

static BLOCKED: Shape = Shape {
    name: "blocked",
    doc: "Values of one kind of key that match nothing. They are compared without case, after the key's normalizer.",
    keys: &[
        optional("exact", Kind::List(&VALUE), "Whole values: `test@example.com`."),
        optional("prefix", Kind::List(&VALUE), "How values begin: `reception@`."),
        optional(
            "regex",
            Kind::List(&PATTERN),
            "Patterns of values, in the syntax of Rust's `regex`.",
        ),
        default(
            "defaults",
            Kind::Bool,
            "true",
            "Whether what is blocked without being named stays blocked: placeholders (`null`, `anonymous`, `-1`, zeros), role mailboxes \
             (`info@`, `noreply@`), domains of mail providers.",
        ),
    ],
    rules: &[],
};
