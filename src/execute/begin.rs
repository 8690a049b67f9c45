//! Begins a step: keys of all its objects, looked up, and loads started for those that miss.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::future::{FutureExt, join_all};

use crate::cache::Entry;
use crate::error::RequestError;
use crate::execute::finish::{Group, Landed};
use crate::execute::key::{ObjectKey, argument_key, argument_keys, with_remote_ids};
use crate::execute::slice::Slice;
use crate::execute::state::{FailureId, number};
use crate::execute::{Begun, Failure, Link, NullBy, Object, PartState, Run};
use crate::graph::{Effect, Input, KeySource, Normalizer, PartId, ShapeId, TypeId};
use crate::load::{Flight, Found, Load, Loaded};
use crate::operation::SelectedField;
use crate::plan::{CallStep, ReferenceStep, SiteId, Step, StepId, Work};
use crate::value::{Key, SlotSet};

type Arguments = serde_json::Map<String, serde_json::Value>;

/// What is known of one object's load.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Reach {
    /// Not for this step, or still under way.
    #[default]
    Open,
    None(Link),
    Answer(u32),
    Failed(FailureId),
}

impl Run<'_> {
    pub(super) fn begin(&mut self, id: StepId) -> Begun {
        let plan = self.plan;
        let Some(step) = plan.steps.get(id.index()) else { return Begun::Done };
        match &step.work {
            Work::Call(call) => self.begin_call(id, step, call),
            Work::Reference(reference) => self.begin_reference(id, step, reference),
            Work::Nested { child, column, field } => {
                self.nested(step, *child, *column, *field);
                Begun::Done
            }
            Work::Part(part) => self.begin_part(id, step, part),
        }
    }

    // ---- calls -----------------------------------------------------------------------------------------------------

    fn begin_call(&mut self, id: StepId, step: &Step, call: &CallStep) -> Begun {
        match self.call_load(step, call) {
            Ok((load, key, slice)) => {
                let slice = slice.of_list(load.list_prefix(self.graph));
                if self.graph.call(call.call).effect == Effect::Write {
                    return self.begin_write(id, step, load, key, slice);
                }
                let (mut reaches, groups) = self.call_keys(step, call, load, key.as_ref(), &slice);
                if groups.iter().all(|group| group.pending.is_empty()) {
                    self.finish_call(step, call, &mut reaches, &slice);
                    return Begun::Done;
                }
                wait(id, reaches, groups, slice)
            }
            Err(failure) => {
                let failure = self.arena.failure(failure);
                self.fail_step(id, failure);
                Begun::Done
            }
        }
    }

    /// The load of a call step: its arguments, the slots that it is to bring, its window.
    fn call_load(
        &mut self,
        step: &Step,
        call: &CallStep,
    ) -> Result<(Load, Option<Key>, Slice), Failure> {
        let compiled = self.graph.call(call.call);
        let mut arguments = self.arguments(&call.field)?;
        let paths: Vec<_> = compiled
            .inputs
            .iter()
            .filter_map(|input| match input {
                Input::Argument(path) => Some(path),
                Input::Header(_) | Input::Claim(_) => None,
            })
            .collect();
        let key = match &call.key {
            KeySource::None => Some(Key::unit()),
            KeySource::Arguments(paths) => argument_key(self.graph, &arguments, paths)?,
            KeySource::Slots { .. } => None,
        };
        with_remote_ids(self.graph, &mut arguments, &paths)?;
        let slice = Slice::of(self.graph, call, compiled, &arguments)?;
        let wanted = self.wanted_of(call.child, call.shape);
        let _ = step;
        let target = (call.call, call.shape);
        let load = Load::new(
            self.graph,
            target,
            wanted,
            arguments,
            slice.window(compiled),
            self.context.principal,
        );
        Ok((load, key, slice))
    }

    fn arguments(&self, field: &SelectedField) -> Result<Arguments, Failure> {
        field
            .arguments(self.context.variables)
            .map_err(|RequestError { code, message, .. }| Failure::Input { code, message })
    }

    /// The slots wanted of a call's records: of all types that they can have. Picked shapes are mapped whole.
    fn wanted_of(&self, child: SiteId, shape: ShapeId) -> SlotSet {
        let compiled = self.graph.shape(shape);
        let ty = self.graph.ty(compiled.ty);
        if compiled.pick.is_some() || ty.parts.is_empty() {
            return SlotSet::ALL;
        }
        let part = ty.part_of(shape).unwrap_or(PartId(0));
        self.marks.wanted(self.plan, child, compiled.ty, part)
    }

    fn call_keys(
        &mut self,
        step: &Step,
        call: &CallStep,
        load: Load,
        key: Option<&Key>,
        slice: &Slice,
    ) -> (Vec<Reach>, Vec<Group>) {
        let count = self.site(step.site).map_or(0, |site| site.objects.len());
        let mut reaches = vec![Reach::Open; count];
        let normalizer = self.graph.call(call.call).answers_normalizer;
        let mut memo = std::mem::take(&mut self.memo);
        let (mut found, mut failed) = (Vec::with_capacity(count), Vec::new());
        for object in self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)) {
            let object_key = match (&call.key, key) {
                (KeySource::Slots { .. }, _) => {
                    self.object_key(step.site, object, step.ty, &call.key, normalizer)
                }
                (_, Some(key)) => ObjectKey::Known(Cow::Borrowed(key.as_str())),
                (_, None) => ObjectKey::None(Link::Null { by: NullBy::NoKey }),
            };
            match object_key {
                ObjectKey::Known(key) if slice.is_for(self.context.cursors, &key) => {
                    found.push((key, object));
                }
                ObjectKey::Known(_) => failed.push((object, Slice::wrong_cursor())),
                ObjectKey::None(link) => set(&mut reaches, object, Reach::None(link)),
                ObjectKey::Fails(failure) => failed.push((object, failure)),
            }
        }
        let sought = self.seek(load, &mut memo, found);
        self.memo = memo;
        for (object, failure) in failed {
            let failure = self.arena.failure(failure);
            set(&mut reaches, object, Reach::Failed(failure));
        }
        let group = self.take(sought, &mut reaches);
        (reaches, vec![group])
    }

    // ---- keys to loads ---------------------------------------------------------------------------------------------

    /// Looks up all keys of a load, sorted and without duplicates, and starts what misses.
    pub(super) fn seek(
        &self,
        load: Load,
        memo: &mut crate::load::Memo,
        mut keys: Vec<(Cow<'_, str>, u32)>,
    ) -> Sought {
        keys.sort_unstable();
        let mut sought = Sought {
            hits: Vec::with_capacity(keys.len()),
            hit_objects: Vec::with_capacity(keys.len()),
            ..Sought::default()
        };
        let mut misses = Vec::new();
        let mut buffer = Vec::with_capacity(128);
        for group in keys.chunk_by(|one, other| one.0 == other.0) {
            let Some((key, _)) = group.first() else { continue };
            let objects = || group.iter().map(|(_, object)| *object);
            let cache_key = load.cache_key(key, &mut buffer);
            match self.context.loader.find(&load, memo, cache_key, self.now) {
                Found::Hit(entry) => {
                    let hit = number(sought.hits.len());
                    sought.hits.push(entry);
                    sought.hit_objects.extend(objects().map(|object| (object, hit)));
                    continue;
                }
                Found::Flying(flight) => {
                    if sought.flights.last().is_none_or(|last| !last.ptr_eq(&flight)) {
                        sought.flights.push(flight);
                    }
                }
                Found::Miss => misses.push(Key::new(key)),
            }
            sought.pending.push((Key::new(key), objects().collect()));
        }
        if !misses.is_empty() {
            sought.flights.extend(self.context.loader.start(load, memo, misses));
        }
        sought
    }

    pub(super) fn take(&mut self, sought: Sought, reaches: &mut [Reach]) -> Group {
        let first = number(self.arena.answers.len());
        self.arena.answers.reserve(sought.hits.len());
        for entry in sought.hits {
            self.arena.answer(Loaded {
                answer: Arc::clone(&entry.answer),
                cached_at: Some(entry.read_at),
            });
        }
        for (object, hit) in sought.hit_objects {
            set(reaches, object, Reach::Answer(first + hit));
        }
        Group { pending: sought.pending, flights: sought.flights, chunks: Vec::new() }
    }

    // ---- references ------------------------------------------------------------------------------------------------

    fn begin_reference(&mut self, id: StepId, step: &Step, work: &ReferenceStep) -> Begun {
        if let Err(failure) = self.reference(step, work) {
            let failure = self.arena.failure(failure);
            self.fail_step(id, failure);
        }
        Begun::Done
    }

    fn reference(&mut self, step: &Step, work: &ReferenceStep) -> Result<(), Failure> {
        let Some(target) = self.plan.sites.get(work.child.index()).map(|site| site.ty) else {
            return Ok(());
        };
        let normalizer = self.reference_normalizer(target, work);
        let arguments = match &work.key {
            KeySource::Arguments(_) => self.arguments(&work.field)?,
            KeySource::None | KeySource::Slots { .. } => Arguments::new(),
        };
        let parents: Vec<u32> =
            self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)).collect();
        for parent in parents {
            let link = match &work.key {
                KeySource::Arguments(paths) if work.many => {
                    let keys = paths.first().map_or(Ok(Vec::new()), |path| {
                        argument_keys(self.graph, &arguments, path)
                    })?;
                    self.many_references(work, target, parent, keys)
                }
                KeySource::Arguments(paths) => match argument_key(self.graph, &arguments, paths)? {
                    Some(key) => Link::One(self.referenced(work, target, parent, key)),
                    None => Link::Null { by: NullBy::NoKey },
                },
                source => match self.object_key(step.site, parent, step.ty, source, normalizer) {
                    ObjectKey::Known(key) => {
                        let key = Key::new(&key);
                        Link::One(self.referenced(work, target, parent, key))
                    }
                    ObjectKey::None(link) => link,
                    ObjectKey::Fails(failure) => Link::Failed(self.arena.failure(failure)),
                },
            };
            self.link(work.child, parent, link);
        }
        Ok(())
    }

    fn reference_normalizer(&self, target: TypeId, work: &ReferenceStep) -> Normalizer {
        let part = self.graph.ty(target).parts.get(usize::from(work.part.0));
        part.and_then(|part| part.keys.get(usize::from(work.key_kind)))
            .map_or(Normalizer::Exact, |key| key.normalizer)
    }

    fn many_references(
        &mut self,
        work: &ReferenceStep,
        target: TypeId,
        parent: u32,
        keys: Vec<Option<Key>>,
    ) -> Link {
        let start = self.site(work.child).map_or(0, |site| number(site.objects.len()));
        for key in keys {
            match key {
                Some(key) => {
                    self.referenced(work, target, parent, key);
                }
                None => self.add_null(work.child, parent),
            }
        }
        let end = self.site(work.child).map_or(0, |site| number(site.objects.len()));
        Link::Many { start, end, answer: None }
    }

    fn referenced(&mut self, work: &ReferenceStep, target: TypeId, parent: u32, key: Key) -> u32 {
        self.objects += 1;
        let Some(site) = self.site_mut(work.child) else { return 0 };
        let object = site.add(Object { ty: Some(target), parent });
        site.given.insert(object, (work.part, work.key_kind, key.clone()));
        site.set_part(object, work.part, PartState::Key { kind: work.key_kind, key });
        object
    }
}

/// What looking up a load's keys gave.
#[derive(Default)]
pub(super) struct Sought {
    hits: Vec<Arc<Entry>>,
    /// Object and hit.
    hit_objects: Vec<(u32, u32)>,
    pending: Vec<(Key, Vec<u32>)>,
    flights: Vec<Flight>,
}

pub(super) fn set(reaches: &mut [Reach], object: u32, reach: Reach) {
    if let Some(slot) = reaches.get_mut(object as usize) {
        *slot = reach;
    }
}

pub(super) fn wait(
    step: StepId,
    reaches: Vec<Reach>,
    mut groups: Vec<Group>,
    slice: Slice,
) -> Begun {
    let flights: Vec<_> =
        groups.iter_mut().map(|group| join_all(std::mem::take(&mut group.flights))).collect();
    Begun::Waiting(
        async move {
            let landed = join_all(flights).await;
            for (group, chunks) in groups.iter_mut().zip(landed) {
                group.chunks = chunks;
            }
            Landed { step, reaches, groups, slice, written: None }
        }
        .boxed(),
    )
}
