//! Begins a step: the keys of all its objects.

use std::borrow::Cow;

use crate::error::RequestError;
use crate::execute::key::{ObjectKey, argument_key, with_remote_ids};
use crate::execute::landed::{Group, Landed, wait};
use crate::execute::several::{SeveralKeys, Union, name_of, whole};
use crate::execute::sift::Sift;
use crate::execute::slice::Slice;
use crate::execute::state::{FailureId, number};
use crate::execute::{Begun, Failure, Link, NullBy, Run};
use crate::graph::{Effect, Input, KeySource, ShapeId};
use crate::load::Load;
use crate::operation::SelectedField;
use crate::plan::{CallStep, SiteId, Step, StepId, Work};
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

/// The keys of a call's objects, looked up.
struct Asked {
    reaches: Vec<Reach>,
    groups: Vec<Group>,
    unions: Vec<Union>,
}

impl Run<'_> {
    pub(super) fn begin(&mut self, id: StepId) -> Begun {
        let plan = self.plan;
        let Some(step) = plan.steps.get(id.index()) else { return Begun::Done };
        if let Some(times) = &mut self.times {
            times.began(id);
        }
        match &step.work {
            Work::Call(call) => self.begin_call(id, step, call),
            Work::Reference(reference) => self.begin_reference(id, step, reference),
            Work::Entities(entities) => self.begin_entities(id, step, entities),
            Work::Nested { child, column, field } => {
                self.nested(step, *child, *column, *field);
                Begun::Done
            }
            Work::Part(part) => self.begin_part(id, step, part),
            Work::Merge(merge) => self.begin_merge(step, merge),
        }
    }

    // ---- calls -----------------------------------------------------------------------------------------------------

    fn begin_call(&mut self, id: StepId, step: &Step, call: &CallStep) -> Begun {
        match self.call_load(step, call) {
            Ok((mut load, key, slice)) => {
                // of a list that is sifted, nothing can be told before it is whole
                load.told = if slice.sift.is_some() { None } else { self.told_of_pages(id) };
                let slice = if call.has_cursors || slice.after.is_some() {
                    slice.of_list(load.list_prefix(self.graph))
                } else {
                    slice
                };
                if self.graph.call(call.call).effect == Effect::Write {
                    return self.begin_write(id, step, load, key, slice);
                }
                let asked = self.call_keys(step, call, load, key.as_ref(), &slice);
                let Asked { reaches, groups, unions } = asked;
                let landed = Landed { unions, slice, ..Landed::new(id, reaches, groups) };
                if !landed.is_open() {
                    return self.land_call(step, call, landed);
                }
                if landed.unions.is_empty() && landed.slice.sift.is_none() {
                    self.expect_pages(id, call, &landed.reaches, &landed.groups);
                }
                wait(landed)
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
            KeySource::Slots { .. } | KeySource::Represented { .. } => None,
        };
        with_remote_ids(self.graph, &mut arguments, &paths)?;
        let principal = self.context.principal;
        let sift = match &call.rules {
            Some(rules) => Sift::of(rules, &mut arguments, principal)?,
            None => None,
        };
        let slice = match &call.merged {
            Some(merged) => self.merged_slice(step, call, merged, sift)?,
            None => Slice::of(self.graph, call, compiled, &arguments, sift)?,
        };
        let wanted = self.wanted_of(call.child, call.shape);
        let target = (call.call, call.shape);
        let load = Load::new(
            self.graph,
            target,
            wanted,
            arguments,
            slice.window(compiled),
            (principal, self.context.times.deadline),
        );
        Ok((load, key, slice))
    }

    pub(super) fn arguments(&self, field: &SelectedField) -> Result<Arguments, Failure> {
        field
            .arguments(self.context.variables)
            .map_err(|RequestError { code, message, .. }| Failure::Input { code, message })
    }

    /// The slots wanted of a call's records: of all types that they can have. Picked shapes are mapped whole.
    pub(super) fn wanted_of(&self, child: SiteId, shape: ShapeId) -> SlotSet {
        let compiled = self.graph.shape(shape);
        let ty = self.graph.ty(compiled.ty);
        // one value of a record is no part, whatever type its field stands on
        match ty.part_of(shape) {
            Some(part) if compiled.pick.is_none() => {
                self.marks.wanted(self.plan, child, compiled.ty, part)
            }
            _ => SlotSet::ALL,
        }
    }

    fn call_keys(
        &mut self,
        step: &Step,
        call: &CallStep,
        load: Load,
        key: Option<&Key>,
        slice: &Slice,
    ) -> Asked {
        let count = self.site(step.site).map_or(0, |site| site.objects.len());
        let mut reaches = vec![Reach::Open; count];
        let normalizer = self.graph.call(call.call).answers_normalizer;
        let mut memo = std::mem::take(&mut self.memo);
        let (mut found, mut failed) = (Vec::with_capacity(count), Vec::new());
        let mut several = SeveralKeys::default();
        for object in self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)) {
            if slice.is_shut(object) {
                set(&mut reaches, object, Reach::None(Link::Null { by: NullBy::NoKey }));
                continue;
            }
            if let Some(keys) = self.account_keys(step, object, &call.key, normalizer) {
                if slice.is_for(self.context.cursors, &name_of(&keys)) {
                    several.add(number(count), object, keys);
                } else {
                    failed.push((object, Slice::wrong_cursor()));
                }
                continue;
            }
            let object_key = match (&call.key, key) {
                (KeySource::Slots { .. } | KeySource::Represented { .. }, _) => {
                    self.object_key(step.site, object, step.ty, &call.key, normalizer)
                }
                (_, Some(key)) => ObjectKey::Known(Cow::Borrowed(key.as_str())),
                (_, None) => ObjectKey::None(Link::Null { by: NullBy::NoKey }),
            };
            match object_key {
                ObjectKey::Known(key) if slice.is_for_one(self.context.cursors, &key) => {
                    found.push((key, object));
                }
                ObjectKey::Known(_) => failed.push((object, Slice::wrong_cursor())),
                ObjectKey::None(link) => set(&mut reaches, object, Reach::None(link)),
                ObjectKey::Fails(failure) => failed.push((object, failure)),
            }
        }
        reaches.resize(count + several.keys.len(), Reach::Open);
        let of_several = (!several.keys.is_empty())
            .then(|| self.seek(whole(self.graph, &load), &mut memo, several.keys));
        let sought = self.seek(load, &mut memo, found);
        self.memo = memo;
        for (object, failure) in failed {
            let failure = self.arena.failure(failure);
            set(&mut reaches, object, Reach::Failed(failure));
        }
        let sought = [Some(sought), of_several].into_iter().flatten();
        let groups = sought.map(|sought| self.take(sought, &mut reaches)).collect();
        Asked { reaches, groups, unions: several.unions }
    }
}

pub(super) fn set(reaches: &mut [Reach], object: u32, reach: Reach) {
    if let Some(slot) = reaches.get_mut(object as usize) {
        *slot = reach;
    }
}
