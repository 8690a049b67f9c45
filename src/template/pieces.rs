//! Text with `{name}` in it, for templates that are not URLs; doubled braces are literal ones.

use std::sync::Arc;

use super::{Expression, TemplateError};

#[derive(Clone, Debug)]
pub(super) enum Piece<T> {
    Literal(String),
    Value(T),
}

/// Splits `text {name} text`; `resolve` makes what a name stands for.
pub(super) fn split<T>(
    text: &str,
    resolve: impl Fn(&str, usize) -> Result<T, TemplateError>,
) -> Result<Vec<Piece<T>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        let offset = text.len() - from.len();
        literal.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            literal.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            literal.push('}');
            rest = after;
        } else if let Some(inside) = from.strip_prefix('{') {
            let (name, after) = inside
                .split_once('}')
                .filter(|(name, _)| !name.contains('{'))
                .ok_or_else(|| {
                    TemplateError::new(
                        offset,
                        "a `{` without its `}` (write `{{` for the character)",
                    )
                })?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Value(resolve(name.trim(), offset)?));
            rest = after;
        } else {
            return Err(TemplateError::new(
                offset,
                "a `}` without its `{` (write `}}` for the character)",
            ));
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

/// `key`, `args.a.b`, `vars.x`, `header.x`, `claims.x` as an expression.
pub(super) fn reference(name: &str) -> Option<Expression> {
    if name == "key" {
        return Some(Expression::Key { part: None });
    }
    if let Some(index) = name.strip_prefix("key[").and_then(|rest| rest.strip_suffix(']')) {
        return index.parse().ok().map(|part| Expression::Key { part: Some(part) });
    }
    let (root, rest) = name.split_once('.')?;
    if rest.split('.').any(str::is_empty) {
        return None;
    }
    match root {
        "args" => Some(Expression::Argument(rest.split('.').map(Arc::from).collect())),
        "vars" => Some(Expression::Variable(Arc::from(rest))),
        "header" => Some(Expression::Header(Arc::from(rest.to_ascii_lowercase()))),
        "claims" => Some(Expression::Claim(Arc::from(rest))),
        _ => None,
    }
}
