//! RFC 6570 (levels 1 to 4) for a path and query below a backend's URL.

use std::sync::Arc;

use serde_json::Value;

use super::percent::{check_path, encode, push_name, push_pair};
use super::{Read, Scope, TemplateError, refused, text, unique};
use crate::error::BackendError;

/// RFC 6570, levels 1 to 4, for a path and query below the backend's URL.
///
/// `{x}`, `{/x}`, `{.x}`, `{;x}` stand in the path, `{?x}`, `{&x}` and `{x}` after a `?` in the query; `:n` and `*` as in the
/// RFC. `{+x}`, `{#x}` and `{/x*}` are refused: they would let a value add a segment or leave the path.
#[derive(Clone, Debug, Default)]
pub struct UrlTemplate {
    pieces: Vec<Piece>,
    /// Values stand in the path.
    is_path_open: bool,
}

/// Most paths and queries are written without growing.
const ROOM: usize = 64;

#[derive(Clone, Debug)]
enum Piece {
    Literal { text: String, in_query: bool },
    Expression { operator: Operator, variables: Vec<Variable>, in_query: bool },
}

#[derive(Clone, Debug)]
struct Variable {
    name: Arc<str>,
    prefix: Option<usize>,
    explode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Simple,
    Label,
    Segment,
    Parameter,
    Query,
}

/// What comes after the backend's URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub path: String,
    /// Without its `?`; empty when there is none.
    pub query: String,
}

impl UrlTemplate {
    pub fn parse(template: &str) -> Result<Self, TemplateError> {
        let fits = template.is_empty()
            || (template.starts_with('/') && !template.starts_with("//"))
            || ["?", "{?", "{/"].iter().any(|start| template.starts_with(start));
        if !fits {
            return Err(TemplateError::new(
                0,
                "a URL template begins with `/`: it goes below the backend's `url`",
            ));
        }
        let mut pieces = Vec::new();
        let mut in_query = false;
        let mut rest = template;
        while !rest.is_empty() {
            let offset = template.len() - rest.len();
            if let Some(inside) = rest.strip_prefix('{') {
                let Some((expression, after)) = inside.split_once('}') else {
                    return Err(TemplateError::new(offset, "a `{` without its `}`"));
                };
                let (operator, variables) =
                    expression_of(expression, in_query).map_err(|message| {
                        TemplateError::new(offset, format!("`{{{expression}}}`: {message}"))
                    })?;
                in_query |= operator == Operator::Query;
                pieces.push(Piece::Expression { operator, variables, in_query });
                rest = after;
            } else {
                // A `?` begins the query: the path's literal ends before it.
                let stop = if in_query { "{" } else { "{?" };
                let (literal, after) =
                    if let (false, Some(query)) = (in_query, rest.strip_prefix('?')) {
                        in_query = true;
                        rest.split_at(1 + query.find('{').unwrap_or(query.len()))
                    } else {
                        rest.split_at(rest.find(|next| stop.contains(next)).unwrap_or(rest.len()))
                    };
                check_literal(literal)
                    .map_err(|(at, message)| TemplateError::new(offset + at, message))?;
                pieces.push(Piece::Literal {
                    text: literal.trim_start_matches('?').to_owned(),
                    in_query,
                });
                rest = after;
            }
        }
        let is_path_open =
            pieces.iter().any(|piece| matches!(piece, Piece::Expression { in_query: false, .. }));
        let template = Self { pieces, is_path_open };
        template.check_segments()?;
        Ok(template)
    }

    /// The names that the template uses, in order, each once.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for variable in self.pieces.iter().flat_map(Piece::variables) {
            if !names.contains(&variable.name) {
                names.push(Arc::clone(&variable.name));
            }
        }
        names
    }

    pub fn reads(&self) -> Vec<Read> {
        let read = |name: &Arc<str>| {
            if &**name == "key" { Read::Key } else { Read::Variable(Arc::clone(name)) }
        };
        unique(self.names().iter().map(read).collect())
    }

    pub fn expand(&self, scope: &Scope<'_>) -> Result<Target, BackendError> {
        let mut target =
            Target { path: String::with_capacity(ROOM), query: String::with_capacity(ROOM) };
        for piece in &self.pieces {
            match piece {
                Piece::Literal { text, in_query: false } => target.path.push_str(text),
                Piece::Literal { text, in_query: true } => {
                    let text =
                        if target.query.is_empty() { text.trim_start_matches('&') } else { text };
                    target.query.push_str(text);
                }
                Piece::Expression { operator: Operator::Query, variables, .. } => {
                    for variable in variables {
                        push_query(&mut target.query, variable, &scope.variable(&variable.name)?)?;
                    }
                }
                Piece::Expression { variables, in_query: true, .. } => {
                    for (index, variable) in variables.iter().enumerate() {
                        let separator = if index > 0 { "," } else { "" };
                        target.query.push_str(separator);
                        target.query.push_str(&simple(variable, &scope.variable(&variable.name)?)?);
                    }
                }
                Piece::Expression { operator, variables, in_query: false } => {
                    for (index, variable) in variables.iter().enumerate() {
                        // the first page has no segment of its own
                        if *operator == Operator::Segment && scope.is_first_page(&variable.name) {
                            continue;
                        }
                        push_path(
                            &mut target.path,
                            (*operator, index),
                            variable,
                            &scope.variable(&variable.name)?,
                        )?;
                    }
                }
            }
        }
        // the template's own text was looked at when it was read
        if self.is_path_open {
            check_path(&target.path).map_err(refused)?;
        }
        Ok(target)
    }

    /// The template's own text must not hold a segment that its values could not hold.
    fn check_segments(&self) -> Result<(), TemplateError> {
        let mut path = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal { text, in_query: false } => path.push_str(text),
                Piece::Expression { operator, in_query: false, .. } => {
                    path.push_str(match operator {
                        Operator::Segment => "/x",
                        Operator::Parameter => ";x",
                        Operator::Simple | Operator::Label | Operator::Query => "x",
                    });
                }
                _ => {}
            }
        }
        check_path(&path).map_err(|message| TemplateError::new(0, message))
    }
}

impl Piece {
    fn variables(&self) -> &[Variable] {
        match self {
            Self::Literal { .. } => &[],
            Self::Expression { variables, .. } => variables,
        }
    }
}

fn expression_of(text: &str, in_query: bool) -> Result<(Operator, Vec<Variable>), String> {
    let (operator, names) = match text.chars().next() {
        None => return Err("a name is missing".to_owned()),
        Some('+' | '#') => {
            return Err("a value from outside could change the URL; use `{name}`".to_owned());
        }
        Some('.') => (Operator::Label, text.split_at(1).1),
        Some('/') => (Operator::Segment, text.split_at(1).1),
        Some(';') => (Operator::Parameter, text.split_at(1).1),
        Some('?') if in_query => {
            return Err("the query has begun already; use `{&name}`".to_owned());
        }
        Some('&') if !in_query => {
            return Err("the query has not begun yet; use `{?name}`".to_owned());
        }
        Some('?' | '&') => (Operator::Query, text.split_at(1).1),
        Some('=' | ',' | '!' | '@' | '|' | '$') => {
            return Err("this operator is reserved by RFC 6570".to_owned());
        }
        Some(_) => (Operator::Simple, text),
    };
    if in_query && !matches!(operator, Operator::Simple | Operator::Query) {
        return Err("this operator belongs into the path".to_owned());
    }
    let variables = names
        .split(',')
        .map(|name| variable_of(operator, name.trim()))
        .collect::<Result<_, _>>()?;
    Ok((operator, variables))
}

fn variable_of(operator: Operator, text: &str) -> Result<Variable, String> {
    let (text, explode) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
    let (name, prefix) = match text.split_once(':') {
        None => (text, None),
        Some((name, length)) => {
            let length = length.parse().ok().filter(|length| (1..10_000).contains(length));
            (name, Some(length.ok_or("after `:` stands a length from 1 to 9999")?))
        }
    };
    if explode && operator == Operator::Segment {
        return Err("a list could add segments; name each segment".to_owned());
    }
    if explode && prefix.is_some() {
        return Err("`:` and `*` do not go together".to_owned());
    }
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if !is_name {
        return Err(format!("`{name}` is not a name"));
    }
    Ok(Variable { name: Arc::from(name), prefix, explode })
}

/// Literal text goes into the URL as it stands, so it must be URL text.
fn check_literal(literal: &str) -> Result<(), (usize, &'static str)> {
    let bytes = literal.as_bytes();
    for (offset, byte) in bytes.iter().enumerate() {
        let is_fine = match byte {
            b'%' => bytes
                .get(offset + 1..offset + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
            b'#' => return Err((offset, "a fragment is never sent")),
            b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'|' | b'}' => false,
            byte => byte.is_ascii_graphic(),
        };
        if !is_fine {
            return Err((offset, "this character must be percent-encoded in a URL"));
        }
    }
    Ok(())
}

/// A value as RFC 6570 writes it without `*`: items and members joined by commas.
fn simple(variable: &Variable, value: &Value) -> Result<String, BackendError> {
    let mut written = String::new();
    match value {
        Value::Array(items) => {
            for item in items {
                let Some(text) = text(item)? else { continue };
                if !written.is_empty() {
                    written.push(',');
                }
                encode(&text, &mut written);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let Some(text) = text(member)? else { continue };
                if !written.is_empty() {
                    written.push(',');
                }
                encode(name, &mut written);
                written.push(if variable.explode { '=' } else { ',' });
                encode(&text, &mut written);
            }
        }
        scalar => {
            if let Some(text) = text(scalar)? {
                let cut = variable
                    .prefix
                    .and_then(|length| text.char_indices().nth(length))
                    .map(|(at, _)| at);
                encode(text.get(..cut.unwrap_or(text.len())).unwrap_or(&text), &mut written);
            }
        }
    }
    Ok(written)
}

/// In the path every value must be there: a missing one would join two segments.
fn push_path(
    path: &mut String,
    (operator, index): (Operator, usize),
    variable: &Variable,
    value: &Value,
) -> Result<(), BackendError> {
    let written = simple(variable, value)?;
    if written.is_empty() && operator != Operator::Parameter {
        return Err(refused(format!("`{}` is empty and stands in the path", variable.name)));
    }
    match (operator, index) {
        (Operator::Label, _) => path.push('.'),
        (Operator::Segment, _) => path.push('/'),
        (Operator::Simple, 1..) => path.push(','),
        (Operator::Parameter, _) => {
            path.push(';');
            path.push_str(&variable.name);
            if !written.is_empty() {
                path.push('=');
            }
        }
        (Operator::Simple | Operator::Query, _) => {}
    }
    path.push_str(&written);
    Ok(())
}

fn push_query(query: &mut String, variable: &Variable, value: &Value) -> Result<(), BackendError> {
    match value {
        Value::Null => Ok(()),
        Value::Array(items) if items.is_empty() => Ok(()),
        Value::Array(_) if variable.explode => push_pair(query, &variable.name, value),
        Value::Object(members) if variable.explode => {
            members.iter().try_for_each(|(name, member)| push_pair(query, name, member))
        }
        value => {
            let written = simple(variable, value)?;
            push_name(query, &variable.name);
            query.push_str(&written);
            Ok(())
        }
    }
}
