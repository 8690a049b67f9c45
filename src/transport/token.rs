//! Access tokens by the client credentials grant (RFC 6749, section 4.4): the request, and what is granted.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use super::{WireRequest, WireResponse, basic, headers};
use crate::error::BackendError;
use crate::graph::{ClientCredentials, Method};
use crate::template::{encode, push_pair};

/// More than any token has.
const ANSWER_BYTES: usize = 64 * 1024;

/// No token is thought good for longer, whatever is said of it.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// A token, and for how long it is good, if that is said.
pub struct Granted {
    pub token: Arc<str>,
    pub lifetime: Option<Duration>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    /// A number; of some servers a text.
    #[serde(default)]
    expires_in: Option<Value>,
}

pub fn token_request(client: &ClientCredentials) -> Result<WireRequest, BackendError> {
    let mut body = String::new();
    let mut push = |name: &str, value: &str| push_pair(&mut body, name, &Value::from(value));
    push("grant_type", "client_credentials")?;
    if let Some(scope) = &client.scope {
        push("scope", scope)?;
    }
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    fields.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if client.in_body {
        push("client_id", &client.client_id)?;
        push("client_secret", &client.client_secret)?;
    } else {
        // each as in a form, before they are put together (section 2.3.1)
        let encoded = |text: &str| {
            let mut out = String::new();
            encode(text, &mut out);
            out
        };
        let pair = basic(&encoded(&client.client_id), &encoded(&client.client_secret));
        fields.insert(AUTHORIZATION, headers::value(&AUTHORIZATION, &pair)?);
    }
    Ok(WireRequest {
        method: Method::Post,
        url: client.token_url.to_string(),
        headers: fields,
        body: body.into(),
        answer_bytes: ANSWER_BYTES,
    })
}

/// What an answer grants. Of one that is an error, the code alone is kept.
pub fn granted(response: &WireResponse) -> Result<Granted, BackendError> {
    if response.status != 200 {
        let answer: Option<Value> = serde_json::from_slice(&response.body).ok();
        let code = answer.as_ref().and_then(|answer| answer.get("error")?.as_str());
        let code = code.map(Box::from);
        return Err(BackendError::Status { status: response.status, code, message: None });
    }
    let unreadable = |reason: &str| BackendError::Decode { reason: reason.to_owned() };
    // not what is wrong with it: that may quote it
    let answer: Answer =
        serde_json::from_slice(&response.body).map_err(|_| unreadable("it holds no token"))?;
    let kind = answer.token_type.as_deref().unwrap_or("Bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(unreadable("the token is not of the type Bearer"));
    }
    if answer.access_token.is_empty()
        || !answer.access_token.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(unreadable("the token is none"));
    }
    let seconds: Option<f64> = answer.expires_in.and_then(|value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let lifetime = seconds.filter(|seconds| !seconds.is_nan()).map(|seconds| {
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST).min(LONGEST)
    });
    Ok(Granted { token: answer.access_token.into(), lifetime })
}
