#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "short texts, made for reading"
)]

use std::sync::Arc;
use std::time::Duration;

use apollo_compiler::Schema;
use serde_json::{Map, Value, json};

use super::*;
use crate::compile::directives::{incremental, prelude};
use crate::compile::{costs, types};
use crate::graph::{CacheLimits, Limits};

mod arguments;
mod attacks;
mod bombs;
mod coercion;
mod cost;
mod cost_rules;
mod errors;
mod introspection;
mod normalized;
mod property;
mod soup;

/// A graph of types alone, no calls.
pub(crate) fn graph(sdl: &str) -> Graph {
    let document = apollo_compiler::ast::Document::parse(sdl, "schema.graphql").unwrap();
    let sdl = format!("{sdl}\n{}{}", prelude([&document]), incremental([&document]));
    let schema = Schema::parse_and_validate(&sdl, "schema.graphql").unwrap();
    let types = types::types(&schema);
    let weights = costs::weights(&schema, &types.types, &types.names, None);
    Graph {
        weights,
        cost: crate::graph::CostSettings::default(),
        fingerprint: 0,
        sdl: Arc::from(sdl),
        schema: Arc::new(schema),
        types: types.types,
        type_names: types.names,
        query: types.query.unwrap(),
        mutation: types.mutation,
        federation: None,
        derived: Vec::new(),
        merged: Vec::new(),
        shapes: Vec::new(),
        calls: Vec::new(),
        backends: Vec::new(),
        limits: Limits::default(),
        introspection_enabled: true,
        suggestions_enabled: true,
        incremental_enabled: true,
        deadline: Duration::from_secs(15),
        page_size_max: 100,
        page_size: 20,
        cache: CacheLimits { ..CacheLimits::default() },
        ages: crate::graph::SchemaAges::default(),
        forward_headers: Vec::new(),
    }
}

pub(crate) const SDL: &str = r#"
type Query {
  a: Int
  b: Int
  c: String
  me: Person
  node: Node
  nodes: [Node!]
  any: Thing
  search(text: String = "x", first: Int! = 10, filter: Filter, tags: [String!], kinds: [[Kind]], raw: Any, id: ID, ratio: Float): [Thing]
  money(amount: Decimal, on: Date, at: DateTime, in: CurrencyCode): Int
  by(key: Key): Person
  need(id: ID!, flag: Boolean): Person
}
type Mutation { add(input: Filter!): Person  touch: Int }
interface Node { id: ID! peer: Node label(long: Boolean = false): String }
type Person implements Node { id: ID! peer: Node name: String label(long: Boolean = true): String friend: Person age: Int }
type Robot implements Node { id: ID! peer: Node model: String label(long: Boolean = false): String }
type Rock { weight: Float name: String }
union Thing = Person | Rock
enum Kind { SOFT HARD }
input Filter { kind: Kind = SOFT text: String! limit: Int = 5 inner: Filter lines: [Line!] note: String }
input Line { amount: Float! sku: ID }
input Key @oneOf { id: ID email: String }
scalar Any
scalar Decimal
scalar Date
scalar DateTime
scalar CurrencyCode
"#;

pub(super) fn prepared(graph: &Graph, document: &str) -> Operation {
    prepare(graph, document, None).unwrap_or_else(|errors| panic!("{document}: {errors:?}"))
}

pub(super) fn refused(graph: &Graph, document: &str) -> Vec<RequestError> {
    match prepare(graph, document, None) {
        Ok(_) => panic!("not refused: {document}"),
        Err(errors) => {
            assert!(!errors.is_empty(), "{document}");
            errors
        }
    }
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

pub(super) fn variables(graph: &Graph, operation: &Operation, raw: Value) -> Variables {
    coerce_variables(graph, operation, &object(raw)).unwrap()
}
