//! Fields that several parts hold: the parts that go behind others have a step for those objects alone that lack a value.

use std::sync::Arc;

use super::Builder;
use crate::graph::{PartId, Survivorship, TypeId};
use crate::operation::SelectedField;
use crate::plan::{Out, PartStep, SiteId, Step, StepId, Work};

impl Builder<'_> {
    pub(super) fn survivor(
        &mut self,
        ty: TypeId,
        rule: &Arc<Survivorship>,
        field: &SelectedField,
        site: SiteId,
    ) -> Out {
        // where the latest value is shown all parts are asked
        let later =
            if rule.times.is_some() { &[] } else { rule.parts.get(1..).unwrap_or_default() };
        let fallbacks = later.iter().filter_map(|part| self.fallback(site, ty, *part)).collect();
        Out::Survivor { rule: Arc::clone(rule), fallbacks, node: self.inside(field) }
    }

    /// The one of a part. It finds records as the part's own step does. `None`: the objects come with that part.
    fn fallback(&mut self, site: SiteId, ty: TypeId, part: PartId) -> Option<StepId> {
        let own = self.part_step(site, ty, part)?;
        if let Some(step) = self.fallbacks.get(&own) {
            return Some(*step);
        }
        let Step { after, work: Work::Part(work), .. } = self.steps.get(own.index())? else {
            return None;
        };
        let (after, work) = (after.clone(), PartStep { fallback_of: Some(own), ..work.clone() });
        let step = self.step(site, ty, after, Work::Part(work));
        self.fallbacks.insert(own, step);
        Some(step)
    }
}
