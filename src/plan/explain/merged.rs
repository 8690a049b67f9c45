//! Merged lists, for people: which lists, and how each of them is read.

use super::{ExplainedCall, Explainer};
use crate::graph::MergedList;
use crate::plan::calls::pages;
use crate::plan::{MergeList, MergeStep, MergedCall, Step, Work};

impl Explainer<'_> {
    pub(super) fn merge(
        &self,
        _: &Step,
        merge: &MergeStep,
    ) -> (String, Option<ExplainedCall>, String, String) {
        let merged = self.graph.merged(merge.merged);
        let lists = merge.lists.iter().zip(&merged.lists);
        let read: Vec<String> =
            lists.clone().filter_map(|(list, defined)| self.read(list, defined)).collect();
        let uncovered: Vec<&str> = lists
            .filter(|(list, _)| list.step.is_none())
            .map(|(_, defined)| &*defined.name)
            .collect();
        let mut reason = format!("by {}: {}", merged.time, read.join("; "));
        if !uncovered.is_empty() {
            reason.push_str("; not covered: ");
            reason.push_str(&uncovered.join(", "));
        }
        (format!("{}, merged", merge.coordinate), None, String::new(), reason)
    }

    fn read(&self, list: &MergeList, defined: &MergedList) -> Option<String> {
        let step = list.step.filter(|step| self.needed.is_active(*step))?;
        let step = self.plan.steps.get(step.index())?;
        let Work::Call(call) = &step.work else { return None };
        let name = &defined.name;
        if call.merged.as_ref().is_some_and(|of: &MergedCall| of.is_in_order(self.graph)) {
            return Some(format!("{name} page by page"));
        }
        Some(match pages(self.graph.call(call.call)) {
            1 => format!("{name} whole"),
            most => format!("{name} whole, up to {most} pages"),
        })
    }
}
