//! How long a group's attempts took lately: enough of it to say what is slow.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Four buckets for each doubling, of microseconds.
pub(super) const BUCKETS: usize = 128;
/// What is known is that of the last one to two rounds of so many.
const ROUND: u32 = 500;
/// Fewer say nothing of their tail.
const ENOUGH: u32 = 100;

#[derive(Debug)]
pub(super) struct Durations {
    rounds: Mutex<Rounds>,
}

#[derive(Debug)]
struct Rounds {
    now: [u32; BUCKETS],
    before: [u32; BUCKETS],
    count: u32,
    count_before: u32,
}

impl Durations {
    pub(super) fn new() -> Self {
        let none = [0; BUCKETS];
        Self { rounds: Mutex::new(Rounds { now: none, before: none, count: 0, count_before: 0 }) }
    }

    pub(super) fn add(&self, took: Duration) {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = rounds.now.get_mut(bucket(took)) {
            *bucket += 1;
        }
        rounds.count += 1;
        if rounds.count >= ROUND {
            (rounds.before, rounds.count_before) = (rounds.now, rounds.count);
            (rounds.now, rounds.count) = ([0; BUCKETS], 0);
        }
    }

    /// So many of a hundred were no slower than this. `None`: too few are known.
    pub(super) fn percentile(&self, percent: u32) -> Option<Duration> {
        let rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        let all = rounds.count + rounds.count_before;
        if all < ENOUGH {
            return None;
        }
        let wanted = (all * percent.min(100)).div_ceil(100);
        let mut seen = 0;
        let buckets = rounds.now.iter().zip(&rounds.before).zip(0..);
        for ((now, before), index) in buckets {
            seen += now + before;
            if seen >= wanted {
                return Some(end(index));
            }
        }
        None
    }
}

/// The number of the bucket of a duration.
pub(super) fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(4);
    let octave = micros.ilog2();
    let quarter = (micros >> (octave - 2)) & 3;
    let index = u64::from(octave - 2) * 4 + quarter;
    usize::try_from(index).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

/// The longest that falls into a bucket.
pub(super) fn end(index: u64) -> Duration {
    let (octave, quarter) = (index / 4, index % 4);
    Duration::from_micros((quarter + 5) << octave)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Durations, bucket, end};

    #[test]
    fn few_attempts_say_nothing_of_the_tail() {
        let durations = Durations::new();
        (0..99).for_each(|_| durations.add(Duration::from_millis(20)));
        assert_eq!(durations.percentile(95), None);
        durations.add(Duration::from_millis(20));
        assert!(durations.percentile(95).is_some());
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let durations = Durations::new();
        (0..1_000).for_each(|_| durations.add(Duration::from_secs(1)));
        (0..1_000).for_each(|_| durations.add(Duration::from_millis(10)));
        assert!(durations.percentile(99).unwrap() < Duration::from_millis(13));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]
        #[test]
        fn a_percentile_is_right_within_a_quarter(
            mut micros in proptest::collection::vec(5_u64..50_000_000, 100..400), percent in 1_u32..100
        ) {
            let durations = Durations::new();
            for micros in &micros {
                durations.add(Duration::from_micros(*micros));
            }
            micros.sort_unstable();
            let place = (micros.len() * percent as usize).div_ceil(100) - 1;
            let (exact, told) = (Duration::from_micros(micros[place]), durations.percentile(percent).unwrap());
            prop_assert!(told >= exact && told <= exact * 5 / 4 + Duration::from_micros(1), "{told:?} of {exact:?}");
        }

        #[test]
        fn a_duration_is_in_the_bucket_that_ends_after_it(micros in 4_u64..4_000_000_000) {
            let took = Duration::from_micros(micros);
            let index = bucket(took) as u64;
            prop_assert!(end(index) > took && (index == 0 || end(index - 1) <= took));
        }
    }
}
