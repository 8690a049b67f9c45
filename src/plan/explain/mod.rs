//! A plan for people and machines: its steps, what waits for what, and how many calls it can cost.

mod keys;
mod merged;
mod parts;
mod show;

use std::sync::Arc;

use crate::graph::{Call, CallId, Graph, KeyMode};
use crate::operation::{CostPart, Parts, Variables};
use crate::plan::calls::{More, calls_of, pages};
use crate::plan::lists::placed;
use crate::plan::worst::Worst;
use crate::plan::{Fallback, Marks, PartStep, Placed, Plan, Step, StepId, Work};

pub use parts::{ExplainedPart, PartKind};

/// What a plan does, in words and numbers.
#[derive(Debug)]
pub struct Explanation {
    pub kind: &'static str,
    pub name: Option<Arc<str>>,
    pub steps: Vec<ExplainedStep>,
    /// Calls if every object is there, every chunk and page full, nothing refused or cached. `None`: a list without a bound.
    pub calls_planned: Option<u64>,
    /// Whatever backends do.
    pub calls_at_most: u64,
    /// When it is more than planned.
    pub more_when: Vec<More>,
    /// Whether failed calls of its backends may be tried again: attempts that are none of these calls.
    pub retries: bool,
    /// By the schema's `@cost` and `@listSize`. `None`: the variables decide, and they are not known.
    pub cost_at_most: Option<f64>,
    pub cost_parts: Vec<CostPart>,
    /// The parts that the answer comes in, the first one first; empty if nothing is deferred.
    pub parts: Vec<ExplainedPart>,
}

#[derive(Debug)]
pub struct ExplainedStep {
    /// Counted from 1.
    pub number: usize,
    /// `customers.nodes.invoices`, as the response has it.
    pub path: String,
    /// What the step brings: a field, or a part of the objects.
    pub brings: String,
    pub call: Option<ExplainedCall>,
    pub key: String,
    /// The filters and the order of a list.
    pub lists: Vec<Placed>,
    /// What looks up the records that a list names, before it is narrowed or ordered.
    pub records: Option<ExplainedCall>,
    pub after: Vec<usize>,
    /// Of a part whose values are shown where others have none: for which objects alone the step is.
    pub only: Option<String>,
    pub reason: String,
    /// Objects that the step is for, if every page is full.
    pub objects_planned: Option<u64>,
    pub objects_at_most: u64,
    pub calls_planned: Option<u64>,
    pub calls_at_most: u64,
    pub more_when: Vec<More>,
}

#[derive(Debug)]
pub struct ExplainedCall {
    pub backend: Arc<str>,
    pub vendor: Arc<str>,
    /// The calls that may be used: one, or one for each key that may lead to a part.
    pub names: Vec<Arc<str>>,
    /// `100 keys a call`, `one key a call, 8 at once`, `no key`.
    pub mode: String,
    /// The most keys that one of the calls takes; `None` if they take no key.
    pub keys_at_most: Option<usize>,
    pub pages_at_most: u32,
}

impl Explanation {
    /// Without variables: for any of them.
    pub fn new(
        graph: &Graph,
        plan: &Plan,
        variables: Option<&Variables>,
        parts: Option<&Parts>,
    ) -> Self {
        let needed = super::mark::everything(graph, plan, variables);
        let worst = Worst::new(graph, plan, variables);
        let explainer = Explainer { graph, plan, variables, needed, worst };
        // Steps that make no call are of use to nobody but the plan.
        let shown: Vec<StepId> = (0..)
            .map(StepId)
            .zip(&plan.steps)
            .filter(|(id, step)| explainer.is_shown(*id, step))
            .map(|(id, _)| id)
            .collect();
        let steps: Vec<ExplainedStep> =
            shown.iter().filter_map(|id| explainer.step(*id, &shown)).collect();
        let calls_planned = steps
            .iter()
            .map(|step| step.calls_planned)
            .try_fold(0_u64, |all, calls| Some(all.saturating_add(calls?)));
        let calls_at_most =
            steps.iter().fold(0_u64, |all, step| all.saturating_add(step.calls_at_most));
        let mut more_when: Vec<More> =
            steps.iter().flat_map(|step| step.more_when.iter().copied()).collect();
        more_when.sort_unstable();
        more_when.dedup();
        let kind = match plan.operation.kind {
            crate::operation::OperationKind::Query => "query",
            crate::operation::OperationKind::Mutation => "mutation",
        };
        let operation = &plan.operation;
        let cost = match variables {
            Some(variables) => operation.cost(graph, variables).total,
            None => operation.cost.bound(),
        };
        Self {
            kind,
            name: operation.name.clone(),
            retries: steps_retry(graph, &steps),
            steps,
            calls_planned,
            calls_at_most,
            more_when,
            cost_at_most: cost.is_finite().then_some(cost),
            cost_parts: operation.cost_parts(graph, variables),
            parts: explainer.parts(parts, variables, &shown),
        }
    }
}

/// Whether a backend of these steps has retries.
fn steps_retry(graph: &Graph, steps: &[ExplainedStep]) -> bool {
    let mut calls = steps.iter().filter_map(|step| step.call.as_ref());
    calls.any(|call| {
        let backend = graph.backends.iter().find(|backend| backend.role == call.backend);
        backend.is_some_and(|backend| backend.policy.retry.attempts > 1)
    })
}

struct Explainer<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    variables: Option<&'a Variables>,
    needed: Marks,
    worst: Worst<'a>,
}

impl Explainer<'_> {
    /// Calls and references are shown; a part only if something that is selected needs it or it is the anchor, and it does not
    /// come with the list.
    fn is_shown(&self, id: StepId, step: &Step) -> bool {
        match &step.work {
            Work::Call(call) => call.merged.is_none() || self.needed.is_active(id),
            Work::Merge(_) => true,
            Work::Reference(_) | Work::Entities(_) | Work::Nested { .. } => false,
            Work::Part(part) => {
                self.is_needed(id, step, part) && !self.worst.is_looked_up(step, part)
            }
        }
    }

    /// Whether anybody who may see every field, with every condition held, needs the part.
    fn is_needed(&self, id: StepId, step: &Step, part: &PartStep) -> bool {
        let is_anchor = self.graph.ty(step.ty).anchor() == Some(part.part);
        (is_anchor && part.fallback_of.is_none()) || self.needed.is_active(id)
    }

    fn step(&self, id: StepId, shown: &[StepId]) -> Option<ExplainedStep> {
        let step = self.plan.steps.get(id.index())?;
        let number =
            |id: &StepId| shown.iter().position(|shown| shown == id).map(|place| place + 1);
        let fallback = self.needed.fallback(id);
        let preferred = fallback.map(|fallback| fallback.after.as_slice()).unwrap_or_default();
        let waits = self.waits_for(step, shown).into_iter().chain(preferred.iter().copied());
        let mut after: Vec<usize> = waits.filter_map(|id| number(&id)).collect();
        after.sort_unstable();
        after.dedup();
        let (brings, call, key, reason) = match &step.work {
            Work::Call(call) => self.call(step, call),
            Work::Merge(merge) => self.merge(step, merge),
            Work::Part(part) => self.part(step, part)?,
            Work::Reference(_) | Work::Entities(_) | Work::Nested { .. } => return None,
        };
        Some(ExplainedStep {
            number: number(&id)?,
            path: self.plan.sites.get(step.site.index())?.path.clone(),
            brings,
            calls_planned: if fallback.is_some() { Some(0) } else { self.worst.calls(id) },
            calls_at_most: self.worst.calls_at_most(id),
            more_when: self.more_when(id, fallback),
            only: fallback.map(|fallback| self.only(step, fallback)),
            lists: self.lists(step),
            records: self.worst.look_up(step).map(|(_, look_up)| self.explained(&[look_up.call])),
            call,
            key,
            after,
            reason,
            objects_planned: match fallback {
                Some(_) => Some(0),
                None => self.worst.objects_of_step(step),
            },
            objects_at_most: self.worst.objects_of_step_at_most(step),
        })
    }

    fn more_when(&self, id: StepId, fallback: Option<&Fallback>) -> Vec<More> {
        let lacking = fallback.filter(|_| self.worst.calls_at_most(id) > 0);
        self.worst.more(id).into_iter().chain(lacking.map(|_| More::ValuesLacking)).collect()
    }

    /// Where the filters and the order of a step's list are done.
    fn lists(&self, step: &Step) -> Vec<Placed> {
        let Work::Call(call) = &step.work else { return Vec::new() };
        let rules = call.rules.as_ref();
        rules.map_or_else(Vec::new, |rules| placed(rules, &call.field, self.variables))
    }

    /// The steps that a step waits for, with those that make no call replaced by what they wait for.
    fn waits_for(&self, step: &Step, shown: &[StepId]) -> Vec<StepId> {
        let mut found = Vec::new();
        for before in &step.after {
            if shown.contains(before) {
                found.push(*before);
            } else if let Some(hidden) = self.plan.steps.get(before.index()) {
                found.extend(self.waits_for(hidden, shown));
            }
        }
        found
    }

    fn part(
        &self,
        step: &Step,
        work: &PartStep,
    ) -> Option<(String, Option<ExplainedCall>, String, String)> {
        let ty = self.graph.ty(step.ty);
        let part = ty.parts.get(usize::from(work.part.0))?;
        let kinds = self.worst.kinds(step, work, part);
        let keys: Vec<_> =
            kinds.iter().filter_map(|kind| part.keys.get(usize::from(*kind))).collect();
        let calls = calls_of(part, &kinds);
        let names: Vec<&str> = keys.iter().map(|key| &*key.kind).collect();
        let origin = self.worst.origin(step).map(|origin| &origin.work);
        let is_named = work.own_key && matches!(origin, Some(Work::Entities(_)));
        let reason = if is_named {
            "its keys stand in the representations of a federation's router".to_owned()
        } else {
            self.why_found(step.ty, part, work)
        };
        let anchor = if part.is_anchor { " (anchor)" } else { "" };
        Some((
            format!("{} part of {}{anchor}", part.role, ty.name),
            (!calls.is_empty()).then(|| self.explained(&calls)),
            names.join(if is_named { " or " } else { ", else " }),
            reason,
        ))
    }

    fn explained(&self, calls: &[CallId]) -> ExplainedCall {
        let compiled: Vec<&Call> = calls.iter().map(|call| self.graph.call(*call)).collect();
        let backend = compiled.first().map(|call| self.graph.backend(call.backend));
        let modes: Vec<String> = compiled.iter().map(|call| mode(call)).collect();
        ExplainedCall {
            backend: backend.map(|backend| Arc::clone(&backend.role)).unwrap_or_default(),
            vendor: backend.map(|backend| Arc::clone(&backend.vendor)).unwrap_or_default(),
            names: compiled.iter().map(|call| Arc::clone(&call.name)).collect(),
            mode: modes.join(" or "),
            keys_at_most: compiled.iter().filter_map(|call| keys(call)).max(),
            pages_at_most: compiled.iter().map(|call| pages(call)).max().unwrap_or(1),
        }
    }
}

fn keys(call: &Call) -> Option<usize> {
    match &call.keys {
        KeyMode::None => None,
        KeyMode::PerKey { .. } => Some(1),
        KeyMode::Batch { keys, .. } => Some(*keys),
    }
}

fn mode(call: &Call) -> String {
    let pages = match pages(call) {
        1 => String::new(),
        pages => format!(", up to {pages} pages"),
    };
    match &call.keys {
        KeyMode::None => format!("no key{pages}"),
        KeyMode::PerKey { parallel } => format!("one key a call, {parallel} at once{pages}"),
        KeyMode::Batch { keys, parallel, .. } => {
            format!("up to {keys} keys a call, {parallel} calls at once{pages}")
        }
    }
}
