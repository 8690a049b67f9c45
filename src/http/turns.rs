//! Turns at the processors. Where many operations run, those that are ready work one after the other, as many at once as there are
//! processors, and let everything else come in between: who is refused does not wait for all of them.
//!
//! Takes: an operation's work, and whether many run.
//! Gives: its result; each time that it goes on, when its turn comes, in the order of asking.
//! Never: delays work where few run, or counts what waits for a backend.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Turns {
    processors: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn new(processors: usize) -> Self {
        Self { processors: Arc::new(Semaphore::new(processors)) }
    }

    /// Does the work, in turns whenever many operations run.
    pub(super) async fn take<F: Future>(
        &self,
        mut work: Pin<&mut F>,
        are_many: impl Fn() -> bool,
    ) -> F::Output {
        let mut asked: Option<BoxFuture<'static, Option<OwnedSemaphorePermit>>> = None;
        let called = Arc::new(Called::default());
        let waker = Waker::from(Arc::clone(&called));
        poll_fn(|context| {
            called.task.register(context.waker());
            if !called.is_due.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            if asked.is_none() && are_many() {
                asked = Some(Box::pin(ask(Arc::clone(&self.processors))));
            }
            let turn = match &mut asked {
                Some(asked) => ready!(asked.as_mut().poll(context)),
                None => None,
            };
            asked = None;
            let done = called.at_work(context, |context| work.as_mut().poll(context), &waker);
            turn.into_iter().for_each(end);
            done
        })
        .await
    }

    /// How long whoever is ready now waits for a turn.
    pub(super) async fn wait(&self) -> Duration {
        let begin = Instant::now();
        drop(ask(Arc::clone(&self.processors)).await);
        begin.elapsed()
    }
}

/// Whether work was called for since it was last at it. Its connection is looked at for other reasons too: each time, the work would
/// walk down to whatever it waits for.
struct Called {
    is_due: AtomicBool,
    /// Who does the work.
    task: AtomicWaker,
}

impl Called {
    /// Goes on with the work. What calls for it meanwhile calls nobody who is at it already.
    fn at_work<T>(
        &self,
        context: &mut Context<'_>,
        work: impl FnOnce(&mut Context<'_>) -> Poll<T>,
        waker: &Waker,
    ) -> Poll<T> {
        drop(self.task.take());
        // a store could be overtaken by what the work reads
        self.is_due.swap(false, Ordering::AcqRel);
        let done = work(&mut Context::from_waker(waker));
        if done.is_pending() {
            self.task.register(context.waker());
            if self.is_due.load(Ordering::Acquire) {
                context.waker().wake_by_ref();
            }
        }
        done
    }
}

impl Default for Called {
    /// It has yet to begin.
    fn default() -> Self {
        Self { is_due: AtomicBool::new(true), task: AtomicWaker::new() }
    }
}

impl Wake for Called {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_due.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// `None` never comes: nobody closes the semaphore.
async fn ask(processors: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    processors.acquire_owned().await.ok()
}

/// The next turn begins when what has come in meanwhile is done: whoever is woken now would run before it.
fn end(turn: OwnedSemaphorePermit) {
    tokio::spawn(async move {
        yield_now().await;
        drop(turn);
    });
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Work in so many steps, each of which is written down.
    async fn steps(name: u8, done: Arc<Mutex<Vec<u8>>>) -> u8 {
        for _ in 0..3 {
            done.lock().unwrap().push(name);
            yield_now().await;
        }
        name
    }

    #[tokio::test]
    async fn many_operations_work_in_the_order_of_asking_and_others_come_in_between() {
        let (turns, done) = (Arc::new(Turns::new(1)), Arc::default());
        let mut tasks = Vec::new();
        for name in 0..4 {
            let (turns, done) = (Arc::clone(&turns), Arc::clone(&done));
            tasks.push(tokio::spawn(
                async move { turns.take(pin!(steps(name, done)), || true).await },
            ));
        }
        let other = tokio::spawn({
            let done = Arc::clone(&done);
            async move { done.lock().unwrap().push(9) }
        });
        other.await.unwrap();
        for (name, task) in (0..).zip(tasks) {
            assert_eq!(task.await.unwrap(), name);
        }
        let done = done.lock().unwrap().clone();
        assert_eq!(done.len(), 13, "{done:?}");
        let place = done.iter().position(|name| *name == 9).unwrap();
        assert!(place <= 1, "it waited for one turn at the most: {done:?}");
        let worked: Vec<u8> = done.into_iter().filter(|name| *name != 9).collect();
        assert_eq!(worked, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    }

    #[tokio::test]
    async fn work_is_gone_on_with_when_it_is_called_for_and_at_no_other_time() {
        let turns = Turns::new(1);
        let looked = AtomicUsize::new(0);
        let mut given = pin!(poll_fn(|context: &mut Context<'_>| {
            match looked.fetch_add(1, Ordering::Relaxed) {
                // at once, and by what goes on elsewhere
                0 => context.waker().wake_by_ref(),
                1 => drop(tokio::spawn(call(context.waker().clone()))),
                _ => return Poll::Ready(()),
            }
            Poll::Pending
        }));
        let mut work = pin!(turns.take(given.as_mut(), || false));
        let mut often = 0;
        poll_fn(|context| {
            often += 1;
            let nobody = &mut Context::from_waker(Waker::noop());
            // it is looked at three times as often as it is called for
            let early =
                work.as_mut().poll(nobody).is_ready() || work.as_mut().poll(nobody).is_ready();
            if early { Poll::Ready(()) } else { work.as_mut().poll(context) }
        })
        .await;
        assert_eq!(looked.load(Ordering::Relaxed), 3);
        assert!(often <= 4, "{often}");
    }

    async fn call(waker: Waker) {
        yield_now().await;
        waker.wake();
    }

    #[tokio::test]
    async fn who_leaves_while_waiting_or_where_few_run_takes_no_turn_from_anybody() {
        let turns = Turns::new(1);
        let held = Arc::clone(&turns.processors).acquire_owned().await.unwrap();
        let done = Arc::default();
        assert_eq!(turns.take(pin!(steps(1, Arc::clone(&done))), || false).await, 1);
        let leaves = async { turns.take(pin!(steps(2, Arc::clone(&done))), || true).await };
        assert!(tokio::time::timeout(Duration::ZERO, leaves).await.is_err());
        drop(held);
        assert!(turns.wait().await < Duration::from_secs(1));
        assert_eq!(turns.take(pin!(steps(3, done)), || true).await, 3);
    }
}
