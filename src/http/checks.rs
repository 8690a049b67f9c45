//! The health of backends, looked at from time to time where the deployment asks for it.
//!
//! One task looks at those that are due, all at once; a reload changes what is looked at. What it finds is told at
//! `/readyz?verbose`, and makes nobody unready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::Server;
use crate::error::ErrorCode;
use crate::graph::Backend;

/// How long a reload may go unnoticed.
const LOOK: Duration = Duration::from_secs(1);

/// What the checks of one backend found.
#[derive(Clone, Debug)]
pub struct Health {
    /// What was wrong the last time; `None`: data flowed.
    pub problem: Option<ErrorCode>,
    /// Since when it is so.
    pub since: Instant,
    pub checked_at: Instant,
    pub checks: u64,
    pub failures: u64,
}

/// By role.
#[derive(Debug, Default)]
pub(super) struct Checks {
    found: Mutex<BTreeMap<Arc<str>, Health>>,
}

impl Checks {
    pub(super) fn get(&self) -> BTreeMap<Arc<str>, Health> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, role: &Arc<str>, problem: Option<ErrorCode>, now: Instant) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let before = found.get(role);
        let is_first = before.is_none();
        let has_changed = before.is_none_or(|before| before.problem.is_some() != problem.is_some());
        let health = Health {
            problem,
            since: before.filter(|_| !has_changed).map_or(now, |before| before.since),
            checked_at: now,
            checks: before.map_or(0, |before| before.checks) + 1,
            failures: before.map_or(0, |before| before.failures) + u64::from(problem.is_some()),
        };
        found.insert(Arc::clone(role), health);
        drop(found);
        match problem {
            Some(code) if has_changed => {
                tracing::warn!(backend = %role, code = code.as_str(), "a backend's health check fails");
            }
            None if has_changed && !is_first => {
                tracing::info!(backend = %role, "a backend's health check is well again");
            }
            _ => {}
        }
    }

    fn is_due(&self, backend: &Backend, now: Instant) -> bool {
        let Some(check) = &backend.health else { return false };
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let last = found.get(&backend.role).map(|health| health.checked_at);
        last.is_none_or(|at| now.saturating_duration_since(at) >= check.every)
    }
}

/// Looks at the backends of whichever graph is current, until it is dropped.
pub async fn check_backends(server: Server) {
    loop {
        let (engine, checks) = (server.engine(), server.checks());
        let now = Instant::now();
        let due = engine.graph().backends.iter().filter(|backend| checks.is_due(backend, now));
        let looks = due.filter_map(|backend| {
            let check = backend.health.as_ref()?;
            let (engine, checks) = (&engine, &checks);
            Some(async move {
                let problem = engine.check(backend, check).await.err();
                checks.add(&backend.role, problem, Instant::now());
            })
        });
        join_all(looks.collect::<Vec<_>>()).await;
        drop(engine);
        tokio::time::sleep(LOOK).await;
    }
}
