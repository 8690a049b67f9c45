//! The keys of calls, for people: where they come from, and what the call waits for.

use super::{ExplainedCall, Explainer};
use crate::graph::{KeySource, Part, PartId, TypeId};
use crate::plan::{CallStep, Fallback, PartStep, Step};

impl Explainer<'_> {
    /// Why the step of a part waits, or why it need not.
    pub(super) fn why_found(&self, ty: TypeId, part: &Part, work: &PartStep) -> String {
        if work.own_key {
            return "its key is known from the field".to_owned();
        }
        if let Some(rule) = work.early_rule {
            return format!(
                "rule {} has its key from the field; no rule of higher priority needs another part",
                rule + 1
            );
        }
        let parts = &self.graph.ty(ty).parts;
        let mut ways: Vec<String> = Vec::new();
        for rule in work.rules.iter().filter_map(|index| part.rules.get(*index)) {
            let from = parts.get(usize::from(rule.from.0));
            let key = part.keys.get(usize::from(rule.key_kind));
            if let Some((from, key)) = from.zip(key) {
                let way = format!("{} from {}", key.kind, from.role);
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
        }
        format!("identity: {}", ways.join(", else "))
    }

    pub(super) fn call(
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
            KeySource::Represented { .. } => {
                let slots = call.key.slots().map(|(part, slots)| self.slots(step, part.0, &slots));
                let required = call
                    .key
                    .required()
                    .map(|value| format!("$representation.{}", value.path.path.join(".")));
                slots.into_iter().chain(required).collect::<Vec<_>>().join(", ")
            }
        };
        let reason = self.why(step, call);
        (call.coordinate.to_string(), Some(self.explained(&[call.call])), key, reason)
    }

    /// Why a call is made when it is made.
    fn why(&self, step: &Step, call: &CallStep) -> String {
        let site = self.plan.sites.get(step.site.index());
        let is_root = site.is_none_or(|site| site.origin.is_none());
        match &call.key {
            KeySource::Arguments(_) => "its key stands in the field's arguments".to_owned(),
            KeySource::None if is_root => {
                "it takes no key: only what the field is given".to_owned()
            }
            KeySource::None => "it takes no key: one call for all objects".to_owned(),
            KeySource::Represented { .. } => {
                "its keys stand in the representations of a federation's router".to_owned()
            }
            KeySource::Slots { part, .. } => {
                let parts = &self.graph.ty(step.ty).parts;
                let own = site.into_iter().flat_map(|site| &site.types);
                let loaded = own
                    .filter(|ty| ty.ty == step.ty)
                    .find_map(|ty| ty.parts.get(usize::from(part.0)).copied().flatten());
                match parts.get(usize::from(part.0)) {
                    Some(part) if loaded.is_some_and(|step_of| step.after.contains(&step_of)) => {
                        format!("its keys are read from the records of {}", part.role)
                    }
                    Some(_) if loaded.is_some() => {
                        "its keys are those that the objects were found by".to_owned()
                    }
                    _ => "its keys are read from the records in hand".to_owned(),
                }
            }
        }
    }

    /// For which objects alone a fallback is: `objects for which crm gives no phones`.
    pub(super) fn only(&self, step: &Step, fallback: &Fallback) -> String {
        let ty = self.graph.ty(step.ty);
        let mut groups: Vec<(&[PartId], Vec<&str>)> = Vec::new();
        for (field, before) in &fallback.lacks {
            let name = &*self.graph.field(step.ty, *field).name;
            match groups.iter_mut().find(|(parts, _)| *parts == before.as_slice()) {
                Some((_, names)) => names.push(name),
                None => groups.push((before, vec![name])),
            }
        }
        let group = |(parts, names): &(&[PartId], Vec<&str>)| {
            let parts = parts.iter().filter_map(|part| ty.parts.get(usize::from(part.0)));
            let roles: Vec<&str> = parts.map(|part| &*part.role).collect();
            let verb = if roles.len() == 1 { "gives" } else { "give" };
            format!("{} {verb} no {}", roles.join(" and "), names.join(" or no "))
        };
        let groups: Vec<String> = groups.iter().map(group).collect();
        format!("objects for which {}", groups.join(", or "))
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
}
