//! Answers in parts over HTTP.

use serde_json::{Value, json};

use crate::site::{JsonBody as _, Site};

const DEFERRED: &str = "{ customers(first: 1) { nodes { displayName ... @defer(label: \"t\") { tickets(first: 1) { nodes { subject } } } } } }";

/// Content type, whether it is compressed, and the text.
async fn post(site: &Site, query: &str, accept: &str) -> (String, bool, String) {
    let request = site.client.post(site.url("/graphql")).json_body(&json!({ "query": query }));
    let request = request.header("accept", accept).header("accept-encoding", "gzip");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let header =
        |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (content_type, is_compressed) =
        (header("content-type").unwrap(), header("content-encoding").is_some());
    (content_type, is_compressed, response.text().await.unwrap())
}

fn parts(text: &str) -> Vec<Value> {
    let text = text.strip_prefix("\r\n---\r\n").expect("a delimiter");
    let text = text.strip_suffix("\r\n-----\r\n").expect("the last delimiter");
    text.split("\r\n---\r\n")
        .map(|part| {
            let (head, body) = part.split_once("\r\n\r\n").expect("a head");
            assert_eq!(head, "content-type: application/json; charset=utf-8");
            serde_json::from_str(body).expect("JSON")
        })
        .collect()
}

#[tokio::test]
async fn parts_come_in_the_format_that_the_client_accepts_and_are_not_held_back_by_compression() {
    let site = Site::start().await;
    let accept = "multipart/mixed;deferSpec=20220824,application/json";
    let (content_type, is_compressed, text) = post(&site, DEFERRED, accept).await;
    assert_eq!(content_type, "multipart/mixed; boundary=\"-\"; deferSpec=20220824");
    assert!(!is_compressed);
    let answer = parts(&text);
    assert_eq!(answer[0]["hasNext"], true);
    assert_eq!(answer[1]["incremental"][0]["path"], json!(["customers", "nodes", 0]));
    assert_eq!(answer[1]["incremental"][0]["label"], "t");
    let (content_type, _, text) = post(&site, DEFERRED, "application/json, multipart/mixed").await;
    assert_eq!(content_type, "multipart/mixed; boundary=\"-\"; incrementalSpec=v0.2");
    assert_eq!(parts(&text)[1]["completed"], json!([{ "id": "0" }]));
}

#[tokio::test]
async fn clients_that_take_no_parts_get_one_answer() {
    let site = Site::start().await;
    for accept in ["application/json", "*/*", "multipart/mixed;q=0.1, application/json"] {
        let (content_type, _, text) = post(&site, DEFERRED, accept).await;
        assert!(content_type.starts_with("application/json"), "{accept}: {content_type}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["data"]["customers"]["nodes"][0]["tickets"].is_object(), "{answer}");
    }
}

#[tokio::test]
async fn what_defers_nothing_is_one_part_for_clients_that_read_nothing_else() {
    let site = Site::start().await;
    let plain = "{ customers(first: 1) { nodes { displayName } } }";
    let (_, _, text) = post(&site, plain, "multipart/mixed").await;
    let answer = parts(&text);
    assert_eq!(answer.len(), 1);
    assert_eq!(answer[0].get("hasNext"), None);
    let (content_type, _, _) = post(&site, plain, "multipart/mixed, application/json").await;
    assert!(content_type.starts_with("application/json"), "{content_type}");
}
