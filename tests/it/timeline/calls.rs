//! How many calls a merged list makes, for how many objects, and what `explain` says of it before.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{List, add, at, deployment, empty, page, titles};
use crate::testkit::{Gateway, World, customer_id};

/// Customers with an account, an invoice of each kind, a deal and a ticket each.
fn many(count: usize) -> World {
    let mut world = empty();
    world.customers.clear();
    world.accounts.clear();
    for number in 0..count {
        let email = format!("k{number}@example.com");
        world.customers.push(json!({ "id": format!("k{number}"), "name": "K", "email": email, "billing": format!("a{number}") }));
        world.accounts.push(json!({ "id": format!("a{number}"), "email": email, "plan": "gold" }));
        let minute = u64::try_from(number).unwrap();
        for status in ["open", "paid"] {
            world.invoices.push(json!({
                "id": format!("{status}{number}"), "account": format!("a{number}"), "number": format!("{status}{number}"), "status": status,
                "at": at(minute + 2), "total": 1, "currency": "EUR",
            }));
        }
        world.opportunities.push(json!({ "id": format!("d{number}"), "customer": format!("k{number}"), "name": format!("d{number}"), "at": at(minute + 1) }));
        world.tickets.push(json!({
            "id": format!("t{number}"), "subject": format!("t{number}"), "kind": "chat", "at": at(minute), "requesters": [{ "email": email }],
        }));
    }
    world
}

fn ids(count: usize) -> Value {
    (0..count).map(|number| json!(customer_id(&format!("k{number}")))).collect()
}

/// Calls by their lines, counted.
fn counted(gateway: &Gateway) -> String {
    let mut text = String::new();
    for group in gateway.lines().chunk_by(|one, other| one == other) {
        _ = writeln!(text, "{} x {}", group.len(), group[0]);
    }
    text
}

#[tokio::test]
async fn a_hundred_customers_cost_one_call_for_each_list_and_chunk() {
    let gateway = deployment().over(many(100));
    let query = "query ($ids: [ID!]!) { customersByIds(ids: $ids) { events(first: 3) { nodes { title } complete } } }";
    let answer = gateway.query_with(query, json!({ "ids": ids(100) })).await;
    assert_eq!(answer.get("errors"), None, "{answer:#}");
    for (number, customer) in
        answer["data"]["customersByIds"].as_array().unwrap().iter().enumerate()
    {
        let title = |kind: &str| json!({ "title": format!("{kind}{number}") });
        assert_eq!(
            customer["events"],
            json!({ "nodes": [title("open"), title("paid"), title("d")], "complete": true })
        );
    }
    // 100 customers in chunks of 3, whose records name their accounts; two lists of invoices with one key a call; the rest in one chunk
    assert_eq!(
        counted(&gateway),
        "200 x billing GET /invoices\n34 x crm POST /customers/batch\n1 x crm POST /opportunities\n1 x support POST /tickets/search\n"
    );
}

#[tokio::test]
async fn lists_of_other_kinds_are_not_read_and_nobody_is_looked_up_for_them() {
    let gateway = deployment().over(many(2));
    for (kinds, lines) in [
        ("[DEAL]", "1 x crm POST /customers/batch\n1 x crm POST /opportunities\n"),
        ("[CHAT]", "1 x crm POST /customers/batch\n1 x support POST /tickets/search\n"),
        ("[PAID_INVOICE]", "1 x billing GET /invoices\n1 x crm POST /customers/batch\n"),
    ] {
        let gateway = deployment().over(many(2));
        let query = "query ($id: ID!, $kinds: [Kind!]) { customer(id: $id) { events(kinds: $kinds) { nodes { title } complete } } }";
        let kinds: Vec<&str> = kinds.trim_matches(['[', ']']).split(", ").collect();
        let answer =
            gateway.query_with(query, json!({ "id": customer_id("k1"), "kinds": kinds })).await;
        let events = &answer["data"]["customer"]["events"];
        assert_eq!(
            (events["nodes"].as_array().unwrap().len(), &events["complete"]),
            (1, &json!(true))
        );
        assert_eq!(counted(&gateway), lines);
    }
    let none = "{ customer(id: \"k\") { events(kinds: []) { nodes { title } } } }";
    gateway.query(&none.replace("\"k\"", &format!("\"{}\"", customer_id("k1")))).await;
    assert_eq!(counted(&gateway), "1 x crm POST /customers/batch\n");
}

#[tokio::test]
async fn a_list_that_pages_by_time_is_read_no_further_than_it_is_shown() {
    let mut world = empty();
    for minute in 0..30 {
        add(&mut world, List::Open, &format!("o{minute:02}"), Some(minute));
    }
    let gateway = deployment().over(world);
    let invoices = |gateway: &Gateway| {
        gateway
            .calls()
            .iter()
            .filter(|call| call.path == "/invoices" && call.parameter("status") == Some("open"))
            .count()
    };
    let first = page(&gateway, "first: 3", &Value::Null).await;
    assert_eq!(invoices(&gateway), 1);
    let events = &first["data"]["customer"]["events"];
    let second = page(&gateway, "first: 3", &events["pageInfo"]["endCursor"]).await;
    assert_eq!(titles(&second["data"]["customer"]["events"]), ["o26", "o25", "o24"]);
    assert_eq!(invoices(&gateway), 1, "the next page begins behind the last event");
    // the other order is not the backend's own: the list is read whole
    page(&gateway, "first: 3, order: OLDEST_FIRST", &Value::Null).await;
    assert_eq!(invoices(&gateway), 10);
    // what is newer than `until` is passed over, page by page
    let until = page(&gateway, &format!("first: 3, until: \"{}\"", at(25)), &Value::Null).await;
    assert_eq!(titles(&until["data"]["customer"]["events"]), ["o24", "o23", "o22"]);
    assert_eq!(invoices(&gateway), 3);
    // and nothing is read that is older than `since`
    let since = page(&gateway, &format!("first: 20, since: \"{}\"", at(25)), &Value::Null).await;
    let events = &since["data"]["customer"]["events"];
    assert_eq!(titles(events).len(), 5);
    assert_eq!(events["pageInfo"]["hasNextPage"], false);
    assert_eq!(invoices(&gateway), 2);
}

#[tokio::test]
async fn a_list_that_ends_with_the_page_is_not_asked_again() {
    let mut world = empty();
    for minute in 0..4 {
        add(&mut world, List::Open, &format!("o{minute}"), Some(minute));
    }
    add(&mut world, List::Deals, "d1", Some(100));
    let gateway = deployment()
        .change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\ncache: { enabled: false }")
        .over(world);
    let first = page(&gateway, "first: 2", &Value::Null).await;
    let events = &first["data"]["customer"]["events"];
    assert_eq!(titles(events), ["d1", "o3"]);
    gateway.calls();
    page(&gateway, "first: 2", &events["pageInfo"]["endCursor"]).await;
    let asked = |call: &crate::testkit::Call| call.parameter("status").map(str::to_owned);
    let calls = gateway.calls();
    let lists: Vec<_> = calls.iter().filter_map(asked).collect();
    // the page that the last event stood on, and the one behind it; nothing is left of the other lists
    assert_eq!((lists.as_slice(), calls.len()), (&["open".to_owned(), "open".to_owned()][..], 3));
}

#[tokio::test]
async fn a_list_longer_than_is_read_is_said() {
    let mut world = empty();
    for minute in 0..12 {
        add(&mut world, List::Deals, &format!("d{minute:02}"), Some(minute));
    }
    world.opportunity_pages = 6;
    let gateway = deployment().over(world);
    let query = format!(
        "{{ customer(id: \"{}\") {{ events {{ nodes {{ title }} complete missingSources }} sourceStatus {{ system state }} }} }}",
        customer_id("c2")
    );
    let data = gateway.data(&query).await;
    let events = &data["customer"]["events"];
    assert_eq!(events["nodes"].as_array().unwrap().len(), 6, "three pages of two");
    assert_eq!((&events["complete"], &events["missingSources"]), (&json!(false), &json!(["crm"])));
    assert_eq!(data["customer"]["sourceStatus"][0], json!({ "system": "crm", "state": "PARTIAL" }));
}

#[tokio::test]
async fn no_page_makes_more_calls_than_were_reckoned_beforehand() {
    for (first, arguments) in [
        (3, ""),
        (7, ""),
        (2, "order: OLDEST_FIRST"),
        (2, "kinds: [OPEN_INVOICE]"),
        (5, "since: \"2026-03-01T00:10:00Z\""),
    ] {
        let mut world = empty();
        for minute in 0..40 {
            add(
                &mut world,
                List::ALL[usize::try_from(minute).unwrap() % 4],
                &format!("x{minute}"),
                Some(minute),
            );
        }
        let gateway = deployment().over(world);
        let query = format!(
            "{{ customer(id: \"{}\") {{ events(first: {first} {arguments}) {{ nodes {{ title }} }} }} }}",
            customer_id("c2")
        );
        let asked = cyclorama::engine::Request {
            query,
            extensions: json!({ "cost": true }).as_object().unwrap().clone(),
            ..Default::default()
        };
        let answer =
            gateway.engine.execute(asked, &cyclorama::principal::Principal::anonymous()).await;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let cost = &answer["extensions"]["cost"];
        let made = u64::try_from(gateway.calls().len()).unwrap();
        assert!(made <= cost["callsPlanned"].as_u64().unwrap(), "{made} calls: {cost}");
        assert!(made <= cost["callsAtMost"].as_u64().unwrap());
    }
}
