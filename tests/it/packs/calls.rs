//! Every call of a vendor file as the request that goes out, so that a contract is held against all of them.

use std::sync::Arc;

use cyclorama::graph::{Call, Graph, KeyMode};
use cyclorama::principal::Principal;
use cyclorama::template::Inputs;
use cyclorama::transport::{WireRequest, request};
use cyclorama::value::{Key, PageState};
use serde_json::{Map, Value};

/// What a call is made with.
pub(crate) struct With<'a> {
    pub(crate) keys: &'a [&'a str],
    pub(crate) arguments: Value,
    /// Variables of a page that is not the first.
    pub(crate) page: &'a [(&'a str, &'a str)],
}

impl Default for With<'_> {
    fn default() -> Self {
        Self { keys: &["101", "102"], arguments: Value::Object(Map::new()), page: &[] }
    }
}

/// The requests of all calls of a backend, by the calls' names: the first page, and where there are pages a later one.
pub(crate) fn requests<'w>(
    graph: &Graph,
    role: &str,
    with: impl Fn(&str) -> With<'w>,
) -> Vec<(String, WireRequest)> {
    let mut requests = Vec::new();
    for call in graph.calls.iter().filter(|call| *graph.backend(call.backend).role == *role) {
        let with = with(&call.name);
        requests.push((call.name.to_string(), one(graph, call, &with, None)));
        if call.pages.is_some() {
            let pairs = with.page.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let page = PageState(pairs.collect());
            assert!(!with.page.is_empty(), "{} has pages: say how they go on", call.name);
            requests.push((call.name.to_string(), one(graph, call, &with, Some(&page))));
        }
    }
    assert!(!requests.is_empty());
    requests
}

fn one(graph: &Graph, call: &Call, with: &With<'_>, page: Option<&PageState>) -> WireRequest {
    let keys: Vec<Key> = match &call.keys {
        KeyMode::None => vec![Key::unit()],
        KeyMode::PerKey { .. } => with.keys.iter().take(1).map(|key| Key::new(key)).collect(),
        KeyMode::Batch { .. } => with.keys.iter().map(|key| Key::new(key)).collect(),
    };
    let Value::Object(arguments) = with.arguments.clone() else {
        panic!("arguments are an object")
    };
    let fields = fields(graph, call);
    let inputs = Inputs {
        keys: &keys,
        arguments: &arguments,
        fields: &fields,
        page,
        page_size: Some(20),
        principal: &Principal::anonymous(),
        known: None,
    };
    request(graph.backend(call.backend), call, inputs)
        .unwrap_or_else(|error| panic!("{}: {error:?}", call.name))
}

/// All properties that the records of a call can be asked for.
fn fields(graph: &Graph, call: &Call) -> Vec<Arc<str>> {
    let mut names = call.needs.clone();
    for ty in &graph.types {
        for part in ty.parts.iter().filter(|part| part.backend == call.backend) {
            let is_loaded_by = part.keys.iter().any(|key| {
                key.call.is_some_and(|id| {
                    graph.call(id).name == call.name
                        || call.fills.iter().any(|fill| fill.call == id)
                })
            });
            if is_loaded_by || answers(graph, call, part.shape) {
                names.extend(
                    graph.shape(part.shape).slots.iter().flat_map(|slot| slot.needs.clone()),
                );
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

/// Does a field give records of this shape by this call?
fn answers(graph: &Graph, call: &Call, shape: cyclorama::graph::ShapeId) -> bool {
    graph.types.iter().flat_map(|ty| &ty.fields).any(|field| match &field.source {
        cyclorama::graph::Source::Call(source) => {
            source.shape == shape && graph.call(source.call).name == call.name
        }
        _ => false,
    })
}
