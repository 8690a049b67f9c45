//! A whole operation over backends in memory: guard, parse, validate and plan; a warm run of 100 customers; a cold one.

use std::sync::Arc;

use cyclorama::config::settings::{KnownDocument, KnownOperations};
use cyclorama::engine::{EngineSettings, Request};
use cyclorama::principal::Principal;
use cyclorama::{operation, plan};
use serde_json::Value;

use crate::Bench;
use crate::world::{Records, World, page, tenant};

pub(crate) fn run(bench: &Bench) {
    let records = Records { customers: 100, invoices: 5, tickets: 3 };
    let world = World::new(records, "cache: { ttl: 1h }\n", EngineSettings::default());
    let query = page(100);
    let graph = world.engine.graph();

    bench.measure("operation: guard, parse, validate", || {
        operation::prepare(graph, &query, None).expect("a valid operation")
    });
    bench.measure("operation: plan of a document (all before the first call)", || {
        let prepared = operation::prepare(graph, &query, None).expect("a valid operation");
        plan::plan(graph, prepared).expect("few steps")
    });

    let first = world.ask(&query);
    let shown: Value = serde_json::from_slice(&first).expect("JSON");
    assert_eq!(shown.get("errors"), None, "{shown:#}");
    assert_eq!(
        shown
            .pointer("/data/customers/nodes/99/tickets/nodes")
            .and_then(Value::as_array)
            .map(Vec::len),
        Some(3)
    );
    // the first one over cached records keeps what it writes of them
    drop(world.ask(&query));
    if bench.is_timed() {
        println!("{:48} {:>12} bytes", "operation: answer", first.len());
    }
    bench
        .measure("operation: warm, 100 customers, 500 invoices, 300 tickets", || world.ask(&query));

    let known = KnownDocument { ids: vec![Arc::from("page")], text: Arc::from(page(1)) };
    let known = KnownOperations { documents: Arc::from([known]), ..KnownOperations::default() };
    let settings = EngineSettings { known, ..EngineSettings::default() };
    let records = Records { customers: 1, invoices: 5, tickets: 3 };
    let small = World::new(records, "cache: { ttl: 1h }\n", settings);
    let by_id = || Request { id: Some("page".to_owned()), ..Request::default() };
    let run_by_id = || small.run(&Principal::anonymous(), by_id());
    drop(run_by_id());
    bench.measure("operation: known by its id, warm, one customer", run_by_id);

    let mut number = 0;
    bench.measure("operation: cold (a new tenant each time)", || {
        number += 1;
        world.ask_as(&tenant(number), &query)
    });
}
