//! The forms that are made of other forms.

use std::sync::Arc;

use super::forms::{Here, Mapper};
use super::leaf::Misfit;
use super::path::{Found, Path};
use super::payload::Kind;
use super::{Leaf, Mapping, escape, json};
use crate::graph::ShapeId;
use crate::value::{self, Cell, SlotSet};

impl Mapper<'_> {
    pub(super) fn join(&mut self, parts: &[Mapping], with: &str, here: Here<'_>) -> Cell {
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
                escape::write_string(&joined, out);
                Some(())
            }),
        }
    }

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
        value::plain_text(self.json(cell)).is_none_or(|text| text.trim().is_empty())
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

    pub(super) fn inner_record(&mut self, path: &Path, shape: ShapeId, here: Here<'_>) -> Cell {
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
