//! Every way in asks the same: the limits, known operations, and who asks.

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::Executor as _;
use cyclorama::config::settings::{Batch, Http};
use cyclorama::engine::EngineExecutor;
use cyclorama::http;
use cyclorama::operation::hash;
use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::federation;
use crate::http::encoded;
use crate::http_events::{Events, TOKEN};
use crate::http_socket::Client;
use crate::site::{JsonBody as _, Setup, Site, json_of};
use crate::testkit::{Deployment, Gateway, codes, customer_id};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Post,
    Get,
    Batch,
    Socket,
    Events,
    EventsByGet,
    /// Through a reserved stream.
    Stream,
}

const WAYS: [Way; 7] =
    [Way::Post, Way::Get, Way::Batch, Way::Socket, Way::Events, Way::EventsByGet, Way::Stream];

/// A server, and who asks it.
struct Asker {
    address: SocketAddr,
    client: reqwest::Client,
    /// Headers of each request.
    headers: Vec<(&'static str, &'static str)>,
}

impl Asker {
    fn of(address: SocketAddr) -> Self {
        Self { address, client: reqwest::Client::builder().build().unwrap(), headers: Vec::new() }
    }

    fn request(&self, method: Method, query: &str) -> RequestBuilder {
        let request =
            self.client.request(method, format!("http://{}/graphql{query}", self.address));
        self.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }

    fn post(&self, members: &Value) -> RequestBuilder {
        self.request(Method::POST, "").json_body(members)
    }

    fn get(&self, members: &Value) -> RequestBuilder {
        let pairs = members.as_object().unwrap().iter().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{name}={}", encoded(&text))
        });
        self.request(Method::GET, &format!("?{}", pairs.collect::<Vec<_>>().join("&")))
    }

    /// What one request is answered by one way: `data`, `errors`.
    async fn ask(&self, way: Way, members: &Value) -> Value {
        match way {
            Way::Post => json_of(self.post(members).send().await.unwrap()).await,
            Way::Get => json_of(self.get(members).send().await.unwrap()).await,
            Way::Batch => {
                let batch = json!([{ "query": "{ __typename }" }, members]);
                let mut answer = json_of(self.post(&batch).send().await.unwrap()).await;
                answer.get_mut(1).unwrap_or_else(|| panic!("no batch")).take()
            }
            Way::Socket => self.through_socket(members).await,
            Way::Events => Events::of(self.post(members)).await.payload().await,
            Way::EventsByGet => Events::of(self.get(members)).await.payload().await,
            Way::Stream => self.through_stream(members).await,
        }
    }

    async fn through_socket(&self, members: &Value) -> Value {
        let mut client = Client::ready_at(self.address, &self.headers).await;
        client.send(json!({ "id": "1", "type": "subscribe", "payload": members })).await;
        let mut message = client.next().await;
        match message["type"].as_str() {
            Some("error") => json!({ "errors": message["payload"] }),
            _ => message["payload"].take(),
        }
    }

    async fn through_stream(&self, members: &Value) -> Value {
        let put = self.request(Method::PUT, "").send().await.unwrap();
        let token = put.text().await.unwrap();
        let open = self.request(Method::GET, "").header(TOKEN, &token);
        let mut events = Events::of(open).await;
        let mut members = members.clone();
        members["extensions"]["operationId"] = json!("1");
        let sent = self.post(&members).header(TOKEN, &token).send().await.unwrap();
        if sent.status() == 202 {
            return events.payload().await["payload"].take();
        }
        assert!(sent.status().is_client_error(), "{}", sent.status());
        json_of(sent).await
    }
}

fn code(answer: &Value) -> &str {
    codes(answer).first().copied().unwrap_or("-")
}

/// The small deployment over backends in memory, served over a real socket.
async fn served(gateway: &Gateway) -> SocketAddr {
    let batch = Batch { enabled: true, ..Batch::default() };
    let http = Http { batch, ..Http::default() };
    let settings = http::Settings { http, ..http::Settings::default() };
    let edge = http::Server::new(Arc::clone(&gateway.engine), settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(http::serve(listener, edge, std::future::pending()));
    address
}

fn many(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// A request over each limit, and the code of its refusal.
fn over_the_limits() -> Vec<(&'static str, Value)> {
    let document = |text: String| json!({ "query": text });
    let bomb = many(14, |n| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }} ", n + 1));
    let circles =
        "{ __type(name: \"Query\") { fields { type { fields { type { fields { name } } } } } } }";
    vec![
        ("GRAPHQL_PARSE_FAILED", document("{".to_owned())),
        ("GRAPHQL_VALIDATION_FAILED", document("{ nothing }".to_owned())),
        ("DOCUMENT_BYTES_LIMIT", document(format!("{{ weather }} #{}", "x".repeat(20_000)))),
        ("TOKENS_LIMIT", document(format!("{{ a{} }}", " b".repeat(4000)))),
        (
            "NESTING_LIMIT",
            document(format!("{{ weather(place: {}{}) }}", "[".repeat(70), "]".repeat(70))),
        ),
        ("DEPTH_LIMIT", document(format!("{}a{}", "{ a ".repeat(30), "}".repeat(30)))),
        (
            "SELECTIONS_LIMIT",
            document(format!("{{ ...F0 }} {bomb} fragment F14 on Query {{ weather }}")),
        ),
        (
            "SPREAD_TOKENS_LIMIT",
            document(format!(
                "{{ a {{ {} }} }} fragment F on Query {{ b(c: [{}]) }}",
                many(48, |n| format!("x{n} {{ ...F }} ")),
                "1 ".repeat(900)
            )),
        ),
        (
            "SPREAD_BYTES_LIMIT",
            document(format!(
                "{{ a {{ {} }} }} fragment F on Query {{ {} }}",
                many(70, |n| format!("x{n} {{ ...F }} ")),
                "b".repeat(8_000)
            )),
        ),
        (
            "STEPS_LIMIT",
            document(format!(
                "{{ {} }}",
                many(16, |n| format!("a{n}: customers {{ totalCount }} "))
            )),
        ),
        ("ALIASES_LIMIT", document(format!("{{ {} }}", many(101, |n| format!("a{n}: weather "))))),
        (
            "ROOT_FIELDS_LIMIT",
            document(format!("{{ {} }}", many(21, |n| format!("a{n}: weather ")))),
        ),
        ("OPERATIONS_LIMIT", document(many(11, |n| format!("query Q{n} {{ weather }} ")))),
        ("DIRECTIVES_LIMIT", document(format!("{{ weather {} }}", "@skip(if: false) ".repeat(51)))),
        (
            "DUPLICATES_LIMIT",
            document(format!("{{ customers {{ {} }} }}", "totalCount ".repeat(51))),
        ),
        ("LIST_ITEMS_LIMIT", document(format!("{{ weather(place: [{}]) }}", "1 ".repeat(1001)))),
        ("INTROSPECTION_DEPTH_LIMIT", document(circles.to_owned())),
        (
            "PAGE_SIZE_LIMIT",
            json!({ "query": "query($n: Int) { customers(first: $n) { totalCount } }", "variables": { "n": 1_000_000_000 } }),
        ),
        (
            "VARIABLES_LIMIT",
            json!({
                "query": "query($place: String) { weather(place: $place) }",
                "variables": { "place": "x".repeat(2000) },
            }),
        ),
    ]
}

#[tokio::test]
async fn a_request_over_a_limit_is_refused_with_its_code_by_every_way_in() {
    let limits =
        "deadline: 10s\nlimits: { document_bytes: 16KiB, variables_bytes: 1KiB, steps: 15 }";
    let gateway = Deployment::new().change("cyclorama.yaml", "deadline: 10s", limits).start();
    let asker = Asker::of(served(&gateway).await);
    for (expected, members) in over_the_limits() {
        for way in WAYS {
            // those two are limits of the batch as a whole as well
            let is_whole = matches!(expected, "DOCUMENT_BYTES_LIMIT" | "VARIABLES_LIMIT");
            if way == Way::Batch && is_whole {
                let answer = json_of(asker.post(&json!([members])).send().await.unwrap()).await;
                assert_eq!(code(&answer), "BATCH_LIMIT_EXCEEDED");
                continue;
            }
            let answer = asker.ask(way, &members).await;
            assert_eq!(code(&answer), expected, "{way:?}: {answer}");
        }
        let text = members["query"].as_str().unwrap();
        let variables = async_graphql::Variables::from_json(members["variables"].clone());
        let request = async_graphql::Request::new(text).variables(variables);
        let answer = EngineExecutor(Arc::clone(&gateway.engine)).execute(request).await;
        let answer = serde_json::to_value(answer).unwrap();
        assert_eq!(code(&answer), expected, "the executor: {answer}");
    }
    assert_eq!(gateway.lines(), Vec::<String>::new());
}

/// A router's representations over each limit: the code of the refusal, and where it stands in an answer that is not refused whole.
fn representations_over_the_limits() -> Vec<(&'static str, Value, Value)> {
    let customer = |key: &str| json!({ "__typename": "Customer", "id": customer_id(key) });
    let by_variable = |of: Vec<Value>| {
        let query = "query($of: [_Any!]!) { _entities(representations: $of) { __typename } }";
        json!({ "query": query, "variables": { "of": of } })
    };
    let literal = |of: String| json!({ "query": format!("{{ _entities(representations: [{of}]) {{ __typename }} }}") });
    let mut deep = customer("c1");
    deep["tags"] = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let mut long = customer("c1");
    long["name"] = json!("x".repeat(2000));
    let one = |members: &str| format!("{{ __typename: \"Customer\", id: \"x\" {members} }} ");
    let nested = format!("tags: {}{}", "[".repeat(70), "]".repeat(70));
    let many_customers = (0..21).map(|_| customer("c1")).collect();
    vec![
        // how many
        ("OBJECTS_LIMIT", by_variable(many_customers), json!(["_entities"])),
        ("OBJECTS_LIMIT", literal(one("").repeat(21)), json!(["_entities"])),
        ("LIST_ITEMS_LIMIT", literal(one("").repeat(31)), Value::Null),
        // how deep
        ("VARIABLES_LIMIT", by_variable(vec![deep]), Value::Null),
        ("NESTING_LIMIT", literal(one(&nested)), Value::Null),
        // how long
        ("VARIABLES_LIMIT", by_variable(vec![long]), Value::Null),
        ("KEY_BYTES_LIMIT", by_variable(vec![customer(&"x".repeat(65))]), json!(["_entities", 0])),
    ]
}

#[tokio::test]
async fn representations_over_a_limit_are_refused_with_its_code_by_every_way_in() {
    let limits = "deadline: 10s\nlimits: { objects: 20, list_items: 30, variables_bytes: 1900, key_bytes: 64 }";
    let gateway =
        federation::deployment().change("cyclorama.yaml", "deadline: 10s", limits).start();
    let asker = Asker::of(served(&gateway).await);
    for (expected, members, path) in representations_over_the_limits() {
        for way in WAYS {
            // the bytes of the variables are a limit of the batch as a whole as well
            if way == Way::Batch && members["variables"].to_string().len() > 1900 {
                let answer = json_of(asker.post(&json!([members])).send().await.unwrap()).await;
                assert_eq!((expected, code(&answer)), ("VARIABLES_LIMIT", "BATCH_LIMIT_EXCEEDED"));
                continue;
            }
            let answer = asker.ask(way, &members).await;
            assert_eq!(codes(&answer), [expected], "{way:?}: {answer}");
            assert_eq!(answer["errors"][0]["path"], path, "{way:?}: {answer}");
        }
        let text = members["query"].as_str().unwrap();
        let variables = async_graphql::Variables::from_json(members["variables"].clone());
        let request = async_graphql::Request::new(text).variables(variables);
        let answer = EngineExecutor(Arc::clone(&gateway.engine)).execute(request).await;
        let answer = serde_json::to_value(answer).unwrap();
        assert_eq!(codes(&answer), [expected], "the executor: {answer}");
    }
    assert_eq!(gateway.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_document_that_is_sent_with_its_hash_passes_the_same_guard_and_so_does_the_hash() {
    let limits = "deadline: 10s\nlimits: { variables_bytes: 1KiB, steps: 15 }";
    let gateway = Deployment::new().change("cyclorama.yaml", "deadline: 10s", limits).start();
    let asker = Asker::of(served(&gateway).await);
    for (expected, members) in over_the_limits() {
        let text = members["query"].as_str().unwrap();
        let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(text) } });
        let mut register = members.clone();
        register["extensions"] = persisted.clone();
        let variables = &members["variables"];
        let by_hash = json!({ "variables": variables, "extensions": persisted });
        // a document that is refused is not kept; one whose variables are wrong is
        let is_kept = !variables.is_null();
        let expected_by_hash = if is_kept { expected } else { "PERSISTED_QUERY_NOT_FOUND" };
        for way in [Way::Post, Way::Get, Way::Socket, Way::Events, Way::Stream] {
            let answer = asker.ask(way, &register).await;
            let is_long = expected == "DOCUMENT_BYTES_LIMIT";
            assert_eq!(code(&answer), if is_long { "-" } else { expected }, "{way:?}: {answer}");
            if !is_long {
                let answer = asker.ask(way, &by_hash).await;
                assert_eq!(code(&answer), expected_by_hash, "{way:?}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn trusted_documents_alone_run_by_every_way_in_and_within_the_limits() {
    let page = "query Page($first: Int) { customers(first: $first) { nodes { id } } }";
    let config = "known_operations: { documents: trusted.json, mode: ids }\nhttp: { batch: { enabled: true } }\n";
    let manifest = json!({ "page": page }).to_string();
    let files = vec![("trusted.json", manifest)];
    let site = Site::with(Setup { config: config.to_owned(), files, ..Setup::default() }).await;
    let asker = Asker::of(site.address);
    for way in WAYS {
        for (members, expected) in [
            (json!({ "id": "page", "variables": { "first": 1 } }), "-"),
            (json!({ "id": "page", "variables": { "first": 1_000_000_000 } }), "PAGE_SIZE_LIMIT"),
            (json!({ "id": "other" }), "PERSISTED_QUERY_NOT_FOUND"),
            (json!({ "query": page }), "PERSISTED_QUERY_ID_REQUIRED"),
        ] {
            let answer = if way == Way::Batch {
                let batch = json!([members]);
                json_of(asker.post(&batch).send().await.unwrap()).await[0].take()
            } else {
                asker.ask(way, &members).await
            };
            assert_eq!(code(&answer), expected, "{way:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn two_who_ask_at_once_by_any_way_each_see_their_own() {
    let gateway = Deployment::new().start();
    let address = served(&gateway).await;
    let query = json!({ "query": "{ weather(place: \"Graz\") }" });
    let ask = async |way: Way, region: &'static str| {
        let asker = Asker { headers: vec![("x-region", region)], ..Asker::of(address) };
        let answer = asker.ask(way, &query).await;
        assert_eq!(
            answer,
            json!({ "data": { "weather": format!("Graz in {region}") } }),
            "{way:?}"
        );
    };
    for _ in 0..3 {
        let all =
            WAYS.iter().flat_map(|way| ["north", "south", "east"].map(|region| ask(*way, region)));
        join_all(all).await;
    }
    // and what the same one may see is fetched once
    assert_eq!(gateway.lines().len(), 3);
}
