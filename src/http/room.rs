//! How many operations may run at once before they only wait for each other: fewer while what is ready waits for a processor,
//! more again when it does not. Operations that wait for backends leave room for others; only work of our own takes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::Server;

/// What is ready may wait so long for its turn at a processor.
const WAIT: Duration = Duration::from_millis(10);
/// A wait is looked for so often, and the least that is found in so long decides, of two looks at least: a queue that stands is there
/// at each look, and a burst or another program is not.
const EVERY: Duration = Duration::from_millis(5);
const WINDOW: Duration = Duration::from_millis(100);
/// Each processor has this many operations in any case: with fewer it could be idle while they wait for backends, and so many do not
/// keep each other waiting for long.
const LEAST: usize = 64;

#[derive(Debug)]
pub(super) struct Room {
    operations: AtomicUsize,
    least: usize,
}

impl Room {
    pub(super) fn new(processors: usize) -> Self {
        Self { operations: AtomicUsize::new(usize::MAX), least: processors * LEAST }
    }

    /// How many may run, of so many that the deployment allows.
    pub(super) fn of(&self, most: usize) -> usize {
        self.operations.load(Ordering::Relaxed).min(most)
    }

    /// Whether so few run that there is room for them however long they wait.
    fn is_enough_for(&self, running: usize) -> bool {
        running < self.least
    }

    /// What is ready has waited so long, while so many ran.
    fn adapt(&self, waited: Duration, running: usize, most: usize) {
        let room = self.of(most);
        let next = if waited > WAIT {
            let part = (WAIT.as_secs_f64() / waited.as_secs_f64()).clamp(0.5, 0.9);
            // a number of operations, far below where floating point loses any
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a part of a small number"
            )]
            let fewer = (room.min(running) as f64 * part) as usize;
            fewer.max(self.least)
        } else {
            room.saturating_add(room / 16 + 1)
        };
        self.operations.store(next.min(most), Ordering::Relaxed);
    }
}

/// The looks of one window.
struct Window {
    begin: Instant,
    looks: u32,
    least: Duration,
}

impl Window {
    fn new(begin: Instant) -> Self {
        Self { begin, looks: 0, least: Duration::MAX }
    }

    /// Takes one look in, and gives the least wait when the window is over.
    fn add(&mut self, waited: Duration, now: Instant) -> Option<Duration> {
        self.looks += 1;
        self.least = self.least.min(waited);
        let is_over = self.looks >= 2 && now.saturating_duration_since(self.begin) >= WINDOW;
        is_over.then_some(self.least)
    }
}

/// Adapts the room of a server for as long as it is polled. It waits with all other work of this process, so that it feels what they
/// feel.
pub(super) async fn watch(server: Server) {
    loop {
        let (running, is_watched) = look(&server);
        if !is_watched {
            tokio::time::sleep(WINDOW).await;
            adapt(&server, Duration::ZERO, running);
            continue;
        }
        let mut window = Window::new(Instant::now());
        let least = loop {
            tokio::time::sleep(EVERY).await;
            let waited = wait(&server).await;
            if let Some(least) = window.add(waited, Instant::now()) {
                break least;
            }
        };
        adapt(&server, least, look(&server).0);
    }
}

/// How long what is ready now waits for its turn, and for a processor.
async fn wait(server: &Server) -> Duration {
    let turn = server.current().load.overload.turns.wait().await;
    let begin = Instant::now();
    let reached = at_the_end_of_the_queue(Instant::now).await;
    turn + reached.map_or(Duration::ZERO, |at| at.saturating_duration_since(begin))
}

/// Looks when all that is ready on this processor has been polled. What is woken last runs first (tokio's LIFO slot), as a timer's task
/// mostly is: the second task sends the first one to the end of the queue. `None`: the runtime ends.
async fn at_the_end_of_the_queue<T: Send + 'static>(
    look: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let last = tokio::spawn(async { look() });
    drop(tokio::spawn(std::future::ready(())));
    last.await.ok()
}

/// How many operations run, and whether that may be too many.
fn look(server: &Server) -> (usize, bool) {
    let running = server.operations().running;
    let gateway = server.current();
    let is_adaptive = gateway.settings.http.overload.adaptive;
    (running, is_adaptive && !gateway.load.overload.room.is_enough_for(running))
}

fn adapt(server: &Server, waited: Duration, running: usize) {
    let gateway = server.current();
    let most = gateway.settings.http.overload.operations;
    gateway.load.overload.room.adapt(waited, running, most);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn room() -> Room {
        Room { operations: AtomicUsize::new(usize::MAX), least: 16 }
    }

    #[test]
    fn there_is_less_room_while_what_is_ready_waits_and_all_of_it_again_when_it_does_not() {
        let room = room();
        assert_eq!(room.of(1_000), 1_000);
        room.adapt(WAIT * 4 / 3, 200, 1_000);
        assert_eq!(room.of(1_000), 150, "three quarters of those that run");
        room.adapt(Duration::from_secs(1), 150, 1_000);
        assert_eq!(room.of(1_000), 75, "never less than half");
        for _ in 0..10 {
            room.adapt(Duration::from_secs(1), 75, 1_000);
        }
        assert_eq!(room.of(1_000), 16, "and what keeps the processors busy");
        let mut steps = 0;
        while room.of(1_000) < 1_000 {
            room.adapt(WAIT / 3, 10, 1_000);
            steps += 1;
        }
        assert!((30..100).contains(&steps), "in some seconds: {steps} steps");
    }

    #[test]
    fn two_looks_are_enough_where_each_takes_long_and_one_without_a_wait_says_that_no_queue_stands()
    {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let long = Duration::from_secs(1);
        let mut window = Window::new(begin);
        assert_eq!(window.add(long, at(1_005)), None, "another program may have had the processor");
        assert_eq!(window.add(long * 2, at(3_010)), Some(long));
        let mut window = Window::new(begin);
        for number in 1..10 {
            assert_eq!(window.add(long, at(number * 10)), None);
        }
        assert_eq!(window.add(Duration::ZERO, at(100)), Some(Duration::ZERO));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_look_comes_after_everything_that_was_ready() {
        let polled = Arc::new(AtomicUsize::new(0));
        let look = async move {
            for _ in 0..20 {
                let polled = Arc::clone(&polled);
                tokio::spawn(async move { polled.fetch_add(1, Ordering::Relaxed) });
            }
            at_the_end_of_the_queue(move || polled.load(Ordering::Relaxed)).await
        };
        assert_eq!(tokio::spawn(look).await.unwrap(), Some(20));
    }

    #[test]
    fn a_deployment_that_allows_less_has_less() {
        let room = room();
        room.adapt(Duration::from_secs(1), 3, 3);
        assert_eq!(room.of(3), 3);
        assert!(room.is_enough_for(15) && !room.is_enough_for(16));
    }
}
