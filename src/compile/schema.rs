//! Schema files to one schema whose definitions know their places: the valid one, or what of it could be read.

use std::sync::Arc;

use apollo_compiler::diagnostic::ToCliReport as _;
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Schema, ast};
use rustc_hash::FxHashMap;

use super::doubt::{Doubts, Fault};
use super::{directives, federation, one_of};
use crate::diagnostic::{Code, Diagnostic, FileId, Sources, Span};
use crate::nearest::nearest;

/// The name under which the definitions of known directives are parsed.
const PRELUDE: &str = "known directives";

/// The schema, and where everything of it stands.
#[derive(Debug)]
pub(super) struct Sdl {
    pub(super) parsed: Parsed,
    /// As clients read it.
    pub(super) text: Arc<str>,
    /// As a federation's composer reads it, if this is a subgraph.
    pub(super) federation: Option<Arc<str>>,
    places: Places,
    doubts: Doubts,
}

/// Only a valid schema becomes a graph; what there is of another is there for the other files to be checked against.
#[derive(Debug)]
pub(super) enum Parsed {
    Valid(Arc<Valid<Schema>>),
    Partial(Box<Schema>),
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

/// Parses and validates all schema files; every problem is a diagnostic. `None`: nothing in them could be read.
pub(super) fn parse(
    sources: &Sources,
    files: &[FileId],
    is_subgraph: Option<bool>,
    is_incremental: bool,
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
    let roots = roots(&documents);
    let mut prelude = directives::prelude(&documents);
    if is_incremental {
        prelude += &directives::incremental(&documents);
    }
    prelude += &roots;
    let subgraph = federation::Subgraph::of(sources, files, &documents, is_subgraph);
    let mut builder = Schema::builder().adopt_orphan_extensions();
    if !prelude.is_empty() {
        builder = builder.parse(prelude.as_str(), PRELUDE);
    }
    for id in files {
        builder = builder.parse(sources.text(*id), sources.name(*id));
    }
    if let Some(subgraph) = &subgraph {
        builder = builder.parse(subgraph.fields(), federation::FIELDS);
        subgraph.check(problems);
    }
    let (mut schema, unbuilt) = match builder.build() {
        Ok(schema) => (schema, None),
        Err(invalid) => (invalid.partial, Some(invalid.errors)),
    };
    one_of::define(&mut schema);
    // what could be built of it is validated all the same: its problems are told at once
    let (parsed, unsound) = match schema.validate() {
        Ok(schema) if unbuilt.is_none() => (Parsed::Valid(Arc::new(schema)), None),
        Ok(schema) => (Parsed::Partial(Box::new(schema.into_inner())), None),
        Err(invalid) => (Parsed::Partial(Box::new(invalid.partial)), Some(invalid.errors)),
    };
    let mut text = prelude;
    for id in files {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(sources.text(*id));
    }
    let text = Arc::from(text);
    let federation = subgraph.map(|subgraph| Arc::from(subgraph.sdl(&roots)));
    let mut sdl =
        Sdl { parsed, text, federation, places: Places::default(), doubts: Doubts::default() };
    sdl.places = Places::of(&sdl.schema().sources, &names);
    sdl.misnamed(problems);
    one_of::check(&sdl, problems);
    if let Parsed::Valid(_) = sdl.parsed {
        return Some(sdl);
    }
    let texts = Texts { sources, files, names: &names, documents: &documents };
    let is_readable = documents.iter().any(|document| !document.definitions.is_empty());
    for errors in unbuilt.iter().chain(&unsound) {
        texts.report(errors, &mut sdl, problems);
    }
    sdl.doubts.orphans(match &sdl.parsed {
        Parsed::Valid(schema) => schema,
        Parsed::Partial(schema) => schema,
    });
    is_readable.then_some(sdl)
}

/// The schema definition that the files leave out and must not: a type of records that is named `Subscription`, as billing
/// systems have it, would otherwise be taken for the root of subscriptions (specification, section 3.3.1).
fn roots(documents: &[ast::Document]) -> String {
    let definitions = || documents.iter().flat_map(|document| &document.definitions);
    let is_explicit = definitions().any(|definition| {
        match definition {
            ast::Definition::SchemaDefinition(_) => true,
            // one that only bears directives says nothing about roots
            ast::Definition::SchemaExtension(schema) => !schema.root_operations.is_empty(),
            _ => false,
        }
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

/// The schema files, and what each could be read as.
struct Texts<'a> {
    sources: &'a Sources,
    files: &'a [FileId],
    names: &'a FxHashMap<&'a str, FileId>,
    documents: &'a [ast::Document],
}

impl Texts<'_> {
    /// Tells errors, all but the shadows of those before them, and notes what they leave in doubt.
    fn report(&self, errors: &DiagnosticList, sdl: &mut Sdl, problems: &mut Vec<Diagnostic>) {
        let definitions = self.documents.iter().flat_map(|document| &document.definitions);
        let types: Vec<&str> = definitions
            .filter(|definition| definition.as_directive_definition().is_none())
            .filter_map(|definition| Some(definition.name()?.as_str()))
            .chain(["Int", "Float", "String", "Boolean", "ID"])
            .collect();
        let mut found = Vec::new();
        for error in errors.iter() {
            let span = Places::of(error.sources, self.names).span(error.error.location());
            let message = error.error.to_string();
            let unknown = message
                .strip_prefix("cannot find type `")
                .and_then(|rest| Some(rest.split_once('`')?.0));
            let is_syntax = message.starts_with("syntax error");
            let fault = span.map(|span| Fault { span, is_syntax });
            if fault.as_ref().is_some_and(|fault| sdl.doubts.is_shadow(fault))
                || unknown.is_some_and(|name| sdl.doubts.may_be_defined(name))
            {
                continue;
            }
            let near = unknown.and_then(|name| nearest(name, types.iter().copied()));
            let mut problem = Diagnostic::error(Code::InvalidSchema, &*message);
            if let Some(near) = near {
                problem = problem.help(format!("did you mean `{near}`?"));
            }
            problems.push(problem.also(span, "here"));
            match fault {
                // the next of them may be its shadow
                Some(fault) if is_syntax => {
                    sdl.doubts.add(self.sources, self.files, self.documents, &fault);
                }
                fault => found.extend(fault),
            }
        }
        for fault in &found {
            sdl.doubts.add(self.sources, self.files, self.documents, fault);
        }
    }
}

/// An argument that is not there.
pub(super) struct NoArgument {
    /// The first name of the path that is not known.
    pub(super) name: Arc<str>,
    /// Those that are, in its place.
    pub(super) known: Vec<String>,
    /// Whether it may be there once the schema is mended.
    pub(super) is_doubtful: bool,
}

impl Sdl {
    /// Composers and code generators go by these names, whatever the schema definition says.
    fn misnamed(&self, problems: &mut Vec<Diagnostic>) {
        let schema = self.schema();
        let roots = &schema.schema_definition;
        for (name, root, word) in [
            ("Query", &roots.query, "queries"),
            ("Mutation", &roots.mutation, "mutations"),
            ("Subscription", &roots.subscription, "subscriptions"),
        ] {
            let Some(ty) = schema.types.get(name).and_then(|ty| ty.as_object()) else { continue };
            if root.as_ref().is_some_and(|root| root.as_str() == name) {
                continue;
            }
            problems.push(
                Diagnostic::warning(
                    Code::RootName,
                    format!("`{name}` is a type of records here, and other tools take it for the root of {word}"),
                )
                .also(self.span(ty.name.location()), "named like a root")
                .help("give it a name of its own, here and in the files of `resolvers`"),
            );
        }
    }

    pub(super) fn span(&self, place: Option<SourceSpan>) -> Option<Span> {
        self.places.span(place)
    }

    /// A field that another subgraph owns.
    pub(super) fn is_external(&self, ty: &str, field: &str) -> bool {
        let schema = self.schema();
        schema.types.get(ty).is_some_and(|ty| ty.directives().has("external"))
            || schema.type_field(ty, field).is_ok_and(|field| field.directives.has("external"))
    }

    /// A field that the gateway itself answers, for a federation's router.
    pub(super) fn is_service(&self, ty: &str, field: &str) -> bool {
        let query = self.schema().schema_definition.query.as_ref();
        self.federation.is_some()
            && query.is_some_and(|query| query.name.as_str() == ty)
            && matches!(field, federation::ENTITIES | federation::SERVICE)
    }

    pub(super) fn schema(&self) -> &Schema {
        match &self.parsed {
            Parsed::Valid(schema) => schema,
            Parsed::Partial(schema) => schema,
        }
    }

    /// Whether an error of the schema may be why this type is not there, or not what it seems.
    pub(super) fn is_doubtful(&self, ty: &str) -> bool {
        self.doubts.has_type(ty, self.schema())
    }

    /// The same of a field.
    pub(super) fn is_doubtful_field(&self, ty: &str, field: &str) -> bool {
        self.doubts.has_field(ty, field, self.schema())
    }

    /// Leaves out problems that an error of the schema may be the reason of.
    pub(super) fn settle(&self, problems: &mut Vec<Diagnostic>) {
        self.doubts.settle(problems);
    }

    pub(super) fn type_span(&self, name: &str) -> Option<Span> {
        let ty = self.schema().types.get(name)?;
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
        let field = self.schema().type_field(ty, field).ok()?;
        let name = self.places.span(field.name.location())?;
        let ty = self.places.span(field.ty.inner_named_type().location());
        Some(Span { end: ty.map_or(name.end, |ty| ty.end.max(name.end)), ..name })
    }

    /// The type of an argument, or of a field of its input object, and so on.
    pub(super) fn argument_type(
        &self,
        ty: &str,
        field: &str,
        path: &[Arc<str>],
    ) -> Result<&ast::Type, NoArgument> {
        let schema = self.schema();
        let mut found: Option<&ast::Type> = None;
        for name in path {
            let mut is_doubtful = self.is_doubtful_field(ty, field);
            let inputs: Vec<_> = match found {
                None => {
                    let field = schema.type_field(ty, field).ok();
                    field.map(|field| field.arguments.iter().collect()).unwrap_or_default()
                }
                Some(ast::Type::Named(input) | ast::Type::NonNullNamed(input)) => {
                    is_doubtful |= self.is_doubtful_field(input, name);
                    let input = schema.get_input_object(input);
                    input
                        .map(|input| input.fields.values().map(|field| &field.node).collect())
                        .unwrap_or_default()
                }
                Some(_) => Vec::new(),
            };
            if let Some(input) = inputs.iter().find(|input| input.name.as_str() == &**name) {
                found = Some(&*input.ty);
            } else {
                let known = inputs.iter().map(|input| input.name.to_string()).collect();
                return Err(NoArgument { name: Arc::clone(name), known, is_doubtful });
            }
        }
        let nothing = || NoArgument { name: Arc::from(""), known: Vec::new(), is_doubtful: false };
        found.ok_or_else(nothing)
    }
}
