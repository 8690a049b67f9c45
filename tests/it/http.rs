//! GraphQL over HTTP: methods, media types, statuses, error bodies.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::http_life::exchange;
use crate::site::{JsonBody as _, Setup, Site, json_of};

const RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) allow: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let header = |name: &str| {
            response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        let (content_type, allow) = (header("content-type").unwrap_or_default(), header("allow"));
        Self {
            status: response.status().as_u16(),
            content_type,
            allow,
            body: json_of(response).await,
        }
    }

    pub(crate) fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or("-")
    }

    pub(crate) fn message(&self) -> &str {
        self.body["errors"][0]["message"].as_str().unwrap_or("-")
    }
}

#[tokio::test]
async fn request_errors_have_the_status_of_the_media_type() {
    let site = Site::start().await;
    for (body, code, status_response, status_json) in [
        (json!({ "query": "{ __typename }" }), "-", 200, 200),
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED", 400, 200),
        (json!({ "query": "{ nothing }" }), "GRAPHQL_VALIDATION_FAILED", 400, 200),
        (
            json!({ "query": "query($id: ID!) { customer(id: $id) { id } }" }),
            "BAD_USER_INPUT",
            400,
            200,
        ),
        (
            json!({ "query": "query A { __typename } query B { __typename }" }),
            "OPERATION_RESOLUTION_FAILURE",
            400,
            200,
        ),
        (json!({ "query": 3 }), "BAD_REQUEST", 400, 400),
        (json!({}), "BAD_REQUEST", 400, 400),
        (json!([{ "query": "{ __typename }" }]), "BATCHING_NOT_ENABLED", 400, 400),
    ] {
        for (accept, status) in [(RESPONSE, status_response), (JSON, status_json)] {
            let request =
                site.client.post(site.url("/graphql")).header("accept", accept).json_body(&body);
            let answer = Answer::of(request).await;
            assert_eq!(
                (answer.status, answer.code()),
                (status, code),
                "{accept}: {body}: {}",
                answer.body
            );
            assert_eq!(answer.content_type, format!("{accept}; charset=utf-8"), "{body}");
            assert_eq!(answer.body.get("data").is_some(), code == "-", "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn the_edition_of_2026_has_its_own_statuses() {
    let config = "http: { status_profile: draft-2026 }\n".to_owned();
    let demo = cyclorama::demo::Options {
        fail: vec![cyclorama::demo::Role::Billing],
        ..cyclorama::demo::Options::default()
    };
    let site = Site::with(Setup { demo, config, ..Setup::default() }).await;
    let partial = "{ customers(first: 1) { nodes { displayName balance { amount } } } }";
    for (body, accept, status, content_type) in [
        (json!({ "query": "{ __typename }" }), RESPONSE, 200, RESPONSE),
        (json!({ "query": "{ __typename }" }), JSON, 200, JSON),
        (json!({ "query": "{" }), RESPONSE, 400, RESPONSE),
        (json!({ "query": "{ nothing }" }), RESPONSE, 422, RESPONSE),
        (json!({ "query": "{ nothing }" }), JSON, 422, RESPONSE),
        (json!({ "query": partial }), RESPONSE, 294, RESPONSE),
        (json!({ "query": partial }), JSON, 200, JSON),
        (json!({}), RESPONSE, 422, RESPONSE),
    ] {
        let request =
            site.client.post(site.url("/graphql")).header("accept", accept).json_body(&body);
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, status, "{accept}: {body}: {}", answer.body);
        assert_eq!(
            answer.content_type,
            format!("{content_type}; charset=utf-8"),
            "{accept}: {body}"
        );
    }
}

#[tokio::test]
async fn a_post_without_json_is_told_what_to_send() {
    let site = Site::start().await;
    let url = site.url("/graphql");
    let body = r#"{"query":"{ __typename }"}"#;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/graphql",
    ] {
        let request = site.client.post(&url).header("content-type", content_type).body(body);
        let answer = Answer::of(request).await;
        assert_eq!(
            (answer.status, answer.code()),
            (415, "UNSUPPORTED_MEDIA_TYPE"),
            "{content_type}"
        );
    }
    let answer = Answer::of(site.client.post(&url).body(body)).await;
    assert_eq!(answer.status, 415);
    assert!(answer.message().contains("application/json"), "{}", answer.message());
    let answer = Answer::of(site.client.post(&url).header("content-type", JSON).body("")).await;
    assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST"));
    assert!(answer.message().contains("empty"), "{}", answer.message());
}

#[tokio::test]
async fn a_client_that_reads_no_json_is_refused() {
    let site = Site::start().await;
    let request =
        site.client.get(site.url("/graphql?query=%7B__typename%7D")).header("accept", "image/png");
    let answer = Answer::of(request).await;
    assert_eq!((answer.status, answer.code()), (406, "NOT_ACCEPTABLE"));
}

#[tokio::test]
async fn a_get_runs_queries_and_nothing_else() {
    let site = Site::start().await;
    let get = |pairs: &[(&str, &str)]| {
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        site.client
            .get(site.url(&format!("/graphql?{}", pairs.join("&"))))
            .header("accept", RESPONSE)
    };
    let answer = Answer::of(get(&[
        (
            "query",
            "query A($name: String!) { __type(name: $name) { name } } query B { __typename }",
        ),
        ("operationName", "A"),
        ("variables", r#"{"name":"Customer"}"#),
    ]))
    .await;
    assert_eq!((answer.status, &answer.body["data"]["__type"]["name"]), (200, &json!("Customer")));

    let mutation =
        r#"mutation { addTicketComment(input: { ticketId: "x", body: "y" }) { __typename } }"#;
    let answer = Answer::of(get(&[("query", mutation)])).await;
    assert_eq!((answer.status, answer.code()), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(answer.allow.as_deref(), Some("POST"));
    assert_eq!(site.backends.calls().values().sum::<u64>(), 0);

    let answer = Answer::of(get(&[])).await;
    assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST"));
    let answer = Answer::of(get(&[("query", "{ __typename }"), ("variables", "{")])).await;
    assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST"));
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

#[tokio::test]
async fn other_methods_and_other_addresses_are_told_what_is_there() {
    let site = Site::start().await;
    let without = "http: { streams: { per_client: 0 } }\n".to_owned();
    let without = Site::with(Setup { config: without, ..Setup::default() }).await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = Answer::of(without.client.request(method, without.url("/graphql"))).await;
        assert_eq!((answer.status, answer.allow.as_deref()), (405, Some("GET, POST")));
    }
    let answer = Answer::of(site.client.patch(site.url("/graphql"))).await;
    assert_eq!((answer.status, answer.allow.as_deref()), (405, Some("GET, POST, PUT, DELETE")));
    let answer = Answer::of(site.client.post(site.url("/schema.graphql"))).await;
    assert_eq!((answer.status, answer.allow.as_deref()), (405, Some("GET, HEAD")));
    let answer = Answer::of(site.client.get(site.url("/api"))).await;
    assert_eq!(answer.status, 404);
    assert!(answer.message().contains("/graphql"), "{}", answer.message());
}

#[tokio::test]
async fn head_and_options_run_nothing_and_say_what_is_served() {
    let site = Site::start().await;
    let query = encoded("{ customers(first: 1) { totalCount } }");
    let methods = "GET, POST, PUT, DELETE";
    for (method, status) in [(Method::HEAD, 405), (Method::OPTIONS, 204)] {
        let url = site.url(&format!("/graphql?query={query}"));
        let response = site.client.request(method.clone(), url).send().await.unwrap();
        let headers = response.headers().clone();
        assert_eq!(response.status(), status, "{method}");
        assert_eq!(headers["allow"], methods, "{method}");
        let mut names = headers.keys();
        assert!(!names.any(|name| name.as_str().starts_with("access-control")), "{method}");
        assert_eq!(response.bytes().await.unwrap().len(), 0, "{method}");
    }
    assert_eq!(site.backends.calls().values().sum::<u64>(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not() {
    let config = "limits: { body_bytes: 1KiB }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    let body = json!({ "query": format!("{{ __typename }} #{}", "x".repeat(2000)) }).to_string();
    let post = || site.client.post(site.url("/graphql")).header("content-type", JSON);
    let announced = Answer::of(post().body(body.clone())).await;
    assert_eq!((announced.status, announced.code()), (413, "BODY_TOO_LARGE"));
    assert!(announced.message().contains("1024"), "{}", announced.message());

    let raw = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let answer = exchange(site.address, raw.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let config = "http: { body_timeout: 20ms }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    let raw = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n{";
    let answer = exchange(site.address, raw.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_request_keeps_its_id_or_gets_one() {
    let site = Site::start().await;
    let id_of = async |given: Option<&str>| {
        let mut request = site.client.get(site.url("/livez"));
        if let Some(given) = given {
            request = request.header("x-request-id", given);
        }
        request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(id_of(Some("trace-7/a")).await, "trace-7/a");
    assert_eq!(id_of(None).await.len(), 16);
    assert_eq!(id_of(Some("two words")).await.len(), 16);
    assert_eq!(id_of(Some(&"x".repeat(65))).await.len(), 16);
    assert_ne!(id_of(None).await, id_of(None).await);
}

#[tokio::test]
async fn the_schema_is_sent_once_and_confirmed_after() {
    let site = Site::start().await;
    let response = site.client.get(site.url("/schema.graphql")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    let etag = response.headers()["etag"].clone();
    let text = response.text().await.unwrap();
    assert!(text.contains("type Customer"), "{text}");
    let again = site
        .client
        .get(site.url("/schema.graphql"))
        .header("if-none-match", &etag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.text().await.unwrap(), "");
}

#[tokio::test]
async fn without_introspection_the_schema_is_not_served() {
    let config = "introspection: { enabled: false }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    assert_eq!(site.client.get(site.url("/schema.graphql")).send().await.unwrap().status(), 404);
    let answer = json_of(site.post("{ __schema { queryType { name } } }").await).await;
    assert!(answer.get("data").is_none(), "{answer}");
}

#[tokio::test]
async fn long_answers_are_compressed_for_clients_that_can_read_it() {
    let site = Site::start().await;
    let head = async |path: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\n\r\n");
        exchange(site.address, request.as_bytes()).await
    };
    assert!(head("/schema.graphql").await.contains("content-encoding: gzip"));
    assert!(!head("/livez").await.contains("content-encoding"));
}
