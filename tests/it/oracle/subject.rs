//! What is compared: a schema with the files that make a graph of it, and random data for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use cyclorama::compile::{Files, compile};
use cyclorama::config::settings::Secret;
use cyclorama::graph::Graph;
use serde_json::Value;

use super::{data, shipped};

/// What the backend answers, by path.
pub(super) type Replies = BTreeMap<String, (u16, Vec<u8>)>;

/// A schema that is compared.
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) graph: Arc<Graph>,
    pub(super) cursor_secret: Option<Secret>,
    /// Random data by seed.
    pub(super) world: fn(&Graph, u64) -> Value,
    pub(super) replies: fn(&Value) -> Replies,
    /// Fields and arguments that no operation uses: `name` or `Type.name`.
    pub(super) without: &'static [&'static str],
    /// Values for a scalar, where not any will do.
    pub(super) scalars: fn(&str) -> Option<Vec<Value>>,
    /// Names of fields that have other types in other types.
    pub(super) differing: BTreeSet<String>,
}

impl Subject {
    /// One of everything.
    pub(super) fn torture() -> Self {
        let files = [
            ("cyclorama.yaml", include_str!("../../oracle/torture/cyclorama.yaml").to_owned()),
            (
                "schema/schema.graphql",
                include_str!("../../oracle/torture/schema.graphql").to_owned(),
            ),
            ("resolvers/roles.yaml", include_str!("../../oracle/torture/roles.yaml").to_owned()),
            (
                "resolvers/one/torture.yaml",
                include_str!("../../oracle/torture/vendor.yaml").to_owned(),
            ),
        ];
        let (graph, cursor_secret) = compiled(&files);
        Self {
            name: "torture",
            cursor_secret,
            world: |_, seed| data::world(seed),
            replies: data::replies,
            without: &[],
            differing: differing(&graph.schema),
            graph,
            scalars: |_| None,
        }
    }

    /// Any files, without data.
    pub(super) fn of_files(name: &'static str, files: &[(&'static str, String)]) -> Self {
        let (graph, cursor_secret) = compiled(files);
        Self {
            name,
            cursor_secret,
            world: |_, _| Value::Null,
            replies: |_| Replies::new(),
            without: &[],
            differing: BTreeSet::new(),
            graph,
            scalars: |_| None,
        }
    }

    /// The shipped files themselves.
    pub(super) fn shipped_as_it_is() -> Self {
        let compiled =
            compile(&Files::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cyclorama.yaml")));
        let graph = Arc::new(compiled.graph.expect("a graph"));
        Self { graph, ..Self::of_files("as it is", &shipped::files()) }
    }

    /// The schema that the project ships, over one backend that speaks its words.
    pub(super) fn shipped() -> Self {
        let (graph, cursor_secret) = compiled(&shipped::files());
        Self {
            name: "shipped",
            cursor_secret,
            world: shipped::world,
            replies: shipped::replies,
            without: shipped::WITHOUT,
            differing: differing(&graph.schema),
            graph,
            scalars: shipped::scalars,
        }
    }

    /// Whether operations do not use this field (or argument of a field) of a type.
    pub(super) fn leaves_out(&self, ty: &str, name: &str) -> bool {
        self.without.iter().any(|one| {
            one.split_once('.').map_or(*one == name, |(owner, field)| owner == ty && field == name)
        })
    }
}

fn differing(schema: &Schema) -> BTreeSet<String> {
    let mut types: BTreeMap<&str, String> = BTreeMap::new();
    let mut differing = BTreeSet::new();
    for ty in schema.types.values() {
        let fields = match ty {
            ExtendedType::Object(ty) => &ty.fields,
            ExtendedType::Interface(ty) => &ty.fields,
            _ => continue,
        };
        for (name, field) in fields {
            let text = field.ty.to_string();
            if types.entry(name).or_insert_with(|| text.clone()) != &text {
                differing.insert(name.to_string());
            }
        }
    }
    differing
}

fn compiled(files: &[(&'static str, String)]) -> (Arc<Graph>, Option<Secret>) {
    let files = files.iter().map(|(name, text)| (*name, text.as_str()));
    let compiled = compile(&Files::in_memory("cyclorama.yaml", files));
    let problems: Vec<String> = compiled
        .diagnostics
        .iter()
        .filter(|one| one.severity == cyclorama::diagnostic::Severity::Error)
        .map(|one| format!("{one:?}"))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
    (Arc::new(compiled.graph.expect("a graph")), compiled.settings.cursor_secret)
}
