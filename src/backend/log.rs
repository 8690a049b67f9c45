//! Where a failed call is logged, once, and a breaker that opens or closes.

use std::sync::Arc;

use super::breaker::{Change, Phase};
use super::norm::Usual;
use crate::error::{BackendError, ErrorCode, chain};
use crate::graph::{Backend, Call};
use crate::mapping::Violation;

#[derive(Clone)]
pub(super) struct Log {
    backend: Arc<str>,
    vendor: Arc<str>,
    call: Arc<str>,
}

impl Log {
    pub(super) fn new(backend: &Backend, call: &Call) -> Self {
        Self {
            backend: Arc::clone(&backend.role),
            vendor: Arc::clone(&backend.vendor),
            call: Arc::clone(&call.name),
        }
    }

    /// An answer that is used though it breaks its schema; `violations` is a number to add up.
    pub(super) fn violated(&self, violation: &Violation) {
        tracing::warn!(
            backend = %self.backend,
            vendor = %self.vendor,
            call = %self.call,
            code = ErrorCode::ContractViolated.as_str(),
            place = violation.place,
            keyword = violation.keyword,
            violations = violation.count,
            "an answer breaks its schema"
        );
    }

    /// A chain of errors holds no body, query value or secret; the backend's own message is short and one line.
    pub(super) fn failed(&self, error: &BackendError, attempts: u32) {
        // Thousands of them may come of one cause, which was logged.
        if error.is_refusal() {
            tracing::debug!(
                backend = %self.backend,
                vendor = %self.vendor,
                call = %self.call,
                code = error.code().as_str(),
                error = %chain(error),
                "a backend call was not made"
            );
            return;
        }
        tracing::warn!(
            backend = %self.backend,
            vendor = %self.vendor,
            call = %self.call,
            code = error.code().as_str(),
            backend_code = error.backend_code(),
            backend_message = error.backend_message(),
            violations = error.violations(),
            attempts,
            error = %chain(error),
            "a backend call failed"
        );
    }

    pub(super) fn turned(&self, group: &str, Change(phase): Change) {
        let (backend, vendor) = (&self.backend, &self.vendor);
        match phase {
            Phase::Open => {
                tracing::warn!(%backend, %vendor, group, "a breaker opened: calls are answered without the backend");
            }
            Phase::HalfOpen => {
                tracing::info!(%backend, %vendor, group, "a breaker lets probes through");
            }
            Phase::Closed => tracing::info!(%backend, %vendor, group, "a breaker closed"),
        }
    }
}

/// A group of calls has become slow, or is no longer.
pub(super) fn slowed(backend: &Backend, group: &str, usual: Usual) {
    let Backend { role, vendor, .. } = backend;
    let millis = |time: Option<std::time::Duration>| time.map(|time| time.as_millis());
    let (median_ms, norm_ms) = (millis(usual.median), millis(usual.norm));
    if usual.is_slow {
        tracing::warn!(backend = %role, %vendor, group, median_ms, norm_ms, "a backend takes much longer than usual");
    } else {
        tracing::info!(backend = %role, %vendor, group, median_ms, norm_ms, "a backend is as fast as usual again");
    }
}
