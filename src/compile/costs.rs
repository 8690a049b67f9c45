//! What the schema says that its types and fields cost: `@cost` and `@listSize`.
//!
//! Takes: the schema, types with their sources, the sizes of pages.
//! Gives: weights and list sizes by number, those of connections and of objects by key without a word; wrong uses as diagnostics.
//! Never: lets a wrong use count: it is told, and there is no graph.

use std::sync::Arc;

use apollo_compiler::schema::{ExtendedType, FieldDefinition, InputValueDefinition, Schema};
use apollo_compiler::{Node, ast};
use rustc_hash::FxHashMap;

use super::schema::Sdl;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Account, Field, KeySource, Source, Type, TypeId, TypeKind, Yields};
use crate::graph::{FieldWeight, InputWeight, ListSize, Weights};
use crate::nearest::suggestion;

/// Of an object, an interface or a union; leaves cost nothing.
const COMPOSITE: f64 = 1.0;

type Names = FxHashMap<Arc<str>, TypeId>;
type Directives<'a> = &'a [Node<ast::Directive>];

/// How long the pages of this deployment are.
#[derive(Clone, Copy)]
pub(crate) struct PageSizes {
    pub(crate) default: u32,
    pub(crate) most: u32,
}

/// The weights of a schema; with the sizes of pages also what its sources tell of lists.
pub(crate) fn weights(
    schema: &Schema,
    types: &[Type],
    names: &Names,
    pages: Option<PageSizes>,
) -> Weights {
    let costs = Costs { schema, names };
    let mut weights = Weights {
        types: types.iter().map(|ty| costs.of_type(ty)).collect(),
        fields: types.iter().map(|ty| costs.of_fields(ty)).collect(),
        inputs: types.iter().map(|ty| costs.of_inputs(ty)).collect(),
    };
    if let Some(pages) = pages {
        imply(&mut weights, types, pages);
    }
    weights
}

/// What the engine knows by itself of lists that the schema does not size: how long a page is, how many keys are named.
fn imply(weights: &mut Weights, types: &[Type], pages: PageSizes) {
    for (ty, fields) in types.iter().zip(&mut weights.fields) {
        for (field, weight) in ty.fields.iter().zip(fields) {
            let Some(known) = known_size(ty, field, pages) else { continue };
            let size = match weight.size.as_deref() {
                None => known,
                Some(said) => ListSize {
                    assumed: said.assumed.or(known.assumed),
                    most: known.most.filter(|_| said.slicing == known.slicing),
                    ..said.clone()
                },
            };
            weight.size = Some(Arc::new(size));
        }
    }
}

fn known_size(ty: &Type, field: &Field, pages: PageSizes) -> Option<ListSize> {
    let of = |path: Vec<Arc<str>>| ListSize { slicing: vec![path], ..ListSize::default() };
    field.source.all().find_map(|source| match source {
        // one for each backend
        Source::SourceStatus | Source::Account(Account::Matches | Account::Refs) => {
            let systems = ty.parts.len() + ty.uncovered_roles.len();
            Some(ListSize { assumed: u32::try_from(systems).ok(), ..ListSize::default() })
        }
        Source::Merged(_) => Some(connection(pages)),
        Source::Call(call) if matches!(call.yields, Yields::Connection { .. }) => {
            Some(connection(pages))
        }
        Source::Reference(reference) if reference.many => match &reference.key {
            KeySource::Arguments(paths) => paths.first().map(|path| of(path.path.clone())),
            _ => None,
        },
        Source::Entities => Some(of(vec![Arc::from("representations")])),
        Source::Node { many: true } => Some(of(vec![Arc::from("ids")])),
        Source::ByKey(keys) if keys.many => Some(of(vec![Arc::clone(&keys.argument)])),
        _ => None,
    })
}

fn connection(pages: PageSizes) -> ListSize {
    ListSize {
        assumed: Some(pages.default),
        slicing: vec![vec![Arc::from("first")]],
        sized_fields: vec![Arc::from("nodes"), Arc::from("edges")],
        most: Some(pages.most),
        ..ListSize::default()
    }
}

struct Costs<'a> {
    schema: &'a Schema,
    names: &'a Names,
}

impl Costs<'_> {
    fn of_type(&self, ty: &Type) -> f64 {
        let declared = self.schema.types.get(&*ty.name);
        let own = declared.and_then(|declared| {
            declared.directives().iter().find_map(|directive| weight(&directive.node)?.ok())
        });
        own.unwrap_or(if ty.is_composite() { COMPOSITE } else { 0.0 })
    }

    fn of_fields(&self, ty: &Type) -> Vec<FieldWeight> {
        let definitions = |field: &Field| definitions(self.schema, &ty.name, &field.name);
        ty.fields.iter().map(|field| self.of_field(&definitions(field))).collect()
    }

    /// The field's own word, else that of the same field of an interface.
    fn of_field(&self, definitions: &[&Node<FieldDefinition>]) -> FieldWeight {
        let mut declared = definitions.iter();
        FieldWeight {
            weight: declared.clone().find_map(|field| said(&field.directives)),
            size: declared.clone().find_map(|field| list_size(&field.directives)).map(Arc::new),
            arguments: declared.next().map(|own| self.inputs(&own.arguments)).unwrap_or_default(),
        }
    }

    fn of_inputs(&self, ty: &Type) -> Vec<InputWeight> {
        let input = self.schema.get_input_object(&ty.name).filter(|_| ty.kind == TypeKind::Input);
        let fields: Vec<_> =
            input.into_iter().flat_map(|ty| ty.fields.values().map(|f| f.node.clone())).collect();
        self.inputs(&fields)
    }

    fn inputs(&self, inputs: &[Node<InputValueDefinition>]) -> Vec<InputWeight> {
        let weights = inputs.iter().map(|input| {
            let named = input.ty.inner_named_type();
            InputWeight {
                name: Arc::from(input.name.as_str()),
                // an enum's or scalar's own weight counts where the place says nothing
                weight: said(&input.directives).or_else(|| self.of_leaf(named)),
                object: self
                    .schema
                    .get_input_object(named)
                    .and_then(|_| self.names.get(named.as_str()).copied()),
            }
        });
        weights.filter(|weight| weight.weight.is_some() || weight.object.is_some()).collect()
    }

    fn of_leaf(&self, name: &str) -> Option<f64> {
        let leaf = self.schema.types.get(name).filter(|ty| ty.is_scalar() || ty.is_enum())?;
        leaf.directives().iter().find_map(|directive| weight(&directive.node)?.ok())
    }
}

/// A field's definition, and those of the same field in the interfaces of its type.
fn definitions<'a>(schema: &'a Schema, ty: &str, field: &str) -> Vec<&'a Node<FieldDefinition>> {
    let (own, interfaces) = match schema.types.get(ty) {
        Some(ExtendedType::Object(ty)) => (&ty.fields, &ty.implements_interfaces),
        Some(ExtendedType::Interface(ty)) => (&ty.fields, &ty.implements_interfaces),
        _ => return Vec::new(),
    };
    let above = interfaces.iter().filter_map(|name| schema.get_interface(&name.name));
    let above = above.filter_map(|interface| interface.fields.get(field));
    own.get(field).into_iter().chain(above).map(|field| &field.node).collect()
}

fn said(directives: Directives<'_>) -> Option<f64> {
    directives.iter().find_map(|directive| weight(directive)?.ok())
}

/// The weight of a `@cost`: a number, as text or (as Apollo's composition has it) without quotes.
fn weight(directive: &ast::Directive) -> Option<Result<f64, String>> {
    let value =
        directive.specified_argument_by_name("weight").filter(|_| directive.name == "cost")?;
    let text = match &**value {
        ast::Value::String(text) => text.clone(),
        ast::Value::Int(number) => number.as_str().to_owned(),
        ast::Value::Float(number) => number.as_str().to_owned(),
        _ => return None,
    };
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    Some(number.ok_or(text))
}

fn list_size(directives: Directives<'_>) -> Option<ListSize> {
    let directive = directives.iter().find(|directive| directive.name == "listSize")?;
    let assumed =
        directive.specified_argument_by_name("assumedSize").and_then(|size| size.to_i32());
    let slicing = names(directive, "slicingArguments");
    let one = directive.specified_argument_by_name("requireOneSlicingArgument");
    Some(ListSize {
        assumed: assumed.and_then(|size| u32::try_from(size).ok()),
        requires_one: !slicing.is_empty() && one.and_then(|one| one.to_bool()) != Some(false),
        slicing: slicing.iter().map(|path| path.split('.').map(Arc::from).collect()).collect(),
        sized_fields: names(directive, "sizedFields").into_iter().map(Arc::from).collect(),
        most: None,
    })
}

/// A list of names; one name stands for a list of it.
fn names<'a>(directive: &'a ast::Directive, argument: &str) -> Vec<&'a str> {
    let Some(value) = directive.specified_argument_by_name(argument) else { return Vec::new() };
    match value.as_list() {
        Some(items) => items.iter().filter_map(|item| item.as_str()).collect(),
        None => value.as_str().into_iter().collect(),
    }
}

// ---- wrong uses ----------------------------------------------------------------------------------------------------

/// Tells every use of `@cost` and `@listSize` that cannot be reckoned with.
pub(super) fn check(sdl: &Sdl, problems: &mut Vec<Diagnostic>) {
    let mut checker = Checker { sdl, problems };
    for (name, ty) in &sdl.schema().types {
        for directive in ty.directives() {
            checker.weight(&directive.node);
        }
        match ty {
            ExtendedType::Object(object) => {
                object.fields.values().for_each(|field| checker.field(name, field));
            }
            ExtendedType::Interface(interface) => {
                interface.fields.values().for_each(|field| checker.field(name, field));
            }
            ExtendedType::InputObject(input) => {
                input.fields.values().for_each(|field| checker.weights(&field.directives));
            }
            _ => {}
        }
    }
}

struct Checker<'a, 'p> {
    sdl: &'a Sdl,
    problems: &'p mut Vec<Diagnostic>,
}

impl Checker<'_, '_> {
    fn weights(&mut self, directives: Directives<'_>) {
        for directive in directives {
            self.weight(directive);
        }
    }

    fn weight(&mut self, directive: &Node<ast::Directive>) {
        if let Some(Err(text)) = weight(directive) {
            let message = format!("the weight `{text}` is not a number");
            self.tell(directive, message, "`@cost(weight: \"2.5\")`, for example".to_owned());
        }
    }

    fn field(&mut self, ty: &str, field: &FieldDefinition) {
        self.weights(&field.directives);
        field.arguments.iter().for_each(|argument| self.weights(&argument.directives));
        if self.sdl.is_doubtful_field(ty, &field.name) {
            return;
        }
        for directive in field.directives.iter().filter(|one| one.name == "listSize") {
            self.list_size(field, directive);
        }
    }

    fn list_size(&mut self, field: &FieldDefinition, directive: &Node<ast::Directive>) {
        let assumed = directive.specified_argument_by_name("assumedSize");
        if let Some(size) = assumed.and_then(|size| size.to_i32()).filter(|size| *size < 0) {
            let message = format!("a list cannot have {size} items");
            self.tell(directive, message, "`assumedSize` is 0 or more".to_owned());
        }
        for path in names(directive, "slicingArguments") {
            self.slicing(field, directive, path);
        }
        let sized = names(directive, "sizedFields");
        if sized.is_empty() && !field.ty.is_list() {
            let message = format!("`{}` is not a list", field.name);
            let help = "name the lists of the returned type that it sizes under `sizedFields`, or leave `@listSize` out";
            self.tell(directive, message, help.to_owned());
        }
        for name in sized {
            self.sized(field, directive, name);
        }
    }

    /// `first`, or `page.first` for a field of an input object: a number, or a list that is as long.
    fn slicing(&mut self, field: &FieldDefinition, directive: &Node<ast::Directive>, path: &str) {
        let schema = self.sdl.schema();
        let mut inputs: Vec<&InputValueDefinition> =
            field.arguments.iter().map(|argument| &**argument).collect();
        let mut found = None;
        for name in path.split('.') {
            let Some(input) = inputs.iter().find(|input| input.name == name) else {
                let known = inputs.iter().map(|input| input.name.as_str());
                let help = suggestion(name, known).unwrap_or_else(|| {
                    "name an argument of the field, or `argument.field` inside of one".to_owned()
                });
                let message =
                    format!("`{}` has no argument `{path}` that could size it", field.name);
                self.tell(directive, message, help);
                return;
            };
            found = Some(&input.ty);
            let object = schema.get_input_object(input.ty.inner_named_type());
            inputs = object
                .map(|object| object.fields.values().map(|field| &*field.node).collect())
                .unwrap_or_default();
        }
        if let Some(ty) = found.filter(|ty| !ty.is_list() && ty.inner_named_type() != "Int") {
            let message = format!("the slicing argument `{path}` is of type `{ty}`");
            self.tell(
                directive,
                message,
                "it must be an `Int`, or a list that is as long".to_owned(),
            );
        }
    }

    fn sized(&mut self, field: &FieldDefinition, directive: &Node<ast::Directive>, name: &str) {
        let schema = self.sdl.schema();
        let returned = field.ty.inner_named_type();
        if self.sdl.is_doubtful(returned) {
            return;
        }
        let fields = match schema.types.get(returned) {
            Some(ExtendedType::Object(ty)) => Some(&ty.fields),
            Some(ExtendedType::Interface(ty)) => Some(&ty.fields),
            _ => None,
        };
        match fields.and_then(|fields| fields.get(name)) {
            Some(sized) if sized.ty.is_list() => {}
            Some(sized) => {
                let message =
                    format!("the sized field `{returned}.{name}` is of type `{}`", sized.ty);
                self.tell(directive, message, "it must be a list".to_owned());
            }
            None => {
                let names = fields.into_iter().flat_map(|fields| fields.keys());
                let help = suggestion(name, names.map(apollo_compiler::Name::as_str));
                let help = help.unwrap_or_else(|| format!("name a list of `{returned}`"));
                self.tell(directive, format!("`{returned}` has no field `{name}` to size"), help);
            }
        }
    }

    fn tell(&mut self, directive: &Node<ast::Directive>, message: String, help: String) {
        let problem = Diagnostic::error(Code::InvalidCost, message);
        self.problems.push(problem.also(self.sdl.span(directive.location()), "here").help(help));
    }
}
