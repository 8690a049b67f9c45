//! From what was loaded on a key to the record of a part: one, none, several of one customer, or too many to say.

use std::borrow::Cow;
use std::sync::Arc;

use crate::execute::begin::Reach;
use crate::execute::{PartState, Run};
use crate::graph::{Graph, Part, PartId};
use crate::plan::Step;
use crate::value::{Answer, Cell};

impl Run<'_> {
    pub(super) fn finish_part(&mut self, step: &Step, part: PartId, reaches: &[Reach]) {
        let graph = self.graph;
        let Some(described) = graph.ty(step.ty).parts.get(usize::from(part.0)) else { return };
        for (object, reach) in (0..).zip(reaches) {
            let state = match reach {
                Reach::Open | Reach::None(_) => continue,
                Reach::Failed(failure) => PartState::Failed(*failure),
                Reach::Answer(answer) => {
                    let most = self.at_most(step, described, object, part);
                    self.found(described, *answer, most)
                }
            };
            if let Some(site) = self.site_mut(step.site) {
                site.bring_part(step, object, part, state);
            }
        }
    }

    /// How many records on one key are one customer's.
    fn at_most(&self, step: &Step, part: &Part, object: u32, id: PartId) -> usize {
        if part.rules.iter().all(|rule| rule.at_most <= 1) {
            return 1;
        }
        let way = self.site(step.site).and_then(|site| site.ways.get(&(object, id)));
        let rule = way.and_then(|way| part.rules.get(usize::from(way.rule?)));
        rule.map_or(1, |rule| usize::try_from(rule.at_most).unwrap_or(usize::MAX))
    }

    fn found(&mut self, part: &Part, answer: u32, most: usize) -> PartState {
        let Some(loaded) = self.arena.loaded(answer).map(|loaded| Arc::clone(&loaded.answer))
        else {
            return PartState::Missing { answer: Some(answer) };
        };
        match &*survivors(self.graph, part, &loaded) {
            [] => PartState::Missing { answer: Some(answer) },
            [Cell::Problem(problem)] => PartState::Failed(self.misfit(&loaded, *problem)),
            [record] => PartState::Row { answer, record: *record },
            records if records.len() <= most && are_records(records) && !loaded.partial => {
                let records = in_order(self.graph, part, &loaded, records);
                PartState::Several { answer, records }
            }
            _ => PartState::Ambiguous { answer },
        }
    }
}

/// The one record that a key leads to. `None`: there is none, or nobody can say which.
pub(super) fn lone(graph: &Graph, part: &Part, answer: &Answer) -> Option<Cell> {
    match &*survivors(graph, part, answer) {
        [record] => Some(*record),
        _ => None,
    }
}

fn are_records(rows: &[Cell]) -> bool {
    rows.iter().all(|row| matches!(row, Cell::Record { .. }))
}

/// An answer's records, of several without those that were merged into another one of them.
fn survivors<'a>(graph: &Graph, part: &Part, answer: &'a Answer) -> Cow<'a, [Cell]> {
    let rows = &*answer.rows;
    let Some(merged) = part.merged.filter(|_| rows.len() > 1) else { return Cow::Borrowed(rows) };
    let ids: Vec<_> = rows.iter().map(|row| id_of(graph, part, answer, *row)).collect();
    let is_loser = |row: &Cell| {
        let survivor = answer.key_text(graph, *row, merged);
        survivor.is_some_and(|survivor| {
            !survivor.trim().is_empty() && ids.iter().flatten().any(|id| **id == *survivor)
        })
    };
    Cow::Owned(rows.iter().filter(|row| !is_loser(row)).copied().collect())
}

/// The order of the backend's answer may differ from one time to the next; that of the ids does not.
fn in_order(graph: &Graph, part: &Part, answer: &Answer, records: &[Cell]) -> Arc<[Cell]> {
    let mut sorted: Vec<(Option<String>, Cell)> =
        records.iter().map(|record| (id_of(graph, part, answer, *record), *record)).collect();
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    sorted.into_iter().map(|(_, record)| record).collect()
}

/// The key by which a record is named, as the backend spells it.
fn id_of(graph: &Graph, part: &Part, answer: &Answer, record: Cell) -> Option<String> {
    let slot = part.keys.first()?.slots.first()?;
    answer.key_text(graph, record, *slot).map(Cow::into_owned)
}
