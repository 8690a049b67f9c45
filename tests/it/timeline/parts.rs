//! Merged lists in answers that come in parts.

use cyclorama::engine::Format;
use serde_json::{Value, json};

use super::{deployment, some};
use crate::testkit::{customer_id, merged};

fn customer(selection: &str) -> String {
    format!(
        "query ($on: Boolean = true) {{ customer(id: \"{}\") {{ {selection} }} }}",
        customer_id("c2")
    )
}

#[tokio::test]
async fn all_parts_together_are_the_answer_that_comes_whole_for_the_same_calls() {
    for selection in [
        "name ... @defer(if: $on) { events(first: 5) { nodes { title } complete } }",
        "events(first: 5) { nodes { title } ... @defer(if: $on) { complete missingSources pageInfo { endCursor } } }",
        "events(first: 5) { nodes { title ... on OpenEvent { ... @defer(if: $on) { invoice { number customer { name plan } } } } } }",
        "events(first: 5) { nodes @stream(if: $on, initialCount: 2) { title ... on Ticket { customer { name } } } complete }",
        "events(first: 5) { nodes @stream(if: $on, initialCount: 0) { title } }",
        "events(first: 5) { edges @stream(if: $on, initialCount: 1) { cursor node { title ... on DealEvent { deal { name } } } } }",
        "... @defer(if: $on) { events(first: 3) { nodes { title } } } invoices(first: 2) { nodes { number } }",
    ] {
        let gateway = deployment().over(some(9));
        let query = customer(selection);
        let whole = gateway.query_with(&query, json!({ "on": false })).await;
        assert_eq!(whole.get("errors"), None, "{selection}: {whole:#}");
        let calls = gateway.lines();
        let gateway = deployment().over(some(9));
        let parts = gateway.deliver(&query, json!({ "on": true }), Format::Ids).await.all().await;
        assert!(parts.len() > 1, "{selection}: {parts:#?}");
        assert_eq!(merged(&parts, Format::Ids)["data"], whole["data"], "{selection}");
        assert_eq!(gateway.lines(), calls, "{selection}");
    }
}

#[tokio::test]
async fn what_is_not_deferred_waits_for_no_list() {
    let mut world = some(9);
    let gate = world.hold("support");
    let gateway = deployment().over(world);
    let query = customer("name ... @defer(if: $on) { events(first: 1) { nodes { title } } }");
    let mut reader = gateway.deliver(&query, json!({}), Format::Ids).await;
    assert_eq!(reader.next().await["data"], json!({ "customer": { "name": "Customer 2" } }));
    gate.notify_one();
    let rest = reader.next().await;
    assert_eq!(
        rest["incremental"][0]["data"]["events"]["nodes"],
        json!([{ "title": "x8" }]),
        "{rest}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_there_by_the_deadline_is_missing() {
    let mut world = some(9);
    world.pauses.insert("support".to_owned(), std::time::Duration::from_hours(1));
    let gateway = deployment().over(world);
    let query = customer("events { nodes { title } missingSources @include(if: $on) }");
    let answer = gateway.query(&query).await;
    let events = &answer["data"]["customer"]["events"];
    let count = events["nodes"].as_array().map(Vec::len);
    assert_eq!(count, Some(7), "{answer:#}");
    assert_eq!(events["missingSources"], json!(["support"]));
    assert_eq!(answer["errors"][0]["path"], json!(["customer", "events"]));
    assert_ne!(answer["errors"][0]["extensions"]["code"], Value::Null);
}
