//! What is seen of the backends from outside, as plain numbers: for metrics, health and status pages.
//!
//! Counts only grow, from the moment at which they began; the rest is as it was at the moment of looking.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use super::breaker::Phase;
pub use super::norm::Usual;
pub use super::tally::{BATCH_BOUNDS, Ended, Minute, Outcome};
use crate::error::ErrorCode;
use crate::telemetry::histogram::Durations;
use crate::transport::Place;

/// One backend.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub role: Arc<str>,
    pub vendor: Arc<str>,
    /// Since when its counts are counted: the way to it began then.
    pub began: Option<SystemTime>,
    /// Calls that were begun: what plans count.
    pub calls: u64,
    /// Keys that these calls asked for.
    pub keys: u64,
    /// Calls by the keys that they asked for, in buckets that end at `BATCH_BOUNDS`; the last has no end.
    pub batches: [u64; BATCH_BOUNDS.len() + 1],
    /// The codes with which calls failed, after all attempts.
    pub failures: Vec<(ErrorCode, u64)>,
    /// Requests that were sent: first attempts, retries and hedges.
    pub attempts: u64,
    pub retries: u64,
    /// Retries that the budget did not allow.
    pub retries_denied: u64,
    /// Retries that the budget would allow now.
    pub retry_budget: u64,
    pub hedges: u64,
    /// Hedges whose answer was used.
    pub hedges_won: u64,
    pub hedges_denied: u64,
    /// Where it is.
    pub place: Place,
    /// How attempts ended and how long they took, those that ended alike together.
    pub requests: Vec<(Ended, Durations)>,
    /// How attempts ended.
    pub outcomes: Vec<(Outcome, u64)>,
    /// How long attempts took that were answered.
    pub durations: Durations,
    pub in_flight: usize,
    /// Attempts that wait for a permit or for the quota.
    pub waiting: usize,
    /// Attempts that may be under way at once, now and at the most.
    pub limit: usize,
    pub limit_most: usize,
    /// Attempts that were refused because too many waited.
    pub refused_by_queue: u64,
    pub groups: Vec<GroupFigures>,
    /// The last hour, the newest minute last; minutes in which nothing happened are left out.
    pub minutes: Vec<Minute>,
}

/// Calls that share a breaker.
#[derive(Clone, Debug, Default)]
pub struct GroupFigures {
    pub name: Arc<str>,
    pub breaker: Phase,
    pub opened: u64,
    pub half_opened: u64,
    pub closed: u64,
    /// Calls that an open breaker answered.
    pub short_circuits: u64,
    /// `None`: it uses the quota of the first group.
    pub quota: Option<QuotaFigures>,
    /// As far as is known.
    pub p95: Option<Duration>,
    /// How long its attempts usually take, and whether they take much longer now.
    pub usual: Usual,
}

#[derive(Clone, Copy, Debug)]
pub struct QuotaFigures {
    /// What the backend last said to be left, less what was sent since, and of how many.
    pub left: Option<u64>,
    pub limit: Option<u64>,
    /// How long the backend wants nothing more.
    pub paused_for: Duration,
    pub waiting: u64,
    /// Attempts that could not have been sent before their deadline.
    pub refused: u64,
}

impl Phase {
    /// 0 closed, 1 open, 2 half-open.
    pub fn number(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Open => 1,
            Self::HalfOpen => 2,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}
