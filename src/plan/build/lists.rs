//! The output shapes of connections, of `sourceStatus` and of what is said of how objects were put together.

use super::{Builder, order};
use crate::graph::{Account, ConnectionField, Graph, MergedId, Said, Source, TypeId};
use crate::operation::{Branch, SelectedField, Selection, Target};
use crate::plan::{
    AccountNode, Beside, ConnectionNode, ConnectionOut, ConnectionWhat, From, Out, OutField,
    Prefix, SiteId, StatusNode,
};
use std::sync::Arc;

/// What a connection shows.
pub(super) enum Listed {
    /// The objects of a site.
    Site(SiteId),
    /// The events of several lists: each by its place in the merged list, and where they stand.
    Merged(Vec<(MergedId, usize, SiteId)>),
}

impl Builder<'_> {
    pub(super) fn connection(
        &mut self,
        selection: Option<&Selection>,
        of: &Listed,
    ) -> Arc<ConnectionNode> {
        let Some((selection, branch)) =
            selection.and_then(|selection| Some((selection, selection.branches.first()?)))
        else {
            let (fields, order) = (Vec::new(), Vec::new());
            return Arc::new(ConnectionNode { ty: self.graph.query, fields, order });
        };
        let fields =
            branch.fields.iter().map(|field| self.connection_field(branch.ty, field, of)).collect();
        Arc::new(ConnectionNode { ty: selection.ty, fields, order: order(branch, &[]) })
    }

    fn connection_field(
        &mut self,
        ty: TypeId,
        field: &SelectedField,
        of: &Listed,
    ) -> ConnectionOut {
        let (defined, what) = match field.target {
            Target::Typename | Target::Introspection => (None, ConnectionWhat::Typename),
            Target::Field(id) => {
                let defined = self.graph.field(ty, id);
                let what = match &defined.source {
                    Source::Connection(ConnectionField::Nodes | ConnectionField::Node) => {
                        match of {
                            Listed::Site(site) => {
                                ConnectionWhat::Objects(self.child_node(field, *site))
                            }
                            Listed::Merged(lists) => {
                                ConnectionWhat::Events(self.events(lists, field.selection.as_ref()))
                            }
                        }
                    }
                    Source::Connection(
                        inside @ (ConnectionField::Edges | ConnectionField::PageInfo),
                    ) => ConnectionWhat::Inside(
                        *inside,
                        self.connection(field.selection.as_ref(), of),
                    ),
                    Source::Connection(leaf) => ConnectionWhat::Leaf(*leaf),
                    _ => ConnectionWhat::Leaf(ConnectionField::TotalCount),
                };
                (Some((id, defined)), what)
            }
        };
        ConnectionOut {
            prefix: Prefix::new(&field.response_key),
            response_key: Arc::clone(&field.response_key),
            ty: defined.map(|(_, defined)| defined.ty.clone()),
            location: field.location,
            coordinate: defined.map_or_else(
                || Arc::clone(&field.response_key),
                |(_, defined)| Arc::clone(&defined.coordinate),
            ),
            access: defined.map_or_else(Vec::new, |(id, _)| self.access(ty, id)),
            what,
            occurrences: field.occurrences,
            stream: field.stream,
        }
    }

    pub(super) fn status(&self, field: &SelectedField) -> StatusNode {
        let Some(branch) =
            field.selection.as_ref().and_then(|selection| selection.branches.first())
        else {
            return StatusNode { type_name: Arc::from(""), fields: Vec::new(), order: Vec::new() };
        };
        let fields = branch.fields.iter().map(|field| {
            let status = match field.target {
                Target::Field(id) => match self.graph.field(branch.ty, id).source {
                    Source::Status(status) => Some(status),
                    _ => None,
                },
                Target::Typename | Target::Introspection => None,
            };
            (Prefix::new(&field.response_key), status)
        });
        StatusNode {
            type_name: Arc::clone(&self.graph.ty(branch.ty).name),
            fields: fields.collect(),
            order: order(branch, &[]),
        }
    }

    pub(super) fn account(&self, account: Account, field: &SelectedField) -> AccountNode {
        let branch = field.selection.as_ref().and_then(|selection| selection.branches.first());
        let said = |ty: TypeId, field: &SelectedField| -> Option<Said> {
            let Target::Field(id) = field.target else { return None };
            match self.graph.field(ty, id).source {
                Source::Said(said) => Some(said),
                _ => None,
            }
        };
        let fields = branch.into_iter().flat_map(|branch| {
            branch
                .fields
                .iter()
                .map(move |field| (Prefix::new(&field.response_key), said(branch.ty, field)))
        });
        AccountNode {
            account,
            type_name: branch
                .map_or_else(|| Arc::from(""), |branch| Arc::clone(&self.graph.ty(branch.ty).name)),
            fields: fields.collect(),
            order: branch.map_or_else(Vec::new, |branch| order(branch, &[])),
            beside: Vec::new(),
        }
    }
}

/// Tells provenance what is selected beside it.
pub(super) fn tell_beside(branch: &Branch, fields: &mut [OutField]) {
    let is_provenance = |field: &OutField| matches!(&field.source, Out::Account { node } if node.account == Account::Provenance);
    if !fields.iter().any(is_provenance) {
        return;
    }
    let places: Vec<usize> = fields
        .iter()
        .enumerate()
        .filter(|(_, field)| is_provenance(field))
        .map(|(at, _)| at)
        .collect();
    for place in places {
        let entries = order(branch, &[]).into_iter();
        let beside = entries.filter_map(|entry| {
            let field = fields.get(entry.field)?;
            let from = match &field.source {
                Out::Slot { column, .. } => From::Column(*column),
                Out::Survivor { rule, .. } => From::Survivor(Arc::clone(rule)),
                Out::Computed(computed) => From::Column(usize::from(computed.part.0)),
                Out::Child { step, site, .. }
                | Out::Value { step, site, .. }
                | Out::Connection { step, site, .. } => From::Step(*step, *site),
                _ => return None,
            };
            let beside = Beside {
                response_key: Arc::clone(&field.response_key),
                access: field.access.clone(),
                field: field.field,
                from,
            };
            Some((entry, beside))
        });
        let beside = beside.collect();
        if let Some(OutField { source: Out::Account { node }, .. }) = fields.get_mut(place) {
            node.beside = beside;
        }
    }
}

/// Does a connection's selection, or that of its edges or page info, ask for a cursor?
pub(super) fn has_cursors(graph: &Graph, selection: &Selection) -> bool {
    use ConnectionField::{Cursor, Edges, EndCursor, PageInfo, StartCursor};
    selection
        .branches
        .iter()
        .flat_map(|branch| branch.fields.iter().map(move |field| (branch.ty, field)))
        .any(|(ty, field)| {
            let Target::Field(id) = field.target else { return false };
            match graph.field(ty, id).source {
                Source::Connection(Cursor | StartCursor | EndCursor) => true,
                Source::Connection(Edges | PageInfo) => {
                    field.selection.as_ref().is_some_and(|selection| has_cursors(graph, selection))
                }
                _ => false,
            }
        })
}
