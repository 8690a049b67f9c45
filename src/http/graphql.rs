//! `/graphql`: one operation in a POST, or a batch; one query in a GET; answers as they are, or as streams of events; many operations
//! over a WebSocket.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::Value;

use super::accept::{self, Media, Wanted};
use super::batch;
use super::edge::Came;
use super::events::Asker;
use super::overload::Place;
use super::rate::Client;
use super::request::{self, Posted, Refusal};
use super::{Gateway, Server, answer, events, multipart, origin, page, socket};
use crate::config::settings::{Get, StatusProfile};
use crate::engine::{self, Delivery, Format, Outcome};
use crate::error::ErrorCode;
use crate::operation::OperationKind;
use crate::principal::Principal;
use crate::telemetry::context::LogContext;
use crate::telemetry::trace::Trace;

/// How a federation's router asks for a trace.
const INCLUDE_TRACE: HeaderName = HeaderName::from_static("apollo-federation-include-trace");

pub(super) async fn handle(
    server: Server,
    request: Box<axum::extract::Request>,
    Came { peer, trace }: Came,
) -> Response {
    let gateway = server.current();
    let (mut parts, body) = request.into_parts();
    let principal = principal(&parts.headers, trace, &gateway.engine.graph().forward_headers);
    if socket::is_upgrade(&parts.headers) {
        return Box::pin(socket::upgrade(server, &mut parts, (principal, peer))).await;
    }
    if let Some(elsewhere) = page::for_people(&gateway, &parts) {
        return elsewhere;
    }
    let token = events::token(&parts.headers, &parts.uri);
    let asker = || Asker::new(&principal, peer);
    match parts.method {
        Method::PUT if gateway.settings.http.streams.per_client > 0 => {
            return events::reserve(&gateway, asker());
        }
        Method::DELETE if gateway.settings.http.streams.per_client > 0 => {
            return events::give_up(&gateway, token.as_deref(), &parts.uri, &asker());
        }
        _ => {}
    }
    let profile = gateway.settings.http.status_profile;
    let in_parts = multipart::accepted(&parts.headers);
    let wanted = accept::negotiate(&parts.headers, profile);
    let takes = Takes { whole: wanted.is_some(), in_parts };
    let only_parts = || in_parts.map(|_| Wanted { media: Media::of(profile), events: false });
    let Some(wanted) = wanted.or_else(only_parts) else {
        let message = "answers are `application/graphql-response+json`, `application/json` or `text/event-stream`; accept one of them";
        let refusal = Refusal::new(StatusCode::NOT_ACCEPTABLE, ErrorCode::NotAcceptable, message);
        return answer::refusal(refusal.status, &refusal.error);
    };
    match token {
        Some(token) if wanted.events && parts.method == Method::GET => {
            events::open(&gateway, &token, &asker())
        }
        token => {
            operate(&gateway, &parts, body, Asked { wanted, takes, token, principal, peer }).await
        }
    }
}

/// Whether a client reads whole answers, and in which format those that come in parts.
#[derive(Clone, Copy)]
struct Takes {
    whole: bool,
    in_parts: Option<Format>,
}

/// How an operation is to be answered, and for whom.
struct Asked {
    wanted: Wanted,
    takes: Takes,
    /// Of the stream through which the results are to come.
    token: Option<String>,
    principal: Principal,
    peer: Option<IpAddr>,
}

/// An operation, or a batch, by POST or GET.
async fn operate(gateway: &Gateway, parts: &Parts, body: Body, asked: Asked) -> Response {
    let Asked { wanted: Wanted { media, events }, takes, token, principal, peer } = asked;
    let profile = gateway.settings.http.status_profile;
    if let Some(token) = &token
        && let Err(refusal) = events::check(gateway, token, &Asker::new(&principal, peer))
    {
        return answer::refusal_in(media, profile, &refusal);
    }
    let trace = parts.headers.get(INCLUDE_TRACE);
    let is_plain = token.is_none() && !events && takes.in_parts.is_none() && trace.is_none();
    let client = |principal: &Principal| gateway.client(&parts.headers, peer, principal);
    let incoming = match &parts.method {
        &Method::POST => match gateway.precheck() {
            Ok(()) => read_post(gateway, parts, body, is_plain.then_some(&principal)).await,
            Err(refusal) => Err(refusal),
        },
        &Method::GET => read_get(gateway, &parts.headers, &parts.uri),
        &Method::OPTIONS => return options(methods(gateway)),
        method => {
            let message = format!("{method} is not served here");
            return method_not_allowed(media, profile, &message, methods(gateway));
        }
    };
    match incoming {
        Ok(Incoming::Operation(mut request)) => {
            note(request.operation_name.as_deref());
            request.wants_trace = trace.is_some_and(|value| value == "ftv1");
            let admission = gateway.admit(&[&request], client(&principal));
            let tell = admission.tell();
            let mut response = match (admission.place, token) {
                (Err(refusal), _) => answer::refusal_in(media, profile, &refusal),
                (Ok(place), Some(token)) => {
                    let whose = Asker::new(&principal, peer);
                    let running = events::Asked { request: *request, principal, place };
                    events::submit(gateway, &token, (running, &whose), media)
                }
                (Ok(place), None) if events => {
                    events::distinct(gateway, events::Asked { request: *request, principal, place })
                }
                (Ok(place), None) => {
                    execute(gateway, (request, place), &principal, (media, takes)).await
                }
            };
            tell(&mut response);
            response
        }
        Ok(Incoming::Again(kept)) => {
            give_again(gateway, &kept, (&principal, client(&principal)), media)
        }
        Ok(Incoming::Batch(_)) if events || token.is_some() => {
            let message = "a batch is not answered by a stream of events";
            let refusal =
                Refusal::new(StatusCode::BAD_REQUEST, ErrorCode::BatchingNotEnabled, message);
            answer::refusal_in(media, profile, &refusal)
        }
        Ok(Incoming::Batch(members)) => {
            let who = (&principal, client(&principal));
            Box::pin(batch(gateway, members, who, media)).await
        }
        Ok(Incoming::NotByGet(message)) => method_not_allowed(media, profile, message, "POST"),
        Err(refusal) => answer::refusal_in(media, profile, &refusal),
    }
}

/// Answers as before. It counts and costs as if it had run.
fn give_again(
    gateway: &Gateway,
    kept: &engine::Kept,
    (principal, client): (&Principal, Client),
    media: Media,
) -> Response {
    note(kept.operation_name());
    let profile = gateway.settings.http.status_profile;
    let admission = gateway.admit_costs(1, || kept.cost(), client);
    let tell = admission.tell();
    let mut response = match admission.place {
        Ok(_place) => answer::answered(gateway.engine.give_again(kept, principal), media, profile),
        Err(refusal) => answer::refusal_in(media, profile, &refusal),
    };
    tell(&mut response);
    response
}

enum Incoming {
    Operation(Box<engine::Request>),
    /// One whose answer is at hand.
    Again(Arc<engine::Kept>),
    Batch(Vec<Value>),
    /// Why it must be sent by POST.
    NotByGet(&'static str),
}

/// `plain`: who asks, if nothing but the body and this decides the answer.
async fn read_post(
    gateway: &Gateway,
    Parts { headers, .. }: &Parts,
    body: Body,
    plain: Option<&Principal>,
) -> Result<Incoming, Refusal> {
    // A page of another site can send a POST without asking first only with a form's content type. None of them passes.
    accept::check_content_type(headers).map_err(|message| {
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::UnsupportedMediaType, message)
    })?;
    let limit = gateway.engine.graph().limits.body_bytes;
    let body = request::read_body(headers, body, limit, &gateway.settings).await?;
    if let Some(kept) = plain.and_then(|asker| gateway.engine.find_again(&body, asker)) {
        return Ok(Incoming::Again(kept));
    }
    Ok(match request::from_body(&body, gateway.settings.http.status_profile)? {
        Posted::One(mut request) => {
            request.sent = plain.map(|_| body);
            Incoming::Operation(request)
        }
        Posted::Batch(members) => Incoming::Batch(members),
    })
}

fn read_get(gateway: &Gateway, headers: &HeaderMap, uri: &Uri) -> Result<Incoming, Refusal> {
    if gateway.settings.http.get == Get::Off {
        return Ok(Incoming::NotByGet("GET is not served here"));
    }
    origin::check_get(headers, &gateway.settings.http)?;
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::BadRequest,
            "the query string is not form-encoded UTF-8",
        )
    })?;
    let request = request::from_pairs(pairs.0, gateway.settings.http.status_profile)?;
    // A document without a kind is the engine's to explain.
    let kind = gateway.engine.kind(&request);
    if kind.is_ok_and(|kind| kind != OperationKind::Query) {
        return Ok(Incoming::NotByGet("a mutation must be sent by POST"));
    }
    Ok(Incoming::Operation(Box::new(request)))
}

/// The operation's name in the log.
fn note(operation_name: Option<&str>) {
    if let Some(name) = operation_name {
        LogContext::name_operation(printable(name));
    }
}

/// If the client leaves, this future is dropped, and with it the work that nobody waits for.
async fn execute(
    gateway: &Gateway,
    (request, place): (Box<engine::Request>, Place),
    principal: &Principal,
    (media, takes): (Media, Takes),
) -> Response {
    let engine = &gateway.engine;
    let delivery = match takes.in_parts {
        Some(format) => {
            place.in_turn(Box::pin(engine.deliver(*request, principal, format)).as_mut()).await
        }
        None => Delivery::Whole(place.in_turn(pin!(engine.execute(request, principal))).await),
    };
    match (delivery, takes.in_parts) {
        (Delivery::InParts(payloads), format) => {
            multipart::answered(payloads.holding(place), format.unwrap_or_default())
        }
        (Delivery::Whole(response), Some(format))
            if !takes.whole && matches!(response.outcome, Outcome::Data { .. }) =>
        {
            multipart::answered_whole(response.body, format)
        }
        (Delivery::Whole(response), _) => {
            answer::answered(response, media, gateway.settings.http.status_profile)
        }
    }
}

/// As [`execute`], for several operations at once.
async fn batch(
    gateway: &Gateway,
    members: Vec<Value>,
    (principal, client): (&Principal, Client),
    media: Media,
) -> Response {
    let profile = gateway.settings.http.status_profile;
    let items = match batch::read(gateway, members, principal) {
        Ok(items) => items,
        Err(refusal) => return answer::refusal_in(media, profile, &refusal),
    };
    let requests: Vec<&engine::Request> = items.iter().flatten().collect();
    let admission = gateway.admit(&requests, client);
    let tell = admission.tell();
    let mut response = match admission.place {
        Ok(place) => {
            let answers = pin!(batch::execute(gateway, items, principal));
            answer::batch(place.in_turn(answers).await, media, profile)
        }
        Err(refusal) => answer::refusal_in(media, profile, &refusal),
    };
    tell(&mut response);
    response
}

/// Who asks. Until credentials are read this is anonymous, with the headers that the deployment forwards.
fn principal(headers: &HeaderMap, trace: Trace, forwarded: &[Arc<str>]) -> Principal {
    let headers = forwarded
        .iter()
        .filter_map(|name| {
            Some((Arc::clone(name), Arc::from(headers.get(&**name)?.to_str().ok()?)))
        })
        .collect();
    Principal { headers, trace: Some(trace), ..Principal::anonymous() }
}

/// An operation's name in the log: only what a GraphQL name can be, and not too much of it.
fn printable(name: &str) -> &str {
    let end = name
        .bytes()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        .count();
    name.get(..end).unwrap_or_default()
}

/// The methods of this address.
fn methods(gateway: &Gateway) -> &'static str {
    let http = &gateway.settings.http;
    match http.get {
        _ if http.streams.per_client > 0 => "GET, POST, PUT, DELETE",
        Get::Off => "POST",
        Get::Checked | Get::Preflight => "GET, POST",
    }
}

fn options(allow: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

fn method_not_allowed(
    media: Media,
    profile: StatusProfile,
    message: &str,
    allow: &'static str,
) -> Response {
    let message = format!("{message}; allowed: {allow}");
    let refusal =
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::MethodNotAllowed, message);
    let mut response = answer::refusal_in(media, profile, &refusal);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}
