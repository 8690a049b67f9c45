//! `lookups` and `fields`: which call or reference answers what.

use std::sync::Arc;

use super::keys::From;
use super::mapping::Goal;
use super::yielded::Yielded;
use super::{FieldSource, Use, UsedBy, Vendor};
use crate::compile::context::Class;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{CallId, Effect, FieldCall, FieldId, Normalizer, Reference, Source, TypeId};

impl Vendor<'_, '_> {
    pub(super) fn compile_lookups(&mut self) {
        for entry in self.node.get("lookups").map(Node::entries).unwrap_or_default() {
            let Some(ty) = self.type_named(&entry.key, entry.key_span) else {
                self.doubtful_lookups(entry);
                continue;
            };
            let Some(part) = self.cx.part(self.role, ty) else {
                let role = self.cx.role(self.role);
                let parts = role.parts.iter().map(|part| &*self.cx.ty(part.ty).name);
                let problem = Diagnostic::error(
                    Code::NotInContract,
                    format!("the role `{}` has no part of `{}`", role.name, entry.key),
                )
                .at(entry.key_span, "not in the role's contract")
                .suggest(&entry.key, parts);
                self.problem(problem);
                continue;
            };
            for kind in entry.value.entries() {
                let Some((index, key)) = part.key(&kind.key) else {
                    self.unknown_kind(ty, &kind.key, kind.key_span);
                    continue;
                };
                let Some(call) = self.call_named(&kind.value) else { continue };
                self.out.lookups.insert((self.role, ty, index), call);
                self.normalize(call, key.normalizer);
                let by = UsedBy::Lookup(ty);
                self.used(
                    call,
                    Use { span: kind.value.span, by, key_parts: Some(key.slots.len()) },
                );
            }
        }
        self.fills();
    }

    /// Calls under `lookups` of a type that the schema's errors have swallowed.
    fn doubtful_lookups(&mut self, entry: &Entry) {
        for kind in entry.value.entries() {
            let Some(call) = self.call_named(&kind.value) else { continue };
            self.doubtful.insert(call);
            self.unread(call, kind.value.span);
        }
    }

    /// A call that has a use, of which no more can be said.
    fn unread(&mut self, call: CallId, span: Span) {
        self.used(call, Use { span, by: UsedBy::Fill, key_parts: None });
    }

    pub(super) fn unknown_kind(&mut self, ty: TypeId, name: &str, span: Span) {
        let Some(part) = self.cx.part(self.role, ty) else { return };
        let problem = Diagnostic::error(
            Code::UnknownKeyKind,
            format!("this role's part of `{}` has no key `{name}`", self.cx.ty(ty).name),
        )
        .at(span, "not in the contract")
        .at(part.span, "the part's contract")
        .suggest(name, part.keys.iter().map(|key| &*key.kind));
        self.problem(problem);
    }

    /// A call whose records also answer lookups by key.
    fn fills(&mut self) {
        for entry in self.node.get("calls").map(Node::entries).unwrap_or_default() {
            let Some((call, _)) = self.calls.get(&entry.key).copied() else { continue };
            for filled in entry.value.get("fills").map(Node::items).unwrap_or_default() {
                let Some(target) = self.call_named(filled) else { continue };
                self.unread(target, filled.span);
                if self.doubtful.contains(&target) {
                    continue;
                }
                let lookup = self
                    .out
                    .lookups
                    .iter()
                    .find(|((role, ..), id)| *role == self.role && **id == target);
                let Some(slots) = lookup.and_then(|((_, ty, kind), _)| self.key_slots(*ty, *kind))
                else {
                    self.problem(
                        Diagnostic::error(
                            Code::InvalidFill,
                            format!("`{}` loads nothing by key", filled.shown()),
                        )
                        .at(filled.span, "not under `lookups`")
                        .help("only a call that is named under `lookups` can be filled"),
                    );
                    continue;
                };
                if let Some(call) = self.out.calls.get_mut(call.index()) {
                    call.fills.push(crate::graph::Fill { call: target, slots });
                }
            }
        }
    }

    fn key_slots(&self, ty: TypeId, kind: u8) -> Option<Vec<crate::graph::SlotId>> {
        let key = self.cx.part(self.role, ty)?.keys.get(usize::from(kind))?;
        let shape = self.out.shapes.get(self.out.shape_of.get(&(self.role, ty))?.index())?;
        let slot = |name: &Arc<str>| {
            let index = shape.slots.iter().position(|slot| slot.name == *name)?;
            u16::try_from(index).ok().map(crate::graph::SlotId)
        };
        key.slots.iter().map(slot).collect()
    }

    fn used(&mut self, call: CallId, by: Use) {
        self.uses.entry(call).or_default().push(by);
    }

    fn normalize(&mut self, call: CallId, normalizer: Normalizer) {
        if let Some(call) = self.out.calls.get_mut(call.index())
            && call.answers_normalizer == Normalizer::Exact
        {
            call.answers_normalizer = normalizer;
        }
    }

    pub(super) fn compile_fields(&mut self) {
        for entry in self.node.get("fields").map(Node::entries).unwrap_or_default() {
            let Some((ty, field)) = self.coordinate(entry) else {
                self.pass_over(entry);
                continue;
            };
            if !self.is_made(ty) || !self.is_made(self.element(ty, field)) {
                self.pass_over(entry);
                continue;
            }
            self.out.mapped.insert((ty, field));
            let source = match (entry.value.get("call"), entry.value.get("reference")) {
                (None, Some(_)) => self.reference(ty, field, entry),
                _ => self.field_call(ty, field, entry),
            };
            if let Some(source) = source {
                let (role, span) = (self.role, entry.key_span);
                self.out.sources.push(FieldSource { role, ty, field, source, span });
            }
        }
    }

    /// A field of which nothing can be made: what it uses is used all the same.
    fn pass_over(&mut self, entry: &Entry) {
        if let Some(call) = entry.value.get("call").and_then(|node| self.call_named(node)) {
            self.unread(call, entry.key_span);
        }
        let from = entry.value.get("from").map(Node::items).unwrap_or_default();
        let names: Vec<&str> = from.iter().filter_map(Node::filled).collect();
        for slot in self.hidden.iter_mut().filter(|slot| names.contains(&&*slot.name)) {
            slot.is_read = true;
        }
    }

    /// Objects of a type whose anchor's role nobody plays are never made: what leads to them or stands on them stays uncovered.
    fn is_made(&self, ty: TypeId) -> bool {
        self.cx.class(ty) != Class::Entity || self.cx.is_live(ty)
    }

    /// The type of a field, or of the elements of its connection.
    fn element(&self, ty: TypeId, field: FieldId) -> TypeId {
        let named = self.cx.field(ty, field).ty.named;
        match self.cx.class(named) {
            Class::Connection { element } => element,
            _ => named,
        }
    }

    fn coordinate(&mut self, entry: &Entry) -> Option<(TypeId, FieldId)> {
        let role = self.cx.role(self.role);
        let name = &*entry.key;
        let found = name.split_once('.').and_then(|(ty, field)| {
            let ty = *self.cx.names.get(ty)?;
            Some((ty, *self.cx.ty(ty).field_names.get(field)?))
        });
        let known = || role.coordinates().map(|one| &*self.cx.field(one.ty, one.field).coordinate);
        let Some((ty, field)) = found else {
            if name.split_once('.').is_some_and(|(ty, field)| {
                self.cx.sdl.is_doubtful(ty) && !self.cx.names.contains_key(ty)
                    || self.cx.sdl.is_doubtful_field(ty, field)
            }) {
                return None;
            }
            let problem =
                Diagnostic::error(Code::UnknownField, format!("the schema has no `{name}`"))
                    .at(entry.key_span, "not in the schema")
                    .suggest(name, known());
            self.problem(problem);
            return None;
        };
        let is_value =
            self.cx.class(ty) == Class::Value && self.out.shape_of.contains_key(&(self.role, ty));
        if !is_value && !role.owns(ty, field) {
            if self.cx.contract.meant.contains(&(ty, field)) {
                return None;
            }
            let owner = self.cx.contract.roles.iter().find(|other| other.owns(ty, field));
            let problem = Diagnostic::error(
                Code::NotInContract,
                format!("`{name}` does not belong to the role `{}`", role.name),
            )
            .at(entry.key_span, "not in the role's contract");
            let problem = match owner {
                Some(owner) => problem.help(format!("it belongs to `{}`", owner.name)),
                None => problem.suggest(name, known()),
            };
            self.problem(problem);
            return None;
        }
        Some((ty, field))
    }

    fn reference(&mut self, ty: TypeId, field: FieldId, entry: &Entry) -> Option<Source> {
        let kind = entry.value.get("reference")?;
        let definition = self.cx.field(ty, field);
        let target = definition.ty.named;
        let lists = definition.ty.wrappers.iter().filter(|wrapper| wrapper.list).count();
        let goal = Goal::of_field(self.cx, self.role, ty, field);
        if self.cx.class(target) != Class::Entity {
            let why = "a reference leads to an object of a type with parts";
            self.mismatch_at(entry.key_span, &goal, why, "");
            return None;
        }
        let name = &self.cx.ty(target).name;
        let Some(contract) = self.cx.part(self.role, target) else {
            let role = &self.cx.role(self.role).name;
            let problem = Diagnostic::error(
                Code::UnknownPart,
                format!("the role `{role}` has no part of `{name}`"),
            )
            .at(entry.key_span, "refers to one")
            .also(self.cx.type_span(target), "the type");
            self.problem(problem);
            return None;
        };
        let Some((key_kind, key)) = contract.key(kind.filled()?) else {
            self.unknown_kind(target, kind.filled()?, kind.span);
            return None;
        };
        let Some(from) = entry.value.get("from") else {
            self.error(
                Code::MissingKey,
                entry.key_span,
                "a reference needs `from`",
                "which key is it?",
            );
            return None;
        };
        let From { source, parts, is_list } = self.from(ty, field, Some(from), key.normalizer)?;
        if parts != key.slots.len() {
            let message = format!(
                "the key `{}` of `{name}` has {} parts, and this gives {parts}",
                key.kind,
                key.slots.len()
            );
            self.error(Code::KeyMismatch, from.span, message, "the wrong number of parts");
            return None;
        }
        if lists > 1 || is_list != (lists == 1) {
            let why = if is_list {
                "several keys, and this is one object"
            } else {
                "one key, and this is a list"
            };
            self.mismatch_at(
                from.span,
                &goal,
                why,
                "a list of references needs an argument that is a list",
            );
            return None;
        }
        // a role of this type that nobody plays: the coordinate stays uncovered
        let part = self.cx.part_id(self.role, target)?;
        Some(Source::Reference(Reference { part, key_kind, key: source, many: is_list }))
    }

    fn field_call(&mut self, ty: TypeId, field: FieldId, entry: &Entry) -> Option<Source> {
        let call_node = entry.value.get("call")?;
        let call = self.call_named(call_node)?;
        let from_node = entry.value.get("from");
        let normalizer = self.slot_normalizer(ty, from_node);
        let Some(from) = self.from(ty, field, from_node, normalizer) else {
            self.unread(call, call_node.span);
            return None;
        };
        let is_mutation = self.cx.class(ty) == Class::Mutation;
        self.normalize(call, normalizer);
        if let Some(call) = self.out.calls.get_mut(call.index())
            && is_mutation
        {
            call.effect = Effect::Write;
        }
        let key_parts = from_node.map(|_| from.parts);
        self.used(call, Use { span: call_node.span, by: UsedBy::Field(ty, field), key_parts });
        if from.is_list {
            let goal = Goal::of_field(self.cx, self.role, ty, field);
            self.mismatch_at(
                from_node?.span,
                &goal,
                "a list of keys, and a call for a field takes one",
                "use `reference`",
            );
            return None;
        }
        self.check_order(call_node, self.element(ty, field));
        let yielded = self.yielded(ty, field, entry)?;
        let place = (call, call_node.span);
        let rules = self.list_rules((ty, field), place, &from.source, &yielded);
        let Yielded { shape, yields, part, names } = yielded;
        let key = from.source;
        Some(Source::Call(FieldCall { call, shape, key, yields, part, names, rules }))
    }

    /// How two spellings of the slot that a key comes from are made equal.
    fn slot_normalizer(&self, ty: TypeId, from: Option<&Node>) -> Normalizer {
        let name = from.and_then(Node::filled);
        let part = self.cx.part(self.role, ty);
        let key = part.and_then(|part| {
            part.keys
                .iter()
                .find(|key| matches!(key.slots.as_slice(), [slot] if Some(&**slot) == name))
        });
        key.map_or(Normalizer::Exact, |key| key.normalizer)
    }
}
