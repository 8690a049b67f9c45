//! How requests begin and end: health, a client that leaves, a server that stops.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::site::{JsonBody as _, Setup, Site};

/// Sends bytes, and reads what comes back until the first answer's head is there.
pub(crate) async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    head(&mut stream).await
}

pub(crate) async fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0, "closed after: {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_server_that_runs_says_so() {
    let site = Site::start().await;
    for path in ["/livez", "/readyz"] {
        let response = site.client.get(site.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
}

fn post(body: &serde_json::Value) -> String {
    let body = body.to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A CRM that takes calls and answers when it is told to, or never.
pub(crate) async fn silent_crm() -> (TcpListener, Setup) {
    let crm = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", crm.local_addr().unwrap());
    (crm, Setup { crm: Some(url), ..Setup::default() })
}

pub(crate) const ONE_CUSTOMER: &str =
    r#"{ customerByEmail(email: "ada@mail.example") { displayName } }"#;

#[tokio::test]
async fn a_client_that_leaves_takes_its_backend_calls_with_it() {
    let (crm, setup) = silent_crm().await;
    let site = Site::with(setup).await;
    let mut client = TcpStream::connect(site.address).await.unwrap();
    client.write_all(post(&json!({ "query": ONE_CUSTOMER })).as_bytes()).await.unwrap();
    let (mut call, _) = crm.accept().await.unwrap();
    assert!(head(&mut call).await.starts_with("POST /crm/"));
    drop(client);
    // the call's connection ends: there is nobody left to answer
    let mut rest = Vec::new();
    call.read_to_end(&mut rest).await.unwrap_or_default();
}

#[tokio::test]
async fn a_server_that_stops_finishes_what_it_began() {
    let (crm, setup) = silent_crm().await;
    let mut site = Site::with(setup).await;
    let request =
        site.client.post(site.url("/graphql")).json_body(&json!({ "query": ONE_CUSTOMER }));
    let answer = tokio::spawn(request.send());
    let (mut call, _) = crm.accept().await.unwrap();
    head(&mut call).await;
    site.stop();
    let body = r#"{"results":[]}"#;
    let response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    call.write_all(response.as_bytes()).await.unwrap();
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), r#"{"data":{"customerByEmail":null}}"#);
    site.ended().await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_ever() {
    let (crm, setup) = silent_crm().await;
    let config = "http: { grace: 20ms }\n".to_owned();
    let mut site = Site::with(Setup { config, ..setup }).await;
    let mut client = TcpStream::connect(site.address).await.unwrap();
    client.write_all(post(&json!({ "query": ONE_CUSTOMER })).as_bytes()).await.unwrap();
    let call = crm.accept().await.unwrap();
    site.stop();
    site.ended().await.unwrap();
    drop((call, client));
}
