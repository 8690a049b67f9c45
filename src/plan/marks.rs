//! A caller's view of a plan: which steps run, and which slots they bring.

use crate::graph::{PartId, TypeId};
use crate::plan::{Fallback, Plan, Site, SiteId, StepId};
use crate::value::SlotSet;

/// The caller's view of a plan.
#[derive(Debug, Default)]
pub struct Marks {
    pub(super) active: Vec<bool>,
    /// By site, type and column.
    pub(super) wanted: Vec<SlotSet>,
    /// Of these, those that are wanted of all objects.
    pub(super) firm: Vec<SlotSet>,
    pub(super) visited: Vec<bool>,
    /// By site: whether it is to be told how its parts were found.
    pub(super) told: Vec<bool>,
    /// Steps of parts that try all their rules, because the key that they could have used at once is blocked.
    pub(super) tries_all: Vec<StepId>,
    /// By step.
    pub(super) fallbacks: Vec<Fallback>,
    pub truths: u64,
}

impl Marks {
    pub(super) fn none(plan: &Plan, truths: u64) -> Self {
        Self {
            active: vec![false; plan.steps.len()],
            wanted: vec![SlotSet::EMPTY; plan.sites.last().map_or(0, Site::end_column)],
            firm: vec![SlotSet::EMPTY; plan.sites.last().map_or(0, Site::end_column)],
            visited: vec![false; plan.sites.len()],
            told: vec![false; plan.sites.len()],
            tries_all: Vec::new(),
            fallbacks: Vec::new(),
            truths,
        }
    }

    pub fn is_active(&self, step: StepId) -> bool {
        self.active.get(step.index()).copied().unwrap_or(false)
    }

    /// Whether somebody asks how the objects of a site were put together.
    pub fn tells_ways(&self, site: SiteId) -> bool {
        self.told.get(site.index()).copied().unwrap_or(false)
    }

    /// Whether a part's step tries all its rules, though it could use a key from the arguments at once.
    pub fn tries_all(&self, step: StepId) -> bool {
        self.tries_all.contains(&step)
    }

    /// The slots that are wanted of one part of one type at a site, whatever other parts have.
    pub fn firm(&self, plan: &Plan, site: SiteId, ty: TypeId, part: PartId) -> SlotSet {
        let place = place(plan, site, ty, usize::from(part.0));
        place.and_then(|index| self.firm.get(index).copied()).unwrap_or_default()
    }

    /// The slots that are wanted of one part of one type at a site.
    pub fn wanted(&self, plan: &Plan, site: SiteId, ty: TypeId, part: PartId) -> SlotSet {
        place(plan, site, ty, usize::from(part.0))
            .and_then(|index| self.wanted.get(index).copied())
            .unwrap_or_default()
    }
}

pub(super) fn place(plan: &Plan, site: SiteId, ty: TypeId, column: usize) -> Option<usize> {
    let site = plan.sites.get(site.index())?;
    let index = site.types.iter().position(|site_type| site_type.ty == ty)?;
    Some(site.first_column + index * site.columns + column)
}
