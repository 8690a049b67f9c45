//! The forms of a mapping, evaluated over a tape into cells.
//!
//! Takes: a record's node, a mapping.
//! Gives: cells, with their text and their problems, in tables that grow by appending.
//! Never: stops at a value that does not fit: it becomes a problem, and the rest goes on.

use super::combine::unreadable;
use super::hints::Hints;
use super::leaf::Misfit;
use super::money::Money;
use super::path::{Found, Path};
use super::payload::{At, Kind, Payload};
use super::{Leaf, Mapping, json};
use crate::graph::{Graph, Predicate, ShapeId, SlotId};
use crate::value::{Cell, Problem, SlotSet};

/// Records inside each other at most, and of these, made from one and the same value: shapes that hold each other must end.
const RECORDS_DEEP_MAX: u8 = 100;
const RECORDS_OF_ONE_VALUE_MAX: u8 = 8;
/// Cells and bytes of text that the answers of one chunk may have.
pub(super) const CELLS_MAX: usize = 1 << 24;
const TEXT_BYTES_MAX: usize = 1 << 28;
/// A small answer is made without growing.
const TEXT_ROOM: usize = 256;
const CELLS_ROOM: usize = 16;
/// Problems that are told apart; more share the last one.
const PROBLEMS_MAX: usize = 1_000;

/// Where a mapping is evaluated.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) payload: &'a Payload,
    pub(super) at: At,
    pub(super) around: Around,
}

impl Here<'_> {
    /// An XML element without anything in it.
    pub(super) fn is_empty_element(self) -> bool {
        let node = self.payload.node(self.at);
        self.payload.is_xml() && node.kind == Kind::Raw && self.payload.raw(node).trim().is_empty()
    }
}

/// The records around a value.
#[derive(Clone, Copy, Default)]
pub(super) struct Around {
    depth: u8,
    /// What the outermost is made from: the record that the call gave.
    pub(super) record: At,
    /// What the innermost is made from, and how many are made from it.
    value: Option<At>,
    same: u8,
}

impl Around {
    /// With one more record inside, made from the value at `at`.
    fn with(self, at: At) -> Self {
        let same = if self.value == Some(at) { self.same + 1 } else { 1 };
        let record = if self.depth == 0 { at } else { self.record };
        Self { depth: self.depth + 1, record, value: Some(at), same }
    }

    fn is_full(self) -> bool {
        self.depth >= RECORDS_DEEP_MAX || self.same >= RECORDS_OF_ONE_VALUE_MAX
    }
}

/// Evaluates mappings; the tables of the answer in the making are public to `answers`.
pub(super) struct Mapper<'a> {
    pub(super) graph: &'a Graph,
    pub(super) text: String,
    pub(super) cells: Vec<Cell>,
    pub(super) problems: Vec<Problem>,
    pub(super) hints: Hints,
    /// Elements of the lists in the making.
    places: Vec<At>,
    /// The readable form of the id in the making.
    pub(super) id: String,
    /// The parts of the text that is being joined, as they will stand inside JSON quotes.
    pub(super) joined: String,
}

impl<'a> Mapper<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        Self {
            graph,
            text: String::with_capacity(TEXT_ROOM),
            cells: Vec::with_capacity(CELLS_ROOM),
            problems: Vec::new(),
            hints: Hints::new(),
            places: Vec::new(),
            id: String::new(),
            joined: String::new(),
        }
    }

    /// A record of this shape, or of the shape that its `pick` chooses (then with all slots).
    pub(super) fn record(&mut self, shape_id: ShapeId, wanted: SlotSet, here: Here<'_>) -> Cell {
        let graph = self.graph;
        let shape = graph.shape(shape_id);
        if here.around.is_full() || self.cells.len() > CELLS_MAX || self.text.len() > TEXT_BYTES_MAX
        {
            return self
                .problem(|| format!("{}: the answer is too large or nests too deep", shape.name));
        }
        if let Some(found) = unreadable(shape, here) {
            return self
                .problem(|| format!("{}: expected an object, found {}", shape.name, found.noun()));
        }
        let here = Here { around: here.around.with(here.at), ..here };
        if let Some(pick) = &shape.pick {
            return self.picked(&shape.name, &pick.mapping, here);
        }
        let start = self.cells.len();
        self.cells.resize(start + shape.slots.len(), Cell::Absent);
        for (number, slot) in (0..).zip(&shape.slots) {
            if wanted.contains(SlotId(number)) {
                let cell = self.eval(&slot.mapping, here);
                self.set(start + usize::from(number), cell);
            }
        }
        Cell::Record { shape: shape_id, start: json::offset(start) }
    }

    pub(super) fn eval(&mut self, mapping: &Mapping, here: Here<'_>) -> Cell {
        match mapping {
            Mapping::Path { path, to: Leaf::List(item) } => {
                self.list(path, None, here, |mapper, here| mapper.leaf(item, path, here))
            }
            Mapping::Path { path, to } => {
                self.at(path, here, |mapper, here| mapper.leaf(to, path, here))
            }
            Mapping::Constant { json } => self.written(|text| {
                text.push_str(json);
                Some(())
            }),
            Mapping::Enum { path, values, otherwise } => self.at(path, here, |mapper, here| {
                mapper.word(path, here, |word| {
                    let value = values.iter().find(|(from, _)| **from == *word).map(|(_, to)| to);
                    value
                        .or(otherwise.as_ref())
                        .map(|word| &**word)
                        .ok_or("a word that the mapping knows")
                })
            }),
            Mapping::Money { amount, currency, is_minor, own_digits, shape } => {
                self.at(amount, here, |mapper, found| {
                    let (is_minor, shape) = (*is_minor, *shape);
                    let money = Money { amount, currency, is_minor, own_digits, shape };
                    mapper.money(&money, here, found)
                })
            }
            Mapping::Time { path, form, unset, is_date } => {
                self.at(path, here, |mapper, here| mapper.time(path, (form, *is_date), unset, here))
            }
            Mapping::Join { parts, with } => self.join(parts, with, here),
            Mapping::Split { paths, on } => self.split(paths, on, here),
            Mapping::First { choices } => self.first(choices, here),
            Mapping::Case { path, arms, otherwise } => {
                self.case(path, arms, otherwise.as_deref(), here)
            }
            Mapping::When { path, then } => self.when(path, then, here),
            Mapping::Number { path, shift, to } => self.numbers(path, *shift, to, here),
            Mapping::Bool { path, yes, no } => {
                self.at(path, here, |mapper, here| mapper.boolean(path, yes, no, here))
            }
            Mapping::Text { path } => {
                self.at(path, here, |mapper, here| mapper.text_of(path, here))
            }
            Mapping::Id { parts, of, role } => self.id(parts, *of, role, here),
            Mapping::Record { at: None, shape } => self.record(*shape, SlotSet::ALL, here),
            Mapping::Record { at: Some(path), shape } => {
                self.at(path, here, |mapper, here| mapper.inner_record(path, *shape, here))
            }
            Mapping::List { path, only, item } => {
                self.list(path, only.as_deref(), here, |mapper, here| mapper.eval(item, here))
            }
            Mapping::Find { path, only, item } => self.find(path, only, item, here),
            Mapping::Other { path, than } => self.other(path, than, here),
            Mapping::Items { items } => self.items(items, here),
            Mapping::Entries(form) => self.entries(form, here),
            Mapping::Jq { program, to } => self.jq(program, to, here),
        }
    }

    // ---- the way to a value

    /// Evaluates at the first value of the path; null where there is none.
    pub(super) fn at(
        &mut self,
        path: &Path,
        here: Here<'_>,
        then: impl FnOnce(&mut Self, Here<'_>) -> Cell,
    ) -> Cell {
        match path.first_hinted(here.payload, here.at, &mut self.hints) {
            Found::At(at) if here.payload.node(at).kind == Kind::Null => Cell::Null,
            Found::At(at) => then(self, Here { at, ..here }),
            Found::Missing => Cell::Null,
            Found::Misfit { step, found } => self.problem(|| path.misfit(step, found)),
        }
    }

    /// A list with an item for each element of the path: what it leads to with `[]`, the elements of what it leads to without.
    pub(super) fn list(
        &mut self,
        path: &Path,
        only: Option<&Predicate>,
        here: Here<'_>,
        item: impl Fn(&mut Self, Here<'_>) -> Cell,
    ) -> Cell {
        let first = self.places.len();
        if let Err(cell) = self.elements(path, here) {
            return cell;
        }
        if let Some(only) = only {
            let mut found = self.places.split_off(first);
            found.retain(|at| here.payload.satisfies_within(only, *at));
            self.places.append(&mut found);
        }
        let count = self.places.len() - first;
        let start = self.cells.len();
        if start + count > CELLS_MAX {
            self.places.truncate(first);
            return self.problem(|| format!("`{path}`: the answer is too large"));
        }
        self.cells.resize(start + count, Cell::Absent);
        for number in 0..count {
            let at = self.places.get(first + number).copied().unwrap_or_default();
            let cell = if here.payload.node(at).kind == Kind::Null {
                Cell::Null
            } else {
                item(self, Here { at, ..here })
            };
            self.set(start + number, cell);
        }
        self.places.truncate(first);
        Cell::List { start: json::offset(start), end: json::offset(start + count) }
    }

    /// Pushes the elements on `places`. `Err` is the cell where there is no list.
    fn elements(&mut self, path: &Path, here: Here<'_>) -> Result<(), Cell> {
        let payload = here.payload;
        let open = |places: &mut Vec<At>, at: At| {
            let node = payload.node(at);
            match node.kind {
                Kind::List => places.extend(payload.elements(at)),
                // an empty XML element has no elements
                Kind::Raw if payload.is_xml() && payload.raw(node).trim().is_empty() => {}
                _ => places.push(at),
            }
        };
        if path.has_each() {
            let first = self.places.len();
            let places = &mut self.places;
            let (is_open, mut misfit) = (path.opens_last(), None);
            path.each_found(payload, here.at, &mut |found| match found {
                Found::At(at) if is_open => places.push(at),
                Found::At(at) => open(places, at),
                Found::Missing => {}
                Found::Misfit { step, found } => misfit = misfit.or(Some((step, found))),
            });
            let Some((step, found)) = misfit else { return Ok(()) };
            // an element of another kind is no element that is not there
            self.places.truncate(first);
            return Err(self.problem(|| path.misfit(step, found)));
        }
        let at = match path.first_hinted(payload, here.at, &mut self.hints) {
            Found::At(at) => at,
            Found::Missing => return Err(Cell::Null),
            Found::Misfit { step, found } => return Err(self.problem(|| path.misfit(step, found))),
        };
        match payload.node(at).kind {
            Kind::Null => Err(Cell::Null),
            kind if kind != Kind::List && !payload.is_xml() => {
                Err(self.misfit(path, "a list", kind))
            }
            _ => {
                open(&mut self.places, at);
                Ok(())
            }
        }
    }

    /// The elements that a path leads to. `Err` is the cell where there is no list.
    pub(super) fn elements_of(&mut self, path: &Path, here: Here<'_>) -> Result<Vec<At>, Cell> {
        let first = self.places.len();
        self.elements(path, here)?;
        Ok(self.places.split_off(first))
    }

    // ---- cells

    pub(super) fn listed(&mut self, items: &[Cell]) -> Cell {
        let start = self.cells.len();
        self.cells.extend_from_slice(items);
        Cell::List { start: json::offset(start), end: json::offset(self.cells.len()) }
    }

    pub(super) fn set(&mut self, index: usize, cell: Cell) {
        if let Some(target) = self.cells.get_mut(index) {
            *target = cell;
        }
    }

    pub(super) fn written(&mut self, write: impl FnOnce(&mut String) -> Option<()>) -> Cell {
        let start = self.text.len();
        if write(&mut self.text).is_some() {
            return self.text_from(start);
        }
        self.text.truncate(start);
        Cell::Null
    }

    pub(super) fn text_from(&self, start: usize) -> Cell {
        Cell::Text { start: json::offset(start), end: json::offset(self.text.len()) }
    }

    pub(super) fn json(&self, cell: Cell) -> &str {
        match cell {
            Cell::Text { start, end } => {
                self.text.get(start as usize..end as usize).unwrap_or_default()
            }
            _ => "null",
        }
    }

    pub(super) fn misfit(&mut self, path: &Path, expected: &'static str, found: Kind) -> Cell {
        self.misfit_found(path, Misfit { expected, found: found.noun() })
    }

    pub(super) fn misfit_found(&mut self, path: &Path, misfit: Misfit) -> Cell {
        self.problem(|| format!("`{path}`: expected {}, found {}", misfit.expected, misfit.found))
    }

    pub(super) fn problem(&mut self, message: impl FnOnce() -> String) -> Cell {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { message: message().into_boxed_str() });
        }
        Cell::Problem(json::offset(self.problems.len() - 1))
    }
}
