//! A stand-in for Salesforce, written after its documentation: a little SOQL, pages under a path of their own, ids in two
//! forms, deleted records for those who ask for them, errors as a list.

use std::collections::BTreeMap;

use cyclorama::transport::WireResponse;
use serde_json::{Map, Value, json};

use super::kit::{Asked, reply};

pub(crate) const TOKEN: &str = "00Dtest!token";
const VERSION: &str = "/services/data/v62.0";

#[derive(Default)]
pub(crate) struct Salesforce {
    /// By object; `Id` in the long form.
    pub(crate) records: BTreeMap<&'static str, Vec<Value>>,
    /// Records on a page.
    pub(crate) page: usize,
}

impl Salesforce {
    pub(crate) fn answer(&self, asked: &Asked) -> WireResponse {
        if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return error(401, "INVALID_SESSION_ID", "Session expired or invalid");
        }
        let path = asked.path.strip_prefix(VERSION).unwrap();
        match (asked.method.as_str(), path) {
            ("GET", "/query" | "/queryAll") => {
                self.query(asked.parameter("q").unwrap(), path == "/queryAll", 0)
            }
            ("GET", path) if path.starts_with("/query/") => {
                let locator = path.trim_start_matches("/query/");
                let (hex, start) = locator.rsplit_once('-').unwrap();
                let query: Vec<u8> = (0..hex.len() / 2)
                    .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
                    .collect();
                self.query(&String::from_utf8(query).unwrap(), false, start.parse().unwrap())
            }
            ("GET", "/parameterizedSearch") => self.search(asked),
            ("PATCH", "/composite/sobjects") => self.change(&asked.body()),
            _ => error(404, "NOT_FOUND", "The requested resource does not exist"),
        }
    }

    fn query(&self, query: &str, with_deleted: bool, start: usize) -> WireResponse {
        let (fields, rest) = query.strip_prefix("SELECT ").unwrap().split_once(" FROM ").unwrap();
        let (object, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let rest = format!(" {rest}");
        let (rest, order) = rest.split_once(" ORDER BY ").unwrap_or((&rest, ""));
        let mut clauses = rest.trim_start().split(" AND ");
        let first = clauses.next().unwrap();
        let (field, keys) =
            match first.strip_prefix("WHERE ").and_then(|rest| rest.split_once(" IN (")) {
                Some((field, list)) => (field, Some(literals(list.trim_end_matches(')')))),
                None => ("", None),
            };
        let is_id = field.ends_with("Id");
        if let Some(bad) = keys.iter().flatten().find(|key| is_id && ![15, 18].contains(&key.len()))
        {
            let message = format!("WHERE {field} IN: invalid ID field: {bad}");
            return error(400, "INVALID_QUERY_FILTER_OPERATOR", &message);
        }
        let bounds: Vec<&str> = clauses.collect();
        let mut found: Vec<Value> = self
            .visible(object)
            .into_iter()
            .filter(|record| with_deleted || record["IsDeleted"] != true)
            .filter(|record| bounds.iter().all(|bound| is_within(record, bound)))
            .filter(|record| {
                let Some(keys) = &keys else { return true };
                let text = record[field].as_str().unwrap_or_default();
                keys.iter().any(|key| {
                    if is_id {
                        text.starts_with(key.as_str())
                    } else {
                        text.eq_ignore_ascii_case(key)
                    }
                })
            })
            .collect();
        if let Some(ordered) = order.strip_suffix(" NULLS LAST") {
            sort(&mut found, ordered);
        }
        let page = if self.page == 0 { 200 } else { self.page };
        let end = (start + page).min(found.len());
        let records: Vec<Value> = found[start..end]
            .iter()
            .map(|record| projected(object, record, fields.split(", ")))
            .collect();
        let mut answer =
            json!({ "totalSize": found.len(), "done": end == found.len(), "records": records });
        if end < found.len() {
            let digits = query.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
            let locator: String =
                digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
            answer["nextRecordsUrl"] = json!(format!("{VERSION}/query/{locator}-{end}"));
        }
        reply(200, &answer)
    }

    /// The records of an object; a contact's part with its opportunity, which decides who may see it.
    fn visible(&self, object: &str) -> Vec<Value> {
        let all = self.records.get(object).cloned().unwrap_or_default();
        if object != "OpportunityContactRole" {
            return all;
        }
        let with_parent = |mut role: Value| {
            let parents = self.records["Opportunity"].iter();
            let parent = parents.clone().find(|parent| parent["Id"] == role["OpportunityId"])?;
            role["Opportunity"] = parent.clone();
            Some(role)
        };
        all.into_iter().filter_map(with_parent).collect()
    }

    fn search(&self, asked: &Asked) -> WireResponse {
        assert_eq!(
            (asked.parameter("in"), asked.parameter("sobject")),
            (Some("NAME"), Some("Contact"))
        );
        let number = |name: &str| asked.parameter(name).unwrap().parse::<usize>().unwrap();
        let (name, limit) = (asked.parameter("q").unwrap().to_lowercase(), number("Contact.limit"));
        assert!(limit <= 200);
        let is_found = |contact: &&Value| {
            contact["IsDeleted"] != true
                && contact["Name"].as_str().is_some_and(|text| text.to_lowercase().contains(&name))
        };
        let found =
            self.records["Contact"].iter().filter(is_found).skip(number("offset")).take(limit);
        let fields = || asked.parameter("Contact.fields").unwrap().split(',');
        let records: Vec<Value> =
            found.map(|contact| projected("Contact", contact, fields())).collect();
        reply(200, &json!({ "searchRecords": records }))
    }

    /// It says 200 whether or not anything was changed.
    fn change(&self, body: &Value) -> WireResponse {
        let record = &body["records"][0];
        let id = record["id"].as_str().unwrap();
        let is_known = self.records["Contact"].iter().any(|contact| contact["Id"] == id);
        let answer = if is_known && record["Email"] != "taken@example.com" {
            json!([{ "id": id, "success": true, "errors": [] }])
        } else {
            json!([{
                "success": false,
                "errors": [{ "statusCode": "DUPLICATE_VALUE", "message": "secret words", "fields": ["Email"] }],
            }])
        };
        reply(200, &answer)
    }
}

fn literals(list: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), None::<String>);
    let mut characters = list.chars();
    while let Some(character) = characters.next() {
        match (&mut open, character) {
            (Some(text), '\\') => text.extend(characters.next()),
            (Some(_), '\'') => found.extend(open.take()),
            (Some(text), other) => text.push(other),
            (None, '\'') => open = Some(String::new()),
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "a quote stays open: {list}");
    found
}

/// The value of a field, or of a related record's.
fn at<'r>(record: &'r Value, path: &str) -> &'r Value {
    path.split('.').fold(record, |record, name| &record[name])
}

/// `Field >= literal` or `Field < literal`, of days and times. Null is never within.
fn is_within(record: &Value, bound: &str) -> bool {
    let [field, operator, literal] = bound.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("no bound: {bound}");
    };
    let length = literal.len().min(19);
    let value = at(record, field).as_str().map(|text| &text[..length.min(text.len())]);
    match operator {
        ">=" => value.is_some_and(|value| value >= &literal[..length]),
        "<" => value.is_some_and(|value| value < &literal[..length]),
        other => panic!("no operator: {other}"),
    }
}

/// `Field ASC` or `Field DESC`; nulls are last.
fn sort(records: &mut [Value], order: &str) {
    let (field, way) = order.split_once(' ').unwrap();
    let key = |record: &Value| {
        let value = at(record, field);
        (value.as_f64(), value.as_str().map(str::to_owned))
    };
    records.sort_by(|one, other| {
        let nulls = at(one, field).is_null().cmp(&at(other, field).is_null());
        let values = key(one).partial_cmp(&key(other)).unwrap();
        nulls.then(if way == "DESC" { values.reverse() } else { values })
    });
}

/// The record with the fields that were asked for; those of related records by their paths.
fn projected<'f>(object: &str, record: &Value, fields: impl Iterator<Item = &'f str>) -> Value {
    let mut found = Map::new();
    found.insert(
        "attributes".to_owned(),
        json!({ "type": object, "url": "/services/data/v62.0/sobjects/x" }),
    );
    for field in fields {
        assert!(!at(record, field).is_object(), "No such column '{field}' on entity '{object}'");
        let mut place = &mut found;
        let (mut from, mut names) = (record, field.split('.').peekable());
        while let Some(name) = names.next() {
            from = &from[name];
            if names.peek().is_none() || from.is_null() {
                place.insert(name.to_owned(), from.clone());
                break;
            }
            let inner = place.entry(name.to_owned()).or_insert_with(|| json!({ "attributes": {} }));
            place = inner.as_object_mut().unwrap();
        }
    }
    Value::Object(found)
}

pub(crate) fn error(status: u16, code: &str, message: &str) -> WireResponse {
    reply(status, &json!([{ "message": message, "errorCode": code }]))
}
