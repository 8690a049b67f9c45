//! A field that a slot of a part holds.

use super::{Done, Nulled, Owner, Place, Source, Writer};
use crate::execute::{PartState, Row, agreed, chosen};
use crate::graph::{FieldId, Survivorship, TypeId};
use crate::mapping::Mapping;
use crate::plan::{Node, OutEntry, OutField, SiteId};
use crate::value::{Answer, Cell, opaque_id};

/// The part of a type that holds a field.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) ty: TypeId,
    pub(super) column: usize,
}

/// The record that the last field of an object was read from, by its column: mostly it is the next field's too.
#[derive(Default)]
pub(super) struct Held<'a>(Option<(usize, Option<Record<'a>>)>);

/// A record and the answer that it stands in.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    answer: u32,
    table: &'a Answer,
    row: Row<'a>,
}

/// What is said of several fields, with the answer that it stands in; `None`: that of several records, which do not agree.
type Cells<'a> = ((u32, &'a Answer), Vec<Option<Cell>>);

impl<'a> Writer<'a> {
    /// Writes plain scalars that are there, of one column, one after the other; they need neither path nor owner. Gives how
    /// many.
    #[inline(never)]
    pub(super) fn plain(
        &mut self,
        entries: &[OutEntry],
        place: Place,
        held: &mut Held<'a>,
    ) -> usize {
        let Some(column) = entries.first().and_then(|entry| Some(entry.plain.as_ref()?.column))
        else {
            return 0;
        };
        let record = match held.0 {
            Some((held, record)) if held == column => record,
            _ => self.record(place, column),
        };
        held.0 = Some((column, record));
        let Some(Record { table, row, .. }) = record else { return 0 };
        let mut written = 0;
        for entry in entries {
            let Some(plain) = entry.plain.as_ref().filter(|plain| plain.column == column) else {
                break;
            };
            let Cell::Text { start, end } = row.field(Some(plain.field)) else { break };
            plain.prefix.write(&mut self.out);
            table.write_json(start, end, &mut self.out);
            written += 1;
        }
        written
    }

    /// The record that a column of an object's has, if it is there.
    fn record(&self, place: Place, column: usize) -> Option<Record<'a>> {
        let (answer, record) = match place {
            Place::Record { answer, record } => (answer, record),
            Place::Object { site, object } => match self.part_state(site, object, column)? {
                PartState::Row { answer, record } => (*answer, *record),
                _ => return None,
            },
        };
        let table = self.answer(answer)?;
        Some(Record { answer, table, row: Row::of(self.source.graph, table, record) })
    }

    /// The cell that a field has in a column of an object's, and the answer that it stands in.
    pub(super) fn cell_of(
        &self,
        place: Place,
        column: usize,
        field: Option<FieldId>,
    ) -> Option<(u32, Cell)> {
        let record = self.record(place, column)?;
        Some((record.answer, record.row.field(field)))
    }

    /// What a record says of several fields, or what several records agree on, with the answer that it stands in; `None`: there is
    /// no record.
    pub(super) fn cells_of(
        &self,
        place: Place,
        column: usize,
        fields: &[FieldId],
    ) -> Option<Cells<'a>> {
        if let Some(Record { answer, table, row }) = self.record(place, column) {
            let cells = fields.iter().map(|field| Some(row.field(Some(*field))));
            return Some(((answer, table), cells.collect()));
        }
        let Place::Object { site, object } = place else { return None };
        let state = self.part_state(site, object, column)?;
        let PartState::Several { answer, records } = state else { return None };
        let table = self.answer(*answer)?;
        let cells =
            fields.iter().map(|field| agreed(self.source.graph, table, records, Some(*field)));
        Some(((*answer, table), cells.collect()))
    }

    fn part_state(&self, site: SiteId, object: u32, column: usize) -> Option<&'a PartState> {
        let site = self.source.outcome.sites.get(site.index())?;
        Some(site.shown(object, column))
    }

    pub(super) fn slot(
        &mut self,
        field: &'a OutField,
        part: Part,
        node: Option<&'a Node>,
        place: Place,
        owner: Owner<'a>,
    ) -> Done {
        let wrappers = &field.ty.wrappers;
        if let Some(record) = self.record(place, part.column) {
            let table = (record.answer, record.table);
            return self.value(table, record.row.field(field.field), wrappers, node, owner);
        }
        let Place::Object { site, object } = place else { return Err(Nulled) };
        match self.part_state(site, object, part.column) {
            Some(PartState::Key { .. }) => self.given(site, object, part, field, owner),
            Some(PartState::Failed(failure)) => {
                if self.given_text(site, object, part, field.field).is_some() {
                    return self.given(site, object, part, field, owner);
                }
                self.failed(*failure, owner)
            }
            Some(PartState::Several { answer, records }) => {
                let Some(table) = self.answer(*answer) else { return Err(Nulled) };
                match agreed(self.source.graph, table, records, field.field) {
                    Some(cell) => self.value((*answer, table), cell, wrappers, node, owner),
                    None => self.ambiguous_part(part.ty, part.column, owner),
                }
            }
            Some(PartState::Ambiguous { .. }) => self.ambiguous_part(part.ty, part.column, owner),
            Some(PartState::Unset | PartState::Missing { .. } | PartState::NotLinked) => {
                self.null(wrappers, owner)
            }
            // an answer that is not there: cannot be
            Some(PartState::Row { .. }) | None => Err(Nulled),
        }
    }

    /// Of the parts that hold a field, the one whose value is shown.
    pub(super) fn survivor(
        &self,
        rule: &Survivorship,
        field: Option<FieldId>,
        place: Place,
    ) -> usize {
        let first = rule.parts.first().map_or(0, |part| usize::from(part.0));
        let (Place::Object { site, object }, Some(field)) = (place, field) else { return first };
        let Source { graph, outcome, .. } = self.source;
        let site = outcome.sites.get(site.index());
        let column =
            site.and_then(|site| chosen(graph, &outcome.arena, (site, object), rule, field));
        column.unwrap_or(first)
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
