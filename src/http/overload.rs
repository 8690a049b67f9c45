//! How many operations run at once, and what becomes of those beyond: they are refused at once, so that the others end in time.
//!
//! Whoever refuses many in a short time says at `/readyz` for a while that it wants no more.

use std::collections::VecDeque;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use tokio::time::Instant;

use super::request::Refusal;
use super::room::Room;
use super::turns::Turns;
use crate::config::settings::Overload as Settings;
use crate::error::ErrorCode;

/// Operations take turns where more than this run for each processor.
const FEW: usize = 32;

/// The operations that run, whatever they came in by.
#[derive(Debug)]
pub(super) struct Overload {
    running: AtomicUsize,
    few: usize,
    admitted: AtomicU64,
    shed: AtomicU64,
    recent: Mutex<Recent>,
    pub(super) room: Room,
    pub(super) turns: Turns,
}

impl Default for Overload {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            running: AtomicUsize::new(0),
            few: processors * FEW,
            admitted: AtomicU64::new(0),
            shed: AtomicU64::new(0),
            recent: Mutex::default(),
            room: Room::new(processors),
            turns: Turns::new(processors),
        }
    }
}

#[derive(Debug, Default)]
struct Recent {
    /// When the last operations were refused, as many as make this server unready.
    shed: VecDeque<Instant>,
    unready_until: Option<Instant>,
}

/// How many operations there are and were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationCounts {
    pub running: usize,
    pub admitted: u64,
    /// Refused because too many ran.
    pub shed: u64,
    /// How many may run at once, of those that the deployment allows.
    pub room: usize,
}

/// A place among the operations that run, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    overload: Arc<Overload>,
    operations: usize,
}

impl Place {
    /// Does its work, in turns with other operations where many run.
    pub(super) async fn in_turn<F: Future>(&self, work: Pin<&mut F>) -> F::Output {
        let Overload { running, few, turns, .. } = &*self.overload;
        turns.take(work, || running.load(Ordering::Relaxed) > *few).await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.overload.running.fetch_sub(self.operations, Ordering::AcqRel);
    }
}

impl Overload {
    /// A place for so many operations, or the refusal of all of them.
    pub(super) fn admit(
        self: &Arc<Self>,
        settings: &Settings,
        operations: usize,
    ) -> Result<Place, Refusal> {
        let before = self.running.fetch_add(operations, Ordering::AcqRel);
        // given back by its drop in either case
        let place = Place { overload: Arc::clone(self), operations };
        if before.saturating_add(operations) > self.room(settings) {
            return Err(self.refuse(settings, before));
        }
        self.admitted.fetch_add(operations as u64, Ordering::Relaxed);
        Ok(place)
    }

    /// The refusal of what could not run now.
    pub(super) fn check(&self, settings: &Settings) -> Result<(), Refusal> {
        let running = self.running.load(Ordering::Acquire);
        if running < self.room(settings) { Ok(()) } else { Err(self.refuse(settings, running)) }
    }

    fn room(&self, settings: &Settings) -> usize {
        if settings.adaptive { self.room.of(settings.operations) } else { settings.operations }
    }

    fn refuse(&self, settings: &Settings, running: usize) -> Refusal {
        self.refused(settings, Instant::now());
        let message = format!(
            "{running} operations run already, of {} that may run now",
            self.room(settings)
        );
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded, message)
            .retry_after(settings.retry_after)
    }

    fn refused(&self, settings: &Settings, now: Instant) {
        self.shed.fetch_add(1, Ordering::Relaxed);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.shed.push_back(now);
        while recent.shed.len() > settings.unready_after {
            recent.shed.pop_front();
        }
        let is_many = recent.shed.len() == settings.unready_after;
        let first = recent.shed.front().copied().unwrap_or(now);
        if is_many && now.saturating_duration_since(first) <= settings.window {
            if recent.unready_until.is_none_or(|until| until <= now) {
                tracing::warn!(
                    shed = settings.unready_after,
                    window_ms = settings.window.as_millis(),
                    "overloaded: /readyz says so for a while"
                );
            }
            recent.unready_until = Some(now + settings.unready_for);
        }
    }

    /// Whether so many were refused lately that nothing should be sent here.
    pub(super) fn is_unready(&self, now: Instant) -> bool {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.unready_until.is_some_and(|until| until > now)
    }

    pub(super) fn counts(&self, settings: &Settings) -> OperationCounts {
        OperationCounts {
            room: self.room(settings),
            running: self.running.load(Ordering::Relaxed),
            admitted: self.admitted.load(Ordering::Relaxed),
            shed: self.shed.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings() -> Settings {
        Settings { operations: 2, unready_after: 3, ..Settings::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_beyond_the_bound_is_refused_until_a_place_is_given_back() {
        let overload = Arc::new(Overload::default());
        let first = overload.admit(&settings(), 1).unwrap();
        assert!(overload.admit(&settings(), 2).is_err(), "all or none");
        let second = overload.admit(&settings(), 1).unwrap();
        let refusal = overload.admit(&settings(), 1).unwrap_err();
        assert_eq!((refusal.status.as_u16(), refusal.error.code), (503, ErrorCode::Overloaded));
        drop(first);
        let third = overload.admit(&settings(), 1).unwrap();
        let counts = OperationCounts { running: 2, admitted: 3, shed: 2, room: 2 };
        assert_eq!(overload.counts(&settings()), counts);
        drop((second, third));
        assert_eq!(overload.counts(&settings()).running, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn many_refusals_in_the_window_end_readiness_for_a_while_and_few_do_not() {
        let overload = Overload::default();
        let settings = settings();
        let (window, long) = (settings.window, settings.unready_for);
        let mut now = Instant::now();
        for _ in 0..10 {
            overload.refused(&settings, now);
            now += window;
        }
        assert!(!overload.is_unready(now), "never three in one window");
        for _ in 0..3 {
            overload.refused(&settings, now);
        }
        assert!(overload.is_unready(now + long - Duration::from_millis(1)));
        assert!(!overload.is_unready(now + long));
    }
}
