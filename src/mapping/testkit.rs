//! A graph and a call small enough for tests of mappings.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;

use super::{Mapping, Path, Payload};
use crate::graph::{
    AnswerLimits, BackendId, CacheLimits, Call, Effect, ErrorPaths, Graph, KeyMode, Limits, Method,
    Normalizer, RequestTemplate, RestTemplate, Shape, ShapeId, Slot, Stale, Type, TypeId, TypeKind,
};
use crate::template::UrlTemplate;
use crate::value::{Answer, Cell};

pub(super) const LIMITS: AnswerLimits = AnswerLimits { body_bytes: 10 << 20, depth: 64 };

pub(super) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

pub(super) fn json(text: &str) -> Payload {
    Payload::json(bytes::Bytes::from(text.to_owned()), LIMITS).unwrap()
}

pub(super) fn slot(name: &str, mapping: Mapping) -> Slot {
    Slot { name: Arc::from(name), mapping, needs: Vec::new() }
}

pub(super) fn shape(name: &str, slots: Vec<Slot>) -> Shape {
    Shape {
        name: Arc::from(name),
        ty: TypeId(0),
        slots,
        field_slots: Vec::new(),
        named_slots: Vec::new(),
        id_slot: None,
        url: None,
        pick: None,
    }
}

/// A graph of these shapes, with one type, `Thing`.
pub(super) fn graph(shapes: Vec<Shape>) -> Graph {
    static SCHEMA: OnceLock<Arc<Valid<Schema>>> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        Arc::new(Schema::parse_and_validate("type Query { thing: Int }", "schema.graphql").unwrap())
    });
    Graph {
        fingerprint: 0,
        sdl: Arc::from(""),
        schema: Arc::clone(schema),
        types: vec![Type {
            name: Arc::from("Thing"),
            kind: TypeKind::Object,
            fields: Vec::new(),
            field_names: rustc_hash::FxHashMap::default(),
            parts: Vec::new(),
            access: None,
            uncovered_roles: Vec::new(),
        }],
        type_names: rustc_hash::FxHashMap::default(),
        query: TypeId(0),
        mutation: None,
        federation: None,
        derived: Vec::new(),
        merged: Vec::new(),
        shapes,
        calls: Vec::new(),
        backends: Vec::new(),
        limits: Limits::default(),
        introspection_enabled: true,
        suggestions_enabled: true,
        incremental_enabled: true,
        deadline: Duration::from_secs(15),
        page_size_max: 100,
        page_size: 20,
        cache: CacheLimits::default(),
        ages: crate::graph::SchemaAges::default(),
        weights: crate::graph::Weights::default(),
        cost: crate::graph::CostSettings::default(),
        forward_headers: Vec::new(),
    }
}

pub(super) fn call(records: Option<&str>, answers: &[&str], normalizer: Normalizer) -> Call {
    Call {
        name: Arc::from("things"),
        backend: BackendId(0),
        fingerprint: 0,
        request: RequestTemplate::Rest(RestTemplate {
            method: Method::Get,
            url: UrlTemplate::parse("/things").unwrap(),
            query: Vec::new(),
            headers: Vec::new(),
            variables: Vec::new(),
            body: None,
        }),
        inputs: Vec::new(),
        keys: KeyMode::None,
        pages: None,
        order: None,
        records: records.map(path),
        only: None,
        answers: answers.iter().map(|text| path(text)).collect(),
        answers_normalizer: normalizer,
        inside: None,
        inside_name: None,
        cut: None,
        longest: None,
        also: None,
        success: None,
        errors: ErrorPaths::default(),
        refused: None,
        missing: Vec::new(),
        projects: false,
        needs: Vec::new(),
        ttl: None,
        stale: Stale::default(),
        timeout: Duration::from_secs(1),
        effect: Effect::Read,
        group: 0,
        idempotency_header: None,
        is_idempotent: false,
        drops: Vec::new(),
        tags: Vec::new(),
        fills: Vec::new(),
        answer_limits: LIMITS,
        contract: None,
    }
}

/// An answer's rows as JSON; a problem is `!` and its message, a slot that was not asked for is left out.
pub(super) fn rows(graph: &Graph, answer: &Answer) -> String {
    let mut out = Vec::new();
    for row in &answer.rows {
        out.push(print(graph, answer, *row));
    }
    out.join("\n")
}

fn print(graph: &Graph, answer: &Answer, cell: Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Absent => "absent".to_owned(),
        Cell::Text { .. } => {
            let text = answer.json(cell).unwrap();
            serde_json::from_str::<serde_json::Value>(text)
                .unwrap_or_else(|error| panic!("{error}: {text}"));
            text.to_owned()
        }
        Cell::Record { shape, start } => {
            let slots = &graph.shape(shape).slots;
            let members =
                (start..).zip(slots).filter(|(index, _)| answer.cell(*index) != Cell::Absent);
            let members: Vec<_> = members
                .map(|(index, slot)| {
                    format!("{}:{}", slot.name, print(graph, answer, answer.cell(index)))
                })
                .collect();
            format!("{{{}}}", members.join(" "))
        }
        Cell::List { start, end } => {
            let items: Vec<_> =
                (start..end).map(|index| print(graph, answer, answer.cell(index))).collect();
            format!("[{}]", items.join(" "))
        }
        Cell::Problem(index) => format!("!{}", answer.problems[index as usize].message),
    }
}

pub(super) const FIRST: ShapeId = ShapeId(0);
