//! The spelling that keys are compared in. Display keeps the original.

use std::borrow::Cow;

use super::phone;
use crate::graph::Normalizer;

/// The spelling that keys are compared in. A blank result is no key: it matches nothing.
pub fn normalize(normalizer: Normalizer, text: &str) -> Cow<'_, str> {
    let trimmed = trimmed(text);
    match normalizer {
        Normalizer::Exact => Cow::Borrowed(text),
        Normalizer::Email | Normalizer::CaseInsensitive => lower(trimmed),
        Normalizer::Phone(country) => {
            phone::e164(trimmed, country).map_or(Cow::Borrowed(""), Cow::Owned)
        }
        Normalizer::Domain => domain(trimmed),
    }
}

/// `text.trim()`, at once where neither end can be a space.
pub(crate) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// `text.to_lowercase()`, at once where nothing is to be changed.
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    // every byte is looked at, without an early end: vector units do that at once
    let may_be_upper = |any, byte: u8| any | byte.is_ascii_uppercase() | !byte.is_ascii();
    if text.bytes().fold(false, may_be_upper) && text.chars().any(char::is_uppercase) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// The domain of an address, a URL or a bare name: lower case, without `www.`, port and path.
fn domain(text: &str) -> Cow<'_, str> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_domain = host.contains('.') && !host.chars().any(char::is_whitespace);
    let host = match host.get(..4) {
        Some(start) if start.eq_ignore_ascii_case("www.") => host.get(4..).unwrap_or_default(),
        _ => host,
    };
    if is_domain { lower(host) } else { Cow::Borrowed("") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_case_and_space() {
        assert_eq!(normalize(Normalizer::Email, " Anna@Example.COM "), "anna@example.com");
        assert_eq!(normalize(Normalizer::CaseInsensitive, "B2"), "b2");
        assert_eq!(normalize(Normalizer::Exact, " B2 "), " B2 ");
    }

    #[test]
    fn a_domain_is_found_in_a_url_an_address_and_a_bare_name() {
        let same = [
            "acme.example",
            "WWW.Acme.Example",
            "https://www.acme.example:8080/about?x=1#y",
            "anna@Acme.example",
            "acme.example.",
            "ftp://user:word@acme.example/",
        ];
        for text in same {
            assert_eq!(normalize(Normalizer::Domain, text), "acme.example", "{text}");
        }
        for text in ["", "acme", "no domain.here", "n/a", "-"] {
            assert_eq!(normalize(Normalizer::Domain, text), "", "{text}");
        }
    }
}
