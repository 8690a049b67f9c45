//! The checker: every place where a file is not as the table says.

use super::call::CALL;
use super::mapping::{CASE, FORMS, RECORD, REQUEST_FORMS};
use super::{Kind, Need, Rule, Shape};
use crate::config::units;
use crate::config::yaml::{Entry, Node, Value};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::nearest::nearest;

/// Checks a whole file.
pub(crate) fn check(root: &'static Shape, node: &Node, problems: &mut Vec<Diagnostic>) {
    Checker { problems }.shape(root, node, None);
}

/// A file whose misspelled keys at the top, which `check` has told, are those that are most likely meant: nothing in them is then missed
/// elsewhere.
pub(crate) fn as_meant(root: &'static Shape, mut node: Node) -> Node {
    let missing: Vec<&str> =
        root.keys.iter().map(|key| key.name).filter(|name| node.entry(name).is_none()).collect();
    if let Value::Map(entries) = &mut node.value {
        for entry in entries {
            let is_known = root.keys.iter().any(|key| key.name == &*entry.key);
            if let Some(name) = nearest(&entry.key, missing.iter().copied()).filter(|_| !is_known) {
                entry.key = name.into();
            }
        }
    }
    node
}

/// The form of a mapping that a map is, if it is one.
pub(crate) fn mapping_form(node: &Node) -> Option<&'static Shape> {
    let own =
        |shape: &&&Shape| shape.keys.first().is_some_and(|key| node.entry(key.name).is_some());
    FORMS.iter().find(own).copied().or_else(|| node.entry("as").map(|_| &RECORD))
}

/// The form of a request value that a map is; every other map is an object.
pub(crate) fn request_form(node: &Node) -> Option<&'static Shape> {
    let is_form = |shape: &&&Shape| {
        node.entries().iter().all(|entry| shape.keys.iter().any(|key| key.name == &*entry.key))
            && shape
                .keys
                .iter()
                .all(|key| key.need != Need::Required || node.entry(key.name).is_some())
    };
    REQUEST_FORMS.iter().find(is_form).copied()
}

/// Does this stand for an abstract type (`case`), rather than list the fields of an object type?
pub(crate) fn is_case(node: &Node) -> bool {
    node.entry("case").is_some_and(|entry| entry.value.text().is_some())
        && node.entry("is").is_some()
}

/// Has a call a key that calls do not have? What it lacks may be meant by that one.
pub(crate) fn is_garbled_call(node: &Node) -> bool {
    strangers(&CALL, node).next().is_some()
}

/// The keys of a map that its shape does not have.
fn strangers<'n>(shape: &'static Shape, node: &'n Node) -> impl Iterator<Item = &'n Entry> {
    let is_known = |entry: &&Entry| shape.keys.iter().any(|key| key.name == &*entry.key);
    node.entries().iter().filter(move |entry| !is_known(entry))
}

/// Is a key that is not known most likely one of these?
fn is_meant(shape: &'static Shape, node: &Node, names: &[&str]) -> bool {
    let all = || shape.keys.iter().map(|key| key.name);
    strangers(shape, node)
        .filter_map(|entry| nearest(&entry.key, all()))
        .any(|name| names.contains(&name))
}

struct Checker<'a> {
    problems: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    /// `at`: where the value's key stands, to point at when something is missing.
    fn shape(&mut self, shape: &'static Shape, node: &Node, at: Option<Span>) {
        let Some(entries) = node.map() else {
            return self.wrong_kind(node, "a map", at);
        };
        let at = at.unwrap_or(Span { end: node.span.start, ..node.span });
        for entry in entries {
            match shape.keys.iter().find(|key| key.name == &*entry.key) {
                Some(key) if entry.value.is_null() && !may_be_null(&key.kind) => {
                    self.empty(entry);
                }
                Some(key) => self.kind(&key.kind, &entry.value, Some(entry.key_span)),
                None => self.unknown_key(shape, entry),
            }
        }
        for key in shape.keys.iter().filter(|key| key.need == Need::Required) {
            if node.entry(key.name).is_none() && !is_meant(shape, node, &[key.name]) {
                self.problems.push(
                    Diagnostic::error(Code::MissingKey, format!("`{}` is missing", key.name))
                        .at(at, format!("this {} needs it", words(shape.name)))
                        .help(format!("`{}`: {}", key.name, key.doc)),
                );
            }
        }
        for rule in shape.rules {
            self.rule(*rule, shape, node, at);
        }
    }

    fn rule(&mut self, rule: Rule, shape: &'static Shape, node: &Node, at: Span) {
        let (names, needs_one, is_exclusive) = match rule {
            Rule::Exactly(names) => (names, true, true),
            Rule::AtLeast(names) => (names, true, false),
            Rule::AtMost(names) => (names, false, true),
        };
        let here: Vec<&Entry> = names.iter().filter_map(|name| node.entry(name)).collect();
        match here.as_slice() {
            [] if needs_one && is_meant(shape, node, names) => {}
            [] if needs_one => self.problems.push(
                Diagnostic::error(
                    Code::MissingKey,
                    format!("this {} needs one of: {}", words(shape.name), names.join(", ")),
                )
                .at(at, "nothing here says which"),
            ),
            [first, second, ..] if is_exclusive => self.problems.push(
                Diagnostic::error(
                    Code::ConflictingKeys,
                    format!("`{}` and `{}` exclude each other", first.key, second.key),
                )
                .at(second.key_span, "the second")
                .at(first.key_span, "the first")
                .help("keep one of them"),
            ),
            _ => {}
        }
    }

    fn unknown_key(&mut self, shape: &Shape, entry: &Entry) {
        let names = shape.keys.iter().map(|key| key.name);
        self.problems.push(
            Diagnostic::error(
                Code::UnknownKey,
                format!("{} has no key `{}`", article(&words(shape.name)), entry.key),
            )
            .at(entry.key_span, "not known")
            .suggest(&entry.key, names),
        );
    }

    fn empty(&mut self, entry: &Entry) {
        self.problems.push(
            Diagnostic::error(Code::WrongKind, format!("`{}` has no value", entry.key))
                .at(entry.key_span, "nothing stands after this key")
                .help("give it a value, or leave the key out"),
        );
    }

    fn kind(&mut self, kind: &'static Kind, node: &Node, at: Option<Span>) {
        match kind {
            Kind::Text(what) => self.text(what, node),
            Kind::Constant if node.text().is_none() => self.wrong_kind(node, "a single value", at),
            Kind::Constant | Kind::Json(_) => {}
            Kind::Bool => {
                self.parsed(node, "`true` or `false`", |text| units::boolean(text).is_some());
            }
            Kind::Duration => self.parsed(node, "a duration (`250ms`, `5s`, `2m`, `1h`)", |text| {
                units::duration(text).is_some()
            }),
            Kind::Size => self.parsed(node, "a size (`1000`, `64KiB`, `2MiB`)", |text| {
                units::size(text).is_some()
            }),
            Kind::Integer { min, max } => self.integer(*min, *max, node),
            Kind::Word(words) => self.word(words, node),
            Kind::List(item) => match node.list() {
                Some(items) => items.iter().for_each(|node| self.kind(item, node, at)),
                None => self.wrong_kind(node, "a list", at),
            },
            Kind::OneOrMore(item) => node.items().iter().for_each(|node| self.kind(item, node, at)),
            Kind::Map(what, item) => self.map(what, item, node, at),
            Kind::Struct(shape) => self.shape(shape, node, at),
            Kind::Either(single, map) => {
                let kind = if node.map().is_some() { map } else { single };
                self.kind(kind, node, at);
            }
            Kind::Mapping => self.mapping(node, at),
            Kind::TypeMapping if is_case(node) => self.shape(&CASE, node, at),
            Kind::TypeMapping => self.map("field or slot", &Kind::Mapping, node, at),
            Kind::RequestValue => self.request_value(node),
        }
    }

    fn map(&mut self, what: &str, item: &'static Kind, node: &Node, at: Option<Span>) {
        let Some(entries) = node.map() else {
            return self.wrong_kind(node, &format!("a map by {what}"), at);
        };
        for entry in entries {
            if entry.value.is_null() && !matches!(item, Kind::RequestValue) {
                self.empty(entry);
            } else {
                self.kind(item, &entry.value, Some(entry.key_span));
            }
        }
    }

    fn mapping(&mut self, node: &Node, at: Option<Span>) {
        if node.text().is_some() {
            return;
        }
        let Some(entries) = node.map() else {
            return self.wrong_kind(node, "a path or a form", at);
        };
        if let Some(form) = mapping_form(node) {
            return self.shape(form, node, at);
        }
        let names = || FORMS.iter().filter_map(|form| form.keys.first()).map(|key| key.name);
        let guess = entries.iter().find_map(|entry| nearest(&entry.key, names()));
        let known = names().collect::<Vec<_>>().join(", ");
        let place = entries.first().map_or(node.span, |entry| entry.key_span);
        self.problems.push(
            Diagnostic::error(Code::UnknownKey, "this is no form of a mapping")
                .at(place, "not known")
                .help(guess.map_or_else(
                    || format!("the forms: {known}, as"),
                    |name| format!("did you mean `{name}`?"),
                )),
        );
    }

    fn request_value(&mut self, node: &Node) {
        match (&node.value, request_form(node)) {
            (Value::Map(_), Some(form)) => self.shape(form, node, None),
            (Value::Map(entries), None) => {
                for entry in entries {
                    self.request_value(&entry.value);
                }
            }
            (Value::List(items), _) => items.iter().for_each(|item| self.request_value(item)),
            (Value::Scalar(_), _) => {}
        }
    }

    fn text(&mut self, what: &str, node: &Node) {
        if node.filled().is_none() {
            self.wrong_kind(node, &article(what), None);
        }
    }

    fn parsed(&mut self, node: &Node, expected: &str, is_fine: impl Fn(&str) -> bool) {
        match node.filled() {
            Some(text) if is_fine(text) => {}
            _ => self.wrong_kind(node, expected, None),
        }
    }

    fn integer(&mut self, min: u64, max: u64, node: &Node) {
        let Some(number) = node.filled().and_then(|text| text.parse::<u64>().ok()) else {
            return self.wrong_kind(node, "a whole number", None);
        };
        if !(min..=max).contains(&number) {
            self.problems.push(
                Diagnostic::error(
                    Code::OutOfRange,
                    format!("this must be between {min} and {max}"),
                )
                .at(node.span, "out of range"),
            );
        }
    }

    fn word(&mut self, words: &'static [&'static str], node: &Node) {
        let Some(text) = node.filled() else {
            return self.wrong_kind(node, &format!("one of: {}", words.join(", ")), None);
        };
        if !words.contains(&text) {
            let problem = Diagnostic::error(
                Code::UnknownWord,
                format!("this must be one of: {}", words.join(", ")),
            );
            let problem = problem.at(node.span, "not one of them");
            self.problems.push(match nearest(text, words.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            });
        }
    }

    fn wrong_kind(&mut self, node: &Node, expected: &str, at: Option<Span>) {
        // an empty value has no width to point at
        let place = if node.is_null() { at.unwrap_or(node.span) } else { node.span };
        self.problems.push(
            Diagnostic::error(Code::WrongKind, format!("{expected} must stand here"))
                .at(place, format!("this is {}", node.kind())),
        );
    }
}

/// `request_each_key` to `request each key`.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

fn may_be_null(kind: &Kind) -> bool {
    matches!(kind, Kind::Constant | Kind::RequestValue | Kind::Json(_))
}
