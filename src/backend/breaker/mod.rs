//! A breaker: while what stands behind a group of calls is down, calls are answered at once instead of one timeout after the other.
//!
//! It opens on so many failures in a row, or when too large a share of the attempts in a rolling window have failed. The share is
//! exact, over ten buckets: a moving average gives a short, tight burst so little weight that it hides an outage. While it is open
//! nothing is sent; then a few attempts go through as probes, and they decide. An attempt that was given up says nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::graph::BreakerPolicy;

const BUCKETS: usize = 10;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Calls flow.
    #[default]
    Closed,
    /// Nothing is sent.
    Open,
    /// Probes are sent, and nothing else.
    HalfOpen,
}

/// What an attempt said of the backend's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Good,
    Bad,
    /// It was given up, or never sent.
    Unknown,
}

/// A breaker's state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change(pub(super) Phase);

/// Where a breaker is, and how often it came there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) phase: Phase,
    pub(super) opened: u64,
    pub(super) half_opened: u64,
    pub(super) closed: u64,
    /// Calls that were refused.
    pub(super) refused: u64,
}

#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

/// Leave to make one attempt. Given back with what came of it; dropped, it says that nobody knows.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    breaker: &'a Breaker,
    /// The life of the state that let it through: what it says of a later one is nothing.
    life: u64,
    is_recorded: bool,
}

impl Breaker {
    pub(super) fn new(policy: BreakerPolicy, now: Instant) -> Self {
        Self { state: Mutex::new(State::new(policy, now)) }
    }

    /// `None`: it is open, or the probes are out already.
    pub(super) fn admit(&self, now: Instant) -> (Option<Admission<'_>>, Option<Change>) {
        let (life, change) = self.with(|state| state.admit(now));
        (life.map(|life| Admission { breaker: self, life, is_recorded: false }), change)
    }

    pub(super) fn counts(&self) -> Counts {
        self.with(|state| state.counts)
    }

    fn with<T>(&self, run: impl FnOnce(&mut State) -> T) -> T {
        run(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Admission<'_> {
    /// Whether what was true when it was let through is still: queues take time.
    pub(super) fn holds(&self) -> bool {
        self.breaker.with(|state| state.holds(self.life))
    }

    pub(super) fn record(mut self, health: Health, now: Instant) -> Option<Change> {
        self.is_recorded = true;
        self.breaker.with(|state| state.record(self.life, health, now))
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if !self.is_recorded {
            self.breaker.with(|state| state.give_back(self.life));
        }
    }
}

#[derive(Debug)]
struct State {
    policy: BreakerPolicy,
    counts: Counts,
    /// Counts the changes.
    life: u64,
    since: Instant,
    in_a_row: u32,
    window: Window,
    /// Probes that are out, and that came back well.
    probes: (u32, u32),
}

impl State {
    fn new(policy: BreakerPolicy, now: Instant) -> Self {
        let window = Window::new(policy.window, now);
        Self {
            policy,
            counts: Counts::default(),
            life: 0,
            since: now,
            in_a_row: 0,
            window,
            probes: (0, 0),
        }
    }

    fn admit(&mut self, now: Instant) -> (Option<u64>, Option<Change>) {
        if !self.policy.enabled {
            return (Some(self.life), None);
        }
        let mut change = None;
        if self.counts.phase == Phase::Open && now >= self.since + self.policy.open {
            change = Some(self.turn(Phase::HalfOpen, now));
        }
        let is_admitted = match self.counts.phase {
            Phase::Closed => true,
            Phase::Open => false,
            Phase::HalfOpen => self.probes.0 + self.probes.1 < self.policy.probes,
        };
        if !is_admitted {
            self.counts.refused += 1;
            return (None, change);
        }
        if self.counts.phase == Phase::HalfOpen {
            self.probes.0 += 1;
        }
        (Some(self.life), change)
    }

    fn holds(&mut self, life: u64) -> bool {
        let holds = life == self.life || self.counts.phase == Phase::Closed;
        if !holds {
            self.counts.refused += 1;
        }
        holds
    }

    fn record(&mut self, life: u64, health: Health, now: Instant) -> Option<Change> {
        if life != self.life || !self.policy.enabled {
            return None;
        }
        if health == Health::Unknown {
            self.give_back(life);
            return None;
        }
        match self.counts.phase {
            Phase::Closed => {
                self.window.add(health == Health::Bad, now);
                self.in_a_row = if health == Health::Bad { self.in_a_row + 1 } else { 0 };
                self.is_tripped(now).then(|| self.turn(Phase::Open, now))
            }
            Phase::Open => None,
            Phase::HalfOpen if health == Health::Bad => Some(self.turn(Phase::Open, now)),
            Phase::HalfOpen => {
                self.probes = (self.probes.0.saturating_sub(1), self.probes.1 + 1);
                (self.probes.1 >= self.policy.probes).then(|| self.turn(Phase::Closed, now))
            }
        }
    }

    fn give_back(&mut self, life: u64) {
        if life == self.life && self.counts.phase == Phase::HalfOpen {
            self.probes.0 = self.probes.0.saturating_sub(1);
        }
    }

    fn is_tripped(&mut self, now: Instant) -> bool {
        let (all, bad) = self.window.sums(now);
        let is_large = all >= u64::from(self.policy.volume)
            && bad * 100 >= all * u64::from(self.policy.percent);
        self.in_a_row >= self.policy.failures || (is_large && bad > 0)
    }

    fn turn(&mut self, phase: Phase, now: Instant) -> Change {
        let counts = &mut self.counts;
        counts.phase = phase;
        match phase {
            Phase::Closed => counts.closed += 1,
            Phase::Open => counts.opened += 1,
            Phase::HalfOpen => counts.half_opened += 1,
        }
        self.life += 1;
        (self.since, self.in_a_row, self.probes) = (now, 0, (0, 0));
        self.window = Window::new(self.policy.window, now);
        Change(phase)
    }
}

/// Attempts of the last `BUCKETS` stretches of time.
#[derive(Debug)]
struct Window {
    began: Instant,
    width: Duration,
    now: u64,
    /// All, and those that failed.
    buckets: [(u64, u64); BUCKETS],
}

impl Window {
    fn new(window: Duration, now: Instant) -> Self {
        let width = (window / 10).max(Duration::from_millis(1));
        Self { began: now, width, now: 0, buckets: [(0, 0); BUCKETS] }
    }

    fn turn_to(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.began).as_nanos() / self.width.as_nanos();
        let number = u64::try_from(passed).unwrap_or(u64::MAX).max(self.now);
        for step in 1..=(number - self.now).min(BUCKETS as u64) {
            if let Some(bucket) = self.buckets.get_mut(place(self.now + step)) {
                *bucket = (0, 0);
            }
        }
        if number - self.now >= BUCKETS as u64 {
            self.buckets = [(0, 0); BUCKETS];
        }
        self.now = number;
    }

    fn add(&mut self, is_bad: bool, now: Instant) {
        self.turn_to(now);
        if let Some((all, bad)) = self.buckets.get_mut(place(self.now)) {
            *all += 1;
            *bad += u64::from(is_bad);
        }
    }

    fn sums(&mut self, now: Instant) -> (u64, u64) {
        self.turn_to(now);
        self.buckets.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number % BUCKETS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests;
