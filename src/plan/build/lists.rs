//! The output shapes of connections and of `sourceStatus`.

use super::{Builder, order, prefix};
use crate::graph::{ConnectionField, Source, TypeId};
use crate::operation::{SelectedField, Selection, Target};
use crate::plan::{ConnectionNode, ConnectionOut, ConnectionWhat, SiteId, StatusNode};
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn connection(
        &mut self,
        selection: Option<&Selection>,
        site: SiteId,
    ) -> ConnectionNode {
        let Some((selection, branch)) =
            selection.and_then(|selection| Some((selection, selection.branches.first()?)))
        else {
            return ConnectionNode { ty: self.graph.query, fields: Vec::new(), order: Vec::new() };
        };
        let fields = branch
            .fields
            .iter()
            .map(|field| self.connection_field(branch.ty, field, site))
            .collect();
        ConnectionNode { ty: selection.ty, fields, order: order(branch) }
    }

    fn connection_field(
        &mut self,
        ty: TypeId,
        field: &SelectedField,
        site: SiteId,
    ) -> ConnectionOut {
        let (defined, what) = match field.target {
            Target::Typename | Target::Introspection => (None, ConnectionWhat::Typename),
            Target::Field(id) => {
                let defined = self.graph.field(ty, id);
                let what = match &defined.source {
                    Source::Connection(ConnectionField::Nodes | ConnectionField::Node) => {
                        ConnectionWhat::Objects(self.child_node(field, site))
                    }
                    Source::Connection(
                        inside @ (ConnectionField::Edges | ConnectionField::PageInfo),
                    ) => ConnectionWhat::Inside(
                        *inside,
                        self.connection(field.selection.as_ref(), site),
                    ),
                    Source::Connection(leaf) => ConnectionWhat::Leaf(*leaf),
                    _ => ConnectionWhat::Leaf(ConnectionField::TotalCount),
                };
                (Some((id, defined)), what)
            }
        };
        ConnectionOut {
            prefix: prefix(&field.response_key),
            response_key: Arc::clone(&field.response_key),
            ty: defined.map(|(_, defined)| defined.ty.clone()),
            location: field.location,
            coordinate: defined.map_or_else(
                || Arc::clone(&field.response_key),
                |(_, defined)| Arc::clone(&defined.coordinate),
            ),
            access: defined.map_or_else(Vec::new, |(id, _)| self.access(ty, id)),
            what,
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
            (prefix(&field.response_key), status)
        });
        StatusNode {
            type_name: Arc::clone(&self.graph.ty(branch.ty).name),
            fields: fields.collect(),
            order: order(branch),
        }
    }
}
