//! Counts of what happened to one backend, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{BackendError, ErrorCode};
use crate::graph::Method;
use crate::telemetry::histogram::{Durations, Histogram, Histograms};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Answered,
    /// The backend works and said no: a status of 400 and above, a fault, a failed success test.
    Refused,
    Throttled,
    /// The backend failed, or could not be reached.
    Failed,
    TimedOut,
    /// Something came that is not what the call's answers are.
    Unreadable,
    /// Whoever waited for it is gone, or a hedge was faster.
    GivenUp,
}

impl Outcome {
    pub const ALL: [Self; 7] = [
        Self::Answered,
        Self::Refused,
        Self::Throttled,
        Self::Failed,
        Self::TimedOut,
        Self::Unreadable,
        Self::GivenUp,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Unreadable => "unreadable",
            Self::GivenUp => "given_up",
        }
    }

    /// What an attempt's error was; `None`: nothing was sent.
    pub(super) fn of(error: &BackendError) -> Option<Self> {
        match error {
            BackendError::Build { .. }
            | BackendError::BreakerOpen { .. }
            | BackendError::QueueFull { .. }
            | BackendError::QuotaSpent { .. }
            | BackendError::Token { .. } => None,
            BackendError::Status { status: 429, .. } | BackendError::Throttled { .. } => {
                Some(Self::Throttled)
            }
            BackendError::Fault { code, status, .. }
                if *status > 500 || super::retry::is_of_the_server(code) =>
            {
                Some(Self::Failed)
            }
            BackendError::Status { status: 400..=499, .. }
            | BackendError::Fault { .. }
            | BackendError::Unsuccessful { .. } => Some(Self::Refused),
            BackendError::Connect { .. }
            | BackendError::Untrusted { .. }
            | BackendError::Exchange { .. }
            | BackendError::Status { .. }
            | BackendError::Unavailable { .. } => Some(Self::Failed),
            BackendError::Timeout { .. } => Some(Self::TimedOut),
            BackendError::Decode { .. }
            | BackendError::Violated { .. }
            | BackendError::TooLarge { .. } => Some(Self::Unreadable),
            BackendError::DeadlineExceeded | BackendError::OutcomeUnknown => Some(Self::GivenUp),
        }
    }
}

/// What attempts are told apart by when they have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ended {
    pub method: Method,
    /// Of the answer; 0: none came, or one that no standard knows.
    pub status: u16,
    pub outcome: Outcome,
}

impl Ended {
    pub(super) fn new(method: Method, status: Option<u16>, outcome: Outcome) -> Self {
        let status = status.filter(|status| (100..600).contains(status)).unwrap_or(0);
        Self { method, status, outcome }
    }

    /// Whether the time that it took is that of an answer.
    fn is_answer(self) -> bool {
        !matches!(self.outcome, Outcome::TimedOut | Outcome::Failed | Outcome::GivenUp)
    }
}

/// How many attempts ended in each way, those that there are not, too.
pub(super) fn outcomes(requests: &[(Ended, Durations)]) -> Vec<(Outcome, u64)> {
    let of = |outcome| requests.iter().filter(move |(ended, _)| ended.outcome == outcome);
    let count = |outcome| of(outcome).map(|(_, durations)| durations.count()).sum();
    Outcome::ALL.into_iter().map(|outcome| (outcome, count(outcome))).collect()
}

/// How long attempts took that were answered.
pub(super) fn durations(requests: &[(Ended, Durations)]) -> Durations {
    let answers = requests.iter().filter(|(ended, _)| ended.is_answer());
    answers.fold(Durations::default(), |all, (_, durations)| all.with(durations))
}

/// The ends of the buckets of batches, in keys.
pub const BATCH_BOUNDS: [u64; 9] = [1, 2, 5, 10, 25, 50, 100, 250, 500];

/// What happened in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minute {
    /// How many minutes ago it began, 0 for the one that is going on.
    pub ago: u64,
    pub attempts: u64,
    /// Of these, those that say that the backend is not well.
    pub failed: u64,
    pub longest: Duration,
    /// Of all of these attempts.
    pub durations: Durations,
}

const MINUTES: usize = 60;

#[derive(Debug)]
pub(super) struct Tally {
    began: Instant,
    pub(super) calls: AtomicU64,
    pub(super) keys: AtomicU64,
    pub(super) attempts: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) retries_denied: AtomicU64,
    pub(super) hedges: AtomicU64,
    pub(super) hedges_won: AtomicU64,
    pub(super) hedges_denied: AtomicU64,
    batches: [AtomicU64; BATCH_BOUNDS.len() + 1],
    failures: [AtomicU64; ErrorCode::ALL.len()],
    ended: Histograms<Ended>,
    minutes: [Slot; MINUTES],
}

/// One minute of an hour. What is added just while another minute takes its place may be lost.
#[derive(Debug, Default)]
struct Slot {
    /// One more than the number of the minute; 0: none yet.
    minute: AtomicU64,
    attempts: AtomicU64,
    failed: AtomicU64,
    longest_micros: AtomicU64,
    durations: Histogram,
}

impl Tally {
    pub(super) fn new(now: Instant) -> Self {
        let none = || AtomicU64::new(0);
        Self {
            began: now,
            calls: none(),
            keys: none(),
            attempts: none(),
            retries: none(),
            retries_denied: none(),
            hedges: none(),
            hedges_won: none(),
            hedges_denied: none(),
            batches: Default::default(),
            failures: std::array::from_fn(|_| none()),
            ended: Histograms::default(),
            minutes: std::array::from_fn(|_| Slot::default()),
        }
    }

    pub(super) fn count(place: &AtomicU64) {
        place.fetch_add(1, Ordering::Relaxed);
    }

    /// A call that asks for so many keys.
    pub(super) fn began(&self, keys: usize) {
        Self::count(&self.calls);
        let keys = keys as u64;
        self.keys.fetch_add(keys, Ordering::Relaxed);
        let at = BATCH_BOUNDS.partition_point(|bound| *bound < keys);
        self.batches.get(at).into_iter().for_each(Self::count);
    }

    /// A call that gave no answer.
    pub(super) fn failed(&self, code: ErrorCode) {
        let at = ErrorCode::ALL.iter().position(|one| *one == code);
        at.and_then(|at| self.failures.get(at)).into_iter().for_each(Self::count);
    }

    /// An attempt.
    pub(super) fn ended(&self, ended: Ended, took: Duration, now: Instant) {
        let outcome = ended.outcome;
        self.ended.add(ended, took);
        if outcome == Outcome::GivenUp {
            return;
        }
        let Some(slot) = self.slot(self.minute(now)) else { return };
        Self::count(&slot.attempts);
        if matches!(outcome, Outcome::Failed | Outcome::TimedOut | Outcome::Throttled) {
            Self::count(&slot.failed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        slot.longest_micros.fetch_max(micros, Ordering::Relaxed);
        slot.durations.add(took);
    }

    /// The place of a minute, emptied if it was that of an older one.
    fn slot(&self, number: u64) -> Option<&Slot> {
        let slot = self.minutes.get(place(number))?;
        let before = slot.minute.load(Ordering::Acquire);
        if before > number + 1 {
            return None;
        }
        let (minute, order) = (&slot.minute, Ordering::AcqRel);
        let is_taken = before <= number
            && minute.compare_exchange(before, number + 1, order, Ordering::Relaxed).is_ok();
        if is_taken {
            for count in [&slot.attempts, &slot.failed, &slot.longest_micros] {
                count.store(0, Ordering::Relaxed);
            }
            slot.durations.clear();
        }
        Some(slot)
    }

    /// How attempts ended, and how long they took: those that ended alike together.
    pub(super) fn requests(&self) -> Vec<(Ended, Durations)> {
        self.ended.read()
    }

    /// The codes with which calls failed, those that there were.
    pub(super) fn failures(&self) -> Vec<(ErrorCode, u64)> {
        let all = ErrorCode::ALL.iter().copied().zip(self.failures.iter().map(read));
        all.filter(|(_, count)| *count > 0).collect()
    }

    pub(super) fn batches(&self) -> [u64; BATCH_BOUNDS.len() + 1] {
        std::array::from_fn(|at| self.batches.get(at).map_or(0, read))
    }

    pub(super) fn minutes(&self, now: Instant) -> Vec<Minute> {
        let number = self.minute(now);
        let recent = (0..MINUTES as u64).rev().filter_map(|ago| {
            let wanted = number.checked_sub(ago)?;
            let slot = self.minutes.get(place(wanted))?;
            (slot.minute.load(Ordering::Acquire) == wanted + 1).then(|| Minute {
                ago,
                attempts: read(&slot.attempts),
                failed: read(&slot.failed),
                longest: Duration::from_micros(read(&slot.longest_micros)),
                durations: slot.durations.read(),
            })
        });
        recent.collect()
    }

    fn minute(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs() / 60
    }
}

fn place(minute: u64) -> usize {
    usize::try_from(minute).unwrap_or_default() % MINUTES
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Ended, Outcome, Tally, durations, outcomes};
    use crate::error::ErrorCode;
    use crate::graph::Method;

    fn ended(outcome: Outcome) -> Ended {
        Ended::new(Method::Get, Some(200), outcome)
    }

    #[test]
    fn an_hour_of_minutes_is_kept_and_no_more() {
        let start = Instant::now();
        let tally = Tally::new(start);
        for minute in 0..70 {
            let now = start + Duration::from_mins(minute);
            tally.ended(ended(Outcome::Answered), Duration::from_millis(minute), now);
            tally.ended(ended(Outcome::TimedOut), Duration::from_secs(1), now);
            tally.ended(ended(Outcome::GivenUp), Duration::from_secs(9), now);
        }
        let minutes = tally.minutes(start + Duration::from_mins(69));
        assert_eq!(minutes.len(), 60);
        assert!(minutes.iter().all(|one| (one.attempts, one.failed) == (2, 1)));
        assert_eq!((minutes[0].ago, minutes[59].ago), (59, 0));
        assert_eq!(tally.minutes(start + Duration::from_mins(130)), []);
        assert_eq!(outcomes(&tally.requests())[0], (Outcome::Answered, 70));
    }

    #[test]
    fn an_hours_minutes_each_have_their_own_durations() {
        let start = Instant::now();
        let tally = Tally::new(start);
        for minute in 0..61 {
            let now = start + Duration::from_mins(minute);
            tally.ended(
                ended(Outcome::Answered),
                Duration::from_millis(30 * (minute % 2) + 10),
                now,
            );
        }
        let minutes = tally.minutes(start + Duration::from_hours(1));
        let told = minutes.iter().map(|one| (one.durations.count(), one.longest.as_millis()));
        assert!(told.eq([(1, 40), (1, 10)].into_iter().cycle().take(60)), "{minutes:?}");
    }

    #[test]
    fn calls_are_counted_by_their_keys_and_failures_by_their_code() {
        let tally = Tally::new(Instant::now());
        for keys in [0, 1, 2, 50, 51, 900] {
            tally.began(keys);
        }
        assert_eq!(tally.batches(), [2, 1, 0, 0, 0, 1, 1, 0, 0, 1]);
        tally.failed(ErrorCode::BackendTimeout);
        tally.failed(ErrorCode::BackendTimeout);
        assert_eq!(tally.failures(), [(ErrorCode::BackendTimeout, 2)]);
    }

    #[test]
    fn what_was_not_answered_takes_no_part_in_the_durations_of_answers() {
        let tally = Tally::new(Instant::now());
        for outcome in Outcome::ALL {
            tally.ended(ended(outcome), Duration::from_millis(20), Instant::now());
        }
        // answered, refused, throttled, unreadable
        assert_eq!(durations(&tally.requests()).count(), 4);
    }
}
