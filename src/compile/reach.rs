//! Can every part be found? Following keys and identity rules as the engine will.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::context::{Context, RoleId};
use super::identity::Identity;
use super::vendor::Output;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{PartId, Source, TypeId};
use crate::mapping::Mapping;

/// What is known of a part once a key of it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// The slots of its keys alone: there is no call that loads it by them.
    Keys(BTreeSet<Arc<str>>),
    /// Its record can be loaded.
    Record,
}

pub(super) struct Reach<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) out: &'a Output,
    pub(super) identity: &'a Identity,
    pub(super) problems: &'a mut Vec<Diagnostic>,
}

impl Reach<'_> {
    pub(super) fn check(&mut self) {
        let mut types: Vec<TypeId> = self.cx.parts.keys().copied().collect();
        types.sort_unstable();
        for ty in types {
            self.check_type(ty);
        }
        for index in 0..self.out.sources.len() {
            self.check_source(index);
        }
    }

    /// Every part with something to give is found from the anchor.
    fn check_type(&mut self, ty: TypeId) {
        if self.identity.broken.contains(&ty) {
            return;
        }
        let Some(roles) = self.cx.parts.get(&ty).cloned() else { return };
        let Some(anchor) = roles.first().copied() else { return };
        let known = self.spread(ty, anchor, Known::Record);
        for role in roles.into_iter().skip(1) {
            let (Some(part), Some(id)) = (self.cx.part(role, ty), self.cx.part_id(role, ty)) else {
                continue;
            };
            let is_filled =
                self.out.filled.iter().any(|(other, of, _)| *other == role && *of == ty);
            let read = self.read_slots(role, ty, id);
            if !is_filled && read.is_empty() {
                continue;
            }
            let names = (&self.cx.role(role).name, &self.cx.ty(ty).name);
            match known.get(&role) {
                None => self.problems.push(
                    Diagnostic::error(
                        Code::UnreachablePart,
                        format!("nothing leads to `{}`'s part of `{}`", names.0, names.1),
                    )
                    .at(part.span, "no identity rule finds it")
                    .help(format!(
                        "add one: `identity: {{ {}: {{ {}: [{{ key: …, from: role.slot }}] }} }}`",
                        names.1, names.0
                    )),
                ),
                Some(Known::Keys(slots)) if is_filled || !read.is_subset(slots) => {
                    self.problems.push(
                        Diagnostic::error(
                            Code::MissingLookup,
                            format!(
                                "no call loads `{}`'s part of `{}` by a key that is known",
                                names.0, names.1
                            ),
                        )
                        .at(part.span, "found by its key, and must be loaded")
                        .help(format!(
                            "name a call under `lookups: {{ {}: … }}` of the vendor file",
                            names.1
                        )),
                    );
                }
                Some(_) => {}
            }
        }
    }

    /// Slots of a role's part that keys of calls and references read.
    fn read_slots(&self, role: RoleId, ty: TypeId, id: PartId) -> BTreeSet<Arc<str>> {
        let shape =
            self.out.shape_of.get(&(role, ty)).and_then(|shape| self.out.shapes.get(shape.index()));
        let mut names = BTreeSet::new();
        for source in
            self.out.sources.iter().filter(|source| source.role == role && source.ty == ty)
        {
            let key = match &source.source {
                Source::Call(call) => &call.key,
                Source::Reference(reference) => &reference.key,
                _ => continue,
            };
            if let Some((part, slots)) = key.slots()
                && part == id
            {
                let slots = slots.iter().filter_map(|slot| shape?.slots.get(slot.index()));
                names.extend(slots.map(|slot| Arc::clone(&slot.name)));
            }
        }
        names
    }

    /// An object that a field leads to has an anchor that can be loaded.
    fn check_source(&mut self, index: usize) {
        let Some(source) = self.out.sources.get(index) else { return };
        let named = self.cx.field(source.ty, source.field).ty.named;
        let (ty, part, start, kind) = match &source.source {
            Source::Reference(reference) => {
                let role = source.role;
                let kind = reference.key_kind;
                (named, reference.part, self.known_by(role, named, kind), Some(kind))
            }
            Source::Call(call) => {
                let Some(shape) = self.out.shapes.get(call.shape.index()) else { return };
                match (call.names, call.part) {
                    (Some(named), _) => {
                        let start = self.known_by(source.role, shape.ty, named.key_kind);
                        (shape.ty, named.part, start, Some(named.key_kind))
                    }
                    (None, Some(part)) => (shape.ty, part, Known::Record, None),
                    (None, None) => return,
                }
            }
            _ => return,
        };
        let (role, span) = (source.role, source.span);
        if self.identity.broken.contains(&ty) {
            return;
        }
        let known = self.spread(ty, role, start);
        let Some(anchor) = self.cx.parts.get(&ty).and_then(|roles| roles.first().copied()) else {
            return;
        };
        if known.get(&anchor) == Some(&Known::Record) {
            return;
        }
        self.unreachable(ty, role, anchor, kind.filter(|_| part == PartId(0)), span);
    }

    fn unreachable(
        &mut self,
        ty: TypeId,
        role: RoleId,
        anchor: RoleId,
        kind: Option<u8>,
        span: Span,
    ) {
        let (name, anchor_name) = (&self.cx.ty(ty).name, &self.cx.role(anchor).name);
        let contract = self.cx.part(anchor, ty).map(|part| part.span);
        let key = kind.and_then(|kind| self.cx.part(role, ty)?.keys.get(usize::from(kind)));
        let problem = if let Some(key) = key {
            Diagnostic::error(
                Code::MissingLookup,
                format!("no call loads `{name}` by `{}`", key.kind),
            )
            .at(span, "refers to it by this key")
            .help(format!("name a call under `lookups: {{ {name}: {{ {}: … }} }}`", key.kind))
        } else {
            let message = format!("from here the `{anchor_name}` part of `{name}` cannot be found");
            Diagnostic::error(Code::UnreachablePart, message)
                .at(span, "leads to an object whose existence that part decides")
                .help(format!("add an identity rule for `{anchor_name}` from this role's part, or the lookup that it needs"))
        };
        self.problems.push(problem.also(contract, "the anchor"));
    }

    fn known_by(&self, role: RoleId, ty: TypeId, kind: u8) -> Known {
        if self.out.lookups.contains_key(&(role, ty, kind)) {
            return Known::Record;
        }
        let key = self.cx.part(role, ty).and_then(|part| part.keys.get(usize::from(kind)));
        Known::Keys(key.map(|key| key.slots.iter().cloned().collect()).unwrap_or_default())
    }

    /// What becomes known of the type's parts when this much of one is.
    fn spread(&self, ty: TypeId, role: RoleId, start: Known) -> FxHashMap<RoleId, Known> {
        let mut known: FxHashMap<RoleId, Known> = FxHashMap::default();
        known.insert(role, start);
        loop {
            let before = known.clone();
            for rule in self.identity.rules.iter().filter(|rule| rule.ty == ty) {
                let is_played = self.cx.part_id(rule.role, ty).is_some();
                let holds = known.get(&rule.from).is_some_and(|from| match from {
                    Known::Record => {
                        rule.slots.iter().all(|slot| self.is_mapped(rule.from, ty, slot))
                    }
                    Known::Keys(slots) => rule.slots.iter().all(|slot| slots.contains(slot)),
                });
                if !is_played || !holds {
                    continue;
                }
                let found =
                    match (self.known_by(rule.role, ty, rule.key_kind), known.remove(&rule.role)) {
                        (Known::Record, _) | (_, Some(Known::Record)) => Known::Record,
                        (Known::Keys(slots), None) => Known::Keys(slots),
                        (Known::Keys(mut slots), Some(Known::Keys(more))) => {
                            slots.extend(more);
                            Known::Keys(slots)
                        }
                    };
                known.insert(rule.role, found);
            }
            if known == before {
                return known;
            }
        }
    }

    /// Does a loaded record hold this slot?
    fn is_mapped(&self, role: RoleId, ty: TypeId, slot: &str) -> bool {
        let shape =
            self.out.shape_of.get(&(role, ty)).and_then(|shape| self.out.shapes.get(shape.index()));
        let slot = shape.and_then(|shape| shape.slots.iter().find(|one| &*one.name == slot));
        slot.is_some_and(|slot| !matches!(slot.mapping, Mapping::Constant { .. }))
    }
}
