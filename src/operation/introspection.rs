//! `__schema` and `__type`.
//!
//! Takes: an operation that asks for them, the schema.
//! Gives: their answers by response key, from apollo-compiler.
//! Never: starts on a selection whose answer would be huge: the schema's schema goes round in circles.

use apollo_compiler::executable::{Operation as Executable, Selection, SelectionSet};
use apollo_compiler::introspection::partial_execute;
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::one_of::Asked;
use super::position::Lines;
use super::{Operation, Variables};
use crate::error::{ErrorCode, RequestError};
use crate::graph::Graph;

/// Values that one object of an answer is reckoned to hold, for `limits.objects`.
const VALUES_PER_OBJECT: f64 = 10.0;

/// What is kept of a document whose operation asks for the schema.
#[derive(Debug)]
pub(super) struct Introspection {
    asked: Asked,
    /// With names in the place of what apollo-compiler does not answer, if it is asked for.
    by_name: Option<Asked>,
}

impl Introspection {
    pub(super) fn new(
        graph: &Graph,
        document: Valid<ExecutableDocument>,
        operation: Node<Executable>,
    ) -> Self {
        let asked = Asked { document, operation };
        let by_name = asked.by_name(&graph.schema);
        Self { asked, by_name }
    }
}

pub(super) fn answer(
    graph: &Graph,
    operation: &Operation,
    variables: &Variables,
) -> Result<Map<String, Value>, RequestError> {
    let Some(introspection) = &operation.introspection else { return Ok(Map::new()) };
    let failed = |message: String| RequestError::new(ErrorCode::Internal, message);
    let mut values = JsonMap::new();
    for (definition, value) in operation.variables.iter().zip(&variables.0) {
        if let Some(value) = value {
            values.insert(&*definition.name, value.clone().into());
        }
    }
    let run = introspection.by_name.as_ref().unwrap_or(&introspection.asked);
    let implementers = graph.schema.implementers_map();
    let answer = partial_execute(
        &graph.schema,
        &implementers,
        &run.document,
        &run.operation,
        &Valid::assume_valid(values),
    )
    .map_err(|error| failed(error.message().to_string()))?;
    let keys = operation.root.branches.iter().flat_map(|branch| &branch.fields);
    let keys = keys
        .filter(|field| field.target == super::Target::Introspection)
        .map(|field| &*field.response_key);
    let mut data = answer.data.unwrap_or_default();
    let answers = keys.filter_map(|key| Some((key, data.remove(key)?)));
    let answers = answers.map(|(key, answer)| {
        let answer = serde_json::to_value(answer).map_err(|error| failed(error.to_string()))?;
        Ok((key.to_owned(), answer))
    });
    let mut answers = Value::Object(answers.collect::<Result<_, RequestError>>()?);
    if introspection.by_name.is_some() {
        introspection.asked.fill(&graph.schema, &mut answers);
    }
    match answers {
        Value::Object(answers) => Ok(answers),
        _ => Ok(Map::new()),
    }
}

/// Refuses selections on the schema whose answer would be too deep or too large. Takes time in proportion to the document.
pub(super) fn check(
    graph: &Graph,
    document: &ExecutableDocument,
    operation: &Node<Executable>,
    lines: &Lines<'_>,
) -> Result<(), RequestError> {
    let mut estimate =
        Estimate { sizes: Sizes::of(&graph.schema), document, fragments: FxHashMap::default() };
    let total = estimate.selections(&operation.selection_set);
    let at = operation.location().map(|span| lines.location(span.offset())).unwrap_or_default();
    let lists_max = graph.limits.introspection_depth;
    if total.lists > lists_max {
        let message = format!(
            "Maximum introspection depth exceeded: lists of fields, types or interfaces stand {} inside each other; \
             limits.introspection_depth allows {lists_max}.",
            total.lists
        );
        return Err(RequestError::new(ErrorCode::IntrospectionDepthLimit, message).at(at));
    }
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let allowed = graph.limits.objects as f64 * VALUES_PER_OBJECT;
    if total.values > allowed {
        let message = format!(
            "The introspection would answer about {:.0} values; {VALUES_PER_OBJECT} times limits.objects allows {allowed}.",
            total.values
        );
        return Err(RequestError::new(ErrorCode::ObjectsLimit, message).at(at));
    }
    Ok(())
}

/// How many there are, for an average type of the schema.
struct Sizes {
    types: f64,
    directives: f64,
    fields: f64,
    args: f64,
    enum_values: f64,
    relations: f64,
}

impl Sizes {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn of(schema: &Schema) -> Self {
        let (mut fields, mut args, mut values, mut relations) = (0, 0, 0, 0);
        for ty in schema.types.values() {
            match ty {
                ExtendedType::Object(ty) => {
                    fields += ty.fields.len();
                    args += ty.fields.values().map(|field| field.arguments.len()).sum::<usize>();
                    relations += ty.implements_interfaces.len();
                }
                ExtendedType::Interface(ty) => {
                    fields += ty.fields.len();
                    args += ty.fields.values().map(|field| field.arguments.len()).sum::<usize>();
                    relations += ty.implements_interfaces.len();
                }
                ExtendedType::InputObject(ty) => fields += ty.fields.len(),
                ExtendedType::Enum(ty) => values += ty.values.len(),
                ExtendedType::Union(ty) => relations += ty.members.len(),
                ExtendedType::Scalar(_) => {}
            }
        }
        let types = schema.types.len().max(1) as f64;
        Self {
            types,
            directives: schema.directive_definitions.len() as f64,
            fields: fields as f64 / types,
            args: args as f64 / (fields.max(1)) as f64,
            enum_values: values as f64 / types,
            relations: relations as f64 / types,
        }
    }

    /// How many objects a field of the schema's schema answers, about, and whether it can lead round in a circle.
    fn field(&self, name: &str) -> (f64, usize) {
        match name {
            "types" => (self.types, 0),
            "directives" => (self.directives, 0),
            "fields" | "inputFields" => (self.fields, 1),
            "interfaces" | "possibleTypes" => (self.relations, 1),
            "args" => (self.args, 0),
            "enumValues" => (self.enum_values, 0),
            "ofType" => (0.5, 0),
            _ => (1.0, 0),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Reckoning {
    values: f64,
    /// Lists that can lead round in a circle, inside each other.
    lists: usize,
}

struct Estimate<'a> {
    sizes: Sizes,
    document: &'a ExecutableDocument,
    fragments: FxHashMap<&'a Name, Reckoning>,
}

impl<'a> Estimate<'a> {
    fn selections(&mut self, set: &'a SelectionSet) -> Reckoning {
        let mut total = Reckoning::default();
        for selection in &set.selections {
            let one = match selection {
                Selection::Field(field) => {
                    let inner = self.selections(&field.selection_set);
                    let (count, lists) = self.sizes.field(&field.name);
                    Reckoning { values: count * (1.0 + inner.values), lists: lists + inner.lists }
                }
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            };
            total.values += one.values;
            total.lists = total.lists.max(one.lists);
        }
        total
    }

    fn fragment(&mut self, name: &'a Name) -> Reckoning {
        if let Some(known) = self.fragments.get(name) {
            return *known;
        }
        let document = self.document;
        let reckoning =
            document.fragments.get(name).map(|fragment| self.selections(&fragment.selection_set));
        let reckoning = reckoning.unwrap_or_default();
        self.fragments.insert(name, reckoning);
        reckoning
    }
}
