//! More than the server takes on: refused at once and said at `/readyz`, while what runs is answered; and clients that ask for
//! more than their budget holds.

use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};

use crate::http_socket::Client;
use crate::program::{Backend, Served, customer_query, deployment};
use crate::site::{JsonBody as _, json_of};
use crate::testkit::codes;

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn post(served: &Served, key: &str, client: &str) -> Response {
    let url = format!("http://{}/graphql", served.address);
    let request = served.client.post(url).header("x-client", client);
    request.json_body(&json!({ "query": customer_query(key) })).send().await.unwrap()
}

fn subscribe(id: &str) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": customer_query("socket") } })
}

#[tokio::test]
async fn operations_beyond_the_bound_are_refused_at_once_and_those_within_are_answered() {
    let mut backend = Backend::start().await;
    let overload = "http: { overload: { operations: 3, retry_after: 2s, unready_after: 5 } }\n";
    let folder = deployment("overloaded", &backend, overload);
    let served = Arc::new(Served::start(&folder.path("cyclorama.yaml")).await);
    let mut socket = Client::ready_at(served.address, &[]).await;
    backend.hold();
    let running: Vec<_> = (0..3)
        .map(|number| {
            let served = Arc::clone(&served);
            tokio::spawn(async move { post(&served, &number.to_string(), "a").await })
        })
        .collect();
    backend.asked_times(3).await;
    // nobody opens the gate: whoever is answered now did not wait for the backend
    for number in 0..4 {
        let refused = post(&served, &number.to_string(), "a").await;
        assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (503, "2"));
        assert_eq!(codes(&json_of(refused).await), ["OVERLOADED"]);
    }
    assert_eq!(served.get("/readyz").await, (200, "ready\n".to_owned()));
    socket.send(subscribe("1")).await;
    let refused = socket.next().await;
    assert_eq!(
        (&refused["type"], &refused["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("OVERLOADED"))
    );
    assert_eq!(served.get("/readyz").await, (503, "overloaded\n".to_owned()));
    assert!(
        served.get("/readyz?verbose").await.1.contains("[-] operations: 3 run, 5 were refused")
    );
    assert_eq!(backend.asked(), 3);
    backend.open();
    for answer in join_all(running).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(post(&served, "9", "a").await.status(), 200);
    let state = served.state().await;
    assert_eq!(
        state["operations"],
        json!({ "running": 0, "admitted": 4, "shed": 5, "rateLimited": 0 })
    );
}

#[tokio::test]
async fn parts_streams_and_sockets_give_their_places_back() {
    let backend = Backend::start().await;
    let folder = deployment("places", &backend, "http: { overload: { operations: 1 } }\n");
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    let deferred = customer_query("a").replace("{ name }", "{ id ... @defer { name } }");
    let url = format!("http://{}/graphql", served.address);
    let mut socket = Client::ready_at(served.address, &[]).await;
    for round in 0..3 {
        for accept in ["multipart/mixed", "text/event-stream", "application/json"] {
            let request = served.client.post(&url).header("accept", accept);
            let answer = request.json_body(&json!({ "query": deferred })).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{accept} in round {round}");
            let text = answer.text().await.unwrap();
            assert!(text.contains("Customer a"), "{text}");
        }
        socket.send(subscribe("1")).await;
        while socket.next().await["type"] != "complete" {}
    }
    assert_eq!(served.state().await["operations"]["running"], 0);
}

const LIMITED: &str =
    "http: { rate_limit: { budget: 4, per: 1h, key: header, header: X-Client } }\n";

#[tokio::test]
async fn each_client_has_a_budget_of_cost_and_is_told_what_is_left_and_when_to_come_again() {
    let backend = Backend::start().await;
    let folder = deployment("limited", &backend, LIMITED);
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    for left in ["3", "2", "1", "0"] {
        let answer = post(&served, "a", "one").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"default\";q=4;w=3600");
        let told = header(&answer, "ratelimit").to_owned();
        assert!(told.starts_with(&format!("\"default\";r={left};t=")), "{told}");
    }
    let refused = post(&served, "a", "one").await;
    assert_eq!(refused.status(), 429);
    let after: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=900).contains(&after), "a unit falls due every quarter of an hour: {after}");
    assert!(header(&refused, "ratelimit").starts_with("\"default\";r=0;t="));
    assert_eq!(codes(&json_of(refused).await), ["RATE_LIMITED"]);
    // the others have their own, also those who do not say who they are
    assert_eq!(post(&served, "a", "other").await.status(), 200);
    assert_eq!(served.query(&customer_query("a")).await.get("errors"), None);
    let mut socket = Client::ready_at(served.address, &[("x-client", "one")]).await;
    socket.send(subscribe("1")).await;
    assert_eq!(socket.next().await["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    assert_eq!(served.state().await["operations"]["rateLimited"], 2);
    // and a reload gives nothing back
    let config = std::fs::read_to_string(folder.path("cyclorama.yaml")).unwrap();
    folder.write("cyclorama.yaml", &format!("{config}deadline: 9s\n"));
    assert_eq!(served.post_admin("/reload", None).await.1["outcome"], "applied");
    assert_eq!(post(&served, "a", "one").await.status(), 429);
}

#[tokio::test]
async fn what_an_operation_costs_is_what_it_takes() {
    let backend = Backend::start().await;
    let folder = deployment("costly", &backend, LIMITED);
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    let many: String = ["a", "b", "c"]
        .map(|key| {
            customer_query(key)
                .trim_start_matches('{')
                .trim_end_matches('}')
                .replace("customer(", &format!("{key}: customer("))
        })
        .concat();
    let url = format!("http://{}/graphql", served.address);
    let query = json!({ "query": format!("{{ {many} }}") });
    let ask = || served.client.post(&url).header("x-client", "one").json_body(&query).send();
    let answer = ask().await.unwrap();
    assert!(header(&answer, "ratelimit").starts_with("\"default\";r=1;t="), "{answer:?}");
    assert_eq!(ask().await.unwrap().status(), 429);
    assert_eq!(post(&served, "a", "one").await.status(), 200);
}
