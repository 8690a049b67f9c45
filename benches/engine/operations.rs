//! A whole operation over backends in memory: guard, parse, validate and plan; a warm run of 100 customers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cyclorama::backend::Backends;
use cyclorama::compile::{Files, compile};
use cyclorama::engine::{Engine, EngineSettings, Request};
use cyclorama::principal::Principal;
use cyclorama::transport::{MemoryWire, WireRequest, WireResponse};
use cyclorama::{operation, plan};
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::Bench;

const FILES: &[(&str, &str)] = &[
    ("cyclorama.yaml", include_str!("files/cyclorama.yaml")),
    ("schema/schema.graphql", include_str!("files/schema.graphql")),
    ("resolvers/roles.yaml", include_str!("files/roles.yaml")),
    ("resolvers/identity.yaml", include_str!("files/identity.yaml")),
    ("resolvers/crm/bench.yaml", include_str!("files/crm.yaml")),
    ("resolvers/billing/bench.yaml", include_str!("files/billing.yaml")),
    ("resolvers/support/bench.yaml", include_str!("files/support.yaml")),
];

const QUERY: &str = "query Page { customers(first: 100) { nodes { id name email \
     invoices(first: 5) { nodes { id number status total { amount currency } } } \
     tickets(first: 3) { nodes { id subject priority } } } } }";

pub(crate) fn run(bench: &Bench) {
    let compiled = compile(&Files::in_memory("cyclorama.yaml", FILES.iter().copied()));
    let graph = Arc::new(compiled.graph.expect("the files compile"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");

    bench.measure("operation: guard, parse, validate, plan", || {
        let prepared = operation::prepare(&graph, QUERY, None).expect("a valid operation");
        plan::plan(&graph, prepared)
    });

    // what backends answer is made once: their work is not ours
    let made: Mutex<HashMap<(String, Bytes), WireResponse>> = Mutex::default();
    let wire: MemoryWire = Arc::new(move |request| {
        let key = (request.url.clone(), request.body.clone());
        let mut made = made.lock().expect("one thread");
        let response = made.entry(key).or_insert_with(|| answer(&request)).clone();
        // a body of its own, as from a socket
        let body = Bytes::from(response.body.to_vec());
        std::future::ready(Ok(WireResponse { body, ..response })).boxed()
    });
    let backends = Backends::in_memory(Arc::clone(&graph), &wire);
    let engine =
        Engine::over(Arc::clone(&graph), backends, EngineSettings::default()).expect("an engine");
    let principal = Principal::anonymous();
    let execute = || {
        let request = Request { query: QUERY.to_owned(), ..Request::default() };
        runtime.block_on(engine.execute(request, &principal))
    };
    let first = execute();
    let shown: Value = serde_json::from_slice(&first.body).expect("JSON");
    assert_eq!(shown.get("errors"), None, "{shown:#}");
    assert_eq!(
        shown
            .pointer("/data/customers/nodes/99/tickets/nodes")
            .and_then(Value::as_array)
            .map(Vec::len),
        Some(3)
    );
    println!("{:48} {:>12} bytes", "operation: answer", first.body.len());
    // the first one over cached records keeps what it writes of them
    drop(execute());
    let allocations = allocation_counter::measure(|| drop(execute()));
    println!("{:48} {:>12} allocations", "operation: warm", allocations.count_total);
    bench.measure("operation: warm, 100 customers, 500 invoices, 300 tickets", execute);

    let cold = Engine::over(
        Arc::clone(&graph),
        Backends::in_memory(graph, &wire),
        EngineSettings::default(),
    );
    let cold = cold.expect("an engine");
    let mut tenant = 0_u32;
    bench.measure("operation: cold (a new tenant each time)", || {
        tenant += 1;
        let principal =
            Principal { tenant: Arc::from(tenant.to_string()), ..Principal::anonymous() };
        let request = Request { query: QUERY.to_owned(), ..Request::default() };
        runtime.block_on(cold.execute(request, &principal))
    });
}

fn answer(request: &WireRequest) -> WireResponse {
    let keys = || {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        body.get("keys").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let body = if request.url.contains("/customers") {
        let record = |number: u32| {
            json!({
                "id": format!("c{number}"), "name": format!("Customer {number}"), "email": format!("c{number}@example.com"),
                "billing": format!("b{number}"),
            })
        };
        json!({ "items": (0..100).map(record).collect::<Vec<_>>() })
    } else if request.url.contains("/invoices") {
        let record = |key: &Value, number: u32| {
            json!({
                "id": format!("{}-{number}", key.as_str().unwrap_or_default()), "account": key, "number": format!("2026-{number:05}"),
                "status": "open", "total": 123_456 + number, "currency": "EUR",
            })
        };
        json!({ "items": keys().iter().flat_map(|key| (0..5).map(move |number| record(key, number))).collect::<Vec<_>>() })
    } else {
        let record = |key: &Value, number: u32| {
            json!({
                "id": format!("{}-{number}", key.as_str().unwrap_or_default()), "email": key,
                "subject": format!("Question {number} about an order"), "priority": number,
            })
        };
        json!({ "items": keys().iter().flat_map(|key| (0..3).map(move |number| record(key, number))).collect::<Vec<_>>() })
    };
    WireResponse {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into(),
    }
}
