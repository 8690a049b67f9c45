//! JSON Schemas of answers: compiled once, held against a decoded answer.
//!
//! An answer that is held against a schema becomes a tree of values for that; no other answer ever does.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ReferencingError, Retrieve, Uri, ValidationError, Validator};
use serde_json::{Map, Number, Value};

use super::payload::{At, Kind, Payload, ROOT};

/// Where schema files are, for references between them: no network has it.
const BASE: &str = "schema:/";
/// A place in an answer, in characters, at the most.
const PLACE_CHARACTERS_MAX: usize = 200;
/// Violations of one answer that are counted.
const VIOLATIONS_MAX: usize = 100;

/// A compiled JSON Schema (draft 2020-12, 07 and those between).
pub struct AnswerSchema {
    validator: Validator,
    /// Names of members that the schema itself has: these may be told, whatever else an answer has as a name may be data.
    names: BTreeSet<Box<str>>,
}

impl std::fmt::Debug for AnswerSchema {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "AnswerSchema({} names)", self.names.len())
    }
}

/// The schema files that one may refer to, by their paths below the resolvers' folder.
pub type SchemaFiles = Arc<BTreeMap<String, Value>>;

/// Why a schema cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaError {
    pub message: String,
    /// A JSON pointer into the schema, where that is known.
    pub place: Option<String>,
}

/// How an answer breaks its schema. Says where and by which keyword, never what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// A JSON pointer into the answer; names that the schema does not have are `*`.
    pub place: String,
    pub keyword: String,
    /// How many there are, up to a hundred.
    pub count: usize,
}

impl AnswerSchema {
    /// Compiles a schema that stands at `path` below the resolvers' folder.
    pub fn compile(schema: &Value, path: &str, files: &SchemaFiles) -> Result<Self, SchemaError> {
        let validator = jsonschema::options()
            .with_base_uri(format!("{BASE}{}", path.replace(' ', "%20")))
            .with_retriever(Folder(Arc::clone(files)))
            // never backtracks, whatever the pattern and the answer
            .with_pattern_options(PatternOptions::regex())
            .build(schema)
            .map_err(|error| refused(&error))?;
        let mut names = BTreeSet::new();
        files.values().chain([schema]).for_each(|schema| collect_names(schema, &mut names));
        Ok(Self { validator, names })
    }

    /// The first violation of an answer.
    pub fn check(&self, payload: &Payload) -> Option<Violation> {
        let value = payload.to_value();
        if self.validator.is_valid(&value) {
            return None;
        }
        let mut errors = self.validator.iter_errors(&value);
        let first = errors.next()?;
        // a path into the schema, whose last word is what was not kept
        let path = first.schema_path().as_str();
        let keyword = path.rsplit('/').next().unwrap_or(path).to_owned();
        let place = self.place(first.instance_path().as_str());
        Some(Violation { place, keyword, count: 1 + errors.take(VIOLATIONS_MAX - 1).count() })
    }

    fn place(&self, pointer: &str) -> String {
        let mut place = String::new();
        for segment in pointer.split('/').skip(1) {
            let is_index = segment.bytes().all(|byte| byte.is_ascii_digit());
            let name = segment.replace("~1", "/").replace("~0", "~");
            let is_told = is_index || self.names.contains(&*name);
            // writing to a string cannot fail
            write!(place, "/{}", if is_told { segment } else { "*" }).ok();
        }
        place.chars().take(PLACE_CHARACTERS_MAX).collect()
    }
}

/// Every name under a `properties` or `required`, at any depth.
fn collect_names(schema: &Value, names: &mut BTreeSet<Box<str>>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                names.extend(properties.keys().map(|name| Box::from(name.as_str())));
            }
            if let Some(Value::Array(required)) = members.get("required") {
                names.extend(required.iter().filter_map(Value::as_str).map(Box::from));
            }
            members.values().for_each(|value| collect_names(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_names(value, names)),
        _ => {}
    }
}

fn refused(error: &ValidationError<'_>) -> SchemaError {
    let message = match error.kind() {
        ValidationErrorKind::Referencing(ReferencingError::Unretrievable { uri, source }) => {
            format!("`{}`: {source}", uri.strip_prefix(BASE).unwrap_or(uri))
        }
        _ => error.to_string(),
    };
    let place = Some(error.instance_path().as_str().to_owned()).filter(|place| !place.is_empty());
    SchemaError { message, place }
}

/// Gives the files of the folder, by their paths or by the `$id` that they say; nothing else.
struct Folder(SchemaFiles);

impl Retrieve for Folder {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let address = uri.as_str().trim_end_matches('#');
        let path = address.strip_prefix(BASE).map(|path| path.replace("%20", " "));
        let by_path = path.as_ref().and_then(|path| self.0.get(path));
        let has_id = |schema: &&Value| {
            schema.get("$id").and_then(Value::as_str).map(|id| id.trim_end_matches('#'))
                == Some(address)
        };
        match (by_path.or_else(|| self.0.values().find(has_id)), path) {
            (Some(schema), _) => Ok(schema.clone()),
            (None, Some(path)) => {
                Err(format!("there is no file `{path}` in the resolvers' folder").into())
            }
            (None, None) => {
                Err("only files of the resolvers' folder are read; nothing is fetched".into())
            }
        }
    }
}

impl Payload {
    /// The answer as a tree of values. The last of several members of one name counts.
    pub fn to_value(&self) -> Value {
        if self.nodes.is_empty() { Value::Null } else { self.value_at(ROOT) }
    }

    /// No body came, or it said that there is no such record.
    pub fn is_nothing(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Recursion is bounded by the depth to which answers are read.
    fn value_at(&self, at: At) -> Value {
        let node = self.node(at);
        match node.kind {
            Kind::Null => Value::Null,
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Number => number(self.raw(node)),
            Kind::Plain | Kind::Escaped | Kind::Raw | Kind::Name => {
                Value::String(self.scalar_text(at).unwrap_or_default().into_owned())
            }
            Kind::List => self.elements(at).map(|at| self.value_at(at)).collect(),
            Kind::Object => {
                let mut members = Map::new();
                for (name, _) in self.members(at) {
                    let text = self.scalar_text(name).unwrap_or_default().into_owned();
                    members.insert(text, self.value_at(name + 1));
                }
                Value::Object(members)
            }
        }
    }
}

/// With every digit that came.
fn number(text: &str) -> Value {
    serde_json::from_str::<Number>(text).map_or(Value::Null, Value::Number)
}
