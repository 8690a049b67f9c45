//! The words for values that pass between stages: keys, answers and their cells.
//!
//! Takes: what `mapping` writes, once, when a backend's body is decoded.
//! Gives: `Answer`, a flat table of cells whose text is JSON that can be copied into a response as it stands.
//! Never: holds a tree of values; a record is a range of cells, a scalar is a range of text.

mod freshness;
mod id;
mod normal;
mod phone;
mod united;
mod written;

use std::borrow::Cow;
use std::sync::Arc;

use crate::graph::{Graph, ShapeId, SlotId};
use crate::mapping::Mapping;

pub use freshness::{Freshness, Validators};
pub use id::{RemoteKey, opaque_id, remote_key, with_remote_key, write_opaque_id};
pub use normal::normalize;
pub(crate) use normal::{lower, trimmed};
pub use phone::{Country, country, country_names};
pub use written::{OutId, Written};

/// Separates the parts of a composite key; a value that contains it is not a key.
pub const KEY_SEPARATOR: char = '\u{1f}';

/// A key that a load is made for: the remote system's own text, composite keys joined with [`KEY_SEPARATOR`].
///
/// The empty key stands for calls that take none ("a page of customers").
#[derive(Clone)]
pub struct Key {
    /// Keys that are made together share their text.
    text: Arc<str>,
    start: u32,
    end: u32,
}

impl Key {
    /// The key of a call that takes no key.
    pub fn unit() -> Self {
        Self::new("")
    }

    pub fn new(text: &str) -> Self {
        Self { text: Arc::from(text), start: 0, end: offset(text.len()) }
    }

    /// A key that is a part of a text that other keys share.
    pub fn part_of(text: &Arc<str>, start: u32, end: u32) -> Self {
        Self { text: Arc::clone(text), start, end }
    }

    /// Joins the parts of a composite key. `None` when a part is empty or holds the separator: such a key matches nothing.
    pub fn composite<'a>(parts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut text = String::new();
        for (index, part) in parts.into_iter().enumerate() {
            if part.is_empty() || part.contains(KEY_SEPARATOR) {
                return None;
            }
            if index > 0 {
                text.push(KEY_SEPARATOR);
            }
            text.push_str(part);
        }
        if text.is_empty() { None } else { Some(Self::new(&text)) }
    }

    pub fn as_str(&self) -> &str {
        self.text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.as_str().split(KEY_SEPARATOR)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Key({:?})", self.as_str())
    }
}

/// The text of a JSON string, or of a number or boolean as it stands. `None` for null.
pub fn plain_text(json: &str) -> Option<Cow<'_, str>> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) if !inside.contains('\\') => Some(Cow::Borrowed(inside)),
        Some(_) => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
        None if json == "null" => None,
        None => Some(Cow::Borrowed(json)),
    }
}

/// Which slots of a shape are wanted or held. Shapes have at most [`SlotSet::CAPACITY`] slots (checked by `compile`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SlotSet([u64; 4]);

impl SlotSet {
    pub const CAPACITY: usize = 256;
    pub const EMPTY: Self = Self([0; 4]);
    pub const ALL: Self = Self([u64::MAX; 4]);

    pub fn insert(&mut self, slot: SlotId) {
        if let Some(word) = self.0.get_mut(usize::from(slot.0 >> 6)) {
            *word |= 1 << (slot.0 & 63);
        }
    }

    pub fn contains(self, slot: SlotId) -> bool {
        self.0.get(usize::from(slot.0 >> 6)).is_some_and(|word| word & (1 << (slot.0 & 63)) != 0)
    }

    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let mut words = self.0;
        for (word, more) in words.iter_mut().zip(other.0) {
            *word |= more;
        }
        Self(words)
    }

    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        let mut words = self.0;
        for (word, both) in words.iter_mut().zip(other.0) {
            *word &= both;
        }
        Self(words)
    }

    /// Does this set hold everything that `other` asks for?
    pub fn covers(self, other: Self) -> bool {
        self.union(other) == self
    }

    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    pub fn iter(self) -> impl Iterator<Item = SlotId> {
        (0..256_u16).map(SlotId).filter(move |slot| self.contains(*slot))
    }
}

/// One value of an answer. Offsets are into the answer's `text` (scalars) or `cells` (records and lists).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The backend gave no value (JSON null, a missing member, `xsi:nil`).
    Null,
    /// This slot was not asked for, so nothing is known about it.
    Absent,
    /// A scalar: JSON text, already coerced to its GraphQL type, ready to copy.
    Text { start: u32, end: u32 },
    /// A record: `cells[start .. start + width of the shape]`, one cell per slot, in slot order.
    Record { shape: ShapeId, start: u32 },
    /// A list: `cells[start..end]`.
    List { start: u32, end: u32 },
    /// A value that did not fit its mapping: an index into the answer's `problems`.
    Problem(u32),
}

/// A value that did not fit its mapping. The message is for the log; clients see the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What was expected and what was found, without the value itself.
    pub message: Box<str>,
}

/// What one key's load gave: zero or more records in one compact table.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub text: Box<str>,
    pub cells: Box<[Cell]>,
    /// The record of each row, in the backend's order: `Cell::Record`, or `Cell::Problem` where an abstract type's record
    /// fits none of its types.
    pub rows: Box<[Cell]>,
    pub problems: Box<[Problem]>,
    /// The slots that every row holds (top-level slots of the rows' shape).
    pub has: SlotSet,
    /// Set when the backend has more than was drained (`max_pages` reached, a later page failed): the list is PARTIAL.
    pub partial: bool,
    /// Where the next page begins, when the call pages by itself and there is more.
    pub next: Option<PageState>,
    /// For a call that pages by itself: the row at which each fetched page begins, with the state that fetched it. Written by `load`.
    pub pages: Box<[PageStart]>,
    /// How many records the backend says there are in all.
    pub total: Option<u64>,
    /// What was written of the rows last.
    pub written: Written,
}

/// The first row of a page, and what was sent to get the page (`None` for the first page of all).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageStart {
    pub row: u32,
    pub state: Option<PageState>,
}

impl Answer {
    /// The cell at `index`, or `Absent` beyond the table (cannot happen for indices taken from this answer).
    pub fn cell(&self, index: u32) -> Cell {
        self.cells.get(index as usize).copied().unwrap_or(Cell::Absent)
    }

    /// A row's slot.
    pub fn slot(&self, record: Cell, slot: SlotId) -> Cell {
        match record {
            Cell::Record { start, .. } => self.cell(start + u32::from(slot.0)),
            _ => Cell::Absent,
        }
    }

    /// Appends the JSON text of a scalar cell.
    #[inline]
    pub fn write_json(&self, start: u32, end: u32, out: &mut Vec<u8>) {
        /// Most texts fit: of these a fixed number of bytes is copied, which is faster than a call that counts, and what was
        /// too much is taken back.
        const SHORT: usize = 32;
        let (text, start, end) = (self.text.as_bytes(), start as usize, end as usize);
        match text.get(start..).and_then(<[u8]>::first_chunk::<SHORT>) {
            Some(chunk) if end.saturating_sub(start) <= SHORT => {
                let length = out.len() + end.saturating_sub(start);
                out.extend_from_slice(chunk);
                out.truncate(length);
            }
            _ => out.extend_from_slice(text.get(start..end).unwrap_or(b"null")),
        }
    }

    /// The JSON text of a scalar cell.
    pub fn json(&self, cell: Cell) -> Option<&str> {
        match cell {
            Cell::Text { start, end } => self.text.get(start as usize..end as usize),
            _ => None,
        }
    }

    /// A slot's value as (part of) a key: the remote key where the slot shows an opaque id. `None` for null and for values
    /// that are no scalars.
    pub fn key_text<'a>(
        &'a self,
        graph: &Graph,
        record: Cell,
        slot: SlotId,
    ) -> Option<Cow<'a, str>> {
        let Cell::Record { shape, .. } = record else { return None };
        let text = plain_text(self.json(self.slot(record, slot))?)?;
        let is_id = graph
            .shape(shape)
            .slots
            .get(slot.index())
            .is_some_and(|slot| matches!(slot.mapping, Mapping::Id { .. }));
        if is_id { with_remote_key(&text, |key| Cow::Owned(key.to_owned())) } else { Some(text) }
    }

    /// One row as an answer of its own.
    #[must_use]
    pub fn row_alone(&self, graph: &Graph, row: Cell) -> Self {
        let mut copy = RowCopy {
            from: self,
            graph,
            text: String::new(),
            cells: Vec::new(),
            problems: Vec::new(),
        };
        let row = copy.cell(row);
        Self {
            text: copy.text.into_boxed_str(),
            cells: copy.cells.into_boxed_slice(),
            rows: Box::from([row]),
            problems: copy.problems.into_boxed_slice(),
            has: self.has,
            ..Self::default()
        }
    }

    /// Keeps what a place of a plan has written of some rows, if there is room for it.
    pub fn keep_written(&self, id: OutId, rows: (u32, u32), objects: usize, json: &[u8]) {
        if json.len() <= self.room_for_written() {
            self.written.keep(id, rows, objects, json);
        }
    }

    /// How much may be kept of what is written of the rows: as much as most lists need. One row alone is soon written.
    fn room_for_written(&self) -> usize {
        match self.rows.len() {
            0 | 1 => 0,
            rows => self.text.len() * 3 / 2 + rows * 32,
        }
    }

    /// Reads the first of its rows, cells and bytes, so that they are near. What it gives says nothing.
    pub fn read_ahead(&self) -> u32 {
        let start = |cells: &[Cell]| match cells.first() {
            Some(
                Cell::Record { start, .. } | Cell::Text { start, .. } | Cell::List { start, .. },
            ) => *start,
            _ => 0,
        };
        let text = self.text.as_bytes().first().copied().unwrap_or_default();
        start(&self.rows) ^ start(&self.cells) ^ u32::from(text)
    }

    /// Memory held, in bytes, for the cache's bound, with the room for what is written of it.
    pub fn weight(&self) -> u32 {
        let bytes = self.text.len()
            + self.room_for_written()
            + std::mem::size_of_val(&*self.cells)
            + std::mem::size_of_val(&*self.rows)
            + self.problems.iter().map(|problem| problem.message.len() + 16).sum::<usize>()
            + std::mem::size_of::<Self>();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// Where a page begins: values for the call's page variables, by the order in which the call declares them.
///
/// Never holds a URL: of a next-page link only the declared query parameters are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageState(pub Box<[(Box<str>, Box<str>)]>);

/// Copies cells from one answer to another, with what they point to.
struct RowCopy<'a> {
    from: &'a Answer,
    graph: &'a Graph,
    text: String,
    cells: Vec<Cell>,
    problems: Vec<Problem>,
}

impl RowCopy<'_> {
    fn cell(&mut self, cell: Cell) -> Cell {
        match cell {
            Cell::Null | Cell::Absent => cell,
            Cell::Text { .. } => {
                let start = offset(self.text.len());
                self.text.push_str(self.from.json(cell).unwrap_or("null"));
                Cell::Text { start, end: offset(self.text.len()) }
            }
            Cell::Record { shape, start } => {
                let width = offset(self.graph.shape(shape).slots.len());
                Cell::Record { shape, start: self.range(start, start + width) }
            }
            Cell::List { start, end } => {
                let copied = self.range(start, end);
                Cell::List { start: copied, end: copied + (end - start) }
            }
            Cell::Problem(index) => {
                let problem = self.from.problems.get(index as usize).cloned();
                self.problems.push(problem.unwrap_or(Problem { message: Box::from("unknown") }));
                Cell::Problem(offset(self.problems.len() - 1))
            }
        }
    }

    fn range(&mut self, start: u32, end: u32) -> u32 {
        let first = self.cells.len();
        self.cells.extend((start..end).map(|_| Cell::Absent));
        for (place, index) in (first..).zip(start..end) {
            let copied = self.cell(self.from.cell(index));
            if let Some(target) = self.cells.get_mut(place) {
                *target = copied;
            }
        }
        offset(first)
    }
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
