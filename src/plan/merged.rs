//! Merged lists in a plan: their steps, and what an event is written from.

use std::sync::Arc;

use serde_json::Value;

use super::given::Given;
use super::worst::Worst;
use super::{Node, SiteId, StepId};
use crate::graph::{Access, Graph, MergedId, TypeId};
use crate::operation::{SelectedField, Variables};

/// Brings the events of several lists into one order: no call. Its links stand at `child`, its events at the sites of the lists.
#[derive(Debug)]
pub struct MergeStep {
    pub child: SiteId,
    pub merged: MergedId,
    pub lists: Vec<MergeList>,
    pub field: Arc<SelectedField>,
    pub coordinate: Arc<str>,
    pub has_cursors: bool,
}

/// One list, by its place in the merged list.
#[derive(Debug)]
pub struct MergeList {
    /// What reads it. `None`: no vendor of this deployment covers it, or says when its records happened.
    pub step: Option<StepId>,
    /// Where its events stand.
    pub site: SiteId,
    /// Who may see it.
    pub access: Vec<Access>,
    /// Its records name objects, which are loaded before it is known when they happened.
    pub is_named: bool,
}

/// Which list of which merged list a call reads.
#[derive(Clone, Debug)]
pub struct MergedCall {
    pub merged: MergedId,
    pub list: u8,
    /// The type that it stands on.
    pub ty: TypeId,
    /// The field of the merged list: its arguments say what is wanted.
    pub field: Arc<SelectedField>,
}

/// What a field of an event is written from, where that is no field of the record.
#[derive(Debug)]
pub enum EventOut {
    /// The record's id, as one of this type and role.
    Id { ty: Arc<str>, role: Arc<str> },
    /// The record itself.
    Record(Node),
    /// Always this, as JSON.
    Value(Arc<str>),
}

impl MergedCall {
    /// Whether the list's records are of several kinds.
    pub fn has_kinds(&self, graph: &Graph) -> bool {
        let list = graph.merged(self.merged).lists.get(usize::from(self.list));
        list.is_some_and(|list| list.stamps.iter().any(|stamp| stamp.kind.is_some()))
    }

    /// Whether the list is read by pages of its own, the newest first.
    pub fn is_in_order(&self, graph: &Graph) -> bool {
        let list = graph.merged(self.merged).lists.get(usize::from(self.list));
        list.is_some_and(|list| list.is_in_order(graph, self.ty, true))
    }
}

impl MergeStep {
    /// The lists that a request asks for, by its `kinds`.
    pub fn is_asked(&self, graph: &Graph, list: usize, variables: Option<&Variables>) -> bool {
        let none = Variables::default();
        let kinds = kinds(&self.field, variables.unwrap_or(&none));
        let list = graph.merged(self.merged).lists.get(list);
        list.is_some_and(|list| list.may_be(kinds.as_deref()))
    }
}

/// The kinds that are asked for. `None`: all of them, or variables that are not known decide.
pub fn kinds(field: &SelectedField, variables: &Variables) -> Option<Vec<Arc<str>>> {
    let arguments = field.arguments(variables).ok()?;
    let kinds = arguments.get("kinds")?.as_array()?;
    // a kind is never null
    if kinds.iter().any(Value::is_null) {
        return None;
    }
    Some(kinds.iter().filter_map(Value::as_str).map(Arc::from).collect())
}

impl Worst<'_> {
    /// How many events of a list one page can show. `None`: the list is read whole, or rows may be read that are not shown.
    pub(super) fn shown(&self, of: &MergedCall) -> Option<u64> {
        let is_given = |name: &str| !matches!(self.given(&of.field, &[name]), Given::Nothing);
        let is_narrowed = ["after", "since", "until", "order"].into_iter().any(is_given)
            || (of.has_kinds(self.graph) && is_given("kinds"));
        (of.is_in_order(self.graph) && !is_narrowed).then(|| self.first(&of.field))
    }
}
