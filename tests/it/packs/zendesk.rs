//! Zendesk as support: people by their ids, public comments and internal notes out of one list, its refusals, its recorded answers.

use std::path::Path;

use serde_json::{Value, json};

use super::hubspot_api::{HubSpot, record};
use super::kit::{Pack, Roles, reply};
use super::zendesk_api::Zendesk;
use crate::needs;

const ROLES: Roles<'_> = &[
    ("crm", "hubspot", "auth: { bearer: pat-eu1-test }"),
    ("support", "zendesk", "auth: { basic: { user: agent@example.com/token, password: secret } }"),
];

fn ticket(id: u64, requester: u64, more: &Value) -> Value {
    let mut ticket = json!({
        "id": id, "subject": format!("Ticket {id}"), "status": "open", "priority": null, "type": null, "via": { "channel": "email" },
        "requester_id": requester, "assignee_id": null, "group_id": null, "tags": [], "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-03T03:04:05Z", "due_at": null, "satisfaction_rating": { "score": "unoffered" }, "solved": null,
    });
    for (name, value) in more.as_object().unwrap() {
        ticket[name] = value.clone();
    }
    ticket
}

fn world() -> Zendesk {
    let user = |id: u64, name: &str, email: Value, role: &str| json!({ "id": id, "name": name, "email": email, "role": role, "verified": true });
    Zendesk {
        tickets: vec![
            ticket(
                1,
                11,
                &json!({
                    "status": "solved", "priority": "urgent", "type": "incident", "assignee_id": 21, "group_id": 31, "tags": ["vip"],
                    "description": "It does not work.", "solved": "2026-01-04T00:00:00Z",
                    "satisfaction_rating": { "score": "good", "comment": "Thanks!" },
                }),
            ),
            ticket(2, 11, &json!({ "status": "hold", "priority": "weird" })),
            ticket(
                3,
                12,
                &json!({ "status": "closed", "satisfaction_rating": { "score": "bad" } }),
            ),
        ],
        users: vec![
            user(11, "Zoë O'Neil", json!("zoe@example.com"), "end-user"),
            // deleted: still named, without an address
            user(12, "Gone", Value::Null, "end-user"),
            user(13, "Another", json!("more-zoe@example.com"), "end-user"),
            user(21, "Dana Desk", json!("dana@us.example"), "agent"),
        ],
        groups: vec![json!({ "id": 31, "name": "First level" })],
        comments: vec![
            (
                1,
                json!({ "id": 101, "author_id": 11, "body": "It does not work.", "plain_body": "It does not work.", "public": true, "created_at": "2026-01-02T03:04:05Z" }),
            ),
            (
                1,
                json!({ "id": 102, "author_id": 21, "body": "Upset.", "public": false, "created_at": "2026-01-02T04:04:05Z" }),
            ),
            (
                1,
                json!({ "id": 103, "author_id": 21, "body": "We are on it.", "public": true, "created_at": "2026-01-02T05:04:05Z" }),
            ),
        ],
    }
}

fn start(zendesk: Zendesk) -> Pack {
    let hubspot = HubSpot {
        contacts: vec![
            record("101", json!({ "lastname": "O'Neil", "email": "zoe@example.com" })),
            record("102", json!({ "lastname": "Nobody", "email": "nobody@example.com" })),
            record("103", json!({ "lastname": "Silent", "email": null })),
        ],
        ..HubSpot::default()
    };
    Pack::start(ROLES, move |asked| {
        if asked.path.starts_with("/crm/") { hubspot.answer(asked) } else { zendesk.answer(asked) }
    })
}

#[tokio::test]
async fn a_customers_tickets_come_with_their_people() {
    let pack = start(world());
    let query = "query { customerByEmail(email: \"zoe@example.com\") { tickets(first: 10) { nodes {
      number subject status statusRaw priority priorityRaw type channel tags team solvedAt satisfaction { score comment }
      requester { fullName emails { value verified } } assignee { name email } customer { displayName }
      comments(first: 10) { nodes { body public author { __typename ... on User { name } ... on Requester { fullName } } } }
      internalNotes { body public }
    } } } }";
    let data = pack.data(query, json!({})).await;
    let zoe = json!({ "fullName": "Zoë O'Neil", "emails": [{ "value": "zoe@example.com", "verified": true }] });
    let expected = json!([
        {
            "number": "1", "subject": "Ticket 1", "status": "SOLVED", "statusRaw": "solved", "priority": "URGENT", "priorityRaw": "urgent",
            "type": "incident", "channel": "email", "tags": ["vip"], "team": "First level", "solvedAt": "2026-01-04T00:00:00Z",
            "satisfaction": { "score": 5, "comment": "Thanks!" }, "requester": zoe,
            "assignee": { "name": "Dana Desk", "email": "dana@us.example" }, "customer": { "displayName": "O'Neil" },
            "comments": { "nodes": [
                { "body": "It does not work.", "public": true, "author": { "__typename": "Requester", "fullName": "Zoë O'Neil" } },
                { "body": "We are on it.", "public": true, "author": { "__typename": "User", "name": "Dana Desk" } },
            ] },
            "internalNotes": [{ "body": "Upset.", "public": false }],
        },
        {
            "number": "2", "subject": "Ticket 2", "status": "ON_HOLD", "statusRaw": "hold", "priority": "UNKNOWN", "priorityRaw": "weird",
            "type": null, "channel": "email", "tags": [], "team": null, "solvedAt": null, "satisfaction": null, "requester": zoe, "assignee": null,
            "customer": { "displayName": "O'Neil" }, "comments": { "nodes": [] }, "internalNotes": [],
        },
    ]);
    assert_eq!(data["customerByEmail"]["tickets"]["nodes"], expected, "{data:#}");
}

#[tokio::test]
async fn tickets_are_asked_for_by_state_and_pages_go_on_by_cursor() {
    let pack = start(world());
    let query = "query ($first: Int, $after: String, $status: TicketStatus) { customerByEmail(email: \"zoe@example.com\") {
      tickets(first: $first, after: $after, status: $status) { nodes { number } pageInfo { hasNextPage endCursor } } } }";
    let data = pack.data(query, json!({ "status": "ON_HOLD" })).await;
    assert_eq!(data["customerByEmail"]["tickets"]["nodes"], json!([{ "number": "2" }]));
    let asked = pack.asked();
    let search = asked.iter().find(|asked| asked.path == "/api/v2/search/export").unwrap();
    assert_eq!(search.parameter("query"), Some("requester:\"zoe@example.com\" status:hold"));
    let first = pack.data(query, json!({ "first": 1 })).await["customerByEmail"]["tickets"].clone();
    assert_eq!(
        (&first["nodes"][0]["number"], &first["pageInfo"]["hasNextPage"]),
        (&json!("1"), &json!(true))
    );
    let rest =
        pack.data(query, json!({ "first": 1, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(rest["customerByEmail"]["tickets"]["nodes"], json!([{ "number": "2" }]));
}

#[tokio::test]
async fn a_ticket_leads_to_its_customer_and_one_of_a_deleted_person_to_nobody() {
    let pack = start(world());
    let query = "query ($id: ID!) { ticket(id: $id) { requester { fullName emails { value } } customer { displayName } satisfaction { score } } }";
    let id = |key: &str| cyclorama::value::opaque_id("Ticket", "support", key);
    let data = pack.data(query, json!({ "id": id("1") })).await;
    assert_eq!(data["ticket"]["customer"], json!({ "displayName": "O'Neil" }));
    let data = pack.data(query, json!({ "id": id("3") })).await;
    let expected = json!({ "requester": { "fullName": "Gone", "emails": [] }, "customer": null, "satisfaction": { "score": 1 } });
    assert_eq!(data["ticket"], expected);
    let data = pack.data(query, json!({ "id": id("4711") })).await;
    assert_eq!(data["ticket"], Value::Null);
}

#[tokio::test]
async fn a_comment_is_written_and_given_back() {
    let pack = start(world());
    let query = "mutation ($id: ID!) { addTicketComment(input: { ticketId: $id, body: \"Done <b>now</b>\", public: false }) {
      comment { body public createdAt } ticket { number } } }";
    let id = cyclorama::value::opaque_id("Ticket", "support", "1");
    let data = pack.data(query, json!({ "id": id })).await;
    let expected = json!({
        "comment": { "body": "Done <b>now</b>", "public": false, "createdAt": "2026-03-04T05:06:07Z" }, "ticket": { "number": "1" },
    });
    assert_eq!(data["addTicketComment"], expected);
    let asked = pack.asked();
    assert_eq!(asked[0].line(), "PUT /api/v2/tickets/1");
    assert_eq!(
        asked[0].body(),
        json!({ "ticket": { "comment": { "body": "Done <b>now</b>", "public": false } } })
    );
}

#[tokio::test]
async fn refusals_of_both_shapes_are_told_by_their_code() {
    for (status, body, code) in [
        (
            429,
            json!({ "error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded" }),
            "BACKEND_RATE_LIMITED",
        ),
        (
            403,
            json!({ "error": { "title": "Forbidden", "message": "You do not have access to this page." } }),
            "BACKEND_UNAUTHORIZED",
        ),
        (
            422,
            json!({ "error": "RecordInvalid", "description": "Record validation errors", "details": {} }),
            "BACKEND_REJECTED",
        ),
    ] {
        let pack = Pack::start(ROLES, move |_| reply(status, &body));
        let id = cyclorama::value::opaque_id("Ticket", "support", "1");
        let answer = pack
            .answer("query ($id: ID!) { ticket(id: $id) { subject } }", json!({ "id": id }))
            .await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer:#}");
    }
}

/// The recorded answer's body.
fn recorded(shared: &Path, name: &str) -> Value {
    let path = shared.join("fixtures/zendesk").join(format!("get_api_v2_{name}.json"));
    let recorded: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    recorded["body"].clone()
}

#[tokio::test]
async fn recorded_answers_are_read() {
    let Some(shared) = needs::shared("packs::zendesk::recorded_answers_are_read") else { return };
    let one = |name: &str| recorded(&shared, name);
    let (first, other) =
        (one("tickets_1_200")["ticket"].clone(), one("tickets_8867_200")["ticket"].clone());
    let found = one(
        "users_search_query_email_zendesk_api_client_ruby_end_user_sdavidovitz_2Bqa_zendesk_com_200",
    );
    let users = one("users_200")["users"].clone();
    let missing = one("tickets_8869_404");
    let pack = Pack::start(ROLES, move |asked| match asked.path.as_str() {
        "/api/v2/tickets/show_many" => reply(200, &json!({ "tickets": [first, other] })),
        "/api/v2/users/show_many" => reply(200, &json!({ "users": users })),
        "/api/v2/users/search" => reply(200, &found),
        _ => reply(404, &missing),
    });
    let id = |key: &str| cyclorama::value::opaque_id("Ticket", "support", key);
    let query = "query ($id: ID!) { ticket(id: $id) { number subject status priority type channel createdAt team requester { fullName emails { value } } } }";
    let data = pack.data(query, json!({ "id": id("1") })).await;
    assert_eq!(data["ticket"]["subject"], "This is a sample ticket requested and submitted by you");
    let ticket = &data["ticket"];
    assert_eq!(
        (
            &ticket["status"],
            &ticket["priority"],
            &ticket["type"],
            &ticket["channel"],
            &ticket["createdAt"]
        ),
        (
            &json!("PENDING"),
            &json!("HIGH"),
            &json!("incident"),
            &json!("web"),
            &json!("2012-09-06T20:15:09Z")
        )
    );
    // a group that is not there any more
    assert_eq!(ticket["team"], Value::Null);
    assert!(ticket["requester"]["fullName"].is_string(), "{ticket:#}");
    let data = pack.data(query, json!({ "id": id("8867") })).await;
    assert_eq!(data["ticket"]["number"], "8867");
}
