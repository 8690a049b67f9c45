//! One answer made of several.

use rustc_hash::FxHashSet;

use super::{Answer, Cell, Problem, SlotSet, offset};
use crate::graph::Graph;

impl Answer {
    /// The rows of all, in their order; a record that several have stands once.
    #[must_use]
    pub fn united(graph: &Graph, answers: &[&Self]) -> Self {
        let (mut joined, mut rows) = (Joined::default(), Vec::new());
        let mut seen = FxHashSet::default();
        for answer in answers {
            let moved = joined.add(answer);
            for row in &answer.rows {
                if id(graph, answer, *row).is_none_or(|id| seen.insert(id)) {
                    rows.push(moved.cell(*row));
                }
            }
        }
        let is_whole = rows.len() == answers.iter().map(|answer| answer.rows.len()).sum::<usize>();
        let total = answers.iter().map(|answer| answer.total).sum::<Option<u64>>();
        Self {
            partial: answers.iter().any(|answer| answer.partial || answer.next.is_some()),
            total: total.filter(|_| is_whole),
            ..joined.answer(rows)
        }
    }

    /// These rows of these answers, in their order; `Absent` stands where there is none.
    #[must_use]
    pub fn of_rows(rows: &[Option<(&Self, Cell)>]) -> Self {
        let mut joined = Joined::default();
        let row = |row: &Option<(&Self, Cell)>| match row {
            Some((answer, row)) => joined.add(answer).cell(*row),
            None => Cell::Absent,
        };
        let rows = rows.iter().map(row).collect();
        joined.answer(rows)
    }
}

/// The tables of several answers behind each other.
#[derive(Default)]
struct Joined {
    text: String,
    cells: Vec<Cell>,
    problems: Vec<Problem>,
    has: Option<SlotSet>,
}

impl Joined {
    /// Gives how far the answer's own tables stand behind those before it.
    fn add(&mut self, answer: &Answer) -> Moved {
        let moved = Moved {
            text: offset(self.text.len()),
            cells: offset(self.cells.len()),
            problems: offset(self.problems.len()),
        };
        self.text.push_str(&answer.text);
        self.cells.extend(answer.cells.iter().map(|cell| moved.cell(*cell)));
        self.problems.extend(answer.problems.iter().cloned());
        self.has = Some(self.has.unwrap_or(SlotSet::ALL).intersection(answer.has));
        moved
    }

    fn answer(self, rows: Vec<Cell>) -> Answer {
        Answer {
            text: self.text.into_boxed_str(),
            cells: self.cells.into_boxed_slice(),
            rows: rows.into_boxed_slice(),
            problems: self.problems.into_boxed_slice(),
            has: self.has.unwrap_or(SlotSet::ALL),
            ..Answer::default()
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
