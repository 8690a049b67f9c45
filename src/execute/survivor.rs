//! Whose value of a field is shown, of the records that an object's parts have.
//!
//! Takes: the states of an object's parts, the order in which they are preferred.
//! Gives: the part whose value is shown; which objects a fallback is for.
//! Never: takes a backend that did not answer for one that has no value.

use jiff::Timestamp;

use super::finish::anchor_state;
use super::state::number;
use super::{Arena, PartState, Row, Run, SiteState};
use crate::graph::{FieldId, Graph, PartId, ShapeId, SlotId, Survivorship, TypeId};
use crate::plan::{Spare, Step, StepId};
use crate::value::{Answer, Cell, plain_text};

/// What one part says of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// A value, or something that does not fit.
    Value,
    /// A record that says null, or nothing in blank text or lists and objects of nothing.
    Empty,
    /// No record.
    Nothing,
    /// The backend did not answer, or it is not known which record is meant.
    Unknown,
}

/// What a part says of a field.
fn held(graph: &Graph, arena: &Arena, state: &PartState, field: FieldId) -> Held {
    let (answer, cell) = match state {
        PartState::Row { answer, record } => match arena.loaded(*answer) {
            Some(loaded) => {
                (&loaded.answer, Row::of(graph, &loaded.answer, *record).field(Some(field)))
            }
            None => return Held::Nothing,
        },
        PartState::Several { answer, records } => match arena.loaded(*answer) {
            Some(loaded) => match agreed(graph, &loaded.answer, records, Some(field)) {
                Some(cell) => (&loaded.answer, cell),
                None => return Held::Value,
            },
            None => return Held::Nothing,
        },
        PartState::Failed(_) | PartState::Ambiguous { .. } => return Held::Unknown,
        PartState::Unset
        | PartState::Key { .. }
        | PartState::Missing { .. }
        | PartState::NotLinked => return Held::Nothing,
    };
    if is_empty(graph, answer, cell) { Held::Empty } else { Held::Value }
}

/// What all of several records say, apart from those that say nothing; `None` if they differ.
pub(crate) fn agreed(
    graph: &Graph,
    answer: &Answer,
    records: &[Cell],
    field: Option<FieldId>,
) -> Option<Cell> {
    let cells = records.iter().map(|record| Row::of(graph, answer, *record).field(field));
    let mut said = cells.filter(|cell| !matches!(cell, Cell::Null | Cell::Absent));
    let Some(first) = said.next() else { return Some(Cell::Null) };
    said.all(|cell| answer.is_same(graph, first, cell)).then_some(first)
}

/// Null, blank text, and lists and objects of nothing else.
fn is_empty(graph: &Graph, answer: &Answer, cell: Cell) -> bool {
    let mut cells = match cell {
        Cell::Null | Cell::Absent => return true,
        Cell::Problem(_) => return false,
        Cell::Text { .. } => {
            let text = answer.json(cell).and_then(plain_text);
            return text.is_none_or(|text| text.chars().all(char::is_whitespace));
        }
        Cell::List { start, end } => start..end,
        Cell::Record { shape, start } => start..start + width(graph, shape),
    };
    cells.all(|index| is_empty(graph, answer, answer.cell(index)))
}

/// The column whose value of a field is shown: the first that has one, or the latest. Where none has one it is the first that
/// is not known, then the first that has a record.
pub(crate) fn chosen(
    graph: &Graph,
    arena: &Arena,
    (site, object): (&SiteState, u32),
    rule: &Survivorship,
    field: FieldId,
) -> Option<usize> {
    let columns: Vec<(usize, Held)> = rule
        .parts
        .iter()
        .map(|part| usize::from(part.0))
        .map(|column| (column, held(graph, arena, site.shown(object, column), field)))
        .collect();
    let first = |wanted: Held| columns.iter().find(|(_, held)| *held == wanted);
    let value = match &rule.times {
        None => first(Held::Value),
        Some(times) => {
            let time = |place: usize, column: usize| {
                let slot = times.get(place).copied().flatten()?;
                changed_at(graph, arena, site.shown(object, column), slot)
            };
            let values = columns.iter().enumerate().filter(|(_, (_, held))| *held == Held::Value);
            // of equally new ones the last is taken, which is the first
            let newest = values.rev().max_by_key(|(place, (column, _))| time(*place, *column));
            newest.map(|(_, column)| column)
        }
    };
    let column = value.or_else(|| first(Held::Unknown)).or_else(|| first(Held::Empty));
    column.or(columns.first()).map(|(column, _)| *column)
}

/// When a part's record changed; of several records the latest time.
fn changed_at(graph: &Graph, arena: &Arena, state: &PartState, slot: SlotId) -> Option<Timestamp> {
    let (answer, records) = match state {
        PartState::Row { answer, record } => (answer, std::slice::from_ref(record)),
        PartState::Several { answer, records } => (answer, &**records),
        _ => return None,
    };
    let answer = &arena.loaded(*answer)?.answer;
    let times = records.iter().filter_map(|record| answer.key_text(graph, *record, slot));
    times.filter_map(|time| time.parse().ok()).max()
}

fn width(graph: &Graph, shape: ShapeId) -> u32 {
    number(graph.shape(shape).slots.len())
}

impl Run<'_> {
    /// Whether a step is for this object: a fallback is where a value is lacking and the object exists.
    pub(super) fn is_for(&self, id: StepId, step: &Step, object: u32) -> bool {
        let Some(fallback) = self.marks.fallback(id) else { return true };
        let Some(site) = self.site(step.site) else { return true };
        let mut lacks = fallback.lacks.iter();
        lacks.any(|(field, before)| self.lacks((site, object), step.ty, *field, before))
    }

    /// Whether any object lacks a value that a part may have to bring.
    pub(super) fn is_needed(&self, spare: &Spare, before: &[PartId]) -> bool {
        let Some(site) = self.site(spare.site) else { return false };
        let objects = (0..).zip(&site.objects);
        let mut objects = objects.filter(|(_, object)| object.ty == Some(spare.ty));
        objects.any(|(object, _)| self.lacks((site, object), spare.ty, spare.field, before))
    }

    /// Whether an object exists, and none of these parts has a value.
    fn lacks(
        &self,
        (site, object): (&SiteState, u32),
        ty: TypeId,
        field: FieldId,
        parts: &[PartId],
    ) -> bool {
        let anchor = anchor_state(self.graph, site, object, ty);
        let has_value = |part: &PartId| {
            let state = site.shown(object, usize::from(part.0));
            held(self.graph, &self.arena, state, field) == Held::Value
        };
        !matches!(anchor, Some(PartState::Missing { .. } | PartState::NotLinked))
            && !parts.iter().any(has_value)
    }
}
