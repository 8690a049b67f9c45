//! Metrics over the demo's backends: checked against the lists that a client sees, complete or honestly not.

use std::collections::BTreeMap;

use cyclorama::demo::{Options, Role};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::site::{Setup, Site, json_of};

async fn with(demo: Options) -> Site {
    Site::with(Setup { demo: Options { customers: 40, ..demo }, ..Setup::default() }).await
}

async fn answer(site: &Site, query: &str) -> Value {
    json_of(site.post(query).await).await
}

fn nodes(answer: &Value) -> &Vec<Value> {
    let errors = answer.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
    // some customers of the demo have several records in one backend
    let is_known = |error: &Value| error["extensions"]["code"] == "AMBIGUOUS";
    assert!(errors.iter().all(is_known), "{errors:#?}");
    answer["data"]["customers"]["nodes"].as_array().unwrap()
}

/// Cents, so that sums can be reckoned in whole numbers: the demo's currencies have two digits or none.
fn cents(amount: &Value) -> i64 {
    let text = amount.as_str().unwrap();
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{rest:0<2}").parse().unwrap()
}

fn totals(money: &[Value]) -> BTreeMap<String, i64> {
    let mut totals = BTreeMap::new();
    for money in money.iter().filter(|money| !money.is_null()) {
        let currency = money["currency"].as_str().unwrap().to_owned();
        *totals.entry(currency).or_default() += cents(&money["amount"]);
    }
    totals
}

fn exact(money: &[Value]) -> BTreeMap<String, Decimal> {
    let mut totals = BTreeMap::new();
    for money in money {
        let currency = money["currency"].as_str().unwrap().to_owned();
        let amount: Decimal = money["amount"].as_str().unwrap().parse().unwrap();
        *totals.entry(currency).or_default() += amount;
    }
    totals
}

/// A deal's amount by its probability, rounded to the digits that its currency has.
fn by_probability(deal: &Value) -> Value {
    let decimal = |value: &Value| value.as_str().unwrap().parse::<Decimal>().unwrap();
    let amount = decimal(&deal["amount"]["amount"]);
    let digits = match deal["amount"]["currency"].as_str().unwrap() {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    };
    let weighted = (amount * decimal(&deal["probability"])).round_dp(digits);
    json!({ "amount": weighted.to_string(), "currency": deal["amount"]["currency"] })
}

#[tokio::test]
async fn metrics_are_what_the_lists_come_to() {
    let site = with(Options::default()).await;
    let answer = answer(
        &site,
        "{ customers(first: 40) { nodes {
            summary {
              balanceDue { value { amount currency } complete missingSources }
              openTickets { value by { key count } }
              pipelineValue { value { amount currency } }
              weightedPipeline { value { amount currency } complete }
              aging { value { name totals { amount currency } } }
            }
            invoices(first: 100) { nodes { status balance { amount currency } } }
            tickets(first: 100) { nodes { status priority } }
            opportunities(first: 100) { nodes { status probability amount { amount currency } } }
            sourceStatus { system state }
        } } }",
    )
    .await;
    let (mut open, mut deals) = (0, 0);
    for node in nodes(&answer) {
        if node["invoices"].is_null() {
            let states = node["sourceStatus"].as_array().unwrap().iter();
            let billing = states.filter(|status| status["system"] == "billing");
            let is_linked =
                billing.map(|status| &status["state"]).all(|state| state != "NOT_LINKED");
            // nothing is owed by whom billing does not know; of whom it knows twice, nothing is known
            let due = &node["summary"]["balanceDue"];
            let (value, missing) =
                if is_linked { (Value::Null, json!(["billing"])) } else { (json!([]), json!([])) };
            assert_eq!((&due["value"], &due["missingSources"]), (&value, &missing));
            continue;
        }
        // a customer whom support does not know has no tickets there
        let of = |list: &str, states: &[&str], value: &str| -> Vec<Value> {
            let all = node[list]["nodes"].as_array().into_iter().flatten();
            let counted = all.filter(|item| states.contains(&item["status"].as_str().unwrap()));
            counted.map(|item| item[value].clone()).collect()
        };
        let summary = &node["summary"];
        let balances = of("invoices", &["OPEN", "PARTIALLY_PAID", "OVERDUE"], "balance");
        let due = totals(&balances);
        assert_eq!(totals(summary["balanceDue"]["value"].as_array().unwrap()), due);
        assert_eq!(summary["balanceDue"]["complete"], true);
        let aged = summary["aging"]["value"].as_array().unwrap();
        let aged: Vec<Value> =
            aged.iter().flat_map(|bucket| bucket["totals"].as_array().unwrap().clone()).collect();
        assert_eq!(totals(&aged), due, "the buckets together are the whole");
        open += due.len();

        let tickets = of("tickets", &["NEW", "OPEN", "PENDING", "ON_HOLD"], "priority");
        assert_eq!(summary["openTickets"]["value"], json!(tickets.len()));
        let by = summary["openTickets"]["by"].as_array().unwrap().iter();
        assert_eq!(by.map(|of| of["count"].as_u64().unwrap()).sum::<u64>(), tickets.len() as u64);
        let pipeline = totals(&of("opportunities", &["OPEN"], "amount"));
        assert_eq!(totals(summary["pipelineValue"]["value"].as_array().unwrap()), pipeline);
        let all = node["opportunities"]["nodes"].as_array().into_iter().flatten();
        let open: Vec<&Value> = all.filter(|deal| deal["status"] == "OPEN").collect();
        let weighted = &summary["weightedPipeline"];
        let money: Vec<Value> = open.iter().map(|deal| by_probability(deal)).collect();
        assert_eq!(exact(weighted["value"].as_array().unwrap()), exact(&money));
        assert_eq!(weighted["complete"], true);
        deals += open.len();
    }
    assert!(open > 0, "some customer of the demo owes something");
    assert!(deals > 0, "some customer of the demo may buy something");
}

#[tokio::test]
async fn a_dead_billing_system_is_never_a_balance_of_zero() {
    let site = with(Options { fail: vec![Role::Billing], ..Options::default() }).await;
    let answer = answer(
        &site,
        "{ customers(first: 5) { nodes { summary {
            balanceDue { value { amount } complete missingSources }
            overdueInvoices { value complete missingSources }
            openTickets { value complete missingSources }
            lastContactAt { value complete missingSources }
            healthScore { value complete missingSources factors { name value } }
            riskFlags { complete missingSources }
        } } } }",
    )
    .await;
    for node in nodes(&answer) {
        let summary = &node["summary"];
        let dead = json!(["billing"]);
        for metric in ["balanceDue", "overdueInvoices"] {
            let metric = &summary[metric];
            assert_eq!(metric["value"], Value::Null, "{summary:#}");
            assert_eq!((&metric["complete"], &metric["missingSources"]), (&json!(false), &dead));
        }
        let tickets = &summary["openTickets"];
        assert!(tickets["value"].is_u64(), "{summary:#}");
        assert_eq!((&tickets["complete"], &tickets["missingSources"]), (&json!(true), &json!([])));
        for metric in ["lastContactAt", "healthScore"] {
            let metric = &summary[metric];
            assert!(!metric["value"].is_null(), "what answered still counts: {summary:#}");
            assert_eq!((&metric["complete"], &metric["missingSources"]), (&json!(false), &dead));
        }
        let payment = &summary["healthScore"]["factors"][0];
        assert_eq!((&payment["name"], &payment["value"]), (&json!("payment"), &Value::Null));
        assert_eq!(summary["riskFlags"]["missingSources"], dead);
    }
}

#[tokio::test]
async fn only_the_lists_of_the_metrics_that_are_asked_for_are_loaded() {
    let site = with(Options::default()).await;
    let mut calls = Vec::new();
    for query in [
        "{ customers(first: 20) { nodes { summary { openTickets { value } urgentTickets { value } } } } }",
        "{ customers(first: 20) { nodes { summary { openTickets { value } balanceDue { complete } } } } }",
        "query ($no: Boolean = false) { customers(first: 20) { nodes { summary { openTickets { value } balanceDue @include(if: $no) { complete } } } } }",
        "{ customers(first: 20) { nodes { summary { __typename } } } }",
    ] {
        site.backends.take_calls();
        nodes(&answer(&site, query).await);
        let made = site.backends.take_calls();
        let roles =
            |prefix: &str| made.iter().any(|(call, count)| call.starts_with(prefix) && *count > 0);
        calls.push((roles("billing"), roles("support")));
    }
    // the answers of the first query serve the later ones
    assert_eq!(calls, [(false, true), (true, false), (false, false), (false, false)]);
}

#[tokio::test]
async fn metrics_have_aliases_fragments_and_type_names_like_all_else() {
    let site = with(Options::default()).await;
    let answer = answer(
        &site,
        "{ customers(first: 1) { nodes {
            a: summary { due: balanceDue { v: value { c: currency __typename } ...Whole } __typename }
            b: summary { ... on CustomerSummary { riskFlags { value ... { complete } } } }
        } } } fragment Whole on MoneyMetric { ok: complete __typename }",
    )
    .await;
    let node = &nodes(&answer)[0];
    let text = serde_json::to_string(&node).unwrap();
    assert_eq!(node["a"]["__typename"], "CustomerSummary");
    assert_eq!(node["a"]["due"]["__typename"], "MoneyMetric");
    assert_eq!(node["a"]["due"]["ok"], true);
    assert!(node["b"]["riskFlags"]["value"].is_array(), "{text}");
    for total in node["a"]["due"]["v"].as_array().unwrap() {
        assert_eq!(total["__typename"], "Money", "{text}");
    }
    assert!(text.starts_with("{\"a\":{\"due\":{\"v\":"), "in the order of selection: {text}");
}

#[tokio::test]
async fn a_deferred_metric_comes_later_with_what_it_reads() {
    let site = with(Options { slow: vec![Role::Billing], ..Options::default() }).await;
    let query = "{ customers(first: 2) { nodes { summary { openTickets { value } } \
                 ... @defer(label: \"money\") { summary { balanceDue { value { amount } complete } } } } } }";
    let request = site.client.post(site.url("/graphql"));
    let request = request
        .header("content-type", "application/json")
        .header("accept", "multipart/mixed;deferSpec=20220824, application/json")
        .body(json!({ "query": query }).to_string());
    let text = request.send().await.unwrap().text().await.unwrap();
    let (first, later) = text.split_once("\"hasNext\":true").unwrap();
    assert!(
        first.contains("\"openTickets\":{\"value\":") && !first.contains("balanceDue"),
        "{text}"
    );
    assert!(
        later.contains("\"balanceDue\":{\"value\":[") && later.contains("\"complete\":true"),
        "{text}"
    );
}

#[test]
fn the_file_of_the_documentation_compiles_in_place_of_the_shipped_one() {
    let page = std::fs::read_to_string("docs/metrics.md").unwrap();
    let file = page.split("```yaml metrics\n").nth(1).unwrap().split("```").next().unwrap();
    let texts = cyclorama::demo::files()
        .iter()
        .map(|(name, text)| (*name, if *name == "resolvers/metrics.yaml" { file } else { *text }));
    let compiled =
        cyclorama::compile::compile(&cyclorama::compile::Files::in_memory("cyclorama.yaml", texts));
    let places: Vec<String> =
        compiled.diagnostics.iter().map(|problem| format!("{problem:?}")).collect();
    assert!(places.iter().all(|problem| !problem.contains("InvalidMetric")), "{places:#?}");
    assert!(compiled.graph.is_some(), "{places:#?}");
}

#[test]
fn the_computed_fields_of_the_documentation_are_the_shipped_ones() {
    let page = std::fs::read_to_string("docs/metrics.md").unwrap();
    let shown = page.split("```yaml computed\n").nth(1).unwrap().split("```").next().unwrap();
    let shipped = std::fs::read_to_string("resolvers/computed.yaml").unwrap();
    assert!(shipped.ends_with(shown), "{shown}");
}

#[tokio::test]
async fn as_many_invoices_are_overdue_as_the_metric_counts() {
    let site = with(Options::default()).await;
    let query = "{ customers(first: 40) { nodes {
        summary { overdueInvoices { value complete } } invoices(first: 100) { nodes { status isOverdue daysOverdue } } } } }";
    let answer = answer(&site, query).await;
    let (mut late, mut fine) = (0, 0);
    for node in nodes(&answer).iter().filter(|node| !node["invoices"].is_null()) {
        let invoices = node["invoices"]["nodes"].as_array().unwrap();
        let overdue = invoices.iter().filter(|invoice| invoice["isOverdue"] == true);
        let metric = &node["summary"]["overdueInvoices"];
        assert_eq!(
            (&metric["value"], &metric["complete"]),
            (&json!(overdue.count()), &json!(true))
        );
        for invoice in invoices {
            let is_late = invoice["isOverdue"] == true;
            assert_eq!(invoice["daysOverdue"].as_i64().unwrap() > 0, is_late, "{invoice}");
            *(if is_late { &mut late } else { &mut fine }) += 1;
        }
    }
    assert!(late > 10 && fine > 10, "{late} {fine}");
}

#[tokio::test]
async fn failed_payments_of_the_last_ninety_days_are_counted_and_flagged() {
    let query = "{ customers(first: 40) { nodes {
        summary { failedPayments { value complete } riskFlags { value } } payments(first: 100) { nodes { status createdAt } } } } }";
    let failed = |node: &Value| -> Vec<Timestamp> {
        let payments = node["payments"]["nodes"].as_array().into_iter().flatten();
        let failed = payments.filter(|payment| payment["status"] == "FAILED");
        failed.map(|payment| payment["createdAt"].as_str().unwrap().parse().unwrap()).collect()
    };
    let before = answer(&with(Options::default()).await, query).await;
    let last = nodes(&before).iter().flat_map(failed).max().unwrap();
    let present = last + SignedDuration::from_hours(24);
    let demo = Options { customers: 40, ..Options::default() };
    let setup = Setup { demo, present: Some(present), ..Setup::default() };
    let answer = answer(&Site::with(setup).await, query).await;
    let (mut flagged, mut old) = (0, 0);
    for node in nodes(&answer).iter().filter(|node| !node["payments"].is_null()) {
        let since = present - SignedDuration::from_hours(90 * 24);
        let (new, before): (Vec<_>, Vec<_>) = failed(node).into_iter().partition(|at| *at > since);
        let told = &node["summary"]["failedPayments"];
        assert_eq!(*told, json!({ "value": new.len(), "complete": true }));
        let flags = node["summary"]["riskFlags"]["value"].as_array().unwrap();
        assert_eq!(flags.contains(&json!("FAILED_PAYMENT")), !new.is_empty(), "{node}");
        flagged += usize::from(!new.is_empty());
        old += before.len();
    }
    assert!(flagged > 0 && old > 0, "{flagged} {old}");
}
