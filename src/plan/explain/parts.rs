//! The parts that an answer comes in: which of them leaves when which steps are done.

use std::sync::Arc;

use super::Explainer;
use crate::operation::{Parts, SetId, UsageId, Variables};
use crate::plan::{Stages, StepId};

/// What comes first, a deferred fragment, or the items of a streamed list.
#[derive(Debug)]
pub struct ExplainedPart {
    pub kind: PartKind,
    pub label: Option<Arc<str>>,
    /// `customers.nodes`: the object that the fragment is on, or the list.
    pub path: Arc<str>,
    /// The part that it is announced with, by its place: that of the fragment around it.
    pub inside: usize,
    /// The steps that it waits for, besides those that the parts before it wait for (the first, and those around it).
    pub after: Vec<usize>,
    /// Those that it waits for besides where an object lacks a value of them.
    pub lacking: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    First,
    Defer,
    Stream,
}

impl Explainer<'_> {
    pub(super) fn parts(
        &self,
        parts: Option<&Parts>,
        variables: Option<&Variables>,
        shown: &[StepId],
    ) -> Vec<ExplainedPart> {
        let Some(parts) = parts else { return Vec::new() };
        let truths = variables.map(|variables| self.plan.operation.truths(variables));
        let stages = Stages::in_general(self.graph, self.plan, &self.needed, truths, parts);
        let sets = || (0..).map(SetId).take(parts.sets());
        let stages = &stages;
        let waits = |set: SetId| shown.iter().filter(move |step| stages.waits(set, **step));
        let spared = |set: SetId| shown.iter().filter(move |step| stages.has(set, **step));
        let own = |usage: UsageId| sets().filter(move |set| parts.usages(*set).contains(&usage));
        let needs = |usage| -> Vec<StepId> { own(usage).flat_map(waits).copied().collect() };
        let mut usages: Vec<UsageId> =
            sets().flat_map(|set| parts.usages(set).iter().copied()).collect();
        usages.sort_unstable();
        usages.dedup();
        let first: Vec<StepId> = waits(SetId::FIRST).copied().collect();
        let number = |step: &StepId| shown.iter().position(|other| other == step).map(|at| at + 1);
        let numbers = |steps: &[StepId], before: &[StepId]| -> Vec<usize> {
            let others = steps.iter().filter(|step| !before.contains(step));
            let mut numbers: Vec<usize> = others.filter_map(number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let mut explained = vec![ExplainedPart {
            kind: PartKind::First,
            label: None,
            path: Arc::from(""),
            inside: 0,
            after: numbers(&first, &[]),
            lacking: numbers(&spared(SetId::FIRST).copied().collect::<Vec<_>>(), &first),
        }];
        for usage in &usages {
            let Some(part) = parts.part(*usage) else { continue };
            let mut before = first.clone();
            let mut around = part.parent;
            while let Some(outer) = around {
                before.extend(needs(outer));
                around = parts.part(outer).and_then(|outer| outer.parent);
            }
            let after = needs(*usage);
            let spared: Vec<StepId> = own(*usage).flat_map(spared).copied().collect();
            let lacking = numbers(&spared, &[before.as_slice(), &after].concat());
            let place = |outer| usages.iter().position(|usage| *usage == outer).map(|at| at + 1);
            explained.push(ExplainedPart {
                kind: if part.is_stream { PartKind::Stream } else { PartKind::Defer },
                label: part.label.clone(),
                path: Arc::clone(&part.path),
                inside: part.parent.and_then(place).unwrap_or(0),
                after: numbers(&after, &before),
                lacking,
            });
        }
        explained
    }
}
