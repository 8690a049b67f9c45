//! One customer over three real systems: Request Tracker as support, localstripe as billing, a SOAP service made from the WSDL
//! of `NetSuite` as CRM.
//!
//! Every test asks the built binary over HTTP, and counts at proxies what the binary asks of each system.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::needs;
use crate::real::gateway::Gateway;
use crate::real::proxy::Seen;
use crate::real::rest::Rest;
use crate::real::world::{
    ALONE, Counted, HOSTILE, ORGANIZATION, PLAIN, QUOTED, TWICE, World, plain_email, world,
};

const EVERYTHING: &str = r"
query ($email: String!) {
  customerByEmail(email: $email) {
    id kind displayName primaryEmail
    emails { value primary }
    phones { value kind }
    status statusRaw owner { name } createdAt
    opportunities(first: 10) { nodes { name amount { amount currency } stage closeDate } }
    invoices(first: 10) {
      nodes { id status currency total { amount currency } issuedAt lineItems { description amount { amount currency } } }
      pageInfo { hasNextPage }
    }
    payments(first: 5) { nodes { amount { amount currency } status } }
    subscriptions { plan status quantity unitAmount { amount currency } interval }
    tickets(first: 10) {
      nodes {
        number subject status priority createdAt solvedAt dueAt team
        assignee { name }
        requester { fullName emails { value } }
        comments(first: 10) { nodes { body public createdAt author { __typename ... on Requester { fullName } } } }
      }
    }
    sourceStatus { system state code }
  }
}";

async fn ready(test: &str) -> Option<(Arc<World>, Counted)> {
    let world = world(test).await?;
    let counted = world.counted().await;
    Some((world, counted))
}

fn sorted(nodes: &Value, member: &str) -> Vec<String> {
    let mut texts: Vec<String> = nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node[member].as_str().unwrap().to_owned())
        .collect();
    texts.sort();
    texts
}

fn states(customer: &Value) -> Vec<String> {
    let list = customer["sourceStatus"].as_array().unwrap().iter();
    list.map(|one| {
        format!("{} {}", one["system"].as_str().unwrap(), one["state"].as_str().unwrap())
    })
    .collect()
}

#[tokio::test]
async fn one_query_returns_a_customer_with_records_of_all_three() {
    let test = "real_systems::one_query_returns_a_customer_with_records_of_all_three";
    let Some((_world, counted)) = ready(test).await else { return };
    let gateway = &counted.gateway;
    let data = gateway.data(EVERYTHING, json!({ "email": QUOTED })).await;
    let customer = &data["customerByEmail"];

    // the CRM, over SOAP
    assert_eq!(customer["displayName"], "Zoë O'Neil", "{customer:#}");
    assert_eq!(customer["kind"], "PERSON");
    assert_eq!(customer["status"], "ACTIVE");
    assert_eq!(customer["statusRaw"], "CUSTOMER-Closed Won");
    assert_eq!(customer["owner"]["name"], "Rita Rep");
    assert_eq!(customer["createdAt"], "2024-03-01T09:00:00-08:00");
    assert_eq!(customer["emails"], json!([{ "value": QUOTED, "primary": true }]));
    assert_eq!(
        customer["phones"],
        json!([{ "value": "+43 1 5550100", "kind": "WORK" }, { "value": "+43 660 5550100", "kind": "MOBILE" }])
    );
    let opportunities = &customer["opportunities"]["nodes"];
    assert_eq!(sorted(opportunities, "name"), ["Deal 1", "Deal 2"]);
    assert_eq!(opportunities[0]["amount"], json!({ "amount": "1250.5", "currency": "EUR" }));

    // billing, over REST
    let invoices = customer["invoices"]["nodes"].as_array().unwrap();
    let yen = invoices.iter().find(|invoice| invoice["currency"] == "JPY").unwrap();
    let euros = invoices.iter().find(|invoice| invoice["currency"] == "EUR").unwrap();
    assert_eq!(
        yen["total"],
        json!({ "amount": "39800", "currency": "JPY" }),
        "yen have no minor unit"
    );
    assert_eq!(euros["total"], json!({ "amount": "218.50", "currency": "EUR" }));
    assert_eq!((&euros["status"], &yen["status"]), (&json!("PAID"), &json!("DRAFT")));
    assert_eq!(customer["invoices"]["pageInfo"]["hasNextPage"], false);
    assert_eq!(
        customer["payments"]["nodes"][0]["amount"],
        json!({ "amount": "218.50", "currency": "EUR" })
    );
    assert_eq!(customer["subscriptions"].as_array().unwrap().len(), 2);

    // support, over another REST
    let tickets = &customer["tickets"]["nodes"];
    assert_eq!(
        sorted(tickets, "subject"),
        ["A ticket of two", "Zoë's printer"],
        "and nothing of a queue without rights"
    );
    let printer = tickets
        .as_array()
        .unwrap()
        .iter()
        .find(|ticket| ticket["subject"] == "Zoë's printer")
        .unwrap();
    assert_eq!((&printer["status"], &printer["priority"]), (&json!("OPEN"), &json!("HIGH")));
    assert_eq!(
        (&printer["dueAt"], &printer["solvedAt"]),
        (&Value::Null, &Value::Null),
        "1970 is no date"
    );
    assert_eq!(printer["assignee"], Value::Null, "nobody is nobody");
    assert_eq!(
        printer["requester"],
        json!({ "fullName": "Zoë O'Neil", "emails": [{ "value": QUOTED }] })
    );
    let comments = printer["comments"]["nodes"].as_array().unwrap();
    let bodies: Vec<&str> =
        comments.iter().map(|comment| comment["body"].as_str().unwrap()).collect();
    assert_eq!(
        bodies,
        ["Zoë's printer: it does not work.\nPlease help.", "We are looking into it."]
    );

    assert_eq!(states(customer), ["crm OK", "billing OK", "support OK"]);
}

#[tokio::test]
async fn many_customers_cost_no_more_calls_than_planned() {
    let test = "real_systems::many_customers_cost_no_more_calls_than_planned";
    let Some((_world, counted)) = ready(test).await else { return };
    let gateway = &counted.gateway;
    let page = gateway
        .data("{ customers(first: 12) { nodes { id primaryEmail } totalCount } }", json!({}))
        .await;
    let ids: Vec<&str> = page["customers"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2 + PLAIN);
    counted.forget();

    let data = gateway
        .data(
            r"query ($ids: [ID!]!) {
              customersByIds(ids: $ids) {
                primaryEmail
                opportunities(first: 5) { nodes { name } }
                invoices(first: 3) { nodes { total { amount } } }
                tickets(first: 5) { nodes { subject requester { fullName } comments(first: 3) { nodes { public } } } }
              }
            }",
            json!({ "ids": ids }),
        )
        .await;
    let customers = data["customersByIds"].as_array().unwrap();
    assert_eq!(customers.len(), 2 + PLAIN);
    for customer in customers {
        assert!(!customer["opportunities"]["nodes"].as_array().unwrap().is_empty(), "{customer}");
        assert!(!customer["invoices"]["nodes"].as_array().unwrap().is_empty(), "{customer}");
        assert!(!customer["tickets"]["nodes"].as_array().unwrap().is_empty(), "{customer}");
    }

    // a batch API: one call for all customers, whatever hangs below them
    // both keys come from the arguments, so the two are on the wire at once and arrive in either order
    let crm = counted.crm.take();
    let mut asked = actions(&crm);
    asked.sort_unstable();
    assert_eq!(asked, ["getList", "search"], "all records, all opportunities");
    let support = counted.support.take();
    assert_eq!(
        paths(&support),
        ["/REST/2.0/tickets", "/REST/2.0/transactions"],
        "all tickets, all comments"
    );
    // an API of one key a call: as many calls as there are keys, and none twice
    let billing = counted.billing.take();
    let by_email = billing.iter().filter(|seen| seen.path() == "/v1/customers").count();
    let invoices = billing.iter().filter(|seen| seen.path() == "/v1/invoices").count();
    assert_eq!((by_email, invoices), (1 + PLAIN, 2 + PLAIN), "the organization is linked by id");
    assert_eq!(billing.len(), by_email + invoices);
    let mut distinct: Vec<&str> = billing.iter().map(|seen| seen.uri.as_str()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), billing.len());
}

#[tokio::test]
async fn an_address_with_a_quote_stays_inside_its_quotes() {
    let test = "real_systems::an_address_with_a_quote_stays_inside_its_quotes";
    let Some((_world, counted)) = ready(test).await else { return };
    let gateway = &counted.gateway;
    let query = "query ($email: String!) { customerByEmail(email: $email) {
      displayName primaryEmail tickets(first: 50) { nodes { subject } } sourceStatus { system state } } }";

    let data = gateway.data(query, json!({ "email": QUOTED })).await;
    assert_eq!(data["customerByEmail"]["tickets"]["nodes"].as_array().unwrap().len(), 2);
    let asked = counted.support.take();
    assert!(
        decoded(&asked[0].uri).contains("Requestor.EmailAddress = 'zoe.o\\'neil@example.com'"),
        "{asked:?}"
    );

    // as TicketSQL this address would match every ticket; as XML it would close an element
    let data = gateway.data(query, json!({ "email": HOSTILE })).await;
    let customer = &data["customerByEmail"];
    assert_eq!(customer["displayName"], "Hostile", "{customer}");
    assert_eq!(customer["tickets"]["nodes"], json!([]), "{customer}");
}

#[tokio::test]
async fn a_link_by_id_goes_before_a_link_by_address() {
    let test = "real_systems::a_link_by_id_goes_before_a_link_by_address";
    let Some((_world, counted)) = ready(test).await else { return };
    let gateway = &counted.gateway;
    let query = "query ($email: String!, $after: String) { customerByEmail(email: $email) {
      displayName
      invoices(first: 3, after: $after) { nodes { id total { amount } } pageInfo { hasNextPage endCursor } }
      sourceStatus { system state } } }";
    let mut ids = Vec::new();
    let mut after = Value::Null;
    for page in 0..3 {
        let data = gateway.data(query, json!({ "email": ORGANIZATION, "after": after })).await;
        let customer = &data["customerByEmail"];
        assert_eq!(customer["displayName"], "Acme & Söhne <GmbH>");
        let invoices = &customer["invoices"];
        ids.extend(sorted(&invoices["nodes"], "id"));
        assert_eq!(invoices["pageInfo"]["hasNextPage"], page < 2, "{invoices}");
        after = invoices["pageInfo"]["endCursor"].clone();
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 7, "every invoice once");
    let billing = counted.billing.take();
    assert!(
        billing.iter().all(|seen| seen.path() == "/v1/invoices"),
        "no look-up by address: {:?}",
        paths(&billing)
    );
}

#[tokio::test]
async fn what_billing_and_support_do_not_know_is_told_from_nothing() {
    let test = "real_systems::what_billing_and_support_do_not_know_is_told_from_nothing";
    let Some((_world, counted)) = ready(test).await else { return };
    let gateway = &counted.gateway;
    let query = "query ($email: String!) { customerByEmail(email: $email) {
      displayName invoices(first: 3) { nodes { id } } tickets(first: 3) { nodes { id } } sourceStatus { system state code } } }";
    let data = gateway.data(query, json!({ "email": ALONE })).await;
    let customer = &data["customerByEmail"];
    assert_eq!(customer["displayName"], "Alone");
    assert_eq!(states(customer)[..2], ["crm OK", "billing NOT_LINKED"], "{customer}");
    assert_eq!(customer["tickets"]["nodes"], json!([]));

    let answer = gateway.answer(query, json!({ "email": TWICE })).await;
    let customer = &answer["data"]["customerByEmail"];
    assert_eq!(customer["displayName"], "Twice", "{answer:#}");
    assert_eq!(states(customer)[1], "billing AMBIGUOUS", "{answer:#}");

    let data = gateway.data(query, json!({ "email": "nobody@example.com" })).await;
    assert_eq!(data["customerByEmail"], Value::Null);
}

#[tokio::test]
async fn the_customers_page_by_page_through_a_search_of_the_crm() {
    let test = "real_systems::the_customers_page_by_page_through_a_search_of_the_crm";
    let Some((_world, counted)) = ready(test).await else { return };
    let gateway = &counted.gateway;
    let query = "query ($after: String) { customers(first: 6, after: $after) {
      nodes { primaryEmail } totalCount pageInfo { hasNextPage endCursor } } }";
    let mut emails = Vec::new();
    let mut after = Value::Null;
    loop {
        let data = gateway.data(query, json!({ "after": after })).await;
        let page = &data["customers"];
        emails.extend(sorted(&page["nodes"], "primaryEmail"));
        assert_eq!(page["totalCount"], 5 + PLAIN);
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(emails.len(), 5 + PLAIN);
    let crm = counted.crm.take();
    assert_eq!(crm.len(), 3, "{:?}", actions(&crm));
    assert!(
        crm[1].body.contains("searchMoreWithId")
            && crm[2].body.contains("<m:pageIndex>3</m:pageIndex>"),
        "{crm:?}"
    );
}

#[tokio::test]
async fn a_ticket_of_two_requesters_is_a_ticket_of_both() {
    let test = "real_systems::a_ticket_of_two_requesters_is_a_ticket_of_both";
    let Some((_world, counted)) = ready(test).await else { return };
    let gateway = &counted.gateway;
    let query = "query ($email: String!) { customerByEmail(email: $email) { id } }";
    let mut ids = Vec::new();
    for email in [QUOTED.to_owned(), plain_email(1)] {
        let data = gateway.data(query, json!({ "email": email })).await;
        ids.push(data["customerByEmail"]["id"].clone());
    }
    let query = "query ($ids: [ID!]!) {
      customersByIds(ids: $ids) { tickets(first: 5) { nodes { subject } } } }";
    let data = gateway.data(query, json!({ "ids": ids })).await;
    let subjects =
        |number: usize| sorted(&data["customersByIds"][number]["tickets"]["nodes"], "subject");
    assert_eq!(subjects(0), ["A ticket of two", "Zoë's printer"]);
    assert_eq!(subjects(1), ["A ticket of two"]);
    assert_eq!(counted.support.take().len(), 1, "both in one query");
}

#[tokio::test]
async fn tickets_are_asked_for_by_their_state() {
    let test = "real_systems::tickets_are_asked_for_by_their_state";
    let Some((_world, counted)) = ready(test).await else { return };
    let gateway = &counted.gateway;
    let query = "query ($email: String!, $status: TicketStatus) { customerByEmail(email: $email) {
      tickets(first: 5, status: $status) { nodes { subject status dueAt } } } }";
    let tickets = async |email: &str, status: &str| {
        let data = gateway.data(query, json!({ "email": email, "status": status })).await;
        data["customerByEmail"]["tickets"]["nodes"].clone()
    };
    let pending = tickets(ORGANIZATION, "PENDING").await;
    assert_eq!(
        pending,
        json!([{ "subject": "Order of desks", "status": "PENDING", "dueAt": "2031-01-02T03:04:05Z" }])
    );
    assert_eq!(tickets(ORGANIZATION, "NEW").await, json!([]));
    assert_eq!(
        tickets(ORGANIZATION, "ON_HOLD").await,
        json!([]),
        "a state that Request Tracker does not have"
    );
    assert_eq!(sorted(&tickets(QUOTED, "NEW").await, "subject"), ["A ticket of two"]);
}

#[tokio::test]
async fn changes_reach_the_systems_and_are_seen_at_once() {
    let test = "real_systems::changes_reach_the_systems_and_are_seen_at_once";
    if !needs::outside(test) {
        return;
    }
    // a world of its own: what is changed here must not be seen elsewhere
    let Some(shared) = needs::shared(test) else { return };
    let world = World::start(&shared).await;
    let counted = world.counted().await;
    let gateway = &counted.gateway;
    let find = "query ($email: String!) { customerByEmail(email: $email) { id displayName
      tickets(first: 1, status: NEW) { nodes { id comments(first: 5) { nodes { body } } } } } }";
    let data = gateway.data(find, json!({ "email": plain_email(3) })).await;
    let customer = &data["customerByEmail"];
    let ticket = &customer["tickets"]["nodes"][0];
    assert_eq!(ticket["comments"]["nodes"].as_array().unwrap().len(), 1);

    let changed = gateway
        .data(
            "mutation ($customer: ID!, $ticket: ID!) {
              updateCustomer(input: { id: $customer, lastName: \"<Renamed> & Söhne\" }) { customer { id displayName } }
              addTicketComment(input: { ticketId: $ticket, body: \"Done: <b>5 > 3</b> & 'all'\" }) { __typename }
            }",
            json!({ "customer": customer["id"], "ticket": ticket["id"] }),
        )
        .await;
    assert_eq!(changed["updateCustomer"]["customer"]["displayName"], "Person <Renamed> & Söhne");
    assert_eq!(changed["addTicketComment"]["__typename"], "AddTicketCommentPayload");

    let record = world.crm.data()["customers"]
        .as_array()
        .unwrap()
        .iter()
        .any(|one| one["lastName"] == "<Renamed> & Söhne");
    assert!(record, "{:#}", world.crm.data());
    let again = "query ($id: ID!) { ticket(id: $id) { status comments(first: 5) { nodes { body public } } } }";
    let data = gateway.data(again, json!({ "id": ticket["id"] })).await;
    let comments = &data["ticket"]["comments"]["nodes"];
    assert_eq!(
        comments[1],
        json!({ "body": "Done: <b>5 > 3</b> & 'all'", "public": true }),
        "{data}"
    );
}

#[tokio::test]
async fn a_dead_system_leaves_the_other_two_answered() {
    let test = "real_systems::a_dead_system_leaves_the_other_two_answered";
    if !needs::outside(test) {
        return;
    }
    let Some(shared) = needs::shared(test) else { return };
    let mut world = World::start(&shared).await;
    let gateway = Gateway::start(&world.roles()).await;

    world.support.stop();
    let answer = gateway.answer(EVERYTHING, json!({ "email": QUOTED })).await;
    let customer = &answer["data"]["customerByEmail"];
    assert_eq!(customer["displayName"], "Zoë O'Neil", "{answer:#}");
    assert_eq!(customer["invoices"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(customer["tickets"], Value::Null, "not an empty list");
    assert_eq!(states(customer), ["crm OK", "billing OK", "support UNAVAILABLE"]);
    assert_eq!(errors(&answer), ["BACKEND_UNAVAILABLE customerByEmail.tickets"]);

    world.billing.stop();
    let answer = gateway.answer(EVERYTHING, json!({ "email": plain_email(4) })).await;
    let customer = &answer["data"]["customerByEmail"];
    assert_eq!(customer["displayName"], "Person Number 4", "{answer:#}");
    assert_eq!(customer["invoices"], Value::Null);
    assert_eq!(states(customer), ["crm OK", "billing UNAVAILABLE", "support UNAVAILABLE"]);

    world.crm.stop();
    let answer = gateway.answer(EVERYTHING, json!({ "email": plain_email(5) })).await;
    let codes = errors(&answer);
    assert!(
        codes.iter().any(|code| code.starts_with("BACKEND_UNAVAILABLE customerByEmail")),
        "{answer:#}"
    );
}

#[tokio::test]
async fn a_refused_login_is_a_fault_with_a_code() {
    let test = "real_systems::a_refused_login_is_a_fault_with_a_code";
    let Some(world) = world(test).await else { return };
    let gateway = Gateway::start(&world.roles().replace("token-secret", "another-secret")).await;
    let answer = gateway.answer("{ customers(first: 5) { nodes { id } } }", json!({})).await;
    assert_eq!(answer["data"]["customers"], Value::Null, "{answer:#}");
    assert_eq!(errors(&answer), ["BACKEND_FAULT customers"], "{answer:#}");
    assert!(!answer.to_string().contains("another-secret"));
    assert!(!gateway.log().contains("another-secret"), "no secret in the log");
}

#[tokio::test]
async fn a_caller_without_rights_gets_empty_lists_from_request_tracker() {
    let test = "real_systems::a_caller_without_rights_gets_empty_lists_from_request_tracker";
    let Some(world) = world(test).await else { return };
    let stranger = Rest::new(world.support.address).basic("stranger", "stranger-secret");
    let found = stranger.get("/REST/2.0/tickets?query=id%20%3E%200").await.json();
    assert_eq!(found["items"], json!([]), "{found}");
    assert_eq!(stranger.get("/REST/2.0/ticket/1").await.status, 403);
}

/// `CODE path` of each error, in order.
fn errors(answer: &Value) -> Vec<String> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    let path = |error: &Value| {
        let words = error["path"].as_array().unwrap().iter();
        words
            .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(".")
    };
    errors
        .map(|error| format!("{} {}", error["extensions"]["code"].as_str().unwrap(), path(error)))
        .collect()
}

/// The SOAP actions of requests, in order.
fn actions(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|seen| seen.headers["soapaction"].to_str().unwrap().trim_matches('"')).collect()
}

fn paths(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(Seen::path).collect()
}

/// A URL with its `%XX` and `+` read.
fn decoded(uri: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = uri.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let (hex, after) = after.split_at(2);
                bytes.push(u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap());
                rest = after;
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}
