//! Directives that schema files may use without defining them.
//!
//! Takes: the parsed schema files.
//! Gives: the definitions (SDL) of the known directives that the files use and do not define themselves.
//! Never: overrides a definition that a file gives.

use std::collections::BTreeSet;

use apollo_compiler::ast;

/// A directive that Cyclorama knows, with the definitions that make it valid SDL.
pub(crate) struct KnownDirective {
    pub(crate) name: &'static str,
    pub(crate) definition: &'static str,
    /// A type that the definition needs, by name, with its own definition.
    pub(crate) needs: Option<(&'static str, &'static str)>,
}

const fn known(name: &'static str, definition: &'static str) -> KnownDirective {
    KnownDirective { name, definition, needs: None }
}

/// Every directive that schema files may use without defining it, by name.
pub(crate) const KNOWN: &[KnownDirective] = &[
    known(
        "authenticated",
        "directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM",
    ),
    KnownDirective {
        name: "cacheControl",
        definition: "directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) \
                     on FIELD_DEFINITION | OBJECT | INTERFACE | UNION",
        needs: Some(("CacheControlScope", "enum CacheControlScope { PUBLIC PRIVATE }")),
    },
    known(
        "cost",
        "directive @cost(weight: String!) \
         on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR",
    ),
    known(
        "key",
        "directive @key(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE",
    ),
    known(
        "listSize",
        "directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], \
         requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION",
    ),
    known("oneOf", "directive @oneOf on INPUT_OBJECT"),
    known(
        "policy",
        "directive @policy(policies: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM",
    ),
    known(
        "requiresScopes",
        "directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM",
    ),
    known(
        "sensitive",
        "directive @sensitive \
         on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION",
    ),
    known(
        "tag",
        "directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | \
         ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION",
    ),
];

/// The definitions that `documents` use and do not give themselves, as SDL; empty when there are none.
pub(crate) fn prelude<'a>(documents: impl IntoIterator<Item = &'a ast::Document>) -> String {
    let mut names = Names::default();
    for document in documents {
        document.definitions.iter().for_each(|definition| names.read(definition));
    }
    let mut text = String::new();
    for directive in KNOWN {
        if !names.used.contains(directive.name) || names.directives.contains(directive.name) {
            continue;
        }
        text.push_str(directive.definition);
        text.push('\n');
        if let Some((name, definition)) = directive.needs
            && names.types.insert(name.to_owned())
        {
            text.push_str(definition);
            text.push('\n');
        }
    }
    text
}

/// What a set of documents uses and defines.
#[derive(Default)]
struct Names {
    used: BTreeSet<String>,
    directives: BTreeSet<String>,
    types: BTreeSet<String>,
}

impl Names {
    fn read(&mut self, definition: &ast::Definition) {
        use ast::Definition as D;
        self.uses(definition.directives());
        match definition {
            D::DirectiveDefinition(directive) => {
                self.directives.insert(directive.name.to_string());
                self.inputs(&directive.arguments);
            }
            D::ObjectTypeDefinition(ty) => self.fields(&ty.fields),
            D::ObjectTypeExtension(ty) => self.fields(&ty.fields),
            D::InterfaceTypeDefinition(ty) => self.fields(&ty.fields),
            D::InterfaceTypeExtension(ty) => self.fields(&ty.fields),
            D::InputObjectTypeDefinition(ty) => self.inputs(&ty.fields),
            D::InputObjectTypeExtension(ty) => self.inputs(&ty.fields),
            D::EnumTypeDefinition(ty) => {
                ty.values.iter().for_each(|value| self.uses(&value.directives));
            }
            D::EnumTypeExtension(ty) => {
                ty.values.iter().for_each(|value| self.uses(&value.directives));
            }
            _ => {}
        }
        if let (Some(name), false) =
            (definition.name(), matches!(definition, D::DirectiveDefinition(_)))
        {
            self.types.insert(name.to_string());
        }
    }

    fn uses(&mut self, directives: &ast::DirectiveList) {
        self.used.extend(directives.iter().map(|directive| directive.name.to_string()));
    }

    fn fields(&mut self, fields: &[apollo_compiler::Node<ast::FieldDefinition>]) {
        for field in fields {
            self.uses(&field.directives);
            self.inputs(&field.arguments);
        }
    }

    fn inputs(&mut self, inputs: &[apollo_compiler::Node<ast::InputValueDefinition>]) {
        for input in inputs {
            self.uses(&input.directives);
        }
    }
}
