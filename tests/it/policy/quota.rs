//! Quotas and permits: attempts leave in time, wait their turn, and never past their deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cyclorama::error::{BackendError, ErrorCode};
use cyclorama::graph::*;
use futures_util::future::join_all;
use tokio::time::sleep;

use super::{answer, ok, once, read, status, world};

fn rated(calls: u32, per: u64, burst: u32) -> Policy {
    let rate = Some(Rate { calls, per: Duration::from_secs(per), burst });
    let quota = Some(QuotaPolicy { rate, ..QuotaPolicy::default() });
    Policy { groups: vec![GroupPolicy { quota, ..GroupPolicy::default() }], ..once() }
}

#[tokio::test(start_paused = true)]
async fn attempts_leave_smoothly_and_never_faster_than_the_rate() {
    let world = world(rated(10, 1, 2), |_, _| ok());
    let call = read();
    let results = join_all((0..30).map(|_| world.call(&call))).await;
    assert!(results.iter().all(Result::is_ok));
    let times = world.times();
    assert_eq!(times[..2], [0, 0]);
    let gaps: Vec<u128> = times[1..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (110..=113).contains(gap)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_could_not_leave_in_time_is_told_at_once_and_spends_nothing() {
    let world = world(rated(1, 10, 1), |_, _| ok());
    let call = read();
    world.call(&call).await.unwrap();
    for _ in 0..100 {
        let error = world.call_within(&call, Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BackendRateLimited);
    }
    assert_eq!((world.count(), world.began.elapsed()), (1, Duration::ZERO));
    assert_eq!(world.group().quota.unwrap().refused, 100);
    world.call_within(&call, Duration::from_secs(11)).await.unwrap();
    assert_eq!(world.times(), [0, 10_000]);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_spends_quota() {
    let policy = Policy { retry: RetryPolicy::default(), ..rated(1, 1, 1) };
    let world = world(policy, |_, _| status(503));
    world.call(&read()).await.unwrap_err();
    assert_eq!(world.times(), [0, 1_000, 2_000]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_time_keeps_no_permit_from_other_groups() {
    let rate = Some(Rate { calls: 1, per: Duration::from_secs(1), burst: 1 });
    let quota = Some(QuotaPolicy { rate, ..QuotaPolicy::default() });
    let mut policy = once();
    let search = GroupPolicy { name: "search".into(), quota, ..GroupPolicy::default() };
    policy.groups.push(search);
    let world = world(policy, |_, _| ok());
    let mut search = super::get("/search");
    search.group = 1;
    let searches = join_all((0..200).map(|_| world.call(&search)));
    let mut searches = Box::pin(searches);
    assert!(futures_util::poll!(searches.as_mut()).is_pending());
    let figures = world.figures();
    assert!(figures.in_flight <= 1 && figures.waiting > 50, "{figures:?}");
    let call = read();
    join_all((0..63).map(|_| world.call(&call))).await;
    assert_eq!(world.began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_says_when_is_left_alone_until_then_by_everybody() {
    let world =
        world(
            once(),
            |number, _| {
                if number == 0 { answer(429, &[("retry-after", "3")], "{}") } else { ok() }
            },
        );
    let call = read();
    world.call(&call).await.unwrap_err();
    assert_eq!(world.group().quota.unwrap().paused_for, Duration::from_secs(3));
    let error = world.call_within(&call, Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(error, BackendError::QuotaSpent { wait } if wait == Duration::from_secs(3)));
    let results = join_all((0..5).map(|_| world.call(&call))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(world.times(), [0, 3_000, 3_000, 3_000, 3_000, 3_000]);
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_headers_say_is_spent_is_waited_for() {
    let headers =
        [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4")];
    let world = world(once(), move |_, _| answer(200, &headers, r#"{"data":[]}"#));
    let call = read();
    world.call(&call).await.unwrap();
    let quota = world.group().quota.unwrap();
    assert_eq!((quota.left, quota.limit), (Some(0), Some(100)));
    world.call(&call).await.unwrap();
    assert_eq!(world.times(), [0, 4_000]);
}

/// A backend that takes four at once and refuses the fifth.
#[tokio::test(start_paused = true)]
async fn fewer_are_under_way_where_the_backend_refuses_and_more_again_when_it_does_not() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(4)));
    let (under_way, takes) = (Arc::clone(&now), Arc::clone(&most));
    let world = world(once(), move |_, _| {
        let under_way = Arc::clone(&under_way);
        let count = under_way.fetch_add(1, Ordering::SeqCst) + 1;
        // every request is over after a tenth of a second, long before the next ones are made
        tokio::spawn(async move {
            sleep(Duration::from_millis(99)).await;
            under_way.fetch_sub(1, Ordering::SeqCst);
        });
        let reply = if count > takes.load(Ordering::SeqCst) { status(429) } else { ok() };
        reply.after(Duration::from_millis(100))
    });
    let call = read();
    for _ in 0..20 {
        join_all((0..64).map(|_| world.call(&call))).await;
    }
    assert!((3..=6).contains(&world.figures().limit), "{}", world.figures().limit);
    most.store(1_000, Ordering::SeqCst);
    for _ in 0..60 {
        join_all((0..64).map(|_| world.call(&call))).await;
    }
    assert_eq!(world.figures().limit, 64);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_and_whoever_comes_too_late_is_told_at_once() {
    let concurrency = ConcurrencyPolicy { queue: 10, ..ConcurrencyPolicy::default() };
    let world = world(Policy { concurrency, ..once() }, |_, _| ok().after(Duration::from_secs(1)));
    let call = read();
    let results = join_all((0..100).map(|_| world.call(&call))).await;
    let full = results.iter().filter(|one| matches!(one, Err(BackendError::QueueFull { .. })));
    assert_eq!((full.count(), world.count()), (26, 74));
    assert_eq!(world.figures().refused_by_queue, 26);
}
