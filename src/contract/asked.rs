//! A request, and how it differs from a recorded one.

use serde_json::Value;

use super::case::{Body, Case, Parameters, RequestPattern};
use super::diff::{Change, changes};
use super::replay::Place;
use super::scrub::is_credential_name;
use super::text::{pairs, segments, shortened};
use crate::transport::{WireRequest, body_tree};

/// A request as a backend gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub backend: String,
    pub method: String,
    /// Below the backend's address, percent-encoded.
    pub path: String,
    pub query: Parameters,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// One thing in which a request is not as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `method`, `path`, `query.limit`, `body.keys[0]`.
    pub place: String,
    pub recorded: String,
    pub asked: String,
    weight: usize,
}

impl Difference {
    fn new(place: &str, recorded: &str, asked: &str, weight: usize) -> Self {
        let shown = |text: &str| shortened(text, 120);
        Self { place: place.to_owned(), recorded: shown(recorded), asked: shown(asked), weight }
    }

    /// How far a request is from a recorded one.
    pub(super) fn distance(found: &[Self]) -> usize {
        found.iter().map(|one| one.weight).sum()
    }

    pub fn to_json(&self) -> Value {
        serde_json::json!({ "place": self.place, "recorded": self.recorded, "asked": self.asked })
    }
}

const NOTHING: &str = "nothing";

impl Asked {
    pub(super) fn at(place: &Place, request: &WireRequest) -> Self {
        let url = request.url.strip_prefix(&place.url).unwrap_or(&request.url);
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        Self {
            backend: place.role.clone(),
            method: request.method.as_str().to_owned(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query: pairs(query),
            headers: request
                .headers
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// `billing GET /invoices?customer=17`
    pub fn line(&self) -> String {
        line(&self.backend, &self.method, &self.path, &self.query)
    }

    /// In what this request is not as recorded; nothing if it is.
    pub fn differences(&self, pattern: &RequestPattern) -> Vec<Difference> {
        let mut found = Vec::new();
        if self.method != pattern.method {
            found.push(Difference::new("method", &pattern.method, &self.method, 5));
        }
        self.path(pattern, &mut found);
        if let Some(query) = &pattern.query {
            let is_looked_at = |(name, _): &&(String, String)| {
                !pattern.ignore.contains(name)
                    && (!is_credential_name(name) || query.iter().any(|(other, _)| other == name))
            };
            let asked: Vec<_> = self.query.iter().filter(is_looked_at).cloned().collect();
            let recorded: Vec<_> = query.iter().filter(is_looked_at).cloned().collect();
            parameters("query", &recorded, &asked, &mut found);
        }
        for (name, value) in &pattern.headers {
            let asked = self.header(name);
            if asked != Some(value) {
                let place = format!("headers.{name}");
                found.push(Difference::new(&place, value, asked.unwrap_or(NOTHING), 1));
            }
        }
        match &pattern.body {
            Some(Body::Text(text)) => self.text(text, &mut found),
            Some(Body::Tree(tree)) => self.tree(tree, &mut found),
            Some(Body::Form(form)) => parameters("form", form, &pairs(&self.body), &mut found),
            None => {}
        }
        found
    }

    fn path(&self, pattern: &RequestPattern, found: &mut Vec<Difference>) {
        let (recorded, asked) = (segments(&pattern.path), segments(&self.path));
        if recorded == asked {
            return;
        }
        let same = recorded.iter().zip(&asked).filter(|(one, other)| one == other).count();
        let weight = 3 * (recorded.len().max(asked.len()) - same);
        found.push(Difference::new("path", &pattern.path, &self.path, weight));
    }

    fn text(&self, recorded: &str, found: &mut Vec<Difference>) {
        let trees = (body_tree(recorded), body_tree(&self.body));
        if let (Some(recorded), Some(asked)) = &trees {
            trees_differ(recorded, asked, found);
        } else if recorded.trim() != self.body.trim() {
            found.push(Difference::new("body", recorded, &self.body, 3));
        }
    }

    fn tree(&self, recorded: &Value, found: &mut Vec<Difference>) {
        let json = serde_json::from_str(&self.body).ok();
        match json.or_else(|| body_tree(&self.body)) {
            Some(asked) => trees_differ(recorded, &asked, found),
            None => found.push(Difference::new("body", &recorded.to_string(), &self.body, 3)),
        }
    }
}

/// The exchange of a case whose request is most like this one.
pub(super) fn nearest(case: &Case, asked: &Asked) -> Option<(usize, Vec<Difference>)> {
    let same = case.exchanges.iter().enumerate().filter(|(_, one)| one.backend == asked.backend);
    same.map(|(at, exchange)| (at, asked.differences(&exchange.request)))
        .min_by_key(|(_, found)| Difference::distance(found))
}

/// A request on one line.
pub(super) fn line(backend: &str, method: &str, path: &str, query: &[(String, String)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mark = if pairs.is_empty() { "" } else { "?" };
    shortened(&format!("{backend} {method} {path}{mark}{}", pairs.join("&")), 200)
}

impl super::case::Exchange {
    pub fn line(&self) -> String {
        let query = self.request.query.as_deref().unwrap_or_default();
        line(&self.backend, &self.request.method, &self.request.path, query)
    }
}

/// The order of different names counts nothing, that of one name's values does.
fn parameters(
    what: &str,
    recorded: &[(String, String)],
    asked: &[(String, String)],
    found: &mut Vec<Difference>,
) {
    let values = |pairs: &[(String, String)], name: &str| -> Vec<String> {
        let of_name = pairs.iter().filter(|(other, _)| other == name);
        of_name.map(|(_, value)| value.clone()).collect()
    };
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in recorded.iter().chain(asked) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    for name in names {
        let (one, other) = (values(recorded, name), values(asked, name));
        if one != other {
            let shown = |values: &[String]| match values {
                [] => NOTHING.to_owned(),
                values => values.join(", "),
            };
            let place = format!("{what}.{name}");
            found.push(Difference::new(&place, &shown(&one), &shown(&other), 1));
        }
    }
}

fn trees_differ(recorded: &Value, asked: &Value, found: &mut Vec<Difference>) {
    for Change { place, expected, found: other } in changes(recorded, asked) {
        let mark = if place.is_empty() || place.starts_with('[') { "" } else { "." };
        let place = format!("body{mark}{place}");
        let (recorded, asked) = (Change::shown(expected.as_ref()), Change::shown(other.as_ref()));
        found.push(Difference::new(&place, &recorded, &asked, 1));
    }
}
