//! A stand-in for Zendesk, written after its documentation: `show_many`, search export by cursor, comments with notes among
//! them, people by their ids alone.

use cyclorama::transport::WireResponse;
use serde_json::{Value, json};

use super::kit::{Asked, reply};

/// `agent@example.com/token:secret`, in base64.
pub(crate) const AUTHORIZATION: &str = "Basic YWdlbnRAZXhhbXBsZS5jb20vdG9rZW46c2VjcmV0";

#[derive(Default)]
pub(crate) struct Zendesk {
    pub(crate) tickets: Vec<Value>,
    pub(crate) users: Vec<Value>,
    pub(crate) groups: Vec<Value>,
    /// By the ticket's id.
    pub(crate) comments: Vec<(u64, Value)>,
}

impl Zendesk {
    pub(crate) fn answer(&self, asked: &Asked) -> WireResponse {
        if asked.header("authorization") != Some(AUTHORIZATION) {
            return reply(401, &json!({ "error": "Couldn't authenticate you" }));
        }
        let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match (asked.method.as_str(), path.as_slice()) {
            ("GET", ["api", "v2", kind @ ("tickets" | "users"), "show_many"]) => {
                self.many(kind, asked)
            }
            ("GET", ["api", "v2", "search", "export"]) => self.search(asked),
            ("GET", ["api", "v2", "users", "search"]) => {
                let wanted = term(asked.parameter("query").unwrap(), "email").unwrap();
                // a search finds what is like it, too
                let found: Vec<&Value> = self
                    .users
                    .iter()
                    .filter(|user| {
                        user["email"].as_str().is_some_and(|email| email.contains(&wanted))
                    })
                    .collect();
                reply(200, &json!({ "users": found, "count": found.len(), "next_page": null }))
            }
            ("GET", ["api", "v2", "groups", id]) => {
                match self.groups.iter().find(|group| is_id(&group["id"], id)) {
                    Some(group) => reply(200, &json!({ "group": group })),
                    None => not_found(),
                }
            }
            ("GET", ["api", "v2", "tickets", id, "comments"]) => {
                let of_ticket =
                    self.comments.iter().filter(|(ticket, _)| ticket.to_string() == **id);
                let all: Vec<Value> = of_ticket.map(|(_, comment)| comment.clone()).collect();
                paged("comments", &all, asked)
            }
            ("PUT", ["api", "v2", "tickets", id]) => {
                let Some(ticket) = self.tickets.iter().find(|ticket| is_id(&ticket["id"], id))
                else {
                    return not_found();
                };
                let comment = asked.body()["ticket"]["comment"].clone();
                let event = json!({ "id": 1, "type": "Comment", "body": comment["body"], "public": comment["public"] });
                let audit =
                    json!({ "id": 99, "created_at": "2026-03-04T05:06:07Z", "events": [event] });
                reply(200, &json!({ "ticket": ticket, "audit": audit }))
            }
            _ => not_found(),
        }
    }

    fn many(&self, kind: &str, asked: &Asked) -> WireResponse {
        let ids: Vec<&str> = asked.parameter("ids").unwrap().split(',').collect();
        assert!(ids.len() <= 100, "at most a hundred ids");
        let records = if kind == "tickets" { &self.tickets } else { &self.users };
        let found: Vec<Value> = records
            .iter()
            .filter(|record| ids.contains(&record["id"].to_string().as_str()))
            .map(|record| {
                let mut record = record.clone();
                if asked.parameter("include") == Some("metric_sets") {
                    record["metric_set"] = json!({ "solved_at": record["solved"], "reopens": 0 });
                }
                record.as_object_mut().unwrap().remove("solved");
                record
            })
            .collect();
        reply(200, &json!({ kind: found, "next_page": null, "count": found.len() }))
    }

    fn search(&self, asked: &Asked) -> WireResponse {
        assert_eq!(asked.parameter("filter[type]"), Some("ticket"));
        let query = asked.parameter("query").unwrap();
        let email = term(query, "requester").unwrap();
        let requester = self.users.iter().find(|user| user["email"] == email);
        let status = term(query, "status");
        let found: Vec<Value> = self
            .tickets
            .iter()
            .filter(|ticket| requester.is_some_and(|user| ticket["requester_id"] == user["id"]))
            .filter(|ticket| status.as_ref().is_none_or(|status| ticket["status"] == **status))
            .map(|ticket| {
                let mut ticket = ticket.clone();
                ticket["result_type"] = json!("ticket");
                ticket
            })
            .collect();
        paged("results", &found, asked)
    }
}

fn paged(name: &str, all: &[Value], asked: &Asked) -> WireResponse {
    let size: usize = asked.parameter("page[size]").unwrap().parse().unwrap();
    assert!(size <= 100);
    let start: usize = asked.parameter("page[after]").map_or(0, |after| after.parse().unwrap());
    let end = (start + size).min(all.len());
    let has_more = end < all.len();
    let cursor = has_more.then(|| end.to_string());
    reply(
        200,
        &json!({ name: all[start..end], "meta": { "has_more": has_more, "after_cursor": cursor }, "links": { "next": null } }),
    )
}

/// `name:value` or `name:"value"` of a query.
fn term(query: &str, name: &str) -> Option<String> {
    let rest = query.split_once(&format!("{name}:"))?.1;
    Some(match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?.to_owned(),
        None => rest.split(' ').next()?.to_owned(),
    })
}

fn not_found() -> WireResponse {
    reply(404, &json!({ "error": "RecordNotFound", "description": "Not found" }))
}

fn is_id(number: &Value, id: &str) -> bool {
    number.as_u64().is_some_and(|number| id.parse() == Ok(number))
}
