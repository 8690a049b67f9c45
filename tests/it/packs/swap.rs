//! The same queries over two sets of vendors that keep the same customers give the same answers: ids, references, raw records
//! and cursors aside, and times and decimals as what they are, however they are written.

use serde_json::{Map, Value, json};

use super::kit::{Pack, Roles, covered};
use super::swap_seeds::{self, ALONE, TWICE, ZOE};

const FIRST: Roles<'_> = &[
    ("crm", "hubspot", "auth: { bearer: pat-eu1-test }"),
    ("billing", "stripe", "auth: { bearer: sk_test_1 }"),
    ("support", "zendesk", "auth: { basic: { user: agent@example.com/token, password: secret } }"),
];
const SECOND: Roles<'_> = &[
    ("crm", "salesforce", "auth: { bearer: \"00Dtest!token\" }"),
    (
        "billing",
        "netsuite",
        "auth: { token_passport: { version: \"2017_2\", account: A, consumer_key: K, consumer_secret: S, token: T, token_secret: U } }",
    ),
    (
        "support",
        "request_tracker",
        "auth: { header: { name: Authorization, value: \"token 1-14-secret\" } }",
    ),
];

fn first() -> Pack {
    let (hubspot, stripe, zendesk) =
        (swap_seeds::hubspot(), swap_seeds::stripe(), swap_seeds::zendesk());
    Pack::start(FIRST, move |asked| match asked.path.split('/').nth(1) {
        Some("crm") => hubspot.answer(asked),
        Some("v1") => stripe.answer(asked),
        _ => zendesk.answer(asked),
    })
}

fn second() -> Pack {
    let (salesforce, netsuite, tracker) =
        (swap_seeds::salesforce(), swap_seeds::netsuite(), swap_seeds::request_tracker());
    Pack::start(SECOND, move |asked| match asked.path.split('/').nth(1) {
        Some("services") => salesforce.answer(asked),
        Some("REST") => tracker.answer(asked),
        _ => netsuite.answer(asked),
    })
}

/// What both sets cover and is yet not compared, with the reason.
const ASIDE: &[(&str, &str)] = &[
    ("Customer.sourceStatus", "written out in the queries"),
    ("Opportunity.pipeline", "only one of two has it"),
    ("Contact.customer", "a way back, in a test of its own"),
];

/// How what is an object or a list of objects is selected; what is not here is a scalar.
const NESTED: &[(&str, &str)] = &[
    ("emails", "{ value }"),
    ("phones", "{ value }"),
    ("addresses", "{ line1 city region postalCode }"),
    ("address", "{ line1 city region postalCode }"),
    ("billingAddress", "{ line1 city region postalCode }"),
    ("shippingAddress", "{ line1 city region postalCode }"),
    ("owner", "{ name email }"),
    ("annualRevenue", "{ amount currency }"),
    ("amount", "{ amount currency }"),
    ("expectedRevenue", "{ amount currency }"),
    ("subtotal", "{ amount currency }"),
    ("tax", "{ amount currency }"),
    ("total", "{ amount currency }"),
    ("amountPaid", "{ amount currency }"),
    ("balance", "{ amount currency }"),
    (
        "lineItems",
        "{ description quantity amount { amount currency } unitPrice { amount currency } product }",
    ),
    ("method", "{ kind }"),
    ("assignee", "{ name email }"),
    ("requester", "{ fullName emails { value } }"),
    (
        "comments",
        // Request Tracker does not tell of an answer whether its author is one of the company
        "(first: 10) { nodes { body public createdAt } }",
    ),
    ("internalNotes", "{ body public createdAt author { __typename ... on User { name email } } }"),
];

/// Other objects: selected where the queries say so.
const OBJECTS: &[&str] = &[
    "account",
    "contacts",
    "opportunities",
    "mergedInto",
    "parent",
    "children",
    "customer",
    "invoices",
    "payments",
    "creditNotes",
    "invoice",
    "tickets",
    "primaryContact",
    "interactions",
    "subscription",
    "refunds",
];
/// Ids, references and raw records; and a vendor's own words, which are the vendor's own.
const OWN: &[&str] = &["id", "raw", "customFields", "statusRaw", "priorityRaw", "kindRaw"];

/// All fields of a type that both sets fill.
fn fields(ty: &str) -> String {
    let (one, other) = (covered(FIRST), covered(SECOND));
    let mut names = Vec::new();
    for coordinate in one.intersection(&other) {
        let Some(name) = coordinate.strip_prefix(&format!("{ty}.")) else { continue };
        let is_aside = ASIDE.iter().any(|(aside, _)| aside == coordinate);
        if is_aside || OBJECTS.contains(&name) || OWN.contains(&name) {
            continue;
        }
        let nested = NESTED.iter().find(|(field, _)| *field == name).map_or("", |(_, how)| how);
        names.push(format!("{name} {nested}"));
    }
    assert!(names.len() > 3, "{ty}: {names:?}");
    names.join(" ")
}

/// Equal times, decimals and lists are equal texts; lists of nodes have no order of their own here.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let value = match (name.as_str(), plain(value)) {
                    ("amount" | "quantity" | "probability", Value::String(text)) => {
                        json!(number(&text))
                    }
                    ("nodes", Value::Array(mut nodes)) => {
                        nodes.sort_by_key(Value::to_string);
                        Value::Array(nodes)
                    }
                    (_, value) => value,
                };
                (name, value)
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(plain).collect(),
        other => other,
    }
}

/// Without zeros at the end.
fn number(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// The answers of both, which are equal.
async fn both(query: &str, variables: Value) -> Value {
    let (one, other) = (first(), second());
    let (one, other) =
        (one.data(query, variables.clone()).await, other.data(query, variables).await);
    let (one, other) = (plain(one), plain(other));
    assert_eq!(one, other, "\n{query}\n{one:#}\n{other:#}");
    one
}

#[tokio::test]
async fn two_crms_with_the_same_people_give_the_same_answers() {
    let query = format!(
        "query ($email: String!) {{ customerByEmail(email: $email) {{ {}
           account {{ {account} parent {{ name }} contacts(first: 5) {{ nodes {{ {} }} }} opportunities(first: 5) {{ nodes {{ name }} }} }}
           contacts(first: 5) {{ nodes {{ fullName }} }}
           opportunities(first: 5) {{ nodes {{ {} account {{ name }} }} }} }} }}",
        fields("Customer"),
        fields("Contact"),
        fields("Opportunity"),
        account = fields("Account"),
    );
    let answer = both(&query, json!({ "email": ZOE })).await;
    let zoe = &answer["customerByEmail"];
    assert_eq!(zoe["displayName"], "Zoë O'Neil", "{zoe:#}");
    assert_eq!(zoe["account"]["annualRevenue"]["amount"], "1200000.5", "{zoe:#}");
    assert_eq!(zoe["opportunities"]["nodes"].as_array().unwrap().len(), 2, "{zoe:#}");
    both(&query, json!({ "email": ALONE })).await;
}

#[tokio::test]
async fn lists_searches_and_look_ups_of_people_give_the_same_answers() {
    let query = "query ($emails: [String!]!) {
      customersByEmails(emails: $emails) { displayName }
      customers(first: 2) { nodes { displayName } pageInfo { hasNextPage } }
      searchCustomers(name: \"O'Neil\", first: 5) { nodes { displayName account { name } } }
      customerByEmail(email: \"nobody@example.com\") { displayName }
    }";
    let answer = both(query, json!({ "emails": [TWICE, "nobody@example.com", ZOE, ZOE] })).await;
    let (two, zoe) = (json!({ "displayName": "Two Fold" }), json!({ "displayName": "Zoë O'Neil" }));
    assert_eq!(answer["customersByEmails"], json!([two, null, zoe, zoe]));
    assert_eq!(answer["customers"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(answer["searchCustomers"]["nodes"][0]["account"], json!({ "name": "Acme" }));
}

#[tokio::test]
async fn two_billing_systems_with_the_same_books_give_the_same_answers() {
    let query = format!(
        "query ($email: String!) {{ customerByEmail(email: $email) {{
           invoices(first: 10) {{ nodes {{ {} creditNotes {{ number }} customer {{ displayName }} }} pageInfo {{ hasNextPage }} }}
           open: invoices(first: 10, status: OPEN) {{ nodes {{ number }} }} paid: invoices(first: 10, status: PAID) {{ nodes {{ number }} }}
           void: invoices(first: 10, status: VOID) {{ nodes {{ number }} }}
           payments(first: 10) {{ nodes {{ {} invoice {{ number }} customer {{ displayName }} }} }}
           refunds(first: 10) {{ nodes {{ {} }} }}
           creditNotes(first: 10) {{ nodes {{ {} invoice {{ number }} customer {{ displayName }} }} }}
           summary {{ lifetimeValue {{ value {{ amount currency }} complete missingSources }} balanceDue {{ value {{ amount currency }} complete missingSources }} overdueInvoices {{ value }} }}
           sourceStatus {{ system state }} }} }}",
        fields("Invoice"),
        fields("Payment"),
        fields("Refund"),
        fields("CreditNote"),
    );
    let answer = both(&query, json!({ "email": ZOE })).await;
    let zoe = &answer["customerByEmail"];
    assert_eq!(zoe["invoices"]["nodes"].as_array().unwrap().len(), 2, "{zoe:#}");
    assert_eq!(zoe["open"]["nodes"], json!([{ "number": "R-2" }]));
    assert_eq!(zoe["paid"]["nodes"], json!([{ "number": "R-1" }]));
    assert_eq!(zoe["void"]["nodes"], json!([]));
    assert_eq!(zoe["payments"]["nodes"][0]["invoice"], json!({ "number": "R-1" }));
    let paid = json!({ "value": [{ "amount": "110.5", "currency": "EUR" }], "complete": true, "missingSources": [] });
    assert_eq!(zoe["summary"]["lifetimeValue"], paid, "120.50 less 10");
    let due = &zoe["summary"]["balanceDue"]["value"];
    assert_eq!(*due, json!([{ "amount": "39800", "currency": "JPY" }]), "{zoe:#}");
}

#[tokio::test]
async fn whom_billing_knows_twice_or_not_at_all_is_said_in_the_same_words() {
    let query = "query ($emails: [String!]!) { customersByEmails(emails: $emails) {
      displayName invoices(first: 5) { nodes { number } } sourceStatus { system state } } }";
    let variables = json!({ "emails": [TWICE, ALONE, ZOE] });
    let (one, other) = (first(), second());
    let told = |answer: &Value| {
        let errors = answer["errors"].as_array().unwrap().iter();
        errors.map(|one| json!([one["path"], one["extensions"]["code"]])).collect::<Vec<_>>()
    };
    let one = one.answer(query, variables.clone()).await;
    let other = other.answer(query, variables).await;
    assert_eq!(told(&one), told(&other));
    assert_eq!(told(&one), [json!([["customersByEmails", 0, "invoices"], "AMBIGUOUS"])]);
    let (answer, other) = (plain(one["data"].clone()), plain(other["data"].clone()));
    assert_eq!(answer, other, "\n{answer:#}\n{other:#}");
    let state = |place: usize| answer["customersByEmails"][place]["sourceStatus"][1].clone();
    assert_eq!(state(0), json!({ "system": "billing", "state": "AMBIGUOUS" }));
    assert_eq!(state(1), json!({ "system": "billing", "state": "NOT_LINKED" }));
    assert_eq!(state(2), json!({ "system": "billing", "state": "OK" }));
}

#[tokio::test]
async fn two_help_desks_with_the_same_tickets_give_the_same_answers() {
    let query = format!(
        "query ($email: String!) {{ customerByEmail(email: $email) {{
           tickets(first: 10) {{ nodes {{ {} customer {{ displayName account {{ name }} }} }} }}
           solved: tickets(first: 10, status: SOLVED) {{ nodes {{ subject }} }}
           held: tickets(first: 10, status: ON_HOLD) {{ nodes {{ subject }} }}
           summary {{ openTickets {{ value by {{ key count }} }} urgentTickets {{ value }} oldestOpenTicketAt {{ value }} }} }} }}",
        fields("Ticket")
    );
    let answer = both(&query, json!({ "email": ZOE })).await;
    let zoe = &answer["customerByEmail"];
    assert_eq!(zoe["solved"]["nodes"], json!([{ "subject": "Desks" }]), "{zoe:#}");
    assert_eq!(zoe["held"]["nodes"], json!([]));
    assert_eq!(zoe["summary"]["openTickets"]["value"], 1);
}

#[tokio::test]
async fn narrowed_and_ordered_lists_are_the_same_whoever_does_it() {
    let query = "query ($email: String!) { customerByEmail(email: $email) {
      open: invoices(first: 10, filter: { status: [OPEN] }) { nodes { number } }
      either: invoices(first: 10, filter: { status: [OPEN, PAID] }, orderBy: { field: TOTAL, direction: ASC }) { nodes { number } }
      large: invoices(first: 10, filter: { total: { amount: { min: \"1000\" } } }) { nodes { number } }
      euros: invoices(first: 10, filter: { total: { currency: [\"EUR\"] } }) { nodes { number } totalCount }
      solved: tickets(first: 10, filter: { status: [SOLVED] }) { nodes { subject } }
      all: tickets(first: 10, orderBy: { field: CREATED_AT, direction: ASC }) { nodes { subject createdAt } }
      later: tickets(first: 10, filter: { createdAt: { since: \"2000-01-01T00:00:00Z\" } }) { nodes { subject } }
      sourceStatus { system state } } }";
    let zoe = both(query, json!({ "email": ZOE })).await["customerByEmail"].clone();
    assert_eq!(zoe["open"], json!({ "nodes": [{ "number": "R-2" }] }));
    assert_eq!(zoe["either"]["nodes"], json!([{ "number": "R-1" }, { "number": "R-2" }]));
    assert_eq!(zoe["large"]["nodes"], json!([{ "number": "R-2" }]));
    assert_eq!(zoe["euros"], json!({ "nodes": [{ "number": "R-1" }], "totalCount": 1 }));
    assert_eq!(zoe["solved"]["nodes"], json!([{ "subject": "Desks" }]));
    assert_eq!(zoe["all"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(zoe["later"]["nodes"].as_array().unwrap().len(), 2);
    assert!(zoe["sourceStatus"].as_array().unwrap().iter().all(|one| one["state"] == "OK"));
}

#[tokio::test]
async fn the_timeline_is_the_same_over_both_and_says_what_neither_has() {
    let query = "query ($email: String!) { customerByEmail(email: $email) {
      timeline(first: 30, kinds: [TICKET, OPPORTUNITY, INVOICE, PAYMENT]) { nodes { kind occurredAt } complete missingSources }
      sourceStatus { system state } } }";
    let zoe = both(query, json!({ "email": ZOE })).await["customerByEmail"].clone();
    let kinds: Vec<&str> = zoe["timeline"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["kind"].as_str())
        .collect();
    let count = |kind: &str| kinds.iter().filter(|one| **one == kind).count();
    assert_eq!([count("TICKET"), count("OPPORTUNITY"), count("INVOICE")], [2, 2, 2], "{zoe:#}");
    assert_eq!(zoe["timeline"]["complete"], true, "{zoe:#}");
    // what no vendor of a set covers is missing, and said
    let query = "query ($email: String!) { customerByEmail(email: $email) {
      timeline(first: 5, kinds: [EMAIL]) { nodes { kind } complete missingSources } } }";
    let zoe = both(query, json!({ "email": ZOE })).await["customerByEmail"].clone();
    assert_eq!(
        zoe["timeline"],
        json!({ "nodes": [], "complete": false, "missingSources": ["crm"] })
    );
}
