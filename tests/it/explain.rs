//! What `explain` tells of operations that are not quite ordinary: answers in parts, a federation's representations.

use serde_json::{Value, json};

use crate::cost::asked;
use crate::federation;
use crate::testkit::{Deployment, Gateway, customer_id, id};

fn explained(gateway: &Gateway, query: &str, variables: Option<&Value>) -> Value {
    let variables = variables.and_then(Value::as_object);
    gateway.engine.explain_with(query, None, variables).expect("a plan").to_json()
}

/// The steps of this number, by what they bring.
fn bringing(json: &Value, numbers: &Value) -> Vec<String> {
    let numbers = numbers.as_array().expect("numbers");
    let steps = json["steps"].as_array().expect("steps");
    let found = steps.iter().filter(|step| numbers.contains(&step["step"]));
    found.map(|step| step["brings"].as_str().expect("text").to_owned()).collect()
}

// ---- parts ---------------------------------------------------------------------------------------------------------

const IN_PARTS: &str = "query($yes: Boolean! = true, $id: ID!) { customer(id: $id) { name \
     ... @defer(label: \"money\", if: $yes) { plan balance { amount } ... @defer(label: \"late\") { tickets { subject } } } \
     ... @defer(label: \"names\") { email } } \
     customers(first: 3) { nodes @stream(label: \"rest\") { name plan } } }";

#[test]
fn explain_tells_which_part_leaves_when_which_steps_are_done() {
    let gateway = Deployment::new().start();
    let json = explained(&gateway, IN_PARTS, None);
    let parts = json["parts"].as_array().expect("parts");
    let told: Vec<Value> = parts
        .iter()
        .map(|part| {
            json!([
                part["kind"],
                part["label"],
                part["path"],
                part["announcedBy"],
                bringing(&json, &part["after"])
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["first", null, "", null, ["crm part of Customer (anchor)", "Query.customers"]]),
            json!([
                "defer",
                "money",
                "customer",
                1,
                ["billing part of Customer", "Customer.balance"]
            ]),
            json!([
                "defer",
                "late",
                "customer",
                2,
                ["support part of Customer", "Customer.tickets"]
            ]),
            json!(["defer", "names", "customer", 1, []]),
            json!(["stream", "rest", "customers.nodes", 1, ["billing part of Customer"]]),
        ],
        "{json:#}"
    );
}

#[test]
fn explain_writes_the_parts_as_text_and_draws_them() {
    let gateway = Deployment::new().start();
    let explained = gateway.engine.explain(IN_PARTS, None).expect("a plan");
    let text = explained.to_text();
    for line in [
        "the answer comes in parts\n  1. first\n     leaves   when steps ",
        "2. @defer \"money\" at customer\n     leaves   when steps ",
        "3. @defer \"late\" at customer, in part 2\n     leaves   when steps ",
        "4. @defer \"names\" at customer\n     leaves   with what is before it: nothing more is loaded for it\n",
        "5. @stream \"rest\" at customers.nodes\n     leaves   when step ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let drawn = explained.to_mermaid();
    for line in [
        "  p1([\"first\"])\n",
        "  p3([\"@defer 'late' at customer\"])\n",
        "  p2 -.-> p3\n",
        "  p1 -.-> p4\n",
    ] {
        assert!(drawn.contains(line), "{line}\n{drawn}");
    }
}

#[test]
fn variables_decide_which_parts_there_are() {
    let gateway = Deployment::new().start();
    let variables = json!({ "yes": false, "id": customer_id("c2") });
    let json = explained(&gateway, IN_PARTS, Some(&variables));
    let labels: Vec<&Value> =
        json["parts"].as_array().expect("parts").iter().map(|part| &part["label"]).collect();
    assert_eq!(labels, [&Value::Null, &json!("late"), &json!("names"), &json!("rest")], "{json:#}");
    assert!(bringing(&json, &json["parts"][0]["after"]).contains(&"Customer.balance".to_owned()));
    let query =
        "query($yes: Boolean!) { customers { nodes { name ... @defer(if: $yes) { plan } } } }";
    let whole = explained(&gateway, query, Some(&json!({ "yes": false })));
    assert_eq!(whole["parts"], json!([]), "it comes whole");
    let skipping = "query($yes: Boolean!) { customers { nodes { name ... @defer { plan @skip(if: $yes) email } } } }";
    let json = explained(&gateway, skipping, Some(&json!({ "yes": true })));
    assert_eq!(json["parts"][1]["after"], json!([]), "{json:#}");
    let json = explained(&gateway, skipping, Some(&json!({ "yes": false })));
    assert_eq!(bringing(&json, &json["parts"][1]["after"]), ["billing part of Customer"]);
}

#[test]
fn an_operation_that_defers_nothing_has_no_parts() {
    let gateway = Deployment::new().start();
    let explained =
        gateway.engine.explain("{ customers { nodes { name } } }", None).expect("a plan");
    assert_eq!(explained.to_json()["parts"], json!([]));
    assert!(!explained.to_text().contains("parts") && !explained.to_mermaid().contains("p1"));
}

// ---- representations -----------------------------------------------------------------------------------------------

const ENTITIES: &str = "query($of: [_Any!]!) { _entities(representations: $of) { \
     ... on Customer { name plan tickets { subject } } ... on Invoice { number } } }";

fn representations(count: usize) -> Value {
    let customer = |number: usize| json!({ "__typename": "Customer", "id": customer_id(&format!("c{number}")) });
    let invoice = |number: usize| json!({ "__typename": "Invoice", "id": id("Invoice", "billing", &format!("i{number}-1")) });
    let all = (0..count)
        .map(|index| if index % 2 == 0 { customer(index / 2 + 1) } else { invoice(index / 2 + 1) });
    json!({ "of": all.collect::<Vec<_>>() })
}

#[test]
fn explain_shows_the_steps_of_a_routers_representations() {
    let gateway = federation::deployment().start();
    let step = |json: &Value| -> Vec<Value> {
        let steps = json["steps"].as_array().expect("steps").iter();
        let told = |step: &Value| {
            assert_eq!(step["path"], "_entities");
            let numbers = ["objectsPlanned", "objectsAtMost", "callsPlanned", "callsAtMost"];
            json!([step["brings"], step["key"], numbers.map(|name| step[name].clone())])
        };
        steps.map(told).collect()
    };
    // four customers and four invoices; customers in chunks of three that may be refused, and in billing by id or by e-mail
    let json = explained(&gateway, ENTITIES, Some(&representations(8)));
    let known = [
        json!(["crm part of Customer (anchor)", "id or email", [4, 4, 3, 6]]),
        json!(["billing part of Customer", "id, else email", [4, 4, 2, 2]]),
        json!(["support part of Customer", "email", [4, 4, 0, 0]]),
        json!(["billing part of Invoice (anchor)", "id", [4, 4, 4, 4]]),
        json!(["Customer.tickets", "requester of the support part", [4, 4, 1, 1]]),
    ];
    assert_eq!(step(&json), known, "{json:#}");
    let reason = "its keys stand in the representations of a federation's router";
    assert_eq!(json["steps"][0]["reason"], reason);
    assert_eq!(json["steps"][3]["reason"], reason);
    // without variables only limits.objects bounds them
    let json = explained(&gateway, ENTITIES, None);
    assert_eq!(step(&json)[3][2], json!([null, 100_000, null, 100_000]), "{json:#}");
    let text = gateway.engine.explain(ENTITIES, None).expect("a plan").to_text();
    assert!(text.contains("calls: as many as lists are long; at most "), "{text}");
}

#[tokio::test]
async fn a_routers_operation_is_told_what_it_costs_and_makes_no_more_calls_than_that() {
    let gateway = federation::deployment().start();
    for count in [0, 1, 2, 7, 8] {
        let (answer, _) = asked(&gateway, ENTITIES, representations(count)).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        let cost = &answer["extensions"]["cost"];
        let made = gateway.lines().len() as u64;
        let told = |name: &str| cost[name].as_u64().expect("a number");
        assert!(
            made <= told("callsPlanned") && told("callsPlanned") <= told("callsAtMost"),
            "{made}: {answer}"
        );
        // each costs what a customer with ten tickets costs, the dearest that it may be
        assert_eq!(cost["estimated"], 11 * count, "{answer}");
    }
}

#[tokio::test]
async fn a_routers_operation_over_a_limit_calls_nothing() {
    for (limits, code) in
        [("limit: 20", "COST_ESTIMATED_TOO_EXPENSIVE"), ("calls_limit: 4", "COST_CALLS_LIMIT")]
    {
        let settings = format!("deadline: 10s\ncost: {{ mode: enforce, {limits} }}");
        let gateway =
            federation::deployment().change("cyclorama.yaml", "deadline: 10s", &settings).start();
        let answer = gateway.query_with(ENTITIES, representations(8)).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
        assert_eq!(gateway.lines(), Vec::<String>::new());
        let answer = gateway.query_with(ENTITIES, representations(1)).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
    }
}

// ---- retries -------------------------------------------------------------------------------------------------------

#[test]
fn explain_says_whether_retries_come_on_top_of_the_calls() {
    let query = "{ customers(first: 3) { nodes { name } } }";
    let told = |gateway: &Gateway| {
        let explanation = gateway.engine.explain_with(query, None, None).expect("a plan");
        let text = explanation.to_text().contains("retries of failed calls come on top");
        let json = explanation.to_json();
        (text, json["retriesOnTop"].clone(), json["callsAtMost"].clone())
    };
    let once = told(&Deployment::new().start());
    let again = told(
        &Deployment::new()
            .change("resolvers/crm/test.yaml", "retry: { attempts: 1 }", "retry: { attempts: 4 }")
            .start(),
    );
    assert_eq!((once.0, &once.1), (false, &json!(false)));
    assert_eq!((again.0, &again.1), (true, &json!(true)));
    assert_eq!(once.2, again.2, "attempts are counted apart from calls");
}
