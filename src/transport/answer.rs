//! What every answer has, whatever its format: its own errors, a name for what came.

use hyper::header::CONTENT_TYPE;

use super::WireResponse;
use crate::error::BackendError;
use crate::graph::{Call, ErrorPaths, OnViolation};
use crate::mapping::{self, DecodeError, Path, Payload, Violation};

/// The backend's own words for a failure: its code and message, short enough for a log.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) code: Option<Box<str>>,
    pub(super) message: Option<Box<str>>,
}

impl Words {
    pub(super) fn of(payload: &Payload, paths: &ErrorPaths) -> Self {
        let text = |path: &Option<Path>| path.as_ref().and_then(|path| payload.text_at(path));
        Self {
            code: text(&paths.code).and_then(|text| Self::code(&text)),
            message: text(&paths.message).and_then(|text| Self::message(&text)),
        }
    }

    pub(super) fn message(text: &str) -> Option<Box<str>> {
        mapping::message_line(text)
    }

    pub(super) fn code(text: &str) -> Option<Box<str>> {
        mapping::code_line(text)
    }
}

pub(super) fn is_missing(call: &Call, word: &str) -> bool {
    call.missing.iter().any(|missing| &**missing == word)
}

/// The error that the vendor file declares the backend's codes to be; the first code that it knows decides.
pub(super) fn declared(
    call: &Call,
    status: u16,
    codes: &[Box<str>],
    message: Option<&str>,
) -> Option<BackendError> {
    let message = || message.map(Box::from);
    codes.iter().find_map(|code| {
        if is_one_of(&call.errors.throttled, code) {
            Some(BackendError::Throttled { status, code: Some(code.clone()), message: message() })
        } else if is_one_of(&call.errors.unavailable, code) {
            Some(BackendError::Unavailable { status, code: Some(code.clone()), message: message() })
        } else {
            None
        }
    })
}

/// `EXCEEDED_*` is whatever begins so.
fn is_one_of(declared: &[std::sync::Arc<str>], code: &str) -> bool {
    declared.iter().any(|word| match word.strip_suffix('*') {
        Some(beginning) => code.starts_with(beginning),
        None => **word == *code,
    })
}

/// A decoded answer, and how it breaks the call's schema if that is only to be told.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) payload: Payload,
    pub(super) violation: Option<Violation>,
}

/// The answer's own success test, the call's schema, and whether it has the shape that the call says.
pub(super) fn check(call: &Call, payload: Payload) -> Result<Checked, BackendError> {
    if let Some(success) = &call.success
        && !payload.satisfies(success)
    {
        let Words { code, message } = Words::of(&payload, &call.errors);
        if code.as_deref().is_some_and(|code| is_missing(call, code)) {
            return Ok(Checked::default());
        }
        // what the answer says in its body came with a status that says nothing
        let declared = declared(call, 200, code.as_slice(), message.as_deref());
        return Err(declared.unwrap_or(BackendError::Unsuccessful { code, message }));
    }
    let violation = violation(call, &payload)?;
    payload.answers(call).map_err(|reason| BackendError::Decode { reason })?;
    Ok(Checked { payload, violation })
}

/// How the answer breaks its schema, if that is no error.
fn violation(call: &Call, payload: &Payload) -> Result<Option<Violation>, BackendError> {
    let Some(contract) = &call.contract else { return Ok(None) };
    match (contract.schema.check(payload), contract.on_violation) {
        (Some(Violation { place, keyword, count }), OnViolation::Refuse) => {
            Err(BackendError::Violated { place, keyword, count })
        }
        (violation, _) => Ok(violation),
    }
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
    let value = response.header(CONTENT_TYPE)?;
    let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media.is_empty() { None } else { Some(media) }
}

/// The `charset` of `Content-Type`, lower case.
pub(super) fn charset(response: &WireResponse) -> Option<String> {
    let value = response.header(CONTENT_TYPE)?;
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}
