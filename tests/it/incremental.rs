//! `@defer` and `@stream`: what comes first, what comes when, and what it comes to.

use cyclorama::engine::Format;
use serde_json::{Value, json};

use crate::testkit::{Deployment, World, codes, customer_id, merged};

fn customer(selection: &str) -> String {
    format!("{{ customer(id: \"{}\") {{ {selection} }} }}", customer_id("c2"))
}

#[tokio::test]
async fn what_is_not_deferred_comes_before_a_slow_backend_has_answered() {
    let mut world = World::default();
    let gate = world.hold("support");
    let gateway = Deployment::new().over(world);
    let query = customer("name ... @defer(label: \"desk\") { tickets { subject } }");
    let mut reader = gateway.deliver(&query, json!({}), Format::Ids).await;
    assert_eq!(
        reader.next().await,
        json!({
            "data": { "customer": { "name": "Customer 2" } },
            "pending": [{ "id": "0", "path": ["customer"], "label": "desk" }],
            "hasNext": true,
        })
    );
    gate.notify_one();
    assert_eq!(
        reader.next().await,
        json!({
            "hasNext": false,
            "incremental": [{ "id": "0", "data": { "tickets": [{ "subject": "Ticket 2" }] } }],
            "completed": [{ "id": "0" }],
        })
    );
    assert_eq!(gateway.lines(), ["crm POST /customers/batch", "support POST /tickets/search"]);
}

#[tokio::test]
async fn the_format_of_2022_tells_path_and_label() {
    let mut world = World::default();
    let gate = world.hold("support");
    let gateway = Deployment::new().over(world);
    let query = customer("name ... @defer(label: \"desk\") { tickets { subject } }");
    let mut reader = gateway.deliver(&query, json!({}), Format::Paths).await;
    assert_eq!(
        reader.next().await,
        json!({ "data": { "customer": { "name": "Customer 2" } }, "hasNext": true })
    );
    gate.notify_one();
    assert_eq!(
        reader.next().await,
        json!({
            "hasNext": false,
            "incremental": [{
                "path": ["customer"], "label": "desk", "data": { "tickets": [{ "subject": "Ticket 2" }] },
            }],
        })
    );
}

#[tokio::test]
async fn fragments_come_in_the_order_in_which_their_backends_answer() {
    let mut world = World::default();
    let (support, billing) = (world.hold("support"), world.hold("billing"));
    let gateway = Deployment::new().over(world);
    let query = customer(
        "name ... @defer(label: \"desk\") { tickets { subject } } ... @defer(label: \"money\") { plan }",
    );
    let mut reader = gateway.deliver(&query, json!({}), Format::Ids).await;
    let first = reader.next().await;
    assert_eq!(first["pending"].as_array().map(Vec::len), Some(2));
    billing.notify_one();
    let second = reader.next().await;
    assert_eq!(second["incremental"], json!([{ "id": "1", "data": { "plan": "gold" } }]));
    assert_eq!(second["hasNext"], true);
    support.notify_one();
    let third = reader.next().await;
    assert_eq!(third["completed"], json!([{ "id": "0" }]));
    assert_eq!(
        merged(&[first, second, third], Format::Ids)["data"]["customer"],
        json!({ "name": "Customer 2", "plan": "gold", "tickets": [{ "subject": "Ticket 2" }] })
    );
}

#[tokio::test]
async fn deferred_steps_begin_early_and_are_no_more_than_without_defer() {
    let plain = Deployment::new().start();
    let selection = "name plan tickets { subject } opportunities { nodes { name } }";
    plain.data(&format!("{{ customers(first: 4) {{ nodes {{ {selection} }} }} }}")).await;
    let expected = plain.lines();
    let gateway = Deployment::new().start();
    let query = "{ customers(first: 4) { nodes { name ... @defer { plan tickets { subject } }
                   ... @defer { opportunities { nodes { name } } } } } }";
    let payloads = gateway.parts(query).await;
    assert_eq!(gateway.lines(), expected);
    assert_eq!(payloads[0]["pending"].as_array().map(Vec::len), Some(8));
    // both steps of all customers are done at once
    assert_eq!(payloads.len(), 2, "{payloads:#?}");
}

#[tokio::test]
async fn an_operation_that_defers_nothing_comes_whole() {
    let gateway = Deployment::new().start();
    for selection in [
        "name",
        "name ... @defer(if: false) { email }",
        "name ... @skip(if: true) @defer { email }",
        "name ... on Customer @defer { name }",
    ] {
        let payloads = gateway.parts(&customer(selection)).await;
        assert_eq!(payloads.len(), 1, "{selection}");
        assert_eq!(payloads[0].get("hasNext"), None, "{selection}: {payloads:?}");
        assert_eq!(payloads[0]["data"]["customer"]["name"], "Customer 2");
    }
}

#[tokio::test]
async fn a_field_that_is_also_selected_outside_comes_first_and_once() {
    let gateway = Deployment::new().start();
    let query = customer("email ... @defer { email name tickets { id } } tickets { subject }");
    let payloads = gateway.parts(&query).await;
    assert_eq!(
        payloads[0]["data"]["customer"],
        json!({ "email": "C2@example.com", "tickets": [{ "subject": "Ticket 2" }] })
    );
    let brought = payloads[1]["incremental"].as_array().expect("a list");
    let id = crate::testkit::id("Ticket", "support", "t2");
    assert_eq!(
        *brought,
        [
            json!({ "id": "0", "subPath": ["tickets", 0], "data": { "id": id } }),
            json!({ "id": "0", "data": { "name": "Customer 2" } }),
        ]
    );
}

#[tokio::test]
async fn a_fragment_in_a_fragment_is_announced_when_the_outer_one_is_complete() {
    let mut world = World::default();
    let (support, billing) = (world.hold("support"), world.hold("billing"));
    let gateway = Deployment::new().over(world);
    let query = customer(
        "name ... @defer(label: \"outer\") { plan ... @defer(label: \"inner\") { tickets { subject } } }",
    );
    let mut reader = gateway.deliver(&query, json!({}), Format::Ids).await;
    let first = reader.next().await;
    assert_eq!(first["pending"], json!([{ "id": "0", "path": ["customer"], "label": "outer" }]));
    // what is inside is there first, and waits
    support.notify_one();
    billing.notify_one();
    let mut payloads = vec![first];
    payloads.extend(reader.all().await);
    let inner = payloads
        .iter()
        .find_map(|payload| payload.get("pending").filter(|_| payload.get("data").is_none()));
    assert_eq!(inner, Some(&json!([{ "id": "1", "path": ["customer"], "label": "inner" }])));
    assert_eq!(
        merged(&payloads, Format::Ids)["data"]["customer"],
        json!({ "name": "Customer 2", "plan": "gold", "tickets": [{ "subject": "Ticket 2" }] })
    );
}

#[tokio::test]
async fn a_null_that_may_not_be_ends_its_fragment_and_no_other() {
    let mut world = World::default();
    world.tickets[1]["subject"] = Value::Null;
    world.reply("billing", 500, &json!({}));
    let gateway = Deployment::new().over(world);
    let query = "{ customers(first: 2) { nodes { name ... @defer(label: \"desk\") { id tickets { subject } }
                   ... @defer { plan } } } }";
    let payloads = gateway.parts(query).await;
    let answer = merged(&payloads, Format::Ids);
    let nodes = &answer["data"]["customers"]["nodes"];
    // a failed list is null in its fragment, where it may be
    assert_eq!(nodes[1]["tickets"], Value::Null);
    assert_eq!(nodes[1]["id"], customer_id("c2"));
    assert_eq!(nodes[0]["plan"], Value::Null);
    let codes = codes(&answer);
    assert_eq!(codes.iter().filter(|code| **code == "BACKEND_UNAVAILABLE").count(), 2, "{codes:?}");
}

#[tokio::test]
async fn a_fragment_that_fails_is_completed_with_its_errors() {
    let mut world = World::default();
    world.invoices[0]["lines"][0]["amount"] = json!("much");
    let gateway = Deployment::new().over(world);
    let id = crate::testkit::id("Invoice", "billing", "i1-1");
    let query = format!(
        "{{ invoice(id: \"{id}\") {{ number lines {{ text ... @defer {{ amount {{ amount }} }} }} }} }}"
    );
    for format in [Format::Ids, Format::Paths] {
        let payloads = gateway.deliver(&query, json!({}), format).await.all().await;
        let entry = match format {
            Format::Ids => &payloads[1]["completed"][0],
            Format::Paths => &payloads[1]["incremental"][0],
        };
        assert_eq!(entry["errors"][0]["extensions"]["code"], "VALUE_INVALID", "{payloads:#?}");
        assert_eq!(entry["errors"][0]["path"], json!(["invoice", "lines", 0, "amount", "amount"]));
        let answer = merged(&payloads, format);
        assert_eq!(answer["data"]["invoice"]["lines"], json!([{ "text": "line" }]));
    }
}

#[tokio::test]
async fn variables_decide_what_is_deferred_and_the_plan_stays() {
    let gateway = Deployment::new().start();
    let query = format!(
        "query($d: Boolean) {{ customer(id: \"{}\") {{ name ... @defer(if: $d) {{ email }} }} }}",
        customer_id("c2")
    );
    for (variables, count) in
        [(json!({}), 2), (json!({ "d": true }), 2), (json!({ "d": false }), 1)]
    {
        let payloads = gateway.deliver(&query, variables.clone(), Format::Ids).await.all().await;
        assert_eq!(payloads.len(), count, "{variables}");
    }
    let refused = gateway.deliver(&query, json!({ "d": null }), Format::Ids).await.all().await;
    assert_eq!(refused[0]["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused:?}");
    // a client that takes no parts gets it whole, from the same plan
    let whole = gateway.query(&query).await;
    assert_eq!(whole["data"]["customer"]["email"], "C2@example.com");
    assert_eq!(gateway.engine.plan_counts().made, 1);
}

// ---- sourceStatus --------------------------------------------------------------------------------------------------

fn states(payload: &Value) -> Vec<String> {
    let status = payload.as_array().expect("a list");
    status
        .iter()
        .map(|one| {
            format!("{} {}", one["system"].as_str().unwrap(), one["state"].as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_backend_is_pending_until_its_part_comes_and_a_fragment_of_states_alone_comes_last() {
    let mut world = World::default();
    let (support, billing) = (world.hold("support"), world.hold("billing"));
    let gateway = Deployment::new().over(world);
    let query = customer(
        "name sourceStatus { system state }
         ... @defer(label: \"desk\") { tickets { subject } then: sourceStatus { system state } }
         ... @defer(label: \"money\") { plan }
         ... @defer(label: \"states\") { last: sourceStatus { system state } }",
    );
    let mut reader = gateway.deliver(&query, json!({}), Format::Ids).await;
    let first = reader.next().await;
    assert_eq!(
        states(&first["data"]["customer"]["sourceStatus"]),
        ["crm OK", "billing PENDING", "support PENDING"]
    );
    support.notify_one();
    let second = reader.next().await;
    assert_eq!(second["completed"], json!([{ "id": "0" }]));
    assert_eq!(
        states(&second["incremental"][0]["data"]["then"]),
        ["crm OK", "billing PENDING", "support OK"]
    );
    billing.notify_one();
    let third = reader.next().await;
    assert_eq!(third["completed"], json!([{ "id": "1" }, { "id": "2" }]));
    assert_eq!(
        states(&third["incremental"][1]["data"]["last"]),
        ["crm OK", "billing OK", "support OK"]
    );
    assert_eq!(third["hasNext"], false);
}

// ---- lists -----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_items_of_a_streamed_list_come_when_what_they_need_is_there() {
    let mut world = World::default();
    let gate = world.hold("support");
    let gateway = Deployment::new().over(world);
    let query = "{ customers(first: 3) { totalCount nodes @stream(label: \"all\") { name tickets { subject } } } }";
    let mut reader = gateway.deliver(query, json!({}), Format::Ids).await;
    assert_eq!(
        reader.next().await,
        json!({
            "data": { "customers": { "totalCount": 8, "nodes": [] } },
            "pending": [{ "id": "0", "path": ["customers", "nodes"], "label": "all" }],
            "hasNext": true,
        })
    );
    gate.notify_one();
    let second = reader.next().await;
    assert_eq!(second["incremental"][0]["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(second["completed"], json!([{ "id": "0" }]));
    assert_eq!(second["hasNext"], false);
}

#[tokio::test]
async fn so_many_items_as_are_asked_for_come_at_once() {
    let gateway = Deployment::new().start();
    for (count, first, more) in [(0, 0, 3), (2, 2, 1), (3, 3, 0), (9, 3, 0)] {
        let query = format!(
            "{{ customers(first: 3) {{ edges @stream(initialCount: {count}) {{ node {{ name }} }} }} }}"
        );
        let payloads = gateway.parts(&query).await;
        let edges = payloads[0]["data"]["customers"]["edges"].as_array().expect("a list");
        assert_eq!(edges.len(), first, "{count}");
        let items = payloads
            .get(1)
            .map_or(0, |next| next["incremental"][0]["items"].as_array().unwrap().len());
        assert_eq!(items, more, "{count}");
    }
    let paths = gateway
        .deliver(
            "{ customers(first: 3) { nodes @stream(initialCount: 1) { name } } }",
            json!({}),
            Format::Paths,
        )
        .await
        .all()
        .await;
    assert_eq!(
        paths[1]["incremental"],
        json!([{
            "path": ["customers", "nodes", 1],
            "items": [{ "name": "Customer 2" }, { "name": "Customer 3" }],
        }])
    );
    let negative =
        gateway.parts("{ customers { nodes @stream(initialCount: -1) { name } } }").await;
    assert_eq!(negative[0]["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_null_that_may_not_be_ends_its_list_and_the_items_before_it_stay() {
    let mut world = World::default();
    for (index, ticket) in world.tickets.iter_mut().enumerate() {
        if index == 4 {
            ticket["subject"] = Value::Null;
        }
    }
    let gateway = Deployment::new().over(world);
    let query = format!(
        "{{ customer(id: \"{}\") {{ tickets @stream(initialCount: 1) {{ subject }} }} }}",
        customer_id("c1")
    );
    for format in [Format::Ids, Format::Paths] {
        let query = format!("{query} # {format:?}");
        let payloads = gateway.deliver(&query, json!({}), format).await.all().await;
        let answer = merged(&payloads, format);
        let subjects = answer["data"]["customer"]["tickets"].as_array().expect("a list");
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{payloads:#?}");
        let index = answer["errors"][0]["path"][2].as_u64().expect("an index");
        assert_eq!(subjects.len() as u64, index, "{payloads:#?}");
    }
}

// ---- rules and mutations ---------------------------------------------------------------------------------------------

#[tokio::test]
async fn what_the_draft_forbids_is_refused() {
    let gateway = Deployment::new().start();
    for (query, message) in [
        (
            "{ ... @defer(label: \"a\") { __typename } ... @defer(label: \"a\") { __typename } }",
            "must be unique",
        ),
        ("query($l: String) { ... @defer(label: $l) { __typename } }", "must be a static string"),
        (
            "{ customers @stream { totalCount } }",
            "cannot be used on non-list field \"Query.customers\"",
        ),
        ("mutation { ... @defer { __typename } }", "cannot be used on root mutation type"),
        (
            "mutation { ...F @defer } fragment F on Mutation { __typename }",
            "Defer directive cannot be used on root",
        ),
        (
            "{ customers { nodes { name } nodes @stream { name } } }",
            "they have overlapping stream directives",
        ),
    ] {
        let answer = gateway.query(query).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{query}: {answer}");
        assert!(error["message"].as_str().unwrap().contains(message), "{query}: {error}");
    }
}

#[tokio::test]
async fn where_it_is_switched_off_the_directives_are_unknown() {
    let gateway = Deployment::new()
        .change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\nincremental: { enabled: false }")
        .start();
    let answer = gateway.query(&customer("name ... @defer { email }")).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
    let on = Deployment::new().start();
    let query = "{ __schema { directives { name args { name defaultValue } } } }";
    let names = |answer: Value| answer["data"]["__schema"]["directives"].to_string();
    assert!(!names(gateway.query(query).await).contains("\"defer\""));
    assert!(names(on.query(query).await).contains("\"defer\""));
}

#[tokio::test]
async fn a_mutation_is_done_before_its_deferred_parts_begin() {
    let gateway = Deployment::new().start();
    let input =
        |name: &str| format!("(input: {{ id: \"{}\", name: \"{name}\" }})", customer_id("c2"));
    let query = format!(
        "mutation {{ a: rename{} {{ note ... @defer {{ customer {{ name tickets {{ subject }} }} }} }}
           b: rename{} {{ note }} }}",
        input("One"),
        input("Two")
    );
    let payloads = gateway.parts(&query).await;
    assert_eq!(
        payloads[0]["data"],
        json!({ "a": { "note": "renamed" }, "b": { "note": "renamed" } })
    );
    assert_eq!(payloads[1]["incremental"][0]["data"]["customer"]["name"], "One");
    let lines: Vec<String> = gateway.calls().iter().map(crate::testkit::Call::line).collect();
    assert_eq!(
        lines,
        ["crm PATCH /customers/c2", "crm PATCH /customers/c2", "support POST /tickets/search"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_every_part() {
    let mut world = World::default();
    world.hold("support");
    // support is asked so late that its call's own time would end after the operation's
    world.pauses.insert("crm".to_owned(), std::time::Duration::from_secs(1));
    let gateway =
        Deployment::new().change("cyclorama.yaml", "deadline: 10s", "deadline: 3s").over(world);
    let query = customer("name ... @defer { tickets { subject } }");
    let payloads = gateway.parts(&query).await;
    assert_eq!(payloads[0]["data"]["customer"]["name"], "Customer 2");
    let brought = &payloads[1]["incremental"][0];
    assert_eq!(brought["data"], json!({ "tickets": null }));
    assert_eq!(brought["errors"][0]["extensions"]["code"], "DEADLINE_EXCEEDED", "{brought}");
    assert_eq!(payloads[1]["hasNext"], false);
}

#[tokio::test]
async fn whoever_leaves_ends_what_nobody_else_waits_for() {
    let mut world = World::default();
    let gate = world.hold("support");
    let gateway = Deployment::new().over(world);
    let query = customer("name ... @defer { tickets { customer { email } subject } }");
    let mut reader = gateway.deliver(&query, json!({}), Format::Ids).await;
    reader.next().await;
    drop(reader);
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    // the tickets' customers were never asked for
    assert_eq!(gateway.lines(), ["crm POST /customers/batch", "support POST /tickets/search"]);
}
