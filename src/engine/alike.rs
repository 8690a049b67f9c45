//! Operations that ask the same at the same time: one of them runs, and its answer is that of all (decision 0023).
//!
//! The same are the plan, the variables, and all that is known of who asks. What began before a mutation is not joined after it, nor
//! what began longer ago than a moment. The answer is that of all, whatever it is: also one with errors, and a panic.

use std::any::Any;
use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::{BuildHasher as _, Hash, Hasher};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};
use tokio::time::Instant;

use super::who::Who;
use super::{Engine, Prepared, Response};
use crate::cache::Epoch;
use crate::operation::OperationKind;
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
    runs: Mutex<HashMap<Asked, Seat, RandomState>>,
    state: RandomState,
    number: AtomicU64,
}

/// What operations have in common that may be one: the plan, the variables, and who asks.
#[derive(Clone, Debug)]
struct Asked {
    prepared: Arc<Prepared>,
    hash: u64,
}

#[derive(Debug)]
struct Seat {
    run: WeakShared<Answer>,
    epoch: Epoch,
    began: Instant,
    number: u64,
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (&self.prepared, &other.prepared);
        Arc::ptr_eq(one, other)
            || Arc::ptr_eq(&one.plan, &other.plan)
                && one.variables == other.variables
                && Who::of(&one.principal).is(&other.principal)
    }
}

impl Eq for Asked {}

impl Hash for Asked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Alike {
    /// Hashed once, however often it is looked for.
    fn asked(&self, prepared: &Arc<Prepared>) -> Asked {
        let Prepared { plan, variables, principal, .. } = &**prepared;
        let hash = self.state.hash_one((Arc::as_ptr(plan).addr(), variables, Who::of(principal)));
        Asked { prepared: Arc::clone(prepared), hash }
    }

    /// A run that is the same, began after the last mutation, and no longer than a moment ago.
    fn join(&self, asked: &Asked, epoch: Epoch) -> Option<Run> {
        let runs = self.runs();
        let seat = runs.get(asked)?;
        let is_recent = seat.began.elapsed() <= JOINED;
        if seat.epoch == epoch && is_recent { seat.run.upgrade() } else { None }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<Asked, Seat, RandomState>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prepared {
    /// One call is shared by its keys already, and what is left of the run costs less than to look for others who want it.
    fn may_be_joined(&self) -> bool {
        let plan = &self.plan;
        let is_plain = self.cost.is_none() && !self.is_traced;
        is_plain && plan.operation.kind == OperationKind::Query && plan.calls_bound > 1
    }
}

/// Takes a run's seat away when it is over, and also when nobody waits for it any more.
struct Leave {
    engine: Arc<Engine>,
    asked: Asked,
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
    pub(super) async fn run_or_join(self: &Arc<Self>, prepared: Box<Prepared>) -> Response {
        if !prepared.may_be_joined() {
            return Box::pin(self.run(&prepared)).await;
        }
        let (epoch, began) = (self.loader.cache.epoch(), Instant::now());
        let asked = self.alike.asked(&Arc::from(prepared));
        if let Some(run) = self.alike.join(&asked, epoch) {
            return unless_panicked(run.await);
        }
        let number = self.alike.number.fetch_add(1, Ordering::Relaxed);
        let mut run = self.run_for_all(asked.clone(), number);
        let mut asked = Some(asked);
        // what is answered at once is offered to nobody
        let answered = poll_fn(|context| {
            let answered = Pin::new(&mut run).poll(context);
            if answered.is_pending()
                && let (Some(asked), Some(run)) = (asked.take(), run.downgrade())
            {
                let before = self.alike.runs().insert(asked, Seat { run, epoch, began, number });
                drop(before);
            }
            answered
        });
        unless_panicked(answered.await)
    }

    /// Whoever drives it, what it logs is under the request that began it.
    fn run_for_all(self: &Arc<Self>, asked: Asked, number: u64) -> Run {
        let engine = Arc::clone(self);
        // boxed before the rest is put around it: it is large
        let run: Answer = Box::pin(async move {
            let leave = Leave { engine, asked, number };
            let run = leave.engine.run(&leave.asked.prepared);
            // a shared future that panics would leave those who wait for it without an end
            AssertUnwindSafe(run).catch_unwind().await.ok()
        });
        carried(run).boxed().shared()
    }
}

/// Of a run that panicked, everybody who waits for it panics: the edge answers each of them.
fn unless_panicked(response: Option<Response>) -> Response {
    response.unwrap_or_else(|| resume_unwind(Box::new(PANICKED) as Box<dyn Any + Send>))
}
