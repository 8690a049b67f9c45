//! A small deployment over three backends in memory, which count and can be told to fail.

mod backends;
mod parts;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use cyclorama::backend::Backends;
use cyclorama::compile::Files;
use cyclorama::compile::compile;
use cyclorama::engine::{Clock, Engine, EngineSettings, Outcome, Request};
use cyclorama::error::BackendError;
use cyclorama::principal::Principal;
use cyclorama::transport::{WireRequest, WireResponse};
use futures_util::FutureExt;
use serde_json::{Value, json};

pub(crate) use backends::{Mood, World};
pub(crate) use parts::merged;

const FILES: &[(&str, &str)] = &[
    ("cyclorama.yaml", include_str!("files/cyclorama.yaml")),
    ("schema/schema.graphql", include_str!("files/schema/schema.graphql")),
    ("resolvers/roles.yaml", include_str!("files/resolvers/roles.yaml")),
    ("resolvers/identity.yaml", include_str!("files/resolvers/identity.yaml")),
    ("resolvers/crm/test.yaml", include_str!("files/resolvers/crm/test.yaml")),
    ("resolvers/billing/test.yaml", include_str!("files/resolvers/billing/test.yaml")),
    ("resolvers/support/test.yaml", include_str!("files/resolvers/support/test.yaml")),
];

/// The files of the small deployment, to be changed by a test before it starts.
pub(crate) struct Deployment {
    files: BTreeMap<String, String>,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        Self {
            files: FILES
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
        }
    }

    /// Replaces text that must occur exactly once in a file.
    pub(crate) fn change(mut self, file: &str, from: &str, to: &str) -> Self {
        let text = self.files.get_mut(file).expect("a file of the deployment");
        assert_eq!(text.matches(from).count(), 1, "`{from}` must occur once in {file}");
        *text = text.replace(from, to);
        self
    }

    /// Adds a file.
    pub(crate) fn file(mut self, name: &str, text: &str) -> Self {
        self.files.insert(name.to_owned(), text.to_owned());
        self
    }

    /// Tickets come in pages, as many as [`World::ticket_pages`] says.
    pub(crate) fn with_pages_of_tickets(self) -> Self {
        self.change(
            "resolvers/support/test.yaml",
            "body: { requesters: $keys }",
            "body: { requesters: $keys, page: $vars.page }
    pages: { next: { cursor: { page: .next } }, max_pages: 5 }",
        )
    }

    pub(crate) fn start(self) -> Gateway {
        self.over(World::default())
    }

    /// Compiles the files, which must be without problems, and puts the engine over a world.
    pub(crate) fn over(self, world: World) -> Gateway {
        let texts = self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let files = Files::in_memory("cyclorama.yaml", texts);
        let compiled = compile(&files);
        let problems: Vec<String> = compiled
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == cyclorama::diagnostic::Severity::Error)
            .map(|diagnostic| format!("{diagnostic:?}"))
            .collect();
        assert!(problems.is_empty(), "{problems:#?}");
        let graph = Arc::new(compiled.graph.expect("a graph"));
        let world = Arc::new(Mutex::new(world));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let wire = wire(Arc::clone(&world), Arc::clone(&calls));
        let backends = Backends::in_memory(Arc::clone(&graph), &wire);
        let shown = Arc::clone(&world);
        let settings = EngineSettings {
            cursor_secret: compiled.settings.cursor_secret,
            known: compiled.settings.known,
            clock: Clock::new(move || shown.lock().expect("no panic").present()),
        };
        let engine = Engine::over(graph, backends, settings).expect("an engine");
        let (principal, given_again) = (Principal::anonymous(), AtomicU64::new(0));
        Gateway { engine, calls, world, principal, given_again }
    }
}

fn wire(
    world: Arc<Mutex<World>>,
    calls: Arc<Mutex<Vec<Call>>>,
) -> cyclorama::transport::MemoryWire {
    Arc::new(move |request: WireRequest| {
        let call = Call::of(&request);
        calls.lock().expect("no panic").push(call.clone());
        let (reply, pause, gate, panics) = {
            let mut world = world.lock().expect("no panic");
            (world.answer(&call), world.pause(&call), world.gate(&call), world.panics(&call))
        };
        async move {
            if let Some(gate) = gate {
                gate.notified().await;
            }
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            assert!(!panics, "as it was told");
            reply.map_err(|reason| BackendError::Exchange { source: reason.into() })
        }
        .boxed()
    })
}

/// One request that a backend received.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) backend: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Call {
    fn of(request: &WireRequest) -> Self {
        let rest = request.url.strip_prefix("http://").expect("a plain URL");
        let (host, target) = rest.split_once('/').unwrap_or((rest, ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Self {
            backend: host.trim_end_matches(".test").to_owned(),
            method: format!("{:?}", request.method).to_uppercase(),
            path: format!("/{}", decoded(path)),
            query: pairs.collect(),
            headers: request
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            body: serde_json::from_slice(&request.body).unwrap_or(Value::Null),
        }
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// `crm POST /customers/batch`
    pub(crate) fn line(&self) -> String {
        format!("{} {} {}", self.backend, self.method, self.path)
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' && rest.len() >= 2 {
            let hex = std::str::from_utf8(&rest[..2]).expect("hex digits");
            bytes.push(u8::from_str_radix(hex, 16).expect("hex digits"));
            rest = &rest[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// A JSON answer.
pub(crate) fn reply(status: u16, body: &Value) -> WireResponse {
    WireResponse {
        status,
        headers: cyclorama::transport::fields([("content-type", "application/json")]),
        body: body.to_string().into(),
    }
}

/// The running engine, what its backends received, and what they are.
pub(crate) struct Gateway {
    pub(crate) engine: Arc<Engine>,
    calls: Arc<Mutex<Vec<Call>>>,
    world: Arc<Mutex<World>>,
    principal: Principal,
    given_again: AtomicU64,
}

impl Gateway {
    /// The same engine as another caller sees it.
    pub(crate) fn as_caller(&self, principal: Principal) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            calls: Arc::clone(&self.calls),
            world: Arc::clone(&self.world),
            principal,
            given_again: AtomicU64::new(0),
        }
    }

    pub(crate) async fn query(&self, query: &str) -> Value {
        self.query_with(query, json!({})).await
    }

    pub(crate) async fn query_with(&self, query: &str, variables: Value) -> Value {
        serde_json::from_str(&self.text(query, variables).await.0).expect("JSON")
    }

    /// How many whole answers were there already.
    pub(crate) fn given_again(&self) -> u64 {
        self.given_again.load(Ordering::Relaxed)
    }

    /// The answer as it is written, and how it went. If the whole answer is there already, running the operation must give the same.
    pub(crate) async fn text(&self, query: &str, variables: Value) -> (String, Outcome) {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        let sent = json!([query, variables]).to_string();
        let again = self.engine.find_again(sent.as_bytes(), &self.principal);
        let again = again.map(|kept| self.engine.give_again(&kept, &self.principal));
        self.given_again.fetch_add(u64::from(again.is_some()), Ordering::Relaxed);
        let sent = Some(sent.into());
        let request = Request { query: query.to_owned(), variables, sent, ..Request::default() };
        let response = self.engine.execute(request, &self.principal).await;
        if let Some(again) = again {
            assert_eq!((again.body, again.outcome), (response.body.clone(), response.outcome));
        }
        (String::from_utf8(response.body.to_vec()).expect("UTF-8"), response.outcome)
    }

    /// The data of an answer that must have no errors.
    pub(crate) async fn data(&self, query: &str) -> Value {
        let answer = self.query(query).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        answer["data"].clone()
    }

    /// What the backends received since the last time, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().expect("no panic"))
    }

    /// Whether so many came by now, since the last time.
    pub(crate) fn were_called(&self, times: usize) -> bool {
        self.calls.lock().expect("no panic").len() >= times
    }

    /// The same as sorted lines, for calls that may come in any order.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.calls().iter().map(Call::line).collect();
        lines.sort_unstable();
        lines
    }

    pub(crate) fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.world.lock().expect("no panic"))
    }
}

/// The codes of an answer's errors, in their order; `-` of an error without one.
pub(crate) fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.map(|error| error["extensions"]["code"].as_str().unwrap_or("-")).collect()
}

/// The opaque id of a record of these backends.
pub(crate) fn id(ty: &str, role: &str, key: &str) -> String {
    cyclorama::value::opaque_id(ty, role, key)
}

pub(crate) fn customer_id(key: &str) -> String {
    id("Customer", "crm", key)
}
