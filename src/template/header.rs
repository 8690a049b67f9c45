//! Header values: text with `{name}` in it, visible ASCII only.

use super::pieces::{Piece, reference, split};
use super::{Expression, Read, Scope, TemplateError, refused, text, unique};
use crate::error::BackendError;

/// Text with `{name}` expressions (`{key}`, `{args.x}`, `{vars.x}`, `{header.x}`, `{claims.x}`; `{{` and `}}` stand for
/// braces). The result must be visible ASCII and spaces. A value that is null leaves the header out.
#[derive(Clone, Debug, Default)]
pub struct HeaderTemplate {
    pieces: Vec<Piece<Expression>>,
}

impl HeaderTemplate {
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if let Some((offset, _)) =
            text.char_indices().find(|(_, character)| !is_visible(*character))
        {
            return Err(TemplateError::new(offset, "a header value is visible ASCII on one line"));
        }
        let pieces = split(text, |name, offset| {
            reference(name).ok_or_else(|| {
                let known = "{key}, {args.…}, {vars.…}, {header.…}, {claims.…}";
                TemplateError::new(offset, format!("`{{{name}}}` is not one of {known}"))
            })
        })?;
        Ok(Self { pieces })
    }

    /// The value, or `None` when something that it reads is null.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Option<String>, BackendError> {
        let mut header = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => header.push_str(literal),
                Piece::Value(expression) => {
                    let value = expression.evaluate(scope)?;
                    let Some(text) = text(&value)? else { return Ok(None) };
                    header.push_str(&text);
                }
            }
        }
        if header.chars().all(is_visible) {
            Ok(Some(header))
        } else {
            Err(refused("a header value may hold visible ASCII characters only"))
        }
    }

    pub fn reads(&self) -> Vec<Read> {
        let mut reads = Vec::new();
        for piece in &self.pieces {
            if let Piece::Value(expression) = piece {
                reads.extend(expression.reads());
            }
        }
        unique(reads)
    }
}

/// Why a header of this name cannot be set by a template, if so.
pub fn forbidden_header(name: &str) -> Option<&'static str> {
    let is_token = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if !is_token {
        return Some("this is not a header name");
    }
    match name.to_ascii_lowercase().as_str() {
        "host" | "content-length" | "transfer-encoding" => {
            Some("this header follows from the request itself")
        }
        "connection" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "upgrade"
        | "expect" => Some("this header belongs to the connection"),
        "accept-encoding" => Some("this header follows from what the gateway can decode"),
        _ => None,
    }
}

fn is_visible(character: char) -> bool {
    character == ' ' || character.is_ascii_graphic()
}
