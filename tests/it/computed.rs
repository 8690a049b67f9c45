//! Computed fields: what follows from one record and the present time, also where the record comes from the cache.

use cyclorama::engine::Format;
use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, World, codes, customer_id, merged};

const COMPUTED: &str = "
computed:
  Invoice.isOverdue: { holds: { status: { is: OPEN }, due: { before: today } } }
  Invoice.daysOverdue: { days_since: due, where: { status: { is: OPEN }, due: { before: today } } }
  Customer.isHushed: { holds: { secret: { is: hush } } }
";

fn deployment() -> Deployment {
    let schema = "schema/schema.graphql";
    let billing = "resolvers/billing/test.yaml";
    Deployment::new()
        .change(
            schema,
            "status: InvoiceStatus, total: Money,",
            "status: InvoiceStatus, due: DateTime, isOverdue: Boolean, daysOverdue: Int, total: Money,",
        )
        .change(schema, "  plan: String\n", "  plan: String\n  isHushed: Boolean\n")
        .change(billing, "    number: .number\n", "    number: .number\n    due: { time: .due }\n")
        .change("resolvers/roles.yaml", "[id, number, status, ", "[id, number, status, due, ")
        .file("resolvers/computed.yaml", COMPUTED)
}

/// An open invoice of `c2` with a due date, one without, and a paid one that is due.
fn world(due: &str) -> World {
    let mut world = World::default();
    let invoice = |id: &str, status: &str, due: Value| {
        json!({
            "id": id, "account": "b2", "number": id, "status": status, "due": due, "total": 100, "currency": "EUR",
        })
    };
    world.invoices = vec![
        invoice("dated", "open", json!(due)),
        invoice("undated", "open", Value::Null),
        invoice("paid", "paid", json!("2020-01-01T00:00:00Z")),
    ];
    world
}

fn list(selection: &str) -> String {
    format!(
        "{{ customer(id: \"{}\") {{ invoices {{ nodes {{ {selection} }} }} }} }}",
        customer_id("c2")
    )
}

async fn told(gateway: &Gateway, at: &str) -> [Value; 2] {
    gateway.world(|world| world.present = Some(at.parse().unwrap()));
    let data = gateway.data(&list("isOverdue daysOverdue")).await;
    let nodes = data["customer"]["invoices"]["nodes"].as_array().unwrap().clone();
    let column = |name: &str| nodes.iter().map(|node| node[name].clone()).collect();
    [column("isOverdue"), column("daysOverdue")]
}

#[tokio::test(start_paused = true)]
async fn an_invoice_in_the_cache_turns_overdue_when_its_day_is_over_without_a_call() {
    let gateway = deployment().over(world("2026-03-01T00:00:00-07:00"));
    let fine = [json!([false, null, false]), json!([0, null, 0])];
    assert_eq!(told(&gateway, "2026-03-01T12:00:00Z").await, fine);
    assert_eq!(gateway.calls().len(), 2);
    assert_eq!(told(&gateway, "2026-03-02T06:59:59Z").await, fine);
    let late = |days: i32| [json!([true, null, false]), json!([days, null, 0])];
    assert_eq!(told(&gateway, "2026-03-02T07:00:00Z").await, late(1));
    assert_eq!(told(&gateway, "2026-03-12T06:59:59Z").await, late(10));
    // as it was written before, too
    assert_eq!(told(&gateway, "2026-03-01T12:00:00Z").await, fine);
    assert_eq!(gateway.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn one_record_gives_what_its_place_in_a_list_gives() {
    let gateway = deployment().over(world("2026-03-01T00:00:00Z"));
    gateway.world(|world| world.present = Some("2026-03-03T00:00:00Z".parse().unwrap()));
    let id = cyclorama::value::opaque_id("Invoice", "billing", "dated");
    let data = gateway
        .data(&format!("{{ invoice(id: \"{id}\") {{ late: isOverdue daysOverdue number }} }}"))
        .await;
    assert_eq!(data["invoice"], json!({ "late": true, "daysOverdue": 2, "number": "dated" }));
}

#[tokio::test]
async fn parts_of_an_answer_are_of_one_moment_and_together_the_whole() {
    let gateway = deployment().over(world("2026-03-01T00:00:00Z"));
    gateway.world(|world| world.present = Some("2026-03-03T00:00:00Z".parse().unwrap()));
    let whole = gateway.query(&list("number isOverdue")).await;
    let parts = list("number ... @defer { isOverdue }");
    let parts = gateway.deliver(&parts, json!({}), Format::Ids).await.all().await;
    assert_eq!(merged(&parts, Format::Ids)["data"], whole["data"]);
}

#[tokio::test]
async fn all_fields_and_all_parts_of_an_answer_are_of_one_moment() {
    let gateway = deployment().over(world("2026-03-01T00:00:00Z"));
    gateway.world(|world| {
        world.present = Some("2026-03-03T00:00:00Z".parse().unwrap());
        world.hurries = true;
    });
    for query in
        ["one: daysOverdue two: daysOverdue", "one: daysOverdue ... @defer { two: daysOverdue }"]
    {
        let parts = gateway.deliver(&list(query), json!({}), Format::Ids).await.all().await;
        let data = merged(&parts, Format::Ids)["data"].clone();
        let dated = &data["customer"]["invoices"]["nodes"][0];
        assert!(dated["one"].as_u64() >= Some(2), "{data}");
        assert_eq!(dated["one"], dated["two"], "{query}");
    }
}

#[tokio::test]
async fn what_is_read_is_asked_for_and_hidden_from_whom_it_is_hidden() {
    let gateway = deployment().start();
    let query = format!("{{ customer(id: \"{}\") {{ isHushed }} }}", customer_id("c2"));
    let answer = gateway.query(&query).await;
    assert_eq!(answer["data"]["customer"]["isHushed"], Value::Null);
    assert_eq!(codes(&answer), ["UNAUTHORIZED_FIELD_OR_TYPE"], "{answer}");
    let auditor = Principal {
        subject: Some("eve".into()),
        scopes: vec!["audit".into()],
        ..Principal::anonymous()
    };
    let gateway = gateway.as_caller(auditor);
    gateway.calls();
    assert_eq!(gateway.data(&query).await["customer"]["isHushed"], true);
    let asked = gateway.calls()[0].body["fields"].clone();
    assert!(asked.as_array().unwrap().contains(&json!("secret")), "{asked}");
}

#[tokio::test]
async fn a_vendor_that_does_not_cover_what_is_read_does_not_cover_the_field() {
    let billing = "resolvers/billing/test.yaml";
    let gateway = deployment()
        .change(billing, "    due: { time: .due }\n", "")
        .over(world("2026-03-01T00:00:00Z"));
    let data = gateway.data(&list("isOverdue status")).await;
    assert_eq!(
        data["customer"]["invoices"]["nodes"][2],
        json!({ "isOverdue": null, "status": "PAID" })
    );
}

#[tokio::test]
async fn a_metric_counts_by_what_is_computed() {
    let summary = "
metrics:
  Customer.summary:
    lists: { invoices: invoices }
    fields:
      late: { count: invoices, where: { isOverdue: { is: [\"true\"] } } }
      unknown: { count: invoices, where: { isOverdue: { is_not: [\"true\", \"false\"] } } }
";
    let types = "type Summary { late: Count, unknown: Count }\ntype Count { value: Int, complete: Boolean!, missingSources: [String!]! }";
    let gateway = deployment()
        .change("schema/schema.graphql", "  plan: String\n", "  plan: String\n  summary: Summary\n")
        .change(
            "schema/schema.graphql",
            "union Hit = Ticket\n",
            &format!("union Hit = Ticket\n{types}\n"),
        )
        .file("resolvers/metrics.yaml", summary)
        .over(world("2026-03-01T00:00:00Z"));
    gateway.world(|world| world.present = Some("2026-03-02T00:00:00Z".parse().unwrap()));
    let query = format!(
        "{{ customer(id: \"{}\") {{ summary {{ late {{ value complete }} unknown {{ value }} }} }} }}",
        customer_id("c2")
    );
    let data = gateway.data(&query).await;
    let expected = json!({ "late": { "value": 1, "complete": true }, "unknown": { "value": 0 } });
    assert_eq!(data["customer"]["summary"], expected);
}
