//! SOAP 1.1 and 1.2: envelopes out, envelopes or faults back.

mod envelope;
mod fault;
mod passport;
mod payload;
mod security;

use std::borrow::Cow;

use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName};

use super::answer::{self, Checked, check, describe, is_missing};
use super::{Draft, WireRequest, WireResponse, refused};
use crate::error::BackendError;
use crate::graph::{AnswerLimits, Auth, Backend, Call, Method, SoapTemplate, SoapVersion};
use crate::template::{Inputs, Scope};

const SOAPACTION: HeaderName = HeaderName::from_static("soapaction");

pub(super) fn request(
    backend: &Backend,
    call: &Call,
    template: &SoapTemplate,
    inputs: Inputs<'_>,
) -> Result<WireRequest, BackendError> {
    let scope = Scope::new(inputs, &template.variables, call.pages.as_ref());
    let mut text = template.envelope.render(&scope)?;
    if let Auth::UsernameToken { user, password, is_digest } = &backend.auth {
        let security = security::username_token(user, password, *is_digest)?;
        text = security::insert(&text, &security)?;
    }
    if let Auth::TokenPassport(passport) = &backend.auth {
        text = security::insert(&text, &passport::token_passport(passport)?)?;
    }
    let target = template.url.expand(&scope)?;
    let body = text.into_bytes();
    let mut draft = Draft::new(Method::Post, target, body);
    draft.set_templates(&backend.headers, &scope)?;
    draft.set_templates(&template.headers, &scope)?;
    let action = &template.action;
    if !action
        .chars()
        .all(|character| character.is_ascii_graphic() && !matches!(character, '"' | '\\'))
    {
        return Err(refused("the SOAP action is visible ASCII without quotes"));
    }
    match template.version {
        SoapVersion::V1_1 => {
            draft.set_header(CONTENT_TYPE, "text/xml; charset=utf-8")?;
            draft.set_header(SOAPACTION, &format!("\"{action}\""))?;
            draft.set_default_header(ACCEPT, "text/xml, application/xml");
        }
        SoapVersion::V1_2 => {
            let action =
                if action.is_empty() { String::new() } else { format!("; action=\"{action}\"") };
            let media = format!("application/soap+xml; charset=utf-8{action}");
            draft.set_header(CONTENT_TYPE, &media)?;
            draft.set_default_header(ACCEPT, "application/soap+xml, text/xml");
        }
    }
    draft.authorize(&backend.auth)?;
    Ok(draft.finish(backend, call))
}

/// A fault is a fault whatever its status (500 by the book, 200 in the wild).
pub(super) fn decode(
    call: &Call,
    template: &SoapTemplate,
    response: &WireResponse,
) -> Result<Checked, BackendError> {
    let status = response.status;
    let failed = |reason: String| {
        if is_missing(call, &status.to_string()) {
            return Ok(Checked::default());
        }
        if status >= 400 {
            return Err(BackendError::Status { status, code: None, message: None });
        }
        if !(200..300).contains(&status) {
            let reason = format!("status {status} came; redirects are not followed");
            return Err(BackendError::Decode { reason });
        }
        Err(BackendError::Decode { reason })
    };
    if response.body.is_empty() {
        // A one-way operation is answered 202 with nothing.
        let may_be_empty =
            matches!(status, 202 | 204) || call.effect == crate::graph::Effect::Write;
        return if may_be_empty && status < 300 {
            Ok(Checked::default())
        } else {
            failed("nothing came".to_owned())
        };
    }
    let came = describe(response);
    let text = match text(response) {
        Ok(text) => text,
        Err(reason) => return failed(reason.to_owned()),
    };
    let envelope = match envelope::read(&text, call.answer_limits) {
        Ok(envelope) => envelope,
        Err(reason) => return failed(format!("{reason} ({came})")),
    };
    if let Some(fault) = envelope.fault() {
        let fault = fault::read(&envelope, fault);
        if fault.codes.iter().any(|code| is_missing(call, code)) {
            return Ok(Checked::default());
        }
        return Err(fault.into_error(status, call));
    }
    if !(200..300).contains(&status) {
        return failed(String::new());
    }
    let payload = envelope.payload(call.answer_limits, &template.lists);
    check(call, payload.map_err(|error| answer::undecoded(&error, &came))?)
}

/// What stands in an envelope's Body as a tree of values, by the rule for answers; the Header, with whatever it proves, is left out.
/// `None` for what is no envelope.
pub fn body_tree(text: &str) -> Option<serde_json::Value> {
    const LIMITS: AnswerLimits = AnswerLimits { body_bytes: 32 * 1024 * 1024, depth: 200 };
    let envelope = envelope::read(text, LIMITS).ok()?;
    Some(envelope.payload(LIMITS, &[]).ok()?.to_value())
}

/// The body as text. A byte order mark goes before `Content-Type`, that before the XML declaration, else it is UTF-8.
fn text(response: &WireResponse) -> Result<Cow<'_, str>, &'static str> {
    let body = &response.body[..];
    if body.starts_with(&[0xff, 0xfe])
        || body.starts_with(&[0xfe, 0xff])
        || body.starts_with(&[0, b'<'])
    {
        return Err("UTF-16 came; UTF-8, US-ASCII, ISO-8859-1 and windows-1252 are read");
    }
    if let Some(rest) = body.strip_prefix(b"\xef\xbb\xbf") {
        return utf8(rest);
    }
    let declared = answer::charset(response).or_else(|| declared_encoding(body));
    match declared.as_deref().unwrap_or("utf-8") {
        "utf-8" | "utf8" => utf8(body),
        "us-ascii" | "ascii" if body.is_ascii() => utf8(body),
        "us-ascii" | "ascii" => Err("the body is not the US-ASCII that it says it is"),
        "iso-8859-1" | "latin1" | "iso_8859-1" => {
            Ok(body.iter().map(|byte| char::from(*byte)).collect())
        }
        "windows-1252" | "cp1252" => Ok(body.iter().map(|byte| windows_1252(*byte)).collect()),
        _ => Err("the charset is none of UTF-8, US-ASCII, ISO-8859-1, windows-1252"),
    }
}

fn utf8(body: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    std::str::from_utf8(body).map(Cow::Borrowed).map_err(|_| "the body is not UTF-8")
}

/// `encoding="…"` of an XML declaration.
fn declared_encoding(body: &[u8]) -> Option<String> {
    let start = body.get(..body.len().min(200))?;
    let declaration: String = start.iter().map(|byte| char::from(*byte)).collect();
    let declaration =
        declaration.trim_start().strip_prefix("<?xml")?.split("?>").next()?.to_owned();
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Some(value.split(quote).nth(1)?.to_ascii_lowercase())
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    byte.checked_sub(0x80)
        .and_then(|index| HIGH.get(usize::from(index)).copied())
        .unwrap_or(char::from(byte))
}
