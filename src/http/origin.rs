//! Where a request comes from: by which name this server was called, and which page asks.
//!
//! A browser sends requests for pages of any site. Most it announces first (a preflight), and only the origins that the deployment
//! names are allowed then. Those that it does not announce are forms, of which nothing here reads the content types, `GET`s,
//! which are looked at here, and sockets, which say their origin. A page that rebinds its own name to this server's address
//! is of the same origin to the browser, but calls it by that name.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;

use super::request::Refusal;
use super::{Server, accept, answer};
use crate::config::settings::{Cors, Get, Http};
use crate::error::ErrorCode;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Headers that no page can send to another origin unless that origin allowed it first.
const ANNOUNCED: [HeaderName; 4] = [
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("x-apollo-operation-name"),
    HeaderName::from_static("graphql-preflight"),
    HeaderName::from_static("x-graphql-event-stream-token"),
];

/// Where requests come in.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) server: Server,
    /// The server listens on this machine alone, where a name from outside is a page's trick.
    pub(super) is_local: bool,
}

/// What a deployment says about names.
#[derive(Debug)]
struct Names<'a> {
    /// `None`: any name.
    hosts: Option<&'a [Arc<str>]>,
}

impl<'a> Names<'a> {
    fn new(http: &'a Http, is_local: bool) -> Self {
        let hosts = match &http.hosts {
            Some(hosts) if hosts.iter().any(|host| &**host == "*") => None,
            Some(hosts) => Some(&**hosts),
            None => is_local.then_some(&[][..]),
        };
        Self { hosts }
    }

    fn check(&self, request: &Request) -> Result<(), Refusal> {
        let Some(hosts) = self.hosts else { return Ok(()) };
        if is_called_by_address(request) {
            return Ok(());
        }
        let Some(host) = called(request) else {
            // before 1.1 there was none, and no browser is as old
            if request.version() < Version::HTTP_11 {
                return Ok(());
            }
            let message = "the request has no `Host`, or one that cannot be read";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message));
        };
        let name = host.host().trim_end_matches('.').to_ascii_lowercase();
        if is_local_name(&name) || hosts.iter().any(|host| **host == *name) {
            return Ok(());
        }
        let message = format!(
            "this server is not known as `{}`; its names are `localhost`, its addresses, and those under `http.hosts`",
            accept::printable(&name)
        );
        let status = StatusCode::MISDIRECTED_REQUEST;
        Err(Refusal::new(status, ErrorCode::HostNotAllowed, message))
    }
}

/// By which name this request calls the server.
fn called(request: &Request) -> Option<Authority> {
    match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => authority(request.headers()),
    }
}

/// Whether `Host` is an address and a port and nothing else, as it is wherever there is no name. It costs less to see than any name.
fn is_called_by_address(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host =
        hosts.next().filter(|_| hosts.next().is_none() && request.uri().authority().is_none());
    let host = host.and_then(|host| host.to_str().ok());
    host.is_some_and(|host| host.parse::<SocketAddr>().is_ok())
}

/// Whether a request calls the server by a name that no page can make a browser believe to be its own.
pub fn is_called_by_local_name(request: &Request) -> bool {
    let host = called(request);
    host.is_some_and(|host| is_local_name(&host.host().trim_end_matches('.').to_ascii_lowercase()))
}

/// No page can make a browser believe that such a name is its own.
fn is_local_name(name: &str) -> bool {
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok()
        || address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// What `Host` says, if it is there once and can be read.
fn authority(headers: &HeaderMap) -> Option<Authority> {
    let mut values = headers.get_all(header::HOST).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    Authority::try_from(value.as_bytes()).ok()
}

/// Around the routes of a router.
pub(super) async fn around(State(place): State<Place>, request: Request, next: Next) -> Response {
    admit(&place, Box::new(request), async |request| next.run(*request).await).await
}

/// Around every request but those for health: its `Host`, and what pages of other origins may read.
pub(super) async fn admit(
    place: &Place,
    request: Box<Request>,
    answer: impl AsyncFnOnce(Box<Request>) -> Response,
) -> Response {
    let gateway = place.server.current();
    let http = &gateway.settings.http;
    if let Err(refusal) = Names::new(http, place.is_local).check(&request) {
        return answer::refusal(refusal.status, &refusal.error);
    }
    let cors = &http.cors;
    let origin = request.headers().get(header::ORIGIN).filter(|origin| allows(cors, origin));
    let origin = origin.cloned();
    let asks = is_preflight(&request).then(|| request.headers().clone());
    let mut response = match asks.filter(|_| origin.is_some()) {
        Some(asked) => preflight(&asked, cors),
        None => answer(request).await,
    };
    let headers = response.headers_mut();
    if !cors.origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("x-request-id, retry-after, ratelimit, ratelimit-policy"),
        );
        if cors.credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
    }
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Yes to an origin that may ask: with any header, since the deployment trusts it.
fn preflight(asked: &HeaderMap, cors: &Cors) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, PUT, DELETE");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    let seconds = HeaderValue::from(cors.max_age.as_secs());
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, seconds);
    headers.append(
        header::VARY,
        HeaderValue::from_static("access-control-request-headers, access-control-request-method"),
    );
    response
}

/// May a page of this origin ask?
pub(super) fn allows(cors: &Cors, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    cors.origins.iter().any(|allowed| &**allowed == "*" || allowed.eq_ignore_ascii_case(origin))
}

/// Is this the origin of our own pages? Compared without the scheme, which a proxy may have changed.
pub(super) fn is_own(headers: &HeaderMap, origin: &HeaderValue) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    matches!((origin, host), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
}

/// Refuses a GET that a page of another site may have caused: even a read costs calls.
pub(super) fn check_get(headers: &HeaderMap, http: &Http) -> Result<(), Refusal> {
    if is_announced(headers) {
        return Ok(());
    }
    let message = match http.get {
        Get::Preflight => "a query by GET needs a header that no page can send unasked",
        Get::Checked | Get::Off if may_be_foreign(headers, &http.cors) => {
            "a page of another site may have caused this query by GET"
        }
        Get::Checked | Get::Off => return Ok(()),
    };
    let message = format!(
        "{message}; use POST with `Content-Type: application/json`, or send `Apollo-Require-Preflight: true`"
    );
    Err(Refusal::new(StatusCode::FORBIDDEN, ErrorCode::CsrfError, message))
}

/// Whether a browser asked us before it sent this, if it is from one.
fn is_announced(headers: &HeaderMap) -> bool {
    accept::check_content_type(headers).is_ok()
        || ANNOUNCED.iter().any(|name| headers.get(name).is_some_and(|value| !value.is_empty()))
}

/// Current browsers say where a request comes from, unless they reach us unencrypted over a network. Older ones, and those, are known
/// by the word with which each of them has named itself for thirty years.
fn may_be_foreign(headers: &HeaderMap, cors: &Cors) -> bool {
    let origin = headers.get(header::ORIGIN);
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        Some(b"same-origin" | b"none") => false,
        Some(_) => !origin.is_some_and(|origin| allows(cors, origin)),
        None => match origin {
            Some(origin) => !is_own(headers, origin) && !allows(cors, origin),
            None => headers
                .get(header::USER_AGENT)
                .is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hosts: Option<&[&str]>, is_local: bool, host: &str, expected: bool) {
        let hosts = hosts.map(|hosts| hosts.iter().map(|host| Arc::from(*host)).collect());
        let http = Http { hosts, ..Http::default() };
        let request = Request::builder().header("host", host).body(Body::empty()).unwrap();
        assert_eq!(Names::new(&http, is_local).check(&request).is_ok(), expected, "{host}");
    }

    #[test]
    fn a_server_of_this_machine_is_called_by_its_addresses_and_localhost() {
        for host in [
            "localhost",
            "LOCALHOST:4000",
            "graph.localhost:1",
            "127.0.0.1:4000",
            "[::1]:4000",
            "10.0.0.7",
        ] {
            check(None, true, host, true);
            check(Some(&["graph.example"]), false, host, true);
        }
        for host in [
            "evil.example",
            "localhost.evil.example:4000",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "",
            "a b",
        ] {
            check(None, true, host, false);
        }
    }

    #[test]
    fn a_deployment_names_its_hosts_or_takes_any() {
        check(Some(&["graph.example"]), true, "Graph.Example.:443", true);
        check(Some(&["graph.example"]), true, "www.graph.example", false);
        check(Some(&["graph.example"]), false, "evil.example", false);
        check(Some(&["*"]), true, "evil.example", true);
        check(None, false, "evil.example", true);
    }

    #[test]
    fn two_hosts_are_none() {
        let http = Http::default();
        let names = Names::new(&http, true);
        let request = Request::builder().header("host", "localhost").header("host", "localhost");
        assert!(names.check(&request.body(Body::empty()).unwrap()).is_err());
        let old = Request::builder().version(Version::HTTP_10).body(Body::empty()).unwrap();
        assert!(names.check(&old).is_ok());
    }
}
