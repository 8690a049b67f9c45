//! A field that a slot of a part holds.

use super::{Done, Nulled, Owner, Place, Writer};
use crate::execute::{PartState, field_cell};
use crate::graph::{FieldId, TypeId};
use crate::mapping::Mapping;
use crate::plan::{Node, OutField, SiteId};
use crate::value::opaque_id;

/// The part of a type that holds a field.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) ty: TypeId,
    pub(super) column: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn slot(
        &mut self,
        field: &'a OutField,
        part: Part,
        node: Option<&'a Node>,
        place: Place,
        owner: Owner<'a>,
    ) -> Done {
        let wrappers = &field.ty.wrappers;
        let (answer, record) = match place {
            Place::Record { answer, record } => (answer, record),
            Place::Object { site, object } => {
                let Some(state) = self.source.outcome.sites.get(site.index()) else {
                    return Err(Nulled);
                };
                match state.part(object, part.column) {
                    PartState::Row { answer, record } => (*answer, *record),
                    PartState::Key { .. } => {
                        return self.given(site, object, part, field, owner);
                    }
                    PartState::Failed(failure) => {
                        if self.given_text(site, object, part, field.field).is_some() {
                            return self.given(site, object, part, field, owner);
                        }
                        return self.failed(*failure, owner);
                    }
                    PartState::Ambiguous { .. } => {
                        return self.ambiguous_part(part.ty, part.column, owner);
                    }
                    PartState::Unset | PartState::Missing { .. } | PartState::NotLinked => {
                        return self.null(wrappers, owner);
                    }
                }
            }
        };
        let Some(table) = self.answer(answer) else { return Err(Nulled) };
        let cell = field_cell(self.source.graph, table, record, field.field);
        self.value((answer, table), cell, wrappers, node, owner)
    }

    /// What the object's own key says of a field: its `id`, or nothing.
    fn given(
        &mut self,
        site: SiteId,
        object: u32,
        part: Part,
        field: &OutField,
        owner: Owner<'a>,
    ) -> Done {
        match self.given_text(site, object, part, field.field) {
            Some(text) => {
                self.string(&text);
                Ok(())
            }
            None => self.null(&field.ty.wrappers, owner),
        }
    }

    fn given_text(
        &self,
        site: SiteId,
        object: u32,
        part: Part,
        field: Option<FieldId>,
    ) -> Option<String> {
        let graph = self.source.graph;
        let Part { ty, column } = part;
        let state = self.source.outcome.sites.get(site.index())?;
        let part = graph.ty(ty).parts.get(column)?;
        let (kind, key) = match (state.part(object, column), state.given.get(&object)) {
            (PartState::Key { kind, key }, _) => (*kind, key),
            (_, Some((part, kind, key))) if usize::from(part.0) == column => (*kind, key),
            _ => return None,
        };
        let shape = graph.shape(part.shape);
        let slot = shape.field_slots.get(field?.index()).copied().flatten()?;
        part.keys.get(usize::from(kind))?.slots.iter().find(|candidate| **candidate == slot)?;
        match &shape.slots.get(slot.index())?.mapping {
            Mapping::Id { role, .. } => Some(opaque_id(&graph.ty(ty).name, role, key.as_str())),
            // Any other value may be spelled differently in the record: only an id is known to be the same.
            _ => None,
        }
    }
}
