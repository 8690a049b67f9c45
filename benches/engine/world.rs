//! Backends in memory and the engine over them: for the benchmarks, and for the bounds that tests hold the engine to.
//!
//! Gives: engines over customers with invoices and tickets; requests run to their end on this thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cyclorama::backend::Backends;
use cyclorama::compile::{Files, compile};
use cyclorama::engine::{Engine, EngineSettings, Request};
use cyclorama::principal::Principal;
use cyclorama::transport::{MemoryWire, WireRequest, WireResponse};
use futures_util::FutureExt;
use serde_json::{Value, json};

const FILES: &[(&str, &str)] = &[
    ("schema/schema.graphql", include_str!("files/schema.graphql")),
    ("resolvers/roles.yaml", include_str!("files/roles.yaml")),
    ("resolvers/identity.yaml", include_str!("files/identity.yaml")),
    ("resolvers/crm/bench.yaml", include_str!("files/crm.yaml")),
    ("resolvers/billing/bench.yaml", include_str!("files/billing.yaml")),
    ("resolvers/support/bench.yaml", include_str!("files/support.yaml")),
];

const ROLES: &str = "listen: 127.0.0.1:0\n\
    roles: { crm: { vendor: bench }, billing: { vendor: bench }, support: { vendor: bench } }\n\
    deadline: 10m\n";

/// Bounds of a deployment that asks for much.
pub(crate) const MUCH: &str = "pages: { max: 10000 }\nlimits: { steps: 1000000, objects: 1000000, aliases: 5000, selections: 10000, tokens: 20000 }\n";

/// How many records backends have.
#[derive(Clone, Copy)]
pub(crate) struct Records {
    pub(crate) customers: usize,
    /// Of each customer.
    pub(crate) invoices: usize,
    pub(crate) tickets: usize,
}

/// The engine, and what drives it.
pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    runtime: tokio::runtime::Runtime,
}

impl World {
    /// With these words in `cyclorama.yaml` besides the roles.
    pub(crate) fn new(records: Records, deployment: &str, settings: EngineSettings) -> Self {
        let deployment = format!("{ROLES}{deployment}");
        let files = FILES.iter().copied().chain([("cyclorama.yaml", deployment.as_str())]);
        let compiled = compile(&Files::in_memory("cyclorama.yaml", files));
        let graph = Arc::new(compiled.graph.expect("the files compile"));
        let backends = Backends::in_memory(Arc::clone(&graph), &wire(records));
        let engine = Engine::over(graph, backends, settings).expect("an engine");
        // nothing waits, and no allocation is for the sake of time that has passed
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        Self { engine, runtime }
    }

    pub(crate) fn ask(&self, query: &str) -> Bytes {
        self.ask_as(&Principal::anonymous(), query)
    }

    /// A tenant shares nothing with another: the first answer to each is cold.
    pub(crate) fn ask_as(&self, principal: &Principal, query: &str) -> Bytes {
        self.run(principal, Request { query: query.to_owned(), ..Request::default() })
    }

    pub(crate) fn run(&self, principal: &Principal, request: Request) -> Bytes {
        self.runtime.block_on(self.engine.execute(request, principal)).body
    }
}

pub(crate) fn tenant(number: usize) -> Principal {
    Principal { tenant: Arc::from(number.to_string()), ..Principal::anonymous() }
}

/// A page of customers with what is theirs.
pub(crate) fn page(customers: usize) -> String {
    format!(
        "query Page {{ customers(first: {customers}) {{ nodes {{ id name email \
         invoices(first: 5) {{ nodes {{ id number status total {{ amount currency }} }} }} \
         tickets(first: 3) {{ nodes {{ id subject priority }} }} }} }} }}"
    )
}

/// What backends answer is made once: their work is not ours.
fn wire(records: Records) -> MemoryWire {
    let made: Mutex<HashMap<(String, Bytes), WireResponse>> = Mutex::default();
    Arc::new(move |request| {
        let key = (request.url.clone(), request.body.clone());
        let mut made = made.lock().expect("one thread");
        let response = made.entry(key).or_insert_with(|| answer(&request, records)).clone();
        // a body of its own, as from a socket
        let body = Bytes::from(response.body.to_vec());
        std::future::ready(Ok(WireResponse { body, ..response })).boxed()
    })
}

fn answer(request: &WireRequest, records: Records) -> WireResponse {
    let of_each = |count: usize, make: &dyn Fn(&str, usize) -> Value| -> Vec<Value> {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let keys = body.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
        let texts = keys.iter().filter_map(Value::as_str);
        texts.flat_map(|key| (0..count).map(move |number| make(key, number))).collect()
    };
    let items = if request.url.contains("/customers") {
        let record = |number| {
            json!({
                "id": format!("c{number}"), "name": format!("Customer {number}"),
                "email": format!("c{number}@example.com"), "billing": format!("b{number}"),
            })
        };
        (0..records.customers).map(record).collect()
    } else if request.url.contains("/invoices") {
        of_each(records.invoices, &|key, number| {
            json!({
                "id": format!("{key}-{number}"), "account": key, "number": format!("2026-{number:05}"),
                "status": "open", "total": 123_456 + number, "currency": "EUR",
            })
        })
    } else {
        of_each(records.tickets, &|key, number| {
            json!({
                "id": format!("{key}-{number}"), "email": key,
                "subject": format!("Question {number} about an order"), "priority": number,
            })
        })
    };
    WireResponse {
        status: 200,
        headers: cyclorama::transport::fields([("content-type", "application/json")]),
        body: json!({ "items": items }).to_string().into(),
    }
}
