//! What became of what is exported, and the backend calls of one operation, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::exposition::Exposition;
use super::histogram::Amounts;

/// The backend calls that one operation begins. They are told when it is over, with all that it began and that goes on behind its
/// answer: when nobody holds this any more.
#[derive(Debug, Default)]
pub struct CallsBegun {
    calls: AtomicU64,
    /// Whom; nobody, if the operation was refused.
    tell: OnceLock<Arc<Amounts>>,
}

impl CallsBegun {
    pub fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// The first word counts.
    pub fn tell(&self, amounts: &Arc<Amounts>) {
        self.tell.get_or_init(|| Arc::clone(amounts));
    }
}

impl Drop for CallsBegun {
    fn drop(&mut self) {
        if let Some(amounts) = self.tell.get() {
            amounts.add(*self.calls.get_mut());
        }
    }
}

/// What is exported apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertEnd {
    Sent,
    /// There was no room for it.
    Dropped,
    /// The webhook did not take it.
    Failed,
}

#[derive(Debug, Default)]
pub struct ExportCounts {
    exported: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    /// Those that were taken, and those that were not.
    traces: [AtomicU64; 2],
    metrics: [AtomicU64; 2],
    /// Sent, dropped and failed.
    alerts: [AtomicU64; 3],
}

/// What became of spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    pub exported: u64,
    /// There was no room for them.
    pub dropped: u64,
    /// The collector did not take them.
    pub failed: u64,
}

impl ExportCounts {
    pub(super) fn spans_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// So many spans went out, and so many of them were not taken.
    pub fn spans_sent(&self, all: u64, failed: u64) {
        self.exported.fetch_add(all.saturating_sub(failed), Ordering::Relaxed);
        self.failed.fetch_add(failed, Ordering::Relaxed);
    }

    pub fn exported(&self, signal: Signal, is_taken: bool) {
        let [taken, failed] = self.of(signal);
        let count = if is_taken { taken } else { failed };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub fn alert(&self, end: AlertEnd) {
        let [sent, dropped, failed] = &self.alerts;
        let count = match end {
            AlertEnd::Sent => sent,
            AlertEnd::Dropped => dropped,
            AlertEnd::Failed => failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn of(&self, signal: Signal) -> &[AtomicU64; 2] {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
        }
    }

    pub fn spans(&self) -> SpanCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SpanCounts {
            exported: read(&self.exported),
            dropped: read(&self.dropped),
            failed: read(&self.failed),
        }
    }

    pub fn expose(&self, out: &mut Exposition) {
        let spans = self.spans();
        out.counter(
            "cyclorama_otlp_spans_total",
            &["outcome"],
            "Spans: exported, dropped because the queue was full, or not taken by the collector.",
        )
        .sample(&["exported"], spans.exported)
        .sample(&["dropped"], spans.dropped)
        .sample(&["failed"], spans.failed);
        let family = out.counter(
            "cyclorama_otlp_exports_total",
            &["signal", "outcome"],
            "Exports to the collector, each after all its attempts.",
        );
        for signal in [Signal::Traces, Signal::Metrics] {
            for (count, outcome) in self.of(signal).iter().zip(["taken", "failed"]) {
                family.sample(&[signal.as_str(), outcome], count.load(Ordering::Relaxed));
            }
        }
        let family = out.counter(
            "cyclorama_alerts_total",
            &["outcome"],
            "Alerts for the webhook: sent, dropped because too many waited, or not taken after all attempts.",
        );
        for (count, outcome) in self.alerts.iter().zip(["sent", "dropped", "failed"]) {
            family.sample(&[outcome], count.load(Ordering::Relaxed));
        }
    }
}
