//! Why a step can make more calls than are planned for it.
//!
//! Takes: what is reckoned of the step, the calls that it uses.
//! Gives: the reasons, each once, in order.
//! Never: counts a call.

use super::calls::{More, calls_of, more_chunks, pages, pages_of_records};
use super::worst::Worst;
use super::{Step, StepId, Work};
use crate::graph::Call;

impl<'a> Worst<'a> {
    /// Why a step can make more calls than are planned for it.
    pub(super) fn more(&self, id: StepId) -> Vec<More> {
        let Some(step) = self.plan.steps.get(id.index()) else { return Vec::new() };
        if self.calls(id) == Some(self.calls_at_most(id)) {
            return Vec::new();
        }
        let objects = self.objects_of_step_at_most(step);
        let keys = match &step.work {
            Work::Call(work) => Self::keys_of(work, Some(objects)).unwrap_or(objects),
            _ => objects,
        };
        let mut more = Vec::new();
        if let Some((_, look_up)) = self.look_up(step) {
            more.extend(more_chunks(
                self.graph.call(look_up.call),
                self.most(),
                self.graph.limits.key_bytes,
            ));
            more.push(More::ListsLong);
        }
        for call in self.calls_used(step) {
            more.extend(more_chunks(call, keys, self.graph.limits.key_bytes));
            let planned = match &step.work {
                Work::Call(work) => self.pages_of(work, call),
                _ => pages_of_records(call, keys),
            };
            if planned < u64::from(pages(call)) {
                more.push(More::PagesPartlyFilled);
            }
        }
        if keys > 1 && self.objects_of_step(step) != Some(objects) {
            more.push(More::ListsLong);
        }
        more.sort_unstable();
        more.dedup();
        more
    }

    fn calls_used(&self, step: &Step) -> Vec<&'a Call> {
        match &step.work {
            Work::Call(work) => vec![self.graph.call(work.call)],
            Work::Part(work) => {
                let part = self.graph.ty(step.ty).parts.get(usize::from(work.part.0));
                let calls = part.map(|part| calls_of(part, &self.kinds(step, work, part)));
                calls.into_iter().flatten().map(|call| self.graph.call(call)).collect()
            }
            Work::Reference(_) | Work::Entities(_) | Work::Nested { .. } | Work::Merge(_) => {
                Vec::new()
            }
        }
    }
}
