//! How one object comes from several backends: anchors, rules in their order, and what is said when they do not lead anywhere.

use serde_json::{Value, json};

use crate::testkit::{Deployment, codes, customer_id};

fn customer(key: &str, fields: &str) -> String {
    format!("{{ customer(id: \"{}\") {{ {fields} }} }}", customer_id(key))
}

const STATUS: &str = "sourceStatus { system state code }";

#[tokio::test]
async fn an_explicit_id_leads_to_the_account_without_loading_the_account() {
    let gateway = Deployment::new().start();
    let data = gateway.data(&customer("c2", "invoices(first: 1) { nodes { number } }")).await;
    assert_eq!(data["customer"]["invoices"]["nodes"][0]["number"], "2/1");
    assert_eq!(gateway.lines(), ["billing GET /invoices", "crm POST /customers/batch"]);
}

#[tokio::test]
async fn without_an_id_the_next_rule_finds_the_account_by_its_normalized_address() {
    let gateway = Deployment::new().start();
    let data = gateway.data(&customer("c1", "plan invoices(first: 1) { nodes { number } }")).await;
    assert_eq!(data["customer"]["plan"], "gold");
    assert_eq!(data["customer"]["invoices"]["nodes"][0]["number"], "1/1");
    let calls = gateway.calls();
    let lookup = calls.iter().find(|call| call.path == "/accounts").expect("a look-up");
    assert_eq!(lookup.parameter("email"), Some("c1@example.com"));
}

#[tokio::test]
async fn a_customer_without_an_account_is_not_linked_and_has_no_error() {
    let gateway = Deployment::new().start();
    let data = gateway
        .data(&customer(
            "c7",
            &format!("plan invoices {{ totalCount }} balance {{ amount }} {STATUS}"),
        ))
        .await;
    assert_eq!(data["customer"]["plan"], Value::Null);
    assert_eq!(data["customer"]["invoices"], Value::Null);
    assert_eq!(data["customer"]["balance"], Value::Null);
    assert_eq!(
        data["customer"]["sourceStatus"],
        json!([
            { "system": "crm", "state": "OK", "code": null },
            { "system": "billing", "state": "NOT_LINKED", "code": null },
            { "system": "support", "state": "SKIPPED", "code": null }
        ])
    );
}

#[tokio::test]
async fn two_accounts_on_one_address_are_ambiguous_and_never_the_first_one() {
    let gateway = Deployment::new().start();
    gateway.world(|world| {
        world.accounts.push(json!({ "id": "b99", "email": "c1@example.com", "plan": "silver" }));
    });
    let answer = gateway.query(&customer("c1", &format!("name plan {STATUS}"))).await;
    assert_eq!(answer["data"]["customer"]["name"], "Customer 1");
    assert_eq!(answer["data"]["customer"]["plan"], Value::Null);
    assert_eq!(answer["errors"][0]["path"], json!(["customer", "plan"]));
    assert_eq!(
        answer["errors"][0]["extensions"],
        json!({ "code": "AMBIGUOUS", "backend": "billing" })
    );
    assert_eq!(
        answer["data"]["customer"]["sourceStatus"][1],
        json!({ "system": "billing", "state": "AMBIGUOUS", "code": "AMBIGUOUS" })
    );
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_anchor_is_asked_even_if_nothing_of_it_is_selected() {
    let gateway = Deployment::new().start();
    let data = gateway.data(&customer("nobody", "tickets { subject }")).await;
    assert_eq!(data, json!({ "customer": null }));
    let data = gateway.data(&customer("c2", "__typename")).await;
    assert_eq!(data, json!({ "customer": { "__typename": "Customer" } }));
    assert_eq!(gateway.lines(), ["crm POST /customers/batch", "crm POST /customers/batch"]);
}

#[tokio::test]
async fn an_anchor_that_fails_leaves_the_object_with_what_is_known_of_it() {
    let gateway = Deployment::new().start();
    gateway.world(|world| world.reply("crm", 503, &json!({})));
    let answer = gateway.query(&customer("c2", &format!("id name plan {STATUS}"))).await;
    assert_eq!(answer["data"]["customer"]["id"], customer_id("c2").as_str());
    assert_eq!(answer["data"]["customer"]["name"], Value::Null);
    assert_eq!(answer["data"]["customer"]["plan"], Value::Null);
    let codes = codes(&answer);
    assert_eq!(codes, ["BACKEND_UNAVAILABLE", "SOURCE_UNAVAILABLE"]);
    assert_eq!(answer["data"]["customer"]["sourceStatus"][0]["state"], "UNAVAILABLE");
    // Billing was never asked: nobody knew for whom.
    assert_eq!(answer["data"]["customer"]["sourceStatus"][1]["state"], "SKIPPED");
    assert_eq!(gateway.lines(), ["crm POST /customers/batch"]);
}

#[tokio::test]
async fn a_key_from_the_arguments_starts_the_support_system_without_waiting_for_the_crm() {
    let gateway = Deployment::new().start();
    let gate = gateway.world(|world| world.hold("crm"));
    let query = gateway
        .query("{ customerByEmail(email: \"C3@Example.com\") { name tickets { subject } } }");
    tokio::pin!(query);
    for _ in 0..20 {
        assert!(futures_util::poll!(&mut query).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.lines(), ["crm POST /customers/by-email", "support POST /tickets/search"]);
    gate.notify_waiters();
    assert_eq!(
        query.await["data"]["customerByEmail"]["tickets"],
        json!([{ "subject": "Ticket 3" }])
    );
}

#[tokio::test]
async fn identity_goes_before_speed_a_rule_of_higher_priority_is_waited_for() {
    let gateway = Deployment::new().start();
    let gate = gateway.world(|world| world.hold("crm"));
    let query = gateway.query("{ customerByEmail(email: \"c2@example.com\") { plan } }");
    tokio::pin!(query);
    for _ in 0..20 {
        assert!(futures_util::poll!(&mut query).is_pending());
        tokio::task::yield_now().await;
    }
    // Billing could be asked by e-mail already, but the CRM may name the account.
    assert_eq!(gateway.lines(), ["crm POST /customers/by-email"]);
    gate.notify_waiters();
    assert_eq!(query.await["data"]["customerByEmail"]["plan"], "gold");
    assert_eq!(gateway.calls()[0].parameter("id"), Some("b2"));
}

#[tokio::test]
async fn keys_that_the_deployment_declares_equivalent_need_not_wait() {
    let gateway = Deployment::new()
        .change(
            "cyclorama.yaml",
            "billing: { vendor: test }",
            "billing: { vendor: test, equivalent: [Customer.email] }",
        )
        .start();
    let gate = gateway.world(|world| world.hold("crm"));
    let query = gateway.query("{ customerByEmail(email: \"c2@example.com\") { plan } }");
    tokio::pin!(query);
    for _ in 0..20 {
        assert!(futures_util::poll!(&mut query).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.lines(), ["billing GET /accounts", "crm POST /customers/by-email"]);
    gate.notify_waiters();
    assert_eq!(query.await["data"]["customerByEmail"]["plan"], "gold");
}

#[tokio::test]
async fn an_object_that_another_system_names_is_found_back_in_the_crm() {
    let gateway = Deployment::new().start();
    let ticket = gateway.data(&customer("c3", "tickets { subject customer { name id } }")).await;
    assert_eq!(ticket["customer"]["tickets"][0]["customer"]["name"], "Customer 3");
    gateway.calls();
    let invoice = crate::testkit::id("Invoice", "billing", "i3-1");
    let data = gateway
        .data(&format!("{{ invoice(id: \"{invoice}\") {{ number customer {{ name plan }} }} }}"))
        .await;
    assert_eq!(
        data["invoice"],
        json!({ "number": "3/1", "customer": { "name": "Customer 3", "plan": "gold" } })
    );
}

/// The customer of an invoice of c3, whose account names no customer: the address alone leads to it.
const OF_INVOICE: &str = "number customer { name plan }";

fn invoice_of_c3() -> String {
    let invoice = crate::testkit::id("Invoice", "billing", "i3-1");
    format!("{{ invoice(id: \"{invoice}\") {{ {OF_INVOICE} }} }}")
}

#[tokio::test]
async fn what_leads_to_no_record_of_the_anchor_is_null_and_no_empty_object() {
    for leads_nowhere in [Value::Null, json!("  "), json!("info@example.com")] {
        let gateway = Deployment::new().start();
        gateway.world(|world| world.accounts[2]["email"] = leads_nowhere.clone());
        let data = gateway.data(&invoice_of_c3()).await;
        assert_eq!(data["invoice"], json!({ "number": "3/1", "customer": null }));
        let lines = gateway.lines();
        assert_eq!(lines, ["billing GET /accounts", "billing GET /invoices/i3-1"]);
    }
    // the account itself is gone
    let gateway = Deployment::new().start();
    gateway.world(|world| world.accounts.retain(|account| account["id"] != "b3"));
    let data = gateway.data(&invoice_of_c3()).await;
    assert_eq!(data["invoice"], json!({ "number": "3/1", "customer": null }));
}

#[tokio::test]
async fn what_may_lead_to_the_anchor_stays_with_errors_while_nobody_can_tell() {
    let gateway = Deployment::new().start();
    gateway.world(|world| world.reply("crm", 503, &json!({})));
    let answer = gateway.query(&invoice_of_c3()).await;
    assert_eq!(answer["data"]["invoice"]["customer"], json!({ "name": null, "plan": "gold" }));
    assert_eq!(codes(&answer), ["BACKEND_UNAVAILABLE"]);
    // who was to name the customer did not answer
    let gateway = Deployment::new().start();
    gateway.world(|world| world.reply("billing GET /accounts", 503, &json!({})));
    let answer = gateway.query(&invoice_of_c3()).await;
    assert_eq!(answer["data"]["invoice"]["customer"], json!({ "name": null, "plan": null }));
    assert_eq!(codes(&answer), ["SOURCE_UNAVAILABLE", "BACKEND_UNAVAILABLE"]);
    assert_eq!(gateway.lines(), ["billing GET /accounts", "billing GET /invoices/i3-1"]);
    // two customers have the address
    let gateway = Deployment::new().start();
    gateway.world(|world| world.customers[3]["email"] = json!("c3@example.com"));
    let answer = gateway.query(&invoice_of_c3()).await;
    assert_eq!(answer["data"]["invoice"]["customer"], json!({ "name": null, "plan": "gold" }));
    assert_eq!(codes(&answer), ["AMBIGUOUS"]);
}

#[tokio::test]
async fn an_id_of_another_type_is_refused_with_its_argument_named() {
    let gateway = Deployment::new().start();
    let invoice = crate::testkit::id("Invoice", "billing", "i3-1");
    for id in [invoice.as_str(), "c1", "", "%%%"] {
        let answer = gateway
            .query_with("query($id: ID!) { customer(id: $id) { name } }", json!({ "id": id }))
            .await;
        assert_eq!(answer["data"], json!({ "customer": null }), "{id}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{id}");
        assert_eq!(answer["errors"][0]["path"], json!(["customer"]));
    }
    assert_eq!(gateway.calls().len(), 0);
}

#[tokio::test]
async fn a_union_is_answered_by_each_records_own_type() {
    let gateway = Deployment::new().start();
    gateway.world(|world| {
        let hit = json!({ "kind": "ticket", "id": "t1", "subject": "Ticket 1", "requesters": [{ "email": "c1@example.com" }] });
        world.reply("support GET /recent", 200, &json!({ "hits": [hit, { "kind": "odd" }] }));
    });
    let answer = gateway
        .query(
            "{ recent(region: \"x\") { __typename ... on Ticket { subject customer { name } } } }",
        )
        .await;
    assert_eq!(
        answer["data"]["recent"][0],
        json!({ "__typename": "Ticket", "subject": "Ticket 1", "customer": { "name": "Customer 1" } })
    );
    assert_eq!(answer["data"]["recent"][1], Value::Null);
    assert_eq!(answer["errors"][0]["path"], json!(["recent", 1]));
}

#[tokio::test(start_paused = true)]
async fn a_status_tells_how_long_the_slowest_of_a_backends_answers_was_waited_for() {
    let gateway = Deployment::new().start();
    let pause = std::time::Duration::from_millis;
    gateway.world(|world| {
        world.pauses.insert("crm".to_owned(), pause(30));
        world.pauses.insert("billing GET /accounts".to_owned(), pause(70));
        world.pauses.insert("billing GET /invoices".to_owned(), pause(250));
    });
    let fields = "name plan invoices(first: 1) { nodes { number } } sourceStatus { system latencyMs fromCache }";
    let waited = async |key: &str| {
        let answer = gateway.query(&customer(key, fields)).await;
        let told = |of: &Value| json!([of["latencyMs"], of["fromCache"]]);
        let all = answer["data"]["customer"]["sourceStatus"].as_array().expect("statuses");
        all.iter().map(told).collect::<Vec<_>>()
    };
    let never = json!([null, false]);
    assert_eq!(waited("c2").await, [json!([30, false]), json!([250, false]), never.clone()]);
    assert_eq!(waited("c2").await, [json!([null, true]), json!([null, true]), never.clone()]);
    // a backend that refuses was waited for all the same, and was not asked for the invoices of whom it does not know
    gateway.world(|world| world.reply("billing", 400, &json!({})));
    assert_eq!(waited("c4").await, [json!([30, false]), json!([70, false]), never]);
}
