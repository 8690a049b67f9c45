//! Random operations against the rules of cost, read word for word.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use apollo_compiler::ast;
use apollo_compiler::executable::{Field, Selection as Node, SelectionSet};
use apollo_compiler::{ExecutableDocument, Name};
use proptest::prelude::*;

use super::cost::SHOP;
use super::*;

/// Choices drawn from bytes, so that fewer and smaller bytes make smaller documents.
struct Choices(std::vec::IntoIter<u8>, u32);

impl Choices {
    fn pick(&mut self, options: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % options
    }

    fn number(&mut self) -> String {
        ["null", "0", "1", "3", "$n", "$m", "12"][self.pick(7)].to_owned()
    }

    fn search(&mut self, depth: usize) -> String {
        let mut text = "{".to_owned();
        for name in ["text: \"a\" ", "text: null ", "plain: 1 ", "color: RED "] {
            if self.pick(3) == 1 && !text.contains(&name[..4]) {
                text.push_str(name);
            }
        }
        if depth < 3 && self.pick(3) == 1 {
            write!(text, "inner: {} ", self.search(depth + 1)).unwrap();
        }
        if depth < 3 && self.pick(3) == 1 {
            write!(text, "many: [{} $s]", self.search(depth + 1)).unwrap();
        }
        text + "}"
    }

    fn set(&mut self, ty: &'static str, depth: usize) -> String {
        let mut text = "{ __typename ".to_owned();
        for _ in 0..=self.pick(4) {
            text.push_str(&self.selection(ty, depth));
            text.push(' ');
        }
        text + "}"
    }

    fn selection(&mut self, ty: &'static str, depth: usize) -> String {
        self.1 = self.1.saturating_sub(1);
        let condition = ["", "", "", " @skip(if: $c)", " @include(if: $c)", " @include(if: false)"]
            [self.pick(6)];
        if self.1 == 0 || depth > 6 {
            return "__typename".to_owned();
        }
        if self.pick(4) == 3 {
            let narrower: &[&'static str] = match ty {
                "Named" | "Thing" => &["Book", "Magazine", "Named", "Thing"],
                "Book" => &["Book", "Named", "Thing"],
                "Magazine" => &["Magazine", "Named", "Thing"],
                _ => return format!("...{condition} {}", self.set(ty, depth + 1)),
            };
            let on = narrower[self.pick(narrower.len())];
            return format!("... on {on}{condition} {}", self.set(on, depth + 1));
        }
        let (name, arguments, returned) = self.field(ty);
        let alias = if arguments.is_empty() { String::new() } else { format!("f{}: ", self.1) };
        let beneath = returned.map(|ty| self.set(ty, depth + 1)).unwrap_or_default();
        format!("{alias}{name}{arguments}{condition} {beneath}")
    }

    fn field(&mut self, ty: &str) -> (&'static str, String, Option<&'static str>) {
        let none = String::new;
        let fields: &[(&str, Option<&str>)] = match ty {
            "Query" => {
                let name = [
                    "book",
                    "bestsellers",
                    "newest",
                    "either",
                    "defaulted",
                    "inside",
                    "shelf",
                    "search",
                    "plain",
                    "tags",
                    "dear",
                    "color",
                    "cheap",
                    "named",
                ][self.pick(14)];
                return match name {
                    "newest" => {
                        (name, format!("(limit: {})", ["2", "$k", "5"][self.pick(3)]), Some("Book"))
                    }
                    "either" => (
                        name,
                        format!("(first: {} last: {})", self.number(), self.number()),
                        Some("Book"),
                    ),
                    "defaulted" => (name, format!("(first: {})", self.number()), Some("Book")),
                    "inside" => {
                        (name, format!("(page: {{first: {}}})", self.number()), Some("Book"))
                    }
                    "shelf" => (name, format!("(first: {})", self.number()), Some("Shelf")),
                    "search" => (
                        name,
                        format!("(by: {} words: [\"a\" null])", self.search(0)),
                        Some("Thing"),
                    ),
                    "cheap" => {
                        (name, format!("(fast: {})", ["true", "null"][self.pick(2)]), Some("Book"))
                    }
                    "tags" | "dear" | "color" => (name, none(), None),
                    "named" => (name, none(), Some("Named")),
                    _ => (name, none(), Some("Book")),
                };
            }
            "Book" => &[
                ("title", None),
                ("author", Some("Author")),
                ("publisher", Some("Publisher")),
                ("name", None),
            ],
            "Author" => &[("name", None), ("books", Some("Book"))],
            "Publisher" => &[("address", Some("Address"))],
            "Address" => &[("zip", None)],
            "Shelf" => &[
                ("books", Some("Book")),
                ("magazines", Some("Magazine")),
                ("label", Some("Author")),
                ("rest", Some("Book")),
            ],
            "Magazine" => &[("name", None), ("pages", Some("Address"))],
            "Named" => &[("name", None)],
            _ => &[("__typename", None)],
        };
        let (name, returned) = fields[self.pick(fields.len())];
        (name, none(), returned)
    }
}

/// The rules over the document itself, variables known: fields collected for each type, costs added up from below.
struct Naive<'a> {
    graph: &'a Graph,
    document: &'a ExecutableDocument,
    /// Coerced.
    values: BTreeMap<String, Value>,
}

impl<'a> Naive<'a> {
    fn operation(&self, operation: &'a apollo_compiler::executable::Operation) -> f64 {
        self.of_type("Query", &[&operation.selection_set], None)
    }

    fn of_type(&self, ty: &str, sets: &[&'a SelectionSet], sized: Option<(&[String], f64)>) -> f64 {
        let mut grouped: BTreeMap<&str, Vec<&'a Field>> = BTreeMap::new();
        for set in sets {
            self.collect(ty, set, &mut grouped);
        }
        grouped.values().map(|fields| self.of_field(ty, fields, sized)).sum()
    }

    fn collect(
        &self,
        ty: &str,
        set: &'a SelectionSet,
        grouped: &mut BTreeMap<&'a str, Vec<&'a Field>>,
    ) {
        for selection in &set.selections {
            let is_on = |name: &str, yes: bool| {
                selection.directives().get(name).is_none_or(|directive| {
                    let value = directive.specified_argument_by_name("if").unwrap();
                    let value = value.to_bool().unwrap_or_else(|| {
                        self.values[value.as_variable().unwrap().as_str()] == json!(true)
                    });
                    value == yes
                })
            };
            if !is_on("include", true) || !is_on("skip", false) {
                continue;
            }
            match selection {
                Node::Field(field) => {
                    grouped.entry(field.response_key().as_str()).or_default().push(field);
                }
                Node::InlineFragment(inline) => {
                    let applies =
                        |name: &Name| *name == ty || self.graph.schema.is_subtype(name, ty);
                    if inline.type_condition.as_ref().is_none_or(applies) {
                        self.collect(ty, &inline.selection_set, grouped);
                    }
                }
                Node::FragmentSpread(spread) => {
                    let fragment = &self.document.fragments[&spread.fragment_name];
                    self.collect(ty, &fragment.selection_set, grouped);
                }
            }
        }
    }

    fn of_field(&self, ty: &str, fields: &[&'a Field], sized: Option<(&[String], f64)>) -> f64 {
        let field = fields[0];
        if field.name.starts_with("__") {
            return 0.0;
        }
        let definition = self.graph.schema.type_field(ty, &field.name).unwrap();
        let size_directive = definition.directives.get("listSize");
        let own = size_directive.map(|directive| self.size(definition, directive, field));
        let names: Vec<String> = size_directive
            .and_then(|directive| directive.specified_argument_by_name("sizedFields"))
            .and_then(|names| names.as_list())
            .map(|names| names.iter().map(|name| name.as_str().unwrap().to_owned()).collect())
            .unwrap_or_default();
        let from_above =
            sized.filter(|(names, _)| names.iter().any(|name| field.name == name.as_str()));
        let size = match (definition.ty.is_list(), from_above, own) {
            (false, ..) => 1.0,
            (true, Some((_, size)), _) => size,
            (true, None, Some(size)) if names.is_empty() => size,
            _ => 10.0,
        };
        let returned = definition.ty.inner_named_type();
        let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
        let of_instance = |ty: &str| {
            let ty = &self.graph.schema.types[ty];
            weight(definition.directives.get("cost"))
                .or_else(|| weight(ty.directives().get("cost").map(|directive| &directive.node)))
                .unwrap_or(if ty.is_scalar() || ty.is_enum() { 0.0 } else { 1.0 })
        };
        let possible: Vec<&str> = match returned.as_str() {
            "Named" | "Thing" => vec!["Book", "Magazine"],
            name => vec![name],
        };
        let beneath = own.map(|own| (names.as_slice(), own));
        let instance = possible.into_iter().map(|ty| {
            let inner = if field.selection_set.selections.is_empty() {
                0.0
            } else {
                self.of_type(ty, &sets, beneath)
            };
            of_instance(ty) + inner
        });
        let instance = instance.fold(f64::MIN, f64::max).max(0.0);
        let arguments = definition.arguments.iter().map(|argument| {
            let given = field.arguments.iter().find(|given| given.name == argument.name);
            let value = given.map(|given| &given.value).or(argument.default_value.as_ref());
            let own = weight(argument.directives.get("cost"));
            value.map_or(0.0, |value| self.of_value(argument.ty.inner_named_type(), own, value))
        });
        (size * instance + arguments.sum::<f64>()).max(0.0)
    }

    fn size(
        &self,
        definition: &ast::FieldDefinition,
        directive: &ast::Directive,
        field: &Field,
    ) -> f64 {
        let slicing = directive.specified_argument_by_name("slicingArguments");
        let paths = slicing.and_then(|names| names.as_list()).unwrap_or_default();
        let lengths = paths.iter().filter_map(|path| {
            let mut names = path.as_str().unwrap().split('.');
            let name = names.next().unwrap();
            let given =
                field.arguments.iter().find(|given| given.name == name).map(|given| &given.value);
            let default = definition.argument_by_name(name).unwrap().default_value.as_ref();
            let mut value = self.json(given.or(default)?)?;
            for name in names {
                value = value.get(name)?.clone();
            }
            if value.is_null() { None } else { value.as_f64() }
        });
        let assumed =
            directive.specified_argument_by_name("assumedSize").and_then(|size| size.to_i32());
        lengths.reduce(f64::max).unwrap_or_else(|| assumed.map_or(10.0, f64::from))
    }

    fn json(&self, value: &ast::Value) -> Option<Value> {
        Some(match value {
            ast::Value::Variable(name) => return self.values.get(name.as_str()).cloned(),
            ast::Value::Null => Value::Null,
            ast::Value::Int(number) => json!(number.try_to_i32().unwrap()),
            ast::Value::Object(entries) => Value::Object(
                entries
                    .iter()
                    .filter_map(|(name, value)| Some((name.to_string(), self.json(value)?)))
                    .collect(),
            ),
            other => json!(other.to_string()),
        })
    }

    fn of_value(&self, ty: &str, own: Option<f64>, value: &ast::Value) -> f64 {
        let declared = &self.graph.schema.types[ty];
        let leaf = || weight(declared.directives().get("cost").map(|directive| &directive.node));
        match value {
            ast::Value::Null => 0.0,
            ast::Value::Variable(name) => match self.values.get(name.as_str()) {
                None | Some(Value::Null) => 0.0,
                // `$s` alone is an object, `{text: "v"}`
                Some(Value::Object(_)) => own.unwrap_or(1.0) + 2.0,
                Some(_) => own.or_else(leaf).unwrap_or(0.0),
            },
            ast::Value::List(items) => {
                own.unwrap_or(0.0)
                    + items.iter().map(|item| self.of_value(ty, own, item)).sum::<f64>()
            }
            ast::Value::Object(entries) => {
                let input = self.graph.schema.get_input_object(ty).unwrap();
                let inner = entries.iter().map(|(name, value)| {
                    let field = &input.fields[name];
                    self.of_value(
                        field.ty.inner_named_type(),
                        weight(field.directives.get("cost")),
                        value,
                    )
                });
                own.unwrap_or(1.0) + inner.sum::<f64>()
            }
            _ => own.or_else(leaf).unwrap_or(0.0),
        }
    }
}

fn weight(directive: Option<&apollo_compiler::Node<ast::Directive>>) -> Option<f64> {
    directive?.specified_argument_by_name("weight")?.as_str()?.parse().ok()
}

static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
    let mut graph = graph(SHOP);
    let limits = &mut graph.limits;
    (limits.aliases, limits.directives, limits.root_fields, limits.duplicates) =
        (1_000, 1_000, 1_000, 1_000);
    graph
});

fn compare(bytes: Vec<u8>) -> bool {
    let mut choices = Choices(bytes.into_iter(), 120);
    let text = format!(
        "query($n: Int $m: Int = 4 $k: Int! $c: Boolean! $s: Search!) {}",
        choices.set("Query", 0).replacen("__typename", "__typename any: newest(limit: $k) @skip(if: $c) { title } used: either(first: $n last: $m) { title } other: search(by: {many: [$s]}) { __typename }", 1)
    );
    let graph = &*GRAPH;
    let document = ExecutableDocument::parse_and_validate(&graph.schema, &text, "x").unwrap();
    let executable = document.operations.get(None).unwrap();
    let operation = prepared(graph, &text);
    for (n, c) in [(json!(null), false), (json!(6), true), (json!(0), false)] {
        let raw = json!({ "n": n, "k": 9, "c": c, "s": { "text": "v" } });
        let values = object(json!({ "n": n, "m": 4, "k": 9, "c": c, "s": { "text": "v" } }));
        let naive = Naive { graph, document: &document, values: values.into_iter().collect() };
        let variables = variables(graph, &operation, raw);
        let found = operation.cost(graph, &variables).total;
        let expected = naive.operation(executable);
        assert!(
            (found - expected).abs() < 1e-6 * expected.max(1.0),
            "{text}\n{n} {c}: {found}, not {expected}"
        );
        assert!(found <= operation.cost.bound());
        let parts = operation.cost_parts(graph, Some(&variables));
        let sum: f64 = parts.iter().map(|part| part.times * part.weight + part.arguments).sum();
        // but for fields that cost less than nothing
        assert!(sum <= found + 1e-6 * found.max(1.0), "{text}");
    }
    text.len() > 600
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(11), ..ProptestConfig::default() })]

    #[test]
    fn the_tree_says_what_the_rules_say(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        compare(bytes);
    }
}
