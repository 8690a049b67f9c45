//! Sets of a plan's steps, a bit for each.

use crate::plan::StepId;

/// Some of a plan's steps. There is one for each part of an answer, and most hold little: words up to the last step that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StepSet(Vec<u64>);

impl StepSet {
    pub(super) fn contains(&self, step: StepId) -> bool {
        self.0.get(step.index() / 64).is_some_and(|word| word >> (step.index() % 64) & 1 == 1)
    }

    /// Whether it was not there before.
    pub(super) fn insert(&mut self, step: StepId) -> bool {
        let is_new = !self.contains(step);
        self.reach(step.index() / 64 + 1);
        if let Some(word) = self.0.get_mut(step.index() / 64) {
            *word |= 1 << (step.index() % 64);
        }
        is_new
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.reach(other.0.len());
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        self.0.iter().zip(others).all(|(word, other)| word & !other == 0)
    }

    fn reach(&mut self, words: usize) {
        if self.0.len() < words {
            self.0.resize(words, 0);
        }
    }
}
