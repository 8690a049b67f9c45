//! What an operation has in hand while it runs: objects at sites, their part records, and the links between them.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::{ErrorCode, LoadError};
use crate::execute::Pages;
use crate::graph::{FieldId, Graph, PartId, SlotId, TypeId};
use crate::load::Loaded;
use crate::plan::Step;
use crate::value::{Answer, Cell, Key};

/// The objects of one site.
#[derive(Debug, Default)]
pub struct SiteState {
    pub objects: Vec<Object>,
    /// `columns` states for each object, in order.
    pub parts: Vec<PartState>,
    pub columns: usize,
    /// For each object of the parent site: what it has here. Empty until the site's origin is done.
    pub links: Vec<Link>,
    /// By object of the parent site: the pages of its list, while the site's origin is not done.
    pub pages: FxHashMap<u32, Pages>,
    /// What fallbacks brought of parts of which nothing but the key was known, by object and part: who reads the key still does.
    pub fallen: FxHashMap<(u32, PartId), PartState>,
    /// The keys that objects were made with, by object, for what is known of an object whose anchor fails.
    pub given: FxHashMap<u32, (PartId, u8, Key)>,
    /// Objects without a type that stand for a list inside a list: the first of its items, and the one after the last.
    pub lists: FxHashMap<u32, (u32, u32)>,
    /// What a router's representations say of objects besides, by object: values of other subgraphs that calls read.
    pub represented: FxHashMap<u32, serde_json::Map<String, serde_json::Value>>,
    /// How parts were found, by object and part: where somebody asks, and where a value was blocked.
    pub ways: FxHashMap<(u32, PartId), Way>,
}

/// How identity rules led to a part, or did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The rule that decided, by its place.
    pub rule: Option<u8>,
    /// Rules whose value is blocked.
    pub blocked: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// `None`: a null in a list, or a list in a list.
    pub ty: Option<TypeId>,
    pub parent: u32,
}

/// One backend's contribution to one object.
#[derive(Clone, Debug, Default)]
pub enum PartState {
    /// Not asked for, or not yet.
    #[default]
    Unset,
    /// The record, by the number of its answer.
    Row {
        answer: u32,
        record: Cell,
    },
    /// Several records that are all this customer's, by an identity rule that says so: in the order of their ids.
    Several {
        answer: u32,
        records: Arc<[Cell]>,
    },
    /// Only the key is known, and no more is needed.
    Key {
        kind: u8,
        key: Key,
    },
    /// The backend has no such record.
    Missing {
        answer: Option<u32>,
    },
    /// No identity rule leads to this backend.
    NotLinked,
    /// More than one record answers to the key.
    Ambiguous {
        answer: u32,
    },
    Failed(FailureId),
}

/// What one object of the parent site has at a child site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Link {
    /// The step did not run for this object.
    #[default]
    Unset,
    /// There is none; `by` tells a link that was never made from an empty answer.
    Null {
        by: NullBy,
    },
    Failed(FailureId),
    One(u32),
    Many {
        start: u32,
        end: u32,
        answer: Option<u32>,
    },
    /// Rows of an answer, where the child site's objects are nothing but their records.
    Rows {
        answer: u32,
        start: u32,
        end: u32,
    },
    Window(WindowId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullBy {
    NotLinked,
    NoKey,
    Answer(u32),
}

/// A number into [`Arena::failures`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureId(pub u32);

/// A number into [`Arena::windows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowId(pub u32);

/// A connection's objects, and what its page info and cursors are made from.
#[derive(Clone, Debug)]
pub struct Window {
    /// Objects of the child site, or rows of the answer.
    pub start: u32,
    pub end: u32,
    pub are_rows: bool,
    pub answer: u32,
    /// The row of the answer that the first object is.
    pub first_row: u32,
    pub has_next: bool,
    pub has_previous: bool,
    /// What cursors of this list are bound to, if any are selected.
    pub list: Option<Box<[u8]>>,
    /// The page size that was asked for, of a list that pages by itself.
    pub page_size: Option<u32>,
    /// Of a merged list: `start` and `end` count its events.
    pub merged: Option<Box<MergedPage>>,
}

/// The events of one page of a merged list, and what is to be said of it.
#[derive(Clone, Debug)]
pub struct MergedPage {
    /// The place of each event's list, and the event at the list's site.
    pub events: Vec<(u8, u32)>,
    /// The cursor behind each event; of a page without events one alone. Empty if none is selected.
    pub cursors: Vec<Box<str>>,
    /// The roles of which something is missing.
    pub missing: Vec<Arc<str>>,
    pub failures: Vec<FailureId>,
    /// Records that were left out because nothing says when they happened.
    pub undated: u32,
    /// Some list answered.
    pub is_answered: bool,
}

/// Why something has no value.
#[derive(Clone, Debug)]
pub enum Failure {
    Load(LoadError),
    /// More than one record answers to a key that names one.
    Ambiguous {
        role: Arc<str>,
    },
    /// A record that does not fit its mapping; the reason is for the log.
    Misfit {
        reason: Box<str>,
    },
    /// The field's own arguments.
    Input {
        code: ErrorCode,
        message: String,
    },
    Deadline {
        role: Option<Arc<str>>,
    },
    /// Another backend had to answer first, and did not.
    Upstream {
        role: Arc<str>,
        cause: LoadError,
    },
}

/// Everything that states point to by number.
#[derive(Debug, Default)]
pub struct Arena {
    pub answers: Vec<Loaded>,
    pub failures: Vec<Failure>,
    pub windows: Vec<Window>,
}

impl Arena {
    pub fn answer(&mut self, loaded: Loaded) -> u32 {
        self.answers.push(loaded);
        number(self.answers.len() - 1)
    }

    pub fn failure(&mut self, failure: Failure) -> FailureId {
        self.failures.push(failure);
        FailureId(number(self.failures.len() - 1))
    }

    pub fn window(&mut self, window: Window) -> WindowId {
        self.windows.push(window);
        WindowId(number(self.windows.len() - 1))
    }

    pub fn loaded(&self, answer: u32) -> Option<&Loaded> {
        self.answers.get(answer as usize)
    }

    /// Reads a little of the answers that these links lead to: where they are many, and not in the processor's own caches, memory
    /// brings them together and not one after the other.
    pub fn read_ahead(&self, links: &[Link]) {
        let answers = links.iter().filter_map(|link| match link {
            Link::Rows { answer, .. } => self.loaded(*answer),
            Link::Window(window) => self.loaded(self.windows.get(window.0 as usize)?.answer),
            _ => None,
        });
        read_ahead(answers.map(|loaded| &*loaded.answer));
    }
}

impl SiteState {
    pub fn part(&self, object: u32, column: usize) -> &PartState {
        const UNSET: &PartState = &PartState::Unset;
        if column >= self.columns {
            return UNSET;
        }
        self.parts.get(object as usize * self.columns + column).unwrap_or(UNSET)
    }

    /// A part as it is shown: with what a fallback brought.
    pub fn shown(&self, object: u32, column: usize) -> &PartState {
        let part = self.part(object, column);
        if self.fallen.is_empty() || !matches!(part, PartState::Key { .. }) {
            return part;
        }
        let id = u8::try_from(column).ok().map(PartId);
        id.and_then(|id| self.fallen.get(&(object, id))).unwrap_or(part)
    }

    /// What a step brought; of a fallback beside the key that others read.
    pub fn bring_part(&mut self, step: &Step, object: u32, part: PartId, state: PartState) {
        let is_key = matches!(self.part(object, usize::from(part.0)), PartState::Key { .. });
        if step.is_fallback() && is_key {
            self.fallen.insert((object, part), state);
        } else {
            self.set_part(object, part, state);
        }
    }

    pub fn set_part(&mut self, object: u32, part: PartId, state: PartState) {
        if let Some(slot) = self.parts.get_mut(object as usize * self.columns + usize::from(part.0))
        {
            *slot = state;
        }
    }

    /// Room for the children of so many parents.
    pub fn reserve(&mut self, parents: usize, objects: usize) {
        self.links.reserve(parents.saturating_sub(self.links.len()));
        self.objects.reserve(objects);
        self.parts.reserve(objects * self.columns);
    }

    /// Adds an object; its number is given back.
    pub fn add(&mut self, object: Object) -> u32 {
        self.objects.push(object);
        self.parts.resize_with(self.objects.len() * self.columns, PartState::default);
        number(self.objects.len() - 1)
    }

    pub fn link(&self, parent: u32) -> Link {
        self.links.get(parent as usize).copied().unwrap_or_default()
    }

    /// The links of so many parents in a row, or of as many as there are.
    pub fn links_from(&self, parent: u32, count: u32) -> &[Link] {
        let links = self.links.get(parent as usize..).unwrap_or_default();
        links.get(..count as usize).unwrap_or(links)
    }

    /// The numbers of the objects of one type.
    pub fn of_type(&self, ty: TypeId) -> impl Iterator<Item = u32> {
        (0..)
            .zip(&self.objects)
            .filter(move |(_, object)| object.ty == Some(ty))
            .map(|(index, _)| index)
    }
}

/// A record's cells, by field.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row<'a> {
    /// Its cells, and whatever stands behind them.
    cells: &'a [Cell],
    field_slots: &'a [Option<SlotId>],
}

impl<'a> Row<'a> {
    /// A row without fields where `record` is no record.
    pub(crate) fn of(graph: &'a Graph, answer: &'a Answer, record: Cell) -> Self {
        let Cell::Record { shape, start } = record else { return Self::default() };
        let cells = answer.cells.get(start as usize..).unwrap_or_default();
        Self { cells, field_slots: &graph.shape(shape).field_slots }
    }

    /// The cell of a field of the record's type.
    pub(crate) fn field(self, field: Option<FieldId>) -> Cell {
        let slot = field.and_then(|field| self.field_slots.get(field.index()).copied().flatten());
        slot.and_then(|slot| self.cells.get(slot.index())).copied().unwrap_or(Cell::Absent)
    }
}

/// First of all answers where their parts are, then of all their parts.
fn read_ahead<'a>(answers: impl Iterator<Item = &'a Answer> + Clone) {
    let places = answers.clone().fold(0, |sum, answer| sum ^ answer.rows.len() ^ answer.text.len());
    std::hint::black_box(places);
    let parts = answers.fold(0, |sum, answer| sum ^ answer.read_ahead());
    std::hint::black_box(parts);
}

pub(super) fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
