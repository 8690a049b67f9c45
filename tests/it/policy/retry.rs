//! Which calls are tried again, how often, when, and what all of it adds to a backend's load.

use std::time::Duration;

use cyclorama::error::{BackendError, ErrorCode};
use cyclorama::graph::*;
use cyclorama::mapping::Path;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{Reply, answer, ok, once, read, reset, status, world, write};
use crate::transport::Given;

fn usual() -> Policy {
    Policy::default()
}

/// No breaker in the way.
fn unbroken(policy: Policy) -> Policy {
    let breaker = BreakerPolicy { enabled: false, ..BreakerPolicy::default() };
    Policy { groups: vec![GroupPolicy { breaker, ..GroupPolicy::default() }], ..policy }
}

#[tokio::test(start_paused = true)]
async fn a_failed_read_is_tried_three_times_and_a_read_that_comes_right_is_answered() {
    let world = world(usual(), |_, _| status(503));
    let error = world.call(&read()).await.unwrap_err();
    assert_eq!((error.code(), world.count()), (ErrorCode::BackendUnavailable, 3));
    let world = super::world(usual(), |number, _| if number < 2 { reset() } else { ok() });
    world.call(&read()).await.unwrap();
    let figures = world.figures();
    assert_eq!((figures.calls, figures.attempts, figures.retries), (1, 3, 2));
}

#[tokio::test(start_paused = true)]
async fn every_status_that_another_attempt_could_help_is_tried_again_and_no_other() {
    for (code, attempts) in [
        (500, 3),
        (502, 3),
        (503, 3),
        (504, 3),
        (408, 3),
        (429, 3),
        (400, 1),
        (401, 1),
        (403, 1),
        (404, 1),
        (409, 1),
        (422, 1),
        (501, 1),
    ] {
        let world = world(usual(), move |_, _| status(code));
        world.call(&read()).await.unwrap_err();
        assert_eq!(world.count(), attempts, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mutation_is_sent_once_unless_it_is_named_or_idempotent() {
    let once = world(usual(), |_, _| status(503));
    once.call(&write()).await.unwrap_err();
    assert_eq!(once.count(), 1);
    let idempotent = world(usual(), |number, _| if number < 2 { reset() } else { ok() });
    idempotent.call(&Call { is_idempotent: true, ..write() }).await.unwrap();
    assert_eq!(idempotent.headers("idempotency-key"), [None, None, None]);
    let named = world(usual(), |number, _| if number < 2 { reset() } else { ok() });
    let mut call = write();
    call.idempotency_header = Some("idempotency-key".into());
    named.call(&call).await.unwrap();
    named.call(&call).await.unwrap();
    let keys = named.headers("idempotency-key");
    assert_eq!(keys.len(), 4);
    assert!(keys[0].is_some() && keys[0] == keys[1] && keys[1] == keys[2] && keys[2] != keys[3]);
}

#[tokio::test(start_paused = true)]
async fn a_named_mutation_whose_answers_never_came_has_an_unknown_outcome_and_one_that_is_refused_has_not()
 {
    let mut call = write();
    call.idempotency_header = Some("idempotency-key".into());
    let silent = world(usual(), |_, _| reset());
    let error = silent.call(&call).await.unwrap_err();
    assert_eq!((error.code(), silent.count()), (ErrorCode::OutcomeUnknown, 3));
    let refused = world(usual(), |number, _| if number == 0 { reset() } else { status(409) });
    let error = refused.call(&call).await.unwrap_err();
    assert_eq!((error.code(), refused.count()), (ErrorCode::BackendRejected, 2));
    let unreachable = world(usual(), |number, _| {
        if number == 0 {
            reset()
        } else {
            Reply(Duration::ZERO, Err(BackendError::Connect { source: "refused".into() }))
        }
    });
    let error = unreachable.call(&call).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn waits_grow_and_are_never_longer_than_their_stretch() {
    for _ in 0..50 {
        let world = world(usual(), |_, _| status(503));
        world.call(&read()).await.unwrap_err();
        let times = world.times();
        assert!(times[1] - times[0] <= 51 && times[2] - times[1] <= 101, "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_now_without_a_time_waits_at_least_half_a_second() {
    let world = world(usual(), |_, _| status(429));
    let error = world.call(&read()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::BackendRateLimited);
    let times = world.times();
    assert!((500..=1_001).contains(&(times[1] - times[0])), "{times:?}");
    assert!((1_000..=2_001).contains(&(times[2] - times[1])), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_in_both_forms_and_capped() {
    for (code, headers, wait) in [
        (429, &[("retry-after", "7")][..], 7_000),
        (503, &[("retry-after", "2")], 2_000),
        (
            429,
            &[
                ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"),
            ],
            10_000,
        ),
        (429, &[("retry-after", "86400")], 60_000),
    ] {
        let headers: Vec<(&'static str, &'static str)> = headers.to_vec();
        let world = world(
            usual(),
            move |number, _| {
                if number == 0 { answer(code, &headers, "{}") } else { ok() }
            },
        );
        world.call_within(&read(), Duration::from_mins(10)).await.unwrap();
        let times = world.times();
        assert!((wait..=wait + 51).contains(&(times[1] - times[0])), "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_attempt_is_made_past_the_deadline_and_nobody_waits_for_one_that_will_not_be() {
    let world = world(usual(), |_, _| answer(429, &[("retry-after", "30")], "{}"));
    let error = world.call_within(&read(), Duration::from_secs(15)).await.unwrap_err();
    assert_eq!((error.code(), world.count()), (ErrorCode::BackendRateLimited, 1));
    assert_eq!(world.began.elapsed(), Duration::ZERO);
    let slow = super::world(usual(), |_, _| status(503).after(Duration::from_secs(4)));
    let error = slow.call_within(&read(), Duration::from_secs(10)).await.unwrap_err();
    assert_eq!((error.code(), slow.count()), (ErrorCode::DeadlineExceeded, 3));
    assert_eq!(slow.began.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn backends_are_told_how_long_their_answer_is_waited_for() {
    let world = world(usual(), |_, _| status(503).after(Duration::from_secs(3)));
    let mut call = read();
    call.timeout = Duration::from_secs(5);
    world.call_within(&call, Duration::from_secs(7)).await.unwrap_err();
    let told: Vec<u64> = world
        .headers("x-request-timeout-ms")
        .into_iter()
        .map(|told| told.unwrap().parse().unwrap())
        .collect();
    assert_eq!((told.len(), told[0]), (3, 5_000));
    assert!((3_940..=4_000).contains(&told[1]) && told[2] <= 1_000, "{told:?}");
    let silent = super::world(Policy { deadline_header: None, ..once() }, |_, _| ok());
    silent.call(&read()).await.unwrap();
    assert_eq!(silent.headers("x-request-timeout-ms"), [None]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_the_next_attempt_holds_no_permit() {
    let world =
        world(
            usual(),
            |number, _| if number == 0 { answer(503, &[("retry-after", "9")], "{}") } else { ok() },
        );
    let call = read();
    let mut first = Box::pin(world.call(&call));
    assert!(futures_util::poll!(first.as_mut()).is_pending());
    assert_eq!((world.count(), world.figures().in_flight), (1, 0));
    first.await.unwrap();
}

/// Two thousand calls over ten seconds, all of which fail.
#[tokio::test(start_paused = true)]
async fn the_load_on_a_failing_backend_is_never_above_a_fifth_more_and_ten_a_second() {
    let world = world(unbroken(usual()), |_, _| status(503));
    let call = read();
    let calls = (0..2_000_u64).map(|number| {
        let (world, call) = (&world, &call);
        async move {
            sleep(Duration::from_millis(number * 5)).await;
            world.call(call).await.unwrap_err();
        }
    });
    join_all(calls).await;
    let seconds = world.began.elapsed().as_secs() + 1;
    let most = 2_400 + 10 * usize::try_from(seconds).unwrap();
    assert!((2_300..=most).contains(&world.count()), "{} in {seconds} s", world.count());
    let figures = world.figures();
    assert_eq!(figures.attempts, 2_000 + figures.retries);
    assert!(figures.retries_denied > 1_000, "{figures:?}");
}

#[tokio::test(start_paused = true)]
async fn a_storm_at_one_moment_gets_its_share_and_no_more() {
    let world = world(unbroken(usual()), |_, _| status(500));
    let call = read();
    join_all((0..100).map(|_| world.call(&call))).await;
    assert!((125..=130).contains(&world.count()), "{}", world.count());
}

#[tokio::test(start_paused = true)]
async fn codes_that_the_vendor_file_declares_are_what_it_says_whatever_the_status() {
    let mut call = read();
    call.errors.throttled = vec!["EXCEEDED_*".into(), "SSS_REQUEST_LIMIT_EXCEEDED".into()];
    call.errors.unavailable = vec!["SERVER_DOWN".into()];
    let body = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#);
    for (status, code, told, attempts) in [
        (400, "SSS_REQUEST_LIMIT_EXCEEDED", ErrorCode::BackendRateLimited, 3),
        (403, "EXCEEDED_QUOTA", ErrorCode::BackendRateLimited, 3),
        (400, "SERVER_DOWN", ErrorCode::BackendUnavailable, 3),
        (400, "INVALID_FIELD", ErrorCode::BackendRejected, 1),
    ] {
        let text = body(code);
        let world = world(usual(), move |_, _| answer(status, &[], &text));
        let error = world.call(&call).await.unwrap_err();
        assert_eq!(
            (error.code(), error.backend_code(), world.count()),
            (told, Some(code), attempts)
        );
    }
    // an answer that says it in status 200
    let path = Path::parse(".data").unwrap();
    call.success = Some(Predicate { path, is: Vec::new(), is_not: Vec::new() });
    let text = body("EXCEEDED_CONCURRENCY");
    let world = world(usual(), move |_, _| answer(200, &[], &text));
    let error = world.call(&call).await.unwrap_err();
    assert_eq!((error.code(), world.count()), (ErrorCode::BackendRateLimited, 3));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_its_caller_leaves_is_not_tried_again() {
    let world = world(usual(), |_, _| status(503));
    let call = read();
    let given = Given::default();
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut running = Box::pin(world.backends.call(&call, given.inputs(), deadline));
    assert!(futures_util::poll!(running.as_mut()).is_pending());
    drop(running);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(world.count(), 1);
}
