//! A backend that takes much longer than usual is said to be slow, and is called as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cyclorama::backend::figures::Usual;
use cyclorama::graph::{ConcurrencyPolicy, Policy, SlowPolicy};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until};

use super::*;

/// A backend that takes as long as it is told to, called minute by minute.
struct Minutes {
    world: World,
    millis: Arc<AtomicU64>,
    next: Instant,
}

impl Minutes {
    fn new(policy: Policy) -> Self {
        let millis: Arc<AtomicU64> = Arc::default();
        let takes = Arc::clone(&millis);
        let world = world(policy, move |_, _| {
            Reply(Duration::from_millis(takes.load(Ordering::Relaxed)), ok().1)
        });
        Self { world, millis, next: Instant::now() }
    }

    /// So many calls in the next minute; what is known after it.
    async fn minute(&mut self, calls: usize, millis: u64) -> GroupFigures {
        self.millis.store(millis, Ordering::Relaxed);
        let call = read();
        join_all((0..calls).map(|_| self.world.call(&call))).await;
        self.next += Duration::from_mins(1);
        sleep_until(self.next).await;
        self.world.group()
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_three_times_slower_than_its_own_norm_is_slow_until_it_is_not() {
    let mut minutes = Minutes::new(once());
    for _ in 0..12 {
        assert!(!minutes.minute(25, 100).await.usual.is_slow);
    }
    assert!(!minutes.minute(25, 400).await.usual.is_slow, "one minute is none");
    let usual = minutes.minute(25, 400).await.usual;
    assert!(usual.is_slow, "{usual:?}");
    let (norm, median) = (usual.norm.unwrap(), usual.median.unwrap());
    assert!(norm >= Duration::from_millis(100) && median > norm * 3, "{usual:?}");
    let calls = minutes.world.count();
    assert!(minutes.minute(25, 100).await.usual.is_slow);
    assert_eq!(minutes.world.count(), calls + 25, "it is called as before");
    assert!(!minutes.minute(25, 100).await.usual.is_slow);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_were_given_up_after_their_timeout_make_a_backend_slow() {
    let slow = SlowPolicy { factor: 2.0, ..SlowPolicy::default() };
    let breaker = BreakerPolicy { enabled: false, ..BreakerPolicy::default() };
    let groups = vec![GroupPolicy { breaker, ..GroupPolicy::default() }];
    let concurrency = ConcurrencyPolicy { adaptive: false, ..ConcurrencyPolicy::default() };
    let mut minutes = Minutes::new(Policy { slow, groups, concurrency, ..once() });
    for _ in 0..12 {
        assert!(!minutes.minute(20, 100).await.usual.is_slow);
    }
    // each takes the whole timeout of the call
    minutes.minute(20, 3_600_000).await;
    assert!(minutes.minute(20, 3_600_000).await.usual.is_slow);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_may_want_nobody_to_look() {
    let slow = SlowPolicy { enabled: false, ..SlowPolicy::default() };
    let mut minutes = Minutes::new(Policy { slow, ..once() });
    for millis in [100; 12].into_iter().chain([900; 4]) {
        assert_eq!(minutes.minute(25, millis).await.usual, Usual::default());
    }
}
