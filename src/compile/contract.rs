//! `roles.yaml` against the schema: which role answers for what.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::context::{Class, RoleId};
use super::schema::Sdl;
use crate::config::units;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{FieldId, Normalizer, Type, TypeId, TypeKind};

#[derive(Debug, Default)]
pub(super) struct Contract {
    pub(super) roles: Vec<Role>,
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
}

#[derive(Debug)]
pub(super) struct KeyContract {
    pub(super) kind: Arc<str>,
    pub(super) slots: Vec<Arc<str>>,
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
        for (index, role) in self.roles.iter().enumerate() {
            for part in &role.parts {
                let found = by_type.iter().position(|(ty, _)| *ty == part.ty);
                let place = found.unwrap_or(by_type.len());
                if found.is_none() {
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
}

impl<'a> Reader<'a> {
    pub(super) fn read(&mut self, root: &Node) -> Contract {
        let roles = root.get("roles").map(Node::entries).unwrap_or_default();
        let mut contract = Contract { roles: roles.iter().map(|entry| self.role(entry)).collect() };
        self.anchors(&mut contract);
        self.owners(&contract);
        self.nullability(&contract);
        contract
    }

    fn role(&mut self, entry: &Entry) -> Role {
        let parts = entry.value.get("parts").map(Node::entries).unwrap_or_default();
        let fields = entry.value.get("fields").map(Node::items).unwrap_or_default();
        Role {
            name: Arc::clone(&entry.key),
            parts: parts.iter().filter_map(|part| self.part(part)).collect(),
            fields: fields.iter().filter_map(|field| self.coordinate(field)).collect(),
        }
    }

    fn part(&mut self, entry: &Entry) -> Option<PartContract> {
        let (id, ty) = self.object_type(&entry.key, entry.key_span)?;
        let node = &entry.value;
        let fields: Vec<Coordinate> = node
            .get("fields")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|field| self.field(id, ty, field.filled()?, field.span))
            .collect();
        let mut part = PartContract {
            ty: id,
            span: entry.key_span,
            is_anchor: node.get_text("anchor").and_then(units::boolean) == Some(true),
            keys: Vec::new(),
            slots: self.slots(ty, node),
            fields,
        };
        let keys = node.get("keys").map(Node::entries).unwrap_or_default();
        part.keys = keys.iter().map(|key| self.key(ty, &part, key)).collect();
        if part.keys.is_empty() && node.get("keys").is_some() {
            self.problems.push(
                Diagnostic::error(
                    Code::InvalidPart,
                    format!("this part of `{}` has no key", ty.name),
                )
                .at(entry.key_span, "nothing can name this part")
                .help("give it at least one: `keys: { id: id }`"),
            );
        }
        Some(part)
    }

    fn slots(&mut self, ty: &Type, node: &Node) -> Vec<(Arc<str>, Span)> {
        let mut slots: Vec<(Arc<str>, Span)> = Vec::new();
        for slot in node.get("slots").map(Node::items).unwrap_or_default() {
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
            let is_hidden = part.slots.iter().any(|(other, _)| &**other == name);
            let field = ty.field_names.get(name);
            let is_field = part.fields.iter().any(|one| Some(&one.field) == field);
            if !is_hidden && !is_field {
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
            slots.push(Arc::from(name));
        }
        let normalizer = match entry.value.get_text("normalize") {
            Some("email") => Normalizer::Email,
            Some("phone") => Normalizer::Phone,
            Some("case_insensitive") => Normalizer::CaseInsensitive,
            _ => Normalizer::Exact,
        };
        KeyContract { kind: Arc::clone(&entry.key), slots, normalizer }
    }

    /// `Type.field`.
    fn coordinate(&mut self, node: &Node) -> Option<Coordinate> {
        let text = node.filled()?;
        let Some((ty, field)) = text.split_once('.') else {
            self.problems.push(
                Diagnostic::error(Code::UnknownField, format!("`{text}` is not a coordinate"))
                    .at(node.span, "no `.` in it")
                    .help("coordinates are written `Type.field`"),
            );
            return None;
        };
        let (id, ty) = self.object_type(ty, node.span)?;
        self.field(id, ty, field, node.span)
    }

    fn field(&mut self, id: TypeId, ty: &Type, name: &str, span: Span) -> Option<Coordinate> {
        let found = ty.field_names.get(name);
        if found.is_none() {
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownField,
                    format!("`{}` has no field `{name}`", ty.name),
                )
                .at(span, "not in the schema")
                .also(self.sdl.type_span(&ty.name), "the type")
                .suggest(name, ty.fields.iter().map(|field| &*field.name)),
            );
        }
        Some(Coordinate { ty: id, field: *found?, span })
    }

    /// A type that roles can answer for.
    fn object_type(&mut self, name: &str, span: Span) -> Option<(TypeId, &'a Type)> {
        let objects = self.types.iter().filter(|ty| matches!(ty.kind, TypeKind::Object));
        let found = self.names.get(name).and_then(|id| Some((*id, self.types.get(id.index())?)));
        match found {
            Some((id, ty)) if matches!(ty.kind, TypeKind::Object) => Some((id, ty)),
            Some((_, ty)) => {
                self.problems.push(
                    Diagnostic::error(Code::UnknownType, format!("`{name}` is not an object type"))
                        .at(span, "roles answer for object types")
                        .also(self.sdl.type_span(&ty.name), "defined here"),
                );
                None
            }
            None => {
                self.problems.push(
                    Diagnostic::error(
                        Code::UnknownType,
                        format!("the schema has no type `{name}`"),
                    )
                    .at(span, "not in the schema")
                    .suggest(name, objects.map(|ty| &*ty.name)),
                );
                None
            }
        }
    }
}
