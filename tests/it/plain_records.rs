//! Types of records without parts: each role has its own records of them, with slots and calls of its own.

use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, customer_id, id};

const SCHEMA: &str = "schema/schema.graphql";
const ROLES: &str = "resolvers/roles.yaml";
const CRM: &str = "resolvers/crm/test.yaml";
const BILLING: &str = "resolvers/billing/test.yaml";

/// Both roles have records of `Site`: the CRM's of the customer, billing's of the invoice.
fn deployment(crm: [&str; 3], billing: [&str; 3]) -> Deployment {
    let call = |name: &str| {
        format!("calls:\n  {name}: {{ get: '/{name}/{{key}}', per_key: {{ parallel: 4 }} }}\n")
    };
    Deployment::new()
        .change(
            SCHEMA,
            "type Money {",
            "type Site { city: String, region: String, rate: Money }\ntype Money {",
        )
        .change(SCHEMA, "  plan: String\n", "  plan: String\n  home: Site\n")
        .change(SCHEMA, "lines: [InvoiceLine!], ", "lines: [InvoiceLine!], site: Site, ")
        .change(ROLES, "[id, name, email, tags, secret]", "[id, name, email, tags, secret, home]")
        .change(ROLES, "status, total, lines]", "status, total, lines, site]")
        .change(CRM, "calls:\n", &call("regions"))
        .change(CRM, "    billingId: .billing\n", &format!("    billingId: .billing\n{}", crm[0]))
        .change(CRM, "types:\n", &format!("types:\n{}", crm[1]))
        .change(CRM, "fields:\n", &format!("fields:\n{}", crm[2]))
        .change(BILLING, "calls:\n", &call("areas"))
        .change(
            BILLING,
            "    customerId: .account\n",
            &format!("    customerId: .account\n{}", billing[0]),
        )
        .change(BILLING, "types:\n", &format!("types:\n{}", billing[1]))
        .change(BILLING, "fields:\n", &format!("fields:\n{}", billing[2]))
}

fn start(deployment: Deployment) -> Gateway {
    let gateway = deployment.start();
    gateway.world(|world| {
        world.customers[0]["home"] =
            json!({ "zip": "zip-1", "city": "Wien", "region": "its own", "note": "crm" });
        for invoice in &mut world.invoices {
            invoice["site"] =
                json!({ "plot": "plot-7", "town": "Graz", "code": "code-9", "area": "its own" });
        }
        world.reply("crm GET /regions/zip-1", 200, &json!({ "region": "Vienna" }));
        world.reply("billing GET /areas/code-9", 200, &json!({ "area": "Styria" }));
    });
    gateway
}

async fn sites(gateway: &Gateway) -> (Value, Vec<String>) {
    let query = format!(
        "{{ customer(id: \"{}\") {{ home {{ city region }} }} invoice(id: \"{}\") {{ site {{ city region }} }} }}",
        customer_id("c1"),
        id("Invoice", "billing", "i2-1")
    );
    let data = gateway.data(&query).await;
    let lines = gateway
        .lines()
        .into_iter()
        .filter(|line| line.contains(" GET /") && !line.contains("invoices"));
    (json!([data["customer"]["home"], data["invoice"]["site"]]), lines.collect())
}

/// Something reads `plot`, so that `code` has another number than `zip`.
fn billing() -> [&'static str; 3] {
    [
        "    site: { at: .site, as: Site }\n",
        "  Site: { plot: .plot, city: .town, code: .code }\n",
        "  Site.region: { call: areas, from: code, value: .area }\n  \
         Site.rate: { call: areas, from: plot, value: { money: .rate, currency: EUR } }\n",
    ]
}

fn site(city: &str, region: &str) -> Value {
    json!({ "city": city, "region": region })
}

const HOME: &str = "    home: { at: .home, as: Site }\n";
const REGION: &str = "  Site.region: { call: regions, from: zip, value: .region }\n";

#[tokio::test]
async fn records_of_each_role_are_read_by_its_own_slots_and_answered_by_its_own_calls() {
    let gateway =
        start(deployment([HOME, "  Site: { zip: .zip, city: .city }\n", REGION], billing()));
    let (found, lines) = sites(&gateway).await;
    assert_eq!(found, json!([site("Wien", "Vienna"), site("Graz", "Styria")]));
    assert_eq!(lines, ["billing GET /areas/code-9", "crm GET /regions/zip-1"]);
}

#[tokio::test]
async fn a_call_of_one_role_is_never_made_for_the_records_of_another() {
    let types = "  Site: { city: .city, region: .region }\n";
    let gateway = start(deployment([HOME, types, ""], billing()));
    let (found, lines) = sites(&gateway).await;
    assert_eq!(found, json!([site("Wien", "its own"), site("Graz", "Styria")]));
    assert_eq!(lines, ["billing GET /areas/code-9"]);

    // where a role says nothing of a field, its records have none
    let types = "  Site: { city: .city }\n";
    let gateway = start(deployment([HOME, types, ""], billing()));
    let (found, lines) = sites(&gateway).await;
    assert_eq!(found[0], json!({ "city": "Wien", "region": null }));
    assert_eq!(lines, ["billing GET /areas/code-9"]);
}

#[tokio::test]
async fn a_record_that_is_written_out_in_place_has_its_keys_by_their_names() {
    let home = "    home: { object: { city: .city, zip: .zip }, at: .home }\n";
    let types = "  Site: { note: .note, zip: .zip, city: .city }\n";
    let rate =
        "  Site.rate: { call: regions, from: note, value: { money: .rate, currency: EUR } }\n";
    let gateway = start(deployment([home, types, &format!("{REGION}{rate}")], billing()));
    let (found, lines) = sites(&gateway).await;
    assert_eq!(found, json!([site("Wien", "Vienna"), site("Graz", "Styria")]));
    assert_eq!(lines, ["billing GET /areas/code-9", "crm GET /regions/zip-1"]);
}

#[tokio::test]
async fn an_amount_of_money_has_its_keys_by_their_names() {
    let schema = "type Money { amount: Decimal!, currency: CurrencyCode!";
    let types = "  Site: { rate: { money: .price, currency: .money } }\n  Money: { currency: .money, amount: .price }\n";
    let rate = "  Money.perEuro: { call: regions, from: currency, value: .rate }\n";
    let deployment = deployment([HOME, types, rate], billing()).change(
        SCHEMA,
        schema,
        &format!("{schema}, perEuro: Decimal"),
    );
    let gateway = deployment.start();
    gateway.world(|world| {
        world.customers[0]["home"] = json!({ "price": "12.50", "money": "USD" });
        world.reply("crm GET /regions/USD", 200, &json!({ "rate": "1.1" }));
    });
    let query = format!(
        "{{ customer(id: \"{}\") {{ home {{ rate {{ amount perEuro }} }} }} }}",
        customer_id("c1")
    );
    let data = gateway.data(&query).await;
    assert_eq!(data["customer"]["home"]["rate"], json!({ "amount": "12.50", "perEuro": "1.1" }));
}
