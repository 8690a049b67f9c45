//! Metrics: the lists that they read are planned like any other, beside them.

use std::sync::Arc;

use super::{Builder, Place};
use crate::graph::{Access, DerivedId, Metric};
use crate::operation::SelectedField;
use crate::plan::{ConnectionWhat, MetricId, Node, NodeBranch, Out, OutEntry, OutField, SiteId};

impl Builder<'_> {
    pub(super) fn derived(
        &mut self,
        derived: DerivedId,
        field: &Arc<SelectedField>,
        site: SiteId,
    ) -> Out {
        let (Some(selection), Some(reads)) = (&field.selection, &field.reads) else {
            return Out::NotCovered;
        };
        let reads = Arc::new(self.node(reads, Place::Site(site)));
        let node = self.node(selection, Place::Record);
        let branches = node.branches.into_iter().map(|branch| {
            let NodeBranch { ty, fields, order } = match Arc::try_unwrap(branch) {
                Ok(branch) => branch,
                // nobody else has it yet
                Err(shared) => return shared,
            };
            let fields = fields.into_iter().map(|field| self.metric(derived, field, &reads));
            // a metric is no scalar of a record
            let order = order.into_iter().map(|entry| OutEntry { plain: None, ..entry }).collect();
            Arc::new(NodeBranch { ty, fields: fields.collect(), order })
        });
        Out::Derived { node: Node::new(branches.collect()), reads: Arc::clone(&reads) }
    }

    /// A field of the metrics' own type.
    fn metric(&self, derived: DerivedId, field: OutField, reads: &Arc<Node>) -> OutField {
        let graph = self.graph;
        let defined = |id: crate::graph::FieldId| {
            graph.derived(derived).metrics.get(id.index()).and_then(Option::as_ref)
        };
        let Some((id, metric)) = field.field.and_then(|id| Some((id, defined(id)?))) else {
            return field;
        };
        let OutField { source, mut access, .. } = field;
        let Out::Slot { node, .. } = source else {
            return OutField { source, access, ..field };
        };
        access.extend(self.access_of(derived, metric, reads));
        let metric = MetricId { derived, field: id };
        let source = Out::Metric { metric, reads: Arc::clone(reads), node };
        OutField { source, access, ..field }
    }

    /// Who sees a metric sees what it is reckoned from.
    fn access_of(&self, derived: DerivedId, metric: &Metric, reads: &Node) -> Vec<Access> {
        let lists =
            metric.lists.iter().filter_map(|list| self.graph.derived(derived).lists.get(*list));
        let mut access = Vec::new();
        for list in lists {
            let fields = reads.branches.iter().flat_map(|branch| &branch.fields);
            for field in fields.filter(|field| field.response_key == list.name) {
                access.extend(field.access.iter().cloned());
                let items = items(field).into_iter().flat_map(|node| &node.branches);
                for column in items.flat_map(|branch| &branch.fields) {
                    access.extend(column.access.iter().cloned());
                }
            }
        }
        access
    }
}

/// What is read of the items of a list.
pub fn items(field: &OutField) -> Option<&Node> {
    match &field.source {
        Out::Child { node, .. } => Some(node),
        Out::Slot { node, .. } => node.as_ref(),
        Out::Connection { node, .. } => node.fields.iter().find_map(|field| match &field.what {
            ConnectionWhat::Objects(node) => Some(node),
            _ => None,
        }),
        _ => None,
    }
}
