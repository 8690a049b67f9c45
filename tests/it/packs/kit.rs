//! The shipped schema and resolvers with vendors of the test's choice, over backends in memory.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cyclorama::backend::Backends;
use cyclorama::compile::{Compiled, Files, compile};
use cyclorama::diagnostic::Severity;
use cyclorama::engine::{Engine, EngineSettings, Request};
use cyclorama::graph::{Graph, Method};
use cyclorama::principal::Principal;
use cyclorama::transport::{MemoryWire, WireRequest, WireResponse};
use futures_util::FutureExt;
use serde_json::Value;

/// The vendors of a deployment: role, vendor, and what stands beside `vendor` in `cyclorama.yaml`.
pub(crate) type Roles<'a> = &'a [(&'a str, &'a str, &'a str)];

/// One request as a backend received it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Decoded, without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Asked {
    pub(crate) fn of(request: &WireRequest) -> Self {
        let rest = request.url.strip_prefix("http://").unwrap();
        let (_, target) = rest.split_once('/').unwrap_or((rest, ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Self {
            method: match request.method {
                Method::Get => "GET",
                Method::Post => "POST",
                Method::Put => "PUT",
                Method::Patch => "PATCH",
                Method::Delete => "DELETE",
                Method::Head => "HEAD",
            }
            .to_owned(),
            path: format!("/{}", decoded(path)),
            query: pairs.collect(),
            headers: request
                .headers
                .iter()
                .map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()))
                .collect(),
            text: String::from_utf8(request.body.to_vec()).unwrap(),
        }
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// `POST /contacts/search`
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' && rest.len() >= 2 {
            let hex = std::str::from_utf8(&rest[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &rest[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A JSON answer.
pub(crate) fn reply(status: u16, body: &Value) -> WireResponse {
    WireResponse {
        status,
        headers: cyclorama::transport::fields([("content-type", "application/json")]),
        body: body.to_string().into(),
    }
}

/// The shipped files with these vendors, compiled without an error.
fn compiled(roles: Roles<'_>) -> Compiled {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for folder in ["schema", "resolvers", "resolvers/crm", "resolvers/billing", "resolvers/support"]
    {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                let (role, vendor) = name
                    .trim_start_matches("resolvers/")
                    .trim_end_matches(".yaml")
                    .split_once('/')
                    .unwrap_or_default();
                // files of vendors that play no role here would only be compiled for their problems
                let is_vendor = name.starts_with("resolvers/") && !vendor.is_empty();
                let is_played = roles.iter().any(|one| (one.0, one.1) == (role, vendor));
                if !is_vendor || is_played {
                    texts.push((name, std::fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    let mut deployment = "schema: schema\nresolvers: resolvers\nroles:\n".to_owned();
    for (role, vendor, settings) in roles {
        deployment.extend([format!(
            "  {role}: {{ vendor: {vendor}, url: \"http://{role}.test\", {settings} }}\n"
        )]);
    }
    texts.push(("cyclorama.yaml".to_owned(), deployment));
    let texts = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let compiled = compile(&Files::in_memory("cyclorama.yaml", texts));
    let errors = compiled.diagnostics.iter().filter(|problem| problem.severity == Severity::Error);
    let errors: Vec<String> = errors.map(|problem| format!("{problem:#?}")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    compiled
}

/// The coordinates that these vendors fill.
pub(crate) fn covered(roles: Roles<'_>) -> BTreeSet<String> {
    let vendors = compiled(roles).coverage.vendors;
    vendors.into_iter().filter(|one| one.is_used).flat_map(|one| one.covered).collect()
}

/// The graph of the shipped files with these vendors.
pub(crate) fn graph(roles: Roles<'_>) -> (Arc<Graph>, EngineSettings) {
    let compiled = compiled(roles);
    let settings = EngineSettings {
        cursor_secret: compiled.settings.cursor_secret,
        known: compiled.settings.known,
        ..EngineSettings::default()
    };
    (Arc::new(compiled.graph.unwrap()), settings)
}

/// A gateway over backends in memory.
pub(crate) struct Pack {
    engine: Arc<Engine>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Pack {
    /// `answer`: what the backend of a role says to a request.
    pub(crate) fn start(
        roles: Roles<'_>,
        answer: impl Fn(&Asked) -> WireResponse + Send + Sync + 'static,
    ) -> Self {
        let (graph, settings) = graph(roles);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let wire: MemoryWire = Arc::new(move |request: WireRequest| {
            let request = Asked::of(&request);
            let response = answer(&request);
            seen.lock().unwrap().push(request);
            async move { Ok(response) }.boxed()
        });
        let backends = Backends::in_memory(Arc::clone(&graph), &wire);
        Self { engine: Engine::over(graph, backends, settings).unwrap(), asked }
    }

    pub(crate) async fn answer(&self, query: &str, variables: Value) -> Value {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        let request = Request { query: query.to_owned(), variables, ..Request::default() };
        let principal = Principal {
            subject: Some(Arc::from("tester")),
            scopes: vec![Arc::from("support:internal")],
            ..Principal::anonymous()
        };
        let response = self.engine.execute(request, &principal).await;
        serde_json::from_slice(&response.body).unwrap()
    }

    /// The data of an answer without errors.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let answer = self.answer(query, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}\n{:#?}", self.lines());
        answer["data"].clone()
    }

    /// What `explain` prints.
    pub(crate) fn explained(&self, query: &str) -> String {
        self.engine.explain(query, None).unwrap().to_text()
    }

    /// What the backends were asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The same as sorted lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.asked().iter().map(Asked::line).collect();
        lines.sort_unstable();
        lines
    }
}

/// The opaque id of a customer of the CRM.
pub(crate) fn customer_id(key: &str) -> String {
    cyclorama::value::opaque_id("Customer", "crm", key)
}
