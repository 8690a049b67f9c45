//! Parts whose values are shown only where preferred parts have none: their steps are for the objects that still lack one.
//!
//! A part that is loaded for all objects anyway is loaded once, and its fallback does not run.

use rustc_hash::{FxHashMap, FxHashSet};

use super::mark::Marker;
use super::marks::Marks;
use crate::graph::{FieldId, Graph, Part, PartId, Survivorship, TypeId};
use crate::plan::{Plan, SiteId, Step, StepId, Work};
use crate::value::SlotSet;

/// A step for those objects alone that lack a value.
#[derive(Clone, Debug)]
pub struct Fallback {
    pub step: StepId,
    /// Fields, and the parts that are preferred for each.
    pub lacks: Vec<(FieldId, Vec<PartId>)>,
    /// What it waits for besides: the part's own step, and those that bring the preferred parts.
    pub after: Vec<StepId>,
}

/// The fallbacks of one site's objects of one type.
type Beside = FxHashMap<(SiteId, TypeId), Vec<(PartId, StepId)>>;

impl Marks {
    /// What a step is a fallback for; `None`: it is for all objects.
    pub fn fallback(&self, step: StepId) -> Option<&Fallback> {
        let place = self.fallbacks.binary_search_by_key(&step, |fallback| fallback.step);
        place.ok().and_then(|place| self.fallbacks.get(place))
    }
}

/// Whether a field is among the slots that are wanted of a part, other than the id, which is the same in every spelling.
pub fn is_shown(graph: &Graph, part: &Part, wanted: SlotSet) -> bool {
    let shape = graph.shape(part.shape);
    let fields = shape.field_slots.iter().flatten();
    fields.filter(|slot| Some(**slot) != shape.id_slot).any(|slot| wanted.contains(*slot))
}

/// The part of a fallback, and the part's own step.
fn of_fallback(plan: &Plan, id: StepId) -> Option<(&Step, PartId, StepId)> {
    let step = plan.steps.get(id.index())?;
    let Work::Part(part) = &step.work else { return None };
    Some((step, part.part, part.fallback_of?))
}

impl Marker<'_> {
    /// The first part is asked, or all parts where the latest value is shown; the others where that is not enough.
    pub(super) fn survivor(
        &mut self,
        (site, ty): (SiteId, TypeId),
        rule: &Survivorship,
        fallbacks: &[StepId],
        field: Option<FieldId>,
    ) {
        let Some(field) = field else { return };
        for (place, part) in rule.parts.iter().copied().enumerate() {
            let time = rule.times.as_ref().and_then(|times| times.get(place).copied().flatten());
            let slots = [self.slot_of(ty, part, Some(field)), time];
            let slots: Vec<_> = slots.into_iter().flatten().collect();
            if place == 0 || rule.times.is_some() {
                self.want(site, ty, part, &slots);
            } else {
                self.want_slots((site, ty), part, &slots, false);
            }
        }
        let plan = self.plan;
        for (step, part) in fallbacks.iter().filter_map(|id| Some((*id, of_fallback(plan, *id)?.1)))
        {
            let lack = (field, rule.before(part).to_vec());
            let noted = &mut self.marks.fallbacks;
            let place = match noted.binary_search_by_key(&step, |fallback| fallback.step) {
                Ok(place) => place,
                Err(place) => {
                    noted.insert(place, Fallback { step, lacks: Vec::new(), after: Vec::new() });
                    place
                }
            };
            if let Some(fallback) = noted.get_mut(place)
                && !fallback.lacks.contains(&lack)
            {
                fallback.lacks.push(lack);
            }
        }
    }

    /// When all that is wanted is known: which fallbacks run, and what they wait for.
    pub(super) fn fall_back(&mut self) {
        let noted: Vec<StepId> = self.marks.fallbacks.iter().map(|one| one.step).collect();
        // what one needs to find its records is needed of all objects
        for step in noted {
            self.reach(step);
        }
        let mut fallbacks = std::mem::take(&mut self.marks.fallbacks);
        fallbacks.retain(|fallback| !self.is_loaded(fallback.step));
        for fallback in &fallbacks {
            if let Some(active) = self.marks.active.get_mut(fallback.step.index()) {
                *active = true;
            }
        }
        let mut beside = Beside::default();
        for fallback in &fallbacks {
            if let Some((step, part, _)) = of_fallback(self.plan, fallback.step) {
                beside.entry((step.site, step.ty)).or_default().push((part, fallback.step));
            }
        }
        for fallback in &mut fallbacks {
            fallback.after = self.waits(fallback, &beside);
        }
        self.marks.fallbacks = fallbacks;
        self.part_circles();
    }

    /// Whether a fallback's part is loaded for all objects anyway.
    fn is_loaded(&self, fallback: StepId) -> bool {
        let Some((step, id, own)) = of_fallback(self.plan, fallback) else { return false };
        let Some(Work::Part(work)) = self.plan.steps.get(own.index()).map(|own| &own.work) else {
            return false;
        };
        let Some(part) = self.graph.ty(step.ty).parts.get(usize::from(id.0)) else { return false };
        let firm = self.marks.firm(self.plan, step.site, step.ty, id);
        let is_key = part.keys.iter().any(|key| {
            let slots = key.slots.iter().fold(SlotSet::EMPTY, |mut slots, slot| {
                slots.insert(*slot);
                slots
            });
            slots.covers(firm)
        });
        let may_be_key = !part.is_anchor
            && !work.own_key
            && !self.marks.tells_ways(step.site)
            && !firm.is_empty()
            && is_key
            && !is_shown(self.graph, part, firm);
        self.marks.is_active(own) && !may_be_key
    }

    /// The steps that bring a fallback's own part and those that are preferred to it.
    fn waits(&self, fallback: &Fallback, beside: &Beside) -> Vec<StepId> {
        let Some((step, _, own)) = of_fallback(self.plan, fallback.step) else { return Vec::new() };
        let parts = || fallback.lacks.iter().flat_map(|(_, before)| before);
        let owns = parts().filter_map(|part| self.provider(step.site, step.ty, *part));
        let others = beside.get(&(step.site, step.ty)).into_iter().flatten();
        let others = others.filter(|(part, _)| parts().any(|before| before == part));
        let others = others.map(|(_, step)| *step);
        let mut after: Vec<StepId> = owns.chain(others).chain([own]).collect();
        after.sort_unstable();
        after.dedup();
        after
    }

    /// Of fallbacks that wait for each other, because fields prefer their roles in different orders, one waits for its own part
    /// alone.
    fn part_circles(&mut self) {
        for place in 0..self.marks.fallbacks.len() {
            let Some(fallback) = self.marks.fallbacks.get(place) else { return };
            if !self.leads_to(&fallback.after, fallback.step) {
                continue;
            }
            let own = of_fallback(self.plan, fallback.step).map(|(.., own)| own);
            if let Some(fallback) = self.marks.fallbacks.get_mut(place) {
                fallback.after = own.into_iter().collect();
            }
        }
    }

    fn leads_to(&self, from: &[StepId], target: StepId) -> bool {
        let mut open = from.to_vec();
        let mut seen = FxHashSet::default();
        while let Some(id) = open.pop() {
            if id == target {
                return true;
            }
            if !seen.insert(id) {
                continue;
            }
            let Some(step) = self.plan.steps.get(id.index()) else { continue };
            open.extend(&step.after);
            if let Work::Part(part) = &step.work {
                open.extend(&part.others_after);
            }
            open.extend(self.marks.fallback(id).into_iter().flat_map(|other| &other.after));
        }
        false
    }
}
