//! What the specification's draft demands of `@defer` and `@stream`, beyond what holds for every directive.
//!
//! Labels are literal and unique in a document; nothing of a mutation's root is deferred; only lists are streamed. Whether
//! fields that are merged stream alike is seen when they are merged.

use apollo_compiler::executable::{
    Directive, DirectiveList, Field, OperationType, Selection, SelectionSet,
};
use apollo_compiler::{ExecutableDocument, Name, Node};
use rustc_hash::{FxHashMap, FxHashSet};

use super::document::{ERRORS_MAX, located, shortened};
use super::position::Lines;
use crate::error::{ErrorCode, RequestError};

pub(super) fn check(
    document: &ExecutableDocument,
    lines: &Lines<'_>,
) -> Result<(), Vec<RequestError>> {
    let mut rules = Rules { document, lines, labels: FxHashMap::default(), errors: Vec::new() };
    let operations = document.operations.iter().map(|operation| &operation.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.selection_set);
    operations.chain(fragments).for_each(|set| rules.everywhere(set));
    for operation in document.operations.iter().filter(|operation| !operation.is_query()) {
        let mut seen = FxHashSet::default();
        rules.root(
            (operation.operation_type, operation.object_type()),
            &operation.selection_set,
            &mut seen,
        );
    }
    rules.errors.truncate(ERRORS_MAX);
    if rules.errors.is_empty() { Ok(()) } else { Err(rules.errors) }
}

struct Rules<'a> {
    document: &'a ExecutableDocument,
    lines: &'a Lines<'a>,
    labels: FxHashMap<&'a str, &'a Node<Directive>>,
    errors: Vec<RequestError>,
}

impl<'a> Rules<'a> {
    fn everywhere(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.labels(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.list(set, field);
                    self.everywhere(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.everywhere(&inline.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn labels(&mut self, directives: &'a DirectiveList) {
        for directive in directives {
            let name = directive.name.as_str();
            if !matches!(name, "defer" | "stream") {
                continue;
            }
            let Some(label) = directive.specified_argument_by_name("label") else { continue };
            if label.is_null() {
                continue;
            }
            let Some(text) = label.as_str() else {
                self.refuse(
                    directive,
                    format!("Argument \"@{name}(label:)\" must be a static string."),
                );
                continue;
            };
            if self.labels.insert(text, directive).is_some() {
                let message = "Value for arguments \"defer(label:)\" and \"stream(label:)\" must be unique across all \
                               Defer/Stream directive usages.";
                self.refuse(directive, message.to_owned());
            }
        }
    }

    fn list(&mut self, set: &SelectionSet, field: &'a Field) {
        let Some(stream) = field.directives.get("stream") else { return };
        if !field.definition.ty.is_list() {
            let message = format!(
                "Directive \"@stream\" cannot be used on non-list field \"{}.{}\".",
                set.ty, field.name
            );
            self.refuse(stream, message);
        }
    }

    /// The root of an operation that must be executed in order.
    fn root(
        &mut self,
        of: (OperationType, &Name),
        set: &'a SelectionSet,
        seen: &mut FxHashSet<&'a Name>,
    ) {
        for selection in &set.selections {
            let (word, directive) = match selection {
                Selection::Field(field) => ("Stream", field.directives.get("stream")),
                Selection::InlineFragment(inline) => ("Defer", inline.directives.get("defer")),
                Selection::FragmentSpread(spread) => ("Defer", spread.directives.get("defer")),
            };
            if let Some(directive) = directive {
                let (kind, ty) = of;
                let message =
                    format!("{word} directive cannot be used on root {kind} type \"{ty}\".");
                self.refuse(directive, message);
            }
            match selection {
                Selection::Field(_) => {}
                Selection::InlineFragment(inline) => self.root(of, &inline.selection_set, seen),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|_| seen.insert(&spread.fragment_name))
                    {
                        self.root(of, &fragment.selection_set, seen);
                    }
                }
            }
        }
    }

    fn refuse(&mut self, directive: &Node<Directive>, message: String) {
        // those that are told are enough; a document may hold thousands
        if self.errors.len() < ERRORS_MAX {
            let error = RequestError::new(ErrorCode::GraphqlValidationFailed, shortened(message));
            self.errors.push(located(error, directive.location(), self.lines));
        }
    }
}
