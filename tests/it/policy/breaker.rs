//! What a breaker refuses, what it lets through, and that a refusal costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cyclorama::backend::Backends;
use cyclorama::backend::figures::Phase;
use cyclorama::error::{BackendError, ErrorCode};
use cyclorama::graph::*;
use cyclorama::transport::MemoryWire;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{Reply, World, ok, once, read, reset, status, world};
use crate::transport::{Given, backend, graph};

fn breaker() -> BreakerPolicy {
    BreakerPolicy { failures: 4, ..BreakerPolicy::default() }
}

fn policy() -> Policy {
    Policy { groups: vec![GroupPolicy { breaker: breaker(), ..GroupPolicy::default() }], ..once() }
}

async fn calls(world: &World, count: usize) -> usize {
    let mut failed = 0;
    for _ in 0..count {
        failed += usize::from(world.call(&read()).await.is_err());
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_answers_at_once_and_sends_nothing() {
    let rate = Rate { calls: 5, per: Duration::from_mins(10), burst: 5 };
    let quota = QuotaPolicy { rate: Some(rate), ..QuotaPolicy::default() };
    let group = GroupPolicy { breaker: breaker(), quota: Some(quota), ..GroupPolicy::default() };
    let world = world(Policy { groups: vec![group], ..once() }, |number, _| {
        if number < 4 { status(503) } else { ok() }
    });
    assert_eq!(calls(&world, 4).await, 4);
    for _ in 0..1_000 {
        let error = world.call(&read()).await.unwrap_err();
        assert!(matches!(error, BackendError::BreakerOpen { .. }));
        assert_eq!(error.code(), ErrorCode::BackendUnavailable);
    }
    // no time went by, no permit is out, and the quota's fifth call is still there for the probe
    assert_eq!((world.count(), world.began.elapsed()), (4, Duration::ZERO));
    assert_eq!((world.figures().in_flight, world.group().short_circuits), (0, 1_000));
    sleep(Duration::from_secs(5)).await;
    world.call(&read()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_says_that_the_backend_is_down_counts_and_nothing_else_does() {
    type Make = fn() -> Reply;
    let count: [(&str, Make, bool); 10] = [
        ("500", || status(500), true),
        ("503", || status(503), true),
        ("reset", reset, true),
        (
            "connect",
            || Reply(Duration::ZERO, Err(BackendError::Connect { source: "no".into() })),
            true,
        ),
        (
            "TLS",
            || Reply(Duration::ZERO, Err(BackendError::Untrusted { source: "no".into() })),
            true,
        ),
        ("timeout", || ok().after(Duration::from_mins(1)), true),
        ("404", || status(404), false),
        ("401", || status(401), false),
        ("429", || status(429), false),
        ("unreadable", || super::answer(200, &[], "<html>"), false),
    ];
    for (name, reply, opens) in count {
        let world = world(policy(), move |_, _| reply());
        for _ in 0..4 {
            world.call(&read()).await.unwrap_err();
        }
        let expected = if opens { Phase::Open } else { Phase::Closed };
        assert_eq!(world.group().breaker, expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_that_go_away_never_count() {
    let world = world(policy(), |_, _| ok().after(Duration::from_secs(5)));
    for _ in 0..50 {
        let call = read();
        let mut running = Box::pin(world.call(&call));
        assert!(futures_util::poll!(running.as_mut()).is_pending());
    }
    assert_eq!((world.group().breaker, world.count()), (Phase::Closed, 50));
    assert_eq!(world.figures().outcomes.last().unwrap().1, 50);
    world.call(&read()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn probes_close_it_or_open_it_anew_and_all_others_are_refused_meanwhile() {
    let is_well = Arc::new(AtomicBool::new(false));
    let health = Arc::clone(&is_well);
    let world = world(policy(), move |_, _| {
        let reply = if health.load(Ordering::Relaxed) { ok() } else { status(503) };
        reply.after(Duration::from_millis(100))
    });
    calls(&world, 4).await;
    sleep(Duration::from_secs(5)).await;
    let call = read();
    let results = join_all((0..20).map(|_| world.call(&call))).await;
    let refused = |results: &[Result<_, BackendError>]| {
        results.iter().filter(|one| matches!(one, Err(BackendError::BreakerOpen { .. }))).count()
    };
    assert_eq!((world.count(), refused(&results), world.group().breaker), (6, 18, Phase::Open));
    is_well.store(true, Ordering::Relaxed);
    sleep(Duration::from_secs(5)).await;
    let results = join_all((0..20).map(|_| world.call(&call))).await;
    assert_eq!((world.count(), refused(&results), world.group().breaker), (8, 18, Phase::Closed));
    assert_eq!(calls(&world, 20).await, 0);
    let group = world.group();
    assert_eq!((group.opened, group.half_opened, group.closed), (2, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn groups_of_one_backend_fail_apart() {
    let search = GroupPolicy { name: "search".into(), breaker: breaker(), quota: None };
    let mut policy = policy();
    policy.groups.push(search);
    let world = world(
        policy,
        |_, request| {
            if request.url.ends_with("search") { status(503) } else { ok() }
        },
    );
    let mut search = super::get("/search");
    search.group = 1;
    for _ in 0..10 {
        world.call(&search).await.unwrap_err();
    }
    assert_eq!(calls(&world, 10).await, 0);
    let groups = world.figures().groups;
    let phases: Vec<_> = groups.iter().map(|group| (&*group.name, group.breaker)).collect();
    assert_eq!(phases, [("default", Phase::Closed), ("search", Phase::Open)]);
    assert_eq!(world.count(), 14);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_permit_while_it_opens_is_refused_without_being_sent() {
    let world = world(policy(), |_, _| ok().after(Duration::from_mins(1)));
    let call = read();
    let results = join_all((0..200).map(|_| world.call(&call))).await;
    let open = results.iter().filter(|one| matches!(one, Err(BackendError::BreakerOpen { .. })));
    assert_eq!((world.count(), open.count()), (64, 136));
    assert_eq!(world.began.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_files_leaves_what_is_known_of_backends_that_have_not_changed() {
    let world = world(policy(), |_, _| status(503));
    calls(&world, 4).await;
    let again = || {
        graph(Backend { policy: policy(), concurrency: 64, ..backend("http://billing.example") })
    };
    let wire: MemoryWire = Arc::new(|_| async { panic!("nothing is sent") }.boxed());
    let kept = Backends::in_memory(again(), &wire).keeping(&world.backends);
    let later = Instant::now() + Duration::from_mins(1);
    let error = kept.call(&read(), Given::default().inputs(), later).await.unwrap_err();
    assert!(matches!(error, BackendError::BreakerOpen { .. }));
    assert_eq!((kept.figures()[0].calls, kept.figures()[0].groups[0].opened), (5, 1));
    let moved = graph(Backend { policy: policy(), ..backend("http://elsewhere.example") });
    let fresh = Backends::in_memory(moved, &wire).keeping(&world.backends);
    assert_eq!(fresh.figures()[0].groups[0].breaker, Phase::Closed);
}

#[tokio::test(start_paused = true)]
async fn figures_are_there_before_the_first_call() {
    let world = world(policy(), |_, _| ok());
    let (figures, group) = (world.figures(), world.group());
    assert_eq!((figures.calls, figures.attempts, figures.limit, figures.waiting), (0, 0, 64, 0));
    assert_eq!((&*figures.role, &*group.name, group.breaker.number()), ("billing", "default", 0));
    assert_eq!(figures.outcomes.iter().map(|one| one.1).sum::<u64>(), 0);
}
