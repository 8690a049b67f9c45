//! Paths: their text, and what they lead to on a tape.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::payload::{At, Kind, Payload};

/// `.data[].customer.id`: members, indices (negative from the end), `[]` for "each", `.*` for the only member.
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

/// Where names were found in the last record, by the place of the path's step in memory: the same step of the same
/// mapping mostly finds its member at the same distance in the next record.
#[derive(Debug)]
pub(super) struct Hints([(usize, Option<u32>); Self::LEN]);

impl Hints {
    const LEN: usize = 256;

    pub(super) fn new() -> Self {
        Self([(0, None); Self::LEN])
    }

    fn of(&mut self, name: &Arc<str>) -> Option<&mut Option<u32>> {
        let place = std::ptr::from_ref(name) as usize;
        // steps are 16 bytes; fold so that neighboring allocations do not share a place
        let (key, hint) = self.0.get_mut((place >> 4 ^ place >> 12) % Self::LEN)?;
        if *key != place {
            (*key, *hint) = (place, None);
        }
        Some(hint)
    }
}

impl Path {
    /// Parses the text of a path. The error says what is wrong and where (a byte offset into the text).
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let mut parser = Parser { text, at: 0, steps: Vec::new() };
        parser.path()?;
        Ok(Self { steps: parser.steps })
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

    /// The first value that the path leads to. A null at the end counts as found, a null on the way as missing.
    pub(super) fn first(&self, payload: &Payload, from: At) -> Found {
        walk_first(payload, from, &self.steps, 0, &mut None)
    }

    /// [`Path::first`] with hints from record to record.
    pub(super) fn first_hinted(&self, payload: &Payload, from: At, hints: &mut Hints) -> Found {
        walk_first(payload, from, &self.steps, 0, &mut Some(hints))
    }

    /// Every value that the path leads to, in document order.
    pub(super) fn each(&self, payload: &Payload, from: At, visit: &mut dyn FnMut(At)) {
        walk_each(payload, from, &self.steps, visit);
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

fn walk_first(
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
            let mut last = Found::Missing;
            for element in payload.elements(at) {
                last = walk_first(payload, element, rest, skipped + number + 1, hints);
                if matches!(last, Found::At(_)) {
                    return last;
                }
            }
            return last;
        }
        match one_step(payload, at, step, hints) {
            Ok(Some(next)) => at = next,
            Ok(None) => return Found::Missing,
            Err(found) => return Found::Misfit { step: skipped + number, found },
        }
    }
    Found::At(at)
}

fn walk_each(payload: &Payload, from: At, steps: &[PathStep], visit: &mut dyn FnMut(At)) {
    let mut at = from;
    for (number, step) in steps.iter().enumerate() {
        if *step == PathStep::Each && payload.node(at).kind == Kind::List {
            let rest = steps.get(number + 1..).unwrap_or_default();
            for element in payload.elements(at) {
                walk_each(payload, element, rest, visit);
            }
            return;
        }
        match one_step(payload, at, step, &mut None) {
            Ok(Some(next)) => at = next,
            Ok(None) | Err(_) => return,
        }
    }
    visit(at);
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
            Ok(payload.member(at, name, hint.unwrap_or(&mut None)))
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

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self.steps.first(), Some(PathStep::Member(_) | PathStep::Only)) {
            formatter.write_char('.')?;
        }
        for step in &self.steps {
            match step {
                PathStep::Member(name) if !name.is_empty() && name.chars().all(is_bare) => {
                    write!(formatter, ".{name}")?;
                }
                PathStep::Member(name) => {
                    let mut quoted = String::new();
                    super::escape::write_string(name, &mut quoted);
                    write!(formatter, ".{quoted}")?;
                }
                PathStep::Only => formatter.write_str(".*")?,
                PathStep::Index(index) => write!(formatter, "[{index}]")?,
                PathStep::Each => formatter.write_str("[]")?,
            }
        }
        Ok(())
    }
}

/// May stand in a name without quotes.
fn is_bare(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-' | '@' | '#' | '$' | ':')
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    steps: Vec<PathStep>,
}

impl Parser<'_> {
    fn path(&mut self) -> Result<(), PathError> {
        if !self.eat('.') {
            return Err(self.error("a path begins with `.`"));
        }
        if self.rest().is_empty() {
            return Ok(());
        }
        self.after_dot()?;
        while !self.rest().is_empty() {
            match self.peek() {
                Some('.') => {
                    self.at += 1;
                    self.after_dot()?;
                }
                Some('[') => self.bracket()?,
                _ => return Err(self.error(
                    "expected `.` or `[`; names with other characters are quoted: `.\"odd name\"`",
                )),
            }
        }
        Ok(())
    }

    fn after_dot(&mut self) -> Result<(), PathError> {
        match self.peek() {
            Some('"') => {
                let name = self.quoted()?;
                self.steps.push(PathStep::Member(name));
                Ok(())
            }
            Some('[') => self.bracket(),
            Some('*') => {
                self.at += 1;
                self.steps.push(PathStep::Only);
                Ok(())
            }
            Some('.') => Err(self.error("`..` is not a path: name each member")),
            None => Err(self.error("a member's name is missing after `.`")),
            Some(_) => {
                let rest = self.rest();
                let end = rest.find(|char| !is_bare(char)).unwrap_or(rest.len());
                let name = rest.get(..end).unwrap_or_default();
                if name.is_empty() {
                    return Err(self.error(
                        "a member's name is missing here; odd names are quoted: `.\"odd name\"`",
                    ));
                }
                self.steps.push(PathStep::Member(Arc::from(name)));
                self.at += end;
                Ok(())
            }
        }
    }

    fn bracket(&mut self) -> Result<(), PathError> {
        self.at += 1;
        let step = match self.peek() {
            Some(']') => PathStep::Each,
            Some('"') => PathStep::Member(self.quoted()?),
            _ => {
                let rest = self.rest();
                let end = rest.find(']').unwrap_or(rest.len());
                let digits = rest.get(..end).unwrap_or_default();
                // `i32` alone would take `+1` too
                let index = digits.parse().ok().filter(|_| !digits.starts_with('+'));
                let Some(index) = index else {
                    return Err(self.error("expected an index, `\"a name\"` in quotes, or `]`"));
                };
                self.at += end;
                PathStep::Index(index)
            }
        };
        if !self.eat(']') {
            return Err(self.error("expected `]`"));
        }
        self.steps.push(step);
        Ok(())
    }

    fn quoted(&mut self) -> Result<Arc<str>, PathError> {
        let start = self.at;
        let mut is_escaped = false;
        for (offset, char) in self.rest().char_indices().skip(1) {
            match char {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => {
                    let end = start + offset + 1;
                    let literal = self.text.get(start..end).unwrap_or_default();
                    let name: String = serde_json::from_str(literal).map_err(|_| PathError {
                        offset: start,
                        message: "the quoted name is not a JSON string".to_owned(),
                    })?;
                    self.at = end;
                    return Ok(Arc::from(name));
                }
                _ => {}
            }
        }
        Err(self.error("the closing quote is missing"))
    }

    fn eat(&mut self, char: char) -> bool {
        let is_here = self.peek() == Some(char);
        if is_here {
            self.at += char.len_utf8();
        }
        is_here
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, message: &str) -> PathError {
        PathError { offset: self.at, message: message.to_owned() }
    }
}
