//! Answers that are not what a call says they are: an error with a code and a path, never "no records", and the rest intact.

use cyclorama::transport::WireResponse;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, customer_id, id};

const INVALID: &str = "BACKEND_INVALID_ANSWER";

/// Every call of the backend whose line begins so gets this body with status 200.
fn answering(line: &str, media: &str, body: &str) -> Gateway {
    let gateway = Deployment::new().start();
    let headers = cyclorama::transport::fields([("content-type", media)]);
    let response = WireResponse { status: 200, headers, body: body.to_owned().into() };
    gateway.world(|world| world.replies.insert(line.to_owned(), Ok(response)));
    gateway
}

fn errors(answer: &Value) -> Vec<(Value, Value, Value)> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors
        .iter()
        .map(|error| {
            let extensions = &error["extensions"];
            (error["path"].clone(), extensions["code"].clone(), extensions["backend"].clone())
        })
        .collect()
}

/// Asks for a customer's name, plan and tickets while support answers so.
async fn with_tickets(media: &str, body: &str) -> Value {
    let query = format!(
        "{{ customer(id: \"{}\") {{ name plan tickets {{ subject }} }} }}",
        customer_id("c2")
    );
    let answer = answering("support", media, body).query(&query).await;
    let customer = &answer["data"]["customer"];
    assert_eq!(
        (&customer["name"], &customer["plan"]),
        (&json!("Customer 2"), &json!("gold")),
        "{body}"
    );
    assert!(!answer.to_string().contains("canary"), "{answer}");
    answer
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_or_has_another_shape_is_an_error_of_its_field() {
    let json = "application/json";
    let cases = [
        ("records that are text", json, r#"{"tickets":"canary"}"#),
        ("records that are an object", json, r#"{"tickets":{"subject":"canary"}}"#),
        ("records that are a number", json, r#"{"tickets":7}"#),
        ("a list at the root", json, r#"[{"subject":"canary"}]"#),
        ("an empty list at the root", json, "[]"),
        ("text at the root", json, r#""canary""#),
        ("null at the root", json, "null"),
        ("records of text", json, r#"{"tickets":["canary"]}"#),
        (
            "a record of text beside a good one",
            json,
            r#"{"tickets":[{"id":"t2","requesters":[{"email":"c2@example.com"}]},"canary"]}"#,
        ),
        ("records without their key", json, r#"{"tickets":[{"id":"t2","subject":"canary"}]}"#),
        ("another object", json, r#"{"message":"canary"}"#),
        ("HTML", "text/html", "<!DOCTYPE html><html><body>canary</body></html>"),
        ("HTML that says it is JSON", json, "<html>canary</html>"),
        ("XML", "text/xml", "<canary/>"),
        ("nothing", json, ""),
        ("blanks", json, " \n"),
        ("a truncated body", json, r#"{"tickets":[{"id":"t2","subject":"can"#),
        ("two bodies", json, r#"{"tickets":[]}{"tickets":[]}"#),
    ];
    for (what, media, body) in cases {
        let answer = with_tickets(media, body).await;
        assert_eq!(answer["data"]["customer"]["tickets"], Value::Null, "{what}");
        let expected = (json!(["customer", "tickets"]), json!(INVALID), json!("support"));
        assert_eq!(errors(&answer), [expected], "{what}");
    }
}

#[tokio::test]
async fn an_answer_that_says_that_there_is_nothing_is_no_error() {
    for body in [r#"{"tickets":[]}"#, r#"{"tickets":null}"#, r#"{"tickets":[null]}"#, "{}"] {
        let answer = with_tickets("application/json", body).await;
        assert_eq!(errors(&answer), [], "{body}");
        assert_eq!(answer["data"]["customer"]["tickets"], json!([]), "{body}");
    }
}

#[tokio::test]
async fn a_list_among_the_records_is_an_error_at_its_own_place_and_never_opened() {
    let body = json!({ "total": 4, "items": [
        { "id": "c1", "name": "Customer 1" }, [{ "id": "c9", "name": "canary" }], [], { "id": "c2", "name": "Customer 2" },
    ] });
    let query = "{ customers(first: 4) { totalCount edges { node { name } } } }";
    let nullable = Deployment::new().change(
        "schema/schema.graphql",
        "edges: [CustomerEdge!]!, pageInfo: PageInfo!, totalCount: Int }\ntype CustomerEdge { cursor: String!, node: Customer! }",
        "edges: [CustomerEdge!]!, pageInfo: PageInfo!, totalCount: Int }\ntype CustomerEdge { cursor: String!, node: Customer }",
    );
    let gateway = nullable.start();
    gateway.world(|world| world.reply("crm GET /customers", 200, &body));
    let answer = gateway.query(query).await;
    let node = |name: &str| json!({ "node": { "name": name } });
    let nothing = json!({ "node": null });
    let edges = json!([node("Customer 1"), nothing, nothing, node("Customer 2")]);
    assert_eq!(answer["data"]["customers"], json!({ "totalCount": 4, "edges": edges }));
    let place = |index: u32| {
        let path = json!(["customers", "edges", index, "node"]);
        (path, json!("VALUE_INVALID"), Value::Null)
    };
    assert_eq!(errors(&answer), [place(1), place(2)]);
    assert!(!answer.to_string().contains("canary"), "{answer}");
}

#[tokio::test]
async fn records_may_be_left_out_where_the_answer_counts_none_or_passed_its_test() {
    let query = "{ customers(first: 2) { nodes { name } } weather }";
    let gateway = answering("crm GET /customers", "application/json", r#"{"total":0}"#);
    assert_eq!(gateway.data(query).await["customers"]["nodes"], json!([]));
    let gateway = answering("crm GET /customers", "application/json", r#"{"total":3}"#);
    let answer = gateway.query(query).await;
    assert_eq!(errors(&answer), [(json!(["customers"]), json!(INVALID), json!("crm"))]);
    assert_eq!(answer["data"]["weather"], "anywhere in nowhere");

    let tested = |status: &str| {
        let deployment = Deployment::new().change(
            "resolvers/support/test.yaml",
            "    records: .tickets[]",
            "    records: .tickets[]\n    success: { path: .status, is: [ok] }",
        );
        let gateway = deployment.start();
        gateway.world(|world| world.reply("support", 200, &json!({ "status": status })));
        gateway
    };
    let query = format!("{{ customer(id: \"{}\") {{ tickets {{ id }} }} }}", customer_id("c2"));
    assert_eq!(tested("ok").data(&query).await["customer"]["tickets"], json!([]));
    let answer = tested("failed").query(&query).await;
    assert_eq!(errors(&answer)[0].0, json!(["customer", "tickets"]));
    assert_eq!(answer["data"]["customer"]["tickets"], Value::Null);
}

#[tokio::test]
async fn one_value_of_another_type_is_an_error_of_that_value_alone() {
    let body = json!({ "tickets": [
        { "id": "t1", "subject": 7, "priority": "high", "requesters": [{ "email": "c2@example.com" }] },
        { "id": "t2", "subject": "ok", "priority": 2, "requesters": [{ "email": "c2@example.com" }] },
    ] });
    let query = format!(
        "{{ customer(id: \"{}\") {{ name tickets {{ id priority }} }} }}",
        customer_id("c2")
    );
    let gateway = answering("support", "application/json", &body.to_string());
    let answer = gateway.query(&query).await;
    let invalid =
        (json!(["customer", "tickets", 0, "priority"]), json!("VALUE_INVALID"), Value::Null);
    assert_eq!(errors(&answer), [invalid]);
    assert_eq!(
        answer["data"]["customer"],
        json!({ "name": "Customer 2", "tickets": [
            { "id": id("Ticket", "support", "t1"), "priority": null },
            { "id": id("Ticket", "support", "t2"), "priority": 2 },
        ] })
    );
}

#[tokio::test]
async fn a_record_that_is_no_object_is_an_error_and_not_a_missing_record() {
    let query = format!(
        "{{ invoice(id: \"{}\") {{ number status }} weather }}",
        id("Invoice", "billing", "i2-1")
    );
    for body in
        ["[]", r#"[{"id":"i2-1"}]"#, r#""canary""#, "7", "<html/>", "", r#"{"id":"i2-1","num"#]
    {
        let answer =
            answering("billing GET /invoices/", "application/json", body).query(&query).await;
        let found = errors(&answer);
        assert!(!found.is_empty(), "{body}");
        for (path, code, backend) in found {
            assert_eq!(path[0], "invoice", "{body}");
            assert_eq!((code, backend), (json!(INVALID), json!("billing")), "{body}");
        }
        assert_eq!(answer["data"]["weather"], "anywhere in nowhere", "{body}");
        assert!(!answer.to_string().contains("canary"), "{answer}");
    }
}

#[tokio::test]
async fn a_bare_value_that_is_no_object_is_an_error_of_its_field_alone() {
    let query = format!(
        "{{ customer(id: \"{}\") {{ name plan balance {{ amount }} }} }}",
        customer_id("c2")
    );
    for body in ["[]", "[7]", r#""canary""#, "7"] {
        let line = "billing GET /accounts/b2/balance";
        let answer = answering(line, "application/json", body).query(&query).await;
        let expected = (json!(["customer", "balance"]), json!(INVALID), json!("billing"));
        assert_eq!(errors(&answer), [expected], "{body}");
        let customer = json!({ "name": "Customer 2", "plan": "gold", "balance": null });
        assert_eq!(answer["data"]["customer"], customer, "{body}");
    }
}
