//! `roles.yaml`, and what other files add to it, against the schema: which role answers for what.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::context::{Class, RoleId};
use super::federation::fields as field_sets;
use super::guards;
use super::schema::Sdl;
use super::survivorship::Survivorship;
use crate::config::units;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{FieldId, Normalizer, Type, TypeId};
use crate::value::Country;

#[derive(Debug, Default)]
pub(super) struct Contract {
    pub(super) roles: Vec<Role>,
    /// Coordinates that a misspelled one most likely means: nothing is told that only follows from that.
    pub(super) meant: FxHashSet<(TypeId, FieldId)>,
    /// Fields that several roles may fill.
    pub(super) survivorship: Vec<Survivorship>,
}

#[derive(Debug)]
pub(super) struct Role {
    pub(super) name: Arc<str>,
    pub(super) parts: Vec<PartContract>,
    /// Coordinates that calls and references answer.
    pub(super) fields: Vec<Coordinate>,
}

#[derive(Debug)]
pub(super) struct PartContract {
    pub(super) ty: TypeId,
    pub(super) span: Span,
    pub(super) is_anchor: bool,
    pub(super) keys: Vec<KeyContract>,
    /// Hidden slots.
    pub(super) slots: Vec<(Arc<str>, Span)>,
    pub(super) fields: Vec<Coordinate>,
    /// The slot with the survivor's id, in records that were merged into another.
    pub(super) merged: Option<Arc<str>>,
}

#[derive(Debug)]
pub(super) struct KeyContract {
    pub(super) kind: Arc<str>,
    pub(super) slots: Vec<Arc<str>>,
    /// For each slot, where a federation's router says it.
    pub(super) paths: Vec<Vec<Arc<str>>>,
    pub(super) normalizer: Normalizer,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Coordinate {
    pub(super) ty: TypeId,
    pub(super) field: FieldId,
    pub(super) span: Span,
}

impl Contract {
    /// For each type with parts, the roles that have them: the anchor's first, the others in the contract's order.
    pub(super) fn parts_by_type(&self) -> Vec<(TypeId, Vec<RoleId>)> {
        let mut by_type: Vec<(TypeId, Vec<RoleId>)> = Vec::new();
        let mut places: FxHashMap<TypeId, usize> = FxHashMap::default();
        for (index, role) in self.roles.iter().enumerate() {
            for part in &role.parts {
                let place = *places.entry(part.ty).or_insert(by_type.len());
                if place == by_type.len() {
                    by_type.push((part.ty, Vec::new()));
                }
                if let Some((_, roles)) = by_type.get_mut(place) {
                    let at = if part.is_anchor { 0 } else { roles.len() };
                    roles.insert(at, RoleId(index));
                }
            }
        }
        by_type
    }

    /// The role of a type's anchor; of a type without one the first role that has a part of it.
    pub(super) fn anchor_of(&self, ty: TypeId) -> Option<RoleId> {
        let roles = self.roles.iter().enumerate();
        let parts =
            roles.flat_map(|(index, role)| role.parts.iter().map(move |part| (index, part)));
        let own = parts.filter(|(_, part)| part.ty == ty);
        // the anchor, if any, is the greatest; of the others the first
        let first = own.rev().max_by_key(|(_, part)| part.is_anchor);
        first.map(|(index, _)| RoleId(index))
    }

    pub(super) fn role_named(&self, name: &str) -> Option<RoleId> {
        self.roles.iter().position(|role| &*role.name == name).map(RoleId)
    }

    pub(super) fn role_names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|role| &*role.name)
    }
}

impl Role {
    /// Every coordinate of this role: those that its parts fill and those that calls answer.
    pub(super) fn coordinates(&self) -> impl Iterator<Item = Coordinate> {
        self.parts.iter().flat_map(|part| &part.fields).chain(&self.fields).copied()
    }

    pub(super) fn owns(&self, ty: TypeId, field: FieldId) -> bool {
        self.coordinates().any(|one| one.ty == ty && one.field == field)
    }
}

impl PartContract {
    pub(super) fn key(&self, kind: &str) -> Option<(u8, &KeyContract)> {
        let index = self.keys.iter().position(|key| &*key.kind == kind)?;
        Some((u8::try_from(index).ok()?, self.keys.get(index)?))
    }
}

/// Reads the contract and checks it against the schema.
pub(super) struct Reader<'a> {
    pub(super) sdl: &'a Sdl,
    pub(super) types: &'a [Type],
    pub(super) names: &'a FxHashMap<Arc<str>, TypeId>,
    pub(super) classes: &'a [Class],
    pub(super) problems: &'a mut Vec<Diagnostic>,
    /// Root fields that identity files answer.
    pub(super) crossing: FxHashSet<Arc<str>>,
    /// Of the deployment, for telephone numbers.
    pub(super) country: Option<&'static Country>,
    /// See [`Contract::meant`].
    pub(super) meant: FxHashSet<(TypeId, FieldId)>,
    /// Coordinates of metrics, which no role answers for.
    pub(super) reckoned: FxHashSet<&'a str>,
}

/// The entries that all files have under one key of their top.
pub(super) fn all_of<'n>(roots: &[&'n Node], key: &'static str) -> impl Iterator<Item = &'n Entry> {
    roots.iter().flat_map(move |root| root.get(key).map(Node::entries).unwrap_or_default())
}

/// What several files say under one key.
fn all<'n, T: 'n>(
    entries: &[&'n Entry],
    key: &'static str,
    items: fn(&'n Node) -> &'n [T],
) -> impl Iterator<Item = &'n T> {
    entries.iter().filter_map(move |entry| entry.value.get(key)).flat_map(items)
}

/// Entries of one name together, in the order in which names come first.
fn by_name<'n>(entries: impl Iterator<Item = &'n Entry>) -> Vec<(Arc<str>, Vec<&'n Entry>)> {
    let mut named: Vec<(Arc<str>, Vec<&Entry>)> = Vec::new();
    for entry in entries {
        match named.iter_mut().find(|(name, _)| *name == entry.key) {
            Some((_, entries)) => entries.push(entry),
            None => named.push((Arc::clone(&entry.key), vec![entry])),
        }
    }
    named
}

impl Reader<'_> {
    /// `roles.yaml` first, then the files that may add to it.
    pub(super) fn read<'n>(mut self, roots: impl Iterator<Item = &'n Node>) -> Contract {
        let roots: Vec<&Node> = roots.collect();
        let roles = by_name(all_of(&roots, "roles"));
        let roles = roles.iter().map(|(name, entries)| self.role(name, entries)).collect();
        let mut contract = Contract { roles, ..Contract::default() };
        contract.survivorship = self.survivorship(&roots, &contract);
        contract.meant = std::mem::take(&mut self.meant);
        self.anchors(&mut contract);
        self.owners(&contract);
        self.nullability(&contract);
        self.root_nullability(&contract);
        contract
    }

    fn role(&mut self, name: &Arc<str>, entries: &[&Entry]) -> Role {
        let parts = by_name(all(entries, "parts", Node::entries));
        let fields = all(entries, "fields", Node::items);
        Role {
            name: Arc::clone(name),
            parts: parts.iter().filter_map(|(_, entries)| self.part(entries)).collect(),
            fields: fields
                .filter_map(|field| self.coordinate(field.filled()?, field.span))
                .collect(),
        }
    }

    /// One part, of all files that say something of it.
    fn part(&mut self, entries: &[&Entry]) -> Option<PartContract> {
        let first = *entries.first()?;
        let (id, ty) = self.object_type(&first.key, first.key_span)?;
        let fields: Vec<Coordinate> = all(entries, "fields", Node::items)
            .filter_map(|field| self.field(id, ty, field.filled()?, field.span))
            .collect();
        let is_anchor =
            |entry: &&Entry| entry.value.get_text("anchor").and_then(units::boolean) == Some(true);
        let mut part = PartContract {
            ty: id,
            span: first.key_span,
            is_anchor: entries.iter().any(is_anchor),
            keys: Vec::new(),
            slots: self.slots(ty, entries),
            fields,
            merged: None,
        };
        let merged = entries.iter().find_map(|entry| entry.value.get("merged"));
        part.merged = merged.and_then(|node| self.merged(ty, &part, node));
        part.keys = self.keys(ty, &part, entries);
        Some(part)
    }

    fn keys(&mut self, ty: &Type, part: &PartContract, entries: &[&Entry]) -> Vec<KeyContract> {
        let keys = by_name(all(entries, "keys", Node::entries));
        if keys.is_empty() {
            self.problems.push(
                Diagnostic::error(
                    Code::InvalidPart,
                    format!("this part of `{}` has no key", ty.name),
                )
                .at(part.span, "nothing can name this part")
                .help("give it at least one: `keys: { id: id }`"),
            );
        }
        let mut read = Vec::new();
        for (name, said) in &keys {
            if let [first, second, ..] = said.as_slice() {
                self.problems.push(
                    Diagnostic::error(
                        Code::DuplicateOwner,
                        format!("the key `{name}` of `{}` is said twice", ty.name),
                    )
                    .at(second.key_span, "the second")
                    .at(first.key_span, "the first")
                    .help("a key is said in one file; remove one of them"),
                );
            }
            read.extend(said.first().map(|entry| self.key(ty, part, entry)));
        }
        read
    }

    fn slots(&mut self, ty: &Type, entries: &[&Entry]) -> Vec<(Arc<str>, Span)> {
        let mut slots: Vec<(Arc<str>, Span)> = Vec::new();
        for slot in all(entries, "slots", Node::items) {
            let Some(name) = slot.filled() else { continue };
            if ty.field_names.contains_key(name) {
                self.problems.push(
                    Diagnostic::error(
                        Code::InvalidPart,
                        format!("the slot `{name}` has the name of a field of `{}`", ty.name),
                    )
                    .at(slot.span, "a hidden slot")
                    .also(self.sdl.field_span(&ty.name, name), "the field")
                    .help("name the slot otherwise, or list the name under `fields`"),
                );
            } else if !slots.iter().any(|(other, _)| &**other == name) {
                slots.push((Arc::from(name), slot.span));
            }
        }
        slots
    }

    fn key(&mut self, ty: &Type, part: &PartContract, entry: &Entry) -> KeyContract {
        let listed = entry.value.get("slots");
        let items = listed.map_or_else(|| std::slice::from_ref(&entry.value), Node::items);
        let mut slots = Vec::new();
        for slot in items {
            let Some(name) = slot.filled() else { continue };
            self.known_slot(ty, part, slot, name);
            slots.push(Arc::from(name));
        }
        let country = entry.value.get("country");
        let normalizer = match entry.value.get_text("normalize") {
            Some("email") => Normalizer::Email,
            Some("phone") => {
                let own = country.and_then(|node| guards::country(node, self.problems));
                Normalizer::Phone(own.or(self.country))
            }
            Some("domain") => Normalizer::Domain,
            Some("case_insensitive") => Normalizer::CaseInsensitive,
            _ => Normalizer::Exact,
        };
        let paths = match entry.value.get("fields") {
            Some(node) => self.key_paths(ty, node, slots.len()),
            None => slots.iter().map(|slot| vec![Arc::clone(slot)]).collect(),
        };
        KeyContract { kind: Arc::clone(&entry.key), slots, paths, normalizer }
    }

    /// A slot or field of the part, or a problem.
    pub(super) fn known_slot(
        &mut self,
        ty: &Type,
        part: &PartContract,
        slot: &Node,
        name: &str,
    ) -> bool {
        let is_hidden = part.slots.iter().any(|(other, _)| &**other == name);
        let field = ty.field_names.get(name);
        let is_field = part.fields.iter().any(|one| Some(&one.field) == field);
        let is_doubtful = self.sdl.is_doubtful_field(&ty.name, name);
        let is_known = is_hidden || is_field;
        if !is_known && !is_doubtful {
            let known = part.slots.iter().map(|(name, _)| &**name);
            let fields = part.fields.iter().filter_map(|one| ty.fields.get(one.field.index()));
            let known: Vec<&str> = known.chain(fields.map(|field| &*field.name)).collect();
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownSlot,
                    format!("this part of `{}` has no slot or field `{name}`", ty.name),
                )
                .at(slot.span, "not known")
                .suggest(name, known),
            );
        }
        is_known
    }

    fn merged(&mut self, ty: &Type, part: &PartContract, node: &Node) -> Option<Arc<str>> {
        let name = node.filled()?;
        self.known_slot(ty, part, node, name).then(|| Arc::from(name))
    }

    /// The fields of a key as its `@key` names them; none where there is a problem.
    fn key_paths(&mut self, ty: &Type, node: &Node, slots: usize) -> Vec<Vec<Arc<str>>> {
        let set = node.filled().and_then(field_sets::parse);
        let paths = set.map(|set| set.paths()).unwrap_or_default();
        if paths.len() != slots {
            self.problems.push(
                Diagnostic::error(
                    Code::InvalidPart,
                    format!("these are {} fields, and the key has {slots} slots", paths.len()),
                )
                .at(node.span, "one field for each slot")
                .help("write them as in `@key`, in the order of the slots: `sku variant { id }`"),
            );
            return Vec::new();
        }
        for path in &paths {
            let mut of = Some(ty);
            for name in path {
                let Some(known) = of else { break };
                let field = known.field_names.get(name).and_then(|id| known.fields.get(id.index()));
                if field.is_none() && !self.sdl.is_doubtful_field(&known.name, name) {
                    self.problems.push(
                        Diagnostic::error(
                            Code::UnknownField,
                            format!("`{}` has no field `{name}`", known.name),
                        )
                        .at(node.span, "in these fields")
                        .suggest(name, known.fields.iter().map(|field| &*field.name)),
                    );
                }
                of = field.and_then(|field| self.types.get(field.ty.named.index()));
            }
        }
        paths
    }
}
