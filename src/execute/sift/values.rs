//! Values of records and of arguments, made comparable.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use crate::derive::{Number, number};
use crate::execute::Row;
use crate::graph::{Column, Graph, ValueKind};
use crate::value::{Answer, Cell, plain_text};

/// Of one column all values are of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Compared {
    Number(Number),
    Instant(Timestamp),
    Day(Date),
    Place(usize),
    Text(String),
}

/// A value that did not fit its mapping.
#[derive(Debug)]
pub(super) struct Unreadable;

/// The value of an argument.
pub(super) fn given(kind: &ValueKind, value: &Value) -> Option<Compared> {
    match value {
        Value::String(text) => of_text(kind, text),
        Value::Number(_) | Value::Bool(_) => of_text(kind, &value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Appends the values of a column that one record has: none for null, several for a list.
pub(super) fn read(
    graph: &Graph,
    answer: &Answer,
    row: Cell,
    column: &Column,
    found: &mut Vec<Compared>,
) -> Result<(), Unreadable> {
    let mut cell = row;
    for name in &column.path {
        cell = match cell {
            Cell::Record { shape, .. } => {
                let field = graph.ty(graph.shape(shape).ty).field_names.get(name);
                Row::of(graph, answer, cell).field(field.copied())
            }
            Cell::Problem(_) => return Err(Unreadable),
            Cell::Null | Cell::Absent | Cell::Text { .. } | Cell::List { .. } => Cell::Null,
        };
    }
    values(answer, cell, &column.kind, found)
}

fn values(
    answer: &Answer,
    cell: Cell,
    kind: &ValueKind,
    found: &mut Vec<Compared>,
) -> Result<(), Unreadable> {
    match cell {
        Cell::Null | Cell::Absent => Ok(()),
        Cell::Record { .. } | Cell::Problem(_) => Err(Unreadable),
        Cell::List { start, end } => {
            (start..end).try_for_each(|index| values(answer, answer.cell(index), kind, found))
        }
        Cell::Text { .. } => {
            let Some(text) = answer.json(cell).and_then(plain_text) else { return Ok(()) };
            found.push(of_text(kind, &text).ok_or(Unreadable)?);
            Ok(())
        }
    }
}

/// What a record is ordered by: the first value, if there is one that can be read.
pub(super) fn compared(
    graph: &Graph,
    answer: &Answer,
    row: Cell,
    column: &Column,
) -> Option<Compared> {
    let mut found = Vec::new();
    read(graph, answer, row, column, &mut found).ok()?;
    found.into_iter().next()
}

fn of_text(kind: &ValueKind, text: &str) -> Option<Compared> {
    Some(match kind {
        ValueKind::Text => Compared::Text(text.to_owned()),
        ValueKind::Number => Compared::Number(number(text)?),
        ValueKind::Instant => Compared::Instant(text.parse().ok()?),
        ValueKind::Day => Compared::Day(text.parse().ok()?),
        ValueKind::Words(words) => Compared::Place(words.iter().position(|word| **word == *text)?),
    })
}
