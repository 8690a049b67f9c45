//! What an invalid schema leaves in doubt: names that may well be there once it is mended.
//!
//! Takes: the places of the schema's errors, and what of its files could be read.
//! Gives: whether a type or a coordinate is in doubt, so that nothing is told that is only the shadow of another problem.
//! Never: doubts anything of a valid schema.

use apollo_compiler::{Node, Schema, ast};
use rustc_hash::FxHashSet;

use crate::diagnostic::{Diagnostic, FileId, Sources, Span};

/// Empty for a valid schema.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Types with an error in them, or with a field of a type that is not there.
    types: FxHashSet<Box<str>>,
    fields: FxHashSet<(Box<str>, Box<str>)>,
    /// Every name that stands in the files, wherever it stands: what an error has swallowed is among them.
    mentioned: FxHashSet<Box<str>>,
    /// Types with a syntax error: they may have fields that could not be read.
    garbled: FxHashSet<Box<str>>,
    /// The names that follow a word such as `type`.
    defined: FxHashSet<Box<str>>,
    /// The definitions that hold an error.
    places: Vec<Span>,
    /// From a definition with a syntax error to the next one.
    spoiled: Vec<Span>,
    /// From a syntax error to the next thing that could be read.
    unread: Vec<Span>,
}

/// One error of the schema.
pub(super) struct Fault {
    pub(super) span: Span,
    /// What follows it could not be read, up to the next definition.
    pub(super) is_syntax: bool,
}

impl Doubts {
    /// Notes what one error leaves in doubt.
    pub(super) fn add(
        &mut self,
        sources: &Sources,
        files: &[FileId],
        documents: &[ast::Document],
        fault: &Fault,
    ) {
        if self.mentioned.is_empty() {
            // the roots need not be mentioned to be meant
            self.mentioned.extend(["Query", "Mutation"].map(Box::from));
            for file in files {
                self.read(sources.text(*file));
            }
        }
        let document = files.iter().position(|file| *file == fault.span.file);
        if let Some(document) = document.and_then(|index| documents.get(index)) {
            self.touch(document, fault);
        }
    }

    fn read(&mut self, text: &str) {
        let mut before = "";
        for word in text.split(|one: char| !is_of_name(one)).filter(|word| !word.is_empty()) {
            if matches!(before, "type" | "interface" | "union" | "enum" | "input" | "scalar") {
                self.defined.insert(Box::from(word));
            }
            self.mentioned.insert(Box::from(word));
            before = word;
        }
    }

    /// Whether an error stands in what another one has made unreadable.
    pub(super) fn is_shadow(&self, fault: &Fault) -> bool {
        let places = if fault.is_syntax { &self.unread } else { &self.spoiled };
        places.iter().any(|place| is_overlap(*place, fault.span))
    }

    /// Whether a type that is not there may have been swallowed by a syntax error.
    pub(super) fn may_be_defined(&self, name: &str) -> bool {
        !self.unread.is_empty() && self.defined.contains(name)
    }

    /// The field or the type that holds an error.
    fn touch(&mut self, document: &ast::Document, fault: &Fault) {
        let at = fault.span.start as usize;
        let start = |definition: &ast::Definition| Some(definition.location()?.offset());
        // `{ … }` without its head reads like an operation
        let definitions =
            || document.definitions.iter().filter(|one| !one.is_executable_definition());
        let found = definitions()
            .filter(|one| start(one).is_some_and(|start| start <= at))
            .max_by_key(|one| start(one));
        let Some((definition, location)) = found.and_then(|one| Some((one, one.location()?)))
        else {
            let next = definitions().filter_map(start).min().unwrap_or(usize::MAX);
            self.unread.extend(fault.is_syntax.then(|| Span::new(fault.span.file, at, next)));
            return;
        };
        let Some(name) = definition.name().map(|name| Box::<str>::from(name.as_str())) else {
            return;
        };
        let file = fault.span.file;
        if fault.is_syntax {
            let next = definitions().filter_map(start).filter(|start| *start > at).min();
            let next = next.unwrap_or(usize::MAX);
            let place = Span::new(file, location.offset(), next);
            self.places.push(place);
            self.spoiled.push(place);
            let member = members(definition).map(|(_, span)| span.start).find(|start| *start > at);
            self.unread.push(Span::new(file, at, member.unwrap_or(next)));
            self.garbled.insert(name.clone());
            self.types.insert(name);
            return;
        }
        let mut members = members(definition);
        if let Some((field, span)) = members.find(|(_, span)| span.contains(&at)) {
            self.places.push(Span::new(file, span.start, span.end));
            self.fields.insert((name, field.into()));
        } else {
            self.places.push(Span::new(file, location.offset(), location.end_offset()));
            self.types.insert(name);
        }
    }

    /// Types of which a field cannot be seen because its own type is not there.
    pub(super) fn orphans(&mut self, schema: &Schema) {
        use apollo_compiler::schema::ExtendedType as T;
        for (name, ty) in &schema.types {
            let fields = match ty {
                T::Object(object) => &object.fields,
                T::Interface(interface) => &interface.fields,
                _ => continue,
            };
            for field in fields.values() {
                if !schema.types.contains_key(field.ty.inner_named_type()) {
                    self.types.insert(name.as_str().into());
                    self.fields.insert((name.as_str().into(), field.name.as_str().into()));
                }
            }
        }
    }

    /// A type whose definition is not whole, or that is not there and may have been swallowed.
    pub(super) fn has_type(&self, name: &str, schema: &Schema) -> bool {
        self.types.contains(name)
            || (self.mentioned.contains(name) && !schema.types.contains_key(name))
    }

    /// A coordinate that has an error, or that may have been swallowed.
    pub(super) fn has_field(&self, ty: &str, field: &str, schema: &Schema) -> bool {
        self.garbled.contains(ty)
            || self.fields.contains(&(ty.into(), field.into()))
            || (self.mentioned.contains(field) && self.has_type(ty, schema))
    }

    /// Leaves out what points at a definition that has an error.
    pub(super) fn settle(&self, problems: &mut Vec<Diagnostic>) {
        let is_within = |span: Span| self.places.iter().any(|place| is_overlap(*place, span));
        problems.retain(|problem| !problem.labels.iter().any(|label| is_within(label.span)));
    }
}

fn is_overlap(one: Span, other: Span) -> bool {
    one.file == other.file
        && one.start < other.end.max(other.start + 1)
        && other.start < one.end.max(one.start + 1)
}

fn is_of_name(one: char) -> bool {
    one.is_ascii_alphanumeric() || one == '_'
}

/// The fields of a definition, each with its place.
fn members(
    definition: &ast::Definition,
) -> Box<dyn Iterator<Item = (&str, std::ops::Range<usize>)> + '_> {
    use ast::Definition as D;
    fn field(field: &Node<ast::FieldDefinition>) -> Option<(&str, std::ops::Range<usize>)> {
        let location = field.location()?;
        Some((field.name.as_str(), location.offset()..location.end_offset()))
    }
    fn input(field: &Node<ast::InputValueDefinition>) -> Option<(&str, std::ops::Range<usize>)> {
        let location = field.location()?;
        Some((field.name.as_str(), location.offset()..location.end_offset()))
    }
    match definition {
        D::ObjectTypeDefinition(ty) => Box::new(ty.fields.iter().filter_map(field)),
        D::ObjectTypeExtension(ty) => Box::new(ty.fields.iter().filter_map(field)),
        D::InterfaceTypeDefinition(ty) => Box::new(ty.fields.iter().filter_map(field)),
        D::InterfaceTypeExtension(ty) => Box::new(ty.fields.iter().filter_map(field)),
        D::InputObjectTypeDefinition(ty) => Box::new(ty.fields.iter().filter_map(input)),
        D::InputObjectTypeExtension(ty) => Box::new(ty.fields.iter().filter_map(input)),
        _ => Box::new(std::iter::empty()),
    }
}
