//! `@stream` over lists that are drained page by page: the items leave with their page.

use std::sync::Arc;

use cyclorama::engine::Format;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::testkit::{Deployment, Gateway, World, customer_id, merged};

/// Customer 1 has eight tickets, on four pages that are let through one by one.
fn held() -> (Gateway, Arc<Notify>) {
    let mut world = World { ticket_pages: 4, ..World::default() };
    let gate = world.hold("support");
    (Deployment::new().with_pages_of_tickets().over(world), gate)
}

fn customer(selection: &str) -> String {
    format!("{{ customer(id: \"{}\") {{ {selection} }} }}", customer_id("c1"))
}

/// Goes on until so many calls were made.
async fn until(gateway: &Gateway, calls: usize) {
    for _ in 0..1_000 {
        if gateway.were_called(calls) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{:?}", gateway.lines());
}

fn subjects(items: &Value) -> Vec<&str> {
    items.as_array().expect("items").iter().map(|item| item["subject"].as_str().unwrap()).collect()
}

const SUPPORT: &str = "support POST /tickets/search";

#[tokio::test]
async fn the_items_of_a_page_leave_as_soon_as_the_page_is_there() {
    for format in [Format::Ids, Format::Paths] {
        let (gateway, gate) = held();
        let query = customer("tickets @stream { subject }");
        gate.notify_one();
        let mut reader = gateway.deliver(&query, json!({}), format).await;
        let mut payloads = vec![reader.next().await];
        assert_eq!(payloads[0]["data"], json!({ "customer": { "tickets": [] } }));
        for page in 0..4 {
            if page > 0 {
                gate.notify_one();
            }
            let payload = reader.next().await;
            let brought = &payload["incremental"];
            assert_eq!(brought.as_array().map(Vec::len), Some(1), "{payload}");
            let first = page * 2 + 1;
            let expected = [format!("Ticket {first}"), format!("Ticket {}", first + 1)];
            assert_eq!(subjects(&brought[0]["items"]), expected, "{payload}");
            assert_eq!(payload["hasNext"], page < 3, "{payload}");
            payloads.push(payload);
        }
        assert_eq!(
            gateway.lines(),
            ["crm POST /customers/batch", SUPPORT, SUPPORT, SUPPORT, SUPPORT]
        );
        let answer = merged(&payloads, format);
        assert_eq!(subjects(&answer["data"]["customer"]["tickets"]).len(), 8);
        // what came in parts is kept whole
        let whole = gateway.query(&query).await;
        assert_eq!(whole, answer);
        assert!(gateway.lines().is_empty());
    }
}

#[tokio::test]
async fn so_many_items_as_come_at_once_are_waited_for() {
    let (gateway, gate) = held();
    let query = customer("tickets @stream(initialCount: 3) { subject }");
    let pages = async {
        gate.notify_one();
        until(&gateway, 3).await;
        gate.notify_one();
    };
    let (mut reader, ()) = tokio::join!(gateway.deliver(&query, json!({}), Format::Ids), pages);
    let first = reader.next().await;
    assert_eq!(subjects(&first["data"]["customer"]["tickets"]).len(), 3, "{first}");
    let second = reader.next().await;
    assert_eq!(subjects(&second["incremental"][0]["items"]), ["Ticket 4"]);
    assert_eq!(gateway.lines().len(), 4);
}

#[tokio::test]
async fn a_page_that_fails_ends_its_list_and_what_came_is_kept() {
    for format in [Format::Ids, Format::Paths] {
        let (gateway, gate) = held();
        let query = customer("name tickets @stream { subject }");
        let page = async {
            until(&gateway, 2).await;
            gateway.world(|world| world.reply("support", 500, &json!({})));
            gate.notify_one();
        };
        let (mut reader, ()) = tokio::join!(gateway.deliver(&query, json!({}), format), page);
        let mut payloads = vec![reader.next().await, reader.next().await];
        gate.notify_one();
        let last = reader.next().await;
        assert_eq!(last["hasNext"], false);
        let failed = match format {
            Format::Ids => &last["completed"][0],
            Format::Paths => &last["incremental"][0],
        };
        let error = &failed["errors"][0];
        assert_eq!(error["extensions"]["code"], "BACKEND_UNAVAILABLE", "{last}");
        assert_eq!(error["path"], json!(["customer", "tickets"]));
        payloads.push(last);
        let answer = merged(&payloads, format);
        assert_eq!(subjects(&answer["data"]["customer"]["tickets"]), ["Ticket 1", "Ticket 2"]);
        assert_eq!(answer["data"]["customer"]["name"], "Customer 1");
    }
}

#[tokio::test]
async fn whoever_leaves_ends_the_further_pages() {
    let (gateway, gate) = held();
    let query = customer("tickets @stream { subject }");
    gate.notify_one();
    let mut reader = gateway.deliver(&query, json!({}), Format::Ids).await;
    reader.next().await;
    reader.next().await;
    drop(reader);
    for _ in 0..4 {
        gate.notify_one();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    // the second page was asked for before
    assert_eq!(gateway.lines(), ["crm POST /customers/batch", SUPPORT, SUPPORT]);
}

#[tokio::test]
async fn each_parents_items_come_in_order_for_the_same_calls() {
    let plain = || {
        let world = World { ticket_pages: 4, ..World::default() };
        Deployment::new().with_pages_of_tickets().over(world)
    };
    for selection in [
        "tickets @stream { subject }",
        "tickets @stream(initialCount: 1) { subject ... @defer { priority } }",
        "tickets @stream { __typename ... @defer { subject } }",
        "tickets @stream { subject } more: tickets @stream { id }",
        // what is loaded for the items is loaded for all of them at once
        "tickets @stream { subject customer { name } }",
        "tickets @stream { subject ... @defer { customer { name } } }",
        "... @defer { tickets @stream { subject } plan }",
    ] {
        let query = format!("{{ customers(first: 5) {{ nodes {{ id {selection} }} }} }}");
        let whole = plain();
        let expected = whole.query(&query).await;
        let gateway = plain();
        let payloads = gateway.parts(&query).await;
        assert_eq!(merged(&payloads, Format::Ids), expected, "{selection}");
        assert_eq!(gateway.lines(), whole.lines(), "{selection}");
    }
}

#[tokio::test]
async fn states_are_pending_until_the_last_page() {
    let (gateway, gate) = held();
    let query = customer("sourceStatus { system state } tickets @stream { subject }");
    gate.notify_one();
    let mut reader = gateway.deliver(&query, json!({}), Format::Ids).await;
    let first = reader.next().await;
    let states = first["data"]["customer"]["sourceStatus"].as_array().expect("states");
    assert!(states.contains(&json!({ "system": "support", "state": "PENDING" })), "{first}");
}
