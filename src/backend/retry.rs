//! Whether one more attempt is made, and when.
//!
//! Only what failed for want of the backend is tried again, only where doing it twice is doing it once, within a budget and never past
//! the deadline. Waits are drawn from the whole of a growing stretch (full jitter), so that callers who failed together do not come
//! back together. Where a backend takes no more and does not say for how long, at least half of the stretch is waited: without that
//! floor a storm of refusals would use up its attempts within moments.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::BackendError;
use crate::graph::{Call, Effect, RetryPolicy};

/// Why an attempt failed, as far as another one could help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The backend did not do its work; the next attempt may find it well.
    Transient,
    /// The backend takes no more for now.
    Throttled,
    /// Another attempt would get the same.
    Lasting,
}

impl Cause {
    pub(super) fn of(error: &BackendError) -> Self {
        match error {
            BackendError::Status { status: 429, .. } | BackendError::Throttled { .. } => {
                Self::Throttled
            }
            BackendError::Connect { .. }
            | BackendError::Exchange { .. }
            | BackendError::Timeout { .. }
            | BackendError::Unavailable { .. }
            | BackendError::Status { status: 408 | 425 | 500 | 502 | 503 | 504, .. }
            | BackendError::Fault { status: 502..=504, .. } => Self::Transient,
            BackendError::Fault { code, .. } if is_of_the_server(code) => Self::Transient,
            BackendError::Token { source } => Self::of(source),
            _ => Self::Lasting,
        }
    }
}

/// A fault that says nothing but whose fault it was. Codes below `Server` (`Server.userException`) say more.
pub(super) fn is_of_the_server(code: &str) -> bool {
    matches!(code, "Server" | "Receiver")
}

/// Whether doing a call twice is doing it once: reads, writes that are named, and those of which the vendor file says so.
pub(super) fn is_safe(call: &Call) -> bool {
    call.effect == Effect::Read || call.idempotency_header.is_some() || call.is_idempotent
}

/// How long to wait after the failure of attempt number `attempt` (the first is 1).
pub(super) fn delay(
    policy: &RetryPolicy,
    cause: Cause,
    attempt: u32,
    retry_after: Option<Duration>,
    dice: &Dice,
) -> Duration {
    let stretch = |base: Duration| {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        base.saturating_mul(factor).min(policy.cap)
    };
    match (retry_after, cause) {
        // everybody was told the same time
        (Some(told), _) => told.min(policy.retry_after_cap) + dice.below(policy.base),
        (None, Cause::Throttled) => {
            let half = stretch(policy.throttled_base) / 2;
            half + dice.below(half)
        }
        (None, _) => dice.below(stretch(policy.base)),
    }
}

/// Chance, by `SplitMix64`. Nothing secret comes of it.
#[derive(Debug)]
pub(super) struct Dice(AtomicU64);

impl Dice {
    pub(super) fn new() -> Self {
        Self::seeded(RandomState::new().hash_one(0_u8))
    }

    pub(super) fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Any duration shorter than this one, each as likely as the others.
    fn below(&self, end: Duration) -> Duration {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut number = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^= number >> 31;
        let nanos = (u128::from(number) * end.as_nanos()) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cause, Dice, delay};
    use crate::error::BackendError;
    use crate::graph::RetryPolicy;

    fn policy() -> RetryPolicy {
        RetryPolicy::default()
    }

    /// Kolmogorov-Smirnov against the uniform distribution, at one in a thousand.
    fn assert_uniform(mut waits: Vec<f64>, from: f64, to: f64) {
        waits.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let share = |count: usize| count as f64 / waits.len() as f64;
        let off = waits.iter().enumerate().map(|(at, wait)| {
            let expected = (wait - from) / (to - from);
            (expected - share(at)).abs().max((share(at + 1) - expected).abs())
        });
        let off = off.fold(0.0, f64::max);
        let bound = 1.95 / share(1).recip().sqrt();
        assert!(off < bound, "{off} of {bound}");
        assert!(waits[0] >= from && waits[waits.len() - 1] < to);
    }

    fn waits(cause: Cause, attempt: u32) -> Vec<f64> {
        let dice = Dice::seeded(7);
        (0..5_000).map(|_| delay(&policy(), cause, attempt, None, &dice).as_secs_f64()).collect()
    }

    #[test]
    fn waits_are_spread_evenly_over_a_stretch_that_doubles() {
        for (attempt, stretch) in [(1, 0.05), (2, 0.1), (5, 0.8), (30, 20.0)] {
            assert_uniform(waits(Cause::Transient, attempt), 0.0, stretch);
        }
    }

    #[test]
    fn a_refusal_for_now_waits_at_least_half_of_its_stretch() {
        for (attempt, stretch) in [(1, 1.0), (2, 2.0), (30, 20.0)] {
            assert_uniform(waits(Cause::Throttled, attempt), stretch / 2.0, stretch);
        }
    }

    #[test]
    fn what_the_backend_says_is_obeyed_up_to_the_cap() {
        let dice = Dice::seeded(7);
        let wait = |seconds| {
            delay(&policy(), Cause::Throttled, 1, Some(Duration::from_secs(seconds)), &dice)
        };
        for (told, obeyed) in [(0, 0), (7, 7), (60, 60), (86_400, 60)] {
            let obeyed = Duration::from_secs(obeyed);
            assert!((obeyed..obeyed + policy().base).contains(&wait(told)), "{told}");
        }
    }

    #[test]
    fn only_what_another_attempt_could_help_is_tried_again() {
        let status = |status| BackendError::Status { status, code: None, message: None };
        let fault =
            |status, code: &str| BackendError::Fault { status, code: code.into(), message: None };
        for (error, cause) in [
            (status(429), Cause::Throttled),
            (status(500), Cause::Transient),
            (status(503), Cause::Transient),
            (status(501), Cause::Lasting),
            (status(404), Cause::Lasting),
            (status(401), Cause::Lasting),
            (fault(500, "INVALID_KEY_OR_REF"), Cause::Lasting),
            (fault(500, "Server"), Cause::Transient),
            (fault(503, "ANYTHING"), Cause::Transient),
            (BackendError::Timeout { after: Duration::ZERO }, Cause::Transient),
            (BackendError::Connect { source: "refused".into() }, Cause::Transient),
            (BackendError::Untrusted { source: "expired".into() }, Cause::Lasting),
            (BackendError::Decode { reason: "HTML".to_owned() }, Cause::Lasting),
            (BackendError::DeadlineExceeded, Cause::Lasting),
            (BackendError::QueueFull { waiting: 1 }, Cause::Lasting),
        ] {
            assert_eq!(Cause::of(&error), cause, "{error}");
        }
    }
}
