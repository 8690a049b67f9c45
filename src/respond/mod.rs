//! Writes the answer: one walk over its shape, straight to bytes.
//!
//! Takes: a plan and what its run gave.
//! Gives: the JSON of `data` and of the errors, with fields in the order of selection and nulls where the specification
//! puts them (section 6.4.4, errors and non-null types).
//! Never: waits, loads, or builds a tree of values.

mod account;
mod child;
mod computed;
mod connection;
mod failure;
mod later;
mod list;
mod merged;
mod metric;
mod pages;
mod provenance;
mod scalar;
mod slot;
mod status;
mod trace;

use std::cell::OnceCell;
use std::sync::Arc;

use crate::error::ErrorCode;
use crate::execute::Outcome;
use crate::graph::{Graph, TypeId, Wrapper};
use crate::load::CursorKey;
use crate::operation::{Condition, Parts, SetId, Streamed};
use crate::plan::{Node, NodeBranch, Out, OutEntry, OutField, Plan, SiteId, StepId, is_visible};
use crate::principal::Principal;
use crate::value::{Answer, Cell};

pub use failure::FieldError;
use later::What;
pub use later::{Later, PartWritten, PathSegment, first_part, later_part};
use slot::{Held, Part};

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
    let mut writer = Writer::new(source, source.plan.bytes_before());
    writer.out.extend_from_slice(b"{\"data\":");
    writer.root();
    let errors = writer.errors.len();
    if errors > 0 {
        failure::write_errors(&mut writer.out, &writer.errors, writer.more_errors);
    }
    writer.write_trace();
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Objects of the run, and those that were met inside records since, of `limits.objects`.
    objects: usize,
    trace: Option<trace::Trace<'a>>,
    /// Of an answer in parts: which fields come with which.
    parts: Option<&'a Parts>,
    /// The part that is being written.
    set: SetId,
    /// The object that comes next was begun by another part, which noted all others.
    is_begun: bool,
    /// The list that comes next is streamed.
    streamed: Option<Streamed>,
    /// What was left out, for later.
    later: Vec<Later>,
    /// The items of the list that was written last.
    items: u32,
    metrics: metric::Metrics<'a>,
    /// By site, for `sourceStatus`.
    steps: OnceCell<Vec<Vec<StepId>>>,
    /// More items of that list may come.
    is_open: bool,
}

/// How far an answer is written.
#[derive(Clone, Copy)]
struct Mark {
    out: usize,
    later: usize,
}

/// The field that a value belongs to, for errors.
#[derive(Clone, Copy)]
struct Owner<'a> {
    coordinate: &'a Arc<str>,
    location: crate::error::Location,
}

impl<'a> Writer<'a> {
    fn new(source: Source<'a>, bytes: usize) -> Self {
        Self {
            source,
            out: Vec::with_capacity(bytes),
            path: Vec::with_capacity(16),
            errors: Vec::new(),
            more_errors: 0,
            objects: source.outcome.objects,
            trace: source.outcome.times.as_ref().map(|_| trace::Trace::default()),
            parts: None,
            set: SetId::FIRST,
            is_begun: false,
            streamed: None,
            later: Vec::new(),
            items: 0,
            metrics: metric::Metrics::default(),
            steps: OnceCell::new(),
            is_open: false,
        }
    }

    /// The whole of `data`.
    fn root(&mut self) {
        let start = self.mark();
        let root = Place::Object { site: SiteId::ROOT, object: 0 };
        let done = self.object(&self.source.plan.root, self.type_of(root), root);
        // `data` itself may be null
        drop(self.or_null(start, false, done));
    }

    fn mark(&self) -> Mark {
        Mark { out: self.out.len(), later: self.later.len() }
    }

    fn back_to(&mut self, mark: Mark) {
        self.out.truncate(mark.out);
        self.later.truncate(mark.later);
    }

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
    fn object(&mut self, node: &'a Node, ty: Option<TypeId>, place: Place) -> Done {
        let branch = node.branches.iter().find(|branch| Some(branch.ty) == ty);
        if let Some(branch) = branch {
            self.fields(branch, place)
        } else {
            self.out.extend_from_slice(b"{}");
            Ok(())
        }
    }

    fn fields(&mut self, branch: &'a Arc<NodeBranch>, place: Place) -> Done {
        let open = self.out.len();
        let mut record = Held::default();
        let is_plain = self.parts.is_none() && self.trace.is_none();
        let mut others = Vec::new();
        let is_begun = std::mem::take(&mut self.is_begun);
        let mut entries = branch.order.as_slice();
        loop {
            if is_plain && entries.first().is_some_and(|entry| entry.plain.is_some()) {
                let written = self.plain(entries, place, &mut record);
                entries = entries.get(written..).unwrap_or_default();
                if written > 0 {
                    continue;
                }
            }
            let Some((entry, rest)) = entries.split_first() else { break };
            entries = rest;
            let Some(field) = branch.fields.get(entry.field) else { continue };
            if !self.holds(entry) {
                continue;
            }
            if self.comes_later(field.occurrences, &mut others) {
                continue;
            }
            field.prefix.write(&mut self.out);
            if self.trace.is_some() {
                self.note(field, branch.ty, place);
            }
            self.path.push(Segment::Key(&field.response_key));
            let start = self.mark();
            let done = self.field(field, branch.ty, place);
            let is_non_null = field.ty.wrappers.first().is_some_and(|wrapper| wrapper.non_null);
            let done = self.or_null(start, is_non_null, done);
            self.path.pop();
            done?;
        }
        self.end_object(open);
        for set in others.into_iter().filter(|_| !is_begun) {
            self.leave(set, What::Object { branch: Arc::clone(branch), place });
        }
        Ok(())
    }

    /// Ends the object that began at `open`: the comma before its first member becomes the brace.
    fn end_object(&mut self, open: usize) {
        match self.out.get_mut(open) {
            Some(comma) => *comma = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
    }

    /// Turns a null that rose to a nullable place into `null`.
    fn or_null(&mut self, start: Mark, is_non_null: bool, done: Done) -> Done {
        match done {
            Err(nulled) if is_non_null => Err(nulled),
            Err(Nulled) => {
                self.back_to(start);
                self.out.extend_from_slice(b"null");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    #[inline(never)]
    fn field(&mut self, field: &'a OutField, ty: TypeId, place: Place) -> Done {
        let owner = Owner { coordinate: &field.coordinate, location: field.location };
        if !field.access.is_empty() && !is_visible(&field.access, self.source.principal) {
            return self.refused(owner);
        }
        if let Some(message) = self.misgiven(field) {
            self.error(owner, ErrorCode::BadUserInput, message, None);
            return Err(Nulled);
        }
        self.streamed = self.parts.and_then(|parts| parts.stream(field.stream));
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
            Out::Survivor { rule, node, .. } => {
                let column = self.survivor(rule, field.field, place);
                self.slot(field, Part { ty, column }, node.as_ref(), place, owner)
            }
            Out::Computed(computed) => self.computed(computed, field, ty, place, owner),
            Out::Child { site, node, .. } => self.child(field, *site, node, place, owner),
            Out::Value { site, node, .. } => {
                self.call_value(field, *site, node.as_ref(), place, owner)
            }
            Out::Connection { site, node, .. } => self.connection(field, *site, node, place, owner),
            Out::SourceStatus { node } => {
                self.source_status(node, place);
                Ok(())
            }
            Out::Account { node } => {
                self.account(node, ty, place);
                Ok(())
            }
            Out::Derived { node, .. } => {
                let ty = node.branches.first().map(|branch| branch.ty);
                self.object(node, ty, place)
            }
            Out::Metric { metric, reads, node } => {
                self.metric(*metric, reads, node.as_ref(), (field, place), owner)
            }
            Out::Service { node } => match node.branches.first() {
                Some(branch) => {
                    self.fields(branch, Place::Record { answer: 0, record: Cell::Null })
                }
                None => self.null(&field.ty.wrappers, owner),
            },
            Out::ServiceSdl => {
                let federation = self.source.graph.federation.as_ref();
                self.string(federation.map_or("", |federation| &federation.sdl));
                Ok(())
            }
            Out::Event(of) => self.event_field(of, field, place, owner),
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
        let start = self.mark();
        let done = match cell {
            Cell::Null | Cell::Absent => return self.null(wrappers, owner),
            Cell::Problem(index) => {
                let problem = table.1.problems.get(index as usize);
                let reason = problem.map_or(NOT_OF_KIND, |problem| &problem.message);
                self.misfit(reason, owner)
            }
            Cell::List { start, end } if wrapper.list => {
                self.list(table, (start, end), inner, node, owner)
            }
            Cell::Record { .. } if !wrapper.list => match node {
                Some(node) => {
                    let place = Place::Record { answer: table.0, record: cell };
                    self.object(node, self.type_of(place), place)
                }
                None => self.misfit(NOT_OF_KIND, owner),
            },
            Cell::Text { start, end } if !wrapper.list => {
                table.1.write_json(start, end, &mut self.out);
                return Ok(());
            }
            Cell::List { .. } | Cell::Record { .. } | Cell::Text { .. } => {
                self.misfit(NOT_OF_KIND, owner)
            }
        };
        self.or_null(start, wrapper.non_null, done)
    }
}
