//! Fields that several systems can say: whose value is shown, who is asked for it, and what is said when one of them is away.

use std::task::Poll;

use serde_json::{Value, json};

use crate::identity_told::telling;
use crate::oracle::dice::Dice;
use crate::testkit::{Deployment, Gateway, codes, customer_id, id, merged};
use cyclorama::engine::Format;

const FIRST: &str = "survivorship:
  Customer.name: { prefer: [crm, billing, support] }
  Customer.tags: { prefer: [crm, billing] }
";

/// The small deployment, in which billing has names and labels too, and support names.
fn sources(deployment: Deployment, rules: &str) -> Deployment {
    deployment
        .change("resolvers/roles.yaml", "fields: [plan]", "fields: [plan, name, tags]")
        .change("resolvers/roles.yaml", "fields: []", "fields: [name]")
        .change("resolvers/billing/test.yaml", "    plan: .plan\n", "    plan: .plan\n    name: .name\n    tags: .labels\n")
        .change("resolvers/support/test.yaml", "    requester: .email\n", "    requester: .email\n    name: .full_name\n")
        .change("resolvers/support/test.yaml", "  Ticket: {}\n", "  Ticket: {}\n  Customer: { email: people }\n")
        .change(
            "resolvers/support/test.yaml",
            "  recent:\n",
            "  people:\n    post: /people\n    idempotent: true\n    batch: { keys: 100 }\n    body: { emails: $keys }\n    records: .people[]\n    answers: .email\n  recent:\n",
        )
        .file("resolvers/sources.yaml", rules)
}

/// Every account is called `Account n` and has labels, every requester `Requester n`.
fn start(rules: &str) -> Gateway {
    named(sources(Deployment::new(), rules).start())
}

fn named(gateway: Gateway) -> Gateway {
    gateway.world(|world| {
        for account in &mut world.accounts {
            let number = account["id"].as_str().expect("an id")[1..].to_owned();
            account["name"] = json!(format!("Account {number}"));
            account["labels"] = json!(["label"]);
        }
        let people = (1..=8).map(|number| {
            json!({ "email": format!("c{number}@example.com"), "full_name": format!("Requester {number}") })
        });
        let people: Vec<Value> = people.collect();
        world.reply("support POST /people", 200, &json!({ "people": people }));
    });
    gateway
}

fn customer(key: &str, fields: &str) -> String {
    format!("{{ customer(id: \"{}\") {{ {fields} }} }}", customer_id(key))
}

const STATUS: &str = "sourceStatus { system state }";

// ---- the first that has a value ------------------------------------------------------------------------------------

#[tokio::test]
async fn a_value_of_the_preferred_source_is_shown_and_nobody_else_is_asked() {
    let gateway = start(FIRST);
    let data = gateway.data(&customer("c2", &format!("name tags {STATUS}"))).await;
    assert_eq!(data["customer"]["name"], "Customer 2");
    assert_eq!(data["customer"]["tags"], json!(["a", "b"]));
    assert_eq!(gateway.lines(), ["crm POST /customers/batch"]);
    let states: Vec<&Value> =
        (0..3).map(|at| &data["customer"]["sourceStatus"][at]["state"]).collect();
    assert_eq!(states, ["OK", "SKIPPED", "SKIPPED"]);
}

#[tokio::test]
async fn an_empty_value_falls_to_the_next_source_in_order() {
    for empty in [Value::Null, json!(""), json!("  ")] {
        let gateway = start(FIRST);
        gateway.world(|world| world.customers[1]["name"] = empty.clone());
        assert_eq!(gateway.data(&customer("c2", "name")).await["customer"]["name"], "Account 2");
        assert_eq!(gateway.lines(), ["billing GET /accounts", "crm POST /customers/batch"]);
        gateway.world(|world| world.customers[3]["name"] = empty.clone());
        gateway.world(|world| world.accounts[3]["name"] = empty.clone());
        assert_eq!(gateway.data(&customer("c4", "name")).await["customer"]["name"], "Requester 4");
        let lines = gateway.lines();
        assert_eq!(
            lines,
            ["billing GET /accounts", "crm POST /customers/batch", "support POST /people"]
        );
    }
    let gateway = start(FIRST);
    gateway.world(|world| world.customers[1]["tags"] = json!([]));
    assert_eq!(gateway.data(&customer("c2", "tags")).await["customer"]["tags"], json!(["label"]));
}

#[tokio::test]
async fn where_nobody_has_a_value_the_answer_is_what_the_first_record_says() {
    let gateway = start(FIRST);
    gateway.world(|world| {
        world.customers[1]["tags"] = json!([]);
        world.accounts[1]["labels"] = Value::Null;
        world.customers[6]["name"] = Value::Null; // c7 has no account
        world.reply("support POST /people", 200, &json!({ "people": [] }));
    });
    assert_eq!(gateway.data(&customer("c2", "tags")).await["customer"]["tags"], json!([]));
    let data = gateway.data(&customer("c7", &format!("name {STATUS}"))).await;
    assert_eq!(data["customer"]["name"], Value::Null);
    assert_eq!(data["customer"]["sourceStatus"][1]["state"], "NOT_LINKED");
}

// ---- calls ---------------------------------------------------------------------------------------------------------

/// A hundred customers, all linked to accounts by id; every fourth has no name in the CRM.
fn hundred() -> (Gateway, Vec<String>) {
    let gateway = sources(Deployment::new(), FIRST).start();
    gateway.world(|world| {
        let customer = |number: u32| {
            let name = (!number.is_multiple_of(4)).then(|| format!("Customer {number}"));
            json!({ "id": format!("c{number}"), "name": name, "email": format!("c{number}@example.com"), "billing": format!("b{number}") })
        };
        world.customers = (0..100).map(customer).collect();
        let account = |number: u32| json!({ "id": format!("b{number}"), "name": format!("Account {number}"), "plan": "gold" });
        world.accounts = (0..100).map(account).collect();
    });
    (gateway, (0..100).map(|number| customer_id(&format!("c{number}"))).collect())
}

fn keys_for_billing(gateway: &Gateway) -> Vec<usize> {
    let calls = gateway.calls();
    let calls = calls.iter().filter(|call| call.path == "/accounts");
    calls.map(|call| call.parameter("id").map_or(0, |ids| ids.split(',').count())).collect()
}

#[tokio::test]
async fn of_a_hundred_customers_those_without_a_value_cost_one_call_of_the_next_source() {
    let (gateway, ids) = hundred();
    let query = "query($ids: [ID!]!) { customersByIds(ids: $ids) { name } }";
    let answer = gateway.query_with(query, json!({ "ids": ids })).await;
    assert_eq!(answer.get("errors"), None);
    for (number, found) in (0..).zip(answer["data"]["customersByIds"].as_array().expect("a list")) {
        let who = if number % 4 == 0 { "Account" } else { "Customer" };
        assert_eq!(found["name"], format!("{who} {number}"));
    }
    assert_eq!(keys_for_billing(&gateway), [25]);
    // all of it is kept
    gateway.query_with(query, json!({ "ids": ids })).await;
    assert_eq!(gateway.calls().len(), 0);
}

#[tokio::test]
async fn a_source_of_which_more_is_wanted_is_asked_once_for_all() {
    let (gateway, ids) = hundred();
    let query = "query($ids: [ID!]!) { customersByIds(ids: $ids) { name plan } }";
    let answer = gateway.query_with(query, json!({ "ids": ids })).await;
    assert_eq!(answer["data"]["customersByIds"][4], json!({ "name": "Account 4", "plan": "gold" }));
    assert_eq!(
        answer["data"]["customersByIds"][5],
        json!({ "name": "Customer 5", "plan": "gold" })
    );
    assert_eq!(keys_for_billing(&gateway), [100]);
}

/// The invoices are found by the account's id, which the CRM says: no account is loaded for that.
#[tokio::test]
async fn a_source_of_which_only_the_key_is_needed_is_asked_for_those_who_lack_a_value() {
    let fields = "name invoices(first: 1) { nodes { number } } tickets { subject }";
    let gateway = start(FIRST);
    gateway.data(&customer("c2", fields)).await;
    let without =
        ["billing GET /invoices", "crm POST /customers/batch", "support POST /tickets/search"];
    assert_eq!(gateway.lines(), without);
    gateway.world(|world| world.customers[3]["name"] = Value::Null);
    let data = gateway.data(&customer("c4", fields)).await;
    assert_eq!(data["customer"]["name"], "Account 4");
    assert_eq!(gateway.lines(), [&["billing GET /accounts"], &without[..]].concat());
    // what finds the invoices is not lost with the account
    for account in [503, 200] {
        gateway.world(|world| {
            world.customers[5]["name"] = Value::Null;
            world.reply("billing GET /accounts", account, &json!({ "accounts": [] }));
        });
        let data = gateway.data(&customer("c6", &format!("{fields} {STATUS}"))).await;
        assert_eq!(data["customer"]["name"], "Requester 6");
        assert_eq!(data["customer"]["invoices"]["nodes"][0]["number"], "6/1");
        assert_eq!(data["customer"]["tickets"][0]["subject"], "Ticket 6");
        let state = if account == 503 { "UNAVAILABLE" } else { "OK" };
        assert_eq!(data["customer"]["sourceStatus"][1]["state"], state);
    }
}

#[tokio::test]
async fn nobody_is_asked_about_a_customer_who_does_not_exist() {
    let gateway = start(FIRST);
    assert_eq!(gateway.data(&customer("nobody", "name")).await, json!({ "customer": null }));
    assert_eq!(gateway.lines(), ["crm POST /customers/batch"]);
}

#[test]
fn explain_tells_for_whom_alone_a_source_is_asked() {
    let gateway = start(FIRST);
    let explained = |query: &str| gateway.engine.explain_with(query, None, None).expect("a plan");
    let plan = explained("{ customers(first: 8) { nodes { name tags } } }");
    let text = plan.to_text();
    for line in [
        "     only     objects for which crm gives no name or no tags\n     waits    step 1\n",
        "     only     objects for which crm and billing give no name\n     waits    step 1, step 2\n",
        "     calls    0 planned; at most 2 when preferred records lack values\n",
        "calls: 1 planned; at most",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(plan.to_json()["steps"][1]["callsMoreWhen"], json!(["valuesLacking"]));
    // of which more is wanted
    let text = explained("{ customers(first: 8) { nodes { name plan } } }").to_text();
    assert_eq!(text.matches("     only     ").count(), 1, "{text}");
}

#[tokio::test]
async fn roles_that_are_preferred_to_each_other_by_different_fields_do_not_wait_for_each_other() {
    let rules = "survivorship:
  Customer.name: { prefer: [crm, billing, support] }
  Customer.tags: { prefer: [crm, support, billing] }
roles: { support: { parts: { Customer: { fields: [tags] } } } }
";
    let deployment = sources(Deployment::new(), rules);
    let deployment = deployment.change(
        "resolvers/support/test.yaml",
        "    name: .full_name\n",
        "    name: .full_name\n    tags: .marks\n",
    );
    let gateway = named(deployment.start());
    gateway.world(|world| {
        world.customers[1]["name"] = Value::Null;
        world.customers[1]["tags"] = Value::Null;
    });
    let data = gateway.data(&customer("c2", "name tags")).await;
    assert_eq!(data["customer"], json!({ "name": "Account 2", "tags": ["label"] }));
}

// ---- who is away ---------------------------------------------------------------------------------------------------

const PROVENANCE: &str = "provenance { field system }";

/// The customer of an invoice of c3: the account is known whatever the CRM says.
fn of_invoice(fields: &str) -> String {
    format!(
        "{{ invoice(id: \"{}\") {{ customer {{ {fields} }} }} }}",
        id("Invoice", "billing", "i3-1")
    )
}

#[tokio::test]
async fn while_the_preferred_source_is_down_the_next_value_is_shown_and_said_to_be_the_next_ones() {
    let gateway = named(sources(telling(1), FIRST).start());
    gateway.world(|world| world.reply("crm", 503, &json!({})));
    let answer = gateway.query(&of_invoice(&format!("name email {STATUS} {PROVENANCE}"))).await;
    let customer = &answer["data"]["invoice"]["customer"];
    assert_eq!(customer["name"], "Account 3");
    assert_eq!(customer["sourceStatus"][0], json!({ "system": "crm", "state": "UNAVAILABLE" }));
    assert_eq!(customer["provenance"][0], json!({ "field": "name", "system": "billing" }));
    // the CRM's own field is the only error
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["errors"][0]["path"], json!(["invoice", "customer", "email"]));
}

#[tokio::test]
async fn a_source_that_is_down_is_an_error_of_the_field_only_where_no_value_is_found() {
    let gateway = start(FIRST);
    gateway.world(|world| {
        world.customers[1]["name"] = json!("");
        world.reply("billing", 503, &json!({}));
        world.reply("support POST /people", 503, &json!({}));
    });
    let found = gateway.query(&customer("c4", &format!("name {STATUS}"))).await;
    assert_eq!(found["data"]["customer"]["name"], "Customer 4");
    assert_eq!(found.get("errors"), None);
    let lacking = gateway.query(&customer("c2", "name")).await;
    assert_eq!(lacking["data"]["customer"]["name"], Value::Null);
    assert_eq!(lacking["errors"][0]["path"], json!(["customer", "name"]));
    let extensions = &lacking["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["backend"]),
        (&json!("BACKEND_UNAVAILABLE"), &json!("billing"))
    );
    // the one after it answers
    let people = json!({ "people": [{ "email": "c2@example.com", "full_name": "Requester 2" }] });
    gateway.world(|world| world.reply("support POST /people", 200, &people));
    assert_eq!(gateway.data(&customer("c2", "name")).await["customer"]["name"], "Requester 2");
}

#[tokio::test]
async fn of_two_records_on_one_key_none_is_shown() {
    let gateway = start(FIRST);
    gateway.world(|world| {
        world.customers[0]["tags"] = Value::Null;
        world.accounts.push(json!({ "id": "b99", "email": "c1@example.com", "labels": ["other"] }));
    });
    let answer = gateway.query(&customer("c1", "tags")).await;
    assert_eq!(answer["data"]["customer"]["tags"], Value::Null);
    assert_eq!(codes(&answer), ["AMBIGUOUS"]);
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_an_error_and_not_hidden_behind_another() {
    let gateway = start(FIRST);
    gateway.world(|world| world.customers[1]["name"] = json!({ "first": "x" }));
    let answer = gateway.query(&customer("c2", "name")).await;
    assert_eq!(answer["data"]["customer"]["name"], Value::Null);
    assert_eq!(codes(&answer), ["VALUE_INVALID"]);
}

// ---- the newest ----------------------------------------------------------------------------------------------------

const NEWEST: &str = "survivorship:
  Customer.name: { prefer: [crm, billing, support], newest: [crm.changed, billing.since, support.seen] }
  Customer.tags: { prefer: [crm, billing] }
roles:
  crm: { parts: { Customer: { slots: [changed] } } }
  billing: { parts: { Customer: { slots: [since] } } }
  support: { parts: { Customer: { slots: [seen] } } }
";

fn newest() -> Gateway {
    let deployment = sources(telling(1), NEWEST)
        .change(
            "resolvers/crm/test.yaml",
            "    billingId: .billing\n",
            "    billingId: .billing\n    changed: .changed\n",
        )
        .change(
            "resolvers/billing/test.yaml",
            "    tags: .labels\n",
            "    tags: .labels\n    since: { time: .since, unix: s }\n",
        )
        .change(
            "resolvers/support/test.yaml",
            "    name: .full_name\n",
            "    name: .full_name\n    seen: .seen\n",
        );
    named(deployment.start())
}

#[tokio::test]
async fn the_latest_value_is_shown_and_of_equally_new_ones_the_preferred() {
    // when the CRM's record changed, when billing's did, and whose name is shown
    let cases = [
        (json!("2026-01-01T00:00:00Z"), json!(1_700_000_000), "Customer 2"),
        (json!("2020-01-01T00:00:00Z"), json!(1_700_000_000), "Account 2"),
        (json!("2023-11-14T23:13:20+01:00"), json!(1_700_000_000), "Customer 2"),
        (Value::Null, json!(1), "Account 2"),
        (Value::Null, Value::Null, "Customer 2"),
        (json!("1970-01-01T00:00:01Z"), Value::Null, "Customer 2"),
    ];
    for (changed, since, expected) in cases {
        let gateway = newest();
        gateway.world(|world| {
            world.customers[1]["changed"] = changed.clone();
            world.accounts[1]["since"] = since.clone();
        });
        let data = gateway.data(&customer("c2", &format!("name {PROVENANCE}"))).await;
        assert_eq!(data["customer"]["name"], expected, "{changed} {since}");
        let system = if expected == "Account 2" { "billing" } else { "crm" };
        assert_eq!(data["customer"]["provenance"][0]["system"], system);
        // all are asked
        let lines = gateway.lines();
        assert_eq!(
            lines,
            ["billing GET /accounts", "crm POST /customers/batch", "support POST /people"]
        );
    }
}

#[tokio::test]
async fn of_the_sources_that_answer_the_newest_value_is_shown() {
    let gateway = newest();
    gateway.world(|world| {
        world.customers[1]["changed"] = json!("2020-01-01T00:00:00Z");
        world.accounts[1]["since"] = json!(1_700_000_000);
        world.reply("billing", 503, &json!({}));
    });
    let data = gateway.data(&customer("c2", &format!("name {STATUS}"))).await;
    assert_eq!(data["customer"]["name"], "Customer 2");
    assert_eq!(data["customer"]["sourceStatus"][1]["state"], "UNAVAILABLE");
}

// ---- in any world --------------------------------------------------------------------------------------------------

/// What is shown of a field, by the words of the documentation: the first value that is there; else an error if somebody did not
/// answer; else what the first record says.
fn shown(values: &[Result<Option<Value>, ()>]) -> Result<Value, ()> {
    let is_empty = |value: &Value| {
        value.is_null()
            || *value == json!([])
            || value.as_str().is_some_and(|text| text.trim().is_empty())
    };
    let records = || values.iter().flatten().flatten();
    if let Some(value) = records().find(|value| !is_empty(value)) {
        return Ok(value.clone());
    }
    if values.iter().any(Result::is_err) {
        return Err(());
    }
    Ok(records().next().cloned().unwrap_or(Value::Null))
}

#[tokio::test]
async fn in_any_world_whatever_is_dead_the_shown_value_is_the_first_that_is_there() {
    let mut dice = Dice::new(20);
    let (mut fallen, mut failed) = (0, 0);
    for round in 0..60 {
        let gateway = start(FIRST);
        let dead = [false, dice.chance(30), dice.chance(30)];
        let people: Vec<Value> = (1..=8)
            .map(|number| json!({ "email": format!("c{number}@example.com"), "full_name": dice.pick(&[json!("Requester"), Value::Null]) }))
            .collect();
        gateway.world(|world| {
            for at in 0..8 {
                world.customers[at]["name"] =
                    dice.pick(&[json!("Customer"), Value::Null, json!(" ")]).clone();
                world.customers[at]["tags"] =
                    dice.pick(&[json!(["own"]), json!([]), Value::Null]).clone();
            }
            for account in &mut world.accounts {
                account["name"] = dice.pick(&[json!("Account"), json!(""), Value::Null]).clone();
                account["labels"] = dice.pick(&[json!(["label"]), json!([])]).clone();
            }
            world.reply("support POST /people", 200, &json!({ "people": people }));
            for (role, _) in
                ["crm", "billing", "support"].iter().zip(dead).filter(|(_, dead)| *dead)
            {
                world.replies.retain(|line, _| !line.starts_with(role));
                world.reply(role, 503, &json!({}));
            }
        });
        let more = if dice.chance(50) { "plan" } else { "" };
        let ids: Vec<String> = (1..=8).map(|number| customer_id(&format!("c{number}"))).collect();
        let query =
            format!("query($ids: [ID!]!) {{ customersByIds(ids: $ids) {{ name tags {more} }} }}");
        let answer = gateway.query_with(&query, json!({ "ids": ids })).await;
        let paths: Vec<&Value> =
            answer["errors"].as_array().into_iter().flatten().map(|error| &error["path"]).collect();
        let (customers, accounts) =
            gateway.world(|world| (world.customers.clone(), world.accounts.clone()));
        for at in 0..8 {
            let account = accounts.iter().find(|account| account["id"] == format!("b{}", at + 1));
            let of_billing = |field: &str| {
                if dead[1] { Err(()) } else { Ok(account.map(|account| account[field].clone())) }
            };
            let of_support =
                if dead[2] { Err(()) } else { Ok(Some(people[at]["full_name"].clone())) };
            let names = [Ok(Some(customers[at]["name"].clone())), of_billing("name"), of_support];
            let tags = [Ok(Some(customers[at]["tags"].clone())), of_billing("labels")];
            for (field, values) in [("name", names.as_slice()), ("tags", tags.as_slice())] {
                let expected = shown(values);
                // nobody knows that c7 has no account while billing is dead
                let found = &answer["data"]["customersByIds"][at][field];
                assert_eq!(
                    *found,
                    expected.clone().unwrap_or(Value::Null),
                    "round {round}, c{}: {values:?}",
                    at + 1
                );
                let path = json!(["customersByIds", at, field]);
                assert_eq!(
                    paths.contains(&&path),
                    expected.is_err(),
                    "round {round}, {path}: {values:?}"
                );
                fallen += u32::from(
                    expected.is_ok_and(|value| value == "Account" || value == "Requester"),
                );
                failed += u32::from(shown(values).is_err());
            }
        }
        let counts = gateway.calls().iter().filter(|call| call.backend == "support").count();
        assert!(counts <= 1, "round {round}: {counts}");
    }
    assert!(fallen > 50 && failed > 20, "{fallen} {failed}");
}

#[tokio::test]
async fn all_parts_of_a_deferred_answer_are_the_answer_that_comes_whole() {
    let fields = |name: &str, rest: &str| {
        format!("{{ customers(first: 8) {{ nodes {{ {name} {rest} }} }} }}")
    };
    let change = |gateway: &Gateway| {
        gateway.world(|world| {
            for at in [1, 2, 5] {
                world.customers[at]["name"] = Value::Null;
            }
            world.accounts[2]["name"] = Value::Null;
        });
    };
    let plain = start(FIRST);
    change(&plain);
    let whole = plain.data(&fields("name", "tags plan")).await;
    let expected = plain.lines();
    for query in [
        fields("name", "... @defer { tags plan }"),
        fields("... @defer { name }", "tags plan"),
        fields("... @defer { name }", "... @defer { tags } ... @defer { plan }"),
    ] {
        let gateway = start(FIRST);
        change(&gateway);
        let payloads = gateway.parts(&query).await;
        assert_eq!(merged(&payloads, Format::Ids)["data"], whole, "{query}");
        assert_eq!(gateway.lines(), expected, "{query}");
    }
}

/// The parts of an answer, of which billing's come when it is let go.
async fn parts_while_billing_waits(lacking: bool) -> (Vec<Value>, bool) {
    let gateway = start(FIRST);
    let gate = gateway.world(|world| {
        if lacking {
            world.customers[1]["name"] = Value::Null;
        }
        world.hold("billing")
    });
    let query = customer("c2", "name ... @defer { plan }");
    let mut reader = Box::pin(gateway.deliver(&query, json!({}), Format::Ids));
    // there is a reader as soon as there is a first part
    let mut came = futures_util::poll!(&mut reader);
    for _ in 0..100 {
        tokio::task::yield_now().await;
        if came.is_pending() {
            came = futures_util::poll!(&mut reader);
        }
    }
    let waits = came.is_pending();
    gate.notify_waiters();
    let reader = match came {
        Poll::Ready(reader) => reader,
        Poll::Pending => reader.await,
    };
    (reader.all().await, waits)
}

#[tokio::test]
async fn a_part_of_an_answer_waits_for_a_fallback_where_a_value_is_lacking_and_only_there() {
    let (parts, waits) = parts_while_billing_waits(false).await;
    assert!(!waits, "{parts:?}");
    let data = json!({ "name": "Customer 2", "plan": "gold" });
    assert_eq!(merged(&parts, Format::Ids)["data"]["customer"], data);
    assert_eq!(parts[0]["data"]["customer"], json!({ "name": "Customer 2" }));
    let (parts, waits) = parts_while_billing_waits(true).await;
    assert!(waits, "{parts:?}");
    let data = json!({ "name": "Account 2", "plan": "gold" });
    assert_eq!(merged(&parts, Format::Ids)["data"]["customer"], data);
}

// ---- the files -----------------------------------------------------------------------------------------------------

/// What `check` says of the shipped files with this change.
fn told(file: &str, from: &str, to: &str) -> String {
    let texts: Vec<(&str, String)> = cyclorama::demo::files()
        .iter()
        .map(|(name, text)| {
            if *name == file {
                assert_eq!(text.matches(from).count(), 1, "{from}");
                return (*name, text.replace(from, to));
            }
            (*name, (*text).to_owned())
        })
        .collect();
    let texts = texts.iter().map(|(name, text)| (*name, text.as_str()));
    let files = cyclorama::compile::Files::in_memory("cyclorama.yaml", texts);
    let compiled = cyclorama::compile::compile(&files);
    cyclorama::diagnostic::render::plain(&compiled.diagnostics, &files.sources)
}

#[test]
fn what_finds_an_object_and_what_orders_a_list_is_left_to_one_role() {
    let file = "resolvers/identity.yaml";
    let name = "  Customer.displayName: { prefer: [crm, billing, support] }\n";
    assert_eq!(told(file, name, name), "");
    let text = told(file, name, &format!("{name}  Customer.primaryEmail: {{ prefer: [crm] }}\n"));
    assert!(
        text.starts_with(
            "error[invalid_survivorship]: `Customer.primaryEmail` cannot have several sources"
        ),
        "{text}"
    );
    assert!(text.contains("it stands in a `@key`"), "{text}");
    // the CRM's list does not know what billing calls its customers
    let text = told(file, name, "  Customer.displayName: { prefer: [billing, crm, support] }\n");
    assert!(
        text.contains(
            "error[invalid_list]: `Query.customers` cannot be ordered by `Customer.displayName`"
        ),
        "{text}"
    );
    let text =
        told(file, name, &format!("{name}  Customer.status: {{ prefer: [crm, billing] }}\n"));
    assert!(
        text.contains(
            "error[invalid_list]: `Query.customers` cannot be narrowed by `Customer.status`"
        ),
        "{text}"
    );
}

#[test]
fn the_shipped_names_and_addresses_have_three_sources() {
    let files =
        cyclorama::compile::Files::in_memory("cyclorama.yaml", cyclorama::demo::files().to_vec());
    let text = cyclorama::compile::compile(&files).coverage.render_text(true);
    let line = "  Customer.displayName: crm (demo), else billing (demo), else support (demo does not cover it)\n";
    assert!(text.contains(line), "{text}");
}

// ---- the documentation ---------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_example_of_the_page_about_identity_is_so() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/identity.md");
    let blocks = crate::docs::blocks(&std::fs::read_to_string(path).expect("the page"));
    let rules = blocks.iter().find(|block| block.info == "yaml survivorship").expect("rules");
    let place =
        blocks.iter().position(|block| block.info == "graphql survivorship").expect("a query");
    let gateway = named(sources(telling(1), &rules.text).start());
    gateway.world(|world| world.customers[1]["name"] = json!(""));
    let expected: Value = serde_json::from_str(&blocks[place + 1].text).expect("JSON");
    assert_eq!(gateway.data(&blocks[place].text).await, expected);
    assert_eq!(gateway.lines(), ["billing GET /accounts", "crm POST /customers/by-email"]);
}
