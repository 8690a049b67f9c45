//! Records past their time: used when their backend fails or while they are read anew, said to be stale, within bounds, and
//! renewed where the backend says that nothing has changed.

use std::sync::Arc;
use std::time::Duration;

use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, codes, customer_id};

const BATCH: &str = "crm POST /customers/batch";
const WEATHER: &str = "crm GET /weather";

fn customer(key: &str) -> String {
    let id = customer_id(key);
    format!("{{ customer(id: \"{id}\") {{ name sourceStatus {{ system state ageSeconds }} }} }}")
}

fn with(cache: &str) -> Gateway {
    let cache = format!("deadline: 10s\ncache: {{ {cache} }}");
    Deployment::new().change("cyclorama.yaml", "deadline: 10s", &cache).start()
}

async fn after(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// What the CRM is said to have contributed: its state, and its age.
fn told(answer: &Value) -> (&str, Option<u64>) {
    let status = answer["data"]["customer"]["sourceStatus"].as_array().unwrap();
    let crm = status.iter().find(|one| one["system"] == "crm").unwrap();
    (crm["state"].as_str().unwrap(), crm["ageSeconds"].as_u64())
}

fn name(answer: &Value) -> &str {
    answer["data"]["customer"]["name"].as_str().unwrap_or("none")
}

fn fail(gateway: &Gateway, status: u16) {
    gateway.world(|world| world.reply(BATCH, status, &json!({})));
}

/// The answer of every such call, with more headers.
fn headed(gateway: &Gateway, line: &str, status: u16, body: &Value, headers: &[(&str, &str)]) {
    gateway.world(|world| {
        world.reply(line, status, body);
        if let Some(Ok(reply)) = world.replies.get_mut(line) {
            reply.headers.extend(cyclorama::transport::fields(headers.iter().copied()));
        }
    });
}

fn one_item() -> Value {
    json!({ "items": [{ "id": "c1", "name": "Customer 1" }] })
}

#[tokio::test(start_paused = true)]
async fn when_its_backend_fails_a_record_is_used_past_its_time_and_no_longer_than_the_bound() {
    let gateway = Deployment::new().start();
    assert_eq!(told(&gateway.query(&customer("c1")).await), ("OK", Some(0)));
    for status in [500, 502, 503, 504, 429] {
        after(31).await;
        fail(&gateway, status);
        let answer = gateway.query(&customer("c1")).await;
        assert_eq!((name(&answer), answer.get("errors")), ("Customer 1", None), "{answer:#}");
        assert_eq!(told(&answer).0, "STALE", "{status}");
    }
    assert_eq!(told(&gateway.query(&customer("c1")).await).1, Some(155));
    gateway.world(|world| world.break_wire(BATCH));
    // 30 seconds in time, and five minutes past it
    after(174).await;
    assert_eq!(told(&gateway.query(&customer("c1")).await), ("STALE", Some(329)));
    after(1).await;
    let answer = gateway.query(&customer("c1")).await;
    assert_eq!((told(&answer).0, codes(&answer)), ("UNAVAILABLE", vec!["BACKEND_UNAVAILABLE"]));
    gateway.world(|world| world.replies.clear());
    assert_eq!(told(&gateway.query(&customer("c1")).await), ("OK", Some(0)));
    assert_eq!(gateway.engine.cache_counts().bridged, 7);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_is_bridged_when_its_time_is_up() {
    let by_id = "by_id:\n    post: /customers/batch";
    let timed = format!("{by_id}\n    timeout: 2s");
    let gateway = Deployment::new().change("resolvers/crm/test.yaml", by_id, &timed).start();
    gateway.query(&customer("c1")).await;
    after(31).await;
    gateway.world(|world| world.pauses.insert(BATCH.to_owned(), Duration::from_hours(1)));
    assert_eq!(told(&gateway.query(&customer("c1")).await).0, "STALE");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_until_the_operation_is_over_is_bridged_then() {
    let gateway = Deployment::new().start();
    let query = customer("c1").replace("name", "name tickets { subject }");
    let alive = gateway.query(&query).await;
    after(31).await;
    // the CRM answers late, so that support's own time would end after the operation's
    gateway.world(|world| {
        world.pauses.insert("crm".to_owned(), Duration::from_secs(4));
        world.pauses.insert("support".to_owned(), Duration::from_hours(1));
    });
    let began = tokio::time::Instant::now();
    let answer = gateway.query(&query).await;
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    assert_eq!(answer["data"]["customer"]["tickets"], alive["data"]["customer"]["tickets"]);
    assert_eq!(answer.get("errors"), None, "{answer:#}");
}

#[tokio::test(start_paused = true)]
async fn what_a_backend_refuses_is_never_answered_from_the_past() {
    for status in [400, 401, 403] {
        let gateway = Deployment::new().start();
        gateway.query(&customer("c1")).await;
        after(31).await;
        fail(&gateway, status);
        let answer = gateway.query(&customer("c1")).await;
        assert_eq!((name(&answer), codes(&answer).len()), ("none", 1), "{status}: {answer:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn that_something_does_not_exist_is_never_told_past_its_time() {
    let gateway = Deployment::new().start();
    let answer = gateway.query(&customer("nobody")).await;
    assert_eq!(answer, json!({ "data": { "customer": null } }));
    after(6).await;
    fail(&gateway, 503);
    assert_eq!(codes(&gateway.query(&customer("nobody")).await), ["BACKEND_UNAVAILABLE"]);
}

#[tokio::test(start_paused = true)]
async fn a_backend_says_how_long_within_the_bound_of_the_deployment_and_may_forbid_it() {
    for (said, seconds, state) in [
        ("max-age=10, stale-if-error=20", 29, "STALE"),
        ("max-age=10, stale-if-error=20", 30, "UNAVAILABLE"),
        ("max-age=10, stale-if-error=0", 11, "UNAVAILABLE"),
        ("max-age=10, stale-if-error=86400", 909, "STALE"),
        ("max-age=10, stale-if-error=86400", 910, "UNAVAILABLE"),
        ("max-age=10, must-revalidate, stale-if-error=20", 11, "UNAVAILABLE"),
        ("no-cache, stale-if-error=20", 1, "UNAVAILABLE"),
        ("no-store, stale-if-error=20", 1, "UNAVAILABLE"),
    ] {
        let gateway = Deployment::new().start();
        headed(&gateway, BATCH, 200, &one_item(), &[("cache-control", said)]);
        gateway.query(&customer("c1")).await;
        after(seconds).await;
        fail(&gateway, 503);
        assert_eq!(told(&gateway.query(&customer("c1")).await).0, state, "{said} after {seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_says_how_long_before_its_backend_does_and_a_bound_of_nothing_is_none() {
    let by_id = "by_id:\n    post: /customers/batch";
    let longer = Deployment::new()
        .change("resolvers/crm/test.yaml", by_id, &format!("{by_id}\n    stale_if_error: 10m"))
        .start();
    headed(&longer, BATCH, 200, &one_item(), &[("cache-control", "max-age=30, stale-if-error=1")]);
    longer.query(&customer("c1")).await;
    after(629).await;
    fail(&longer, 503);
    assert_eq!(told(&longer.query(&customer("c1")).await).0, "STALE");

    let never = with("stale_max: 0s, stale_if_error: 0s");
    headed(&never, BATCH, 200, &one_item(), &[("cache-control", "max-age=30, stale-if-error=60")]);
    never.query(&customer("c1")).await;
    after(31).await;
    fail(&never, 503);
    assert_eq!(told(&never.query(&customer("c1")).await).0, "UNAVAILABLE");
}

#[tokio::test(start_paused = true)]
async fn no_record_of_another_tenant_is_used_in_its_place() {
    let gateway = Deployment::new().start();
    let tenant = |name: &str| {
        gateway.as_caller(Principal { tenant: Arc::from(name), ..Principal::anonymous() })
    };
    let (one, other) = (tenant("one"), tenant("other"));
    one.query(&customer("c1")).await;
    after(31).await;
    fail(&gateway, 503);
    assert_eq!(told(&one.query(&customer("c1")).await).0, "STALE");
    assert_eq!(codes(&other.query(&customer("c1")).await), ["BACKEND_UNAVAILABLE"]);
}

#[tokio::test(start_paused = true)]
async fn while_it_is_read_anew_a_record_is_given_out_at_once_and_read_once_for_all() {
    let gateway = with("stale_while_revalidate: 1m");
    gateway.query(&customer("c1")).await;
    gateway.calls();
    after(31).await;
    gateway.world(|world| {
        world.customers[0]["name"] = json!("Renamed");
        world.hold(BATCH);
    });
    // the backend does not answer yet, and nobody waits for it
    for _ in 0..3 {
        let answer = gateway.query(&customer("c1")).await;
        assert_eq!((name(&answer), told(&answer)), ("Customer 1", ("STALE", Some(31))));
    }
    while !gateway.were_called(1) {
        tokio::task::yield_now().await;
    }
    gateway.world(|world| world.gates[BATCH].notify_one());
    while name(&gateway.query(&customer("c1")).await) != "Renamed" {
        tokio::task::yield_now().await;
    }
    assert_eq!(told(&gateway.query(&customer("c1")).await), ("OK", Some(0)));
    assert_eq!(gateway.lines(), [BATCH]);

    // past the bound it is waited for
    gateway.world(|world| {
        world.gates.clear();
        world.customers[0]["name"] = json!("Renamed again");
    });
    after(91).await;
    assert_eq!(name(&gateway.query(&customer("c1")).await), "Renamed again");
}

#[tokio::test(start_paused = true)]
async fn a_backend_may_ask_to_be_read_anew_behind_what_is_given_out() {
    let gateway = Deployment::new().start();
    let said = [("cache-control", "max-age=10, stale-while-revalidate=20")];
    headed(&gateway, BATCH, 200, &one_item(), &said);
    gateway.query(&customer("c1")).await;
    after(29).await;
    assert_eq!(told(&gateway.query(&customer("c1")).await).0, "STALE");
}

#[tokio::test(start_paused = true)]
async fn what_a_mutation_dropped_is_not_used_past_its_time() {
    let gateway = with("stale_while_revalidate: 5m");
    gateway.query(&customer("c1")).await;
    after(31).await;
    let rename = format!(
        "mutation {{ rename(input: {{ id: \"{}\", name: \"New\" }}) {{ note }} }}",
        customer_id("c1")
    );
    gateway.query(&rename).await;
    fail(&gateway, 503);
    assert_eq!(codes(&gateway.query(&customer("c1")).await), ["BACKEND_UNAVAILABLE"]);
}

const SKY: &str = "{ weather(place: \"here\") }";

/// The headers by which the last call asked for another answer than the one that is known.
fn asked(gateway: &Gateway) -> Vec<(String, String)> {
    let calls = gateway.calls();
    let [call] = calls.as_slice() else { panic!("{calls:#?}") };
    let is_one = |(name, _): &&(String, String)| name.starts_with("if-");
    call.headers.iter().filter(is_one).cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn what_its_backend_says_is_unchanged_is_in_time_again_without_being_sent_again() {
    let gateway = Deployment::new().start();
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let known = [("etag", "W/\"a1\""), ("last-modified", date)];
    headed(&gateway, WEATHER, 200, &json!({ "sky": "clear" }), &known);
    gateway.data(SKY).await;
    assert_eq!(asked(&gateway), []);
    for _ in 0..2 {
        after(31).await;
        headed(&gateway, WEATHER, 304, &Value::Null, &[]);
        assert_eq!(gateway.data(SKY).await["weather"], "clear");
        let pairs = [("if-none-match", "W/\"a1\""), ("if-modified-since", date)];
        assert_eq!(asked(&gateway), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        after(29).await;
        assert_eq!(gateway.data(SKY).await["weather"], "clear");
        assert_eq!(gateway.calls().len(), 0);
    }
    assert_eq!(gateway.engine.cache_counts().renewed, 2);
    // what has changed comes with the same question
    after(31).await;
    headed(&gateway, WEATHER, 200, &json!({ "sky": "cloudy" }), &[("last-modified", "yesterday")]);
    assert_eq!(gateway.data(SKY).await["weather"], "cloudy");
    assert_eq!(asked(&gateway).len(), 2);
    // and what is no date is never sent back
    after(31).await;
    gateway.data(SKY).await;
    assert_eq!(asked(&gateway), []);
}

#[tokio::test(start_paused = true)]
async fn that_nothing_has_changed_is_only_believed_of_a_backend_that_was_asked() {
    let gateway = Deployment::new().start();
    headed(&gateway, WEATHER, 304, &Value::Null, &[]);
    assert_eq!(codes(&gateway.query(SKY).await), ["BACKEND_INVALID_ANSWER"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_several_keys_and_a_post_are_asked_without_conditions() {
    let gateway = Deployment::new().start();
    headed(&gateway, BATCH, 200, &one_item(), &[("etag", "\"a1\"")]);
    gateway.query(&customer("c1")).await;
    gateway.calls();
    after(31).await;
    gateway.query(&customer("c1")).await;
    assert_eq!(asked(&gateway), []);
}
