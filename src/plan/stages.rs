//! Which steps each part of an answer waits for.
//!
//! A part is what a set of deferred fragments brings, or the items of a streamed list. It is due when the steps are done
//! whose results its fields are written from; a step that several parts need is done once, for all of them.

use crate::graph::{Access, Account, Effect, Graph, TypeId, Yields};
use crate::operation::{Condition, Parts, SetId, StreamId, Streamed, UsageId};
use crate::plan::{
    ConnectionNode, ConnectionWhat, EventOut, Marks, Node, Out, OutField, Plan, SiteId, StepId,
    Work, is_visible,
};
use crate::principal::Principal;

/// The steps of each set of an answer in parts.
#[derive(Debug)]
pub struct Stages {
    steps: Vec<Steps>,
    /// Those of which a set needs no more than that their lists have begun.
    begun: Vec<Steps>,
    /// Lists that come page by page, with how many of their items come at once.
    paged: Vec<(StepId, u32)>,
}

/// A set of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Steps(Vec<u64>);

impl Steps {
    fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn contains(&self, step: StepId) -> bool {
        self.0.get(step.index() / 64).is_some_and(|word| word >> (step.index() % 64) & 1 == 1)
    }

    /// Whether it was not there before.
    fn insert(&mut self, step: StepId) -> bool {
        let is_new = !self.contains(step);
        if let Some(word) = self.0.get_mut(step.index() / 64) {
            *word |= 1 << (step.index() % 64);
        }
        is_new
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(word, other)| word & !other == 0)
    }
}

impl Stages {
    /// The active steps that each set needs.
    pub fn new(
        graph: &Graph,
        plan: &Plan,
        marks: &Marks,
        principal: &Principal,
        parts: &Parts,
    ) -> Self {
        Walk::new(graph, plan, marks, parts).of(Some(principal), Some(marks.truths))
    }

    /// For somebody who may see everything, and skips nothing unless it is known what.
    pub fn in_general(
        graph: &Graph,
        plan: &Plan,
        everything: &Marks,
        truths: Option<u64>,
        parts: &Parts,
    ) -> Self {
        Walk::new(graph, plan, everything, parts).of(None, truths)
    }

    /// Whether a set needs all that a step brings.
    pub fn is_needed(&self, set: SetId, step: StepId) -> bool {
        self.steps.get(set.index()).is_some_and(|steps| steps.contains(step))
    }

    /// Whether a set needs the beginning of a step's lists.
    pub fn is_begun(&self, set: SetId, step: StepId) -> bool {
        self.begun.get(set.index()).is_some_and(|steps| steps.contains(step))
    }

    pub fn has(&self, set: SetId, step: StepId) -> bool {
        self.is_needed(set, step) || self.is_begun(set, step)
    }

    pub fn paged(&self) -> &[(StepId, u32)] {
        &self.paged
    }
}

struct Walk<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    marks: &'a Marks,
    /// `None`: may see everything.
    principal: Option<&'a Principal>,
    /// `None`: skips nothing.
    truths: Option<u64>,
    parts: &'a Parts,
    steps: Vec<Steps>,
    begun: Vec<Steps>,
    paged: Vec<(StepId, u32)>,
    /// Where `sourceStatus` is written, and what with.
    statuses: Vec<(SetId, SiteId)>,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a Graph, plan: &'a Plan, marks: &'a Marks, parts: &'a Parts) -> Self {
        let steps = vec![Steps::none(plan.steps.len()); parts.sets()];
        let (begun, paged) = (steps.clone(), Vec::new());
        let (principal, truths, statuses) = (None, None, Vec::new());
        Self { graph, plan, marks, principal, truths, parts, steps, begun, paged, statuses }
    }

    fn of(self, principal: Option<&'a Principal>, truths: Option<u64>) -> Stages {
        let mut walk = Self { principal, truths, ..self };
        walk.node(&walk.plan.root, SiteId::ROOT);
        walk.statuses_last();
        Stages { steps: walk.steps, begun: walk.begun, paged: walk.paged }
    }

    fn counts(&self, when: &Condition, access: &[Access]) -> bool {
        self.truths.is_none_or(|truths| when.holds(truths))
            && self.principal.is_none_or(|principal| is_visible(access, principal))
    }

    fn node(&mut self, node: &Node, site: SiteId) {
        for branch in &node.branches {
            for field in &branch.fields {
                if self.counts(&field.when, &field.access) {
                    self.field(field, site, branch.ty);
                }
            }
        }
    }

    fn field(&mut self, field: &OutField, site: SiteId, ty: TypeId) {
        let set = self.parts.set_of(field.occurrences);
        match &field.source {
            Out::Slot { column, node } => {
                if let Some(step) = self.provider(site, ty, *column) {
                    self.records(set, step, field.stream, node.as_ref());
                }
            }
            Out::Survivor { rule, fallbacks, node } => {
                let parts = rule.parts.iter();
                let own = parts.filter_map(|part| self.provider(site, ty, usize::from(part.0)));
                for step in own.chain(fallbacks.iter().copied()).collect::<Vec<_>>() {
                    self.records(set, step, field.stream, node.as_ref());
                }
            }
            Out::Computed(computed) => {
                if let Some(step) = self.provider(site, ty, usize::from(computed.part.0)) {
                    self.add(set, step);
                }
            }
            Out::Child { step, site: child, node } => {
                if let Some(count) = self.items_at_once(field.stream, *step, *child) {
                    self.paged.push((*step, count));
                    self.add_begun(set, *step);
                    let streamed = self.parts.stream(field.stream);
                    if let Some(stream) = streamed {
                        self.add(stream.set, *step);
                    }
                    self.items(streamed, set, node, *child);
                } else {
                    self.add(set, *step);
                    self.objects((set, field.stream), node, *child);
                }
            }
            Out::Value { step, site: child, node } => {
                self.anchors(set, *child);
                self.records(set, *step, field.stream, node.as_ref());
            }
            Out::Connection { step, site: child, node } => {
                self.add(set, *step);
                self.anchors(set, *child);
                self.connection(node, *step, *child);
            }
            Out::SourceStatus { .. } => self.statuses.push((set, site)),
            Out::Account { node } if node.account == Account::Provenance => {
                self.statuses.push((set, site));
            }
            Out::Account { .. } => {
                for column in 0..self.graph.ty(ty).parts.len() {
                    if let Some(step) = self.provider(site, ty, column) {
                        self.add(set, step);
                    }
                }
            }
            Out::Derived { reads, .. } => self.node(reads, site),
            Out::Event(EventOut::Record(node)) => self.node(node, site),
            Out::Typename
            | Out::Event(_)
            | Out::Metric { .. }
            | Out::Introspection
            | Out::Service { .. }
            | Out::ServiceSdl
            | Out::NotCovered => {}
        }
    }

    /// Of a streamed list that is drained page by page, and whose items are nothing but their records: how many come at once.
    fn items_at_once(&self, stream: Option<StreamId>, step: StepId, child: SiteId) -> Option<u32> {
        let stream = self.parts.stream(stream)?;
        let Work::Call(call) = &self.plan.steps.get(step.index())?.work else { return None };
        let compiled = self.graph.call(call.call);
        let is_paged = matches!(call.yields, Yields::Many)
            && compiled.pages.is_some()
            && compiled.effect == Effect::Read
            && self.plan.sites.get(child.index())?.may_be_rows;
        is_paged.then_some(stream.count)
    }

    fn items(&mut self, streamed: Option<Streamed>, set: SetId, node: &Node, site: SiteId) {
        self.anchors(streamed.map_or(set, |stream| stream.set), site);
        self.node(node, site);
    }

    /// The objects of a list, or the one object of a field.
    fn objects(&mut self, (set, stream): (SetId, Option<StreamId>), node: &Node, site: SiteId) {
        let streamed = self.parts.stream(stream);
        let items = streamed.map_or(set, |stream| stream.set);
        self.items(streamed, set, node, site);
        // a step serves all items at once: the first ones wait for what the others need
        if streamed.is_some_and(|stream| stream.count > 0) {
            self.include(set, items);
        }
    }

    fn connection(&mut self, node: &ConnectionNode, step: StepId, site: SiteId) {
        for entry in &node.order {
            let Some(field) = node.fields.get(entry.field) else { continue };
            if !self.counts(&entry.when, &field.access) {
                continue;
            }
            let set = self.parts.set_of(field.occurrences);
            self.add(set, step);
            match &field.what {
                ConnectionWhat::Objects(node) => self.objects((set, field.stream), node, site),
                ConnectionWhat::Events(lists) => {
                    for (site, node) in lists.iter() {
                        self.objects((set, field.stream), node, *site);
                    }
                }
                ConnectionWhat::Inside(_, inside) => {
                    self.connection(inside, step, site);
                    let stream = self.parts.stream(field.stream);
                    if let Some(stream) = stream.filter(|stream| stream.count > 0) {
                        self.include(set, stream.set);
                    }
                }
                ConnectionWhat::Typename | ConnectionWhat::Leaf(_) => {}
            }
        }
    }

    /// Records inside of a record are there with it.
    fn records(&mut self, set: SetId, step: StepId, stream: Option<StreamId>, node: Option<&Node>) {
        self.add(set, step);
        if let Some(stream) = self.parts.stream(stream) {
            self.add(stream.set, step);
        }
        let branches = node.map(|node| node.branches.as_slice()).unwrap_or_default();
        for field in branches.iter().flat_map(|branch| &branch.fields) {
            if let Out::Slot { node, .. } = &field.source {
                let set = self.parts.set_of(field.occurrences);
                self.records(set, step, field.stream, node.as_ref());
            }
        }
    }

    fn anchors(&mut self, set: SetId, site: SiteId) {
        let Some(planned) = self.plan.sites.get(site.index()) else { return };
        for site_type in &planned.types {
            let anchor = self.graph.ty(site_type.ty).anchor();
            let step = anchor.and_then(|part| site_type.parts.get(usize::from(part.0)).copied());
            if let Some(step) = step.flatten() {
                self.add(set, step);
            }
        }
    }

    /// What brings a part of the objects: a step of its own, or the one that made the objects.
    fn provider(&self, site: SiteId, ty: TypeId, column: usize) -> Option<StepId> {
        let site = self.plan.sites.get(site.index())?;
        let site_type = site.types.iter().find(|site_type| site_type.ty == ty)?;
        site_type.parts.get(column).copied().flatten().or(site.origin)
    }

    fn add(&mut self, set: SetId, step: StepId) {
        let plan = self.plan;
        let is_new = self.marks.is_active(step)
            && self.steps.get_mut(set.index()).is_some_and(|steps| steps.insert(step));
        let tries_all = self.marks.tries_all(step);
        let fallback = self.marks.fallback(step);
        if let Some(step) = plan.steps.get(step.index()).filter(|_| is_new) {
            let waits = fallback.map(|fallback| fallback.after.as_slice()).unwrap_or_default();
            step.after.iter().chain(waits).for_each(|before| self.add(set, *before));
            if let (true, Work::Part(work)) = (tries_all, &step.work) {
                work.others_after.iter().for_each(|before| self.add(set, *before));
            }
        }
    }

    fn add_begun(&mut self, set: SetId, step: StepId) {
        let plan = self.plan;
        if self.marks.is_active(step)
            && let Some(steps) = self.begun.get_mut(set.index())
            && let Some(begun) = plan.steps.get(step.index())
        {
            steps.insert(step);
            begun.after.iter().for_each(|before| self.add(set, *before));
        }
    }

    fn include(&mut self, set: SetId, other: SetId) {
        for all in [&mut self.steps, &mut self.begun] {
            let Some(steps) = all.get(other.index()).cloned() else { continue };
            if let Some(own) = all.get_mut(set.index()) {
                own.add(&steps);
            }
        }
    }

    // ---- sourceStatus ----------------------------------------------------------------------------------------------

    /// A deferred fragment that asks for `sourceStatus` and for nothing else that must be loaded comes when everything
    /// under its object is settled.
    fn statuses_last(&mut self) {
        for (set, site) in std::mem::take(&mut self.statuses) {
            let [usage] = self.parts.usages(set) else { continue };
            let mut before = self.steps.first().cloned().unwrap_or_else(|| Steps::none(0));
            let mut outer = self.parts.part(*usage).and_then(|part| part.parent);
            while let Some(id) = outer {
                before.add(&self.of_usage(id));
                outer = self.parts.part(id).and_then(|part| part.parent);
            }
            if self.of_usage(*usage).is_within(&before) {
                self.all_under(set, site);
            }
        }
    }

    fn of_usage(&self, usage: UsageId) -> Steps {
        let mut all = Steps::none(self.plan.steps.len());
        let sets = (0..).map(SetId).zip(&self.steps);
        for (_, steps) in sets.filter(|(set, _)| self.parts.usages(*set).contains(&usage)) {
            all.add(steps);
        }
        all
    }

    fn all_under(&mut self, set: SetId, site: SiteId) {
        for (id, step) in (0..).map(StepId).zip(&self.plan.steps) {
            let mut at = Some(step.site);
            while at.is_some_and(|at| at != site) {
                at = at.and_then(|at| self.plan.sites.get(at.index())?.parent);
            }
            if at.is_some() {
                self.add(set, id);
            }
        }
    }
}
