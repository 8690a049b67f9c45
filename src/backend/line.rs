//! The way to one backend: its connection, permits, budgets, and the breaker and quota of each group of calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use tokio::time::Instant;

use super::breaker::{Admission, Breaker, Health};
use super::budget::Budget;
use super::concurrency::Concurrency;
use super::durations::Durations;
use super::figures::{Figures, GroupFigures, QuotaFigures};
use super::log::{Log, slowed};
use super::norm::Norm;
use super::quota::Quota;
use super::retry::Dice;
use super::tally::{self, Ended, Outcome, Tally};
use super::token::Tokens;
use crate::error::BackendError;
use crate::graph::{Backend, BudgetPolicy, Call, Method};
use crate::transport::{Place, Told, Wire};

#[derive(Debug)]
pub(super) struct Line {
    /// Its counts begin then.
    began: SystemTime,
    pub(super) wire: Wire,
    pub(super) place: Place,
    pub(super) tokens: Tokens,
    pub(super) concurrency: Arc<Concurrency>,
    pub(super) retries: Budget,
    pub(super) hedges: Budget,
    pub(super) tally: Tally,
    pub(super) dice: Dice,
    groups: Vec<Group>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: Arc<str>,
    breaker: Breaker,
    /// `None`: that of the first group.
    quota: Option<Quota>,
    pub(super) durations: Durations,
    norm: Norm,
}

/// An attempt whose answer has come, or will not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) method: Method,
    /// Of its answer.
    pub(super) status: Option<u16>,
    pub(super) began: Instant,
    /// What its answer says of the quota.
    pub(super) told: Told,
}

/// What one attempt is made with.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) backend: &'a Backend,
    pub(super) line: &'a Arc<Line>,
    pub(super) group: &'a Group,
    pub(super) quota: &'a Quota,
}

impl Line {
    pub(super) fn new(backend: &Backend, wire: Wire) -> Self {
        let (now, policy) = (Instant::now(), &backend.policy);
        let groups = policy.groups.iter().map(|group| Group {
            name: Arc::clone(&group.name),
            breaker: Breaker::new(group.breaker, now),
            quota: group.quota.clone().map(|quota| Quota::new(quota, now)),
            durations: Durations::new(),
            norm: Norm::new(policy.slow, now),
        });
        let hedges = BudgetPolicy { percent: policy.hedge.percent, per_second: 0 };
        Self {
            began: SystemTime::now(),
            tokens: Tokens::over(wire.clone()),
            wire,
            place: Place::of(&backend.url),
            concurrency: Concurrency::new(policy.concurrency, backend.concurrency),
            retries: Budget::new(policy.retry.budget, now),
            hedges: Budget::new(hedges, now),
            tally: Tally::new(now),
            dice: Dice::new(),
            groups: groups.collect(),
        }
    }

    pub(super) fn way<'a>(
        self: &'a Arc<Self>,
        backend: &'a Backend,
        call: &Call,
    ) -> Option<Way<'a>> {
        let group = self.groups.get(call.group).or_else(|| self.groups.first())?;
        let quota = group.quota.as_ref().or_else(|| self.groups.first()?.quota.as_ref())?;
        Some(Way { backend, line: self, group, quota })
    }

    pub(super) fn figures(&self, backend: &Backend, now: Instant) -> Figures {
        let tally = &self.tally;
        let requests = tally.requests();
        let (limit, in_flight) = self.concurrency.figures();
        let read = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        Figures {
            role: Arc::clone(&backend.role),
            vendor: Arc::clone(&backend.vendor),
            began: Some(self.began),
            calls: read(&tally.calls),
            keys: read(&tally.keys),
            batches: tally.batches(),
            failures: tally.failures(),
            attempts: read(&tally.attempts),
            retries: read(&tally.retries),
            retries_denied: read(&tally.retries_denied),
            retry_budget: self.retries.left(now),
            hedges: read(&tally.hedges),
            hedges_won: read(&tally.hedges_won),
            hedges_denied: read(&tally.hedges_denied),
            place: self.place.clone(),
            outcomes: tally::outcomes(&requests),
            durations: tally::durations(&requests),
            requests,
            in_flight,
            waiting: self.concurrency.waiting.now(),
            limit,
            limit_most: self.concurrency.most(),
            refused_by_queue: self.concurrency.waiting.refused(),
            groups: self.groups.iter().map(|group| group.figures(backend, now)).collect(),
            minutes: tally.minutes(now),
        }
    }
}

impl Group {
    fn figures(&self, backend: &Backend, now: Instant) -> GroupFigures {
        let (usual, is_news) = self.norm.look(now);
        if is_news {
            slowed(backend, &self.name, usual);
        }
        let counts = self.breaker.counts();
        let quota = self.quota.as_ref().map(|quota| {
            let (left, limit) = quota.with(|pace| pace.left());
            QuotaFigures {
                left,
                limit,
                paused_for: quota.with(|pace| pace.paused_for(now)),
                waiting: quota.waiting(),
                refused: quota.refused(),
            }
        });
        GroupFigures {
            name: Arc::clone(&self.name),
            breaker: counts.phase,
            opened: counts.opened,
            half_opened: counts.half_opened,
            closed: counts.closed,
            short_circuits: counts.refused,
            quota,
            p95: self.durations.percentile(95),
            usual,
        }
    }
}

impl<'a> Way<'a> {
    /// Past the breaker, or not: then nothing else is spent.
    pub(super) fn admit(&self, log: &Log, now: Instant) -> Result<Admission<'a>, BackendError> {
        let (admission, change) = self.group.breaker.admit(now);
        if let Some(change) = change {
            log.turned(&self.group.name, change);
        }
        admission.ok_or_else(|| self.open())
    }

    /// The error of whoever the breaker does not let through.
    pub(super) fn open(&self) -> BackendError {
        BackendError::BreakerOpen { group: Arc::clone(&self.group.name) }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.group.breaker.counts().phase == super::breaker::Phase::Closed
    }

    /// Tells the breaker what an attempt said of the backend.
    pub(super) fn learn(&self, log: &Log, admission: Admission<'_>, health: Health, now: Instant) {
        if let Some(change) = admission.record(health, now) {
            log.turned(&self.group.name, change);
        }
    }

    /// Learns from an attempt: the breaker, the limit, the quota, and whoever looks at the figures.
    pub(super) fn heed(
        &self,
        log: &Log,
        admission: Admission<'_>,
        attempt: Attempt,
        error: Option<&BackendError>,
    ) {
        let (now, Attempt { method, status, began, told }) = (Instant::now(), attempt);
        let outcome = match error {
            None => Outcome::Answered,
            Some(error) => match Outcome::of(error) {
                Some(outcome) => outcome,
                None => return,
            },
        };
        let took = now - began;
        self.line.tally.ended(Ended::new(method, status, outcome), took, now);
        let health = match outcome {
            Outcome::Failed | Outcome::TimedOut => Health::Bad,
            Outcome::GivenUp => Health::Unknown,
            _ => Health::Good,
        };
        self.learn(log, admission, health, now);
        // how fast a backend fails says nothing
        if (health == Health::Good || outcome == Outcome::TimedOut)
            && let Some(usual) = self.group.norm.add(took, now)
        {
            slowed(self.backend, &self.group.name, usual);
        }
        let is_unavailable = matches!(error, Some(BackendError::Status { status: 503, .. }));
        let is_refused = outcome == Outcome::Throttled || is_unavailable;
        if is_refused || outcome == Outcome::TimedOut {
            self.line.concurrency.overloaded(began, now);
        } else if health == Health::Good {
            self.line.concurrency.succeeded();
            self.group.durations.add(took);
        }
        let wait = told.retry_after.filter(|_| is_refused);
        self.quota.heed(told, wait, self.backend.policy.retry.retry_after_cap, now);
    }

    /// Whether a failed call is tried again within the budget; if so, that is spent.
    pub(super) fn may_retry(&self, now: Instant) -> bool {
        let may = self.line.retries.withdraw(now);
        let tally = &self.line.tally;
        Tally::count(if may { &tally.retries } else { &tally.retries_denied });
        may
    }
}
