//! `isOneOf` of `__Type`: apollo-compiler 1.33 answers introspection without it.
//!
//! Takes: a document that asks for it, and the answer to the document that asks for the type's name in its place.
//! Gives: that other document; the answer as it was asked for.
//! Never: touches another field.

use apollo_compiler::executable::{Operation, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, Schema, name};
use serde_json::Value;

const IS_ONE_OF: &str = "isOneOf";

/// A document and the operation in it that runs.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) document: Valid<ExecutableDocument>,
    pub(super) operation: Node<Operation>,
}

impl Asked {
    /// The document that asks for names instead; `None`: this one does not ask for `isOneOf`.
    pub(super) fn by_name(&self, schema: &Schema) -> Option<Self> {
        let mut document = (*self.document).clone();
        let mut operation = self.operation.clone();
        let mut is_asked = renamed(schema, &mut operation.make_mut().selection_set);
        for fragment in document.fragments.values_mut() {
            is_asked |= renamed(schema, &mut fragment.make_mut().selection_set);
        }
        // valid as it was: one leaf of a type has become another
        is_asked.then(|| Self { document: Valid::assume_valid(document), operation })
    }

    /// Puts what was asked for where the names stand.
    pub(super) fn fill(&self, schema: &Schema, answer: &mut Value) {
        self.fill_set(schema, &self.operation.selection_set, answer);
    }

    fn fill_set(&self, schema: &Schema, set: &SelectionSet, answer: &mut Value) {
        if let Value::Array(items) = answer {
            for item in items {
                self.fill_set(schema, set, item);
            }
            return;
        }
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    let Some(value) = answer.get_mut(field.response_key().as_str()) else {
                        continue;
                    };
                    if set.ty == "__Type" && field.name == IS_ONE_OF {
                        // a field that stands twice is filled already
                        if let Value::String(name) = value {
                            *value = is_one_of(schema, name);
                        }
                    } else {
                        self.fill_set(schema, &field.selection_set, value);
                    }
                }
                Selection::InlineFragment(inline) => {
                    self.fill_set(schema, &inline.selection_set, answer);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.fill_set(schema, &fragment.selection_set, answer);
                    }
                }
            }
        }
    }
}

fn is_one_of(schema: &Schema, name: &str) -> Value {
    match schema.types.get(name) {
        Some(ExtendedType::InputObject(ty)) => Value::Bool(ty.directives.has("oneOf")),
        _ => Value::Null,
    }
}

/// Whether there was such a field in it.
fn renamed(schema: &Schema, set: &mut SelectionSet) -> bool {
    let is_meta = set.ty == "__Type";
    let mut is_asked = false;
    for selection in &mut set.selections {
        match selection {
            Selection::Field(field) if is_meta && field.name == IS_ONE_OF => {
                let Ok(definition) = schema.type_field("__Type", "name") else { continue };
                let field = field.make_mut();
                field.alias = Some(field.response_key().clone());
                field.name = name!("name");
                field.definition = definition.node.clone();
                is_asked = true;
            }
            Selection::Field(field) => {
                // fields without any are left as they are, and shared
                if !field.selection_set.selections.is_empty() {
                    is_asked |= renamed(schema, &mut field.make_mut().selection_set);
                }
            }
            Selection::InlineFragment(inline) => {
                is_asked |= renamed(schema, &mut inline.make_mut().selection_set);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
    is_asked
}
