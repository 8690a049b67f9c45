//! Second requests beside slow reads: when they go out, what they gain, what they cost.

use std::time::Duration;

use cyclorama::graph::*;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::{World, ok, once, read, reset, status, world, write};

fn hedged() -> Policy {
    let hedge = HedgePolicy { enabled: true, ..HedgePolicy::default() };
    Policy { hedge, ..Policy::default() }
}

/// How long each of many calls took, one after the other.
async fn latencies(world: &World, count: usize) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..count {
        let began = Instant::now();
        world.call(&read()).await.unwrap();
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took
}

/// One of a hundred requests takes a second, the others twenty milliseconds.
fn bimodal(policy: Policy) -> World {
    world(policy, |number, _| {
        ok().after(Duration::from_millis(if number % 100 == 99 { 1_000 } else { 20 }))
    })
}

#[tokio::test(start_paused = true)]
async fn the_slowest_of_a_hundred_are_five_times_faster_for_a_twentieth_more() {
    let plain = bimodal(once());
    latencies(&plain, 200).await;
    let slow = latencies(&plain, 2_000).await[1_985];
    let world = bimodal(hedged());
    latencies(&world, 200).await;
    let fast = latencies(&world, 2_000).await[1_985];
    assert!(fast * 5 <= slow, "{fast:?} of {slow:?}");
    let figures = world.figures();
    assert_eq!(figures.attempts, figures.calls + figures.hedges);
    assert!(figures.hedges > 10 && figures.hedges * 20 <= figures.calls, "{figures:?}");
    assert!(figures.hedges_won * 10 >= figures.hedges * 9, "{figures:?}");
}

#[tokio::test(start_paused = true)]
async fn the_slower_of_the_two_is_given_up_and_no_permit_stays_out() {
    let world = bimodal(hedged());
    latencies(&world, 199).await;
    latencies(&world, 1).await;
    let figures = world.figures();
    assert_eq!((figures.hedges, figures.hedges_won, figures.in_flight), (1, 1, 0));
    let given_up = figures.outcomes.iter().find(|one| one.0.as_str() == "given_up").unwrap().1;
    assert_eq!(given_up, 1);
}

#[tokio::test(start_paused = true)]
async fn when_everything_is_slow_no_more_than_a_twentieth_goes_out_twice() {
    let world = world(hedged(), |number, _| {
        ok().after(Duration::from_millis(if number < 200 { 20 } else { 500 }))
    });
    latencies(&world, 200).await;
    let call = read();
    for _ in 0..20 {
        join_all((0..50).map(|_| world.call(&call))).await;
    }
    let figures = world.figures();
    assert!(figures.hedges * 20 <= figures.calls, "{figures:?}");
    assert!(figures.hedges_denied > 10, "{figures:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_hedged_is_never_repeated() {
    let world = world(hedged(), |number, _| match number {
        0..=199 => ok().after(Duration::from_millis(20)),
        _ => reset().after(Duration::from_secs(1)),
    });
    latencies(&world, 200).await;
    world.call(&read()).await.unwrap_err();
    assert_eq!((world.count(), world.figures().retries), (202, 0));
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_is_used_also_when_the_other_failed_before() {
    let world = world(hedged(), |number, _| match number {
        0..=199 => ok().after(Duration::from_millis(20)),
        200 => ok().after(Duration::from_millis(300)),
        _ => status(503).after(Duration::from_millis(5)),
    });
    latencies(&world, 200).await;
    world.call(&read()).await.unwrap();
    let figures = world.figures();
    assert_eq!((world.count(), figures.hedges, figures.hedges_won), (202, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn mutations_and_first_calls_are_never_hedged() {
    let world = world(hedged(), |_, _| ok().after(Duration::from_secs(1)));
    for _ in 0..150 {
        world.call(&write()).await.unwrap();
    }
    let slow = super::world(hedged(), |_, _| ok().after(Duration::from_secs(1)));
    latencies(&slow, 90).await;
    assert_eq!((world.count(), slow.count()), (150, 90));
}
