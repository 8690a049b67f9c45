//! `{ entries: P, … }`: what a company added to a backend, each with its name, its value and its declared kind.
//!
//! Takes: an object whose members they are, or a list of objects that each have a name and a value.
//! Gives: a list of records; what is null or not declared is left out.
//! Never: looks at the value: it stays as the backend wrote it.

use std::sync::Arc;

use super::forms::{CELLS_MAX, Here, Mapper};
use super::path::{Found, Path};
use super::payload::{At, Kind};
use super::{Leaf, escape, json};
use crate::graph::ShapeId;
use crate::value::Cell;

/// Names with values, as a list of `{ key, value, type }`.
#[derive(Debug)]
pub struct Entries {
    pub path: Path,
    /// In a list of objects, where in each its name and its value are. Without it, the members of one object.
    pub pair: Option<(Path, Path)>,
    /// The kind that each name is declared to hold.
    pub kinds: Vec<(Arc<str>, Arc<str>)>,
    /// The kind of every other name; without it they are left out.
    pub otherwise: Option<Arc<str>>,
    /// The type of a value: any JSON, or text.
    pub to: Leaf,
    pub shape: ShapeId,
}

impl Entries {
    fn kind(&self, name: &str) -> Option<&Arc<str>> {
        let declared = self.kinds.iter().find(|(known, _)| **known == *name);
        declared.map(|(_, kind)| kind).or(self.otherwise.as_ref())
    }
}

impl Mapper<'_> {
    pub(super) fn entries(&mut self, form: &Entries, here: Here<'_>) -> Cell {
        let found = match &form.pair {
            None => self.entries_of_object(form, here),
            Some(pair) => self.entries_of_list(form, pair, here),
        };
        match found {
            Ok(records) => {
                let start = self.cells.len();
                self.cells.extend(records);
                Cell::List { start: json::offset(start), end: json::offset(self.cells.len()) }
            }
            Err(cell) => cell,
        }
    }

    fn entries_of_object(&mut self, form: &Entries, here: Here<'_>) -> Result<Vec<Cell>, Cell> {
        let payload = here.payload;
        let at = match form.path.first(payload, here.at) {
            Found::At(at) => at,
            Found::Missing => return Err(Cell::Null),
            Found::Misfit { step, found } => {
                return Err(self.problem(|| form.path.misfit(step, found)));
            }
        };
        let object = Here { at, ..here };
        let node = payload.node(at);
        match node.kind {
            Kind::Object => {}
            Kind::Null => return Err(Cell::Null),
            _ if object.is_empty_element() => return Ok(Vec::new()),
            kind => return Err(self.misfit(&form.path, "an object", kind)),
        }
        let counted = node.has_duplicates.then(|| payload.last_members(at));
        let mut records = Vec::new();
        for (place, name) in payload.members(at) {
            if counted.as_ref().is_some_and(|counted| counted.binary_search(&place).is_err()) {
                continue;
            }
            let name = payload.raw(name);
            // attributes of the element, and text beside its children
            let is_marked = payload.is_xml() && name.starts_with(['@', '#']);
            if is_marked && !form.kinds.iter().any(|(known, _)| **known == *name) {
                continue;
            }
            let value = Some(place + 1);
            records.extend(self.entry(form, name, value, &form.path, here)?);
        }
        Ok(records)
    }

    fn entries_of_list(
        &mut self,
        form: &Entries,
        (key, value): &(Path, Path),
        here: Here<'_>,
    ) -> Result<Vec<Cell>, Cell> {
        let payload = here.payload;
        let mut records = Vec::new();
        for at in self.elements_of(&form.path, here)? {
            let name = match key.first(payload, at) {
                Found::At(at) => payload.scalar_text(at),
                _ => None,
            };
            let Some(name) = name else { continue };
            let found = match value.first(payload, at) {
                Found::At(at) => Some(at),
                _ => None,
            };
            records.extend(self.entry(form, &name, found, value, here)?);
        }
        Ok(records)
    }

    /// One of them, unless it is null or not declared.
    fn entry(
        &mut self,
        form: &Entries,
        name: &str,
        value: Option<At>,
        path: &Path,
        here: Here<'_>,
    ) -> Result<Option<Cell>, Cell> {
        let payload = here.payload;
        let value = value.filter(|at| payload.node(*at).kind != Kind::Null);
        let (Some(at), Some(kind)) = (value, form.kind(name)) else { return Ok(None) };
        if self.cells.len() > CELLS_MAX {
            return Err(self.problem(|| format!("`{path}`: the answer is too large")));
        }
        let mut quoted = |text: &str| {
            self.written(|out| {
                escape::write_string(text, out);
                Some(())
            })
        };
        let (key, kind) = (quoted(name), quoted(kind));
        let value = self.leaf(&form.to, path, Here { at, ..here });
        let slots = &self.graph.shape(form.shape).slots;
        let start = self.cells.len();
        self.cells.extend(slots.iter().map(|slot| match &*slot.name {
            "key" => key,
            "value" => value,
            _ => kind,
        }));
        Ok(Some(Cell::Record { shape: form.shape, start: json::offset(start) }))
    }
}
