//! Operations in numbers: how many of each kind ended in which way, and how long they took. Kept over reloads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::{Delivery, Outcome, Response};
use crate::operation::OperationKind;
use crate::telemetry::exposition::Exposition;
use crate::telemetry::histogram::Histogram;

/// The last one: what was refused before it was known.
const KINDS: [&str; 3] = ["query", "mutation", "unknown"];
const ENDS: [&str; 5] = ["data", "data_with_errors", "in_parts", "refused", "abandoned"];

/// How an operation ended, by its place in `ENDS`.
#[derive(Clone, Copy)]
enum End {
    Data,
    DataWithErrors,
    InParts,
    Refused,
    /// Whoever asked is gone.
    Abandoned,
}

#[derive(Debug, Default)]
pub(super) struct Operations {
    kinds: [Kind; KINDS.len()],
}

#[derive(Debug, Default)]
struct Kind {
    ends: [AtomicU64; ENDS.len()],
    durations: Histogram,
}

/// One operation, counted when it is dropped.
pub(super) struct Counted {
    operations: Arc<Operations>,
    began: Instant,
    kind: usize,
    end: End,
}

impl Operations {
    pub(super) fn begin(self: &Arc<Self>) -> Counted {
        let kind = KINDS.len() - 1;
        Counted { operations: Arc::clone(self), began: Instant::now(), kind, end: End::Abandoned }
    }

    pub(super) fn expose(&self, out: &mut Exposition) {
        let mut family = out.counter(
            "cyclorama_graphql_operations_total",
            &["type", "outcome"],
            "Operations that ended: with data, with data and errors, in parts (counted with the first), refused, or abandoned by their client.",
        );
        for (kind, name) in self.kinds.iter().zip(KINDS) {
            for (count, end) in kind.ends.iter().zip(ENDS) {
                family.sample(&[name, end], count.load(Ordering::Relaxed));
            }
        }
        let mut family = out.histogram(
            "cyclorama_graphql_operation_duration_seconds",
            &["type"],
            "Time of an operation, to its answer or the first part of it.",
        );
        for (kind, name) in self.kinds.iter().zip(KINDS) {
            family.durations(&[name], &kind.durations.read());
        }
    }
}

impl Counted {
    pub(super) fn is(&mut self, kind: OperationKind) {
        self.kind = match kind {
            OperationKind::Query => 0,
            OperationKind::Mutation => 1,
        };
    }

    pub(super) fn answered(mut self, response: &Response) {
        self.end = match response.outcome {
            Outcome::Data { has_errors: false } => End::Data,
            Outcome::Data { has_errors: true } => End::DataWithErrors,
            Outcome::Refused(_) => End::Refused,
        };
    }

    pub(super) fn delivered(mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Whole(response) => self.answered(response),
            Delivery::InParts(_) => self.end = End::InParts,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some(kind) = self.operations.kinds.get(self.kind) else { return };
        if let Some(count) = kind.ends.get(self.end as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        kind.durations.add(self.began.elapsed());
    }
}
