//! What is written: order of fields, merging, conditions, nulls and where they rise to, errors and what they do not tell.

use std::sync::Arc;

use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, codes, customer_id, id};

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
        (401, json!({ "code": "BACKEND_UNAUTHORIZED", "backend": "support" })),
        (404, json!({ "code": "BACKEND_NOT_FOUND", "backend": "support" })),
        (429, json!({ "code": "BACKEND_RATE_LIMITED", "backend": "support", "retryable": true })),
        (400, json!({ "code": "BACKEND_REJECTED", "backend": "support" })),
        (500, json!({ "code": "BACKEND_UNAVAILABLE", "backend": "support", "retryable": true })),
        (503, json!({ "code": "BACKEND_UNAVAILABLE", "backend": "support", "retryable": true })),
    ];
    for (status, extensions) in cases {
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
        assert_eq!(answer["errors"][0]["extensions"], extensions, "{status}");
        for canary in ["canary", "secret", "prose", "support.test", "/tickets"] {
            assert!(!answer.to_string().contains(canary), "{canary} in {answer}");
        }
    }
}

#[tokio::test]
async fn a_change_is_retryable_when_it_was_not_made_and_what_stands_below_it_never_is() {
    let rename = format!(
        "mutation {{ rename(input: {{ id: \"{}\", name: \"X\" }}) {{ note customer {{ tickets {{ subject }} }} }} }}",
        customer_id("c1")
    );
    for (line, status, path, retryable) in [
        ("crm", 429, json!(["rename"]), json!(true)),
        ("crm", 503, json!(["rename"]), json!(null)),
        ("support", 503, json!(["rename", "customer", "tickets"]), json!(null)),
    ] {
        let gateway = Deployment::new().start();
        gateway.world(|world| world.reply(line, status, &json!({})));
        let answer = gateway.query(&rename).await;
        let error = &answer["errors"][0];
        assert_eq!((&error["path"], &error["extensions"]["retryable"]), (&path, &retryable));
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
    // support is asked so late that its call's own time would end after the operation's
    for (backend, seconds) in [("crm", 4), ("billing", 4), ("support", 60)] {
        let pause = std::time::Duration::from_secs(seconds);
        gateway.world(|world| world.pauses.insert(backend.to_owned(), pause));
    }
    let begun = tokio::time::Instant::now();
    let answer = gateway
        .query(&customer("name plan tickets { subject } sourceStatus { system state code }"))
        .await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(answer["data"]["customer"]["name"], "Customer 2");
    assert_eq!(answer["data"]["customer"]["plan"], "gold");
    assert_eq!(answer["data"]["customer"]["tickets"], Value::Null);
    let code = &answer["errors"][0]["extensions"]["code"];
    assert_eq!(code, "DEADLINE_EXCEEDED");
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
    let codes = codes(&answer);
    assert!(!codes.is_empty() && codes.iter().all(|code| *code == "OBJECTS_LIMIT"), "{codes:?}");
}

#[tokio::test]
async fn an_operation_of_too_many_steps_is_refused_where_it_goes_beyond_them_and_calls_nobody() {
    let query = "{ weather customers(first: 2) { nodes { name invoices { nodes { id } } } } }";
    let with = |steps: u32| {
        let limits = format!("deadline: 10s\nlimits: {{ steps: {steps} }}");
        Deployment::new().change("cyclorama.yaml", "deadline: 10s", &limits).start()
    };
    let gateway = with(1);
    let error = gateway.query(query).await["errors"][0].take();
    assert_eq!(error["extensions"]["code"], "STEPS_LIMIT");
    assert_eq!(error["locations"][0], json!({ "line": 1, "column": 41 }));
    assert!(error["message"].as_str().unwrap().contains("limits.steps"), "{error}");
    assert_eq!(gateway.lines(), Vec::<String>::new());
    assert_eq!(with(20).query(query).await["errors"], Value::Null);
}

/// What is refused of an answer that may hold ten objects: code and path.
async fn beyond_ten(
    deployment: Deployment,
    world: impl FnOnce(&mut crate::testkit::World),
    query: &str,
) -> (Value, Value) {
    let gateway = deployment
        .change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\nlimits: { objects: 10 }")
        .start();
    gateway.world(world);
    let mut answer = gateway.query(query).await;
    for _ in 0..2 {
        assert_eq!(gateway.query(query).await, answer, "from the cache, and from what was written");
    }
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let refused: Vec<Value> =
        errors.iter().map(|error| json!([error["extensions"]["code"], error["path"]])).collect();
    (json!(refused), answer["data"].take())
}

#[tokio::test]
async fn objects_that_are_named_by_a_list_of_ids_are_bounded_together() {
    let ids: Vec<String> = (0..11).map(|_| format!("\"{}\"", customer_id("c1"))).collect();
    let query = |count: usize| {
        format!("{{ customersByIds(ids: [{}]) {{ name }} weather }}", ids[..count].join(", "))
    };
    let (refused, data) = beyond_ten(Deployment::new(), |_| {}, &query(11)).await;
    assert_eq!(refused, json!([["OBJECTS_LIMIT", ["customersByIds"]]]));
    assert_eq!(data, json!({ "customersByIds": null, "weather": "anywhere in nowhere" }));
    // `weather` is one too
    let (refused, data) = beyond_ten(Deployment::new(), |_| {}, &query(9)).await;
    assert_eq!(refused, json!([]));
    assert_eq!(data["customersByIds"].as_array().map(Vec::len), Some(9));
}

#[tokio::test]
async fn objects_inside_a_record_are_bounded_with_the_others() {
    let deployment = || {
        Deployment::new()
            .change(
                "schema/schema.graphql",
                "type Ticket { id: ID!, ",
                "type Ticket { related: [Ticket!], id: ID!, ",
            )
            .change(
                "resolvers/roles.yaml",
                "[id, subject, priority]",
                "[id, subject, priority, related]",
            )
            .change(
                "resolvers/support/test.yaml",
                "    subject: .subject\n",
                "    subject: .subject\n    related: { each: .related, as: Ticket }\n",
            )
    };
    let query = format!(
        "{{ customer(id: \"{}\") {{ name tickets {{ subject related {{ subject }} }} }} }}",
        customer_id("c2")
    );
    let with = |count: u32| {
        move |world: &mut crate::testkit::World| {
            let related: Vec<Value> = (0..count)
                .map(|number| json!({ "id": format!("r{number}"), "subject": "inside" }))
                .collect();
            let ticket = json!({ "id": "t2", "subject": "Ticket 2", "related": related,
                "requesters": [{ "email": "c2@example.com" }] });
            world.reply("support POST /tickets/search", 200, &json!({ "tickets": [ticket] }));
        }
    };
    let (refused, data) = beyond_ten(deployment(), with(9), &query).await;
    assert_eq!(refused, json!([["OBJECTS_LIMIT", ["customer", "tickets", 0, "related"]]]));
    let tickets = json!([{ "subject": "Ticket 2", "related": null }]);
    assert_eq!(data["customer"], json!({ "name": "Customer 2", "tickets": tickets }));
    let (refused, data) = beyond_ten(deployment(), with(8), &query).await;
    assert_eq!(refused, json!([]));
    assert_eq!(data["customer"]["tickets"][0]["related"].as_array().map(Vec::len), Some(8));
}

#[tokio::test]
async fn values_listed_inside_records_are_bounded_with_the_objects() {
    let with = |count: u32| {
        move |world: &mut crate::testkit::World| {
            let lines: Vec<Value> =
                (0..count).map(|_| json!({ "text": "x", "amount": 1 })).collect();
            let invoice = json!({ "id": "i2-1", "number": "2/1", "lines": lines });
            world.reply("billing GET /invoices/", 200, &invoice);
        }
    };
    let id = id("Invoice", "billing", "i2-1");
    let query = format!("{{ invoice(id: \"{id}\") {{ number lines {{ text }} }} }}");
    let (refused, data) = beyond_ten(Deployment::new(), with(10), &query).await;
    assert_eq!(refused, json!([["OBJECTS_LIMIT", ["invoice", "lines"]]]));
    assert_eq!(data["invoice"], json!({ "number": "2/1", "lines": null }));
    let (refused, _) = beyond_ten(Deployment::new(), with(9), &query).await;
    assert_eq!(refused, json!([]));
    // One record that stands in many places counts in each.
    let twice = format!(
        "{{ a: invoice(id: \"{id}\") {{ lines {{ text }} }} b: invoice(id: \"{id}\") {{ lines {{ text }} }} }}"
    );
    let (refused, data) = beyond_ten(Deployment::new(), with(5), &twice).await;
    assert_eq!(refused, json!([["OBJECTS_LIMIT", ["b", "lines"]]]));
    assert_eq!(data["a"]["lines"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn lists_of_lists_of_objects_with_calls_of_their_own_keep_their_shape() {
    let gateway = Deployment::new()
        .change(
            "schema/schema.graphql",
            "type Ticket { id: ID!, ",
            "type Ticket { board: [[Ticket]!]!, id: ID!, ",
        )
        .change("resolvers/roles.yaml", "[id, subject, priority]", "[id, subject, priority, board]")
        .change(
            "resolvers/support/test.yaml",
            "    subject: .subject\n",
            "    subject: .subject\n    board: { each: .board, item: { each: ., as: Ticket } }\n",
        )
        .start();
    let on_board = |number: u32| {
        json!({ "id": format!("b{number}"), "subject": format!("On board {number}"), "board": [],
            "requesters": [{ "email": "c2@example.com" }] })
    };
    let board = json!([[on_board(1), null, "odd"], [], [on_board(2)]]);
    let ticket = json!({ "id": "t2", "subject": "Ticket 2", "board": board,
        "requesters": [{ "email": "c2@example.com" }] });
    gateway.world(|world| {
        world.reply("support POST /tickets/search", 200, &json!({ "tickets": [ticket] }));
    });
    let answer = gateway
        .query(&format!(
            "{{ customer(id: \"{}\") {{ tickets {{ board {{ subject customer {{ name }} }} }} }} }}",
            customer_id("c2")
        ))
        .await;
    let customer = json!({ "name": "Customer 2" });
    assert_eq!(
        answer["data"]["customer"]["tickets"][0]["board"],
        json!([
            [{ "subject": "On board 1", "customer": customer }, null, null],
            [],
            [{ "subject": "On board 2", "customer": customer }]
        ]),
        "{answer:#}"
    );
    let errors = answer["errors"].as_array().expect("one error");
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["path"], json!(["customer", "tickets", 0, "board", 0, 2]));
    assert_eq!(errors[0]["extensions"]["code"], "VALUE_INVALID");
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
    assert_eq!(steps[0]["callsPlanned"], 1);
    assert_eq!(steps[1]["callsPlanned"], 2);
    assert_eq!(steps[1]["call"]["keysAtMost"], 100);
    assert!(explained.to_mermaid().starts_with("flowchart LR\n"));
    assert!(explained.to_text().contains("waits    step 1"), "{}", explained.to_text());
}
