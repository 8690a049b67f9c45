//! The fields of one branch in the making: grouped by response key, with the order in which they are written.

use apollo_compiler::ast::Argument;
use apollo_compiler::executable::Field;
use apollo_compiler::{Name, Node as Shared};
use rustc_hash::FxHashMap;

use crate::operation::condition::{TERMS_MAX, Terms, condition};
use crate::operation::{Conjunction, Entry, UsageId};

/// The fields of one branch in the making.
#[derive(Default)]
pub(super) struct Groups<'d> {
    pub(super) fields: Vec<Group<'d>>,
    by_key: FxHashMap<&'d str, usize>,
    pub(super) order: Vec<Entry>,
    /// When each fragment has been spread already, and deferred by what.
    fragments: FxHashMap<&'d Name, Vec<(Deferred, Terms)>>,
}

/// What a selection is deferred by: its own directive, by its place in memory, or a usage around it; `None`: by nothing.
pub(super) type Deferred = Option<usize>;

/// One occurrence of a field.
#[derive(Clone, Copy)]
pub(super) struct Occurs<'d> {
    pub(super) field: &'d Shared<Field>,
    pub(super) when: Conjunction,
    pub(super) usage: Option<UsageId>,
}

/// All occurrences of one response key, in the order of the document.
#[derive(Default)]
pub(super) struct Group<'d> {
    pub(super) occurrences: Vec<Occurs<'d>>,
    pub(super) terms: Terms,
}

impl<'d> Groups<'d> {
    /// Notes that a fragment is spread; `false` when all that it selects is there already, under the same circumstances.
    pub(super) fn spreads(
        &mut self,
        fragment: &'d Name,
        when: Conjunction,
        deferred: Deferred,
    ) -> bool {
        let seen = self.fragments.entry(fragment).or_default();
        let is_there = |(by, terms): &(Deferred, Terms)| {
            (by.is_none() || *by == deferred) && terms.covers(when)
        };
        if seen.iter().any(is_there) {
            return false;
        }
        let known = seen.iter().position(|(by, _)| *by == deferred);
        if known.is_none() && seen.len() < TERMS_MAX {
            seen.push((deferred, Terms::default()));
        }
        let last = seen.len().saturating_sub(1);
        let terms = seen.get_mut(known.unwrap_or(last));
        if let Some((by, terms)) = terms
            && *by == deferred
            && terms.len() < TERMS_MAX
        {
            terms.add(when);
        }
        true
    }

    /// Adds an occurrence; `false` when its response key has too many circumstances.
    pub(super) fn add(&mut self, occurs: Occurs<'d>) -> bool {
        let Occurs { field, when, .. } = occurs;
        let index = *self.by_key.entry(field.response_key().as_str()).or_insert_with(|| {
            self.fields.push(Group::default());
            self.fields.len() - 1
        });
        let Some(group) = self.fields.get_mut(index) else { return false };
        group.occurrences.push(occurs);
        if let Some(before) = group.terms.add(when) {
            let unless = if before.is_empty() { Vec::new() } else { vec![condition(before)] };
            self.order.push(Entry { field: index, when: condition(vec![when]), unless });
        }
        group.terms.len() <= TERMS_MAX
    }
}

/// Are the arguments the same, in whatever order?
pub(super) fn same_arguments(one: &Field, other: &Field) -> bool {
    // a field of a fragment that is spread in several ways is one all the same
    std::ptr::eq(one, other) || same(&one.arguments, &other.arguments)
}

fn same(one: &[Shared<Argument>], other: &[Shared<Argument>]) -> bool {
    one.len() == other.len()
        && one.iter().all(|argument| {
            other
                .iter()
                .any(|same| same.name == argument.name && same_value(&same.value, &argument.value))
        })
}

fn same_value(one: &apollo_compiler::ast::Value, other: &apollo_compiler::ast::Value) -> bool {
    use apollo_compiler::ast::Value;
    match (one, other) {
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| {
                    other.iter().any(|(same, other)| same == name && same_value(value, other))
                })
        }
        _ => one == other,
    }
}
