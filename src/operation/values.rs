//! The literals of a whole document, wherever they stand: in parts that never run and in directives too.
//!
//! Takes: a document that apollo-compiler found valid.
//! Gives: the first literal that does not fit its place, in particular of input types with `@oneOf`, which apollo-compiler
//! does not know.
//! Never: visits a fragment more than once for an operation.

use apollo_compiler::executable::{DirectiveList, Operation, Selection, SelectionSet};
use apollo_compiler::schema::InputValueDefinition;
use apollo_compiler::{ExecutableDocument, Node, ast};
use rustc_hash::FxHashSet;

use super::document::located;
use super::literal::{Literals, refused};
use super::position::Lines;
use super::variable_definitions;
use crate::error::RequestError;
use crate::graph::Graph;

/// Checks every operation of the document with the fragments that it spreads.
pub(super) fn check(
    graph: &Graph,
    document: &ExecutableDocument,
    lines: &Lines<'_>,
) -> Result<(), Vec<RequestError>> {
    for operation in document.operations.iter() {
        let variables = variable_definitions(graph, operation, lines)?;
        let literals = Literals::new(graph, &variables);
        let mut values =
            Values { graph, document, literals, lines, fragments: FxHashSet::default() };
        values.operation(operation).map_err(|error| vec![error])?;
    }
    Ok(())
}

struct Values<'a> {
    graph: &'a Graph,
    document: &'a ExecutableDocument,
    literals: Literals<'a>,
    lines: &'a Lines<'a>,
    fragments: FxHashSet<&'a str>,
}

impl<'a> Values<'a> {
    fn operation(&mut self, operation: &'a Operation) -> Result<(), RequestError> {
        self.directives(&operation.directives)?;
        operation.variables.iter().try_for_each(|one| self.directives(&one.directives))?;
        self.selections(&operation.selection_set)
    }

    fn selections(&mut self, set: &'a SelectionSet) -> Result<(), RequestError> {
        for selection in &set.selections {
            self.directives(selection.directives())?;
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.definition.arguments, &field.arguments, &field.name)?;
                    self.selections(&field.selection_set)?;
                }
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set)?,
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    let Some(fragment) = fragment else { continue };
                    if self.fragments.insert(fragment.name.as_str()) {
                        self.directives(&fragment.directives)?;
                        self.selections(&fragment.selection_set)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn directives(&self, directives: &DirectiveList) -> Result<(), RequestError> {
        for directive in directives {
            let definition = self.graph.schema.directive_definitions.get(&directive.name);
            let Some(definition) = definition else { continue };
            let name = format!("@{}", directive.name);
            self.arguments(&definition.arguments, &directive.arguments, &name)?;
        }
        Ok(())
    }

    fn arguments(
        &self,
        definitions: &[Node<InputValueDefinition>],
        given: &[Node<ast::Argument>],
        of: &str,
    ) -> Result<(), RequestError> {
        for argument in given {
            let definition = definitions.iter().find(|one| one.name == argument.name);
            let Some(definition) = definition else { continue };
            self.literals.given(definition, &argument.value).map_err(|refusal| {
                let what = format!("Argument \"{}\" of \"{of}\"", argument.name);
                located(refused(&what, &refusal), argument.value.location(), self.lines)
            })?;
        }
        Ok(())
    }
}
