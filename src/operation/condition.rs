//! `@skip` and `@include` as conditions on boolean variables.

use super::{Condition, Conjunction};

/// Different circumstances under which one field may stand; beyond this a document is not written by a person.
pub(super) const TERMS_MAX: usize = 64;

impl Conjunction {
    pub(super) const ALWAYS: Self = Self { yes: 0, no: 0 };

    /// Both; `None` if that can never be.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let both = Self { yes: self.yes | other.yes, no: self.no | other.no };
        (both.yes & both.no == 0).then_some(both)
    }

    /// Does `other` hold whenever this does?
    pub(super) fn implies(self, other: Self) -> bool {
        other.yes & !self.yes == 0 && other.no & !self.no == 0
    }
}

/// A condition in the making: terms of which none implies another.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms(Vec<Conjunction>);

impl Terms {
    /// Adds an alternative. `Some`: the terms so far, none of which it implies. `None`: it changes nothing.
    pub(super) fn add(&mut self, term: Conjunction) -> Option<Vec<Conjunction>> {
        if self.covers(term) {
            return None;
        }
        let before = self.0.clone();
        self.0.retain(|earlier| !earlier.implies(term));
        self.0.push(term);
        Some(before)
    }

    pub(super) fn covers(&self, term: Conjunction) -> bool {
        self.0.iter().any(|earlier| term.implies(*earlier))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_condition(self) -> Condition {
        condition(self.0)
    }
}

/// The condition that one of `terms` holds.
pub(super) fn condition(terms: Vec<Conjunction>) -> Condition {
    if terms.contains(&Conjunction::ALWAYS) { Condition::ALWAYS } else { Condition(terms) }
}
