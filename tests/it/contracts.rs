//! Schemas of answers: refused, warned of, or left alone.

use cyclorama::transport::WireResponse;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, customer_id, id};

const BALANCE: &str = "    get: /accounts/{key}/balance\n";
const SCHEMA: &str = r#"{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "required": ["balance", "currency"],
  "properties": { "balance": { "$ref": "../../schemas/common.json#/definitions/cents" } }
}"#;
const COMMON: &str = r#"{ "definitions": { "cents": { "type": "integer" } } }"#;

/// The deployment with a schema on the call for a balance, and what that call answers.
fn deployment(on_violation: &str) -> Deployment {
    let call = format!("{BALANCE}    schema: schemas/balance.json\n{on_violation}");
    Deployment::new()
        .file("resolvers/billing/schemas/balance.json", SCHEMA)
        .file("resolvers/schemas/common.json", COMMON)
        .change("resolvers/billing/test.yaml", BALANCE, &call)
}

fn answering(gateway: &Gateway, balance: &str) {
    let headers = cyclorama::transport::fields([("content-type", "application/json")]);
    let body = format!("{{\"balance\":{balance},\"currency\":\"EUR\"}}").into();
    let response = WireResponse { status: 200, headers, body };
    gateway.world(|world| {
        world.replies.insert("billing GET /accounts/b2/balance".to_owned(), Ok(response));
    });
}

async fn ask(gateway: &Gateway) -> Value {
    let id = customer_id("c2");
    let query = format!("{{ customer(id: \"{id}\") {{ name balance {{ amount }} plan }} }}");
    gateway.query(&query).await
}

#[tokio::test]
async fn an_answer_that_breaks_its_schema_is_refused_with_its_place_and_the_rest_is_whole() {
    let gateway = deployment("    on_violation: refuse\n").start();
    answering(&gateway, "\"canary\"");
    let answer = ask(&gateway).await;
    let error = &answer["errors"][0];
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer:#}");
    assert_eq!(error["extensions"], json!({ "code": "CONTRACT_VIOLATED", "backend": "billing" }));
    assert_eq!(error["path"], json!(["customer", "balance"]));
    assert_eq!(error["message"], "billing gave an answer that breaks its contract at /balance");
    let customer = &answer["data"]["customer"];
    assert_eq!(customer["balance"], Value::Null);
    assert_eq!((&customer["name"], &customer["plan"]), (&json!("Customer 2"), &json!("gold")));
    assert!(!answer.to_string().contains("canary"));
}

#[tokio::test]
async fn an_answer_that_keeps_its_schema_is_what_it_would_be_without() {
    let gateway = deployment("    on_violation: refuse\n").start();
    answering(&gateway, "1250");
    let answer = ask(&gateway).await;
    assert_eq!(answer.get("errors"), None, "{answer:#}");
    assert_eq!(answer["data"]["customer"]["balance"]["amount"], "12.50");
}

#[tokio::test]
async fn the_deployment_says_what_becomes_of_it_where_the_call_does_not() {
    let refusing = |file: Deployment| {
        let key = "deadline: 10s\n";
        let with = format!("{key}contracts: {{ on_violation: refuse }}\n");
        file.change("cyclorama.yaml", key, &with)
    };
    for (deployment, is_refused) in [
        (deployment(""), false),
        (refusing(deployment("")), true),
        (refusing(deployment("    on_violation: warn\n")), false),
        (refusing(deployment("    on_violation: off\n")), false),
    ] {
        let gateway = deployment.start();
        // a text that can be read as cents, and is none by the schema
        answering(&gateway, "\"1250\"");
        let answer = ask(&gateway).await;
        let amount = &answer["data"]["customer"]["balance"]["amount"];
        assert_eq!(answer.get("errors").is_some(), is_refused, "{answer:#}");
        assert_eq!(amount == "12.50", !is_refused, "{answer:#}");
    }
}

#[tokio::test]
async fn of_several_calls_only_those_that_break_their_schema_fail() {
    let call = "    get: /invoices/{key}\n";
    let schema = "    schema: { required: [number], properties: { number: { const: 1/1 } } }\n    on_violation: refuse\n";
    let gateway = Deployment::new()
        .change("resolvers/billing/test.yaml", call, &format!("{call}{schema}"))
        .start();
    let ids = ["i1-1", "i2-1", "no-such"].map(|key| id("Invoice", "billing", key));
    let query = format!(
        "{{ a: invoice(id: \"{}\") {{ number }} b: invoice(id: \"{}\") {{ number }} c: invoice(id: \"{}\") {{ number }} }}",
        ids[0], ids[1], ids[2]
    );
    let answer = gateway.query(&query).await;
    let codes: Vec<&Value> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["extensions"]["code"])
        .collect();
    assert_eq!(codes, ["CONTRACT_VIOLATED"], "{answer:#}");
    assert_eq!(answer["errors"][0]["path"][0], "b", "{answer:#}");
    assert_eq!(answer["data"]["a"]["number"], "1/1", "{answer:#}");
    // "there is no such record" is no answer that could break a schema
    assert_eq!(answer["data"]["c"], Value::Null);
}
