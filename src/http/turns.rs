//! Turns at the processors. Where many operations run, those that are ready work one after the other, as many at once as there are
//! processors, and let everything else come in between: who is refused does not wait for all of them.
//!
//! Takes: an operation's work, and whether many run.
//! Gives: its result; each time that it goes on, when its turn comes, in the order of asking.
//! Never: delays work where few run, or counts what waits for a backend.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::ready;
use std::time::Duration;

use futures_util::future::BoxFuture;
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
        poll_fn(|context| {
            if asked.is_none() && are_many() {
                asked = Some(Box::pin(ask(Arc::clone(&self.processors))));
            }
            let turn = match &mut asked {
                Some(asked) => ready!(asked.as_mut().poll(context)),
                None => None,
            };
            asked = None;
            let done = work.as_mut().poll(context);
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
