//! Finds the steps of each set: goes through all that is written, as the marks say that it is.

use std::sync::Arc;

use super::{Spare, Stages, StepSet};
use crate::graph::{Access, Account, Effect, Graph, Survivorship, TypeId, Yields};
use crate::operation::{Condition, Parts, SetId, StreamId, Streamed, UsageId};
use crate::plan::{
    ConnectionNode, ConnectionWhat, EventOut, Marks, Node, Out, OutField, Plan, SiteId, StepId,
    Work, is_visible,
};
use crate::principal::Principal;

/// What a set needs of a step.
#[derive(Clone, Copy)]
enum Need {
    All,
    Spare,
}

pub(super) struct Walk<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    marks: &'a Marks,
    /// `None`: may see everything.
    principal: Option<&'a Principal>,
    /// `None`: skips nothing.
    truths: Option<u64>,
    parts: &'a Parts,
    steps: Vec<StepSet>,
    begun: Vec<StepSet>,
    spare: Vec<StepSet>,
    spares: Vec<(Spare, Arc<Survivorship>)>,
    paged: Vec<(StepId, u32)>,
    /// Where `sourceStatus` is written, and what with.
    statuses: Vec<(SetId, SiteId)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        plan: &'a Plan,
        marks: &'a Marks,
        parts: &'a Parts,
    ) -> Self {
        let steps = vec![StepSet::default(); parts.sets()];
        Self {
            graph,
            plan,
            marks,
            principal: None,
            truths: None,
            parts,
            begun: steps.clone(),
            spare: steps.clone(),
            steps,
            spares: Vec::new(),
            paged: Vec::new(),
            statuses: Vec::new(),
        }
    }

    pub(super) fn of(self, principal: Option<&'a Principal>, truths: Option<u64>) -> Stages {
        let mut walk = Self { principal, truths, ..self };
        walk.node(&walk.plan.root, SiteId::ROOT);
        walk.statuses_last();
        let Self { steps, begun, spare, spares, paged, .. } = walk;
        Stages { steps, begun, spare, spares, paged }
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
            Out::Survivor { rule, fallbacks, .. } => {
                self.survivor(field, (site, ty), rule, fallbacks);
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
        each_set(self.parts, (set, stream), node, &mut |set| self.add(set, step));
    }

    /// Where the first value is shown, the first part has to be there, and of the others no more than it lacks.
    fn survivor(
        &mut self,
        out: &OutField,
        (site, ty): (SiteId, TypeId),
        rule: &Arc<Survivorship>,
        fallbacks: &[StepId],
    ) {
        let (Out::Survivor { node, .. }, Some(field)) = (&out.source, out.field) else { return };
        let (mut sets, set) = (Vec::new(), self.parts.set_of(out.occurrences));
        each_set(self.parts, (set, out.stream), node.as_ref(), &mut |set| sets.push(set));
        for (place, part) in rule.parts.iter().copied().enumerate() {
            let own = self.provider(site, ty, usize::from(part.0));
            let of_part = |id: &&StepId| {
                let step = self.plan.steps.get(id.index());
                step.is_some_and(|step| matches!(&step.work, Work::Part(work) if work.part == part))
            };
            let steps: Vec<_> =
                own.iter().chain(fallbacks.iter().filter(of_part)).copied().collect();
            for (step, set) in
                steps.iter().flat_map(|step| sets.iter().map(move |set| (*step, *set)))
            {
                if place == 0 || rule.times.is_some() {
                    self.add(set, step);
                } else if self.marks.is_active(step) {
                    let spare = Spare { set, step, site, ty, field, part };
                    self.spares.push((spare, Arc::clone(rule)));
                    self.reach(Need::Spare, set, step);
                }
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
        self.reach(Need::All, set, step);
    }

    /// A step, and what it waits for.
    fn reach(&mut self, need: Need, set: SetId, step: StepId) {
        // no part is written before the first, which has what its own steps wait for
        if set != SetId::FIRST && self.steps.first().is_some_and(|first| first.contains(step)) {
            return;
        }
        let (plan, marks) = (self.plan, self.marks);
        let sets = match need {
            Need::All => &mut self.steps,
            Need::Spare => &mut self.spare,
        };
        let is_new = marks.is_active(step)
            && sets.get_mut(set.index()).is_some_and(|steps| steps.insert(step));
        let Some(planned) = plan.steps.get(step.index()).filter(|_| is_new) else { return };
        let fallback = marks.fallback(step);
        let waits = fallback.map(|fallback| fallback.after.as_slice()).unwrap_or_default();
        planned.after.iter().chain(waits).for_each(|before| self.reach(need, set, *before));
        if let (true, Work::Part(work)) = (marks.tries_all(step), &planned.work) {
            work.others_after.iter().for_each(|before| self.reach(need, set, *before));
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
        if set == other {
            return;
        }
        for all in [&mut self.steps, &mut self.begun, &mut self.spare] {
            let Some(steps) = all.get_mut(other.index()).map(std::mem::take) else { continue };
            if let Some(own) = all.get_mut(set.index()) {
                own.add(&steps);
            }
            if let Some(place) = all.get_mut(other.index()) {
                *place = steps;
            }
        }
        let spares = self.spares.iter().filter(|(spare, _)| spare.set == other);
        let spares = spares.map(|(spare, rule)| (Spare { set, ..*spare }, Arc::clone(rule)));
        self.spares.extend(spares.collect::<Vec<_>>());
    }

    // ---- sourceStatus ----------------------------------------------------------------------------------------------

    /// A deferred fragment that asks for `sourceStatus` and for nothing else that must be loaded comes when everything
    /// under its object is settled.
    fn statuses_last(&mut self) {
        for (set, site) in std::mem::take(&mut self.statuses) {
            let [usage] = self.parts.usages(set) else { continue };
            let mut before = self.steps.first().cloned().unwrap_or_default();
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

    fn of_usage(&self, usage: UsageId) -> StepSet {
        let mut all = StepSet::default();
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

/// The sets of a record's field, and of what is inside of it.
fn each_set(
    parts: &Parts,
    (set, stream): (SetId, Option<StreamId>),
    node: Option<&Node>,
    visit: &mut impl FnMut(SetId),
) {
    visit(set);
    if let Some(stream) = parts.stream(stream) {
        visit(stream.set);
    }
    let branches = node.map(|node| node.branches.as_slice()).unwrap_or_default();
    for field in branches.iter().flat_map(|branch| &branch.fields) {
        if let Out::Slot { node, .. } = &field.source {
            let set = parts.set_of(field.occurrences);
            each_set(parts, (set, field.stream), node.as_ref(), visit);
        }
    }
}
