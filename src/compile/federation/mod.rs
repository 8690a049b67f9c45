//! The graph as a subgraph of a federation: what its composer reads, and what its router asks for.
//!
//! Takes: the parsed schema files; later the linked types with their parts and lookups.
//! Gives: the fields `_service` and `_entities`, the SDL for composers, the keys by which `_entities` finds objects.
//! Never: repeats a definition that the composer has, or leaves out a directive or a description that a file gives.

pub(super) mod fields;
mod keys;

use apollo_compiler::ast::{self, Definition};

use super::directives;
use crate::diagnostic::{Code, Diagnostic, FileId, Sources, Span};

pub(super) use keys::link;

/// The name under which the fields for routers are parsed.
pub(super) const FIELDS: &str = "fields for routers";
pub(super) const ENTITIES: &str = "_entities";
pub(super) const SERVICE: &str = "_service";

/// The newest version that the composers in use accept.
const SPECIFICATION: &str = "https://specs.apollo.dev/federation/v2.9";
/// What every version of it begins with.
const ANY_VERSION: &str = "https://specs.apollo.dev/federation/";

/// The schema files of a deployment that is part of a federation.
pub(super) struct Subgraph<'a> {
    sources: &'a Sources,
    files: &'a [FileId],
    documents: &'a [ast::Document],
}

impl<'a> Subgraph<'a> {
    /// `None` where the deployment says no, or says nothing and no file has a `@key` or a link to the specification.
    pub(super) fn of(
        sources: &'a Sources,
        files: &'a [FileId],
        documents: &'a [ast::Document],
        is_enabled: Option<bool>,
    ) -> Option<Self> {
        let subgraph = Self { sources, files, documents };
        let has_key = || definitions(documents).any(|one| one.directives().has("key"));
        let is_enabled = is_enabled.unwrap_or_else(|| has_key() || subgraph.own_link().is_some());
        is_enabled.then_some(subgraph)
    }

    /// What routers ask for, as an extension of the schema.
    pub(super) fn fields(&self) -> String {
        let entities = entities(self.documents);
        let mut text = String::from(
            "\"What this subgraph is.\"\ntype _Service {\n  \"Its schema, with the directives of Federation.\"\n  sdl: String!\n}\n",
        );
        let mut fields = format!("  \"What this subgraph is.\"\n  {SERVICE}: _Service!\n");
        if !entities.is_empty() {
            text.push_str("\"An object's type and key: `{ __typename, … }`.\"\nscalar _Any\n");
            text.push_str("\"What other subgraphs can refer to.\"\nunion _Entity = ");
            text.push_str(&entities.join(" | "));
            text.push('\n');
            fields.push_str("  \"Objects by type and key, in order; null where there is none.\"\n");
            fields.extend(["  ", ENTITIES, "(representations: [_Any!]!): [_Entity]!\n"]);
        }
        text.extend(["extend type ", query_type(self.documents), " {\n", &fields, "}\n"]);
        text
    }

    /// As composers read it. `roots` is the schema definition that the files leave out and need.
    pub(super) fn sdl(&self, roots: &str) -> String {
        let mut text = String::new();
        if self.own_link().is_none() {
            let used = directives::federation_used(self.documents);
            let names: Vec<String> = used
                .iter()
                .filter(|name| **name != "link")
                .map(|name| format!("\"@{name}\""))
                .collect();
            text = format!(
                "extend schema @link(url: \"{SPECIFICATION}\", import: [{}])\n\n",
                names.join(", ")
            );
        }
        text.push_str(roots);
        text.push_str(&directives::own_prelude(self.documents));
        for (file, document) in self.files.iter().zip(self.documents) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&for_composers(self.sources.text(*file), document));
        }
        text
    }

    /// The `@link` to the specification that a file has, and which file.
    fn own_link(&self) -> Option<(FileId, &'a apollo_compiler::Node<ast::Directive>)> {
        self.files.iter().zip(self.documents).find_map(|(file, document)| {
            let schemas = document.definitions.iter().filter(|one| is_schema(one));
            let mut links = schemas.flat_map(|one| one.directives().get_all("link"));
            let link = links.find(|link| {
                let url = link.specified_argument_by_name("url").and_then(|url| url.as_str());
                url.is_some_and(|url| url.starts_with(ANY_VERSION))
            })?;
            Some((*file, link))
        })
    }

    /// A link of the files' own must import what the files use, under its own name.
    pub(super) fn check(&self, problems: &mut Vec<Diagnostic>) {
        let Some((file, link)) = self.own_link() else { return };
        let span = link.location().map(|span| Span::new(file, span.offset(), span.end_offset()));
        let imports = link.specified_argument_by_name("import").and_then(|import| import.as_list());
        let imports = imports.unwrap_or_default();
        for renamed in imports.iter().filter(|import| import.as_object().is_some()) {
            let name = renamed.as_object().and_then(|object| object.first());
            let name = name.and_then(|(_, name)| name.as_str()).unwrap_or("…");
            problems.push(
                Diagnostic::error(
                    Code::InvalidFederation,
                    format!("`{name}` is imported under another name"),
                )
                .also(span, "imported here")
                .help("import directives of Federation under their own names: `\"@key\"`"),
            );
        }
        for name in directives::federation_used(self.documents) {
            let is_imported = imports.iter().any(|import| {
                import.as_str().and_then(|import| import.strip_prefix('@')) == Some(name)
                    || import.as_object().is_some()
            });
            if name != "link" && !is_imported {
                problems.push(
                    Diagnostic::error(
                        Code::InvalidFederation,
                        format!("`@{name}` is used, and the schema's link does not import it"),
                    )
                    .also(span, "not imported here")
                    .help(format!(
                        "add `\"@{name}\"`, or leave the link out: it is written for you"
                    )),
                );
            }
        }
    }
}

fn definitions(documents: &[ast::Document]) -> impl Iterator<Item = &Definition> {
    documents.iter().flat_map(|document| &document.definitions)
}

fn is_schema(definition: &Definition) -> bool {
    matches!(definition, Definition::SchemaDefinition(_) | Definition::SchemaExtension(_))
}

/// The object types that other subgraphs may refer to, in the order of the files.
fn entities(documents: &[ast::Document]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for definition in definitions(documents) {
        let is_object = matches!(
            definition,
            Definition::ObjectTypeDefinition(_) | Definition::ObjectTypeExtension(_)
        );
        let mut keys = definition.directives().get_all("key");
        if let Some(name) =
            definition.name().filter(|_| is_object && keys.any(|key| is_resolvable(key)))
            && !names.contains(&name.as_str())
        {
            names.push(name.as_str());
        }
    }
    names
}

fn is_resolvable(key: &ast::Directive) -> bool {
    key.specified_argument_by_name("resolvable").and_then(|value| value.to_bool()) != Some(false)
}

fn query_type(documents: &[ast::Document]) -> &str {
    let roots = definitions(documents).filter_map(|definition| match definition {
        Definition::SchemaDefinition(schema) => Some(&schema.root_operations),
        Definition::SchemaExtension(schema) => Some(&schema.root_operations),
        _ => None,
    });
    let mut roots = roots.flatten();
    let query = roots.find(|root| root.0 == ast::OperationType::Query);
    query.map_or("Query", |root| root.1.as_str())
}

/// A file as composers take it: without definitions of Federation's own directives, which they have, and with the weights of
/// `@cost` as they have them, whole numbers.
fn for_composers(text: &str, document: &ast::Document) -> String {
    let mut changes: Vec<(usize, usize, String)> = Vec::new();
    for definition in &document.definitions {
        if let Definition::DirectiveDefinition(directive) = definition
            && let Some(place) = directive.location()
            && directives::FEDERATION.contains(&directive.name.as_str())
        {
            changes.push((place.offset(), place.end_offset(), String::new()));
            continue;
        }
        let costs = directives::uses_in(definition).into_iter().filter(|one| one.name == "cost");
        changes.extend(costs.filter_map(|cost| {
            let weight = cost.specified_argument_by_name("weight")?;
            let place = weight.location()?;
            Some((place.offset(), place.end_offset(), whole(weight.as_str()?)?))
        }));
    }
    changes.sort_unstable();
    let mut kept = String::new();
    let mut from = 0;
    for (start, end, change) in changes {
        kept.push_str(text.get(from..start).unwrap_or_default());
        kept.push_str(&change);
        from = end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// A weight rounded up.
fn whole(weight: &str) -> Option<String> {
    let weight = weight.trim().parse::<f64>().ok()?.ceil();
    (weight.abs() <= f64::from(i32::MAX)).then(|| format!("{weight:.0}"))
}
