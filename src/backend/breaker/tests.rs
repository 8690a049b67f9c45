//! The breaker alone, and against a reference that keeps every attempt and counts anew each time.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::{Admission, Breaker, Health, Phase};
use crate::graph::BreakerPolicy;

const POLICY: BreakerPolicy = BreakerPolicy {
    enabled: true,
    failures: 4,
    percent: 50,
    volume: 10,
    window: Duration::from_secs(10),
    open: Duration::from_secs(5),
    probes: 2,
};

fn at(start: Instant, seconds: f64) -> Instant {
    start + Duration::from_secs_f64(seconds)
}

fn attempt(breaker: &Breaker, health: Health, now: Instant) -> bool {
    match breaker.admit(now).0 {
        Some(admission) => {
            admission.record(health, now);
            true
        }
        None => false,
    }
}

fn open(breaker: &Breaker, now: Instant) {
    (0..POLICY.failures).for_each(|_| assert!(attempt(breaker, Health::Bad, now)));
    assert_eq!(breaker.counts().phase, Phase::Open);
}

#[test]
fn so_many_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
    let now = Instant::now();
    let breaker = Breaker::new(POLICY, now);
    for health in
        [Health::Bad, Health::Bad, Health::Bad, Health::Good, Health::Bad, Health::Bad, Health::Bad]
    {
        assert!(attempt(&breaker, health, now));
    }
    assert_eq!(breaker.counts().phase, Phase::Closed);
    assert!(attempt(&breaker, Health::Bad, now));
    assert!(!attempt(&breaker, Health::Good, now));
    assert_eq!((breaker.counts().opened, breaker.counts().refused), (1, 1));
}

#[test]
fn a_share_of_the_window_opens_it_once_there_are_enough() {
    let now = Instant::now();
    let breaker = Breaker::new(POLICY, now);
    for number in 0..9 {
        assert!(attempt(&breaker, if number % 2 == 0 { Health::Bad } else { Health::Good }, now));
    }
    assert_eq!(breaker.counts().phase, Phase::Closed, "nine are too few");
    assert!(attempt(&breaker, Health::Bad, now));
    assert_eq!(breaker.counts().phase, Phase::Open);
}

#[test]
fn what_left_the_window_counts_no_more() {
    let start = Instant::now();
    let breaker = Breaker::new(POLICY, start);
    for number in 0..9 {
        attempt(&breaker, if number % 2 == 0 { Health::Bad } else { Health::Good }, start);
    }
    let later = at(start, 10.5);
    assert!(attempt(&breaker, Health::Bad, later));
    assert_eq!(breaker.counts().phase, Phase::Closed);
}

#[test]
fn after_its_time_probes_decide_and_no_more_than_they_are_sent() {
    let start = Instant::now();
    let breaker = Breaker::new(POLICY, start);
    open(&breaker, start);
    assert!(!attempt(&breaker, Health::Good, at(start, 4.9)));
    let later = at(start, 5.0);
    let probes: Vec<Admission<'_>> = (0..2).filter_map(|_| breaker.admit(later).0).collect();
    assert_eq!((probes.len(), breaker.admit(later).0.is_some()), (2, false));
    for probe in probes {
        assert_eq!(breaker.counts().phase, Phase::HalfOpen);
        probe.record(Health::Good, later);
    }
    assert_eq!(breaker.counts().phase, Phase::Closed);
    open(&breaker, later);
    let again = at(start, 10.0);
    assert!(attempt(&breaker, Health::Bad, again));
    assert_eq!((breaker.counts().phase, breaker.counts().opened), (Phase::Open, 3));
}

#[test]
fn a_probe_that_was_given_up_makes_room_for_another_and_says_nothing() {
    let start = Instant::now();
    let breaker = Breaker::new(POLICY, start);
    open(&breaker, start);
    let later = at(start, 5.0);
    for _ in 0..10 {
        drop(breaker.admit(later).0.expect("a place for a probe"));
    }
    assert_eq!(breaker.counts().phase, Phase::HalfOpen);
}

#[test]
fn attempts_that_are_given_up_never_count() {
    let now = Instant::now();
    let breaker = Breaker::new(POLICY, now);
    (0..100).for_each(|_| assert!(attempt(&breaker, Health::Unknown, now)));
    (0..100).for_each(|_| drop(breaker.admit(now).0));
    assert_eq!(breaker.counts().phase, Phase::Closed);
}

#[test]
fn what_began_before_it_opened_says_nothing_of_the_probes() {
    let start = Instant::now();
    let breaker = Breaker::new(POLICY, start);
    let old: Vec<Admission<'_>> = (0..5).filter_map(|_| breaker.admit(start).0).collect();
    open(&breaker, start);
    let later = at(start, 5.0);
    let probe = breaker.admit(later).0.expect("a probe");
    assert!(!old[0].holds() && probe.holds());
    for one in old {
        assert_eq!(one.record(Health::Bad, later), None);
    }
    assert_eq!(breaker.counts().phase, Phase::HalfOpen);
}

#[test]
fn a_breaker_that_is_switched_off_never_opens() {
    let now = Instant::now();
    let breaker = Breaker::new(BreakerPolicy { enabled: false, ..POLICY }, now);
    (0..1_000).for_each(|_| assert!(attempt(&breaker, Health::Bad, now)));
    assert_eq!(breaker.counts().phase, Phase::Closed);
}

/// The same, as simply as it can be said: a list of all attempts since the last change.
struct Reference {
    phase: Phase,
    since: u64,
    attempts: Vec<(u64, bool)>,
    good_probes: u32,
}

impl Reference {
    /// Times are in milliseconds; the attempt ends when it begins.
    fn attempt(&mut self, is_bad: bool, now: u64) -> bool {
        if self.phase == Phase::Open && now >= self.since + 5_000 {
            self.turn(Phase::HalfOpen, now);
        }
        match self.phase {
            Phase::Open => return false,
            Phase::HalfOpen if is_bad => self.turn(Phase::Open, now),
            Phase::HalfOpen => {
                self.good_probes += 1;
                if self.good_probes == POLICY.probes {
                    self.turn(Phase::Closed, now);
                }
            }
            Phase::Closed => {
                self.attempts.push((now, is_bad));
                let bucket = |time: u64| (time - self.since) / 1_000;
                let oldest = (bucket(now) + 1).saturating_sub(10);
                let recent: Vec<_> =
                    self.attempts.iter().filter(|(time, _)| bucket(*time) >= oldest).collect();
                let bad = recent.iter().filter(|(_, is_bad)| *is_bad).count();
                let in_a_row = self.attempts.iter().rev().take_while(|(_, is_bad)| *is_bad).count();
                if in_a_row >= 4 || (recent.len() >= 10 && bad > 0 && bad * 2 >= recent.len()) {
                    self.turn(Phase::Open, now);
                }
            }
        }
        true
    }

    fn turn(&mut self, phase: Phase, now: u64) {
        (self.phase, self.since, self.good_probes) = (phase, now, 0);
        self.attempts.clear();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]
    #[test]
    fn it_does_what_the_reference_does(
        trace in proptest::collection::vec((0_u64..2_500, proptest::bool::weighted(0.45)), 1..300)
    ) {
        let start = Instant::now();
        let breaker = Breaker::new(POLICY, start);
        let mut reference =
            Reference { phase: Phase::Closed, since: 0, attempts: Vec::new(), good_probes: 0 };
        let mut now = 0;
        for (pause, is_bad) in trace {
            now += pause;
            let health = if is_bad { Health::Bad } else { Health::Good };
            let time = start + Duration::from_millis(now);
            prop_assert_eq!(attempt(&breaker, health, time), reference.attempt(is_bad, now), "at {} ms", now);
            prop_assert_eq!(breaker.counts().phase, reference.phase, "at {} ms", now);
        }
    }
}
