//! How fast attempts leave: a rate, and what the backend itself says is left.
//!
//! A token bucket that releases smoothly: a few at once, then one after the other, so that no stretch of time that is as long as the
//! rate's own sees more than the rate. The arithmetic of virtual times; nothing ticks.

use std::time::Duration;

use tokio::time::Instant;

use crate::graph::Rate;
use crate::transport::Told;

/// When the next attempts may leave.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<Steady>,
    /// Nothing leaves before this.
    pause: Option<Instant>,
    /// The little that is left, spread over the time until there is more.
    thin: Option<Thin>,
    told: Told,
}

#[derive(Debug)]
struct Steady {
    gap: Duration,
    /// So far ahead of its time may an attempt leave.
    ahead: Duration,
    /// When the next one is due.
    due: Instant,
}

#[derive(Debug)]
struct Thin {
    gap: Duration,
    next: Instant,
    until: Instant,
}

/// From this share of the limit on, what is left is spread.
const THIN: u64 = 10;

impl Pace {
    pub(super) fn new(rate: Option<Rate>, now: Instant) -> Self {
        let rate = rate.map(|rate| {
            // of `calls` in any `per`, `burst` may leave ahead of the others, which share the time
            let others = rate.calls.saturating_sub(rate.burst).saturating_add(1);
            // rounded up: a nanosecond too little each time is one call too many in the end
            let nanos = rate.per.as_nanos().div_ceil(u128::from(others.max(1)));
            let gap = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            Steady { gap, ahead: gap * rate.burst.saturating_sub(1), due: now }
        });
        Self { rate, pause: None, thin: None, told: Told::default() }
    }

    /// Whether anything bounds the pace.
    pub(super) fn is_bound(&self, now: Instant) -> bool {
        self.rate.is_some()
            || self.pause.is_some_and(|pause| pause > now)
            || self.thin.as_ref().is_some_and(|thin| thin.until > now)
    }

    /// When one may leave that has `before` others before it.
    pub(super) fn estimate(&self, before: u32, now: Instant) -> Instant {
        let rate = self.rate.as_ref().map(|rate| {
            let due = rate.due.max(now) + rate.gap * before;
            due.checked_sub(rate.ahead).unwrap_or(now)
        });
        rate.into_iter().chain(self.held_until()).fold(now, Instant::max)
    }

    fn held_until(&self) -> Option<Instant> {
        let thin = self.thin.as_ref().map(|thin| thin.next.min(thin.until));
        thin.max(self.pause)
    }

    /// Takes leave for one attempt, or says when to ask again.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let at = self.estimate(0, now);
        if at > now {
            return Err(at);
        }
        if let Some(rate) = &mut self.rate {
            rate.due = rate.due.max(now) + rate.gap;
        }
        match &mut self.thin {
            Some(thin) if thin.until <= now => self.thin = None,
            Some(thin) => thin.next = now + thin.gap,
            None => {}
        }
        self.told.remaining = self.told.remaining.map(|left| left.saturating_sub(1));
        Ok(())
    }

    /// What an answer said. `wait` is what must be waited for, if the backend refused.
    pub(super) fn heed(&mut self, told: Told, wait: Option<Duration>, cap: Duration, now: Instant) {
        let reset = told.reset.map(|reset| reset.min(cap));
        let is_spent = told.remaining == Some(0);
        let pause = wait.map(|wait| wait.min(cap)).max(reset.filter(|_| is_spent));
        if let Some(pause) = pause {
            self.pause = self.pause.max(Some(now + pause));
        }
        if told.limit.is_some() || told.remaining.is_some() {
            self.told = told;
        }
        let (Some(left), Some(limit), Some(reset)) = (told.remaining, told.limit, reset) else {
            return;
        };
        if left == 0 || left.saturating_mul(THIN) > limit {
            self.thin = None;
            return;
        }
        let gap = reset / u32::try_from(left).unwrap_or(u32::MAX);
        let next = self.thin.as_ref().map_or(now + gap, |thin| thin.next.min(now + gap));
        self.thin = Some(Thin { gap, next, until: now + reset });
    }

    /// What was last told to be left, and of how many.
    pub(super) fn left(&self) -> (Option<u64>, Option<u64>) {
        (self.told.remaining, self.told.limit)
    }

    pub(super) fn paused_for(&self, now: Instant) -> Duration {
        self.pause.map_or(Duration::ZERO, |pause| pause.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::Pace;
    use crate::graph::Rate;
    use crate::transport::Told;

    const CAP: Duration = Duration::from_mins(1);

    fn rate(calls: u32, seconds: u64, burst: u32) -> Rate {
        Rate { calls, per: Duration::from_secs(seconds), burst }
    }

    /// Lets as many leave as may, until `until`; when each left, since the beginning.
    fn leave(pace: &mut Pace, start: Instant, until: Duration) -> Vec<Duration> {
        let (mut now, mut left) = (start, Vec::new());
        while now <= start + until {
            match pace.take(now) {
                Ok(()) => left.push(now - start),
                Err(at) => now = at,
            }
        }
        left
    }

    #[test]
    fn a_few_leave_at_once_and_the_others_one_after_the_other() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(rate(10, 1, 3)), start);
        let left = leave(&mut pace, start, Duration::from_millis(500));
        let millis: Vec<u128> = left.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [0, 0, 0, 125, 250, 375, 500]);
    }

    #[test]
    fn one_call_a_minute_is_one_call_a_minute() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(rate(1, 60, 1)), start);
        assert_eq!(leave(&mut pace, start, Duration::from_secs(179)).len(), 3);
    }

    #[test]
    fn nothing_leaves_while_the_backend_wants_none_and_never_longer_than_the_cap() {
        let start = Instant::now();
        let mut pace = Pace::new(None, start);
        assert!(!pace.is_bound(start));
        pace.heed(Told::default(), Some(Duration::from_secs(7)), CAP, start);
        assert_eq!(pace.take(start), Err(start + Duration::from_secs(7)));
        pace.heed(Told::default(), Some(Duration::from_hours(24)), CAP, start);
        assert_eq!(pace.take(start), Err(start + CAP));
        assert_eq!(pace.take(start + CAP), Ok(()));
        assert!(!pace.is_bound(start + CAP));
    }

    #[test]
    fn a_spent_quota_is_waited_for_and_the_last_tenth_is_spread() {
        let start = Instant::now();
        let told = |remaining| Told {
            limit: Some(100),
            remaining: Some(remaining),
            reset: Some(Duration::from_secs(10)),
            retry_after: None,
        };
        let mut pace = Pace::new(None, start);
        pace.heed(told(11), None, CAP, start);
        assert!(!pace.is_bound(start), "there is enough");
        pace.heed(told(10), None, CAP, start);
        assert_eq!(pace.take(start), Err(start + Duration::from_secs(1)));
        assert_eq!(leave(&mut pace, start, Duration::from_millis(9_900)).len(), 9);
        pace.heed(told(0), None, CAP, start);
        assert_eq!(pace.take(start), Err(start + Duration::from_secs(10)));
        assert_eq!(pace.left(), (Some(0), Some(100)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]
        /// No stretch of time as long as the rate's own sees more than the rate, whenever attempts come.
        #[test]
        fn no_stretch_of_time_sees_more_than_the_rate(
            calls in 1_u32..30, burst in 1_u32..30, seconds in 1_u64..20,
            trace in proptest::collection::vec((0_u64..3_000, 1_usize..20), 1..60)
        ) {
            let rate = rate(calls, seconds, burst.min(calls));
            let start = Instant::now();
            let mut pace = Pace::new(Some(rate), start);
            let (mut now, mut left) = (start, Vec::new());
            for (pause, wishes) in trace {
                now += Duration::from_millis(pause);
                for _ in 0..wishes {
                    while let Err(at) = pace.take(now) {
                        prop_assert!(at > now);
                        now = at;
                    }
                    left.push(now);
                }
            }
            for (index, first) in left.iter().enumerate() {
                let within = left[index..].iter().take_while(|one| **one < *first + rate.per).count();
                prop_assert!(within <= calls as usize, "{} of {}", within, calls);
            }
        }
    }
}
