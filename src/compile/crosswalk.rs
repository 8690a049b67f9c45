//! Tables of identity rules: keys of one system by those of another, listed in a JSON file.

use std::sync::Arc;

use serde_json::Value;

use super::context::Context;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::Crosswalk;

/// Reads the table that a rule names; `None` with a problem.
pub(super) fn read(
    cx: &Context<'_>,
    node: &Node,
    problems: &mut Vec<Diagnostic>,
) -> Option<Arc<Crosswalk>> {
    let path = node.filled()?;
    let Some((id, value)) = cx.schemas.file(path) else {
        problems.push(
            Diagnostic::error(
                Code::UnreadableFile,
                format!("there is no table `{path}` in the resolvers' folder"),
            )
            .at(node.span, "named here, relative to that folder")
            .suggest(path, cx.schemas.paths()),
        );
        return None;
    };
    let table = value.and_then(Value::as_object).and_then(|members| {
        let entry = |(key, value): (&String, &Value)| {
            let value = match value {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((Box::from(key.trim()), Box::from(value)))
        };
        members.iter().map(entry).collect::<Option<Crosswalk>>()
    });
    if table.is_none() {
        problems.push(
            Diagnostic::error(Code::InvalidRule, format!("`{path}` is no table of keys"))
                .at(Span::new(id, 0, 0), "not an object whose members are texts or numbers")
                .at(node.span, "named here")
                .help("write it like `{ \"1001\": \"cus_9s6X\" }`: what `from` says, and the key that it leads to"),
        );
    }
    table.map(Arc::new)
}
