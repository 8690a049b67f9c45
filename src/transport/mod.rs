//! One request and its answer on the wire: REST or SOAP, over HTTP.
//!
//! Takes: a backend, a call, its inputs; later the answer.
//! Gives: the request to send; from the answer a payload, where the next page begins, how long it may be kept, what is left of a quota.
//! Never: retries, waits for a permit, follows a redirect or a link, or puts a body or a secret into an error.

mod answer;
mod client;
mod freshness;
mod headers;
mod http;
mod idempotency;
mod pages;
mod post;
mod quota;
mod rest;
mod soap;
mod token;

pub use client::{MemoryWire, Place, Wire, WireRequest, WireResponse};
pub use headers::fields;
pub use idempotency::key as idempotency_key;
pub use post::{Post, Posted};
pub use quota::{Told, told};
pub use soap::body_tree;
pub use token::{Granted, granted, token_request};

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LINK};

use crate::error::BackendError;
use crate::graph::{Auth, Backend, Call, Method, RequestTemplate};
use crate::mapping::{Payload, Violation};
use crate::template::{HeaderTemplate, Inputs, Scope, Target, forbidden_header};
use crate::value::{Freshness, PageState};

/// The answer to who asked whether what is known is still so.
const NOT_MODIFIED: u16 = 304;

/// What an answer says, decoded.
#[derive(Debug)]
pub struct Decoded {
    pub payload: Payload,
    pub next: Option<PageState>,
    pub freshness: Freshness,
    /// How the answer breaks the call's schema, where that is only to be told.
    pub violation: Option<Violation>,
}

/// The request of a call, ready to send.
pub fn request(
    backend: &Backend,
    call: &Call,
    inputs: Inputs<'_>,
) -> Result<WireRequest, BackendError> {
    let mut request = match &call.request {
        RequestTemplate::Rest(template) => rest::request(backend, call, template, inputs),
        RequestTemplate::Soap(template) => soap::request(backend, call, template, inputs),
    }?;
    if let Some(known) = inputs.known {
        freshness::ask_if_changed(&mut request, known)?;
    }
    Ok(request)
}

/// The answer of a call, read.
pub fn decode(
    call: &Call,
    inputs: Inputs<'_>,
    response: WireResponse,
) -> Result<Decoded, BackendError> {
    let mut freshness = freshness::of(&response);
    if response.status == NOT_MODIFIED && inputs.known.is_some() {
        freshness.is_unchanged = true;
        let payload = Payload::default();
        return Ok(Decoded { payload, next: None, freshness, violation: None });
    }
    let links: Vec<String> = response.headers_named(LINK).map(str::to_owned).collect();
    let answer::Checked { payload, violation } = match &call.request {
        RequestTemplate::Rest(template) => {
            rest::decode(call, template, response, inputs.keys.len())?
        }
        RequestTemplate::Soap(template) => soap::decode(call, template, &response)?,
    };
    let next = pages::next(call, inputs, &payload, &links)?;
    Ok(Decoded { payload, next, freshness, violation })
}

/// The parts of a request that REST and SOAP share.
struct Draft {
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Most requests have no more headers, those of the client included.
const HEADERS: usize = 8;

impl Draft {
    fn new(method: Method, target: Target, body: Vec<u8>) -> Self {
        Self { method, target, headers: HeaderMap::with_capacity(HEADERS), body }
    }

    /// Sets a header; one of this name that is there already is replaced.
    fn set_header(&mut self, name: HeaderName, value: &str) -> Result<(), BackendError> {
        let value = headers::value(&name, value)?;
        self.headers.insert(name, value);
        Ok(())
    }

    fn set_default_header(&mut self, name: HeaderName, value: &'static str) {
        self.headers.entry(name).or_insert(HeaderValue::from_static(value));
    }

    /// Headers of the vendor file; a null value leaves its header out.
    fn set_templates(
        &mut self,
        templates: &[(std::sync::Arc<str>, HeaderTemplate)],
        scope: &Scope<'_>,
    ) -> Result<(), BackendError> {
        for (name, template) in templates {
            if let Some(reason) = forbidden_header(name) {
                return Err(refused(format!("header `{name}`: {reason}")));
            }
            if let Some(value) = template.render(scope)? {
                self.set_header(headers::name(name)?, &value)?;
            }
        }
        Ok(())
    }

    fn authorize(&mut self, auth: &Auth) -> Result<(), BackendError> {
        match auth {
            Auth::None
            | Auth::UsernameToken { .. }
            | Auth::TokenPassport(_)
            | Auth::ClientCredentials(_) => {}
            Auth::Header { name, value } => {
                if let Some(reason) = forbidden_header(name) {
                    return Err(refused(format!("header `{name}`: {reason}")));
                }
                self.set_header(headers::name(name)?, value)?;
            }
            Auth::Query { name, value } => {
                let value = serde_json::Value::from(&**value);
                crate::template::push_pair(&mut self.target.query, name, &value)?;
            }
            Auth::Basic { user, password } => {
                if user.contains(':') {
                    return Err(refused("a user of basic authentication holds no colon"));
                }
                self.set_header(AUTHORIZATION, &basic(user, password))?;
            }
            Auth::Bearer { token } => {
                self.set_header(AUTHORIZATION, &format!("Bearer {token}"))?;
            }
        }
        Ok(())
    }

    fn finish(self, backend: &Backend, call: &Call) -> WireRequest {
        let (base, fixed) = backend.url.split_once('?').unwrap_or((&backend.url, ""));
        let Target { path, query } = &self.target;
        let mut url = String::with_capacity(backend.url.len() + path.len() + query.len() + 2);
        url.push_str(base.trim_end_matches('/'));
        url.push_str(path);
        let queries = [fixed, query.as_str()];
        for (query, separator) in
            queries.into_iter().filter(|query| !query.is_empty()).zip(['?', '&'])
        {
            url.push(separator);
            url.push_str(query);
        }
        WireRequest {
            method: self.method,
            url,
            headers: self.headers,
            body: self.body.into(),
            answer_bytes: call.answer_limits.body_bytes,
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

fn refused(reason: impl Into<String>) -> BackendError {
    BackendError::Build { reason: reason.into() }
}
