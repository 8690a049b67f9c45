//! The fields of one branch in the making: grouped by response key, with the order in which they are written.

use apollo_compiler::executable::Field;
use apollo_compiler::{Name, Node as Shared};
use rustc_hash::FxHashMap;

use crate::operation::condition::{TERMS_MAX, Terms, condition};
use crate::operation::{Conjunction, Entry};

/// The fields of one branch in the making.
#[derive(Default)]
pub(super) struct Groups<'d> {
    pub(super) fields: Vec<Group<'d>>,
    by_key: FxHashMap<&'d str, usize>,
    pub(super) order: Vec<Entry>,
    /// When each fragment has been spread already.
    fragments: FxHashMap<&'d Name, Terms>,
}

/// All occurrences of one response key, in the order of the document.
#[derive(Default)]
pub(super) struct Group<'d> {
    pub(super) occurrences: Vec<(&'d Shared<Field>, Conjunction)>,
    pub(super) terms: Terms,
}

impl<'d> Groups<'d> {
    /// Notes that a fragment is spread; `false` when all that it selects is there already, under the same circumstances.
    pub(super) fn spreads(&mut self, fragment: &'d Name, when: Conjunction) -> bool {
        let seen = self.fragments.entry(fragment).or_default();
        if seen.covers(when) {
            return false;
        }
        if seen.len() < TERMS_MAX {
            seen.add(when);
        }
        true
    }

    /// Adds an occurrence; `false` when its response key has too many circumstances.
    pub(super) fn add(&mut self, field: &'d Shared<Field>, when: Conjunction) -> bool {
        let index = *self.by_key.entry(field.response_key().as_str()).or_insert_with(|| {
            self.fields.push(Group::default());
            self.fields.len() - 1
        });
        let Some(group) = self.fields.get_mut(index) else { return false };
        group.occurrences.push((field, when));
        if let Some(before) = group.terms.add(when) {
            let unless = if before.is_empty() { Vec::new() } else { vec![condition(before)] };
            self.order.push(Entry { field: index, when: condition(vec![when]), unless });
        }
        group.terms.len() <= TERMS_MAX
    }
}

/// Are the arguments the same, in whatever order?
pub(super) fn same_arguments(one: &Field, other: &Field) -> bool {
    one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|argument| {
            other
                .arguments
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
