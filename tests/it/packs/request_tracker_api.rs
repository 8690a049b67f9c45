//! A stand-in for Request Tracker, written after what version 5 does: `TicketSQL` as far as it is sent, fields only if they are
//! named, numbers as text, 1970 for "not set", what was said in transactions and its text in their attachments.

use cyclorama::transport::WireResponse;
use serde_json::{Map, Value, json};

use super::kit::{Asked, reply};

pub(crate) const TOKEN: &str = "token 1-14-secret";

#[derive(Default)]
pub(crate) struct RequestTracker {
    /// With `Requestor`, `Owner` and `Queue` as they come when all of their fields are asked for.
    pub(crate) tickets: Vec<Value>,
    /// With the ticket's id and the text.
    pub(crate) transactions: Vec<Value>,
}

impl RequestTracker {
    pub(crate) fn answer(&self, asked: &Asked) -> WireResponse {
        if asked.header("authorization") != Some(TOKEN) {
            return reply(401, &json!({ "message": "Unauthorized" }));
        }
        let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match (asked.method.as_str(), path.as_slice()) {
            ("GET", ["REST", "2.0", "tickets"]) => self.search(asked),
            ("GET", ["REST", "2.0", "transactions"]) => self.said(asked),
            ("GET", ["REST", "2.0", "transaction", id, "attachments"]) => {
                let found = self.transactions.iter().find(|one| one["id"] == **id);
                let items: Vec<Value> = found
                    .map(|one| json!({ "Content": one["text"], "ContentType": "text/plain", "type": "attachment" }))
                    .into_iter()
                    .collect();
                page(&items, asked)
            }
            _ => reply(404, &json!({ "message": "Not Found" })),
        }
    }

    fn search(&self, asked: &Asked) -> WireResponse {
        let query = asked.parameter("query").unwrap();
        let (requesters, states) =
            (values(query, "Requestor.EmailAddress"), values(query, "Status"));
        let ids = values(query, "id");
        let is_none = query.contains("id = 0");
        let mut found: Vec<&Value> = self
            .tickets
            .iter()
            .filter(|ticket| {
                let is_asked = ticket["Requestor"].as_array().unwrap().iter().any(|one| {
                    let email = one["EmailAddress"].as_str().unwrap();
                    requesters.iter().any(|wanted| wanted.eq_ignore_ascii_case(email))
                });
                !is_none
                    && (requesters.is_empty() || is_asked)
                    && (ids.is_empty() || ids.iter().any(|id| ticket["id"] == **id))
                    && (states.is_empty() || states.iter().any(|one| ticket["Status"] == **one))
            })
            .collect();
        if asked.parameter("order") == Some("DESC") {
            found.sort_by_key(|ticket| std::cmp::Reverse(ticket["LastUpdated"].to_string()));
        }
        let names: Vec<&str> = asked.parameter("fields").unwrap().split(',').collect();
        let items: Vec<Value> = found
            .into_iter()
            .map(|ticket| {
                let mut item = Map::new();
                for name in names.iter().copied().chain(["id"]) {
                    item.insert(name.to_owned(), ticket[name].clone());
                }
                Value::Object(item)
            })
            .collect();
        page(&items, asked)
    }

    fn said(&self, asked: &Asked) -> WireResponse {
        let query = asked.parameter("query").unwrap();
        let (kinds, tickets) = (values(query, "Type"), values(query, "ObjectId"));
        let is_wanted = |one: &&Value| {
            kinds.iter().any(|kind| one["Type"] == **kind)
                && tickets.iter().any(|ticket| one["ObjectId"] == **ticket)
        };
        let items: Vec<Value> = self
            .transactions
            .iter()
            .filter(is_wanted)
            .map(|one| {
                let mut one = one.clone();
                one.as_object_mut().unwrap().remove("text");
                one
            })
            .collect();
        page(&items, asked)
    }
}

fn page(items: &[Value], asked: &Asked) -> WireResponse {
    let number = |name: &str, other: usize| {
        asked.parameter(name).map_or(other, |text| text.parse::<usize>().unwrap())
    };
    let (page, size) = (number("page", 1), number("per_page", 20));
    assert!(size <= 100, "at most a hundred on a page");
    let start = ((page - 1) * size).min(items.len());
    let end = (start + size).min(items.len());
    let mut answer = json!({
        "items": items[start..end], "count": end - start, "page": page, "per_page": size,
        "total": items.len(), "pages": items.len().div_ceil(size),
    });
    if end < items.len() {
        answer["next_page"] = json!("http://rt.test/REST/2.0/…");
    }
    reply(200, &answer)
}

/// What is compared with a field: `Field = 'value'`, with the quotes and backslashes of `TicketSQL`.
fn values(query: &str, field: &str) -> Vec<String> {
    let start = format!("{field} = '");
    let mut found = Vec::new();
    for (at, _) in query.match_indices(&start) {
        let is_whole = query[..at].chars().next_back().is_none_or(|before| !before.is_alphabetic());
        if !is_whole {
            continue;
        }
        let (mut value, mut rest) = (String::new(), query[at + start.len()..].chars());
        while let Some(character) = rest.next() {
            match character {
                '\'' => break,
                '\\' => value.extend(rest.next()),
                other => value.push(other),
            }
        }
        found.push(value);
    }
    found
}
