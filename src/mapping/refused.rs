//! Keys that a backend refuses one by one, in an answer that gives the others.
//!
//! Takes: the pages of a chunk and its keys.
//! Gives: the keys that were refused, each with the backend's own words.
//! Never: takes "there is no such record" for a refusal.

use super::answers::{Positions, each_answered_key};
use super::hints::Hints;
use super::path::{Found, Path};
use super::payload::{At, Payload};
use crate::graph::{Call, Normalizer, Refused};
use crate::value::Key;

const MESSAGE_CHARACTERS_MAX: usize = 300;
const CODE_CHARACTERS_MAX: usize = 64;

/// Why a key has no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Option<Box<str>>,
    pub message: Option<Box<str>>,
}

/// The refusals, each with the positions of the keys that it is about; `None`: it does not say which, so all that have no record.
pub fn refusals(
    call: &Call,
    pages: &[Payload],
    keys: &[Key],
) -> Vec<(Option<Vec<usize>>, Refusal)> {
    let Some(refused) = &call.refused else { return Vec::new() };
    let (mut found, positions) = (Vec::new(), Positions::new(keys));
    for payload in pages {
        payload.each_record(Some(&refused.records), &mut |at| {
            let Some(refusal) = refusal(call, refused, payload, at) else { return };
            found.push((about(refused, payload, at, &positions), refusal));
        });
    }
    found
}

fn refusal(call: &Call, refused: &Refused, payload: &Payload, at: At) -> Option<Refusal> {
    if refused.success.as_ref().is_some_and(|success| payload.satisfies_within(success, at)) {
        return None;
    }
    let text = |path: &Option<Path>| match path.as_ref()?.first(payload, at) {
        Found::At(at) => payload.scalar_text(at),
        Found::Missing | Found::Misfit { .. } => None,
    };
    let code = text(&refused.errors.code).and_then(|text| code_line(&text));
    let message = || text(&refused.errors.message).and_then(|text| message_line(&text));
    let is_missing =
        code.as_ref().is_some_and(|code| call.missing.iter().any(|one| **one == **code));
    (!is_missing).then(|| Refusal { code, message: message() })
}

fn about(
    refused: &Refused,
    payload: &Payload,
    at: At,
    positions: &Positions<'_>,
) -> Option<Vec<usize>> {
    if refused.keys.is_empty() {
        return None;
    }
    let (mut places, mut hints) = (Vec::new(), Hints::new());
    for path in &refused.keys {
        let paths = (std::slice::from_ref(path), Normalizer::Exact);
        each_answered_key(payload, at, &mut hints, paths, &mut |text| {
            places.extend(positions.of(text));
        });
    }
    Some(places)
}

/// A backend's own message, short enough for a log; `None` when nothing is left of it.
pub fn message_line(text: &str) -> Option<Box<str>> {
    line(text, MESSAGE_CHARACTERS_MAX)
}

/// A backend's own code, likewise.
pub fn code_line(text: &str) -> Option<Box<str>> {
    line(text, CODE_CHARACTERS_MAX)
}

/// One line of at most `limit` characters.
fn line(text: &str, limit: usize) -> Option<Box<str>> {
    let line: String = text
        .trim()
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(limit)
        .collect();
    if line.is_empty() { None } else { Some(line.into()) }
}
