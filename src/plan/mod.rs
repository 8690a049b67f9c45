//! From an operation to steps: which loads are made, for whom, on which keys, and what waits for what.
//!
//! Takes: an `Operation` and the graph.
//! Gives: a `Plan`: sites (places in the answer where objects stand), steps (one load for all objects of a site) and the
//! shape of the answer. Independent of variables and of the caller; both are conditions on it.
//! Never: does a load, reads a variable, or looks at a principal.

mod account;
mod blocked;
mod build;
mod by;
mod calls;
mod explain;
mod fallback;
mod given;
mod identity;
mod lasting;
mod lists;
mod looked_up;
mod mark;
mod marks;
mod merged;
mod more;
mod node;
mod prefix;
mod rows;
mod share;
mod stages;
mod worst;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::Location;
use crate::graph::{
    Access, CallId, Computed, ConnectionField, DerivedId, FieldId, KeySource, ListRules, Named,
    PartId, ShapeId, Survivorship, TypeId, TypeRef, Yields,
};
use crate::operation::{Condition, OccurrencesId, Operation, SelectedField, StreamId};

pub use account::{AccountNode, Beside, From, StatusNode};
pub use build::{items, plan};
pub use by::By;
pub use calls::More;
pub use explain::{ExplainedPart, Explanation, PartKind};
pub use fallback::{Fallback, is_shown};
pub use lists::{Place, Placed};
pub use looked_up::LookUp;
pub use mark::{is_visible, mark};
pub use marks::Marks;
pub use merged::{EventOut, MergeList, MergeStep, MergedCall, kinds};
pub use node::{Node, NodeBranch, OutEntry, Plain};
pub use prefix::Prefix;
pub use stages::{Spare, Stages};
pub use worst::{Calls, calls};

/// A site by its place in the plan. Site 0 is the root object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteId(pub u32);

/// A step by its place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub u32);

impl SiteId {
    pub const ROOT: Self = Self(0);
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl StepId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug)]
pub struct Plan {
    pub operation: Operation,
    pub sites: Vec<Site>,
    pub steps: Vec<Step>,
    pub root: Node,
    /// Fields without a call of their own, of which variables can make the arguments an error.
    pub refusable: Vec<Arc<SelectedField>>,
    /// Its answer follows from what its look-ups find.
    pub is_lasting: bool,
    /// The most backend calls that are planned for any request of it.
    pub calls_bound: u64,
    /// Of a plan that has the same for every caller and all variables, once it has run.
    marks: OnceLock<Arc<Marks>>,
    /// How long the last answer was: the next one is mostly as long.
    bytes: AtomicUsize,
}

impl Plan {
    /// Room to begin an answer with.
    pub fn bytes_before(&self) -> usize {
        self.bytes.load(Ordering::Relaxed).saturating_add(512)
    }

    /// The memory that it takes, about: mostly for its fields, which stand in the operation, in its cost and in the answer's shape.
    pub fn weight(&self) -> usize {
        const FIELD_BYTES: usize = 1_536;
        const STEP_BYTES: usize = 1_024;
        self.operation.root.count_fields() * FIELD_BYTES
            + (self.steps.len() + self.sites.len()) * STEP_BYTES
    }

    pub fn wrote(&self, bytes: usize) {
        self.bytes.store(bytes.min(LONGEST_ROOM), Ordering::Relaxed);
    }
}

/// An answer that was larger than this says nothing about the next one.
const LONGEST_ROOM: usize = 1 << 20;

/// A place in the answer where objects stand that have parts, calls or references of their own.
#[derive(Debug)]
pub struct Site {
    /// The declared type; objects have one of `types`.
    pub ty: TypeId,
    pub types: Vec<SiteType>,
    /// The step that makes the objects; `None` for the root.
    pub origin: Option<StepId>,
    pub parent: Option<SiteId>,
    /// Where it is, for people: `customers.nodes.invoices`.
    pub path: String,
    /// How many columns of part records each object has: the most parts of any of its types, at least one.
    pub columns: usize,
    /// The number of its first column, of those of all sites, types and parts.
    pub first_column: usize,
    /// Lists of its objects may be rows of an answer: nothing is loaded or written for them but their records.
    pub may_be_rows: bool,
}

impl Site {
    /// The number of the first column after its own.
    pub fn end_column(&self) -> usize {
        self.first_column + self.types.len() * self.columns
    }
}

/// One concrete type at a site.
#[derive(Debug)]
pub struct SiteType {
    pub ty: TypeId,
    /// For each part: the step that loads it, if objects do not come with it.
    pub parts: Vec<Option<StepId>>,
}

impl Step {
    /// Whether it is for those objects alone that lack a value.
    pub fn is_fallback(&self) -> bool {
        matches!(&self.work, Work::Part(part) if part.fallback_of.is_some())
    }
}

/// One load for all objects of a site.
#[derive(Debug)]
pub struct Step {
    /// The site whose objects this step is for.
    pub site: SiteId,
    /// Only objects of this type.
    pub ty: TypeId,
    pub work: Work,
    /// Steps whose results this one needs, sorted.
    pub after: Vec<StepId>,
    /// The root field that this step serves: mutations run root field by root field.
    pub root_field: usize,
}

#[derive(Debug)]
pub enum Work {
    /// A call keyed by each object; its records are the objects of `child`.
    Call(CallStep),
    /// Objects named by key: no call, `child`'s parts are loaded by their own steps.
    Reference(ReferenceStep),
    /// Objects named by representations, ids or keys of several kinds: no call.
    Entities(EntitiesStep),
    /// Records inside the records in hand become the objects of `child`: no call.
    Nested {
        child: SiteId,
        column: usize,
        field: Option<FieldId>,
    },
    /// A part of the objects themselves, found by identity rules or by the key that they were made with.
    Part(PartStep),
    Merge(MergeStep),
}

impl Work {
    /// The kind of key by which it names objects, if it does.
    fn named_by(&self) -> Option<u8> {
        match self {
            Self::Reference(reference) => Some(reference.key_kind),
            Self::Call(call) => call.names.map(|named| named.key_kind),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub struct CallStep {
    pub child: SiteId,
    pub call: CallId,
    pub shape: ShapeId,
    pub key: KeySource,
    pub yields: Yields,
    /// The records name objects, whose parts are loaded by their own steps.
    pub names: Option<Named>,
    pub field: Arc<SelectedField>,
    pub coordinate: Arc<str>,
    /// Cursors of this connection are selected, so that its windows must remember their keys.
    pub has_cursors: bool,
    /// Of a list: what it can be narrowed and ordered by.
    pub rules: Option<Arc<ListRules>>,
    /// It is one of the lists of a merged list, which makes the objects.
    pub merged: Option<MergedCall>,
}

#[derive(Debug)]
pub struct ReferenceStep {
    pub child: SiteId,
    pub part: PartId,
    pub key_kind: u8,
    pub key: KeySource,
    pub many: bool,
    pub field: Arc<SelectedField>,
    pub coordinate: Arc<str>,
}

#[derive(Debug)]
pub struct EntitiesStep {
    pub child: SiteId,
    pub field: Arc<SelectedField>,
    pub by: By,
}

#[derive(Clone, Debug)]
pub struct PartStep {
    pub part: PartId,
    /// The objects carry a key of this part already (they were made by a reference to it).
    pub own_key: bool,
    /// The identity rules that can lead here from what the objects come with, by their place, in order of priority.
    pub rules: Arc<[usize]>,
    /// Use this rule alone, on the key that the objects were made with, without waiting for the part that it reads.
    pub early_rule: Option<usize>,
    /// What it waits for besides, to try the other rules, where the early rule's key is blocked.
    pub others_after: Vec<StepId>,
    /// The part's own step, of one for those objects alone that lack a value.
    pub fallback_of: Option<StepId>,
}

// ---- the shape of the answer ---------------------------------------------------------------------------------------

#[derive(Debug)]
pub struct OutField {
    pub response_key: Arc<str>,
    pub prefix: Prefix,
    pub field: Option<FieldId>,
    pub ty: TypeRef,
    pub source: Out,
    pub when: Condition,
    pub access: Vec<Access>,
    pub location: Location,
    pub coordinate: Arc<str>,
    /// What it may come later with.
    pub occurrences: Option<OccurrencesId>,
    pub stream: Option<StreamId>,
    /// Its place in `Plan::refusable`.
    pub refusable: Option<usize>,
}

/// Where a written value comes from.
#[derive(Debug)]
pub enum Out {
    Typename,
    Introspection,
    /// A slot of the record in `column`, without objects of its own beneath it.
    Slot {
        column: usize,
        node: Option<Node>,
    },
    /// The same slot of several columns' records, of which one is written.
    Survivor {
        rule: Arc<Survivorship>,
        /// The steps that bring it for objects that lack it.
        fallbacks: Vec<StepId>,
        node: Option<Node>,
    },
    /// What follows from slots of one record, and the present time.
    Computed(Arc<Computed>),
    /// The objects of another site.
    Child {
        step: StepId,
        site: SiteId,
        node: Node,
    },
    /// The one slot of the record that a call gave.
    Value {
        step: StepId,
        site: SiteId,
        node: Option<Node>,
    },
    /// A connection over the objects of another site.
    Connection {
        step: StepId,
        site: SiteId,
        node: Arc<ConnectionNode>,
    },
    SourceStatus {
        node: StatusNode,
    },
    /// How the object was put together.
    Account {
        node: AccountNode,
    },
    /// An object of metrics, which are reckoned from lists of the object that it stands on.
    Derived {
        node: Node,
        reads: Arc<Node>,
    },
    /// One of them.
    Metric {
        metric: MetricId,
        reads: Arc<Node>,
        node: Option<Node>,
    },
    /// Of an event that is made of a record: what is no field of the record.
    Event(EventOut),
    /// `_service` of a subgraph, and its `sdl`.
    Service {
        node: Node,
    },
    ServiceSdl,
    NotCovered,
}

/// A connection's own fields, as selected.
#[derive(Debug)]
pub struct ConnectionNode {
    pub ty: TypeId,
    pub fields: Vec<ConnectionOut>,
    pub order: Vec<OutEntry>,
}

#[derive(Debug)]
pub struct ConnectionOut {
    pub prefix: Prefix,
    pub response_key: Arc<str>,
    pub ty: Option<TypeRef>,
    pub location: Location,
    pub coordinate: Arc<str>,
    pub access: Vec<Access>,
    pub what: ConnectionWhat,
    pub occurrences: Option<OccurrencesId>,
    pub stream: Option<StreamId>,
}

#[derive(Debug)]
pub enum ConnectionWhat {
    Typename,
    /// `nodes` and `node`.
    Objects(Node),
    /// The same of a merged list: where the events of each list stand, and what they are written as.
    Events(Arc<[(SiteId, Node)]>),
    /// `edges` and `pageInfo`.
    Inside(ConnectionField, Arc<ConnectionNode>),
    Leaf(ConnectionField),
}

/// A metric by its type and field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricId {
    pub derived: DerivedId,
    pub field: FieldId,
}
