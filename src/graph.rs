//! The compiled graph: what every stage of a request reads, and nothing writes after `compile` made it.
//!
//! Takes: nothing at run time.
//! Gives: types, fields, parts, shapes, calls and backends, all by number; the schema as SDL for clients.
//! Never: changes; a reload makes another graph with its own plans.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::mapping::Mapping;
use crate::template::{BodyTemplate, Expression, HeaderTemplate, UrlTemplate, XmlTemplate};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);
        impl $name {
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

number!(/** A type of the schema. */ TypeId(u32));
number!(/** A field by its place in its type. */ FieldId(u16));
number!(/** A part by its place in its type. */ PartId(u8));
number!(/** The records of one role for one type. */ ShapeId(u16));
number!(/** A slot by its place in its shape. */ SlotId(u16));
number!(/** A call of a vendor file. */ CallId(u16));
number!(/** A backend: one vendor file playing one role. */ BackendId(u8));

/// Everything that was compiled from one set of files.
#[derive(Debug)]
pub struct Graph {
    /// Changes whenever the meaning of any file changes: plans and cache entries of another graph are never used.
    pub fingerprint: u64,
    /// The schema as clients read it: the files' own text, with the directive definitions that it uses.
    pub sdl: Arc<str>,
    pub schema: Arc<apollo_compiler::validation::Valid<apollo_compiler::Schema>>,
    pub types: Vec<Type>,
    pub type_names: FxHashMap<Arc<str>, TypeId>,
    pub query: TypeId,
    pub mutation: Option<TypeId>,
    pub shapes: Vec<Shape>,
    pub calls: Vec<Call>,
    pub backends: Vec<Backend>,
    /// `currency -> digits after the point` is ISO 4217's; see `mapping`.
    pub limits: Limits,
    /// Whether `__schema` and `__type` are answered.
    pub introspection_enabled: bool,
    /// One operation's whole time, from the request's last byte to the answer's first.
    pub deadline: Duration,
    /// The most list items that one `first` may ask for, and what it is when it is left out.
    pub page_size_max: u32,
    pub page_size: u32,
    pub cache: CacheLimits,
    /// Client headers that calls may read as `$header.x`, lower case.
    pub forward_headers: Vec<Arc<str>>,
}

/// What the record cache may hold, and for how long when neither the call nor the backend says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    pub enabled: bool,
    pub bytes: u64,
    pub ttl: Duration,
    pub negative_ttl: Duration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            bytes: 64 * 1024 * 1024,
            ttl: Duration::from_secs(30),
            negative_ttl: Duration::from_secs(5),
        }
    }
}

impl Graph {
    // Numbers are only ever made by `compile` for this graph, so indexing cannot miss.
    #[expect(clippy::indexing_slicing, reason = "numbers are made by compile for this graph alone")]
    pub fn ty(&self, id: TypeId) -> &Type {
        &self.types[id.index()]
    }
    #[expect(clippy::indexing_slicing, reason = "numbers are made by compile for this graph alone")]
    pub fn shape(&self, id: ShapeId) -> &Shape {
        &self.shapes[id.index()]
    }
    #[expect(clippy::indexing_slicing, reason = "numbers are made by compile for this graph alone")]
    pub fn call(&self, id: CallId) -> &Call {
        &self.calls[id.index()]
    }
    #[expect(clippy::indexing_slicing, reason = "numbers are made by compile for this graph alone")]
    pub fn backend(&self, id: BackendId) -> &Backend {
        &self.backends[id.index()]
    }
    #[expect(clippy::indexing_slicing, reason = "numbers are made by compile for this graph alone")]
    pub fn field(&self, ty: TypeId, id: FieldId) -> &Field {
        &self.types[ty.index()].fields[id.index()]
    }
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.type_names.get(name).copied()
    }
}

// ---- types of the schema -------------------------------------------------------------------------------------------

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
    Slot { part: PartId },
    /// A call, keyed by the parent.
    Call(FieldCall),
    /// Another object, known by its key: no call of its own, its parts are loaded as they are needed.
    Reference(Reference),
    /// `nodes`, `edges`, `pageInfo`, `totalCount` of a connection; `node`, `cursor` of an edge; the fields of `PageInfo`.
    Connection(ConnectionField),
    /// The state of each backend for this object.
    SourceStatus,
    /// A field of the `SourceStatus` type itself.
    Status(StatusField),
    /// No vendor of this deployment covers it: null, and `NOT_COVERED` in `sourceStatus`.
    NotCovered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionField {
    Nodes,
    Edges,
    PageInfo,
    TotalCount,
    Node,
    Cursor,
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}

/// The fields of `SourceStatus`, by their names in the schema: `system`, `state`, `code`, `ageSeconds`, `fromCache`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusField {
    System,
    State,
    Code,
    AgeSeconds,
    FromCache,
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
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgumentPath {
    pub path: Vec<Arc<str>>,
    /// The opaque id is checked to be of this type, and replaced by its remote key.
    pub id_of: Option<TypeId>,
    pub normalizer: Normalizer,
}

// ---- parts ---------------------------------------------------------------------------------------------------------

/// One backend's contribution to a type: a record with a fixed set of slots.
#[derive(Debug)]
pub struct Part {
    pub role: Arc<str>,
    pub backend: BackendId,
    pub shape: ShapeId,
    /// The part that decides whether the object exists. Exactly one part of a type is its anchor.
    pub is_anchor: bool,
    /// The ways to name this part, in the contract's order.
    pub keys: Vec<PartKey>,
    /// Identity: how this part's key is found from other parts, in order of priority. Empty for a type with one part.
    pub rules: Vec<IdentityRule>,
}

#[derive(Debug)]
pub struct PartKey {
    /// `id`, `email`, …
    pub kind: Arc<str>,
    /// The slots of this part that hold the same value: knowing the key is knowing the slots.
    pub slots: Vec<SlotId>,
    pub normalizer: Normalizer,
    /// The call that loads the part by this key, if this vendor has one.
    pub call: Option<CallId>,
}

/// "The key `kind` of this part is that slot of that other part."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRule {
    pub key_kind: u8,
    pub from: PartId,
    pub slots: Vec<SlotId>,
    /// The deployment declares that this rule and those before it always lead to the same record, so that a known key
    /// need not wait for them.
    pub equivalent: bool,
}

/// How two spellings of one key are made equal. Display keeps the original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Normalizer {
    #[default]
    Exact,
    /// Trimmed, lower case.
    Email,
    /// Digits and a leading plus alone.
    Phone,
    /// Trimmed, lower case.
    CaseInsensitive,
}

/// The records of one role for one type: which slots they have and how a backend's answer fills them.
#[derive(Debug)]
pub struct Shape {
    pub name: Arc<str>,
    pub ty: TypeId,
    pub slots: Vec<Slot>,
    /// By field number of `ty`: the slot that holds it.
    pub field_slots: Vec<Option<SlotId>>,
    /// The slot of the remote id, if the type has an `id` that this shape fills: `(type, id)` tags and cursors use it.
    pub id_slot: Option<SlotId>,
    /// A record of an abstract type picks one of these instead of having slots of its own.
    pub pick: Option<Mapping>,
}

#[derive(Debug)]
pub struct Slot {
    /// The field's name, or the hidden slot's.
    pub name: Arc<str>,
    pub mapping: Mapping,
    /// Names to ask the backend for when this slot is wanted (for `$fields`).
    pub needs: Vec<Arc<str>>,
}

// ---- calls ---------------------------------------------------------------------------------------------------------

#[derive(Debug)]
pub struct Call {
    pub name: Arc<str>,
    pub backend: BackendId,
    /// Identifies the compiled call, the mappings of its backend, and the backend binding, for cache keys.
    pub fingerprint: u64,
    pub request: RequestTemplate,
    /// Which run-time inputs the request reads: these, and only these, are in the cache key.
    pub inputs: Vec<Input>,
    pub keys: KeyMode,
    pub pages: Option<Pages>,
    /// Where the records are in the answer. `None`: the answer itself is the one record.
    pub records: Option<crate::mapping::Path>,
    /// The key or keys that each record answers, one path for each part of the key; empty when the call has at most one key.
    pub answers: Vec<crate::mapping::Path>,
    pub answers_normalizer: Normalizer,
    pub success: Option<Predicate>,
    pub errors: ErrorPaths,
    /// HTTP statuses (and SOAP fault codes) that mean "there is no such record".
    pub missing: Vec<Arc<str>>,
    /// The request reads `$fields`: answers hold only the slots that were asked for.
    pub projects: bool,
    /// Names to ask for whatever is selected: those that `answers` reads.
    pub needs: Vec<Arc<str>>,
    pub ttl: Option<Duration>,
    pub timeout: Duration,
    /// Reads are cached and shared; writes are sent once, awaited, and drop entries.
    pub effect: Effect,
    pub drops: Vec<Drop>,
    /// By-id calls whose cache entries this call's records fill (same shape, key kind by slot).
    pub fills: Vec<Fill>,
    pub answer_limits: AnswerLimits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Read,
    Write,
}

#[derive(Debug)]
pub struct Fill {
    pub call: CallId,
    pub slots: Vec<SlotId>,
}

/// What a mutation makes stale.
#[derive(Debug)]
pub enum Drop {
    Type(TypeId),
    Entity { ty: TypeId, id: Expression },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    pub body_bytes: usize,
    pub depth: usize,
}

/// How keys become calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMode {
    /// The call takes no key.
    None,
    /// One key a call, this many at once.
    PerKey { parallel: usize },
    /// Up to `keys` keys in one call (and `bytes` of key text), one call a chunk.
    Batch {
        keys: usize,
        bytes: usize,
        parallel: usize,
        /// Statuses at which a chunk is halved to find the key that the backend refuses.
        split_on: Vec<u16>,
    },
}

#[derive(Debug)]
pub struct Pages {
    pub next: NextPage,
    /// Variables that the next page's request needs besides, with their places in the answer: a search's id.
    pub carry: Vec<(Arc<str>, crate::mapping::Path)>,
    /// Where the answer says that there is more; without it, the next page's values decide.
    pub more: Option<crate::mapping::Path>,
    /// The variable that carries the page size, and the vendor's bounds.
    pub size: Option<PageSize>,
    /// Pages of one drain, or of one connection page, at the most.
    pub max_pages: u32,
    /// Where the answer says how many there are in all, if it does.
    pub total: Option<crate::mapping::Path>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSize {
    pub variable: Arc<str>,
    pub min: u32,
    pub max: u32,
}

#[derive(Debug)]
pub enum NextPage {
    /// Values for variables, from the answer; null or missing means there is no next page.
    Cursor(Vec<(Arc<str>, crate::mapping::Path)>),
    /// A page number that counts up.
    Page { variable: Arc<str>, start: u32 },
    /// A record number that counts up.
    Offset { variable: Arc<str>, start: u32 },
    /// An RFC 8288 `Link` header: the declared query parameters of the link with this relation are kept, nothing else.
    LinkHeader { relation: Arc<str>, parameters: Vec<Arc<str>> },
    /// The same for a link in the answer.
    BodyLink { path: crate::mapping::Path, parameters: Vec<Arc<str>> },
}

/// A test on an answer: for APIs that say 200 with an error inside.
#[derive(Debug)]
pub struct Predicate {
    pub path: crate::mapping::Path,
    /// One of these texts (`true`, `ok`, `0`); empty: present and not null.
    pub is: Vec<Arc<str>>,
    /// The texts that mean failure; used when `is` is empty.
    pub is_not: Vec<Arc<str>>,
}

#[derive(Debug, Default)]
pub struct ErrorPaths {
    pub message: Option<crate::mapping::Path>,
    pub code: Option<crate::mapping::Path>,
}

/// A value that a request reads at run time besides its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    Argument(ArgumentPath),
    /// A client header that the deployment forwards, lower case.
    Header(Arc<str>),
    Claim(Arc<str>),
}

#[derive(Debug)]
pub enum RequestTemplate {
    Rest(RestTemplate),
    Soap(SoapTemplate),
}

#[derive(Debug)]
pub struct RestTemplate {
    pub method: Method,
    pub url: UrlTemplate,
    /// Appended to the query after the template's own; a null value leaves the parameter out, a list repeats it.
    pub query: Vec<(Arc<str>, Expression)>,
    pub headers: Vec<(Arc<str>, HeaderTemplate)>,
    /// Names that `url` may use, besides `key`, page variables.
    pub variables: Vec<(Arc<str>, Expression)>,
    pub body: Option<BodyTemplate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
}

#[derive(Debug)]
pub struct SoapTemplate {
    /// Below the backend's URL; empty when the backend's URL is the endpoint.
    pub url: UrlTemplate,
    pub version: SoapVersion,
    pub action: Arc<str>,
    /// The whole envelope, every value escaped.
    pub envelope: XmlTemplate,
    pub headers: Vec<(Arc<str>, HeaderTemplate)>,
    pub variables: Vec<(Arc<str>, Expression)>,
    /// Local names that are lists even when they occur once.
    pub lists: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoapVersion {
    V1_1,
    V1_2,
}

/// One vendor file playing one role in this deployment.
#[derive(Debug)]
pub struct Backend {
    pub role: Arc<str>,
    pub vendor: Arc<str>,
    /// `scheme://host[:port]` and an optional path prefix; never changed by data.
    pub url: Arc<str>,
    pub auth: Auth,
    pub headers: Vec<(Arc<str>, HeaderTemplate)>,
    /// Calls to this backend at once, over all operations.
    pub concurrency: usize,
    pub connect_timeout: Duration,
}

/// Credentials of the deployment toward a backend. `Debug` prints the kind, never the secret.
#[derive(Clone)]
pub enum Auth {
    None,
    Header {
        name: Arc<str>,
        value: Arc<str>,
    },
    Query {
        name: Arc<str>,
        value: Arc<str>,
    },
    Basic {
        user: Arc<str>,
        password: Arc<str>,
    },
    Bearer {
        token: Arc<str>,
    },
    /// WS-Security `UsernameToken`, put into the envelope's header.
    UsernameToken {
        user: Arc<str>,
        password: Arc<str>,
        is_digest: bool,
    },
    /// The token passport of `NetSuite`'s SOAP service, put into the envelope's header.
    TokenPassport(Box<TokenPassport>),
}

/// What a token passport is made of. The secrets sign it and are never sent.
#[derive(Clone)]
pub struct TokenPassport {
    /// Of the web service, as its namespaces have it: `2017_2`.
    pub version: Arc<str>,
    pub account: Arc<str>,
    pub consumer_key: Arc<str>,
    pub consumer_secret: Arc<str>,
    pub token: Arc<str>,
    pub token_secret: Arc<str>,
}

impl PageSize {
    /// What the vendor is asked for when this many are wanted.
    pub fn asked(&self, wanted: Option<u32>) -> u32 {
        wanted.map_or(self.max, |wanted| wanted.max(self.min).min(self.max))
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::None => "None",
            Self::Header { .. } => "Header(…)",
            Self::Query { .. } => "Query(…)",
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer { .. } => "Bearer(…)",
            Self::UsernameToken { .. } => "UsernameToken(…)",
            Self::TokenPassport(_) => "TokenPassport(…)",
        })
    }
}

/// What an operation may be at most. Each has its name in `cyclorama.yaml` under `limits:` and its own error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub document_bytes: usize,
    pub tokens: usize,
    /// Brackets, braces and parentheses inside each other, anywhere in the document.
    pub nesting: usize,
    /// Fields inside each other after fragments are spread.
    pub depth: usize,
    /// Fields, spreads and inline fragments after every fragment is spread.
    pub selections: usize,
    pub aliases: usize,
    pub root_fields: usize,
    pub operations: usize,
    /// Operations times the variables that fragments use.
    pub operation_fragment_variables: usize,
    pub directives: usize,
    pub variables_bytes: usize,
    pub variables_depth: usize,
    /// Request body, all of it.
    pub body_bytes: usize,
    /// Errors in one answer; the rest are counted.
    pub errors: usize,
    /// Plans kept.
    pub plans: usize,
    /// Objects that one answer may hold.
    pub objects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 64 * 1024,
            tokens: 4_000,
            nesting: 64,
            depth: 25,
            selections: 5_000,
            aliases: 100,
            root_fields: 20,
            operations: 10,
            operation_fragment_variables: 500,
            directives: 50,
            variables_bytes: 256 * 1024,
            variables_depth: 32,
            body_bytes: 2 * 1024 * 1024,
            errors: 100,
            plans: 1_000,
            objects: 100_000,
        }
    }
}
