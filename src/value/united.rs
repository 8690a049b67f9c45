//! One answer made of several.

use rustc_hash::FxHashSet;

use super::{Answer, Cell, SlotSet, offset};
use crate::graph::Graph;

impl Answer {
    /// The rows of all, in their order; a record that several have stands once.
    #[must_use]
    pub fn united(graph: &Graph, answers: &[&Self]) -> Self {
        let (mut text, mut cells) = (String::new(), Vec::new());
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        let mut seen = FxHashSet::default();
        let mut has = SlotSet::ALL;
        for answer in answers {
            let moved = Moved {
                text: offset(text.len()),
                cells: offset(cells.len()),
                problems: offset(problems.len()),
            };
            for row in &answer.rows {
                if id(graph, answer, *row).is_none_or(|id| seen.insert(id)) {
                    rows.push(moved.cell(*row));
                }
            }
            text.push_str(&answer.text);
            cells.extend(answer.cells.iter().map(|cell| moved.cell(*cell)));
            problems.extend(answer.problems.iter().cloned());
            has = has.intersection(answer.has);
        }
        let is_whole = rows.len() == answers.iter().map(|answer| answer.rows.len()).sum::<usize>();
        let total = answers.iter().map(|answer| answer.total).sum::<Option<u64>>();
        Self {
            text: text.into_boxed_str(),
            cells: cells.into_boxed_slice(),
            rows: rows.into_boxed_slice(),
            problems: problems.into_boxed_slice(),
            has,
            partial: answers.iter().any(|answer| answer.partial || answer.next.is_some()),
            next: None,
            pages: Box::from([]),
            total: total.filter(|_| is_whole),
            ..Self::default()
        }
    }
}

impl Answer {
    /// Do two cells hold the same value?
    pub fn is_same(&self, graph: &Graph, one: Cell, other: Cell) -> bool {
        let range = |start: u32, end: u32| (start..end).map(|index| self.cell(index));
        match (one, other) {
            (Cell::Text { .. }, Cell::Text { .. }) => self.json(one) == self.json(other),
            (Cell::Record { shape, start }, Cell::Record { shape: also, start: from }) => {
                let width = offset(graph.shape(shape).slots.len());
                shape == also
                    && range(start, start + width)
                        .zip(range(from, from + width))
                        .all(|(one, other)| self.is_same(graph, one, other))
            }
            (Cell::List { start, end }, Cell::List { start: from, end: to }) => {
                end - start == to - from
                    && range(start, end)
                        .zip(range(from, to))
                        .all(|(one, other)| self.is_same(graph, one, other))
            }
            (Cell::Null, Cell::Null) | (Cell::Absent, Cell::Absent) => true,
            _ => false,
        }
    }
}

fn id(graph: &Graph, answer: &Answer, row: Cell) -> Option<String> {
    let Cell::Record { shape, .. } = row else { return None };
    let slot = graph.shape(shape).id_slot?;
    Some(format!("{}:{}", shape.0, answer.json(answer.slot(row, slot))?))
}

/// How far the tables of one answer stand behind those before it.
struct Moved {
    text: u32,
    cells: u32,
    problems: u32,
}

impl Moved {
    fn cell(&self, cell: Cell) -> Cell {
        match cell {
            Cell::Null | Cell::Absent => cell,
            Cell::Text { start, end } => {
                Cell::Text { start: start + self.text, end: end + self.text }
            }
            Cell::Record { shape, start } => Cell::Record { shape, start: start + self.cells },
            Cell::List { start, end } => {
                Cell::List { start: start + self.cells, end: end + self.cells }
            }
            Cell::Problem(problem) => Cell::Problem(problem + self.problems),
        }
    }
}
