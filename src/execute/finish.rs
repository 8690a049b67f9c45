//! Finishes a step: what its loads gave becomes part records, child objects and links.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::LoadError;
use crate::execute::begin::{Reach, set};
use crate::execute::landed::{Group, Landed};
use crate::execute::several::{Union, name_of};
use crate::execute::slice::Slice;
use crate::execute::state::{FailureId, number};
use crate::execute::{Begun, Failure, Link, NullBy, Object, PartState, Run, Window};
use crate::graph::{Graph, PartId, TypeId, Yields};
use crate::load::{Chunk, KeyOutcome, Loaded};
use crate::plan::{CallStep, SiteId, Step, StepId, Work};
use crate::value::{Answer, Cell, Key};

impl Run<'_> {
    /// Of lists that name objects, these may still have to be looked up.
    pub(super) fn finish(&mut self, mut landed: Landed) -> Begun {
        if let Some(times) = &mut self.times {
            times.ended(landed.step);
        }
        let plan = self.plan;
        let Some(step) = plan.steps.get(landed.step.index()) else { return Begun::Done };
        for group in std::mem::take(&mut landed.groups) {
            self.land(&group, &mut landed.reaches);
        }
        match &step.work {
            Work::Call(call) => {
                if let Some(written) = landed.written.take() {
                    self.finish_write(written, &mut landed.reaches);
                }
                return self.land_call(step, call, landed);
            }
            Work::Part(part) => self.finish_part(step, part.part, &landed.reaches),
            Work::Reference(_) | Work::Entities(_) | Work::Nested { .. } | Work::Merge(_) => {}
        }
        Begun::Done
    }

    /// Gives each waiting object its key's outcome.
    fn land(&mut self, group: &Group, reaches: &mut [Reach]) {
        // Keys mostly come in the order of the chunks. Where not all of a chunk's keys wait here, or some are in two chunks, they are
        // looked for.
        let count: usize = group.chunks.iter().map(|chunk| chunk.keys.len()).sum();
        let chunks = if count == group.pending.len() { &group.chunks[..] } else { &[] };
        let mut in_order =
            chunks.iter().flat_map(|chunk| chunk.keys.iter().zip(&chunk.outcomes)).peekable();
        let mut by_key = None;
        for (key, objects) in group.pending.iter() {
            let outcome = match in_order.next_if(|(own, _)| *own == key) {
                Some((_, outcome)) => Some(outcome),
                None => {
                    by_key.get_or_insert_with(|| outcomes(&group.chunks)).get(key.as_str()).copied()
                }
            };
            let reach = match outcome {
                Some(Ok(loaded)) => Reach::Answer(self.arena.answer(loaded.clone())),
                Some(Err(error)) => {
                    Reach::Failed(self.arena.failure(Failure::Load(Arc::clone(error))))
                }
                None => Reach::Open,
            };
            for object in objects {
                set(reaches, *object, reach);
            }
        }
    }

    fn finish_write(&mut self, written: Result<Arc<Answer>, LoadError>, reaches: &mut [Reach]) {
        let reach = match written {
            Ok(answer) => Reach::Answer(self.arena.answer(Loaded::now(answer))),
            Err(error) => Reach::Failed(self.arena.failure(Failure::Load(error))),
        };
        reaches.fill(reach);
    }

    // ---- calls -----------------------------------------------------------------------------------------------------

    pub(super) fn finish_call(
        &mut self,
        step: &Step,
        call: &CallStep,
        (reaches, unions): (&mut [Reach], &[Union]),
        slice: &Slice,
    ) {
        if let Some(sift) = &slice.sift {
            self.sift(sift, reaches, unions);
        }
        let of_whole = (!unions.is_empty()).then(|| slice.of_whole());
        let is_merged = call.merged.is_some() && call.names.is_none();
        if !is_merged {
            self.reserve(call.child, reaches, slice);
        }
        for (parent, reach) in (0..).zip(reaches.iter()) {
            let link = match reach {
                Reach::Open => continue,
                Reach::None(link) => *link,
                Reach::Failed(failure) => Link::Failed(*failure),
                // objects are made of what the merge takes
                Reach::Answer(answer) if is_merged => {
                    let rows =
                        self.arena.loaded(*answer).map_or(0, |loaded| loaded.answer.rows.len());
                    Link::Rows { answer: *answer, start: 0, end: number(rows) }
                }
                Reach::Answer(answer) => {
                    let is_united = unions.iter().any(|union| union.object == parent);
                    let slice = of_whole.as_ref().filter(|_| is_united).unwrap_or(slice);
                    self.linked(step, call, parent, *answer, slice)
                }
            };
            self.link(call.child, parent, link);
        }
    }

    /// Makes room for all children at once.
    fn reserve(&mut self, child: SiteId, reaches: &[Reach], slice: &Slice) {
        let rows = reaches.iter().map(|reach| match reach {
            Reach::Answer(answer) => self.arena.loaded(*answer).map_or(0, |loaded| {
                let (first_row, end_row) = slice.rows(&loaded.answer);
                (end_row - first_row) as usize
            }),
            Reach::Open | Reach::None(_) | Reach::Failed(_) => 0,
        });
        let count = if self.may_be_rows(child) { 0 } else { rows.sum() };
        let count = count.min(self.graph.limits.objects);
        self.arena.windows.reserve(reaches.len());
        if let Some(site) = self.site_mut(child) {
            site.reserve(reaches.len(), count);
        }
    }

    fn linked(
        &mut self,
        step: &Step,
        call: &CallStep,
        parent: u32,
        answer: u32,
        slice: &Slice,
    ) -> Link {
        let Some(loaded) = self.arena.loaded(answer).map(|loaded| Arc::clone(&loaded.answer))
        else {
            return Link::Unset;
        };
        match call.yields {
            Yields::One | Yields::Value => match &*loaded.rows {
                [] => Link::Null { by: NullBy::Answer(answer) },
                [Cell::Problem(problem)] => Link::Failed(self.misfit(&loaded, *problem)),
                [_] if !self.has_room(1) => Link::Failed(self.too_many()),
                [row] => Link::One(self.made(call, parent, (answer, &loaded), *row)),
                _ => Link::Failed(self.ambiguous(call)),
            },
            Yields::Many | Yields::Connection { .. } => {
                let (first_row, end_row) = slice.rows(&loaded);
                if slice.is_beyond(&loaded) {
                    return Link::Failed(self.arena.failure(Slice::beyond()));
                }
                if !self.has_room((end_row - first_row) as usize) {
                    return Link::Failed(self.too_many());
                }
                let rows = (first_row, end_row);
                let are_rows = self.are_rows(call.child, &loaded, rows);
                let (start, end) = if are_rows {
                    self.objects += (end_row - first_row) as usize;
                    rows
                } else {
                    self.row_objects(call, parent, (answer, &loaded), rows)
                };
                match (slice.is_connection, are_rows) {
                    (true, _) => {}
                    (false, true) => return Link::Rows { answer, start, end },
                    (false, false) => return Link::Many { start, end, answer: Some(answer) },
                }
                let list =
                    if call.has_cursors { self.list_of(step, call, parent, slice) } else { None };
                Link::Window(self.arena.window(Window {
                    start,
                    end,
                    are_rows,
                    answer,
                    first_row,
                    has_next: end_row < number(loaded.rows.len()) || loaded.next.is_some(),
                    has_previous: slice.after.is_some(),
                    list,
                    page_size: slice.size,
                    merged: None,
                }))
            }
        }
    }

    /// Are these rows all that there is to know of their objects?
    fn are_rows(&self, child: SiteId, loaded: &Answer, (first_row, end_row): (u32, u32)) -> bool {
        self.may_be_rows(child)
            && loaded
                .rows
                .get(first_row as usize..end_row as usize)
                .is_some_and(|rows| rows.iter().all(|row| matches!(row, Cell::Record { .. })))
    }

    fn may_be_rows(&self, child: SiteId) -> bool {
        self.times.is_none()
            && self.plan.operation.deferrals.is_empty()
            && self.plan.sites.get(child.index()).is_some_and(|site| site.may_be_rows)
    }

    /// What cursors of one parent's list are bound to: the list's inputs and its key.
    fn list_of(
        &self,
        step: &Step,
        call: &CallStep,
        parent: u32,
        slice: &Slice,
    ) -> Option<Box<[u8]>> {
        use crate::execute::key::{ObjectKey, argument_key};
        use crate::graph::KeySource;
        let normalizer = self.graph.call(call.call).answers_normalizer;
        let key = match &call.key {
            KeySource::None => Key::unit(),
            KeySource::Arguments(paths) => {
                let arguments = call.field.arguments(self.context.variables).ok()?;
                argument_key(self.graph, &arguments, paths).ok()??
            }
            slots @ (KeySource::Slots { .. } | KeySource::Represented { .. }) => {
                if let Some(keys) = self.account_keys(step, parent, slots, normalizer) {
                    return Some([&slice.list[..], name_of(&keys).as_bytes()].concat().into());
                }
                match self.object_key(step.site, parent, step.ty, slots, normalizer) {
                    ObjectKey::Known(key) => Key::new(&key),
                    _ => return None,
                }
            }
        };
        Some([&slice.list[..], key.as_str().as_bytes()].concat().into_boxed_slice())
    }

    pub(super) fn row(&mut self, child: SiteId, parent: u32, answer: u32, record: Cell) -> u32 {
        let Cell::Record { shape, .. } = record else { return 0 };
        let ty = self.graph.shape(shape).ty;
        let part = self.graph.ty(ty).part_of(shape).unwrap_or(PartId(0));
        self.objects += 1;
        let Some(site) = self.site_mut(child) else { return 0 };
        let object = site.add(Object { ty: Some(ty), parent });
        site.set_part(object, part, PartState::Row { answer, record });
        object
    }

    pub(super) fn add_null(&mut self, child: SiteId, parent: u32) {
        self.objects += 1;
        if let Some(site) = self.site_mut(child) {
            site.add(Object { ty: None, parent });
        }
    }

    /// A record that does not fit stands as an object without a type, whose every value is an error.
    pub(super) fn add_misfit(&mut self, child: SiteId, parent: u32, answer: &Answer, problem: u32) {
        let failure = self.misfit(answer, problem);
        self.objects += 1;
        if let Some(site) = self.site_mut(child) {
            let object = site.add(Object { ty: None, parent });
            site.set_part(object, PartId(0), PartState::Failed(failure));
        }
    }

    pub(super) fn misfit(&mut self, answer: &Answer, problem: u32) -> FailureId {
        let reason = answer.problems.get(problem as usize).map(|problem| problem.message.clone());
        self.arena.failure(Failure::Misfit {
            reason: reason.unwrap_or_else(|| Box::from("of no known kind")),
        })
    }

    fn ambiguous(&mut self, call: &CallStep) -> FailureId {
        let role = Arc::clone(&self.graph.backend(self.graph.call(call.call).backend).role);
        self.arena.failure(Failure::Ambiguous { role })
    }

    pub(super) fn link(&mut self, child: SiteId, parent: u32, link: Link) {
        if let Some(site) = self.site_mut(child) {
            let index = parent as usize;
            if site.links.len() <= index {
                site.links.resize(index + 1, Link::Unset);
            }
            if let Some(slot) = site.links.get_mut(index) {
                *slot = link;
            }
        }
    }

    // ---- failures --------------------------------------------------------------------------------------------------

    /// Everything that this step was to bring has failed.
    pub(super) fn fail_step(&mut self, id: StepId, failure: FailureId) {
        let plan = self.plan;
        let Some(step) = plan.steps.get(id.index()) else { return };
        let objects: Vec<u32> =
            self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)).collect();
        for object in objects {
            match &step.work {
                Work::Call(CallStep { child, .. }) | Work::Nested { child, .. } => {
                    self.link(*child, object, Link::Failed(failure));
                }
                Work::Reference(reference) => {
                    self.link(reference.child, object, Link::Failed(failure));
                }
                Work::Entities(entities) => {
                    self.link(entities.child, object, Link::Failed(failure));
                }
                Work::Merge(merge) => self.link(merge.child, object, Link::Failed(failure)),
                Work::Part(part) if self.is_for(id, step, object) => {
                    self.fail_part(step, object, part.part, failure);
                }
                Work::Part(_) => {}
            }
        }
    }

    fn fail_part(&mut self, step: &Step, object: u32, part: PartId, failure: FailureId) {
        if matches!(self.part(step.site, object, part), PartState::Unset | PartState::Key { .. })
            && let Some(site) = self.site_mut(step.site)
        {
            site.bring_part(step, object, part, PartState::Failed(failure));
        }
    }
}

/// The outcomes of chunks, by key; of a key that is in two, the later one's, which was started for it.
fn outcomes(chunks: &[Arc<Chunk>]) -> FxHashMap<&str, &KeyOutcome> {
    let pairs =
        distinct(chunks).into_iter().flat_map(|chunk| chunk.keys.iter().zip(&chunk.outcomes));
    pairs.map(|(key, outcome)| (key.as_str(), outcome)).collect()
}

/// Each chunk once, in their order: one that several keys have joined may be there for each of them, with the outcomes of them all.
fn distinct(chunks: &[Arc<Chunk>]) -> Vec<&Arc<Chunk>> {
    let mut known = FxHashSet::default();
    chunks.iter().filter(|chunk| known.insert(Arc::as_ptr(chunk))).collect()
}

/// Types that a failing anchor leaves standing are told by this.
pub(crate) fn anchor_state<'a>(
    graph: &Graph,
    site: &'a crate::execute::SiteState,
    object: u32,
    ty: TypeId,
) -> Option<&'a PartState> {
    let anchor = graph.ty(ty).anchor()?;
    Some(site.part(object, usize::from(anchor.0)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Chunk, Key, Loaded, distinct, outcomes};
    use crate::value::Answer;

    fn chunk(name: &str, keys: usize) -> Arc<Chunk> {
        let keys: Vec<Key> = (0..keys).map(|key| Key::new(&format!("{name}{key}"))).collect();
        let outcomes = keys.iter().map(|_| Ok(Loaded::now(Arc::new(Answer::default())))).collect();
        Arc::new(Chunk { keys, outcomes })
    }

    #[test]
    fn a_chunk_that_many_keys_have_joined_is_looked_through_once() {
        let (one, other) = (chunk("one", 1_000), chunk("other", 1_000));
        let joined: Vec<_> =
            (0..1_000).flat_map(|_| [Arc::clone(&one), Arc::clone(&other)]).collect();
        assert_eq!(distinct(&joined).len(), 2);
        let outcomes = outcomes(&joined);
        assert_eq!(outcomes.len(), 2_000);
        assert!(outcomes.contains_key("one999") && outcomes.contains_key("other0"));
    }
}
