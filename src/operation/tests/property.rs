//! Random documents under all values of their variables: the same keys, in the same order, as a plain reading of the
//! specification gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::{DirectiveList, Field, Selection as Node, SelectionSet};
use proptest::prelude::*;

use super::*;

/// Choices drawn from bytes, so that fewer and smaller bytes make smaller documents.
struct Choices {
    bytes: std::vec::IntoIter<u8>,
    fragments: Vec<(&'static str, String)>,
    variables: BTreeSet<u8>,
    left: u32,
}

/// The types whose fragments may stand where objects of a type are selected.
fn overlapping(ty: &str) -> &'static [&'static str] {
    match ty {
        "Person" => &["Person", "Node", "Thing"],
        "Robot" => &["Robot", "Node"],
        "Rock" => &["Rock", "Thing"],
        "Node" => &["Node", "Person", "Robot", "Thing"],
        "Thing" => &["Thing", "Person", "Rock", "Node"],
        _ => &["Query"],
    }
}

/// Leaf fields, and fields with the type that they return.
fn fields(ty: &str) -> (&'static [&'static str], &'static [(&'static str, &'static str)]) {
    match ty {
        "Query" => (&["a", "b", "c"], &[("me", "Person"), ("node", "Node"), ("any", "Thing")]),
        "Person" => (&["id", "name", "label", "age"], &[("friend", "Person"), ("peer", "Node")]),
        "Robot" => (&["id", "model", "label"], &[("peer", "Node")]),
        "Rock" => (&["weight", "name"], &[]),
        "Node" => (&["id", "label"], &[("peer", "Node")]),
        _ => (&[], &[]),
    }
}

impl Choices {
    fn pick(&mut self, options: usize) -> usize {
        usize::from(self.bytes.next().unwrap_or(0)) % options
    }

    fn document(bytes: Vec<u8>) -> String {
        let mut choices = Self {
            bytes: bytes.into_iter(),
            fragments: Vec::new(),
            variables: BTreeSet::new(),
            left: 150,
        };
        let root = choices.set("Query", 0);
        let variables: Vec<_> =
            choices.variables.iter().map(|bit| format!("$v{bit}: Boolean!")).collect();
        let mut text = if variables.is_empty() { "query " } else { "query" }.to_owned();
        if !variables.is_empty() {
            write!(text, "({})", variables.join(", ")).unwrap();
        }
        text.push_str(&root);
        for (index, (ty, set)) in choices.fragments.iter().enumerate() {
            write!(text, "\nfragment F{index} on {ty} {set}").unwrap();
        }
        text
    }

    fn set(&mut self, ty: &'static str, depth: usize) -> String {
        let mut text = "{ ".to_owned();
        for _ in 0..=self.pick(4) {
            text.push_str(&self.selection(ty, depth));
            text.push(' ');
        }
        text.push('}');
        text
    }

    fn selection(&mut self, ty: &'static str, depth: usize) -> String {
        self.left = self.left.saturating_sub(1);
        let (leaves, composites) = fields(ty);
        let kind = if self.left == 0 || depth > 5 { 0 } else { self.pick(6) };
        match kind {
            2 if !composites.is_empty() => {
                let (name, returned) = composites[self.pick(composites.len())];
                let directives = self.directives();
                format!("{}{name}{directives} {}", self.alias(name), self.set(returned, depth + 1))
            }
            3 => {
                let conditions = overlapping(ty);
                let condition = conditions[self.pick(conditions.len())];
                let directives = self.directives();
                format!("... on {condition}{directives} {}", self.set(condition, depth + 1))
            }
            4 => {
                let directives = self.directives();
                format!("...{directives} {}", self.set(ty, depth + 1))
            }
            5 => self.spread(ty, depth),
            _ => {
                let names = leaves.len() + 1;
                let name = leaves.get(self.pick(names)).copied().unwrap_or("__typename");
                format!("{}{name}{}", self.alias(name), self.directives())
            }
        }
    }

    /// A finished fragment again, or a new one: so none spreads itself, and all are used.
    fn spread(&mut self, ty: &'static str, depth: usize) -> String {
        let conditions = overlapping(ty);
        let known: Vec<_> = (0..self.fragments.len())
            .filter(|index| conditions.contains(&self.fragments[*index].0))
            .collect();
        let index = if known.is_empty() || self.pick(2) == 0 {
            let condition = conditions[self.pick(conditions.len())];
            let set = self.set(condition, depth + 1);
            self.fragments.push((condition, set));
            self.fragments.len() - 1
        } else {
            known[self.pick(known.len())]
        };
        format!("...F{index}{}", self.directives())
    }

    fn alias(&mut self, name: &str) -> String {
        if self.pick(4) == 3 {
            format!("x{}: ", name.trim_start_matches('_'))
        } else {
            String::new()
        }
    }

    fn directives(&mut self) -> String {
        let variable = |choices: &mut Self| {
            let bit = u8::try_from(choices.pick(4)).unwrap();
            choices.variables.insert(bit);
            bit
        };
        match self.pick(8) {
            3 => " @include(if: true)".to_owned(),
            4 => " @skip(if: true)".to_owned(),
            5 => format!(" @include(if: $v{})", variable(self)),
            6 => format!(" @skip(if: $v{})", variable(self)),
            7 => format!(" @skip(if: $v{}) @include(if: $v{})", variable(self), variable(self)),
            _ => String::new(),
        }
    }
}

/// A valid document on the schema of these tests.
pub(super) fn random_document(bytes: Vec<u8>) -> String {
    Choices::document(bytes)
}

/// The specification's algorithms, word for word, with the variables known.
struct Naive<'a> {
    graph: &'a Graph,
    document: &'a ExecutableDocument,
    values: &'a BTreeMap<String, bool>,
}

impl<'a> Naive<'a> {
    fn show(&self, ty: &str, sets: &[&'a SelectionSet], text: &mut String) {
        let mut grouped: Vec<(&str, Vec<&'a Field>)> = Vec::new();
        let mut visited = BTreeSet::new();
        for set in sets {
            self.collect(ty, set, &mut visited, &mut grouped);
        }
        write!(text, "{ty}{{").unwrap();
        for (key, fields) in grouped {
            write!(text, "{key}={} ", fields[0].name).unwrap();
            let returned = self.graph.type_named(fields[0].ty().inner_named_type());
            for possible in
                returned.map(|returned| possible(self.graph, returned)).unwrap_or_default()
            {
                let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
                self.show(&self.graph.ty(possible).name, &sets, text);
            }
        }
        text.push('}');
    }

    fn collect(
        &self,
        ty: &str,
        set: &'a SelectionSet,
        visited: &mut BTreeSet<&'a str>,
        grouped: &mut Vec<(&'a str, Vec<&'a Field>)>,
    ) {
        for selection in &set.selections {
            if !self.is_included(selection.directives()) {
                continue;
            }
            match selection {
                Node::Field(field) => {
                    let key = field.response_key().as_str();
                    match grouped.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, fields)) => fields.push(field),
                        None => grouped.push((key, vec![field])),
                    }
                }
                Node::FragmentSpread(spread) => {
                    let fragment = &self.document.fragments[&spread.fragment_name];
                    if visited.insert(spread.fragment_name.as_str())
                        && applies(self.graph, fragment.type_condition(), ty)
                    {
                        self.collect(ty, &fragment.selection_set, visited, grouped);
                    }
                }
                Node::InlineFragment(inline) => {
                    let condition = inline.type_condition.as_ref();
                    if condition.is_none_or(|condition| applies(self.graph, condition, ty)) {
                        self.collect(ty, &inline.selection_set, visited, grouped);
                    }
                }
            }
        }
    }

    fn is_included(&self, directives: &DirectiveList) -> bool {
        let value = |name: &str| {
            let argument = directives.get(name)?.specified_argument_by_name("if")?;
            Some(
                argument
                    .to_bool()
                    .unwrap_or_else(|| self.values[argument.as_variable().unwrap().as_str()]),
            )
        };
        value("skip") != Some(true) && value("include") != Some(false)
    }
}

fn possible(graph: &Graph, ty: TypeId) -> Vec<TypeId> {
    use crate::graph::TypeKind;
    match &graph.ty(ty).kind {
        TypeKind::Object => vec![ty],
        TypeKind::Interface { possible } | TypeKind::Union { possible } => possible.clone(),
        _ => Vec::new(),
    }
}

fn applies(graph: &Graph, condition: &str, ty: &str) -> bool {
    possible(graph, graph.type_named(condition).unwrap()).contains(&graph.type_named(ty).unwrap())
}

fn show(graph: &Graph, selection: &Selection, truths: u64, text: &mut String) {
    for branch in &selection.branches {
        write!(text, "{}{{", graph.ty(branch.ty).name).unwrap();
        let mut written = BTreeSet::new();
        for entry in &branch.order {
            if !entry.when.holds(truths) || entry.unless.iter().any(|unless| unless.holds(truths)) {
                continue;
            }
            assert!(written.insert(entry.field), "a key is written twice");
            let field = &branch.fields[entry.field];
            let name = match field.target {
                Target::Field(id) => &*graph.field(branch.ty, id).name,
                _ => "__typename",
            };
            write!(text, "{}={name} ", field.response_key).unwrap();
            if let Some(inner) = &field.selection {
                show(graph, inner, truths, text);
            }
        }
        for (index, field) in branch.fields.iter().enumerate() {
            // `when` counts from the root: below a parent that is written it says whether the field is
            assert_eq!(
                field.when.holds(truths),
                written.contains(&index),
                "{}",
                field.response_key
            );
        }
        text.push('}');
    }
}

fn compare(graph: &Graph, text: &str) {
    let operation = prepared(graph, text);
    let document = ExecutableDocument::parse_and_validate(&graph.schema, text, "x").unwrap();
    let executable = document.operations.get(None).unwrap();
    for truths in 0..16_u32 {
        let values: BTreeMap<String, bool> = executable
            .variables
            .iter()
            .zip(0..)
            .map(|(v, bit)| (v.name.to_string(), truths >> bit & 1 == 1))
            .collect();
        let raw = values.iter().map(|(name, value)| (name.clone(), Value::Bool(*value))).collect();
        let bits = operation.truths(&coerce_variables(graph, &operation, &raw).unwrap());
        let (mut found, mut expected) = (String::new(), String::new());
        show(graph, &operation.root, bits, &mut found);
        Naive { graph, document: &document, values: &values }.show(
            "Query",
            &[&executable.selection_set],
            &mut expected,
        );
        assert_eq!(found, expected, "{text}\n{values:?}");
    }
}

static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
    let graph = graph(SDL);
    let limits = Limits {
        directives: 1_000,
        selections: 100_000,
        aliases: 1_000,
        root_fields: 1_000,
        ..graph.limits.clone()
    };
    Graph { limits, ..graph }
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn keys_stand_in_the_order_of_the_specification(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        compare(&GRAPH, &Choices::document(bytes));
    }
}
