//! Salesforce as CRM: SOQL, pages, ids in two forms, deleted and merged records, changes that fail inside a 200.

use serde_json::{Value, json};

use super::kit::{Pack, Roles, customer_id};
use super::salesforce_api::{Salesforce, TOKEN, error};

const ROLES: Roles<'_> = &[("crm", "salesforce", "auth: { bearer: \"00Dtest!token\" }")];
/// Two people whose short ids differ in the case of one letter.
const ZOE: &str = "003A000000abcDEIAY";
const SMALL: &str = "003A000000abcDeIAI";
const MERGED: &str = "003A000000merged01";

fn contact(id: &str, more: &Value) -> Value {
    let mut contact = json!({
        "Id": id, "IsDeleted": false, "CreatedDate": "2024-03-01T08:00:00.000+0000", "LastModifiedDate": "2026-02-03T04:05:06.000+0000",
        "SystemModstamp": "2026-02-03T04:05:06.000+0000",
    });
    for (name, value) in more.as_object().unwrap() {
        contact[name] = value.clone();
    }
    contact
}

fn world() -> Salesforce {
    let rita = json!({ "Name": "Rita Rep", "Email": "rita@us.example" });
    let contacts = vec![
        contact(
            ZOE,
            &json!({
                "FirstName": "Zoë", "LastName": "O'Neil", "Name": "Zoë O'Neil", "Email": "Zoe.O'Neil@Example.com", "Phone": "+43 1 5550100",
                "MailingStreet": "Ring 1", "MailingCity": "Wien", "MailingPostalCode": "1010", "AccountId": "001A000000acmeAIAQ", "Owner": rita,
            }),
        ),
        contact(SMALL, &json!({ "LastName": "Small", "Name": "Small", "Email": null })),
        contact(MERGED, &json!({ "Name": "Zoe (old)", "IsDeleted": true, "MasterRecordId": ZOE })),
    ];
    let accounts = vec![
        contact(
            "001A000000acmeAIAQ",
            &json!({ "Name": "Acme", "NumberOfEmployees": 1250, "AnnualRevenue": 1_200_000.5, "ParentId": "001A000000holdAIAQ", "Owner": rita }),
        ),
        contact("001A000000holdAIAQ", &json!({ "Name": "Holding" })),
    ];
    let opportunities = vec![
        contact(
            "006A000000dealAIAQ",
            &json!({ "Name": "Renewal", "Amount": 1250.5, "StageName": "Proposal", "Probability": 75.0, "IsWon": false, "IsClosed": false, "CloseDate": "2026-06-30", "AccountId": "001A000000acmeAIAQ" }),
        ),
        contact(
            "006A000000dealBIAQ",
            &json!({ "Name": "Lost", "Amount": null, "StageName": "Closed Lost", "IsWon": false, "IsClosed": true, "AccountId": "001A000000acmeAIAQ" }),
        ),
    ];
    let roles = ["006A000000dealAIAQ", "006A000000dealBIAQ", "006A000000hiddnIAQ"]
        .map(|id| json!({ "Id": format!("00K{id}"), "ContactId": ZOE, "OpportunityId": id }));
    Salesforce {
        records: [
            ("Contact", contacts),
            ("Account", accounts),
            ("Opportunity", opportunities),
            ("OpportunityContactRole", roles.into()),
        ]
        .into(),
        page: 0,
    }
}

fn start(world: Salesforce) -> Pack {
    Pack::start(ROLES, move |asked| world.answer(asked))
}

#[tokio::test]
async fn a_contact_is_a_customer_with_account_and_opportunities() {
    let pack = start(world());
    let query = "query ($email: String!) { customerByEmail(email: $email) {
      kind displayName firstName primaryEmail phones { value kind } addresses { line1 city postalCode } owner { name email } createdAt deletedAt
      account { name employees annualRevenue { amount currency } parent { name } contacts { nodes { fullName } } opportunities { nodes { name } } }
      opportunities { nodes { name amount { amount currency } stage probability status closeDate account { name } } } } }";
    let data = pack.data(query, json!({ "email": "zoe.o'neil@example.com" })).await;
    let expected = json!({
        "kind": "PERSON", "displayName": "Zoë O'Neil", "firstName": "Zoë", "primaryEmail": "Zoe.O'Neil@Example.com",
        "phones": [{ "value": "+43 1 5550100", "kind": "WORK" }], "addresses": [{ "line1": "Ring 1", "city": "Wien", "postalCode": "1010" }],
        "owner": { "name": "Rita Rep", "email": "rita@us.example" }, "createdAt": "2024-03-01T08:00:00Z", "deletedAt": null,
        "account": {
            "name": "Acme", "employees": 1250, "annualRevenue": { "amount": "1200000.5", "currency": "USD" }, "parent": { "name": "Holding" },
            "contacts": { "nodes": [{ "fullName": "Zoë O'Neil" }] }, "opportunities": { "nodes": [{ "name": "Renewal" }, { "name": "Lost" }] },
        },
        "opportunities": { "nodes": [
            {
                "name": "Renewal", "amount": { "amount": "1250.5", "currency": "USD" }, "stage": "Proposal", "probability": "0.750", "status": "OPEN",
                "closeDate": "2026-06-30", "account": { "name": "Acme" },
            },
            {
                "name": "Lost", "amount": null, "stage": "Closed Lost", "probability": null, "status": "LOST", "closeDate": null,
                "account": { "name": "Acme" },
            },
        ] },
    });
    assert_eq!(data["customerByEmail"], expected, "{:#}", data["customerByEmail"]);
}

#[tokio::test]
async fn fields_are_named_and_a_quote_stays_inside_its_quotes() {
    let pack = start(world());
    pack.data(
        "query ($email: String!) { customerByEmail(email: $email) { owner { name } } }",
        json!({ "email": "zoe.o'neil@example.com" }),
    )
    .await;
    let asked = pack.asked();
    let expected = "SELECT Email, Id, Owner.Email, Owner.Name FROM Contact WHERE Email IN ('zoe.o\\'neil@example.com')";
    assert_eq!(asked[0].parameter("q"), Some(expected));
    assert_eq!(asked[0].header("sforce-query-options"), Some("batchSize=200"));
}

#[tokio::test]
async fn ids_have_a_short_form_and_differ_in_case() {
    let pack = start(world());
    let query = "query ($ids: [ID!]!) { customersByIds(ids: $ids) { displayName } }";
    let ids: Vec<String> =
        [ZOE, SMALL, &ZOE[..15], &SMALL[..15], "003A000000nobodyIA"].map(customer_id).into();
    let data = pack.data(query, json!({ "ids": ids })).await;
    let (zoe, small) = (json!({ "displayName": "Zoë O'Neil" }), json!({ "displayName": "Small" }));
    assert_eq!(data["customersByIds"], json!([zoe, small, zoe, small, null]));
    assert_eq!(pack.asked().len(), 1);
    // what is no id at all spoils nothing but itself
    let ids: Vec<String> = [ZOE, "nonsense", SMALL].map(customer_id).into();
    let data = start(world()).data(query, json!({ "ids": ids })).await;
    assert_eq!(data["customersByIds"], json!([zoe, null, small]));
}

#[tokio::test]
async fn a_merged_contact_points_to_the_one_that_is_left() {
    let pack = start(world());
    let query = "query ($id: ID!) { customer(id: $id) { deletedAt mergedInto { displayName } } }";
    let data = pack.data(query, json!({ "id": customer_id(MERGED) })).await;
    let expected = json!({ "deletedAt": "2026-02-03T04:05:06Z", "mergedInto": { "displayName": "Zoë O'Neil" } });
    assert_eq!(data["customer"], expected);
}

#[tokio::test]
async fn long_answers_go_on_under_their_own_path() {
    let mut world = world();
    world.page = 2;
    world.records.get_mut("Contact").unwrap().retain(|contact| contact["IsDeleted"] == false);
    let more = (0..3).map(|number| {
        contact(&format!("003A00000000000{number}AA"), &json!({ "Name": format!("N{number}") }))
    });
    world.records.get_mut("Contact").unwrap().extend(more);
    let pack = start(world);
    let query = "query ($after: String) { customers(first: 2, after: $after) { nodes { displayName } totalCount pageInfo { hasNextPage endCursor } } }";
    let (mut names, mut after) = (Vec::new(), Value::Null);
    for page in 0..3 {
        let data = pack.data(query, json!({ "after": after })).await;
        let customers = &data["customers"];
        assert_eq!(customers["totalCount"], 5);
        names.extend(
            customers["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|node| node["displayName"].as_str().unwrap().to_owned()),
        );
        assert_eq!(customers["pageInfo"]["hasNextPage"], page < 2);
        after = customers["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(names, ["Zoë O'Neil", "Small", "N0", "N1", "N2"]);
    let asked = pack.asked();
    assert_eq!(asked[0].path, "/services/data/v62.0/query");
    assert!(
        asked[1].path.starts_with("/services/data/v62.0/query/") && asked[1].path.ends_with("-2"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_change_that_fails_inside_a_200_is_an_error() {
    let pack = start(world());
    let query = "mutation ($id: ID!, $email: String) { updateCustomer(input: { id: $id, primaryEmail: $email }) { customer { displayName } } }";
    let data =
        pack.data(query, json!({ "id": customer_id(ZOE), "email": "new@example.com" })).await;
    assert_eq!(data["updateCustomer"]["customer"]["displayName"], "Zoë O'Neil");
    let answer =
        pack.answer(query, json!({ "id": customer_id(ZOE), "email": "taken@example.com" })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_REJECTED", "{answer:#}");
    assert!(!answer.to_string().contains("secret"), "{answer:#}");
    assert_eq!(TOKEN, "00Dtest!token");
}

#[tokio::test]
async fn an_expired_session_is_told_by_its_code() {
    let pack =
        Pack::start(ROLES, |_| error(401, "INVALID_SESSION_ID", "Session expired or invalid"));
    let answer = pack
        .answer(
            "query ($id: ID!) { customer(id: $id) { displayName } }",
            json!({ "id": customer_id(ZOE) }),
        )
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_UNAUTHORIZED", "{answer:#}");
}

#[tokio::test]
async fn opportunities_of_people_are_narrowed_and_ordered_by_salesforce_in_one_call() {
    let pack = start(world());
    let query = "query ($id: ID!, $filter: OpportunityFilter, $order: OpportunityOrder) { customer(id: $id) { \
                 opportunities(filter: $filter, orderBy: $order) { totalCount nodes { name owner { name } } } } }";
    let variables = json!({
        "id": customer_id(ZOE), "filter": { "closeDate": { "since": "2026-01-01", "until": "2027-01-01" } },
        "order": { "field": "AMOUNT", "direction": "DESC" },
    });
    let data = pack.data(query, variables).await;
    let renewal = json!({ "name": "Renewal", "owner": null });
    assert_eq!(data["customer"]["opportunities"], json!({ "totalCount": 1, "nodes": [renewal] }));
    let asked = pack.asked();
    let soql: Vec<_> = asked.iter().map(|asked| asked.parameter("q").unwrap()).collect();
    let expected = format!(
        "SELECT ContactId, Opportunity.Id, Opportunity.Name, Opportunity.Owner.Email, Opportunity.Owner.Name FROM OpportunityContactRole \
         WHERE ContactId IN ('{ZOE}') AND Opportunity.CloseDate >= 2026-01-01 AND Opportunity.CloseDate < 2027-01-01 \
         ORDER BY Opportunity.Amount DESC NULLS LAST"
    );
    assert!(soql.contains(&&*expected), "{soql:#?}");
    // the state is the mapping's, and is looked for in what came
    let pack = start(world());
    let variables = json!({ "id": customer_id(ZOE), "filter": { "status": ["LOST"] }, "order": { "field": "CLOSE_DATE", "direction": "ASC" } });
    let data = pack.data(query, variables).await;
    assert_eq!(data["customer"]["opportunities"]["nodes"][0]["name"], "Lost");
    assert_eq!(data["customer"]["opportunities"]["totalCount"], 1);
    let last = pack.asked().pop().unwrap();
    assert!(last.parameter("q").unwrap().contains("Opportunity.IsClosed, Opportunity.IsWon"));
}
