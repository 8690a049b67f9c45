//! Where the next page begins, for the five ways in which APIs say it.

use crate::error::BackendError;
use crate::graph::{Call, NextPage, Pages};
use crate::mapping::Payload;
use crate::template::Inputs;
use crate::value::PageState;

/// The values of the page variables for the next page; `None` on the last page.
///
/// A page or record number counts up until the answer's `more` or `total` says that this was all, or, when it has neither,
/// until a page is shorter than what was asked for. Of a link only the declared query parameters are kept.
pub(super) fn next(
    call: &Call,
    inputs: Inputs<'_>,
    payload: &Payload,
    links: &[String],
) -> Result<Option<PageState>, BackendError> {
    let Some(pages) = &call.pages else { return Ok(None) };
    let more = pages.more.as_ref().map(|more| payload.is_truthy_at(more));
    if more == Some(false) {
        return Ok(None);
    }
    let pairs = match &pages.next {
        NextPage::Cursor(values) => cursor(values, payload),
        NextPage::Page { variable, start } => {
            let page = current(inputs, variable, *start);
            let counted = Counted { call, pages, inputs, payload, more };
            let before = counted
                .size()
                .map(|size| page.saturating_sub(u64::from(*start)).saturating_mul(size));
            counted
                .has_more(before)
                .then(|| vec![pair(variable, &page.saturating_add(1).to_string())])
        }
        NextPage::Offset { variable, start } => {
            let offset = current(inputs, variable, *start);
            let counted = Counted { call, pages, inputs, payload, more };
            let before = offset.saturating_sub(u64::from(*start));
            let next = offset.saturating_add(counted.count());
            counted.has_more(Some(before)).then(|| vec![pair(variable, &next.to_string())])
        }
        NextPage::LinkHeader { relation, parameters } => match link_with(links, relation) {
            Some(link) => Some(kept(&link, parameters, None)?),
            None => None,
        },
        NextPage::BodyLink { path, parameters, segment } => {
            match payload.text_at(path).filter(|link| !link.trim().is_empty()) {
                Some(link) => Some(kept(&link, parameters, segment.as_deref())?),
                None => None,
            }
        }
    };
    match (pairs, more) {
        (Some(mut pairs), _) => {
            pairs.extend(carried(&pages.carry, inputs, payload));
            let state = PageState(pairs.into());
            if inputs.page == Some(&state) {
                return Err(undecoded("the next page is the page that was just read"));
            }
            Ok(Some(state))
        }
        (None, Some(true)) if !is_counted(pages) => {
            Err(undecoded("the answer says that there is more, and not where it begins"))
        }
        (None, _) => Ok(None),
    }
}

fn is_counted(pages: &Pages) -> bool {
    matches!(pages.next, NextPage::Page { .. } | NextPage::Offset { .. })
}

fn undecoded(reason: &str) -> BackendError {
    BackendError::Decode { reason: reason.to_owned() }
}

fn pair(name: &str, value: &str) -> (Box<str>, Box<str>) {
    (name.into(), value.into())
}

type Pairs = Vec<(Box<str>, Box<str>)>;

fn cursor(
    values: &[(std::sync::Arc<str>, crate::mapping::Path)],
    payload: &Payload,
) -> Option<Pairs> {
    values
        .iter()
        .map(|(name, path)| {
            let value = payload.text_at(path).filter(|value| !value.is_empty())?;
            Some(pair(name, &value))
        })
        .collect()
}

/// What the next page's request needs besides; what the answer does not say again stays as it was.
fn carried(
    carry: &[(std::sync::Arc<str>, crate::mapping::Path)],
    inputs: Inputs<'_>,
    payload: &Payload,
) -> Pairs {
    carry
        .iter()
        .filter_map(|(name, path)| {
            let value = payload.text_at(path).filter(|value| !value.is_empty());
            value.or_else(|| Some(held(inputs, name)?.into())).map(|value| pair(name, &value))
        })
        .collect()
}

/// The value that this page was asked for with.
fn held<'a>(inputs: Inputs<'a>, variable: &str) -> Option<&'a str> {
    inputs.page?.0.iter().find(|(name, _)| &**name == variable).map(|(_, value)| &**value)
}

/// The number that this page was asked for with.
fn current(inputs: Inputs<'_>, variable: &str, start: u32) -> u64 {
    held(inputs, variable).and_then(|value| value.parse().ok()).unwrap_or_else(|| u64::from(start))
}

/// A page of a list whose pages are numbers.
struct Counted<'a> {
    call: &'a Call,
    pages: &'a Pages,
    inputs: Inputs<'a>,
    payload: &'a Payload,
    more: Option<bool>,
}

impl Counted<'_> {
    fn count(&self) -> u64 {
        self.payload.count_at(self.call.records.as_ref()) as u64
    }

    /// The size that was asked for.
    fn size(&self) -> Option<u64> {
        let size = self.pages.size.as_ref()?;
        Some(u64::from(size.asked(self.inputs.page_size)))
    }

    /// `before`: how many records stand on the pages before this one.
    fn has_more(&self, before: Option<u64>) -> bool {
        let count = self.count();
        if count == 0 {
            return false;
        }
        if let Some(more) = self.more {
            return more;
        }
        let total = self.pages.total.as_ref().and_then(|total| self.payload.text_at(total));
        let total = total.and_then(|total| total.trim().parse::<u64>().ok());
        match (total, before, self.size()) {
            (Some(total), Some(before), _) => before.saturating_add(count) < total,
            (_, _, Some(size)) => count >= size,
            _ => true,
        }
    }
}

/// The declared query parameters of a link, in the declared order; everything else of it is forgotten.
fn kept(
    link: &str,
    parameters: &[std::sync::Arc<str>],
    segment: Option<&str>,
) -> Result<Pairs, BackendError> {
    let link = link.split('#').next().unwrap_or_default();
    let (way, query) = link.split_once('?').unwrap_or((link, ""));
    let mut pairs = Pairs::new();
    for parameter in parameters {
        if segment == Some(&**parameter) {
            let last = way.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let last = form_text(&last.replace('+', "%2B")).filter(|last| !last.is_empty());
            pairs.extend(last.map(|last| pair(parameter, &last)));
            continue;
        }
        let value = query.split('&').find_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_text(name).as_deref() == Some(parameter)).then(|| form_text(value)).flatten()
        });
        if let Some(value) = value {
            pairs.push(pair(parameter, &value));
        }
    }
    if pairs.is_empty() {
        return Err(undecoded("the link to the next page has none of the declared parameters"));
    }
    Ok(pairs)
}

/// A name or value of a query, decoded; `None` when it is not UTF-8.
fn form_text(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (hex, after) = after.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
                rest = after;
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// The target of the first link with this relation (RFC 8288).
fn link_with(headers: &[String], relation: &str) -> Option<String> {
    headers.iter().find_map(|header| {
        let mut rest = header.as_str();
        while let Some(start) = rest.find('<') {
            let (target, after) = rest.get(start + 1..)?.split_once('>')?;
            let (parameters, after) = link_parameters(after);
            let is_wanted =
                parameters.iter().find(|(name, _)| name == "rel").is_some_and(|(_, value)| {
                    value.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(relation))
                });
            if is_wanted {
                return Some(target.to_owned());
            }
            rest = after;
        }
        None
    })
}

/// `; rel="next"; title="a, b"` up to the comma that ends the link; and what follows.
fn link_parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut parameters = Vec::new();
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start();
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, tail) = after.split_at(end);
        let (value, tail) = match tail.strip_prefix('=') {
            None => (String::new(), tail),
            Some(value) => link_value(value.trim_start()),
        };
        parameters.push((name.trim().to_ascii_lowercase(), value));
        rest = tail.trim_start();
    }
    (parameters, rest.strip_prefix(',').unwrap_or(rest))
}

/// A token or a quoted string, and what follows it.
fn link_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    (value, characters.as_str())
}
