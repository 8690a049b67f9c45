//! The compiled graph: what every stage of a request reads, and nothing writes after `compile` made it.
//!
//! Takes: nothing at run time.
//! Gives: types, fields, parts, shapes, calls and backends, all by number; the schema as SDL for clients.
//! Never: changes; a reload makes another graph with its own plans.

mod arguments;
mod backends;
mod blocked;
mod calls;
mod computed;
mod connections;
mod costs;
mod derived;
mod federation;
mod limits;
mod lists;
mod merged;
mod parts;
mod policy;
mod types;

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::value::SlotSet;

pub use arguments::ArgumentPath;
pub use backends::{
    Auth, Backend, ClientCertificate, ClientCredentials, HealthCheck, Propagates, Tls,
    TokenPassport,
};
pub use blocked::Blocked;
pub use calls::{
    AnswerLimits, Call, Contract, Drop, Effect, ErrorPaths, Fill, Input, KeyMode, Method, NextPage,
    OnViolation, OtherKeys, PageSize, Pages, Predicate, Refused, RequestTemplate, RestTemplate,
    SoapTemplate, SoapVersion,
};
pub use computed::{Computed, Gives};
pub use connections::ConnectionField;
pub use costs::{CostMode, CostSettings, FieldWeight, InputWeight, ListSize, Weights};
pub use derived::{
    AgeUnit, Buckets, Derived, Factor, Filter, Flag, Formula, Metric, MetricList, Per, Rows, Score,
    Term, Test,
};
pub use federation::{EntityKey, Federation};
pub use limits::{CacheLimits, Limits, Stale};
pub use lists::{
    Column, DESCENDING, DIRECTION, FIELD, FilterRule, Given, ListOrder, ListRules, ListTest,
    OrderRule, Pushed, ValueKind,
};
pub use merged::{CallOrder, Event, EventField, Merged, MergedList, Stamp};
pub use parts::{
    Crosswalk, IdentityRule, Normalizer, Part, PartKey, Pick, Shape, Slot, Survivorship,
};
pub use policy::{
    BreakerPolicy, BudgetPolicy, ConcurrencyPolicy, GroupPolicy, HedgePolicy, Policy, QuotaHeaders,
    QuotaPolicy, Rate, RetryPolicy, SlowPolicy,
};
pub use types::{
    Access, Account, Argument, ByKey, Field, FieldCall, KeyMember, KeyPart, KeySource, Named,
    Reference, RequiredValue, Said, Scalar, Source, StatusField, Type, TypeKind, TypeRef, Wrapper,
    Yields,
};

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
number!(/** A type of metrics. */ DerivedId(u16));
number!(/** A merged list. */ MergedId(u16));
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
    /// Set when this graph is served as a subgraph of a federation.
    pub federation: Option<Federation>,
    /// Types of metrics.
    pub derived: Vec<Derived>,
    /// Merged lists.
    pub merged: Vec<Merged>,
    pub shapes: Vec<Shape>,
    pub calls: Vec<Call>,
    pub backends: Vec<Backend>,
    pub limits: Limits,
    /// Whether `__schema` and `__type` are answered.
    pub introspection_enabled: bool,
    /// Whether messages name what the client may have meant.
    pub suggestions_enabled: bool,
    /// Whether answers may come in parts: `@defer` and `@stream`.
    pub incremental_enabled: bool,
    /// One operation's whole time, from the request's last byte to the answer's first.
    pub deadline: Duration,
    /// The most list items that one `first` may ask for, and what it is when it is left out.
    pub page_size_max: u32,
    pub page_size: u32,
    pub cache: CacheLimits,
    pub ages: SchemaAges,
    /// What the schema says that operations cost, and what the deployment makes of it.
    pub weights: Weights,
    pub cost: CostSettings,
    /// Client headers that calls may read as `$header.x`, lower case.
    pub forward_headers: Vec<Arc<str>>,
}

/// What `@cacheControl(maxAge:)` says of answers, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaAges {
    /// By call: the least that the fields which it answers say, or the types which they return.
    pub calls: Vec<Option<Duration>>,
    /// By shape and slot: the least that the field says, or anything inside its value.
    pub slots: Vec<Vec<Option<Duration>>>,
}

impl SchemaAges {
    /// How long records of this call, shape and these slots may be kept.
    pub fn of(&self, call: CallId, shape: ShapeId, wanted: SlotSet) -> Option<Duration> {
        let slots = self.slots.get(shape.index()).into_iter().flatten().zip((0..).map(SlotId));
        let ages = slots.filter(|(_, slot)| wanted.contains(*slot)).filter_map(|(age, _)| *age);
        ages.chain(self.calls.get(call.index()).copied().flatten()).min()
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
    #[expect(clippy::indexing_slicing, reason = "numbers are made by compile for this graph alone")]
    pub fn derived(&self, id: DerivedId) -> &Derived {
        &self.derived[id.index()]
    }
    #[expect(clippy::indexing_slicing, reason = "numbers are made by compile for this graph alone")]
    pub fn merged(&self, id: MergedId) -> &Merged {
        &self.merged[id.index()]
    }
    /// How `_entities` can find objects of a type.
    pub fn entity_keys(&self, ty: TypeId) -> &[EntityKey] {
        let keys = self.federation.as_ref().and_then(|federation| federation.entities.get(&ty));
        keys.map(Vec::as_slice).unwrap_or_default()
    }
    /// Does the schema call the values of this field `@sensitive`?
    pub fn is_sensitive(&self, ty: TypeId, field: &str) -> bool {
        let field = self.schema.type_field(&self.ty(ty).name, field);
        field.is_ok_and(|field| field.directives.has("sensitive"))
    }
    /// How many records of one part an object can have, by the identity rules that lead to it.
    pub fn records_at_most(&self, ty: TypeId, part: PartId) -> u64 {
        let rules = self.ty(ty).parts.get(usize::from(part.0)).map(|part| &part.rules);
        rules.into_iter().flatten().map(|rule| u64::from(rule.at_most)).max().unwrap_or(1).max(1)
    }
    /// How an opaque id finds an object of a type: the anchor's key that is its id, if the vendor has a call for it.
    pub fn node_key(&self, ty: TypeId) -> Option<(PartId, u8)> {
        let anchor = self.ty(ty).anchor()?;
        let part = self.ty(ty).parts.get(usize::from(anchor.0))?;
        let id = self.shape(part.shape).id_slot?;
        let is_id = |key: &PartKey| key.call.is_some() && key.slots == [id];
        Some((anchor, u8::try_from(part.keys.iter().position(is_id)?).ok()?))
    }
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.type_names.get(name).copied()
    }
}
