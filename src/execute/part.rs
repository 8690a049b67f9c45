//! Begins the step of a part: which key leads to it, for every object of its site.

use crate::execute::begin::Reach;
use crate::execute::key::{ObjectKey, normalized};
use crate::execute::landed::{Group, Landed, wait};
use crate::execute::state::{FailureId, number};
use crate::execute::{Begun, Failure, Link, PartState, Run, Way};
use crate::graph::{CallId, IdentityRule, Part, PartId, ShapeId, TypeId};
use crate::load::Load;
use crate::plan::{PartStep, SiteId, Step, StepId, is_shown};
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
        let of_key = self.wanted_of_key(step, work.part, part);
        let mut memo = std::mem::take(&mut self.memo);
        let mut by_kind: Vec<Vec<(Cow<'_, str>, u32)>> =
            part.keys.iter().map(|_| Vec::new()).collect();
        let (mut settled, mut known) = (Vec::new(), KnownKeys::default());
        let is_told = self.marks.tells_ways(step.site);
        let is_counted = part.rules.iter().any(|rule| rule.at_most > 1);
        let mut ways: Vec<(u32, Way)> = Vec::new();
        for object in self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)) {
            if !self.is_for(id, step, object) {
                continue;
            }
            let mut way = Way::default();
            let identified = self.identify((id, step, work), object, of_key, &mut way);
            if !way.blocked.is_empty() || (way.rule.is_some() && (is_told || is_counted)) {
                ways.push((object, way));
            }
            match identified {
                Identified::Load(kind, key) => {
                    if let Some(keys) = by_kind.get_mut(usize::from(kind)) {
                        if keys.is_empty() {
                            keys.reserve(count.saturating_sub(object as usize));
                        }
                        keys.push((key, object));
                    }
                }
                Identified::Known(kind, key) => {
                    known.reserve(count.saturating_sub(object as usize), key.len());
                    known.push(object, kind, &key);
                }
                Identified::Settled(state) => settled.push((object, state)),
                Identified::Has => {}
            }
        }
        let mut sought = Vec::new();
        for (key, keys) in part.keys.iter().zip(by_kind) {
            let Some(call) = key.call.filter(|_| !keys.is_empty()) else { continue };
            let load = self.part_load(call, part.shape, wanted);
            sought.push(self.seek(load, &mut memo, keys));
        }
        self.memo = memo;
        if let Some(site) = self.site_mut(step.site).filter(|_| !ways.is_empty()) {
            site.ways.extend(ways.into_iter().map(|(object, way)| ((object, work.part), way)));
        }
        let groups: Vec<Group> =
            sought.into_iter().map(|sought| self.take(sought, &mut reaches)).collect();
        self.keep_known(step.site, work.part, known);
        for (object, state) in settled {
            let state = self.settle(state);
            if let Some(site) = self.site_mut(step.site) {
                site.set_part(object, work.part, state);
            }
        }
        let landed = Landed::new(id, reaches, groups);
        if landed.is_open() {
            return wait(landed);
        }
        self.finish_part(step, work.part, &landed.reaches);
        Begun::Done
    }

    /// The slots for which a key that holds them all is enough. It may be spelled otherwise than what is shown: it is not enough for
    /// a field.
    fn wanted_of_key(&self, step: &Step, id: PartId, part: &Part) -> SlotSet {
        let firm = self.marks.firm(self.plan, step.site, step.ty, id);
        let is_shown = step.is_fallback() || is_shown(self.graph, part, firm);
        if is_shown { SlotSet::EMPTY } else { firm }
    }

    pub(super) fn part_load(&self, call: CallId, shape: ShapeId, wanted: SlotSet) -> Load {
        Load::new(
            self.graph,
            (call, shape),
            wanted,
            serde_json::Map::new(),
            None,
            (self.context.principal, self.context.times.deadline),
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
        (id, step, work): (StepId, &Step, &PartStep),
        object: u32,
        wanted: SlotSet,
        way: &mut Way,
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
        let tries_all = self.marks.tries_all(id);
        let rules =
            part.rules.iter().enumerate().filter(|(index, _)| work.rules.contains(index)).filter(
                |(index, _)| tries_all || work.early_rule.is_none_or(|early| early == *index),
            );
        for (index, rule) in rules {
            let number = u8::try_from(index).unwrap_or(u8::MAX);
            let Some(part_key) = part.keys.get(usize::from(rule.key_kind)) else { continue };
            let key = match self.slot_key(step.site, object, step.ty, rule.from, &rule.slots) {
                ObjectKey::Known(key) => match translated(rule, key) {
                    Some(key) => normalized(self.graph, key, part_key.normalizer),
                    // like a blank one
                    None => continue,
                },
                other => other,
            };
            match key {
                ObjectKey::Known(key) => {
                    if part_key.blocked.as_ref().is_some_and(|blocked| blocked.holds(&key)) {
                        way.blocked.push(number);
                        continue;
                    }
                    way.rule = Some(number);
                    let holds = || {
                        part_key.slots.iter().fold(SlotSet::EMPTY, |mut all, slot| {
                            all.insert(*slot);
                            all
                        })
                    };
                    let is_asked = part_key.call.is_some() && self.marks.tells_ways(step.site);
                    let is_enough = !part.is_anchor && !is_asked;
                    // a part that no call loads is known by its key alone, whatever is wanted of it
                    let is_all = part_key.call.is_none()
                        || (is_enough && !wanted.is_empty() && holds().covers(wanted));
                    if is_all {
                        return Identified::Known(rule.key_kind, key);
                    }
                    return Identified::Load(rule.key_kind, key);
                }
                ObjectKey::None(Link::Failed(failure)) => {
                    way.rule = Some(number);
                    return Identified::Settled(self.upstream(step.ty, rule.from, failure));
                }
                ObjectKey::Fails(failure) => {
                    way.rule = Some(number);
                    return Identified::Settled(Settled::Failure(failure));
                }
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

/// The key that a rule's table has for what its source says; that itself without a table.
fn translated<'k>(rule: &'k IdentityRule, key: Cow<'k, str>) -> Option<Cow<'k, str>> {
    match &rule.table {
        Some(table) => table.get(key.trim()).map(|key| Cow::Borrowed(&**key)),
        None => Some(key),
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
    /// With the first key: room for as many, should they be as long.
    fn reserve(&mut self, count: usize, length: usize) {
        const MOST: usize = 1 << 16;
        if self.keys.is_empty() {
            self.keys.reserve(count);
            self.text.reserve(count.saturating_mul(length + 1).min(MOST));
        }
    }

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
