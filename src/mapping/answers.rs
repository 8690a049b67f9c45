//! From the pages of a chunk to one answer for each of its keys.

use std::borrow::Cow;

use super::forms::{Around, Here, Mapper};
use super::path::Path;
use super::payload::{At, Payload};
use crate::graph::{Call, Graph, Normalizer, ShapeId};
use crate::value::{self, Answer, Cell, KEY_SEPARATOR, Key, SlotSet};

/// Maps the pages of one chunk: for each key (by the position of `keys`) its records, in the order of the pages.
///
/// Records that answer none of `keys` are dropped; a record that answers several is given to each. When the call has no
/// `answers` path every record belongs to the one key. `partial` and `next` are the caller's to set.
pub fn map_answers(
    graph: &Graph,
    call: &Call,
    shape: ShapeId,
    wanted: SlotSet,
    pages: &[Payload],
    keys: &[Key],
) -> Vec<Answer> {
    let records = records_by_key(call, pages, keys);
    let has = match graph.shape(shape).pick {
        // the shape that a record picks has all its slots mapped, but only those asked for were in the answer
        Some(_) if !call.projects => SlotSet::ALL,
        _ => wanted,
    };
    let mut mapper = Mapper::new(graph);
    let mut rows = Vec::new();
    let mut rest = records.as_slice();
    (0..keys.len())
        .map(|key| {
            let (mine, others) = rest.split_at(rest.partition_point(|record| record.key <= key));
            rest = others;
            for record in mine {
                let Some(payload) = pages.get(record.page) else { continue };
                let here = Here { payload, at: record.at, around: Around::default() };
                let row = mapper.record(shape, wanted, here);
                if matches!(row, Cell::Record { .. } | Cell::Problem(_)) {
                    rows.push(row);
                }
            }
            answer(&mut mapper, &mut rows, has)
        })
        .collect()
}

/// How many records there are, if not one of them says which key it answers: the paths of `answers` lead nowhere.
///
/// Records of other keys than those that were asked for are no such case: a search may find more than it should.
pub fn records_without_keys(call: &Call, pages: &[Payload]) -> Option<usize> {
    let (mut count, mut has_key) = (0, call.answers.is_empty());
    for payload in pages {
        payload.each_record(call.records.as_ref(), &mut |at| {
            count += 1;
            if !has_key {
                let found = &mut |_: &str| has_key = true;
                each_answered_key(payload, at, &call.answers, call.answers_normalizer, found);
            }
        });
    }
    (count > 0 && !has_key).then_some(count)
}

/// Moves the tables into an answer that is as large as what it holds; the tables keep their room for the next.
fn answer(mapper: &mut Mapper<'_>, rows: &mut Vec<Cell>, has: SlotSet) -> Answer {
    let answer = Answer {
        text: Box::from(&*mapper.text),
        cells: Box::from(&*mapper.cells),
        rows: Box::from(&**rows),
        problems: std::mem::take(&mut mapper.problems).into_boxed_slice(),
        has,
        ..Answer::default()
    };
    mapper.text.clear();
    mapper.cells.clear();
    rows.clear();
    answer
}

/// A record and the position of a key that it answers.
struct Record {
    key: usize,
    page: usize,
    at: At,
}

/// The records, sorted by key; within a key in the order of the pages.
fn records_by_key(call: &Call, pages: &[Payload], keys: &[Key]) -> Vec<Record> {
    let mut records = Vec::new();
    if keys.is_empty() {
        return records;
    }
    let positions = Positions::new(keys);
    for (page, payload) in pages.iter().enumerate() {
        payload.each_record(call.records.as_ref(), &mut |at| {
            if call.answers.is_empty() {
                records.push(Record { key: 0, page, at });
                return;
            }
            let first = records.len();
            each_answered_key(payload, at, &call.answers, call.answers_normalizer, &mut |text| {
                if let Some(key) = positions.of(text)
                    && !records.iter().skip(first).any(|record: &Record| record.key == key)
                {
                    records.push(Record { key, page, at });
                }
            });
        });
    }
    records.sort_by_key(|record| record.key);
    records
}

/// Where each key stands.
struct Positions<'a> {
    keys: &'a [Key],
    /// Positions in the order of the keys' texts, if the keys themselves are not in it.
    sorted: Option<Vec<usize>>,
}

impl<'a> Positions<'a> {
    fn new(keys: &'a [Key]) -> Self {
        let sorted = (!keys.is_sorted()).then(|| {
            let mut sorted: Vec<usize> = (0..keys.len()).collect();
            sorted.sort_by_key(|position| keys.get(*position));
            sorted
        });
        Self { keys, sorted }
    }

    fn of(&self, text: &str) -> Option<usize> {
        let key = |position: &usize| self.keys.get(*position).map_or("", Key::as_str);
        match &self.sorted {
            None => self.keys.binary_search_by(|key| key.as_str().cmp(text)).ok(),
            Some(sorted) => {
                let found = sorted.binary_search_by(|position| key(position).cmp(text)).ok()?;
                sorted.get(found).copied()
            }
        }
    }
}

/// The keys that a record answers, as they are compared. Blank parts make no key. In a composite key the parts that occur
/// several times go together by position, and the parts that occur once go with each.
fn each_answered_key(
    payload: &Payload,
    at: At,
    paths: &[Path],
    normalizer: Normalizer,
    visit: &mut dyn FnMut(&str),
) {
    if let [path] = paths {
        path.each(payload, at, &mut |at| {
            if let Some(text) = payload.scalar_text(at) {
                let text = value::normalize(normalizer, &text);
                if !text.trim().is_empty() {
                    visit(&text);
                }
            }
        });
        return;
    }
    let columns: Vec<Vec<Cow<'_, str>>> = paths
        .iter()
        .map(|path| {
            let mut texts = Vec::new();
            path.each(payload, at, &mut |at| {
                texts.push(payload.scalar_text(at).unwrap_or_default());
            });
            texts
        })
        .collect();
    let count = columns.iter().map(Vec::len).max().unwrap_or_default();
    for row in 0..count {
        let mut key = String::new();
        let is_whole = columns.iter().enumerate().all(|(number, column)| {
            let text = if column.len() == 1 { column.first() } else { column.get(row) };
            let text = text.map(|text| value::normalize(normalizer, text)).unwrap_or_default();
            if number > 0 {
                key.push(KEY_SEPARATOR);
            }
            key.push_str(&text);
            !text.trim().is_empty() && !text.contains(KEY_SEPARATOR)
        });
        if is_whole {
            visit(&key);
        }
    }
}
