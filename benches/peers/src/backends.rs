//! The three systems: CRM, billing, support; each answers from text that was made at the start, and counts its requests.
//!
//! Takes: `--latency` in milliseconds.
//! Gives: `/crm`, `/billing`, `/support` and `/soap` on one port; `/count` says how many requests came, and begins anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Options;
use crate::server::{self, Asked, Told, json};
use crate::world::{CUSTOMERS, PAGE, World, number_of};

pub(crate) async fn serve(options: &Options) -> Result<(), String> {
    let world = Arc::new(World::make());
    let calls = Arc::new(AtomicU64::new(0));
    let latency = Duration::from_millis(options.number("--latency", 0));
    server::serve(move |asked| {
        let (world, calls) = (Arc::clone(&world), Arc::clone(&calls));
        async move {
            if asked.path == "/count" {
                return json(calls.swap(0, Ordering::Relaxed).to_string());
            }
            calls.fetch_add(1, Ordering::Relaxed);
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            answer(&world, &asked)
        }
    })
    .await
}

fn answer(world: &World, asked: &Asked) -> Told {
    match asked.path.as_str() {
        "/crm/customers" => match parameter(&asked.query, "page") {
            Some(page) => json(items(page_of(&world.customers, page))),
            None => json(items(chosen(&world.customers, &asked.query))),
        },
        "/billing/invoices" => json(items(chosen(&world.invoices, &asked.query))),
        "/support/tickets" => json(items(chosen(&world.tickets, &asked.query))),
        "/soap" => soap(world, asked),
        _ => json("{}"),
    }
}

fn page_of<'w>(texts: &'w [String], page: &str) -> Vec<&'w str> {
    let begin = page.parse::<usize>().unwrap_or(0).saturating_mul(PAGE) % CUSTOMERS;
    texts.iter().skip(begin).take(PAGE).map(String::as_str).collect()
}

fn chosen<'w>(texts: &'w [String], query: &str) -> Vec<&'w str> {
    let keys = parameter(query, "keys").unwrap_or_default().replace("%2C", ",").replace("%40", "@");
    keys.split(',').filter_map(number_of).filter_map(|n| texts.get(n)).map(String::as_str).collect()
}

fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn items(texts: Vec<&str>) -> String {
    let mut body =
        String::with_capacity(texts.iter().map(|text| text.len() + 1).sum::<usize>() + 16);
    body.push_str(r#"{"items":["#);
    for (i, text) in texts.iter().enumerate() {
        if i > 0 {
            body.push(',');
        }
        body.push_str(text);
    }
    body.push_str("]}");
    body
}

/// Every `<email>` of the envelope is a key.
fn soap(world: &World, asked: &Asked) -> Told {
    let envelope = std::str::from_utf8(&asked.body).unwrap_or_default();
    let mut body = String::with_capacity(64 * 1024);
    body.push_str(concat!(
        r#"<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:tickets">"#,
        "<s:Body><t:FindTicketsResponse>"
    ));
    for key in envelope.split("<t:email>").skip(1).filter_map(|rest| rest.split('<').next()) {
        body.push_str(
            number_of(key).and_then(|n| world.tickets_xml.get(n)).map_or("", String::as_str),
        );
    }
    body.push_str("</t:FindTicketsResponse></s:Body></s:Envelope>");
    Told { kind: "text/xml; charset=utf-8", body: body.into() }
}
