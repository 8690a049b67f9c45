//! Access tokens: got once for all who need one, kept while they are good, renewed when the backend refuses them, never told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use cyclorama::error::{ErrorCode, chain};
use cyclorama::graph::*;
use cyclorama::transport::WireRequest;
use futures_util::future::join_all;
use tokio::time::advance;

use super::{Reply, World, answer, ok, read, status, world_of, write};
use crate::transport::backend;

const TOKEN_URL: &str = "http://login.example/oauth2/token";

fn client() -> ClientCredentials {
    ClientCredentials {
        token_url: TOKEN_URL.into(),
        client_id: "gate:way".into(),
        client_secret: "s3cret value".into(),
        scope: None,
        in_body: false,
    }
}

fn is_token(request: &WireRequest) -> bool {
    request.url == TOKEN_URL
}

/// A backend of these credentials; `token` answers the request of a token, `reply` the others, with the token that they have.
fn world_with(
    client: ClientCredentials,
    token: impl Fn(usize) -> Reply + Send + Sync + 'static,
    reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> World {
    let tokens = AtomicUsize::new(0);
    let backend = Backend {
        auth: Auth::ClientCredentials(Arc::new(client)),
        policy: Policy::default(),
        concurrency: 64,
        ..backend("http://billing.example")
    };
    world_of(backend, move |_, request| {
        if is_token(request) {
            token(tokens.fetch_add(1, Ordering::Relaxed))
        } else {
            reply(request.header("authorization").unwrap_or_default())
        }
    })
}

/// `t0`, then `t1`, …, each good for ten minutes, after a while.
fn granted(number: usize) -> Reply {
    let body = format!(r#"{{"access_token":"t{number}","token_type":"bearer","expires_in":600}}"#);
    let Reply(_, result) = answer(200, &[], &body);
    Reply(Duration::from_millis(100), result)
}

/// How many requests went to the token's address, and to the backend.
fn counts(world: &World) -> (usize, usize) {
    let seen = world.seen.lock().unwrap();
    let tokens = seen.iter().filter(|seen| is_token(&seen.request)).count();
    (tokens, seen.len() - tokens)
}

#[tokio::test(start_paused = true)]
async fn fifty_calls_at_once_get_one_token_and_later_ones_use_it_until_shortly_before_its_end() {
    let world = world_with(client(), granted, |_| ok());
    let call = read();
    for answered in join_all((0..50).map(|_| world.call(&call))).await {
        answered.unwrap();
    }
    assert_eq!(counts(&world), (1, 50));
    let pair = base64::engine::general_purpose::STANDARD.encode("gate%3Away:s3cret%20value");
    let sent = world.headers("authorization");
    assert_eq!(sent[0], Some(format!("Basic {pair}")));
    assert!(sent[1..].iter().all(|sent| sent.as_deref() == Some("Bearer t0")), "{sent:?}");
    assert_eq!(world.seen.lock().unwrap()[0].request.body, "grant_type=client_credentials");
    advance(Duration::from_secs(539)).await;
    world.call(&call).await.unwrap();
    assert_eq!(counts(&world), (1, 51));
    advance(Duration::from_secs(2)).await;
    world.call(&call).await.unwrap();
    assert_eq!(counts(&world), (2, 52));
    assert_eq!(world.headers("authorization")[53].as_deref(), Some("Bearer t1"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once_for_reads_and_changes() {
    for call in [read(), write()] {
        let is_revoked = Arc::new(AtomicBool::new(false));
        let revoked = Arc::clone(&is_revoked);
        let world = world_with(client(), granted, move |token| {
            let is_refused = token == "Bearer t0" && revoked.load(Ordering::Relaxed);
            if is_refused { status(401) } else { ok() }
        });
        world.call(&call).await.unwrap();
        advance(Duration::from_secs(10)).await;
        is_revoked.store(true, Ordering::Relaxed);
        world.call(&call).await.unwrap();
        world.call(&call).await.unwrap();
        assert_eq!(counts(&world), (2, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_refuses_new_tokens_too_is_not_a_reason_to_get_more_of_them() {
    let world = world_with(client(), granted, |_| status(401));
    for asked in 1..=5 {
        let error = world.call(&read()).await.unwrap_err();
        let counts = counts(&world);
        assert_eq!((error.code(), counts), (ErrorCode::BackendUnauthorized, (1, asked)));
        advance(Duration::from_secs(1)).await;
    }
    // an old one may have been taken back
    advance(Duration::from_secs(5)).await;
    world.call(&read()).await.unwrap_err();
    assert_eq!(counts(&world), (2, 7));
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_is_read_however_it_is_written_and_however_long_it_is() {
    for (written, seconds) in [
        ("600", 540),
        ("600.9", 540),
        ("\"600\"", 540),
        ("6e2", 540),
        ("18446744073709551615", 364 * 86_400),
        ("1e300", 364 * 86_400),
    ] {
        let body = format!(r#"{{"access_token":"t","expires_in":{written}}}"#);
        let world = world_with(client(), move |_| answer(200, &[], &body), |_| ok());
        world.call(&read()).await.unwrap();
        advance(Duration::from_secs(seconds - 1)).await;
        world.call(&read()).await.unwrap();
        assert_eq!(counts(&world), (1, 2), "{written}");
        advance(Duration::from_hours(24)).await;
        world.call(&read()).await.unwrap();
        assert_eq!(counts(&world), (2, 3), "{written}");
    }
    for written in ["0", "-5"] {
        let body = format!(r#"{{"access_token":"t","expires_in":{written}}}"#);
        let world = world_with(client(), move |_| answer(200, &[], &body), |_| ok());
        world.call(&read()).await.unwrap();
        world.call(&read()).await.unwrap();
        assert_eq!(counts(&world), (2, 2), "{written}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_refused_are_an_error_of_all_who_wait_and_told_to_nobody() {
    let refused = |_| {
        let body = r#"{"error":"invalid_client","error_description":"canary gate:way s3cret"}"#;
        let Reply(_, result) = answer(401, &[], body);
        Reply(Duration::from_millis(100), result)
    };
    let world = world_with(client(), refused, |_| ok());
    let call = read();
    for answered in join_all((0..20).map(|_| world.call(&call))).await {
        let error = answered.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BackendUnauthorized);
        assert_eq!(error.backend_code(), Some("invalid_client"));
        let told = format!("{} {error:?}", chain(&error));
        assert!(
            !told.contains("s3cret") && !told.contains("canary") && !told.contains("gate"),
            "{told}"
        );
    }
    assert_eq!(counts(&world), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_got_for_now_is_asked_for_again_and_nothing_is_sent_without() {
    let world = world_with(
        client(),
        |number| if number < 2 { status(503) } else { granted(number) },
        |_| ok(),
    );
    world.call(&read()).await.unwrap();
    assert_eq!(counts(&world), (3, 1));
    let world = world_with(client(), |_| status(503), |_| ok());
    let error = world.call(&write()).await.unwrap_err();
    assert_eq!((error.code(), counts(&world)), (ErrorCode::BackendUnavailable, (1, 0)));
    for body in [
        "",
        "{}",
        r#"{"access_token":""}"#,
        r#"{"access_token":"a b"}"#,
        r#"{"access_token":"t","token_type":"mac"}"#,
    ] {
        let world = world_with(client(), move |_| answer(200, &[], body), |_| ok());
        let error = world.call(&read()).await.unwrap_err();
        assert_eq!(
            (error.code(), counts(&world)),
            (ErrorCode::BackendInvalidAnswer, (1, 0)),
            "{body}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_and_scope_may_stand_in_the_body_and_a_token_without_an_end_is_used_until_it_is_refused()
 {
    let client = ClientCredentials { scope: Some("api refresh".into()), in_body: true, ..client() };
    let world = world_with(client, |_| answer(200, &[], r#"{"access_token":"t"}"#), |_| ok());
    world.call(&read()).await.unwrap();
    advance(Duration::from_hours(100)).await;
    world.call(&read()).await.unwrap();
    assert_eq!(counts(&world), (1, 2));
    assert_eq!(world.headers("authorization")[0], None);
    let body = world.seen.lock().unwrap()[0].request.body.clone();
    assert_eq!(
        body,
        "grant_type=client_credentials&scope=api%20refresh&client_id=gate%3Away&client_secret=s3cret%20value"
    );
}
