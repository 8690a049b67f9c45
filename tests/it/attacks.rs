//! The catalogue of attacks on GraphQL servers: each has tests of its own, and the guard stands at every way in.

use std::fs;
use std::path::Path;

use cyclorama::operation::hash;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::http::encoded;
use crate::site::{JsonBody as _, Setup, Site, json_of};
use crate::testkit::codes;

/// Each attack, and the tests of it.
const CATALOGUE: &[(&str, &[&str])] = &[
    ("alias overload", &["alias_overload"]),
    ("field duplication", &["field_duplication"]),
    ("directive overload", &["directive_overload"]),
    ("array batching", &["a_batch_is_refused_where_it_is_not_served_or_too_large"]),
    ("circular introspection", &["circular_introspection"]),
    ("depth", &["depth_and_tokens"]),
    ("tokens and characters", &["depth_and_tokens", "every_limit_has_a_default_a_code_and_a_name"]),
    (
        "cost",
        &[
            "an_operation_that_costs_too_much_calls_no_backend",
            "an_operation_that_can_make_too_many_calls_makes_none",
        ],
    ),
    (
        "suggestions",
        &[
            "production_names_nothing_and_serves_no_page",
            "a_subselection_that_is_missing_names_nothing_in_production",
        ],
    ),
    (
        "queries by GET of another site",
        &["nothing_that_a_browser_sends_unasked_for_another_site_makes_a_call"],
    ),
    (
        "mutation by GET",
        &["a_get_runs_queries_and_nothing_else", "a_known_mutation_is_not_run_by_get"],
    ),
    ("urlencoded POST", &["a_post_without_json_is_told_what_to_send"]),
    ("trace mode, unhandled errors", &["an_answer_has_no_traces_of_the_inside"]),
    ("query editors in production", &["production_names_nothing_and_serves_no_page"]),
    (
        "selections behind a string that its line ends",
        &["nothing_hides_behind_a_string_that_its_line_ends"],
    ),
    (
        "what is long, in many places",
        &[
            "what_stands_in_many_places_is_settled_in_time",
            "every_limit_of_documents_has_a_name_and_a_code",
        ],
    ),
    ("fragment cycles", &["fragments_that_spread_themselves_are_refused"]),
    ("exponential fragments", &["exponential_fragments_are_refused"]),
    (
        "many operations with one fragment's variables",
        &["many_operations_that_share_a_fragment_of_variables_are_refused"],
    ),
    ("automatic persisted queries: poisoning", &["a_text_is_kept_by_its_own_hash_and_by_no_other"]),
    ("automatic persisted queries: filling up", &["documents_are_kept_within_their_bytes"]),
    ("deep and huge input objects", &["deep_and_huge_input_objects"]),
    ("list literals", &["list_literals_without_end"]),
    (
        "representations without end",
        &["representations_over_a_limit_are_refused_with_its_code_by_every_way_in"],
    ),
    (
        "keys without end",
        &["a_key_that_is_too_long_is_refused_at_its_field_and_nothing_is_called_for_it"],
    ),
    ("pages without end", &["a_page_size_beyond_all_bounds_is_refused_before_any_call"]),
    ("operations of one socket", &["operations_of_one_socket_are_bounded_and_complete_makes_room"]),
    ("sockets that never begin", &["a_client_that_never_says_who_it_is_is_closed"]),
];

/// Names of all tests: functions below an attribute that makes them one.
fn tests() -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![Path::new("tests").to_path_buf(), Path::new("src").to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                    is_test = true;
                } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                    found.push(rest.split('(').next().unwrap().to_owned());
                    is_test = false;
                }
            }
        }
    }
    found
}

#[test]
fn every_attack_of_the_catalogue_has_a_test() {
    let tests = tests();
    let missing: Vec<_> = CATALOGUE
        .iter()
        .flat_map(|(attack, names)| names.iter().map(move |name| (attack, name)))
        .filter(|(_, name)| !tests.iter().any(|test| test == **name))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[tokio::test]
async fn an_answer_has_no_traces_of_the_inside() {
    let site = Site::start().await;
    for body in [
        json!({ "query": "{ nothing }", "extensions": { "tracing": true, "debug": true } }),
        json!({ "query": "{ customer(id: \"x\") { id } }", "extensions": { "tracing": { "version": 1 } } }),
        json!({ "query": "{" }),
        json!({ "query": 7 }),
    ] {
        let request = site.client.post(site.url("/graphql")).json_body(&body);
        let request =
            request.header("x-apollo-tracing", "1").header("apollo-query-plan-experimental", "1");
        let answer = json_of(request.send().await.unwrap()).await;
        assert_eq!(answer.get("extensions"), None, "{answer}");
        for error in answer["errors"].as_array().unwrap() {
            let known = ["code", "backend", "backendCode"];
            let extensions = error["extensions"].as_object().unwrap();
            assert!(extensions.keys().all(|key| known.contains(&key.as_str())), "{error}");
            let text = error.to_string();
            assert!(!text.contains(".rs") && !text.contains("panick"), "{text}");
        }
    }
}

// ---- every way in --------------------------------------------------------------------------------------------------

/// Twenty-six fields inside each other: one more than is allowed, and otherwise fine.
fn too_deep() -> String {
    let nested = "tickets { nodes { requester { ".repeat(9);
    format!("{{ customers {{ nodes {{ {nested} id {} }} }} }}", "} } } ".repeat(9))
}

const CODE: &str = "DEPTH_LIMIT";

fn code(answer: &Value) -> &str {
    codes(answer).first().copied().unwrap_or("-")
}

async fn posted(site: &Site, body: &Value) -> Value {
    json_of(site.client.post(site.url("/graphql")).json_body(body).send().await.unwrap()).await
}

async fn over_a_socket(site: &Site, query: &str) -> Value {
    let mut request = format!("ws://{}/graphql", site.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let messages = [
        json!({ "type": "connection_init" }),
        json!({ "id": "1", "type": "subscribe", "payload": { "query": query } }),
    ];
    for message in messages {
        socket.send(message.to_string().into()).await.unwrap();
    }
    loop {
        let message = socket.next().await.unwrap().unwrap();
        let Ok(text) = message.to_text() else { continue };
        let message: Value = serde_json::from_str(text).unwrap();
        if message["type"] == "error" || message["type"] == "next" {
            return json!({ "errors": message["payload"] });
        }
    }
}

#[tokio::test]
async fn the_guard_stands_at_every_way_in() {
    let config = "http: { batch: { enabled: true } }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    let query = too_deep();
    let before = site.backends.calls();
    let body = json!({ "query": query });
    assert_eq!(code(&posted(&site, &body).await), CODE, "POST");
    let batch = posted(&site, &json!([{ "query": "{ __typename }" }, body])).await;
    assert_eq!(code(&batch[1]), CODE, "a batch");
    let persisted = json!({ "query": query, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash(&query) } } });
    assert_eq!(code(&posted(&site, &persisted).await), CODE, "an automatic persisted query");
    let get = site.client.get(site.url(&format!("/graphql?query={}", encoded(&query))));
    assert_eq!(code(&json_of(get.send().await.unwrap()).await), CODE, "GET");
    assert_eq!(code(&over_a_socket(&site, &query).await), CODE, "a WebSocket");
    let events = site.client.post(site.url("/graphql")).json_body(&body);
    let events = events.header("accept", "text/event-stream").send().await.unwrap();
    assert!(events.text().await.unwrap().contains(CODE), "an event stream");
    assert_eq!(site.backends.calls(), before, "a backend was called");
}
