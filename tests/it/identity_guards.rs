//! What keeps identity rules from matching too much, and customers with several accounts in one system.

use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, customer_id};

const BY_EMAIL: &str =
    "- { key: id, from: crm.billingId }\n      - { key: email, from: crm.email }";

fn customer(key: &str, fields: &str) -> String {
    format!("{{ customer(id: \"{}\") {{ {fields} }} }}", customer_id(key))
}

const STATUS: &str = "sourceStatus { system state code }";

fn blocking(rules: &str) -> Deployment {
    let text = format!("blocked:\n  email: {rules}\nidentity:");
    Deployment::new().change("resolvers/identity.yaml", "identity:", &text)
}

fn rename(gateway: &Gateway, customer: usize, email: &str) {
    gateway.world(|world| {
        world.customers[customer - 1]["email"] = json!(email);
        world.accounts[customer - 1]["email"] = json!(email.to_lowercase());
    });
}

async fn billing_state(gateway: &Gateway, key: &str) -> (Value, Value) {
    let data = gateway.data(&customer(key, &format!("plan {STATUS}"))).await;
    let customer = &data["customer"];
    (customer["plan"].clone(), customer["sourceStatus"][1].clone())
}

#[tokio::test]
async fn a_shared_mailbox_matches_nobody_and_is_said() {
    let gateway = Deployment::new().start();
    rename(&gateway, 1, "Info@Example.com");
    let (plan, status) = billing_state(&gateway, "c1").await;
    assert_eq!(plan, Value::Null);
    assert_eq!(
        status,
        json!({ "system": "billing", "state": "NOT_LINKED", "code": "BLOCKED_VALUE" })
    );
    assert_eq!(gateway.lines(), ["crm POST /customers/batch"], "billing is not even asked");
}

#[tokio::test]
async fn a_blocked_address_does_not_touch_the_rule_above_it() {
    let gateway = Deployment::new().start();
    rename(&gateway, 2, "info@example.com");
    let (plan, status) = billing_state(&gateway, "c2").await;
    assert_eq!(plan, "gold", "linked by its id");
    assert_eq!(status["state"], "OK");
}

#[tokio::test]
async fn values_are_blocked_whole_by_their_beginning_and_by_a_pattern() {
    for (rules, email) in [
        ("{ exact: [Boss@Example.com] }", "boss@example.com"),
        ("{ prefix: [front.desk@] }", "Front.Desk@example.com"),
        ("{ regex: ['@mailinator\\.com$'] }", "x@MAILINATOR.com"),
    ] {
        let gateway = Deployment::new().start();
        rename(&gateway, 1, email);
        assert_eq!(billing_state(&gateway, "c1").await.0, "gold", "{email} is fine by default");
        let gateway = blocking(rules).start();
        rename(&gateway, 1, email);
        assert_eq!(billing_state(&gateway, "c1").await.1["code"], "BLOCKED_VALUE", "{rules}");
    }
}

#[tokio::test]
async fn the_defaults_can_be_left_out() {
    let gateway = blocking("{ defaults: false }").start();
    rename(&gateway, 1, "info@example.com");
    assert_eq!(billing_state(&gateway, "c1").await.0, "gold");
}

#[tokio::test]
async fn a_placeholder_where_an_id_should_be_is_passed_over() {
    let gateway = Deployment::new().start();
    gateway.world(|world| world.customers[1]["billing"] = json!("000-000"));
    let (plan, status) = billing_state(&gateway, "c2").await;
    assert_eq!(plan, "gold", "the next rule finds it by address");
    assert_eq!(status["state"], "OK");
    let calls = gateway.calls();
    let lookup = calls.iter().find(|call| call.path == "/accounts").expect("a look-up");
    assert_eq!(lookup.parameter("email"), Some("c2@example.com"));
}

#[tokio::test]
async fn a_ticket_from_a_shared_mailbox_leads_to_no_customer() {
    let gateway = Deployment::new().start();
    gateway.world(|world| {
        world.customers[2]["email"] = json!("support@example.com");
        world.tickets[0]["requesters"] =
            json!([{ "email": "support@example.com" }, { "email": "c1@example.com" }]);
    });
    let data = gateway.data(&customer("c1", "tickets { subject customer { name } }")).await;
    let ticket = &data["customer"]["tickets"][0];
    assert_eq!(*ticket, json!({ "subject": "Ticket 1", "customer": null }));
}

/// A deployment that holds addresses to be as good as ids, and asks billing by them at once. One customer has a shared one.
fn by_address_at_once(customer: usize) -> Gateway {
    let names = "billing: { vendor: test }";
    let equivalent = "billing: { vendor: test, equivalent: [Customer.email] }";
    let gateway = Deployment::new().change("cyclorama.yaml", names, equivalent).start();
    rename(&gateway, customer, "info@example.com");
    gateway
}

fn by_email(email: &str) -> String {
    format!("{{ customerByEmail(email: \"{email}\") {{ plan {STATUS} }} }}")
}

#[tokio::test]
async fn a_blocked_key_of_the_arguments_leaves_the_other_rules_their_turn() {
    let gateway = by_address_at_once(2);
    let data = gateway.data(&by_email("Info@example.com")).await;
    assert_eq!(data["customerByEmail"]["plan"], "gold");
    let calls = gateway.calls();
    assert_eq!(calls.len(), 2);
    let lookup = calls.iter().find(|call| call.path == "/accounts").expect("a look-up");
    assert_eq!(lookup.parameter("id"), Some("b2"), "the CRM names the account");
    // whoever has no other rule is not linked, and it is said why
    let gateway = by_address_at_once(1);
    let data = gateway.data(&by_email("INFO@example.com")).await;
    let billing = &data["customerByEmail"]["sourceStatus"][1];
    assert_eq!(
        (&billing["state"], &billing["code"]),
        (&json!("NOT_LINKED"), &json!("BLOCKED_VALUE"))
    );
    assert_eq!(gateway.lines(), ["crm POST /customers/by-email"]);
}

#[tokio::test]
async fn a_key_that_is_not_blocked_is_used_at_once_and_costs_no_other_call() {
    let gateway = by_address_at_once(2);
    let data = gateway.data(&by_email("c4@example.com")).await;
    assert_eq!(data["customerByEmail"]["plan"], "gold");
    let calls = gateway.calls();
    assert_eq!(calls.len(), 2);
    let lookup = calls.iter().find(|call| call.path == "/accounts").expect("a look-up");
    assert_eq!(lookup.parameter("email"), Some("c4@example.com"), "billing did not wait");
}

#[tokio::test]
async fn ids_that_differ_in_case_are_one_where_the_contract_says_so() {
    let gateway = Deployment::new()
        .change(
            "resolvers/roles.yaml",
            "id: billingId\n",
            "id: { slots: [billingId], normalize: case_insensitive }\n",
        )
        .start();
    gateway.world(|world| world.customers[1]["billing"] = json!("B2"));
    assert_eq!(billing_state(&gateway, "c2").await.0, "gold");
    let strict = Deployment::new().start();
    strict.world(|world| world.customers[1]["billing"] = json!("B2"));
    assert_eq!(billing_state(&strict, "c2").await.1["state"], "NOT_LINKED");
}

#[tokio::test]
async fn a_record_without_an_address_matches_nothing() {
    for blank in [json!(""), json!("   "), Value::Null] {
        let gateway = Deployment::new().start();
        gateway.world(|world| {
            world.customers[0]["email"] = blank.clone();
            world.accounts[0]["email"] = blank.clone();
        });
        let (plan, status) = billing_state(&gateway, "c1").await;
        assert_eq!((plan, &status["state"]), (Value::Null, &json!("NOT_LINKED")), "{blank}");
        assert_eq!(status["code"], Value::Null, "blank is not blocked");
    }
}

// ---- several accounts ----------------------------------------------------------------------------------------------

fn several(most: u32) -> Deployment {
    let rules = format!(
        "- {{ key: id, from: crm.billingId }}\n      - {{ key: email, from: crm.email, at_most: {most} }}"
    );
    Deployment::new().change("resolvers/identity.yaml", BY_EMAIL, &rules)
}

/// Gives c1 more accounts on its address, each with two invoices.
fn more_accounts(gateway: &Gateway, ids: &[&str]) {
    gateway.world(|world| {
        for id in ids {
            world.accounts.insert(0, json!({
                "id": id, "email": "c1@example.com", "plan": "gold", "balance": 5, "currency": "EUR",
            }));
            for number in 1..=2 {
                world.invoices.push(json!({
                    "id": format!("{id}-{number}"), "account": id, "number": format!("{id}/{number}"),
                    "status": "open", "total": 1, "currency": "EUR", "lines": [],
                }));
            }
        }
    });
}

const INVOICES: &str =
    "invoices(first: 10) { nodes { number } totalCount pageInfo { hasNextPage } }";

#[tokio::test]
async fn a_customers_lists_are_those_of_all_its_accounts_in_a_stable_order() {
    let gateway = several(5).start();
    more_accounts(&gateway, &["b98", "b99"]);
    let data = gateway.data(&customer("c1", &format!("plan {INVOICES} {STATUS}"))).await;
    let customer = &data["customer"];
    assert_eq!(customer["plan"], "gold", "all of them say so");
    assert_eq!(
        customer["invoices"]["nodes"],
        json!([{ "number": "1/1" }, { "number": "b98/1" }, { "number": "b98/2" },
               { "number": "b99/1" }, { "number": "b99/2" }])
    );
    assert_eq!(customer["invoices"]["totalCount"], 5);
    assert_eq!(customer["sourceStatus"][1]["state"], "OK");
    let lines = gateway.lines();
    assert_eq!(lines.iter().filter(|line| *line == "billing GET /accounts").count(), 1);
    assert_eq!(lines.iter().filter(|line| *line == "billing GET /invoices").count(), 3);
}

#[tokio::test]
async fn the_pages_of_several_accounts_have_every_row_once() {
    let gateway = several(5).start();
    more_accounts(&gateway, &["b98", "b99"]);
    for size in 1..=6 {
        let (mut after, mut seen) = ("null".to_owned(), Vec::new());
        for _ in 0..10 {
            let list = format!(
                "invoices(first: {size}, after: {after}) {{ nodes {{ number }} pageInfo {{ hasNextPage endCursor }} }}"
            );
            let data = gateway.data(&customer("c1", &list)).await;
            let page = &data["customer"]["invoices"];
            let nodes = page["nodes"].as_array().expect("nodes").iter();
            seen.extend(nodes.map(|node| node["number"].as_str().expect("text").to_owned()));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].to_string();
        }
        assert_eq!(seen, ["1/1", "b98/1", "b98/2", "b99/1", "b99/2"], "pages of {size}");
    }
}

#[tokio::test]
async fn a_cursor_of_several_accounts_is_of_no_other_list() {
    let gateway = several(5).start();
    more_accounts(&gateway, &["b99"]);
    let list = "invoices(first: 1) { pageInfo { endCursor } }";
    let data = gateway.data(&customer("c1", list)).await;
    let cursor = data["customer"]["invoices"]["pageInfo"]["endCursor"].to_string();
    for other in ["c2", "c3"] {
        let list = format!("invoices(first: 1, after: {cursor}) {{ nodes {{ number }} }}");
        let answer = gateway.query(&customer(other, &list)).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{other}");
    }
}

#[tokio::test]
async fn what_the_accounts_do_not_agree_on_is_ambiguous_and_the_rest_stays() {
    let gateway = several(5).start();
    more_accounts(&gateway, &["b99"]);
    gateway.world(|world| world.accounts[0]["plan"] = json!("silver"));
    let answer =
        gateway.query(&customer("c1", &format!("plan balance {{ amount }} {INVOICES}"))).await;
    let codes: Vec<_> = answer["errors"].as_array().expect("errors").iter().collect();
    assert_eq!(codes.len(), 2, "{answer:#}");
    for error in codes {
        assert_eq!(error["extensions"]["code"], "AMBIGUOUS");
    }
    assert_eq!(answer["data"]["customer"]["plan"], Value::Null);
    assert_eq!(answer["data"]["customer"]["invoices"]["totalCount"], 3);
}

#[tokio::test]
async fn more_accounts_than_the_rule_allows_are_ambiguous() {
    let gateway = several(2).start();
    more_accounts(&gateway, &["b97", "b98"]);
    let answer = gateway.query(&customer("c1", &format!("{INVOICES} {STATUS}"))).await;
    assert_eq!(answer["data"]["customer"]["invoices"], Value::Null);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "AMBIGUOUS");
    assert_eq!(answer["data"]["customer"]["sourceStatus"][1]["state"], "AMBIGUOUS");
    assert!(!gateway.lines().contains(&"billing GET /invoices".to_owned()));
}

#[tokio::test]
async fn a_list_of_which_one_account_fails_is_no_list() {
    let gateway = several(5).start();
    more_accounts(&gateway, &["b99"]);
    gateway.world(|world| world.break_wire("billing GET /invoices"));
    let answer = gateway.query(&customer("c1", INVOICES)).await;
    assert_eq!(answer["data"]["customer"]["invoices"], Value::Null);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_UNAVAILABLE");
}

// ---- merged records ------------------------------------------------------------------------------------------------

#[tokio::test]
async fn of_records_that_were_merged_the_survivor_alone_counts() {
    let gateway = Deployment::new()
        .change(
            "resolvers/roles.yaml",
            "slots: [billingId, billingEmail]",
            "slots: [billingId, billingEmail, survivor]\n        merged: survivor",
        )
        .change(
            "resolvers/billing/test.yaml",
            "billingEmail: .email",
            "billingEmail: .email\n    survivor: .merged_into",
        )
        .start();
    gateway.world(|world| {
        world.accounts.push(json!({
            "id": "b99", "email": "c1@example.com", "plan": "old", "merged_into": "b1",
        }));
    });
    let (plan, status) = billing_state(&gateway, "c1").await;
    assert_eq!((plan, &status["state"]), (json!("gold"), &json!("OK")));
}

// ---- crosswalks ------------------------------------------------------------------------------------------------------

const BY_TABLE: &str = "- { key: id, from: crm.id, table: crosswalk.json, name: by the list }\n      - { key: email, from: crm.email }";

fn listed(table: &str) -> Deployment {
    Deployment::new()
        .change("resolvers/identity.yaml", BY_EMAIL, BY_TABLE)
        .file("resolvers/crosswalk.json", table)
}

#[tokio::test]
async fn a_list_of_keys_links_before_any_address_and_costs_no_call() {
    // c1's own address leads to b1; the list knows better
    let gateway = listed(r#"{ "c1": " b3 ", "c3": "b1" }"#).start();
    assert_eq!(billing_state(&gateway, "c1").await.0, "gold");
    let calls = gateway.calls();
    let lookups: Vec<_> = calls.iter().filter(|call| call.path == "/accounts").collect();
    assert_eq!(lookups.len(), 1);
    assert_eq!((lookups[0].parameter("id"), lookups[0].parameter("email")), (Some("b3"), None));
}

#[tokio::test]
async fn who_is_not_on_the_list_is_found_by_the_next_rule() {
    let gateway = listed(r#"{ "c9": "b9" }"#).start();
    assert_eq!(billing_state(&gateway, "c2").await.0, "gold");
    let calls = gateway.calls();
    let lookup = calls.iter().find(|call| call.path == "/accounts").expect("a look-up");
    assert_eq!(lookup.parameter("email"), Some("c2@example.com"));
}

#[tokio::test]
async fn an_address_that_nobody_confirmed_links_nothing_where_the_files_say_so() {
    let slots = "roles:\n  crm:\n    parts:\n      Customer:\n        slots: [verifiedEmail]\n";
    let mapping = "    verifiedEmail: { case: .verified, is: { \"true\": .email }, else: { value: null } }\n    tags: .tags\n";
    let gateway = Deployment::new()
        .file("resolvers/company.yaml", slots)
        .change("resolvers/crm/test.yaml", "    tags: .tags\n", mapping)
        .change("resolvers/identity.yaml", BY_EMAIL, "- { key: email, from: crm.verifiedEmail }")
        .start();
    gateway.world(|world| world.customers[0]["verified"] = json!(true));
    assert_eq!(billing_state(&gateway, "c1").await.0, "gold");
    assert_eq!(billing_state(&gateway, "c3").await.1["state"], "NOT_LINKED");
}
