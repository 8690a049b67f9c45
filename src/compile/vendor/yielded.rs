//! What the records of a field's call become: objects, one value, or the names of objects.

use std::sync::Arc;

use super::Vendor;
use super::mapping::{Goal, GoalKind};
use crate::compile::context::Class;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{FieldId, Named, PartId, Shape, ShapeId, Slot, TypeId, Yields};

pub(super) struct Yielded {
    pub(super) shape: ShapeId,
    pub(super) yields: Yields,
    pub(super) part: Option<PartId>,
    pub(super) names: Option<Named>,
}

impl Vendor<'_, '_> {
    /// What a call's records become for this field.
    pub(super) fn yielded(&mut self, ty: TypeId, field: FieldId, entry: &Entry) -> Option<Yielded> {
        let definition = self.cx.field(ty, field);
        let goal = Goal::of_field(self.cx, self.role, ty, field);
        if let Some(value) = entry.value.get("value") {
            let shape = self.one_slot(ty, "value", value, &goal)?;
            return Some(Yielded { shape, yields: Yields::Value, part: None, names: None });
        }
        let named = definition.ty.named;
        let (element, yields) = match (self.cx.class(named), goal.lists) {
            (Class::Connection { element }, 0) => (element, Yields::Connection { element }),
            (Class::Entity | Class::Value | Class::Abstract, 0) => (named, Yields::One),
            (Class::Entity | Class::Value | Class::Abstract, 1) => (named, Yields::Many),
            (Class::Leaf, _) => {
                self.mismatch_at(
                    entry.key_span,
                    &goal,
                    "a call gives records, and this is a scalar",
                    "add `value:` with a mapping",
                );
                return None;
            }
            _ => {
                self.mismatch_at(
                    entry.key_span,
                    &goal,
                    "no call can answer a field of this type",
                    "",
                );
                return None;
            }
        };
        if entry.value.entry("reference").is_some() || entry.value.entry("by").is_some() {
            return self.named(element, yields, entry, &goal);
        }
        let shape = self.shape_for(element, entry.key_span)?;
        let part = self.cx.part_id(self.role, element);
        Some(Yielded { shape, yields, part, names: None })
    }

    /// Records that are no objects themselves, and name one each.
    fn named(
        &mut self,
        element: TypeId,
        yields: Yields,
        entry: &Entry,
        goal: &Goal,
    ) -> Option<Yielded> {
        let (Some(kind), Some(by)) = (entry.value.get("reference"), entry.value.get("by")) else {
            let problem = Diagnostic::error(
                Code::MissingKey,
                "records that name objects need both `reference` and `by`",
            )
            .at(entry.key_span, "one of them is missing here")
            .help("`reference`: the kind of key; `by`: where each record has it");
            self.problem(problem);
            return None;
        };
        let Some(contract) = self.cx.part(self.role, element) else {
            let why = "a reference leads to an object that this role has a part of";
            self.mismatch_at(kind.span, goal, why, "");
            return None;
        };
        let Some((key_kind, key)) = contract.key(kind.filled()?) else {
            self.unknown_kind(element, kind.filled()?, kind.span);
            return None;
        };
        if key.slots.len() != 1 {
            let message = format!("the key `{}` has {} parts", key.kind, key.slots.len());
            self.error(Code::KeyMismatch, kind.span, message, "records name objects by one value");
            return None;
        }
        let shape = self.one_slot(element, "by", by, &Goal::hidden("by"))?;
        // a role of this type that nobody plays: the coordinate stays uncovered
        let part = self.cx.part_id(self.role, element)?;
        Some(Yielded { shape, yields, part: None, names: Some(Named { part, key_kind }) })
    }

    /// A record with one slot.
    fn one_slot(&mut self, ty: TypeId, name: &str, value: &Node, goal: &Goal) -> Option<ShapeId> {
        let mapping = self.mapping(value, goal)?;
        let needs = self.needs(&mapping, value);
        let shape = self.shape_id();
        let of = match goal.kind {
            GoalKind::Composite(of) => of,
            _ => ty,
        };
        self.out.shapes.push(Shape {
            name: Arc::from(format!("{}:{}", self.cx.role(self.role).name, goal.what)),
            ty: of,
            slots: vec![Slot { name: Arc::from(name), mapping, needs }],
            field_slots: vec![None; self.cx.ty(of).fields.len()],
            named_slots: Vec::new(),
            id_slot: None,
            url: None,
            pick: None,
        });
        Some(shape)
    }
}
