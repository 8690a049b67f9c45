//! A plan for people and machines: its steps, what waits for what, and how many calls it can cost.

mod show;

use std::sync::Arc;

use serde_json::Value;

use crate::graph::{Call, CallId, Graph, KeyMode, KeySource, Part, Yields};
use crate::plan::{CallStep, PartStep, Plan, ReferenceStep, SiteId, Step, StepId, Work};

/// What a plan does, in words and numbers.
#[derive(Debug)]
pub struct Explanation {
    pub kind: &'static str,
    pub name: Option<Arc<str>>,
    pub steps: Vec<ExplainedStep>,
    /// Calls at the worst: every object there, every page full, nothing cached. `None`: a list without a bound.
    pub calls_at_most: Option<u64>,
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
    pub after: Vec<usize>,
    pub reason: String,
    /// Objects that the step is for, at the worst.
    pub objects_at_most: Option<u64>,
    pub calls_at_most: Option<u64>,
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
    pub fn new(graph: &Graph, plan: &Plan) -> Self {
        let explainer = Explainer { graph, plan, needed: super::mark::needed(graph, plan) };
        // Steps that make no call are of use to nobody but the plan.
        let shown: Vec<StepId> = (0..)
            .map(StepId)
            .zip(&plan.steps)
            .filter(|(id, step)| explainer.is_shown(*id, step))
            .map(|(id, _)| id)
            .collect();
        let steps: Vec<ExplainedStep> =
            shown.iter().filter_map(|id| explainer.step(*id, &shown)).collect();
        let calls_at_most = steps
            .iter()
            .map(|step| step.calls_at_most)
            .try_fold(0_u64, |all, calls| Some(all.saturating_add(calls?)));
        let kind = match plan.operation.kind {
            crate::operation::OperationKind::Query => "query",
            crate::operation::OperationKind::Mutation => "mutation",
        };
        Self { kind, name: plan.operation.name.clone(), steps, calls_at_most }
    }
}

struct Explainer<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    needed: Vec<StepId>,
}

impl Explainer<'_> {
    /// Calls and references are shown; a part only if something that is selected needs it or it is the anchor.
    fn is_shown(&self, id: StepId, step: &Step) -> bool {
        match &step.work {
            Work::Call(_) => true,
            Work::Reference(_) | Work::Nested { .. } => false,
            Work::Part(part) => self.is_needed(id, step, part),
        }
    }

    /// Whether anybody who may see every field, with every condition held, needs the part.
    fn is_needed(&self, id: StepId, step: &Step, part: &PartStep) -> bool {
        let is_anchor = self.graph.ty(step.ty).anchor() == Some(part.part);
        is_anchor || self.needed.contains(&id)
    }

    fn step(&self, id: StepId, shown: &[StepId]) -> Option<ExplainedStep> {
        let step = self.plan.steps.get(id.index())?;
        let number =
            |id: &StepId| shown.iter().position(|shown| shown == id).map(|place| place + 1);
        let mut after: Vec<usize> = self.waits_for(step, shown).iter().filter_map(number).collect();
        after.sort_unstable();
        after.dedup();
        let objects = self.objects(step.site);
        let (brings, call, key, reason) = match &step.work {
            Work::Call(call) => self.call(step, call),
            Work::Part(part) => self.part(step, part)?,
            Work::Reference(_) | Work::Nested { .. } => return None,
        };
        Some(ExplainedStep {
            number: number(&id)?,
            path: self.plan.sites.get(step.site.index())?.path.clone(),
            brings,
            calls_at_most: self.calls(step, objects),
            call,
            key,
            after,
            reason,
            objects_at_most: objects,
        })
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

    fn call(
        &self,
        step: &Step,
        call: &CallStep,
    ) -> (String, Option<ExplainedCall>, String, String) {
        let key = match &call.key {
            KeySource::None => "none".to_owned(),
            KeySource::Arguments(paths) => {
                let names: Vec<String> =
                    paths.iter().map(|path| format!("$args.{}", path.path.join("."))).collect();
                names.join(", ")
            }
            KeySource::Slots { part, slots } => self.slots(step, part.0, slots),
        };
        (call.coordinate.to_string(), Some(self.explained(&[call.call])), key, String::new())
    }

    fn slots(&self, step: &Step, part: u8, slots: &[crate::graph::SlotId]) -> String {
        let Some(part) = self.graph.ty(step.ty).parts.get(usize::from(part)) else {
            return "the record in hand".to_owned();
        };
        let shape = self.graph.shape(part.shape);
        let names: Vec<&str> = slots
            .iter()
            .filter_map(|slot| shape.slots.get(slot.index()))
            .map(|slot| &*slot.name)
            .collect();
        format!("{} of the {} part", names.join(", "), part.role)
    }

    fn part(
        &self,
        step: &Step,
        work: &PartStep,
    ) -> Option<(String, Option<ExplainedCall>, String, String)> {
        let ty = self.graph.ty(step.ty);
        let part = ty.parts.get(usize::from(work.part.0))?;
        let kinds = self.kinds(step, work, part);
        let keys: Vec<_> =
            kinds.iter().filter_map(|kind| part.keys.get(usize::from(*kind))).collect();
        let calls = calls_of(part, &kinds);
        let names: Vec<&str> = keys.iter().map(|key| &*key.kind).collect();
        let anchor = if part.is_anchor { " (anchor)" } else { "" };
        Some((
            format!("{} part of {}{anchor}", part.role, ty.name),
            (!calls.is_empty()).then(|| self.explained(&calls)),
            names.join(", else "),
            work.reason.clone(),
        ))
    }

    /// Which keys may lead to a part: its own, or those of the rules that it may use.
    fn kinds(&self, step: &Step, work: &PartStep, part: &Part) -> Vec<u8> {
        if work.own_key {
            return self.own_kind(step).into_iter().collect();
        }
        let rules = part.rules.iter().enumerate();
        let usable = rules.filter(|(index, _)| {
            work.rules.contains(index) && work.early_rule.is_none_or(|early| early == *index)
        });
        usable.map(|(_, rule)| rule.key_kind).collect()
    }

    fn own_kind(&self, step: &Step) -> Option<u8> {
        let origin = self.plan.sites.get(step.site.index())?.origin?;
        match &self.plan.steps.get(origin.index())?.work {
            Work::Reference(ReferenceStep { key_kind, .. }) => Some(*key_kind),
            _ => None,
        }
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

    /// How many objects a site has at the worst.
    fn objects(&self, site: SiteId) -> Option<u64> {
        let site = self.plan.sites.get(site.index())?;
        let Some(origin) = site.origin.and_then(|origin| self.plan.steps.get(origin.index()))
        else {
            return Some(1);
        };
        let parents = self.objects(origin.site)?;
        let each = match &origin.work {
            Work::Part(_)
            | Work::Call(CallStep { yields: Yields::One | Yields::Value, .. })
            | Work::Reference(ReferenceStep { many: false, .. }) => 1,
            Work::Call(call) => self.list_length(call)?,
            Work::Reference(_) => u64::from(self.graph.page_size_max),
            Work::Nested { field, .. } => {
                let is_list = field.and_then(|field| {
                    self.graph.field(origin.ty, field).ty.wrappers.first().copied()
                });
                if is_list.is_some_and(|wrapper| wrapper.list) {
                    return None;
                }
                1
            }
        };
        Some(parents.saturating_mul(each))
    }

    fn list_length(&self, step: &CallStep) -> Option<u64> {
        if let Yields::Connection { .. } = step.yields {
            let first = step
                .field
                .arguments
                .iter()
                .find(|argument| &*argument.name == "first")
                .map(|argument| &argument.value);
            return Some(match first {
                None | Some(crate::operation::ArgumentValue::Constant(Value::Null)) => {
                    u64::from(self.graph.page_size)
                }
                Some(crate::operation::ArgumentValue::Constant(first)) => {
                    first.as_u64().unwrap_or_default()
                }
                Some(_) => u64::from(self.graph.page_size_max),
            });
        }
        let pages = self.graph.call(step.call).pages.as_ref()?;
        Some(u64::from(pages.max_pages) * u64::from(pages.size.as_ref()?.max))
    }

    fn calls(&self, step: &Step, objects: Option<u64>) -> Option<u64> {
        match &step.work {
            Work::Call(work) => {
                let call = self.graph.call(work.call);
                Some(chunks(call, objects)?.saturating_mul(self.pages_of(work, call)))
            }
            Work::Part(work) => {
                let part = self.graph.ty(step.ty).parts.get(usize::from(work.part.0))?;
                let kinds = self.kinds(step, work, part);
                let calls = calls_of(part, &kinds);
                let calls: Vec<&Call> = calls.iter().map(|call| self.graph.call(*call)).collect();
                // Objects may be spread over the calls so that each has one chunk that is not full.
                let extra = (calls.len() as u64).saturating_sub(1);
                let most =
                    calls.iter().map(|call| chunks(call, objects)).max().unwrap_or(Some(0))?;
                let pages = calls.iter().map(|call| pages(call)).max().unwrap_or(1);
                let spread = most.saturating_add(extra).min(objects?.max(most));
                Some(spread.saturating_mul(u64::from(pages)))
            }
            Work::Reference(_) | Work::Nested { .. } => Some(0),
        }
    }

    /// Pages that one key (or chunk) of a call can take: a window takes no more than it needs.
    fn pages_of(&self, work: &CallStep, call: &Call) -> u64 {
        let most = u64::from(pages(call));
        let size = call.pages.as_ref().and_then(|pages| pages.size.as_ref());
        match (work.yields, &call.keys, size, self.list_length(work)) {
            (
                Yields::Connection { .. },
                KeyMode::None | KeyMode::PerKey { .. },
                Some(size),
                Some(first),
            ) => {
                let is_after =
                    work.field.arguments.iter().any(|argument| &*argument.name == "after");
                let needed = first.div_ceil(u64::from(size.max.max(1))).max(1);
                // A cursor may point into the middle of a page.
                most.min(needed + u64::from(is_after))
            }
            _ => most,
        }
    }
}

/// The calls that load a part by these kinds of keys, each once.
fn calls_of(part: &Part, kinds: &[u8]) -> Vec<CallId> {
    let keys = kinds.iter().filter_map(|kind| part.keys.get(usize::from(*kind)));
    let mut calls: Vec<CallId> = keys.filter_map(|key| key.call).collect();
    calls.sort_unstable();
    calls.dedup();
    calls
}

fn chunks(call: &Call, objects: Option<u64>) -> Option<u64> {
    Some(match &call.keys {
        KeyMode::None => 1,
        KeyMode::PerKey { .. } => objects?,
        KeyMode::Batch { keys, .. } => objects?.div_ceil((*keys).max(1) as u64),
    })
}

fn pages(call: &Call) -> u32 {
    call.pages.as_ref().map_or(1, |pages| pages.max_pages.max(1))
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
