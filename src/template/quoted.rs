//! Texts of vendors' query languages: every value quoted, never concatenated.

use std::sync::Arc;

use serde_json::Value;

use super::pieces::{Piece, reference, split};
use super::{Expression, Read, Scope, TemplateError, refused, unique};
use crate::error::BackendError;
use crate::value::KEY_SEPARATOR;

/// A query language, by how it quotes a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Salesforce: `'…'`, backslash escapes.
    Soql,
    /// Request Tracker: `'…'`, backslash escapes.
    TicketSql,
    /// Zendesk search: `"…"`, which has no escape, so a value with `"` or `\` is refused.
    Zendesk,
}

impl Dialect {
    pub const NAMES: &'static [&'static str] = &["soql", "ticketsql", "zendesk"];

    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "soql" => Self::Soql,
            "ticketsql" => Self::TicketSql,
            "zendesk" => Self::Zendesk,
            _ => return None,
        })
    }

    /// The text as a literal of this language.
    fn quote(self, text: &str, into: &mut String) -> Result<(), BackendError> {
        if text.chars().any(char::is_control) || text.contains(['\u{2028}', '\u{2029}']) {
            return Err(refused("a quoted value may not hold control characters"));
        }
        let quote = match self {
            Self::Soql | Self::TicketSql => '\'',
            Self::Zendesk if text.contains(['"', '\\']) => {
                return Err(refused(
                    "a value with `\"` or `\\` cannot be quoted in this query language",
                ));
            }
            Self::Zendesk => '"',
        };
        into.push(quote);
        for character in text.chars() {
            if character == quote || character == '\\' {
                into.push('\\');
            }
            into.push(character);
        }
        into.push(quote);
        Ok(())
    }
}

/// A query language's text with quoted values.
///
/// `{key}`, `{keys}` (the list, joined by `, `), `{args.x}`, `{vars.x}`, `{header.x}`, `{claims.x}` are quoted; numbers and
/// booleans stand bare. `{time args.x}` is an RFC 3339 time or a day, bare, as SOQL has them. `{fields}` is the list of wanted property names, bare. `{each}` repeats a second text for every key.
#[derive(Clone, Debug)]
pub struct QuotedTemplate {
    dialect: Dialect,
    text: Vec<Piece<Quoted>>,
    each: Vec<Piece<Quoted>>,
    with: Arc<str>,
}

#[derive(Clone, Debug)]
enum Quoted {
    Value(Expression),
    /// A time or day, bare.
    Time(Expression),
    Keys,
    Fields,
    Each,
}

impl QuotedTemplate {
    /// `each` and `with` (what stands between two repetitions; ` OR ` is usual) are used by `{each}` in `text`.
    /// An error in `each` has its offset in `each`.
    pub fn parse(
        dialect: Dialect,
        text: &str,
        each: Option<&str>,
        with: Option<&str>,
    ) -> Result<Self, TemplateError> {
        let has_each = each.is_some();
        let text = split(text, |name, offset| match name {
            "each" if has_each => Ok(Quoted::Each),
            "each" => Err(TemplateError::new(offset, "`{each}` needs `each:`, the text to repeat")),
            name => quoted(name, offset),
        })?;
        let is_used = text.iter().any(|piece| matches!(piece, Piece::Value(Quoted::Each)));
        if has_each && !is_used {
            return Err(TemplateError::new(
                0,
                "`each:` is never used: write `{each}` where it goes",
            ));
        }
        let each = split(each.unwrap_or_default(), |name, offset| match name {
            "keys" | "each" => Err(TemplateError::new(offset, "inside `each:` stands `{key}`")),
            name => quoted(name, offset),
        })?;
        let template = Self { dialect, text, each, with: Arc::from(with.unwrap_or(" OR ")) };
        template.check_literals()?;
        Ok(template)
    }

    pub fn render(&self, scope: &Scope<'_>) -> Result<String, BackendError> {
        let mut rendered = String::new();
        self.push(&self.text, scope, &mut rendered)?;
        Ok(rendered)
    }

    pub fn reads(&self) -> Vec<Read> {
        let mut reads = Vec::new();
        for piece in &self.text {
            if let Piece::Value(value) = piece {
                value.collect(&mut reads);
            }
        }
        for piece in &self.each {
            if let Piece::Value(value) = piece {
                let mut inner = Vec::new();
                value.collect(&mut inner);
                reads.extend(inner.into_iter().filter(|read| *read != Read::Key));
            }
        }
        unique(reads)
    }

    /// A value inside quotes that the template wrote itself would be quoted twice, and so not at all.
    fn check_literals(&self) -> Result<(), TemplateError> {
        for pieces in [&self.text, &self.each] {
            let mut open = None;
            for piece in pieces {
                match (piece, open) {
                    (Piece::Value(_), Some(_)) => {
                        return Err(TemplateError::new(
                            0,
                            "values are quoted by themselves: leave out the quotes around `{…}`",
                        ));
                    }
                    (Piece::Value(_), None) => {}
                    (Piece::Literal(literal), _) => open = open_quote(literal, open),
                }
            }
            if open.is_some() {
                return Err(TemplateError::new(0, "a quote is opened and never closed"));
            }
        }
        Ok(())
    }

    fn push(
        &self,
        pieces: &[Piece<Quoted>],
        scope: &Scope<'_>,
        into: &mut String,
    ) -> Result<(), BackendError> {
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => into.push_str(literal),
                Piece::Value(Quoted::Value(expression)) => {
                    self.push_value(&expression.evaluate(scope)?, into)?;
                }
                Piece::Value(Quoted::Time(expression)) => {
                    into.push_str(&moment(&expression.evaluate(scope)?)?);
                }
                Piece::Value(Quoted::Keys) => self.push_list(&key_texts(scope)?, into)?,
                Piece::Value(Quoted::Fields) => push_fields(scope, into)?,
                Piece::Value(Quoted::Each) => {
                    if scope.inputs.keys.is_empty() {
                        return Err(refused("there are no keys to ask for"));
                    }
                    for (index, key) in scope.inputs.keys.iter().enumerate() {
                        if index > 0 {
                            into.push_str(&self.with);
                        }
                        self.push(&self.each, &scope.at(key), into)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn push_value(&self, value: &Value, into: &mut String) -> Result<(), BackendError> {
        match value {
            Value::String(text) => self.dialect.quote(text, into),
            Value::Number(_) | Value::Bool(_) => {
                into.push_str(&value.to_string());
                Ok(())
            }
            Value::Array(items) => self.push_list(items, into),
            Value::Null => Err(refused("a value of the query text is null")),
            Value::Object(_) => Err(refused("an object stands where text is needed")),
        }
    }

    fn push_list(&self, items: &[Value], into: &mut String) -> Result<(), BackendError> {
        if items.is_empty() {
            return Err(refused("a list of the query text is empty"));
        }
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                into.push_str(", ");
            }
            match item {
                Value::Array(_) => return Err(refused("a list stands where text is needed")),
                item => self.push_value(item, into)?,
            }
        }
        Ok(())
    }
}

impl Quoted {
    fn collect(&self, reads: &mut Vec<Read>) {
        match self {
            Self::Value(expression) | Self::Time(expression) => reads.extend(expression.reads()),
            Self::Keys | Self::Each => reads.push(Read::Keys),
            Self::Fields => reads.push(Read::Fields),
        }
    }
}

fn quoted(name: &str, offset: usize) -> Result<Quoted, TemplateError> {
    match name {
        "keys" => Ok(Quoted::Keys),
        "fields" => Ok(Quoted::Fields),
        name if name.starts_with("time ") => {
            let of = name.trim_start_matches("time ").trim();
            reference(of).map(Quoted::Time).ok_or_else(|| {
                TemplateError::new(offset, format!("`{{{name}}}` is not `{{time args.…}}`"))
            })
        }
        name => reference(name).map(Quoted::Value).ok_or_else(|| {
            let known =
                "{key}, {keys}, {each}, {fields}, {args.…}, {time args.…}, {vars.…}, {header.…}, {claims.…}";
            TemplateError::new(offset, format!("`{{{name}}}` is not one of {known}"))
        }),
    }
}

/// A time in UTC, or a day, and nothing else: it stands outside of quotes.
fn moment(value: &Value) -> Result<String, BackendError> {
    let text = value.as_str().unwrap_or_default();
    let time = text.parse::<jiff::Timestamp>().map(|time| time.to_string());
    let day = || text.parse::<jiff::civil::Date>().map(|day| day.to_string());
    time.or_else(|_| day()).map_err(|_| refused("`time` takes an RFC 3339 time or a date"))
}

/// The quote that is still open after `literal`, if `open` was before it.
fn open_quote(literal: &str, mut open: Option<char>) -> Option<char> {
    let mut characters = literal.chars();
    while let Some(character) = characters.next() {
        match (character, open) {
            ('\\', Some(_)) => drop(characters.next()),
            (quote, Some(opened)) if quote == opened => open = None,
            (quote @ ('\'' | '"'), None) => open = Some(quote),
            _ => {}
        }
    }
    open
}

fn key_texts(scope: &Scope<'_>) -> Result<Vec<Value>, BackendError> {
    scope
        .inputs
        .keys
        .iter()
        .map(|key| {
            if key.as_str().contains(KEY_SEPARATOR) {
                return Err(refused(
                    "`{keys}` is for keys of one part; use `each:` with `{key[0]}`",
                ));
            }
            Ok(Value::from(key.as_str()))
        })
        .collect()
}

/// Property names stand bare, so they must be bare words.
fn push_fields(scope: &Scope<'_>, into: &mut String) -> Result<(), BackendError> {
    if scope.inputs.fields.is_empty() {
        return Err(refused("no fields are asked for"));
    }
    for (index, name) in scope.inputs.fields.iter().enumerate() {
        let is_word = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
        if !is_word {
            return Err(refused("a field name of the query text is not a bare word"));
        }
        if index > 0 {
            into.push_str(", ");
        }
        into.push_str(name);
    }
    Ok(())
}
