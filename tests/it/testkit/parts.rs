//! A client that reads answers in parts, and finds fault with every one that is not legal.

use std::collections::BTreeMap;

use cyclorama::engine::{Delivery, Format, Payloads, Request};
use futures_util::stream::StreamExt;
use serde_json::{Map, Value};

use super::Gateway;

impl Gateway {
    /// Begins an operation whose answer comes in parts.
    pub(crate) async fn deliver(&self, query: &str, variables: Value, format: Format) -> Reader {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        let request = Request { query: query.to_owned(), variables, ..Request::default() };
        match self.engine.deliver(request, &self.principal, format).await {
            Delivery::Whole(response) => {
                let answer = serde_json::from_slice(&response.body).expect("JSON");
                Reader { payloads: None, whole: Some(answer) }
            }
            Delivery::InParts(payloads) => Reader { payloads: Some(payloads), whole: None },
        }
    }

    /// All payloads of an operation.
    pub(crate) async fn parts(&self, query: &str) -> Vec<Value> {
        self.deliver(query, Value::Object(Map::new()), Format::Ids).await.all().await
    }
}

/// The payloads of one answer.
pub(crate) struct Reader {
    payloads: Option<Payloads>,
    whole: Option<Value>,
}

impl Reader {
    pub(crate) async fn next(&mut self) -> Value {
        if let Some(whole) = self.whole.take() {
            return whole;
        }
        let payload =
            self.payloads.as_mut().expect("parts").next().await.expect("one more payload");
        assert!(!payload.body.contains(&b'\n'), "a payload stands on one line");
        let value: Value = serde_json::from_slice(&payload.body).expect("JSON");
        assert_eq!(value["hasNext"] == false, payload.is_last, "{value}");
        if payload.is_last {
            self.payloads = None;
        }
        value
    }

    pub(crate) async fn all(mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while self.payloads.is_some() || self.whole.is_some() {
            all.push(self.next().await);
        }
        all
    }
}

/// What all payloads come to: `data`, and all errors, sorted.
#[track_caller]
pub(crate) fn merged(payloads: &[Value], format: Format) -> Value {
    let (first, rest) = payloads.split_first().expect("a payload");
    let mut client = Client {
        data: first["data"].clone(),
        errors: errors(first),
        open: BTreeMap::new(),
        used: Vec::new(),
        format,
    };
    client.announce(first);
    for (index, payload) in rest.iter().enumerate() {
        assert_eq!(payload["hasNext"], index + 1 < rest.len(), "{payload}");
        assert_eq!(payload.get("data"), None, "{payload}");
        client.announce(payload);
        client.read(payload);
    }
    if !rest.is_empty() {
        assert_eq!(first["hasNext"], true, "{first}");
    }
    assert!(client.open.is_empty(), "announced and never completed: {:?}", client.open);
    client.errors.sort_by_key(ToString::to_string);
    let mut merged = Map::new();
    merged.insert("data".to_owned(), client.data);
    if !client.errors.is_empty() {
        merged.insert("errors".to_owned(), Value::Array(client.errors));
    }
    Value::Object(merged)
}

fn errors(value: &Value) -> Vec<Value> {
    value.get("errors").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

struct Client {
    data: Value,
    errors: Vec<Value>,
    /// What is announced, by id.
    open: BTreeMap<String, Vec<Value>>,
    used: Vec<String>,
    format: Format,
}

impl Client {
    #[track_caller]
    fn announce(&mut self, payload: &Value) {
        for pending in list(payload, "pending") {
            let id = pending["id"].as_str().expect("an id").to_owned();
            assert!(!self.used.contains(&id), "{id} is announced twice");
            self.used.push(id.clone());
            self.open.insert(id, list(pending, "path").to_vec());
        }
    }

    #[track_caller]
    fn read(&mut self, payload: &Value) {
        for entry in list(payload, "incremental") {
            let mut path = match self.format {
                Format::Ids => {
                    let id = entry["id"].as_str().expect("an id");
                    let mut path = self.open.get(id).expect("an id that is open").clone();
                    path.extend(list(entry, "subPath").iter().cloned());
                    path
                }
                Format::Paths => list(entry, "path").to_vec(),
            };
            self.errors.extend(errors(entry));
            if let Some(items) = entry.get("items").filter(|items| !items.is_null()) {
                let first = if self.format == Format::Paths { path.pop() } else { None };
                let target = at(&mut self.data, &path).as_array_mut().expect("a list");
                assert!(first.is_none_or(|first| first == target.len()), "a gap in {path:?}");
                target.extend(items.as_array().expect("items").iter().cloned());
            } else if let Some(Value::Object(data)) = entry.get("data") {
                let target = at(&mut self.data, &path);
                merge(target, &Value::Object(data.clone()));
            }
        }
        for completed in list(payload, "completed") {
            let id = completed["id"].as_str().expect("an id");
            assert!(self.open.remove(id).is_some(), "{id} is completed, and was not open");
            self.errors.extend(errors(completed));
        }
    }
}

#[track_caller]
fn at<'a>(data: &'a mut Value, path: &[Value]) -> &'a mut Value {
    path.iter().fold(data, |data, segment| match segment {
        Value::String(key) => data.get_mut(key).unwrap_or_else(|| panic!("nothing at {key}")),
        index => {
            let index = usize::try_from(index.as_u64().expect("an index")).expect("small");
            data.get_mut(index).unwrap_or_else(|| panic!("nothing at {index}"))
        }
    })
}

/// Adds what comes later. A field may not come twice.
#[track_caller]
fn merge(target: &mut Value, later: &Value) {
    match (target, later) {
        (Value::Object(target), Value::Object(later)) => {
            for (key, value) in later {
                match target.get_mut(key) {
                    Some(known) => merge(known, value),
                    None => drop(target.insert(key.clone(), value.clone())),
                }
            }
        }
        (target, later) => panic!("{later} comes where {target} was before"),
    }
}
