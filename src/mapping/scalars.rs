//! The forms that make one scalar.

use std::sync::Arc;

use super::forms::{Here, Mapper};
use super::leaf::{self, Misfit, Written};
use super::path::{Found, Path};
use super::payload::Kind;
use super::time::{self, TimeForm};
use super::{Leaf, decimal, escape};
use crate::graph::Scalar;
use crate::value::{self, Cell};

impl Mapper<'_> {
    pub(super) fn leaf(&mut self, to: &Leaf, path: &Path, here: Here<'_>) -> Cell {
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
                self.list(&all, None, here, |mapper, here| mapper.leaf(item, path, here))
            }
            Leaf::List(_) => self.misfit(path, "a list", kind),
        }
    }

    /// The word that `choose` gives for the text here; its error is what was expected.
    pub(super) fn word<'w>(
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
                escape::write_string(word, out);
                Some(())
            }),
            Err(expected) => self.misfit_found(path, Misfit { expected, found: "another" }),
        }
    }

    pub(super) fn text_of(&mut self, path: &Path, here: Here<'_>) -> Cell {
        let Some(text) = here.payload.scalar_text(here.at) else {
            return self.misfit(
                path,
                "text, a number or a boolean",
                here.payload.node(here.at).kind,
            );
        };
        self.written(|out| {
            escape::write_string(&text, out);
            Some(())
        })
    }

    pub(super) fn numbers(&mut self, path: &Path, shift: u32, to: &Leaf, here: Here<'_>) -> Cell {
        match to {
            Leaf::List(item) => {
                self.list(path, None, here, |mapper, here| mapper.number(path, shift, item, here))
            }
            _ => self.at(path, here, |mapper, here| mapper.number(path, shift, to, here)),
        }
    }

    fn number(&mut self, path: &Path, shift: u32, to: &Leaf, here: Here<'_>) -> Cell {
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
        let text = value::trimmed(&text);
        if text.is_empty() {
            return Cell::Null;
        }
        let start = self.text.len();
        if leaf::write_number(text, shift, scalar, &mut self.text).is_some() {
            return self.text_from(start);
        }
        self.text.truncate(start);
        let found = if kind == Kind::Number { "another number" } else { "other text" };
        self.misfit_found(path, Misfit { expected: leaf::expected(scalar), found })
    }

    pub(super) fn boolean(
        &mut self,
        path: &Path,
        yes: &[Arc<str>],
        no: &[Arc<str>],
        here: Here<'_>,
    ) -> Cell {
        let Some(text) = here.payload.scalar_text(here.at) else {
            return self.misfit(path, "a word for yes or no", here.payload.node(here.at).kind);
        };
        let text = value::trimmed(&text);
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

    pub(super) fn time(
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
        let text = value::trimmed(&text);
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

    pub(super) fn id(
        &mut self,
        parts: &[Path],
        of: crate::graph::TypeId,
        role: &str,
        here: Here<'_>,
    ) -> Cell {
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
    pub(super) fn id_parts(
        &mut self,
        parts: &[Path],
        here: Here<'_>,
        id: &mut String,
    ) -> Result<(), Cell> {
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
            if value::trimmed(&text).is_empty() {
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
}
