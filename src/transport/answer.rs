//! What every answer has, whatever its format: freshness, its own errors, a name for what came.

use std::time::Duration;

use super::WireResponse;
use crate::error::BackendError;
use crate::graph::{Call, ErrorPaths};
use crate::mapping::{DecodeError, Path, Payload};

/// An answer that was old when it came. A vendor file's `ttl` goes before it, unlike before `no-store`.
const STALE_AT_ONCE: Duration = Duration::from_millis(1);
const MESSAGE_CHARACTERS_MAX: usize = 300;
const CODE_CHARACTERS_MAX: usize = 64;

/// How long the answer may be kept by its own `Cache-Control`: zero for `no-store`.
///
/// `private` is no bound here: what is kept is kept for the credentials that asked.
pub(super) fn max_age(response: &WireResponse) -> Option<Duration> {
    let mut seconds = None;
    let mut is_stale = false;
    for directive in response.headers_named("cache-control").flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" => return Some(Duration::ZERO),
            "no-cache" => is_stale = true,
            "max-age" => seconds = value.trim().trim_matches('"').parse::<u64>().ok().or(Some(0)),
            _ => {}
        }
    }
    let age = response.header("age").and_then(|age| age.trim().parse::<u64>().ok()).unwrap_or(0);
    match seconds.map(|seconds| seconds.saturating_sub(age)) {
        _ if is_stale => Some(STALE_AT_ONCE),
        Some(0) => Some(STALE_AT_ONCE),
        seconds => seconds.map(Duration::from_secs),
    }
}

/// The backend's own words for a failure: its code and message, short enough for a log.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) code: Option<Box<str>>,
    pub(super) message: Option<Box<str>>,
}

impl Words {
    pub(super) fn of(payload: &Payload, paths: &ErrorPaths) -> Self {
        let text = |path: &Option<Path>, limit| {
            path.as_ref()
                .and_then(|path| payload.text_at(path))
                .and_then(|text| capped(&text, limit))
        };
        Self {
            code: text(&paths.code, CODE_CHARACTERS_MAX),
            message: text(&paths.message, MESSAGE_CHARACTERS_MAX),
        }
    }

    pub(super) fn message(text: &str) -> Option<Box<str>> {
        capped(text, MESSAGE_CHARACTERS_MAX)
    }

    pub(super) fn code(text: &str) -> Option<Box<str>> {
        capped(text, CODE_CHARACTERS_MAX)
    }
}

/// One line of at most `limit` characters; `None` when nothing is left.
fn capped(text: &str, limit: usize) -> Option<Box<str>> {
    let line: String = text
        .trim()
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(limit)
        .collect();
    if line.is_empty() { None } else { Some(line.into()) }
}

pub(super) fn is_missing(call: &Call, word: &str) -> bool {
    call.missing.iter().any(|missing| &**missing == word)
}

/// The answer's own success test, and whether it has the shape that the call says.
pub(super) fn check(call: &Call, payload: Payload) -> Result<Payload, BackendError> {
    if let Some(success) = &call.success
        && !payload.satisfies(success)
    {
        let Words { code, message } = Words::of(&payload, &call.errors);
        if code.as_deref().is_some_and(|code| is_missing(call, code)) {
            return Ok(Payload::default());
        }
        return Err(BackendError::Unsuccessful { code, message });
    }
    payload.answers(call).map_err(|reason| BackendError::Decode { reason })?;
    Ok(payload)
}

pub(super) fn undecoded(error: &DecodeError, came: &str) -> BackendError {
    match error {
        DecodeError::TooLarge { limit } => BackendError::TooLarge { limit: *limit },
        error => BackendError::Decode { reason: format!("{error} ({came})") },
    }
}

/// What came, in words that hold none of it: "HTML", "text/plain, 12 bytes".
pub(super) fn describe(response: &WireResponse) -> String {
    let length = response.body.len();
    let start: Vec<u8> =
        response.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(14).collect();
    let start = start.to_ascii_lowercase();
    let looks = if start.starts_with(b"<!doctypehtml") || start.starts_with(b"<html") {
        Some("HTML")
    } else if start.starts_with(b"<") {
        Some("XML or HTML")
    } else {
        None
    };
    let media = media_type(response).filter(|media| {
        media.len() <= 60
            && media.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+.-_".contains(&byte))
    });
    match (length, looks, media) {
        (0, ..) => "nothing came".to_owned(),
        (_, Some(looks), _) => format!("{looks} came, {length} bytes"),
        (_, None, Some(media)) => format!("{media} came, {length} bytes"),
        (_, None, None) => format!("{length} bytes of no declared type came"),
    }
}

/// The type of `Content-Type`, lower case, without its parameters.
pub(super) fn media_type(response: &WireResponse) -> Option<String> {
    let value = response.header("content-type")?;
    let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media.is_empty() { None } else { Some(media) }
}

/// The `charset` of `Content-Type`, lower case.
pub(super) fn charset(response: &WireResponse) -> Option<String> {
    let value = response.header("content-type")?;
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}
