//! The JSON Schemas that calls name for their answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Vendor;
use crate::config::files::Files;
use crate::config::yaml::{self, Node};
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::graph::{Contract, OnViolation};
use crate::mapping::{AnswerSchema, SchemaError, SchemaFiles};

/// The JSON files of the resolvers' folder, by their paths below it.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    ids: BTreeMap<String, FileId>,
    values: SchemaFiles,
}

impl Schemas {
    /// Files that are not JSON are only a problem if a call names them.
    pub(crate) fn read(files: &Files) -> Self {
        let texts = files.schemas.iter().map(|(path, id)| (path, files.sources.text(*id)));
        let values = texts
            .filter_map(|(path, text)| Some((path.clone(), serde_json::from_str(text).ok()?)))
            .collect();
        Self { ids: files.schemas.iter().cloned().collect(), values: Arc::new(values) }
    }
}

impl Schemas {
    /// A JSON file by its path: where it is, and what it holds if it is JSON.
    pub(crate) fn file(&self, path: &str) -> Option<(FileId, Option<&Value>)> {
        Some((*self.ids.get(path)?, self.values.get(path)))
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.ids.keys().map(String::as_str)
    }
}

/// What a word of `on_violation` means.
pub(crate) fn on_violation(node: Option<&Node>) -> Option<OnViolation> {
    match node.and_then(|node| node.get_text("on_violation"))? {
        "refuse" => Some(OnViolation::Refuse),
        "off" => Some(OnViolation::Off),
        _ => Some(OnViolation::Warn),
    }
}

impl Vendor<'_, '_> {
    /// The schema is compiled, and its problems are told, even where nothing is to be checked.
    pub(super) fn contract(&mut self, call: &Node) -> Option<Contract> {
        let on_violation = on_violation(Some(call)).unwrap_or(self.file.on_violation);
        let Some(node) = call.get("schema") else {
            if let Some(word) = call.get("on_violation") {
                self.problem(
                    Diagnostic::error(
                        Code::MissingKey,
                        "`on_violation` says nothing without a `schema`",
                    )
                    .at(word.span, "of which schema?")
                    .help("name one: `schema: schemas/answer.json`"),
                );
            }
            return None;
        };
        let schema = match node.filled().filter(|_| node.map().is_none()) {
            Some(name) => self.schema_file(node, name)?,
            None => self.inline_schema(node)?,
        };
        (on_violation != OnViolation::Off)
            .then(|| Contract { schema: Arc::new(schema), on_violation })
    }

    fn schema_file(&mut self, node: &Node, name: &str) -> Option<AnswerSchema> {
        let schemas = self.cx.schemas;
        let path = below(&self.folder(), name);
        let found = path.as_ref().and_then(|path| Some((path, *schemas.ids.get(path)?)));
        let Some((path, id)) = found else {
            let shown = path.as_deref().unwrap_or(name);
            self.problem(
                Diagnostic::error(
                    Code::UnreadableFile,
                    format!("there is no schema file `{shown}` in the resolvers' folder"),
                )
                .at(node.span, "named here, relative to this file")
                .suggest(shown, schemas.ids.keys().map(String::as_str)),
            );
            return None;
        };
        let text = self.cx.sources.text(id);
        let Some(value) = schemas.values.get(path) else {
            let (place, reason) = not_json(id, text);
            self.problem(
                Diagnostic::error(Code::InvalidAnswerSchema, "this schema is not JSON")
                    .at(place, reason)
                    .at(node.span, "named here"),
            );
            return None;
        };
        // YAML reads JSON too, and knows places
        let tree = yaml::parse(id, text, &mut Vec::new());
        let result = AnswerSchema::compile(value, path, &schemas.values);
        self.compiled_schema(result, value, tree.as_ref(), Span::new(id, 0, 0), Some(node.span))
    }

    fn inline_schema(&mut self, node: &Node) -> Option<AnswerSchema> {
        let value = node.to_json();
        let path = format!("{}/{}.yaml", self.folder(), self.file.vendor);
        let result = AnswerSchema::compile(&value, &path, &self.cx.schemas.values);
        self.compiled_schema(result, &value, Some(node), node.span, None)
    }

    fn compiled_schema(
        &mut self,
        result: Result<AnswerSchema, SchemaError>,
        value: &Value,
        tree: Option<&Node>,
        whole: Span,
        named: Option<Span>,
    ) -> Option<AnswerSchema> {
        let error = match result {
            Ok(schema) => return Some(schema),
            Err(error) => error,
        };
        // what cannot be found is told where it is referred to
        let pointer = error.place.or_else(|| reference_in(value, &error.message));
        let place = match (tree, pointer) {
            (Some(tree), Some(pointer)) => tree.at_pointer(&pointer).span,
            _ => whole,
        };
        let reason: String = error.message.chars().take(200).collect();
        self.problem(
            Diagnostic::error(Code::InvalidAnswerSchema, "this is no JSON Schema")
                .at(place, reason)
                .also(named, "named here")
                .help("JSON Schema, draft 2020-12 or 07 (`$schema`); `$ref` leads to files of the resolvers' folder, nothing is fetched; patterns have no look-around"),
        );
        None
    }

    /// The folder of this vendor file, below the resolvers'.
    fn folder(&self) -> String {
        let path = format!("{}/{}", self.cx.role(self.role).name, self.file.vendor);
        path.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default()
    }
}

/// A path relative to a folder, without `.` and `..`; `None` if it leads out.
fn below(folder: &str, name: &str) -> Option<String> {
    let mut segments: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if name.starts_with('/') {
        return None;
    }
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            part => segments.push(part),
        }
    }
    Some(segments.join("/"))
}

fn not_json(id: FileId, text: &str) -> (Span, String) {
    let Some(error) = serde_json::from_str::<Value>(text).err() else {
        return (Span::new(id, 0, 0), String::new());
    };
    let before: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (before + error.column().saturating_sub(1)).min(text.len());
    (Span::new(id, at, at), error.to_string())
}

/// Where the `$ref` stands that an error is about.
fn reference_in(value: &Value, message: &str) -> Option<String> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let file = reference.split('#').next().unwrap_or_default();
                let name = file.rsplit('/').next().unwrap_or(file);
                if !name.is_empty() && message.contains(name) {
                    return Some("/$ref".to_owned());
                }
            }
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            members.iter().map(|(name, value)| (escaped(name), value)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect()
        }
        _ => return None,
    };
    members
        .into_iter()
        .find_map(|(name, value)| Some(format!("/{name}{}", reference_in(value, message)?)))
}
