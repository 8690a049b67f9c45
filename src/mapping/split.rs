//! `{ split: P, on: ";" }`: the texts that stand in one text, as a list.

use super::escape;
use super::forms::{Here, Mapper};
use super::path::{Found, Path};
use super::payload::Kind;
use crate::value::Cell;

impl Mapper<'_> {
    /// Null where no path has a value; blanks between two separators are left out.
    pub(super) fn split(&mut self, paths: &[Path], on: &str, here: Here<'_>) -> Cell {
        let payload = here.payload;
        let mut items = Vec::new();
        let mut has_value = false;
        for path in paths {
            if let Found::Misfit { step, found } = path.first(payload, here.at) {
                return self.problem(|| path.misfit(step, found));
            }
            let mut other = None;
            path.each(payload, here.at, &mut |at| {
                let kind = payload.node(at).kind;
                match payload.scalar_text(at) {
                    _ if kind == Kind::Null => {}
                    Some(text) => {
                        has_value = true;
                        let texts = text.split(on).map(str::trim).filter(|text| !text.is_empty());
                        for text in texts {
                            items.push(self.written(|out| {
                                escape::write_string(text, out);
                                Some(())
                            }));
                        }
                    }
                    None => other = Some(kind),
                }
            });
            if let Some(kind) = other {
                return self.misfit(path, "text", kind);
            }
        }
        if !has_value {
            return Cell::Null;
        }
        self.listed(&items)
    }
}
