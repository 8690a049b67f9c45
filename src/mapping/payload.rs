//! A decoded body: a flat tape over its text, in document order.
//!
//! Takes: the body of an answer (JSON), or events of a reader of another format (XML) through [`PayloadBuilder`].
//! Gives: nodes by number: their kind, their text, their members and elements.
//! Never: allocates for a value; copies text that can be used where it stands.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::num::NonZero;

use super::escape;
use super::hints::Hint;
use super::json;
use super::path::{Found, Path};
use super::sibling::is_same;
use crate::graph::{AnswerLimits, Predicate};

/// A decoded answer body: an index over its text, in document order, for JSON and XML alike.
///
/// A member that occurs twice in a JSON object counts with its last value. A JSON body may begin with a byte order mark.
/// An escape that names half of a surrogate pair reads as U+FFFD.
#[derive(Debug, Default)]
pub struct Payload {
    /// The body, and after it the text of those few strings that could not be used where they stand.
    pub(super) text: String,
    pub(super) nodes: Vec<Node>,
    pub(super) is_xml: bool,
}

/// Why a body could not be decoded. The text never holds any of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the body is empty")]
    Empty,
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body nests deeper than {limit}")]
    TooDeep { limit: usize },
    #[error("the body is not UTF-8 (byte {offset})")]
    NotUtf8 { offset: usize },
    /// What the format asks for where the body has something else.
    #[error("expected {expected} at byte {offset}")]
    Malformed { offset: usize, expected: &'static str },
}

/// One value, or the name of a member: the name stands before its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// For an object: some name may occur twice.
    pub(super) has_duplicates: bool,
    /// How many objects and lists are around it.
    pub(super) depth: u16,
    /// Scalars and names: where their text begins. Objects and lists: how many members or elements they have.
    pub(super) start: u32,
    /// Scalars and names: where their text ends. Objects: their layout, zero if it is not known. Objects of one layout have the
    /// same names in the same places.
    pub(super) end: u32,
    /// The node after this one and everything in it.
    pub(super) next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    False,
    True,
    /// Its text is a JSON number.
    Number,
    /// Text that is the same inside JSON quotes.
    Plain,
    /// Text with JSON escapes.
    Escaped,
    /// Text that may need escapes inside JSON quotes.
    Raw,
    Object,
    List,
    Name,
}

impl Kind {
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Plain | Self::Escaped | Self::Raw)
    }

    /// For messages: what was found.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::False | Self::True => "a boolean",
            Self::Number => "a number",
            Self::Plain | Self::Escaped | Self::Raw | Self::Name => "text",
            Self::Object => "an object",
            Self::List => "a list",
        }
    }
}

/// A node by its place on the tape.
pub(super) type At = u32;

pub(super) const ROOT: At = 0;

const NOTHING: Node =
    Node { kind: Kind::Null, has_duplicates: false, depth: 0, start: 0, end: 0, next: u32::MAX };

thread_local! {
    /// The room of a tape that is not needed anymore, for the next: memory that is new to the process is dear.
    static ROOM: Cell<Vec<Node>> = const { Cell::new(Vec::new()) };
}

/// Larger tapes are given back: so many nodes, a megabyte, are what a body of half of one has.
const ROOM_MAX: usize = 1 << 16;

impl Drop for Payload {
    fn drop(&mut self) {
        let nodes = std::mem::take(&mut self.nodes);
        if (1..=ROOM_MAX).contains(&nodes.capacity()) {
            // a thread that ends has no more use for it
            ROOM.try_with(|room| room.set(nodes)).unwrap_or_default();
        }
    }
}

impl Payload {
    /// Decodes a JSON body (RFC 8259), strictly: one value, nothing after it.
    pub fn json(body: bytes::Bytes, limits: AnswerLimits) -> Result<Self, DecodeError> {
        let limit = limits.body_bytes.min(json::BODY_BYTES_MAX);
        if body.len() > limit {
            return Err(DecodeError::TooLarge { limit });
        }
        let mut text = String::from_utf8(Vec::from(body))
            .map_err(|error| DecodeError::NotUtf8 { offset: error.utf8_error().valid_up_to() })?;
        let mut nodes = ROOM.try_with(Cell::take).unwrap_or_default();
        nodes.clear();
        let rewritten = json::decode(&text, limits.depth, &mut nodes)?;
        text.push_str(&rewritten);
        Ok(Self { text, nodes, is_xml: false })
    }

    /// The text of the first scalar at `path`; `None` for null, for what is missing, and for objects and lists.
    pub fn text_at(&self, path: &Path) -> Option<Cow<'_, str>> {
        match path.first(self, ROOT) {
            Found::At(at) => self.scalar_text(at),
            Found::Missing | Found::Misfit { .. } => None,
        }
    }

    /// The texts of all scalars at `path`, in document order.
    pub fn texts_at<'a>(&'a self, path: &Path) -> Vec<Cow<'a, str>> {
        let mut texts = Vec::new();
        path.each(self, ROOT, &mut |at| texts.extend(self.scalar_text(at)));
        texts
    }

    /// Is there a value at `path` that is neither null, `false`, zero, blank text, nor the text `false` or `0`?
    pub fn is_truthy_at(&self, path: &Path) -> bool {
        self.is_truthy_within(path, ROOT)
    }

    /// The same of a record.
    pub(super) fn is_truthy_within(&self, path: &Path, record: At) -> bool {
        let Found::At(at) = path.first(self, record) else { return false };
        match self.node(at).kind {
            Kind::Null => false,
            Kind::Object | Kind::List => true,
            _ => self.scalar_text(at).is_some_and(|text| {
                let text = text.trim();
                !(text.is_empty() || text.eq_ignore_ascii_case("false") || text == "0")
            }),
        }
    }

    /// Does the answer pass this test?
    pub fn satisfies(&self, predicate: &Predicate) -> bool {
        self.satisfies_within(predicate, ROOT)
    }

    /// Does a record pass this test?
    pub(super) fn satisfies_within(&self, predicate: &Predicate, record: At) -> bool {
        let at = match predicate.path.first(self, record) {
            Found::At(at) if self.node(at).kind != Kind::Null => Some(at),
            _ => None,
        };
        let text = at.and_then(|at| self.scalar_text(at));
        let is_one_of = |words: &[std::sync::Arc<str>]| {
            text.as_deref().is_some_and(|text| words.iter().any(|word| **word == *text))
        };
        if !predicate.is.is_empty() {
            is_one_of(&predicate.is)
        } else if predicate.is_not.is_empty() {
            at.is_some()
        } else {
            !is_one_of(&predicate.is_not)
        }
    }

    /// How many records the answer holds (`None`: it is one itself, unless it is null).
    pub fn count_at(&self, records: Option<&Path>) -> usize {
        let mut count = 0;
        self.each_record(records, &mut |_| count += 1);
        count
    }

    /// The records: the elements of what `records` leads to, nulls left out. A list among them is a record itself.
    pub(super) fn each_record(&self, records: Option<&Path>, visit: &mut dyn FnMut(At)) {
        let mut visit_record = |at: At| {
            if self.node(at).kind != Kind::Null {
                visit(at);
            }
        };
        match records {
            None => visit_record(ROOT),
            Some(path) if path.opens_last() => path.each(self, ROOT, &mut visit_record),
            Some(path) => path.each(self, ROOT, &mut |at| match self.node(at).kind {
                Kind::List => self.elements(at).for_each(&mut visit_record),
                _ => visit_record(at),
            }),
        }
    }

    /// The records inside a record, by the same rules.
    pub(super) fn each_inside(&self, inside: &Path, record: At, visit: &mut dyn FnMut(At)) {
        inside.each(self, record, &mut |at| match self.node(at).kind {
            Kind::Null => {}
            Kind::List => {
                let is_record = |at: &At| self.node(*at).kind != Kind::Null;
                self.elements(at).filter(is_record).for_each(&mut *visit);
            }
            _ => visit(at),
        });
    }

    // ---- nodes

    pub(super) fn is_xml(&self) -> bool {
        self.is_xml
    }

    #[inline]
    pub(super) fn node(&self, at: At) -> Node {
        self.nodes.get(at as usize).copied().unwrap_or(NOTHING)
    }

    /// The text of a node as it stands on the tape, escapes and all.
    pub(super) fn raw(&self, node: Node) -> &str {
        self.text.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// A JSON string as it stands in the body, quotes and all. `None`: the node is something else.
    #[inline]
    pub(super) fn quoted(&self, node: Node) -> Option<&str> {
        match node.kind {
            Kind::Plain | Kind::Escaped => {
                self.text.get((node.start as usize).checked_sub(1)?..node.end as usize + 1)
            }
            _ => None,
        }
    }

    fn bytes(&self, node: Node) -> &[u8] {
        self.text.as_bytes().get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// The text of a scalar: what a string says, a number's digits, `true` or `false`.
    ///
    /// In XML an element with attributes is an object; its text is its member `#text`.
    #[inline]
    pub(super) fn scalar_text(&self, at: At) -> Option<Cow<'_, str>> {
        let node = self.node(at);
        match node.kind {
            Kind::Number | Kind::Plain | Kind::Raw | Kind::Name => {
                Some(Cow::Borrowed(self.raw(node)))
            }
            _ => self.other_text(at, node),
        }
    }

    fn other_text(&self, at: At, node: Node) -> Option<Cow<'_, str>> {
        match node.kind {
            Kind::False => Some(Cow::Borrowed("false")),
            Kind::True => Some(Cow::Borrowed("true")),
            Kind::Escaped => Some(Cow::Owned(escape::unescape(self.raw(node)))),
            Kind::Object => self.leaf(at).and_then(|at| self.scalar_text(at)),
            _ => None,
        }
    }

    /// The scalar that an XML element with attributes holds.
    pub(super) fn leaf(&self, at: At) -> Option<At> {
        if self.is_xml { self.member(at, "#text", &mut { Hint::NONE }) } else { None }
    }

    pub(super) fn elements(&self, list: At) -> Elements<'_> {
        Elements { payload: self, at: list + 1, end: self.node(list).next }
    }

    /// The value of a member. `hint` is where it was found in the last object, and then where it was found in this.
    pub(super) fn member(&self, object: At, name: &str, hint: &mut Hint) -> Option<At> {
        let layout = self.node(object).end;
        if layout == 0 || layout != hint.layout {
            hint.distance = self.find_member(object, name, hint.distance);
            hint.layout = layout;
        }
        hint.distance.map(|distance| object.saturating_add(distance.get()))
    }

    /// How far behind the object the value of a member stands; `hint` is how far it was in the last object.
    fn find_member(
        &self,
        object: At,
        name: &str,
        hint: Option<NonZero<u32>>,
    ) -> Option<NonZero<u32>> {
        let parent = self.node(object);
        let is_meant = |node: Node| is_same(self.bytes(node), name.as_bytes());
        if let Some(distance) = hint
            && !parent.has_duplicates
        {
            let at = object.saturating_add(distance.get());
            let node = self.node(at - 1);
            if at < parent.next
                && node.kind == Kind::Name
                && node.depth == parent.depth + 1
                && is_meant(node)
            {
                return hint;
            }
        }
        let mut meant = self.members(object).filter(|(_, node)| is_meant(*node));
        let found = if parent.has_duplicates { meant.last() } else { meant.next() };
        found.and_then(|(at, _)| NonZero::new(at + 1 - object))
    }

    /// The names of an object with their places; each value stands right after its name.
    pub(super) fn members(&self, object: At) -> Members<'_> {
        Members { payload: self, at: object + 1, end: self.node(object).next }
    }

    /// The places of the names that count, for an object in which a name may occur twice.
    pub(super) fn last_members(&self, object: At) -> Vec<At> {
        let mut last = HashMap::new();
        for (at, node) in self.members(object) {
            last.insert(self.raw(node), at);
        }
        let mut places: Vec<At> = last.into_values().collect();
        places.sort_unstable();
        places
    }
}

pub(super) struct Elements<'a> {
    payload: &'a Payload,
    at: At,
    end: At,
}

impl Iterator for Elements<'_> {
    type Item = At;

    fn next(&mut self) -> Option<At> {
        let at = self.at;
        if at >= self.end {
            return None;
        }
        self.at = self.payload.node(at).next;
        Some(at)
    }
}

pub(super) struct Members<'a> {
    payload: &'a Payload,
    at: At,
    end: At,
}

impl Iterator for Members<'_> {
    type Item = (At, Node);

    fn next(&mut self) -> Option<(At, Node)> {
        let at = self.at;
        if at >= self.end {
            return None;
        }
        self.at = self.payload.node(at + 1).next;
        Some((at, self.payload.node(at)))
    }
}
