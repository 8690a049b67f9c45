//! GraphQL over WebSocket, as clients of `graphql-transport-ws` speak it.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::site::Site;

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn connect(site: &Site, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
    let mut request = format!("ws://{}/graphql", site.address).into_client_request().unwrap();
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
        let mut client =
            connect(site, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap();
        client.send(json!({ "type": "connection_init" })).await;
        assert_eq!(client.next().await, json!({ "type": "connection_ack" }));
        client
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        match self.0.next().await.unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn close_code(&mut self) -> u16 {
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
    let next = client.next().await;
    assert_eq!(
        next["payload"]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
        "{next}"
    );
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
