//! Values as they are written in documents and schemas, coerced when the operation is prepared.
//!
//! Takes: a literal, the input type of the place where it stands, the operation's variables.
//! Gives: an `ArgumentValue`: constants coerced by their types, variables left for later, only where their types fit.
//! Never: trusts that another validator looked at variables inside of lists, objects and custom scalars.

use std::cell::Cell;
use std::sync::Arc;

use apollo_compiler::ast::{Directive, Type, Value};
use apollo_compiler::schema::{ExtendedType, InputObjectType, InputValueDefinition};
use apollo_compiler::{Name, Node};
use rustc_hash::FxHashSet;
use serde_json::{Map, Value as Json};

use super::{ArgumentValue, VariableDefinition, VariableId};
use crate::error::{ErrorCode, RequestError};
use crate::graph::{Graph, Scalar, TypeKind};

/// Values that defaults inside of defaults may add to one operation: `input A { a: A = {} }` has no end.
const DEFAULTS_MAX: usize = 100_000;
/// Defaults inside of defaults.
const DEFAULTS_DEPTH_MAX: usize = 32;

/// Coerces literals for one operation.
pub(super) struct Literals<'a> {
    pub(super) graph: &'a Graph,
    pub(super) variables: &'a [VariableDefinition],
    defaults: Cell<usize>,
    depth: Cell<usize>,
}

/// The place where a literal stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    ty: &'a Type,
    /// The argument's or input field's own default.
    default: Option<&'a Node<Value>>,
}

pub(super) type Refusal = String;

impl<'a> Literals<'a> {
    pub(super) fn new(graph: &'a Graph, variables: &'a [VariableDefinition]) -> Self {
        Self { graph, variables, defaults: Cell::new(0), depth: Cell::new(0) }
    }

    /// The value of an argument (or input field) that is given as `value`.
    pub(super) fn given(
        &self,
        definition: &InputValueDefinition,
        value: &Value,
    ) -> Result<ArgumentValue, Refusal> {
        self.value(Place { ty: &definition.ty, default: definition.default_value.as_ref() }, value)
    }

    /// The default of an argument or input field, coerced.
    pub(super) fn default(
        &self,
        definition: &InputValueDefinition,
    ) -> Result<Option<Json>, Refusal> {
        self.default_of(&definition.ty, definition.default_value.as_ref())
    }

    fn default_of(
        &self,
        ty: &Type,
        default: Option<&Node<Value>>,
    ) -> Result<Option<Json>, Refusal> {
        default.map(|default| self.constant(ty, default)).transpose()
    }

    /// A literal that holds no variable.
    pub(super) fn constant(&self, ty: &Type, value: &Value) -> Result<Json, Refusal> {
        self.defaults.set(self.defaults.get() + 1);
        self.depth.set(self.depth.get() + 1);
        if self.defaults.get() > DEFAULTS_MAX || self.depth.get() > DEFAULTS_DEPTH_MAX {
            self.depth.set(self.depth.get() - 1);
            return Err("the default values of input types have no end".to_owned());
        }
        let coerced = self.value(Place { ty, default: None }, value);
        self.depth.set(self.depth.get() - 1);
        match coerced? {
            ArgumentValue::Constant(json) => Ok(json),
            _ => Err("a default value must not hold variables".to_owned()),
        }
    }

    fn value(&self, place: Place<'_>, value: &Value) -> Result<ArgumentValue, Refusal> {
        match value {
            Value::Variable(name) => self.variable(place, name),
            Value::Null if place.ty.is_non_null() => {
                Err(format!("expected {}, found null", place.ty))
            }
            Value::Null => Ok(ArgumentValue::Constant(Json::Null)),
            _ if place.ty.is_list() => {
                let item = Place { ty: place.ty.item_type(), default: None };
                let items = match value {
                    Value::List(items) => items
                        .iter()
                        .map(|value| self.value(item, value))
                        .collect::<Result<_, _>>()?,
                    single => vec![self.value(item, single)?],
                };
                Ok(list(items))
            }
            _ => self.named(place.ty, value),
        }
    }

    fn named(&self, ty: &Type, value: &Value) -> Result<ArgumentValue, Refusal> {
        let name = ty.inner_named_type();
        match (self.graph.schema.types.get(name), value) {
            (Some(ExtendedType::Scalar(_)), value) => {
                self.scalar(self.scalar_named(name), ty, value)
            }
            (Some(ExtendedType::Enum(values)), Value::Enum(word))
                if values.values.contains_key(word) =>
            {
                Ok(ArgumentValue::Constant(Json::String(word.to_string())))
            }
            (Some(ExtendedType::InputObject(object)), Value::Object(entries)) => {
                self.object(object, entries)
            }
            _ => Err(format!("expected {ty}, found {}", describe(value))),
        }
    }

    pub(super) fn scalar_named(&self, name: &str) -> Scalar {
        match self.graph.type_named(name).map(|id| &self.graph.ty(id).kind) {
            Some(TypeKind::Scalar(scalar)) => *scalar,
            _ => Scalar::Any,
        }
    }

    fn scalar(&self, scalar: Scalar, ty: &Type, value: &Value) -> Result<ArgumentValue, Refusal> {
        if scalar == Scalar::Any {
            return self.any(value);
        }
        let json = match value {
            // JSON has one kind of number, a document two
            Value::Float(_) if matches!(scalar, Scalar::Int | Scalar::Id) => {
                return Err(format!("expected {ty}, found {}", describe(value)));
            }
            // an integer literal is not a string, though it may stand for an ID
            Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Boolean(_) => plain(value)?,
            _ => return Err(format!("expected {ty}, found {}", describe(value))),
        };
        super::scalar::coerce(scalar, &json)
            .map(ArgumentValue::Constant)
            .map_err(|expected| format!("expected {expected}, found {}", describe(value)))
    }

    /// A custom scalar takes any literal, with variables anywhere in it.
    fn any(&self, value: &Value) -> Result<ArgumentValue, Refusal> {
        match value {
            Value::Variable(name) => {
                let (id, _) = self.definition(name)?;
                Ok(ArgumentValue::Variable { id, default: None, refuses_null: false })
            }
            Value::List(items) => {
                Ok(list(items.iter().map(|item| self.any(item)).collect::<Result<_, _>>()?))
            }
            Value::Object(entries) => {
                check_unique(entries)?;
                let entries = entries
                    .iter()
                    .map(|(name, value)| Ok((Arc::from(name.as_str()), self.any(value)?)));
                Ok(object(entries.collect::<Result<_, Refusal>>()?))
            }
            _ => plain(value).map(ArgumentValue::Constant),
        }
    }

    fn object(
        &self,
        ty: &InputObjectType,
        entries: &[(Name, Node<Value>)],
    ) -> Result<ArgumentValue, Refusal> {
        if let Some((unknown, _)) = entries.iter().find(|(name, _)| !ty.fields.contains_key(name)) {
            return Err(format!("field \"{unknown}\" is not defined by type \"{}\"", ty.name));
        }
        check_unique(entries)?;
        if is_one_of(ty) {
            self.check_one_of(ty, entries)?;
        }
        let mut coerced = Vec::new();
        for field in ty.fields.values() {
            let given = entries.iter().find(|(name, _)| *name == field.name);
            let value = match given {
                Some((_, value)) => self
                    .given(field, value)
                    .map_err(|refusal| format!("{}: {refusal}", field.name))?,
                None => match self.default(field)? {
                    Some(default) => ArgumentValue::Constant(default),
                    None if field.ty.is_non_null() => {
                        return Err(format!(
                            "field \"{}\" of required type \"{}\" was not provided",
                            field.name, field.ty
                        ));
                    }
                    None => continue,
                },
            };
            coerced.push((Arc::from(field.name.as_str()), value));
        }
        Ok(object(coerced))
    }

    fn check_one_of(
        &self,
        ty: &InputObjectType,
        entries: &[(Name, Node<Value>)],
    ) -> Result<(), Refusal> {
        let is_one = match entries {
            [(_, value)] => match &**value {
                Value::Null => false,
                Value::Variable(name) => self.definition(name)?.1.ty.is_non_null(),
                _ => true,
            },
            _ => false,
        };
        if is_one { Ok(()) } else { Err(one_of_refusal(ty)) }
    }

    fn definition(&self, name: &str) -> Result<(VariableId, &'a VariableDefinition), Refusal> {
        let found = (0_u16..)
            .map(VariableId)
            .zip(self.variables)
            .find(|(_, definition)| &*definition.name == name);
        found.ok_or_else(|| format!("variable \"${name}\" is not defined"))
    }

    /// A variable, where its type fits (specification, section 5.8.5, All Variable Usages Are Allowed).
    fn variable(&self, place: Place<'_>, name: &str) -> Result<ArgumentValue, Refusal> {
        let (id, definition) = self.definition(name)?;
        let is_non_null = place.ty.is_non_null();
        let fits = if is_non_null && !definition.ty.is_non_null() {
            let has_default = definition.default.as_ref().is_some_and(|default| !default.is_null());
            (has_default || place.default.is_some())
                && definition.ty.is_assignable_to(&place.ty.clone().nullable())
        } else {
            definition.ty.is_assignable_to(place.ty)
        };
        if !fits {
            return Err(format!(
                "variable \"${name}\" of type \"{}\" used in position expecting type \"{}\"",
                definition.ty, place.ty
            ));
        }
        let default = self.default_of(place.ty, place.default)?;
        let refuses_null = is_non_null && !definition.ty.is_non_null();
        Ok(ArgumentValue::Variable { id, default, refuses_null })
    }

    /// The value of a directive's argument, whose definition is in the schema.
    pub(super) fn of_directive(
        &self,
        directive: &Directive,
        name: &str,
    ) -> Result<ArgumentValue, Refusal> {
        let definition = self.graph.schema.directive_definitions.get(&directive.name);
        let argument = definition
            .and_then(|found| found.arguments.iter().find(|argument| argument.name == name))
            .ok_or_else(|| format!("@{} has no such argument", directive.name))?;
        match directive.specified_argument_by_name(name) {
            Some(value) => self.given(argument, value),
            None => Ok(ArgumentValue::Constant(self.default(argument)?.unwrap_or_default())),
        }
    }

    /// The variable that `@skip(if:)` or `@include(if:)` reads, checked like any other argument.
    pub(super) fn condition(&self, name: &str) -> Result<VariableId, Refusal> {
        let ty = apollo_compiler::ty!(Boolean!);
        match self.variable(Place { ty: &ty, default: None }, name)? {
            ArgumentValue::Variable { id, .. } => Ok(id),
            _ => Err("not a variable".to_owned()),
        }
    }
}

/// Input object field uniqueness (specification, section 5.6.3).
fn check_unique(entries: &[(Name, Node<Value>)]) -> Result<(), Refusal> {
    let mut seen = FxHashSet::default();
    match entries.iter().find(|(name, _)| !seen.insert(name.as_str())) {
        Some((name, _)) => Err(format!("there can be only one input field named \"{name}\"")),
        None => Ok(()),
    }
}

pub(super) fn is_one_of(ty: &InputObjectType) -> bool {
    ty.directives.has("oneOf")
}

pub(super) fn one_of_refusal(ty: &InputObjectType) -> Refusal {
    format!("exactly one field of \"{}\" must be given, and it must not be null", ty.name)
}

/// An error of a literal, at its place.
pub(super) fn refused(what: &str, refusal: &str) -> RequestError {
    RequestError::new(
        ErrorCode::GraphqlValidationFailed,
        super::document::shortened(format!("{what}: {refusal}.")),
    )
}

fn list(items: Vec<ArgumentValue>) -> ArgumentValue {
    if items.iter().all(|item| matches!(item, ArgumentValue::Constant(_))) {
        let constants = items.into_iter().filter_map(|item| match item {
            ArgumentValue::Constant(json) => Some(json),
            _ => None,
        });
        return ArgumentValue::Constant(Json::Array(constants.collect()));
    }
    ArgumentValue::List(items)
}

fn object(entries: Vec<(Arc<str>, ArgumentValue)>) -> ArgumentValue {
    if entries.iter().all(|(_, value)| matches!(value, ArgumentValue::Constant(_))) {
        let constants = entries.into_iter().filter_map(|(name, value)| match value {
            ArgumentValue::Constant(json) => Some((name.to_string(), json)),
            _ => None,
        });
        return ArgumentValue::Constant(Json::Object(constants.collect::<Map<_, _>>()));
    }
    ArgumentValue::Object(entries)
}

/// A literal leaf as JSON. Numbers keep every digit.
fn plain(value: &Value) -> Result<Json, Refusal> {
    let number = |text: &str| text.parse().map(Json::Number).map_err(|_| "not a number".to_owned());
    match value {
        Value::Null => Ok(Json::Null),
        Value::Enum(word) => Ok(Json::String(word.to_string())),
        Value::String(text) => Ok(Json::String(text.clone())),
        Value::Boolean(boolean) => Ok(Json::Bool(*boolean)),
        Value::Int(int) => number(int.as_str()),
        Value::Float(float) => number(float.as_str()),
        Value::Variable(_) | Value::List(_) | Value::Object(_) => Err("not a constant".to_owned()),
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Enum(_) => "a word",
        Value::Variable(_) => "a variable",
        Value::String(_) => "a string",
        Value::Float(_) => "a number with a fraction",
        Value::Int(_) => "an integer",
        Value::Boolean(_) => "true or false",
        Value::List(_) => "a list",
        Value::Object(_) => "an object",
    }
}
