//! Three backends in memory, with ways of their own: batches, cursors, one key a call, statuses and codes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cyclorama::transport::WireResponse;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Call, reply};

/// What the backends hold, and how they misbehave. Keys of the maps are lines as [`Call::line`] writes them, or their beginnings.
pub(crate) struct World {
    pub(crate) customers: Vec<Value>,
    pub(crate) accounts: Vec<Value>,
    pub(crate) invoices: Vec<Value>,
    pub(crate) tickets: Vec<Value>,
    pub(crate) opportunities: Vec<Value>,
    pub(crate) replies: BTreeMap<String, Result<WireResponse, String>>,
    pub(crate) pauses: BTreeMap<String, Duration>,
    pub(crate) gates: BTreeMap<String, Arc<Notify>>,
    /// Keys that make the CRM's batch refuse the whole request with 422.
    pub(crate) poison: Option<String>,
    pub(crate) opportunity_pages: usize,
    pub(crate) ticket_pages: usize,
    pub(crate) mood: Mood,
    /// The time of day; `None`: the real one.
    pub(crate) present: Option<jiff::Timestamp>,
    /// It is a day later each time that anybody looks.
    pub(crate) hurries: bool,
    /// Calls whose line begins so make their operation panic.
    pub(crate) panics: Option<String>,
}

/// How backends make more calls necessary than need be, without ever being wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mood {
    /// Whatever has more than one key is refused with 422.
    pub(crate) refuses_chunks: bool,
    /// Pages hold one record or none, and there is always a next one.
    pub(crate) drips: bool,
}

/// Eight customers: c1 to c8. The even ones are linked to billing by id, the odd ones by e-mail alone; c7 has no account.
impl Default for World {
    fn default() -> Self {
        let numbers = || 1..=8_u32;
        let customers = numbers().map(|number| {
            let billing = (number % 2 == 0).then(|| format!("b{number}"));
            json!({
                "id": format!("c{number}"), "name": format!("Customer {number}"), "email": format!("C{number}@example.com"),
                "tags": ["a", "b"], "secret": "hush", "billing": billing,
            })
        });
        let accounts = numbers().filter(|number| *number != 7).map(|number| {
            json!({
                "id": format!("b{number}"), "email": format!("c{number}@example.com"), "plan": "gold",
                "balance": number * 100, "currency": "EUR",
            })
        });
        let invoices = numbers().flat_map(|customer| {
            (1..=customer).map(move |number| {
                json!({
                    "id": format!("i{customer}-{number}"), "account": format!("b{customer}"), "number": format!("{customer}/{number}"),
                    "status": if number % 2 == 0 { "paid" } else { "open" }, "total": number * 1000 + 5, "currency": "EUR",
                    "lines": [{ "text": "line", "amount": number * 1000 + 5 }],
                })
            })
        });
        let tickets = numbers().map(|number| {
            json!({
                "id": format!("t{number}"), "subject": format!("Ticket {number}"), "priority": number, "customer": format!("c{number}"),
                "requesters": [{ "email": format!("c{number}@example.com") }, { "email": "c1@example.com" }],
            })
        });
        let opportunities = numbers().map(|number| {
            json!({
                "id": format!("o{number}"), "customer": format!("c{}", (number - 1) / 4 + 1), "name": format!("Deal {number}"),
                "amount": "12.50", "currency": "EUR",
            })
        });
        Self {
            customers: customers.collect(),
            accounts: accounts.collect(),
            invoices: invoices.collect(),
            tickets: tickets.collect(),
            opportunities: opportunities.collect(),
            replies: BTreeMap::new(),
            pauses: BTreeMap::new(),
            gates: BTreeMap::new(),
            poison: None,
            opportunity_pages: 1,
            ticket_pages: 1,
            mood: Mood::default(),
            present: None,
            hurries: false,
            panics: None,
        }
    }
}

impl World {
    /// Every call whose line begins so gets this answer.
    pub(crate) fn reply(&mut self, line: &str, status: u16, body: &Value) {
        self.replies.insert(line.to_owned(), Ok(reply(status, body)));
    }

    /// Every call whose line begins so fails on the wire.
    pub(crate) fn break_wire(&mut self, line: &str) {
        self.replies.insert(line.to_owned(), Err("connection reset".to_owned()));
    }

    /// Calls whose line begins so wait until the gate is opened.
    pub(crate) fn hold(&mut self, line: &str) -> Arc<Notify> {
        let gate = Arc::new(Notify::new());
        self.gates.insert(line.to_owned(), Arc::clone(&gate));
        gate
    }

    /// What a clock says now.
    pub(super) fn present(&mut self) -> jiff::Timestamp {
        let now = self.present.unwrap_or_else(jiff::Timestamp::now);
        if self.hurries {
            self.present = Some(now + jiff::SignedDuration::from_hours(24));
        }
        now
    }

    pub(super) fn pause(&self, call: &Call) -> Duration {
        found(&self.pauses, call).copied().unwrap_or_default()
    }

    pub(super) fn gate(&self, call: &Call) -> Option<Arc<Notify>> {
        found(&self.gates, call).cloned()
    }

    pub(super) fn panics(&self, call: &Call) -> bool {
        self.panics.as_ref().is_some_and(|line| call.line().starts_with(line))
    }

    pub(super) fn answer(&mut self, call: &Call) -> Result<WireResponse, String> {
        if let Some(reply) = found(&self.replies, call) {
            return reply.clone();
        }
        if self.mood.refuses_chunks && keys_of(call) > 1 {
            return Ok(reply(
                422,
                &json!({ "error": { "code": "no_chunks", "message": "one at a time" } }),
            ));
        }
        Ok(match (call.backend.as_str(), call.method.as_str(), call.path.as_str()) {
            ("crm", "GET", "/customers") => self.customer_page(call),
            ("crm", "POST", "/customers/batch") => self.customer_batch(call),
            ("crm", "POST", "/customers/by-email") => {
                let emails = texts(&call.body["emails"]);
                let matches = |value: &Value| emails.contains(&text(value, "email").to_lowercase());
                reply(200, &json!({ "items": filtered(&self.customers, matches) }))
            }
            ("crm", "POST", "/opportunities") => self.opportunity_page(call),
            ("crm", "POST", "/deals") => {
                let ids = texts(&call.body["ids"]);
                let matches = |value: &Value| ids.contains(&text(value, "id").to_owned());
                reply(200, &json!({ "items": filtered(&self.opportunities, matches) }))
            }
            ("crm", "PATCH", path) => {
                self.rename(path.trim_start_matches("/customers/"), &call.body)
            }
            ("crm", "GET", "/weather") => Self::weather(call),
            ("billing", "GET", "/accounts") => {
                let (name, field) =
                    if call.parameter("id").is_some() { ("id", "id") } else { ("email", "email") };
                let wanted: Vec<&str> =
                    call.parameter(name).unwrap_or_default().split(',').collect();
                let matches = |value: &Value| wanted.contains(&text(value, field));
                reply(200, &json!({ "accounts": filtered(&self.accounts, matches) }))
            }
            ("billing", "GET", "/invoices") => self.invoice_page(call),
            ("billing", "GET", path) if path.ends_with("/balance") => {
                let id = path.trim_start_matches("/accounts/").trim_end_matches("/balance");
                one(&self.accounts, |value| text(value, "id") == id)
            }
            ("billing", "GET", path) => one(&self.invoices, |value| {
                text(value, "id") == path.trim_start_matches("/invoices/")
            }),
            ("support", "POST", "/tickets/search") => {
                let wanted = texts(&call.body["requesters"]);
                let matches = |value: &Value| {
                    value["requesters"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .any(|who| wanted.contains(&text(who, "email").to_owned()))
                };
                let all = filtered(&self.tickets, matches);
                let size = all.len().div_ceil(self.ticket_pages).max(1);
                let page = number(&call.body["page"]).unwrap_or(0);
                let items: Vec<&Value> = all.iter().skip(page * size).take(size).collect();
                let next = ((page + 1) * size < all.len()).then(|| (page + 1).to_string());
                reply(200, &json!({ "tickets": items, "next": next }))
            }
            ("support", "POST", path) if path.ends_with("/comments") => {
                let id = path.trim_start_matches("/tickets/").trim_end_matches("/comments");
                one(&self.tickets, |value| text(value, "id") == id)
            }
            _ => reply(
                404,
                &json!({ "error": { "code": "no_route", "message": "secret words of the backend" } }),
            ),
        })
    }

    fn customer_page(&self, call: &Call) -> WireResponse {
        let start: usize = call
            .parameter("cursor")
            .and_then(|cursor| cursor.trim_start_matches("at-").trim_end_matches('+').parse().ok())
            .unwrap_or(0);
        let size: usize =
            call.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(50);
        if self.mood.drips {
            // an empty page before each record
            let is_full = call.parameter("cursor").is_some_and(|cursor| cursor.ends_with('+'));
            let items: Vec<&Value> =
                self.customers.iter().skip(start).take(usize::from(is_full)).collect();
            let next = if is_full { format!("at-{}", start + 1) } else { format!("at-{start}+") };
            return reply(200, &json!({ "items": items, "next": next, "total": 8 }));
        }
        let items: Vec<&Value> = self.customers.iter().skip(start).take(size).collect();
        let next = (start + size < self.customers.len()).then(|| format!("at-{}", start + size));
        reply(200, &json!({ "items": items, "next": next, "total": self.customers.len() }))
    }

    fn customer_batch(&self, call: &Call) -> WireResponse {
        let ids = texts(&call.body["ids"]);
        if self.poison.as_ref().is_some_and(|poison| ids.contains(poison)) {
            return reply(
                422,
                &json!({ "error": { "code": "bad_id", "message": "one of the ids is bad" } }),
            );
        }
        let fields = texts(&call.body["fields"]);
        let items = filtered(&self.customers, |value| ids.contains(&text(value, "id").to_owned()))
            .into_iter()
            .map(|mut item| {
                if let Some(object) = item.as_object_mut() {
                    object.retain(|name, _| name == "id" || fields.contains(name));
                }
                item
            });
        reply(200, &json!({ "items": items.collect::<Vec<_>>() }))
    }

    /// Pages of a batch: all keys' records are spread over the pages.
    /// Says in every way that there is where the next page begins.
    fn opportunity_page(&self, call: &Call) -> WireResponse {
        let wanted = texts(&call.body["customers"]);
        let all = filtered(&self.opportunities, |value| {
            wanted.contains(&text(value, "customer").to_owned())
        });
        let size =
            if self.mood.drips { 1 } else { all.len().div_ceil(self.opportunity_pages).max(1) };
        let page = number(&call.body["page"]).unwrap_or(0);
        let skip = number(&call.body["offset"]).unwrap_or(page * size);
        let items: Vec<&Value> = all.iter().skip(skip).take(size).collect();
        let more = self.mood.drips || skip + size < all.len();
        let next = more.then(|| (page + 1).to_string());
        // Where a link leads is not followed: only its parameter is read.
        let link = next.as_ref().map(|next| format!("http://elsewhere.test/other?page={next}&x=y"));
        let mut answer = reply(
            200,
            &json!({ "items": items, "next": next, "more": more, "links": { "next": link } }),
        );
        let link = link.map(|link| ("link", format!("<{link}>; rel=\"next\"")));
        answer.headers.extend(cyclorama::transport::fields(link));
        answer
    }

    fn rename(&mut self, id: &str, body: &Value) -> WireResponse {
        match self.customers.iter_mut().find(|value| text(value, "id") == id) {
            Some(customer) => {
                customer["name"] = body["name"].clone();
                let mut answer = customer.clone();
                answer["note"] = json!("renamed");
                reply(200, &answer)
            }
            None => reply(
                404,
                &json!({ "error": { "code": "unknown_customer", "message": "secret words of the backend" } }),
            ),
        }
    }

    fn weather(call: &Call) -> WireResponse {
        let region = call
            .headers
            .iter()
            .find(|(name, _)| name == "x-region")
            .map_or("nowhere", |(_, value)| value);
        reply(
            200,
            &json!({ "sky": format!("{} in {region}", call.parameter("place").unwrap_or("anywhere")) }),
        )
    }

    fn invoice_page(&self, call: &Call) -> WireResponse {
        let account = call.parameter("account").unwrap_or_default();
        let status = call.parameter("status");
        let own = filtered(&self.invoices, |value| {
            (text(value, "account") == account || text(value, "shown_to") == account)
                && status.is_none_or(|status| text(value, "status") == status)
        });
        let start = match call.parameter("starting_after") {
            Some(after) => {
                own.iter().position(|value| text(value, "id") == after).map_or(0, |place| place + 1)
            }
            None => call.parameter("offset").and_then(|at| at.parse().ok()).unwrap_or(0),
        };
        let size: usize =
            call.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
        let size = if self.mood.drips { 1 } else { size };
        let data: Vec<&Value> = own.iter().skip(start).take(size).collect();
        reply(200, &json!({ "data": data, "has_more": start + size < own.len() }))
    }
}

fn found<'a, T>(map: &'a BTreeMap<String, T>, call: &Call) -> Option<&'a T> {
    let line = call.line();
    map.iter().rev().find(|(prefix, _)| line.starts_with(prefix.as_str())).map(|(_, value)| value)
}

/// How many keys a call has.
fn keys_of(call: &Call) -> usize {
    let in_body = ["ids", "emails", "customers", "requesters"]
        .map(|name| call.body[name].as_array().map_or(0, Vec::len));
    let in_query =
        ["id", "email"].map(|name| call.parameter(name).map_or(0, |keys| keys.split(',').count()));
    in_body.into_iter().chain(in_query).max().unwrap_or_default()
}

fn one(values: &[Value], matches: impl Fn(&Value) -> bool) -> WireResponse {
    match values.iter().find(|value| matches(value)) {
        Some(value) => reply(200, value),
        None => reply(
            404,
            &json!({ "error": { "code": "missing", "message": "secret words of the backend" } }),
        ),
    }
}

fn filtered(values: &[Value], matches: impl Fn(&Value) -> bool) -> Vec<Value> {
    values.iter().filter(|value| matches(value)).cloned().collect()
}

fn number(value: &Value) -> Option<usize> {
    value.to_string().trim_matches('"').parse().ok()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// The texts of a list; of objects in it, their `id`s.
fn texts(value: &Value) -> Vec<String> {
    let text = |item: &Value| item.as_str().or_else(|| item["id"].as_str()).map(str::to_owned);
    value.as_array().into_iter().flatten().filter_map(text).collect()
}
