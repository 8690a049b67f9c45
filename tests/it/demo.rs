//! The shipped schema and vendor files over the demo's backends, on real sockets.

use crate::testkit::codes;
use std::collections::BTreeMap;
use std::sync::Arc;

use cyclorama::compile::{Files, compile};
use cyclorama::demo::{self, Options, Role};
use cyclorama::engine::{Engine, EngineSettings, Request};
use cyclorama::principal::Principal;
use serde_json::{Value, json};

pub(crate) struct Stage {
    pub(crate) engine: Arc<Engine>,
    pub(crate) backends: demo::Backends,
}

/// The shipped files with the addresses of these backends.
fn files(url: impl Fn(Role) -> String) -> Vec<(&'static str, String)> {
    let with_address = |name: &str, text: &str| {
        let mut text = text.to_owned();
        if name == "cyclorama.yaml" {
            for role in Role::ALL {
                let line = format!("{role}: {{ vendor: demo }}");
                assert!(text.contains(&line), "{name} names the demo's vendor for {role}");
                text = text
                    .replace(&line, &format!("{role}: {{ vendor: demo, url: \"{}\" }}", url(role)));
            }
        }
        text
    };
    demo::files().iter().map(|(name, text)| (*name, with_address(name, text))).collect()
}

pub(crate) async fn stage(options: Options) -> Stage {
    let backends = demo::start(options).await.expect("three ports of 127.0.0.1");
    let texts = files(|role| backends.url(role));
    let files =
        Files::in_memory("cyclorama.yaml", texts.iter().map(|(name, text)| (*name, text.as_str())));
    let compiled = compile(&files);
    assert!(compiled.diagnostics.is_empty(), "{:#?}", compiled.diagnostics);
    let graph = Arc::new(compiled.graph.expect("a graph"));
    let engine = Engine::new(graph, EngineSettings::default()).expect("an engine");
    Stage { engine, backends }
}

pub(crate) async fn small_stage() -> Stage {
    stage(Options { customers: 64, ..Options::default() }).await
}

impl Stage {
    async fn answer(&self, query: &str, variables: Value) -> Value {
        self.answer_as(&Principal::anonymous(), query, variables).await
    }

    pub(crate) async fn answer_as(
        &self,
        principal: &Principal,
        query: &str,
        variables: Value,
    ) -> Value {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        let query = query.to_owned();
        let request = Request { query, variables, ..Request::default() };
        let response = self.engine.execute(request, principal).await;
        serde_json::from_slice(&response.body).expect("JSON")
    }

    /// The data of an answer without errors.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.answer(query, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        answer["data"].take()
    }

    /// Customer number `number`, from 0, by the CRM's id.
    pub(crate) fn id(number: u32) -> String {
        cyclorama::value::opaque_id("Customer", "crm", &(1001 + number).to_string())
    }

    pub(crate) fn calls(&self) -> Vec<(String, u64)> {
        self.backends.take_calls().into_iter().collect()
    }
}

fn states(customer: &Value) -> BTreeMap<&str, &str> {
    customer["sourceStatus"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["system"].as_str().expect("text"), one["state"].as_str().expect("text")))
        .collect()
}

fn calls(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn the_shipped_files_have_no_problem_and_every_coordinate_is_covered() {
    let texts = files(|_| "http://127.0.0.1:1".to_owned());
    let texts = texts.iter().map(|(name, text)| (*name, text.as_str()));
    let compiled = compile(&Files::in_memory("cyclorama.yaml", texts));
    assert!(compiled.diagnostics.is_empty(), "{:#?}", compiled.diagnostics);
    let coverage = compiled.coverage.render_text(false);
    assert!(compiled.coverage.is_complete(), "{coverage}");
    // a field with several sources is filled by one of them
    let missing: Vec<&str> = coverage.lines().filter(|line| line.contains("missing")).collect();
    let others = [
        "  missing: Customer.phones",
        "  missing: Customer.displayName, Customer.emails, Customer.phones",
    ];
    assert_eq!(missing, others, "{coverage}");
}

#[tokio::test]
async fn one_customer_is_answered_by_three_systems_with_one_call_each() {
    let stage = small_stage().await;
    let query = r"query ($email: String!) {
        customerByEmail(email: $email) {
            displayName
            balance { amount currency }
            tickets(first: 2) { nodes { subject } }
            sourceStatus { system state }
        }
    }";
    let data = stage.data(query, json!({ "email": " Zoe.O'Neil@BLUE-WORKS.example " })).await;
    let customer = &data["customerByEmail"];
    assert_eq!(customer["displayName"], "Zoë O'Neil");
    assert_eq!(customer["balance"]["currency"], "EUR");
    assert_eq!(customer["tickets"]["nodes"].as_array().expect("a list").len(), 2);
    assert_eq!(
        states(customer),
        BTreeMap::from([("crm", "OK"), ("billing", "OK"), ("support", "OK")])
    );
    let expected =
        [("billing.get_customer", 1), ("crm.search_contacts", 1), ("support.find_tickets", 1)];
    assert_eq!(stage.calls(), calls(&expected));
}

#[tokio::test]
async fn a_page_of_fifty_customers_makes_the_planned_calls_at_every_depth() {
    let stage = small_stage().await;
    let query = r"{
        customers(first: 50) {
            nodes {
                account { name parent { name } opportunities(first: 1) { nodes { name } } }
                opportunities(first: 3) { nodes { name account { name } } }
                tickets(first: 3) { nodes { subject comments(first: 2) { nodes { body } } } }
            }
        }
    }";
    let data = stage.data(query, json!({})).await;
    assert_eq!(data["customers"]["nodes"].as_array().expect("a list").len(), 50);
    let made: BTreeMap<String, u64> = stage.calls().into_iter().collect();
    // the accounts of customers, their parents, the accounts of opportunities: once each at the most
    assert!(made["crm.batch_read_companies"] <= 3, "{made:?}");
    assert!(made["crm.search_deals"] <= 2 + 2, "two fields, at most two pages each: {made:?}");
    assert!(made["support.find_comments"] <= 4, "at most 150 tickets in chunks of fifty: {made:?}");
    assert_eq!(made["crm.list_contacts"], 1);
    assert_eq!(made["support.find_tickets"], 1, "fifty addresses are one chunk: {made:?}");
}

#[tokio::test]
async fn billing_takes_one_customer_a_call_and_never_the_same_twice() {
    let stage = small_stage().await;
    let query = r"{
        customers(first: 20) {
            nodes { invoices(first: 2) { nodes { number customer { displayName balance { amount } } } } }
        }
    }";
    let answer = stage.answer(query, json!({})).await;
    let made: BTreeMap<String, u64> = stage.calls().into_iter().collect();
    let codes = codes(&answer);
    assert_eq!(codes, ["AMBIGUOUS"], "the one customer of whom billing has two records");
    let customers = answer["data"]["customers"]["nodes"].as_array().expect("a list");
    let billed = customers.iter().filter(|customer| !customer["invoices"].is_null()).count();
    assert!(billed > 14, "{billed}");
    // each linked customer once, those found by address too, the ambiguous one not at all
    assert_eq!(made["billing.list_invoices"], billed as u64, "{made:?}");
    assert!(made["billing.get_customer"] <= 20, "{made:?}");
}

#[tokio::test]
async fn the_way_to_billing_is_reported_for_each_customer() {
    let stage = small_stage().await;
    let query = r"query ($ids: [ID!]!) {
        customersByIds(ids: $ids) { balance { amount } sourceStatus { system state } }
    }";
    let ids: Vec<String> = [0, 3, 4, 5].map(Stage::id).to_vec();
    let answer = stage.answer(query, json!({ "ids": ids })).await;
    let of = |place: usize| {
        let customer = &answer["data"]["customersByIds"][place];
        (states(customer)["billing"].to_owned(), customer["balance"].is_null())
    };
    assert_eq!(of(0), ("OK".to_owned(), false));
    assert_eq!(of(1), ("OK".to_owned(), false), "found by its address");
    assert_eq!(of(2), ("NOT_LINKED".to_owned(), true));
    assert_eq!(of(3), ("AMBIGUOUS".to_owned(), true));
}

#[tokio::test]
async fn an_argument_reaches_the_vendor_in_its_own_words() {
    let stage = small_stage().await;
    let query = r"query ($id: ID!, $invoices: InvoiceStatus, $tickets: TicketStatus) {
        customer(id: $id) {
            invoices(status: $invoices) { totalCount nodes { status statusRaw } }
            tickets(status: $tickets) { nodes { status statusRaw } }
        }
    }";
    let all = stage.data(query, json!({ "id": Stage::id(0) })).await;
    let total = all["customer"]["invoices"]["totalCount"].as_u64().expect("a number");
    let variables = json!({ "id": Stage::id(0), "invoices": "PAID", "tickets": "CLOSED" });
    let some = stage.data(query, variables).await;
    let paid = some["customer"]["invoices"]["nodes"].as_array().expect("a list");
    assert!(!paid.is_empty() && (paid.len() as u64) < total);
    assert!(paid.iter().all(|invoice| invoice["statusRaw"] == "paid"));
    let tickets = some["customer"]["tickets"]["nodes"].as_array().expect("a list");
    assert!(tickets.iter().all(|ticket| ticket["statusRaw"] == "closed"));
}

#[tokio::test]
async fn walking_the_pages_of_a_connection_gives_everything_once() {
    let stage = small_stage().await;
    let query = r"query ($id: ID!, $after: String) {
        customer(id: $id) { invoices(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }
    }";
    let (mut ids, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = stage.data(query, json!({ "id": Stage::id(0), "after": after })).await;
        let page = &data["customer"]["invoices"];
        ids.extend(
            page["nodes"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|invoice| invoice["id"].to_string()),
        );
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(ids.len(), 6);
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), 6);
}

#[tokio::test]
async fn interfaces_and_unions_are_what_their_records_say() {
    let stage = small_stage().await;
    let query = r"{
        customers(first: 64) {
            nodes {
                billingDocuments { __typename number ... on CreditNote { invoice { number } } ... on Invoice { status } }
                tickets(first: 3) {
                    nodes { comments(first: 5) { nodes { author { __typename ... on User { email } ... on Requester { fullName } } } } }
                }
            }
        }
    }";
    let data = stage.answer(query, json!({})).await["data"].take();
    let text = data.to_string();
    for name in ["Invoice", "CreditNote", "User", "Requester"] {
        assert!(text.contains(&format!(r#""__typename":"{name}""#)), "no {name}");
    }
    let customers = data["customers"]["nodes"].as_array().expect("a list");
    let documents =
        customers.iter().filter_map(|customer| customer["billingDocuments"].as_array()).flatten();
    for note in documents.filter(|document| document["__typename"] == "CreditNote") {
        assert!(note["invoice"]["number"].is_string(), "{note}");
    }
}

#[tokio::test]
async fn money_has_the_digits_of_its_currency() {
    let stage = small_stage().await;
    let query = r"query ($ids: [ID!]!) { customersByIds(ids: $ids) { invoices(first: 1) { nodes { total { amount currency } } } } }";
    // the second and third company are in Japan and Kuwait
    let ids: Vec<String> = (8..24).map(Stage::id).collect();
    let data = stage.data(query, json!({ "ids": ids })).await;
    let mut seen = BTreeMap::new();
    for customer in data["customersByIds"].as_array().expect("a list") {
        for invoice in customer["invoices"]["nodes"].as_array().into_iter().flatten() {
            let amount = invoice["total"]["amount"].as_str().expect("text").to_owned();
            let digits = amount.split_once('.').map_or(0, |(_, digits)| digits.len());
            seen.insert(invoice["total"]["currency"].as_str().expect("text").to_owned(), digits);
        }
    }
    assert_eq!(seen, BTreeMap::from([("JPY".to_owned(), 0), ("KWD".to_owned(), 3)]));
}

#[tokio::test]
async fn from_an_invoice_and_from_a_ticket_the_way_leads_to_the_whole_customer() {
    let stage = small_stage().await;
    let find = r"query ($id: ID!) { customer(id: $id) { invoices(first: 1) { nodes { id } } tickets(first: 1) { nodes { id } } } }";
    let found = stage.data(find, json!({ "id": Stage::id(0) })).await;
    let query = r"query ($invoice: ID!, $ticket: ID!) {
        invoice(id: $invoice) { customer { displayName balance { amount } tickets(first: 1) { nodes { number } } } }
        ticket(id: $ticket) { customer { primaryEmail balance { amount } invoices(first: 1) { nodes { number } } } }
    }";
    let variables = json!({
        "invoice": found["customer"]["invoices"]["nodes"][0]["id"],
        "ticket": found["customer"]["tickets"]["nodes"][0]["id"],
    });
    let data = stage.data(query, variables).await;
    assert_eq!(data["invoice"]["customer"]["displayName"], "Zoë O'Neil");
    assert!(data["invoice"]["customer"]["tickets"]["nodes"][0]["number"].is_string());
    assert!(data["ticket"]["customer"]["primaryEmail"].is_string());
    assert!(data["ticket"]["customer"]["balance"]["amount"].is_string());
}

#[tokio::test]
async fn what_needs_a_scope_is_refused_before_any_call_is_made() {
    let stage = small_stage().await;
    let query = r"query ($id: ID!) { customer(id: $id) { tickets(first: 1) { nodes { subject internalNotes { body } } } } }";
    let answer = stage.answer(query, json!({ "id": Stage::id(0) })).await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAUTHORIZED_FIELD_OR_TYPE",
        "{answer:#}"
    );
    assert!(stage.calls().iter().all(|(name, _)| name != "support.find_comments"));
}

#[tokio::test]
async fn a_dead_backend_leaves_the_others_answered() {
    let stage =
        stage(Options { customers: 16, fail: vec![Role::Support], ..Options::default() }).await;
    let query = r"query ($id: ID!) {
        customer(id: $id) { displayName balance { amount } tickets { nodes { subject } } sourceStatus { system state code } }
    }";
    let answer = stage.answer(query, json!({ "id": Stage::id(0) })).await;
    let customer = &answer["data"]["customer"];
    assert_eq!(customer["displayName"], "Zoë O'Neil");
    assert!(customer["balance"]["amount"].is_string() && customer["tickets"].is_null());
    assert_eq!(
        states(customer),
        BTreeMap::from([("crm", "OK"), ("billing", "OK"), ("support", "UNAVAILABLE")])
    );
    let error = &answer["errors"][0];
    assert_eq!(error["path"], json!(["customer", "tickets"]));
    assert_eq!(error["extensions"]["code"], "BACKEND_UNAVAILABLE");
    assert!(!answer.to_string().contains("maintenance"), "the backend's own words stay inside");
}

#[tokio::test]
async fn a_comment_is_written_once_and_read_back() {
    let stage = small_stage().await;
    let find = r"query ($id: ID!) { customer(id: $id) { tickets { nodes { id statusRaw } } } }";
    let found = stage.data(find, json!({ "id": Stage::id(0) })).await;
    let tickets = found["customer"]["tickets"]["nodes"].as_array().expect("a list");
    let open =
        tickets.iter().find(|ticket| ticket["statusRaw"] != "closed").expect("an open ticket");
    let read = r"query ($id: ID!) { ticket(id: $id) { comments(first: 50) { nodes { body } } } }";
    let before = stage.data(read, json!({ "id": open["id"] })).await;
    stage.calls();
    let write = r"mutation ($input: AddTicketCommentInput!) {
        addTicketComment(input: $input) { comment { body author { __typename } public } ticket { id updatedAt customer { displayName } } }
    }";
    let body = "5 < 6 & \"quotes\" ]]> – ✔";
    let written =
        stage.data(write, json!({ "input": { "ticketId": open["id"], "body": body } })).await;
    let payload = &written["addTicketComment"];
    assert_eq!(
        payload["comment"],
        json!({ "body": body, "author": { "__typename": "User" }, "public": true })
    );
    assert_eq!(
        (&payload["ticket"]["id"], &payload["ticket"]["updatedAt"]),
        (&open["id"], &json!("2026-06-01T00:00:00Z"))
    );
    assert!(payload["ticket"]["customer"]["displayName"].is_string(), "{payload:#}");
    let made: BTreeMap<String, u64> = stage.calls().into_iter().collect();
    assert_eq!(made["support.add_comment"], 1);
    let after = stage.data(read, json!({ "id": open["id"] })).await;
    let bodies =
        |data: &Value| data["ticket"]["comments"]["nodes"].as_array().expect("a list").len();
    assert_eq!(bodies(&after), bodies(&before) + 1, "the comments that were read before are stale");
}

#[tokio::test]
async fn a_no_inside_status_200_is_an_error_with_the_vendors_code() {
    let stage = small_stage().await;
    let write = r"mutation ($input: AddTicketCommentInput!) { addTicketComment(input: $input) { comment { body } } }";
    let ticket = cyclorama::value::opaque_id("Ticket", "support", "90000");
    let answer = stage.answer(write, json!({ "input": { "ticketId": ticket, "body": " " } })).await;
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "BACKEND_REJECTED", "{answer:#}");
    assert_eq!(extensions["backendCode"], "EMPTY_COMMENT");
    let ticket = cyclorama::value::opaque_id("Ticket", "support", "5");
    let answer = stage.answer(write, json!({ "input": { "ticketId": ticket, "body": "x" } })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_FAULT", "{answer:#}");
}

#[tokio::test]
async fn a_changed_customer_is_read_as_changed() {
    let stage = small_stage().await;
    let read = r"query ($id: ID!) { customer(id: $id) { displayName primaryEmail status balance { amount } } }";
    let before = stage.data(read, json!({ "id": Stage::id(0) })).await;
    let write = r"mutation ($input: UpdateCustomerInput!) {
        updateCustomer(input: $input) { customer { id displayName status balance { amount } } }
    }";
    let input = json!({ "id": Stage::id(0), "lastName": "O'Neil-Byrne", "status": "CHURNED" });
    let written = stage.data(write, json!({ "input": input })).await;
    let customer = &written["updateCustomer"]["customer"];
    assert_eq!(
        (&customer["displayName"], &customer["status"]),
        (&json!("Zoë O'Neil-Byrne"), &json!("CHURNED"))
    );
    assert_eq!(
        customer["balance"], before["customer"]["balance"],
        "the other systems' parts are there too"
    );
    let after = stage.data(read, json!({ "id": Stage::id(0) })).await;
    assert_eq!(after["customer"]["displayName"], "Zoë O'Neil-Byrne");
    assert_eq!(after["customer"]["primaryEmail"], before["customer"]["primaryEmail"]);
}

#[tokio::test]
async fn a_changed_address_is_found_at_once_and_other_customers_are_not_read_anew() {
    let stage = small_stage().await;
    let by_email = r"query ($email: String!) { customerByEmail(email: $email) { id } }";
    let (old, new) = ("zoe.o'neil@blue-works.example", "zoe@blue-works.example");
    assert_eq!(
        stage.data(by_email, json!({ "email": old })).await["customerByEmail"]["id"],
        Stage::id(0)
    );
    assert_eq!(stage.data(by_email, json!({ "email": new })).await["customerByEmail"], Value::Null);
    let other = r"query ($id: ID!) { customer(id: $id) { displayName } }";
    stage.data(other, json!({ "id": Stage::id(1) })).await;
    let write = r"mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }";
    let input = json!({ "id": Stage::id(0), "primaryEmail": new });
    stage.data(write, json!({ "input": input })).await;
    stage.calls();
    stage.data(other, json!({ "id": Stage::id(1) })).await;
    assert_eq!(stage.calls(), [], "another customer is still known");
    assert_eq!(
        stage.data(by_email, json!({ "email": new })).await["customerByEmail"]["id"],
        Stage::id(0)
    );
    assert_eq!(stage.data(by_email, json!({ "email": old })).await["customerByEmail"], Value::Null);
}

#[tokio::test]
async fn a_value_stays_a_value_in_every_backend() {
    let stage = small_stage().await;
    let query = r"query ($email: String!) { customerByEmail(email: $email) { id tickets { nodes { id } } } }";
    for odd in [
        "x' OR '1'='1",
        "\"}],\"x\":[{\"",
        "</email><email>zoe.o'neil@blue-works.example",
        "a@b&limit=100",
        "\u{0}",
    ] {
        let answer = stage.answer(query, json!({ "email": odd })).await;
        assert_eq!(answer["data"]["customerByEmail"], Value::Null, "{odd}: {answer:#}");
    }
}

const LONG: std::time::Duration = std::time::Duration::from_hours(1);

/// The names of five customers, one query after the other.
async fn five_names(stage: &Stage, query: &str) -> Vec<Value> {
    let mut names = Vec::new();
    for number in 0..5 {
        let data = stage.data(query, json!({ "id": Stage::id(number) })).await;
        names.push(data["customer"]["displayName"].clone());
    }
    names
}

#[tokio::test]
async fn a_slow_backend_keeps_waiting_only_who_needs_it() {
    let options =
        Options { customers: 16, slow: vec![Role::Billing], slow_by: LONG, ..Options::default() };
    let stage = stage(options).await;
    let slow = "query ($id: ID!) { customer(id: $id) { balance { amount } } }";
    let quick =
        "query ($id: ID!) { customer(id: $id) { displayName tickets { nodes { subject } } } }";
    tokio::select! {
        biased;
        answer = stage.answer(slow, json!({ "id": Stage::id(0) })) => panic!("billing came: {answer}"),
        names = five_names(&stage, quick) => assert!(names.iter().all(Value::is_string), "{names:?}"),
    }
}

#[tokio::test]
async fn latency_is_between_every_call_and_its_answer() {
    let late = stage(Options { customers: 16, latency: LONG, ..Options::default() }).await;
    let prompt = small_stage().await;
    let query = "query ($id: ID!) { customer(id: $id) { displayName } }";
    tokio::select! {
        biased;
        answer = late.answer(query, json!({ "id": Stage::id(0) })) => panic!("it came at once: {answer}"),
        names = five_names(&prompt, query) => assert!(names.iter().all(Value::is_string), "{names:?}"),
    }
}
