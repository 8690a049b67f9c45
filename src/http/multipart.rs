//! Answers in parts over HTTP: which format a client reads, and the `multipart/mixed` body.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::accept::{self, Media};
use crate::engine::{Format, Payload, Payloads};

/// What stands before each part; `-` is the boundary that Apollo's clients take for granted.
const PART: &str = "\r\ncontent-type: application/json; charset=utf-8\r\n\r\n";
const DELIMITER: &str = "\r\n---";
const END: &str = "--\r\n";

/// The format of parts that the client prefers, if it takes parts at least as gladly as a whole answer.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Format> {
    if accept::plain(headers, Media::Json).is_some() {
        return None;
    }
    let ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(range);
    // of several the first one
    let (format, quality) =
        ranges.reduce(|best, range| if range.1 > best.1 { range } else { best })?;
    (quality > 0 && quality >= accept::json_quality(headers)).then_some(format)
}

/// A range of `Accept` that covers parts: their format, and its quality in thousandths.
fn range(text: &str) -> Option<(Format, u16)> {
    let mut pieces = text.split(';').map(str::trim);
    if !pieces.next()?.eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let (mut format, mut quality) = (Format::default(), 1000);
    for piece in pieces {
        let Some((name, value)) = piece.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match (name.trim().to_ascii_lowercase().as_str(), value) {
            ("deferspec", "20220824") | ("incrementalspec", "v0.1") => format = Format::Paths,
            ("incrementalspec", "v0.2") => format = Format::Ids,
            // another protocol, or an edition that is not spoken here
            ("deferspec" | "incrementalspec" | "subscriptionspec", _) => return None,
            ("q", _) => quality = accept::thousandths(value)?,
            _ => {}
        }
    }
    Some((format, quality))
}

fn content_type(format: Format) -> HeaderValue {
    HeaderValue::from_static(match format {
        Format::Ids => "multipart/mixed; boundary=\"-\"; incrementalSpec=v0.2",
        Format::Paths => "multipart/mixed; boundary=\"-\"; deferSpec=20220824",
    })
}

/// An answer in parts, each sent as soon as it is there. A client can read a part once the delimiter after it has come.
pub(super) fn answered(payloads: Payloads, format: Format) -> Response {
    let begin = stream::once(async { Ok(Bytes::from_static(DELIMITER.as_bytes())) });
    let parts = stream::unfold(Some(payloads), |payloads| async move {
        let mut payloads = payloads?;
        match payloads.next().await {
            Some(payload) => {
                let rest = (!payload.is_last).then_some(payloads);
                Some((Ok(part(&payload)), rest))
            }
            // the operation was lost: a body that breaks off is no answer
            None => Some((Err(Lost), None)),
        }
    });
    respond(Body::from_stream(begin.chain(parts)), format)
}

/// A whole answer for a client that reads nothing but parts.
pub(super) fn answered_whole(body: Bytes, format: Format) -> Response {
    let payload = Payload { body, is_last: true, is_whole: true, has_errors: false };
    let mut text = DELIMITER.as_bytes().to_vec();
    text.extend_from_slice(&part(&payload));
    respond(Body::from(text), format)
}

fn respond(body: Body, format: Format) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type(format));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// A part with the delimiter after it.
fn part(payload: &Payload) -> Bytes {
    let end = if payload.is_last { END } else { "" };
    let size = PART.len() + payload.body.len() + DELIMITER.len() + end.len();
    let mut text = Vec::with_capacity(size);
    text.extend_from_slice(PART.as_bytes());
    text.extend_from_slice(&payload.body);
    text.extend_from_slice(DELIMITER.as_bytes());
    text.extend_from_slice(end.as_bytes());
    Bytes::from(text)
}

#[derive(Debug, thiserror::Error)]
#[error("the operation was lost")]
struct Lost;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expected: Option<Format>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        assert_eq!(accepted(&headers), expected, "{accept}");
    }

    #[test]
    fn the_client_names_the_format_that_it_reads() {
        let apollo = "multipart/mixed;deferSpec=20220824,application/json";
        check(apollo, Some(Format::Paths));
        let apollo_4 = "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9";
        check(apollo_4, Some(Format::Ids));
        check("multipart/mixed; incrementalSpec=\"v0.1\"", Some(Format::Paths));
        check("application/json, multipart/mixed", Some(Format::Ids));
        check("MULTIPART/Mixed; boundary=x; DeferSpec=20220824", Some(Format::Paths));
    }

    #[test]
    fn who_does_not_ask_for_parts_or_would_rather_not_gets_none() {
        check("application/json", None);
        check("*/*", None);
        check("multipart/*", None);
        check("multipart/mixed;q=0", None);
        check("multipart/mixed;q=0.5, application/json", None);
        check("multipart/mixed;q=0.5, application/json;q=0.4", Some(Format::Ids));
        check("multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json", None);
        check("multipart/mixed;deferSpec=20991231", None);
    }

    #[test]
    fn of_several_formats_the_first_of_the_best_is_taken() {
        let both = "multipart/mixed;incrementalSpec=v0.2, multipart/mixed;deferSpec=20220824";
        check(both, Some(Format::Ids));
        check("multipart/mixed;q=0.5, multipart/mixed;deferSpec=20220824", Some(Format::Paths));
    }
}
