//! Fields that follow from others of the same record. They are computed whenever they are written: nothing of it is kept.

use std::borrow::Cow;

use serde_json::Value;

use super::slot::Part;
use super::{Done, Owner, Place, Writer};
use crate::derive::{self, Text};
use crate::graph::{Computed, TypeId};
use crate::plan::OutField;
use crate::value::{Answer, Cell, plain_text};

/// Why there is no value, not even null.
pub(super) enum Unread<'a> {
    NoRecord,
    /// Several records say different things.
    Ambiguous,
    /// What is read is not as it should be.
    Misfit((u32, &'a Answer), Cell),
}

impl<'a> Writer<'a> {
    pub(super) fn computed(
        &mut self,
        computed: &Computed,
        field: &'a OutField,
        ty: TypeId,
        place: Place,
        owner: Owner<'a>,
    ) -> Done {
        let part = Part { ty, column: usize::from(computed.part.0) };
        match self.compute(computed, place) {
            Ok(Value::Null) => self.null(&field.ty.wrappers, owner),
            Ok(value) => {
                self.out.extend_from_slice(value.to_string().as_bytes());
                Ok(())
            }
            Err(Unread::NoRecord) => self.slot(field, part, None, place, owner),
            Err(Unread::Ambiguous) => self.ambiguous_part(ty, part.column, owner),
            Err(Unread::Misfit(table, cell)) => {
                self.value(table, cell, &field.ty.wrappers, None, owner)
            }
        }
    }

    pub(super) fn compute(&self, computed: &Computed, place: Place) -> Result<Value, Unread<'a>> {
        let column = usize::from(computed.part.0);
        let (table, cells) =
            self.cells_of(place, column, &computed.reads).ok_or(Unread::NoRecord)?;
        let text = |cell: Option<Cell>| -> Result<Text<'a>, Unread<'a>> {
            match cell.ok_or(Unread::Ambiguous)? {
                cell @ Cell::Text { .. } => Ok(table.1.json(cell).and_then(plain_text)),
                Cell::Null | Cell::Absent => Ok(None),
                cell => Err(Unread::Misfit(table, cell)),
            }
        };
        let read: Vec<Option<Cow<'a, str>>> =
            cells.into_iter().map(text).collect::<Result<_, _>>()?;
        Ok(derive::compute(computed, &read, self.source.outcome.present))
    }
}
