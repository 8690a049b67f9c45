//! Which steps run for this caller and these variables, and which slots they are to bring.
//!
//! A field that is skipped, or that the caller may not see, asks for nothing: no call is made for it alone.

use crate::graph::{Access, CallId, FieldId, Graph, KeySource, PartId, ShapeId, SlotId, TypeId};
use crate::operation::Condition;
use crate::plan::{
    ConnectionNode, ConnectionWhat, Node, Out, OutField, Plan, SiteId, StepId, Work,
};
use crate::principal::Principal;
use crate::value::SlotSet;

/// The caller's view of a plan.
#[derive(Debug)]
pub struct Marks {
    active: Vec<bool>,
    /// By site, then type times column.
    wanted: Vec<Vec<SlotSet>>,
    visited: Vec<bool>,
    pub truths: u64,
}

impl Marks {
    fn none(plan: &Plan, truths: u64) -> Self {
        Self {
            active: vec![false; plan.steps.len()],
            wanted: plan
                .sites
                .iter()
                .map(|site| vec![SlotSet::EMPTY; site.types.len() * site.columns])
                .collect(),
            visited: vec![false; plan.sites.len()],
            truths,
        }
    }

    pub fn is_active(&self, step: StepId) -> bool {
        self.active.get(step.index()).copied().unwrap_or(false)
    }

    /// The slots that are wanted of one part of one type at a site.
    pub fn wanted(&self, plan: &Plan, site: SiteId, ty: TypeId, part: PartId) -> SlotSet {
        place(plan, site, ty, usize::from(part.0))
            .and_then(|index| self.wanted.get(site.index())?.get(index).copied())
            .unwrap_or_default()
    }
}

/// May this field be written at all?
pub fn is_visible(access: &[Access], principal: &Principal) -> bool {
    access.iter().all(|access| principal.may(access))
}

pub fn mark(graph: &Graph, plan: &Plan, truths: u64, principal: &Principal) -> Marks {
    let marks = Marks::none(plan, truths);
    let mut marker = Marker { graph, plan, principal: Some(principal), marks };
    marker.node(&plan.root, SiteId::ROOT);
    marker.share();
    marker.marks
}

/// The steps that somebody needs who may see everything and skips nothing.
pub(super) fn needed(graph: &Graph, plan: &Plan) -> Vec<StepId> {
    let mut marker = Marker { graph, plan, principal: None, marks: Marks::none(plan, 0) };
    marker.node(&plan.root, SiteId::ROOT);
    (0..).map(StepId).take(plan.steps.len()).filter(|step| marker.marks.is_active(*step)).collect()
}

fn place(plan: &Plan, site: SiteId, ty: TypeId, column: usize) -> Option<usize> {
    let site = plan.sites.get(site.index())?;
    let index = site.types.iter().position(|site_type| site_type.ty == ty)?;
    Some(index * site.columns + column)
}

struct Marker<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    /// `None`: somebody who may see everything and skips nothing, as `explain` asks.
    principal: Option<&'a Principal>,
    marks: Marks,
}

impl Marker<'_> {
    fn holds(&self, condition: &Condition) -> bool {
        self.principal.is_none() || condition.holds(self.marks.truths)
    }

    fn may_see(&self, access: &[Access]) -> bool {
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
            if let Some(step) = anchor
                .and_then(|anchor| site_type.parts.get(usize::from(anchor.0)).copied().flatten())
            {
                self.activate(step);
            }
        }
    }

    fn field(&mut self, field: &OutField, site: SiteId, ty: TypeId) {
        match &field.source {
            Out::Slot { column, .. } => self.want_field(site, ty, *column, field.field),
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
            Out::Typename | Out::Introspection | Out::SourceStatus { .. } | Out::NotCovered => {}
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
                ConnectionWhat::Inside(_, inside) => self.connection(inside, site),
                ConnectionWhat::Typename | ConnectionWhat::Leaf(_) => {}
            }
        }
    }

    fn want_field(&mut self, site: SiteId, ty: TypeId, column: usize, field: Option<FieldId>) {
        let shape = self.graph.ty(ty).parts.get(column).map(|part| part.shape);
        let slot = shape.zip(field).and_then(|(shape, field)| {
            self.graph.shape(shape).field_slots.get(field.index()).copied().flatten()
        });
        let part = PartId(u8::try_from(column).unwrap_or(u8::MAX));
        if let Some(slot) = slot {
            self.want(site, ty, part, &[slot]);
        }
    }

    fn want(&mut self, site: SiteId, ty: TypeId, part: PartId, slots: &[SlotId]) {
        if let Some(index) = place(self.plan, site, ty, usize::from(part.0))
            && let Some(wanted) =
                self.marks.wanted.get_mut(site.index()).and_then(|site| site.get_mut(index))
        {
            for slot in slots {
                wanted.insert(*slot);
            }
        }
        if let Some(step) = self.provider(site, ty, part) {
            self.activate(step);
        }
    }

    fn provider(&self, site: SiteId, ty: TypeId, part: PartId) -> Option<StepId> {
        let site = self.plan.sites.get(site.index())?;
        let site_type = site.types.iter().find(|site_type| site_type.ty == ty)?;
        site_type.parts.get(usize::from(part.0)).copied().flatten()
    }

    fn activate(&mut self, id: StepId) {
        let plan = self.plan;
        let Some(active) = self.marks.active.get_mut(id.index()) else { return };
        if std::mem::replace(active, true) {
            return;
        }
        let Some(step) = plan.steps.get(id.index()) else { return };
        step.after.iter().for_each(|before| self.activate(*before));
        match &step.work {
            Work::Call(call) => self.want_key(step.site, step.ty, &call.key),
            Work::Reference(reference) => self.want_key(step.site, step.ty, &reference.key),
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
                if part.own_key {
                    return;
                }
                // an early rule has its key from the field, but the record may be there first (from the cache), and takes
                // the key's place: then it must hold the slot
                let usable = part
                    .rules
                    .iter()
                    .filter(|index| part.early_rule.is_none_or(|early| early == **index));
                for rule in usable.filter_map(|index| rules?.get(*index)) {
                    self.want(step.site, step.ty, rule.from, &rule.slots);
                }
            }
        }
    }

    /// The slots of a key are wanted even where the objects were made with it: their record may be there first.
    fn want_key(&mut self, site: SiteId, ty: TypeId, key: &KeySource) {
        let KeySource::Slots { part, slots } = key else { return };
        self.want(site, ty, *part, slots);
    }

    /// Two steps with the same call want the same slots, so that one load serves both.
    fn share(&mut self) {
        let mut targets: Vec<(CallId, ShapeId, SiteId, TypeId, PartId)> = Vec::new();
        for (step, is_active) in self.plan.steps.iter().zip(&self.marks.active) {
            if !is_active {
                continue;
            }
            match &step.work {
                Work::Call(call) => {
                    let ty = self.graph.shape(call.shape).ty;
                    let part = self.graph.ty(ty).part_of(call.shape).unwrap_or(PartId(0));
                    targets.push((call.call, call.shape, call.child, ty, part));
                }
                Work::Part(work) => {
                    let Some(part) = self.graph.ty(step.ty).parts.get(usize::from(work.part.0))
                    else {
                        continue;
                    };
                    for call in part.keys.iter().filter_map(|key| key.call) {
                        targets.push((call, part.shape, step.site, step.ty, work.part));
                    }
                }
                Work::Reference(_) | Work::Nested { .. } => {}
            }
        }
        for (call, shape, ..) in targets.clone() {
            let same =
                || targets.iter().filter(move |target| target.0 == call && target.1 == shape);
            let all = same().fold(SlotSet::EMPTY, |all, (_, _, site, ty, part)| {
                all.union(self.marks.wanted(self.plan, *site, *ty, *part))
            });
            for (_, _, site, ty, part) in same() {
                if let Some(index) = place(self.plan, *site, *ty, usize::from(part.0))
                    && let Some(wanted) =
                        self.marks.wanted.get_mut(site.index()).and_then(|site| site.get_mut(index))
                {
                    *wanted = all;
                }
            }
        }
    }
}
