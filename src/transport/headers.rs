//! Header fields, from text.

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::error::BackendError;

/// Those of an answer, by lower-case names. What cannot be sent cannot have come, and is left out.
pub fn fields<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> HeaderMap {
    let field = |(name, value): (N, V)| {
        let name = HeaderName::from_bytes(name.as_ref().as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value.as_ref()).ok()?))
    };
    let mut fields = HeaderMap::new();
    for (name, value) in pairs.into_iter().filter_map(field) {
        fields.append(name, value);
    }
    fields
}

pub(super) fn name(text: &str) -> Result<HeaderName, BackendError> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| bad(text))
}

/// The value of a header of this name.
pub(super) fn value(name: &HeaderName, text: &str) -> Result<HeaderValue, BackendError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| bad(name.as_str()))?;
    // Whatever is not plainly public may be a credential: never indexed, never printed.
    let is_public =
        *name == header::ACCEPT || *name == header::CONTENT_TYPE || name.as_str() == "soapaction";
    value.set_sensitive(!is_public);
    Ok(value)
}

/// The value of a header that holds nothing secret.
pub(super) fn public(name: &HeaderName, text: String) -> Result<HeaderValue, BackendError> {
    HeaderValue::try_from(text).map_err(|_| bad(name.as_str()))
}

fn bad(name: &str) -> BackendError {
    BackendError::Build { reason: format!("header `{name}` has a value that cannot be sent") }
}
