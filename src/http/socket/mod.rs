//! GraphQL over WebSocket at `/graphql`, in the protocol `graphql-transport-ws`.
//!
//! Who may connect, how large a message may be and how a connection ends when the server stops is decided here; `protocol`
//! reads and writes the messages. Everything of one connection happens in one task: operations are futures that it drives,
//! so that they end with it.

mod protocol;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, FutureExt as _};
use futures_util::sink::SinkExt as _;
use futures_util::stream::{FuturesUnordered, SplitSink, SplitStream, StreamExt as _};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};
use tokio::time::Instant;

use self::protocol::{Close, FromClient};
use super::rate::Client;
use super::{Server, answer, origin};
use crate::config::settings::{Cors, Sockets};
use crate::engine::{self, Delivery, Format, Payloads};
use crate::error::{ErrorCode, RequestError};
use crate::principal::Principal;

const PROTOCOL: &str = "graphql-transport-ws";

/// Decides on a connection once its `connection_init` is there: `None` closes it with 4403. The payload is where browsers
/// put credentials, because they cannot set headers.
pub type AdmitSocket = fn(&Principal, &Map<String, Value>) -> Option<Principal>;

/// Whoever may connect is who the handshake says.
#[expect(clippy::unnecessary_wraps, reason = "one answer of those that the hook may give")]
pub(super) fn admit_all(principal: &Principal, _payload: &Map<String, Value>) -> Option<Principal> {
    Some(principal.clone())
}

pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Answers the handshake, and serves the connection in a task of its own.
pub(super) async fn upgrade(
    server: Server,
    parts: &mut Parts,
    (principal, peer): (Principal, Option<IpAddr>),
) -> Response {
    let gateway = server.current();
    if !may_connect(&parts.headers, &gateway.settings.http.cors) {
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
    let upgrade = match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return refused(rejection.status(), &rejection.body_text()),
    };
    let bytes_max = gateway.engine.graph().limits.body_bytes;
    let mut draining = gateway.draining.subscribe();
    let settings = gateway.settings.http.sockets;
    let client = gateway.client(&parts.headers, peer, &principal);
    // the connection must not keep the graph that it began with
    drop(gateway);
    upgrade.protocols([PROTOCOL]).max_message_size(bytes_max).max_frame_size(bytes_max).on_upgrade(
        move |socket| async move {
            // an error means that the gateway itself is gone
            let stop = async move { drop(draining.wait_for(|is_draining| *is_draining).await) };
            Connection::new(server, settings, (principal, client)).serve(socket, stop).await;
        },
    )
}

/// What one operation came to: its id, its messages, and what is still to come.
type Finished = (String, String, Option<Payloads>);

/// Messages that may wait for a client to take them before nothing more is read of it.
const WAITING_MAX: usize = 64;

struct Connection {
    server: Server,
    settings: Sockets,
    principal: Principal,
    /// With whom it is counted.
    client: Client,
    /// The payload of `connection_init`, once it has come.
    init: Option<Map<String, Value>>,
    running: FuturesUnordered<Abortable<BoxFuture<'static, Finished>>>,
    ids: FxHashMap<String, AbortHandle>,
    out: Out,
    /// Whether anything came since the last ping.
    is_alive: bool,
    /// The server stops: what runs is finished, and nothing more begins.
    is_draining: bool,
}

/// What to do after a message.
enum Then {
    Nothing,
    Say(String),
    Close(Close),
}

impl Connection {
    fn new(server: Server, settings: Sockets, who: (Principal, Client)) -> Self {
        let (principal, client) = who;
        Self {
            server,
            settings,
            principal,
            client,
            init: None,
            running: FuturesUnordered::new(),
            ids: FxHashMap::default(),
            out: Out::default(),
            is_alive: true,
            is_draining: false,
        }
    }

    async fn serve(mut self, socket: WebSocket, stop: impl Future<Output = ()>) {
        let (mut sink, stream) = socket.split();
        // an error means that the connection is gone
        let Ok(close) = self.talk(&mut sink, stream, stop).await else { return };
        let frame = CloseFrame { code: close.code, reason: close.reason.into() };
        // a client that takes nothing is not waited for; an error means that it closed the connection already
        let ping = self.settings.ping;
        drop(tokio::time::timeout(ping, sink.send(Message::Close(Some(frame)))).await);
    }

    /// Until somebody ends it, and how it is to be closed. An error: it is closed already.
    ///
    /// Operations go on while a client takes nothing, so that none of them holds a backend's permit for it.
    async fn talk(
        &mut self,
        sink: &mut SplitSink<WebSocket, Message>,
        mut stream: SplitStream<WebSocket>,
        stop: impl Future<Output = ()>,
    ) -> Result<Close, axum::Error> {
        let settings = self.settings;
        let init_end = tokio::time::sleep(settings.init_timeout);
        let mut pings = every(settings.ping);
        tokio::pin!(stop, init_end);
        while !(self.is_draining && self.running.is_empty() && self.out.is_empty()) {
            tokio::select! {
                biased;
                () = &mut stop, if !self.is_draining => self.is_draining = true,
                () = &mut init_end, if self.init.is_none() => return Ok(Close::init_timeout()),
                written = self.out.write(sink), if !self.out.is_empty() => written?,
                message = stream.next(), if self.out.has_room() => {
                    self.is_alive = true;
                    let Some(message) = message else { return Err(axum::Error::new(Gone)) };
                    match message {
                        Err(error) if is_too_long(&error) => return Ok(Close::too_long()),
                        message => match self.hear(message?) {
                            Then::Nothing => {}
                            Then::Say(text) => self.out.push(Message::text(text)),
                            Then::Close(close) => return Ok(close),
                        },
                    }
                }
                Some(finished) = self.running.next(), if !self.running.is_empty() => {
                    // one that was cancelled has nothing to say
                    let Ok((id, messages, rest)) = finished else { continue };
                    self.ids.remove(&id);
                    messages.lines().for_each(|message| self.out.push(Message::text(message)));
                    if let Some(payloads) = rest {
                        self.run(id.clone(), next(id, payloads).boxed());
                    }
                }
                _ = pings.tick() => {
                    if !std::mem::take(&mut self.is_alive) {
                        return Err(axum::Error::new(Gone));
                    }
                    self.out.push(Message::Ping(bytes::Bytes::new()));
                }
            }
        }
        Ok(Close::going_away())
    }

    fn hear(&mut self, message: Message) -> Then {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Then::Close(Close::invalid("messages are text")),
            // the library answers pings and the client's close
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Then::Nothing,
        };
        match protocol::read(&text) {
            Err(reason) => Then::Close(Close::invalid(&reason)),
            Ok(FromClient::Init { payload }) => self.greet(payload),
            Ok(FromClient::Ping { payload }) => Then::Say(protocol::pong(payload)),
            Ok(FromClient::Pong) => Then::Nothing,
            // a client asks its next server for what this one did not answer
            Ok(FromClient::Subscribe { .. }) if self.is_draining => Then::Nothing,
            Ok(FromClient::Subscribe { id, payload }) => self.start(id, payload),
            Ok(FromClient::Complete { id }) => {
                if let Some(handle) = self.ids.remove(&id) {
                    handle.abort();
                }
                Then::Nothing
            }
        }
    }

    fn greet(&mut self, payload: Map<String, Value>) -> Then {
        if self.init.is_some() {
            return Then::Close(Close::too_many_inits());
        }
        let admit = self.server.current().settings.admit_socket;
        let Some(principal) = admit(&self.principal, &payload) else {
            return Then::Close(Close::forbidden());
        };
        self.principal = principal;
        self.init = Some(payload);
        Then::Say(protocol::ACK.to_owned())
    }

    fn start(&mut self, id: String, payload: Map<String, Value>) -> Then {
        if self.init.is_none() {
            return Then::Close(Close::unauthorized());
        }
        if self.ids.contains_key(&id) {
            return Then::Close(Close::taken(&id));
        }
        if self.ids.len() >= self.settings.operations {
            let message = format!(
                "{} operations run on this socket already, as many as http.sockets.operations allows",
                self.ids.len()
            );
            let error = RequestError::new(ErrorCode::SocketOperationsLimit, message);
            return Then::Say(protocol::error(&id, &engine::refused(&[error]).body));
        }
        let gateway = self.server.current();
        let profile = gateway.settings.http.status_profile;
        let request = match super::request::from_members(payload, profile) {
            Ok(request) => request,
            Err(refusal) => return Then::Close(Close::invalid(&refusal.error.message)),
        };
        let place = match gateway.admit(&[&request], self.client.clone()).place {
            Ok(place) => place,
            Err(refusal) => {
                let body = engine::refused(&[refusal.error]).body;
                return Then::Say(protocol::error(&id, &body));
            }
        };
        let (engine, principal) = (Arc::clone(&gateway.engine), self.principal.clone());
        let of = id.clone();
        let run = async move {
            let format = Format::of_extensions(&request.extensions);
            match place.in_turn(pin!(engine.deliver(request, &principal, format))).await {
                Delivery::Whole(response) => {
                    let messages = protocol::outcome(&of, &response);
                    (of, messages, None)
                }
                Delivery::InParts(payloads) => next(of, payloads.holding(place)).await,
            }
        };
        self.run(id, run.boxed());
        Then::Nothing
    }

    fn run(&mut self, id: String, run: BoxFuture<'static, Finished>) {
        let (handle, registration) = AbortHandle::new_pair();
        self.ids.insert(id, handle);
        self.running.push(Abortable::new(run, registration));
    }
}

/// The next part of an answer.
async fn next(id: String, mut payloads: Payloads) -> Finished {
    let Some(payload) = payloads.next().await else {
        let error = RequestError::new(ErrorCode::Internal, "the operation was lost");
        let message = protocol::error(&id, &engine::refused(&[error]).body);
        return (id, message, None);
    };
    let message = protocol::part(&id, &payload);
    (id, message, (!payload.is_last).then_some(payloads))
}

/// Messages on their way to the client.
#[derive(Debug, Default)]
struct Out {
    waiting: VecDeque<Message>,
    /// Whether some of them are with the socket and not yet on the wire.
    is_flushed: bool,
}

impl Out {
    fn push(&mut self, message: Message) {
        self.waiting.push_back(message);
        self.is_flushed = false;
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.is_flushed
    }

    fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX
    }

    /// Ready when all are on the wire. No message is lost if it is dropped before.
    async fn write(&mut self, sink: &mut SplitSink<WebSocket, Message>) -> Result<(), axum::Error> {
        poll_fn(|context| {
            while !self.waiting.is_empty() {
                ready!(sink.poll_ready_unpin(context))?;
                if let Some(message) = self.waiting.pop_front() {
                    sink.start_send_unpin(message)?;
                }
            }
            ready!(sink.poll_flush_unpin(context))?;
            self.is_flushed = true;
            Poll::Ready(Ok(()))
        })
        .await
    }
}

/// The library tells it by its text alone.
fn is_too_long(error: &axum::Error) -> bool {
    error.to_string().contains("too long")
}

/// The other side is not there anymore.
#[derive(Debug, thiserror::Error)]
#[error("the client is gone")]
struct Gone;

fn every(interval: Duration) -> tokio::time::Interval {
    let mut pings = tokio::time::interval_at(Instant::now() + interval, interval);
    pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    pings
}

/// Browsers send `Origin` with every handshake, and do not ask before it.
fn may_connect(headers: &HeaderMap, cors: &Cors) -> bool {
    let origin = headers.get(header::ORIGIN);
    origin.is_none_or(|origin| origin::is_own(headers, origin) || origin::allows(cors, origin))
}

fn refused(status: StatusCode, message: &str) -> Response {
    answer::refusal(status, &RequestError::new(ErrorCode::BadRequest, message))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(origin: Option<&'static str>, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("graph.example:4000"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        let origins = vec!["https://app.example".into()];
        let cors = Cors { origins: origins.into(), ..Cors::default() };
        assert_eq!(may_connect(&headers, &cors), expected, "{origin:?}");
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
        check(Some("https://app.example"), true);
        check(Some("http://app.example"), false);
    }
}
