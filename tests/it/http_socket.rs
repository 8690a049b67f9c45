//! GraphQL over WebSocket, as clients of `graphql-transport-ws` speak it.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::http_life::{ONE_CUSTOMER, head, silent_crm};
use crate::site::{Setup, Site};

pub(crate) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn connect(site: &Site, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
    connect_to(site.address, headers).await
}

async fn connect_to(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((stream, response)) => {
            assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
            Ok(Client(stream))
        }
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

impl Client {
    /// Connected and acknowledged.
    async fn ready(site: &Site) -> Self {
        Self::ready_at(site.address, &[]).await
    }

    pub(crate) async fn ready_at(address: SocketAddr, headers: &[(&'static str, &str)]) -> Self {
        let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
        let headers = [&[protocol], headers].concat();
        let mut client = connect_to(address, &headers).await.unwrap();
        client.send(json!({ "type": "connection_init" })).await;
        assert_eq!(client.next().await, json!({ "type": "connection_ack" }));
        client
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Ready when the server has read all that was sent before.
    pub(crate) async fn heard(&mut self) {
        self.send(json!({ "type": "ping" })).await;
        assert_eq!(self.next().await, json!({ "type": "pong" }));
    }

    pub(crate) async fn next(&mut self) -> Value {
        match self.0.next().await.unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Close(Some(frame)) => return frame.code.into(),
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn operations_are_answered_and_completed_over_one_socket() {
    let site = Site::start().await;
    let mut client = Client::ready(&site).await;
    let payload = json!({
        "query": "query Q($first: Int) { customers(first: $first) { nodes { displayName } totalCount } }",
        "operationName": "Q",
        "variables": { "first": 2 },
    });
    client.send(json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
    let next = client.next().await;
    assert_eq!((&next["type"], &next["id"]), (&json!("next"), &json!("1")), "{next}");
    assert!(next["payload"].get("errors").is_none(), "{next}");
    assert_eq!(
        next["payload"]["data"]["customers"]["nodes"].as_array().map(Vec::len),
        Some(2),
        "{next}"
    );
    assert_eq!(client.next().await, json!({ "type": "complete", "id": "1" }));

    client
        .send(json!({ "id": "2", "type": "subscribe", "payload": { "query": "{ nothing }" } }))
        .await;
    let error = client.next().await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("2")), "{error}");
    assert_eq!(error["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{error}");
    client.send(json!({ "type": "ping", "payload": { "a": 1 } })).await;
    assert_eq!(client.next().await, json!({ "type": "pong", "payload": { "a": 1 } }));
}

#[tokio::test]
async fn only_the_current_protocol_is_spoken() {
    let site = Site::start().await;
    assert_eq!(connect(&site, &[]).await.err(), Some(400));
    assert_eq!(connect(&site, &[("sec-websocket-protocol", "graphql-ws")]).await.err(), Some(400));
    let both = [("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")];
    assert!(connect(&site, &both).await.is_ok());
}

#[tokio::test]
async fn a_page_of_another_origin_may_not_connect() {
    let site = Site::start().await;
    let with = |origin: String| {
        let site = &site;
        async move {
            let headers =
                [("sec-websocket-protocol", "graphql-transport-ws"), ("origin", origin.as_str())];
            connect(site, &headers).await.err()
        }
    };
    assert_eq!(with("http://evil.example".to_owned()).await, Some(403));
    assert_eq!(with(format!("http://{}", site.address)).await, None);
}

#[tokio::test]
async fn sockets_are_closed_with_going_away_when_the_server_stops() {
    let mut site = Site::start().await;
    let mut client = Client::ready(&site).await;
    site.stop();
    assert_eq!(client.close_code().await, 1001);
    drop(client);
    site.ended().await.unwrap();
}

async fn opened(site: &Site) -> Client {
    connect(site, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap()
}

pub(crate) fn subscribe(id: &str, query: &str) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": query } })
}

#[tokio::test]
async fn what_the_protocol_forbids_closes_with_its_code() {
    let site = Site::start().await;
    let init = json!({ "type": "connection_init" });
    let running = subscribe("1", "{ customers(first: 1) { totalCount } }");
    for (messages, code) in [
        (vec![json!("text")], 4400),
        (vec![json!({ "type": "start" })], 4400),
        (vec![json!({ "type": "subscribe", "id": "1" })], 4400),
        (
            vec![
                init.clone(),
                json!({ "type": "subscribe", "id": "1", "payload": { "query": 3 } }),
            ],
            4400,
        ),
        (vec![init.clone(), json!({ "type": "subscribe", "id": "1", "payload": {} })], 4400),
        (vec![running.clone()], 4401),
        (vec![init.clone(), running.clone(), running], 4409),
        (vec![init.clone(), init], 4429),
    ] {
        let mut client = opened(&site).await;
        for message in &messages {
            client.send(message.clone()).await;
        }
        assert_eq!(client.close_code().await, code, "{messages:?}");
    }
    let mut client = opened(&site).await;
    client.0.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(client.close_code().await, 4400);
}

#[tokio::test]
async fn a_client_that_never_says_who_it_is_is_closed() {
    let config = "http: { sockets: { init_timeout: 1ms } }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    assert_eq!(opened(&site).await.close_code().await, 4408);
}

#[tokio::test]
async fn a_client_that_is_not_admitted_is_closed() {
    let setup = Setup {
        admit_socket: Some(|principal, payload| {
            (payload.get("token") == Some(&json!("good"))).then(|| principal.clone())
        }),
        ..Setup::default()
    };
    let site = Site::with(setup).await;
    for (payload, expected) in [(json!({ "token": "good" }), None), (json!({}), Some(4403))] {
        let mut client = opened(&site).await;
        client.send(json!({ "type": "connection_init", "payload": payload })).await;
        match expected {
            Some(code) => assert_eq!(client.close_code().await, code),
            None => assert_eq!(client.next().await, json!({ "type": "connection_ack" })),
        }
    }
}

#[tokio::test]
async fn operations_of_one_socket_are_bounded_and_complete_makes_room() {
    let config = "http: { sockets: { operations: 1 } }\n".to_owned();
    let latency = std::time::Duration::from_hours(1);
    let demo = cyclorama::demo::Options { latency, ..Default::default() };
    let site = Site::with(Setup { demo, config, ..Setup::default() }).await;
    let mut client = Client::ready(&site).await;
    client.send(subscribe("slow", "{ customers(first: 1) { totalCount } }")).await;
    client.send(subscribe("more", "{ __typename }")).await;
    let error = client.next().await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("more")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "SOCKET_OPERATIONS_LIMIT");
    client.send(json!({ "type": "complete", "id": "slow" })).await;
    client.send(subscribe("slow", "{ __typename }")).await;
    let next = client.next().await;
    assert_eq!((&next["type"], &next["id"]), (&json!("next"), &json!("slow")), "{next}");
    assert_eq!(client.next().await, json!({ "type": "complete", "id": "slow" }));
}

#[tokio::test]
async fn a_message_that_is_too_long_closes_with_its_code() {
    let config = "limits: { body_bytes: 1KiB }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    let mut client = Client::ready(&site).await;
    client.send(subscribe("1", &"#".repeat(4096))).await;
    assert_eq!(client.close_code().await, 1009);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    let config = "http: { sockets: { ping: 20ms } }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    let mut client = Client::ready(&site).await;
    let ping = json!({ "type": "ping", "payload": { "text": "x".repeat(100_000) } }).to_string();
    // the system's buffers take some of the pongs; then the server reads no further, and then it leaves
    for _ in 0..100_000 {
        if client.0.send(Message::text(ping.clone())).await.is_err() {
            return;
        }
    }
    panic!("the server answered it all");
}

#[tokio::test]
async fn what_runs_on_a_socket_is_finished_when_the_server_stops_and_nothing_more_begins() {
    let (crm, setup) = silent_crm().await;
    let mut site = Site::with(setup).await;
    let mut client = Client::ready(&site).await;
    client.send(subscribe("1", ONE_CUSTOMER)).await;
    let (mut call, _) = crm.accept().await.unwrap();
    head(&mut call).await;
    site.stop();
    // stopping is heard before anything else; a pong shows that the socket has heard it
    client.heard().await;
    client.send(subscribe("2", "{ __typename }")).await;
    let body = r#"{"results":[]}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    call.write_all(answer.as_bytes()).await.unwrap();
    let next = client.next().await;
    assert_eq!(
        (&next["id"], &next["payload"]["data"]),
        (&json!("1"), &json!({ "customerByEmail": null }))
    );
    assert_eq!(client.next().await, json!({ "type": "complete", "id": "1" }));
    assert_eq!(client.close_code().await, 1001);
    drop(client);
    site.ended().await.unwrap();
}

#[tokio::test]
async fn a_silent_client_is_pinged() {
    let config = "http: { sockets: { ping: 1ms } }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    let mut client = opened(&site).await;
    assert!(matches!(client.0.next().await, Some(Ok(Message::Ping(_)))));
}
