//! Media types: which one a client wants to read, and whether what it sent is JSON in UTF-8.

use axum::http::{HeaderMap, HeaderValue, header};

use super::StatusProfile;

/// The two media types of a GraphQL answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status says how it went.
    Response,
    /// `application/json`, for clients from before it.
    Json,
}

impl Media {
    /// For clients that do not say.
    pub(super) fn of(profile: StatusProfile) -> Self {
        match profile {
            StatusProfile::Audit2025 => Self::Json,
            StatusProfile::Draft2026 => Self::Response,
        }
    }

    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Response => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Response => ("application", "graphql-response+json"),
            Self::Json => ("application", "json"),
        }
    }
}

const EVENTS: (&str, &str) = ("text", "event-stream");

/// How a client wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The media type of an answer that is one, and of a refusal.
    pub(super) media: Media,
    /// As a stream of events.
    pub(super) events: bool,
}

/// How to answer, or `None` if the client accepts nothing that there is (RFC 9110, section 12.5.1).
///
/// The higher quality wins; then what was named over what a wildcard allows; then one answer over a stream, the newer type if both were
/// named, and the profile's default if neither was.
pub(super) fn negotiate(headers: &HeaderMap, profile: StatusProfile) -> Option<Wanted> {
    let default = Media::of(profile);
    if let Some(media) = plain(headers, default) {
        return Some(Wanted { media, events: false });
    }
    let ranges = ranges(headers);
    let rank = |name: (&str, &str)| {
        let range =
            ranges.iter().filter(|range| range.covers(name)).max_by_key(|range| range.precision)?;
        (range.quality > 0).then_some((range.quality, range.precision))
    };
    let (response, json) = (rank(Media::Response.name()), rank(Media::Json.name()));
    // a wildcard does not ask for a stream
    let events = rank(EVENTS).filter(|(_, precision)| *precision == Precision::Exact);
    let media = match (response, json) {
        (None, None) => None,
        (Some(_), None) => Some(Media::Response),
        (None, Some(_)) => Some(Media::Json),
        (Some(response), Some(json)) if response == json && response.1 != Precision::Exact => {
            Some(default)
        }
        (Some(response), Some(json)) => {
            Some(if response >= json { Media::Response } else { Media::Json })
        }
    };
    let events = events > response.max(json);
    (events || media.is_some()).then(|| Wanted { media: media.unwrap_or(default), events })
}

/// The media type for a client that takes one or any, where it says so in the few words that most of them use.
pub(super) fn plain(headers: &HeaderMap, default: Media) -> Option<Media> {
    let mut values = headers.get_all(header::ACCEPT).iter();
    match (values.next().map(HeaderValue::as_bytes), values.next()) {
        (None | Some(b"*/*"), None) => Some(default),
        (Some(b"application/json"), None) => Some(Media::Json),
        (Some(b"application/graphql-response+json"), None) => Some(Media::Response),
        _ => None,
    }
}

fn ranges(headers: &HeaderMap) -> Vec<Range<'_>> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(Range::parse).collect()
}

/// How gladly a client takes a whole answer, in thousandths.
pub(super) fn json_quality(headers: &HeaderMap) -> u16 {
    let names = [Media::Response.name(), Media::Json.name()];
    let covers = |range: &&Range<'_>| names.iter().any(|name| range.covers(*name));
    ranges(headers).iter().filter(covers).map(|range| range.quality).max().unwrap_or(0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Anything,
    Family,
    Exact,
}

/// One media range of an `Accept` header; those that cannot be read are dropped.
#[derive(Debug)]
struct Range<'a> {
    precision: Precision,
    /// Type and subtype, as they were written.
    name: (&'a str, &'a str),
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (ty, subtype) = parts.next()?.split_once('/')?;
        let precision = match (ty, subtype) {
            ("*", "*") => Precision::Anything,
            ("*", _) => return None,
            (_, "*") => Precision::Family,
            _ => Precision::Exact,
        };
        let mut quality = 1000;
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            let is = |known: &str| name.trim().eq_ignore_ascii_case(known);
            if is("q") {
                quality = thousandths(value)?;
            } else if is("charset") && !value.eq_ignore_ascii_case("utf-8") {
                return None;
            }
        }
        Some(Self { precision, name: (ty, subtype), quality })
    }

    fn covers(&self, (ty, subtype): (&str, &str)) -> bool {
        let is_of_family = self.name.0.eq_ignore_ascii_case(ty);
        match self.precision {
            Precision::Anything => true,
            Precision::Family => is_of_family,
            Precision::Exact => is_of_family && self.name.1.eq_ignore_ascii_case(subtype),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked first"
)]
pub(super) fn thousandths(text: &str) -> Option<u16> {
    let quality: f32 = text.parse().ok()?;
    (0.0..=1.0).contains(&quality).then(|| (quality * 1000.0).round() as u16)
}

/// Is this body JSON that we can read? The error says what the client should send.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), String> {
    const WANTED: &str = "send `Content-Type: application/json`";
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Err(format!("the request has no content type: {WANTED}"));
    };
    // as most clients send it, and no more than that
    if value == "application/json" && !headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    let text = value.to_str().unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json")) {
        return Err(format!("a content type of `{}` is not read here: {WANTED}", printable(text)));
    }
    let charset = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"'));
    if let Some(charset) = charset.filter(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
        return Err(format!("the charset `{}` is not read here: send UTF-8", printable(charset)));
    }
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(format!(
            "a body in content encoding `{}` is not read here: send it plain",
            printable(encoding)
        ));
    }
    Ok(())
}

/// The client's own words, short enough to repeat.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests;
