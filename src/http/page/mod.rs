//! The query page at `/` and the schema's text: everything a browser loads comes from this binary.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Examples, Gateway, not_found, observe};
use crate::graph::Graph;
use crate::operation;

/// The page, but for the nonce of each answer.
#[derive(Debug)]
pub(super) struct Page {
    before_nonce: String,
    after_nonce: String,
}

impl Page {
    /// The page with those of the prepared queries that this graph can answer.
    pub(super) fn new(graph: &Graph, examples: &Examples) -> Self {
        let tabs: Vec<_> = prepared(examples)
            .into_iter()
            .filter(|(query, _)| operation::prepare(graph, query, None).is_ok())
            .map(|(query, variables)| json!({ "query": query, "variables": variables }))
            .collect();
        // `<` only stands inside of JSON strings, and there it may be written so
        let tabs = serde_json::Value::from(tabs).to_string().replace('<', "\\u003c");
        let html = HTML.replace("{tabs}", &tabs);
        let (before_nonce, after_nonce) = html.split_once("{nonce}").unwrap_or((&html, ""));
        Self { before_nonce: before_nonce.to_owned(), after_nonce: after_nonce.to_owned() }
    }
}

/// The prepared queries and their variables, in the order of the tabs.
fn prepared(examples: &Examples) -> [(&'static str, String); 6] {
    let pretty = |value: serde_json::Value| format!("{value:#}");
    [
        (include_str!("queries/customers.graphql"), String::new()),
        (
            include_str!("queries/customer_by_email.graphql"),
            pretty(json!({ "email": examples.email })),
        ),
        (
            include_str!("queries/customer_in_parts.graphql"),
            pretty(json!({ "email": examples.email })),
        ),
        (include_str!("queries/invoices.graphql"), pretty(json!({ "email": examples.email }))),
        (
            include_str!("queries/add_ticket_comment.graphql"),
            pretty(
                json!({ "input": { "ticketId": examples.ticket_id, "body": "Called back; it works again." } }),
            ),
        ),
        (include_str!("queries/schema.graphql"), String::new()),
    ]
}

/// `GET /`
pub(super) async fn index(State(gateway): State<Arc<Gateway>>, uri: Uri) -> Response {
    let Some(page) = &gateway.page else { return not_found(uri).await };
    let nonce = observe::random_hex() + &observe::random_hex();
    // Scripts come from files alone. GraphiQL's menus add one style element at run time, hence the nonce.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response =
        Response::new(Body::from([&*page.before_nonce, &nonce, &*page.after_nonce].concat()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Where a person is sent who opens the graph's address in a browser; whoever asks something there is no person.
pub(super) fn for_people(gateway: &Gateway, parts: &Parts) -> Option<Response> {
    let mut accepted = parts.headers.get_all(header::ACCEPT).iter();
    let is_person = matches!(parts.method, Method::GET | Method::HEAD)
        && parts.uri.query().is_none()
        && accepted.any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    gateway.page.as_ref().filter(|_| is_person)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("./"));
    Some(response)
}

/// `GET /page/{file}`
pub(super) async fn file(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) if gateway.page.is_some() => {
            revalidated(&headers, &file.etag, file.content_type, Bytes::from_static(file.body))
        }
        _ => not_found(uri).await,
    }
}

/// `GET /schema.graphql`
pub(super) async fn schema(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    if !gateway.engine.graph().introspection_enabled {
        return not_found(uri).await;
    }
    let sdl = Bytes::from(gateway.engine.graph().sdl.to_string());
    revalidated(&headers, &gateway.schema_etag, "text/plain; charset=utf-8", sdl)
}

/// The body, or 304 if the client has it already.
fn revalidated(
    request: &HeaderMap,
    etag: &HeaderValue,
    content_type: &'static str,
    body: Bytes,
) -> Response {
    let is_known =
        request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(
            |value| {
                value
                    .split(',')
                    .map(|tag| tag.trim().trim_start_matches("W/"))
                    .any(|tag| tag == "*" || tag.as_bytes() == etag)
            },
        );
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(body) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A validator that changes with the content.
pub(super) fn etag(content: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(content);
    let tag =
        digest.iter().take(16).fold(String::from("\""), |tag, byte| tag + &format!("{byte:02x}"))
            + "\"";
    HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

struct File {
    name: &'static str,
    content_type: &'static str,
    body: &'static [u8],
    etag: HeaderValue,
}

impl File {
    fn new(name: &'static str, body: &'static [u8]) -> Self {
        let content_type = match name.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
        Self { name, content_type, body, etag: etag(body) }
    }
}

#[cfg(graphiql)]
const HTML: &str = include_str!("graphiql.html");
#[cfg(not(graphiql))]
const HTML: &str = include_str!("own.html");

#[cfg(graphiql)]
macro_rules! fetched {
    ($file:literal) => {
        File::new($file, include_bytes!(concat!(env!("OUT_DIR"), "/graphiql/", $file)))
    };
}

#[cfg(graphiql)]
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    vec![
        File::new("icon.svg", include_bytes!("icon.svg")),
        File::new("start.js", include_bytes!("graphiql.js")),
        File::new("start.css", include_bytes!("graphiql.css")),
        fetched!("react.js"),
        fetched!("react-dom.js"),
        fetched!("graphiql.js"),
        fetched!("graphiql.css"),
        fetched!("explorer.js"),
        fetched!("explorer.css"),
        fetched!("react.license"),
        fetched!("react-dom.license"),
        fetched!("graphiql.license"),
    ]
});

#[cfg(not(graphiql))]
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    vec![
        File::new("icon.svg", include_bytes!("icon.svg")),
        File::new("start.js", include_bytes!("own.js")),
        File::new("start.css", include_bytes!("own.css")),
    ]
});
