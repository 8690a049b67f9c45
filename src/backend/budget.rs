//! A budget of attempts on top of calls, so that a backend in trouble gets hardly more than the calls themselves.
//!
//! A share of the calls of the last ten seconds, and a few each second whatever the calls are. What is not spent is gone: in every
//! whole second from the beginning, and over all of them, there are no more attempts than calls × (1 + share) + the few of each
//! second. A limit on the attempts of each call alone cannot say that: it multiplies a storm.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::graph::BudgetPolicy;

const SECONDS: usize = 10;

/// A budget, and when it began.
#[derive(Debug)]
pub(super) struct Budget {
    began: Instant,
    ledger: Mutex<Ledger>,
}

impl Budget {
    pub(super) fn new(policy: BudgetPolicy, now: Instant) -> Self {
        Self { began: now, ledger: Mutex::new(Ledger::new(policy)) }
    }

    /// A call was begun.
    pub(super) fn deposit(&self, now: Instant) {
        self.with(now, Ledger::deposit);
    }

    /// Whether one more attempt may be made; if so, it is spent.
    pub(super) fn withdraw(&self, now: Instant) -> bool {
        self.with(now, Ledger::withdraw)
    }

    /// Attempts that may be made now.
    pub(super) fn left(&self, now: Instant) -> u64 {
        self.with(now, Ledger::left)
    }

    fn with<T>(&self, now: Instant, run: impl FnOnce(&mut Ledger, u64) -> T) -> T {
        let second = now.saturating_duration_since(self.began).as_secs();
        run(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner), second)
    }
}

/// The accounts of the last ten seconds, by the number of the second.
#[derive(Debug)]
struct Ledger {
    policy: BudgetPolicy,
    now: u64,
    /// In hundredths of an attempt: what calls brought, less what was spent of it.
    earned: [i64; SECONDS],
    /// Spent of this second's own.
    spent: u32,
}

impl Ledger {
    fn new(policy: BudgetPolicy) -> Self {
        Self { policy, now: 0, earned: [0; SECONDS], spent: 0 }
    }

    fn turn_to(&mut self, second: u64) {
        // a clock that is read by several threads may be behind what was seen last
        if second <= self.now {
            return;
        }
        let passed = second - self.now;
        for step in 1..=passed.min(SECONDS as u64) {
            if let Some(place) = self.earned.get_mut(slot(self.now + step)) {
                *place = 0;
            }
        }
        (self.now, self.spent) = (second, 0);
        if passed > SECONDS as u64 {
            self.earned = [0; SECONDS];
        }
    }

    fn add(&mut self, hundredths: i64) {
        if let Some(place) = self.earned.get_mut(slot(self.now)) {
            *place += hundredths;
        }
    }

    fn deposit(&mut self, second: u64) {
        self.turn_to(second);
        self.add(i64::from(self.policy.percent));
    }

    fn withdraw(&mut self, second: u64) -> bool {
        self.turn_to(second);
        if self.spent < self.policy.per_second {
            self.spent += 1;
            return true;
        }
        if self.earned.iter().sum::<i64>() < 100 {
            return false;
        }
        self.add(-100);
        true
    }

    fn left(&mut self, second: u64) -> u64 {
        self.turn_to(second);
        let earned = u64::try_from(self.earned.iter().sum::<i64>() / 100).unwrap_or(0);
        earned + u64::from(self.policy.per_second - self.spent)
    }
}

fn slot(second: u64) -> usize {
    usize::try_from(second % SECONDS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BudgetPolicy, Ledger};

    const USUAL: BudgetPolicy = BudgetPolicy { percent: 20, per_second: 10 };

    #[test]
    fn every_second_has_ten_and_every_five_calls_one_more() {
        let mut ledger = Ledger::new(USUAL);
        let spend =
            |ledger: &mut Ledger, second| (0..1_000).filter(|_| ledger.withdraw(second)).count();
        assert_eq!(spend(&mut ledger, 0), 10);
        (0..100).for_each(|_| ledger.deposit(0));
        assert_eq!((ledger.left(0), spend(&mut ledger, 0)), (20, 20));
        assert_eq!(spend(&mut ledger, 1), 10);
    }

    #[test]
    fn what_calls_brought_is_good_for_ten_seconds() {
        let mut ledger = Ledger::new(BudgetPolicy { percent: 20, per_second: 0 });
        (0..50).for_each(|_| ledger.deposit(0));
        assert_eq!((ledger.left(9), ledger.left(10)), (10, 0));
    }

    #[test]
    fn without_a_budget_nothing_is_tried_again() {
        let mut ledger = Ledger::new(BudgetPolicy { percent: 0, per_second: 0 });
        (0..50).for_each(|_| ledger.deposit(0));
        assert!(!ledger.withdraw(0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]
        /// Whatever comes, the load is never above 1.2 × + 10/s: over all of it, and over every stretch of whole seconds that is
        /// ten seconds behind the calls that paid for it.
        #[test]
        fn the_load_never_exceeds_the_bound(
            trace in proptest::collection::vec((0_u64..4, 0_u64..40, 0_u64..40), 1..60)
        ) {
            let mut ledger = Ledger::new(USUAL);
            let (mut second, mut calls, mut spent) = (0, 0_u64, 0_u64);
            for (pause, deposits, wishes) in trace {
                second += pause;
                (0..deposits).for_each(|_| ledger.deposit(second));
                calls += deposits;
                spent += (0..wishes).filter(|_| ledger.withdraw(second)).count() as u64;
                prop_assert!(5 * spent <= calls + 50 * (second + 1), "{spent} of {calls} in {second} s");
            }
        }
    }
}
