//! Connections: both ways of paging, cursors that cannot be made up, and page info that is true.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

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
async fn a_list_is_drained_in_every_way_in_which_backends_page() {
    let query = "{ customers(first: 2) { nodes { opportunities(first: 10) { totalCount nodes { name } } } } }";
    let expected = |first: u32| {
        let deal = |number| json!({ "name": format!("Deal {number}") });
        json!({ "opportunities": { "totalCount": 4, "nodes": (first..first + 4).map(deal).collect::<Vec<_>>() } })
    };
    for next in [
        "next: { cursor: { page: .next } }",
        "next: { page: page, start: 0 }\n      more: .more",
        "next: { offset: offset }\n      more: .more",
        "next: { link_header: next, keep: [page] }",
        "next: { body_link: .links.next, keep: [page] }",
    ] {
        let variable = if next.contains("offset") { "offset" } else { "page" };
        let gateway = Deployment::new()
            .change("resolvers/crm/test.yaml", "next: { cursor: { page: .next } }", next)
            .change(
                "resolvers/crm/test.yaml",
                "page: $vars.page }",
                &format!("{variable}: $vars.{variable} }}"),
            )
            .start();
        gateway.world(|world| world.opportunity_pages = 3);
        let data = gateway.data(query).await;
        assert_eq!(data["customers"]["nodes"], json!([expected(1), expected(5)]), "{next}");
        let lines = gateway.lines();
        let pages = lines.iter().filter(|line| *line == "crm POST /opportunities").count();
        assert_eq!(pages, 3, "{next}: {lines:?}");
    }
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

#[tokio::test]
async fn a_page_size_beyond_all_bounds_is_refused_before_any_call() {
    for first in ["1000000000", "101", "-1"] {
        let gateway = Deployment::new().start();
        let query = format!("{{ customers(first: {first}) {{ nodes {{ id }} }} }}");
        let answer = gateway.query(&query).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "PAGE_SIZE_LIMIT", "{answer}");
        assert!(gateway.lines().is_empty(), "{answer}");
    }
}

/// Records of another account stand among the invoices of `b8`, one alone and two together.
fn with_strangers() -> Gateway {
    strangers_over("max_pages: 5")
}

fn strangers_over(max_pages: &str) -> Gateway {
    let gateway = Deployment::new()
        .change("resolvers/billing/test.yaml", "max_pages: 5", max_pages)
        .change(
            "resolvers/billing/test.yaml",
            "    records: .data[]\n  invoice_by_id",
            "    records: .data[]\n    answers: .account\n  invoice_by_id",
        )
        .change(
            "resolvers/billing/test.yaml",
            "size: { variable: limit, max: 10 }",
            "size: { variable: limit, max: 3 }",
        )
        .start();
    gateway.world(|world| {
        let stranger = |number: u32| {
            json!({ "id": format!("x{number}"), "account": "b0", "shown_to": "b8", "number": "x" })
        };
        let first = world.invoices.iter().position(|invoice| invoice["account"] == "b8");
        let first = first.expect("invoices of b8");
        for (place, number) in [(first + 1, 1), (first + 5, 2), (first + 5, 3), (first + 11, 4)] {
            world.invoices.insert(place, stranger(number));
        }
    });
    gateway
}

#[tokio::test]
async fn records_that_become_no_row_shift_no_cursor() {
    let expected: Vec<String> = (1..=8)
        .map(|number| crate::testkit::id("Invoice", "billing", &format!("i8-{number}")))
        .collect();
    for size in [1, 2, 3, 4, 8] {
        let gateway = with_strangers();
        assert_eq!(walk(&gateway, "invoices", size).await, expected, "pages of {size}");
    }
}

#[tokio::test]
async fn a_page_of_which_every_record_was_left_out_says_where_to_go_on() {
    let expected: Vec<String> = (1..=8)
        .map(|number| crate::testkit::id("Invoice", "billing", &format!("i8-{number}")))
        .collect();
    for size in [1, 2, 3] {
        // One page of the vendor's a request, and pages on which all records are another account's.
        let gateway = strangers_over("max_pages: 1");
        gateway.world(|world| {
            let stranger = |number: u32| json!({ "id": format!("y{number}"), "account": "b0", "shown_to": "b8", "number": "y" });
            let first = world.invoices.iter().position(|invoice| invoice["account"] == "b8");
            let at = first.expect("invoices of b8") + 3;
            (0..9).for_each(|number| world.invoices.insert(at, stranger(number)));
        });
        assert_eq!(walk(&gateway, "invoices", size).await, expected, "pages of {size}");
    }
}

#[tokio::test]
async fn a_page_of_no_rows_ends_where_it_begins() {
    for (fields, whose) in [("invoices", "c8"), ("opportunities", "c1")] {
        let gateway = Deployment::new().start();
        let query = format!(
            "query($id: ID!, $after: String) {{ customer(id: $id) {{ none: {fields}(first: 0, after: $after) {{ \
             nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} two: {fields}(first: 2, after: $after) {{ \
             nodes {{ id }} pageInfo {{ endCursor }} }} }} }}"
        );
        let page = async |after: &Value| {
            let variables = json!({ "id": customer_id(whose), "after": after });
            let answer = gateway.query_with(&query, variables).await;
            assert_eq!(answer.get("errors"), None, "{answer}");
            answer["data"]["customer"].clone()
        };
        let begin = page(&Value::Null).await;
        assert_eq!(begin["none"]["pageInfo"]["hasNextPage"], true, "{fields}");
        assert_eq!(
            page(&begin["none"]["pageInfo"]["endCursor"]).await["two"]["nodes"],
            begin["two"]["nodes"]
        );
        let middle = page(&begin["two"]["pageInfo"]["endCursor"]).await;
        assert_eq!(
            page(&middle["none"]["pageInfo"]["endCursor"]).await["two"]["nodes"],
            middle["two"]["nodes"]
        );
    }
}

#[tokio::test]
async fn a_cursor_in_the_middle_of_a_page_goes_on_with_the_next_record_whatever_was_left_out() {
    let query = "query($id: ID!, $first: Int, $after: String) { customer(id: $id) { \
                 invoices(first: $first, after: $after) { edges { cursor node { number } } } } }";
    for size in [1, 2, 3, 4, 8] {
        let gateway = with_strangers();
        let page = async |first: usize, after: Value| {
            let variables = json!({ "id": customer_id("c8"), "first": first, "after": after });
            let answer = gateway.query_with(query, variables).await;
            assert_eq!(answer.get("errors"), None, "{answer}");
            let edges = answer["data"]["customer"]["invoices"]["edges"].as_array().cloned();
            edges.expect("edges")
        };
        for (place, edge) in (1..).zip(page(size, Value::Null).await) {
            assert_eq!(edge["node"]["number"], format!("8/{place}"));
            let mut cursor = edge["cursor"].clone();
            for next in place + 1..=8 {
                let edges = page(1, cursor).await;
                assert_eq!(edges.len(), 1, "pages of {size}, after {}", next - 1);
                assert_eq!(edges[0]["node"]["number"], format!("8/{next}"), "pages of {size}");
                cursor = edges[0]["cursor"].clone();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_of_slow_pages_ends_with_the_operation_and_goes_on_for_who_has_time_left() {
    let gateway = Deployment::new()
        .change("resolvers/crm/test.yaml", "max_pages: 3", "max_pages: 10")
        .start();
    gateway.world(|world| {
        world.opportunity_pages = 10;
        world.pauses.insert("crm POST /opportunities".to_owned(), Duration::from_millis(1500));
        let deal =
            |number: u32| json!({ "id": format!("d{number}"), "customer": "c1", "name": "Deal" });
        world.opportunities = (1..=10).map(deal).collect();
    });
    let query = format!(
        "{{ customer(id: \"{}\") {{ name opportunities(first: 20) {{ nodes {{ name }} }} }} }}",
        customer_id("c1")
    );
    let start = Instant::now();
    let early = async {
        let answer = gateway.query(&query).await;
        (answer, start.elapsed())
    };
    let late = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        gateway.query(&query).await
    };
    let ((early, took), late) = tokio::join!(early, late);
    assert_eq!(took, Duration::from_secs(10));
    assert_eq!(early["data"]["customer"], json!({ "name": "Customer 1", "opportunities": null }));
    assert_eq!(early["errors"][0]["path"], json!(["customer", "opportunities"]));
    assert_eq!(early["errors"][0]["extensions"]["code"], "DEADLINE_EXCEEDED");
    assert_eq!(late.get("errors"), None, "{late}");
    let nodes = late["data"]["customer"]["opportunities"]["nodes"].as_array().map(Vec::len);
    assert_eq!(nodes, Some(10));
    let drained = gateway.lines().iter().filter(|line| line.ends_with("/opportunities")).count();
    assert_eq!(drained, 10);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_nobody_waits_for_any_longer_asks_for_no_further_page() {
    let gateway = Deployment::new()
        .change("resolvers/crm/test.yaml", "max_pages: 3", "max_pages: 10")
        .start();
    gateway.world(|world| {
        world.opportunity_pages = 10;
        world.pauses.insert("crm POST /opportunities".to_owned(), Duration::from_secs(3));
    });
    let query = format!(
        "{{ customer(id: \"{}\") {{ opportunities {{ nodes {{ name }} }} }} }}",
        customer_id("c1")
    );
    let start = Instant::now();
    let answer = gateway.query(&query).await;
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "DEADLINE_EXCEEDED");
    tokio::time::advance(Duration::from_mins(1)).await;
    let drained = gateway.lines().iter().filter(|line| line.ends_with("/opportunities")).count();
    assert_eq!(drained, 4);
}
