//! The forms that make lists and records.

use std::sync::Arc;

use super::Vendor;
use super::mapping::{Goal, GoalKind};
use super::shapes::field_slots;
use crate::compile::context::Class;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Scalar, Shape, ShapeId, Slot, SlotId, TypeId, TypeKind};
use crate::mapping::{Entries, Mapping};

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
        let only = match node.get("only") {
            Some(only) => Some(Box::new(self.predicate(only)?)),
            None => None,
        };
        let item = Box::new(self.one_of_list(node, &goal.item())?);
        Some(Mapping::List { path, only, item })
    }

    /// The first element of a list that passes a test.
    pub(super) fn find(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let path = self.path(node.get("find")?)?;
        let only = Box::new(self.predicate(node.get("only")?)?);
        let item = Box::new(self.one_of_list(node, goal)?);
        Some(Mapping::Find { path, only, item })
    }

    /// What one element of a list becomes.
    fn one_of_list(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        match (node.get("item"), node.get("as")) {
            (Some(item), _) => self.mapping(item, goal),
            (None, Some(name)) => {
                Some(Mapping::Record { at: None, shape: self.record_shape(name, goal)? })
            }
            (None, None) => None,
        }
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

    /// Names with values, as a list of `{ key, value, type }`.
    pub(super) fn entries(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let GoalKind::Composite(ty) = goal.kind else { return self.no_entries(node, goal) };
        let names = ["key", "value", "type"];
        let fields = names.map(|name| self.cx.ty(ty).field_names.get(name).copied());
        let [Some(key), Some(value), Some(kind)] = fields else {
            return self.no_entries(node, goal);
        };
        let of = |field| Goal::of_field(self.cx, self.role, ty, field);
        let (key, value, kind) = (of(key), of(value), of(kind));
        let to = value.leaf().filter(|_| value.takes(&[Scalar::String]) && value.lists == 0);
        let is_list_of_them = goal.lists == 1 && self.cx.class(ty) == Class::Value;
        let (Some(to), true, true) = (to, key.takes(&[Scalar::String]), is_list_of_them) else {
            return self.no_entries(node, goal);
        };
        let path = self.path(node.get("entries")?)?;
        let pair = match (node.get("key"), node.get("value")) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                Some((self.own_path(node, "key", &key)?, self.own_path(node, "value", &value)?))
            }
            _ => {
                let help = "a list has both: where each element's name is, and its value";
                self.mismatch(node, goal, "one of `key` and `value` without the other", help);
                return None;
            }
        };
        if pair.is_none() && path.has_each() {
            let help = "say where each element's name and value are: `key: .name, value: .value`";
            self.mismatch(node, goal, "`[]` leads to several objects", help);
            return None;
        }
        let (kinds, otherwise) = self.words_for(node, "is", &kind);
        if kinds.is_empty() && otherwise.is_none() {
            let help = "name them: `is: { loyalty_no: TEXT }`, or say `else: UNKNOWN` for all";
            self.mismatch(node, goal, "this gives no field at all", help);
            return None;
        }
        let shape = self.entry_shape(ty, &names.map(Arc::from), node);
        Some(Mapping::Entries(Box::new(Entries { path, pair, kinds, otherwise, to, shape })))
    }

    fn no_entries(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let why = "`entries` makes a list of a type with `key: String`, `value: JSON` and `type`";
        self.mismatch(node, goal, why, "");
        None
    }

    fn entry_shape(&mut self, ty: TypeId, names: &[Arc<str>; 3], node: &Node) -> ShapeId {
        let id = self.shape_id();
        self.in_place.push((id, node.span));
        let slot = |name: &Arc<str>| Slot {
            name: Arc::clone(name),
            mapping: Mapping::Constant { json: Box::from("null") },
            needs: Vec::new(),
        };
        self.out.shapes.push(Shape {
            name: Arc::clone(&self.cx.ty(ty).name),
            ty,
            field_slots: field_slots(self.cx, ty, names, |_| true),
            slots: names.iter().map(slot).collect(),
            named_slots: Vec::new(),
            id_slot: None,
            url: None,
            pick: None,
        });
        id
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
        if !fits && self.cx.sdl.is_doubtful(&self.cx.ty(ty).name) {
            return None;
        }
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
            let field = definition.field_names.get(&entry.key).copied();
            if field.is_none() && !self.has_hidden(ty, &entry.key) {
                if self.cx.sdl.is_doubtful_field(&definition.name, &entry.key) {
                    continue;
                }
                let problem = Diagnostic::error(
                    Code::UnknownField,
                    format!("`{}` has no field `{}`", definition.name, entry.key),
                )
                .at(entry.key_span, "not in the schema")
                .also(self.cx.type_span(ty), "the type")
                .suggest(&entry.key, definition.fields.iter().map(|field| &*field.name));
                self.problem(problem);
                continue;
            }
            let goal = match field {
                Some(field) => Goal::of_field(self.cx, self.role, ty, field),
                None => Goal::hidden(&entry.key),
            };
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
            named_slots: Vec::new(),
            id_slot: None,
            url: None,
            pick: None,
        });
        self.in_place.push((shape, node.span));
        let record = Mapping::Record { at: at.filter(|path| !path.steps.is_empty()), shape };
        match node.get("when") {
            Some(_) => {
                let path = self.own_path(node, "when", goal)?;
                Some(Mapping::When { path, then: Box::new(record) })
            }
            None => Some(record),
        }
    }

    /// Has the type's own mapping in this file such a slot besides its fields?
    fn has_hidden(&self, ty: TypeId, name: &str) -> bool {
        let own = self.out.shape_of.get(&(self.role, ty));
        self.hidden.iter().any(|slot| Some(&slot.shape) == own && &*slot.name == name)
    }

    /// Keys name the slots of a type's own shape: where a record that is written out in place has them.
    pub(super) fn name_slots(&mut self) {
        for (id, span) in std::mem::take(&mut self.in_place) {
            let Some(ty) = self.out.shapes.get(id.index()).map(|shape| shape.ty) else { continue };
            let own = self.out.shape_of.get(&(self.role, ty));
            let Some(own) = own.and_then(|own| self.out.shapes.get(own.index())) else { continue };
            let names: Vec<Arc<str>> =
                own.slots.iter().map(|slot| Arc::clone(&slot.name)).collect();
            let Some(shape) = self.out.shapes.get_mut(id.index()) else { continue };
            let slot = |name: &Arc<str>| {
                let index = shape.slots.iter().position(|slot| slot.name == *name)?;
                u16::try_from(index).ok().map(SlotId)
            };
            shape.named_slots = names.iter().map(slot).collect();
            let is_missing = |name: &Arc<str>| !shape.slots.iter().any(|slot| slot.name == *name);
            let missing: Vec<Arc<str>> =
                names.iter().filter(|name| is_missing(name)).cloned().collect();
            let read = self.slots_read(ty);
            for slot in missing.iter().filter(|slot| read.contains(slot)) {
                let name = &self.cx.ty(ty).name;
                self.problems.push(
                    Diagnostic::warning(
                        Code::UnmappedSlot,
                        format!("the slot `{slot}` of `{name}` is read and not mapped"),
                    )
                    .at(span, "no mapping for it in this record")
                    .also(self.cx.type_span(ty), "the type")
                    .help("what is found by this slot will not be found for this record"),
                );
            }
        }
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
