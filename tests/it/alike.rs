//! Operations that ask the same at the same time run once, and never for somebody else.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use cyclorama::principal::Principal;
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::testkit::{Deployment, Gateway, codes, customer_id};

const QUERY: &str =
    "query($n: Int) { customers(first: $n) { nodes { name tickets { subject } } } }";

/// Nothing is kept, and the second step of an operation waits until it is let go.
fn held() -> (Gateway, Arc<Notify>) {
    let uncached = "deadline: 10s\ncache: { enabled: false }";
    let gateway = Deployment::new().change("cyclorama.yaml", "deadline: 10s", uncached).start();
    let gate = gateway.world(|world| world.hold("support"));
    (gateway, gate)
}

fn caller(change: impl FnOnce(&mut Principal)) -> Principal {
    let mut caller = Principal::anonymous();
    change(&mut caller);
    caller
}

async fn ask(gateway: &Gateway, customers: usize) -> Value {
    gateway.query_with(QUERY, json!({ "n": customers })).await
}

#[tokio::test]
async fn an_operation_that_asks_what_another_one_is_asking_makes_no_call() {
    let (gateway, gate) = held();
    let first = ask(&gateway, 8);
    tokio::pin!(first);
    assert!(futures_util::poll!(&mut first).is_pending());
    assert_eq!(gateway.calls().len(), 2);
    let second = ask(&gateway, 8);
    tokio::pin!(second);
    assert!(futures_util::poll!(&mut second).is_pending());
    gate.notify_waiters();
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first, second);
    assert_eq!(first["data"]["customers"]["nodes"].as_array().map(Vec::len), Some(8));
    assert_eq!(gateway.calls().len(), 0);
}

#[tokio::test]
async fn it_goes_on_when_the_one_that_began_it_leaves() {
    let (gateway, gate) = held();
    let stays = ask(&gateway, 8);
    tokio::pin!(stays);
    {
        let leaves = ask(&gateway, 8);
        tokio::pin!(leaves);
        assert!(futures_util::poll!(&mut leaves).is_pending());
        assert!(futures_util::poll!(&mut stays).is_pending());
    }
    assert!(futures_util::poll!(&mut stays).is_pending());
    gate.notify_waiters();
    assert_eq!(stays.await.get("errors"), None);
    assert_eq!(gateway.calls().len(), 2);
    // and it is over with the last one
    assert!(futures_util::poll!(std::pin::pin!(ask(&gateway, 8))).is_pending());
    gateway.calls();
    assert!(futures_util::poll!(std::pin::pin!(ask(&gateway, 8))).is_pending());
    assert_eq!(gateway.calls().len(), 2);
}

#[tokio::test]
async fn whoever_is_not_the_same_or_asks_something_else_runs_for_itself() {
    let (gateway, gate) = held();
    let first = ask(&gateway, 8);
    tokio::pin!(first);
    assert!(futures_util::poll!(&mut first).is_pending());
    gateway.calls();
    let text = |text: &str| Arc::<str>::from(text);
    for other in [
        caller(|caller| caller.tenant = text("other")),
        caller(|caller| caller.subject = Some(text("ada"))),
        caller(|caller| caller.scopes.push(text("admin"))),
        caller(|caller| caller.claims.push((text("region"), text("east")))),
        caller(|caller| caller.headers.push((text("x-region"), text("east")))),
    ] {
        let shown = format!("{other:?}");
        let other = gateway.as_caller(other);
        assert!(futures_util::poll!(std::pin::pin!(ask(&other, 8))).is_pending(), "{shown}");
        assert_ne!(gateway.calls().len(), 0, "{shown}");
    }
    assert!(futures_util::poll!(std::pin::pin!(ask(&gateway, 7))).is_pending());
    assert_ne!(gateway.calls().len(), 0);
    gate.notify_waiters();
    assert_eq!(first.await.get("errors"), None);
}

#[tokio::test]
async fn what_began_before_a_mutation_is_not_joined_after_it() {
    let (gateway, gate) = held();
    let old = ask(&gateway, 8);
    tokio::pin!(old);
    assert!(futures_util::poll!(&mut old).is_pending());
    let id = customer_id("c1");
    gateway
        .data(&format!(
            "mutation {{ rename(input: {{ id: \"{id}\", name: \"New\" }}) {{ note }} }}"
        ))
        .await;
    let new = ask(&gateway, 8);
    tokio::pin!(new);
    assert!(futures_util::poll!(&mut new).is_pending());
    gate.notify_waiters();
    let (old, new) = tokio::join!(old, new);
    assert_eq!(old["data"]["customers"]["nodes"][0]["name"], "Customer 1");
    assert_eq!(new["data"]["customers"]["nodes"][0]["name"], "New");
}

#[tokio::test(start_paused = true)]
async fn what_began_longer_ago_than_a_moment_is_not_joined() {
    let (gateway, gate) = held();
    let first = ask(&gateway, 8);
    tokio::pin!(first);
    assert!(futures_util::poll!(&mut first).is_pending());
    assert_eq!(gateway.calls().len(), 2);
    tokio::time::advance(Duration::from_millis(99)).await;
    let soon = ask(&gateway, 8);
    tokio::pin!(soon);
    assert!(futures_util::poll!(&mut soon).is_pending());
    assert_eq!(gateway.calls().len(), 0);
    tokio::time::advance(Duration::from_millis(2)).await;
    let late = ask(&gateway, 8);
    tokio::pin!(late);
    assert!(futures_util::poll!(&mut late).is_pending());
    assert_ne!(gateway.calls().len(), 0);
    gate.notify_waiters();
    let (first, soon, late) = tokio::join!(first, soon, late);
    assert_eq!((first.get("errors"), &first), (None, &soon));
    assert_eq!(first, late);
}

#[tokio::test]
async fn a_panic_ends_everybody_who_waits_and_nobody_who_comes_later() {
    let (gateway, gate) = held();
    gateway.world(|world| world.panics = Some("support".to_owned()));
    let asked = || AssertUnwindSafe(ask(&gateway, 8)).catch_unwind();
    let (first, second) = (asked(), asked());
    tokio::pin!(first, second);
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    gate.notify_waiters();
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err() && second.is_err());
}

#[tokio::test]
async fn an_answer_with_errors_is_that_of_all_who_wait_for_it() {
    let (gateway, gate) = held();
    gateway.world(|world| world.reply("support POST /tickets/search", 400, &json!({})));
    let first = ask(&gateway, 8);
    tokio::pin!(first);
    assert!(futures_util::poll!(&mut first).is_pending());
    let second = ask(&gateway, 8);
    tokio::pin!(second);
    assert!(futures_util::poll!(&mut second).is_pending());
    assert_eq!(gateway.calls().len(), 2);
    gate.notify_waiters();
    let (first, second) = tokio::join!(first, second);
    assert!(!codes(&first).is_empty(), "{first}");
    assert_eq!(first, second);
    assert_eq!(gateway.calls().len(), 0);
}
