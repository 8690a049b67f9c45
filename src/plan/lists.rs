//! Where each filter and order of a list is done: by the backend, or over the list's pages.
//!
//! Takes: the list's rules, the field's arguments as far as they are known.
//! Gives: each that is given, or may be, with its place.
//! Never: reads a record.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::graph::{
    Column, DESCENDING, DIRECTION, FIELD, FilterRule, ListOrder, ListRules, Pushed,
};
use crate::operation::{ArgumentValue, SelectedField, Variables};

/// Where a filter or an order is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    PushedDown,
    OverPages,
    /// The value decides.
    ByValue,
    /// Nobody can: the backend is not asked, and its records do not have the value.
    NotCovered,
}

impl Place {
    /// For machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::PushedDown => "pushedDown",
            Self::OverPages => "overPages",
            Self::ByValue => "byValue",
            Self::NotCovered => "notCovered",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::PushedDown => "pushed down",
            Self::OverPages => "over pages",
            Self::ByValue => "pushed down, or over pages: the value decides",
            Self::NotCovered => "an error: the backend's records do not have it",
        }
    }
}

/// One filter or order of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// `filter.issuedAt.since`, `orderBy ISSUED_AT DESC`.
    pub what: String,
    pub place: Place,
    /// `false`: a variable decides whether it is there at all.
    pub is_given: bool,
}

/// Every filter and order that is given, or that a variable may give.
pub(super) fn placed(
    rules: &ListRules,
    field: &SelectedField,
    variables: Option<&Variables>,
) -> Vec<Placed> {
    let known = variables.map(|variables| field.arguments(variables).unwrap_or_default());
    let found = |path: &[Arc<str>]| match &known {
        Some(arguments) => Found::of(value_at(arguments, path)),
        None => found(field, path),
    };
    let mut all = Vec::new();
    let mut sent: Vec<&FilterRule> = Vec::new();
    for rule in &rules.filters {
        let may_be_sent = sent.iter().any(|one| one.is_same(rule));
        let (place, is_given) = match (found(&rule.path), &rule.pushed) {
            (Found::Nothing, _) => continue,
            (Found::Value(_), _) if rule.column.is_none() => (Place::PushedDown, true),
            (Found::Value(value), pushed) if pushed.takes(&value) => (Place::PushedDown, true),
            (Found::Value(_), _) => (Place::OverPages, true),
            (Found::Unknown { is_given }, pushed) => (unknown(pushed), is_given),
        };
        let place = match place {
            Place::PushedDown if may_be_sent => Place::ByValue,
            Place::OverPages => over_pages(rule.column.as_ref()),
            place => place,
        };
        if place != Place::OverPages {
            sent.push(rule);
        }
        all.push(Placed { what: rule.path.join("."), place, is_given });
    }
    all.extend(order(rules, found));
    all
}

/// Only what records have can be done over pages.
fn over_pages(column: Option<&Column>) -> Place {
    let is_held = column.is_some_and(|column| column.is_held);
    if is_held { Place::OverPages } else { Place::NotCovered }
}

/// Whether the list may have to be read whole.
pub(super) fn may_be_over_pages(
    rules: &ListRules,
    field: &SelectedField,
    variables: Option<&Variables>,
) -> bool {
    placed(rules, field, variables).iter().any(|placed| placed.place != Place::PushedDown)
}

fn unknown(pushed: &Pushed) -> Place {
    match pushed {
        Pushed::No => Place::OverPages,
        // an empty list is never sent
        Pushed::Yes { .. } if pushed.depends() => Place::ByValue,
        Pushed::Yes { .. } => Place::PushedDown,
    }
}

fn order(rules: &ListRules, found: impl Fn(&[Arc<str>]) -> Found) -> Option<Placed> {
    let rule = rules.order.as_ref()?;
    let at = |member: &str| found(&[Arc::clone(&rule.argument), Arc::from(member)]);
    let (word, direction) = (at(FIELD), at(DIRECTION));
    let is_certain = |is_pushed: &dyn Fn(&ListOrder) -> (bool, bool)| {
        let (mut some, mut all) = (false, true);
        for order in &rule.orders {
            let (one, both) = is_pushed(order);
            some |= one;
            all &= both;
        }
        if all && some {
            Place::PushedDown
        } else if some {
            Place::ByValue
        } else {
            Place::OverPages
        }
    };
    let name = &rule.argument;
    match (word, direction) {
        (Found::Nothing, _) => None,
        (Found::Value(word), direction) => {
            let word = word.as_str().unwrap_or_default();
            let order = rule.orders.iter().find(|order| *order.word == *word)?;
            let (place, way) = match direction {
                Found::Value(way) => {
                    let is_pushed = order.is_pushed(way == DESCENDING);
                    let place =
                        if is_pushed { Place::PushedDown } else { over_pages(Some(&order.column)) };
                    (place, way.as_str().unwrap_or_default().to_owned())
                }
                Found::Nothing | Found::Unknown { .. } => {
                    let place = match (order.ascending, order.descending) {
                        (true, true) => Place::PushedDown,
                        (false, false) => over_pages(Some(&order.column)),
                        _ => Place::ByValue,
                    };
                    (place, String::new())
                }
            };
            let what = format!("{name} {word} {way}").trim_end().to_owned();
            Some(Placed { what, place, is_given: true })
        }
        (Found::Unknown { is_given }, _) => {
            let place = is_certain(&|order| {
                (order.ascending || order.descending, order.ascending && order.descending)
            });
            Some(Placed { what: name.to_string(), place, is_given })
        }
    }
}

/// What is known of an argument.
enum Found {
    /// Left out, or null.
    Nothing,
    Value(Value),
    /// A variable decides.
    Unknown {
        /// Whether there is a value, whichever it is.
        is_given: bool,
    },
}

impl Found {
    fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Nothing,
            Some(value) => Self::Value(value.clone()),
        }
    }
}

fn value_at<'v>(arguments: &'v Map<String, Value>, path: &[Arc<str>]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(arguments.get(&**first)?, |value, name| value.get(&**name))
}

/// The value as far as the document says it.
fn found(field: &SelectedField, path: &[Arc<str>]) -> Found {
    let Some((first, mut rest)) = path.split_first() else { return Found::Nothing };
    let argument = field.arguments.iter().find(|argument| argument.name == *first);
    let Some(argument) = argument else { return Found::Nothing };
    let mut value = &argument.value;
    loop {
        match (value, rest.split_first()) {
            (ArgumentValue::Object(entries), Some((name, after))) => {
                let Some((_, inner)) = entries.iter().find(|(entry, _)| entry == name) else {
                    return Found::Nothing;
                };
                (value, rest) = (inner, after);
            }
            (ArgumentValue::Constant(constant), _) => {
                return Found::of(rest.iter().try_fold(constant, |value, name| value.get(&**name)));
            }
            (ArgumentValue::List(_), None) => return Found::Unknown { is_given: true },
            _ => return Found::Unknown { is_given: false },
        }
    }
}
