//! The items of a list as a table of texts, and which of them count.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Reckoner;
use super::moment::Moment;
use crate::graph::{Filter, Rows, Test};

/// A value as text: of a scalar or enum; `None` for null.
pub type Text<'a> = Option<Cow<'a, str>>;

/// One list of an object.
#[derive(Clone, Debug)]
pub struct Table<'a> {
    /// How many columns each row has.
    pub width: usize,
    /// Row after row.
    pub cells: Vec<Text<'a>>,
    pub reading: Reading,
    /// The roles that it comes from.
    pub sources: Vec<Arc<str>>,
    /// How old it is.
    pub age: Duration,
}

/// How much of a list is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Whole,
    /// There are more items, or one that could not be read.
    Partial,
    /// Nothing: its source did not answer.
    Missing,
}

#[derive(Clone, Copy)]
pub(super) struct Row<'t>(pub(super) &'t [Text<'t>]);

impl<'t> Row<'t> {
    pub(super) fn text(self, column: usize) -> Option<&'t str> {
        self.0.get(column)?.as_deref()
    }

    pub(super) fn number(self, column: usize) -> Option<Decimal> {
        number(self.text(column)?)
    }

    pub(super) fn moment(self, column: usize) -> Option<Moment> {
        self.text(column).and_then(Moment::parse)
    }

    /// `None`: there is no value, or none that can be read.
    pub(super) fn passes(self, Filter { column, test }: &Filter, now: Timestamp) -> Option<bool> {
        let text = || self.text(*column);
        Some(match test {
            Test::Is(words) => {
                let text = text()?;
                words.iter().any(|word| **word == *text)
            }
            Test::IsNot(words) => {
                let text = text()?;
                words.iter().all(|word| **word != *text)
            }
            Test::Before(shift) => self.moment(*column)?.is_before(now, *shift),
            Test::After(shift) => self.moment(*column)?.is_after(now, *shift),
            Test::BeforeToday => self.moment(*column)?.days_over(now) > 0,
            Test::AfterToday => self.moment(*column)?.days_over(now) < 0,
        })
    }
}

/// A number as a backend's record has it, exact.
pub fn number(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok().or_else(|| Decimal::from_scientific(text).ok())
}

impl<'t> Reckoner<'t> {
    /// The rows of a list that pass all filters.
    pub(super) fn rows(self, rows: &Rows) -> impl Iterator<Item = Row<'t>> {
        let table = self.tables.get(rows.list).and_then(Option::as_ref);
        let table = table.filter(|table| table.reading != Reading::Missing);
        let all = table.into_iter().flat_map(|table| table.cells.chunks_exact(table.width.max(1)));
        all.map(Row).filter(move |row| {
            rows.filters.iter().all(|filter| row.passes(filter, self.now) == Some(true))
        })
    }
}
