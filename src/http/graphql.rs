//! `/graphql`: one operation in a POST, one query in a GET, many operations over a WebSocket.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;

use super::accept::{self, Media};
use super::request::{self, Refusal};
use super::{Gateway, answer, socket};
use crate::engine;
use crate::error::ErrorCode;
use crate::operation::OperationKind;
use crate::principal::Principal;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) async fn handle(
    State(gateway): State<Arc<Gateway>>,
    request: axum::extract::Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if socket::is_upgrade(&parts.headers) {
        let principal = principal(&parts.headers, &gateway.engine.graph().forward_headers);
        return socket::upgrade(&gateway, &mut parts, principal).await;
    }
    let Some(media) = accept::negotiate(&parts.headers, gateway.settings.http.status_profile)
    else {
        let message = "answers are `application/graphql-response+json` or `application/json`; accept one of them";
        let refusal = Refusal::new(StatusCode::NOT_ACCEPTABLE, ErrorCode::NotAcceptable, message);
        return answer::refusal(refusal.status, &refusal.error);
    };
    let request = match parts.method {
        Method::POST => read_post(&gateway, &parts.headers, body).await,
        Method::GET => read_get(&gateway, &parts.headers, &parts.uri),
        Method::OPTIONS => return options(),
        method => {
            return method_not_allowed(media, &format!("{method} is not served here"), "GET, POST");
        }
    };
    match request {
        Ok(Incoming::Operation(request)) => execute(&gateway, &parts.headers, request, media).await,
        Ok(Incoming::MutationInGet) => {
            method_not_allowed(media, "a mutation must be sent by POST", "POST")
        }
        Err(refusal) => answer::refusal_in(media, refusal.status, &refusal.error),
    }
}

enum Incoming {
    Operation(engine::Request),
    MutationInGet,
}

async fn read_post(
    gateway: &Gateway,
    headers: &HeaderMap,
    body: Body,
) -> Result<Incoming, Refusal> {
    // A page of another site can send a POST without asking first only with a form's content type. None of them passes.
    accept::check_content_type(headers).map_err(|message| {
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::UnsupportedMediaType, message)
    })?;
    let limit = gateway.engine.graph().limits.body_bytes;
    let body = request::read_body(headers, body, limit, &gateway.settings).await?;
    request::from_body(&body, gateway.settings.http.status_profile).map(Incoming::Operation)
}

fn read_get(gateway: &Gateway, headers: &HeaderMap, uri: &Uri) -> Result<Incoming, Refusal> {
    // Browsers say where a request comes from. Another site gets nothing done here, not even a read that costs calls.
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    if matches!(site, Some(b"cross-site" | b"same-site")) {
        let message = "a page of another origin may not query by GET; use POST with `Content-Type: application/json`";
        return Err(Refusal::new(StatusCode::FORBIDDEN, ErrorCode::BadRequest, message));
    }
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::BadRequest,
            "the query string is not form-encoded UTF-8",
        )
    })?;
    let request = request::from_pairs(pairs.0, gateway.settings.http.status_profile)?;
    // A document without a kind is the engine's to explain.
    let kind = gateway.engine.kind(&request.query, request.operation_name.as_deref());
    if kind.is_ok_and(|kind| kind != OperationKind::Query) {
        return Ok(Incoming::MutationInGet);
    }
    Ok(Incoming::Operation(request))
}

/// If the client leaves, this future is dropped, and with it the work that nobody waits for.
async fn execute(
    gateway: &Gateway,
    headers: &HeaderMap,
    request: engine::Request,
    media: Media,
) -> Response {
    if let Some(name) = &request.operation_name {
        tracing::Span::current().record("operation", printable(name));
    }
    let principal = principal(headers, &gateway.engine.graph().forward_headers);
    let response = gateway.engine.execute(request, &principal).await;
    answer::answered(response, media, gateway.settings.http.status_profile)
}

/// Who asks. Until credentials are read this is anonymous, with the headers that the deployment forwards.
fn principal(headers: &HeaderMap, forwarded: &[Arc<str>]) -> Principal {
    let headers = forwarded
        .iter()
        .filter_map(|name| {
            Some((Arc::clone(name), Arc::from(headers.get(&**name)?.to_str().ok()?)))
        })
        .collect();
    Principal { headers, ..Principal::anonymous() }
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

fn options() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    response
}

fn method_not_allowed(media: Media, message: &str, allow: &'static str) -> Response {
    let message = format!("{message}; allowed: {allow}");
    let refusal =
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::MethodNotAllowed, message);
    let mut response = answer::refusal_in(media, refusal.status, &refusal.error);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}
