//! Sites and steps of a plan: what brings each part, and what must be there before.

use super::{Builder, Given, early_rule, key_holds, sorted};
use crate::graph::{BackendId, KeySource, PartId, TypeId, TypeKind};
use crate::plan::identity::{part_of_backend, usable_rules};
use crate::plan::{CallStep, PartStep, ReferenceStep, Site, SiteId, SiteType, Step, StepId, Work};

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
                | Work::Nested { child: slot, .. } => *slot = child,
                Work::Part(_) => {}
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
        self.sites.push(Site { ty, types, origin, parent, path, columns });
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
            let given_part = match given {
                Given::Record(backend) => part_of_backend(parts, backend),
                Given::Key(..) => None,
            };
            let known = match given {
                Given::Record(_) => given_part,
                Given::Key(part, _) => Some(part),
            };
            let usable = usable_rules(parts, known);
            // First number the steps, then find what each waits for: rules may point to parts that come later.
            let mut made = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                let id = PartId(u8::try_from(index).unwrap_or(u8::MAX));
                let own_key = matches!(given, Given::Key(key_part, _) if key_part == id);
                if Some(id) == given_part || (part.rules.is_empty() && !own_key) {
                    continue;
                }
                let work = Work::Part(PartStep {
                    part: id,
                    own_key,
                    rules: usable.get(index).cloned().unwrap_or_default(),
                    early_rule: None,
                    reason: String::new(),
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
        let origin: Vec<StepId> =
            self.sites.get(site.index()).and_then(|site| site.origin).into_iter().collect();
        let own_key = matches!(given, Given::Key(key_part, _) if key_part == id);
        let usable = match self.steps.get(step.index()).map(|step| &step.work) {
            Some(Work::Part(work)) => work.rules.clone(),
            _ => Vec::new(),
        };
        let early_rule = if own_key { None } else { early_rule(graph, ty, part, &usable, given) };
        let (after, reason) = if own_key {
            (origin, "its key is known from the field".to_owned())
        } else if let Some(rule) = early_rule {
            (
                origin,
                format!(
                    "rule {} has its key from the field; no rule of higher priority needs another part",
                    rule + 1
                ),
            )
        } else {
            let mut after = origin;
            let mut waits = Vec::new();
            for rule in usable.iter().filter_map(|index| part.rules.get(*index)) {
                if let Some(provider) = self.part_step(site, ty, rule.from) {
                    after.push(provider);
                }
                if let (Some(from), Some(key)) = (
                    graph.ty(ty).parts.get(usize::from(rule.from.0)),
                    part.keys.get(usize::from(rule.key_kind)),
                ) {
                    waits.push(format!("{} from {}", key.kind, from.role));
                }
            }
            (after, format!("identity: {}", waits.join(", else ")))
        };
        if let Some(made) = self.steps.get_mut(step.index()) {
            made.after = sorted(after);
            if let Work::Part(work) = &mut made.work {
                work.early_rule = early_rule;
                work.reason = reason;
            }
        }
    }

    /// The backend whose records the objects of a site come from: of their part, or of the call that made them.
    pub(super) fn backend_of(&self, site: SiteId, ty: TypeId, part: PartId) -> Option<BackendId> {
        if let Some(part) = self.graph.ty(ty).parts.get(usize::from(part.0)) {
            return Some(part.backend);
        }
        let mut origin = self.sites.get(site.index())?.origin;
        while let Some(step) = origin.and_then(|id| self.steps.get(id.index())) {
            match &step.work {
                Work::Call(call) => return Some(self.graph.call(call.call).backend),
                Work::Nested { column, .. } => {
                    if let Some(part) = self.graph.ty(step.ty).parts.get(*column) {
                        return Some(part.backend);
                    }
                    origin = self.sites.get(step.site.index())?.origin;
                }
                Work::Reference(_) | Work::Part(_) => return None,
            }
        }
        None
    }

    fn part_step(&self, site: SiteId, ty: TypeId, part: PartId) -> Option<StepId> {
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
        let KeySource::Slots { part, slots } = key else { return origin.into_iter().collect() };
        if let Some(Step { work: Work::Reference(reference), .. }) =
            origin.and_then(|id| self.steps.get(id.index()))
            && reference.part == *part
            && key_holds(self.graph, ty, *part, reference.key_kind, slots)
        {
            return origin.into_iter().collect();
        }
        self.providers(site, ty, *part)
    }
}
