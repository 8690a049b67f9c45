//! Finishes a step: what its loads gave becomes part records, child objects and links.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::{ErrorCode, LoadError};
use crate::execute::begin::{Reach, set};
use crate::execute::slice::Slice;
use crate::execute::state::{FailureId, number};
use crate::execute::{Failure, Link, NullBy, Object, PartState, Run, Window};
use crate::graph::{FieldId, Graph, PartId, TypeId, Yields};
use crate::load::{Chunk, Flight, KeyOutcome, Loaded};
use crate::plan::{CallStep, SiteId, Step, StepId, Work};
use crate::value::{Answer, Cell, Key};

/// A step whose loads have landed.
pub(super) struct Landed {
    pub(super) step: StepId,
    pub(super) reaches: Vec<Reach>,
    pub(super) groups: Vec<Group>,
    pub(super) slice: Slice,
    pub(super) written: Option<Result<Arc<Answer>, LoadError>>,
}

/// One load's keys under way, with the objects that wait for each.
pub(super) struct Group {
    pub(super) pending: Vec<(Key, Vec<u32>)>,
    pub(super) flights: Vec<Flight>,
    pub(super) chunks: Vec<Arc<Chunk>>,
}

impl Run<'_> {
    pub(super) fn finish(&mut self, mut landed: Landed) {
        let plan = self.plan;
        let Some(step) = plan.steps.get(landed.step.index()) else { return };
        for group in std::mem::take(&mut landed.groups) {
            self.land(&group, &mut landed.reaches);
        }
        match &step.work {
            Work::Call(call) => {
                if let Some(written) = landed.written {
                    self.finish_write(written, &mut landed.reaches);
                }
                self.finish_call(step, call, &mut landed.reaches, &landed.slice);
            }
            Work::Part(part) => self.finish_part(step, part.part, &landed.reaches),
            Work::Reference(_) | Work::Nested { .. } => {}
        }
    }

    /// Gives each waiting object its key's outcome.
    fn land(&mut self, group: &Group, reaches: &mut [Reach]) {
        let outcomes = outcomes(&group.chunks);
        for (key, objects) in &group.pending {
            let reach = match outcomes.get(key.as_str()) {
                Some(Ok(answer)) => Reach::Answer(
                    self.arena.answer(Loaded { answer: Arc::clone(answer), cached_at: None }),
                ),
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
            Ok(answer) => Reach::Answer(self.arena.answer(Loaded { answer, cached_at: None })),
            Err(error) => Reach::Failed(self.arena.failure(Failure::Load(error))),
        };
        reaches.fill(reach);
    }

    // ---- calls -----------------------------------------------------------------------------------------------------

    pub(super) fn finish_call(
        &mut self,
        step: &Step,
        call: &CallStep,
        reaches: &mut [Reach],
        slice: &Slice,
    ) {
        self.reserve(call.child, reaches, slice);
        for (parent, reach) in (0..).zip(reaches.iter()) {
            let link = match reach {
                Reach::Open => continue,
                Reach::None(link) => *link,
                Reach::Failed(failure) => Link::Failed(*failure),
                Reach::Answer(answer) => self.linked(step, call, parent, *answer, slice),
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
        let count = rows.sum::<usize>().min(self.graph.limits.objects);
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
                [row] => Link::One(self.row(call.child, parent, answer, *row)),
                _ => Link::Failed(self.ambiguous(call)),
            },
            Yields::Many | Yields::Connection { .. } => {
                let (first_row, end_row) = slice.rows(&loaded);
                if self.objects.saturating_add((end_row - first_row) as usize)
                    > self.graph.limits.objects
                {
                    return Link::Failed(self.too_many());
                }
                let start = self.site(call.child).map_or(0, |site| number(site.objects.len()));
                for row in loaded.rows.get(first_row as usize..end_row as usize).unwrap_or_default()
                {
                    match row {
                        Cell::Problem(problem) => {
                            self.add_misfit(call.child, parent, &loaded, *problem);
                        }
                        row => {
                            self.row(call.child, parent, answer, *row);
                        }
                    }
                }
                let end = start + (end_row - first_row);
                if !slice.is_connection {
                    return Link::Many { start, end, answer: Some(answer) };
                }
                let list =
                    if call.has_cursors { self.list_of(step, call, parent, slice) } else { None };
                Link::Window(self.arena.window(Window {
                    start,
                    end,
                    answer,
                    first_row,
                    has_next: end_row < number(loaded.rows.len()) || loaded.next.is_some(),
                    has_previous: slice.after.is_some(),
                    list,
                    page_size: slice.size,
                }))
            }
        }
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
            slots @ KeySource::Slots { .. } => {
                match self.object_key(step.site, parent, step.ty, slots, normalizer) {
                    ObjectKey::Known(key) => Key::new(&key),
                    _ => return None,
                }
            }
        };
        Some([&slice.list[..], key.as_str().as_bytes()].concat().into_boxed_slice())
    }

    fn row(&mut self, child: SiteId, parent: u32, answer: u32, record: Cell) -> u32 {
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
        if let Some(site) = self.site_mut(child) {
            site.add(Object { ty: None, parent });
        }
    }

    /// A record that does not fit stands as an object without a type, whose every value is an error.
    fn add_misfit(&mut self, child: SiteId, parent: u32, answer: &Answer, problem: u32) {
        let failure = self.misfit(answer, problem);
        if let Some(site) = self.site_mut(child) {
            let object = site.add(Object { ty: None, parent });
            site.set_part(object, PartId(0), PartState::Failed(failure));
        }
    }

    fn misfit(&mut self, answer: &Answer, problem: u32) -> FailureId {
        let reason = answer.problems.get(problem as usize).map(|problem| problem.message.clone());
        self.arena.failure(Failure::Misfit {
            reason: reason.unwrap_or_else(|| Box::from("of no known kind")),
        })
    }

    fn ambiguous(&mut self, call: &CallStep) -> FailureId {
        let role = Arc::clone(&self.graph.backend(self.graph.call(call.call).backend).role);
        self.arena.failure(Failure::Ambiguous { role })
    }

    fn too_many(&mut self) -> FailureId {
        let message = format!(
            "the answer would hold more than {} objects: ask for fewer at a time",
            self.graph.limits.objects
        );
        self.arena.failure(Failure::Input { code: ErrorCode::ObjectsLimit, message })
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

    // ---- parts and nested records ----------------------------------------------------------------------------------

    pub(super) fn finish_part(&mut self, step: &Step, part: PartId, reaches: &[Reach]) {
        for (object, reach) in (0..).zip(reaches) {
            let state = match reach {
                Reach::Open | Reach::None(_) => continue,
                Reach::Failed(failure) => PartState::Failed(*failure),
                Reach::Answer(answer) => {
                    let rows = self.arena.loaded(*answer).map(|loaded| &loaded.answer.rows);
                    match rows.map(|rows| &**rows) {
                        Some([record]) => PartState::Row { answer: *answer, record: *record },
                        Some([_, _, ..]) => PartState::Ambiguous { answer: *answer },
                        _ => PartState::Missing { answer: Some(*answer) },
                    }
                }
            };
            if let Some(site) = self.site_mut(step.site) {
                site.set_part(object, part, state);
            }
        }
    }

    /// Records inside the records in hand become objects of their own.
    pub(super) fn nested(
        &mut self,
        step: &Step,
        child: SiteId,
        column: usize,
        field: Option<FieldId>,
    ) {
        let parents: Vec<u32> =
            self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)).collect();
        for parent in parents {
            let link = self.nested_link(step.site, child, parent, column, field);
            self.link(child, parent, link);
        }
    }

    fn nested_link(
        &mut self,
        site: SiteId,
        child: SiteId,
        parent: u32,
        column: usize,
        field: Option<FieldId>,
    ) -> Link {
        let part = PartId(u8::try_from(column).unwrap_or(u8::MAX));
        let (answer, record) = match self.part(site, parent, part) {
            PartState::Row { answer, record } => (*answer, *record),
            PartState::Failed(failure) => return Link::Failed(*failure),
            PartState::Unset => return Link::Unset,
            _ => return Link::Null { by: NullBy::NotLinked },
        };
        let Some(loaded) = self.arena.loaded(answer).map(|loaded| Arc::clone(&loaded.answer))
        else {
            return Link::Unset;
        };
        match field_cell(self.graph, &loaded, record, field) {
            Cell::Problem(problem) => Link::Failed(self.misfit(&loaded, problem)),
            cell @ Cell::Record { .. } => Link::One(self.row(child, parent, answer, cell)),
            Cell::List { start, end } => {
                let first = self.site(child).map_or(0, |site| number(site.objects.len()));
                for index in start..end {
                    match loaded.cell(index) {
                        cell @ Cell::Record { .. } => {
                            self.row(child, parent, answer, cell);
                        }
                        Cell::Problem(problem) => self.add_misfit(child, parent, &loaded, problem),
                        _ => self.add_null(child, parent),
                    }
                }
                Link::Many { start: first, end: first + (end - start), answer: Some(answer) }
            }
            _ => Link::Null { by: NullBy::Answer(answer) },
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
                Work::Part(part) => self.fail_part(step.site, object, part.part, failure),
            }
        }
    }

    fn fail_part(&mut self, site: SiteId, object: u32, part: PartId, failure: FailureId) {
        if matches!(self.part(site, object, part), PartState::Unset | PartState::Key { .. })
            && let Some(site) = self.site_mut(site)
        {
            site.set_part(object, part, PartState::Failed(failure));
        }
    }
}

/// The outcomes of chunks, by key. A chunk that several keys have joined is here several times.
fn outcomes(chunks: &[Arc<Chunk>]) -> FxHashMap<&str, &KeyOutcome> {
    let mut distinct: Vec<&Arc<Chunk>> = chunks.iter().collect();
    distinct.sort_unstable_by_key(|chunk| Arc::as_ptr(chunk));
    distinct.dedup_by(|one, other| Arc::ptr_eq(one, other));
    let pairs = distinct.into_iter().flat_map(|chunk| chunk.keys.iter().zip(&chunk.outcomes));
    pairs.map(|(key, outcome)| (key.as_str(), outcome)).collect()
}

/// The cell of a field in a record of whichever shape.
pub(crate) fn field_cell(
    graph: &Graph,
    answer: &Answer,
    record: Cell,
    field: Option<FieldId>,
) -> Cell {
    let Cell::Record { shape, .. } = record else { return Cell::Absent };
    let slot = field
        .and_then(|field| graph.shape(shape).field_slots.get(field.index()).copied().flatten());
    slot.map_or(Cell::Absent, |slot| answer.slot(record, slot))
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
