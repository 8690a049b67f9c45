//! Percent-encoding, and what a path may hold once it is decoded.

use std::borrow::Cow;

use serde_json::Value;

use super::text;
use crate::error::BackendError;

/// No segment may be empty (a last one may), `.` or `..`, however it is spelled.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    let Some(path) = path.strip_prefix('/') else {
        return if path.is_empty() { Ok(()) } else { Err("a path begins with `/`".to_owned()) };
    };
    let last = path.split('/').count();
    for (index, segment) in path.split('/').enumerate() {
        if segment.is_empty() && index + 1 == last {
            continue;
        }
        let mut text = Cow::Borrowed(segment);
        // Encoded twice is decoded twice by some servers, so every layer is looked at.
        for _ in 0..4 {
            if !text.contains('%') {
                break;
            }
            text = Cow::Owned(decode(&text));
        }
        // Whatever follows a `;` is a parameter to some servers.
        let name = text.split(';').next().unwrap_or_default();
        // An encoded slash is a slash to some servers: it may not lead upwards either.
        if name.trim().is_empty()
            || name.split(['/', '\\']).any(|part| matches!(part.trim(), "." | ".."))
        {
            return Err("a path segment is empty, `.` or `..`".to_owned());
        }
    }
    Ok(())
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| after.split_at_checked(2)).flatten();
        let decoded = hex.and_then(|(hex, after)| {
            let value = u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?;
            Some((value, after))
        });
        let (byte, next) = decoded.unwrap_or((*first, after));
        bytes.push(byte);
        rest = next;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Everything but RFC 3986's unreserved characters as `%XX`.
pub(crate) fn encode(text: &str, into: &mut String) {
    into.reserve(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let digit = |value: u8| {
                char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase()
            };
            into.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

pub(super) fn push_name(query: &mut String, name: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    encode(name, query);
    query.push('=');
}

/// Appends `name=value` to a query or a form: null leaves it out, a list repeats it.
pub fn push_pair(query: &mut String, name: &str, value: &Value) -> Result<(), BackendError> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    for item in items {
        if let Some(text) = text(item)? {
            push_name(query, name);
            encode(&text, query);
        }
    }
    Ok(())
}
