//! How many attempts are under way: permits, fewer of them while the backend does not keep up, and a bounded queue for the rest.
//!
//! Additive increase, multiplicative decrease. Signs of overload are timeouts and refusals, not slowness: calls of one backend differ
//! too much for a smallest duration to say anything of the others. One hung backend holds its own permits and its own queue, never
//! those of another.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Deadline;
use crate::error::BackendError;
use crate::graph::ConcurrencyPolicy;

#[derive(Debug)]
pub(super) struct Concurrency {
    policy: ConcurrencyPolicy,
    most: usize,
    permits: Arc<Semaphore>,
    limit: Mutex<Limit>,
    pub(super) waiting: Waiting,
}

/// How many are let through, on the way to how many should be.
#[derive(Debug)]
struct Limit {
    now: usize,
    /// Permits that are still out and will not be given back.
    owed: usize,
    /// Successes since the last change.
    good: usize,
    /// What began before it says nothing new of an overload.
    cut: Option<Instant>,
}

/// Leave for one attempt to be under way.
#[derive(Debug)]
pub(super) struct Permit {
    permit: Option<OwnedSemaphorePermit>,
    owner: Arc<Concurrency>,
}

impl Concurrency {
    pub(super) fn new(policy: ConcurrencyPolicy, most: usize) -> Arc<Self> {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            policy,
            most,
            permits: Arc::new(Semaphore::new(most)),
            limit: Mutex::new(Limit { now: most, owed: 0, good: 0, cut: None }),
            waiting: Waiting {
                most: policy.queue,
                now: AtomicUsize::new(0),
                refused: AtomicU64::new(0),
            },
        })
    }

    pub(super) async fn enter(
        self: &Arc<Self>,
        deadline: &Deadline,
    ) -> Result<Permit, BackendError> {
        if let Some(permit) = self.enter_now() {
            return Ok(permit);
        }
        let _place = self.waiting.enter()?;
        let permit = deadline.within(Arc::clone(&self.permits).acquire_owned()).await;
        // The semaphore is never closed, so the inner result is always a permit.
        let permit = permit.and_then(Result::ok).ok_or(BackendError::DeadlineExceeded)?;
        Ok(Permit { permit: Some(permit), owner: Arc::clone(self) })
    }

    /// A permit, if one is free and nobody waits for it.
    pub(super) fn enter_now(self: &Arc<Self>) -> Option<Permit> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(Permit { permit: Some(permit), owner: Arc::clone(self) })
    }

    /// An attempt that began then was done well.
    pub(super) fn succeeded(&self) {
        if !self.policy.adaptive {
            return;
        }
        let mut limit = self.limit();
        if limit.now >= self.most {
            return;
        }
        limit.good += 1;
        if limit.good >= limit.now {
            limit.good = 0;
            limit.now += 1;
            match limit.owed.checked_sub(1) {
                Some(owed) => limit.owed = owed,
                None => self.permits.add_permits(1),
            }
        }
    }

    /// An attempt that began then showed that the backend has too much to do.
    pub(super) fn overloaded(&self, began: Instant, now: Instant) {
        let mut limit = self.limit();
        if !self.policy.adaptive || limit.cut.is_some_and(|cut| began < cut) {
            return;
        }
        let least = self.policy.least.clamp(1, self.most);
        let lower = (limit.now * 3 / 4).max(least).min(limit.now);
        let fewer = limit.now - lower;
        // those that are out are taken away when they come back
        let taken = self.permits.forget_permits(fewer);
        limit.owed += fewer - taken;
        (limit.now, limit.good, limit.cut) = (lower, 0, Some(now));
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The limit, and how many attempts are under way.
    pub(super) fn figures(&self) -> (usize, usize) {
        let limit = self.limit();
        let out = (limit.now + limit.owed).saturating_sub(self.permits.available_permits());
        (limit.now, out)
    }

    fn limit(&self) -> std::sync::MutexGuard<'_, Limit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let mut limit = self.owner.limit();
        match limit.owed.checked_sub(1) {
            Some(owed) => {
                limit.owed = owed;
                permit.forget();
            }
            None => drop(permit),
        }
    }
}

/// Whoever waits for a backend, for its permits or its quota, up to a bound.
#[derive(Debug)]
pub(super) struct Waiting {
    most: usize,
    now: AtomicUsize,
    refused: AtomicU64,
}

/// A place among those who wait.
pub(super) struct Place<'a>(&'a Waiting);

impl Waiting {
    pub(super) fn enter(&self) -> Result<Place<'_>, BackendError> {
        let waiting = self.now.fetch_add(1, Ordering::Relaxed);
        let place = Place(self);
        if waiting >= self.most {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(BackendError::QueueFull { waiting });
        }
        Ok(place)
    }

    pub(super) fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::{Concurrency, Deadline, Permit};
    use crate::error::BackendError;
    use crate::graph::ConcurrencyPolicy;

    fn concurrency(most: usize, queue: usize) -> Arc<Concurrency> {
        Concurrency::new(ConcurrencyPolicy { queue, ..ConcurrencyPolicy::default() }, most)
    }

    fn later() -> Deadline {
        (Instant::now() + Duration::from_mins(1)).into()
    }

    /// As many permits as there are.
    fn all(concurrency: &Arc<Concurrency>) -> Vec<Permit> {
        std::iter::from_fn(|| concurrency.enter_now()).collect()
    }

    #[tokio::test]
    async fn whoever_would_make_the_queue_too_long_is_told_at_once() {
        let concurrency = concurrency(1, 2);
        let deadline = later();
        let held = concurrency.enter(&deadline).await.unwrap();
        let mut first = Box::pin(concurrency.enter(&deadline));
        let mut second = Box::pin(concurrency.enter(&deadline));
        assert!(
            first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none()
        );
        let third = concurrency.enter(&deadline).await.unwrap_err();
        assert!(matches!(third, BackendError::QueueFull { waiting: 2 }));
        drop(held);
        let next = first.await.unwrap();
        assert_eq!(concurrency.waiting.now(), 1);
        drop((next, second));
        assert_eq!((concurrency.waiting.now(), concurrency.waiting.refused()), (0, 1));
        assert_eq!(all(&concurrency).len(), 1);
    }

    #[test]
    fn overload_leaves_three_quarters_once_for_all_that_was_under_way() {
        let concurrency = concurrency(64, 1);
        let began = Instant::now();
        let now = began + Duration::from_secs(10);
        (0..64).for_each(|_| concurrency.overloaded(began, now));
        assert_eq!(concurrency.figures(), (48, 0));
        concurrency.overloaded(now, now + Duration::from_secs(1));
        assert_eq!(concurrency.figures().0, 36);
        assert_eq!(all(&concurrency).len(), 36);
    }

    #[test]
    fn permits_that_are_out_are_taken_away_when_they_come_back() {
        let concurrency = concurrency(8, 1);
        let out = all(&concurrency);
        let began = Instant::now();
        concurrency.overloaded(began, began);
        assert_eq!(concurrency.figures(), (6, 8));
        drop(out);
        assert_eq!((concurrency.figures(), all(&concurrency).len()), ((6, 0), 6));
    }

    #[test]
    fn a_round_of_successes_brings_one_more_back_and_never_more_than_the_most() {
        let concurrency = concurrency(8, 1);
        concurrency.overloaded(Instant::now(), Instant::now());
        (0..6).for_each(|_| concurrency.succeeded());
        assert_eq!(concurrency.figures().0, 7);
        (0..100).for_each(|_| concurrency.succeeded());
        assert_eq!((concurrency.figures().0, all(&concurrency).len()), (8, 8));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]
        /// Whatever comes in which order, no permit is lost and none is made.
        #[test]
        fn permits_are_as_many_as_the_limit_says(steps in proptest::collection::vec(0_u8..4, 1..200)) {
            let concurrency = concurrency(10, 1);
            let (mut now, mut out) = (Instant::now(), Vec::new());
            for step in steps {
                now += Duration::from_secs(1);
                match step {
                    0 => out.extend(concurrency.enter_now()),
                    1 => drop(out.pop()),
                    2 => (0..10).for_each(|_| concurrency.succeeded()),
                    _ => concurrency.overloaded(now, now),
                }
                prop_assert_eq!(concurrency.figures().1, out.len());
            }
            out.clear();
            let limit = concurrency.figures().0;
            prop_assert!((1..=10).contains(&limit));
            prop_assert_eq!(all(&concurrency).len(), limit);
        }
    }
}
