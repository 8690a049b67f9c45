//! GraphQL over WebSocket at `/graphql`, in the protocol `graphql-transport-ws`.
//!
//! The messages are async-graphql's; who may connect, how large a message may be, how long a client may wait before it says
//! something, and how a connection ends when the server stops, is decided here.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Data;
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{SinkExt as _, StreamExt as _, future, stream};

use super::{Gateway, answer};
use crate::engine::EngineExecutor;
use crate::error::{ErrorCode, RequestError};
use crate::principal::Principal;

const PROTOCOL: &str = "graphql-transport-ws";

/// A client that has said nothing for this long is closed with 4408.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);

pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Answers the handshake, and serves the connection in a task of its own.
pub(super) async fn upgrade(
    gateway: &Arc<Gateway>,
    parts: &mut Parts,
    principal: Principal,
) -> Response {
    if !is_same_origin(&parts.headers) {
        return refused(StatusCode::FORBIDDEN, "a page of another origin may not connect");
    }
    let offered = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let speaks_ours = offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|protocol| protocol.trim() == PROTOCOL);
    if !speaks_ours {
        return refused(
            StatusCode::BAD_REQUEST,
            "the WebSocket must offer the protocol `graphql-transport-ws`",
        );
    }
    // of several that the client offers, the one that is answered with is the one that is spoken
    parts.headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    let (protocol, upgrade) = match (
        GraphQLProtocol::from_request_parts(parts, &()).await,
        WebSocketUpgrade::from_request_parts(parts, &()).await,
    ) {
        (Ok(protocol), Ok(upgrade)) => (protocol, upgrade),
        (Err(status), _) => return status.into_response(),
        (_, Err(rejection)) => return refused(rejection.status(), &rejection.body_text()),
    };
    let bytes_max = gateway.engine.graph().limits.body_bytes;
    let executor = EngineExecutor(Arc::clone(&gateway.engine));
    let mut draining = gateway.draining.subscribe();
    upgrade.protocols([PROTOCOL]).max_message_size(bytes_max).max_frame_size(bytes_max).on_upgrade(
        move |socket| async move {
            // an error means that the gateway itself is gone
            let stop = async move { drop(draining.wait_for(|is_draining| *is_draining).await) };
            serve(socket, executor, principal, protocol, stop).await;
        },
    )
}

async fn serve(
    socket: WebSocket,
    executor: EngineExecutor,
    principal: Principal,
    protocol: GraphQLProtocol,
    stop: impl Future<Output = ()>,
) {
    let (mut sink, mut messages) = socket.split();
    let close = match tokio::time::timeout(FIRST_MESSAGE, messages.next()).await {
        Err(_) => CloseFrame { code: 4408, reason: "Connection initialisation timeout".into() },
        Ok(None) => return,
        Ok(Some(first)) => {
            let messages = stream::once(future::ready(first)).chain(messages).take_until(stop);
            let mut data = Data::default();
            data.insert(principal);
            GraphQLWebSocket::new_with_pair(&mut sink, messages, executor, protocol)
                .with_data(data)
                .serve()
                .await;
            CloseFrame { code: 1001, reason: "Going away".into() }
        }
    };
    // an error means that the connection was closed already, by the client or by the protocol
    drop(sink.send(Message::Close(Some(close))).await);
}

/// Browsers send `Origin` with every handshake, and do not ask before it.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    matches!((origin, host), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
}

fn refused(status: StatusCode, message: &str) -> Response {
    answer::refusal(status, &RequestError::new(ErrorCode::BadRequest, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(origin: Option<&'static str>, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("graph.example:4000"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        assert_eq!(is_same_origin(&headers), expected, "{origin:?}");
    }

    #[test]
    fn only_pages_of_this_origin_and_clients_that_are_no_browser_may_connect() {
        check(None, true);
        check(Some("http://graph.example:4000"), true);
        check(Some("https://GRAPH.example:4000"), true);
        check(Some("http://graph.example"), false);
        check(Some("http://evil.example"), false);
        check(Some("http://evil.example/?graph.example:4000"), false);
        check(Some("null"), false);
    }
}
