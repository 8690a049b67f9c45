//! A stand-in for Stripe, written after its documentation: one customer a list, newest first, pages by the last id, errors with
//! a code, amounts in minor units.

use cyclorama::transport::WireResponse;
use serde_json::{Value, json};

use super::kit::{Asked, reply};

pub(crate) const KEY: &str = "sk_test_1";
pub(crate) const VERSION: &str = "2024-06-20";

#[derive(Default)]
pub(crate) struct Stripe {
    /// Objects of all kinds, each with `object` and `id`, newest first.
    pub(crate) objects: Vec<Value>,
}

impl Stripe {
    pub(crate) fn answer(&self, asked: &Asked) -> WireResponse {
        if asked.header("authorization") != Some(&format!("Bearer {KEY}")) {
            return error(401, "invalid_api_key");
        }
        assert_eq!(asked.header("stripe-version"), Some(VERSION));
        let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match (asked.method.as_str(), path.as_slice()) {
            ("GET", ["v1", kind]) => self.list(kind, asked),
            ("GET", ["v1", kind, id]) => {
                let found = self.objects.iter().find(|one| is_of(kind, one) && one["id"] == **id);
                found.map_or_else(|| error(404, "resource_missing"), |one| reply(200, one))
            }
            _ => error(404, "url_invalid"),
        }
    }

    fn list(&self, kind: &str, asked: &Asked) -> WireResponse {
        let filters = ["customer", "invoice", "email", "status"].map(|name| {
            let wanted = asked.parameter(name).filter(|value| *value != "all");
            (name, wanted)
        });
        let found: Vec<&Value> = self
            .objects
            .iter()
            .filter(|one| is_of(kind, one))
            .filter(|one| {
                filters
                    .iter()
                    .all(|(name, wanted)| wanted.is_none_or(|wanted| one[*name] == wanted))
            })
            .collect();
        let limit: usize = asked.parameter("limit").map_or(10, |limit| limit.parse().unwrap());
        assert!((1..=100).contains(&limit));
        let start = asked
            .parameter("starting_after")
            .map_or(0, |last| found.iter().position(|one| one["id"] == last).unwrap() + 1);
        let end = (start + limit).min(found.len());
        reply(
            200,
            &json!({ "object": "list", "data": found[start..end], "has_more": end < found.len(), "url": asked.path }),
        )
    }
}

fn is_of(kind: &str, object: &Value) -> bool {
    object["object"] == *kind.strip_suffix('s').unwrap()
}

pub(crate) fn error(status: u16, code: &str) -> WireResponse {
    reply(
        status,
        &json!({ "error": { "type": "invalid_request_error", "code": code, "message": "secret words" } }),
    )
}
