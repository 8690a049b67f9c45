use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::Instant;

use super::*;
use crate::http::observe::Observer;

/// A client's side of a connection in memory, whose clock is paused: it moves on when both sides wait.
struct Client {
    stream: DuplexStream,
    start: Instant,
}

const BOUNDS: Connections = Connections {
    most: 1,
    head_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(75),
    send_timeout: Duration::from_secs(30),
    head_bytes: 8192,
    headers: 10,
};

fn connect(room: usize) -> (Client, watch::Sender<bool>) {
    let (stream, server) = tokio::io::duplex(room);
    let (stop, draining) = watch::channel(false);
    let slow = || async {
        tokio::time::sleep(Duration::from_mins(5)).await;
        "slow"
    };
    let routes = Router::new()
        .route("/", get(|| async { "fast" }))
        .route("/slow", get(slow))
        .route("/long", get(|| async { "x".repeat(100_000) }));
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let edge = Edge::of_routes(routes, Observer::default());
    tokio::spawn(connection(server, peer, (), edge, BOUNDS, draining));
    (Client { stream, start: Instant::now() }, stop)
}

impl Client {
    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until this has come.
    async fn read_to(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).await.unwrap();
            text.push(char::from(byte[0]));
        }
        text
    }

    /// Reads what is still to come, and says after how many seconds the connection ended.
    async fn closed_after(mut self) -> u64 {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap();
        self.start.elapsed().as_secs()
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_or_does_not_end_is_waited_for_as_long_as_is_said() {
    let (client, _stop) = connect(1024);
    assert_eq!(client.closed_after().await, 10);
    let (mut client, _stop) = connect(1024);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n").await;
    assert_eq!(client.closed_after().await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_has_no_more_time_than_one_that_does_not_come() {
    let (mut client, _stop) = connect(1024);
    for byte in "GET / HTTP/1.1\r\nhost: a\r\nx: a-long-name\r\n".bytes() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if client.stream.write_all(&[byte]).await.is_err() {
            break;
        }
    }
    assert_eq!(client.start.elapsed().as_secs(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_connection_between_requests_is_kept_for_longer_than_a_head_may_take() {
    let (mut client, _stop) = connect(1024);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_to("fast").await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_to("fast").await;
    client.send("GET ").await;
    // the second head had begun
    assert_eq!(client.closed_after().await, 70);
    let (mut client, _stop) = connect(1024);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_to("fast").await;
    assert_eq!(client.closed_after().await, 75);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_runs_is_not_hurried() {
    let (mut client, _stop) = connect(1024);
    client.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_to("slow").await;
    assert_eq!(client.start.elapsed().as_secs(), 300);
    assert_eq!(client.closed_after().await, 375);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_take_its_answer_is_given_up() {
    let (mut client, _stop) = connect(1024);
    client.send("GET /long HTTP/1.1\r\nhost: a\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(29)).await;
    // takes a little, and has its time anew
    let mut some = [0; 2048];
    client.stream.read_exact(&mut some).await.unwrap();
    // asks between the full seconds, at one of which it is closed
    tokio::time::sleep(Duration::from_millis(500)).await;
    while client.stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(client.start.elapsed().as_secs(), 59);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drains_closes_what_is_idle_at_once() {
    let (mut client, stop) = connect(1024);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_to("fast").await;
    stop.send_replace(true);
    assert_eq!(client.closed_after().await, 0);
}
