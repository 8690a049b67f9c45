//! Directives that schema files may use without defining them.
//!
//! Takes: the parsed schema files.
//! Gives: the definitions (SDL) of the known directives that the files use and do not define themselves.
//! Never: overrides a definition that a file gives.

use std::collections::BTreeSet;

use apollo_compiler::{Node, ast};

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

/// The directives of Federation 2 among them: a federation's composer has their definitions.
pub(crate) const FEDERATION: &[&str] = &[
    "authenticated",
    "composeDirective",
    "context",
    "cost",
    "extends",
    "external",
    "fromContext",
    "inaccessible",
    "interfaceObject",
    "key",
    "link",
    "listSize",
    "override",
    "policy",
    "provides",
    "requires",
    "requiresScopes",
    "shareable",
    "tag",
];

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
    known("composeDirective", "directive @composeDirective(name: String!) repeatable on SCHEMA"),
    known("context", "directive @context(name: String!) repeatable on OBJECT | INTERFACE | UNION"),
    known(
        "cost",
        "directive @cost(weight: String!) \
         on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR",
    ),
    known("extends", "directive @extends on OBJECT | INTERFACE"),
    known("external", "directive @external on OBJECT | FIELD_DEFINITION"),
    known("fromContext", "directive @fromContext(field: String!) on ARGUMENT_DEFINITION"),
    known(
        "inaccessible",
        "directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | \
         ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION",
    ),
    known("interfaceObject", "directive @interfaceObject on OBJECT"),
    known(
        "key",
        "directive @key(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE",
    ),
    KnownDirective {
        name: "link",
        definition: "directive @link(url: String!, as: String, for: link__Purpose, import: [link__Import]) \
                     repeatable on SCHEMA",
        needs: Some((
            "link__Import",
            "scalar link__Import\nenum link__Purpose { SECURITY EXECUTION }",
        )),
    },
    known(
        "listSize",
        "directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], \
         requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION",
    ),
    known("oneOf", "directive @oneOf on INPUT_OBJECT"),
    known("override", "directive @override(from: String!, label: String) on FIELD_DEFINITION"),
    known(
        "policy",
        "directive @policy(policies: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM",
    ),
    known("provides", "directive @provides(fields: String!) on FIELD_DEFINITION"),
    known("requires", "directive @requires(fields: String!) on FIELD_DEFINITION"),
    known(
        "requiresScopes",
        "directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM",
    ),
    known(
        "sensitive",
        "directive @sensitive \
         on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION",
    ),
    known("shareable", "directive @shareable repeatable on OBJECT | FIELD_DEFINITION"),
    known(
        "tag",
        "directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | \
         ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION | SCHEMA",
    ),
];

/// The definitions that `documents` use and do not give themselves, as SDL; empty when there are none.
pub(crate) fn prelude<'a>(documents: impl IntoIterator<Item = &'a ast::Document>) -> String {
    definitions(documents, |_| true)
}

/// Directives of operations whose answers come in parts, by name.
const INCREMENTAL: [(&str, &str); 2] = [
    (
        "defer",
        "directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT\n",
    ),
    (
        "stream",
        "directive @stream(if: Boolean! = true, label: String, initialCount: Int! = 0) on FIELD\n",
    ),
];

/// The definitions of `@defer` and `@stream`, unless the files give them.
pub(crate) fn incremental<'a>(documents: impl IntoIterator<Item = &'a ast::Document>) -> String {
    let names = Names::of(documents);
    let missing = INCREMENTAL.iter().filter(|(name, _)| !names.directives.contains(*name));
    missing.map(|(_, definition)| *definition).collect()
}

/// The same without those of Federation 2.
pub(crate) fn own_prelude<'a>(documents: impl IntoIterator<Item = &'a ast::Document>) -> String {
    definitions(documents, |directive| !FEDERATION.contains(&directive.name))
}

/// The names of the directives of Federation 2 that `documents` use, in order.
pub(crate) fn federation_used<'a>(
    documents: impl IntoIterator<Item = &'a ast::Document>,
) -> Vec<&'static str> {
    let names = Names::of(documents);
    FEDERATION.iter().copied().filter(|name| names.used.contains(*name)).collect()
}

fn definitions<'a>(
    documents: impl IntoIterator<Item = &'a ast::Document>,
    is_wanted: impl Fn(&KnownDirective) -> bool,
) -> String {
    let mut names = Names::of(documents);
    let mut text = String::new();
    for directive in KNOWN.iter().filter(|directive| is_wanted(directive)) {
        if !names.used.contains(directive.name) || names.directives.contains(directive.name) {
            continue;
        }
        if directive.name == "cost" && names.has_whole_weights {
            text.push_str(&directive.definition.replace("String!", "Int!"));
        } else {
            text.push_str(directive.definition);
        }
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
    /// A `@cost` has its weight as Federation has it: a whole number, without quotes.
    has_whole_weights: bool,
}

impl Names {
    fn of<'a>(documents: impl IntoIterator<Item = &'a ast::Document>) -> Self {
        let mut names = Self::default();
        for document in documents {
            document.definitions.iter().for_each(|definition| names.read(definition));
        }
        names
    }

    fn read(&mut self, definition: &ast::Definition) {
        let uses = uses_in(definition);
        self.has_whole_weights |= uses.iter().any(|directive| {
            let weight = directive.specified_argument_by_name("weight");
            directive.name == "cost" && weight.is_some_and(|weight| weight.as_str().is_none())
        });
        self.used.extend(uses.iter().map(|directive| directive.name.to_string()));
        let Some(name) = definition.name() else { return };
        if matches!(definition, ast::Definition::DirectiveDefinition(_)) {
            self.directives.insert(name.to_string());
        } else {
            self.types.insert(name.to_string());
        }
    }
}

/// Every use of a directive inside a definition.
pub(crate) fn uses_in(definition: &ast::Definition) -> Vec<&Node<ast::Directive>> {
    use ast::Definition as D;
    let mut found: Vec<&Node<ast::Directive>> = definition.directives().iter().collect();
    match definition {
        D::DirectiveDefinition(directive) => inputs(&directive.arguments, &mut found),
        D::ObjectTypeDefinition(ty) => fields(&ty.fields, &mut found),
        D::ObjectTypeExtension(ty) => fields(&ty.fields, &mut found),
        D::InterfaceTypeDefinition(ty) => fields(&ty.fields, &mut found),
        D::InterfaceTypeExtension(ty) => fields(&ty.fields, &mut found),
        D::InputObjectTypeDefinition(ty) => inputs(&ty.fields, &mut found),
        D::InputObjectTypeExtension(ty) => inputs(&ty.fields, &mut found),
        D::EnumTypeDefinition(ty) => {
            found.extend(ty.values.iter().flat_map(|value| value.directives.iter()));
        }
        D::EnumTypeExtension(ty) => {
            found.extend(ty.values.iter().flat_map(|value| value.directives.iter()));
        }
        _ => {}
    }
    found
}

fn fields<'a>(fields: &'a [Node<ast::FieldDefinition>], found: &mut Vec<&'a Node<ast::Directive>>) {
    for field in fields {
        found.extend(field.directives.iter());
        inputs(&field.arguments, found);
    }
}

fn inputs<'a>(
    inputs: &'a [Node<ast::InputValueDefinition>],
    found: &mut Vec<&'a Node<ast::Directive>>,
) {
    found.extend(inputs.iter().flat_map(|input| input.directives.iter()));
}
