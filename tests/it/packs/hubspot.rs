//! `HubSpot` as CRM: batches, opt-in properties, associations, and its ways.

use serde_json::{Value, json};

use super::hubspot_api::{HubSpot, TOKEN, error, record};
use super::kit::{Pack, Roles, customer_id};

const ROLES: Roles<'_> = &[("crm", "hubspot", "auth: { bearer: pat-eu1-test }")];

fn world() -> HubSpot {
    HubSpot {
        contacts: vec![
            record(
                "101",
                json!({
                    "firstname": "Zoë", "lastname": "O'Neil", "email": "zoe@example.com", "phone": "+43 1 5550100", "mobilephone": "",
                    "work_email": null, "address": "Ring 1", "city": "Wien", "zip": "1010", "hs_country_region_code": "AT",
                    "lifecyclestage": "customer", "hs_language": "de-at", "notes_last_updated": "2026-01-02T03:04:05Z",
                    "stripe_customer_id": "cus_1", "associatedcompanyid": "501", "hubspot_owner_id": "7",
                    "hs_merged_object_ids": "88;99", "hs_additional_emails": "z.oneil@example.com;zo@example.com",
                }),
            ),
            record(
                "102",
                json!({ "lastname": "Only", "email": null, "lifecyclestage": "1234567", "city": "" }),
            ),
            record("103", json!({ "email": "third@example.com", "hubspot_owner_id": "404" })),
        ],
        companies: vec![
            record(
                "501",
                json!({
                    "name": "Acme", "domain": "acme.example", "hs_additional_domains": "acme.test; ;acme.co", "numberofemployees": "1250",
                    "annualrevenue": "1200000.50", "hs_parent_company_id": "502", "website": "https://acme.example", "hubspot_owner_id": "7",
                }),
            ),
            record("502", json!({ "name": "Holding", "numberofemployees": "" })),
        ],
        deals: vec![
            record(
                "9001",
                json!({
                    "dealname": "Renewal", "amount": "1250.50", "deal_currency_code": "EUR", "dealstage": "contractsent", "pipeline": "default",
                    "hs_deal_stage_probability": "0.90", "hs_is_closed": "false", "hs_is_closed_won": "false",
                    "closedate": "2026-06-30T22:00:00Z", "hs_primary_associated_company": "501", "hubspot_owner_id": "7",
                }),
            ),
            record(
                "9002",
                json!({ "dealname": "Won", "amount": "10", "hs_is_closed": "true", "hs_is_closed_won": "true" }),
            ),
            record(
                "9003",
                json!({
                    "dealname": "Lost", "amount": "", "hs_is_closed": "true", "hs_is_closed_won": "false", "closed_lost_reason": "price",
                }),
            ),
        ],
        links: ["9001", "9002", "9003", "9999"]
            .map(|deal| ("contacts", "101".to_owned(), deal.to_owned()))
            .into_iter()
            .chain([("companies", "501".to_owned(), "9001".to_owned())])
            .collect(),
        owners: vec![
            json!({ "id": "7", "email": "rita@us.example", "firstName": "Rita", "lastName": "Rep", "userId": 70 }),
        ],
        long: Vec::new(),
        refused: Vec::new(),
    }
}

fn start(world: HubSpot) -> Pack {
    Pack::start(ROLES, move |asked| world.answer(asked))
}

const EVERYTHING: &str = r"
query ($id: ID!) {
  customer(id: $id) {
    kind displayName primaryEmail emails { value kind primary } phones { value kind primary }
    addresses { line1 city region postalCode country }
    status statusRaw locale createdAt updatedAt lastActivityAt owner { name email }
    account {
      name domains websites employees annualRevenue { amount currency } owner { name } parent { name employees parent { name } }
      opportunities { nodes { name } }
    }
    opportunities {
      totalCount
      nodes {
        name amount { amount currency } stage pipeline probability status closeDate lostReason createdAt owner { name }
        account { name }
      }
      edges { node { name } }
    }
    sourceStatus { system state }
  }
}";

#[tokio::test]
async fn a_contact_is_a_customer_with_its_company_its_deals_and_their_owners() {
    let pack = start(world());
    let data = pack.data(EVERYTHING, json!({ "id": customer_id("101") })).await;
    let acme = json!({
        "name": "Acme", "domains": ["acme.example", "acme.test", "acme.co"], "websites": ["https://acme.example"], "employees": 1250,
        "annualRevenue": { "amount": "1200000.50", "currency": "USD" }, "owner": { "name": "Rita Rep" },
        "parent": { "name": "Holding", "employees": null, "parent": null },
        "opportunities": { "nodes": [{ "name": "Renewal" }] },
    });
    let deal = |name: &str, amount: Value, status: &str, more: Value| {
        let mut deal = json!({
            "name": name, "amount": amount, "stage": null, "pipeline": null, "probability": null, "status": status, "closeDate": null,
            "lostReason": null, "createdAt": "2024-03-01T08:00:00.123Z", "owner": null, "account": null,
        });
        for (name, value) in more.as_object().unwrap() {
            deal[name] = value.clone();
        }
        deal
    };
    let euros = json!({ "amount": "1250.50", "currency": "EUR" });
    let renewal = json!({
        "stage": "contractsent", "pipeline": "default", "probability": "0.90", "closeDate": "2026-06-30", "owner": { "name": "Rita Rep" },
        "account": { "name": "Acme" },
    });
    let expected = json!({
        "kind": "PERSON", "displayName": "Zoë O'Neil", "primaryEmail": "zoe@example.com",
        "emails": [{ "value": "zoe@example.com", "kind": "OTHER", "primary": true }],
        "phones": [{ "value": "+43 1 5550100", "kind": "OTHER", "primary": true }],
        "addresses": [{ "line1": "Ring 1", "city": "Wien", "region": null, "postalCode": "1010", "country": "AT" }],
        "status": "ACTIVE", "statusRaw": "customer", "locale": "de-at",
        "createdAt": "2024-03-01T08:00:00.123Z", "updatedAt": "2026-02-03T04:05:06.789Z", "lastActivityAt": "2026-01-02T03:04:05Z",
        "owner": { "name": "Rita Rep", "email": "rita@us.example" },
        "account": acme,
        "opportunities": {
            // the fourth is a deal that the token may not see: it has no place in the list
            "totalCount": 4,
            "nodes": [
                deal("Renewal", euros, "OPEN", renewal),
                deal("Won", json!({ "amount": "10", "currency": "USD" }), "WON", json!({})),
                deal("Lost", Value::Null, "LOST", json!({ "lostReason": "price" })),
            ],
            "edges": [{ "node": { "name": "Renewal" } }, { "node": { "name": "Won" } }, { "node": { "name": "Lost" } }],
        },
        "sourceStatus": [
            { "system": "crm", "state": "OK" }, { "system": "billing", "state": "NOT_COVERED" }, { "system": "support", "state": "NOT_COVERED" },
        ],
    });
    assert_eq!(data["customer"], expected, "{:#}", data["customer"]);
}

#[tokio::test]
async fn only_what_is_selected_is_asked_for() {
    let pack = start(world());
    pack.data(
        "query ($id: ID!) { customer(id: $id) { primaryEmail } }",
        json!({ "id": customer_id("101") }),
    )
    .await;
    let asked = pack.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line(), "POST /crm/v3/objects/contacts/batch/read");
    assert_eq!(asked[0].body()["properties"], json!(["email", "hs_merged_object_ids"]));
    pack.data("{ customers(first: 2) { nodes { displayName } } }", json!({})).await;
    let asked = pack.asked();
    assert_eq!(asked[0].parameter("properties"), Some("email,firstname,lastname"));
    assert_eq!(asked[0].parameter("limit"), Some("2"));
}

#[tokio::test]
async fn a_hundred_and_fifty_customers_with_deals_and_owners_are_a_few_calls() {
    let mut world = HubSpot { owners: world().owners, ..HubSpot::default() };
    for number in 0..150 {
        let (contact, deal) = ((1000 + number).to_string(), (5000 + number).to_string());
        world.contacts.push(record(
            &contact,
            json!({ "lastname": format!("N{number}"), "hubspot_owner_id": "7" }),
        ));
        world.deals.push(record(&deal, json!({ "dealname": format!("D{number}") })));
        world.links.push(("contacts", contact, deal));
    }
    let pack = start(world);
    let ids: Vec<String> =
        (0..150).map(|number| customer_id(&(1000 + number).to_string())).collect();
    let query = "query ($ids: [ID!]!) { customersByIds(ids: $ids) { displayName owner { name } opportunities { nodes { name } } } }";
    let data = pack.data(query, json!({ "ids": ids })).await;
    for (number, customer) in data["customersByIds"].as_array().unwrap().iter().enumerate() {
        let expected = json!({
            "displayName": format!("N{number}"), "owner": { "name": "Rita Rep" }, "opportunities": { "nodes": [{ "name": format!("D{number}") }] },
        });
        assert_eq!(*customer, expected);
    }
    let expected = [
        "GET /crm/v3/owners/7",
        "POST /crm/v3/objects/0-3/batch/read",
        "POST /crm/v3/objects/0-3/batch/read",
        "POST /crm/v3/objects/contacts/batch/read",
        "POST /crm/v3/objects/contacts/batch/read",
        "POST /crm/v4/associations/contacts/deals/batch/read",
    ];
    assert_eq!(pack.lines(), expected);
}

#[tokio::test]
async fn a_merged_contact_and_a_further_address_lead_to_the_one_that_is_left() {
    let pack = start(world());
    let query = "query ($ids: [ID!]!) { customersByIds(ids: $ids) { displayName } }";
    let ids: Vec<String> = ["99", "101", "88", "7777"].map(customer_id).into();
    let data = pack.data(query, json!({ "ids": ids })).await;
    let zoe = json!({ "displayName": "Zoë O'Neil" });
    assert_eq!(data["customersByIds"], json!([zoe, zoe, zoe, null]));
    let by_email = "query ($email: String!) { customerByEmail(email: $email) { id displayName } }";
    for email in ["zoe@example.com", "Z.ONeil@example.com ", "zo@example.com"] {
        let data = pack.data(by_email, json!({ "email": email })).await;
        assert_eq!(
            data["customerByEmail"],
            json!({ "id": customer_id("101"), "displayName": "Zoë O'Neil" }),
            "{email}"
        );
    }
    let data = pack.data(by_email, json!({ "email": "neil@example.com" })).await;
    assert_eq!(data["customerByEmail"], Value::Null);
}

#[tokio::test]
async fn a_record_that_is_refused_beside_others_fails_alone_and_one_that_is_not_there_is_null() {
    let pack = start(HubSpot { refused: vec!["103".to_owned()], ..world() });
    let query = "query ($ids: [ID!]!) { customersByIds(ids: $ids) { displayName } }";
    let ids: Vec<String> = ["101", "7777", "103", "102"].map(customer_id).into();
    let answer = pack.answer(query, json!({ "ids": ids })).await;
    let named = |name: &str| json!({ "displayName": name });
    let found = &answer["data"]["customersByIds"];
    assert_eq!(
        (&found[0], &found[1], &found[3]),
        (&named("Zoë O'Neil"), &Value::Null, &named("Only"))
    );
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{answer:#}");
    assert_eq!(errors[0]["path"], json!(["customersByIds", 2, "displayName"]), "{answer:#}");
    assert_eq!(
        errors[0]["extensions"],
        json!({ "code": "BACKEND_REJECTED", "backend": "crm", "backendCode": "MISSING_SCOPES" })
    );
    assert!(!answer.to_string().contains("secret"), "{answer:#}");
    assert_eq!(pack.asked().len(), 1);
}

#[tokio::test]
async fn a_contact_without_an_address_stands_by_itself() {
    let pack = start(world());
    let query = "query ($id: ID!) { customer(id: $id) {
      displayName primaryEmail emails { value } phones { value } addresses { city } status statusRaw account { name } owner { name }
      opportunities { totalCount nodes { name } } } }";
    let data = pack.data(query, json!({ "id": customer_id("102") })).await;
    let expected = json!({
        "displayName": "Only", "primaryEmail": null, "emails": [], "phones": [], "addresses": [], "status": "UNKNOWN", "statusRaw": "1234567",
        "account": null, "owner": null, "opportunities": { "totalCount": 0, "nodes": [] },
    });
    assert_eq!(data["customer"], expected);
    // whoever looked after this one has left
    let data = pack.data(query, json!({ "id": customer_id("103") })).await;
    assert_eq!(data["customer"]["owner"], Value::Null);
    assert_eq!(data["customer"]["displayName"], "third@example.com");
}

#[tokio::test]
async fn all_contacts_come_by_the_page() {
    let pack = start(world());
    let query = "query ($after: String) { customers(first: 2, after: $after) { nodes { displayName } pageInfo { hasNextPage endCursor } } }";
    let first = pack.data(query, json!({})).await;
    assert_eq!(
        first["customers"]["nodes"],
        json!([{ "displayName": "Zoë O'Neil" }, { "displayName": "Only" }])
    );
    assert_eq!(first["customers"]["pageInfo"]["hasNextPage"], true);
    let second =
        pack.data(query, json!({ "after": first["customers"]["pageInfo"]["endCursor"] })).await;
    assert_eq!(second["customers"]["nodes"], json!([{ "displayName": "third@example.com" }]));
    assert_eq!(second["customers"]["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn deals_page_over_what_the_associations_name() {
    let pack = start(world());
    let query = "query ($id: ID!, $after: String) { customer(id: $id) { opportunities(first: 2, after: $after) {
      nodes { name } pageInfo { hasNextPage endCursor } } } }";
    let mut names = Vec::new();
    let mut after = Value::Null;
    for page in 0..2 {
        let data = pack.data(query, json!({ "id": customer_id("101"), "after": after })).await;
        let page_of = &data["customer"]["opportunities"];
        names.extend(page_of["nodes"].as_array().unwrap().iter().map(|node| node["name"].clone()));
        assert_eq!(page_of["pageInfo"]["hasNextPage"], page == 0);
        after = page_of["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(names, ["Renewal", "Won", "Lost"]);
}

#[tokio::test]
async fn more_deals_than_an_association_tells_are_said_to_be_missing() {
    let pack = start(HubSpot { long: vec!["101".to_owned()], ..world() });
    let query = "query ($ids: [ID!]!) { customersByIds(ids: $ids) { opportunities { nodes { name } } sourceStatus { system state } } }";
    let ids: Vec<String> = ["101", "102"].map(customer_id).into();
    let data = pack.data(query, json!({ "ids": ids })).await;
    let state = |place: usize| data["customersByIds"][place]["sourceStatus"][0]["state"].clone();
    assert_eq!((state(0), state(1)), (json!("PARTIAL"), json!("OK")));
}

#[tokio::test]
async fn a_change_is_sent_as_properties_and_read_anew() {
    let pack = start(world());
    let query = "mutation ($id: ID!) { updateCustomer(input: { id: $id, firstName: \"Zoé\", status: PROSPECT }) { customer { displayName } } }";
    pack.data(query, json!({ "id": customer_id("101") })).await;
    let asked = pack.asked();
    assert_eq!(asked[0].line(), "PATCH /crm/v3/objects/contacts/101");
    assert_eq!(
        asked[0].body(),
        json!({ "properties": { "firstname": "Zoé", "lifecyclestage": "lead" } })
    );
    assert_eq!(asked[1].line(), "POST /crm/v3/objects/contacts/batch/read");
}

#[tokio::test]
async fn refusals_are_told_by_their_code_and_nothing_of_what_hubspot_says() {
    for (status, category, code) in [
        (401, "INVALID_AUTHENTICATION", "BACKEND_UNAUTHORIZED"),
        (403, "MISSING_SCOPES", "BACKEND_UNAUTHORIZED"),
        (429, "RATE_LIMITS", "BACKEND_RATE_LIMITED"),
        (500, "UNKNOWN", "BACKEND_UNAVAILABLE"),
    ] {
        let pack = Pack::start(ROLES, move |_| error(status, category, "secret words"));
        let query = "query ($id: ID!) { customer(id: $id) { displayName } }";
        let answer = pack.answer(query, json!({ "id": customer_id("101") })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer:#}");
        assert!(!answer.to_string().contains("secret"), "{answer:#}");
    }
    assert_eq!(TOKEN, "pat-eu1-test");
}

#[tokio::test]
async fn people_are_searched_by_name_and_listed_by_company() {
    let mut world = world();
    let people =
        ["101", "103", "8888"].map(|id| ("companies>contacts", "501".to_owned(), id.to_owned()));
    world.links.extend(people);
    let pack = start(world);
    let query = "{ searchCustomers(name: \"o'neil\", first: 1) { totalCount nodes { firstName lifecycleStage contacts { nodes { fullName account { name } customer { id } } } } } }";
    let data = pack.data(query, json!({})).await;
    let acme = json!({ "name": "Acme" });
    let expected = json!({
        "totalCount": 1,
        "nodes": [{
            "firstName": "Zoë", "lifecycleStage": "customer",
            "contacts": { "nodes": [
                { "fullName": "Zoë O'Neil", "account": acme, "customer": { "id": customer_id("101") } },
                { "fullName": "third@example.com", "account": null, "customer": { "id": customer_id("103") } },
            ] },
        }],
    });
    assert_eq!(data["searchCustomers"], expected, "{data:#}");
}

#[tokio::test]
async fn deals_of_people_are_narrowed_and_ordered_by_their_records_which_are_read_once() {
    let pack = start(world());
    let query = "query ($id: ID!, $filter: OpportunityFilter, $order: OpportunityOrder) { customer(id: $id) { \
                 opportunities(filter: $filter, orderBy: $order) { totalCount nodes { name account { name } } } sourceStatus { system state } } }";
    let ask = async |filter: Value| {
        let order = json!({ "field": "AMOUNT", "direction": "DESC" });
        let variables = json!({ "id": customer_id("101"), "filter": filter, "order": order });
        pack.data(query, variables).await["customer"].clone()
    };
    let customer = ask(json!({ "status": ["OPEN", "WON"] })).await;
    let nodes = json!([{ "name": "Renewal", "account": { "name": "Acme" } }, { "name": "Won", "account": null }]);
    // of a deal that the token may not see nobody can say whether it is open
    assert_eq!(customer["opportunities"], json!({ "totalCount": null, "nodes": nodes }));
    assert_eq!(customer["sourceStatus"][0], json!({ "system": "crm", "state": "PARTIAL" }));
    let asked = pack.lines();
    let expected = [
        "POST /crm/v3/objects/0-3/batch/read",
        "POST /crm/v3/objects/companies/batch/read",
        "POST /crm/v3/objects/contacts/batch/read",
        "POST /crm/v4/associations/contacts/deals/batch/read",
    ];
    assert_eq!(asked, expected);
    let customer = ask(json!({ "status": ["LOST"] })).await;
    assert_eq!(customer["opportunities"]["nodes"][0]["name"], "Lost");
    assert_eq!(
        pack.lines(),
        [] as [String; 0],
        "the deals are known, and those of the account not wanted"
    );
}
