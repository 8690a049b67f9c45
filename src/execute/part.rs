//! Begins the step of a part: which key leads to it, for every object of its site.

use crate::execute::begin::{Reach, wait};
use crate::execute::finish::Group;
use crate::execute::key::ObjectKey;
use crate::execute::slice::Slice;
use crate::execute::state::{FailureId, number};
use crate::execute::{Begun, Failure, Link, PartState, Run};
use crate::graph::{CallId, PartId, ShapeId, TypeId};
use crate::load::Load;
use crate::plan::{PartStep, SiteId, Step, StepId};
use crate::value::{Key, SlotSet};
use std::borrow::Cow;
use std::sync::Arc;

impl Run<'_> {
    pub(super) fn begin_part(&mut self, id: StepId, step: &Step, work: &PartStep) -> Begun {
        let graph = self.graph;
        let Some(part) = graph.ty(step.ty).parts.get(usize::from(work.part.0)) else {
            return Begun::Done;
        };
        let count = self.site(step.site).map_or(0, |site| site.objects.len());
        let mut reaches = vec![Reach::Open; count];
        let wanted = self.marks.wanted(self.plan, step.site, step.ty, work.part);
        let mut memo = std::mem::take(&mut self.memo);
        let mut by_kind: Vec<Vec<(Cow<'_, str>, u32)>> =
            part.keys.iter().map(|_| Vec::new()).collect();
        let mut settled: Vec<(u32, Settled)> = Vec::new();
        let mut known = KnownKeys::default();
        for object in self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)) {
            match self.identify(step, work, object, wanted) {
                Identified::Load(kind, key) => {
                    if let Some(keys) = by_kind.get_mut(usize::from(kind)) {
                        keys.push((key, object));
                    }
                }
                Identified::Known(kind, key) => known.push(object, kind, &key),
                Identified::Settled(state) => settled.push((object, state)),
                Identified::Has => {}
            }
        }
        let mut sought = Vec::new();
        for (key, keys) in part.keys.iter().zip(by_kind) {
            match key.call {
                Some(call) if !keys.is_empty() => sought.push(self.seek(
                    self.part_load(call, part.shape, wanted),
                    &mut memo,
                    keys,
                )),
                _ => {}
            }
        }
        self.memo = memo;
        let groups: Vec<Group> =
            sought.into_iter().map(|sought| self.take(sought, &mut reaches)).collect();
        self.keep_known(step.site, work.part, known);
        for (object, state) in settled {
            let state = self.settle(state);
            if let Some(site) = self.site_mut(step.site) {
                site.set_part(object, work.part, state);
            }
        }
        if groups.iter().all(|group| group.pending.is_empty()) {
            self.finish_part(step, work.part, &reaches);
            return Begun::Done;
        }
        wait(id, reaches, groups, Slice::default())
    }

    fn part_load(&self, call: CallId, shape: ShapeId, wanted: SlotSet) -> Load {
        Load::new(
            self.graph,
            (call, shape),
            wanted,
            serde_json::Map::new(),
            None,
            self.context.principal,
        )
    }

    fn keep_known(&mut self, site: SiteId, part: PartId, known: KnownKeys) {
        let text: Arc<str> = Arc::from(known.text);
        let Some(site) = self.site_mut(site) else { return };
        for (object, kind, start, end) in known.keys {
            let key = Key::part_of(&text, start, end);
            site.set_part(object, part, PartState::Key { kind, key });
        }
    }

    fn settle(&mut self, settled: Settled) -> PartState {
        match settled {
            Settled::State(state) => state,
            Settled::Failure(failure) => PartState::Failed(self.arena.failure(failure)),
        }
    }

    /// Which key leads to an object's part: its own, or that of the first identity rule that has one.
    fn identify<'s>(
        &'s self,
        step: &Step,
        work: &PartStep,
        object: u32,
        wanted: SlotSet,
    ) -> Identified<'s> {
        let Some(part) = self.graph.ty(step.ty).parts.get(usize::from(work.part.0)) else {
            return Identified::Has;
        };
        match self.part(step.site, object, work.part) {
            PartState::Unset => {}
            PartState::Key { kind, key } => {
                return Identified::Load(*kind, Cow::Borrowed(key.as_str()));
            }
            _ => return Identified::Has,
        }
        let rules = part
            .rules
            .iter()
            .enumerate()
            .filter(|(index, _)| work.rules.contains(index))
            .filter(|(index, _)| work.early_rule.is_none_or(|early| early == *index));
        for (_, rule) in rules {
            let Some(part_key) = part.keys.get(usize::from(rule.key_kind)) else { continue };
            match self.slot_key(step.site, object, step.ty, rule.from, &rule.slots) {
                ObjectKey::Known(key) => {
                    let key = match crate::value::normalize(part_key.normalizer, &key) {
                        Cow::Borrowed(text) if text.len() == key.len() => key,
                        other => Cow::Owned(other.into_owned()),
                    };
                    if key.is_empty() {
                        continue;
                    }
                    let holds = || {
                        part_key.slots.iter().fold(SlotSet::EMPTY, |mut all, slot| {
                            all.insert(*slot);
                            all
                        })
                    };
                    if !part.is_anchor && !wanted.is_empty() && holds().covers(wanted) {
                        return Identified::Known(rule.key_kind, key);
                    }
                    return Identified::Load(rule.key_kind, key);
                }
                ObjectKey::None(Link::Failed(failure)) => {
                    return Identified::Settled(self.upstream(step.ty, rule.from, failure));
                }
                ObjectKey::Fails(failure) => return Identified::Settled(Settled::Failure(failure)),
                // Blank: the next rule.
                ObjectKey::None(_) => {}
            }
        }
        Identified::Settled(Settled::State(PartState::NotLinked))
    }

    /// The part that a rule reads could not be loaded, so nobody knows where this one is.
    fn upstream(&self, ty: TypeId, from: PartId, failure: FailureId) -> Settled {
        let role = self
            .graph
            .ty(ty)
            .parts
            .get(usize::from(from.0))
            .map(|part| Arc::clone(&part.role))
            .unwrap_or_default();
        match self.arena.failures.get(failure.0 as usize) {
            Some(Failure::Load(cause) | Failure::Upstream { cause, .. }) => {
                Settled::Failure(Failure::Upstream { role, cause: Arc::clone(cause) })
            }
            _ => Settled::State(PartState::Failed(failure)),
        }
    }
}

enum Identified<'a> {
    Load(u8, Cow<'a, str>),
    /// The key is all that is wanted.
    Known(u8, Cow<'a, str>),
    Settled(Settled),
    /// The object has this part already.
    Has,
}

/// Keys of many objects in one text.
#[derive(Default)]
struct KnownKeys {
    text: String,
    /// Object, kind of key, and where the key stands in the text.
    keys: Vec<(u32, u8, u32, u32)>,
}

impl KnownKeys {
    fn push(&mut self, object: u32, kind: u8, key: &str) {
        let start = number(self.text.len());
        self.text.push_str(key);
        self.keys.push((object, kind, start, number(self.text.len())));
    }
}

enum Settled {
    State(PartState),
    Failure(Failure),
}
