//! Makes the objects of a call's rows: the records themselves, or what they name.

use crate::execute::state::number;
use crate::execute::{Object, PartState, Run};
use crate::graph::{Graph, Named, SlotId};
use crate::plan::CallStep;
use crate::value::{Answer, Cell, Key, normalize};

impl Run<'_> {
    /// Objects of rows: the first, and the one after the last.
    pub(super) fn row_objects(
        &mut self,
        call: &CallStep,
        parent: u32,
        (answer, loaded): (u32, &Answer),
        (first_row, end_row): (u32, u32),
    ) -> (u32, u32) {
        let start = self.site(call.child).map_or(0, |site| number(site.objects.len()));
        for row in loaded.rows.get(first_row as usize..end_row as usize).unwrap_or_default() {
            match row {
                Cell::Problem(problem) => {
                    self.add_misfit(call.child, parent, loaded, *problem);
                }
                row => {
                    self.made(call, parent, (answer, loaded), *row);
                }
            }
        }
        (start, start + (end_row - first_row))
    }

    pub(super) fn made(
        &mut self,
        call: &CallStep,
        parent: u32,
        (answer, loaded): (u32, &Answer),
        row: Cell,
    ) -> u32 {
        let is_name = matches!(row, Cell::Record { shape, .. } if shape == call.shape);
        match call.names {
            Some(named) if is_name => self.named_object(call, named, parent, loaded, row),
            // of a list that was narrowed or ordered here, the records have been looked up
            _ => self.row(call.child, parent, answer, row),
        }
    }

    /// An object that a record names. A record without a name stands for one that is not there.
    fn named_object(
        &mut self,
        call: &CallStep,
        named: Named,
        parent: u32,
        loaded: &Answer,
        row: Cell,
    ) -> u32 {
        let Cell::Record { shape, .. } = row else { return 0 };
        let ty = self.graph.shape(shape).ty;
        let key = name_of(self.graph, named, loaded, row);
        self.objects += 1;
        let Some(site) = self.site_mut(call.child) else { return 0 };
        let object = site.add(Object { ty: Some(ty), parent });
        let Some(key) = key else {
            for part in (0..site.columns).filter_map(|part| u8::try_from(part).ok()) {
                let missing = PartState::Missing { answer: None };
                site.set_part(object, crate::graph::PartId(part), missing);
            }
            return object;
        };
        site.given.insert(object, (named.part, named.key_kind, key.clone()));
        site.set_part(object, named.part, PartState::Key { kind: named.key_kind, key });
        object
    }
}

/// The key that a record names. `None`: it names nothing.
pub(super) fn name_of(graph: &Graph, named: Named, loaded: &Answer, row: Cell) -> Option<Key> {
    let Cell::Record { shape, .. } = row else { return None };
    let part = graph.ty(graph.shape(shape).ty).parts.get(usize::from(named.part.0))?;
    let key = part.keys.get(usize::from(named.key_kind))?;
    let text = loaded.key_text(graph, row, SlotId(0))?;
    let text = normalize(key.normalizer, &text);
    let is_blank = text.chars().all(char::is_whitespace);
    if is_blank { None } else { Key::composite([&*text]) }
}
