//! How long a group's attempts usually take, and whether they take much longer now.
//!
//! The norm is the median of the last hour's minutes, each told by its own median. Two minutes in a row far above it make a backend
//! slow, two in a row well below that end it. What lasts for more than half an hour is the norm itself.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::durations::{BUCKETS, bucket, end};
use crate::graph::SlowPolicy;

/// Minutes from which the norm is known.
const HOUR: u64 = 60;
/// Fewer of them say nothing.
const ENOUGH: usize = 10;
/// Minutes in a row that make a change.
const IN_A_ROW: u32 = 2;

#[derive(Debug)]
pub(super) struct Norm {
    state: Mutex<State>,
}

/// What is known of a group's durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usual {
    /// The median of the last hour's minutes; `None`: too little is known.
    pub norm: Option<Duration>,
    /// That of the last whole minute; `None`: too few attempts were made.
    pub median: Option<Duration>,
    pub is_slow: bool,
}

#[derive(Debug)]
struct State {
    policy: SlowPolicy,
    began: Instant,
    /// The number of the minute that goes on, and its attempts.
    minute: u64,
    buckets: [u32; BUCKETS],
    count: u32,
    /// The medians of minutes that had enough attempts.
    medians: VecDeque<(u64, Duration)>,
    usual: Usual,
    in_a_row: u32,
}

impl Norm {
    pub(super) fn new(policy: SlowPolicy, now: Instant) -> Self {
        let state = State {
            policy,
            began: now,
            minute: 0,
            buckets: [0; BUCKETS],
            count: 0,
            medians: VecDeque::new(),
            usual: Usual::default(),
            in_a_row: 0,
        };
        Self { state: Mutex::new(state) }
    }

    /// An attempt. What is known, if the group began or ceased to be slow.
    pub(super) fn add(&self, took: Duration, now: Instant) -> Option<Usual> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let change = state.turn_to(now);
        if let Some(bucket) = state.buckets.get_mut(bucket(took)) {
            *bucket = bucket.saturating_add(1);
        }
        state.count = state.count.saturating_add(1);
        change
    }

    /// What is known now, and whether the group began or ceased to be slow since anybody looked.
    pub(super) fn look(&self, now: Instant) -> (Usual, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let change = state.turn_to(now);
        (state.usual, change.is_some())
    }
}

impl State {
    /// Ends the minute, if it is over.
    fn turn_to(&mut self, now: Instant) -> Option<Usual> {
        let minute = now.saturating_duration_since(self.began).as_secs() / 60;
        if minute <= self.minute || !self.policy.enabled {
            return None;
        }
        let (ended, was_slow) = (self.minute, self.usual.is_slow);
        self.minute = minute;
        self.medians.retain(|(number, _)| number + HOUR >= minute);
        let median = self.median();
        (self.buckets, self.count) = ([0; BUCKETS], 0);
        self.usual.norm = self.norm();
        // a minute that is not the last one is no news
        self.usual.median = median.filter(|_| minute == ended + 1);
        match (median, self.usual.norm) {
            (Some(median), Some(norm)) => self.judge(median, norm),
            (_, None) => (self.usual.is_slow, self.in_a_row) = (false, 0),
            // what is known of nobody is not in a row
            (None, Some(_)) => self.in_a_row = 0,
        }
        self.medians.extend(median.map(|median| (ended, median)));
        (self.usual.is_slow != was_slow).then_some(self.usual)
    }

    fn judge(&mut self, median: Duration, norm: Duration) {
        let is_other = if self.usual.is_slow {
            median <= norm.mul_f64((self.policy.factor / 2.0).max(1.0))
        } else {
            median > norm.mul_f64(self.policy.factor) && median >= self.policy.least
        };
        self.in_a_row = if is_other { self.in_a_row + 1 } else { 0 };
        if self.in_a_row >= IN_A_ROW {
            (self.usual.is_slow, self.in_a_row) = (!self.usual.is_slow, 0);
        }
    }

    /// Of the minute that ends, if it had enough attempts.
    fn median(&self) -> Option<Duration> {
        if self.count < self.policy.samples {
            return None;
        }
        let mut seen = 0;
        let buckets = self.buckets.iter().zip(0..);
        let mut reached = buckets.filter(|(count, _)| {
            seen += u64::from(**count);
            seen >= u64::from(self.count).div_ceil(2)
        });
        reached.next().map(|(_, index)| end(index))
    }

    fn norm(&self) -> Option<Duration> {
        let mut medians: Vec<Duration> = self.medians.iter().map(|(_, median)| *median).collect();
        medians.sort_unstable();
        medians.get(medians.len() / 2).filter(|_| medians.len() >= ENOUGH).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A group that is looked at minute by minute.
    struct Group {
        norm: Norm,
        start: Instant,
        minute: u64,
    }

    impl Group {
        fn new() -> Self {
            let start = Instant::now();
            Self { norm: Norm::new(SlowPolicy::default(), start), start, minute: 0 }
        }

        /// So many attempts in the next minute, each of which takes so long. What is known after it, and whether that is news.
        fn minute(&mut self, attempts: u32, millis: u64) -> (Usual, bool) {
            let now = self.start + Duration::from_mins(self.minute);
            self.minute += 1;
            for _ in 0..attempts {
                assert_eq!(self.norm.add(Duration::from_millis(millis), now), None);
            }
            self.norm.look(self.start + Duration::from_mins(self.minute))
        }

        fn minutes(&mut self, minutes: u32, attempts: u32, millis: u64) {
            for _ in 0..minutes {
                let (usual, is_news) = self.minute(attempts, millis);
                assert!(!is_news && !usual.is_slow, "{usual:?}");
            }
        }
    }

    #[test]
    fn two_minutes_far_above_the_norm_are_slow_and_two_near_it_end_that() {
        let mut group = Group::new();
        group.minutes(12, 50, 100);
        assert!(!group.minute(50, 400).1, "one minute is none");
        let (usual, is_news) = group.minute(50, 400);
        assert!(is_news && usual.is_slow);
        let near = |found: Option<Duration>, millis: u64| {
            let millis = Duration::from_millis(millis);
            found.is_some_and(|found| found >= millis && found <= millis * 5 / 4)
        };
        assert!(near(usual.norm, 100) && near(usual.median, 400), "{usual:?}");
        // twice the norm is neither
        assert!(group.minute(50, 200).0.is_slow);
        assert!(group.minute(50, 100).0.is_slow);
        let (usual, is_news) = group.minute(50, 200);
        assert!(usual.is_slow && !is_news);
        assert!(!group.minute(50, 100).1);
        let (usual, is_news) = group.minute(50, 100);
        assert!(is_news && !usual.is_slow);
    }

    #[test]
    fn few_attempts_an_unknown_norm_and_short_times_are_never_slow() {
        let mut few = Group::new();
        few.minutes(12, 50, 100);
        few.minutes(5, 19, 900);
        let mut new = Group::new();
        new.minutes(5, 50, 100);
        new.minutes(4, 50, 900);
        let mut short = Group::new();
        short.minutes(12, 50, 2);
        short.minutes(5, 50, 20);
    }

    #[test]
    fn what_lasts_is_the_norm_and_what_nobody_asks_is_forgotten() {
        let mut lasting = Group::new();
        lasting.minutes(20, 50, 100);
        let slow = (0..40).filter(|_| lasting.minute(50, 900).0.is_slow).count();
        assert!((15..30).contains(&slow), "slow for {slow} minutes");
        assert!(!lasting.minute(50, 900).0.is_slow);
        let mut silent = Group::new();
        silent.minutes(12, 50, 100);
        silent.minute(50, 900);
        assert!(silent.minute(50, 900).0.is_slow);
        let after = silent.start + Duration::from_mins(silent.minute + 90);
        assert_eq!(silent.norm.look(after), (Usual::default(), true));
    }
}
