//! Merged lists: connections over lists of the same object, checked against the schema.
//!
//! Takes: the files that cross roles, the valid schema, the types.
//! Gives: for each such coordinate its lists and what their records become; a problem for all that cannot be.
//! Never: knows a vendor: whether a list is covered, and in which order it comes, shows when an operation is planned.

mod arguments;
mod events;
mod lists;

use std::sync::Arc;

use apollo_compiler::executable::FieldSet;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

use super::context::{Class, Context};
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{
    ConnectionField, FieldId, Merged, MergedId, Scalar, Shape, Source, Type, TypeId, TypeKind,
};

/// Lists are numbered in one byte, and each page looks at all of them.
const MOST_LISTS: usize = 32;

/// Compiles all merged lists and gives their fields their sources.
pub(super) fn link(
    cx: &Context<'_>,
    schema: &Valid<Schema>,
    types: &mut [Type],
    (roots, shapes): (&[Node], &[Shape]),
    problems: &mut Vec<Diagnostic>,
) -> Vec<Merged> {
    let mut all = Vec::new();
    for entry in entries(roots) {
        let mut reader = Reader { cx, schema, problems };
        let Some(place) = reader.place(entry) else { continue };
        let Some(merged) = reader.merged(place, entry) else { continue };
        let id = MergedId(u16::try_from(all.len()).unwrap_or(u16::MAX));
        give_sources(types, shapes, place, &merged, id);
        all.push(merged);
    }
    all
}

/// Where merged lists stand.
pub(super) fn coordinates(roots: &[Node]) -> impl Iterator<Item = &str> {
    entries(roots).map(|entry| &*entry.key)
}

fn entries(roots: &[Node]) -> impl Iterator<Item = &Entry> {
    roots.iter().flat_map(|root| root.get("merged").map(Node::entries).unwrap_or_default())
}

/// The coordinate, and the type of what it gives.
#[derive(Clone, Copy)]
struct Place {
    parent: TypeId,
    field: FieldId,
    connection: TypeId,
    element: TypeId,
}

/// What is asked of the items, by name.
struct Names<'n> {
    time: &'n str,
    kind: Option<&'n str>,
    /// The values of `kind`.
    kinds: Vec<Arc<str>>,
}

struct Reader<'a, 'c> {
    cx: &'a Context<'c>,
    schema: &'a Valid<Schema>,
    problems: &'a mut Vec<Diagnostic>,
}

impl Reader<'_, '_> {
    fn problem(&mut self, message: String, at: Span, label: &str) {
        self.problems.push(Diagnostic::error(Code::InvalidMerged, message).at(at, label));
    }

    /// `Customer.timeline`: a connection on a type with parts that no role answers.
    fn place(&mut self, entry: &Entry) -> Option<Place> {
        let (cx, span) = (self.cx, entry.key_span);
        let (parent, field) = cx.coordinate(entry, self.problems)?;
        let defined = cx.field(parent, field);
        let connection = defined.ty.named;
        let is_single = defined.ty.wrappers.len() == 1;
        let reason = match cx.class(connection) {
            _ if cx.class(parent) != Class::Entity => {
                "merged lists stand on types that a role has a part of"
            }
            _ if cx.contract.roles.iter().any(|role| role.owns(parent, field)) => {
                "a role answers for this field already"
            }
            Class::Connection { element } if is_single && cx.ty(element).is_composite() => {
                return Some(Place { parent, field, connection, element });
            }
            _ => "its type is to be a connection of objects",
        };
        self.problem(format!("`{}` cannot be a merged list", entry.key), span, reason);
        None
    }

    fn merged(&mut self, place: Place, entry: &Entry) -> Option<Merged> {
        let before = self.problems.len();
        let names = self.names(place.element, &entry.value)?;
        self.arguments(place, &names);
        let written = entry.value.get("lists").map(Node::entries).unwrap_or_default();
        if written.is_empty() || written.len() > MOST_LISTS {
            let message = format!("`{}` has {} lists", entry.key, written.len());
            self.problem(message, entry.key_span, "1 to 32 can be merged");
        }
        let (mut lists, mut reads) = (Vec::new(), Vec::new());
        for list in written {
            if let Some((list, text)) = self.list(place, &names, list) {
                lists.push(list);
                reads.push(text);
            }
        }
        if self.problems.len() != before {
            return None;
        }
        let reads = self.parsed(place.parent, reads.join(" "), entry.key_span)?;
        Some(Merged {
            coordinate: Arc::clone(&self.cx.field(place.parent, place.field).coordinate),
            element: place.element,
            reads: Arc::new(reads),
            lists,
            time: Arc::from(names.time),
        })
    }

    /// The fields of the items that say when and of what kind.
    fn names<'n>(&mut self, element: TypeId, node: &'n Node) -> Option<Names<'n>> {
        let (time, kind) = (node.get("time")?, node.get("kind"));
        let field = self.field_named(element, time.filled()?, time.span)?;
        if !self.is_time(element, field) {
            let message = format!("`{}` says no time", self.cx.field(element, field).coordinate);
            self.problem(message, time.span, "a `DateTime` does");
        }
        let mut kinds = Vec::new();
        if let Some(kind) = kind {
            let field = self.field_named(element, kind.filled()?, kind.span)?;
            kinds = self.values_of(element, field);
            if kinds.is_empty() {
                let message =
                    format!("`{}` says no kind", self.cx.field(element, field).coordinate);
                self.problem(message, kind.span, "an enum does");
            }
        }
        Some(Names { time: time.filled()?, kind: kind.and_then(Node::filled), kinds })
    }

    fn is_time(&self, ty: TypeId, field: FieldId) -> bool {
        let of = &self.cx.field(ty, field).ty;
        of.wrappers.len() == 1 && self.cx.ty(of.named).kind == TypeKind::Scalar(Scalar::DateTime)
    }

    /// The values of an enum's field.
    fn values_of(&self, ty: TypeId, field: FieldId) -> Vec<Arc<str>> {
        let of = &self.cx.field(ty, field).ty;
        match &self.cx.ty(of.named).kind {
            TypeKind::Enum { values } if of.wrappers.len() == 1 => values.clone(),
            _ => Vec::new(),
        }
    }

    /// The object types of a type.
    fn possible(&self, ty: TypeId) -> Vec<TypeId> {
        match &self.cx.ty(ty).kind {
            TypeKind::Interface { possible } | TypeKind::Union { possible } => possible.clone(),
            _ => vec![ty],
        }
    }

    /// A field whose records say it themselves.
    fn field_named(&mut self, ty: TypeId, name: &str, span: Span) -> Option<FieldId> {
        let found = self.cx.field_named(ty, name, span, self.problems)?;
        if let Some(rule) = self.cx.contract.survivorship_of(ty, found) {
            self.problems.push(
                Diagnostic::error(
                    Code::InvalidMerged,
                    format!("`{}.{name}` has several sources", self.cx.ty(ty).name),
                )
                .at(span, "a merged list reads the records of its lists as they stand")
                .at(rule.span, "its sources")
                .help("take a field that one role fills"),
            );
        }
        Some(found)
    }

    /// What is read, as a client would select it.
    fn parsed(&mut self, ty: TypeId, text: String, span: Span) -> Option<Valid<FieldSet>> {
        let name = Name::new(&self.cx.ty(ty).name).ok()?;
        match FieldSet::parse_and_validate(self.schema, name, text, "merged") {
            Ok(reads) => Some(reads),
            Err(errors) => {
                let first = errors.errors.iter().next().map(|error| error.error.to_string());
                let reason = first.unwrap_or_default();
                self.problem(format!("this cannot be selected: {reason}"), span, "read here");
                None
            }
        }
    }
}

/// The connection's field, its own fields, and those of the events that are made.
fn give_sources(types: &mut [Type], shapes: &[Shape], place: Place, merged: &Merged, id: MergedId) {
    let mut set = |ty: TypeId, field: FieldId, source: Source| {
        let fields = types.get_mut(ty.index()).map(|ty| &mut ty.fields);
        if let Some(field) = fields.and_then(|fields| fields.get_mut(field.index())) {
            field.source = source;
        }
    };
    set(place.parent, place.field, Source::Merged(id));
    for event in merged.lists.iter().filter_map(|list| list.event.as_ref()) {
        // a vendor may give such records elsewhere
        if shapes.iter().all(|shape| shape.ty != event.ty) {
            for field in (0_u16..).map(FieldId).take(event.fields.len()) {
                set(event.ty, field, Source::Event);
            }
        }
    }
    let own = types.get_mut(place.connection.index()).map(|ty| &mut ty.fields);
    for field in own.into_iter().flatten() {
        let said = match &*field.name {
            "complete" => ConnectionField::Complete,
            "missingSources" => ConnectionField::MissingSources,
            "undated" => ConnectionField::Undated,
            _ => continue,
        };
        field.source = Source::Connection(said);
    }
}
