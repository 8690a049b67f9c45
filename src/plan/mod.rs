//! From an operation to steps: which loads are made, for whom, on which keys, and what waits for what.
//!
//! Takes: an `Operation` and the graph.
//! Gives: a `Plan`: sites (places in the answer where objects stand), steps (one load for all objects of a site) and the
//! shape of the answer. Independent of variables and of the caller; both are conditions on it.
//! Never: does a load, reads a variable, or looks at a principal.

mod build;
mod explain;
mod identity;
mod mark;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Location;
use crate::graph::{
    Access, CallId, ConnectionField, FieldId, KeySource, PartId, ShapeId, StatusField, TypeId,
    TypeRef, Yields,
};
use crate::operation::{Condition, Operation, SelectedField};

pub use build::plan;
pub use explain::Explanation;
pub use mark::{Marks, is_visible, mark};

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
    /// How long the last answer was: the next one is mostly as long.
    bytes: AtomicUsize,
}

impl Plan {
    /// Room to begin an answer with.
    pub fn bytes_before(&self) -> usize {
        self.bytes.load(Ordering::Relaxed).saturating_add(512)
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
}

/// One concrete type at a site.
#[derive(Debug)]
pub struct SiteType {
    pub ty: TypeId,
    /// For each part: the step that loads it, if objects do not come with it.
    pub parts: Vec<Option<StepId>>,
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
    /// Records inside the records in hand become the objects of `child`: no call.
    Nested { child: SiteId, column: usize, field: Option<FieldId> },
    /// A part of the objects themselves, found by identity rules or by the key that they were made with.
    Part(PartStep),
}

#[derive(Debug)]
pub struct CallStep {
    pub child: SiteId,
    pub call: CallId,
    pub shape: ShapeId,
    pub key: KeySource,
    pub yields: Yields,
    pub field: Arc<SelectedField>,
    pub coordinate: Arc<str>,
    /// Cursors of this connection are selected, so that its windows must remember their keys.
    pub has_cursors: bool,
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
pub struct PartStep {
    pub part: PartId,
    /// The objects carry a key of this part already (they were made by a reference to it).
    pub own_key: bool,
    /// The identity rules that can lead here from what the objects come with, by their place, in order of priority.
    pub rules: Vec<usize>,
    /// Use this rule alone, on the key that the objects were made with, without waiting for the part that it reads.
    pub early_rule: Option<usize>,
    /// Why the step waits, or why it need not, for people.
    pub reason: String,
}

// ---- the shape of the answer ---------------------------------------------------------------------------------------

/// What to write for an object, for each type that it can have.
#[derive(Debug)]
pub struct Node {
    pub branches: Vec<NodeBranch>,
}

#[derive(Debug)]
pub struct NodeBranch {
    pub ty: TypeId,
    pub fields: Vec<OutField>,
    pub order: Vec<OutEntry>,
}

#[derive(Debug)]
pub struct OutEntry {
    pub field: usize,
    pub when: Condition,
    pub unless: Vec<Condition>,
}

#[derive(Debug)]
pub struct OutField {
    pub response_key: Arc<str>,
    /// `,"key":`, ready to copy.
    pub prefix: Box<str>,
    pub field: Option<FieldId>,
    pub ty: TypeRef,
    pub source: Out,
    pub when: Condition,
    pub access: Vec<Access>,
    pub location: Location,
    pub coordinate: Arc<str>,
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
        node: ConnectionNode,
    },
    SourceStatus {
        node: StatusNode,
    },
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
    pub prefix: Box<str>,
    pub response_key: Arc<str>,
    pub ty: Option<TypeRef>,
    pub location: Location,
    pub coordinate: Arc<str>,
    pub access: Vec<Access>,
    pub what: ConnectionWhat,
}

#[derive(Debug)]
pub enum ConnectionWhat {
    Typename,
    /// `nodes` and `node`.
    Objects(Node),
    /// `edges` and `pageInfo`.
    Inside(ConnectionField, ConnectionNode),
    Leaf(ConnectionField),
}

#[derive(Debug)]
pub struct StatusNode {
    pub type_name: Arc<str>,
    pub fields: Vec<(Box<str>, Option<StatusField>)>,
    pub order: Vec<OutEntry>,
}
