//! The timeline of the shipped files, over the demo's backends on real sockets.

use cyclorama::demo::{Options, Role};
use serde_json::{Value, json};

use crate::site::{JsonBody as _, Setup, Site, json_of};

async fn site(demo: Options) -> Site {
    Site::with(Setup { demo, ..Setup::default() }).await
}

/// The first customer's address.
const EMAIL: &str = "zoe.o'neil@blue-works.example";

async fn ask(site: &Site, query: &str, variables: Value) -> Value {
    let body = json!({ "query": query, "variables": variables });
    let url = site.url("/graphql");
    json_of(site.client.post(url).json_body(&body).send().await.unwrap()).await
}

async fn walk(site: &Site, arguments: &str) -> Vec<Value> {
    let query = format!(
        "query ($email: String!, $after: String) {{ customerByEmail(email: $email) {{ timeline({arguments} after: $after) {{
            nodes {{ id occurredAt kind source }} complete pageInfo {{ hasNextPage endCursor }} }} }} }}"
    );
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    for _ in 0..200 {
        let answer = ask(site, &query, json!({ "email": EMAIL, "after": after })).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        let page = &answer["data"]["customerByEmail"]["timeline"];
        assert_eq!(page["complete"], true, "{page:#}");
        seen.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return seen;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    panic!("the pages do not end");
}

#[tokio::test]
async fn the_timeline_has_what_the_lists_have_each_once_and_in_order() {
    let site = site(Options::default()).await;
    let lists = ask(
        &site,
        "query ($email: String!) { customerByEmail(email: $email) {
            interactions(first: 100) { nodes { id occurredAt } }
            tickets(first: 100) { nodes { createdAt } }
            opportunities(first: 100) { nodes { createdAt } }
            orders(first: 100) { nodes { placedAt } }
            invoices(first: 100) { nodes { createdAt } }
            payments(first: 100) { nodes { receivedAt } }
            refunds(first: 100) { nodes { createdAt } }
            subscriptions { startedAt } } }",
        json!({ "email": EMAIL }),
    )
    .await;
    let customer = lists["data"]["customerByEmail"].as_object().unwrap();
    let mut expected: Vec<&str> = Vec::new();
    for list in customer.values() {
        let items = list.get("nodes").unwrap_or(list).as_array().unwrap();
        let times = ["occurredAt", "createdAt", "placedAt", "receivedAt", "startedAt"];
        expected.extend(
            items.iter().filter_map(|item| times.iter().find_map(|time| item[*time].as_str())),
        );
    }
    expected.sort_unstable();
    assert!(expected.len() > 20, "the first customer of the demo has much: {}", expected.len());
    for size in [1, 7, 100] {
        let seen = walk(&site, &format!("first: {size}, order: OLDEST_FIRST,")).await;
        let times: Vec<&str> =
            seen.iter().map(|event| event["occurredAt"].as_str().unwrap()).collect();
        assert_eq!(times, expected, "pages of {size}");
        let mut newest = walk(&site, &format!("first: {size},")).await;
        let times: Vec<&str> =
            newest.iter().rev().map(|event| event["occurredAt"].as_str().unwrap()).collect();
        assert_eq!(times, expected, "pages of {size}, newest first");
        let (mut ids, mut seen) = (Vec::new(), seen);
        for events in [&mut newest, &mut seen] {
            events.sort_by_key(|event| event["id"].to_string());
            ids.push(events.iter().map(|event| event["id"].clone()).collect::<Vec<_>>());
        }
        assert_eq!(ids[0], ids[1]);
        ids[0].dedup();
        assert_eq!(ids[0].len(), expected.len());
    }
}

#[tokio::test]
async fn a_dead_billing_system_leaves_the_rest_of_the_timeline() {
    let site = site(Options { fail: vec![Role::Billing], ..Options::default() }).await;
    let answer = ask(
        &site,
        "query ($email: String!) { customerByEmail(email: $email) {
            timeline { nodes { source } complete missingSources } sourceStatus { system state } } }",
        json!({ "email": EMAIL }),
    )
    .await;
    let customer = &answer["data"]["customerByEmail"];
    let nodes = customer["timeline"]["nodes"].as_array().unwrap();
    assert!(nodes.len() > 5 && nodes.iter().all(|event| event["source"] != "billing"), "{nodes:?}");
    assert_eq!(customer["timeline"]["complete"], false);
    assert_eq!(customer["timeline"]["missingSources"], json!(["billing"]));
    assert_eq!(customer["sourceStatus"][1], json!({ "system": "billing", "state": "UNAVAILABLE" }));
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0]["path"], json!(["customerByEmail", "timeline"]));
    assert_eq!(errors[0]["extensions"]["backend"], "billing");
}

#[tokio::test]
async fn a_page_of_customers_costs_the_calls_of_its_lists_and_again_nothing() {
    let site = site(Options::default()).await;
    let query = "{ customers(first: 20) { nodes { timeline(first: 5, kinds: [TICKET, EMAIL, CALL]) { nodes { kind } complete } } } }";
    site.backends.take_calls();
    let first = ask(&site, query, json!({})).await;
    assert_eq!(first.get("errors"), None, "{first:#}");
    // the page, their activities and their tickets; nobody is looked up in billing
    assert_eq!(site.backends.take_calls().len(), 3);
    assert_eq!(ask(&site, query, json!({})).await, first);
    assert_eq!(site.backends.take_calls().len(), 0, "from the cache");
}
