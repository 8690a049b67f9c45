//! Types and fields of the schema, and where each field's value comes from.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    ArgumentPath, BackendId, CallId, Computed, ConnectionField, DerivedId, FieldId, ListRules,
    MergedId, Part, PartId, ShapeId, SlotId, Survivorship, TypeId,
};

#[derive(Debug)]
pub struct Type {
    pub name: Arc<str>,
    pub kind: TypeKind,
    /// Fields of an object or interface, in SDL order; empty for the other kinds.
    pub fields: Vec<Field>,
    pub field_names: FxHashMap<Arc<str>, FieldId>,
    /// The backends' contributions, anchor first. Empty for types that are only ever part of another record.
    pub parts: Vec<Part>,
    pub access: Option<Access>,
    /// Roles that the contract gives to this type and this deployment gives to no vendor: `NOT_COVERED` in `sourceStatus`.
    pub uncovered_roles: Vec<Arc<str>>,
}

impl Type {
    /// The part whose records have this shape.
    pub fn part_of(&self, shape: ShapeId) -> Option<PartId> {
        let index = self.parts.iter().position(|part| part.shape == shape)?;
        u8::try_from(index).ok().map(PartId)
    }

    /// The part that decides whether an object of this type exists, for types with parts.
    pub fn anchor(&self) -> Option<PartId> {
        let index = self.parts.iter().position(|part| part.is_anchor)?;
        u8::try_from(index).ok().map(PartId)
    }

    pub fn is_composite(&self) -> bool {
        matches!(self.kind, TypeKind::Object | TypeKind::Interface { .. } | TypeKind::Union { .. })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    Object,
    /// The object types that implement it, in schema order.
    Interface {
        possible: Vec<TypeId>,
    },
    Union {
        possible: Vec<TypeId>,
    },
    Scalar(Scalar),
    Enum {
        values: Vec<Arc<str>>,
    },
    Input,
}

/// How a scalar is checked and written. Custom scalars that are not listed take any JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    Int,
    Float,
    String,
    Boolean,
    Id,
    /// Exact decimal number, a JSON string in answers.
    Decimal,
    /// RFC 3339 instant with offset.
    DateTime,
    /// `YYYY-MM-DD`.
    Date,
    /// ISO 4217, three capital letters.
    CurrencyCode,
    Any,
}

/// `[Invoice!]` and its kin: the named type and the wrappers around it, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRef {
    pub named: TypeId,
    /// From the outside in: for `[T!]` it is `[Wrapper { list: true, non_null: false }, Wrapper { list: false, non_null: true }]`.
    /// The last one is always the named type itself (`list: false`).
    pub wrappers: Vec<Wrapper>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapper {
    pub list: bool,
    pub non_null: bool,
}

#[derive(Debug)]
pub struct Field {
    pub name: Arc<str>,
    /// `Type.field`, for messages.
    pub coordinate: Arc<str>,
    pub ty: TypeRef,
    pub arguments: Vec<Argument>,
    pub source: Source,
    pub access: Option<Access>,
    /// The role that answers for this coordinate, if any role's contract names it (for `sourceStatus`).
    pub backend: Option<BackendId>,
}

#[derive(Debug)]
pub struct Argument {
    pub name: Arc<str>,
    /// For an argument that carries one of our opaque ids: the type whose id it must be.
    pub id_of: Option<TypeId>,
}

/// `@authenticated`, `@requiresScopes`, `@policy`, of a field or of the type that it returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    pub authenticated: bool,
    /// Any one of these sets, all scopes of it.
    pub scopes: Vec<Vec<Arc<str>>>,
    pub policies: Vec<Vec<Arc<str>>>,
}

/// Where a field's value comes from.
#[derive(Debug)]
pub enum Source {
    /// A slot of the record in hand. For a type with parts: of that part; for a plain record type: of the record itself,
    /// found by `Shape::field_slots` of whichever shape the record has.
    Slot {
        part: PartId,
    },
    /// The same slot of several parts, of which one is shown.
    Survivor(Arc<Survivorship>),
    /// A call, keyed by the parent.
    Call(FieldCall),
    /// Another object, known by its key: no call of its own, its parts are loaded as they are needed.
    Reference(Reference),
    /// A call or a reference for the plain records of each of these backends; those of others hold the value in a slot.
    OfBackend(Vec<(BackendId, Self)>),
    /// `nodes`, `edges`, `pageInfo`, `totalCount` of a connection; `node`, `cursor` of an edge; the fields of `PageInfo`.
    Connection(ConnectionField),
    /// The state of each backend for this object.
    SourceStatus,
    /// A field of the `SourceStatus` type itself.
    Status(StatusField),
    /// What the gateway says of how an object was put together.
    Account(Account),
    /// A field of the types that say it.
    Said(Said),
    /// What follows from other slots of the same record.
    Computed(Arc<Computed>),
    /// An object of metrics.
    Derived(DerivedId),
    /// A metric of the object that the object of metrics stands under.
    Metric(DerivedId),
    /// A connection over lists of the object, merged by time.
    Merged(MergedId),
    /// A field of an event of one: what it comes from stands with the list that the event is of.
    Event,
    /// `_entities`: objects named by the representations of a federation's router.
    Entities,
    /// `node` and `nodes`: objects of any type, named by their ids.
    Node {
        many: bool,
    },
    /// Objects named by keys of several kinds.
    ByKey(Arc<ByKey>),
    /// `_service`, and its `sdl`.
    Service,
    ServiceSdl,
    /// No vendor of this deployment covers it: null, and `NOT_COVERED` in `sourceStatus`.
    NotCovered,
}

impl Source {
    /// Where the value comes from in a record of this backend.
    pub fn of(&self, backend: Option<BackendId>) -> &Self {
        let Self::OfBackend(sources) = self else { return self };
        let found = sources.iter().find(|(of, _)| Some(*of) == backend);
        found.map_or(&Self::Slot { part: PartId(0) }, |(_, source)| source)
    }

    /// The source, or those for the backends.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        let (single, several) = match self {
            Self::OfBackend(sources) => (None, sources.as_slice()),
            single => (Some(single), [].as_slice()),
        };
        single.into_iter().chain(several.iter().map(|(_, source)| source))
    }
}

/// The fields of `SourceStatus`, by their names in the schema: `system`, `state`, `code`, `fetchedAt`, `ageSeconds`, `fromCache`, `latencyMs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusField {
    System,
    State,
    Code,
    FetchedAt,
    AgeSeconds,
    FromCache,
    LatencyMs,
}

/// A field that names objects by an input of which one member is given: each is a kind of key.
#[derive(Debug)]
pub struct ByKey {
    pub argument: Arc<str>,
    pub many: bool,
    /// The part that all the keys are of: the anchor.
    pub part: PartId,
    pub members: Vec<KeyMember>,
}

#[derive(Debug)]
pub struct KeyMember {
    pub name: Arc<str>,
    pub key_kind: u8,
    /// Of a member that names a system and an id in it: which system this key is for.
    pub system: Option<Arc<str>>,
    /// Where the value stands, and how it is spelled.
    pub path: ArgumentPath,
}

/// How an object was put together, by the type that its field returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// `IdentityMatch`: how each role's record was found, or why it was not.
    Matches,
    /// `SourceRef`: the records that the object is made of.
    Refs,
    /// `FieldProvenance`: where each selected field comes from, and how old it is.
    Provenance,
}

impl Account {
    pub fn of_type(name: &str) -> Option<Self> {
        match name {
            "IdentityMatch" => Some(Self::Matches),
            "SourceRef" => Some(Self::Refs),
            "FieldProvenance" => Some(Self::Provenance),
            _ => None,
        }
    }
}

/// The fields of `IdentityMatch`, `SourceRef` and `FieldProvenance`, by their names in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    System,
    RemoteId,
    Rule,
    Confidence,
    Candidates,
    Blocked,
    Connection,
    Url,
    Field,
    FetchedAt,
    CacheAgeMs,
    Stale,
}

impl Said {
    pub fn of_field(name: &str) -> Option<Self> {
        Some(match name {
            "system" => Self::System,
            "remoteId" => Self::RemoteId,
            "rule" => Self::Rule,
            "confidence" => Self::Confidence,
            "candidates" => Self::Candidates,
            "blocked" => Self::Blocked,
            "connection" => Self::Connection,
            "url" => Self::Url,
            "field" => Self::Field,
            "fetchedAt" => Self::FetchedAt,
            "cacheAgeMs" => Self::CacheAgeMs,
            "stale" => Self::Stale,
            _ => return None,
        })
    }
}

/// A field that one call answers.
#[derive(Debug)]
pub struct FieldCall {
    pub call: CallId,
    /// What the call's records become; for a leaf field a shape with one slot, `value`.
    pub shape: ShapeId,
    pub key: KeySource,
    pub yields: Yields,
    /// The part of the returned type that a returned record is, if that type has parts.
    pub part: Option<PartId>,
    /// The records are no parts: each names, in its one slot, the key of an object.
    pub names: Option<Named>,
    /// Of a list: what it can be narrowed and ordered by.
    pub rules: Option<Arc<ListRules>>,
}

/// What kind of key records name objects by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub part: PartId,
    pub key_kind: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yields {
    /// One object or none; two records on the key are AMBIGUOUS.
    One,
    Many,
    /// A Relay connection of the element type.
    Connection {
        element: TypeId,
    },
    /// The one slot of a one-slot record: a leaf, or a value object.
    Value,
}

/// A field that names another object by key.
#[derive(Debug)]
pub struct Reference {
    /// The part of the target that the key is for, and which of its keys it is.
    pub part: PartId,
    pub key_kind: u8,
    pub key: KeySource,
    /// Several objects by a list of keys (`customers(ids:)`); one otherwise.
    pub many: bool,
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The call takes no key.
    None,
    /// Arguments of the field itself: one path for each part of the key (`["input", "id"]`).
    Arguments(Vec<ArgumentPath>),
    /// Slots of the parent: one for each part of the key, all of one part of the parent's type.
    Slots { part: PartId, slots: Vec<SlotId> },
    /// Slots as above, among values of other subgraphs that a router's representation of the parent brings (`@requires`).
    Represented { part: PartId, of: Vec<KeyPart> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPart {
    Slot(SlotId),
    Required(RequiredValue),
}

/// A value of another subgraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredValue {
    /// Where a representation has it.
    pub path: ArgumentPath,
    pub scalar: Scalar,
}

impl KeySource {
    /// The slots of the parent that the key reads, and of which part they are.
    pub fn slots(&self) -> Option<(PartId, Cow<'_, [SlotId]>)> {
        match self {
            Self::None | Self::Arguments(_) => None,
            Self::Slots { part, slots } => Some((*part, Cow::Borrowed(slots))),
            Self::Represented { part, of } => {
                let slots = of.iter().filter_map(|one| match one {
                    KeyPart::Slot(slot) => Some(*slot),
                    KeyPart::Required(_) => None,
                });
                let slots: Vec<SlotId> = slots.collect();
                (!slots.is_empty()).then_some((*part, Cow::Owned(slots)))
            }
        }
    }

    /// The values of other subgraphs that the key reads.
    pub fn required(&self) -> impl Iterator<Item = &RequiredValue> {
        let of = match self {
            Self::Represented { of, .. } => of.as_slice(),
            _ => &[],
        };
        of.iter().filter_map(|one| match one {
            KeyPart::Required(value) => Some(value),
            KeyPart::Slot(_) => None,
        })
    }
}
