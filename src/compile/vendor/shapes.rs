//! The records of this role: which slots each type has, and what fills them.

use std::sync::Arc;

use super::mapping::Goal;
use super::{HiddenSlot, Vendor};
use crate::compile::context::{Class, Context, RoleId};
use crate::config::shape::check::is_case;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{FieldId, Pick, Scalar, Shape, ShapeId, Slot, SlotId, Source, TypeId, TypeKind};
use crate::mapping::Mapping;
use crate::value::SlotSet;

impl Vendor<'_, '_> {
    /// A shape for each part of the role and each type under `types`, with its slots' names: calls and fields refer to them.
    pub(super) fn declare_shapes(&mut self) {
        let types = self.node.get("types").map(Node::entries).unwrap_or_default();
        for entry in types {
            let Some(ty) = self.type_named(&entry.key, entry.key_span) else { continue };
            let is_part = self.cx.part(self.role, ty).is_some();
            match self.cx.class(ty) {
                Class::Entity if !is_part => self.not_in_contract(entry),
                Class::Entity | Class::Value | Class::Abstract => self.declare(ty, Some(entry)),
                _ if self.cx.sdl.is_doubtful(&entry.key) => {}
                _ => self.error(
                    Code::TypeMismatch,
                    entry.key_span,
                    format!("`{}` is not a type of records", entry.key),
                    "the gateway makes it itself, or it is no object",
                ),
            }
        }
        for part in &self.cx.role(self.role).parts {
            if !self.out.shape_of.contains_key(&(self.role, part.ty)) {
                self.declare(part.ty, None);
            }
        }
    }

    fn not_in_contract(&mut self, entry: &Entry) {
        let role = self.cx.role(self.role);
        let parts = role.parts.iter().map(|part| &*self.cx.ty(part.ty).name);
        self.problems.push(
            Diagnostic::error(
                Code::NotInContract,
                format!("the role `{}` has no part of `{}`", role.name, entry.key),
            )
            .at(entry.key_span, "not in the role's contract")
            .suggest(&entry.key, parts),
        );
    }

    fn declare(&mut self, ty: TypeId, entry: Option<&Entry>) {
        let mapped = entry.map(|entry| &entry.value).filter(|node| !is_case(node));
        let mut names: Vec<Arc<str>> = Vec::new();
        let definition = self.cx.ty(ty);
        for field in &definition.fields {
            if mapped.is_some_and(|node| node.get(&field.name).is_some()) {
                names.push(Arc::clone(&field.name));
            }
        }
        if let Some(part) = self.cx.part(self.role, ty) {
            let hidden = part.slots.iter().map(|(name, _)| name);
            for name in hidden.chain(part.keys.iter().flat_map(|key| &key.slots)) {
                if !names.contains(name) {
                    names.push(Arc::clone(name));
                }
            }
        }
        let id = self.shape_id();
        if let (Some(node), Class::Value) = (mapped, self.cx.class(ty)) {
            for entry in node.entries().iter().filter(|entry| !names.contains(&entry.key)) {
                self.hidden.push(HiddenSlot {
                    shape: id,
                    name: Arc::clone(&entry.key),
                    span: entry.key_span,
                    is_read: false,
                });
            }
            let hidden = self.hidden.iter().filter(|slot| slot.shape == id);
            names.extend(hidden.map(|slot| Arc::clone(&slot.name)));
        }
        if names.len() > SlotSet::CAPACITY {
            let span = entry.map_or(Span::new(self.file.id, 0, 0), |entry| entry.key_span);
            self.error(
                Code::TooManySlots,
                span,
                format!("`{}` has {} slots", definition.name, names.len()),
                "a record has at most 256",
            );
        }
        let is_mapped = |name: &Arc<str>| mapped.is_some_and(|node| node.get(name).is_some());
        let field_slots = field_slots(self.cx, ty, &names, is_mapped);
        let id_field = definition.field_names.get("id").copied();
        let url = names.iter().position(|name| &**name == "url" && is_mapped(name));
        let shape = Shape {
            url: url.and_then(|place| u16::try_from(place).ok()).map(SlotId),
            name: Arc::from(format!("{}:{}", self.cx.role(self.role).name, definition.name)),
            ty,
            slots: names.into_iter().map(empty_slot).collect(),
            named_slots: Vec::new(),
            id_slot: id_field.and_then(|id| field_slots.get(id.index()).copied().flatten()),
            field_slots,
            pick: None,
        };
        self.out.shapes.push(shape);
        self.out.shape_of.insert((self.role, ty), id);
    }

    pub(super) fn shape_id(&mut self) -> ShapeId {
        if let Ok(id) = u16::try_from(self.out.shapes.len()) {
            ShapeId(id)
        } else {
            let span = Span::new(self.file.id, 0, 0);
            self.error(Code::TooMany, span, "there are too many kinds of records", "at most 65536");
            ShapeId(u16::MAX)
        }
    }

    pub(super) fn fill_shapes(&mut self) {
        let types = self.node.get("types").map(Node::entries).unwrap_or_default();
        for entry in types {
            let Some(ty) = self.cx.names.get(&entry.key).copied() else { continue };
            let Some(shape) = self.out.shape_of.get(&(self.role, ty)).copied() else { continue };
            match (self.cx.class(ty), is_case(&entry.value)) {
                (Class::Abstract, true) => {
                    let goal = Goal::of_type(self.cx, ty, &entry.key);
                    let pick = self.mapping(&entry.value, &goal);
                    if let Some(shape) = self.out.shapes.get_mut(shape.index()) {
                        shape.pick = pick.map(|mapping| Pick { mapping, needs: Vec::new() });
                    }
                }
                (Class::Abstract, false) => self.error(
                    Code::TypeMismatch,
                    entry.key_span,
                    format!("`{}` is an abstract type", entry.key),
                    "say which type a record is: `{ case: .path, is: { word: { as: Type } } }`",
                ),
                (class, _) => {
                    self.fill(ty, shape, entry);
                    if class == Class::Value {
                        self.uncovered(ty, entry);
                    }
                }
            }
        }
    }

    fn fill(&mut self, ty: TypeId, shape: ShapeId, entry: &Entry) {
        for entry in entry.value.entries() {
            let field = self.cx.ty(ty).field_names.get(&entry.key).copied();
            if let Some(field) = field
                && !self.is_ours(ty, field, entry)
            {
                continue;
            }
            if let Some(field) = field {
                self.out.mapped.insert((ty, field));
            }
            let goal = match field {
                Some(field) => Goal::of_field(self.cx, self.role, ty, field),
                None if self.is_hidden(ty, shape, entry) => {
                    let is_doubtful =
                        self.cx.sdl.is_doubtful_field(&self.cx.ty(ty).name, &entry.key);
                    let is_time = self.cx.contract.is_time(self.role, ty, &entry.key);
                    let goal = if is_time { Goal::hidden_time } else { Goal::hidden };
                    Goal { is_doubtful, ..goal(&entry.key) }
                }
                None => continue,
            };
            let Some(mapping) = self.mapping(&entry.value, &goal) else { continue };
            let needs = self.needs(&mapping, &entry.value);
            let slot = self
                .out
                .shapes
                .get_mut(shape.index())
                .and_then(|shape| shape.slots.iter_mut().find(|slot| slot.name == entry.key));
            if let Some(slot) = slot {
                slot.mapping = mapping;
                slot.needs = needs;
            }
            if let Some(field) = field {
                self.out.filled.insert((self.role, ty, field));
            }
        }
    }

    /// May this role fill this field?
    fn is_ours(&mut self, ty: TypeId, field: FieldId, entry: &Entry) -> bool {
        let role = self.cx.role(self.role);
        if self.cx.class(ty) != Class::Entity || role.owns(ty, field) {
            return true;
        }
        let owner = self.cx.contract.roles.iter().find(|role| role.owns(ty, field));
        let coordinate = &self.cx.field(ty, field).coordinate;
        let problem = Diagnostic::error(
            Code::NotInContract,
            format!("`{coordinate}` does not belong to the role `{}`", role.name),
        )
        .at(entry.key_span, "not in the role's contract");
        let claimed = owner
            .and_then(|owner| owner.coordinates().find(|one| one.ty == ty && one.field == field));
        self.problems.push(match (owner, claimed) {
            (Some(owner), Some(claimed)) => {
                problem.at(claimed.span, format!("it belongs to `{}`", owner.name))
            }
            _ => problem,
        });
        false
    }

    fn is_hidden(&mut self, ty: TypeId, shape: ShapeId, entry: &Entry) -> bool {
        let definition = self.cx.ty(ty);
        let Some(part) = self.cx.part(self.role, ty) else {
            return self.hidden.iter().any(|slot| slot.shape == shape && slot.name == entry.key);
        };
        if part.slots.iter().any(|(name, _)| *name == entry.key) {
            return true;
        }
        if self.cx.sdl.is_doubtful_field(&definition.name, &entry.key) {
            return false;
        }
        let role = self.cx.role(self.role);
        let fields = role.coordinates().filter(|one| one.ty == ty);
        let fields = fields.map(|one| &*self.cx.field(ty, one.field).name);
        let known: Vec<&str> = part.slots.iter().map(|(name, _)| &**name).chain(fields).collect();
        self.problems.push(
            Diagnostic::error(
                Code::NotInContract,
                format!("`{}` has no field or slot `{}`", definition.name, entry.key),
            )
            .at(entry.key_span, "neither in the schema nor a slot of the role's part")
            .at(part.span, "the part's contract")
            .suggest(&entry.key, known),
        );
        false
    }

    /// Hidden slots that the file reads as keys and does not fill, of parts that it maps at all.
    pub(super) fn check_unmapped(&mut self) {
        let types = self.node.get("types");
        for part in &self.cx.role(self.role).parts {
            let name = &self.cx.ty(part.ty).name;
            let Some(entry) = types.and_then(|types| types.entry(name)) else { continue };
            let read = self.slots_read(part.ty);
            for (slot, span) in part.slots.iter().filter(|(slot, _)| read.contains(slot)) {
                if entry.value.get(slot).is_none() {
                    self.problems.push(
                        Diagnostic::warning(
                            Code::UnmappedSlot,
                            format!("the slot `{slot}` of `{name}` is read and not mapped"),
                        )
                        .at(entry.key_span, "no mapping for it here")
                        .at(*span, "the contract names it")
                        .help("what is found by this slot will not be found"),
                    );
                }
            }
        }
    }

    /// Slots of this role's part of a type that its keys consist of, or that a `from:` of this file reads.
    pub(super) fn slots_read(&self, ty: TypeId) -> Vec<Arc<str>> {
        let shape = self.out.shape_of.get(&(self.role, ty));
        let shape = shape.and_then(|shape| self.out.shapes.get(shape.index()));
        let mut read = Vec::new();
        for source in &self.out.sources {
            let key = match &source.source {
                Source::Call(call) => &call.key,
                Source::Reference(reference) => &reference.key,
                _ => continue,
            };
            if let (true, Some((_, slots))) =
                (source.role == self.role && source.ty == ty, key.slots())
            {
                let slots = slots.iter().filter_map(|slot| shape?.slots.get(slot.index()));
                read.extend(slots.map(|slot| Arc::clone(&slot.name)));
            }
        }
        read
    }

    /// What a value type must have and this file's mapping of it does not give.
    fn uncovered(&mut self, ty: TypeId, entry: &Entry) {
        let fields = self.node.get("fields");
        for field in &self.cx.ty(ty).fields {
            let is_non_null = field.ty.wrappers.first().is_some_and(|outer| outer.non_null);
            let is_called = fields.is_some_and(|fields| fields.entry(&field.coordinate).is_some());
            if is_non_null && entry.value.entry(&field.name).is_none() && !is_called {
                self.problems.push(
                    Diagnostic::error(
                        Code::NotCovered,
                        format!("`{}` is non-null and not mapped", field.coordinate),
                    )
                    .at(entry.key_span, "no mapping for it here")
                    .also(
                        self.cx.sdl.field_span(&self.cx.ty(ty).name, &field.name),
                        "non-null here",
                    )
                    .help("map it, or remove the `!`"),
                );
            }
        }
    }

    /// Every hidden slot of a value type is there for something.
    pub(super) fn check_hidden(&mut self) {
        let unread: Vec<_> = self.hidden.iter().filter(|slot| !slot.is_read).collect();
        let problems: Vec<Diagnostic> = unread
            .into_iter()
            .filter_map(|slot| {
                let ty = self.out.shapes.get(slot.shape.index())?.ty;
                let definition = self.cx.ty(ty);
                if self.cx.sdl.is_doubtful_field(&definition.name, &slot.name) {
                    return None;
                }
                let problem = Diagnostic::error(
                    Code::UnknownField,
                    format!("`{}` has no field `{}`", definition.name, slot.name),
                )
                .at(slot.span, "neither in the schema nor read by a `from:`")
                .also(self.cx.type_span(ty), "the type");
                Some(
                    problem.suggest(&slot.name, definition.fields.iter().map(|field| &*field.name)),
                )
            })
            .collect();
        self.problems.extend(problems);
    }

    /// The shape of a type's records in this file.
    pub(super) fn shape_for(&mut self, ty: TypeId, span: Span) -> Option<ShapeId> {
        let found = self.out.shape_of.get(&(self.role, ty)).copied();
        if found.is_none() {
            let name = &self.cx.ty(ty).name;
            if self.cx.sdl.is_doubtful(name) {
                return None;
            }
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownType,
                    format!("`{name}` has no mapping in this file"),
                )
                .at(span, "used here")
                .also(self.cx.type_span(ty), "the type")
                .help(format!("add `{name}:` under `types`")),
            );
        }
        found
    }
}

fn empty_slot(name: Arc<str>) -> Slot {
    Slot { name, mapping: Mapping::Constant { json: Box::from("null") }, needs: Vec::new() }
}

/// By field number: the slot that fills it, if it is mapped.
pub(super) fn field_slots(
    cx: &Context<'_>,
    ty: TypeId,
    names: &[Arc<str>],
    is_mapped: impl Fn(&Arc<str>) -> bool,
) -> Vec<Option<SlotId>> {
    let slot = |name: &Arc<str>| {
        let index = names.iter().position(|slot| slot == name).filter(|_| is_mapped(name))?;
        u16::try_from(index).ok().map(SlotId)
    };
    cx.ty(ty).fields.iter().map(|field| slot(&field.name)).collect()
}

/// Is this field the object's own id?
pub(super) fn is_own_id(cx: &Context<'_>, ty: TypeId, field: FieldId) -> bool {
    let field = cx.field(ty, field);
    &*field.name == "id" && cx.ty(field.ty.named).kind == TypeKind::Scalar(Scalar::Id)
}

/// The role that is written into a type's ids: its anchor's.
pub(super) fn id_role(cx: &Context<'_>, ty: TypeId, own: RoleId) -> Arc<str> {
    let role = cx.contract.anchor_of(ty).unwrap_or(own);
    Arc::clone(&cx.role(role).name)
}
