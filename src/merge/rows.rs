//! The rows of one list that are wanted.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;

use super::Key;
use crate::graph::{FieldId, Graph, Stamp};
use crate::value::{Answer, Cell, plain_text};

/// What is wanted of one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Where records say when they happened and of what kind they are.
    pub stamps: Arc<[Stamp]>,
    /// The list's number among those that are merged.
    pub list: u8,
    pub is_newest_first: bool,
    /// From this instant on, in nanoseconds.
    pub since: Option<i128>,
    /// Before this instant.
    pub until: Option<i128>,
    /// Kinds that records may say.
    pub kinds: Option<Arc<[Arc<str>]>>,
    /// Behind this event.
    pub after: Option<Key>,
    /// The rows begin behind it already.
    pub is_behind: bool,
}

/// A row that is an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    pub rank: i128,
    pub row: u32,
    pub id: Box<str>,
}

/// What rows hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub events: Vec<EventRow>,
    /// Rows of which nothing says when.
    pub undated: u32,
    /// How far the list is read: nothing that is still to come stands before it.
    pub last: Option<i128>,
    /// Whatever comes is out of the wanted span of time.
    pub is_past: bool,
    /// Rows of a list that pages by time do not stand in its order.
    pub is_disordered: bool,
}

impl Sought {
    /// All of it that a load depends on, spelled for a cache key.
    pub fn spelled(&self) -> String {
        let mut text = format!(
            "{}/{}/{:?}/{:?}/{}",
            self.list, self.is_newest_first, self.since, self.until, self.is_behind
        );
        for kind in self.kinds.iter().flat_map(|kinds| kinds.iter()) {
            _ = write!(text, "/{kind}");
        }
        if let Some(key) = &self.after {
            _ = write!(text, "//{}/{}/{}", key.rank, key.list, key.id);
        }
        text
    }

    /// The events of a list that pages by time, in its own order.
    pub fn in_order(&self, graph: &Graph, answer: &Answer) -> Found {
        let mut found = Found::default();
        let seen = self.seen(graph, answer);
        for (row, record) in (0..).zip(&*answer.rows).skip(seen.map_or(0, |row| row + 1)) {
            let Some(time) = self.time(graph, answer, *record) else {
                found.undated += 1;
                continue;
            };
            let rank = self.rank(time);
            found.is_disordered |= found.last.is_some_and(|last| rank < last);
            found.last = found.last.max(Some(rank));
            if self.is_past(time) {
                found.is_past = true;
                break;
            }
            if self.is_within(time)
                && (seen.is_some() || self.is_behind(rank))
                && self.is_of_kind(graph, answer, *record)
            {
                found.events.push(EventRow { rank, row, id: id_of(graph, answer, *record) });
            }
        }
        found
    }

    /// The events of a list that is held whole, brought into order.
    pub fn sorted(&self, graph: &Graph, answer: &Answer) -> Found {
        let mut found = Found::default();
        for (row, record) in (0..).zip(&*answer.rows) {
            self.add(graph, (answer, *record), row, &mut found);
        }
        self.sort(&mut found.events);
        found
    }

    /// Adds a record to those that are still to be brought into order.
    pub fn add(
        &self,
        graph: &Graph,
        (answer, record): (&Answer, Cell),
        row: u32,
        found: &mut Found,
    ) {
        let Some(time) = self.time(graph, answer, record) else {
            found.undated += 1;
            return;
        };
        if self.is_within(time) && self.is_of_kind(graph, answer, record) {
            let id = id_of(graph, answer, record);
            found.events.push(EventRow { rank: self.rank(time), row, id });
        }
    }

    /// Brings events into order, without those that came before.
    pub fn sort(&self, events: &mut Vec<EventRow>) {
        if let Some(after) = &self.after {
            let before = (after.rank, after.list, &*after.id);
            events.retain(|event| (event.rank, self.list, &*event.id) > before);
        }
        events.sort_by(|one, other| {
            (one.rank, &one.id, one.row).cmp(&(other.rank, &other.id, other.row))
        });
    }

    /// Whether the list may end before its last page.
    pub fn ends_early(&self) -> bool {
        if self.is_newest_first { self.since.is_some() } else { self.until.is_some() }
    }

    /// The row of the event that the cursor stands behind, if it is this list's and comes again.
    fn seen(&self, graph: &Graph, answer: &Answer) -> Option<usize> {
        let after = self.after.as_ref().filter(|key| key.list == self.list)?;
        answer.rows.iter().position(|record| {
            self.time(graph, answer, *record).map(|time| self.rank(time)) == Some(after.rank)
                && id_of(graph, answer, *record) == after.id
        })
    }

    /// Whether an event of this list stands behind the cursor, as far as its time tells.
    fn is_behind(&self, rank: i128) -> bool {
        let Some(after) = &self.after else { return true };
        if self.is_behind && self.list == after.list {
            return true;
        }
        let is_later_list = self.list > after.list;
        rank > after.rank || (rank == after.rank && is_later_list)
    }

    /// Small ranks come first.
    fn rank(&self, time: i128) -> i128 {
        if self.is_newest_first { time.saturating_neg() } else { time }
    }

    fn is_within(&self, time: i128) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    fn is_past(&self, time: i128) -> bool {
        if self.is_newest_first {
            self.since.is_some_and(|since| time < since)
        } else {
            self.until.is_some_and(|until| time >= until)
        }
    }

    fn is_of_kind(&self, graph: &Graph, answer: &Answer, record: Cell) -> bool {
        let Some(kinds) = &self.kinds else { return true };
        let Some(field) = self.stamp(graph, record).and_then(|stamp| stamp.kind) else {
            return true;
        };
        let said = text(graph, answer, record, field);
        said.is_some_and(|said| kinds.iter().any(|kind| **kind == *said))
    }

    /// When a record happened, in nanoseconds.
    fn time(&self, graph: &Graph, answer: &Answer, record: Cell) -> Option<i128> {
        let stamp = self.stamp(graph, record)?;
        let instant: Timestamp = text(graph, answer, record, stamp.time)?.parse().ok()?;
        Some(instant.as_nanosecond())
    }

    fn stamp(&self, graph: &Graph, record: Cell) -> Option<Stamp> {
        let Cell::Record { shape, .. } = record else { return None };
        let ty = graph.shape(shape).ty;
        self.stamps.iter().find(|stamp| stamp.ty == ty).copied()
    }
}

fn text<'a>(
    graph: &Graph,
    answer: &'a Answer,
    record: Cell,
    field: FieldId,
) -> Option<std::borrow::Cow<'a, str>> {
    let Cell::Record { shape, .. } = record else { return None };
    let slot = graph.shape(shape).field_slots.get(field.index()).copied().flatten()?;
    plain_text(answer.json(answer.slot(record, slot))?)
}

/// The id of a record, as its backend has it.
fn id_of(graph: &Graph, answer: &Answer, record: Cell) -> Box<str> {
    let Cell::Record { shape, .. } = record else { return Box::default() };
    let id = graph.shape(shape).id_slot.and_then(|slot| answer.key_text(graph, record, slot));
    id.map(|id| Box::from(&*id)).unwrap_or_default()
}
