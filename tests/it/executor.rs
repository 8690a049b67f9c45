//! The engine as async-graphql's own executor: mounted in its stock axum service, and streamed.

use std::sync::Arc;

use async_graphql::{Data, Executor, Request};
use axum::Router;
use cyclorama::engine::EngineExecutor;
use cyclorama::principal::Principal;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::testkit::{Deployment, customer_id};

fn query() -> String {
    format!(
        "query($id: ID! = \"{}\") {{ customer(id: $id) {{ b: name tickets {{ subject }} }} }}",
        customer_id("c2")
    )
}

#[tokio::test]
async fn the_stock_axum_service_serves_the_engine() {
    let gateway = Deployment::new().start();
    gateway.world(|world| world.break_wire("support"));
    let service = async_graphql_axum::GraphQL::new(EngineExecutor(Arc::clone(&gateway.engine)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        axum::serve(listener, Router::new().route_service("/", service)).await
    });
    let body = json!({ "query": query(), "variables": {} }).to_string();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client
        .post(format!("http://{address}/"))
        .header("content-type", "application/json")
        .body(body);
    let text = request.send().await.expect("an answer").text().await.expect("text");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(answer["data"]["customer"], json!({ "b": "Customer 2", "tickets": null }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_UNAVAILABLE");
    assert_eq!(answer["errors"][0]["path"], json!(["customer", "tickets"]));
    server.abort();
}

#[tokio::test]
async fn a_stream_gives_one_answer_and_carries_the_connections_caller() {
    let gateway = Deployment::new().start();
    let executor = EngineExecutor(Arc::clone(&gateway.engine));
    let secret = format!("{{ customer(id: \"{}\") {{ secret }} }}", customer_id("c2"));
    let mut session = Data::default();
    session.insert(Principal {
        subject: Some("eve".into()),
        scopes: vec!["audit".into()],
        ..Principal::anonymous()
    });
    let answers: Vec<_> =
        executor.execute_stream(Request::new(&secret), Some(session.into())).collect().await;
    let [answer] = &answers[..] else { panic!("one answer, not {}", answers.len()) };
    assert_eq!(
        serde_json::to_value(&answer.data).expect("JSON"),
        json!({ "customer": { "secret": "hush" } })
    );
    let refused = executor.execute(Request::new(&secret)).await;
    assert_eq!(
        serde_json::to_value(&refused.data).expect("JSON"),
        json!({ "customer": { "secret": null } })
    );
}

#[tokio::test]
async fn a_document_that_would_overflow_the_stock_parser_is_refused() {
    let gateway = Deployment::new().start();
    let bomb = format!("{{ weather(place: {}1{}) }}", "[".repeat(20_000), "]".repeat(20_000));
    let answer = EngineExecutor(Arc::clone(&gateway.engine)).execute(Request::new(bomb)).await;
    assert_eq!(answer.errors.len(), 1);
}
