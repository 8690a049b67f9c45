//! From the pages of a chunk to one answer for each of its keys.

use std::borrow::Cow;
use std::cell;

use rustc_hash::FxHashSet;

use super::forms::{Around, Here, Mapper};
use super::hints::Hints;
use super::path::{Found, Path};
use super::payload::{At, Payload};
use super::sibling::is_same;
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
    let mut mapper = Mapper::new(graph);
    let records = records_by_key(call, pages, keys, &mut mapper.hints);
    let has = held(graph, call, shape, wanted);
    let mut rows = Vec::new();
    let mut rest = records.as_slice();
    (0..keys.len())
        .map(|key| {
            let (mine, others) = rest.split_at(rest.partition_point(|record| record.key <= key));
            rest = others;
            for record in mine {
                let Some(payload) = pages.get(record.page) else { continue };
                mapper.hints.turn_to(record.page);
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

/// Maps the pages of a list that pages by itself: the one key's records, and the row at which each page begins. Records
/// that become no row are counted on no page.
pub fn map_pages(
    graph: &Graph,
    call: &Call,
    shape: ShapeId,
    wanted: SlotSet,
    pages: &[Payload],
    keys: &[Key],
) -> (Answer, Vec<u32>) {
    let mut mapper = Mapper::new(graph);
    let (mut rows, mut starts) = (Vec::new(), Vec::with_capacity(pages.len()));
    let records = records_by_key(call, pages, keys, &mut mapper.hints);
    let mut rest = records.iter().filter(|record| record.key == 0).peekable();
    for (page, payload) in pages.iter().enumerate() {
        mapper.hints.turn_to(page);
        starts.push(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        while let Some(record) = rest.next_if(|record| record.page == page) {
            let here = Here { payload, at: record.at, around: Around::default() };
            let row = mapper.record(shape, wanted, here);
            if matches!(row, Cell::Record { .. } | Cell::Problem(_)) {
                rows.push(row);
            }
        }
    }
    (answer(&mut mapper, &mut rows, held(graph, call, shape, wanted)), starts)
}

/// The slots that an answer holds. The shape that a record picks has all its slots mapped, but where the call projects only
/// those asked for were in the answer.
fn held(graph: &Graph, call: &Call, shape: ShapeId, wanted: SlotSet) -> SlotSet {
    match graph.shape(shape).pick {
        Some(_) if !call.projects => SlotSet::ALL,
        _ => wanted,
    }
}

/// How many records there are, if not one of them says which key it answers: the paths of `answers` lead nowhere.
///
/// Records of other keys than those that were asked for are no such case: a search may find more than it should.
pub fn records_without_keys(call: &Call, pages: &[Payload]) -> Option<usize> {
    let (mut count, mut has_key) = (0, call.answers.is_empty());
    let mut hints = Hints::new();
    for (page, payload) in pages.iter().enumerate() {
        hints.turn_to(page);
        payload.each_record(call.records.as_ref(), &mut |at| {
            count += 1;
            if !has_key {
                let found = &mut |_: &str| has_key = true;
                let paths = (&*call.answers, call.answers_normalizer);
                each_answered_key(payload, at, &mut hints, paths, found);
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
fn records_by_key(call: &Call, pages: &[Payload], keys: &[Key], hints: &mut Hints) -> Vec<Record> {
    let mut records = Vec::new();
    if keys.is_empty() {
        return records;
    }
    let positions = Positions::new(keys);
    let mut seen = FxHashSet::default();
    for (page, payload) in pages.iter().enumerate() {
        hints.turn_to(page);
        payload.each_record(call.records.as_ref(), &mut |at| {
            if call.only.as_ref().is_some_and(|only| !payload.satisfies_within(only, at)) {
                return;
            }
            let first = records.len();
            if call.answers.is_empty() {
                records.push(Record { key: 0, page, at });
            } else if call.also.is_none() || is_new(call, payload, at, hints, &mut seen) {
                each_key_of(call, payload, at, hints, &mut |text| {
                    if let Some(key) = positions.of(text)
                        && !records.iter().skip(first).any(|record: &Record| record.key == key)
                    {
                        records.push(Record { key, page, at });
                    }
                });
            }
            if let Some(inside) = &call.inside {
                open(payload, inside, first, &mut records);
            }
        });
    }
    records.sort_by_key(|record| record.key);
    records
}

/// A record that was asked for by two of its names may come twice.
fn is_new(
    call: &Call,
    payload: &Payload,
    at: At,
    hints: &mut Hints,
    seen: &mut FxHashSet<String>,
) -> bool {
    let mut is_new = true;
    let paths = (&*call.answers, call.answers_normalizer);
    each_answered_key(payload, at, hints, paths, &mut |text| {
        is_new &= seen.insert(text.to_owned());
    });
    is_new
}

/// The keys that a record answers, its other names included.
fn each_key_of(
    call: &Call,
    payload: &Payload,
    at: At,
    hints: &mut Hints,
    visit: &mut dyn FnMut(&str),
) {
    let normalizer = call.answers_normalizer;
    each_answered_key(payload, at, hints, (&*call.answers, normalizer), visit);
    let Some(also) = &call.also else { return };
    let mut other = |text: &str| {
        let end = also.length.and_then(|length| text.char_indices().nth(length));
        let text = end.map_or(text, |(end, _)| text.split_at(end).0);
        let text = value::normalize(normalizer, text.trim());
        if !text.trim().is_empty() {
            visit(&text);
        }
    };
    for path in &also.paths {
        each_answered_key(
            payload,
            at,
            hints,
            (std::slice::from_ref(path), Normalizer::Exact),
            &mut |text| match &also.on {
                Some(on) => text.split(&**on).for_each(&mut other),
                None => other(text),
            },
        );
    }
}

/// In place of the records from `first` on, which are one and the same: the records inside it.
fn open(payload: &Payload, inside: &Path, first: usize, records: &mut Vec<Record>) {
    for around in records.split_off(first) {
        payload.each_inside(inside, around.at, &mut |at| records.push(Record { at, ..around }));
    }
}

/// The keys whose records hold not all that is inside them, in order.
pub fn cut_keys(call: &Call, pages: &[Payload], keys: &[Key]) -> Vec<usize> {
    let Some(cut) = &call.cut else { return Vec::new() };
    let positions = Positions::new(keys);
    let (mut found, mut hints) = (Vec::new(), Hints::new());
    for (page, payload) in pages.iter().enumerate() {
        hints.turn_to(page);
        payload.each_record(call.records.as_ref(), &mut |at| {
            if !payload.is_truthy_within(cut, at) {
                return;
            }
            if call.answers.is_empty() {
                found.push(0);
            }
            let paths = (&*call.answers, call.answers_normalizer);
            each_answered_key(payload, at, &mut hints, paths, &mut |text| {
                found.extend(positions.of(text));
            });
        });
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Where each key stands.
pub(super) struct Positions<'a> {
    keys: &'a [Key],
    /// Positions in the order of the keys' texts, if the keys themselves are not in it.
    sorted: Option<Vec<usize>>,
    /// The key that was found last: records of one key often stand together, and keys in the order in which they were asked for.
    last: cell::Cell<usize>,
}

impl<'a> Positions<'a> {
    pub(super) fn new(keys: &'a [Key]) -> Self {
        let sorted = (!keys.is_sorted()).then(|| {
            let mut sorted: Vec<usize> = (0..keys.len()).collect();
            sorted.sort_by_key(|position| keys.get(*position));
            sorted
        });
        Self { keys, sorted, last: cell::Cell::new(0) }
    }

    pub(super) fn of(&self, text: &str) -> Option<usize> {
        let last = self.last.get();
        let near = [last, last + 1].into_iter().find(|near| {
            self.keys
                .get(*near)
                .is_some_and(|key| is_same(key.as_str().as_bytes(), text.as_bytes()))
        });
        let found = near.or_else(|| self.search(text));
        self.last.set(found.unwrap_or(last));
        found
    }

    fn search(&self, text: &str) -> Option<usize> {
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
pub(super) fn each_answered_key(
    payload: &Payload,
    at: At,
    hints: &mut Hints,
    (paths, normalizer): (&[Path], Normalizer),
    visit: &mut dyn FnMut(&str),
) {
    if let [path] = paths {
        path.each_hinted(payload, at, hints, &mut |at| {
            if let Some(text) = payload.scalar_text(at) {
                let text = value::normalize(normalizer, &text);
                if !value::trimmed(&text).is_empty() {
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
            // one for each element, so that those of another path have the same places
            path.each_found(payload, at, &mut |found| {
                let text = match found {
                    Found::At(at) => payload.scalar_text(at),
                    Found::Missing | Found::Misfit { .. } => None,
                };
                texts.push(text.unwrap_or_default());
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
