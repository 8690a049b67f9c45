//! What is written: order of fields, merging, conditions, nulls and where they rise to, errors and what they do not tell.

use std::sync::Arc;

use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, customer_id};

fn customer(fields: &str) -> String {
    let defined = [("$yes", "$yes: Boolean = true"), ("$no", "$no: Boolean = false")];
    let used: Vec<&str> = defined
        .iter()
        .filter(|(name, _)| fields.contains(name))
        .map(|(_, definition)| *definition)
        .collect();
    let variables =
        if used.is_empty() { String::new() } else { format!("query({})", used.join(", ")) };
    format!("{variables} {{ customer(id: \"{}\") {{ {fields} }} }}", customer_id("c2"))
}

async fn text(fields: &str) -> String {
    Deployment::new().start().text(&customer(fields), json!({})).await.0
}

#[tokio::test]
async fn fields_stand_in_the_order_of_selection() {
    let answer = text("b: name __typename a: email ... on Customer { tags b: name }").await;
    assert_eq!(
        answer,
        r#"{"data":{"customer":{"b":"Customer 2","__typename":"Customer","a":"C2@example.com","tags":["a","b"]}}}"#
    );
}

#[tokio::test]
async fn a_field_stands_where_its_first_included_occurrence_does() {
    let answer =
        text("name @skip(if: $yes) email name @include(if: $yes) tags @include(if: $no)").await;
    assert_eq!(answer, r#"{"data":{"customer":{"email":"C2@example.com","name":"Customer 2"}}}"#);
    let answer = text("name @include(if: $yes) email name").await;
    assert_eq!(answer, r#"{"data":{"customer":{"name":"Customer 2","email":"C2@example.com"}}}"#);
}

#[tokio::test]
async fn a_skipped_field_asks_for_nothing() {
    let gateway = Deployment::new().start();
    gateway
        .data(&customer("name plan @skip(if: $yes) tickets @include(if: $no) { subject }"))
        .await;
    let calls = gateway.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].body["fields"], json!(["id", "name"]));
}

#[tokio::test]
async fn selections_of_one_field_are_merged() {
    let answer = text("invoices(first: 1) { nodes { number } } invoices(first: 1) { nodes { total { amount } } pageInfo { hasNextPage } }").await;
    assert_eq!(
        answer,
        r#"{"data":{"customer":{"invoices":{"nodes":[{"number":"2/1","total":{"amount":"10.05"}}],"pageInfo":{"hasNextPage":true}}}}}"#
    );
}

#[tokio::test]
async fn money_and_numbers_are_exact() {
    let gateway = Deployment::new().start();
    gateway.world(|world| {
        world.invoices[1]["total"] = json!(123_456_789_012_345_678_i64);
        world.opportunities[4]["amount"] = json!("0.10");
    });
    let data = gateway
        .data(&customer("invoices(first: 1) { nodes { total { amount currency } } } opportunities { nodes { amount { amount } } }"))
        .await;
    assert_eq!(
        data["customer"]["invoices"]["nodes"][0]["total"],
        json!({ "amount": "1234567890123456.78", "currency": "EUR" })
    );
    assert_eq!(data["customer"]["opportunities"]["nodes"][0]["amount"]["amount"], "0.10");
}

#[tokio::test]
async fn a_null_that_may_not_be_rises_to_the_nearest_place_that_may() {
    let gateway = Deployment::new().start();
    gateway.world(|world| {
        world.tickets[1]["subject"] = Value::Null;
        world.invoices[1]["lines"] = json!([{ "text": "x", "amount": 100 }, { "text": "y" }]);
    });
    let answer = gateway.query(&customer("name tickets { subject } invoices(first: 1) { nodes { number lines { text amount { amount } } } }")).await;
    assert_eq!(
        answer["data"]["customer"],
        json!({ "name": "Customer 2", "tickets": null, "invoices": { "nodes": [{ "number": "2/1", "lines": null }] } })
    );
    let errors: Vec<(&Value, &Value)> = answer["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| (&error["path"], &error["extensions"]["code"]))
        .collect();
    assert_eq!(
        errors,
        [
            (&json!(["customer", "tickets", 0, "subject"]), &json!("NULL_FOR_NON_NULL")),
            (
                &json!(["customer", "invoices", "nodes", 0, "lines", 1, "amount"]),
                &json!("NULL_FOR_NON_NULL")
            )
        ]
    );
    assert_eq!(answer["errors"][0]["locations"][0]["line"], 1);
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_null_with_an_error_and_the_rest_is_intact() {
    let gateway = Deployment::new().start();
    gateway.world(|world| {
        world.tickets[1]["priority"] = json!("urgent");
        world.tickets[1]["subject"] = json!("ok");
    });
    let answer = gateway.query(&customer("tickets { subject priority }")).await;
    assert_eq!(
        answer["data"]["customer"]["tickets"],
        json!([{ "subject": "ok", "priority": null }])
    );
    assert_eq!(answer["errors"][0]["extensions"]["code"], "VALUE_INVALID");
    assert!(!answer.to_string().contains("urgent"));
}

#[tokio::test]
async fn for_every_subset_of_dead_backends_the_live_fields_equal_the_all_alive_answer() {
    let query = "{ customers(first: 8) { nodes { id name plan balance { amount } opportunities { nodes { name } } \
                 invoices(first: 2) { nodes { number } } tickets { subject } } } }";
    let alive = Deployment::new().start().data(query).await;
    for dead in [
        vec!["billing"],
        vec!["support"],
        vec!["billing", "support"],
        vec!["crm POST /opportunities"],
        vec!["billing GET /accounts/"],
    ] {
        let gateway = Deployment::new().start();
        gateway.world(|world| dead.iter().for_each(|line| world.break_wire(line)));
        let answer = gateway.query(query).await;
        assert!(answer["errors"].is_array(), "{dead:?}");
        for (index, node) in
            answer["data"]["customers"]["nodes"].as_array().expect("nodes").iter().enumerate()
        {
            for (name, value) in node.as_object().expect("an object") {
                let expected = &alive["customers"]["nodes"][index][name];
                assert!(
                    value == expected || value.is_null(),
                    "{dead:?} {index} {name}: {value} for {expected}"
                );
            }
            let lives = if dead.contains(&"support") { "opportunities" } else { "tickets" };
            if !dead[0].starts_with("crm") {
                assert_eq!(node[lives], alive["customers"]["nodes"][index][lives], "{dead:?}");
            }
        }
    }
}

#[tokio::test]
async fn errors_tell_code_and_backend_and_nothing_of_what_the_backend_said() {
    let cases = [
        (401, "BACKEND_UNAUTHORIZED"),
        (404, "BACKEND_NOT_FOUND"),
        (429, "BACKEND_RATE_LIMITED"),
        (400, "BACKEND_REJECTED"),
        (500, "BACKEND_UNAVAILABLE"),
        (503, "BACKEND_UNAVAILABLE"),
    ];
    for (status, code) in cases {
        let gateway = Deployment::new().start();
        let body = json!({ "error": { "code": "prose, not a code", "message": "canary 4711 a-secret-token" } });
        gateway.world(|world| world.reply("support", status, &body));
        let answer = gateway.query(&customer("name tickets { subject }")).await;
        assert_eq!(
            answer["data"]["customer"],
            json!({ "name": "Customer 2", "tickets": null }),
            "{status}"
        );
        assert_eq!(answer["errors"][0]["path"], json!(["customer", "tickets"]));
        assert_eq!(
            answer["errors"][0]["extensions"],
            json!({ "code": code, "backend": "support" }),
            "{status}"
        );
        for canary in ["canary", "secret", "prose", "support.test", "/tickets"] {
            assert!(!answer.to_string().contains(canary), "{canary} in {answer}");
        }
    }
}

#[tokio::test]
async fn records_that_say_no_key_are_an_invalid_answer_and_not_an_empty_one() {
    let gateway = Deployment::new().start();
    let lost = json!({ "tickets": [{ "id": "t1", "subject": "Whose?" }] });
    gateway.world(|world| world.reply("support POST /tickets/search", 200, &lost));
    let answer = gateway.query(&customer("name tickets { subject }")).await;
    assert_eq!(answer["data"]["customer"], json!({ "name": "Customer 2", "tickets": null }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_INVALID_ANSWER", "{answer}");
    // Records of other keys are only more than was asked for.
    let gateway = Deployment::new().start();
    let others = json!({ "tickets": [{ "id": "t1", "requesters": [{ "email": "nobody@example.test" }], "subject": "Theirs" }] });
    gateway.world(|world| world.reply("support POST /tickets/search", 200, &others));
    let answer = gateway.query(&customer("name tickets { subject }")).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    assert_eq!(answer["data"]["customer"]["tickets"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_what_is_there_is_answered_and_the_rest_is_an_error() {
    let gateway = Deployment::new().start();
    gateway.world(|world| {
        world.pauses.insert("support".to_owned(), std::time::Duration::from_mins(1))
    });
    gateway.world(|world| {
        world.pauses.insert("billing".to_owned(), std::time::Duration::from_secs(8))
    });
    let begun = tokio::time::Instant::now();
    let answer = gateway
        .query(&customer("name plan tickets { subject } sourceStatus { system state code }"))
        .await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(answer["data"]["customer"]["name"], "Customer 2");
    assert_eq!(answer["data"]["customer"]["plan"], "gold");
    assert_eq!(answer["data"]["customer"]["tickets"], Value::Null);
    let code = &answer["errors"][0]["extensions"]["code"];
    assert!(code == "DEADLINE_EXCEEDED" || code == "BACKEND_TIMEOUT", "{code}");
    assert_eq!(answer["data"]["customer"]["sourceStatus"][2]["state"], "UNAVAILABLE");
}

#[tokio::test]
async fn a_field_that_needs_a_scope_is_refused_before_any_call_is_made_for_it() {
    let gateway = Deployment::new().start();
    let answer = gateway.query(&customer("name secret")).await;
    assert_eq!(answer["data"]["customer"], json!({ "name": "Customer 2", "secret": null }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHORIZED_FIELD_OR_TYPE");
    assert_eq!(gateway.calls()[0].body["fields"], json!(["id", "name"]));
    let auditor = Principal {
        subject: Some(Arc::from("eve")),
        scopes: vec![Arc::from("audit")],
        ..Principal::anonymous()
    };
    let answer = gateway.as_caller(auditor).query(&customer("secret")).await;
    assert_eq!(answer["data"]["customer"]["secret"], "hush");
    let nosy = Principal {
        subject: Some(Arc::from("mallory")),
        scopes: vec![Arc::from("read")],
        ..Principal::anonymous()
    };
    let answer = gateway.as_caller(nosy).query(&customer("secret")).await;
    assert_eq!(answer["data"]["customer"]["secret"], Value::Null);
}

#[tokio::test]
async fn introspection_is_answered_beside_data() {
    let gateway = Deployment::new().start();
    let data = gateway.data("{ __type(name: \"Money\") { name fields { name } } weather __schema { queryType { name } } }").await;
    assert_eq!(data["__type"]["fields"], json!([{ "name": "amount" }, { "name": "currency" }]));
    assert_eq!(data["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn an_answer_with_too_many_errors_counts_the_rest() {
    let gateway = Deployment::new()
        .change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\nlimits: { errors: 3 }")
        .start();
    gateway.world(|world| world.break_wire("support"));
    let answer = gateway.query("{ customers(first: 8) { nodes { tickets { id } } } }").await;
    let errors = answer["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 4);
    assert_eq!(errors[3]["extensions"]["code"], "ERRORS_TRUNCATED");
    assert_eq!(errors[3]["message"], "5 more errors are not listed");
}

#[tokio::test]
async fn an_answer_of_too_many_objects_is_refused_where_it_grows() {
    let gateway = Deployment::new()
        .change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\nlimits: { objects: 10 }")
        .start();
    let answer =
        gateway.query("{ customers(first: 8) { nodes { name invoices { nodes { id } } } } }").await;
    let codes: Vec<&Value> = answer["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| &error["extensions"]["code"])
        .collect();
    assert!(!codes.is_empty() && codes.iter().all(|code| *code == "OBJECTS_LIMIT"), "{codes:?}");
}

#[tokio::test]
async fn explain_names_steps_calls_and_what_waits_for_what() {
    let gateway = Deployment::new().start();
    let query = "{ customers(first: 50) { nodes { name plan tickets { subject } } } }";
    let explained = gateway.engine.explain(query, None).expect("a plan");
    let json = explained.to_json();
    let steps = json["steps"].as_array().expect("steps");
    let brings: Vec<&str> = steps.iter().filter_map(|step| step["brings"].as_str()).collect();
    assert_eq!(
        brings,
        [
            "Query.customers",
            "billing part of Customer",
            "support part of Customer",
            "Customer.tickets"
        ],
        "{json:#}"
    );
    assert_eq!(steps[1]["after"], json!([1]));
    // Fifty customers fill one call of 50, and are found in billing by id or by e-mail address.
    assert_eq!(steps[0]["callsAtMost"], 1);
    assert_eq!(steps[1]["callsAtMost"], 2);
    assert_eq!(steps[1]["call"]["keysAtMost"], 100);
    assert!(explained.to_mermaid().starts_with("flowchart LR\n"));
    assert!(explained.to_text().contains("waits    step 1"), "{}", explained.to_text());
}
