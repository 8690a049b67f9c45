//! The codes of diagnostics: closed, documented, each with a case under `tests/diagnostics`.

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident => $text:literal,)+) => {
        /// What kind of problem a diagnostic is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// What it means, in a sentence or two.
            pub fn doc(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

codes! {
    /// A file or folder that the deployment names cannot be read.
    UnreadableFile => "unreadable_file",
    /// The text is not YAML.
    YamlSyntax => "yaml_syntax",
    /// A mapping has the same key twice.
    DuplicateKey => "duplicate_key",
    /// Anchors, aliases, merge keys, tags and several documents in one file are not read: files say what they mean in one place.
    YamlUnsupported => "yaml_unsupported",
    /// A key that nothing reads, most often a misspelling.
    UnknownKey => "unknown_key",
    /// A key that must be there is not.
    MissingKey => "missing_key",
    /// A value of the wrong kind: a list where text is wanted, text where a number is.
    WrongKind => "wrong_kind",
    /// A number, duration or size outside of what makes sense.
    OutOfRange => "out_of_range",
    /// A word that is not one of the words that may stand here.
    UnknownWord => "unknown_word",
    /// Keys that exclude each other stand together.
    ConflictingKeys => "conflicting_keys",
    /// `${env.NAME}` names a variable that is not set and has no default, or `${file.path}` a file that cannot be read.
    MissingVariable => "missing_variable",
    /// `${…}` stands where it is not expanded: it works in plain settings only, never in a template, path or mapping.
    ExpansionNotAllowed => "expansion_not_allowed",
    /// A backend's address is not an absolute http or https URL without query.
    InvalidUrl => "invalid_url",
    /// The gateway would listen beyond this machine without authentication.
    InsecureListen => "insecure_listen",
    /// The schema files are not valid GraphQL.
    InvalidSchema => "invalid_schema",
    /// A type of records that is named `Query`, `Mutation` or `Subscription`: composers of federations and other tools take it for that root.
    RootName => "root_name",
    /// A directive of Federation that cannot be served: a `@key` that no lookup resolves, a wrong set of fields, a link that does not
    /// import what is used.
    InvalidFederation => "invalid_federation",
    /// A `@cost` or `@listSize` that cannot be reckoned with: a weight that is no number, an argument or field that is not there.
    InvalidCost => "invalid_cost",
    /// A type that the schema does not have.
    UnknownType => "unknown_type",
    /// A field that its type does not have.
    UnknownField => "unknown_field",
    /// A role that `roles.yaml` does not have.
    UnknownRole => "unknown_role",
    /// A role is given to a vendor that has no file.
    UnknownVendor => "unknown_vendor",
    /// A vendor file stands in one role's folder and names another role.
    RoleMismatch => "role_mismatch",
    /// A slot that the role's part does not have.
    UnknownSlot => "unknown_slot",
    /// A key kind that the role's part does not have.
    UnknownKeyKind => "unknown_key_kind",
    /// A call that the vendor file does not have.
    UnknownCall => "unknown_call",
    /// A group that the vendor file does not declare, or in which no call is.
    UnknownGroup => "unknown_group",
    /// A role that has no part of the type.
    UnknownPart => "unknown_part",
    /// A part's contract does not hold together: no keys, a key without slots, a slot that is also a field.
    InvalidPart => "invalid_part",
    /// A type has no anchor, or several.
    InvalidAnchor => "invalid_anchor",
    /// Two roles claim one coordinate.
    DuplicateOwner => "duplicate_owner",
    /// A coordinate of a type with parts that no role claims.
    UnownedCoordinate => "unowned_coordinate",
    /// A non-null field is fed by a part that is not the anchor: when that backend is away, the field must be able to be null.
    NonNullPart => "non_null_part",
    /// A root field that a backend answers is non-null: when that backend is away, the whole answer is null. A warning.
    NonNullRoot => "non_null_root",
    /// A non-null coordinate that this deployment's vendor does not cover.
    NotCovered => "not_covered",
    /// No identity rule leads to a part, so that it can never be found.
    UnreachablePart => "unreachable_part",
    /// An identity rule that cannot work: from the part itself, or with the wrong number of slots.
    InvalidRule => "invalid_rule",
    /// A rule for a field that several roles fill which cannot work: a field that nothing but one record can say, a role that is left out,
    /// a time that is missing.
    InvalidSurvivorship => "invalid_survivorship",
    /// A metric that cannot be reckoned: a list or metric that is not there, a field of the wrong kind, a word that an enum does not have.
    InvalidMetric => "invalid_metric",
    /// A merged list that cannot be: a list that is not there, a record that is no event, a field of the wrong type, an argument that
    /// nothing reads.
    InvalidMerged => "invalid_merged",
    /// A part must be loaded by a key for which the vendor has no lookup.
    MissingLookup => "missing_lookup",
    /// A vendor file maps a coordinate, type or slot that the role's contract does not name.
    NotInContract => "not_in_contract",
    /// A hidden slot of the contract that the vendor file does not map.
    UnmappedSlot => "unmapped_slot",
    /// A mapping that cannot make a value of the field's type.
    TypeMismatch => "type_mismatch",
    /// A value that the schema's enum does not have.
    UnknownEnumValue => "unknown_enum_value",
    /// A field of an input type with `@oneOf` that is non-null or has a default.
    InvalidOneOf => "invalid_one_of",
    /// The text of a path cannot be read.
    InvalidPath => "invalid_path",
    /// The text of a template cannot be read.
    InvalidTemplate => "invalid_template",
    /// A request value that cannot be read.
    InvalidExpression => "invalid_expression",
    /// A jq filter that cannot be compiled, or that is not allowed.
    InvalidJq => "invalid_jq",
    /// A time zone or time pattern that is not known.
    InvalidZone => "invalid_zone",
    /// A template or request value reads a name that nothing gives.
    UnknownVariable => "unknown_variable",
    /// A variable that is given and that the request never reads.
    UnusedVariable => "unused_variable",
    /// A call reads an argument that a coordinate which uses it does not have.
    UnknownArgument => "unknown_argument",
    /// An argument of type `ID` is used without saying whose id it is.
    UntypedId => "untyped_id",
    /// A call reads a client header that the deployment does not forward.
    UnknownHeader => "unknown_header",
    /// A call's key and its use do not fit: a key where none is taken, none where one is needed, or the wrong number of parts.
    KeyMismatch => "key_mismatch",
    /// A batch call does not say which key each record answers.
    MissingAnswers => "missing_answers",
    /// A call fills another whose key its records do not hold.
    InvalidFill => "invalid_fill",
    /// One call is used by a mutation and by a read.
    MixedEffect => "mixed_effect",
    /// A call that nothing uses.
    UnusedCall => "unused_call",
    /// A list's `filter` or `orderBy` that nobody can do: a member that is no field of the list's items and that the call does not
    /// read, one of another type, an order that the schema or the call does not have.
    InvalidList => "invalid_list",
    /// Paging that cannot work.
    InvalidPages => "invalid_pages",
    /// A record with more than 256 slots.
    TooManySlots => "too_many_slots",
    /// A trusted document that is not a valid operation of the schema, or a manifest that cannot be read.
    InvalidOperation => "invalid_operation",
    /// The `schema` of a call's answers is no JSON Schema, or refers to what is not in the resolvers' folder.
    InvalidAnswerSchema => "invalid_answer_schema",
    /// More types, calls or backends than can be numbered.
    TooMany => "too_many",
}
