//! What vendors really answered, through the files that are shipped: Stripe's own canonical objects, Salesforce's pages and
//! refusals, `NetSuite`'s records and faults. The behaviour itself is tested with payloads of our own, where these are not there.

use std::path::Path;

use cyclorama::transport::WireResponse;
use cyclorama::value::opaque_id;
use serde_json::{Value, json};

use super::hubspot_api::{HubSpot, record as contact};
use super::kit::{Pack, Roles, customer_id, reply};
use super::netsuite::PASSPORT;
use super::stripe_api::Stripe;
use crate::needs;

const STRIPE: Roles<'_> = &[
    ("crm", "hubspot", "auth: { bearer: pat-eu1-test }"),
    ("billing", "stripe", "auth: { bearer: sk_test_1 }"),
];
const SALESFORCE: Roles<'_> = &[("crm", "salesforce", "auth: { bearer: \"00Dtest!token\" }")];
const NETSUITE: Roles<'_> = &[("crm", "netsuite", PASSPORT), ("billing", "netsuite", PASSPORT)];

fn text(shared: &Path, name: &str) -> String {
    std::fs::read_to_string(shared.join("fixtures").join(name)).unwrap()
}

#[tokio::test]
async fn stripes_canonical_objects_are_mapped() {
    let test = "packs::recorded::stripes_canonical_objects_are_mapped";
    let Some(shared) = needs::shared(test) else { return };
    let all: Value = serde_json::from_str(&text(&shared, "stripe/fixtures3.json")).unwrap();
    let one = |kind: &str| all["resources"][kind].clone();
    let customer = one("customer")["id"].as_str().unwrap().to_owned();
    let mut objects: Vec<Value> =
        ["customer", "invoice", "charge", "subscription", "refund", "credit_note"].map(one).into();
    for object in &mut objects {
        // of one customer; the canonical objects are of several
        object["customer"] = json!(customer);
    }
    let invoice = objects[1]["id"].as_str().unwrap().to_owned();
    objects[5]["invoice"] = json!(invoice);
    let hubspot = HubSpot {
        contacts: vec![contact(
            "101",
            json!({ "lastname": "Rosen", "stripe_customer_id": customer }),
        )],
        ..HubSpot::default()
    };
    let stripe = Stripe { objects };
    let pack = Pack::start(STRIPE, move |asked| {
        if asked.path.starts_with("/crm/") { hubspot.answer(asked) } else { stripe.answer(asked) }
    });
    let query = "query ($id: ID!) { customer(id: $id) {
      invoices(first: 5) { nodes { number status currency subtotal { amount } tax { amount } total { amount currency } amountPaid { amount }
        balance { amount } dueAt issuedAt paidAt memo url pdfUrl lineItems { description quantity amount { amount currency } periodEnd }
        creditNotes { number status total { amount } memo } customFields { key } createdAt } }
      payments(first: 5) { nodes { amount { amount currency } status statusRaw method { kind brand last4 } receivedAt failureReason invoice { number } } }
      creditNotes(first: 5) { nodes { number status currency total { amount } pdfUrl createdAt lineItems { description quantity amount { amount currency } unitPrice { amount } } } }
      refunds(first: 5) { nodes { amount { amount } } }
      subscriptions { status plan quantity currency unitAmount { amount } interval startedAt cancelAt canceledAt endedAt cancelAtPeriodEnd }
    } }";
    let data = pack.data(query, json!({ "id": customer_id("101") })).await;
    let customer = &data["customer"];
    let invoice = &customer["invoices"]["nodes"][0];
    assert_eq!(invoice["total"], json!({ "amount": "10.00", "currency": "USD" }), "{data:#}");
    assert_eq!(
        invoice["lineItems"][0]["description"],
        "My First Invoice Item (created for API docs)"
    );
    assert_eq!(
        invoice["creditNotes"][0],
        json!({ "number": "ABCD-1234-CN-01", "status": "ISSUED", "total": { "amount": "16.90" }, "memo": null })
    );
    let payment = &customer["payments"]["nodes"][0];
    assert_eq!(payment["method"], json!({ "kind": "CARD", "brand": "visa", "last4": "4242" }));
    assert_eq!(payment["amount"], json!({ "amount": "1.00", "currency": "USD" }));
    let line = json!({
        "description": "Service credit", "quantity": "1", "amount": { "amount": "5.00", "currency": "USD" }, "unitPrice": { "amount": "5.00" },
    });
    assert_eq!(customer["creditNotes"]["nodes"][0]["lineItems"][1], line, "{customer:#}");
    let subscription = &customer["subscriptions"][0];
    assert_eq!(
        (&subscription["interval"], &subscription["unitAmount"]["amount"]),
        (&json!("MONTH"), &json!("20.00"))
    );
}

#[tokio::test]
async fn salesforces_recorded_refusals_are_told_by_their_codes() {
    let test = "packs::recorded::salesforces_recorded_refusals_are_told_by_their_codes";
    let Some(shared) = needs::shared(test) else { return };
    for (status, name, code, own) in [
        (400, "sobject__query_error_response", "BACKEND_REJECTED", "INVALID_FIELD"),
        (400, "sobject__write_error_response", "BACKEND_REJECTED", "INVALID_FIELD"),
        (401, "expired_session_response", "BACKEND_UNAUTHORIZED", "INVALID_SESSION_ID"),
    ] {
        let body: Value =
            serde_json::from_str(&text(&shared, &format!("salesforce/{name}.json"))).unwrap();
        let pack = Pack::start(SALESFORCE, move |_| reply(status, &body));
        let query = "query { customers(first: 2) { nodes { displayName } } }";
        let answer = pack.answer(query, json!({})).await;
        let told = &answer["errors"][0]["extensions"];
        assert_eq!(
            (&told["code"], &told["backendCode"]),
            (&json!(code), &json!(own)),
            "{name}: {answer:#}"
        );
    }
}

#[tokio::test]
async fn salesforces_recorded_pages_go_on_under_their_own_path() {
    let test = "packs::recorded::salesforces_recorded_pages_go_on_under_their_own_path";
    let Some(shared) = needs::shared(test) else { return };
    let page = |name: &str| {
        let body = text(&shared, &format!("salesforce/sobject__query_{name}_response.json"));
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let (first, last, empty) =
        (page("paginated_first_page"), page("paginated_last_page"), page("empty"));
    let pack = Pack::start(SALESFORCE, move |asked| match asked.path.as_str() {
        "/services/data/v62.0/query" => reply(200, &first),
        // what the recorded link says, under the version that the file is for
        "/services/data/v62.0/query/01gD" => reply(200, &last),
        _ => reply(200, &empty),
    });
    let query = "query { customers(first: 2) { totalCount nodes { kind } pageInfo { hasNextPage } } customerByEmail(email: \"a@b.example\") { kind } }";
    pack.answer(query, json!({})).await;
    let lines = pack.lines();
    assert!(lines.contains(&"GET /services/data/v62.0/query/01gD".to_owned()), "{lines:?}");
}

/// A recorded answer of `get` as `getList` gives it.
fn as_list(text: &str) -> String {
    text.replace("getResponse", "getListResponse")
        .replace("<readResponse>", "<readResponseList><readResponse>")
        .replace("</readResponse>", "</readResponse></readResponseList>")
}

fn xml(status: u16, body: &str) -> WireResponse {
    WireResponse {
        status,
        headers: cyclorama::transport::fields([("content-type", "text/xml")]),
        body: body.to_owned().into(),
    }
}

#[tokio::test]
async fn netsuites_recorded_records_are_mapped() {
    let Some(shared) = needs::shared("packs::recorded::netsuites_recorded_records_are_mapped")
    else {
        return;
    };
    let invoice = as_list(&text(&shared, "netsuite/get__get_invoice.xml"));
    let customer = as_list(&text(&shared, "netsuite/get__get_customer.xml"));
    let contacts = text(&shared, "netsuite/search__basic_search_contact.xml");
    // the recorded contacts are of another company than the recorded customer
    let contacts = contacts.replace("internalId=\"7270\"", "internalId=\"988\"");
    let pack = Pack::start(NETSUITE, move |asked| {
        let body = if asked.text.contains("type=\"invoice\"") {
            &invoice
        } else if asked.text.contains("ContactSearch") {
            &contacts
        } else {
            &customer
        };
        xml(200, body)
    });
    let query = "query ($invoice: ID!, $customer: ID!) {
      invoice(id: $invoice) { number status total { amount currency } balance { amount } issuedAt dueAt createdAt
        lineItems { description quantity amount { amount currency } product } customFields { key value } }
      customer(id: $customer) { kind displayName status statusRaw createdAt contacts(first: 5) { nodes { title fullName createdAt phones { value } } } }
    }";
    let variables = json!({ "invoice": opaque_id("Invoice", "billing", "439"), "customer": customer_id("988") });
    let data = pack.data(query, variables).await;
    let dollars = json!({ "amount": "15993.6", "currency": "USD" });
    assert_eq!(
        data["invoice"],
        json!({
            "number": "2187", "status": "OPEN", "total": dollars, "balance": { "amount": "15993.6" },
            "issuedAt": "2011-01-01T00:00:00-08:00", "dueAt": "2011-01-01T00:00:00-08:00", "createdAt": "2011-12-15T16:54:12-08:00",
            "lineItems": [{ "description": "Dummy Item For Import", "quantity": "1.0", "amount": dollars, "product": "Dummy Item For Import" }],
            // of a version before fields had a script id
            "customFields": [],
        })
    );
    let customer = &data["customer"];
    assert_eq!(
        (&customer["kind"], &customer["displayName"], &customer["status"]),
        (&json!("ORGANIZATION"), &json!("Test Inc."), &json!("ACTIVE"))
    );
    let person = &customer["contacts"]["nodes"][0];
    assert_eq!(
        (&person["title"], &person["fullName"]),
        (&json!("President/CEO"), &json!("Mary")),
        "{customer:#}"
    );
}

#[tokio::test]
async fn netsuites_recorded_faults_and_refusals_are_told_by_their_codes() {
    let test = "packs::recorded::netsuites_recorded_faults_and_refusals_are_told_by_their_codes";
    let Some(shared) = needs::shared(test) else { return };
    let read = "query ($id: ID!) { customer(id: $id) { displayName } }";
    let change = "mutation ($id: ID!) { updateCustomer(input: { id: $id, firstName: \"Zoë\" }) { customer { displayName } } }";
    for (status, name, query, code, own) in [
        (
            500,
            "login__failure_concurrent_requests",
            read,
            "BACKEND_RATE_LIMITED",
            "WS_CONCUR_SESSION_DISALLWD",
        ),
        (
            500,
            "login__failure_invalid_credentials",
            read,
            "BACKEND_FAULT",
            "INVALID_LOGIN_CREDENTIALS",
        ),
        (
            200,
            "update__update_customer_error",
            change,
            "BACKEND_REJECTED",
            "INSUFFICIENT_PERMISSION",
        ),
        // what is no code is not shown
        (200, "update__update_customer_multiple_errors", change, "BACKEND_REJECTED", ""),
    ] {
        let body = text(&shared, &format!("netsuite/{name}.xml"));
        let pack = Pack::start(NETSUITE, move |_| xml(status, &body));
        let answer = pack.answer(query, json!({ "id": customer_id("988") })).await;
        let told = &answer["errors"][0]["extensions"];
        let shown = told["backendCode"].as_str().unwrap_or_default();
        assert_eq!((&told["code"], shown), (&json!(code), own), "{name}: {answer:#}");
    }
    // a list of which one is refused and one is there
    let record = as_list(&text(&shared, "netsuite/get__get_customer.xml"));
    let refusal = text(&shared, "netsuite/update__update_customer_error.xml");
    let status =
        refusal.split_once("<platformCore:status").unwrap().1.split_once("<baseRef").unwrap().0;
    let refusal =
        format!("<readResponse><platformCore:status{status}</readResponse></readResponseList>");
    let body = record.replace("</readResponseList>", &refusal);
    let pack = Pack::start(NETSUITE, move |_| xml(200, &body));
    let ids = ["988", "1"].map(customer_id);
    let answer = pack
        .answer(
            "query ($ids: [ID!]!) { customersByIds(ids: $ids) { displayName } }",
            json!({ "ids": ids }),
        )
        .await;
    assert_eq!(
        answer["data"]["customersByIds"][0],
        json!({ "displayName": "Test Inc." }),
        "{answer:#}"
    );
    assert_eq!(
        answer["errors"][0]["path"],
        json!(["customersByIds", 1, "displayName"]),
        "{answer:#}"
    );
    assert_eq!(answer["errors"][0]["extensions"]["backendCode"], "INSUFFICIENT_PERMISSION");
}
