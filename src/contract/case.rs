//! A case as its file has it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config::shape::{self, check};
use crate::config::yaml::{self, Entry, Node};
use crate::diagnostic::{Code, Diagnostic, FileId, Sources, Span};

/// One case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Case {
    pub description: Option<String>,
    pub query: String,
    pub operation: Option<String>,
    pub variables: Map<String, Value>,
    /// Client headers, lower-case names.
    pub headers: Vec<(String, String)>,
    pub exchanges: Vec<Exchange>,
    /// How many requests each backend gets.
    pub calls: Option<BTreeMap<String, usize>>,
    pub expect: Option<Value>,
}

/// A case with the places of what `--update` rewrites.
#[derive(Clone, Debug)]
pub struct CaseFile {
    pub case: Case,
    pub file: FileId,
    pub expect: Option<Span>,
    pub calls: Option<Span>,
    /// Of each exchange.
    pub exchanges: Vec<Span>,
}

/// What a backend was asked, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    pub backend: String,
    pub request: RequestPattern,
    pub reply: Reply,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestPattern {
    pub method: String,
    /// Below the backend's address, percent-encoded.
    pub path: String,
    /// `None`: not looked at.
    pub query: Option<Parameters>,
    pub ignore: Vec<String>,
    pub headers: Vec<(String, String)>,
    /// `None`: not looked at.
    pub body: Option<Body>,
}

/// Names and values, in the order of the file; a name may occur several times.
pub type Parameters = Vec<(String, String)>;

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Text(String),
    /// Of a map or list: JSON, or the tree of a SOAP Body.
    Tree(Value),
    Form(Parameters),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Answer { status: u16, headers: Vec<(String, String)>, body: Option<Body> },
    Fails(Fault),
}

/// A request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Connect,
    Timeout,
    Broken,
}

impl Fault {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
        }
    }
}

/// Reads a case file, whose text is among the sources; every problem is a diagnostic.
pub fn read(sources: &Sources, file: FileId, problems: &mut Vec<Diagnostic>) -> Option<CaseFile> {
    let before = problems.len();
    let node = yaml::parse(file, sources.text(file), problems)?;
    check::check(shape::CASE.root, &node, problems);
    if let Some(variables) = node.get("variables").filter(|node| node.map().is_none()) {
        problems.push(
            Diagnostic::error(Code::WrongKind, "a map by name must stand here")
                .at(variables.span, format!("this is {}", variables.kind())),
        );
    }
    for exchange in node.get("exchanges").map(Node::items).unwrap_or_default() {
        check_path(exchange, problems);
    }
    if problems.len() > before {
        return None;
    }
    let text = |key: &str| node.get_text(key).map(str::to_owned);
    let section = |key: &str| {
        let Entry { key_span, value, .. } = node.entry(key)?;
        Some(Span { end: value.span.end.max(key_span.end), ..*key_span })
    };
    let variables = node.get("variables").map(Node::to_json);
    let case = Case {
        description: text("description"),
        query: text("query")?,
        operation: text("operation"),
        variables: variables.and_then(|value| value.as_object().cloned()).unwrap_or_default(),
        headers: headers(&node),
        exchanges: node
            .get("exchanges")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(exchange)
            .collect(),
        calls: node.get("calls").map(|calls| {
            let entries = calls.entries().iter();
            let count =
                |entry: &Entry| Some((entry.key.to_string(), entry.value.filled()?.parse().ok()?));
            entries.filter_map(count).collect()
        }),
        expect: node.get("expect").map(Node::to_json),
    };
    let exchanges = node.get("exchanges").map(Node::items).unwrap_or_default();
    let exchanges = exchanges.iter().map(|node| node.span).collect();
    Some(CaseFile { case, file, expect: section("expect"), calls: section("calls"), exchanges })
}

fn check_path(exchange: &Node, problems: &mut Vec<Diagnostic>) {
    let path = exchange.get("request").and_then(|request| request.get("path"));
    let Some((node, text)) = path.and_then(|node| Some((node, node.filled()?))) else { return };
    let help = if text.contains('?') {
        "parameters stand under `query`"
    } else if text.starts_with('/') {
        return;
    } else {
        "it begins with `/`; the backend's address is not part of it"
    };
    problems.push(
        Diagnostic::error(Code::InvalidUrl, "a path below the backend's `url` must stand here")
            .at(node.span, "not a path")
            .help(help),
    );
}

fn exchange(node: &Node) -> Option<Exchange> {
    let request = node.get("request")?;
    let query = match request.get("query") {
        None => Some(Vec::new()),
        Some(node) if node.map().is_none() => None,
        Some(node) => Some(parameters(node)),
    };
    let body = request.get("body").map(body);
    Some(Exchange {
        backend: node.get_text("backend")?.to_owned(),
        request: RequestPattern {
            method: request.get_text("method").unwrap_or("GET").to_owned(),
            path: request.get_text("path")?.to_owned(),
            query,
            ignore: request
                .get("ignore")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(|name| Some(name.filled()?.to_owned()))
                .collect(),
            headers: headers(request),
            body: body.or_else(|| request.get("form").map(|form| Body::Form(parameters(form)))),
        },
        reply: reply(node)?,
    })
}

fn reply(node: &Node) -> Option<Reply> {
    if let Some(word) = node.get_text("fails") {
        return Some(Reply::Fails(match word {
            "connect" => Fault::Connect,
            "timeout" => Fault::Timeout,
            _ => Fault::Broken,
        }));
    }
    let response = node.get("response")?;
    Some(Reply::Answer {
        status: response.get_text("status").map_or(Some(200), |status| status.parse().ok())?,
        headers: headers(response),
        body: response.get("body").map(body),
    })
}

fn headers(node: &Node) -> Vec<(String, String)> {
    let entries = node.get("headers").map(Node::entries).unwrap_or_default().iter();
    let header =
        |entry: &Entry| Some((entry.key.to_ascii_lowercase(), entry.value.filled()?.to_owned()));
    entries.filter_map(header).collect()
}

fn parameters(node: &Node) -> Parameters {
    let mut pairs = Vec::new();
    for entry in node.entries() {
        let values = entry.value.items().iter();
        pairs.extend(
            values.filter_map(|value| Some((entry.key.to_string(), value.text()?.to_owned()))),
        );
    }
    pairs
}

fn body(node: &Node) -> Body {
    match node.text() {
        Some(text) => Body::Text(text.to_owned()),
        None => Body::Tree(node.to_json()),
    }
}
