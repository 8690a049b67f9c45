//! Operations that ask the same at the same time: one of them runs, and its answer is that of all (decision 0022).
//!
//! The same are the plan, the variables, and all that is known of who asks. An answer with errors is nobody else's: who joined runs for
//! itself then, and has more time left. What began before a mutation is not joined after it, nor what has used a tenth of its time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};
use tokio::time::Instant;

use super::{Engine, Outcome, Prepared, Response};
use crate::cache::Epoch;
use crate::operation::{OperationKind, Variables};
use crate::plan::Plan;
use crate::principal::Principal;

/// Who joins a run misses at most this part of the time that it has.
const JOINED: u32 = 10;

type Run = Shared<BoxFuture<'static, Response>>;

/// The runs that wait for backends. What is answered at once is never among them.
#[derive(Debug, Default)]
pub(super) struct Alike {
    runs: Mutex<HashMap<Asked, Seat>>,
    number: AtomicU64,
}

/// What operations have in common that may be one.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Asked {
    /// Where the plan is: the seat keeps it there.
    plan: usize,
    variables: Variables,
    who: Who,
}

/// All that is known of who asks.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Who {
    tenant: Arc<str>,
    subject: Option<Arc<str>>,
    scopes: Vec<Arc<str>>,
    claims: Vec<(Arc<str>, Arc<str>)>,
    headers: Vec<(Arc<str>, Arc<str>)>,
}

impl From<Principal> for Who {
    fn from(principal: Principal) -> Self {
        // each by name, so that what is added is not forgotten here; the trace says nothing of who asks
        let Principal { tenant, subject, scopes, claims, headers, trace: _ } = principal;
        Self { tenant, subject, scopes, claims, headers }
    }
}

#[derive(Debug)]
struct Seat {
    run: WeakShared<BoxFuture<'static, Response>>,
    began: Epoch,
    deadline: Instant,
    number: u64,
    _plan: Arc<Plan>,
}

impl Asked {
    fn of(prepared: &Prepared) -> Self {
        Self {
            plan: Arc::as_ptr(&prepared.plan).addr(),
            variables: prepared.variables.clone(),
            who: Who::from((*prepared.principal).clone()),
        }
    }
}

impl Alike {
    /// A run that is the same, began after the last mutation, and no longer ago than this.
    fn join(&self, prepared: &Prepared, now: Epoch, ago: Duration) -> Option<Run> {
        let runs = self.runs();
        if runs.is_empty() {
            return None;
        }
        let seat = runs.get(&Asked::of(prepared))?;
        let is_recent = prepared.times.deadline.saturating_duration_since(seat.deadline) <= ago;
        if seat.began == now && is_recent { seat.run.upgrade() } else { None }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<Asked, Seat>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a run's seat away when it is over, and also when nobody waits for it any more.
struct Leave {
    engine: Arc<Engine>,
    prepared: Arc<Prepared>,
    number: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let asked = Asked::of(&self.prepared);
        let mut runs = self.engine.alike.runs();
        if runs.get(&asked).is_some_and(|seat| seat.number == self.number) {
            runs.remove(&asked);
        }
    }
}

impl Engine {
    /// Runs what nothing can refuse any more, or joins one that runs and is the same.
    pub(super) async fn run_or_join(self: &Arc<Self>, prepared: Prepared) -> Response {
        let is_plain = prepared.cost.is_none() && !prepared.is_traced;
        if prepared.plan.operation.kind != OperationKind::Query || !is_plain {
            return self.run(&prepared).await;
        }
        let began = self.loader.cache.epoch();
        if let Some(run) = self.alike.join(&prepared, began, self.graph.deadline / JOINED) {
            let response = run.await;
            return match response.outcome {
                Outcome::Data { has_errors: false } => response,
                _ => self.run(&prepared).await,
            };
        }
        let (engine, prepared) = (Arc::clone(self), Arc::new(prepared));
        let own = Arc::clone(&prepared);
        let mut run = async move { engine.run(&own).await }.boxed();
        match futures_util::poll!(&mut run) {
            Poll::Ready(response) => response,
            Poll::Pending => self.offer(prepared, began, run).await,
        }
    }

    /// Lets others join a run that waits.
    fn offer(
        self: &Arc<Self>,
        prepared: Arc<Prepared>,
        began: Epoch,
        run: BoxFuture<'static, Response>,
    ) -> Run {
        let number = self.alike.number.fetch_add(1, Ordering::Relaxed);
        let (asked, plan) = (Asked::of(&prepared), Arc::clone(&prepared.plan));
        let deadline = prepared.times.deadline;
        let leave = Leave { engine: Arc::clone(self), prepared, number };
        let run = async move {
            let _leave = leave;
            run.await
        };
        let run = run.boxed().shared();
        if let Some(weak) = run.downgrade() {
            let seat = Seat { run: weak, began, deadline, number, _plan: plan };
            let before = self.alike.runs().insert(asked, seat);
            drop(before);
        }
        run
    }
}
