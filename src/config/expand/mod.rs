//! `${env.NAME}`, `${env.NAME:-default}` and `${file.path}` in plain settings: the one place that reads the environment.
//!
//! Takes: a file's tree, which of its keys are plain settings, where variables and files come from.
//! Gives: the tree with the values put in, marked so that no diagnostic shows them.
//! Never: expands inside a template, a path or a mapping, or looks at what it put in.

use std::sync::Arc;

use super::files::Environment;
use super::yaml::{Node, Value};
use crate::diagnostic::{Code, Diagnostic, Sources, Span};

/// Expands in the whole file, or below the named keys at its top; `${…}` anywhere else is a problem. Of the keys that are
/// `replaced` by another file, the variables need not be set.
pub(crate) fn expand(
    node: &mut Node,
    keys: Option<&[&str]>,
    replaced: &[&str],
    environment: &Environment,
    sources: &Sources,
    problems: &mut Vec<Diagnostic>,
) {
    let mut expander = Expander { environment, sources, problems };
    let Some(keys) = keys else { return expander.walk(node, Mode::Expand) };
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries {
        let mode = match &*entry.key {
            key if replaced.contains(&key) => Mode::Blank,
            key if keys.contains(&key) => Mode::Expand,
            _ => Mode::Refuse,
        };
        expander.walk(&mut entry.value, mode);
    }
}

/// For a vendor file that this deployment does not use: its variables need not be set.
pub(crate) fn refuse_elsewhere(
    node: &mut Node,
    keys: &[&str],
    sources: &Sources,
    problems: &mut Vec<Diagnostic>,
) {
    let environment = Environment::default();
    let mut expander = Expander { environment: &environment, sources, problems };
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries {
        let mode = if keys.contains(&&*entry.key) { Mode::Blank } else { Mode::Refuse };
        expander.walk(&mut entry.value, mode);
    }
}

/// Stands for a variable whose value does not matter.
const UNSET: &str = "unset";

#[derive(Clone, Copy)]
enum Mode {
    Expand,
    Refuse,
    /// Puts defaults in, and a word that nobody reads where there is none.
    Blank,
}

struct Expander<'a> {
    environment: &'a Environment,
    sources: &'a Sources,
    problems: &'a mut Vec<Diagnostic>,
}

impl Expander<'_> {
    fn walk(&mut self, node: &mut Node, mode: Mode) {
        match &mut node.value {
            Value::List(items) => {
                for item in items {
                    self.walk(item, mode);
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    self.walk(&mut entry.value, mode);
                }
            }
            Value::Scalar(scalar) => {
                let text = Arc::clone(&scalar.text);
                if !text.contains("${") {
                    return;
                }
                if let Some(expanded) = self.text(node, &text, mode)
                    && let Value::Scalar(scalar) = &mut node.value
                {
                    scalar.text = Arc::from(expanded);
                    scalar.is_expanded = true;
                }
            }
        }
    }

    /// The text with every `${…}` replaced, or `None` when it stays as it is.
    fn text(&mut self, node: &Node, text: &str, mode: Mode) -> Option<String> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            expanded.push_str(before);
            let offset = text.len() - after.len() - 2;
            let place = node.place_of(self.sources, offset);
            let Some((inside, next)) = after.split_once('}') else {
                self.problems.push(
                    Diagnostic::error(Code::WrongKind, "a `${` without its `}`")
                        .at(place, "begins here"),
                );
                return None;
            };
            match mode {
                Mode::Refuse => {
                    self.problems.push(
                        Diagnostic::error(
                            Code::ExpansionNotAllowed,
                            format!("`${{{inside}}}` is not expanded here"),
                        )
                        .at(place, "plain text to the gateway")
                        .help("only `url`, `auth` and `headers` of a vendor file and the settings of `cyclorama.yaml` are expanded"),
                    );
                    expanded.push_str(UNSET);
                }
                Mode::Blank => expanded.push_str(default_of(inside).unwrap_or(UNSET)),
                Mode::Expand => {
                    let value = self.value(inside, place);
                    expanded.push_str(value.as_deref().unwrap_or(UNSET));
                }
            }
            rest = next;
        }
        expanded.push_str(rest);
        Some(expanded)
    }

    fn value(&mut self, inside: &str, place: Span) -> Option<String> {
        if let Some(variable) = inside.strip_prefix("env.") {
            let (name, default) = match variable.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (variable, None),
            };
            let set = self.environment.variable(name).filter(|value| !value.is_empty());
            let value = set.or_else(|| default.map(str::to_owned));
            if let Some(value) = value.or_else(|| self.environment.stand_in()) {
                return Some(value);
            }
            self.problems.push(
                Diagnostic::error(
                    Code::MissingVariable,
                    format!("the variable `{name}` is not set"),
                )
                .at(place, "needed here")
                .help(format!("set it, or write a default: `${{env.{name}:-…}}`")),
            );
            return None;
        }
        if let Some(path) = inside.strip_prefix("file.") {
            return match self.environment.file(path) {
                Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(_) if self.environment.stand_in().is_some() => self.environment.stand_in(),
                Err(reason) => {
                    self.problems.push(
                        Diagnostic::error(
                            Code::MissingVariable,
                            format!("the file `{path}` cannot be read: {reason}"),
                        )
                        .at(place, "needed here"),
                    );
                    None
                }
            };
        }
        self.problems.push(
            Diagnostic::error(Code::MissingVariable, format!("`${{{inside}}}` is not known"))
                .at(place, "neither `env.` nor `file.`")
                .help("write `${env.NAME}`, `${env.NAME:-default}` or `${file.path}`"),
        );
        None
    }
}

fn default_of(inside: &str) -> Option<&str> {
    inside.split_once(":-").map(|(_, default)| default)
}

#[cfg(test)]
mod tests;
