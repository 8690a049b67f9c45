//! Which steps run for this caller and these variables, and which slots they are to bring.
//!
//! A field that is skipped, or that the caller may not see, asks for nothing: no call is made for it alone.

use std::cell::Cell;
use std::sync::Arc;

use crate::graph::{Access, Account, FieldId, Graph, KeySource, PartId, SlotId, Source, TypeId};
use crate::operation::{Condition, Variables};
use crate::plan::blocked::is_blocked;
use crate::plan::marks::{Marks, place};
use crate::plan::{
    ConnectionNode, ConnectionWhat, EventOut, MergeStep, Node, Out, OutField, Plan, SiteId, StepId,
    Work,
};
use crate::principal::Principal;

/// May this field be written at all?
pub fn is_visible(access: &[Access], principal: &Principal) -> bool {
    access.iter().all(|access| principal.may(access))
}

/// The view of this caller with these variables. What is the same for everybody is found once for a plan.
pub fn mark(
    graph: &Graph,
    plan: &Plan,
    variables: &Variables,
    principal: &Principal,
) -> Arc<Marks> {
    if let Some(marks) = plan.marks.get() {
        return Arc::clone(marks);
    }
    let marks = Marks::none(plan, plan.operation.truths(variables));
    let has_conditions = Cell::new(!plan.operation.conditions.is_empty());
    let (principal, variables) = (Some(principal), Some(variables));
    let mut marker = Marker { graph, plan, principal, variables, marks, varies: has_conditions };
    marker.node(&plan.root, SiteId::ROOT);
    marker.fall_back();
    marker.share();
    let (marks, varies) = (Arc::new(marker.marks), marker.varies.get());
    if varies { marks } else { Arc::clone(plan.marks.get_or_init(|| marks)) }
}

/// The view of somebody who may see everything and skips nothing.
pub(super) fn everything(graph: &Graph, plan: &Plan, variables: Option<&Variables>) -> Marks {
    let (marks, varies) = (Marks::none(plan, 0), Cell::default());
    let mut marker = Marker { graph, plan, principal: None, variables, marks, varies };
    marker.node(&plan.root, SiteId::ROOT);
    marker.fall_back();
    marker.marks
}

pub(super) struct Marker<'a> {
    pub(super) graph: &'a Graph,
    pub(super) plan: &'a Plan,
    /// `None`: somebody who may see everything and skips nothing, as `explain` asks.
    principal: Option<&'a Principal>,
    variables: Option<&'a Variables>,
    pub(super) marks: Marks,
    /// Whether other variables or another caller may have other marks.
    varies: Cell<bool>,
}

impl<'a> Marker<'a> {
    /// They decide which of a merged list's lists are read, and what lists are narrowed by.
    pub(super) fn variables(&self) -> Option<&'a Variables> {
        self.varies.set(true);
        self.variables
    }

    fn holds(&self, condition: &Condition) -> bool {
        self.principal.is_none() || condition.holds(self.marks.truths)
    }

    fn may_see(&self, access: &[Access]) -> bool {
        if access.is_empty() {
            return true;
        }
        self.varies.set(true);
        self.principal.is_none_or(|principal| is_visible(access, principal))
    }

    fn node(&mut self, node: &Node, site: SiteId) {
        self.visit(site);
        for branch in &node.branches {
            for field in &branch.fields {
                if self.holds(&field.when) && self.may_see(&field.access) {
                    self.field(field, site, branch.ty);
                }
            }
        }
    }

    /// The anchor of every object decides whether the object exists, whatever is selected.
    fn visit(&mut self, site: SiteId) {
        let plan = self.plan;
        let Some(visited) = self.marks.visited.get_mut(site.index()) else { return };
        if std::mem::replace(visited, true) {
            return;
        }
        let Some(planned) = plan.sites.get(site.index()) else { return };
        for site_type in &planned.types {
            let anchor = self.graph.ty(site_type.ty).anchor();
            if let Some(step) = anchor.and_then(|part| self.provider(site, site_type.ty, part)) {
                self.activate(step);
            }
        }
    }

    fn field(&mut self, field: &OutField, site: SiteId, ty: TypeId) {
        match &field.source {
            Out::Slot { column, .. } => self.want_field(site, ty, *column, field.field),
            Out::Survivor { rule, fallbacks, .. } => {
                self.survivor((site, ty), rule, fallbacks, field.field);
            }
            Out::Computed(computed) => {
                let column = usize::from(computed.part.0);
                computed.reads.iter().for_each(|of| self.want_field(site, ty, column, Some(*of)));
            }
            Out::Child { step, site: child, node } => {
                self.activate(*step);
                self.node(node, *child);
            }
            Out::Value { step, site: child, .. } => {
                self.activate(*step);
                self.visit(*child);
            }
            Out::Connection { step, site: child, node } => {
                self.activate(*step);
                self.visit(*child);
                self.connection(node, *child);
            }
            Out::Account { node } => self.account(node.account, site, ty),
            Out::Derived { node, reads } => self.derived(node, reads, site),
            Out::Event(EventOut::Record(node)) => self.node(node, site),
            Out::Typename
            | Out::Event(_)
            | Out::Introspection
            | Out::Metric { .. }
            | Out::SourceStatus { .. }
            | Out::Service { .. }
            | Out::ServiceSdl
            | Out::NotCovered => {}
        }
    }

    /// A list is read if a metric that is written reads it.
    fn derived(&mut self, metrics: &Node, reads: &Node, site: SiteId) {
        let graph = self.graph;
        let mut lists: Vec<&str> = Vec::new();
        for metric in metrics.branches.iter().flat_map(|branch| &branch.fields) {
            let Out::Metric { metric: id, .. } = &metric.source else { continue };
            if !self.holds(&metric.when) || !self.may_see(&metric.access) {
                continue;
            }
            let derived = graph.derived(id.derived);
            let defined = derived.metrics.get(id.field.index()).and_then(Option::as_ref);
            let read = defined.map(|metric| metric.lists.as_slice()).unwrap_or_default();
            lists.extend(read.iter().filter_map(|list| Some(&*derived.lists.get(*list)?.name)));
        }
        for branch in &reads.branches {
            for field in branch.fields.iter().filter(|field| lists.contains(&&*field.response_key))
            {
                if self.holds(&field.when) {
                    self.field(field, site, branch.ty);
                }
            }
        }
    }

    fn connection(&mut self, connection: &ConnectionNode, site: SiteId) {
        for entry in &connection.order {
            let Some(field) = connection.fields.get(entry.field) else { continue };
            if !self.holds(&entry.when) || !self.may_see(&field.access) {
                continue;
            }
            match &field.what {
                ConnectionWhat::Objects(node) => self.node(node, site),
                ConnectionWhat::Events(lists) => self.events(lists),
                ConnectionWhat::Inside(_, inside) => self.connection(inside, site),
                ConnectionWhat::Typename | ConnectionWhat::Leaf(_) => {}
            }
        }
    }

    /// The events of lists that are read.
    fn events(&mut self, lists: &[(SiteId, Node)]) {
        for (site, node) in lists {
            if *site != SiteId::ROOT && self.marks.visited.get(site.index()) == Some(&true) {
                self.node(node, *site);
            }
        }
    }

    /// Of a merged list those lists are read that are asked for and that the caller may see.
    fn merge(&mut self, merge: &MergeStep) {
        let graph = self.graph;
        for (place, list) in merge.lists.iter().enumerate() {
            let Some(step) = list.step.filter(|_| self.may_see(&list.access)) else { continue };
            if !merge.is_asked(graph, place, self.variables()) {
                continue;
            }
            self.activate(step);
            self.visit(list.site);
            let stamps = graph.merged(merge.merged).lists.get(place).map(|list| &list.stamps);
            for stamp in stamps.into_iter().flat_map(|stamps| stamps.iter()) {
                for field in [Some(stamp.time), stamp.kind].into_iter().flatten() {
                    if let Source::Slot { part } = graph.field(stamp.ty, field).source {
                        self.want_field(list.site, stamp.ty, usize::from(part.0), Some(field));
                    }
                }
            }
        }
    }

    /// Whoever asks how an object was put together asks for all of it.
    fn account(&mut self, account: Account, site: SiteId, ty: TypeId) {
        if account == Account::Provenance {
            return;
        }
        if let Some(told) =
            self.marks.told.get_mut(site.index()).filter(|_| account == Account::Matches)
        {
            *told = true;
        }
        let graph = self.graph;
        for (part, id) in graph.ty(ty).parts.iter().zip((0..).map(PartId)) {
            let key = part.keys.first().map(|key| key.slots.as_slice()).unwrap_or_default();
            self.want(site, ty, id, key);
            if let Some(url) = graph.shape(part.shape).url.filter(|_| account == Account::Refs) {
                self.want(site, ty, id, &[url]);
            }
        }
    }

    fn want_field(&mut self, site: SiteId, ty: TypeId, column: usize, field: Option<FieldId>) {
        let part = PartId(u8::try_from(column).unwrap_or(u8::MAX));
        if let Some(slot) = self.slot_of(ty, part, field) {
            self.want(site, ty, part, &[slot]);
        }
    }

    pub(super) fn slot_of(
        &self,
        ty: TypeId,
        part: PartId,
        field: Option<FieldId>,
    ) -> Option<SlotId> {
        let shape = self.graph.ty(ty).parts.get(usize::from(part.0))?.shape;
        self.graph.shape(shape).field_slots.get(field?.index()).copied().flatten()
    }

    pub(super) fn want(&mut self, site: SiteId, ty: TypeId, part: PartId, slots: &[SlotId]) {
        self.want_slots((site, ty), part, slots, true);
        if let Some(step) = self.provider(site, ty, part) {
            self.activate(step);
        }
    }

    /// The slots alone, whoever is to bring them. `is_firm`: of all objects.
    pub(super) fn want_slots(
        &mut self,
        (site, ty): (SiteId, TypeId),
        part: PartId,
        slots: &[SlotId],
        is_firm: bool,
    ) {
        let Some(index) = place(self.plan, site, ty, usize::from(part.0)) else { return };
        let part = self.graph.ty(ty).parts.get(usize::from(part.0));
        let Marks { wanted, firm, .. } = &mut self.marks;
        let (Some(wanted), Some(firm)) = (wanted.get_mut(index), firm.get_mut(index)) else {
            return;
        };
        for slot in slots.iter().chain(part.into_iter().flat_map(|part| &part.always)) {
            wanted.insert(*slot);
            if is_firm {
                firm.insert(*slot);
            }
        }
    }

    pub(super) fn provider(&self, site: SiteId, ty: TypeId, part: PartId) -> Option<StepId> {
        let site = self.plan.sites.get(site.index())?;
        let site_type = site.types.iter().find(|site_type| site_type.ty == ty)?;
        site_type.parts.get(usize::from(part.0)).copied().flatten()
    }

    fn activate(&mut self, id: StepId) {
        let Some(active) = self.marks.active.get_mut(id.index()) else { return };
        if !std::mem::replace(active, true) {
            self.reach(id);
        }
    }

    /// What a step needs before it can begin.
    pub(super) fn reach(&mut self, id: StepId) {
        let plan = self.plan;
        let Some(step) = plan.steps.get(id.index()) else { return };
        if let Work::Merge(merge) = &step.work {
            self.merge(merge);
            return;
        }
        step.after.iter().for_each(|before| self.activate(*before));
        match &step.work {
            Work::Call(call) => {
                self.want_key(step.site, step.ty, &call.key);
                self.want_sifted(step, call);
            }
            Work::Reference(reference) => self.want_key(step.site, step.ty, &reference.key),
            Work::Entities(_) | Work::Merge(_) => {}
            Work::Nested { column, field, .. } => {
                self.want_field(step.site, step.ty, *column, *field);
            }
            Work::Part(part) => {
                let rules = self
                    .graph
                    .ty(step.ty)
                    .parts
                    .get(usize::from(part.part.0))
                    .map(|part| &part.rules);
                let is_firm = part.fallback_of.is_none();
                self.want_slots((step.site, step.ty), part.part, &[], is_firm);
                if part.own_key {
                    return;
                }
                let tries_all = !part.others_after.is_empty()
                    && is_blocked(self.graph, plan, (step, part), self.variables());
                if tries_all {
                    self.marks.tries_all.push(id);
                    part.others_after.iter().for_each(|before| self.activate(*before));
                }
                // an early rule has its key from the field, but the record may be there first (from the cache), and takes
                // the key's place: then it must hold the slot
                let usable = part.rules.iter().filter(|index| {
                    tries_all || part.early_rule.is_none_or(|early| early == **index)
                });
                for rule in usable.filter_map(|index| rules?.get(*index)) {
                    self.want(step.site, step.ty, rule.from, &rule.slots);
                }
            }
        }
    }

    /// The slots of a key are wanted even where the objects were made with it: their record may be there first.
    fn want_key(&mut self, site: SiteId, ty: TypeId, key: &KeySource) {
        if let Some((part, slots)) = key.slots() {
            self.want(site, ty, part, &slots);
        }
    }
}
