//! Sites and steps of a plan: what brings each part, and what must be there before.

use std::sync::Arc;

use super::early::{early_rule, key_holds, may_be_blocked};
use super::{Builder, sorted};
use crate::graph::{BackendId, FieldCall, Graph, KeySource, Part, PartId, TypeId, TypeKind};
use crate::operation::SelectedField;
use crate::plan::identity::{part_of_backend, usable_rules};
use crate::plan::{
    By, CallStep, EntitiesStep, Out, PartStep, ReferenceStep, Site, SiteId, SiteType, Step, StepId,
    Work,
};

/// What objects of a new site come with.
#[derive(Clone, Copy)]
pub(super) enum Given {
    /// A record of a call to this backend, or a record inside one: the part of the same backend, if there is one.
    Record(Option<BackendId>),
    /// The key of a part.
    Key(PartId, u8),
    /// One of several keys of a part.
    SomeKey(PartId),
    /// A key of the anchor, whichever type it is.
    Named,
}

impl Given {
    pub(super) fn key_part(self) -> Option<PartId> {
        match self {
            Self::Key(part, _) | Self::SomeKey(part) => Some(part),
            Self::Record(_) | Self::Named => None,
        }
    }

    /// What objects of one type come with.
    pub(super) fn of_type(self, graph: &Graph, ty: TypeId, by: Option<&By>) -> Self {
        let keys = by.map(|by| by.keys(graph, ty)).unwrap_or_default();
        match (self, keys.as_slice()) {
            (Self::Named, [(part, kind)]) => Self::Key(*part, *kind),
            (Self::Named, [(part, _), ..]) => Self::SomeKey(*part),
            _ => self,
        }
    }
}

impl Builder<'_> {
    pub(super) fn step(
        &mut self,
        site: SiteId,
        ty: TypeId,
        after: Vec<StepId>,
        work: Work,
    ) -> StepId {
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        self.steps.push(Step { site, ty, work, after, root_field: self.root_field });
        id
    }

    pub(super) fn child(
        &mut self,
        step: StepId,
        parent: SiteId,
        ty: TypeId,
        key: &str,
        given: Given,
    ) -> SiteId {
        let path = match self.sites.get(parent.index()) {
            Some(parent) if !parent.path.is_empty() => format!("{}.{key}", parent.path),
            _ => key.to_owned(),
        };
        let child = self.site(ty, Some(step), Some(parent), path);
        if let Some(made) = self.steps.get_mut(step.index()) {
            match &mut made.work {
                Work::Call(CallStep { child: slot, .. })
                | Work::Reference(ReferenceStep { child: slot, .. })
                | Work::Entities(EntitiesStep { child: slot, .. })
                | Work::Nested { child: slot, .. } => *slot = child,
                Work::Part(_) | Work::Merge(_) => {}
            }
        }
        self.part_steps(child, given);
        child
    }

    pub(super) fn site(
        &mut self,
        ty: TypeId,
        origin: Option<StepId>,
        parent: Option<SiteId>,
        path: String,
    ) -> SiteId {
        let types: Vec<SiteType> = match &self.graph.ty(ty).kind {
            TypeKind::Interface { possible } | TypeKind::Union { possible } => possible.clone(),
            _ => vec![ty],
        }
        .into_iter()
        .map(|ty| SiteType { ty, parts: vec![None; self.graph.ty(ty).parts.len()] })
        .collect();
        let columns = types.iter().map(|ty| ty.parts.len()).max().unwrap_or(0).max(1);
        let id = SiteId(u32::try_from(self.sites.len()).unwrap_or(u32::MAX));
        let first_column = self.sites.last().map_or(0, Site::end_column);
        let may_be_rows = false;
        self.sites.push(Site {
            ty,
            types,
            origin,
            parent,
            path,
            columns,
            first_column,
            may_be_rows,
        });
        id
    }

    /// Makes the steps of all parts that a site's objects do not come with. Which of them run is decided by what is
    /// selected, when it runs.
    fn part_steps(&mut self, site: SiteId, given: Given) {
        let types: Vec<TypeId> = self
            .sites
            .get(site.index())
            .map_or(Vec::new(), |site| site.types.iter().map(|ty| ty.ty).collect());
        for ty in types {
            let graph = self.graph;
            let parts = &graph.ty(ty).parts;
            let given = given.of_type(graph, ty, self.naming(site));
            let given_part = match given {
                Given::Record(backend) => part_of_backend(parts, backend),
                Given::Key(..) | Given::SomeKey(_) | Given::Named => None,
            };
            let known = given_part.or(given.key_part());
            let rules = || usable_rules(parts, known).into_iter().map(Arc::from).collect();
            let usable = Arc::clone(self.usable.entry((ty, known)).or_insert_with(rules));
            // First number the steps, then find what each waits for: rules may point to parts that come later.
            let mut made = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                let id = PartId(u8::try_from(index).unwrap_or(u8::MAX));
                let own_key = given.key_part() == Some(id);
                if Some(id) == given_part || (part.rules.is_empty() && !own_key) {
                    continue;
                }
                let work = Work::Part(PartStep {
                    part: id,
                    own_key,
                    rules: usable.get(index).map(Arc::clone).unwrap_or_default(),
                    early_rule: None,
                    others_after: Vec::new(),
                    fallback_of: None,
                });
                let step = self.step(site, ty, Vec::new(), work);
                self.set_part(site, ty, id, step);
                made.push((id, step));
            }
            for (id, step) in made {
                self.wire_part(site, ty, id, step, given);
            }
        }
    }

    fn set_part(&mut self, site: SiteId, ty: TypeId, part: PartId, step: StepId) {
        let Some(site) = self.sites.get_mut(site.index()) else { return };
        let Some(site_type) = site.types.iter_mut().find(|site_type| site_type.ty == ty) else {
            return;
        };
        if let Some(slot) = site_type.parts.get_mut(usize::from(part.0)) {
            *slot = Some(step);
        }
    }

    /// Identity before speed: a key that the objects were made with is used at once only if no rule of higher priority
    /// needs a part that is not loaded yet, or the deployment declares the keys equivalent.
    fn wire_part(&mut self, site: SiteId, ty: TypeId, id: PartId, step: StepId, given: Given) {
        let graph = self.graph;
        let Some(part) = graph.ty(ty).parts.get(usize::from(id.0)) else { return };
        let own_key = given.key_part() == Some(id);
        let usable = match self.steps.get(step.index()).map(|step| &step.work) {
            Some(Work::Part(work)) => Arc::clone(&work.rules),
            _ => Arc::from([]),
        };
        let early_rule = if own_key { None } else { early_rule(graph, ty, part, &usable, given) };
        let has_others = early_rule.is_some_and(|rule| may_be_blocked(part, rule, &usable));
        // whether another key than one from the arguments is blocked is known too late to wait for anything else
        let early_rule = early_rule.filter(|_| !has_others || self.is_by_argument(site));
        let origin = self.sites.get(site.index()).and_then(|site| site.origin);
        let mut after: Vec<StepId> = origin.into_iter().collect();
        if !own_key && early_rule.is_none() {
            after.extend(self.rules_after(site, ty, part, &usable));
        }
        let others_after = match early_rule {
            Some(_) if has_others => sorted(self.rules_after(site, ty, part, &usable)),
            _ => Vec::new(),
        };
        if let Some(made) = self.steps.get_mut(step.index()) {
            made.after = sorted(after);
            if let Work::Part(work) = &mut made.work {
                work.early_rule = early_rule;
                work.others_after = others_after;
            }
        }
    }

    /// The steps of the parts that some rules read.
    fn rules_after(&self, site: SiteId, ty: TypeId, part: &Part, usable: &[usize]) -> Vec<StepId> {
        let rules = usable.iter().filter_map(|index| part.rules.get(*index));
        rules.filter_map(|rule| self.part_step(site, ty, rule.from)).collect()
    }

    /// Whether an argument says which objects a site has.
    fn is_by_argument(&self, site: SiteId) -> bool {
        let origin = self.sites.get(site.index()).and_then(|site| site.origin);
        let step = origin.and_then(|id| self.steps.get(id.index()));
        step.is_some_and(|step| match &step.work {
            Work::Reference(reference) => matches!(reference.key, KeySource::Arguments(_)),
            _ => false,
        })
    }

    /// The backend whose records the objects of a site come from: of their part, or of the call that made them.
    pub(super) fn backend_of(&self, site: SiteId, ty: TypeId, part: PartId) -> Option<BackendId> {
        if let Some(part) = self.graph.ty(ty).parts.get(usize::from(part.0)) {
            return Some(part.backend);
        }
        let mut at = site;
        let mut origin = self.sites.get(site.index())?.origin;
        while let Some(step) = origin.and_then(|id| self.steps.get(id.index())) {
            match &step.work {
                Work::Call(call) => return Some(self.graph.call(call.call).backend),
                Work::Nested { column, .. } => {
                    if let Some(part) = self.graph.ty(step.ty).parts.get(*column) {
                        return Some(part.backend);
                    }
                    at = step.site;
                    origin = self.sites.get(at.index())?.origin;
                }
                Work::Merge(merge) => {
                    origin = merge.lists.iter().find(|list| list.site == at)?.step;
                }
                Work::Reference(_) | Work::Entities(_) | Work::Part(_) => return None,
            }
        }
        None
    }

    /// What names the objects of a site, if its step makes them of names.
    fn naming(&self, site: SiteId) -> Option<&By> {
        let origin = self.sites.get(site.index())?.origin?;
        match &self.steps.get(origin.index())?.work {
            Work::Entities(work) => Some(&work.by),
            _ => None,
        }
    }

    /// Objects that are named by representations, ids or keys.
    pub(super) fn entities(
        &mut self,
        ty: TypeId,
        field: &Arc<SelectedField>,
        site: SiteId,
        by: By,
    ) -> Out {
        let Some(selection) = &field.selection else { return Out::NotCovered };
        let (child, own) = (SiteId::ROOT, Arc::clone(field));
        let work = Work::Entities(EntitiesStep { child, field: own, by });
        let step = self.step(site, ty, Vec::new(), work);
        let child = self.child(step, site, selection.ty, &field.response_key, Given::Named);
        let node = self.child_node(field, child);
        Out::Child { step, site: child, node }
    }

    pub(super) fn part_step(&self, site: SiteId, ty: TypeId, part: PartId) -> Option<StepId> {
        let site = self.sites.get(site.index())?;
        let site_type = site.types.iter().find(|site_type| site_type.ty == ty)?;
        site_type.parts.get(usize::from(part.0)).copied().flatten()
    }

    /// What must be done before `part`'s record is in hand.
    pub(super) fn providers(&self, site: SiteId, ty: TypeId, part: PartId) -> Vec<StepId> {
        let origin = self.sites.get(site.index()).and_then(|site| site.origin);
        sorted(origin.into_iter().chain(self.part_step(site, ty, part)).collect())
    }

    /// What must be done before a key is in hand: nothing but the objects themselves, if they were made with that key.
    pub(super) fn key_providers(&self, site: SiteId, ty: TypeId, key: &KeySource) -> Vec<StepId> {
        let origin = self.sites.get(site.index()).and_then(|site| site.origin);
        let Some((part, slots)) = key.slots() else { return origin.into_iter().collect() };
        let holds = |kind| key_holds(self.graph, ty, part, kind, &slots);
        let is_known = match origin.and_then(|id| self.steps.get(id.index())).map(|step| &step.work)
        {
            Some(Work::Reference(reference)) => reference.part == part && holds(reference.key_kind),
            Some(Work::Call(CallStep { names: Some(named), .. })) => {
                named.part == part && holds(named.key_kind)
            }
            Some(Work::Entities(work)) => {
                let keys = work.by.keys(self.graph, ty);
                !keys.is_empty() && keys.iter().all(|(of, kind)| *of == part && holds(*kind))
            }
            _ => false,
        };
        if is_known {
            return origin.into_iter().collect();
        }
        self.providers(site, ty, part)
    }

    /// A call sees its field's arguments itself; nobody else looks at those of another field.
    pub(super) fn refusable(&mut self, field: &Arc<SelectedField>, source: &Out) -> Option<usize> {
        let is_called = match source {
            Out::Value { .. } | Out::Connection { .. } => true,
            Out::Child { step, .. } => self
                .steps
                .get(step.index())
                .is_some_and(|step| matches!(step.work, Work::Call(_) | Work::Entities(_))),
            _ => false,
        };
        if is_called || !field.may_be_refused() {
            return None;
        }
        self.refusable.push(Arc::clone(field));
        Some(self.refusable.len() - 1)
    }
}

/// The call of a field, alone and without cursors.
pub(super) fn call_step(
    call: &FieldCall,
    coordinate: &Arc<str>,
    field: &Arc<SelectedField>,
) -> CallStep {
    CallStep {
        child: SiteId::ROOT,
        call: call.call,
        shape: call.shape,
        key: call.key.clone(),
        yields: call.yields,
        names: call.names,
        field: Arc::clone(field),
        coordinate: Arc::clone(coordinate),
        rules: call.rules.as_ref().filter(|_| !field.arguments.is_empty()).map(Arc::clone),
        has_cursors: false,
        merged: None,
    }
}
