//! What one would write by hand with async-graphql: the same graph, each list by DataLoader, or one resolver that looks ahead.
//!
//! Takes: `--backends`; `--cache` to keep records between requests (moka); `--soap` for tickets over SOAP.
//! Gives: a GraphQL server over axum.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{
    ComplexObject, Context, EmptyMutation, EmptySubscription, Enum, Object, Schema, SimpleObject,
};
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Options;
use crate::limit::{envelope, read_tickets};
use crate::server::listen;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    LookAhead,
    DataLoader,
}

type Graph = Schema<Query, EmptyMutation, EmptySubscription>;

pub(crate) async fn serve(options: &Options, way: Way) -> Result<(), String> {
    let http = reqwest::Client::builder()
        .pool_max_idle_per_host(256)
        .build()
        .map_err(|e| e.to_string())?;
    let systems = Systems {
        http,
        backends: options.backends()?.into(),
        soap: options.flag("--soap"),
        cache: options.flag("--cache").then(Caches::new),
    };
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
        .data(way)
        .data(systems.clone())
        .finish();
    let app = Router::new().route("/graphql", post(answer)).with_state((schema, systems));
    axum::serve(listen().await?, app).await.map_err(|e| e.to_string())
}

/// Loaders live as long as one request.
async fn answer(
    State((schema, systems)): State<(Graph, Systems)>,
    request: GraphQLRequest,
) -> GraphQLResponse {
    let request = request
        .into_inner()
        .data(DataLoader::new(InvoicesOf(systems.clone()), tokio::spawn))
        .data(DataLoader::new(TicketsOf(systems), tokio::spawn));
    schema.execute(request).await.into()
}

#[derive(Clone)]
struct Systems {
    http: reqwest::Client,
    backends: Arc<str>,
    soap: bool,
    cache: Option<Caches>,
}

#[derive(Clone)]
struct Caches {
    customers: moka::sync::Cache<String, Arc<Vec<CrmCustomer>>>,
    invoices: moka::sync::Cache<String, Arc<Vec<Invoice>>>,
    tickets: moka::sync::Cache<String, Arc<Vec<Ticket>>>,
}

impl Caches {
    fn new() -> Self {
        fn cache<T: Clone + Send + Sync + 'static>() -> moka::sync::Cache<String, T> {
            moka::sync::Cache::builder()
                .max_capacity(100_000)
                .time_to_live(Duration::from_secs(3600))
                .build()
        }
        Self { customers: cache(), invoices: cache(), tickets: cache() }
    }
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Clone, Deserialize)]
struct CrmCustomer {
    id: String,
    name: String,
    email: String,
    billing: String,
    city: String,
    segment: String,
}

#[derive(Deserialize)]
struct BillingInvoice {
    account: String,
    number: String,
    status: String,
    total: i64,
    currency: String,
    memo: String,
}

#[derive(Deserialize)]
struct SupportTicket {
    email: String,
    subject: String,
    status: String,
    priority: i32,
}

#[derive(Clone, SimpleObject)]
struct Invoice {
    number: String,
    status: InvoiceStatus,
    total: Money,
    memo: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum InvoiceStatus {
    Open,
    Paid,
}

#[derive(Clone, SimpleObject)]
struct Money {
    amount: String,
    currency: String,
}

#[derive(Clone, SimpleObject)]
struct Ticket {
    subject: String,
    status: TicketStatus,
    priority: i32,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum TicketStatus {
    New,
    Open,
    Closed,
}

type Grouped<T> = HashMap<String, Arc<Vec<T>>>;

impl Systems {
    async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<Vec<T>, String> {
        let url = format!("http://{}{target}", self.backends);
        let response = self.http.get(url).send().await.map_err(|e| e.to_string())?;
        let items: Items<T> = response.json().await.map_err(|e| e.to_string())?;
        Ok(items.items)
    }

    async fn customers(&self, query: &str) -> Result<Arc<Vec<CrmCustomer>>, String> {
        if let Some(kept) = self.cache.as_ref().and_then(|cache| cache.customers.get(query)) {
            return Ok(kept);
        }
        let customers =
            Arc::new(self.get::<CrmCustomer>(&format!("/crm/customers?{query}")).await?);
        if let Some(cache) = &self.cache {
            cache.customers.insert(query.to_owned(), Arc::clone(&customers));
        }
        Ok(customers)
    }

    async fn invoices(&self, keys: &[String]) -> Result<Grouped<Invoice>, String> {
        let cache = self.cache.as_ref().map(|cache| &cache.invoices);
        kept_or_read(cache, keys, |missing| async move {
            let list: Vec<BillingInvoice> =
                self.get(&format!("/billing/invoices?keys={}", missing.join(","))).await?;
            let pairs = list.into_iter().map(|invoice| {
                let record = Invoice {
                    number: invoice.number,
                    status: if invoice.status == "open" {
                        InvoiceStatus::Open
                    } else {
                        InvoiceStatus::Paid
                    },
                    total: Money {
                        amount: format!("{}.{:02}", invoice.total / 100, invoice.total % 100),
                        currency: invoice.currency,
                    },
                    memo: invoice.memo,
                };
                (invoice.account, record)
            });
            Ok(pairs.collect())
        })
        .await
    }

    async fn tickets(&self, keys: &[String]) -> Result<Grouped<Ticket>, String> {
        let cache = self.cache.as_ref().map(|cache| &cache.tickets);
        kept_or_read(cache, keys, |missing| async move {
            let list = if self.soap {
                self.tickets_by_soap(&missing).await?
            } else {
                self.tickets_by_rest(&missing).await?
            };
            let pairs = list.into_iter().map(|ticket| {
                let status = match ticket.status.as_str() {
                    "new" => TicketStatus::New,
                    "open" => TicketStatus::Open,
                    _ => TicketStatus::Closed,
                };
                (
                    ticket.email,
                    Ticket { subject: ticket.subject, status, priority: ticket.priority },
                )
            });
            Ok(pairs.collect())
        })
        .await
    }

    async fn tickets_by_rest(&self, keys: &[String]) -> Result<Vec<SupportTicket>, String> {
        self.get(&format!("/support/tickets?keys={}", keys.join(","))).await
    }

    async fn tickets_by_soap(&self, keys: &[String]) -> Result<Vec<SupportTicket>, String> {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let request =
            self.http.post(format!("http://{}/soap", self.backends)).body(envelope(&keys));
        let body = request
            .send()
            .await
            .map_err(|e| e.to_string())?
            .bytes()
            .await
            .map_err(|e| e.to_string())?;
        let mut list = Vec::new();
        read_tickets(&body, |ticket| {
            list.push(SupportTicket {
                email: ticket.email.to_owned(),
                subject: ticket.subject.to_owned(),
                status: ticket.status.to_owned(),
                priority: i32::try_from(ticket.priority).unwrap_or_default(),
            });
        });
        Ok(list)
    }
}

/// What is kept, and what is missing in one call, grouped by key.
async fn kept_or_read<T, F>(
    cache: Option<&moka::sync::Cache<String, Arc<Vec<T>>>>,
    keys: &[String],
    read: impl FnOnce(Vec<String>) -> F,
) -> Result<Grouped<T>, String>
where
    T: Send + Sync + 'static,
    F: Future<Output = Result<Vec<(String, T)>, String>>,
{
    let mut found: Grouped<T> = HashMap::with_capacity(keys.len());
    let mut missing = Vec::new();
    for key in keys {
        match cache.and_then(|cache| cache.get(key)) {
            Some(kept) => drop(found.insert(key.clone(), kept)),
            None => missing.push(key.clone()),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let mut groups: HashMap<String, Vec<T>> =
        missing.iter().map(|key| (key.clone(), Vec::new())).collect();
    for (key, record) in read(missing).await? {
        groups.entry(key).or_default().push(record);
    }
    for (key, records) in groups {
        let records = Arc::new(records);
        if let Some(cache) = cache {
            cache.insert(key.clone(), Arc::clone(&records));
        }
        found.insert(key, records);
    }
    Ok(found)
}

struct InvoicesOf(Systems);

impl Loader<String> for InvoicesOf {
    type Value = Arc<Vec<Invoice>>;
    type Error = String;

    async fn load(&self, keys: &[String]) -> Result<HashMap<String, Self::Value>, String> {
        self.0.invoices(keys).await
    }
}

struct TicketsOf(Systems);

impl Loader<String> for TicketsOf {
    type Value = Arc<Vec<Ticket>>;
    type Error = String;

    async fn load(&self, keys: &[String]) -> Result<HashMap<String, Self::Value>, String> {
        self.0.tickets(keys).await
    }
}

#[derive(SimpleObject)]
#[graphql(complex)]
struct Customer {
    number: String,
    name: String,
    email: String,
    city: String,
    segment: String,
    #[graphql(skip)]
    billing: String,
    /// What a resolver that looked ahead has read already.
    #[graphql(skip)]
    ahead: Ahead,
}

#[derive(Default)]
struct Ahead {
    invoices: Option<Arc<Vec<Invoice>>>,
    tickets: Option<Arc<Vec<Ticket>>>,
}

#[ComplexObject]
impl Customer {
    async fn invoices(&self, context: &Context<'_>) -> async_graphql::Result<Vec<Invoice>> {
        let list = match &self.ahead.invoices {
            Some(list) => Some(Arc::clone(list)),
            None => {
                context.data::<DataLoader<InvoicesOf>>()?.load_one(self.billing.clone()).await?
            }
        };
        Ok(list.map(|list| list.to_vec()).unwrap_or_default())
    }

    async fn tickets(&self, context: &Context<'_>) -> async_graphql::Result<Vec<Ticket>> {
        let list = match &self.ahead.tickets {
            Some(list) => Some(Arc::clone(list)),
            None => context.data::<DataLoader<TicketsOf>>()?.load_one(self.email.clone()).await?,
        };
        Ok(list.map(|list| list.to_vec()).unwrap_or_default())
    }
}

struct Query;

#[Object]
impl Query {
    async fn customers(
        &self,
        context: &Context<'_>,
        page: i32,
    ) -> async_graphql::Result<Vec<Customer>> {
        let systems = context.data::<Systems>()?;
        let records = systems.customers(&format!("page={page}")).await?;
        let mut customers: Vec<Customer> = records.iter().map(Customer::of).collect();
        if *context.data::<Way>()? == Way::LookAhead {
            look_ahead(context, systems, &mut customers).await?;
        }
        Ok(customers)
    }

    async fn customer(
        &self,
        context: &Context<'_>,
        number: String,
    ) -> async_graphql::Result<Option<Customer>> {
        let records = context.data::<Systems>()?.customers(&format!("keys={number}")).await?;
        Ok(records.first().map(Customer::of))
    }

    async fn customer_by_email(
        &self,
        context: &Context<'_>,
        email: String,
    ) -> async_graphql::Result<Option<Customer>> {
        let systems = context.data::<Systems>()?;
        let ahead = *context.data::<Way>()? == Way::LookAhead
            && context.look_ahead().field("tickets").exists();
        let keys = [email.clone()];
        let query = format!("keys={email}");
        let tickets =
            async { if ahead { systems.tickets(&keys).await.map(Some) } else { Ok(None) } };
        let (records, tickets) = tokio::try_join!(systems.customers(&query), tickets)?;
        let mut customer = records.first().map(Customer::of);
        if let (Some(customer), Some(mut tickets)) = (&mut customer, tickets) {
            customer.ahead.tickets = tickets.remove(&email);
        }
        Ok(customer)
    }
}

impl Customer {
    fn of(record: &CrmCustomer) -> Self {
        Self {
            number: record.id.clone(),
            name: record.name.clone(),
            email: record.email.clone(),
            city: record.city.clone(),
            segment: record.segment.clone(),
            billing: record.billing.clone(),
            ahead: Ahead::default(),
        }
    }
}

/// Both lists of all customers, where they are selected, at once.
async fn look_ahead(
    context: &Context<'_>,
    systems: &Systems,
    customers: &mut [Customer],
) -> Result<(), String> {
    let ahead = context.look_ahead();
    let (wants_invoices, wants_tickets) =
        (ahead.field("invoices").exists(), ahead.field("tickets").exists());
    let accounts: Vec<String> = customers.iter().map(|customer| customer.billing.clone()).collect();
    let emails: Vec<String> = customers.iter().map(|customer| customer.email.clone()).collect();
    let invoices = async {
        if wants_invoices { systems.invoices(&accounts).await.map(Some) } else { Ok(None) }
    };
    let tickets =
        async { if wants_tickets { systems.tickets(&emails).await.map(Some) } else { Ok(None) } };
    let (mut invoices, mut tickets) = tokio::try_join!(invoices, tickets)?;
    for customer in customers {
        customer.ahead.invoices =
            invoices.as_mut().and_then(|found| found.remove(&customer.billing));
        customer.ahead.tickets = tickets.as_mut().and_then(|found| found.remove(&customer.email));
    }
    Ok(())
}
