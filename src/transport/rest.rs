//! REST: method, URL, headers, JSON or form bodies; JSON answers.

use hyper::header::{ACCEPT, CONTENT_TYPE};

use super::answer::{self, Checked, Words, check, describe, is_missing, undecoded};
use super::{Draft, WireRequest, WireResponse};
use crate::error::BackendError;
use crate::graph::{Backend, Call, Effect, KeyMode, Method, RestTemplate};
use crate::mapping::Payload;
use crate::template::{Inputs, Scope, push_pair};

pub(super) fn request(
    backend: &Backend,
    call: &Call,
    template: &RestTemplate,
    inputs: Inputs<'_>,
) -> Result<WireRequest, BackendError> {
    let scope = Scope::new(inputs, &template.variables, call.pages.as_ref());
    let mut target = template.url.expand(&scope)?;
    for (name, value) in &template.query {
        push_pair(&mut target.query, name, &value.evaluate(&scope)?)?;
    }
    let mut draft = Draft::new(template.method, target, Vec::new());
    draft.set_templates(&backend.headers, &scope)?;
    draft.set_templates(&template.headers, &scope)?;
    if let Some(body) = &template.body {
        let body = body.render(&scope)?;
        draft.set_default_header(CONTENT_TYPE, body.content_type);
        draft.body = body.bytes;
    }
    draft.set_default_header(ACCEPT, "application/json");
    draft.authorize(&backend.auth)?;
    Ok(draft.finish(backend, call))
}

pub(super) fn decode(
    call: &Call,
    template: &RestTemplate,
    response: WireResponse,
    keys: usize,
) -> Result<Checked, BackendError> {
    let status = response.status;
    if is_missing(call, &status.to_string()) {
        return Ok(Checked::default());
    }
    if status >= 400 {
        return refusal(call, response, keys);
    }
    if !(200..300).contains(&status) {
        return Err(BackendError::Decode {
            reason: format!("status {status} came; redirects are not followed"),
        });
    }
    let may_be_empty = call.effect == Effect::Write
        || template.method == Method::Head
        || matches!(status, 204 | 205);
    if response.body.is_empty() && may_be_empty {
        return Ok(Checked::default());
    }
    check(call, json(call, response)?)
}

/// A status of 400 and above; its body may say more, if it is JSON.
fn refusal(call: &Call, response: WireResponse, keys: usize) -> Result<Checked, BackendError> {
    let status = response.status;
    let payload = json(call, response).unwrap_or_default();
    let Words { code, message } = Words::of(&payload, &call.errors);
    if !is_halved(call, status, keys) && code.as_deref().is_some_and(|code| is_missing(call, code))
    {
        return Ok(Checked::default());
    }
    let declared = answer::declared(call, status, code.as_slice(), message.as_deref());
    Err(declared.unwrap_or(BackendError::Status { status, code, message }))
}

/// The body is tried whatever its declared type: many APIs send JSON as text. A declared charset must be UTF-8.
fn json(call: &Call, response: WireResponse) -> Result<Payload, BackendError> {
    if let Some(charset) = answer::charset(&response)
        && !matches!(charset.as_str(), "utf-8" | "utf8" | "us-ascii")
    {
        return Err(BackendError::Decode {
            reason: "JSON is UTF-8 and another charset was declared".to_owned(),
        });
    }
    Payload::json(response.body.clone(), call.answer_limits)
        .map_err(move |error| undecoded(&error, &describe(&response)))
}

/// Which of several keys is missing is found by halving, where the call says so.
fn is_halved(call: &Call, status: u16, keys: usize) -> bool {
    matches!(&call.keys, KeyMode::Batch { split_on, .. } if keys > 1 && split_on.contains(&status))
}
