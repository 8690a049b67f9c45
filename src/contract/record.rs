//! A case from a live exchange: what was asked and said is kept, without credentials and personal data.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use serde_json::{Map, Value};

use super::asked::Asked;
use super::case::{Body, Case, Exchange, Fault, Reply, RequestPattern};
use super::layout::laid_out;
use super::replay::{Place, Replayed, engine, principal, replay, request};
use super::scrub::{Choices, Scrubber, without_credentials};
use super::text::pairs;
use crate::backend::Backends;
use crate::error::BackendError;
use crate::graph::{Auth, Graph};
use crate::transport::{MemoryWire, Wire, WireRequest, WireResponse, body_tree};

/// What of an answer's headers means something to whoever reads the answer.
const HEADERS: &[&str] = &["content-type", "link", "cache-control", "retry-after"];

/// An operation to be recorded.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub description: Option<String>,
    pub query: String,
    pub operation: Option<String>,
    pub variables: Map<String, Value>,
    /// Client headers, lower-case names.
    pub headers: Vec<(String, String)>,
    pub choices: Choices,
}

/// A recorded case, and whether it can stand.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub case: Case,
    /// The answer of the live backends.
    pub live: Value,
    /// What the case gave when it was run.
    pub replayed: Replayed,
    /// Answers whose bodies are no text.
    pub unreadable: usize,
    /// The text of the file still holds what it must not.
    pub leaks: bool,
}

impl Recorded {
    /// Whether the case gives what the live backends gave: every request is among the recorded ones, and nothing else fails.
    pub fn holds(&self) -> bool {
        let errors = |answer: &Value| {
            let all = answer.get("errors").and_then(Value::as_array);
            let codes = all.into_iter().flatten().map(|error| {
                (error.get("path").cloned(), error.pointer("/extensions/code").cloned())
            });
            codes.collect::<Vec<_>>()
        };
        self.replayed.unmatched.is_empty() && errors(&self.live) == errors(&self.replayed.answer)
    }
}

/// Runs an operation over wires of the caller's, once, and makes a case of what went over them. The answer that the case expects is
/// what it gives when it is run, so that it is green by itself.
pub async fn record(
    graph: &Arc<Graph>,
    wanted: Wanted,
    wire: impl Fn(&crate::graph::Backend) -> Result<Wire, BackendError>,
) -> Result<Recorded, BackendError> {
    let kept: Kept = Arc::default();
    let wires: Vec<Wire> = graph.backends.iter().map(wire).collect::<Result<_, BackendError>>()?;
    let plain = |backend: &crate::graph::Backend| {
        let at = graph.backends.iter().position(|one| std::ptr::eq(one, backend));
        at.and_then(|at| wires.get(at)).cloned().unwrap_or_else(nowhere)
    };
    let backends = Backends::over(Arc::clone(graph), |backend| {
        let place = Place { role: backend.role.to_string(), url: backend.url.to_string() };
        tapped(plain(backend), place, &kept)
    });
    // how a token is got is no part of the case
    let backends = backends.tokens_over(plain).once();
    let Wanted { description, query, operation, variables, headers, choices } = wanted;
    let bare = Case { description, query, operation, variables, headers, ..Case::default() };
    let engine = engine(graph, backends)?;
    let response = engine.execute(request(&bare), &principal(graph, &bare)).await;
    let live: Value = serde_json::from_slice(&response.body)
        .map_err(|error| BackendError::Decode { reason: error.to_string() })?;
    drop(engine);
    let kept = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
    let unreadable = kept.iter().filter(|one| one.is_unreadable()).count();
    let mut exchanges: Vec<Exchange> = kept
        .into_iter()
        .map(|tape| {
            let auth = graph.backends.iter().find(|one| *one.role == *tape.asked.backend);
            tape.exchange(auth.map_or(&Auth::None, |backend| &backend.auth), &choices)
        })
        .collect();
    // requests at once come in any order, and the file is to be the same every time
    exchanges.sort_by_cached_key(|one| {
        (one.backend.clone(), one.line(), format!("{:?}", one.request.body))
    });
    let mut scrubber = Scrubber::new(graph, choices);
    let mut case = scrubber.case(&Case { exchanges, ..bare });
    let replayed = replay(graph, &case).await?;
    case.calls = Some(replayed.calls.clone());
    case.expect = Some(replayed.answer.clone());
    let leaks = scrubber.leaks(&case.to_yaml());
    Ok(Recorded { case, live, replayed, unreadable, leaks })
}

fn nowhere() -> Wire {
    Wire::Memory(Arc::new(|_| {
        async { Err(BackendError::Build { reason: "the backend has no wire".to_owned() }) }.boxed()
    }))
}

type Kept = Arc<Mutex<Vec<Tape>>>;

/// One exchange as it went over the wire.
struct Tape {
    asked: Asked,
    came: Came,
}

enum Came {
    Answer(WireResponse),
    Failed(Fault),
}

/// The same wire, with everything that goes over it kept.
fn tapped(wire: Wire, place: Place, kept: &Kept) -> Wire {
    let (kept, place) = (Arc::clone(kept), Arc::new(place));
    let tapped: MemoryWire = Arc::new(move |request: WireRequest| {
        let (wire, kept) = (wire.clone(), Arc::clone(&kept));
        let asked = Asked::at(&place, &request);
        async move {
            // a call that is given up before its answer comes is a timeout
            let mut tape = Pending { kept, asked: Some(asked) };
            let result = wire.send(request).await;
            tape.keep(match &result {
                Ok(response) => Came::Answer(response.clone()),
                Err(BackendError::Connect { .. } | BackendError::Untrusted { .. }) => {
                    Came::Failed(Fault::Connect)
                }
                Err(_) => Came::Failed(Fault::Broken),
            });
            result
        }
        .boxed()
    });
    Wire::Memory(tapped)
}

struct Pending {
    kept: Kept,
    asked: Option<Asked>,
}

impl Pending {
    fn keep(&mut self, came: Came) {
        if let Some(asked) = self.asked.take() {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(Tape { asked, came });
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.keep(Came::Failed(Fault::Timeout));
    }
}

impl Tape {
    fn is_unreadable(&self) -> bool {
        matches!(&self.came, Came::Answer(response) if std::str::from_utf8(&response.body).is_err())
    }

    fn exchange(self, auth: &Auth, choices: &Choices) -> Exchange {
        let (query, ignore) = without_credentials(&self.asked, auth, choices);
        let reply = match &self.came {
            Came::Failed(fault) => Reply::Fails(*fault),
            Came::Answer(response) => Reply::Answer {
                status: response.status,
                headers: headers(response),
                body: answer_body(response),
            },
        };
        let body = request_body(&self.asked);
        let Asked { backend, method, path, .. } = self.asked;
        let request =
            RequestPattern { method, path, query: Some(query), ignore, headers: Vec::new(), body };
        Exchange { backend, request, reply }
    }
}

/// Those that say something; `content-type` only where the body does not say it.
fn headers(response: &WireResponse) -> Vec<(String, String)> {
    let headers = response.headers.iter();
    let headers = headers.filter_map(|(name, value)| Some((name, value.to_str().ok()?.to_owned())));
    let headers = headers.filter(|(name, value)| {
        let is_plain = *name == "content-type" && value.starts_with("application/json");
        HEADERS.contains(&name.as_str()) && !is_plain
    });
    headers.map(|(name, value)| (name.to_string(), value)).collect()
}

fn answer_body(response: &WireResponse) -> Option<Body> {
    let text = String::from_utf8_lossy(&response.body);
    if text.trim_start().starts_with('<') {
        return Some(Body::Text(laid_out(&text)));
    }
    (!text.is_empty()).then(|| tree(&text).unwrap_or_else(|| Body::Text(text.into_owned())))
}

/// Of an envelope what its Body holds: the Header has credentials, and they are new every time.
fn request_body(asked: &Asked) -> Option<Body> {
    let text = asked.body.as_str();
    if text.is_empty() {
        return None;
    }
    if asked.header("content-type").is_some_and(|media| media.contains("x-www-form-urlencoded")) {
        return Some(Body::Form(pairs(text)));
    }
    let envelope = body_tree(text).filter(Value::is_object).map(Body::Tree);
    Some(tree(text).or(envelope).unwrap_or_else(|| Body::Text(text.to_owned())))
}

/// A JSON object or list.
fn tree(text: &str) -> Option<Body> {
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_object() || value.is_array()).then_some(Body::Tree(value))
}
