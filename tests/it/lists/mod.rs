//! Lists that are narrowed and ordered: by the backend where it can, over the list's pages where it cannot.

mod demo;
mod named;
mod property;
mod shop;

use std::sync::Arc;

use cyclorama::principal::Principal;
use cyclorama::value::opaque_id;
use serde_json::{Value, json};

use self::shop::{Record, Shops, WAYS, Way};
use crate::testkit::codes;

fn record(number: u32, shop: &str) -> Record {
    Record {
        id: format!("{shop}-{number}"),
        shop: shop.to_owned(),
        name: format!("item {}", (number * 7) % 10),
        status: ["new", "used", "broken"][number as usize % 3],
        made: (!number.is_multiple_of(4))
            .then_some(1_700_000_000 + (i64::from(number) * 37 % 11) * 3600),
        price: (!number.is_multiple_of(5)).then_some((i64::from(number) * 13) % 17),
        currency: ["EUR", "USD"][number as usize % 2],
        tags: if number.is_multiple_of(2) { vec!["even", "all"] } else { vec!["all"] },
        is_garbled: false,
        is_gone: false,
    }
}

fn records() -> Vec<Record> {
    ["a", "b", "c"]
        .into_iter()
        .flat_map(|shop| (1..=12).map(move |number| record(number, shop)))
        .collect()
}

fn shop_id(shop: &str) -> String {
    opaque_id("Shop", "store", shop)
}

fn names(connection: &Value) -> Vec<&str> {
    connection["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect()
}

const SHOPS: &str = "query($ids: [ID!]!, $first: Int, $filter: ItemFilter, $order: ItemOrder) { shops(ids: $ids) { \
     items(first: $first, filter: $filter, orderBy: $order) { nodes { name status tags price { amount } } totalCount \
     pageInfo { hasNextPage } } sourceStatus { state } } }";

#[tokio::test]
async fn the_calls_for_a_list_over_pages_are_those_of_the_list_whatever_is_asked_and_however_many_parents()
 {
    let shops = Shops::new(Way::Batch, &records());
    let ids = json!(["a", "b", "c"].map(shop_id));
    for filter in [
        json!({ "status": ["USED"] }),
        json!({ "price": { "amount": { "min": "5" } } }),
        json!({ "tags": ["even"] }),
    ] {
        let variables = json!({ "ids": ids, "first": 2, "filter": filter, "order": { "field": "PRICE", "direction": "ASC" } });
        let answer = shops.answer(SHOPS, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
    }
    // 36 items in pages of 5, once: what is asked of the pages is not asked of the backend
    assert_eq!(shops.item_calls().len(), 8);
}

#[tokio::test]
async fn what_is_pushed_down_is_sent_and_what_is_not_is_left_out() {
    let shops = Shops::new(Way::Pushing, &records());
    let ask = async |filter: Value, order: Value| {
        let variables =
            json!({ "ids": [shop_id("a")], "first": 3, "filter": filter, "order": order });
        let answer = shops.answer(SHOPS, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        shops.item_calls()
    };
    let down = |field: &str| json!({ "field": field, "direction": "DESC" });
    let calls = ask(
        json!({ "status": ["NEW", "USED"], "madeAt": { "since": "2023-11-14T23:00:00Z" } }),
        down("MADE_AT"),
    )
    .await;
    assert_eq!(calls.len(), 1, "one page is enough: {calls:#?}");
    assert_eq!(calls[0]["status"], json!(["new", "used"]));
    assert_eq!(calls[0]["since"], 1_700_002_800);
    assert_eq!((&calls[0]["order"], &calls[0]["way"]), (&json!("made"), &json!("down")));
    assert_eq!(calls[0]["size"], 3);
    // the vendor has no word for BROKEN, and no way down the names
    let calls =
        ask(json!({ "status": ["BROKEN"], "price": { "amount": { "min": "4" } } }), down("NAME"))
            .await;
    assert!(
        calls.iter().all(|call| call.get("status").is_none() && call.get("order").is_none()),
        "{calls:#?}"
    );
    assert!(calls.iter().all(|call| call["min"] == "4" && call["size"] == 5), "{calls:#?}");
}

#[tokio::test]
async fn an_argument_of_its_own_that_is_called_like_a_field_narrows_the_list_too() {
    for way in WAYS {
        let shops = Shops::new(way, &records());
        for (status, count) in [("NEW", 4), ("BROKEN", 4)] {
            let query = format!(
                "{{ shop(id: \"{}\") {{ items(first: 50, status: {status}) {{ totalCount nodes {{ status }} }} }} }}",
                shop_id("a")
            );
            let items = &shops.answer(&query, json!({})).await["data"]["shop"]["items"];
            assert_eq!(items["totalCount"], count, "{way:?}");
            assert!(
                items["nodes"].as_array().unwrap().iter().all(|node| node["status"] == status),
                "{way:?}"
            );
        }
        // both ask for words of one field: one is sent, both hold
        let query = format!(
            "{{ shop(id: \"{}\") {{ items(status: NEW, filter: {{ status: [USED] }}) {{ totalCount }} }} }}",
            shop_id("a")
        );
        assert_eq!(
            shops.answer(&query, json!({})).await["data"]["shop"]["items"]["totalCount"],
            0,
            "{way:?}"
        );
    }
}

#[tokio::test]
async fn a_list_without_filter_and_order_is_asked_for_as_ever() {
    let shops = Shops::new(Way::Pushing, &records());
    let query = format!(
        "{{ shop(id: \"{}\") {{ items(first: 2, filter: {{}}) {{ totalCount nodes {{ name }} }} }} }}",
        shop_id("a")
    );
    let answer = shops.answer(&query, json!({})).await;
    assert_eq!(answer["data"]["shop"]["items"]["totalCount"], 12, "the backend's own count");
    let calls = shops.item_calls();
    assert_eq!(calls, [json!({ "shops": ["a"], "size": 2 })]);
}

#[tokio::test]
async fn what_a_backend_counts_for_several_lists_at_once_is_the_count_of_none() {
    for way in [Way::Batch, Way::Named] {
        let shops = Shops::new(way, &records());
        let order = json!({ "field": "NAME", "direction": "ASC" });
        for order in [Value::Null, order] {
            let ids = json!(["a", "b"].map(shop_id));
            let answer = shops.answer(SHOPS, json!({ "ids": ids, "order": order })).await;
            let counts =
                [0, 1].map(|shop| answer["data"]["shops"][shop]["items"]["totalCount"].clone());
            assert_eq!(counts, [12, 12], "{way:?} {order}");
        }
    }
}

#[tokio::test]
async fn a_list_that_goes_on_beyond_its_pages_is_partial_and_counts_nothing() {
    let shops = Shops::with(&shop::vendor(Way::Alone, 2), &records());
    let variables = json!({ "ids": [shop_id("a")], "filter": { "tags": ["even"] } });
    let answer = shops.answer(SHOPS, variables.clone()).await;
    let shop = &answer["data"]["shops"][0];
    assert_eq!(
        names(&shop["items"]),
        ["item 4", "item 8", "item 2", "item 6", "item 0"],
        "of the first ten"
    );
    assert_eq!(shop["items"]["totalCount"], Value::Null);
    assert_eq!(shop["items"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(shop["sourceStatus"], json!([{ "state": "PARTIAL" }]));
    assert_eq!(shops.item_calls().len(), 2);
    // who goes on is told, and does not walk for ever
    let query = "query($id: ID!, $after: String) { shop(id: $id) { items(after: $after, filter: { tags: [\"even\"] }) { \
                 pageInfo { hasNextPage endCursor } } } }";
    let first = shops.answer(query, json!({ "id": shop_id("a") })).await;
    let after = &first["data"]["shop"]["items"]["pageInfo"]["endCursor"];
    let beyond = shops.answer(query, json!({ "id": shop_id("a"), "after": after })).await;
    assert_eq!(codes(&beyond), ["PAGES_LIMIT"]);
    // whole, it counts
    let whole =
        Shops::with(&shop::vendor(Way::Alone, 3), &records()).answer(SHOPS, variables).await;
    assert_eq!(whole["data"]["shops"][0]["items"]["totalCount"], 6);
    assert_eq!(whole["data"]["shops"][0]["sourceStatus"], json!([{ "state": "OK" }]));
}

#[tokio::test]
async fn a_record_of_which_the_tested_value_cannot_be_read_is_left_out_and_said() {
    let mut all = records();
    all[1].is_garbled = true;
    let shops = Shops::new(Way::Alone, &all);
    let variables = json!({ "ids": [shop_id("a"), shop_id("b")], "first": 50, "filter": { "price": { "amount": { "min": "0" } } } });
    let answer = shops.answer(SHOPS, variables).await;
    let shop = |index: usize| &answer["data"]["shops"][index];
    assert_eq!(shop(0)["items"]["nodes"].as_array().unwrap().len(), 9);
    assert_eq!(shop(0)["items"]["totalCount"], Value::Null);
    assert_eq!(shop(0)["items"]["pageInfo"]["hasNextPage"], false);
    assert_eq!(shop(0)["sourceStatus"], json!([{ "state": "PARTIAL" }]));
    assert_eq!(shop(1)["items"]["totalCount"], 10);
    assert_eq!(answer.get("errors"), None);
}

#[tokio::test]
async fn a_cursor_is_good_for_the_filter_and_the_order_that_it_was_made_for() {
    for way in WAYS {
        let shops = Shops::new(way, &records());
        let query = "query($id: ID!, $after: String, $filter: ItemFilter, $order: ItemOrder) { shop(id: $id) { \
                     items(first: 2, after: $after, filter: $filter, orderBy: $order) { nodes { name } pageInfo { endCursor } } } }";
        let (filter, other) = (
            json!({ "price": { "amount": { "max": "9" } } }),
            json!({ "price": { "amount": { "max": "8" } } }),
        );
        let order = json!({ "field": "PRICE", "direction": "ASC" });
        let variables = json!({ "id": shop_id("a"), "filter": filter, "order": order });
        let first = shops.answer(query, variables).await;
        let after = first["data"]["shop"]["items"]["pageInfo"]["endCursor"].clone();
        assert!(after.is_string(), "{first:#}");
        let with = |filter: &Value, order: Value| json!({ "id": shop_id("a"), "after": after, "filter": filter, "order": order });
        let next = shops.answer(query, with(&filter, order.clone())).await;
        assert_eq!(next.get("errors"), None, "{way:?} {next:#}");
        for variables in [
            with(&other, order.clone()),
            with(&Value::Null, order.clone()),
            with(&filter, Value::Null),
            with(&filter, json!({ "field": "PRICE", "direction": "DESC" })),
            with(&filter, json!({ "field": "STATUS", "direction": "ASC" })),
        ] {
            let answer = shops.answer(query, variables.clone()).await;
            assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{way:?} {variables}");
        }
    }
}

#[tokio::test]
async fn nobody_narrows_or_orders_a_list_by_what_they_may_not_see() {
    for way in WAYS {
        let shops = Shops::new(way, &records());
        let query = format!(
            "{{ shop(id: \"{}\") {{ items(first: 50, filter: {{ secret: [\"a-3\"] }}) {{ totalCount }} }} }}",
            shop_id("a")
        );
        let answer = shops.answer(&query, json!({})).await;
        assert_eq!(codes(&answer), ["UNAUTHORIZED_FIELD_OR_TYPE"], "{way:?}");
        assert_eq!(shops.item_calls(), [] as [Value; 0], "refused before any call");
        let principal = Principal {
            subject: Some(Arc::from("ann")),
            scopes: vec![Arc::from("secret:read")],
            ..Principal::default()
        };
        let answer = shops.answer_as(&principal, &query, json!({})).await;
        assert_eq!(answer["data"]["shop"]["items"]["totalCount"], 1, "{way:?} {answer:#}");
    }
}

#[tokio::test]
async fn what_the_records_do_not_have_is_an_error_and_not_an_empty_list() {
    for way in [Way::Alone, Way::Named] {
        let shops = Shops::new(way, &records());
        for arguments in ["filter: { color: [\"red\"] }", "orderBy: { field: COLOR }"] {
            let query = format!(
                "{{ shop(id: \"{}\") {{ items({arguments}) {{ totalCount }} }} }}",
                shop_id("a")
            );
            let answer = shops.answer(&query, json!({})).await;
            assert_eq!(codes(&answer), ["NOT_COVERED"], "{arguments}");
            assert_eq!(answer["errors"][0]["path"], json!(["shop", "items"]));
            assert_eq!(shops.item_calls(), [] as [Value; 0], "refused before any call");
        }
    }
}

// ---- explain -------------------------------------------------------------------------------------------------------

fn explained(shops: &Shops, query: &str, variables: Option<&Value>) -> (Value, String) {
    let variables = variables.and_then(Value::as_object);
    let explanation = shops.engine.explain_with(query, None, variables).unwrap();
    (explanation.to_json(), explanation.to_text())
}

fn step(json: &Value) -> &Value {
    json["steps"].as_array().unwrap().iter().find(|step| step["brings"] == "Shop.items").unwrap()
}

#[test]
fn explain_says_what_is_pushed_down_and_what_is_done_over_pages() {
    let query = "query($id: ID!, $status: Status) { shop(id: $id) { items(first: 2, status: $status, \
                 filter: { status: [NEW], tags: [\"all\"], madeAt: { since: \"2024-01-01T00:00:00Z\" } }, orderBy: { field: MADE_AT }) { nodes { name } } } }";
    let (json, text) = explained(&Shops::new(Way::Pushing, &[]), query, None);
    let told = |what: &str, done: &str, given: Value| json!({ "what": what, "done": done, "given": given });
    assert_eq!(
        step(&json)["lists"],
        json!([
            told("status", "byValue", Value::Null),
            told("filter.status", "byValue", json!(true)),
            told("filter.madeAt.since", "pushedDown", json!(true)),
            told("filter.tags", "overPages", json!(true)),
            told("orderBy MADE_AT DESC", "pushedDown", json!(true)),
        ])
    );
    assert!(text.contains("     list     filter.tags: over pages\n"), "{text}");
    assert!(text.contains("     list     orderBy MADE_AT DESC: pushed down\n"), "{text}");
    let (json, _) = explained(&Shops::new(Way::Alone, &[]), query, Some(&json!({ "id": "x" })));
    let done: Vec<&Value> =
        step(&json)["lists"].as_array().unwrap().iter().map(|one| &one["done"]).collect();
    assert_eq!(done, ["overPages"; 4]);
}

#[test]
fn a_list_over_pages_is_planned_with_all_its_pages_and_one_that_is_pushed_down_with_those_that_it_needs()
 {
    let planned = |way: Way, arguments: &str| {
        let query = format!(
            "query($f: ItemFilter) {{ shop(id: \"{}\") {{ items(first: 7{arguments}) {{ nodes {{ name }} }} }} }}",
            shop_id("a")
        );
        let shops = Shops::with(&shop::vendor(way, 9), &[]);
        let (json, _) = explained(
            &shops,
            &query.replace(
                "($f: ItemFilter)",
                if arguments.contains("$f") { "($f: ItemFilter)" } else { "" },
            ),
            None,
        );
        (
            step(&json)["callsPlanned"].as_u64().unwrap(),
            step(&json)["callsAtMost"].as_u64().unwrap(),
        )
    };
    assert_eq!(planned(Way::Alone, ""), (2, 9));
    assert_eq!(planned(Way::Alone, ", filter: { tags: [\"all\"] }"), (9, 9));
    assert_eq!(planned(Way::Alone, ", orderBy: { field: PRICE }"), (9, 9));
    assert_eq!(planned(Way::Alone, ", filter: $f"), (9, 9), "a variable may say it");
    assert_eq!(
        planned(Way::Pushing, ", filter: { madeAt: { since: \"2024-01-01T00:00:00Z\" } }"),
        (2, 9)
    );
    assert_eq!(planned(Way::Pushing, ", filter: { status: [NEW] }"), (2, 9));
    assert_eq!(planned(Way::Pushing, ", filter: { status: [BROKEN] }"), (9, 9));
}
