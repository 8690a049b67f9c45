//! Connections: both ways of paging, cursors that cannot be made up, and page info that is true.

use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, customer_id};

async fn walk(gateway: &Gateway, fields: &str, size: usize) -> Vec<String> {
    let mut seen = Vec::new();
    let mut after = Value::Null;
    for _ in 0..50 {
        let query = format!(
            "query($id: ID!, $first: Int, $after: String) {{ customer(id: $id) {{ page: {fields}(first: $first, after: $after) {{ \
             edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let variables = json!({ "id": customer_id("c8"), "first": size, "after": after });
        let answer = gateway.query_with(&query, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        let page = &answer["data"]["customer"]["page"];
        let edges = page["edges"].as_array().expect("edges");
        assert!(edges.len() <= size);
        seen.extend(edges.iter().filter_map(|edge| edge["node"]["id"].as_str().map(str::to_owned)));
        if page["pageInfo"]["hasNextPage"] == false {
            return seen;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    panic!("the pages do not end: {seen:?}");
}

#[tokio::test]
async fn walking_all_pages_of_any_size_gives_every_record_once_and_in_order() {
    for size in [1, 2, 3, 5, 7, 8, 9, 50] {
        let gateway = Deployment::new().start();
        let expected: Vec<String> = (1..=8)
            .map(|number| crate::testkit::id("Invoice", "billing", &format!("i8-{number}")))
            .collect();
        assert_eq!(walk(&gateway, "invoices", size).await, expected, "pages of {size}");
    }
}

#[tokio::test]
async fn a_page_larger_than_the_vendors_is_made_of_several() {
    let gateway = Deployment::new()
        .change(
            "resolvers/billing/test.yaml",
            "size: { variable: limit, max: 10 }",
            "size: { variable: limit, max: 3 }",
        )
        .start();
    for size in [1, 2, 4, 5, 7, 20] {
        assert_eq!(walk(&gateway, "invoices", size).await.len(), 8, "pages of {size}");
    }
    let gateway = Deployment::new()
        .change(
            "resolvers/billing/test.yaml",
            "size: { variable: limit, max: 10 }",
            "size: { variable: limit, max: 3 }",
        )
        .start();
    gateway
        .data(&format!(
            "{{ customer(id: \"{}\") {{ invoices(first: 7) {{ nodes {{ id }} }} }} }}",
            customer_id("c8")
        ))
        .await;
    assert_eq!(gateway.lines().iter().filter(|line| *line == "billing GET /invoices").count(), 3);
}

#[tokio::test]
async fn a_drained_list_is_sliced_for_each_parent() {
    let gateway = Deployment::new().start();
    let query = "query($after: String) { customers(first: 2) { nodes { opportunities(first: 2, after: $after) { totalCount \
                 nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor } } } } }";
    let first = gateway.data(query).await;
    let page = &first["customers"]["nodes"][0]["opportunities"];
    assert_eq!(page["nodes"], json!([{ "name": "Deal 1" }, { "name": "Deal 2" }]));
    assert_eq!(page["totalCount"], 4);
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    assert_eq!(page["pageInfo"]["hasPreviousPage"], false);
    // The cursor belongs to the first customer's list and to no other.
    let second = gateway.query_with(query, json!({ "after": page["pageInfo"]["endCursor"] })).await;
    let pages = &second["data"]["customers"]["nodes"];
    assert_eq!(
        pages[0]["opportunities"]["nodes"],
        json!([{ "name": "Deal 3" }, { "name": "Deal 4" }])
    );
    assert_eq!(pages[0]["opportunities"]["pageInfo"]["hasNextPage"], false);
    assert_eq!(pages[0]["opportunities"]["pageInfo"]["hasPreviousPage"], true);
    assert_eq!(pages[1]["opportunities"], Value::Null);
    assert_eq!(second["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(second["errors"][0]["path"], json!(["customers", "nodes", 1, "opportunities"]));
}

#[tokio::test]
async fn a_cursor_of_another_list_or_of_nobody_is_refused() {
    let gateway = Deployment::new().start();
    let page = gateway.data("{ customers(first: 2) { pageInfo { endCursor } } }").await;
    let other = page["customers"]["pageInfo"]["endCursor"].as_str().expect("a cursor").to_owned();
    for cursor in [other.as_str(), "", "abc", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = gateway
            .query_with(
                "query($id: ID!, $after: String) { customer(id: $id) { invoices(after: $after) { nodes { id } } } }",
                json!({ "id": customer_id("c8"), "after": cursor }),
            )
            .await;
        assert_eq!(answer["data"]["customer"]["invoices"], Value::Null, "{cursor}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{cursor}");
    }
}

#[tokio::test]
async fn a_page_of_more_than_the_limit_is_refused() {
    let gateway = Deployment::new().start();
    for first in ["1000000000", "101", "-1"] {
        let answer =
            gateway.query(&format!("{{ customers(first: {first}) {{ nodes {{ id }} }} }}")).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{first}");
    }
    assert_eq!(gateway.calls().len(), 0);
}

#[tokio::test]
async fn arguments_reach_the_call_in_the_vendors_words() {
    let gateway = Deployment::new().start();
    let query = format!(
        "{{ customer(id: \"{}\") {{ invoices(status: PAID) {{ nodes {{ number status }} }} }} }}",
        customer_id("c4")
    );
    let data = gateway.data(&query).await;
    assert_eq!(
        data["customer"]["invoices"]["nodes"],
        json!([{ "number": "4/2", "status": "PAID" }, { "number": "4/4", "status": "PAID" }])
    );
    let calls = gateway.calls();
    let call = calls.iter().find(|call| call.path == "/invoices").expect("a call");
    assert_eq!(call.parameter("status"), Some("paid"));
}

#[tokio::test]
async fn the_start_of_a_page_is_its_first_cursor_and_the_total_is_the_vendors() {
    let gateway = Deployment::new().start();
    let data = gateway
        .data("{ customers(first: 3) { totalCount edges { cursor node { name } } pageInfo { startCursor endCursor hasNextPage } } }")
        .await;
    let page = &data["customers"];
    assert_eq!(page["totalCount"], 8);
    assert_eq!(page["pageInfo"]["startCursor"], page["edges"][0]["cursor"]);
    assert_eq!(page["pageInfo"]["endCursor"], page["edges"][2]["cursor"]);
    let after = page["edges"][1]["cursor"].clone();
    let answer = gateway
        .query_with(
            "query($after: String) { customers(first: 3, after: $after) { nodes { name } } }",
            json!({ "after": after }),
        )
        .await;
    assert_eq!(answer["data"]["customers"]["nodes"][0]["name"], "Customer 3");
}
