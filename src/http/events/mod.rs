//! GraphQL over server-sent events at `/graphql`, in both modes of the protocol of graphql-sse.
//!
//! Distinct: an operation is answered by a stream of its own. Single: a client reserves one stream (PUT), opens it (GET), sends operations
//! whose results come through it (POST, 202), and gives them up (DELETE). What is wrong with a request is told as anywhere else.

mod streams;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::FutureExt as _;
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::{Instant, Interval, MissedTickBehavior};

pub(super) use self::streams::{Asker, Streams};
use self::streams::{Operation, Part};
use super::accept::Media;
use super::overload::Place;
use super::request::Refusal;
use super::{Gateway, answer};
use crate::engine::{self, Delivery, Engine, Format};
use crate::error::ErrorCode;
use crate::principal::Principal;
use crate::telemetry::context::carried;

const TOKEN: HeaderName = HeaderName::from_static("x-graphql-event-stream-token");

/// Nothing is sent for longer than a proxy waits.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Longer names than any client makes for its operations.
const ID_BYTES_MAX: usize = 256;

/// The token that a request shows, in its header or its query string.
pub(super) fn token(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    if let Some(token) = headers.get(TOKEN) {
        return Some(token.to_str().unwrap_or_default().to_owned());
    }
    parameter(uri, "token")
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    uri.query()?;
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?.0;
    pairs.into_iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

/// An operation that may run, and who sent it.
pub(super) struct Asked {
    pub(super) request: engine::Request,
    pub(super) principal: Principal,
    /// Held as long as it runs.
    pub(super) place: Place,
}

/// Answers one operation by a stream of its own. If the client leaves, the stream is dropped, and with it what it waits for.
pub(super) fn distinct(gateway: &Gateway, asked: Asked) -> Response {
    let payloads = payloads(&gateway.engine, asked);
    let texts = payloads.map(|payload| event("next", &payload));
    let end = stream::once(async { event("complete", b"") });
    opened(texts.chain(end).boxed(), gateway.settings.http.streams.keep_alive)
}

/// What an operation is answered with, one after the other.
fn payloads(
    engine: &Arc<Engine>,
    Asked { request, principal, place }: Asked,
) -> BoxStream<'static, Bytes> {
    let engine = Arc::clone(engine);
    let run = async move {
        let format = Format::of_extensions(&request.extensions);
        match place.in_turn(pin!(engine.deliver(request, &principal, format))).await {
            Delivery::Whole(response) => stream::once(async { response.body }).boxed(),
            Delivery::InParts(payloads) => payloads.holding(place).map(|part| part.body).boxed(),
        }
    };
    carried(run).flatten_stream().boxed()
}

/// `PUT`: a token, for one stream.
pub(super) fn reserve(gateway: &Gateway, asker: Asker) -> Response {
    let settings = gateway.settings.http.streams;
    match gateway.streams.reserve(asker, settings, gateway.settings.http.connections.most) {
        Ok(token) => {
            let mut response = Response::new(Body::from(token));
            *response.status_mut() = StatusCode::CREATED;
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, text);
            response
        }
        Err(refusal) => answer::refusal(refusal.status, &refusal.error),
    }
}

/// `GET` with a token: the stream that was reserved.
pub(super) fn open(gateway: &Gateway, token: &str, asker: &Asker) -> Response {
    let keep_alive = gateway.settings.http.streams.keep_alive;
    let stream = gateway.streams.find(token, asker).and_then(|stream| {
        Streams::open(&gateway.streams, token, stream, gateway.draining.subscribe())
    });
    match stream {
        Ok(events) => opened(events, keep_alive),
        Err(refusal) => answer::refusal(refusal.status, &refusal.error),
    }
}

/// Whether this token may be used by whoever shows it, before anything else of the request is read.
pub(super) fn check(gateway: &Gateway, token: &str, asker: &Asker) -> Result<(), Refusal> {
    gateway.streams.find(token, asker).map(|_| ())
}

/// An operation with a token: its results come through the stream.
pub(super) fn submit(
    gateway: &Gateway,
    token: &str,
    (asked, whose): (Asked, &Asker),
    media: Media,
) -> Response {
    let profile = gateway.settings.http.status_profile;
    let stream = gateway.streams.find(token, whose);
    let checked = stream.and_then(|stream| Ok((stream, operation_id(&asked.request)?)));
    let (stream, id) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return answer::refusal_in(media, profile, &refusal),
    };
    // a document that is refused is told here, where its status can say so
    if let Err(errors) = gateway.engine.kind(&asked.request) {
        return answer::refused(&errors, media, profile);
    }
    let payloads = payloads(&gateway.engine, asked);
    let most = gateway.settings.http.streams.operations;
    match stream.submit(&id, most, |number| operation(&id, number, payloads)) {
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::ACCEPTED;
            response
        }
        Err(refusal) => answer::refusal_in(media, profile, &refusal),
    }
}

fn operation(id: &str, number: u64, payloads: BoxStream<'static, Bytes>) -> Operation {
    let quoted = Value::from(id).to_string();
    let end = event("complete", json!({ "id": id }).to_string().as_bytes());
    let end = Part { text: end, ends: Some((Box::from(id), number)) };
    let parts = payloads.map(move |payload| {
        let data = [br#"{"id":"#, quoted.as_bytes(), br#","payload":"#, &payload, b"}"].concat();
        Part { text: event("next", &data), ends: None }
    });
    parts.chain(stream::once(async { end })).boxed()
}

/// By what the client tells this operation from its others.
fn operation_id(request: &engine::Request) -> Result<String, Refusal> {
    match request.extensions.get("operationId").and_then(Value::as_str) {
        Some(id) if (1..=ID_BYTES_MAX).contains(&id.len()) => Ok(id.to_owned()),
        _ => {
            let message = "`extensions.operationId` must be a string of 1 to 256 bytes, by which the stream's events are told apart";
            Err(Refusal::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message))
        }
    }
}

/// `DELETE` with a token: the client no longer waits for an operation.
pub(super) fn give_up(
    gateway: &Gateway,
    token: Option<&str>,
    uri: &Uri,
    asker: &Asker,
) -> Response {
    let done = gateway.streams.find(token.unwrap_or_default(), asker).and_then(|stream| {
        let Some(id) = parameter(uri, "operationId").filter(|id| !id.is_empty()) else {
            let message = "`operationId` is missing in the query string";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message));
        };
        stream.give_up(&id);
        Ok(())
    });
    match done {
        Ok(()) => Response::new(Body::empty()),
        Err(refusal) => answer::refusal(refusal.status, &refusal.error),
    }
}

/// The answer whose body is these events, with a comment wherever none comes for a while.
fn opened(events: BoxStream<'static, Bytes>, keep_alive: Duration) -> Response {
    let mut response = Response::new(Body::from_stream(with_comments(events, every(keep_alive))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    // nginx would collect it
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn with_comments(
    events: BoxStream<'static, Bytes>,
    pauses: Interval,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let rest = stream::unfold((events, pauses), |(mut events, mut pauses)| async move {
        let text = tokio::select! {
            biased;
            event = events.next() => event?,
            _ = pauses.tick() => COMMENT,
        };
        pauses.reset();
        Some((text, (events, pauses)))
    });
    // browsers believe in a stream only when they have seen some of it
    stream::once(async { COMMENT }).chain(rest).map(Ok)
}

fn every(interval: Duration) -> Interval {
    let mut pauses = tokio::time::interval_at(Instant::now() + interval, interval);
    pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pauses
}

/// The data is JSON on one line, or nothing.
fn event(name: &str, data: &[u8]) -> Bytes {
    Bytes::from([b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"].concat())
}
