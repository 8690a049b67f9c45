//! For N parents one step makes exactly the planned number of calls, and everybody gets what is theirs.

use serde_json::{Value, json};

use crate::testkit::{Deployment, customer_id};

#[tokio::test]
async fn a_page_of_customers_costs_one_call_for_each_list_beneath_it() {
    let gateway = Deployment::new().start();
    let data = gateway
        .data("{ customers(first: 8) { totalCount nodes { name opportunities { nodes { name } } tickets { subject } } } }")
        .await;
    assert_eq!(data["customers"]["totalCount"], 8);
    assert_eq!(
        gateway.lines(),
        ["crm GET /customers", "crm POST /opportunities", "support POST /tickets/search"]
    );
}

#[tokio::test]
async fn records_are_matched_by_key_and_a_record_may_answer_several() {
    let gateway = Deployment::new().start();
    let data = gateway.data("{ customers(first: 3) { nodes { name tickets { subject } } } }").await;
    let subjects = |index: usize| -> Vec<&str> {
        let tickets = data["customers"]["nodes"][index]["tickets"].as_array().expect("a list");
        tickets.iter().filter_map(|ticket| ticket["subject"].as_str()).collect()
    };
    // c1 is the second requester of every ticket that was found, its own ticket names it twice.
    assert_eq!(subjects(0), (1..=8).map(|number| format!("Ticket {number}")).collect::<Vec<_>>());
    assert_eq!(subjects(1), ["Ticket 2"]);
    assert_eq!(subjects(2), ["Ticket 3"]);
}

#[tokio::test]
async fn keys_are_sorted_without_duplicates_and_sent_in_chunks_of_the_vendors_limit() {
    let gateway = Deployment::new().start();
    let ids: Vec<String> = ["c5", "c1", "c3", "c1", "c8", "c2", "c4", "c6"]
        .iter()
        .map(|key| customer_id(key))
        .collect();
    let answer = gateway
        .query_with(
            "query($ids: [ID!]!) { customersByIds(ids: $ids) { name } }",
            json!({ "ids": ids }),
        )
        .await;
    let names: Vec<&str> = answer["data"]["customersByIds"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "Customer 5",
            "Customer 1",
            "Customer 3",
            "Customer 1",
            "Customer 8",
            "Customer 2",
            "Customer 4",
            "Customer 6"
        ]
    );
    let mut chunks: Vec<Value> =
        gateway.calls().iter().map(|call| call.body["ids"].clone()).collect();
    chunks.sort_by_key(ToString::to_string);
    assert_eq!(chunks, [json!(["c1", "c2", "c3"]), json!(["c4", "c5", "c6"]), json!(["c8"])]);
}

#[tokio::test]
async fn a_key_that_the_backend_does_not_know_is_null_and_the_others_are_answered() {
    let gateway = Deployment::new().start();
    let ids = [customer_id("c1"), customer_id("nobody"), customer_id("c2")];
    let answer = gateway
        .query_with(
            "query($ids: [ID!]!) { customersByIds(ids: $ids) { name } }",
            json!({ "ids": ids }),
        )
        .await;
    assert_eq!(
        answer,
        json!({ "data": { "customersByIds": [{ "name": "Customer 1" }, null, { "name": "Customer 2" }] } })
    );
}

#[tokio::test]
async fn a_failed_chunk_fails_its_own_keys_alone() {
    let gateway =
        Deployment::new().change("resolvers/crm/test.yaml", ", split_on: [422]", "").start();
    gateway.world(|world| world.poison = Some("c2".to_owned()));
    let ids: Vec<String> = (1..=6).map(|number| customer_id(&format!("c{number}"))).collect();
    let answer = gateway
        .query_with(
            "query($ids: [ID!]!) { customersByIds(ids: $ids) { name } }",
            json!({ "ids": ids }),
        )
        .await;
    let list = answer["data"]["customersByIds"].as_array().expect("a list");
    assert_eq!(list[0], json!({ "name": null }));
    assert_eq!(list[3], json!({ "name": "Customer 4" }));
    let paths: Vec<&Value> =
        answer["errors"].as_array().expect("errors").iter().map(|error| &error["path"]).collect();
    assert_eq!(
        paths,
        [
            &json!(["customersByIds", 0, "name"]),
            &json!(["customersByIds", 1, "name"]),
            &json!(["customersByIds", 2, "name"])
        ]
    );
    assert_eq!(
        answer["errors"][0]["extensions"],
        json!({ "code": "BACKEND_REJECTED", "backend": "crm", "backendCode": "bad_id" })
    );
    assert_eq!(gateway.calls().len(), 2);
}

#[tokio::test]
async fn a_refused_chunk_is_halved_until_the_bad_key_stands_alone() {
    let gateway = Deployment::new().start();
    gateway.world(|world| world.poison = Some("c2".to_owned()));
    let ids: Vec<String> = (1..=3).map(|number| customer_id(&format!("c{number}"))).collect();
    let answer = gateway
        .query_with(
            "query($ids: [ID!]!) { customersByIds(ids: $ids) { name } }",
            json!({ "ids": ids }),
        )
        .await;
    let list = answer["data"]["customersByIds"].as_array().expect("a list");
    assert_eq!(
        list,
        &[
            json!({ "name": "Customer 1" }),
            json!({ "name": null }),
            json!({ "name": "Customer 3" })
        ]
    );
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
    // [1 2 3] refused, [1], [2 3] refused, [2] refused, [3]
    assert_eq!(gateway.calls().len(), 5);
}

#[tokio::test]
async fn an_api_that_takes_one_key_a_call_gets_one_call_for_each_key() {
    let gateway = Deployment::new().start();
    let data = gateway
        .data("{ customers(first: 8) { nodes { invoices(first: 2) { nodes { number } } } } }")
        .await;
    assert_eq!(
        data["customers"]["nodes"][7]["invoices"]["nodes"],
        json!([{ "number": "8/1" }, { "number": "8/2" }])
    );
    assert_eq!(data["customers"]["nodes"][6]["invoices"], Value::Null);
    let lines = gateway.lines();
    // The odd customers are found by one batch of e-mail addresses; c7 has no account.
    assert_eq!(lines.iter().filter(|line| *line == "billing GET /invoices").count(), 7);
    assert_eq!(lines.iter().filter(|line| *line == "billing GET /accounts").count(), 1);
    assert_eq!(lines.len(), 9);
}

#[tokio::test]
async fn only_so_many_calls_of_a_fan_out_run_at_once() {
    let gateway = Deployment::new().start();
    let gate = gateway.world(|world| world.hold("billing GET /invoices"));
    let query =
        gateway.query("{ customers(first: 8) { nodes { invoices(first: 1) { nodes { id } } } } }");
    tokio::pin!(query);
    // Run until nothing moves: the calls that wait at the gate are those that are allowed at once.
    for _ in 0..100 {
        assert!(futures_util::poll!(&mut query).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.lines().iter().filter(|line| *line == "billing GET /invoices").count(), 4);
    while futures_util::poll!(&mut query).is_pending() {
        gate.notify_waiters();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn two_fields_with_the_same_call_and_keys_are_one_load_with_the_slots_of_both() {
    let gateway = Deployment::new().start();
    let query = format!(
        "{{ a: customer(id: \"{id}\") {{ name }} b: customer(id: \"{id}\") {{ email tags }} }}",
        id = customer_id("c1")
    );
    let data = gateway.data(&query).await;
    assert_eq!(
        data,
        json!({ "a": { "name": "Customer 1" }, "b": { "email": "C1@example.com", "tags": ["a", "b"] } })
    );
    let calls = gateway.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].body["fields"], json!(["email", "id", "name", "tags"]));
}

#[tokio::test]
async fn selected_fields_reach_the_call() {
    let gateway = Deployment::new().start();
    gateway.data(&format!("{{ customer(id: \"{}\") {{ name }} }}", customer_id("c1"))).await;
    assert_eq!(gateway.calls()[0].body["fields"], json!(["id", "name"]));
}

#[tokio::test]
async fn steps_that_do_not_need_each_other_run_together() {
    let gateway = Deployment::new().start();
    let gate = gateway.world(|world| world.hold("crm POST /opportunities"));
    let query = gateway.query(
        "{ customers(first: 2) { nodes { opportunities { nodes { id } } tickets { id } } } }",
    );
    tokio::pin!(query);
    for _ in 0..50 {
        assert!(futures_util::poll!(&mut query).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(
        gateway.lines(),
        ["crm GET /customers", "crm POST /opportunities", "support POST /tickets/search"]
    );
    while futures_util::poll!(&mut query).is_pending() {
        gate.notify_waiters();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn fifty_operations_at_once_make_the_calls_of_one() {
    let gateway = Deployment::new().start();
    let query = "{ customers(first: 8) { nodes { name opportunities { nodes { name } } tickets { subject } } } }";
    let answers = futures_util::future::join_all((0..50).map(|_| gateway.query(query))).await;
    assert!(answers.iter().all(|answer| answer == &answers[0] && answer.get("errors").is_none()));
    assert_eq!(gateway.calls().len(), 3);
}

#[tokio::test]
async fn a_drained_batch_takes_all_its_pages_and_says_when_it_was_cut() {
    let gateway = Deployment::new().start();
    gateway.world(|world| world.opportunity_pages = 3);
    let query = "{ customers(first: 2) { nodes { opportunities { totalCount nodes { name } } sourceStatus { system state } } } }";
    let data = gateway.data(query).await;
    assert_eq!(
        data["customers"]["nodes"][0]["opportunities"]["nodes"].as_array().map(Vec::len),
        Some(4)
    );
    assert_eq!(
        data["customers"]["nodes"][0]["sourceStatus"][0],
        json!({ "system": "crm", "state": "OK" })
    );
    assert_eq!(gateway.lines().iter().filter(|line| *line == "crm POST /opportunities").count(), 3);

    let gateway = Deployment::new().start();
    gateway.world(|world| world.opportunity_pages = 5);
    let data = gateway.data(query).await;
    assert_eq!(gateway.lines().iter().filter(|line| *line == "crm POST /opportunities").count(), 3);
    assert_eq!(
        data["customers"]["nodes"][0]["sourceStatus"][0],
        json!({ "system": "crm", "state": "PARTIAL" })
    );
    assert_eq!(data["customers"]["nodes"][0]["opportunities"]["totalCount"], Value::Null);
}

#[tokio::test]
async fn a_composite_key_is_sent_in_its_parts_and_matched_by_all_of_them() {
    let crm = "resolvers/crm/test.yaml";
    let gateway = Deployment::new()
        .change(
            "resolvers/roles.yaml",
            "        slots: [billingId]\n        fields: [id, name, email",
            "        slots: [billingId, org]\n        fields: [id, name, email",
        )
        .change(crm, "    billingId: .billing\n", "    billingId: .billing\n    org: .org\n")
        .change(
            crm,
            "Customer.opportunities: { call: opportunities, from: id }",
            "Customer.opportunities: { call: opportunities, from: [org, id] }",
        )
        .change(
            crm,
            "customers: $keys, page",
            "customers: { each_key: { org: \"$key[0]\", id: \"$key[1]\" } }, page",
        )
        .change(crm, "    answers: .customer\n", "    answers: [.org, .customer]\n")
        .start();
    gateway.world(|world| {
        world.customers[0]["org"] = json!("acme");
        world.customers[1]["org"] = json!("other");
        world.opportunities.iter_mut().for_each(|opportunity| opportunity["org"] = json!("acme"));
    });
    let data = gateway
        .data("{ customers(first: 3) { nodes { opportunities { nodes { name } } } } }")
        .await;
    let nodes = &data["customers"]["nodes"];
    assert_eq!(nodes[0]["opportunities"]["nodes"].as_array().map(Vec::len), Some(4));
    // The same customer id in another organization is another key, and without an organization there is none.
    assert_eq!(nodes[1]["opportunities"]["nodes"], json!([]));
    assert_eq!(nodes[2]["opportunities"], Value::Null);
    let calls = gateway.calls();
    assert_eq!(
        calls[1].body["customers"],
        json!([{ "org": "acme", "id": "c1" }, { "org": "other", "id": "c2" }])
    );
}
