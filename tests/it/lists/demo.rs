//! The shipped lists over the demo's backends, which do some of it and leave the rest to the gateway.

use std::sync::Arc;

use cyclorama::compile::{Files, compile};
use cyclorama::demo::Options;
use cyclorama::engine::{Engine, EngineSettings};
use serde_json::{Value, json};

use crate::docs::blocks;
use crate::site::{Setup, Site, json_of};

async fn site() -> Site {
    let demo = Options { customers: 40, ..Options::default() };
    Site::with(Setup { demo, ..Setup::default() }).await
}

async fn customers(site: &Site, query: &str) -> Vec<Value> {
    let answer = json_of(site.post(query).await).await;
    let errors = answer.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
    // some customers of the demo have several records in one backend
    let is_known = |error: &Value| error["extensions"]["code"] == "AMBIGUOUS";
    assert!(errors.iter().all(is_known), "{errors:#?}");
    answer["data"]["customers"]["nodes"].as_array().unwrap().clone()
}

fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.pointer(path).and_then(Value::as_str)
}

fn amount(node: &Value) -> Option<i64> {
    let text = text(node, "/total/amount")?;
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    Some(format!("{whole}{rest:0<4}").parse().unwrap())
}

/// What a filter and an order mean, for the test.
type Case<'a> = (&'a str, &'a dyn Fn(&Value) -> bool, &'a dyn Fn(&mut Vec<Value>));

#[tokio::test]
async fn shipped_lists_are_what_a_filter_and_a_sort_over_all_records_give() {
    let site = site().await;
    let is_in = |node: &Value, words: &[&str]| words.contains(&text(node, "/status").unwrap());
    let since = "2024-01-01T00:00:00Z";
    let keep = |_: &mut Vec<Value>| {};
    let by_total =
        |nodes: &mut Vec<Value>| nodes.sort_by_key(|node| std::cmp::Reverse(amount(node)));
    let by_due = |nodes: &mut Vec<Value>| {
        nodes.sort_by(|one, other| {
            let due = |node: &Value| text(node, "/dueAt").map(str::to_owned);
            super::shop::ordered(due(one), due(other), false)
        });
    };
    let oldest = |nodes: &mut Vec<Value>| nodes.reverse();
    let cases: [Case<'_>; 6] = [
        ("filter: { status: [PAID] }", &|node| is_in(node, &["PAID"]), &keep),
        (
            "filter: { status: [PAID, OPEN, UNKNOWN] }",
            &|node| is_in(node, &["PAID", "OPEN", "UNKNOWN"]),
            &keep,
        ),
        (
            "filter: { createdAt: { since: \"2024-01-01T00:00:00Z\" } }",
            &|node| text(node, "/createdAt") >= Some(since),
            &keep,
        ),
        ("orderBy: { field: TOTAL }", &|_| true, &by_total),
        (
            "filter: { status: [PAID], total: { amount: { min: \"100\" } } } orderBy: { field: DUE_AT, direction: ASC }",
            &|node| is_in(node, &["PAID"]) && amount(node) >= Some(1_000_000),
            &by_due,
        ),
        ("orderBy: { field: CREATED_AT, direction: ASC }", &|_| true, &oldest),
    ];
    let fields = "nodes { id status createdAt dueAt total { amount } }";
    let all = customers(
        &site,
        &format!(
            "{{ customers(first: 40) {{ nodes {{ invoices(first: 100) {{ {fields} }} }} }} }}"
        ),
    )
    .await;
    for (arguments, fits, sort) in cases {
        let query = format!(
            "{{ customers(first: 40) {{ nodes {{ invoices(first: 100 {arguments}) {{ {fields} totalCount }} }} }} }}"
        );
        let mut kept = 0;
        for (all, some) in all.iter().zip(customers(&site, &query).await) {
            if all["invoices"].is_null() {
                assert_eq!(some["invoices"], Value::Null);
                continue;
            }
            let mut expected: Vec<Value> = all["invoices"]["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|node| fits(node))
                .cloned()
                .collect();
            sort(&mut expected);
            kept += expected.len();
            assert_eq!(some["invoices"]["nodes"], json!(expected), "{arguments}");
            assert_eq!(some["invoices"]["totalCount"], expected.len(), "{arguments}");
        }
        assert!(kept > 10, "{arguments}: {kept}");
    }
}

#[tokio::test]
async fn tickets_are_asked_for_by_state_and_sifted_by_priority() {
    let site = site().await;
    let fields = "nodes { number status priority }";
    let ask = async |arguments: &str| {
        customers(&site, &format!("{{ customers(first: 40) {{ nodes {{ tickets(first: 100 {arguments}) {{ {fields} }} }} }} }}")).await
    };
    let all = ask("").await;
    let priorities = ["LOW", "NORMAL", "HIGH", "URGENT"];
    let place =
        |node: &Value| priorities.iter().position(|word| Some(*word) == node["priority"].as_str());
    let found =
        ask("filter: { status: [SOLVED], priority: [HIGH, URGENT] } orderBy: { field: PRIORITY }")
            .await;
    let mut kept = 0;
    for (all, found) in all.iter().zip(&found) {
        let Some(all) = all["tickets"]["nodes"].as_array() else { continue };
        let fits = |node: &&Value| node["status"] == "SOLVED" && place(node) >= Some(2);
        let mut expected: Vec<Value> = all.iter().filter(fits).cloned().collect();
        expected.sort_by_key(|node| std::cmp::Reverse(place(node)));
        kept += expected.len();
        assert_eq!(found["tickets"]["nodes"], json!(expected));
    }
    assert!(kept > 0, "some customer of the demo has such a ticket");
}

#[tokio::test]
async fn all_customers_are_narrowed_and_ordered_over_the_crms_pages() {
    let site = site().await;
    let all =
        customers(&site, "{ customers(first: 40) { nodes { displayName status kind } } }").await;
    let query = "{ customers(first: 40, filter: { kind: [PERSON], status: [ACTIVE] }, orderBy: { field: DISPLAY_NAME, direction: ASC }) { \
                 nodes { displayName status kind } } }";
    let mut expected: Vec<Value> = all
        .into_iter()
        .filter(|node| node["kind"] == "PERSON" && node["status"] == "ACTIVE")
        .collect();
    expected.sort_by(|one, other| one["displayName"].as_str().cmp(&other["displayName"].as_str()));
    assert!(expected.len() > 3);
    assert_eq!(customers(&site, query).await, expected);
}

#[tokio::test]
async fn the_page_about_lists_is_so() {
    let page = std::fs::read_to_string("docs/lists.md").unwrap();
    let blocks = blocks(&page);
    let block = |info: &str| &blocks.iter().find(|block| block.info == info).unwrap().text;
    let site = site().await;
    for customer in customers(&site, block("graphql")).await {
        let nodes = customer["invoices"]["nodes"].as_array().into_iter().flatten();
        for invoice in nodes {
            assert!(["OPEN", "OVERDUE"].contains(&invoice["status"].as_str().unwrap()));
        }
    }
    let compiled =
        compile(&Files::in_memory("cyclorama.yaml", cyclorama::demo::files().iter().copied()));
    let engine = Engine::new(Arc::new(compiled.graph.unwrap()), EngineSettings::default()).unwrap();
    let explained = engine.explain(block("graphql"), None).unwrap().to_text();
    for line in block("text explained")
        .lines()
        .filter(|line| line.contains(" list ") || line.contains(" call "))
    {
        assert!(explained.lines().any(|told| told == line), "{line}\n{explained}");
    }
}
