//! Operations in numbers: how many of each kind ended in which way, and how long they took. Kept over reloads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::{Delivery, Outcome, Response};
use crate::error::ErrorCode;
use crate::operation::OperationKind;
use crate::principal::Principal;
use crate::telemetry::counts::CallsBegun;
use crate::telemetry::exposition::Exposition;
use crate::telemetry::histogram::{Amounts, Histogram};
use crate::telemetry::span::{self, Span};

/// The last one: what was refused before it was known.
const KINDS: [&str; 3] = ["query", "mutation", "unknown"];
/// The first of the kinds: those that run.
const RUN: usize = 2;
/// The ends of the buckets: what operations cost, and how many backend calls they begin.
const COSTS: [u64; 13] = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000];
const CALLS: [u64; 12] = [0, 1, 2, 3, 5, 10, 25, 50, 100, 250, 500, 1_000];
const ENDS: [&str; 5] = ["data", "data_with_errors", "in_parts", "refused", "abandoned"];

/// A longer name of an operation is in no span.
const NAME_BYTES_MAX: usize = 128;

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

#[derive(Debug)]
pub(super) struct Operations {
    kinds: [Kind; KINDS.len()],
    /// By code.
    refused: [AtomicU64; ErrorCode::ALL.len()],
    given_again: AtomicU64,
}

#[derive(Debug)]
struct Kind {
    ends: [AtomicU64; ENDS.len()],
    durations: Histogram,
    costs: Amounts,
    calls: Arc<Amounts>,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            ends: Default::default(),
            durations: Histogram::default(),
            costs: Amounts::new(&COSTS),
            calls: Arc::new(Amounts::new(&CALLS)),
        }
    }
}

/// One operation, counted when it is dropped.
pub(super) struct Counted {
    operations: Arc<Operations>,
    began: Instant,
    kind: usize,
    end: End,
    calls: Arc<CallsBegun>,
    /// `None`: it belongs to no trace.
    span: Option<Span>,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            kinds: Default::default(),
            refused: std::array::from_fn(|_| AtomicU64::new(0)),
            given_again: AtomicU64::new(0),
        }
    }
}

impl Operations {
    /// An operation that a caller asks for, in the caller's trace.
    pub(super) fn begin(self: &Arc<Self>, caller: &Principal) -> Counted {
        let begin = |trace| Span::begin(trace, span::Kind::Server, || "GraphQL Operation".into());
        Counted {
            operations: Arc::clone(self),
            began: Instant::now(),
            kind: KINDS.len() - 1,
            end: End::Abandoned,
            calls: Arc::default(),
            span: caller.trace.as_ref().map(begin),
        }
    }

    pub(super) fn expose(&self, out: &mut Exposition) {
        let family = out.counter(
            "cyclorama_graphql_operations_total",
            &["type", "outcome"],
            "Operations that ended: with data, with data and errors, in parts (counted with the first), refused, or abandoned by their client.",
        );
        for (kind, name) in self.kinds.iter().zip(KINDS) {
            for (count, end) in kind.ends.iter().zip(ENDS) {
                family.sample(&[name, end], count.load(Ordering::Relaxed));
            }
        }
        let family = out.histogram(
            "cyclorama_graphql_operation_duration_seconds",
            &["type"],
            "Time of an operation, to its answer or the first part of it.",
        );
        for (kind, name) in self.kinds.iter().zip(KINDS) {
            family.durations(&[name], &kind.durations.read());
        }
        let family = out.histogram(
            "cyclorama_graphql_operation_cost",
            &["type"],
            "Operations that ran, by what they cost as it is reckoned before, rounded up.",
        );
        for (kind, name) in self.kinds.iter().zip(KINDS).take(RUN) {
            family.amounts(&[name], &kind.costs);
        }
        let family = out.histogram(
            "cyclorama_graphql_operation_backend_calls",
            &["type"],
            "Operations that ran, by the backend calls that they began: 0 if the cache had it all, or another operation asked already.",
        );
        for (kind, name) in self.kinds.iter().zip(KINDS).take(RUN) {
            family.amounts(&[name], &kind.calls);
        }
        out.counter(
            "cyclorama_graphql_given_again_total",
            &[],
            "Operations whose whole answer was at hand, since everything that it was made from is in the cache as it was.",
        )
        .sample(&[], self.given_again.load(Ordering::Relaxed));
        let family = out.counter(
            "cyclorama_graphql_refused_total",
            &["code"],
            "Operations that were refused, by code: what they cost, what they are, who asked.",
        );
        for (code, count) in ErrorCode::ALL.iter().zip(&self.refused) {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                family.sample(&[code.as_str()], count);
            }
        }
    }
}

impl Counted {
    /// The caller, from within the operation.
    pub(super) fn principal(&self, caller: &Principal) -> Arc<Principal> {
        let mut principal = caller.clone();
        principal.trace = self.span.as_ref().map(|span| span.trace().clone());
        principal.calls = Some(Arc::clone(&self.calls));
        Arc::new(principal)
    }

    /// What it is, and what it costs.
    pub(super) fn is(&mut self, (kind, name): (OperationKind, Option<&Arc<str>>), cost: f64) {
        let (place, kind) = match kind {
            OperationKind::Query => (0, "query"),
            OperationKind::Mutation => (1, "mutation"),
        };
        self.kind = place;
        if let Some(kind) = self.operations.kinds.get(place) {
            kind.costs.add(whole(cost));
            self.calls.tell(&kind.calls);
        }
        let Some(span) = &mut self.span else { return };
        span.rename(kind);
        span.set("graphql.operation.type", kind);
        if let Some(name) = name.filter(|name| name.len() <= NAME_BYTES_MAX) {
            span.set("graphql.operation.name", Arc::clone(name));
        }
    }

    pub(super) fn answered(mut self, response: &Response) {
        self.end = match response.outcome {
            Outcome::Data { has_errors: false } => End::Data,
            Outcome::Data { has_errors: true } => End::DataWithErrors,
            Outcome::Refused(_) => End::Refused,
        };
        if let Outcome::Refused(code) = response.outcome {
            self.refused(code);
        }
    }

    /// As [`Self::answered`], of an answer of before.
    pub(super) fn given_again(self, response: &Response) {
        self.operations.given_again.fetch_add(1, Ordering::Relaxed);
        self.answered(response);
    }

    fn refused(&mut self, code: ErrorCode) {
        let place = ErrorCode::ALL.iter().position(|one| *one == code);
        if let Some(count) = place.and_then(|place| self.operations.refused.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(span) = &mut self.span {
            span.fail(code.as_str());
        }
    }

    pub(super) fn delivered(mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Whole(response) => self.answered(response),
            Delivery::InParts(_) => self.end = End::InParts,
        }
    }
}

/// A cost as a whole number, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cost out of range is the nearest that is not"
)]
pub(super) fn whole(cost: f64) -> u64 {
    cost.ceil() as u64
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some(kind) = self.operations.kinds.get(self.kind) else { return };
        if let Some(count) = kind.ends.get(self.end as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        kind.durations.add(self.began.elapsed());
        if let (Some(span), Some(end)) = (&mut self.span, ENDS.get(self.end as usize)) {
            span.set("cyclorama.outcome", *end);
        }
    }
}
