//! What surrounds a backend's calls: how often one is tried, when its backend is left alone, how many go out and how fast.

use std::sync::Arc;
use std::time::Duration;

/// The policy of one backend. The defaults are those of `config::shape`.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub retry: RetryPolicy,
    pub concurrency: ConcurrencyPolicy,
    pub hedge: HedgePolicy,
    pub slow: SlowPolicy,
    /// The header that tells the backend how many milliseconds its answer is waited for, lower case.
    pub deadline_header: Option<Arc<str>>,
    /// The groups of calls, each with a breaker of its own. The first is that of all calls that name none.
    pub groups: Vec<GroupPolicy>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            concurrency: ConcurrencyPolicy::default(),
            hedge: HedgePolicy::default(),
            slow: SlowPolicy::default(),
            deadline_header: Some(Arc::from("x-request-timeout-ms")),
            groups: vec![GroupPolicy::default()],
        }
    }
}

/// Calls that fail together: one endpoint, or several behind one door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPolicy {
    pub name: Arc<str>,
    pub breaker: BreakerPolicy,
    /// `None`: the quota of the first group is this one's, too.
    pub quota: Option<QuotaPolicy>,
}

impl Default for GroupPolicy {
    fn default() -> Self {
        Self {
            name: Arc::from("default"),
            breaker: BreakerPolicy::default(),
            quota: Some(QuotaPolicy::default()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first included; 1: nothing is tried again.
    pub attempts: u32,
    pub base: Duration,
    /// Where a backend takes no more for now and does not say for how long.
    pub throttled_base: Duration,
    pub cap: Duration,
    /// The longest that a `Retry-After` is obeyed for.
    pub retry_after_cap: Duration,
    pub budget: BudgetPolicy,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(50),
            throttled_base: Duration::from_secs(1),
            cap: Duration::from_secs(20),
            retry_after_cap: Duration::from_mins(1),
            budget: BudgetPolicy { percent: 20, per_second: 10 },
        }
    }
}

/// What may be spent on top of the calls themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetPolicy {
    /// Of the calls of the last ten seconds.
    pub percent: u32,
    /// Besides, whatever the calls are.
    pub per_second: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    pub enabled: bool,
    /// So many failures one after the other open it.
    pub failures: u32,
    /// Of the attempts in the window, if there are at least `volume`.
    pub percent: u32,
    pub volume: u32,
    pub window: Duration,
    /// How long it is open before attempts go through as probes.
    pub open: Duration,
    /// So many probes at once, and so many successes to close it.
    pub probes: u32,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            failures: 10,
            percent: 50,
            volume: 20,
            window: Duration::from_secs(10),
            open: Duration::from_secs(5),
            probes: 2,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaPolicy {
    /// `None`: only what the backend itself says bounds the rate.
    pub rate: Option<Rate>,
    /// Headers in which the backend tells of its quota, besides the usual ones, lower case.
    pub headers: QuotaHeaders,
}

/// In no stretch of time that is `per` long do more than `calls` leave; `burst` of them may leave at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub calls: u32,
    pub per: Duration,
    pub burst: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaHeaders {
    pub limit: Option<Arc<str>>,
    pub remaining: Option<Arc<str>>,
    /// Seconds until there is more, or a time in seconds or milliseconds of 1970.
    pub reset: Option<Arc<str>>,
    /// How many were used, and of how many: `api-usage=18/5000`.
    pub usage: Option<Arc<str>>,
}

/// Beside [`crate::graph::Backend::concurrency`], the most calls at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencyPolicy {
    /// Fewer at once where the backend does not keep up, more again when it does.
    pub adaptive: bool,
    /// Never fewer than these.
    pub least: usize,
    /// Attempts that wait for their turn, of all operations; one more is refused.
    pub queue: usize,
}

impl Default for ConcurrencyPolicy {
    fn default() -> Self {
        Self { adaptive: true, least: 1, queue: 1_000 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgePolicy {
    pub enabled: bool,
    /// A second attempt goes out when the first is slower than so many of a hundred.
    pub percentile: u32,
    /// But not before this.
    pub after: Duration,
    /// Second attempts, of a hundred calls.
    pub percent: u32,
}

impl Default for HedgePolicy {
    fn default() -> Self {
        Self { enabled: false, percentile: 95, after: Duration::from_millis(10), percent: 5 }
    }
}

/// When a backend is said to be slow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowPolicy {
    pub enabled: bool,
    /// So many times its norm is too long.
    pub factor: f64,
    /// Attempts of a minute; fewer say nothing.
    pub samples: u32,
    /// What is faster is never slow.
    pub least: Duration,
}

impl Default for SlowPolicy {
    fn default() -> Self {
        Self { enabled: true, factor: 3.0, samples: 20, least: Duration::from_millis(50) }
    }
}
