//! Lists of other kinds: records that name objects, pages that are counted, a customer with several accounts, nobody who covers one.

use serde_json::{Value, json};

use super::{List, add, at, deployment, page, some, titles, walk};
use crate::testkit::{Deployment, World, customer_id};

fn newest(count: u64) -> Vec<String> {
    (0..count).rev().map(|minute| format!("x{minute:02}")).collect()
}

#[tokio::test]
async fn records_that_name_objects_are_loaded_before_they_are_put_in_order() {
    let named = || {
        deployment()
            .change("resolvers/crm/test.yaml", "{ call: opportunities, from: id }", "{ call: opportunities, from: id, reference: id, by: .id }")
            .change("resolvers/crm/test.yaml", "  rename:\n", "  deals:\n    post: /deals\n    batch: { keys: 50 }\n    body: { ids: $keys }\n    records: .items[]\n    answers: .id\n  rename:\n")
            .change("resolvers/crm/test.yaml", "lookups:\n", "lookups:\n  Opportunity: { id: deals }\n")
    };
    for size in [1, 3, 20] {
        let gateway = named().over(some(12));
        assert_eq!(walk(&gateway, &format!("first: {size}")).await, newest(12), "pages of {size}");
    }
    let mut world = some(12);
    world.break_wire("crm POST /deals");
    let gateway = named().over(world);
    let answer = page(&gateway, "first: 20", &Value::Null).await;
    let events = &answer["data"]["customer"]["events"];
    assert_eq!(titles(events).len(), 9);
    assert_eq!(events["missingSources"], json!(["crm"]));
}

#[tokio::test]
async fn pages_that_are_counted_stay_right_when_something_new_happens() {
    let counted = || {
        deployment()
            .change(
                "resolvers/billing/test.yaml",
                "next: { cursor: { starting_after: \".data[-1].id\" } }",
                "next: { offset: offset }",
            )
            .change(
                "resolvers/billing/test.yaml",
                "{?account,status,starting_after,limit}",
                "{?account,status,offset,limit}",
            )
            .change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\ncache: { enabled: false }")
    };
    for size in [1, 2, 3, 5] {
        let gateway = counted().over(some(12));
        assert_eq!(walk(&gateway, &format!("first: {size}")).await, newest(12), "pages of {size}");
        let gateway = counted().over(some(12));
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        for round in 0..20 {
            let answer = page(&gateway, &format!("first: {size}"), &after).await;
            let events = &answer["data"]["customer"]["events"];
            seen.extend(titles(events));
            after = events["pageInfo"]["endCursor"].clone();
            if events["pageInfo"]["hasNextPage"] == false {
                break;
            }
            gateway.world(|world| {
                add(world, List::Open, &format!("new{round}"), Some(700 + round));
            });
        }
        assert_eq!(seen, newest(12), "pages of {size}");
    }
}

#[tokio::test]
async fn a_customer_with_several_accounts_has_the_events_of_all_of_them() {
    let mut world = some(12);
    world.accounts.push(json!({ "id": "b2b", "email": "c2@example.com", "plan": "silver" }));
    for customer in &mut world.customers {
        customer["billing"] = Value::Null;
    }
    for (minute, record) in (100..).zip(0..4) {
        let id = format!("y{record}");
        world.invoices.insert(
            0,
            json!({ "id": id, "account": "b2b", "number": id, "status": "open", "at": at(minute) }),
        );
    }
    let rules = "      - { key: email, from: crm.email }";
    let deployment = || {
        let files = deployment();
        let text = include_str!("../testkit/files/resolvers/identity.yaml");
        assert!(text.contains(rules), "{text}");
        files.file(
            "resolvers/identity.yaml",
            &text.replacen(rules, "      - { key: email, from: crm.email, at_most: 2 }", 1),
        )
    };
    let mut expected: Vec<String> = (0..4).rev().map(|number| format!("y{number}")).collect();
    expected.extend(newest(12));
    for size in [1, 4, 50] {
        let world = World {
            customers: world.customers.clone(),
            accounts: world.accounts.clone(),
            invoices: world.invoices.clone(),
            ..some(12)
        };
        assert_eq!(
            walk(&deployment().over(world), &format!("first: {size}")).await,
            expected,
            "pages of {size}"
        );
    }
}

#[tokio::test]
async fn a_list_that_nobody_covers_is_missing_without_an_error() {
    let gateway = without_billing().over(some(12));
    let query = format!(
        "{{ customer(id: \"{}\") {{ events {{ edges {{ node {{ title }} }} complete missingSources }} sourceStatus {{ system state }} }} }}",
        customer_id("c2")
    );
    let data = gateway.data(&query).await;
    let customer = &data["customer"];
    assert_eq!(titles(&customer["events"]), ["x11", "x10", "x07", "x06", "x03", "x02"]);
    assert_eq!(
        (&customer["events"]["complete"], &customer["events"]["missingSources"]),
        (&json!(false), &json!(["billing"]))
    );
    let states = customer["sourceStatus"].as_array().unwrap();
    assert!(states.contains(&json!({ "system": "billing", "state": "NOT_COVERED" })), "{states:?}");
}

fn without_billing() -> Deployment {
    deployment().change("cyclorama.yaml", "  billing: { vendor: test }\n", "")
}

#[test]
fn without_variables_explain_reckons_with_every_kind_that_they_may_name() {
    let gateway = deployment().over(some(1));
    let calls = |kinds: &str| {
        let query = format!(
            "query($k: Kind!) {{ customer(id: \"x\") {{ events(first: 5, kinds: {kinds}) {{ nodes {{ title }} }} }} }}"
        );
        let query = if kinds.contains("$k") { query } else { query.replace("($k: Kind!)", "") };
        let explained = gateway.engine.explain(&query, None).expect("a plan");
        explained.calls_at_most
    };
    let all = calls("[DEAL, CHAT, OPEN_INVOICE, PAID_INVOICE]");
    assert!(calls("[DEAL]") < all);
    assert_eq!((calls("[$k]"), calls("[DEAL, $k]")), (all, all));
}

#[test]
fn explain_tells_how_each_list_is_read() {
    let gateway = deployment().over(some(12));
    let query = "{ customer(id: \"x\") { events(first: 5) { nodes { title } } } }";
    let explained = gateway.engine.explain(query, None).expect("a plan");
    let text = explained.to_text();
    assert!(text.contains("Customer.events, merged at customer"), "{text}");
    assert!(
        text.contains(
            "by at: open page by page; paid page by page; deals whole, up to 3 pages; tickets whole"
        ),
        "{text}"
    );
    let steps = explained.to_json()["steps"].as_array().unwrap().clone();
    let merge = steps.iter().find(|step| step["brings"] == "Customer.events, merged").unwrap();
    assert_eq!((&merge["callsPlanned"], &merge["call"]), (&json!(0), &Value::Null));
    assert_eq!(
        merge["after"].as_array().unwrap().len(),
        5,
        "the four lists, and whose they are: {merge}"
    );
    // two pages of three make five
    let open = steps.iter().find(|step| step["brings"] == "Customer.invoices").unwrap();
    assert_eq!((&open["callsPlanned"], &open["callsAtMost"]), (&json!(2), &json!(50)));
    assert!(explained.to_mermaid().contains("Customer.events, merged"));
}
