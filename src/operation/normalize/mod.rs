//! From a valid operation to fields by number: fragments spread for each concrete type, fields merged by response key.
//!
//! Takes: the graph, a valid document, one of its operations, that operation's variables.
//! Gives: the root selection, and the variables that its conditions read.
//! Never: visits more than the limits allow, however many concrete types there are.

mod groups;

use std::sync::Arc;

use apollo_compiler::executable::{
    DirectiveList, Field, Operation, Selection as Node, SelectionSet,
};
use apollo_compiler::schema::FieldDefinition;
use apollo_compiler::{ExecutableDocument, Name, Node as Shared};

use self::groups::{Group, Groups, same_arguments};
use super::condition::TERMS_MAX;
use super::literal::{Literals, refused};
use super::position::Lines;
use super::{Branch, Conjunction, SelectedArgument, SelectedField, Selection, Target, VariableId};
use crate::error::{ErrorCode, Location, RequestError};
use crate::graph::{Graph, TypeId, TypeKind};

/// Condition variables: as many as a `Conjunction` has bits.
const CONDITIONS_MAX: usize = 64;
/// How much more than `limits.selections` may be visited when fragments are spread for each concrete type.
const BRANCHING: usize = 2;

/// The root of `operation`, merged.
pub(super) fn normalize(
    graph: &Graph,
    document: &ExecutableDocument,
    operation: &Operation,
    literals: &Literals<'_>,
    lines: &Lines<'_>,
) -> Result<Normalized, RequestError> {
    let root = graph.type_named(operation.object_type()).ok_or_else(|| {
        RequestError::new(
            ErrorCode::GraphqlValidationFailed,
            "The schema does not have this kind of operation.",
        )
    })?;
    let mut normalizer = Normalizer {
        graph,
        document,
        literals,
        lines,
        is_query: operation.is_query(),
        conditions: Vec::new(),
        visits: graph.limits.selections.saturating_mul(BRANCHING),
    };
    let root = normalizer.selection(
        root,
        &[(&operation.selection_set, Conjunction::ALWAYS)],
        Level::Root,
    )?;
    Ok(Normalized { root, conditions: normalizer.conditions })
}

pub(super) struct Normalized {
    pub(super) root: Selection,
    pub(super) conditions: Vec<VariableId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Below,
}

/// A selection set, and when it counts.
type Set<'d> = (&'d SelectionSet, Conjunction);

struct Normalizer<'a> {
    graph: &'a Graph,
    document: &'a ExecutableDocument,
    literals: &'a Literals<'a>,
    lines: &'a Lines<'a>,
    is_query: bool,
    conditions: Vec<VariableId>,
    /// Selections that may still be visited.
    visits: usize,
}

impl<'a> Normalizer<'a> {
    fn selection(
        &mut self,
        ty: TypeId,
        sets: &[Set<'a>],
        level: Level,
    ) -> Result<Selection, RequestError> {
        let graph = self.graph;
        let possible = match &graph.ty(ty).kind {
            TypeKind::Interface { possible } | TypeKind::Union { possible } => possible.as_slice(),
            _ => std::slice::from_ref(&ty),
        };
        let branches = possible
            .iter()
            .map(|object| self.branch(*object, sets, level))
            .collect::<Result<_, _>>()?;
        Ok(Selection { ty, branches })
    }

    fn branch(
        &mut self,
        ty: TypeId,
        sets: &[Set<'a>],
        level: Level,
    ) -> Result<Branch, RequestError> {
        let mut groups = Groups::default();
        for (set, when) in sets {
            self.collect(ty, set, *when, &mut groups)?;
        }
        let fields = groups.fields.into_iter().map(|group| self.field(ty, group, level));
        Ok(Branch { ty, fields: fields.collect::<Result<_, _>>()?, order: groups.order })
    }

    /// `CollectFields` (specification, section 6.3.2) for all values of the variables at once.
    fn collect(
        &mut self,
        ty: TypeId,
        set: &'a SelectionSet,
        when: Conjunction,
        groups: &mut Groups<'a>,
    ) -> Result<(), RequestError> {
        for selection in &set.selections {
            self.visit()?;
            let Some(here) = self.included(selection.directives(), when)? else { continue };
            match selection {
                Node::Field(field) => {
                    if !groups.add(field, here) {
                        return Err(self.too_many_circumstances(field));
                    }
                }
                Node::InlineFragment(inline) => {
                    if inline.type_condition.as_ref().is_none_or(|name| self.applies(name, ty)) {
                        self.collect(ty, &inline.selection_set, here, groups)?;
                    }
                }
                Node::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    if self.applies(fragment.type_condition(), ty)
                        && groups.spreads(&spread.fragment_name, here)
                    {
                        self.collect(ty, &fragment.selection_set, here, groups)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn visit(&mut self) -> Result<(), RequestError> {
        let allowed = self.graph.limits.selections;
        self.visits = self.visits.checked_sub(1).ok_or_else(|| {
            let message = format!(
                "The operation has more than {} selections when fragments are spread for each concrete type; \
                 limits.selections allows {allowed}, {BRANCHING} times that for concrete types.",
                allowed.saturating_mul(BRANCHING)
            );
            RequestError::new(ErrorCode::SelectionsLimit, message)
        })?;
        Ok(())
    }

    /// Does a fragment on the type `name` apply to objects of `ty`?
    fn applies(&self, name: &Name, ty: TypeId) -> bool {
        self.graph.type_named(name).is_some_and(|condition| {
            condition == ty
                || matches!(
                    &self.graph.ty(condition).kind,
                    TypeKind::Interface { possible } | TypeKind::Union { possible } if possible.contains(&ty)
                )
        })
    }

    /// When a selection with these directives counts, inside of one that counts `when`; `None`: never.
    fn included(
        &mut self,
        directives: &DirectiveList,
        when: Conjunction,
    ) -> Result<Option<Conjunction>, RequestError> {
        let mut here = Some(when);
        for directive in directives {
            let is_include = match directive.name.as_str() {
                "include" => true,
                "skip" => false,
                _ => continue,
            };
            let Some(value) = directive.specified_argument_by_name("if") else { continue };
            let term = if let Some(name) = value.as_variable() {
                let bit = self.condition_bit(name, value)?;
                let (yes, no) = if is_include { (bit, 0) } else { (0, bit) };
                Some(Conjunction { yes, no })
            } else {
                (value.to_bool() == Some(is_include)).then_some(Conjunction::ALWAYS)
            };
            here = here.zip(term).and_then(|(here, term)| here.and(term));
        }
        Ok(here)
    }

    fn condition_bit(
        &mut self,
        name: &Name,
        value: &Shared<apollo_compiler::ast::Value>,
    ) -> Result<u64, RequestError> {
        let id = self.literals.condition(name).map_err(|refusal| {
            super::document::located(
                refused("Argument \"if\"", &refusal),
                value.location(),
                self.lines,
            )
        })?;
        let known = self.conditions.iter().position(|known| *known == id);
        let bit = known.unwrap_or(self.conditions.len());
        if bit >= CONDITIONS_MAX {
            let message = format!(
                "The operation has more than {CONDITIONS_MAX} variables in @skip and @include."
            );
            return Err(RequestError::new(ErrorCode::ConditionsLimit, message));
        }
        if known.is_none() {
            self.conditions.push(id);
        }
        Ok(1 << bit)
    }

    fn field(
        &mut self,
        ty: TypeId,
        group: Group<'a>,
        level: Level,
    ) -> Result<Arc<SelectedField>, RequestError> {
        let Some((first, rest)) = group.occurrences.split_first() else {
            return Err(RequestError::new(ErrorCode::Internal, "A field does not occur."));
        };
        let first = first.0;
        for (other, _) in rest {
            if first.name != other.name || !same_arguments(first, other) {
                return Err(self.conflict(first, other));
            }
        }
        let location = self.location(first);
        let response_key = Arc::from(first.response_key().as_str());
        let when = group.terms.into_condition();
        let (target, definition) = self.target(ty, first, level)?;
        let mut field = SelectedField {
            response_key,
            target,
            arguments: Vec::new(),
            when,
            location,
            selection: None,
        };
        if let Some(definition) = definition {
            field.arguments = self.arguments(definition, first)?;
            let returned = self.graph.type_named(definition.ty.inner_named_type());
            if let Some(returned) =
                returned.filter(|returned| self.graph.ty(*returned).is_composite())
            {
                let sets: Vec<_> = group
                    .occurrences
                    .iter()
                    .map(|(field, when)| (&field.selection_set, *when))
                    .collect();
                field.selection = Some(self.selection(returned, &sets, Level::Below)?);
            }
        }
        Ok(Arc::new(field))
    }

    /// What the field is; its definition unless it is a meta field.
    fn target(
        &self,
        ty: TypeId,
        field: &Field,
        level: Level,
    ) -> Result<(Target, Option<&'a FieldDefinition>), RequestError> {
        let graph = self.graph;
        match field.name.as_str() {
            "__typename" => return Ok((Target::Typename, None)),
            "__schema" | "__type" if !graph.introspection_enabled => {
                return Err(self.invalid(field, "introspection is disabled"));
            }
            "__schema" | "__type" if self.is_query && level == Level::Root => {
                return Ok((Target::Introspection, None));
            }
            "__schema" | "__type" => {
                return Err(
                    self.invalid(field, "introspection is answered at the root of a query alone")
                );
            }
            _ => {}
        }
        let id = graph.ty(ty).field_names.get(field.name.as_str()).copied();
        let definition = graph.schema.type_field(&graph.ty(ty).name, &field.name).ok();
        match (id, definition) {
            (Some(id), Some(definition)) => Ok((Target::Field(id), Some(definition))),
            _ => Err(self.invalid(field, "it is not in the schema")),
        }
    }

    fn arguments(
        &self,
        definition: &FieldDefinition,
        field: &Shared<Field>,
    ) -> Result<Vec<SelectedArgument>, RequestError> {
        let mut arguments = Vec::new();
        for argument in &definition.arguments {
            let given = field.arguments.iter().find(|given| given.name == argument.name);
            let value = match given {
                Some(given) => self.literals.given(argument, &given.value).map(Some),
                None => self
                    .literals
                    .default(argument)
                    .map(|default| default.map(super::ArgumentValue::Constant)),
            };
            let value = value.map_err(|refusal| {
                let error = refused(
                    &format!("Argument \"{}\" of \"{}\"", argument.name, field.name),
                    &refusal,
                );
                let span = given.map_or_else(|| field.location(), |given| given.value.location());
                super::document::located(error, span, self.lines)
            })?;
            if let Some(value) = value {
                arguments.push(SelectedArgument { name: Arc::from(argument.name.as_str()), value });
            }
        }
        Ok(arguments)
    }

    fn location(&self, field: &Shared<Field>) -> Location {
        field.location().map(|span| self.lines.location(span.offset())).unwrap_or_default()
    }

    fn invalid(&self, field: &Field, why: &str) -> RequestError {
        let message = format!("Cannot query field \"{}\": {why}.", field.name);
        let error = RequestError::new(
            ErrorCode::GraphqlValidationFailed,
            super::document::shortened(message),
        );
        super::document::located(error, field.name.location(), self.lines)
    }

    fn conflict(&self, first: &Shared<Field>, other: &Shared<Field>) -> RequestError {
        let why = if first.name == other.name {
            "they have differing arguments".to_owned()
        } else {
            format!("\"{}\" and \"{}\" are different fields", first.name, other.name)
        };
        let message = format!(
            "Fields \"{}\" conflict because {why}. Use different aliases on the fields to fetch both if this was \
             intentional.",
            first.response_key()
        );
        RequestError::new(ErrorCode::GraphqlValidationFailed, super::document::shortened(message))
            .at(self.location(first))
            .at(self.location(other))
    }

    fn too_many_circumstances(&self, field: &Shared<Field>) -> RequestError {
        let message = format!(
            "The field \"{}\" stands under more than {TERMS_MAX} different combinations of @skip and @include.",
            field.response_key()
        );
        RequestError::new(ErrorCode::ConditionsLimit, super::document::shortened(message))
            .at(self.location(field))
    }
}
