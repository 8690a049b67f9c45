//! Paths, and what they lead to on a tape.

use std::sync::Arc;

use super::hints::{Hint, Hints};
use super::payload::{At, Kind, Payload};
use super::spelling;

/// `.data[].customer.id`: members, indices (negative from the end), `[]` for "each", `.*` for the only member.
///
/// `[]` opens one level: what an element is, a list among others, is for what follows. Where a list is wanted, a path that
/// does not end with `[]` leads to it as a whole.
///
/// In a payload read from XML, `[]`, `[0]` and `[-1]` over a value that is not a list yield the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub steps: Vec<PathStep>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    Member(Arc<str>),
    /// `.*`: the only member of an object, whatever its name is. XML attributes and text beside elements do not count.
    Only,
    Index(i32),
    Each,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PathError {
    /// A byte offset into the path's text.
    pub offset: usize,
    pub message: String,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    At(At),
    /// Nothing there, or null on the way.
    Missing,
    /// The value before step number `step` is of a kind that has no such step.
    Misfit {
        step: usize,
        found: Kind,
    },
}

impl Path {
    /// Parses the text of a path. The error says what is wrong and where (a byte offset into the text).
    pub fn parse(text: &str) -> Result<Self, PathError> {
        spelling::parse(text)
    }

    /// The name of the first step, for asking a backend for just the members that are read.
    pub fn first_member(&self) -> Option<&Arc<str>> {
        match self.steps.first() {
            Some(PathStep::Member(name)) => Some(name),
            _ => None,
        }
    }

    /// Does the path say `[]` anywhere, so that it may lead to several values?
    pub fn has_each(&self) -> bool {
        self.steps.contains(&PathStep::Each)
    }

    /// Does the path end with `[]`, so that it leads to elements? Where a list is wanted, another path leads to the list.
    pub(super) fn opens_last(&self) -> bool {
        self.steps.last() == Some(&PathStep::Each)
    }

    /// The first value that the path leads to. A null at the end counts as found, a null on the way as missing.
    pub(super) fn first(&self, payload: &Payload, from: At) -> Found {
        walk_first(payload, from, &self.steps, 0, &mut None)
    }

    /// Every value that the path leads to, in document order.
    pub(super) fn each(&self, payload: &Payload, from: At, visit: &mut dyn FnMut(At)) {
        self.each_found(payload, from, &mut |found| {
            if let Found::At(at) = found {
                visit(at);
            }
        });
    }

    /// What the path leads to in each element of the lists that it opens, also where that is nothing.
    pub(super) fn each_found(&self, payload: &Payload, from: At, visit: &mut dyn FnMut(Found)) {
        walk_each(payload, from, &self.steps, 0, visit);
    }

    /// "expected an object before `.id` in `.customer.id`, found text"
    pub(super) fn misfit(&self, step: usize, found: Kind) -> String {
        let expected = match self.steps.get(step) {
            Some(PathStep::Member(_)) => "an object",
            Some(PathStep::Only) => "an object with one member",
            _ => "a list",
        };
        format!("expected {expected} at `{}`, found {}", self.up_to(step), found.noun())
    }

    /// "nothing stands at `.customer.id`"
    pub(super) fn left_out(&self, step: usize) -> String {
        format!("nothing stands at `{}`", self.up_to(step + 1))
    }

    fn up_to(&self, step: usize) -> Self {
        Self { steps: self.steps.iter().take(step).cloned().collect() }
    }
}

pub(super) fn walk_first(
    payload: &Payload,
    from: At,
    steps: &[PathStep],
    skipped: usize,
    hints: &mut Option<&mut Hints>,
) -> Found {
    let mut at = from;
    for (number, step) in steps.iter().enumerate() {
        if *step == PathStep::Each && payload.node(at).kind == Kind::List {
            let rest = steps.get(number + 1..).unwrap_or_default();
            let mut nothing = Found::Missing;
            for element in payload.elements(at) {
                match walk_first(payload, element, rest, skipped + number + 1, hints) {
                    Found::At(at) if payload.node(at).kind == Kind::Null => {}
                    Found::At(at) => return Found::At(at),
                    found if nothing == Found::Missing => nothing = found,
                    _ => {}
                }
            }
            return nothing;
        }
        match one_step(payload, at, step, hints) {
            Ok(Some(next)) => at = next,
            Ok(None) => return Found::Missing,
            Err(found) => return Found::Misfit { step: skipped + number, found },
        }
    }
    Found::At(at)
}

fn walk_each(
    payload: &Payload,
    from: At,
    steps: &[PathStep],
    skipped: usize,
    visit: &mut dyn FnMut(Found),
) {
    let mut at = from;
    for (number, step) in steps.iter().enumerate() {
        if *step == PathStep::Each && payload.node(at).kind == Kind::List {
            let rest = steps.get(number + 1..).unwrap_or_default();
            for element in payload.elements(at) {
                walk_each(payload, element, rest, skipped + number + 1, visit);
            }
            return;
        }
        match one_step(payload, at, step, &mut None) {
            Ok(Some(next)) => at = next,
            Ok(None) => return visit(Found::Missing),
            Err(found) => return visit(Found::Misfit { step: skipped + number, found }),
        }
    }
    visit(Found::At(at));
}

/// One step that leads to at most one value; `Err` is the kind of a value that has no such step.
pub(super) fn one_step(
    payload: &Payload,
    at: At,
    step: &PathStep,
    hints: &mut Option<&mut Hints>,
) -> Result<Option<At>, Kind> {
    let node = payload.node(at);
    match (step, node.kind) {
        (_, Kind::Null) => Ok(None),
        (PathStep::Member(name), Kind::Object) => {
            let hint = hints.as_deref_mut().and_then(|hints| hints.of(name));
            Ok(payload.member(at, name, hint.unwrap_or(&mut { Hint::NONE })))
        }
        (PathStep::Only, Kind::Object) => only_member(payload, at).map_err(|()| Kind::Object),
        (PathStep::Only, kind) if payload.is_xml() && kind.is_text() => Ok(None),
        (PathStep::Index(index), Kind::List) => {
            let length = i64::from(node.start);
            let index = i64::from(*index);
            let position = if index < 0 { length + index } else { index };
            Ok(usize::try_from(position)
                .ok()
                .and_then(|position| payload.elements(at).nth(position)))
        }
        (PathStep::Each | PathStep::Index(0 | -1), _) if payload.is_xml() => Ok(Some(at)),
        (PathStep::Index(_), _) if payload.is_xml() => Ok(None),
        // an empty element has no members
        (PathStep::Member(name), kind) if payload.is_xml() && kind.is_text() => {
            if &**name == "#text" {
                Ok(Some(at))
            } else if payload.raw(node).trim().is_empty() || name.starts_with('@') {
                Ok(None)
            } else {
                Err(kind)
            }
        }
        (_, kind) => Err(kind),
    }
}

/// The value of the one member that is not an attribute or text beside elements; an error if there are several.
fn only_member(payload: &Payload, object: At) -> Result<Option<At>, ()> {
    let mut members = payload.members(object).filter(|(_, name)| {
        let name = payload.raw(*name);
        !(payload.is_xml() && name.starts_with(['@', '#']))
    });
    match (members.next(), members.next()) {
        (Some((name, _)), None) => Ok(Some(name + 1)),
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(()),
    }
}
