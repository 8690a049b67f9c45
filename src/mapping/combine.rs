//! The forms that are made of other forms.

use std::borrow::Cow;
use std::sync::Arc;

use super::forms::{Here, Mapper};
use super::leaf::Misfit;
use super::path::{Found, Path, PathStep};
use super::payload::Kind;
use super::{Leaf, Mapping, escape, json};
use crate::graph::{Predicate, Shape, ShapeId};
use crate::value::{self, Cell, SlotSet};

/// What the paths of a shape begin with.
#[derive(Default)]
struct Reads {
    members: bool,
    values: bool,
}

impl Reads {
    fn add(&mut self, path: &Path) {
        match path.steps.first() {
            Some(PathStep::Member(name)) if &**name != "#text" => self.members = true,
            Some(PathStep::Only) => self.members = true,
            _ => self.values = true,
        }
    }

    fn of(&mut self, mapping: &Mapping) {
        match mapping {
            Mapping::Path { path, .. }
            | Mapping::Enum { path, .. }
            | Mapping::Time { path, .. }
            | Mapping::Number { path, .. }
            | Mapping::Bool { path, .. }
            | Mapping::Text { path }
            | Mapping::Case { path, .. }
            | Mapping::List { path, .. }
            | Mapping::Find { path, .. }
            | Mapping::Record { at: Some(path), .. }
            | Mapping::Money { amount: path, .. } => self.add(path),
            Mapping::Entries(form) => self.add(&form.path),
            Mapping::When { path, then } => {
                self.add(path);
                self.of(then);
            }
            Mapping::Other { path, than } => {
                self.add(path);
                self.add(than);
            }
            Mapping::Id { parts, .. } => parts.iter().for_each(|path| self.add(path)),
            Mapping::Split { paths, .. } => paths.iter().for_each(|path| self.add(path)),
            Mapping::Join { parts: many, .. }
            | Mapping::First { choices: many }
            | Mapping::Items { items: many } => many.iter().for_each(|one| self.of(one)),
            Mapping::Record { at: None, .. } | Mapping::Jq { .. } => self.values = true,
            Mapping::Constant { .. } => {}
        }
    }
}

/// Is there a word at the path?
fn says(path: &Path, here: Here<'_>) -> bool {
    match path.first(here.payload, here.at) {
        Found::At(at) => here.payload.node(at).kind != Kind::Null,
        _ => false,
    }
}

/// What stands where a record should, if the shape reads members alone and it has none. A record may be made from a
/// scalar or a list by paths that begin with neither name: `.`, `.[0]`.
pub(super) fn unreadable(shape: &Shape, here: Here<'_>) -> Option<Kind> {
    let kind = here.payload.node(here.at).kind;
    if kind == Kind::Object || shape.pick.is_some() || here.is_empty_element() {
        return None;
    }
    let mut reads = Reads::default();
    shape.slots.iter().for_each(|slot| reads.of(&slot.mapping));
    (reads.members && !reads.values).then_some(kind)
}

impl Mapper<'_> {
    pub(super) fn join(&mut self, parts: &[Mapping], with: &str, here: Here<'_>) -> Cell {
        let (text, cells) = (self.text.len(), self.cells.len());
        let mut joined = std::mem::take(&mut self.joined);
        joined.clear();
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
        let cell = match problem {
            Some(problem) => problem,
            None if joined.is_empty() => Cell::Null,
            None => self.written(|out| {
                out.push('"');
                out.push_str(&joined);
                out.push('"');
                Some(())
            }),
        };
        self.joined = joined;
        cell
    }

    /// Appends the text of a scalar to `joined`, which is as it will stand inside JSON quotes.
    pub(super) fn join_one(
        &self,
        cell: Cell,
        with: &str,
        joined: &mut String,
        problem: &mut Option<Cell>,
    ) {
        match cell {
            Cell::Problem(_) => *problem = Some(cell),
            Cell::Text { .. } => {
                let Some(text) = value::plain_text(self.json(cell)) else { return };
                if !value::trimmed(&text).is_empty() {
                    if !joined.is_empty() {
                        escape::write_escaped(with, joined);
                    }
                    match text {
                        // what has no escapes needs none
                        Cow::Borrowed(text) => joined.push_str(text),
                        Cow::Owned(text) => escape::write_escaped(&text, joined),
                    }
                }
            }
            Cell::Null | Cell::Absent | Cell::Record { .. } | Cell::List { .. } => {}
        }
    }

    /// The first that is neither null nor blank. A choice that does not fit is passed over; if none is left, it is told.
    pub(super) fn first(&mut self, choices: &[Mapping], here: Here<'_>) -> Cell {
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
    pub(super) fn items(&mut self, items: &[Mapping], here: Here<'_>) -> Cell {
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

    pub(super) fn is_blank(&self, cell: Cell) -> bool {
        value::plain_text(self.json(cell)).is_none_or(|text| value::trimmed(&text).is_empty())
    }

    pub(super) fn case(
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

    pub(super) fn when(&mut self, path: &Path, then: &Mapping, here: Here<'_>) -> Cell {
        let payload = here.payload;
        let is_there = self.at(path, here, |_, here| {
            let text = payload.scalar_text(here.at);
            let is_blank = text.is_some_and(|text| text.trim().is_empty());
            if is_blank { Cell::Null } else { Cell::Absent }
        });
        match is_there {
            Cell::Absent => self.eval(then, here),
            problem_or_null => problem_or_null,
        }
    }

    /// The item of the first element that passes; null where none does.
    pub(super) fn find(
        &mut self,
        path: &Path,
        only: &Predicate,
        item: &Mapping,
        here: Here<'_>,
    ) -> Cell {
        let elements = match self.elements_of(path, here) {
            Ok(elements) => elements,
            Err(cell) => return cell,
        };
        let found = elements.into_iter().find(|at| here.payload.satisfies_within(only, *at));
        found.map_or(Cell::Null, |at| self.eval(item, Here { at, ..here }))
    }

    /// The text at `path`, unless it is what stands at `than`: compared as text, whichever of both is a number.
    pub(super) fn other(&mut self, path: &Path, than: &Path, here: Here<'_>) -> Cell {
        let payload = here.payload;
        let own = match than.first_hinted(payload, here.at, &mut self.hints) {
            Found::At(at) => payload.scalar_text(at),
            Found::Missing => None,
            Found::Misfit { step, found } => return self.problem(|| than.misfit(step, found)),
        };
        self.at(path, here, |mapper, here| {
            let text = payload.scalar_text(here.at);
            let is_same = text.is_some()
                && text.as_deref().map(value::trimmed) == own.as_deref().map(value::trimmed);
            if is_same { Cell::Null } else { mapper.text_of(path, here) }
        })
    }

    pub(super) fn inner_record(&mut self, path: &Path, shape: ShapeId, here: Here<'_>) -> Cell {
        match here.payload.node(here.at).kind {
            Kind::List => self.misfit(path, "an object", Kind::List),
            _ if here.is_empty_element() => Cell::Null,
            _ => self.record(shape, SlotSet::ALL, here),
        }
    }

    /// The record of an abstract type. One that does not say what it is is no record, but not nothing either.
    pub(super) fn picked(&mut self, name: &str, pick: &Mapping, here: Here<'_>) -> Cell {
        let cell = self.eval(pick, here);
        match pick {
            Mapping::Case { path, otherwise: None, .. }
                if cell == Cell::Null && !here.is_empty_element() && !says(path, here) =>
            {
                self.problem(|| {
                    format!("{name}: `{path}` does not say which type the record is of")
                })
            }
            _ => cell,
        }
    }

    /// No member of the result is looked up: hints are for the tapes of the pages alone.
    pub(super) fn jq(&mut self, program: &super::JqProgram, to: &Leaf, here: Here<'_>) -> Cell {
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
}
