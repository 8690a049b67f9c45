//! Cursors of merged lists, and lists that are missing.

use cyclorama::principal::Principal;
use serde_json::{Value, json};

use super::{at, deployment, empty, page, some, titles, walk};
use crate::testkit::{codes, customer_id};

#[tokio::test]
async fn a_cursor_is_good_for_one_customer_one_choice_and_one_tenant() {
    let gateway = deployment().over(some(8));
    let first = page(&gateway, "first: 2", &Value::Null).await;
    let cursor = first["data"]["customer"]["events"]["pageInfo"]["endCursor"].clone();
    let query = |arguments: &str| {
        format!(
            "query ($id: ID!, $after: String) {{ customer(id: $id) {{ events({arguments} after: $after) {{ nodes {{ title }} }} }} }}"
        )
    };
    let other = Principal { tenant: "elsewhere".into(), ..Principal::anonymous() };
    for (who, arguments, after, caller) in [
        ("c3", "", &cursor, None),
        ("c2", "kinds: [DEAL]", &cursor, None),
        ("c2", "order: OLDEST_FIRST", &cursor, None),
        ("c2", "since: \"2026-03-01T00:00:00Z\"", &cursor, None),
        ("c2", "", &cursor, Some(&other)),
        ("c2", "", &json!("bQ"), None),
        ("c2", "", &json!("not a cursor"), None),
    ] {
        let gateway = caller.map_or_else(
            || gateway.as_caller(Principal::anonymous()),
            |caller| gateway.as_caller(caller.clone()),
        );
        gateway.calls();
        let answer = gateway
            .query_with(&query(arguments), json!({ "id": customer_id(who), "after": after }))
            .await;
        assert_eq!(
            answer["data"]["customer"]["events"],
            Value::Null,
            "{who} {arguments}: {answer}"
        );
        assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{who} {arguments}");
        assert_eq!(answer["errors"][0]["path"], json!(["customer", "events"]));
        let lists = gateway
            .lines()
            .into_iter()
            .filter(|line| !line.contains("customers") && !line.contains("accounts"));
        assert_eq!(
            lists.collect::<Vec<_>>(),
            Vec::<String>::new(),
            "nothing is read for a wrong cursor"
        );
    }
    // the page size is no choice
    let next = gateway
        .query_with(&query("first: 5"), json!({ "id": customer_id("c2"), "after": cursor }))
        .await;
    assert_eq!(next["data"]["customer"]["events"]["nodes"].as_array().unwrap().len(), 5, "{next}");
}

#[tokio::test]
async fn a_cursor_of_another_list_is_none_of_this_one() {
    let gateway = deployment().over(some(8));
    let query = "query ($id: ID!, $after: String) { customer(id: $id) {
        events(first: 2, after: $after) { pageInfo { endCursor } } invoices(first: 1) { pageInfo { endCursor } } } }";
    let answer = gateway.query_with(query, json!({ "id": customer_id("c2"), "after": null })).await;
    let of = |list: &str| answer["data"]["customer"][list]["pageInfo"]["endCursor"].clone();
    let (events, invoices) = (of("events"), of("invoices"));
    let answer =
        gateway.query_with(query, json!({ "id": customer_id("c2"), "after": invoices })).await;
    assert_eq!(codes(&answer), ["BAD_USER_INPUT"]);
    let query = "query ($id: ID!, $after: String) { customer(id: $id) { invoices(after: $after) { pageInfo { endCursor } } } }";
    let answer =
        gateway.query_with(query, json!({ "id": customer_id("c2"), "after": events })).await;
    assert_eq!(codes(&answer), ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn each_edge_has_the_cursor_behind_it() {
    let gateway = deployment().over(some(8));
    let whole = walk(&gateway, "first: 8").await;
    let first = page(&gateway, "first: 8", &Value::Null).await;
    let events = &first["data"]["customer"]["events"];
    let edges = events["edges"].as_array().unwrap();
    assert_eq!(events["pageInfo"]["startCursor"], edges[0]["cursor"]);
    assert_eq!(events["pageInfo"]["endCursor"], edges[7]["cursor"]);
    for (place, edge) in edges.iter().enumerate() {
        let rest = page(&gateway, "first: 8", &edge["cursor"]).await;
        let rest = &rest["data"]["customer"]["events"];
        assert_eq!(titles(rest), whole[place + 1..], "behind {place}");
        assert_eq!(rest["pageInfo"]["hasPreviousPage"], true);
    }
}

#[tokio::test]
async fn a_dead_source_is_said_and_the_others_are_shown() {
    for (dead, role, left) in [
        ("billing GET /invoices", "billing", vec!["x7", "x6", "x3", "x2"]),
        ("support POST", "support", vec!["x6", "x5", "x4", "x2", "x1", "x0"]),
        ("crm POST /opportunities", "crm", vec!["x7", "x5", "x4", "x3", "x1", "x0"]),
    ] {
        let mut world = some(8);
        world.break_wire(dead);
        let gateway = deployment().over(world);
        let query = format!(
            "{{ customer(id: \"{}\") {{ name events {{ edges {{ node {{ title }} }} complete missingSources }} sourceStatus {{ system state }} }} }}",
            customer_id("c2")
        );
        let answer = gateway.query(&query).await;
        let customer = &answer["data"]["customer"];
        assert_eq!(titles(&customer["events"]), left, "{dead}");
        assert_eq!(customer["events"]["complete"], false);
        assert_eq!(customer["events"]["missingSources"], json!([role]), "{dead}");
        assert_eq!(
            codes(&answer),
            ["BACKEND_UNAVAILABLE"],
            "one error for one backend: {answer:#}"
        );
        assert_eq!(answer["errors"][0]["path"], json!(["customer", "events"]));
        assert_eq!(answer["errors"][0]["extensions"]["backend"], role);
        let states = customer["sourceStatus"].as_array().unwrap();
        let state = states.iter().find(|status| status["system"] == role).unwrap();
        assert_eq!(state["state"], "UNAVAILABLE", "{dead}: {states:?}");
    }
}

#[tokio::test]
async fn if_no_source_answers_there_is_nothing_to_show() {
    let mut world = some(8);
    world.break_wire("billing");
    world.break_wire("support");
    world.break_wire("crm POST /opportunities");
    let gateway = deployment().over(world);
    let answer = page(&gateway, "", &Value::Null).await;
    assert_eq!(answer["data"]["customer"]["events"], Value::Null);
    assert_eq!(codes(&answer), ["BACKEND_UNAVAILABLE"; 3], "{answer:#}");
}

#[tokio::test]
async fn a_source_that_comes_back_goes_on_in_order() {
    let mut world = some(8);
    world.break_wire("billing GET /invoices");
    let gateway = deployment().over(world);
    let first = page(&gateway, "first: 2", &Value::Null).await;
    assert_eq!(titles(&first["data"]["customer"]["events"]), ["x7", "x6"]);
    gateway.world(|world| world.replies.clear());
    let next =
        page(&gateway, "first: 8", &first["data"]["customer"]["events"]["pageInfo"]["endCursor"])
            .await;
    let events = &next["data"]["customer"]["events"];
    assert_eq!(titles(events), ["x5", "x4", "x3", "x2", "x1", "x0"]);
    assert_eq!(events["complete"], true);
}

#[tokio::test]
async fn a_list_that_is_not_in_the_order_that_its_file_says_loses_nothing_and_is_said() {
    let mut world = empty();
    for (place, minute) in [9, 3, 7, 1].into_iter().enumerate() {
        world.invoices.push(json!({ "id": format!("o{place}"), "account": "b2", "at": at(minute), "number": format!("o{place}"), "status": "open" }));
    }
    let gateway = deployment().over(world);
    let answer = page(&gateway, "first: 3", &Value::Null).await;
    let events = &answer["data"]["customer"]["events"];
    assert_eq!(
        (&events["complete"], &events["missingSources"]),
        (&json!(false), &json!(["billing"]))
    );
    let mut seen = walk(&gateway, "first: 1").await;
    seen.sort_unstable();
    assert_eq!(seen, ["o0", "o1", "o2", "o3"]);
}

#[tokio::test]
async fn a_list_that_the_caller_may_not_see_is_missing_and_not_read() {
    let gateway = deployment()
        .change(
            "schema/schema.graphql",
            "  tickets: [Ticket!]\n",
            "  tickets: [Ticket!] @requiresScopes(scopes: [[\"audit\"]])\n",
        )
        .over(some(8));
    let answer = page(&gateway, "", &Value::Null).await;
    let events = &answer["data"]["customer"]["events"];
    assert_eq!(titles(events), ["x6", "x5", "x4", "x2", "x1", "x0"]);
    assert_eq!(events["missingSources"], json!(["support"]));
    assert!(gateway.lines().iter().all(|line| !line.starts_with("support")));
}

#[tokio::test]
async fn a_wrong_argument_is_told_at_the_field() {
    let gateway = deployment().over(some(8));
    for (arguments, code) in [("first: 1000", "PAGE_SIZE_LIMIT"), ("first: -1", "PAGE_SIZE_LIMIT")]
    {
        let answer = page(&gateway, arguments, &Value::Null).await;
        assert_eq!(answer["data"]["customer"]["events"], Value::Null);
        assert_eq!(codes(&answer), [code]);
    }
}
