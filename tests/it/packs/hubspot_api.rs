//! A stand-in for `HubSpot`, written after its documentation: properties only if they are named, 207 with what is not there,
//! all property values as text, associations by the page.

use cyclorama::transport::WireResponse;
use serde_json::{Map, Value, json};

use super::kit::{Asked, reply};

pub(crate) const TOKEN: &str = "pat-eu1-test";

#[derive(Default)]
pub(crate) struct HubSpot {
    pub(crate) contacts: Vec<Value>,
    pub(crate) companies: Vec<Value>,
    pub(crate) deals: Vec<Value>,
    /// Contact or company, and a deal.
    pub(crate) links: Vec<(&'static str, String, String)>,
    pub(crate) owners: Vec<Value>,
    /// Ids that are refused, whatever is there.
    pub(crate) refused: Vec<String>,
    /// Ids of whose associations there are more pages.
    pub(crate) long: Vec<String>,
}

/// A record with its properties; `HubSpot` gives null for a property without a value.
pub(crate) fn record(id: &str, properties: Value) -> Value {
    let mut record = json!({
        "id": id, "archived": false,
        "createdAt": "2024-03-01T08:00:00.123Z", "updatedAt": "2026-02-03T04:05:06.789Z",
    });
    record["properties"] = properties;
    record
}

impl HubSpot {
    pub(crate) fn answer(&self, asked: &Asked) -> WireResponse {
        if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.");
        }
        let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match (asked.method.as_str(), path.as_slice()) {
            ("POST", ["crm", "v3", "objects", kind, "batch", "read"]) => {
                self.batch(self.of_kind(kind), &asked.body())
            }
            ("GET", ["crm", "v3", "objects", "contacts"]) => self.page(asked),
            ("POST", ["crm", "v3", "objects", "contacts", "search"]) => self.search(&asked.body()),
            ("POST", ["crm", "v4", "associations", from, to, "batch", "read"]) => {
                let from = if *to == "deals" { (*from).to_owned() } else { format!("{from}>{to}") };
                self.associations(&from, &asked.body())
            }
            ("GET", ["crm", "v3", "owners", id]) => {
                match self.owners.iter().find(|owner| owner["id"] == **id) {
                    Some(owner) => reply(200, owner),
                    None => error(404, "OBJECT_NOT_FOUND", "owner not found"),
                }
            }
            ("PATCH", ["crm", "v3", "objects", "contacts", id]) => {
                match self.found("", id, "contacts") {
                    Some(contact) => reply(200, &contact),
                    None => error(404, "OBJECT_NOT_FOUND", "resource not found"),
                }
            }
            _ => error(404, "UNKNOWN", "no such path"),
        }
    }

    fn of_kind(&self, kind: &str) -> &[Value] {
        match kind {
            "contacts" => &self.contacts,
            "companies" => &self.companies,
            "0-3" => &self.deals,
            other => panic!("no objects {other}"),
        }
    }

    /// By id, by the id of a contact that was merged into it, or by another property.
    fn found(&self, property: &str, key: &str, kind: &str) -> Option<Value> {
        self.of_kind(kind).iter().find(|record| answers(record, property, key)).cloned()
    }

    fn batch(&self, records: &[Value], body: &Value) -> WireResponse {
        let (Some(inputs), Some(properties), Some(_)) = (
            body["inputs"].as_array(),
            body["properties"].as_array(),
            body["propertiesWithHistory"].as_array(),
        ) else {
            return error(400, "VALIDATION_ERROR", "Invalid input JSON");
        };
        if inputs.len() > 100 {
            return error(400, "VALIDATION_ERROR", "The maximum number of inputs is 100");
        }
        let property = body["idProperty"].as_str().unwrap_or_default();
        let (mut results, mut missing, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for input in inputs {
            let key = input["id"].as_str().unwrap();
            match records.iter().find(|record| answers(record, property, key)) {
                _ if self.refused.iter().any(|one| one == key) => refused.push(key),
                Some(record) => results.push(projected(record, properties)),
                None => missing.push(key),
            }
        }
        // in an order of its own
        results.reverse();
        let mut answer = json!({
            "status": "COMPLETE", "results": results,
            "startedAt": "2026-02-03T04:05:06.789Z", "completedAt": "2026-02-03T04:05:06.799Z",
        });
        let told = [
            (
                missing,
                "OBJECT_NOT_FOUND",
                "Could not get some objects, they may be deleted or not exist.",
            ),
            (refused, "MISSING_SCOPES", "secret words about a scope"),
        ];
        let errors: Vec<Value> = told
            .into_iter()
            .filter(|(ids, ..)| !ids.is_empty())
            .map(|(ids, category, message)| {
                json!({ "status": "error", "category": category, "message": message, "context": { "ids": ids } })
            })
            .collect();
        if errors.is_empty() {
            return reply(200, &answer);
        }
        answer["numErrors"] = json!(errors.len());
        answer["errors"] = json!(errors);
        reply(207, &answer)
    }

    fn page(&self, asked: &Asked) -> WireResponse {
        let limit: usize = asked.parameter("limit").unwrap_or("10").parse().unwrap();
        if limit > 100 {
            return error(400, "VALIDATION_ERROR", "limit must be 100 at most");
        }
        let names = asked.parameter("properties").unwrap_or_default().split(',');
        let names: Vec<Value> = names.map(Value::from).collect();
        let start: usize = asked.parameter("after").map_or(0, |after| after.parse().unwrap());
        let end = (start + limit).min(self.contacts.len());
        let results: Vec<Value> =
            self.contacts[start..end].iter().map(|contact| projected(contact, &names)).collect();
        let mut answer = json!({ "results": results });
        if end < self.contacts.len() {
            answer["paging"] = json!({ "next": { "after": end.to_string(), "link": "https://api.hubapi.com/elsewhere" } });
        }
        reply(200, &answer)
    }

    fn search(&self, body: &Value) -> WireResponse {
        let (Some(after), Some(limit)) = (body["after"].as_str(), body["limit"].as_u64()) else {
            return error(400, "VALIDATION_ERROR", "Invalid input JSON");
        };
        let start: usize = after.parse().unwrap();
        let name = body["query"].as_str().unwrap().to_lowercase();
        let is_found = |contact: &&Value| {
            ["firstname", "lastname"].iter().any(|property| {
                contact["properties"][property]
                    .as_str()
                    .is_some_and(|text| text.to_lowercase().contains(&name))
            })
        };
        let found: Vec<&Value> = self.contacts.iter().filter(is_found).collect();
        let names = body["properties"].as_array().unwrap();
        let page = found.iter().skip(start).take(usize::try_from(limit).unwrap());
        let results: Vec<Value> = page.map(|contact| projected(contact, names)).collect();
        reply(200, &json!({ "total": found.len(), "results": results }))
    }

    fn associations(&self, from: &str, body: &Value) -> WireResponse {
        let inputs = body["inputs"].as_array().unwrap();
        if inputs.len() > 1000 {
            return error(400, "VALIDATION_ERROR", "too many inputs");
        }
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let id = input["id"].as_str().unwrap();
            let of_id = self.links.iter().filter(|(kind, one, _)| *kind == from && one == id);
            let to: Vec<Value> = of_id
                .map(|(_, _, deal)| {
                    json!({
                        "toObjectId": deal.parse::<u64>().unwrap(),
                        "associationTypes": [{ "category": "HUBSPOT_DEFINED", "typeId": 4, "label": null }],
                    })
                })
                .collect();
            if to.is_empty() {
                errors.push(json!({
                    "status": "error", "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": format!("No deal is associated with {from} {id}."), "context": { "fromObjectId": [id] },
                }));
                continue;
            }
            let mut result = json!({ "from": { "id": id }, "to": to });
            if self.long.iter().any(|long| long == id) {
                result["paging"] = json!({ "next": { "after": "NTAw", "link": "https://api.hubapi.com/elsewhere" } });
            }
            results.push(result);
        }
        let status = if errors.is_empty() { 200 } else { 207 };
        let mut answer = json!({ "status": "COMPLETE", "results": results });
        if !errors.is_empty() {
            answer["numErrors"] = json!(errors.len());
            answer["errors"] = json!(errors);
        }
        reply(status, &answer)
    }
}

fn answers(record: &Value, property: &str, key: &str) -> bool {
    let others = |name: &str| {
        let text = record["properties"][name].as_str().unwrap_or_default();
        text.split(';').any(|one| one == key)
    };
    match property {
        "" => record["id"] == *key || others("hs_merged_object_ids"),
        // `HubSpot` keeps addresses in lower case
        "email" => record["properties"]["email"] == *key || others("hs_additional_emails"),
        other => record["properties"][other] == *key,
    }
}

/// The record with the properties that were asked for, and those that always come.
fn projected(record: &Value, names: &[Value]) -> Value {
    let mut properties = Map::new();
    for name in names.iter().filter_map(Value::as_str).filter(|name| !name.is_empty()) {
        properties.insert(name.to_owned(), record["properties"][name].clone());
    }
    properties.insert("hs_object_id".to_owned(), record["id"].clone());
    let mut record = record.clone();
    record["properties"] = Value::Object(properties);
    record
}

pub(crate) fn error(status: u16, category: &str, message: &str) -> WireResponse {
    reply(
        status,
        &json!({
            "status": "error", "message": message, "category": category,
            "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf",
        }),
    )
}
