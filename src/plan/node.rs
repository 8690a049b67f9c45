//! What to write for an object.

use std::sync::Arc;

use super::{Out, OutField, Prefix};
use crate::graph::{FieldId, TypeId};
use crate::operation::Condition;
use crate::value::OutId;

/// What to write for an object, for each type that it can have.
#[derive(Clone, Debug)]
pub struct Node {
    pub branches: Vec<Arc<NodeBranch>>,
    /// Where what is written of a record follows from the record alone.
    pub same: Option<OutId>,
}

impl Node {
    pub(super) fn new(branches: Vec<Arc<NodeBranch>>) -> Self {
        let is_same = branches.iter().all(|branch| branch.is_same());
        Self { same: is_same.then(OutId::fresh), branches }
    }
}

#[derive(Debug)]
pub struct NodeBranch {
    pub ty: TypeId,
    pub fields: Vec<OutField>,
    pub order: Vec<OutEntry>,
}

impl NodeBranch {
    /// Whether it writes the same for every caller and all variables, from the record alone.
    fn is_same(&self) -> bool {
        let is_unconditional =
            |entry: &OutEntry| entry.when.0.is_empty() && entry.unless.is_empty();
        let is_of_record = |field: &OutField| match &field.source {
            Out::Typename | Out::NotCovered | Out::Slot { node: None, .. } => true,
            Out::Slot { node: Some(node), .. } => node.same.is_some(),
            _ => false,
        };
        self.order.iter().all(is_unconditional)
            && self.fields.iter().all(|field| {
                is_of_record(field) && field.access.is_empty() && field.refusable.is_none()
            })
    }
}

#[derive(Debug)]
pub struct OutEntry {
    pub field: usize,
    pub when: Condition,
    pub unless: Vec<Condition>,
    pub plain: Option<Plain>,
}

/// A scalar of a record that all may see and that nothing can leave out: most fields are such. What writing one takes.
#[derive(Debug)]
pub struct Plain {
    pub prefix: Prefix,
    pub field: FieldId,
    pub column: usize,
}

impl Plain {
    pub(super) fn of(entry: &OutEntry, field: &OutField) -> Option<Self> {
        let Out::Slot { column, .. } = field.source else { return None };
        let is_plain = entry.when.0.is_empty()
            && entry.unless.is_empty()
            && field.access.is_empty()
            && field.refusable.is_none()
            && field.ty.wrappers.first().is_some_and(|wrapper| !wrapper.list);
        let prefix = field.prefix.clone();
        is_plain.then_some(Self { prefix, field: field.field?, column })
    }
}
