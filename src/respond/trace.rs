//! The trace that a federation's router asks for: each field of the answer, when its backends were asked, and its errors.
//!
//! Format: the message `Trace` of Apollo's reports, in Protocol Buffers, as text in `extensions.ftv1`.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::failure::{FieldError, spelled};
use super::{Place, Segment, Source, Writer};
use crate::execute::StepTimes;
use crate::graph::{Graph, TypeId, TypeRef, Wrapper};
use crate::plan::{Out, OutField, StepId};

/// More fields than this are answered without being traced: a trace is an aid and never the larger part of an answer.
const FIELDS_MAX: usize = 20_000;

/// What is known of a field of the answer.
struct Field<'a> {
    /// Where its object stands.
    path: Box<[Segment<'a>]>,
    key: &'a str,
    coordinate: &'a str,
    ty: Option<&'a TypeRef>,
    parent: TypeId,
    /// The step whose time it took. Without one it took its object's.
    step: Option<StepId>,
}

/// The fields of an answer, in its order.
#[derive(Default)]
pub(super) struct Trace<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> Writer<'a> {
    /// Notes a field that is about to be written.
    pub(super) fn note(&mut self, field: &'a OutField, parent: TypeId, place: Place) {
        let step = match (&field.source, place) {
            (Out::Typename | Out::Introspection, _) => return,
            (
                Out::Child { step, .. } | Out::Value { step, .. } | Out::Connection { step, .. },
                _,
            ) => Some(*step),
            (Out::Slot { column, .. }, Place::Object { site, .. }) => {
                self.brings(site, parent, *column)
            }
            (Out::Survivor { rule, .. }, Place::Object { site, .. }) => {
                let column = self.survivor(rule, field.field, place);
                self.brings(site, parent, column)
            }
            _ => None,
        };
        self.note_field(&field.response_key, &field.coordinate, Some(&field.ty), parent, step);
    }

    pub(super) fn note_field(
        &mut self,
        key: &'a str,
        coordinate: &'a str,
        ty: Option<&'a TypeRef>,
        parent: TypeId,
        step: Option<StepId>,
    ) {
        let Some(trace) = self.trace.as_mut().filter(|trace| trace.fields.len() < FIELDS_MAX)
        else {
            return;
        };
        let path = self.path.as_slice().into();
        trace.fields.push(Field { path, key, coordinate, ty, parent, step });
    }

    /// Appends `,"extensions":{"ftv1":"…"}`.
    pub(super) fn write_trace(&mut self) {
        let (Some(trace), Some(times)) = (self.trace.take(), &self.source.outcome.times) else {
            return;
        };
        let message = Encoder::new(self.source, times, &self.errors).message(&trace.fields);
        self.out.extend_from_slice(b",\"extensions\":{\"ftv1\":\"");
        self.out.extend_from_slice(STANDARD.encode(message).as_bytes());
        self.out.extend_from_slice(b"\"}");
    }
}

impl<'a> Field<'a> {
    /// Its own path, one segment at a time.
    fn segment(&self, depth: usize) -> Option<Segment<'a>> {
        let own = || (depth == self.path.len()).then_some(Segment::Key(self.key));
        self.path.get(depth).copied().or_else(own)
    }
}

struct Encoder<'s, 'a> {
    graph: &'a Graph,
    times: &'s StepTimes,
    /// By path, as JSON; taken out as their places are met.
    errors: HashMap<&'s str, Vec<&'s FieldError>>,
    path: Vec<Segment<'a>>,
}

impl<'s, 'a> Encoder<'s, 'a> {
    fn new(source: Source<'a>, times: &'s StepTimes, errors: &'s [FieldError]) -> Self {
        let mut by_path: HashMap<&str, Vec<&FieldError>> = HashMap::new();
        for error in errors {
            by_path.entry(&error.path).or_default().push(error);
        }
        Self { graph: source.graph, times, errors: by_path, path: Vec::new() }
    }

    /// `Trace`: 4 begin, 3 end, 11 duration, 14 root, 31 the weight of its fields.
    fn message(mut self, fields: &[Field<'a>]) -> Vec<u8> {
        let mut root = self.nodes(fields, 0, (Duration::ZERO, self.times.whole));
        // what went wrong where nothing was traced
        let mut left: Vec<&FieldError> =
            self.errors.drain().flat_map(|(_, errors)| errors).collect();
        left.sort_by(|one, other| one.path.cmp(&other.path));
        for error in left {
            bytes(&mut root, 11, &of_error(error));
        }
        let mut out = Vec::with_capacity(root.len() + 64);
        bytes(&mut out, 4, &timestamp(self.times.began_at));
        bytes(&mut out, 3, &timestamp(self.times.began_at + self.times.whole));
        number(&mut out, 11, nanoseconds(self.times.whole));
        bytes(&mut out, 14, &root);
        tag(&mut out, 31, 1);
        out.extend_from_slice(&1_f64.to_le_bytes());
        out
    }

    /// The nodes below one place, each as its parent's field 12.
    fn nodes(
        &mut self,
        fields: &[Field<'a>],
        depth: usize,
        of_parent: (Duration, Duration),
    ) -> Vec<u8> {
        let mut out = Vec::new();
        for group in fields.chunk_by(|one, other| one.segment(depth) == other.segment(depth)) {
            let Some(segment) = group.first().and_then(|first| first.segment(depth)) else {
                continue;
            };
            self.path.push(segment);
            let node = self.node(segment, group, depth, of_parent);
            bytes(&mut out, 12, &node);
            self.path.pop();
        }
        out
    }

    /// `Node`: 1 response name or 2 index, 14 the field's own name, 3 type, 13 parent type, 8 and 9 times, 11 errors.
    fn node(
        &mut self,
        segment: Segment<'a>,
        group: &[Field<'a>],
        depth: usize,
        of_parent: (Duration, Duration),
    ) -> Vec<u8> {
        let mut out = Vec::new();
        match segment {
            Segment::Key(key) => bytes(&mut out, 1, key.as_bytes()),
            // an index that is zero must be written too: it is one of two
            Segment::Index(index) => {
                tag(&mut out, 2, 0);
                varint(&mut out, u64::from(index));
            }
        }
        let own = group.split_first().filter(|(first, _)| first.path.len() == depth);
        let mut time = of_parent;
        if let Some((field, _)) = own {
            let step = field.step.and_then(|step| self.times.steps.get(step.index()));
            time = step.copied().unwrap_or(of_parent);
            self.field(&mut out, field, time);
        }
        let here = spelled(&self.path);
        for error in self.errors.remove(here.as_str()).unwrap_or_default() {
            bytes(&mut out, 11, &of_error(error));
        }
        let below = own.map_or(group, |(_, below)| below);
        out.extend_from_slice(&self.nodes(below, depth + 1, time));
        out
    }

    fn field(&self, out: &mut Vec<u8>, field: &Field<'_>, (began, ended): (Duration, Duration)) {
        let name = field.coordinate.rsplit('.').next().unwrap_or_default();
        if name != field.key {
            bytes(out, 14, name.as_bytes());
        }
        if let Some(ty) = field.ty {
            bytes(out, 3, type_text(self.graph, ty).as_bytes());
        }
        bytes(out, 13, self.graph.ty(field.parent).name.as_bytes());
        number(out, 8, nanoseconds(began));
        number(out, 9, nanoseconds(ended));
    }
}

/// `[Invoice!]!`.
fn type_text(graph: &Graph, ty: &TypeRef) -> String {
    fn wrapped(wrappers: &[Wrapper], name: &str) -> String {
        let Some((wrapper, inner)) = wrappers.split_first() else { return name.to_owned() };
        let text =
            if wrapper.list { format!("[{}]", wrapped(inner, name)) } else { name.to_owned() };
        if wrapper.non_null { text + "!" } else { text }
    }
    wrapped(&ty.wrappers, &graph.ty(ty.named).name)
}

/// `Error`: 1 message, 2 places, 4 the error as clients see it.
fn of_error(error: &FieldError) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 1, error.message.as_bytes());
    let mut place = Vec::new();
    number(&mut place, 1, u64::from(error.location.line));
    number(&mut place, 2, u64::from(error.location.column));
    bytes(&mut out, 2, &place);
    bytes(&mut out, 4, error.json().as_bytes());
    out
}

// ---- Protocol Buffers ------------------------------------------------------------------------------------------------

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn tag(out: &mut Vec<u8>, field: u64, kind: u64) {
    varint(out, field << 3 | kind);
}

/// A number; zero is what is left out.
fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    if value > 0 {
        tag(out, field, 0);
        varint(out, value);
    }
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    tag(out, field, 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// `Timestamp`: 1 seconds, 2 nanoseconds.
fn timestamp(time: SystemTime) -> Vec<u8> {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut out = Vec::new();
    number(&mut out, 1, since.as_secs());
    number(&mut out, 2, u64::from(since.subsec_nanos()));
    out
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
