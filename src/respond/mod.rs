//! Writes the answer: one walk over its shape, straight to bytes.
//!
//! Takes: a plan and what its run gave.
//! Gives: the JSON of `data` and of the errors, with fields in the order of selection and nulls where the specification
//! puts them (section 6.4.4, errors and non-null types).
//! Never: waits, loads, or builds a tree of values.

mod child;
mod connection;
mod failure;
mod slot;
mod status;

use std::sync::Arc;

use crate::error::ErrorCode;
use crate::execute::Outcome;
use crate::graph::{Graph, TypeId, Wrapper};
use crate::load::CursorKey;
use crate::operation::Condition;
use crate::plan::{Node, NodeBranch, Out, OutEntry, OutField, Plan, SiteId, is_visible};
use crate::principal::Principal;
use crate::value::{Answer, Cell};

pub use failure::FieldError;
use slot::Part;

/// What an answer is written from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub graph: &'a Graph,
    pub plan: &'a Plan,
    pub outcome: &'a Outcome,
    pub principal: &'a Principal,
    pub cursors: &'a CursorKey,
    /// The answers of `__schema` and `__type`, by response key.
    pub introspection: &'a serde_json::Map<String, serde_json::Value>,
}

/// An answer, written.
#[derive(Debug)]
pub struct Written {
    /// The whole JSON object.
    pub body: Vec<u8>,
    pub errors: usize,
}

/// Writes the whole response.
pub fn respond(source: Source<'_>) -> Written {
    let mut writer = Writer {
        source,
        out: Vec::with_capacity(source.plan.bytes_before()),
        path: Vec::new(),
        errors: Vec::new(),
        more_errors: 0,
    };
    writer.out.extend_from_slice(b"{\"data\":");
    let start = writer.out.len();
    let root = Place::Object { site: SiteId::ROOT, object: 0 };
    if writer.object(&source.plan.root, root).is_err() {
        writer.out.truncate(start);
        writer.out.extend_from_slice(b"null");
    }
    let errors = writer.errors.len();
    if errors > 0 {
        failure::write_errors(&mut writer.out, &writer.errors, writer.more_errors);
    }
    writer.out.push(b'}');
    source.plan.wrote(writer.out.len());
    Written { body: writer.out, errors }
}

/// A value that may not be null is null: the nearest nullable ancestor becomes null.
#[derive(Debug)]
struct Nulled;

type Done = Result<(), Nulled>;

/// Why a list stands where a scalar should, or the like: `compile` lets no such mapping pass.
const NOT_OF_KIND: &str = "not of the declared kind";

/// Where the record of an object stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    Object { site: SiteId, object: u32 },
    Record { answer: u32, record: Cell },
}

#[derive(Clone, Copy, Debug)]
enum Segment<'a> {
    Key(&'a str),
    Index(u32),
}

struct Writer<'a> {
    source: Source<'a>,
    out: Vec<u8>,
    path: Vec<Segment<'a>>,
    errors: Vec<FieldError>,
    more_errors: usize,
}

/// The field that a value belongs to, for errors.
#[derive(Clone, Copy)]
struct Owner<'a> {
    coordinate: &'a Arc<str>,
    location: crate::error::Location,
}

impl<'a> Writer<'a> {
    fn holds(&self, entry: &OutEntry) -> bool {
        if entry.when.0.is_empty() && entry.unless.is_empty() {
            return true;
        }
        let truths = self.source.outcome.marks.truths;
        let holds = |condition: &Condition| condition.holds(truths);
        holds(&entry.when) && !entry.unless.iter().any(holds)
    }

    fn answer(&self, answer: u32) -> Option<&'a Answer> {
        self.source.outcome.arena.loaded(answer).map(|loaded| &*loaded.answer)
    }

    fn type_of(&self, place: Place) -> Option<TypeId> {
        match place {
            Place::Object { site, object } => {
                self.source.outcome.sites.get(site.index())?.objects.get(object as usize)?.ty
            }
            Place::Record { record: Cell::Record { shape, .. }, .. } => {
                Some(self.source.graph.shape(shape).ty)
            }
            Place::Record { .. } => None,
        }
    }

    /// An object, with the fields of its own type.
    fn object(&mut self, node: &'a Node, place: Place) -> Done {
        let ty = self.type_of(place);
        let branch = node.branches.iter().find(|branch| Some(branch.ty) == ty);
        if let Some(branch) = branch {
            self.fields(branch, place)
        } else {
            self.out.extend_from_slice(b"{}");
            Ok(())
        }
    }

    fn fields(&mut self, branch: &'a NodeBranch, place: Place) -> Done {
        self.out.push(b'{');
        let mut is_first = true;
        for entry in &branch.order {
            let Some(field) = branch.fields.get(entry.field) else { continue };
            if !self.holds(entry) {
                continue;
            }
            self.key(&field.prefix, &mut is_first);
            self.path.push(Segment::Key(&field.response_key));
            let start = self.out.len();
            let done = self.field(field, branch.ty, place);
            let is_non_null = field.ty.wrappers.first().is_some_and(|wrapper| wrapper.non_null);
            let done = self.or_null(start, is_non_null, done);
            self.path.pop();
            done?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// `"key":`, with a comma before it unless it is the object's first: prefixes begin with the comma.
    fn key(&mut self, prefix: &str, is_first: &mut bool) {
        let bytes = prefix.as_bytes();
        let bytes =
            if std::mem::take(is_first) { bytes.get(1..).unwrap_or_default() } else { bytes };
        self.out.extend_from_slice(bytes);
    }

    /// Turns a null that rose to a nullable place into `null`.
    fn or_null(&mut self, start: usize, is_non_null: bool, done: Done) -> Done {
        match done {
            Err(nulled) if is_non_null => Err(nulled),
            Err(Nulled) => {
                self.out.truncate(start);
                self.out.extend_from_slice(b"null");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn field(&mut self, field: &'a OutField, ty: TypeId, place: Place) -> Done {
        let owner = Owner { coordinate: &field.coordinate, location: field.location };
        if !field.access.is_empty() && !is_visible(&field.access, self.source.principal) {
            return self.refused(owner);
        }
        match &field.source {
            Out::Typename => {
                let name = &self.source.graph.ty(ty).name;
                self.string(name);
                Ok(())
            }
            Out::Introspection => {
                let value = self
                    .source
                    .introspection
                    .get(&*field.response_key)
                    .unwrap_or(&serde_json::Value::Null);
                // Writing JSON to a vector cannot fail.
                serde_json::to_writer(&mut self.out, value).map_err(|_| Nulled)
            }
            Out::Slot { column, node } => {
                self.slot(field, Part { ty, column: *column }, node.as_ref(), place, owner)
            }
            Out::Child { site, node, .. } => self.child(field, *site, node, place, owner),
            Out::Value { site, node, .. } => {
                self.call_value(field, *site, node.as_ref(), place, owner)
            }
            Out::Connection { site, node, .. } => self.connection(field, *site, node, place, owner),
            Out::SourceStatus { node } => {
                self.source_status(node, place);
                Ok(())
            }
            Out::NotCovered => self.null(&field.ty.wrappers, owner),
        }
    }

    // ---- values ------------------------------------------------------------------------------------------------------

    /// One cell as a value of the declared type.
    fn value(
        &mut self,
        table: (u32, &'a Answer),
        cell: Cell,
        wrappers: &'a [Wrapper],
        node: Option<&'a Node>,
        owner: Owner<'a>,
    ) -> Done {
        let Some((wrapper, inner)) = wrappers.split_first() else { return Err(Nulled) };
        let start = self.out.len();
        let done = match cell {
            Cell::Null | Cell::Absent => return self.null(wrappers, owner),
            Cell::Problem(index) => {
                let reason = table
                    .1
                    .problems
                    .get(index as usize)
                    .map_or(NOT_OF_KIND, |problem| &problem.message);
                self.misfit(reason, owner)
            }
            Cell::List { start, end } if wrapper.list => {
                self.list(table, (start, end), inner, node, owner)
            }
            Cell::Record { .. } if !wrapper.list => match node {
                Some(node) => self.object(node, Place::Record { answer: table.0, record: cell }),
                None => self.misfit(NOT_OF_KIND, owner),
            },
            Cell::Text { .. } if !wrapper.list => match table.1.json(cell) {
                Some(json) => {
                    self.out.extend_from_slice(json.as_bytes());
                    return Ok(());
                }
                None => self.misfit(NOT_OF_KIND, owner),
            },
            Cell::List { .. } | Cell::Record { .. } | Cell::Text { .. } => {
                self.misfit(NOT_OF_KIND, owner)
            }
        };
        self.or_null(start, wrapper.non_null, done)
    }

    fn list(
        &mut self,
        table: (u32, &'a Answer),
        range: (u32, u32),
        wrappers: &'a [Wrapper],
        node: Option<&'a Node>,
        owner: Owner<'a>,
    ) -> Done {
        self.out.push(b'[');
        for (index, cell) in (0..).zip(range.0..range.1) {
            if index > 0 {
                self.out.push(b',');
            }
            self.path.push(Segment::Index(index));
            let done = self.value(table, table.1.cell(cell), wrappers, node, owner);
            self.path.pop();
            done?;
        }
        self.out.push(b']');
        Ok(())
    }

    // ---- scalars and nulls -----------------------------------------------------------------------------------------

    fn string(&mut self, text: &str) {
        failure::push_json(&mut self.out, text);
    }

    /// Null where it may be, an error where it may not.
    fn null(&mut self, wrappers: &[Wrapper], owner: Owner<'a>) -> Done {
        if wrappers.first().is_some_and(|wrapper| wrapper.non_null) {
            let message = format!("`{}` may not be null, and there is no value", owner.coordinate);
            self.error(owner, ErrorCode::NullForNonNull, message, None);
            return Err(Nulled);
        }
        self.out.extend_from_slice(b"null");
        Ok(())
    }
}
