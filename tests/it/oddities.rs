//! What real backends do to those who read them, through the shipped vendor files: each oddity, and what a client sees of it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use cyclorama::backend::Backends;
use cyclorama::compile::{Files, compile};
use cyclorama::engine::{Engine, EngineSettings, Request};
use cyclorama::principal::Principal;
use cyclorama::transport::{MemoryWire, WireRequest, WireResponse};
use cyclorama::value::opaque_id;
use futures_util::FutureExt;
use serde_json::{Value, json};

/// The shipped schema and contract over one shipped vendor file for each role; no more than what is asked is answered.
struct Gateway {
    engine: Arc<Engine>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// What the backends say, by what stands in the request: its URL, or its body.
type Said = Vec<(&'static str, String)>;

fn gateway(vendors: [(&str, &str); 3], said: Said) -> Gateway {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = vec![("cyclorama.yaml".to_owned(), deployment(vendors))];
    let schema = std::fs::read_dir(root.join("schema")).unwrap();
    let schema = schema.map(|entry| format!("schema/{}", entry.unwrap().file_name().display()));
    let cross = ["roles", "identity", "computed", "metrics", "timeline"]
        .map(|name| format!("resolvers/{name}.yaml"));
    let files = vendors.map(|(role, vendor)| format!("resolvers/{role}/{vendor}.yaml"));
    for name in schema.chain(cross).chain(files) {
        let text = std::fs::read_to_string(root.join(&name)).unwrap();
        texts.push((name, unset(&text)));
    }
    let texts = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let compiled = compile(&Files::in_memory("cyclorama.yaml", texts));
    let graph = Arc::new(compiled.graph.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics)));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let backends = Backends::in_memory(Arc::clone(&graph), &wire(said, Arc::clone(&asked)));
    let engine = Engine::over(graph, backends, EngineSettings::default()).unwrap();
    Gateway { engine, asked }
}

fn deployment(vendors: [(&str, &str); 3]) -> String {
    let roles = vendors.map(|(role, vendor)| {
        let auth = if vendor == "demo" { "" } else { ", auth: none" };
        format!("  {role}: {{ vendor: {vendor}, url: \"http://{role}.test\"{auth} }}\n")
    });
    format!("listen: 127.0.0.1:0\nschema: schema\nresolvers: resolvers\nroles:\n{}", roles.concat())
}

/// Secrets have no value here.
fn unset(text: &str) -> String {
    text.replace("${env.STRIPE_API_KEY}", "x").replace("${env.RT_TOKEN}", "x")
}

fn wire(said: Said, asked: Arc<Mutex<Vec<String>>>) -> MemoryWire {
    let said = Arc::new(said);
    Arc::new(move |request: WireRequest| {
        let (said, asked) = (Arc::clone(&said), Arc::clone(&asked));
        async move {
            let line = format!("{} {}", request.url, String::from_utf8_lossy(&request.body));
            let found = said.iter().find(|(part, _)| line.contains(part)).map(|(_, body)| body);
            asked.lock().unwrap().push(line);
            let is_xml = found.is_some_and(|body| body.starts_with('<'));
            let media = if is_xml { "text/xml" } else { "application/json" };
            Ok(WireResponse {
                status: if found.is_some() { 200 } else { 404 },
                headers: cyclorama::transport::fields([("content-type", media)]),
                body: found
                    .cloned()
                    .unwrap_or_else(|| r#"{"error":{"code":"none"}}"#.into())
                    .into(),
            })
        }
        .boxed()
    })
}

impl Gateway {
    async fn ask(&self, query: &str) -> Value {
        let insider = Principal {
            subject: Some("insider".into()),
            scopes: vec!["raw:read".into()],
            ..Principal::default()
        };
        let request = Request { query: query.to_owned(), ..Request::default() };
        let response = self.engine.execute(request, &insider).await;
        serde_json::from_slice(&response.body).unwrap()
    }

    async fn data(&self, query: &str) -> Value {
        let mut answer = self.ask(query).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        answer["data"].take()
    }
}

const DEMO: [(&str, &str); 3] = [("crm", "demo"), ("billing", "demo"), ("support", "demo")];
const REAL: [(&str, &str); 3] =
    [("crm", "demo"), ("billing", "stripe"), ("support", "request_tracker")];

fn contacts(records: &Value) -> (&'static str, String) {
    ("/contacts/batch/read", json!({ "results": records }).to_string())
}

fn customer(fields: &str) -> String {
    format!("{{ customer(id: \"{}\") {{ {fields} }} }}", opaque_id("Customer", "crm", "1"))
}

fn invoice(currency: &str, total: u64) -> (&'static str, String) {
    let record = json!({ "id": "in_1", "currency": currency, "total": total, "customer": "cus_1" });
    ("/v1/invoices/in_1", record.to_string())
}

async fn total(currency: &str, total: u64) -> Value {
    let gateway = gateway(REAL, vec![invoice(currency, total)]);
    let id = opaque_id("Invoice", "billing", "in_1");
    let query = format!("{{ invoice(id: \"{id}\") {{ currency total {{ amount currency }} }} }}");
    gateway.data(&query).await["invoice"]["total"]["amount"].clone()
}

#[tokio::test]
async fn minor_units_have_the_digits_that_the_vendor_counts_in_not_always_two() {
    for (currency, amount) in [
        ("eur", "10.50"),
        ("jpy", "1050"),
        ("kwd", "1.050"),
        // Stripe counts these otherwise than ISO 4217
        ("isk", "10.50"),
        ("ugx", "10.50"),
        ("mga", "1050"),
    ] {
        assert_eq!(total(currency, 1050).await, json!(amount), "{currency}");
    }
}

#[tokio::test]
async fn a_customer_without_an_address_is_asked_for_nowhere_by_address() {
    let said =
        vec![contacts(&json!([{ "id": "1", "name": "Nobody", "email": null, "emails": [] }]))];
    let gateway = gateway(DEMO, said);
    let query = customer(
        "displayName primaryEmail emails { value } balance { amount } tickets(first: 1) { nodes { id } } \
         sourceStatus { system state }",
    );
    let customer = gateway.data(&query).await["customer"].take();
    assert_eq!(customer["displayName"], "Nobody");
    assert_eq!((&customer["primaryEmail"], &customer["emails"]), (&Value::Null, &json!([])));
    assert_eq!((&customer["balance"], &customer["tickets"]), (&Value::Null, &Value::Null));
    let states = customer["sourceStatus"].as_array().unwrap();
    let of =
        |system: &str| states.iter().find(|one| one["system"] == system).unwrap()["state"].clone();
    assert_eq!((of("billing"), of("support")), (json!("NOT_LINKED"), json!("NOT_LINKED")));
    assert_eq!(gateway.asked.lock().unwrap().len(), 1, "the CRM alone is asked");
}

#[tokio::test]
async fn deleted_and_merged_records_are_told_and_the_survivor_is_one_step_away() {
    let records = json!([
        { "id": "1", "name": "Old", "archived_at": "2026-05-01T10:00:00.000+0000", "merged_into": "2" },
        { "id": "2", "name": "Survivor", "archived_at": null, "merged_into": null },
    ]);
    let gateway = gateway(DEMO, vec![contacts(&records)]);
    let query =
        customer("displayName deletedAt mergedInto { id displayName deletedAt mergedInto { id } }");
    assert_eq!(
        gateway.data(&query).await["customer"],
        json!({
            "displayName": "Old", "deletedAt": "2026-05-01T10:00:00Z",
            "mergedInto": {
                "id": opaque_id("Customer", "crm", "2"), "displayName": "Survivor", "deletedAt": null,
                "mergedInto": null,
            },
        })
    );
}

#[tokio::test]
async fn words_that_no_mapping_knows_are_unknown_beside_the_vendors_own() {
    let records = json!([{
        "id": "1", "type": "household", "lifecycle": "champion",
        "consents": [{ "purpose": "calls", "state": "implied", "changed_at": null }],
    }]);
    let gateway = gateway(DEMO, vec![contacts(&records)]);
    let query =
        customer("kind kindRaw status statusRaw consent { purpose status statusRaw updatedAt }");
    assert_eq!(
        gateway.data(&query).await["customer"],
        json!({
            "kind": "UNKNOWN", "kindRaw": "household", "status": "UNKNOWN", "statusRaw": "champion",
            "consent": [{ "purpose": "calls", "status": "UNKNOWN", "statusRaw": "implied", "updatedAt": null }],
        })
    );
}

#[tokio::test]
async fn huge_custom_fields_come_whole_and_only_those_that_are_listed() {
    let long = "ß".repeat(300_000);
    let mut custom = json!({ "loyalty_card": long, "preferences": { "deep": [[[[1.10]]]] } });
    for number in 0..5_000 {
        custom[format!("sync_{number}")] = json!("not listed");
    }
    let gateway = gateway(DEMO, vec![contacts(&json!([{ "id": "1", "custom": custom }]))]);
    let fields = gateway.data(&customer("customFields { key value type }")).await["customer"]
        ["customFields"]
        .take();
    let fields = fields.as_array().unwrap();
    assert_eq!(fields.len(), 2);
    assert_eq!((&fields[0]["value"], &fields[0]["type"]), (&json!(long), &json!("TEXT")));
    assert_eq!(
        fields[1],
        json!({ "key": "preferences", "value": { "deep": [[[[1.10]]]] }, "type": "OBJECT" })
    );
}

#[tokio::test]
async fn a_raw_record_has_all_that_the_file_asks_for_whatever_else_is_selected() {
    let record =
        json!({ "id": "1", "name": "Zoë", "email": "z@example.org", "custom": { "x": 1 } });
    let gateway = gateway(DEMO, vec![contacts(&json!([record]))]);
    let query = customer("displayName raw");
    assert_eq!(gateway.data(&query).await["customer"]["raw"], record);
    let asked = gateway.asked.lock().unwrap().join("\n");
    for property in ["consents", "identities", "billing_account", "birth_date", "custom"] {
        let is_asked_for = asked.contains(&format!("\"{property}\""));
        assert_eq!(is_asked_for, property != "birth_date", "{property}: {asked}");
    }
}

fn tickets(records: &Value) -> (&'static str, String) {
    let count = records.as_array().map_or(0, Vec::len);
    (
        "/REST/2.0/tickets",
        json!({ "items": records, "count": count, "total": count, "pages": 1 }).to_string(),
    )
}

fn ticket_query(fields: &str) -> String {
    format!("{{ ticket(id: \"{}\") {{ {fields} }} }}", opaque_id("Ticket", "support", "7"))
}

#[tokio::test]
async fn ids_as_text_or_number_and_times_of_1970_are_read_for_what_they_mean() {
    for id in [json!(7), json!("7")] {
        let record = json!({
            "id": id, "Priority": "50", "Resolved": "1970-01-01T00:00:00Z", "Due": null,
            "Created": "2026-03-29T01:30:00Z",
        });
        let gateway = gateway(REAL, vec![tickets(&json!([record]))]);
        let query = ticket_query("number priority priorityRaw solvedAt dueAt createdAt");
        assert_eq!(
            gateway.data(&query).await["ticket"],
            json!({
                "number": "7", "priority": "NORMAL", "priorityRaw": "50", "solvedAt": null, "dueAt": null,
                "createdAt": "2026-03-29T01:30:00Z",
            })
        );
    }
}

#[tokio::test]
async fn html_and_any_script_in_a_subject_stay_the_text_that_they_are() {
    for subject in [
        "<b>URGENT</b> <script>alert(1)</script> & more",
        "請求書の再発行をお願いします 🌙",
        "e\u{301}\u{202e}abc\u{0} tab\there",
        "5 &lt; 6",
    ] {
        let gateway = gateway(REAL, vec![tickets(&json!([{ "id": 7, "Subject": subject }]))]);
        assert_eq!(gateway.data(&ticket_query("subject")).await["ticket"]["subject"], subject);
    }
}

#[tokio::test]
async fn a_merged_ticket_leads_to_the_one_that_took_it_over_and_others_to_none() {
    for (effective, expected) in [
        (json!({ "id": "7", "type": "ticket" }), Value::Null),
        (json!({ "id": 7 }), Value::Null),
        (json!({ "id": "3" }), json!({ "id": opaque_id("Ticket", "support", "3") })),
    ] {
        let records = json!([{ "id": 7, "EffectiveId": effective }, { "id": 3 }]);
        let gateway = gateway(REAL, vec![tickets(&records)]);
        assert_eq!(
            gateway.data(&ticket_query("mergedInto { id }")).await["ticket"]["mergedInto"],
            expected
        );
    }
}

#[tokio::test]
async fn custom_fields_that_come_as_a_list_have_their_names_and_values() {
    let fields = json!([
        { "id": "4", "name": "Device", "values": ["Scanner"] },
        { "id": "5", "name": "Versions", "values": ["1", "2"] },
        { "id": "6", "name": "Empty", "values": null },
    ]);
    let gateway = gateway(REAL, vec![tickets(&json!([{ "id": 7, "CustomFields": fields }]))]);
    assert_eq!(
        gateway.data(&ticket_query("customFields { key value type }")).await["ticket"]["customFields"],
        json!([
            { "key": "Device", "value": ["Scanner"], "type": "UNKNOWN" },
            { "key": "Versions", "value": ["1", "2"], "type": "UNKNOWN" },
        ])
    );
}

#[tokio::test]
async fn an_empty_list_where_access_is_missing_is_an_empty_list() {
    // Request Tracker gives whoever may see nothing a list of nothing: from the answer it cannot be told from "no tickets"
    let records = json!([{ "id": "1", "email": "z@example.org" }]);
    let gateway = gateway(REAL, vec![contacts(&records), tickets(&json!([]))]);
    let query =
        customer("tickets(first: 5) { totalCount nodes { id } } sourceStatus { system state }");
    let customer = gateway.data(&query).await["customer"].take();
    assert_eq!(customer["tickets"]["nodes"], json!([]));
}

#[tokio::test]
async fn an_error_inside_a_200_is_an_error_and_not_a_list_of_nothing() {
    let said = r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:h="urn:helpdesk:2"><s:Body>
        <h:FindTicketsResponse><status success="false"><code>OVERLOADED</code><message>later &amp; later</message></status>
        </h:FindTicketsResponse></s:Body></s:Envelope>"#;
    let records = json!([{ "id": "1", "email": "z@example.org" }]);
    let gateway = gateway(DEMO, vec![contacts(&records), ("FindTickets", said.to_owned())]);
    let answer = gateway
        .ask(&customer("tickets(first: 5) { nodes { id } } sourceStatus { system state code }"))
        .await;
    assert_eq!(answer["data"]["customer"]["tickets"], Value::Null);
    assert_eq!(answer["errors"][0]["path"], json!(["customer", "tickets"]));
    assert!(!answer.to_string().contains("later"), "{answer}");
}

#[tokio::test]
async fn numbers_that_come_as_text_are_numbers_where_the_file_says_so() {
    let company = json!({ "results": [{ "id": "9", "employees": "1250", "annual_revenue": "0100.10", "currency": "eur" }] });
    let gateway = gateway(DEMO, vec![("/companies/batch/read", company.to_string())]);
    let id = opaque_id("Account", "crm", "9");
    let query =
        format!("{{ account(id: \"{id}\") {{ employees annualRevenue {{ amount }} currency }} }}");
    assert_eq!(
        gateway.data(&query).await["account"],
        json!({ "employees": 1250, "annualRevenue": { "amount": "100.10" }, "currency": "EUR" })
    );
}

#[tokio::test]
async fn times_keep_the_offset_that_the_backend_wrote() {
    let records = json!([{
        "id": "1", "created_at": "2026-03-29T02:59:59.000+0100", "updated_at": "2026-03-29 03:00:00+02:00",
        "first_seen_at": "2025-12-31T23:30:00-11:00",
    }]);
    let gateway = gateway(DEMO, vec![contacts(&records)]);
    assert_eq!(
        gateway.data(&customer("createdAt updatedAt firstSeenAt")).await["customer"],
        json!({
            "createdAt": "2026-03-29T02:59:59+01:00", "updatedAt": "2026-03-29T03:00:00+02:00",
            "firstSeenAt": "2025-12-31T23:30:00-11:00",
        })
    );
}

#[tokio::test]
async fn ids_that_differ_in_case_alone_are_two_customers() {
    let records = json!([{ "id": "aBc", "name": "Large B" }, { "id": "abc", "name": "Small b" }]);
    let gateway = gateway(DEMO, vec![contacts(&records)]);
    let ids = ["abc", "aBc", "ABC"].map(|id| opaque_id("Customer", "crm", id));
    let query = format!("{{ customersByIds(ids: {ids:?}) {{ displayName }} }}");
    let found = gateway.data(&query).await["customersByIds"].take();
    let named = |name: &str| json!({ "displayName": name });
    assert_eq!(found, json!([named("Small b"), named("Large B"), null]));
    assert_eq!(gateway.asked.lock().unwrap().len(), 1, "three keys of one call");
}

#[tokio::test]
async fn two_records_of_the_crm_with_one_address_are_ambiguous_and_neither_is_shown() {
    // addresses are compared whatever their case and the blanks around them
    let records = json!({ "results": [
        { "id": "1", "name": "First", "email": "Twice@example.org" }, { "id": "2", "name": "Second", "email": " twice@example.org" },
        { "id": "3", "name": "Once", "email": "once@example.org" },
    ] });
    let gateway = gateway(DEMO, vec![("/contacts/search", records.to_string())]);
    let query = "{ customersByEmails(emails: [\"twice@example.org\", \"once@example.org\"]) { displayName } }";
    let answer = gateway.ask(query).await;
    let found = &answer["data"]["customersByEmails"];
    assert_eq!(found[1], json!({ "displayName": "Once" }), "{answer:#}");
    assert!(
        !answer.to_string().contains("First") && !answer.to_string().contains("Second"),
        "{answer:#}"
    );
    assert_eq!(answer["errors"][0]["extensions"]["code"], "AMBIGUOUS", "{answer:#}");
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer:#}");
}

#[tokio::test]
async fn a_time_of_1970_that_is_no_word_for_unset_is_a_time() {
    // only where a file says so is it none: a customer may be as old as that
    let records = json!([{ "id": "1", "created_at": "1970-01-01T00:00:00Z" }]);
    let gateway = gateway(DEMO, vec![contacts(&records)]);
    let customer = gateway.data(&customer("createdAt")).await["customer"].take();
    assert_eq!(customer["createdAt"], "1970-01-01T00:00:00Z");
}

#[tokio::test]
async fn letters_that_look_alike_are_never_taken_for_each_other() {
    // a composed and a decomposed `é` are two addresses, and so are `ß` and `ss`
    let records = json!({ "results": [
        { "id": "1", "name": "Composed", "email": "ren\u{e9}@example.org" },
        { "id": "2", "name": "Sharp", "email": "stra\u{df}e@example.org" },
    ] });
    let gateway = gateway(DEMO, vec![("/contacts/search", records.to_string())]);
    let ask = |email: &str| format!("{{ customerByEmail(email: \"{email}\") {{ displayName }} }}");
    for (email, name) in [
        ("REN\u{c9}@example.org", json!({ "displayName": "Composed" })),
        ("rene\u{301}@example.org", Value::Null),
        ("stra\u{df}e@example.org", json!({ "displayName": "Sharp" })),
        ("strasse@example.org", Value::Null),
    ] {
        assert_eq!(gateway.data(&ask(email)).await["customerByEmail"], name, "{email}");
    }
}
