//! From an operation's text to its fields by number.
//!
//! Takes: the document text, the operation's name, raw variables.
//! Gives: an `Operation` whose fragments are spread and whose fields are merged, for each concrete type; coerced variables.
//! Never: walks a document that `guard` has not bounded; looks at data.

mod arguments;
mod coerce;
mod condition;
mod cost;
mod document;
pub mod guard;
mod introspection;
mod literal;
mod normalize;
mod one_of;
mod parts;
mod position;
mod rules;
mod scalar;
pub mod syntax;
mod values;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

pub(crate) use self::scalar::coerce as coerce_scalar;

pub use self::cost::{Cost, CostPart, CostTree};
use self::introspection::Introspection;
use self::literal::Literals;
use self::position::Lines;
use crate::error::{ErrorCode, Location, RequestError};
use crate::graph::{FieldId, Graph, TypeId};

pub use parts::{Deferrals, OccurrencesId, Part, Parts, SetId, StreamId, Streamed, UsageId};

/// One operation, independent of its variables' values.
#[derive(Debug)]
pub struct Operation {
    pub kind: OperationKind,
    pub name: Option<Arc<str>>,
    /// The variables that `@skip` and `@include` read: bit `i` of a [`Conjunction`] is variable `conditions[i]`.
    pub conditions: Vec<VariableId>,
    pub root: Selection,
    /// What it costs, for any variables.
    pub cost: CostTree,
    /// What of it may come later.
    pub deferrals: Deferrals,
    variables: Vec<VariableDefinition>,
    /// Only of an operation that asks for the schema.
    introspection: Option<Introspection>,
}

/// `$name: ty = default`.
#[derive(Debug)]
struct VariableDefinition {
    name: Arc<str>,
    ty: apollo_compiler::ast::Type,
    default: Option<serde_json::Value>,
    location: Location,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    Query,
    Mutation,
}

/// A variable by its place in the operation's definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VariableId(pub u16);

/// Coerced variable values, by `VariableId`; `None` is "not given, no default".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variables(pub Vec<Option<serde_json::Value>>);

/// What is selected on an object of `ty`: for an object type one branch, for an abstract type one branch for each possible
/// object type.
#[derive(Debug)]
pub struct Selection {
    pub ty: TypeId,
    pub branches: Vec<Branch>,
}

impl Selection {
    /// The fields of all branches, and those beneath them.
    pub fn count_fields(&self) -> usize {
        let beneath = |field: &Arc<SelectedField>| {
            let of = |selection: &Option<Self>| selection.as_ref().map_or(0, Self::count_fields);
            1 + of(&field.selection) + of(&field.reads)
        };
        self.branches.iter().flat_map(|branch| &branch.fields).map(beneath).sum()
    }
}

#[derive(Debug)]
pub struct Branch {
    pub ty: TypeId,
    /// One for each response key, already merged.
    pub fields: Vec<Arc<SelectedField>>,
    /// The order of writing.
    pub order: Vec<Entry>,
}

/// A place in the response where a field is written, if `when` holds and none of `unless` does.
///
/// A response key that occurs twice under different conditions has two entries: it is written where its first included
/// occurrence stands (specification, section 6.3.2, `CollectFields`).
#[derive(Debug)]
pub struct Entry {
    /// Index into `Branch::fields`.
    pub field: usize,
    pub when: Condition,
    pub unless: Vec<Condition>,
}

#[derive(Debug)]
pub struct SelectedField {
    pub response_key: Arc<str>,
    pub target: Target,
    pub arguments: Vec<SelectedArgument>,
    /// Holds if any occurrence is included, counted from the operation's root.
    pub when: Condition,
    pub location: Location,
    pub selection: Option<Selection>,
    /// What the metrics among the selection read of the object that the field stands on.
    pub reads: Option<Selection>,
    /// `None`: it comes first.
    pub occurrences: Option<OccurrencesId>,
    /// A list whose items may come one after the other.
    pub stream: Option<StreamId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Typename,
    /// `__schema` or `__type`, at the root of a query.
    Introspection,
    Field(FieldId),
}

#[derive(Debug)]
pub struct SelectedArgument {
    pub name: Arc<str>,
    pub value: ArgumentValue,
}

/// An argument's value: constant parts are coerced when the operation is prepared, variables when it runs.
#[derive(Clone, Debug)]
pub enum ArgumentValue {
    Constant(serde_json::Value),
    /// `default` is the argument's own (or the input field's), for a variable that is not given.
    Variable {
        id: VariableId,
        default: Option<serde_json::Value>,
        /// A nullable variable stands where no null may be, since one of the two has a default: a null is refused when the field is
        /// executed.
        refuses_null: bool,
    },
    List(Vec<Self>),
    Object(Vec<(Arc<str>, Self)>),
}

impl ArgumentValue {
    fn may_be_refused(&self) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Variable { refuses_null, .. } => *refuses_null,
            Self::List(items) => items.iter().any(Self::may_be_refused),
            Self::Object(entries) => entries.iter().any(|(_, value)| value.may_be_refused()),
        }
    }
}

/// A sum of products over the condition variables. Empty: always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition(pub Vec<Conjunction>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conjunction {
    /// Variables that must be true.
    pub yes: u64,
    /// Variables that must be false.
    pub no: u64,
}

impl Condition {
    pub const ALWAYS: Self = Self(Vec::new());

    /// `truths`: bit `i` is the value of condition variable `i`.
    pub fn holds(&self, truths: u64) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|term| term.yes & !truths == 0 && term.no & truths == 0)
    }
}

impl Operation {
    /// The values of the condition variables as bits.
    pub fn truths(&self, variables: &Variables) -> u64 {
        let is_true = |id: &VariableId| {
            variables.0.get(usize::from(id.0)) == Some(&Some(serde_json::Value::Bool(true)))
        };
        self.conditions
            .iter()
            .enumerate()
            .fold(0, |bits, (bit, id)| bits | (u64::from(is_true(id)) << bit))
    }
}

impl SelectedField {
    /// The field's arguments with the variables put in (specification, section 6.4.1). Arguments that are neither given
    /// nor have a default are missing from the map. An error is the field's own (a null where none may be).
    pub fn arguments(
        &self,
        variables: &Variables,
    ) -> Result<serde_json::Map<String, serde_json::Value>, RequestError> {
        arguments::fill(self, variables)
    }

    /// Whether variables can make its arguments an error.
    pub fn may_be_refused(&self) -> bool {
        self.arguments.iter().any(|argument| argument.value.may_be_refused())
    }
}

/// Guards, parses, validates and prepares a document.
pub fn prepare(
    graph: &Graph,
    document: &str,
    operation_name: Option<&str>,
) -> Result<Operation, Vec<RequestError>> {
    let prepared = prepare_and_suggest(graph, document, operation_name);
    if graph.suggestions_enabled { prepared } else { prepared.map_err(without_suggestions) }
}

/// Errors that name nothing but what the client said itself.
fn without_suggestions(mut errors: Vec<RequestError>) -> Vec<RequestError> {
    for error in &mut errors {
        if let Some(at) = error.message.find(document::SUGGESTION) {
            error.message.truncate(at);
        }
    }
    errors
}

fn prepare_and_suggest(
    graph: &Graph,
    document: &str,
    operation_name: Option<&str>,
) -> Result<Operation, Vec<RequestError>> {
    guard::check(&graph.limits, document).map_err(|error| vec![error])?;
    let lines = Lines::new(document);
    let valid = document::parse(&graph.schema, document, &lines)?;
    values::check(graph, &valid, &lines)?;
    let executable = document::select(&valid, operation_name).map_err(|error| vec![error])?.clone();
    let variables = variable_definitions(graph, &executable, &lines)?;
    let literals = Literals::new(graph, &variables);
    let normalized = normalize::normalize(graph, &valid, &executable, &literals, &lines)
        .map_err(|error| vec![error])?;
    let root = normalized.root;
    let asks_for_schema = root
        .branches
        .iter()
        .flat_map(|branch| &branch.fields)
        .any(|field| field.target == Target::Introspection);
    if asks_for_schema {
        introspection::check(graph, &valid, &executable, &lines).map_err(|error| vec![error])?;
    }
    let kind =
        if executable.is_mutation() { OperationKind::Mutation } else { OperationKind::Query };
    Ok(Operation {
        kind,
        cost: cost::tree(graph, kind, &root),
        name: executable.name.as_ref().map(|name| Arc::from(name.as_str())),
        conditions: normalized.conditions,
        root,
        deferrals: normalized.deferrals,
        variables,
        introspection: asks_for_schema.then(|| Introspection::new(graph, valid, executable)),
    })
}

/// The SHA-256 of a document's text in hexadecimal digits: the id by which clients name a known one.
pub fn hash(document: &str) -> String {
    Sha256::digest(document)
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Whether every operation of a document could run: [`prepare`] for each of them.
pub fn check(graph: &Graph, document: &str) -> Result<(), Vec<RequestError>> {
    guard::check(&graph.limits, document).map_err(|error| vec![error])?;
    let valid = document::parse(&graph.schema, document, &Lines::new(document))?;
    let names: Vec<Option<&str>> = valid
        .operations
        .iter()
        .map(|operation| operation.name.as_ref().map(apollo_compiler::Name::as_str))
        .collect();
    let Some(_) = names.first() else { return prepare(graph, document, None).map(drop) };
    names.iter().try_for_each(|name| prepare(graph, document, *name).map(drop))
}

fn variable_definitions(
    graph: &Graph,
    operation: &apollo_compiler::executable::Operation,
    lines: &Lines<'_>,
) -> Result<Vec<VariableDefinition>, Vec<RequestError>> {
    let literals = Literals::new(graph, &[]);
    let mut errors = Vec::new();
    let mut definitions = Vec::with_capacity(operation.variables.len());
    for variable in &operation.variables {
        let default =
            variable.default_value.as_ref().map(|default| literals.constant(&variable.ty, default));
        match default.transpose() {
            Ok(default) => definitions.push(VariableDefinition {
                name: Arc::from(variable.name.as_str()),
                ty: (*variable.ty).clone(),
                default,
                location: variable
                    .location()
                    .map(|span| lines.location(span.offset()))
                    .unwrap_or_default(),
            }),
            Err(refusal) => {
                let error = literal::refused(
                    &format!("Default of variable \"${}\"", variable.name),
                    &refusal,
                );
                errors.push(document::located(error, variable.location(), lines));
            }
        }
    }
    if definitions.len() > usize::from(u16::MAX) {
        errors.push(RequestError::new(
            ErrorCode::VariablesLimit,
            "The operation defines more than 65535 variables.",
        ));
    }
    if errors.is_empty() { Ok(definitions) } else { Err(errors) }
}

/// Coerces raw variables by the operation's definitions (specification, section 6.1.2).
pub fn coerce_variables(
    graph: &Graph,
    operation: &Operation,
    raw: &serde_json::Map<String, serde_json::Value>,
) -> Result<Variables, Vec<RequestError>> {
    coerce::coerce(graph, operation, raw)
}

/// The answers of the operation's `__schema` and `__type` fields, by response key.
pub fn introspect(
    graph: &Graph,
    operation: &Operation,
    variables: &Variables,
) -> Result<serde_json::Map<String, serde_json::Value>, RequestError> {
    introspection::answer(graph, operation, variables)
}

#[cfg(test)]
pub(crate) mod tests;
