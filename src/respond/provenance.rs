//! `provenance`: which system each selected field comes from, and how old its answer is.

use std::time::Duration;

use super::account::{Age, Entry};
use crate::execute::{Link, NullBy, PartState};
use crate::graph::{FieldId, Graph, Part, TypeId};
use crate::plan::{AccountNode, Beside, From, SiteId, StepId, Work, is_visible};
use crate::respond::{Place, Writer};

impl<'a> Writer<'a> {
    pub(super) fn provenance(
        &self,
        node: &'a AccountNode,
        ty: TypeId,
        place: Place,
        entries: &mut Vec<Entry<'a>>,
    ) {
        for (entry, beside) in &node.beside {
            if !self.holds(entry) || !is_visible(&beside.access, self.source.principal) {
                continue;
            }
            let (system, age) = match &beside.from {
                From::Column(column) => self.of_column((ty, *column), beside, place),
                From::Survivor(rule) => {
                    let column = self.survivor(rule, beside.field, place);
                    self.of_column((ty, column), beside, place)
                }
                From::Step(step, site) => self.of_step(*step, *site, place),
            };
            let field = Some(&*beside.response_key);
            entries.push(Entry { system, field, age, ..Entry::default() });
        }
    }

    fn of_column(
        &self,
        (ty, column): (TypeId, usize),
        beside: &Beside,
        place: Place,
    ) -> (Option<&'a str>, Option<Age>) {
        let graph = self.source.graph;
        let part = graph.ty(ty).parts.get(column);
        let answer = match place {
            Place::Record { answer, .. } => Some(answer),
            Place::Object { site, object } => {
                let state = self.source.outcome.sites.get(site.index());
                match state.map(|state| state.shown(object, column)) {
                    Some(PartState::Row { answer, .. } | PartState::Several { answer, .. }) => {
                        Some(*answer)
                    }
                    _ => None,
                }
            }
        };
        let most = part.zip(beside.field).and_then(|(part, field)| most_age(graph, part, field));
        (part.map(|part| &*part.role), answer.and_then(|answer| self.age(answer, most)))
    }

    fn of_step(&self, step: StepId, site: SiteId, place: Place) -> (Option<&'a str>, Option<Age>) {
        let (graph, outcome) = (self.source.graph, self.source.outcome);
        let Some(step) = self.source.plan.steps.get(step.index()) else { return (None, None) };
        let system = match &step.work {
            Work::Call(call) => Some(&*graph.backend(graph.call(call.call).backend).role),
            Work::Reference(work) => {
                let target = self.source.plan.sites.get(site.index()).map(|site| site.ty);
                let part = target.and_then(|ty| graph.ty(ty).parts.get(usize::from(work.part.0)));
                part.map(|part| &*part.role)
            }
            Work::Nested { column, .. } => {
                graph.ty(step.ty).parts.get(*column).map(|part| &*part.role)
            }
            Work::Part(_) | Work::Entities(_) | Work::Merge(_) => None,
        };
        let answer = match self.link(site, place) {
            Link::Many { answer, .. } => answer,
            Link::Rows { answer, .. } | Link::Null { by: NullBy::Answer(answer) } => Some(answer),
            Link::Window(window) => {
                outcome.arena.windows.get(window.0 as usize).map(|window| window.answer)
            }
            Link::One(object) => {
                let state = outcome.sites.get(site.index());
                let states = state.into_iter().flat_map(|state| {
                    (0..state.columns).map(move |column| state.part(object, column))
                });
                states.into_iter().find_map(|part| match part {
                    PartState::Row { answer, .. } => Some(*answer),
                    _ => None,
                })
            }
            Link::Unset | Link::Null { .. } | Link::Failed(_) => None,
        };
        (system, answer.and_then(|answer| self.age(answer, None)))
    }

    fn age(&self, answer: u32, most: Option<Duration>) -> Option<Age> {
        let outcome = self.source.outcome;
        let loaded = outcome.arena.loaded(answer)?;
        let age = loaded.cached_at.map(|at| outcome.now.saturating_duration_since(at));
        let age = age.unwrap_or_default();
        let is_stale = loaded.is_stale || most.is_some_and(|most| age > most);
        Some(Age { age, is_stale })
    }
}

/// The most that the schema says a field may be old.
fn most_age(graph: &Graph, part: &Part, field: FieldId) -> Option<Duration> {
    let slot = graph.shape(part.shape).field_slots.get(field.index()).copied().flatten()?;
    graph.ages.slots.get(part.shape.index())?.get(slot.index()).copied()?
}
