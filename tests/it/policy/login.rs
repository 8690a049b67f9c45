//! The breaker, and where access tokens come from: a login that is down is a backend that is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cyclorama::backend::figures::Phase;
use cyclorama::error::ErrorCode;
use cyclorama::graph::*;
use futures_util::future::join_all;
use tokio::time::{Instant, advance};

use super::{Reply, World, answer, ok, once, read, status, world_of};
use crate::transport::backend;

const TOKEN_URL: &str = "http://login.example/token";
const NEVER: Duration = Duration::from_hours(1);

/// A backend that is well; its login answers as it is told, by the number of the request.
fn world(policy: Policy, login: impl Fn(usize) -> Reply + Send + Sync + 'static) -> World {
    let client = ClientCredentials {
        token_url: TOKEN_URL.into(),
        client_id: "gateway".into(),
        client_secret: "s3cret".into(),
        scope: None,
        in_body: false,
    };
    let auth = Auth::ClientCredentials(Arc::new(client));
    let backend = Backend { auth, policy, concurrency: 64, ..backend("http://billing.example") };
    let asked = AtomicUsize::new(0);
    world_of(backend, move |_, request| match &*request.url {
        TOKEN_URL => login(asked.fetch_add(1, Ordering::Relaxed)),
        _ => ok(),
    })
}

fn granted() -> Reply {
    answer(200, &[], r#"{"access_token":"t"}"#)
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_down_opens_the_breaker_which_then_answers_at_once_until_a_probe_is_well() {
    for (down, code) in
        [(None, ErrorCode::BackendTimeout), (Some(503), ErrorCode::BackendUnavailable)]
    {
        let world = world(once(), move |number| match down {
            _ if number >= 10 => granted(),
            None => granted().after(NEVER),
            Some(failed) => status(failed),
        });
        for _ in 0..10 {
            assert_eq!(world.call(&read()).await.unwrap_err().code(), code);
        }
        assert_eq!((world.group().breaker, world.count()), (Phase::Open, 10));
        let began = Instant::now();
        let error = world.call(&read()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BackendUnavailable);
        assert_eq!((began.elapsed(), world.count()), (Duration::ZERO, 10));
        advance(Duration::from_secs(5)).await;
        for _ in 0..2 {
            world.call(&read()).await.unwrap();
        }
        assert_eq!((world.group().breaker, world.count()), (Phase::Closed, 13));
    }
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_a_login_that_gives_no_answer_have_lost_the_time() {
    let world = world(once(), |_| granted().after(NEVER));
    let call = read();
    join_all((0..10).map(|_| world.call(&call))).await;
    assert_eq!((world.group().breaker, world.count()), (Phase::Open, 1));
}

#[tokio::test(start_paused = true)]
async fn one_failure_of_a_login_is_one_however_many_wait_and_all_of_them_try_again() {
    let budget = BudgetPolicy { percent: 20, per_second: 100 };
    let retry = RetryPolicy { budget, ..RetryPolicy::default() };
    let policy = Policy { retry, ..Policy::default() };
    let world = world(policy, |number| match number {
        0 => status(503).after(Duration::from_millis(100)),
        _ => granted(),
    });
    let call = read();
    for answered in join_all((0..30).map(|_| world.call(&call))).await {
        answered.unwrap();
    }
    assert_eq!((world.group().opened, world.count()), (0, 32));
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_refused_open_no_breaker_and_keep_their_own_code() {
    let world = world(once(), |_| status(401));
    for _ in 0..50 {
        let error = world.call(&read()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BackendUnauthorized);
    }
    assert_eq!((world.group().opened, world.count()), (0, 50));
}
