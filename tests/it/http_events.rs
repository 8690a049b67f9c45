//! GraphQL over server-sent events: a stream for each operation, and one reserved stream for many.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::{Answer, encoded};
use crate::http_life::{ONE_CUSTOMER, head, silent_crm};
use crate::site::{JsonBody as _, Setup, Site};

const STREAM: &str = "text/event-stream";
pub(crate) const TOKEN: &str = "x-graphql-event-stream-token";

async fn with(config: &str) -> Site {
    Site::with(Setup { config: config.to_owned(), ..Setup::default() }).await
}

/// The events of a stream, one by one. A comment is an event without a name.
pub(crate) struct Events {
    response: Response,
    text: String,
}

impl Events {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.header("accept", STREAM).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], STREAM);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut events = Self { response, text: String::new() };
        assert_eq!(events.next().await, Some((String::new(), String::new())));
        events
    }

    async fn next(&mut self) -> Option<(String, String)> {
        while !self.text.contains("\n\n") {
            let chunk = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let line = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().to_owned()
        };
        let found = (line("event: "), line("data: "));
        self.text = rest.to_owned();
        Some(found)
    }

    /// The data of the next event, which must be `next`.
    pub(crate) async fn payload(&mut self) -> Value {
        let (event, data) = self.next().await.unwrap();
        assert_eq!(event, "next", "{data}");
        serde_json::from_str(&data).unwrap()
    }

    async fn complete(&mut self) -> String {
        let (event, data) = self.next().await.unwrap();
        assert_eq!(event, "complete", "{data}");
        data
    }
}

fn post(site: &Site, query: &str) -> RequestBuilder {
    site.client.post(site.url("/graphql")).json_body(&json!({ "query": query }))
}

fn code(payload: &Value) -> &str {
    payload["errors"][0]["extensions"]["code"].as_str().unwrap_or("-")
}

#[tokio::test]
async fn an_operation_is_answered_by_a_stream_of_its_own() {
    let site = Site::start().await;
    let query = "{ customers(first: 2) { nodes { id } } }";
    let get = site.client.get(site.url(&format!("/graphql?query={}", encoded(query))));
    for request in [post(&site, query), get.header("last-event-id", "7")] {
        let mut events = Events::of(request).await;
        let payload = events.payload().await;
        assert_eq!(payload["data"]["customers"]["nodes"].as_array().map(Vec::len), Some(2));
        assert_eq!(events.complete().await, "");
        assert_eq!(events.next().await, None);
    }
    for (query, expected) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { anything }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { customer(id: $id) { id } }", "BAD_USER_INPUT"),
    ] {
        let mut events = Events::of(post(&site, query)).await;
        let payload = events.payload().await;
        assert_eq!((code(&payload), payload.get("data")), (expected, None), "{payload}");
        events.complete().await;
    }
}

#[tokio::test]
async fn what_is_no_operation_is_told_without_a_stream() {
    let site = with("http: { batch: { enabled: true } }\n").await;
    let mutation = encoded("mutation { __typename }");
    let graphql = site.url("/graphql");
    let json = "application/json";
    for (request, status, code) in [
        (site.client.post(&graphql).json_body(&json!({})), 400, "BAD_REQUEST"),
        (site.client.post(&graphql).json_body(&json!([])), 400, "BATCHING_NOT_ENABLED"),
        (site.client.post(&graphql).header("content-type", json).body("{"), 400, "BAD_REQUEST"),
        (site.client.post(&graphql).body("{}"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (site.client.get(&graphql), 400, "BAD_REQUEST"),
        (site.client.get(format!("{graphql}?query={mutation}")), 405, "METHOD_NOT_ALLOWED"),
    ] {
        let answer = Answer::of(request.header("accept", STREAM)).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.body);
        assert!(answer.content_type.starts_with(json), "{}", answer.content_type);
    }
}

#[tokio::test]
async fn a_stream_says_something_while_it_waits() {
    let (crm, setup) = silent_crm().await;
    let config = "http: { streams: { keep_alive: 1ms } }\n".to_owned();
    let site = Site::with(Setup { config, ..setup }).await;
    let mut events = Events::of(post(&site, ONE_CUSTOMER)).await;
    let call = crm.accept().await.unwrap();
    for _ in 0..3 {
        assert_eq!(events.next().await, Some((String::new(), String::new())));
    }
    drop(call);
}

/// Ready when the other side of a call has gone.
async fn gone(mut call: TcpStream) {
    let mut rest = Vec::new();
    call.read_to_end(&mut rest).await.unwrap_or_default();
}

#[tokio::test]
async fn a_client_that_leaves_its_stream_takes_its_calls_with_it() {
    let (crm, setup) = silent_crm().await;
    let site = Site::with(setup).await;
    let events = Events::of(post(&site, ONE_CUSTOMER)).await;
    let (mut call, _) = crm.accept().await.unwrap();
    head(&mut call).await;
    drop(events);
    gone(call).await;
    let token = reserved(&site).await;
    let events = Events::of(open(&site, &token)).await;
    assert_eq!(submit(&site, &token, "1", ONE_CUSTOMER).await.0, 202);
    let (mut call, _) = crm.accept().await.unwrap();
    head(&mut call).await;
    drop(events);
    gone(call).await;
    // and the token is over with its stream
    for _ in 0..1000 {
        if submit(&site, &token, "2", ONE_CUSTOMER).await.0 == 404 {
            return;
        }
    }
    panic!("the token outlives its stream");
}

async fn reserved(site: &Site) -> String {
    let response = site.client.put(site.url("/graphql")).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    response.text().await.unwrap()
}

fn open(site: &Site, token: &str) -> RequestBuilder {
    site.client.get(site.url("/graphql")).header(TOKEN, token)
}

/// Status and code of an operation that is sent with a token.
async fn submit(site: &Site, token: &str, id: &str, query: &str) -> (u16, String) {
    let body = json!({ "query": query, "extensions": { "operationId": id } });
    status_of(site.client.post(site.url("/graphql")).header(TOKEN, token).json_body(&body)).await
}

async fn status_of(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    (status, code(&body).to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn accepted() -> (u16, String) {
    refused(202, "-")
}

#[tokio::test]
async fn many_operations_are_answered_through_one_reserved_stream() {
    let site = Site::start().await;
    let token = reserved(&site).await;
    // what is sent before the stream is open waits for it
    assert_eq!(submit(&site, &token, "early", "{ __typename }").await, accepted());
    let by_parameter = site.client.get(site.url(&format!("/graphql?token={token}")));
    let mut events = Events::of(by_parameter.header("last-event-id", "7")).await;
    let payload = events.payload().await;
    assert_eq!(payload, json!({ "id": "early", "payload": { "data": { "__typename": "Query" } } }));
    assert_eq!(events.complete().await, r#"{"id":"early"}"#);
    for id in ["a", "a", "\"b\"\n"] {
        assert_eq!(
            submit(&site, &token, id, "{ customers(first: 1) { totalCount } }").await,
            accepted()
        );
        let payload = events.payload().await;
        assert_eq!((payload["id"].as_str(), code(&payload["payload"])), (Some(id), "-"));
        assert_eq!(events.complete().await, json!({ "id": id }).to_string());
    }
    let extensions = json!({ "operationId": "by-get" }).to_string();
    let url = reqwest::Url::parse_with_params(
        &site.url("/graphql"),
        [("query", "{ __typename }"), ("extensions", &extensions), ("token", &token)],
    );
    let get = site.client.get(url.unwrap()).header("accept", "application/json");
    assert_eq!(status_of(get).await, accepted());
    assert_eq!(events.payload().await["id"], "by-get");
    events.complete().await;
    // errors of variables are found when it runs
    let wrong = "query($id: ID!) { customer(id: $id) { id } }";
    assert_eq!(submit(&site, &token, "wrong", wrong).await, accepted());
    assert_eq!(code(&events.payload().await["payload"]), "BAD_USER_INPUT");
}

#[tokio::test]
async fn what_is_wrong_with_a_stream_or_its_operations_has_its_status() {
    let (crm, setup) = silent_crm().await;
    let config = "http: { streams: { operations: 2, per_client: 2 } }\n".to_owned();
    let site = Site::with(Setup { config, ..setup }).await;
    let (token, graphql) = (reserved(&site).await, site.url("/graphql"));
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let request = site.client.request(method, &graphql).header(TOKEN, "unknown");
        let request = request.header("accept", "text/event-stream, application/json;q=0.9");
        assert_eq!(status_of(request).await, refused(404, "STREAM_NOT_FOUND"));
    }
    let nothing = site.client.delete(&graphql);
    assert_eq!(status_of(nothing).await, refused(404, "STREAM_NOT_FOUND"));
    let mut events = Events::of(open(&site, &token)).await;
    let again = open(&site, &token).header("accept", STREAM);
    assert_eq!(status_of(again).await, refused(409, "STREAM_CONFLICT"));
    for extensions in [
        json!({}),
        json!({ "operationId": "" }),
        json!({ "operationId": 7 }),
        json!({ "operationId": "x".repeat(257) }),
    ] {
        let body = json!({ "query": "{ __typename }", "extensions": extensions });
        let request = site.client.post(&graphql).header(TOKEN, &token).json_body(&body);
        assert_eq!(status_of(request).await, refused(400, "BAD_REQUEST"), "{extensions}");
    }
    let unread = json!({ "query": "{", "extensions": { "operationId": "1" } });
    let unread = site.client.post(&graphql).header(TOKEN, &token).json_body(&unread);
    assert_eq!(status_of(unread).await, refused(400, "GRAPHQL_PARSE_FAILED"));
    assert_eq!(submit(&site, &token, "1", ONE_CUSTOMER).await, accepted());
    assert_eq!(submit(&site, &token, "1", "{ __typename }").await, refused(409, "STREAM_CONFLICT"));
    let (mut call, _) = crm.accept().await.unwrap();
    head(&mut call).await;
    let other = ONE_CUSTOMER.replace("ada", "bob");
    assert_eq!(submit(&site, &token, "2", &other).await, accepted());
    let limit = refused(429, "STREAM_OPERATIONS_LIMIT");
    assert_eq!(submit(&site, &token, "3", "{ __typename }").await, limit);
    let delete =
        |query: &str| site.client.delete(format!("{graphql}{query}")).header(TOKEN, &token);
    assert_eq!(status_of(delete("")).await, refused(400, "BAD_REQUEST"));
    // given up: its call ends, and there is room again, also for its name
    assert_eq!(status_of(delete("?operationId=1")).await.0, 200);
    gone(call).await;
    assert_eq!(status_of(delete("?operationId=1")).await.0, 200);
    assert_eq!(submit(&site, &token, "1", "{ __typename }").await, accepted());
    assert_eq!(events.payload().await["id"], "1");
    reserved(&site).await;
    let third = site.client.put(&graphql);
    assert_eq!(status_of(third).await, refused(429, "STREAMS_LIMIT"));
}

#[tokio::test]
async fn a_stream_is_there_for_nobody_but_who_reserved_it() {
    let site = with("forward_headers: [x-user]\n").await;
    let as_user = |request: RequestBuilder, user: &str| request.header("x-user", user);
    let put = as_user(site.client.put(site.url("/graphql")), "ada").send().await.unwrap();
    let token = put.text().await.unwrap();
    let operation = json!({ "query": "{ __typename }", "extensions": { "operationId": "1" } });
    let post =
        || site.client.post(site.url("/graphql")).header(TOKEN, &token).json_body(&operation);
    let delete = || site.client.delete(site.url("/graphql?operationId=1")).header(TOKEN, &token);
    let get = || open(&site, &token).header("accept", STREAM);
    for request in [get(), post(), delete()] {
        assert_eq!(status_of(request).await, refused(404, "STREAM_NOT_FOUND"));
    }
    for request in [get(), post(), delete()] {
        let request = as_user(request, "bob");
        assert_eq!(status_of(request).await, refused(404, "STREAM_NOT_FOUND"));
    }
    let mut events = Events::of(as_user(open(&site, &token), "ada")).await;
    assert_eq!(status_of(as_user(post(), "ada")).await, accepted());
    assert_eq!(events.payload().await["id"], "1");
}

#[tokio::test]
async fn a_reservation_that_nobody_takes_up_ends() {
    let site = with("http: { streams: { reservation: 0ms, per_client: 1 } }\n").await;
    for _ in 0..3 {
        let token = reserved(&site).await;
        let request = open(&site, &token).header("accept", STREAM);
        assert_eq!(status_of(request).await, refused(404, "STREAM_NOT_FOUND"));
    }
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let mut site = Site::start().await;
    let token = reserved(&site).await;
    let mut events = Events::of(open(&site, &token)).await;
    assert_eq!(submit(&site, &token, "1", "{ __typename }").await, accepted());
    events.payload().await;
    events.complete().await;
    site.stop();
    assert_eq!(events.next().await, None);
    site.ended().await.unwrap();
}

#[tokio::test]
async fn events_are_not_held_back_to_be_compressed() {
    let site = Site::start().await;
    let body = json!({ "query": "{ __schema { types { name fields { name } } } }" }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: {STREAM}\r\naccept-encoding: gzip\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = head(&mut stream).await;
    assert!(answer.contains(STREAM) && !answer.contains("content-encoding"), "{answer}");
    assert!(answer.contains("x-accel-buffering: no"), "{answer}");
}
