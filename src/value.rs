//! The words for values that pass between stages: keys, answers and their cells.
//!
//! Takes: what `mapping` writes, once, when a backend's body is decoded.
//! Gives: `Answer`, a flat table of cells whose text is JSON that can be copied into a response as it stands.
//! Never: holds a tree of values; a record is a range of cells, a scalar is a range of text.

use std::sync::Arc;

use crate::graph::{ShapeId, SlotId};

/// Separates the parts of a composite key; a value that contains it is not a key.
pub const KEY_SEPARATOR: char = '\u{1f}';

/// A key that a load is made for: the remote system's own text, composite keys joined with [`KEY_SEPARATOR`].
///
/// The empty key stands for calls that take none ("a page of customers").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// The key of a call that takes no key.
    pub fn unit() -> Self {
        Self(Arc::from(""))
    }

    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
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
        if text.is_empty() { None } else { Some(Self(Arc::from(text))) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split(KEY_SEPARATOR)
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
        let [a, b, c, d] = self.0;
        let [e, f, g, h] = other.0;
        Self([a | e, b | f, c | g, d | h])
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
    /// The record of each row, always `Cell::Record`, in the backend's order.
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

    /// The JSON text of a scalar cell.
    pub fn json(&self, cell: Cell) -> Option<&str> {
        match cell {
            Cell::Text { start, end } => self.text.get(start as usize..end as usize),
            _ => None,
        }
    }

    /// Memory held, in bytes, for the cache's bound.
    pub fn weight(&self) -> u32 {
        let bytes = self.text.len()
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
