//! The forms that make lists and records.

use std::sync::Arc;

use super::Vendor;
use super::mapping::{Goal, GoalKind};
use super::shapes::field_slots;
use crate::compile::context::Class;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Shape, ShapeId, Slot, SlotId, TypeId, TypeKind};
use crate::mapping::Mapping;

impl Vendor<'_, '_> {
    pub(super) fn each(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        if goal.lists == 0 {
            self.mismatch(
                node,
                goal,
                "`each` makes a list, and this is one value",
                "write `{ at: .path, as: Type }` or a path",
            );
            return None;
        }
        let path = self.path(node.get("each")?)?;
        let goal = goal.item();
        let item = match (node.get("item"), node.get("as")) {
            (Some(item), _) => self.mapping(item, &goal)?,
            (None, Some(name)) => {
                Mapping::Record { at: None, shape: self.record_shape(name, &goal)? }
            }
            (None, None) => return None,
        };
        Some(Mapping::List { path, item: Box::new(item) })
    }

    /// A list that is written out.
    pub(super) fn items(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        if goal.lists == 0 {
            self.mismatch(node, goal, "`list` makes a list, and this is one value", "take `first`");
            return None;
        }
        let goal = goal.item();
        let items = node.get("list")?.items();
        let items: Vec<_> = items.iter().map(|node| self.mapping(node, &goal)).collect();
        Some(Mapping::Items { items: items.into_iter().collect::<Option<_>>()? })
    }

    pub(super) fn record(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let at = match node.get("at") {
            Some(_) => Some(self.own_path(node, "at", goal)?),
            None => None,
        };
        let at = at.filter(|path| !path.steps.is_empty());
        Some(Mapping::Record { at, shape: self.record_shape(node.get("as")?, goal)? })
    }

    /// `as: T`: the field's own type, or one of its possible types.
    fn record_shape(&mut self, name: &Node, goal: &Goal) -> Option<ShapeId> {
        let ty = self.type_named(name.filled()?, name.span)?;
        let fits = match goal.kind {
            GoalKind::Composite(expected) if expected == ty => true,
            GoalKind::Composite(expected) => match &self.cx.ty(expected).kind {
                TypeKind::Interface { possible } | TypeKind::Union { possible } => {
                    possible.contains(&ty)
                }
                _ => false,
            },
            _ => false,
        };
        if !fits || goal.lists > 0 {
            let found = &self.cx.ty(ty).name;
            self.mismatch(name, goal, &format!("`{found}` is not the type of this field"), "");
            return None;
        }
        self.shape_for(ty, name.span)
    }

    /// A record written out in place: a shape without a name.
    pub(super) fn object(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let at = match node.get("at") {
            Some(_) => Some(self.own_path(node, "at", goal)?),
            None => None,
        };
        let GoalKind::Composite(ty) = goal.kind else {
            self.mismatch(node, goal, "`object` makes an object", "");
            return None;
        };
        if self.cx.class(ty) != Class::Value {
            let help = "map the type under `types`, and write `{ at: .path, as: Type }`";
            self.mismatch(
                node,
                goal,
                "only a type that no role has a part of can be written out",
                help,
            );
            return None;
        }
        let definition = self.cx.ty(ty);
        let mut slots = Vec::new();
        for entry in node.get("object").map(Node::entries).unwrap_or_default() {
            let Some(field) = definition.field_names.get(&entry.key).copied() else {
                let problem = Diagnostic::error(
                    Code::UnknownField,
                    format!("`{}` has no field `{}`", definition.name, entry.key),
                )
                .at(entry.key_span, "not in the schema")
                .also(self.cx.type_span(ty), "the type")
                .suggest(&entry.key, definition.fields.iter().map(|field| &*field.name));
                self.problem(problem);
                continue;
            };
            let goal = Goal::of_field(self.cx, self.role, ty, field);
            let Some(mapping) = self.mapping(&entry.value, &goal) else { continue };
            let needs = self.needs(&mapping, &entry.value);
            slots.push(Slot { name: Arc::clone(&entry.key), mapping, needs });
        }
        let names: Vec<Arc<str>> = slots.iter().map(|slot| Arc::clone(&slot.name)).collect();
        let field_slots = field_slots(self.cx, ty, &names, |_| true);
        self.uncovered_in_object(ty, &field_slots, node);
        let shape = self.shape_id();
        self.out.shapes.push(Shape {
            name: Arc::from(format!("{}:{}", self.cx.role(self.role).name, goal.what)),
            ty,
            slots,
            field_slots,
            id_slot: None,
            pick: None,
        });
        Some(Mapping::Record { at: at.filter(|path| !path.steps.is_empty()), shape })
    }

    fn uncovered_in_object(&mut self, ty: TypeId, slots: &[Option<SlotId>], node: &Node) {
        for (field, slot) in self.cx.ty(ty).fields.iter().zip(slots) {
            if slot.is_none() && field.ty.wrappers.first().is_some_and(|outer| outer.non_null) {
                self.problems.push(
                    Diagnostic::error(
                        Code::NotCovered,
                        format!("`{}` is non-null and not mapped", field.coordinate),
                    )
                    .at(node.span, "in this object")
                    .also(
                        self.cx.sdl.field_span(&self.cx.ty(ty).name, &field.name),
                        "non-null here",
                    ),
                );
            }
        }
    }
}
