//! Request values.

use std::sync::Arc;

use serde_json::Value;

use super::Vendor;
use crate::config::shape::check::request_form;
use crate::config::units;
use crate::config::yaml::{Node, Value as NodeValue};
use crate::diagnostic::{Code, Diagnostic};
use crate::template::{Dialect, Expression, QuotedTemplate};

const KNOWN: &str =
    "`$key`, `$keys`, `$args.name`, `$fields`, `$vars.name`, `$header.name`, `$claims.name`";

impl Vendor<'_, '_> {
    pub(super) fn expression(&mut self, node: &Node) -> Option<Expression> {
        match &node.value {
            NodeValue::Scalar(_) => self.word(node),
            NodeValue::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.expression(item)).collect();
                Some(Expression::List(items.into_iter().collect::<Option<_>>()?))
            }
            NodeValue::Map(_) => match request_form(node) {
                Some(form) => self.request_form(form.name, node),
                None => Some(Expression::Object(self.expressions(Some(node)))),
            },
        }
    }

    /// A map of request values; members with problems are left out.
    pub(super) fn expressions(&mut self, node: Option<&Node>) -> Vec<(Arc<str>, Expression)> {
        let mut members = Vec::new();
        for entry in node.map(Node::entries).unwrap_or_default() {
            if let Some(value) = self.expression(&entry.value) {
                members.push((Arc::clone(&entry.key), value));
            }
        }
        members
    }

    fn request_form(&mut self, name: &str, node: &Node) -> Option<Expression> {
        match name {
            "request_join" => {
                let list = Box::new(self.expression(node.get("join")?)?);
                let with = node.entry("with").and_then(|entry| entry.value.text()).unwrap_or(",");
                Some(Expression::Join { list, with: Arc::from(with) })
            }
            "request_enum" => {
                let of = Box::new(self.expression(node.get("enum")?)?);
                let entries = node.get("values").map(Node::entries).unwrap_or_default();
                let values = entries
                    .iter()
                    .filter_map(|entry| {
                        Some((Arc::clone(&entry.key), Arc::from(entry.value.text()?)))
                    })
                    .collect();
                Some(Expression::Enum {
                    of,
                    values,
                    otherwise: node.get_text("else").map(Arc::from),
                })
            }
            "request_unix" => {
                Some(Expression::UnixSeconds(Box::new(self.expression(node.get("unix")?)?)))
            }
            "request_each_key" => {
                Some(Expression::EachKey(Box::new(self.expression(node.get("each_key")?)?)))
            }
            "request_given" => {
                let otherwise = match node.get("else") {
                    Some(otherwise) => Some(Box::new(self.expression(otherwise)?)),
                    None => None,
                };
                Some(Expression::Given {
                    of: Box::new(self.expression(node.get("given")?)?),
                    then: Box::new(self.expression(node.get("then")?)?),
                    otherwise,
                })
            }
            "request_quote" => self.quoted(node),
            _ => {
                let of = node.get("of")?;
                let ty = self.type_named(of.filled()?, of.span)?;
                let name = Arc::clone(&self.cx.ty(ty).name);
                Some(Expression::RemoteId {
                    of: Box::new(self.expression(node.get("id")?)?),
                    ty,
                    name,
                })
            }
        }
    }

    fn quoted(&mut self, node: &Node) -> Option<Expression> {
        let dialect = Dialect::named(node.get_text("quote")?)?;
        let text = node.get("text")?;
        let each = node.get("each");
        let with = node.entry("with").and_then(|entry| entry.value.text());
        match QuotedTemplate::parse(dialect, text.text()?, each.and_then(Node::text), with) {
            Ok(template) => Some(Expression::Quoted(Arc::new(template))),
            Err(error) => {
                let place = text.place_of(self.cx.sources, error.offset);
                self.error(
                    Code::InvalidTemplate,
                    place,
                    "this query cannot be read",
                    &error.message,
                );
                None
            }
        }
    }

    fn word(&mut self, node: &Node) -> Option<Expression> {
        let text = node.text()?;
        if let Some(rest) = text.strip_prefix("$$") {
            return Some(Expression::Constant(Value::from(format!("${rest}"))));
        }
        let Some(name) = text.strip_prefix('$') else {
            return Some(Expression::Constant(constant(node, text)));
        };
        let expression = reference(name);
        if expression.is_none() {
            self.problem(
                Diagnostic::error(Code::InvalidExpression, format!("`{text}` cannot be read"))
                    .at(node.span, "not a value of a request")
                    .help(format!("known: {KNOWN}; a text that begins with `$` is written `$$…`")),
            );
        }
        expression
    }
}

fn reference(name: &str) -> Option<Expression> {
    match name {
        "key" => return Some(Expression::Key { part: None }),
        "keys" => return Some(Expression::Keys),
        "fields" => return Some(Expression::Fields),
        _ => {}
    }
    if let Some(part) = name.strip_prefix("key[").and_then(|rest| rest.strip_suffix(']')) {
        return Some(Expression::Key { part: Some(part.parse().ok()?) });
    }
    let (root, rest) = name.split_once('.')?;
    match root {
        "args" => Some(Expression::Argument(argument_path(rest)?)),
        "header" if !rest.is_empty() => {
            Some(Expression::Header(Arc::from(rest.to_ascii_lowercase())))
        }
        "claims" if !rest.is_empty() => Some(Expression::Claim(Arc::from(rest))),
        "vars" if !rest.is_empty() => Some(Expression::Variable(Arc::from(rest))),
        _ => None,
    }
}

/// `input.ticketId`, after `$args.`.
pub(super) fn argument_path(text: &str) -> Option<Vec<Arc<str>>> {
    let is_name = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.split('.').map(|word| is_name(word).then(|| Arc::from(word))).collect()
}

/// A scalar as JSON: quoted text is text, plain text is what it looks like.
fn constant(node: &Node, text: &str) -> Value {
    if !node.is_plain() {
        return Value::from(text);
    }
    if node.is_null() {
        return Value::Null;
    }
    if let Some(value) = units::boolean(text) {
        return Value::Bool(value);
    }
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    match serde_json::from_str::<serde_json::Number>(text) {
        Ok(number) if is_number => Value::Number(number),
        _ => Value::from(text),
    }
}
