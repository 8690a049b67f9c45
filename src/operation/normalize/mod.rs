//! From a valid operation to fields by number: fragments spread for each concrete type, fields merged by response key.
//!
//! Takes: the graph, a valid document, one of its operations, that operation's variables.
//! Gives: the root selection, and the variables that its conditions read.
//! Never: visits more than the limits allow, however many concrete types there are.

mod deferral;
mod derived;
mod groups;
mod refusals;

use std::sync::Arc;

use apollo_compiler::executable::{
    DirectiveList, Field, Operation, Selection as Node, SelectionSet,
};
use apollo_compiler::schema::FieldDefinition;
use apollo_compiler::{ExecutableDocument, Name, Node as Shared};
use rustc_hash::FxHashMap;

use self::groups::{Group, Groups, Occurs, same_arguments};
use super::literal::{Literals, refused};
use super::position::Lines;
use super::{
    Branch, Conjunction, Deferrals, SelectedArgument, SelectedField, Selection, Target, UsageId,
    VariableId,
};
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
        deferrals: Deferrals::default(),
        usages: FxHashMap::default(),
        path: Vec::new(),
        visits: graph.limits.selections.saturating_mul(BRANCHING),
        reads_at: None,
    };
    let root = normalizer.selection(
        root,
        &[Set { of: &operation.selection_set, when: Conjunction::ALWAYS, usage: None }],
        0,
    )?;
    let Normalizer { conditions, deferrals, .. } = normalizer;
    Ok(Normalized { root, conditions, deferrals })
}

pub(super) struct Normalized {
    pub(super) root: Selection,
    pub(super) conditions: Vec<VariableId>,
    pub(super) deferrals: Deferrals,
}

/// A selection set, when it counts, and what it is deferred by.
#[derive(Clone, Copy)]
struct Set<'d> {
    of: &'d SelectionSet,
    when: Conjunction,
    usage: Option<UsageId>,
}

struct Normalizer<'a> {
    graph: &'a Graph,
    document: &'a ExecutableDocument,
    literals: &'a Literals<'a>,
    lines: &'a Lines<'a>,
    is_query: bool,
    conditions: Vec<VariableId>,
    deferrals: Deferrals,
    /// The directives of usages, by their place in memory.
    usages: FxHashMap<UsageId, usize>,
    /// Response keys from the root to the selection in hand.
    path: Vec<Arc<str>>,
    /// Selections that may still be visited.
    visits: usize,
    /// Where the field stands whose metrics are read: what they read stands nowhere.
    reads_at: Option<Location>,
}

impl<'a> Normalizer<'a> {
    fn selection(
        &mut self,
        ty: TypeId,
        sets: &[Set<'a>],
        depth: usize,
    ) -> Result<Selection, RequestError> {
        let graph = self.graph;
        let possible = match &graph.ty(ty).kind {
            TypeKind::Interface { possible } | TypeKind::Union { possible } => possible.as_slice(),
            _ => std::slice::from_ref(&ty),
        };
        let branches = possible
            .iter()
            .map(|object| self.branch(*object, sets, depth))
            .collect::<Result<_, _>>()?;
        Ok(Selection { ty, branches })
    }

    fn branch(
        &mut self,
        ty: TypeId,
        sets: &[Set<'a>],
        depth: usize,
    ) -> Result<Branch, RequestError> {
        let mut groups = Groups::default();
        for set in sets {
            self.collect((ty, depth), *set, &mut groups)?;
        }
        let fields = groups.fields.into_iter().map(|group| self.field(ty, group, depth));
        Ok(Branch { ty, fields: fields.collect::<Result<_, _>>()?, order: groups.order })
    }

    /// `CollectFields` (specification, section 6.3.2) for all values of the variables at once.
    fn collect(
        &mut self,
        (ty, depth): (TypeId, usize),
        set: Set<'a>,
        groups: &mut Groups<'a>,
    ) -> Result<(), RequestError> {
        for selection in &set.of.selections {
            self.visit()?;
            let Some(when) = self.included(selection.directives(), set.when)? else { continue };
            match selection {
                Node::Field(field) => {
                    if !groups.add(Occurs { field, when, usage: set.usage }) {
                        return Err(self.too_many_circumstances(field));
                    }
                }
                Node::InlineFragment(inline) => {
                    if inline.type_condition.as_ref().is_none_or(|name| self.applies(name, ty)) {
                        let usage = self.deferred(&inline.directives, set.usage, depth)?;
                        let set = Set { of: &inline.selection_set, when, usage };
                        self.collect((ty, depth), set, groups)?;
                    }
                }
                Node::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    if !self.applies(fragment.type_condition(), ty) {
                        continue;
                    }
                    let by = self.deferred_by(&spread.directives, set.usage);
                    if groups.spreads(&spread.fragment_name, when, by) {
                        let usage = self.deferred(&spread.directives, set.usage, depth)?;
                        let set = Set { of: &fragment.selection_set, when, usage };
                        self.collect((ty, depth), set, groups)?;
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
        depth: usize,
    ) -> Result<Arc<SelectedField>, RequestError> {
        let Some((first, rest)) = group.occurrences.split_first() else {
            return Err(RequestError::new(ErrorCode::Internal, "A field does not occur."));
        };
        let first = first.field;
        for Occurs { field: other, .. } in rest {
            if first.name != other.name || !same_arguments(first, other) {
                return Err(self.conflict(first, other));
            }
        }
        let location = self.location(first);
        let response_key = Arc::from(first.response_key().as_str());
        let when = group.terms.into_condition();
        let (target, definition) = self.target(ty, first, depth)?;
        let stream = self.streamed(&group.occurrences, depth + 1)?;
        let mut field = SelectedField {
            response_key,
            target,
            arguments: Vec::new(),
            when,
            location,
            selection: None,
            reads: None,
            occurrences: self.occurrences(&group.occurrences),
            stream,
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
                    .map(|occurs| Set {
                        of: &occurs.field.selection_set,
                        when: occurs.when,
                        usage: self.items_of(stream, occurs.usage),
                    })
                    .collect();
                self.path.push(Arc::clone(&field.response_key));
                let selection = self.selection(returned, &sets, depth + 1)?;
                self.path.pop();
                field.reads = self.reads((ty, depth), &field, &selection)?;
                field.selection = Some(selection);
            }
        }
        Ok(Arc::new(field))
    }

    /// What the field is; its definition unless it is a meta field.
    fn target(
        &self,
        ty: TypeId,
        field: &Field,
        depth: usize,
    ) -> Result<(Target, Option<&'a FieldDefinition>), RequestError> {
        let graph = self.graph;
        match field.name.as_str() {
            "__typename" => return Ok((Target::Typename, None)),
            "__schema" | "__type" if !graph.introspection_enabled => {
                return Err(self.invalid(field, "introspection is disabled"));
            }
            "__schema" | "__type" if self.is_query && depth == 0 => {
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
        let own = || field.location().map(|span| self.lines.location(span.offset()));
        self.reads_at.or_else(own).unwrap_or_default()
    }

    fn invalid(&self, field: &Field, why: &str) -> RequestError {
        let message = format!("Cannot query field \"{}\": {why}.", field.name);
        let error = RequestError::new(
            ErrorCode::GraphqlValidationFailed,
            super::document::shortened(message),
        );
        super::document::located(error, field.name.location(), self.lines)
    }
}
