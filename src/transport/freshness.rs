//! How long an answer may be used by its own headers, and asking whether one that is known is still so.
//!
//! `private` is no bound here: what is kept is kept for the credentials that asked.

use std::time::Duration;

use hyper::header::{AGE, CACHE_CONTROL, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};

use super::{WireRequest, WireResponse};
use crate::error::BackendError;
use crate::graph::Method;
use crate::value::{Freshness, Validators};

/// An answer that was old when it came. A vendor file's `ttl` goes before it, unlike before `no-store`.
const STALE_AT_ONCE: Duration = Duration::from_millis(1);

/// A validator is sent back with every request for its answer.
const VALIDATOR_BYTES_MAX: usize = 256;

/// What the headers of an answer say.
pub(super) fn of(response: &WireResponse) -> Freshness {
    let mut told = Freshness { validators: validators(response), ..Freshness::default() };
    let (mut seconds, mut is_stale) = (None, false);
    for directive in response.headers_named(CACHE_CONTROL).flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let value = value.trim().trim_matches('"').parse::<u64>().ok();
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" => {
                return Freshness {
                    max_age: Some(Duration::ZERO),
                    must_revalidate: true,
                    ..Freshness::default()
                };
            }
            "no-cache" => (is_stale, told.must_revalidate) = (true, true),
            "must-revalidate" | "proxy-revalidate" => told.must_revalidate = true,
            "max-age" => seconds = value.or(Some(0)),
            "stale-while-revalidate" => {
                told.stale_while_revalidate = value.map(Duration::from_secs);
            }
            "stale-if-error" => told.stale_if_error = value.map(Duration::from_secs),
            _ => {}
        }
    }
    let age = response.header(AGE).and_then(|age| age.trim().parse::<u64>().ok()).unwrap_or(0);
    told.max_age = match seconds.map(|seconds| seconds.saturating_sub(age)) {
        _ if is_stale => Some(STALE_AT_ONCE),
        Some(0) => Some(STALE_AT_ONCE),
        seconds => seconds.map(Duration::from_secs),
    };
    told
}

fn validators(response: &WireResponse) -> Option<Validators> {
    let is_short = |value: &&str| value.len() <= VALIDATOR_BYTES_MAX;
    let etag = response.header(ETAG).map(str::trim).filter(is_short).filter(|tag| is_etag(tag));
    let modified = response.header(LAST_MODIFIED).map(str::trim).filter(is_short);
    let modified = modified.filter(|date| is_http_date(date));
    (etag.is_some() || modified.is_some())
        .then(|| Validators { etag: etag.map(Box::from), last_modified: modified.map(Box::from) })
}

/// `"…"` or `W/"…"`.
fn is_etag(text: &str) -> bool {
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.is_some_and(|inside| inside.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`. What else is written there would not be understood when it is sent back.
fn is_http_date(text: &str) -> bool {
    jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S GMT", text).is_ok()
}

/// Asks for an answer only if it is not the one that is known.
pub(super) fn ask_if_changed(
    request: &mut WireRequest,
    known: &Validators,
) -> Result<(), BackendError> {
    if request.method != Method::Get {
        return Ok(());
    }
    let headers = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
    for (name, value) in headers {
        if let Some(value) = value {
            request.set_default(name, value)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&str, &str)], expected: Option<(Option<&str>, Option<&str>)>) {
        let headers = crate::transport::fields(headers.iter().copied());
        let response = WireResponse { status: 200, headers, ..WireResponse::default() };
        let found = of(&response).validators;
        let found = found.as_ref().map(|it| (it.etag.as_deref(), it.last_modified.as_deref()));
        assert_eq!(found, expected);
    }

    #[test]
    fn validators_are_kept_as_they_are_written_and_what_is_none_is_ignored() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        check(&[("etag", "\"a1\"")], Some((Some("\"a1\""), None)));
        check(
            &[("etag", "W/\"a1\""), ("last-modified", date)],
            Some((Some("W/\"a1\""), Some(date))),
        );
        check(&[("etag", "a1"), ("last-modified", "yesterday")], None);
        check(&[("last-modified", "1994-11-06T08:49:37Z")], None);
        check(&[("last-modified", "0")], None);
        check(&[("etag", "\"a b\"")], None);
        check(&[("etag", &format!("\"{}\"", "x".repeat(300)))], None);
        check(&[("etag", "\"a1\""), ("cache-control", "no-store")], None);
    }
}
