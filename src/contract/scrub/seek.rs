//! What a text holds: values that were replaced elsewhere, e-mail addresses, telephone numbers, what is encoded.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::prelude::{
    BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD,
};

use super::super::text::percent_encoded;

/// Values by length, longer ones first, with what stands in for each.
pub(super) type Values = BTreeMap<(std::cmp::Reverse<usize>, String), String>;

/// Words of query languages, which a company's name may hold.
const QUERY_WORDS: &[&str] = &[
    "and", "asc", "desc", "for", "from", "group", "having", "join", "like", "limit", "not", "null",
    "offset", "order", "select", "where", "with",
];
/// A shorter text in base64 is a word.
const BASE64_MIN: usize = 16;

/// The ways in which a query language, a URL or JSON in a text may spell a value.
pub(super) fn variants(text: &str) -> Vec<String> {
    let mut variants = vec![text.to_owned()];
    let spellings = [
        text.replace('\'', "\\'"),
        text.replace('\'', "''"),
        percent_encoded(text),
        text.replace('"', "\\\""),
    ];
    for spelling in spellings {
        if !variants.contains(&spelling) {
            variants.push(spelling);
        }
    }
    variants
}

/// Values that were replaced elsewhere, as whole words. In prose the case of letters does not count.
pub(super) fn inside(text: &str, values: &Values) -> String {
    let is_prose = text.contains(char::is_whitespace);
    let mut text = text.to_owned();
    for ((_, value), stand_in) in values {
        let ignore_case = is_prose && !QUERY_WORDS.contains(&&*value.to_lowercase());
        if ignore_case || text.contains(value.as_str()) {
            text = replaced_words(&text, value, stand_in, ignore_case);
        }
    }
    text
}

/// Where a value stands with no letter or digit on either side.
fn replaced_words(text: &str, value: &str, stand_in: &str, ignore_case: bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(at) = found(rest, value, ignore_case) {
        let (head, tail) = (rest.get(..at.start), rest.get(at.end..));
        let (head, after) = (head.unwrap_or_default(), tail.unwrap_or_default());
        let there = rest.get(at).unwrap_or_default();
        let previous = head.chars().next_back().or(before);
        let is_word = !previous.is_some_and(char::is_alphanumeric)
            && !after.chars().next().is_some_and(char::is_alphanumeric);
        out.push_str(head);
        out.push_str(if is_word { stand_in } else { there });
        before = there.chars().next_back();
        rest = after;
    }
    out.push_str(rest);
    out
}

fn found(text: &str, value: &str, ignore_case: bool) -> Option<Range<usize>> {
    if !ignore_case {
        return text.find(value).map(|at| at..at + value.len());
    }
    text.char_indices().find_map(|(at, _)| {
        let length = folded_prefix(text.get(at..)?, value)?;
        Some(at..at + length)
    })
}

/// How long the beginning of a text is that is the value, whatever the case of letters.
fn folded_prefix(text: &str, value: &str) -> Option<usize> {
    let mut wanted = value.chars().flat_map(char::to_lowercase).peekable();
    let mut length = 0;
    for letter in text.chars() {
        if wanted.peek().is_none() {
            break;
        }
        for folded in letter.to_lowercase() {
            if wanted.next() != Some(folded) {
                return None;
            }
        }
        length += letter.len_utf8();
    }
    (wanted.peek().is_none() && length > 0).then_some(length)
}

// ---- telephone numbers ----------------------------------------------------------------------------------------------

/// Digits with what stands between those of a telephone number.
pub(super) fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_part = |letter: char| letter.is_ascii_digit() || " -/().+".contains(letter);
    (7..=15).contains(&digits) && text.starts_with(['+', '0', '(']) && text.chars().all(is_part)
}

pub(super) fn is_address(text: &str) -> bool {
    address_in(text) == Some((0, text.len()))
}

/// The first run of digits, with what may stand between those of a telephone number, of which `is_known` says that it is one.
pub(super) fn number_in(text: &str, is_known: &dyn Fn(&str) -> bool) -> Option<Range<usize>> {
    let groups = digit_groups(text);
    for (first, group) in groups.iter().enumerate() {
        let before = text.get(..group.start).and_then(|head| head.chars().next_back());
        // one with a plus is found by that
        if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '+') {
            continue;
        }
        let mut digits = String::new();
        let mut longest = None;
        let mut end = group.start;
        for group in groups.iter().skip(first) {
            let between = text.get(end..group.start).unwrap_or_default();
            if digits.len() > 15 || !between.chars().all(|letter| " -/().".contains(letter)) {
                break;
            }
            digits.push_str(text.get(group.clone()).unwrap_or_default());
            end = group.end;
            let after = text.get(end..).and_then(|tail| tail.chars().next());
            if !after.is_some_and(char::is_alphanumeric) && is_known(&digits) {
                longest = Some(end);
            }
        }
        if let Some(end) = longest {
            let is_open = before == Some('(') && text.get(group.start..end)?.contains(')');
            return Some(group.start - usize::from(is_open)..end);
        }
    }
    None
}

fn digit_groups(text: &str) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, letter) in text.char_indices().filter(|(_, letter)| letter.is_ascii_digit()) {
        match groups.last_mut() {
            Some(group) if group.end == at => group.end = at + letter.len_utf8(),
            _ => groups.push(at..at + letter.len_utf8()),
        }
    }
    groups
}

// ---- addresses ------------------------------------------------------------------------------------------------------

/// Where the first e-mail address begins and ends.
pub(super) fn address_in(text: &str) -> Option<(usize, usize)> {
    let is_local = |letter: char| letter.is_alphanumeric() || "._+'-".contains(letter);
    for (at, _) in text.match_indices('@') {
        let head = text.get(..at).unwrap_or_default();
        let start = head.rfind(|letter: char| !is_local(letter)).map_or(0, |found| {
            found + head.get(found..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
        });
        let local = head.get(start..).unwrap_or_default();
        // quotes and separators around an address are not of it
        let trimmed = local.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        let start = start + local.len() - trimmed.len();
        let tail = text.get(at + 1..).unwrap_or_default();
        let is_host = |letter: char| letter.is_alphanumeric() || ".-".contains(letter);
        let end = tail.find(|letter: char| !is_host(letter)).unwrap_or(tail.len());
        let host = tail.get(..end).unwrap_or_default().trim_end_matches(['.', '-']);
        if !trimmed.is_empty() && host.contains('.') && !host.starts_with('.') {
            return Some((start, at + 1 + host.len()));
        }
    }
    None
}

/// A stretch of a text that is percent-encoded and holds an `@`: an address in a URL.
pub(super) fn encoded_address(text: &str) -> Option<Range<usize>> {
    let at = ["%40"].iter().find_map(|mark| text.find(mark))?;
    let is_part = |letter: char| letter.is_alphanumeric() || "%._+'-~".contains(letter);
    let head = text.get(..at).unwrap_or_default();
    let start = head.char_indices().rev().take_while(|(_, letter)| is_part(*letter)).last();
    let tail = text.get(at..).unwrap_or_default();
    let length = tail.find(|letter: char| !is_part(letter)).unwrap_or(tail.len());
    Some(start.map_or(at, |(start, _)| start)..at + length)
}

// ---- base64 ---------------------------------------------------------------------------------------------------------

/// Each stretch that is a text in base64, replaced by what `change` makes of that text.
pub(super) fn decoded(text: &str, change: &mut dyn FnMut(&str) -> String) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "+/-_=".contains(letter);
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (head, tail) = rest.split_at(start);
        let length = tail.find(|letter: char| !is_part(letter)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(length);
        out.push_str(head);
        out.push_str(&of_word(word, change).unwrap_or_else(|| word.to_owned()));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn of_word(word: &str, change: &mut dyn FnMut(&str) -> String) -> Option<String> {
    if word.len() < BASE64_MIN {
        return None;
    }
    let alphabets =
        [BASE64_STANDARD, BASE64_URL_SAFE, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD];
    let (alphabet, bytes) = alphabets.iter().find_map(|one| Some((one, one.decode(word).ok()?)))?;
    let text = String::from_utf8(bytes).ok()?;
    if text.contains(|letter: char| letter.is_control() && !letter.is_whitespace()) {
        return None;
    }
    let changed = change(&text);
    (changed != text).then(|| alphabet.encode(changed))
}
