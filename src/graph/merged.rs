//! Merged lists: one connection over several lists of the object that it stands under, in the order of time.

use std::sync::Arc;

use apollo_compiler::executable::FieldSet;
use apollo_compiler::validation::Valid;

use super::{FieldId, Graph, Source, TypeId};

/// A connection over lists of one object: `Customer.timeline`.
#[derive(Debug)]
pub struct Merged {
    pub coordinate: Arc<str>,
    /// The type of its items.
    pub element: TypeId,
    /// The lists as a query selects them, each under its name.
    pub reads: Arc<Valid<FieldSet>>,
    /// In the order in which events of the same time come.
    pub lists: Vec<MergedList>,
    /// What an event's time is called.
    pub time: Arc<str>,
}

/// One of the lists.
#[derive(Debug)]
pub struct MergedList {
    /// The response key that it is selected by.
    pub name: Arc<str>,
    /// The list, of the parent's type.
    pub field: FieldId,
    /// Who answers for it.
    pub role: Arc<str>,
    /// The type of its records.
    pub element: TypeId,
    /// What its records become. `None`: they are events themselves.
    pub event: Option<Event>,
    /// The kinds that its events can be; empty: only the records tell.
    pub kinds: Vec<Arc<str>>,
    /// Where records of each concrete type say when, and of what kind.
    pub stamps: Arc<[Stamp]>,
}

/// An event that is made of a record.
#[derive(Debug)]
pub struct Event {
    pub ty: TypeId,
    /// By field number of `ty`.
    pub fields: Vec<EventField>,
}

/// Where a field of an event comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventField {
    /// Nothing says it.
    Null,
    /// The record's id, as one of the event's type.
    Id,
    /// The record itself.
    Record,
    /// The same for all: as JSON.
    Value(Arc<str>),
    /// A field of the record.
    Field(FieldId),
}

/// The fields of one type of records that say when and of what kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub ty: TypeId,
    pub time: FieldId,
    /// `None`: the kind is the same for all of the list.
    pub kind: Option<FieldId>,
}

/// In which order a call's records come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOrder {
    /// The field of the records, by name.
    pub by: Arc<str>,
    pub is_newest_first: bool,
}

impl Merged {
    /// The names of the lists, which cursors are bound to.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(|list| &*list.name)
    }
}

impl MergedList {
    /// Whether the backend's own pages come in this order, so that no more of them need be read than are shown.
    pub fn is_in_order(&self, graph: &Graph, parent: TypeId, is_newest_first: bool) -> bool {
        let Source::Call(source) = &graph.field(parent, self.field).source else { return false };
        let Some(order) = &graph.call(source.call).order else { return false };
        order.is_newest_first == is_newest_first
            && self.stamps.iter().all(|stamp| graph.field(stamp.ty, stamp.time).name == order.by)
    }

    /// Whether events of the list can be of these kinds.
    pub fn may_be(&self, kinds: Option<&[Arc<str>]>) -> bool {
        let Some(kinds) = kinds else { return true };
        self.kinds.is_empty() || self.kinds.iter().any(|kind| kinds.contains(kind))
    }
}
