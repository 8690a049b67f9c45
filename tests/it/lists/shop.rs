//! Shops with items, over one backend in memory that can filter and order, or is never asked to.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex};

use cyclorama::backend::Backends;
use cyclorama::compile::{Compiled, Files, compile};
use cyclorama::engine::{Engine, EngineSettings, Request};
use cyclorama::principal::Principal;
use cyclorama::transport::{MemoryWire, WireRequest, WireResponse};
use futures_util::FutureExt;
use serde_json::{Value, json};

const SCHEMA: &str = "
type Query {
  shop(id: ID!): Shop
  shops(ids: [ID!]!): [Shop]
  items(first: Int, after: String, filter: ItemFilter, orderBy: ItemOrder): ItemConnection
}
type Shop {
  id: ID!
  items(first: Int, after: String, status: Status, filter: ItemFilter, orderBy: ItemOrder): ItemConnection
  sourceStatus: [SourceStatus!]!
}
type Item {
  id: ID!
  name: String
  status: Status
  madeAt: DateTime
  price: Money
  tags: [String!]
  color: String
  secret: String @requiresScopes(scopes: [[\"secret:read\"]])
}
type Money { amount: Decimal!, currency: CurrencyCode! }
enum Status { NEW USED BROKEN }
input ItemFilter {
  status: [Status!], madeAt: TimeRange, price: MoneyFilter, tags: [String!], name: String, color: [String!], secret: [String!]
}
input TimeRange { since: DateTime, until: DateTime }
input MoneyFilter { amount: DecimalRange, currency: [CurrencyCode!] }
input DecimalRange { min: Decimal, max: Decimal }
input ItemOrder { field: ItemOrderField!, direction: Direction! = DESC }
enum ItemOrderField { MADE_AT PRICE STATUS NAME COLOR }
enum Direction { ASC DESC }
type ItemConnection { nodes: [Item!]!, edges: [ItemEdge!]!, pageInfo: PageInfo!, totalCount: Int }
type ItemEdge { cursor: String!, node: Item! }
type PageInfo { hasNextPage: Boolean!, hasPreviousPage: Boolean!, startCursor: String, endCursor: String }
type SourceStatus { system: String!, state: SourceState!, code: String, ageSeconds: Int, fromCache: Boolean! }
enum SourceState { OK STALE PARTIAL UNAVAILABLE NOT_LINKED AMBIGUOUS NOT_COVERED SKIPPED PENDING }
scalar DateTime
scalar Decimal
scalar CurrencyCode
directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION
";

const ROLES: &str = "
roles:
  store:
    parts:
      Shop: { anchor: true, keys: { id: id }, fields: [id] }
      Item: { anchor: true, keys: { id: id }, fields: [id, name, status, madeAt, price, tags, color, secret] }
    fields: [Query.shop, Query.shops, Query.items, Shop.items]
";

const VENDOR: &str = "
role: store
protocol: rest
calls:
  shops: { post: /shops, body: { ids: $keys }, batch: { keys: 50 }, records: '.data[]', answers: .id }
  items_by_id:
    post: /items
    body: { items: $keys, fields: $fields }
    batch: { keys: 10, parallel: 4 }
    records: '.data[]'
    answers: .id
  all_items:
    get: /items{?size,at}
    pages: { next: { cursor: { at: .next } }, size: { variable: size, max: 5 }, max_pages: 6 }
    records: .data[]
  items_of:
ITEMS
lookups:
  Shop: { id: shops }
  Item: { id: items_by_id }
types:
  Shop: { id: .id }
  Item:
    id: .id
    name: .name
    status: { enum: .status, values: { new: NEW, used: USED, broken: BROKEN } }
    madeAt: { time: .made, unix: s }
    price: { money: .price, currency: .currency }
    tags: .tags
    secret: .secret
fields:
  Query.shop: { reference: id, from: $args.id }
  Query.shops: { reference: id, from: $args.ids }
  Query.items: { call: all_items }
  Shop.items: { call: items_of, from: id NAMED }
";

const PAGES: &str = "
    pages: { next: { cursor: { at: .next } }, size: { variable: size, max: 5 }, max_pages: MAX, total: .total }
    records: .data[]
";

/// How the items of a shop are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// One shop a call, and nothing but it.
    Alone,
    /// One shop a call, with what the backend can do.
    Pushing,
    /// All shops in one call, and nothing but them.
    Batch,
    /// The same, and the answers only name the items.
    Named,
    /// One shop a call, and the backend, which can order and narrow them, only names the items.
    NamedPushing,
}

pub(super) const WAYS: [Way; 5] =
    [Way::Alone, Way::Pushing, Way::Batch, Way::Named, Way::NamedPushing];

fn items_call(way: Way) -> String {
    let call = match way {
        Way::Alone => {
            "    get: '/items{?shop,size,at}'\n    with: { shop: $key }\n    per_key: { parallel: 4 }"
        }
        Way::Batch | Way::Named => {
            "    post: /items\n    body: { shops: $keys, size: $vars.size, at: $vars.at }\n    batch: { keys: 50 }\n    answers: .shop"
        }
        Way::Pushing | Way::NamedPushing => {
            "    post: /items
    per_key: { parallel: 4 }
    body:
      shops: [$key]
      size: $vars.size
      at: $vars.at
      status:
        enum: { given: $args.status, then: [$args.status], else: $args.filter.status }
        values: { NEW: new, USED: used }
      since: { unix: $args.filter.madeAt.since }
      min: $args.filter.price.amount.min
      order: { enum: $args.orderBy.field, values: { MADE_AT: made, NAME: name } }
      way: { enum: $args.orderBy.direction, values: { ASC: up, DESC: down } }
    pushes: { orders: { MADE_AT: [ASC, DESC], NAME: ASC } }"
        }
    };
    format!("{call}{PAGES}")
}

/// A backend's record.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) shop: String,
    pub(super) name: String,
    pub(super) status: &'static str,
    pub(super) made: Option<i64>,
    pub(super) price: Option<i64>,
    pub(super) currency: &'static str,
    pub(super) tags: Vec<&'static str>,
    /// Its price is no number.
    pub(super) is_garbled: bool,
    /// It is named, and not given by its id.
    pub(super) is_gone: bool,
}

/// The id of a record at which the backend fails.
pub(super) const REFUSED: &str = "0";

impl Record {
    fn json(&self) -> Value {
        let price = if self.is_garbled { json!("many") } else { json!(self.price) };
        json!({
            "id": self.id, "shop": self.shop, "name": self.name, "status": self.status, "made": self.made, "price": price,
            "currency": self.currency, "tags": self.tags, "secret": self.id,
        })
    }
}

/// Down or up, what has no value last.
pub(super) fn ordered<T: Ord>(one: Option<T>, other: Option<T>, is_down: bool) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) if is_down => other.cmp(&one),
        (Some(one), Some(other)) => one.cmp(&other),
        (one, other) => one.is_none().cmp(&other.is_none()),
    }
}

pub(super) struct Shops {
    pub(super) engine: Arc<Engine>,
    calls: Arc<Mutex<Vec<Value>>>,
}

fn compiled(vendor: &str, settings: &str) -> Compiled {
    let vendor = vendor.to_owned();
    let deployment = format!(
        "listen: 127.0.0.1:0\nschema: schema\nresolvers: resolvers\nroles: {{ store: {{ vendor: test, url: \"http://store.test\" }} }}\n{settings}"
    );
    let files = [
        ("cyclorama.yaml", &*deployment),
        ("schema/schema.graphql", SCHEMA),
        ("resolvers/roles.yaml", ROLES),
        ("resolvers/store/test.yaml", &vendor),
    ];
    compile(&Files::in_memory("cyclorama.yaml", files))
}

pub(super) fn vendor(way: Way, max_pages: usize) -> String {
    let named = match way {
        Way::Named | Way::NamedPushing => ", reference: id, by: .id",
        Way::Alone | Way::Pushing | Way::Batch => "",
    };
    VENDOR
        .replace("ITEMS", &items_call(way))
        .replace("MAX", &max_pages.to_string())
        .replace(" NAMED", named)
}

impl Shops {
    pub(super) fn new(way: Way, records: &[Record]) -> Self {
        Self::with(&vendor(way, 50), records)
    }

    pub(super) fn with(vendor: &str, records: &[Record]) -> Self {
        Self::set(vendor, records, "")
    }

    /// With more lines in `cyclorama.yaml`.
    pub(super) fn set(vendor: &str, records: &[Record], settings: &str) -> Self {
        let compiled = compiled(vendor, settings);
        let graph =
            Arc::new(compiled.graph.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics)));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let backends =
            Backends::in_memory(Arc::clone(&graph), &wire(records.to_vec(), Arc::clone(&calls)));
        let engine = Engine::over(graph, backends, EngineSettings::default()).unwrap();
        Self { engine, calls }
    }

    pub(super) async fn answer_as(
        &self,
        principal: &Principal,
        query: &str,
        variables: Value,
    ) -> Value {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        let request = Request { query: query.to_owned(), variables, ..Request::default() };
        let response = self.engine.execute(request, principal).await;
        serde_json::from_slice(&response.body).unwrap()
    }

    pub(super) async fn answer(&self, query: &str, variables: Value) -> Value {
        self.answer_as(&Principal::anonymous(), query, variables).await
    }

    /// The ids that items were looked up by since the last time, call by call.
    pub(super) fn look_ups(calls: &[Value]) -> Vec<Vec<&str>> {
        let ids = calls.iter().filter_map(|call| call["items"].as_array());
        ids.map(|ids| ids.iter().filter_map(Value::as_str).collect()).collect()
    }

    /// What was asked for items since the last time.
    pub(super) fn item_calls(&self) -> Vec<Value> {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.into_iter().filter(|call| call.get("ids").is_none()).collect()
    }
}

fn wire(records: Vec<Record>, calls: Arc<Mutex<Vec<Value>>>) -> MemoryWire {
    let records = Arc::new(records);
    Arc::new(move |request: WireRequest| {
        let asked = asked(&request);
        calls.lock().unwrap().push(asked.clone());
        let body = match asked.get("ids").and_then(Value::as_array) {
            Some(ids) => {
                json!({ "data": ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() })
            }
            None => items(&records, &asked),
        };
        let is_refused = asked["items"].as_array().is_some_and(|ids| ids.contains(&json!(REFUSED)));
        let status = if is_refused { 500 } else { 200 };
        let headers = cyclorama::transport::fields([("content-type", "application/json")]);
        async move { Ok(WireResponse { status, headers, body: body.to_string().into() }) }.boxed()
    })
}

/// The body, or the query as if it were one.
fn asked(request: &WireRequest) -> Value {
    if !request.body.is_empty() {
        return serde_json::from_slice(&request.body).unwrap();
    }
    let query = request.url.split_once('?').map_or("", |(_, query)| query);
    let mut asked = json!({});
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "shop" => asked["shops"] = json!([value]),
            name => asked[name] = json!(value),
        }
    }
    asked
}

fn items(records: &[Record], asked: &Value) -> Value {
    if let Some(ids) = asked["items"].as_array() {
        let found =
            records.iter().filter(|record| !record.is_gone && ids.contains(&json!(record.id)));
        return json!({ "data": found.map(Record::json).collect::<Vec<_>>() });
    }
    let number = |name: &str| match &asked[name] {
        Value::String(text) => text.parse::<i64>().ok(),
        value => value.as_i64(),
    };
    let is_in = |list: &Value, word: &str| {
        list.as_array().is_none_or(|words| words.iter().any(|one| one == word))
    };
    let fits = |record: &&Record| {
        is_in(&asked["shops"], &record.shop)
            && is_in(&asked["status"], record.status)
            && number("since").is_none_or(|since| record.made.is_some_and(|made| made >= since))
            && number("min").is_none_or(|min| record.price.is_some_and(|price| price >= min))
    };
    let mut found: Vec<&Record> = records.iter().filter(fits).collect();
    let is_down = asked["way"] == "down";
    match asked["order"].as_str() {
        Some("made") => found.sort_by(|one, other| ordered(one.made, other.made, is_down)),
        Some("name") => {
            found.sort_by(|one, other| ordered(Some(&one.name), Some(&other.name), is_down));
        }
        _ => {}
    }
    let size = usize::try_from(number("size").unwrap_or(5)).unwrap();
    let at = usize::try_from(number("at").unwrap_or(0)).unwrap();
    let page: Vec<Value> = found.iter().skip(at).take(size).map(|record| record.json()).collect();
    let next = (at + size < found.len()).then(|| (at + size).to_string());
    json!({ "data": page, "next": next, "total": found.len() })
}
