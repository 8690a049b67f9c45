//! Steps with the same call want the same slots.

use super::mark::Marker;
use super::marks::place;
use crate::graph::{CallId, PartId, ShapeId};
use crate::plan::{LookUp, Work};
use crate::value::SlotSet;

impl Marker<'_> {
    /// Two steps with the same call want the same slots, so that one load serves both.
    pub(super) fn share(&mut self) {
        // each with the place of its slots
        let mut targets: Vec<(CallId, ShapeId, usize)> = Vec::new();
        let place = |site, ty, part: PartId| place(self.plan, site, ty, usize::from(part.0));
        for (step, is_active) in self.plan.steps.iter().zip(&self.marks.active) {
            if !is_active {
                continue;
            }
            match &step.work {
                Work::Call(call) => {
                    let ty = self.graph.shape(call.shape).ty;
                    let part = self.graph.ty(ty).part_of(call.shape).unwrap_or(PartId(0));
                    let own = place(call.child, ty, part);
                    targets.extend(own.map(|place| (call.call, call.shape, place)));
                    // where the part is not wanted otherwise, its own step does not run
                    if let Some(LookUp { ty, part, call: of, shape }) = call.look_up(self.graph) {
                        let named = place(call.child, ty, part);
                        targets.extend(named.map(|place| (of, shape, place)));
                    }
                }
                Work::Part(work) => {
                    let Some(part) = self.graph.ty(step.ty).parts.get(usize::from(work.part.0))
                    else {
                        continue;
                    };
                    let calls = part.keys.iter().filter_map(|key| key.call);
                    let place = place(step.site, step.ty, work.part);
                    targets.extend(place.into_iter().flat_map(|place| {
                        calls.clone().map(move |call| (call, part.shape, place))
                    }));
                }
                Work::Reference(_) | Work::Entities(_) | Work::Nested { .. } | Work::Merge(_) => {}
            }
        }
        // together those of one call, looked at once
        targets.sort_unstable_by_key(|(call, shape, _)| (call.0, shape.0));
        let mut is_settled = false;
        while !is_settled {
            is_settled = true;
            for same in targets.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
                let wanted = same.iter().filter_map(|(_, _, place)| self.marks.wanted.get(*place));
                let all = wanted.fold(SlotSet::EMPTY, |all, wanted| all.union(*wanted));
                for (_, _, place) in same {
                    // a part that several calls bring stands among the targets of each: what one wants all want
                    if let Some(wanted) = self.marks.wanted.get_mut(*place)
                        && *wanted != all
                    {
                        *wanted = all;
                        is_settled = false;
                    }
                }
            }
        }
    }
}
