//! The limit: a program that knows the operations, makes exactly the calls that they need, and glues text.
//!
//! Takes: `--backends`; `--soap` for tickets over SOAP; `--cache` to keep what it read.
//! Gives: the answers that a GraphQL server gives, without being one. What it costs is what nobody can save.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;

use crate::Options;
use crate::client::Client;
use crate::server::{self, json};

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "operationName")]
    operation: String,
    variables: Variables,
}

#[derive(Deserialize)]
struct Variables {
    page: Option<u64>,
    number: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Customer<'a> {
    name: &'a str,
    email: &'a str,
    billing: &'a str,
    city: &'a str,
    segment: &'a str,
}

#[derive(Deserialize)]
struct Invoice<'a> {
    account: &'a str,
    number: &'a str,
    status: &'a str,
    total: i64,
    currency: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct Ticket<'a> {
    pub(crate) email: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) status: &'a str,
    pub(crate) priority: i64,
}

/// A customer as text, and the keys of its lists.
#[derive(Clone)]
struct Kept {
    head: String,
    billing: String,
    email: String,
}

type Texts = moka::sync::Cache<String, Arc<str>>;

#[derive(Clone)]
struct Limit {
    client: Client,
    soap: bool,
    cache: Option<Caches>,
}

#[derive(Clone)]
struct Caches {
    pages: moka::sync::Cache<u64, Arc<Vec<Kept>>>,
    lists: Texts,
    customers: Texts,
}

pub(crate) async fn serve(options: &Options) -> Result<(), String> {
    let texts = || {
        moka::sync::Cache::builder()
            .max_capacity(1_000_000)
            .time_to_live(Duration::from_secs(3600))
            .build()
    };
    let cache = options.flag("--cache").then(|| Caches {
        pages: moka::sync::Cache::new(1_000),
        lists: texts(),
        customers: texts(),
    });
    let limit =
        Limit { client: Client::new(options.backends()?), soap: options.flag("--soap"), cache };
    server::serve(move |asked| {
        let limit = limit.clone();
        async move {
            let asked: Asked = serde_json::from_slice(&asked.body).expect("a known request");
            json(match asked.operation.as_str() {
                "One" => limit.one(&asked.variables.number.unwrap_or_default()).await,
                "Mine" => limit.mine(&asked.variables.email.unwrap_or_default()).await,
                _ => limit.page(asked.variables.page.unwrap_or_default()).await,
            })
        }
    })
    .await
}

impl Limit {
    async fn one(&self, number: &str) -> String {
        if let Some(kept) = self.cache.as_ref().and_then(|cache| cache.customers.get(number)) {
            return kept.to_string();
        }
        let body = self.client.get(&format!("/crm/customers?keys={number}")).await;
        let items: Items<Customer<'_>> = serde_json::from_slice(&body).expect("customers");
        let customer = &items.items[0];
        let text = format!(
            r#"{{"data":{{"customer":{{"name":"{}","email":"{}","city":"{}","segment":"{}"}}}}}}"#,
            customer.name, customer.email, customer.city, customer.segment
        );
        if let Some(cache) = &self.cache {
            cache.customers.insert(number.to_owned(), Arc::from(text.as_str()));
        }
        text
    }

    /// Both calls at once: the address is known.
    async fn mine(&self, email: &str) -> String {
        let customer = format!("/crm/customers?keys={email}");
        let keys = [email];
        let (customer, tickets) = tokio::join!(self.client.get(&customer), self.tickets(&keys));
        let items: Items<Customer<'_>> = serde_json::from_slice(&customer).expect("customers");
        let empty = String::new();
        format!(
            r#"{{"data":{{"customerByEmail":{{"name":"{}","tickets":[{}]}}}}}}"#,
            items.items[0].name,
            tickets.get(email).unwrap_or(&empty)
        )
    }

    async fn page(&self, page: u64) -> String {
        let customers = self.customers(page).await;
        match &self.cache {
            None => {
                let (invoices, tickets) = self.lists(&customers).await;
                let of = |texts: &HashMap<String, String>, key: &str, out: &mut String| {
                    out.push_str(texts.get(key).map_or("", String::as_str));
                };
                glue(
                    &customers,
                    |customer, out| of(&invoices, &customer.billing, out),
                    |customer, out| {
                        of(&tickets, &customer.email, out);
                    },
                )
            }
            Some(cache) => {
                let missing =
                    customers.iter().any(|customer| cache.lists.get(&customer.billing).is_none());
                if missing {
                    let (invoices, tickets) = self.lists(&customers).await;
                    for (key, text) in invoices.into_iter().chain(tickets) {
                        cache.lists.insert(key, Arc::from(text));
                    }
                }
                let of = |key: &str, out: &mut String| {
                    if let Some(text) = cache.lists.get(key) {
                        out.push_str(&text);
                    }
                };
                glue(
                    &customers,
                    |customer, out| of(&customer.billing, out),
                    |customer, out| of(&customer.email, out),
                )
            }
        }
    }

    async fn customers(&self, page: u64) -> Arc<Vec<Kept>> {
        if let Some(kept) = self.cache.as_ref().and_then(|cache| cache.pages.get(&page)) {
            return kept;
        }
        let body = self.client.get(&format!("/crm/customers?page={page}")).await;
        let items: Items<Customer<'_>> = serde_json::from_slice(&body).expect("customers");
        let kept = items.items.iter().map(|customer| Kept {
            head: format!(
                r#"{{"name":"{}","email":"{}","invoices":["#,
                customer.name, customer.email
            ),
            billing: customer.billing.to_owned(),
            email: customer.email.to_owned(),
        });
        let kept = Arc::new(kept.collect::<Vec<_>>());
        if let Some(cache) = &self.cache {
            cache.pages.insert(page, Arc::clone(&kept));
        }
        kept
    }

    async fn lists(
        &self,
        customers: &[Kept],
    ) -> (HashMap<String, String>, HashMap<String, String>) {
        let billing: Vec<&str> =
            customers.iter().map(|customer| customer.billing.as_str()).collect();
        let emails: Vec<&str> = customers.iter().map(|customer| customer.email.as_str()).collect();
        tokio::join!(self.invoices(&billing), self.tickets(&emails))
    }

    async fn invoices(&self, keys: &[&str]) -> HashMap<String, String> {
        let body = self.client.get(&format!("/billing/invoices?keys={}", keys.join(","))).await;
        let items: Items<Invoice<'_>> = serde_json::from_slice(&body).expect("invoices");
        let mut texts: HashMap<String, String> = HashMap::with_capacity(keys.len());
        for invoice in &items.items {
            let text = entry(&mut texts, invoice.account);
            let status = if invoice.status == "open" { "OPEN" } else { "PAID" };
            write!(
                text,
                r#"{{"number":"{}","status":"{status}","total":{{"amount":"{}.{:02}","currency":"{}"}}}}"#,
                invoice.number,
                invoice.total / 100,
                invoice.total % 100,
                invoice.currency
            )
            .expect("text");
        }
        texts
    }

    async fn tickets(&self, keys: &[&str]) -> HashMap<String, String> {
        let mut texts: HashMap<String, String> = HashMap::with_capacity(keys.len());
        if self.soap {
            let body = self.client.post("/soap", envelope(keys)).await;
            read_tickets(&body, |ticket| write_ticket(entry(&mut texts, ticket.email), ticket));
        } else {
            let body = self.client.get(&format!("/support/tickets?keys={}", keys.join(","))).await;
            let items: Items<Ticket<'_>> = serde_json::from_slice(&body).expect("tickets");
            items
                .items
                .iter()
                .for_each(|ticket| write_ticket(entry(&mut texts, ticket.email), ticket));
        }
        texts
    }
}

/// The text of one key, with a comma where there is something before.
fn entry<'t>(texts: &'t mut HashMap<String, String>, key: &str) -> &'t mut String {
    if !texts.contains_key(key) {
        texts.insert(key.to_owned(), String::with_capacity(256));
    }
    let text = texts.get_mut(key).expect("just put there");
    if !text.is_empty() {
        text.push(',');
    }
    text
}

fn write_ticket(text: &mut String, ticket: &Ticket<'_>) {
    let status = match ticket.status {
        "new" => "NEW",
        "open" => "OPEN",
        _ => "CLOSED",
    };
    write!(
        text,
        r#"{{"subject":"{}","status":"{status}","priority":{}}}"#,
        ticket.subject, ticket.priority
    )
    .expect("text");
}

fn glue(
    customers: &[Kept],
    invoices: impl Fn(&Kept, &mut String),
    tickets: impl Fn(&Kept, &mut String),
) -> String {
    let mut out = String::with_capacity(128 * 1024);
    out.push_str(r#"{"data":{"customers":["#);
    for (i, customer) in customers.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&customer.head);
        invoices(customer, &mut out);
        out.push_str(r#"],"tickets":["#);
        tickets(customer, &mut out);
        out.push_str("]}");
    }
    out.push_str("]}}");
    out
}

pub(crate) fn envelope(keys: &[&str]) -> String {
    let mut text = String::from(concat!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:tickets">"#,
        "<s:Body><t:FindTickets>"
    ));
    for key in keys {
        write!(text, "<t:email>{key}</t:email>").expect("text");
    }
    text.push_str("</t:FindTickets></s:Body></s:Envelope>");
    text
}

pub(crate) fn read_tickets(body: &[u8], mut each: impl FnMut(&Ticket<'_>)) {
    let mut reader = Reader::from_reader(body);
    let (mut email, mut subject, mut status, mut priority) =
        (String::new(), String::new(), String::new(), 0);
    let mut within = 0_u8;
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(start) => {
                within = match start.local_name().as_ref() {
                    "email" => 1,
                    "subject" => 2,
                    "status" => 3,
                    "priority" => 4,
                    _ => 0,
                };
            }
            Event::Text(text) => {
                let text = text.xml10_content();
                match within {
                    1 => text.as_ref().clone_into(&mut email),
                    2 => text.as_ref().clone_into(&mut subject),
                    3 => text.as_ref().clone_into(&mut status),
                    4 => priority = text.parse().expect("a number"),
                    _ => {}
                }
            }
            Event::End(end) => {
                within = 0;
                if end.local_name().as_ref() == "ticket" {
                    each(&Ticket { email: &email, subject: &subject, status: &status, priority });
                }
            }
            Event::Eof => return,
            _ => {}
        }
    }
}
