//! The trusted documents of a deployment: read by their form, each checked as a request's document would be.
//!
//! Takes: the files that `known_operations.documents` names, the graph if there is one.
//! Gives: each document with its ids, and a problem for each that is not a valid operation.
//! Never: stops at the first.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::config::files::Files;
use crate::config::settings::KnownDocument;
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::error::{Location, RequestError};
use crate::graph::Graph;
use crate::operation;

/// What Apollo's manifests say they are.
const APOLLO: &str = "apollo-persisted-query-manifest";
const FORMS: &str = "a manifest is `{\"format\": \"apollo-persisted-query-manifest\", \"version\": 1, \"operations\": [{\"id\", \"body\"}]}`, \
                     or a map from each id to its text";

pub(super) fn read(
    files: &Files,
    graph: Option<&Graph>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<KnownDocument> {
    let mut reader =
        Reader { files, graph, problems, seen: FxHashMap::default(), documents: Vec::new() };
    for (below, id) in &files.operations {
        let name = files.sources.name(*id);
        if name.to_ascii_lowercase().ends_with(".json") {
            reader.manifest(*id);
        } else {
            reader.file(below, *id);
        }
    }
    reader.documents
}

struct Reader<'a> {
    files: &'a Files,
    graph: Option<&'a Graph>,
    problems: &'a mut Vec<Diagnostic>,
    /// Where each id was seen, and its document.
    seen: FxHashMap<Arc<str>, (Span, Arc<str>)>,
    documents: Vec<KnownDocument>,
}

impl Reader<'_> {
    /// A `*.graphql` file: one document.
    fn file(&mut self, below: &str, file: FileId) {
        let text = self.files.sources.text(file);
        let mut ids = vec![operation::hash(text)];
        let path = below.rsplit_once('.').map_or(below, |(path, _)| path);
        if !path.is_empty() {
            ids.push(path.to_owned());
        }
        let whole = Span::new(file, 0, 0);
        self.document(ids, text, whole, |location| spot(file, text, location));
    }

    /// A `*.json` file: many documents, in one of two forms.
    fn manifest(&mut self, file: FileId) {
        let text = self.files.sources.text(file);
        let top = Span::new(file, 0, text.len().min(1));
        let entries = match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(members)) if members.contains_key("operations") => apollo(&members),
            Ok(Value::Object(members)) => members
                .into_iter()
                .map(|(id, value)| match value {
                    Value::String(document) => Ok((id, document)),
                    _ => Err(format!("`{id}` must be the text of an operation")),
                })
                .collect(),
            Ok(_) => Err("the file holds no manifest".to_owned()),
            Err(error) => Err(format!("the file is not valid JSON: {error}")),
        };
        let entries = match entries {
            Ok(entries) => entries,
            Err(message) => {
                let problem = Diagnostic::error(Code::InvalidOperation, message);
                self.problems.push(problem.at(top, "of this file").help(FORMS));
                return;
            }
        };
        for (id, document) in entries {
            let quoted = Value::from(id.as_str()).to_string();
            let place = text
                .find(&quoted)
                .map_or(top, |start| Span::new(file, start, start + quoted.len()));
            self.document(vec![id], &document, place, |_| place);
        }
    }

    fn document(
        &mut self,
        ids: Vec<String>,
        text: &str,
        place: Span,
        locate: impl Fn(Location) -> Span,
    ) {
        if let Some(graph) = self.graph
            && let Err(errors) = operation::check(graph, text)
        {
            self.problems.extend(errors.iter().map(|error| problem(error, place, &locate)));
        }
        let text: Arc<str> = Arc::from(text);
        let ids: Vec<Arc<str>> = ids.into_iter().map(Arc::from).collect();
        for id in &ids {
            let known = self.seen.insert(Arc::clone(id), (place, Arc::clone(&text)));
            let Some((first, other)) = known.filter(|(_, other)| *other != text) else { continue };
            drop(other);
            self.problems.push(
                Diagnostic::error(Code::DuplicateKey, format!("two operations have the id `{id}`"))
                    .at(place, "this one")
                    .at(first, "and this one"),
            );
        }
        self.documents.push(KnownDocument { ids, text });
    }
}

fn problem(error: &RequestError, place: Span, locate: impl Fn(Location) -> Span) -> Diagnostic {
    let (span, label) = match error.locations.first() {
        None => (place, "in this operation".to_owned()),
        Some(location) => {
            let span = locate(*location);
            let label = if span == place {
                format!("line {}, column {} of this operation", location.line, location.column)
            } else {
                "here".to_owned()
            };
            (span, label)
        }
    };
    let message = error.message.trim_end_matches('.').to_owned();
    Diagnostic::error(Code::InvalidOperation, message).at(span, label)
}

fn apollo(members: &serde_json::Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    if text("format") != Some(APOLLO) || members.get("version").and_then(Value::as_u64) != Some(1) {
        return Err(format!("the manifest must have the format `{APOLLO}` and the version 1"));
    }
    let operations = members.get("operations").and_then(Value::as_array);
    let entry = |operation: &Value| {
        let text = |name: &str| operation.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("id")?, text("body")?))
    };
    let entries = operations.and_then(|operations| operations.iter().map(entry).collect());
    entries.ok_or_else(|| "each of `operations` must have an `id` and a `body`".to_owned())
}

/// The character at a line and column, both counted from 1.
fn spot(file: FileId, text: &str, location: Location) -> Span {
    let line = usize::try_from(location.line).unwrap_or(1).max(1);
    let column = usize::try_from(location.column).unwrap_or(1).max(1);
    let mut start = 0;
    for one in text.split_inclusive('\n').take(line - 1) {
        start += one.len();
    }
    let rest = text.get(start..).unwrap_or_default();
    let at = rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at);
    Span::new(file, start + at, start + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_line_and_column_of_characters() {
        let text = "query é {\n  ünknown\n}";
        let span = spot(FileId(0), text, Location { line: 2, column: 3 });
        assert_eq!(text.get(span.start as usize..).unwrap(), "ünknown\n}");
        let past = spot(FileId(0), text, Location { line: 9, column: 9 });
        assert_eq!(past.start as usize, text.len());
    }
}
