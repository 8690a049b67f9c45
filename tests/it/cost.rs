//! What operations cost: limits that hold before a backend is called, and calls that are never more than what was reckoned.

use cyclorama::engine::{Outcome, Request};
use cyclorama::error::ErrorCode;
use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, customer_id};

const FILE: &str = "cyclorama.yaml";

fn deployment(settings: &str) -> Deployment {
    Deployment::new().change(FILE, "deadline: 10s", &format!("deadline: 10s\n{settings}"))
}

/// The answer to a request that asks for its cost.
pub(crate) async fn asked(gateway: &Gateway, query: &str, variables: Value) -> (Value, Outcome) {
    let Value::Object(variables) = variables else { panic!("variables are an object") };
    let Value::Object(extensions) = json!({ "cost": true }) else { unreachable!() };
    let request = Request { query: query.to_owned(), variables, extensions, ..Request::default() };
    let response = gateway.engine.execute(request, &Principal::anonymous()).await;
    (serde_json::from_slice(&response.body).expect("JSON"), response.outcome)
}

const PAGE: &str = "query($n: Int) { customers(first: $n) { nodes { name invoices(first: 10) { nodes { number } } } } }";

#[tokio::test]
async fn an_operation_that_costs_too_much_calls_no_backend() {
    let gateway = deployment("cost: { mode: enforce, limit: 90 }").start();
    let answer = gateway.query_with(PAGE, json!({ "n": 8 })).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "COST_ESTIMATED_TOO_EXPENSIVE");
    assert_eq!(error["locations"], json!([{ "line": 1, "column": 18 }]));
    // the connection, eight customers, each with a connection of ten invoices
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("costs 97; cost.limit allows 90"), "{message}");
    assert_eq!(gateway.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn variables_decide_whether_an_operation_costs_too_much() {
    let gateway = deployment("cost: { mode: enforce, limit: 96 }").start();
    let refused = gateway.query_with(PAGE, json!({ "n": 8 })).await;
    assert_eq!(refused.get("data"), None);
    assert_eq!(gateway.lines(), Vec::<String>::new());
    let answer = gateway.query_with(PAGE, json!({ "n": 7 })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    assert_eq!(answer["data"]["customers"]["nodes"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn an_operation_that_can_make_too_many_calls_makes_none() {
    let gateway = deployment("cost: { mode: enforce, calls_limit: 8 }").start();
    let answer = gateway.query_with(PAGE, json!({ "n": 8 })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "COST_CALLS_LIMIT", "{answer}");
    assert_eq!(gateway.lines(), Vec::<String>::new());
    let answer = gateway.query_with(PAGE, json!({ "n": 2 })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
}

#[tokio::test]
async fn a_request_that_asks_is_told_what_it_costs() {
    for (mode, is_told) in [("off", false), ("measure", true), ("enforce", true)] {
        let gateway = deployment(&format!("cost: {{ mode: {mode} }}")).start();
        let (answer, outcome) = asked(&gateway, PAGE, json!({ "n": 3 })).await;
        assert_eq!(outcome, Outcome::Data { has_errors: false });
        let expected = json!({ "cost": {
            "estimated": 37, "limit": 5000, "callsPlanned": 6, "callsAtMost": 27, "callsLimit": 1000, "mode": mode,
        } });
        assert_eq!(answer.get("extensions"), is_told.then_some(&expected), "{mode}: {answer}");
        // who does not ask is not told
        let answer = gateway.query_with(PAGE, json!({ "n": 3 })).await;
        assert_eq!(answer.get("extensions"), None);
    }
}

#[tokio::test]
async fn a_refused_request_that_asks_is_told_what_it_would_have_cost() {
    let gateway = deployment("cost: { mode: enforce, limit: 5, calls_limit: 5 }").start();
    let (answer, outcome) = asked(&gateway, PAGE, json!({ "n": 3 })).await;
    assert_eq!(outcome, Outcome::Refused(ErrorCode::CostEstimatedTooExpensive));
    assert_eq!(answer["extensions"]["cost"]["estimated"], 37);
    assert_eq!(answer["extensions"]["cost"]["callsPlanned"], 6);
    assert_eq!(answer.get("data"), None);
}

#[tokio::test]
async fn in_measure_mode_everything_runs() {
    let gateway = deployment("cost: { mode: measure, limit: 1, calls_limit: 1 }").start();
    let (answer, _) = asked(&gateway, PAGE, json!({ "n": 3 })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    assert_eq!(answer["extensions"]["cost"]["limit"], 1);
}

#[tokio::test]
async fn a_caller_who_may_not_see_a_field_is_not_charged_its_calls() {
    let gateway = deployment("").start();
    let query = "{ customersByIds(ids: [\"x\"]) { __typename } weather(place: \"a\") }";
    let (answer, _) = asked(&gateway, query, json!({})).await;
    assert_eq!(answer["extensions"]["cost"]["callsPlanned"], 2, "{answer}");
    let skipped = query.replace(") }", ") @skip(if: $yes) }");
    let (answer, _) =
        asked(&gateway, &format!("query($yes: Boolean!) {skipped}"), json!({ "yes": true })).await;
    assert_eq!(answer["extensions"]["cost"]["callsPlanned"], 1, "{answer}");
}

#[tokio::test]
async fn a_schema_that_asks_for_one_slicing_argument_gets_one() {
    let sized = "customersByIds(ids: [ID!]!): [Customer] @listSize(slicingArguments: [\"ids\"])\n  customers(first: Int, after: String): CustomerConnection @listSize(slicingArguments: [\"first\"], sizedFields: [\"nodes\"])";
    let from = "customersByIds(ids: [ID!]!): [Customer]\n  customers(first: Int, after: String): CustomerConnection";
    let gateway =
        deployment("cost: { mode: enforce }").change("schema/schema.graphql", from, sized).start();
    let answer = gateway.query("{ customers { nodes { name } } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    assert_eq!(gateway.lines(), Vec::<String>::new());
    gateway.data("{ customers(first: 2) { nodes { name } } }").await;
}

#[tokio::test]
async fn a_cursor_of_a_small_page_is_reckoned_with_all_the_pages_that_it_can_take() {
    let gateway = deployment("cost: { mode: measure }\ncache: { enabled: false }").start();
    let first = gateway.data("{ customers(first: 1) { pageInfo { endCursor } } }").await;
    let after = first["customers"]["pageInfo"]["endCursor"].clone();
    gateway.lines();
    let query = "query($after: String) { customers(first: 7, after: $after) { nodes { name } } }";
    let (answer, _) = asked(&gateway, query, json!({ "after": after })).await;
    let made = gateway.lines().len() as u64;
    let reckoned = answer["extensions"]["cost"]["callsPlanned"].as_u64().unwrap();
    assert!(made > 1 && made <= reckoned, "{made} calls, {reckoned} reckoned");
    let (answer, _) = asked(&gateway, query, json!({})).await;
    assert_eq!(answer["extensions"]["cost"]["callsPlanned"], 1);
}

#[tokio::test]
async fn changes_cost_ten_and_their_calls_are_counted() {
    let gateway = deployment("cost: { mode: measure }").start();
    let query = format!(
        "mutation {{ rename(input: {{ id: \"{}\", name: \"x\" }}) {{ note customer {{ name plan }} }} }}",
        customer_id("c2")
    );
    let (answer, _) = asked(&gateway, &query, json!({})).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let cost = &answer["extensions"]["cost"];
    // the change, its input, the payload, the customer
    assert_eq!(cost["estimated"], 13);
    assert!(gateway.lines().len() as u64 <= cost["callsAtMost"].as_u64().unwrap(), "{answer}");
}
