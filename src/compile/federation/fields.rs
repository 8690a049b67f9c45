//! Sets of fields as the directives of Federation have them: `id owner { email }`.

use std::sync::Arc;

/// A set, in the order of writing.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::compile) struct FieldSet<'a>(pub(in crate::compile) Vec<SetField<'a>>);

#[derive(Debug, PartialEq, Eq)]
pub(in crate::compile) struct SetField<'a> {
    pub(in crate::compile) name: &'a str,
    pub(in crate::compile) inside: Option<FieldSet<'a>>,
}

impl FieldSet<'_> {
    /// Where each field stands that has none inside, in the order of writing.
    pub(in crate::compile) fn paths(&self) -> Vec<Vec<Arc<str>>> {
        let mut paths = Vec::new();
        for field in &self.0 {
            let name: Arc<str> = Arc::from(field.name);
            match &field.inside {
                None => paths.push(vec![name]),
                Some(inside) => paths.extend(inside.paths().into_iter().map(|mut path| {
                    path.insert(0, Arc::clone(&name));
                    path
                })),
            }
        }
        paths
    }

    /// Does the set end in a field at this path?
    pub(in crate::compile) fn has(&self, path: &[Arc<str>]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        self.0.iter().any(|field| {
            field.name == &**first
                && match &field.inside {
                    None => rest.is_empty(),
                    Some(inside) => inside.has(rest),
                }
        })
    }
}

/// `None` for what is no set of plain fields: aliases, arguments and fragments have no place in one.
pub(in crate::compile) fn parse(text: &str) -> Option<FieldSet<'_>> {
    let mut tokens = Tokens(text);
    let set = fields(&mut tokens, 0)?;
    tokens.next().is_none().then_some(set)
}

/// Deeper sets are nobody's key.
const DEPTH_MAX: usize = 16;

fn fields<'a>(tokens: &mut Tokens<'a>, depth: usize) -> Option<FieldSet<'a>> {
    let mut set: Vec<SetField<'a>> = Vec::new();
    while let Some(token) = tokens.peek() {
        match token {
            "}" => break,
            "{" => {
                tokens.next();
                let last =
                    set.last_mut().filter(|last| last.inside.is_none() && depth < DEPTH_MAX)?;
                last.inside = Some(fields(tokens, depth + 1)?);
                (tokens.next()? == "}").then_some(())?;
            }
            name if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => {
                tokens.next();
                set.push(SetField { name, inside: None });
            }
            _ => return None,
        }
    }
    (!set.is_empty()).then_some(FieldSet(set))
}

struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    fn peek(&self) -> Option<&'a str> {
        let rest = self.0.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let first = rest.chars().next()?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = if is_name(first) {
            rest.find(|c: char| !is_name(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        rest.get(..length)
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.peek()?;
        let start = token.as_ptr() as usize - self.0.as_ptr() as usize;
        self.0 = self.0.get(start + token.len()..).unwrap_or_default();
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_names_with_sets_inside() {
        let leaf = |name| SetField { name, inside: None };
        assert_eq!(parse(" id, number "), Some(FieldSet(vec![leaf("id"), leaf("number")])));
        let owner = SetField { name: "owner", inside: Some(FieldSet(vec![leaf("email")])) };
        assert_eq!(parse("id owner{email}"), Some(FieldSet(vec![leaf("id"), owner])));
    }

    #[test]
    fn what_is_no_set_is_none() {
        for text in [
            "",
            " , ",
            "{ id }",
            "id {",
            "id }",
            "id { }",
            "a: id",
            "id(x: 1)",
            "... on A { id }",
            "é",
            "1d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"a{".repeat(10_000)), None);
    }
}
