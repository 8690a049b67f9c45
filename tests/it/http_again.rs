//! Whole answers given again over HTTP: to who sends the same and reads it in the same way; by the same rules as what runs.

use cyclorama::telemetry::exposition::Exposition;
use reqwest::Response;
use serde_json::{Value, json};

use crate::site::{JsonBody as _, Setup, Site, json_of};

/// A customer by address, with something that may come later.
const QUERY: &str = "query Mine($email: String!) { customerByEmail(email: $email) { displayName ... @defer { id } } }";

fn body(site: &Site) -> Value {
    let email = site.backends.first_customer().0;
    json!({ "query": QUERY, "operationName": "Mine", "variables": { "email": email } })
}

async fn post(site: &Site, accept: &str, more: &[(&str, &str)]) -> Response {
    let request = site.client.post(site.url("/graphql")).header("accept", accept);
    let request = more.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.json_body(&body(site)).send().await.unwrap()
}

fn given_again(site: &Site) -> u64 {
    let mut out = Exposition::default();
    site.gateway.engine().expose(&mut out);
    let text = out.to_text();
    let mut counts =
        text.lines().filter_map(|line| line.strip_prefix("cyclorama_graphql_given_again_total "));
    counts.next().unwrap().parse().unwrap()
}

/// A site that has the answer at hand, and the answer.
async fn warm(config: &str) -> (Site, Value) {
    let site = Site::with(Setup { config: config.to_owned(), ..Setup::default() }).await;
    let first = json_of(post(&site, "application/json", &[]).await).await;
    assert!(first["data"]["customerByEmail"]["displayName"].is_string(), "{first:#}");
    for _ in 0..2 {
        assert_eq!(json_of(post(&site, "application/json", &[]).await).await, first);
    }
    assert_eq!(given_again(&site), 1, "the first two times it ran");
    (site, first)
}

#[tokio::test]
async fn each_client_reads_it_in_the_media_type_that_it_asked_for() {
    let (site, first) = warm("").await;
    for accept in ["application/graphql-response+json", "application/json"] {
        let answer = post(&site, accept, &[]).await;
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(accept));
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert!(answer.headers().contains_key("x-request-id"));
        assert_eq!(json_of(answer).await, first);
    }
    assert_eq!(given_again(&site), 3);
    assert_eq!(post(&site, "text/html", &[]).await.status(), 406);
}

#[tokio::test]
async fn who_takes_parts_a_stream_or_a_trace_is_answered_anew() {
    let (site, first) = warm("").await;
    let parts = post(&site, "multipart/mixed;deferSpec=20220824, application/json", &[]).await;
    let kind = parts.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("multipart/mixed"), "{kind}");
    let parts = parts.text().await.unwrap();
    assert!(parts.contains("\"hasNext\":true") && parts.contains("\"hasNext\":false"), "{parts}");
    let events = post(&site, "text/event-stream", &[]).await.text().await.unwrap();
    assert!(events.contains("event: next") && events.contains("event: complete"), "{events}");
    let traced = &[("apollo-federation-include-trace", "ftv1")];
    let traced = json_of(post(&site, "application/json", traced).await).await;
    assert!(traced["extensions"]["ftv1"].is_string(), "{traced:#}");
    assert_eq!(traced["data"], first["data"]);
    assert_eq!(given_again(&site), 1);
}

#[tokio::test]
async fn it_is_paid_for_like_one_that_runs() {
    let (site, _) = warm("http: { rate_limit: { budget: 8, per: 1h, burst: 8 } }\n").await;
    let mut left = None;
    for _ in 0..8 {
        let answer = post(&site, "application/json", &[]).await;
        if answer.status() == 429 {
            assert!(answer.headers().contains_key("retry-after"));
            assert!(given_again(&site) > 1);
            return;
        }
        let told = answer.headers()["ratelimit"].to_str().unwrap().to_owned();
        assert_ne!(left.replace(told.clone()), Some(told), "each takes from the budget");
    }
    panic!("the budget has an end");
}

#[tokio::test]
async fn a_request_by_its_hash_is_looked_up_by_its_hash_each_time() {
    let (site, first) = warm("").await;
    let hash = cyclorama::operation::hash(QUERY);
    let mut by_hash = body(&site);
    by_hash["extensions"] = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    for _ in 0..3 {
        let request = site.client.post(site.url("/graphql")).json_body(&by_hash);
        assert_eq!(json_of(request.send().await.unwrap()).await, first);
    }
    assert_eq!(given_again(&site), 1);
}
