//! Variables: from a request's raw JSON to values of the declared types (specification, section 6.1.2).
//!
//! Takes: the operation's variable definitions, raw values.
//! Gives: the coerced values, or every error at once, each with the path of the value.
//! Never: echoes a value at length; looks at raw values that are not declared, but for their size.

use apollo_compiler::ast::Type;
use apollo_compiler::schema::{EnumType, ExtendedType, InputObjectType};
use serde_json::{Map, Value};

use super::document::{ERRORS_MAX, shortened};
use super::literal::{Literals, is_one_of, one_of_refusal};
use super::{Operation, VariableDefinition, Variables};
use crate::error::{ErrorCode, RequestError};
use crate::graph::{Graph, Limits};

/// Coerces all variables of `operation`.
pub(super) fn coerce(
    graph: &Graph,
    operation: &Operation,
    raw: &Map<String, Value>,
) -> Result<Variables, Vec<RequestError>> {
    check_size(&graph.limits, raw).map_err(|error| vec![error])?;
    let mut coercion =
        Coercion { graph, literals: Literals::new(graph, &[]), errors: Vec::new(), variable: None };
    let mut values = Vec::with_capacity(operation.variables.len());
    for definition in &operation.variables {
        coercion.variable = Some(definition);
        values.push(match raw.get(&*definition.name) {
            Some(value) => coercion.value(&definition.ty, value, Path::Root),
            None if definition.default.is_some() => definition.default.clone(),
            None if definition.ty.is_non_null() => {
                coercion.refuse(
                    Path::Root,
                    &format!("a value of type \"{}\" is required", definition.ty),
                );
                None
            }
            None => None,
        });
    }
    for id in &operation.conditions {
        let is_null =
            values.get(usize::from(id.0)).is_some_and(|value| *value == Some(Value::Null));
        if is_null && let Some(definition) = operation.variables.get(usize::from(id.0)) {
            coercion.variable = Some(definition);
            coercion.refuse(Path::Root, "null cannot decide @skip or @include");
        }
    }
    if coercion.errors.is_empty() { Ok(Variables(values)) } else { Err(coercion.errors) }
}

/// Refuses variables that are too large or too deep, declared or not.
fn check_size(limits: &Limits, raw: &Map<String, Value>) -> Result<(), RequestError> {
    let mut size =
        Size { bytes: 0, bytes_max: limits.variables_bytes, depth_max: limits.variables_depth };
    let exceeded = |name: &str, allowed: usize, unit: &str| {
        let message = format!(
            "The variables have more than {allowed} {unit}; limits.{name} allows {allowed}."
        );
        RequestError::new(ErrorCode::VariablesLimit, message)
    };
    let result = raw.iter().try_for_each(|(name, value)| {
        size.bytes = size.bytes.saturating_add(name.len() + 4);
        size.measure(value, 1)
    });
    match result {
        Err(TooMuch::Depth) => Err(exceeded(
            "variables_depth",
            limits.variables_depth,
            "lists and objects inside each other",
        )),
        Err(TooMuch::Bytes) => Err(exceeded("variables_bytes", limits.variables_bytes, "bytes")),
        Ok(()) if size.bytes > limits.variables_bytes => {
            Err(exceeded("variables_bytes", limits.variables_bytes, "bytes"))
        }
        Ok(()) => Ok(()),
    }
}

/// The size of values as compact JSON, escapes not counted.
struct Size {
    bytes: usize,
    bytes_max: usize,
    depth_max: usize,
}

enum TooMuch {
    Bytes,
    Depth,
}

impl Size {
    fn measure(&mut self, value: &Value, depth: usize) -> Result<(), TooMuch> {
        let own = match value {
            Value::Null | Value::Bool(_) => 5,
            Value::Number(number) => number.as_str().len() + 1,
            Value::String(text) => text.len() + 3,
            Value::Array(_) | Value::Object(_) => 3,
        };
        self.bytes = self.bytes.saturating_add(own);
        if self.bytes > self.bytes_max {
            return Err(TooMuch::Bytes);
        }
        match value {
            Value::Array(_) | Value::Object(_) if depth > self.depth_max => Err(TooMuch::Depth),
            Value::Array(items) => items.iter().try_for_each(|item| self.measure(item, depth + 1)),
            Value::Object(entries) => entries.iter().try_for_each(|(name, value)| {
                self.bytes = self.bytes.saturating_add(name.len() + 4);
                self.measure(value, depth + 1)
            }),
            _ => Ok(()),
        }
    }
}

/// Where a value is in its variable, from the inside out.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Field(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(parent, name) => write!(formatter, "{parent}.{name}"),
            Self::Item(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}

struct Coercion<'a> {
    graph: &'a Graph,
    /// For the defaults of input fields.
    literals: Literals<'a>,
    errors: Vec<RequestError>,
    variable: Option<&'a VariableDefinition>,
}

impl Coercion<'_> {
    fn refuse(&mut self, path: Path<'_>, why: &str) {
        if let Some(variable) = self.variable.filter(|_| self.errors.len() < ERRORS_MAX) {
            let message = shortened(format!("${}{path}: {why}.", variable.name));
            self.errors
                .push(RequestError::new(ErrorCode::BadUserInput, message).at(variable.location));
        }
    }

    /// `None` when an error was noted.
    fn value(&mut self, ty: &Type, value: &Value, path: Path<'_>) -> Option<Value> {
        if value.is_null() {
            if ty.is_non_null() {
                self.refuse(path, &format!("expected {ty}, found null"));
                return None;
            }
            return Some(Value::Null);
        }
        if ty.is_list() {
            return self.list(ty, value, path);
        }
        let graph = self.graph;
        let name = ty.inner_named_type();
        match graph.schema.types.get(name) {
            Some(ExtendedType::Scalar(_)) => {
                let scalar = self.literals.scalar_named(name);
                match super::scalar::coerce(scalar, value) {
                    Ok(value) => Some(value),
                    Err(expected) => {
                        self.refuse(
                            path,
                            &format!("expected {expected}, found {}", describe(value)),
                        );
                        None
                    }
                }
            }
            Some(ExtendedType::Enum(ty)) => self.word(ty, value, path),
            Some(ExtendedType::InputObject(ty)) => self.object(ty, value, path),
            _ => {
                self.refuse(path, &format!("\"{name}\" is not an input type"));
                None
            }
        }
    }

    /// A value that is not a list stands for a list of it.
    fn list(&mut self, ty: &Type, value: &Value, path: Path<'_>) -> Option<Value> {
        let Value::Array(items) = value else {
            return self.value(ty.item_type(), value, path).map(|item| Value::Array(vec![item]));
        };
        let coerced: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.value(ty.item_type(), item, Path::Item(&path, index)))
            .collect();
        coerced.into_iter().collect::<Option<_>>().map(Value::Array)
    }

    fn word(&mut self, ty: &EnumType, value: &Value, path: Path<'_>) -> Option<Value> {
        match value {
            Value::String(word) if ty.values.contains_key(word.as_str()) => {
                return Some(value.clone());
            }
            Value::String(word) => {
                self.refuse(
                    path,
                    &format!(
                        "\"{}\" is not a value of the enum {}",
                        shortened(word.clone()),
                        ty.name
                    ),
                );
            }
            _ => self.refuse(
                path,
                &format!("expected a value of the enum {}, found {}", ty.name, describe(value)),
            ),
        }
        None
    }

    fn object(&mut self, ty: &InputObjectType, value: &Value, path: Path<'_>) -> Option<Value> {
        let Value::Object(entries) = value else {
            self.refuse(
                path,
                &format!("expected an object of type {}, found {}", ty.name, describe(value)),
            );
            return None;
        };
        let errors_before = self.errors.len();
        let mut is_valid = true;
        for unknown in entries.keys().filter(|name| !ty.fields.contains_key(name.as_str())) {
            self.refuse(
                path,
                &format!("field \"{unknown}\" is not defined by type \"{}\"", ty.name),
            );
            is_valid = false;
        }
        if is_one_of(ty) && (entries.len() != 1 || entries.values().any(Value::is_null)) {
            self.refuse(path, &one_of_refusal(ty));
            is_valid = false;
        }
        let mut coerced = Map::new();
        for field in ty.fields.values() {
            let name = field.name.as_str();
            let value = match entries.get(name) {
                Some(value) => self.value(&field.ty, value, Path::Field(&path, name)),
                None => match self.literals.default(field) {
                    Ok(Some(default)) => Some(default),
                    Ok(None) if !field.ty.is_non_null() => continue,
                    Ok(None) => {
                        let why = format!("a value of type \"{}\" is required", field.ty);
                        self.refuse(Path::Field(&path, name), &why);
                        None
                    }
                    Err(refusal) => {
                        self.refuse(Path::Field(&path, name), &refusal);
                        None
                    }
                },
            };
            match value {
                Some(value) => drop(coerced.insert(name.to_owned(), value)),
                None => is_valid = false,
            }
        }
        (is_valid && self.errors.len() == errors_before).then_some(Value::Object(coerced))
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_i64() || number.is_u64() => "an integer",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
