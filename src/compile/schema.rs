//! Schema files to one valid schema whose definitions know their places.

use std::sync::Arc;

use apollo_compiler::diagnostic::ToCliReport as _;
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Schema, ast};
use rustc_hash::FxHashMap;

use super::directives;
use crate::diagnostic::{Code, Diagnostic, FileId, Sources, Span};
use crate::nearest::nearest;

/// The name under which the definitions of known directives are parsed.
const PRELUDE: &str = "known directives";

/// The schema, and where everything of it stands.
#[derive(Debug)]
pub(super) struct Sdl {
    pub(super) schema: Arc<Valid<Schema>>,
    /// As clients read it.
    pub(super) text: Arc<str>,
    places: Places,
}

/// The compiler's files by our numbers.
#[derive(Debug, Default)]
struct Places(FxHashMap<apollo_compiler::parser::FileId, FileId>);

impl Places {
    fn of(sources: &apollo_compiler::parser::SourceMap, names: &FxHashMap<&str, FileId>) -> Self {
        let known =
            sources.iter().filter_map(|(id, file)| Some((*id, *names.get(file.path().to_str()?)?)));
        Self(known.collect())
    }

    fn span(&self, span: Option<SourceSpan>) -> Option<Span> {
        let span = span?;
        let file = self.0.get(&span.file_id())?;
        Some(Span::new(*file, span.offset(), span.end_offset()))
    }
}

/// Parses and validates all schema files; every problem is a diagnostic.
pub(super) fn parse(
    sources: &Sources,
    files: &[FileId],
    problems: &mut Vec<Diagnostic>,
) -> Option<Sdl> {
    let names: FxHashMap<&str, FileId> = files.iter().map(|id| (sources.name(*id), *id)).collect();
    // the errors of this first look are found again below
    let documents: Vec<ast::Document> = files
        .iter()
        .map(|id| match Parser::new().parse_ast(sources.text(*id), sources.name(*id)) {
            Ok(document) => document,
            Err(errors) => errors.partial,
        })
        .collect();
    let prelude = directives::prelude(&documents) + &roots(&documents);
    let mut builder = Schema::builder().adopt_orphan_extensions();
    if !prelude.is_empty() {
        builder = builder.parse(prelude.as_str(), PRELUDE);
    }
    for id in files {
        builder = builder.parse(sources.text(*id), sources.name(*id));
    }
    let valid = builder.build().and_then(Schema::validate);
    match valid {
        Ok(schema) => {
            let places = Places::of(&schema.sources, &names);
            let mut text = prelude;
            for id in files {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(sources.text(*id));
            }
            Some(Sdl { schema: Arc::new(schema), text: Arc::from(text), places })
        }
        Err(invalid) => {
            report(&invalid.errors, &names, &documents, problems);
            None
        }
    }
}

/// The schema definition that the files leave out and must not: a type of records that is named `Subscription`, as billing
/// systems have it, would otherwise be taken for the root of subscriptions (specification, section 3.3.1).
fn roots(documents: &[ast::Document]) -> String {
    let definitions = || documents.iter().flat_map(|document| &document.definitions);
    let is_explicit = definitions().any(|definition| {
        matches!(
            definition,
            ast::Definition::SchemaDefinition(_) | ast::Definition::SchemaExtension(_)
        )
    });
    let has = |name: &str| {
        definitions().any(|definition| {
            definition.as_object_type_definition().is_some_and(|ty| ty.name == name)
        })
    };
    if is_explicit || !has("Query") || !has("Subscription") {
        return String::new();
    }
    let mutation = if has("Mutation") { "  mutation: Mutation\n" } else { "" };
    format!("schema {{\n  query: Query\n{mutation}}}\n")
}

fn report(
    errors: &DiagnosticList,
    names: &FxHashMap<&str, FileId>,
    documents: &[ast::Document],
    problems: &mut Vec<Diagnostic>,
) {
    let definitions = documents.iter().flat_map(|document| &document.definitions);
    let types: Vec<&str> = definitions
        .filter(|definition| definition.as_directive_definition().is_none())
        .filter_map(|definition| Some(definition.name()?.as_str()))
        .chain(["Int", "Float", "String", "Boolean", "ID"])
        .collect();
    for error in errors.iter() {
        let places = Places::of(error.sources, names);
        let message = error.error.to_string();
        let unknown = message
            .strip_prefix("cannot find type `")
            .and_then(|rest| Some(rest.split_once('`')?.0));
        let near = unknown.and_then(|name| nearest(name, types.iter().copied()));
        let mut problem = Diagnostic::error(Code::InvalidSchema, &*message);
        if let Some(near) = near {
            problem = problem.help(format!("did you mean `{near}`?"));
        }
        problems.push(problem.also(places.span(error.error.location()), "here"));
    }
}

impl Sdl {
    pub(super) fn type_span(&self, name: &str) -> Option<Span> {
        let ty = self.schema.types.get(name)?;
        let name = match ty {
            ExtendedType::Scalar(ty) => &ty.name,
            ExtendedType::Object(ty) => &ty.name,
            ExtendedType::Interface(ty) => &ty.name,
            ExtendedType::Union(ty) => &ty.name,
            ExtendedType::Enum(ty) => &ty.name,
            ExtendedType::InputObject(ty) => &ty.name,
        };
        self.places.span(name.location())
    }

    pub(super) fn field_span(&self, ty: &str, field: &str) -> Option<Span> {
        let field = self.schema.type_field(ty, field).ok()?;
        let name = self.places.span(field.name.location())?;
        let ty = self.places.span(field.ty.inner_named_type().location());
        Some(Span { end: ty.map_or(name.end, |ty| ty.end.max(name.end)), ..name })
    }

    /// The type of an argument, or of a field of its input object, and so on. The error is the first name that is not there,
    /// with the names that are.
    pub(super) fn argument_type(
        &self,
        ty: &str,
        field: &str,
        path: &[Arc<str>],
    ) -> Result<&ast::Type, (Arc<str>, Vec<String>)> {
        let mut found: Option<&ast::Type> = None;
        for name in path {
            let inputs: Vec<_> = match found {
                None => {
                    let field = self.schema.type_field(ty, field).ok();
                    field.map(|field| field.arguments.iter().collect()).unwrap_or_default()
                }
                Some(ast::Type::Named(input) | ast::Type::NonNullNamed(input)) => {
                    let input = self.schema.get_input_object(input);
                    input
                        .map(|input| input.fields.values().map(|field| &field.node).collect())
                        .unwrap_or_default()
                }
                Some(_) => Vec::new(),
            };
            if let Some(input) = inputs.iter().find(|input| input.name.as_str() == &**name) {
                found = Some(&*input.ty);
            } else {
                let names = inputs.iter().map(|input| input.name.to_string()).collect();
                return Err((Arc::clone(name), names));
            }
        }
        found.ok_or_else(|| (Arc::from(""), Vec::new()))
    }
}
