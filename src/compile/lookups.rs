//! Root fields that cross roles: `node`, `nodes`, and those that `lookups` of an identity file answers by keys of several kinds.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::context::Context;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{
    ArgumentPath, ByKey, Field, FieldId, KeyMember, Normalizer, Source, Type, TypeId, TypeKind,
};

/// `Query.node(id:)` and `Query.nodes(ids:)` of the interface `Node` are the gateway's own.
pub(super) fn node_source(types: &[Type], field: &Field) -> Option<Source> {
    let returned = types.get(field.ty.named.index())?;
    let is_node = &*returned.name == "Node" && matches!(returned.kind, TypeKind::Interface { .. });
    let arguments: Vec<&str> = field.arguments.iter().map(|argument| &*argument.name).collect();
    match (&*field.name, arguments.as_slice()) {
        ("node", ["id"]) if is_node => Some(Source::Node { many: false }),
        ("nodes", ["ids"]) if is_node => Some(Source::Node { many: true }),
        _ => None,
    }
}

/// The coordinates under `lookups` of all identity files.
pub(super) fn coordinates<'n>(roots: impl Iterator<Item = &'n Node>) -> FxHashSet<Arc<str>> {
    let entries = roots.flat_map(|root| root.get("lookups").map(Node::entries).unwrap_or_default());
    entries.map(|entry| Arc::clone(&entry.key)).collect()
}

/// Gives the root fields that cross roles their sources.
pub(super) fn link<'n>(
    cx: &Context<'_>,
    types: &mut [Type],
    roots: impl Iterator<Item = &'n Node>,
    problems: &mut Vec<Diagnostic>,
) {
    let Some(query) = cx.sdl.schema().schema_definition.query.as_ref() else { return };
    let Some(query) = cx.names.get(query.name.as_str()).copied() else { return };
    let mut linker = Linker { cx, query, problems };
    let mut sources: Vec<(FieldId, Source)> = Vec::new();
    for (field, id) in cx.ty(query).fields.iter().zip((0_u16..).map(FieldId)) {
        sources.extend(node_source(cx.types, field).map(|source| (id, source)));
    }
    for root in roots {
        for entry in root.get("lookups").map(Node::entries).unwrap_or_default() {
            sources.extend(linker.lookup(entry));
        }
    }
    for (id, source) in sources {
        let field = types.get_mut(query.index()).and_then(|ty| ty.fields.get_mut(id.index()));
        let Some(field) = field else { continue };
        if matches!(field.source, Source::NotCovered) {
            field.source = source;
        } else if matches!(source, Source::ByKey(_)) {
            linker.answered_twice(field);
        }
    }
}

struct Linker<'a, 'c> {
    cx: &'a Context<'c>,
    query: TypeId,
    problems: &'a mut Vec<Diagnostic>,
}

impl Linker<'_, '_> {
    fn wrong(&mut self, span: Span, why: impl Into<String>) {
        self.problems
            .push(Diagnostic::error(Code::InvalidRule, "this lookup cannot work").at(span, why));
    }

    fn answered_twice(&mut self, field: &Field) {
        let name = &field.coordinate;
        self.problems.push(
            Diagnostic::error(Code::DuplicateOwner, format!("`{name}` is answered twice")).help(
                "by a vendor file, and under `lookups` of an identity file: keep one of them",
            ),
        );
    }

    fn lookup(&mut self, entry: &Entry) -> Option<(FieldId, Source)> {
        let query = self.cx.ty(self.query);
        let found = entry.key.split_once('.').filter(|(ty, _)| *ty == &*query.name);
        let found = found.and_then(|(_, name)| query.field_names.get(name).copied());
        let Some(id) = found else {
            if !entry
                .key
                .split_once('.')
                .is_some_and(|(ty, name)| self.cx.sdl.is_doubtful_field(ty, name))
            {
                let names = query.fields.iter().map(|field| &*field.coordinate);
                self.problems.push(
                    Diagnostic::error(
                        Code::UnknownField,
                        format!("`{}` is no root field", entry.key),
                    )
                    .at(entry.key_span, "not in the schema")
                    .suggest(&entry.key, names),
                );
            }
            return None;
        };
        let field = self.cx.field(self.query, id);
        let target = field.ty.named;
        if !self.cx.is_live(target) {
            return None;
        }
        let lists = field.ty.wrappers.iter().filter(|wrapper| wrapper.list).count();
        let argument = entry.value.get("argument")?;
        let name = argument.filled()?;
        let Some(input) = self.input(&field.name, name) else {
            self.wrong(
                argument.span,
                "the field has no argument of this name that is an input with `@oneOf`",
            );
            return None;
        };
        let (input, is_list) = input;
        if lists > 1 || is_list != (lists == 1) {
            self.wrong(argument.span, "a list of keys gives a list of objects, one key gives one");
            return None;
        }
        let members = entry.value.get("keys").map(Node::entries).unwrap_or_default();
        let before = self.problems.len();
        let members: Vec<KeyMember> = members
            .iter()
            .flat_map(|member| self.members(target, (name, &input), member))
            .collect();
        if self.problems.len() > before || members.is_empty() {
            return None;
        }
        let part = crate::graph::PartId(0);
        let keys = ByKey { argument: Arc::from(name), many: is_list, part, members };
        Some((id, Source::ByKey(Arc::new(keys))))
    }

    /// The members of a field's argument, if it is a `@oneOf` input, and whether it is a list of such.
    fn input(&self, field: &str, argument: &str) -> Option<(Vec<Arc<str>>, bool)> {
        let schema = self.cx.sdl.schema();
        let query = schema.get_object(&self.cx.ty(self.query).name)?;
        let argument = query.fields.get(field)?.argument_by_name(argument)?;
        let input = schema.get_input_object(argument.ty.inner_named_type())?;
        let names = input.fields.keys().map(|name| Arc::from(name.as_str())).collect();
        input.directives.has("oneOf").then_some((names, argument.ty.is_list()))
    }

    fn members(
        &mut self,
        target: TypeId,
        (argument, input): (&str, &[Arc<str>]),
        entry: &Entry,
    ) -> Vec<KeyMember> {
        if !input.contains(&entry.key) {
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownArgument,
                    format!("the input has no `{}`", entry.key),
                )
                .at(entry.key_span, "not in the schema")
                .suggest(&entry.key, input.iter().map(|name| &**name)),
            );
            return Vec::new();
        }
        if entry.value.map().is_none() {
            return self
                .member(target, argument, entry, (None, &entry.value))
                .into_iter()
                .collect();
        }
        let systems = entry.value.entries().iter();
        systems
            .filter_map(|system| {
                let of = (Some(Arc::clone(&system.key)), &system.value);
                self.member(target, argument, entry, of)
            })
            .collect()
    }

    fn member(
        &mut self,
        target: TypeId,
        argument: &str,
        entry: &Entry,
        (system, node): (Option<Arc<str>>, &Node),
    ) -> Option<KeyMember> {
        let text = node.filled()?;
        let anchor = self.cx.parts.get(&target).and_then(|roles| roles.first().copied())?;
        let role = &self.cx.role(anchor).name;
        let Some((_, kind)) = text.split_once('.').filter(|(name, _)| **name == **role) else {
            self.wrong(
                node.span,
                format!(
                    "written `{role}.key`: a key of the part that decides whether the object exists"
                ),
            );
            return None;
        };
        let part = self.cx.part(anchor, target)?;
        let Some((key_kind, key)) = part.key(kind) else {
            self.problems.push(
                Diagnostic::error(Code::UnknownKeyKind, format!("this part has no key `{kind}`"))
                    .at(node.span, "not in the contract")
                    .at(part.span, "the part's contract")
                    .suggest(kind, part.keys.iter().map(|key| &*key.kind)),
            );
            return None;
        };
        if key.slots.len() != 1 {
            self.wrong(node.span, "a key of several slots");
            return None;
        }
        let is_id = system.is_none()
            && key.normalizer == Normalizer::Exact
            && key.slots.first().is_some_and(|slot| &**slot == "id");
        let mut path = vec![Arc::from(argument), Arc::clone(&entry.key)];
        path.extend(system.is_some().then(|| Arc::from("id")));
        let path =
            ArgumentPath { path, id_of: is_id.then_some(target), normalizer: key.normalizer };
        Some(KeyMember { name: Arc::clone(&entry.key), key_kind, system, path })
    }
}
