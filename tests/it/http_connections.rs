//! Bounds of connections, over real sockets: what is over them, the server closes.

use futures_util::future::join_all;
use reqwest::Version;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http_events::Events;
use crate::http_life::exchange;
use crate::site::{JsonBody as _, Setup, Site};

async fn with(connections: &str) -> Site {
    let config = format!("http: {{ connections: {{ {connections} }} }}\n");
    Site::with(Setup { config, ..Setup::default() }).await
}

const LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Reads until the server has closed, gracefully or not.
async fn drained(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap_or_default();
}

#[tokio::test]
async fn clients_that_do_not_finish_their_heads_are_closed_and_the_others_are_answered() {
    let site = with("head_timeout: 1s").await;
    let mut slow = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        let head = &LIVEZ.as_bytes()[..number % LIVEZ.len()];
        stream.write_all(head).await.unwrap();
        slow.push(stream);
    }
    assert_eq!(site.client.get(site.url("/livez")).send().await.unwrap().status(), 200);
    for stream in &mut slow {
        drained(stream).await;
    }
}

#[tokio::test]
async fn a_connection_without_a_further_request_is_closed() {
    let site = with("idle_timeout: 20ms").await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(LIVEZ.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_closed() {
    let site = with("send_timeout: 20ms").await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let request = "GET /schema.graphql HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(100);
    // the system's buffers take some of the answers; then the server waits, and then it does not
    for _ in 0..100_000 {
        if stream.write_all(request.as_bytes()).await.is_err() {
            return;
        }
    }
    panic!("the server took it all");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() {
    let site = with("head_bytes: 8KiB, headers: 20").await;
    for (headers, length, status) in [(15, 100, 200), (30, 10, 431), (15, 1000, 431)] {
        let value = "y".repeat(length);
        let more =
            (0..headers).fold(String::new(), |text, n| text + &format!("x-{n}: {value}\r\n"));
        let head = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\n{more}\r\n");
        let answer = exchange(site.address, head.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{headers} × {length}: {answer}"
        );
    }
}

#[tokio::test]
async fn connections_beyond_the_most_wait_for_a_place() {
    let site = with("most: 1").await;
    let mut first = TcpStream::connect(site.address).await.unwrap();
    first.write_all(&LIVEZ.as_bytes()[..4]).await.unwrap();
    let mut second = TcpStream::connect(site.address).await.unwrap();
    second.write_all(LIVEZ.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    tokio::select! {
        biased;
        _ = second.read_exact(&mut answer) => panic!("answered beside the first"),
        () = tokio::task::yield_now() => {}
    }
    first.write_all(&LIVEZ.as_bytes()[4..]).await.unwrap();
    first.read_exact(&mut answer).await.unwrap();
    drop(first);
    second.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn http_2_is_spoken_to_whoever_begins_with_it() {
    let site = Site::start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let ask = |first: u32| {
        let query = format!("{{ customers(first: {first}) {{ nodes {{ id }} }} }}");
        client.post(site.url("/graphql")).json_body(&json!({ "query": query })).send()
    };
    for answer in join_all((1..=30).map(ask)).await {
        let answer = answer.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    }
    let post = client.post(site.url("/graphql")).json_body(&json!({ "query": "{ __typename }" }));
    let mut events = Events::of(post).await;
    assert_eq!(events.payload().await, json!({ "data": { "__typename": "Query" } }));
    let evil = format!("http://evil.localhost.example:{}/graphql", site.address.port());
    let rebound = reqwest::Client::builder()
        .http2_prior_knowledge()
        .resolve("evil.localhost.example", site.address)
        .build()
        .unwrap();
    let answer = rebound.post(evil).json_body(&json!({ "query": "{ __typename }" })).send().await;
    assert_eq!(answer.unwrap().status(), 421);
}
