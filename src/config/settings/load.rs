//! The `http.overload` and `http.rate_limit` sections of `cyclorama.yaml`: how much the server takes on.

use std::sync::Arc;
use std::time::Duration;

/// How many operations run at once, and when those beyond end readiness.
#[derive(Clone, Copy, Debug)]
pub struct Overload {
    pub operations: usize,
    /// Fewer while what is ready waits for a processor.
    pub adaptive: bool,
    /// What a refused client is told to wait.
    pub retry_after: Duration,
    /// So many refused within the window make the server unready.
    pub unready_after: usize,
    pub window: Duration,
    pub unready_for: Duration,
}

impl Default for Overload {
    fn default() -> Self {
        Self {
            operations: 1_000,
            adaptive: true,
            retry_after: Duration::from_secs(1),
            unready_after: 100,
            window: Duration::from_secs(5),
            unready_for: Duration::from_secs(10),
        }
    }
}

/// What each client may ask for, in units of cost.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Cost that falls due in `per`.
    pub budget: u64,
    pub per: Duration,
    /// The most that can be asked for at once.
    pub burst: u64,
    pub key: RateKey,
    /// Clients that are told apart at once.
    pub clients: usize,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            budget: 10_000,
            per: Duration::from_mins(1),
            burst: 10_000,
            key: RateKey::Address,
            clients: 100_000,
        }
    }
}

impl RateLimit {
    /// How long it takes until so much cost has fallen due.
    pub fn time_of(&self, cost: u64) -> Duration {
        let nanos =
            self.per.as_nanos().saturating_mul(u128::from(cost)) / u128::from(self.budget.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How much cost falls due in a time.
    pub fn cost_of(&self, time: Duration) -> u64 {
        let cost =
            time.as_nanos().saturating_mul(u128::from(self.budget)) / self.per.as_nanos().max(1);
        u64::try_from(cost).unwrap_or(u64::MAX)
    }
}

/// By what clients are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateKey {
    Address,
    /// Who has no such header is known by its address.
    Header(Arc<str>),
    Tenant,
}
