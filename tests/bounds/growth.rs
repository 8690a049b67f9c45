//! What running an operation asks of the allocator: few times when its records are in the cache, however many they are, and
//! otherwise in proportion to what is asked for.

use std::sync::Arc;

use allocation_counter::AllocationInfo;
use cyclorama::backend::Backends;
use cyclorama::compile::{Files, compile};
use cyclorama::engine::{Engine, EngineSettings, Request};
use cyclorama::principal::Principal;
use cyclorama::transport::{MemoryWire, WireRequest, WireResponse};
use futures_util::FutureExt;
use serde_json::{Value, json};

const SETTINGS: &str = "listen: 127.0.0.1:0\n\
    roles: { crm: { vendor: bench }, billing: { vendor: bench }, support: { vendor: bench } }\n\
    cache: { ttl: 1h, size: 1GiB }\n\
    pages: { max: 10000 }\n\
    deadline: 10m\n";

const FILES: &[(&str, &str)] = &[
    ("cyclorama.yaml", SETTINGS),
    ("schema/schema.graphql", include_str!("../../benches/engine/files/schema.graphql")),
    ("resolvers/roles.yaml", include_str!("../../benches/engine/files/roles.yaml")),
    ("resolvers/identity.yaml", include_str!("../../benches/engine/files/identity.yaml")),
    ("resolvers/crm/bench.yaml", include_str!("../../benches/engine/files/crm.yaml")),
    ("resolvers/billing/bench.yaml", include_str!("../../benches/engine/files/billing.yaml")),
    ("resolvers/support/bench.yaml", include_str!("../../benches/engine/files/support.yaml")),
];

/// What the operation asks of the allocator, before and after its records are in the cache.
struct Asked {
    cold: AllocationInfo,
    warm: AllocationInfo,
}

fn run(customers: usize, each: usize) -> Asked {
    let compiled = compile(&Files::in_memory("cyclorama.yaml", FILES.iter().copied()));
    let graph = Arc::new(compiled.graph.unwrap());
    let wire: MemoryWire =
        Arc::new(move |request| std::future::ready(Ok(answer(&request, customers, each))).boxed());
    let backends = Backends::in_memory(Arc::clone(&graph), &wire);
    let engine = Engine::over(graph, backends, EngineSettings::default()).unwrap();
    // nothing waits, and no allocation is for the sake of time that has passed
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let principal = Principal::anonymous();
    let query = format!(
        "{{ customers(first: {customers}) {{ nodes {{ id name email \
         invoices(first: 5) {{ nodes {{ id number status total {{ amount currency }} }} }} \
         tickets(first: 3) {{ nodes {{ id subject priority }} }} }} }} }}"
    );
    let execute = || {
        let request = Request { query: query.clone(), ..Request::default() };
        let answer = runtime.block_on(engine.execute(request, &principal)).body;
        let text = std::str::from_utf8(&answer).unwrap();
        assert!(text.starts_with("{\"data\":{") && !text.contains("\"errors\""), "{text:.300}");
        assert_eq!(text.matches("\"subject\":").count(), customers * each.min(3));
    };
    let cold = allocation_counter::measure(execute);
    // the plan and the store's own tables are made by now
    execute();
    Asked { cold, warm: allocation_counter::measure(execute) }
}

fn answer(request: &WireRequest, customers: usize, each: usize) -> WireResponse {
    let keys = || {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        body["keys"].as_array().unwrap().clone()
    };
    let records = |make: &dyn Fn(&str, usize) -> Value| -> Vec<Value> {
        let keys = keys();
        let texts = keys.iter().map(|key| key.as_str().unwrap());
        texts.flat_map(|key| (0..each).map(move |number| make(key, number))).collect()
    };
    let items: Vec<Value> = if request.url.contains("/customers") {
        let customer = |number| json!({ "id": format!("c{number}"), "name": "A name", "email": format!("c{number}@example.com"), "billing": format!("b{number}") });
        (0..customers).map(customer).collect()
    } else if request.url.contains("/invoices") {
        records(
            &|key, number| json!({ "id": format!("{key}-{number}"), "account": key, "number": "2026-1", "status": "open", "total": 123_456, "currency": "EUR" }),
        )
    } else {
        records(
            &|key, number| json!({ "id": format!("{key}-{number}"), "email": key, "subject": "A question", "priority": number }),
        )
    };
    WireResponse {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: json!({ "items": items }).to_string().into(),
    }
}

/// 100 customers with 5 invoices and 3 tickets each.
#[test]
fn an_operation_over_cached_records_allocates_a_few_dozen_times() {
    let count = run(100, 5).warm.count_total;
    println!("{count} allocations");
    assert!(count <= 90, "{count} allocations");
}

#[test]
fn what_an_operation_allocates_does_not_grow_faster_than_its_parents() {
    let [few, many, most] = [10, 1_000, 10_000].map(|customers| run(customers, 1));
    println!(
        "warm: {}, {}, {} allocations of {}, {}, {} bytes; cold: {}, {}, {}",
        few.warm.count_total,
        many.warm.count_total,
        most.warm.count_total,
        few.warm.bytes_total,
        many.warm.bytes_total,
        most.warm.bytes_total,
        few.cold.count_total,
        many.cold.count_total,
        most.cold.count_total,
    );
    assert!(
        most.warm.count_total <= few.warm.count_total * 3,
        "warm: for 10,000 hardly more than for 10"
    );
    // large answers are written to room that doubles
    assert!(most.warm.bytes_total <= many.warm.bytes_total * 20, "warm: as many bytes for each");
    assert!(most.cold.count_total <= many.cold.count_total * 11, "cold: as often for each");
    assert!(most.cold.bytes_total <= many.cold.bytes_total * 11, "cold: as many bytes for each");
}
