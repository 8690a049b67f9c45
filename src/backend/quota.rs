//! A backend's quota: a queue in which attempts wait until the backend will take them.
//!
//! First come, first served. Only the first of the queue goes on to a permit, so that attempts that wait for their time keep nobody
//! else from the backend. Whoever would have to wait past the deadline is told at once, and spends nothing.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::{Instant, sleep_until};

use super::Deadline;
use super::concurrency::Waiting;
use super::pace::Pace;
use crate::error::BackendError;
use crate::graph::QuotaPolicy;
use crate::transport::Told;

#[derive(Debug)]
pub(super) struct Quota {
    pub(super) policy: QuotaPolicy,
    pace: Mutex<Pace>,
    /// Whose turn it is.
    turn: tokio::sync::Mutex<()>,
    waiting: AtomicU32,
    refused: AtomicU64,
}

/// The first place of the queue; `None` where there is no queue.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    quota: &'a Quota,
    place: Option<MutexGuard<'a, ()>>,
}

impl Quota {
    pub(super) fn new(policy: QuotaPolicy, now: Instant) -> Self {
        let pace = Mutex::new(Pace::new(policy.rate, now));
        let turn = tokio::sync::Mutex::new(());
        Self { policy, pace, turn, waiting: AtomicU32::new(0), refused: AtomicU64::new(0) }
    }

    /// Waits for the first place of the queue.
    pub(super) async fn turn(
        &self,
        room: &Waiting,
        deadline: &Deadline,
        now: Instant,
    ) -> Result<Turn<'_>, BackendError> {
        let before = self.waiting.load(Ordering::Relaxed);
        let Some(at) = self.with(|pace| pace.is_bound(now).then(|| pace.estimate(before, now)))
        else {
            return Ok(Turn { quota: self, place: None });
        };
        if at >= deadline.instant() {
            return Err(self.refuse(at - now));
        }
        let _seat = Seat::take(&self.waiting);
        if let Ok(place) = self.turn.try_lock() {
            return Ok(Turn { quota: self, place: Some(place) });
        }
        let _place = room.enter()?;
        let place = deadline.within(self.turn.lock()).await;
        let place = place.ok_or(BackendError::DeadlineExceeded)?;
        Ok(Turn { quota: self, place: Some(place) })
    }

    /// What an answer said of what is left; `wait` if it was a refusal that says for how long.
    pub(super) fn heed(&self, told: Told, wait: Option<Duration>, cap: Duration, now: Instant) {
        if wait.is_some() || told != Told::default() {
            self.with(|pace| pace.heed(told, wait, cap, now));
        }
    }

    /// Whether one more attempt may leave at this very moment; if so, it is spent.
    pub(super) fn take_now(&self, now: Instant) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0 && self.with(|pace| pace.take(now)).is_ok()
    }

    pub(super) fn waiting(&self) -> u64 {
        u64::from(self.waiting.load(Ordering::Relaxed))
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn with<T>(&self, run: impl FnOnce(&mut Pace) -> T) -> T {
        run(&mut self.pace.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn refuse(&self, wait: Duration) -> BackendError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        BackendError::QuotaSpent { wait }
    }
}

impl Turn<'_> {
    /// Waits until one attempt may leave, and spends it.
    pub(super) async fn take(self, deadline: &Deadline) -> Result<(), BackendError> {
        let _seat = self.place.is_some().then(|| Seat::take(&self.quota.waiting));
        loop {
            let now = Instant::now();
            let Err(at) = self.quota.with(|pace| pace.take(now)) else { return Ok(()) };
            if at >= deadline.instant() {
                return Err(self.quota.refuse(at - now));
            }
            sleep_until(at).await;
        }
    }
}

/// Counts whoever waits, until it is dropped.
struct Seat<'a>(&'a AtomicU32);

impl<'a> Seat<'a> {
    fn take(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
