//! YAML text to a tree that knows the place of everything in it.
//!
//! Takes: the text of one file.
//! Gives: scalars as they are written (raw text and style), lists, and maps in the order of the file with the places of their keys.
//! Never: guesses a type from a scalar's look, follows an alias, or merges keys.

mod json;
mod parse;

use std::sync::Arc;

use crate::diagnostic::{Sources, Span};

pub(crate) use parse::parse;

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) text: Arc<str>,
    pub(crate) style: Style,
    /// A setting that `${…}` was put into: it may be a secret, so no diagnostic shows it.
    pub(crate) is_expanded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    /// `|` or `>`.
    Block,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    /// The text of a scalar, also of `null`.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// The text of a scalar that is not null.
    pub(crate) fn filled(&self) -> Option<&str> {
        self.text().filter(|_| !self.is_null())
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar)
            if scalar.style == Style::Plain && !scalar.is_expanded && matches!(&*scalar.text, "" | "~" | "null"))
    }

    pub(crate) fn is_plain(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.style == Style::Plain)
    }

    pub(crate) fn list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entries of a map; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        self.map().unwrap_or_default()
    }

    /// A list's items, or the value itself as the only one; nothing for null.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ if self.is_null() => &[],
            _ => std::slice::from_ref(self),
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// The value of a key; null counts as missing.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    pub(crate) fn get_text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    /// The text for a message: what was put in by `${…}` is not shown.
    pub(crate) fn shown(&self) -> &str {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_expanded => "${…}",
            Value::Scalar(scalar) => &scalar.text,
            _ => "",
        }
    }

    /// `a single value`, `a list`, `a map`, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(_) if self.is_null() => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The place of a byte offset into a scalar's text: exact where the text stands in the file as it is, else the whole scalar.
    pub(crate) fn place_of(&self, sources: &Sources, offset: usize) -> Span {
        let Some(text) = self.text() else { return self.span };
        let source = sources.text(self.span.file).get(self.span.range()).unwrap_or_default();
        let indent = match source.find(text) {
            Some(indent) if !text.is_empty() && !text.contains('\n') => indent,
            _ => return self.span,
        };
        let start = self.span.start as usize + indent + offset.min(text.len());
        let end = (start + 1).min(self.span.end as usize).max(start);
        Span::new(self.span.file, start, end)
    }
}

#[cfg(test)]
mod tests;
