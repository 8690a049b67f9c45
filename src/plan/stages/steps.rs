//! Sets of a plan's steps, a bit for each.

use crate::plan::StepId;

/// Some of a plan's steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StepSet(Vec<u64>);

impl StepSet {
    pub(super) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub(super) fn contains(&self, step: StepId) -> bool {
        self.0.get(step.index() / 64).is_some_and(|word| word >> (step.index() % 64) & 1 == 1)
    }

    /// Whether it was not there before.
    pub(super) fn insert(&mut self, step: StepId) -> bool {
        let is_new = !self.contains(step);
        if let Some(word) = self.0.get_mut(step.index() / 64) {
            *word |= 1 << (step.index() % 64);
        }
        is_new
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(word, other)| word & !other == 0)
    }
}
