//! Several operations in one POST.

use cyclorama::operation::hash;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::site::{JsonBody as _, Setup, Site};

const ON: &str = "http: { batch: { enabled: true, operations: 4 } }\n";

async fn with(config: &str) -> Site {
    Site::with(Setup { config: config.to_owned(), ..Setup::default() }).await
}

async fn post(site: &Site, body: &Value) -> Answer {
    Answer::of(site.client.post(site.url("/graphql")).json_body(body)).await
}

fn page(first: u32) -> Value {
    json!({
        "query": "query Page($first: Int) { customers(first: $first) { nodes { id } } }",
        "variables": { "first": first },
    })
}

fn size(answer: &Value) -> Option<usize> {
    answer.pointer("/data/customers/nodes")?.as_array().map(Vec::len)
}

fn code(answer: &Value) -> &str {
    answer.pointer("/errors/0/extensions/code").and_then(Value::as_str).unwrap_or("-")
}

#[tokio::test]
async fn each_operation_has_its_own_answer_in_its_own_place() {
    let site = with(ON).await;
    let answer = post(&site, &json!([page(1), { "query": "{ nothing }" }, 7, page(3)])).await;
    assert_eq!((answer.status, &*answer.content_type), (200, "application/json; charset=utf-8"));
    let answers = answer.body.as_array().unwrap();
    assert_eq!(answers.len(), 4);
    assert_eq!((size(&answers[0]), size(&answers[3])), (Some(1), Some(3)));
    assert_eq!(code(&answers[1]), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(code(&answers[2]), "BAD_REQUEST");
    assert!(answers[1].get("data").is_none() && answers[2].get("data").is_none());
}

#[tokio::test]
async fn a_batch_is_refused_where_it_is_not_served_or_too_large() {
    let long = format!("{{ __typename }} #{}", "x".repeat(600));
    let long = json!([{ "query": long }, { "query": long }]);
    let wide = json!({ "query": "query($a: [ID!]!) { customersByIds(ids: $a) { id } }", "variables": { "a": ["x".repeat(600)] } });
    let small = "http: { batch: { enabled: true } }\nlimits: { document_bytes: 1000, variables_bytes: 1000 }\n";
    let dear = "http: { batch: { enabled: true } }\ncost: { mode: enforce, limit: 60 }\n";
    let many = "http: { batch: { enabled: true } }\ncost: { mode: enforce, calls_limit: 3 }\n";
    for (config, body, code) in [
        (dear, json!([page(50), page(50)]), "COST_ESTIMATED_TOO_EXPENSIVE"),
        (many, json!([page(1), page(2), page(3), page(4)]), "COST_CALLS_LIMIT"),
        ("", json!([page(1)]), "BATCHING_NOT_ENABLED"),
        ("", json!([]), "BATCHING_NOT_ENABLED"),
        (ON, json!([]), "BAD_REQUEST"),
        (ON, json!([page(1), page(1), page(1), page(1), page(1)]), "BATCH_LIMIT_EXCEEDED"),
        (small, long, "BATCH_LIMIT_EXCEEDED"),
        (small, json!([wide, wide]), "BATCH_LIMIT_EXCEEDED"),
    ] {
        let site = with(config).await;
        let answer = post(&site, &body).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{body}");
        assert_eq!(site.backends.calls().values().sum::<u64>(), 0);
    }
}

#[tokio::test]
async fn what_a_batch_may_cost_is_what_one_operation_may() {
    let site = with(
        "http: { batch: { enabled: true } }\ncost: { mode: enforce, limit: 60, calls_limit: 3 }\n",
    )
    .await;
    let answer = post(&site, &json!([page(10), { "query": "{" }, page(12)])).await;
    assert_eq!((size(&answer.body[0]), size(&answer.body[2])), (Some(10), Some(12)));
}

#[tokio::test]
async fn the_operations_of_a_batch_run_together_and_share_what_they_load() {
    let site = with(ON).await;
    let email = site.backends.first_customer().0;
    let one = json!({
        "query": "query One($email: String!) { customerByEmail(email: $email) { displayName } }",
        "variables": { "email": email },
    });
    let answer = post(&site, &json!([one, one, one])).await;
    let answers = answer.body.as_array().unwrap();
    assert!(answers[0]["data"]["customerByEmail"]["displayName"].is_string(), "{}", answers[0]);
    assert!(answers.iter().all(|other| *other == answers[0]));
    assert_eq!(site.backends.calls().values().sum::<u64>(), 1);
}

#[tokio::test]
async fn a_mutation_waits_for_what_stands_before_it_and_is_seen_by_what_stands_behind() {
    let site = with(ON).await;
    let (_, ticket) = site.backends.first_customer();
    let id = cyclorama::value::opaque_id("Ticket", "support", &ticket.unwrap().to_string());
    let read = json!({
        "query": "query Read($id: ID!) { ticket(id: $id) { comments(first: 100) { nodes { body } } } }",
        "variables": { "id": id },
    });
    let write = json!({
        "query": "mutation Write($id: ID!) { addTicketComment(input: { ticketId: $id, body: \"from a batch\" }) { comment { body } } }",
        "variables": { "id": id },
    });
    let answer = post(&site, &json!([read, write, read])).await;
    let count = |place: usize| {
        let nodes = &answer.body[place]["data"]["ticket"]["comments"]["nodes"];
        nodes.as_array().unwrap_or_else(|| panic!("{}", answer.body)).len()
    };
    assert_eq!(count(2), count(0) + 1, "{}", answer.body);
    assert_eq!(code(&answer.body[1]), "-");
}

#[tokio::test]
async fn known_operations_are_known_in_a_batch_too() {
    let site = with(ON).await;
    let text = "{ customers(first: 2) { nodes { id } } }";
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(text) } });
    let by_hash = json!({ "extensions": extensions });
    let other = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash("{ a }") } });
    let first = json!({ "query": text, "extensions": extensions });
    let answer = post(&site, &json!([{ "extensions": other }, first, by_hash])).await;
    assert_eq!(code(&answer.body[0]), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!((size(&answer.body[1]), size(&answer.body[2])), (Some(2), Some(2)));
}

#[tokio::test]
async fn the_edition_of_2026_says_that_a_part_of_a_batch_failed() {
    let site = with("http: { batch: { enabled: true }, status_profile: draft-2026 }\n").await;
    for (body, status) in
        [(json!([page(1)]), 200), (json!([page(1), { "query": "{" }]), 294), (json!([]), 422)]
    {
        let answer = post(&site, &body).await;
        assert_eq!(answer.status, status, "{body}");
    }
}
