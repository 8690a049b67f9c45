//! What a list's call does not do of `filter` and `orderBy`: done over the list's pages, held whole.
//!
//! Takes: the rules of the list, the field's arguments.
//! Gives: arguments with what is asked of the backend alone; the rows of an answer that pass, in order.
//! Never: guesses about a record of which a tested value could not be read: it is left out, and the list is PARTIAL.

mod values;

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::values::{Compared, Unreadable, compared, given, read};
use crate::error::ErrorCode;
use crate::execute::begin::Reach;
use crate::execute::several::Union;
use crate::execute::slice::Slice;
use crate::execute::{Failure, Run};
use crate::graph::{Column, FilterRule, Given, Graph, ListRules, ListTest};
use crate::load::Loaded;
use crate::plan::is_visible;
use crate::principal::Principal;
use crate::value::{Answer, Cell, PageState};

/// One list's filters and order, as far as they may have to be done here.
#[derive(Debug)]
pub(super) struct Sift {
    tests: Vec<Test>,
    order: Option<Order>,
    /// All of it, spelled, for what cursors are bound to.
    spelled: String,
}

#[derive(Debug)]
struct Test {
    column: Column,
    how: ListTest,
    /// One of these; for a bound the only one.
    values: Vec<Compared>,
}

#[derive(Debug)]
struct Order {
    column: Column,
    is_descending: bool,
    /// The backend gives its records in this order: only what is made of several lists is ordered here.
    is_pushed: bool,
}

impl Sift {
    /// Takes out of the arguments what the call cannot do. `None`: there is nothing.
    pub(super) fn of(
        rules: &ListRules,
        arguments: &mut Map<String, Value>,
        principal: &Principal,
    ) -> Result<Option<Arc<Self>>, Failure> {
        let mut sift = Self { tests: Vec::new(), order: None, spelled: String::new() };
        let mut spelled = Map::new();
        let (mut taken, mut single) = (Vec::new(), Vec::new());
        for Given { rule, value, is_pushed } in rules.given(arguments) {
            let Some(column) = &rule.column else { continue };
            permitted(column, principal)?;
            if is_pushed {
                single.push(rule);
                continue;
            }
            held(column)?;
            spelled.insert(rule.path.join("."), value.clone());
            sift.tests.push(Test::new(rule, column, value)?);
            taken.push(rule);
        }
        if let Some((order, is_descending)) = rules.ordered(arguments) {
            let column = order.column.clone();
            permitted(&column, principal)?;
            let is_pushed = order.is_pushed(is_descending);
            if !is_pushed {
                held(&column)?;
                spelled.insert("order".to_owned(), json!([*order.word, is_descending]));
            }
            sift.order = Some(Order { column, is_descending, is_pushed });
        }
        for rule in taken {
            take(arguments, rule);
        }
        for rule in single {
            unwrap_one(arguments, rule);
        }
        if let (Some(rule), Some(Order { is_pushed: false, .. })) = (&rules.order, &sift.order) {
            arguments.remove(&*rule.argument);
        }
        if sift.tests.is_empty() && sift.order.is_none() {
            return Ok(None);
        }
        sift.spelled = Value::Object(spelled).to_string();
        Ok(Some(Arc::new(sift)))
    }

    /// Whether a list's records are read here. `is_united`: it is made of several lists.
    pub(super) fn is_done_here(&self, is_united: bool) -> bool {
        self.is_over_pages() || (is_united && self.order.is_some())
    }

    /// Whether the list must be read whole.
    pub(super) fn is_over_pages(&self) -> bool {
        !self.tests.is_empty() || self.order.as_ref().is_some_and(|order| !order.is_pushed)
    }

    pub(super) fn spelled(&self) -> &[u8] {
        self.spelled.as_bytes()
    }

    /// The rows that pass, in order. `is_united`: it is made of several lists.
    fn sifted(&self, graph: &Graph, answer: &Answer, is_united: bool) -> Answer {
        let mut partial = answer.partial;
        let mut rows = Vec::with_capacity(answer.rows.len());
        for row in &answer.rows {
            match self.passes(graph, answer, *row) {
                Ok(true) => rows.push(*row),
                Ok(false) => {}
                Err(Unreadable) => partial = true,
            }
        }
        if let Some(order) = self.order.as_ref().filter(|order| is_united || !order.is_pushed) {
            order.sort(graph, answer, &mut rows);
        }
        Answer {
            rows: rows.into_boxed_slice(),
            partial,
            // that there is more is known; where, only the backend's next page would tell
            next: answer.partial.then(|| PageState(Box::from([]))),
            total: answer.total.filter(|_| self.tests.is_empty() && partial == answer.partial),
            ..answer.clone()
        }
    }

    /// Of a name that leads to no record nothing can be said, whatever is asked.
    fn passes(&self, graph: &Graph, answer: &Answer, row: Cell) -> Result<bool, Unreadable> {
        if row == Cell::Absent {
            return Err(Unreadable);
        }
        for test in &self.tests {
            if !test.passes(graph, answer, row)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Test {
    fn new(rule: &FilterRule, column: &Column, value: &Value) -> Result<Self, Failure> {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        let items = items.iter().filter(|item| !item.is_null());
        let values = items.map(|item| given(&column.kind, item)).collect::<Option<_>>();
        let values = values.ok_or_else(|| Failure::Input {
            code: ErrorCode::BadUserInput,
            message: format!("`{}` cannot be read", rule.path.join(".")),
        })?;
        Ok(Self { column: column.clone(), how: rule.test, values })
    }

    /// Does a value of the record pass? Null never does.
    fn passes(&self, graph: &Graph, answer: &Answer, row: Cell) -> Result<bool, Unreadable> {
        let mut found = Vec::new();
        read(graph, answer, row, &self.column, &mut found)?;
        let holds = |value: &Compared| match (self.how, self.values.first()) {
            (ListTest::OneOf, _) => self.values.contains(value),
            (ListTest::From, Some(bound)) => value >= bound,
            (ListTest::UpTo, Some(bound)) => value <= bound,
            (ListTest::Before, Some(bound)) => value < bound,
            (_, None) => false,
        };
        Ok(found.iter().any(holds))
    }
}

impl Order {
    /// Records without a value come last, whichever way it goes; those with the same one stay as they were.
    fn sort(&self, graph: &Graph, answer: &Answer, rows: &mut Vec<Cell>) {
        let key = |row: Cell| compared(graph, answer, row, &self.column);
        let mut keyed: Vec<(Option<Compared>, Cell)> =
            rows.drain(..).map(|row| (key(row), row)).collect();
        keyed.sort_by(|(one, _), (other, _)| match (one, other) {
            (Some(one), Some(other)) if self.is_descending => other.cmp(one),
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => match (one.is_some(), other.is_some()) {
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                _ => Ordering::Equal,
            },
        });
        rows.extend(keyed.into_iter().map(|(_, row)| row));
    }
}

impl Run<'_> {
    /// Sifts what the lists of a step's objects gave.
    pub(super) fn sift(&mut self, sift: &Sift, reaches: &mut [Reach], unions: &[Union]) {
        let mut done: Vec<Option<u32>> = vec![None; self.arena.answers.len()];
        for (object, reach) in (0..).zip(reaches) {
            let Reach::Answer(answer) = *reach else { continue };
            let is_united = unions.iter().any(|union| union.object == object);
            if !sift.is_done_here(is_united) {
                continue;
            }
            let known = done.get(answer as usize).copied().flatten();
            let sifted = known.or_else(|| {
                let loaded = self.arena.loaded(answer)?;
                let sifted = sift.sifted(self.graph, &loaded.answer, is_united);
                let loaded = Loaded { answer: Arc::new(sifted), ..loaded.clone() };
                Some(self.arena.answer(loaded))
            });
            let Some(sifted) = sifted else { continue };
            if let Some(slot) = done.get_mut(answer as usize) {
                *slot = Some(sifted);
            }
            *reach = Reach::Answer(sifted);
        }
    }
}

impl Slice {
    /// A cursor that leads behind all that could be looked through, while there is more.
    pub(super) fn is_beyond(&self, answer: &Answer) -> bool {
        self.sift.as_ref().is_some_and(|sift| sift.is_over_pages())
            && answer.next.is_some()
            && self.after.is_some()
            && self.rows(answer).0 as usize >= answer.rows.len()
    }

    pub(super) fn beyond() -> Failure {
        let message = "this is the end of the pages that filter and order are done over, and the list goes on: narrow the filter"
            .to_owned();
        Failure::Input { code: ErrorCode::PagesLimit, message }
    }
}

fn permitted(column: &Column, principal: &Principal) -> Result<(), Failure> {
    if is_visible(&column.access, principal) {
        return Ok(());
    }
    let message = format!("not authorized to narrow or order a list by `{}`", column.name);
    Err(Failure::Input { code: ErrorCode::UnauthorizedFieldOrType, message })
}

fn held(column: &Column) -> Result<(), Failure> {
    if column.is_held {
        return Ok(());
    }
    let message = format!(
        "no list can be narrowed or ordered by `{}`: the backend's records do not have it",
        column.name
    );
    Err(Failure::Input { code: ErrorCode::NotCovered, message })
}

/// Takes the value of a filter out of the arguments.
fn take(arguments: &mut Map<String, Value>, rule: &FilterRule) {
    let Some((last, above)) = rule.path.split_last() else { return };
    let mut inside = Some(arguments);
    for name in above {
        inside = inside.and_then(|object| object.get_mut(&**name)?.as_object_mut());
    }
    if let Some(object) = inside {
        object.remove(&**last);
    }
}

/// A list of one is one value to a backend that takes one at a time.
fn unwrap_one(arguments: &mut Map<String, Value>, rule: &FilterRule) {
    if !matches!(rule.pushed, crate::graph::Pushed::Yes { is_one: true, .. }) {
        return;
    }
    let Some((first, rest)) = rule.path.split_first() else { return };
    let value = arguments.get_mut(&**first);
    let value = rest.iter().try_fold(value, |value, name| Some(value?.get_mut(&**name)));
    if let Some(Some(value)) = value
        && let Some([single]) = value.as_array().map(Vec::as_slice)
    {
        *value = single.clone();
    }
}
