//! Operations that ask the same at the same time: one of them runs, and its answer is that of all (decision 0023).
//!
//! The same are the plan, the variables, and all that is known of who asks. What began before a mutation is not joined after it, nor
//! what began longer ago than a moment. The answer is that of all, whatever it is: also one with errors, and a panic.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use foldhash::fast::RandomState;
use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};
use tokio::time::Instant;

use super::who::Who;
use super::{Engine, Prepared, Response};
use crate::cache::Epoch;
use crate::operation::{OperationKind, Variables};
use crate::plan::Plan;
use crate::telemetry::context::carried;

/// Who joins is given nothing that was read longer ago than this, and has at most so much less time.
const JOINED: Duration = Duration::from_millis(100);

const PANICKED: &str = "the run that this operation had joined panicked";

/// A run's answer; `None`: it panicked.
type Answer = BoxFuture<'static, Option<Response>>;
type Run = Shared<Answer>;

/// The runs that wait for backends. What is answered at once is never among them.
#[derive(Debug, Default)]
pub(super) struct Alike {
    runs: Mutex<HashMap<Arc<Asked>, Seat, RandomState>>,
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

#[derive(Debug)]
struct Seat {
    run: WeakShared<Answer>,
    epoch: Epoch,
    began: Instant,
    number: u64,
    _plan: Arc<Plan>,
}

impl Asked {
    fn of(prepared: &Prepared) -> Self {
        Self {
            plan: Arc::as_ptr(&prepared.plan).addr(),
            variables: prepared.variables.clone(),
            who: Who::of(&prepared.principal),
        }
    }
}

impl Alike {
    /// What is asked, if anything runs that may be the same.
    fn asked(&self, prepared: &Prepared) -> Option<Arc<Asked>> {
        let is_alone = self.runs().is_empty();
        (!is_alone).then(|| Arc::new(Asked::of(prepared)))
    }

    /// A run that is the same, began after the last mutation, and no longer than a moment ago.
    fn join(&self, asked: &Asked, epoch: Epoch) -> Option<Run> {
        let runs = self.runs();
        let seat = runs.get(asked)?;
        let is_recent = seat.began.elapsed() <= JOINED;
        if seat.epoch == epoch && is_recent { seat.run.upgrade() } else { None }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<Arc<Asked>, Seat, RandomState>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a run's seat away when it is over, and also when nobody waits for it any more.
struct Leave {
    engine: Arc<Engine>,
    asked: Arc<Asked>,
    number: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut runs = self.engine.alike.runs();
        if runs.get(&self.asked).is_some_and(|seat| seat.number == self.number) {
            runs.remove(&self.asked);
        }
    }
}

impl Engine {
    /// Runs what nothing can refuse any more, or joins one that runs and is the same.
    pub(super) async fn run_or_join(self: &Arc<Self>, prepared: Prepared) -> Response {
        let is_plain = prepared.cost.is_none() && !prepared.is_traced;
        if prepared.plan.operation.kind != OperationKind::Query || !is_plain {
            return Box::pin(self.run(&prepared)).await;
        }
        let (epoch, began) = (self.loader.cache.epoch(), Instant::now());
        let asked = self.alike.asked(&prepared);
        if let Some(run) = asked.as_ref().and_then(|asked| self.alike.join(asked, epoch)) {
            return unless_panicked(run.await);
        }
        let (engine, prepared) = (Arc::clone(self), Arc::new(prepared));
        let own = Arc::clone(&prepared);
        let mut run = async move { engine.run(&own).await }.boxed();
        match futures_util::poll!(&mut run) {
            Poll::Ready(response) => response,
            Poll::Pending => {
                let asked = asked.unwrap_or_else(|| Arc::new(Asked::of(&prepared)));
                let plan = Arc::clone(&prepared.plan);
                unless_panicked(self.offer((asked, plan), (epoch, began), run).await)
            }
        }
    }

    /// Lets others join a run that waits. Whoever drives it, what it logs is under the request that began it.
    fn offer(
        self: &Arc<Self>,
        (asked, plan): (Arc<Asked>, Arc<Plan>),
        (epoch, began): (Epoch, Instant),
        run: BoxFuture<'static, Response>,
    ) -> Run {
        let number = self.alike.number.fetch_add(1, Ordering::Relaxed);
        let leave = Leave { engine: Arc::clone(self), asked: Arc::clone(&asked), number };
        let run = async move {
            let _leave = leave;
            // a shared future that panics would leave those who wait for it without an end
            AssertUnwindSafe(run).catch_unwind().await.ok()
        };
        let run = carried(run).boxed().shared();
        if let Some(weak) = run.downgrade() {
            let seat = Seat { run: weak, epoch, began, number, _plan: plan };
            let before = self.alike.runs().insert(asked, seat);
            drop(before);
        }
        run
    }
}

/// Of a run that panicked, everybody who waits for it panics: the edge answers each of them.
fn unless_panicked(response: Option<Response>) -> Response {
    response.unwrap_or_else(|| resume_unwind(Box::new(PANICKED) as Box<dyn Any + Send>))
}
