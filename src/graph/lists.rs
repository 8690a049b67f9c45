//! What a list can be narrowed and ordered by, and which of it its call asks the backend for.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Access;

/// The members of an `orderBy`.
pub const FIELD: &str = "field";
pub const DIRECTION: &str = "direction";
pub const DESCENDING: &str = "DESC";

#[derive(Debug, Default)]
pub struct ListRules {
    pub filters: Vec<FilterRule>,
    pub order: Option<OrderRule>,
}

/// One value by which a list can be narrowed.
#[derive(Debug)]
pub struct FilterRule {
    /// Where the arguments have it: `filter`, `issuedAt`, `since`.
    pub path: Vec<Arc<str>>,
    /// `None`: only the backend knows what it means, and is always asked.
    pub column: Option<Column>,
    pub test: ListTest,
    pub pushed: Pushed,
}

/// A value of each record.
#[derive(Clone, Debug)]
pub struct Column {
    /// `Invoice.total.amount`, for messages.
    pub name: Arc<str>,
    /// Fields inside each other, from the record on.
    pub path: Vec<Arc<str>>,
    pub kind: ValueKind,
    /// What reading it takes.
    pub access: Vec<Access>,
    /// Whether this call's records have it at all.
    pub is_held: bool,
}

/// How values are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Text,
    Number,
    Instant,
    Day,
    /// By their order in the schema.
    Words(Vec<Arc<str>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListTest {
    OneOf,
    /// `since` and `min`.
    From,
    /// `max`.
    UpTo,
    /// `until`.
    Before,
}

/// Which values of a filter the call sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pushed {
    #[default]
    No,
    Yes {
        /// Those that the vendor has a word for.
        words: Option<Vec<Arc<str>>>,
        /// One at a time.
        is_one: bool,
    },
}

impl Pushed {
    /// Whether the call asks the backend for this value.
    pub fn takes(&self, value: &Value) -> bool {
        let Self::Yes { words, is_one } = self else { return false };
        let items = match value {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        let is_known = |item: &Value| {
            words.as_ref().is_none_or(|words| {
                let text = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
                words.iter().any(|word| **word == *text)
            })
        };
        !items.is_empty() && (items.len() == 1 || !is_one) && items.iter().all(is_known)
    }

    /// Whether the value decides.
    pub fn depends(&self) -> bool {
        matches!(self, Self::Yes { words, is_one } if *is_one || words.is_some())
    }
}

impl FilterRule {
    /// Do both ask for words of one field?
    pub fn is_same(&self, other: &Self) -> bool {
        let path = |rule: &Self| rule.column.as_ref().map(|column| column.path.clone());
        self.test == ListTest::OneOf && other.test == ListTest::OneOf && path(self) == path(other)
    }
}

#[derive(Debug)]
pub struct OrderRule {
    pub argument: Arc<str>,
    pub orders: Vec<ListOrder>,
}

#[derive(Debug)]
pub struct ListOrder {
    /// The value of the enum: `ISSUED_AT`.
    pub word: Arc<str>,
    pub column: Column,
    /// Whether the backend gives its records in this order, up and down.
    pub ascending: bool,
    pub descending: bool,
}

impl ListOrder {
    pub fn is_pushed(&self, is_descending: bool) -> bool {
        if is_descending { self.descending } else { self.ascending }
    }
}

/// A filter that is given.
#[derive(Clone, Copy, Debug)]
pub struct Given<'r, 'v> {
    pub rule: &'r FilterRule,
    pub value: &'v Value,
    /// The call asks the backend for it.
    pub is_pushed: bool,
}

impl ListRules {
    /// The filters that are given. Of two that ask for words of one field the first is sent: a request has one place for them.
    pub fn given<'r, 'v>(&'r self, arguments: &'v Map<String, Value>) -> Vec<Given<'r, 'v>> {
        let mut all: Vec<Given<'r, 'v>> = Vec::new();
        for rule in &self.filters {
            let value = at(arguments, &rule.path).filter(|value| !value.is_null());
            let Some(value) = value else { continue };
            let is_sent = all.iter().any(|given| given.is_pushed && given.rule.is_same(rule));
            let is_pushed = match &rule.column {
                Some(_) => rule.pushed.takes(value) && !is_sent,
                None => true,
            };
            all.push(Given { rule, value, is_pushed });
        }
        all
    }

    /// Whether a filter or an order may stand in an argument.
    pub fn reads(&self, argument: &str) -> bool {
        let is_filter =
            |rule: &FilterRule| rule.path.first().is_some_and(|name| **name == *argument);
        self.filters.iter().any(is_filter)
            || self.order.as_ref().is_some_and(|order| *order.argument == *argument)
    }

    /// The values of the records that are read here: those of what the backend is not asked for, and of the order, if it is not
    /// the backend's or several lists are brought into it.
    pub fn columns<'r>(
        &'r self,
        arguments: &Map<String, Value>,
        is_of_several: bool,
    ) -> Vec<&'r Column> {
        let given = self.given(arguments).into_iter().filter(|given| !given.is_pushed);
        let order = self
            .ordered(arguments)
            .filter(|(order, is_descending)| is_of_several || !order.is_pushed(*is_descending));
        let order = order.map(|(order, _)| &order.column);
        given.filter_map(|given| given.rule.column.as_ref()).chain(order).collect()
    }

    /// The order that is asked for, and whether it goes down.
    pub fn ordered(&self, arguments: &Map<String, Value>) -> Option<(&ListOrder, bool)> {
        let rule = self.order.as_ref()?;
        let given = arguments.get(&*rule.argument)?;
        let word = given.get(FIELD)?.as_str()?;
        let order = rule.orders.iter().find(|order| *order.word == *word)?;
        Some((order, given.get(DIRECTION).and_then(Value::as_str) == Some(DESCENDING)))
    }
}

fn at<'a>(arguments: &'a Map<String, Value>, path: &[Arc<str>]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(arguments.get(&**first)?, |value, name| value.get(&**name))
}
