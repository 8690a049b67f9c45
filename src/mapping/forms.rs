//! The forms of a mapping, evaluated over a tape into cells.
//!
//! Takes: a record's node, a mapping.
//! Gives: cells, with their text and their problems, in tables that grow by appending.
//! Never: stops at a value that does not fit: it becomes a problem, and the rest goes on.

use std::sync::Arc;

use super::leaf::{self, Misfit, Written};
use super::money::Money;
use super::path::{Found, Hints, Path, PathStep};
use super::payload::{At, Kind, Payload};
use super::time::{self, TimeForm};
use super::{Leaf, Mapping, decimal, json};
use crate::graph::{Graph, Scalar, ShapeId, SlotId};
use crate::value::{self, Cell, Problem, SlotSet};

/// Records inside each other at most, and of these, made from one and the same value: shapes that hold each other must end.
const RECORDS_DEEP_MAX: u8 = 100;
const RECORDS_OF_ONE_VALUE_MAX: u8 = 8;
/// Cells and bytes of text that the answers of one chunk may have.
const CELLS_MAX: usize = 1 << 24;
const TEXT_BYTES_MAX: usize = 1 << 28;
/// Problems that are told apart; more share the last one.
const PROBLEMS_MAX: usize = 1_000;

/// Where a mapping is evaluated.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) payload: &'a Payload,
    pub(super) at: At,
    pub(super) around: Around,
}

/// The records around a value.
#[derive(Clone, Copy, Default)]
pub(super) struct Around {
    depth: u8,
    /// What the innermost is made from, and how many are made from it.
    value: Option<At>,
    same: u8,
}

impl Around {
    /// With one more record inside, made from the value at `at`.
    fn with(self, at: At) -> Self {
        let same = if self.value == Some(at) { self.same + 1 } else { 1 };
        Self { depth: self.depth + 1, value: Some(at), same }
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
    pub(super) hints: Box<Hints>,
    /// Elements of the lists in the making.
    places: Vec<At>,
    /// The readable form of the id in the making.
    id: String,
}

impl<'a> Mapper<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        Self {
            graph,
            text: String::new(),
            cells: Vec::new(),
            problems: Vec::new(),
            hints: Box::new(Hints::new()),
            places: Vec::new(),
            id: String::new(),
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
        let here = Here { around: here.around.with(here.at), ..here };
        if let Some(pick) = &shape.pick {
            return self.eval(pick, here);
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
                self.list(path, here, |mapper, here| mapper.leaf(item, path, here))
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
            Mapping::Money { amount, currency, is_minor, shape } => {
                self.at(amount, here, |mapper, found| {
                    let money = Money { amount, currency, is_minor: *is_minor, shape: *shape };
                    mapper.money(&money, here, found)
                })
            }
            Mapping::Time { path, form, unset, is_date } => {
                self.at(path, here, |mapper, here| mapper.time(path, (form, *is_date), unset, here))
            }
            Mapping::Join { parts, with } => self.join(parts, with, here),
            Mapping::First { choices } => self.first(choices, here),
            Mapping::Case { path, arms, otherwise } => {
                self.case(path, arms, otherwise.as_deref(), here)
            }
            Mapping::Number { path, to } => self.numbers(path, to, here),
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
            Mapping::List { path, item } => {
                self.list(path, here, |mapper, here| mapper.eval(item, here))
            }
            Mapping::Items { items } => self.items(items, here),
            Mapping::Jq { program, to } => self.jq(program, to, here),
        }
    }

    // ---- the way to a value

    /// Evaluates at the first value of the path; null where there is none.
    fn at(
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
    fn list(
        &mut self,
        path: &Path,
        here: Here<'_>,
        item: impl Fn(&mut Self, Here<'_>) -> Cell,
    ) -> Cell {
        let first = self.places.len();
        if let Err(cell) = self.elements(path, here) {
            return cell;
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
            let is_open = path.steps.last() == Some(&PathStep::Each);
            path.each(payload, here.at, &mut |at| {
                if is_open { places.push(at) } else { open(places, at) }
            });
            if self.places.len() == first
                && let Found::Misfit { step, found } = path.first(payload, here.at)
            {
                return Err(self.problem(|| path.misfit(step, found)));
            }
            return Ok(());
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

    // ---- scalars

    fn leaf(&mut self, to: &Leaf, path: &Path, here: Here<'_>) -> Cell {
        let (payload, at) = (here.payload, here.at);
        let kind = payload.node(at).kind;
        match to {
            Leaf::Scalar(scalar) => {
                let start = self.text.len();
                match leaf::write_scalar(payload, at, *scalar, &mut self.text) {
                    Ok(Written::Value) => self.text_from(start),
                    Ok(Written::Null) => {
                        self.text.truncate(start);
                        Cell::Null
                    }
                    Err(misfit) => {
                        self.text.truncate(start);
                        self.misfit_found(path, misfit)
                    }
                }
            }
            Leaf::Enum(words) if kind.is_text() || kind == Kind::Object => {
                self.word(path, here, |word| {
                    words
                        .iter()
                        .find(|known| ***known == *word)
                        .map(|word| &**word)
                        .ok_or("a value of the enum")
                })
            }
            Leaf::Enum(_) => self.misfit(path, "a value of the enum", kind),
            Leaf::List(item) if kind == Kind::List || payload.is_xml() => {
                let all = Path { steps: Vec::new() };
                self.list(&all, here, |mapper, here| mapper.leaf(item, path, here))
            }
            Leaf::List(_) => self.misfit(path, "a list", kind),
        }
    }

    /// The word that `choose` gives for the text here; its error is what was expected.
    fn word<'w>(
        &mut self,
        path: &Path,
        here: Here<'_>,
        choose: impl FnOnce(&str) -> Result<&'w str, &'static str>,
    ) -> Cell {
        let Some(text) = here.payload.scalar_text(here.at) else {
            return self.misfit(path, "a word", here.payload.node(here.at).kind);
        };
        match choose(&text) {
            Ok(word) => self.written(|out| {
                json::write_string(word, out);
                Some(())
            }),
            Err(expected) => self.misfit_found(path, Misfit { expected, found: "another" }),
        }
    }

    fn text_of(&mut self, path: &Path, here: Here<'_>) -> Cell {
        let Some(text) = here.payload.scalar_text(here.at) else {
            return self.misfit(
                path,
                "text, a number or a boolean",
                here.payload.node(here.at).kind,
            );
        };
        self.written(|out| {
            json::write_string(&text, out);
            Some(())
        })
    }

    fn numbers(&mut self, path: &Path, to: &Leaf, here: Here<'_>) -> Cell {
        match to {
            Leaf::List(item) => {
                self.list(path, here, |mapper, here| mapper.number(path, item, here))
            }
            _ => self.at(path, here, |mapper, here| mapper.number(path, to, here)),
        }
    }

    fn number(&mut self, path: &Path, to: &Leaf, here: Here<'_>) -> Cell {
        let kind = here.payload.node(here.at).kind;
        let scalar = match to {
            Leaf::Scalar(scalar) => *scalar,
            Leaf::Enum(_) | Leaf::List(_) => Scalar::Any,
        };
        let text = match kind {
            Kind::True | Kind::False => None,
            _ => here.payload.scalar_text(here.at),
        };
        let Some(text) = text else { return self.misfit(path, "a number", kind) };
        let text = text.trim();
        if text.is_empty() {
            return Cell::Null;
        }
        let start = self.text.len();
        match leaf::write_number(text, scalar, &mut self.text) {
            Some(()) => self.text_from(start),
            None => {
                self.text.truncate(start);
                let found = if kind == Kind::Number { "another number" } else { "other text" };
                self.misfit_found(path, Misfit { expected: leaf::expected(scalar), found })
            }
        }
    }

    fn boolean(&mut self, path: &Path, yes: &[Arc<str>], no: &[Arc<str>], here: Here<'_>) -> Cell {
        let Some(text) = here.payload.scalar_text(here.at) else {
            return self.misfit(path, "a word for yes or no", here.payload.node(here.at).kind);
        };
        let text = text.trim();
        let is_one_of = |words: &[Arc<str>]| words.iter().any(|word| **word == *text);
        let truth = match (yes, no) {
            ([], []) => match text.to_ascii_lowercase().as_str() {
                "" => return Cell::Null,
                "true" | "1" => true,
                "false" | "0" => false,
                _ => {
                    return self
                        .misfit_found(path, Misfit { expected: "a boolean", found: "other text" });
                }
            },
            (yes, []) => is_one_of(yes),
            ([], no) => !is_one_of(no),
            (yes, _) if is_one_of(yes) => true,
            (_, no) if is_one_of(no) => false,
            _ if text.is_empty() => return Cell::Null,
            _ => {
                return self.misfit_found(
                    path,
                    Misfit { expected: "a word for yes or no", found: "another" },
                );
            }
        };
        self.written(|out| {
            out.push_str(if truth { "true" } else { "false" });
            Some(())
        })
    }

    fn time(
        &mut self,
        path: &Path,
        (form, is_date): (&TimeForm, bool),
        unset: &[Arc<str>],
        here: Here<'_>,
    ) -> Cell {
        let kind = here.payload.node(here.at).kind;
        let is_unix = matches!(form, TimeForm::UnixSeconds | TimeForm::UnixMillis);
        let text = match kind {
            Kind::Number if !is_unix && matches!(form, TimeForm::Auto) => None,
            Kind::True | Kind::False => None,
            _ => here.payload.scalar_text(here.at),
        };
        let Some(text) = text else { return self.misfit(path, "a time in text", kind) };
        let text = text.trim();
        if text.is_empty() || unset.iter().any(|unset| **unset == *text) {
            return Cell::Null;
        }
        let start = self.text.len();
        self.text.push('"');
        let written = if is_date {
            time::write_day(text, form, &mut self.text)
        } else {
            time::write_instant(text, form, &mut self.text)
        };
        match written {
            Ok(()) => {
                self.text.push('"');
                self.text_from(start)
            }
            Err(expected) => {
                self.text.truncate(start);
                let found = if kind == Kind::Number { "another number" } else { "other text" };
                self.misfit_found(path, Misfit { expected, found })
            }
        }
    }

    fn id(&mut self, parts: &[Path], of: crate::graph::TypeId, role: &str, here: Here<'_>) -> Cell {
        let mut id = std::mem::take(&mut self.id);
        id.clear();
        for part in [&*self.graph.ty(of).name, ":", role, ":"] {
            id.push_str(part);
        }
        let cell = match self.id_parts(parts, here, &mut id) {
            Ok(()) => self.written(|out| {
                // the alphabet of opaque ids needs no escapes
                out.push('"');
                value::write_opaque_id(&id, out);
                out.push('"');
                Some(())
            }),
            Err(cell) => cell,
        };
        self.id = id;
        cell
    }

    /// Appends the remote key. `Err` is the cell where there is none.
    fn id_parts(&mut self, parts: &[Path], here: Here<'_>, id: &mut String) -> Result<(), Cell> {
        for (number, path) in parts.iter().enumerate() {
            let at = match path.first_hinted(here.payload, here.at, &mut self.hints) {
                Found::At(at) => at,
                Found::Missing => return Err(Cell::Null),
                Found::Misfit { step, found } => {
                    return Err(self.problem(|| path.misfit(step, found)));
                }
            };
            let node = here.payload.node(at);
            let is_key = match node.kind {
                Kind::Null => return Err(Cell::Null),
                Kind::Number => decimal::integer(here.payload.raw(node)).is_some(),
                Kind::True | Kind::False => false,
                _ => true,
            };
            let text = here.payload.scalar_text(at).filter(|_| is_key);
            let Some(text) = text else {
                return Err(self.misfit(path, "text or an integer", node.kind));
            };
            if text.trim().is_empty() {
                return Err(Cell::Null);
            }
            if text.contains(value::KEY_SEPARATOR) {
                let found = "text with a separator in it";
                return Err(self.misfit_found(path, Misfit { expected: "an id", found }));
            }
            if number > 0 {
                id.push(value::KEY_SEPARATOR);
            }
            id.push_str(&text);
        }
        Ok(())
    }

    // ---- forms of several values

    fn join(&mut self, parts: &[Mapping], with: &str, here: Here<'_>) -> Cell {
        let (text, cells) = (self.text.len(), self.cells.len());
        let mut joined = String::new();
        let mut problem = None;
        for part in parts {
            let (part_text, part_cells) = (self.text.len(), self.cells.len());
            let cell = self.eval(part, here);
            match cell {
                Cell::List { start, end } => {
                    for index in start..end {
                        let item = self.cells.get(index as usize).copied().unwrap_or(Cell::Null);
                        self.join_one(item, with, &mut joined, &mut problem);
                    }
                }
                cell => self.join_one(cell, with, &mut joined, &mut problem),
            }
            self.text.truncate(part_text);
            self.cells.truncate(part_cells);
        }
        self.text.truncate(text);
        self.cells.truncate(cells);
        match problem {
            Some(problem) => problem,
            None if joined.is_empty() => Cell::Null,
            None => self.written(|out| {
                json::write_string(&joined, out);
                Some(())
            }),
        }
    }

    fn join_one(&self, cell: Cell, with: &str, joined: &mut String, problem: &mut Option<Cell>) {
        match cell {
            Cell::Problem(_) => *problem = Some(cell),
            Cell::Text { .. } => {
                let Some(text) = value::plain_text(self.json(cell)) else { return };
                if !text.trim().is_empty() {
                    if !joined.is_empty() {
                        joined.push_str(with);
                    }
                    joined.push_str(&text);
                }
            }
            Cell::Null | Cell::Absent | Cell::Record { .. } | Cell::List { .. } => {}
        }
    }

    /// The first that is neither null nor blank. A choice that does not fit is passed over; if none is left, it is told.
    fn first(&mut self, choices: &[Mapping], here: Here<'_>) -> Cell {
        let mut misfit = None;
        for choice in choices {
            let (text, cells, problems) = (self.text.len(), self.cells.len(), self.problems.len());
            let cell = self.eval(choice, here);
            match cell {
                Cell::Problem(index) => {
                    misfit = self.problems.get(index as usize).cloned();
                    self.problems.truncate(problems);
                }
                Cell::Null | Cell::Absent => {}
                Cell::Text { .. } if self.is_blank(cell) => {}
                _ => return cell,
            }
            self.text.truncate(text);
            self.cells.truncate(cells);
        }
        match misfit {
            Some(misfit) => self.problem(|| misfit.message.into_string()),
            None => Cell::Null,
        }
    }

    /// A list of what the mappings give; nulls and blanks are left out.
    fn items(&mut self, items: &[Mapping], here: Here<'_>) -> Cell {
        let mut cells = Vec::with_capacity(items.len());
        for item in items {
            let (text, start) = (self.text.len(), self.cells.len());
            match self.eval(item, here) {
                Cell::Null | Cell::Absent => {}
                cell @ Cell::Text { .. } if self.is_blank(cell) => {}
                cell => {
                    cells.push(cell);
                    continue;
                }
            }
            self.text.truncate(text);
            self.cells.truncate(start);
        }
        let start = self.cells.len();
        self.cells.append(&mut cells);
        Cell::List { start: json::offset(start), end: json::offset(self.cells.len()) }
    }

    fn is_blank(&self, cell: Cell) -> bool {
        value::plain_text(self.json(cell)).is_none_or(|text| text.trim().is_empty())
    }

    fn case(
        &mut self,
        path: &Path,
        arms: &[(Arc<str>, Mapping)],
        otherwise: Option<&Mapping>,
        here: Here<'_>,
    ) -> Cell {
        let found = path.first_hinted(here.payload, here.at, &mut self.hints);
        let at = match found {
            Found::At(at) => Some(at),
            Found::Missing => None,
            Found::Misfit { step, found } => return self.problem(|| path.misfit(step, found)),
        };
        let word = at.and_then(|at| here.payload.scalar_text(at));
        let arm = word.as_deref().and_then(|word| arms.iter().find(|(known, _)| **known == *word));
        match (arm, otherwise, at.map(|at| here.payload.node(at).kind)) {
            (Some((_, mapping)), _, _) | (None, Some(mapping), _) => self.eval(mapping, here),
            (None, None, None | Some(Kind::Null)) => Cell::Null,
            (None, None, Some(kind)) if word.is_none() => self.misfit(path, "a word", kind),
            (None, None, Some(_)) => self.misfit_found(
                path,
                Misfit { expected: "a word that the mapping knows", found: "another" },
            ),
        }
    }

    fn inner_record(&mut self, path: &Path, shape: ShapeId, here: Here<'_>) -> Cell {
        let node = here.payload.node(here.at);
        match node.kind {
            Kind::Object => self.record(shape, SlotSet::ALL, here),
            Kind::Raw if here.payload.is_xml() && here.payload.raw(node).trim().is_empty() => {
                Cell::Null
            }
            // a value object may be made from a scalar: its paths are all `.`
            kind if kind != Kind::List => self.record(shape, SlotSet::ALL, here),
            kind => self.misfit(path, "an object", kind),
        }
    }

    fn jq(&mut self, program: &super::JqProgram, to: &Leaf, here: Here<'_>) -> Cell {
        let root = Path { steps: Vec::new() };
        match program.run(here.payload, here.at) {
            Ok(payload) => self.at(
                &root,
                Here { payload: &payload, at: 0, around: here.around },
                |mapper, here| mapper.leaf(to, &root, here),
            ),
            Err(message) => self.problem(|| message),
        }
    }

    // ---- cells

    pub(super) fn set(&mut self, index: usize, cell: Cell) {
        if let Some(target) = self.cells.get_mut(index) {
            *target = cell;
        }
    }

    pub(super) fn written(&mut self, write: impl FnOnce(&mut String) -> Option<()>) -> Cell {
        let start = self.text.len();
        match write(&mut self.text) {
            Some(()) => self.text_from(start),
            None => {
                self.text.truncate(start);
                Cell::Null
            }
        }
    }

    fn text_from(&self, start: usize) -> Cell {
        Cell::Text { start: json::offset(start), end: json::offset(self.text.len()) }
    }

    fn json(&self, cell: Cell) -> &str {
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
