//! Merged lists: one order over several lists, whatever their own pages are, and the truth about what is missing.

mod calls;
mod cursors;
mod demo;
mod docs;
mod order;
mod parts;
mod sources;

use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, World, customer_id};

const TYPES: &str = r"
interface Event { id: ID!, at: DateTime, kind: Kind, title: String, by: String }
enum Kind { OPEN_INVOICE PAID_INVOICE DEAL TICKET CHAT NOTE }
enum Order { NEWEST_FIRST OLDEST_FIRST }
type OpenEvent implements Event { id: ID!, at: DateTime, kind: Kind, title: String, by: String, invoice: Invoice }
type PaidEvent implements Event { id: ID!, at: DateTime, kind: Kind, title: String, by: String, invoice: Invoice }
type DealEvent implements Event { id: ID!, at: DateTime, kind: Kind, title: String, by: String, deal: Opportunity, priority: Int }
type Ticket implements Event { id: ID!, at: DateTime, kind: Kind, title: String, by: String, subject: String!, priority: Int, customer: Customer }
type EventConnection {
  nodes: [Event!], edges: [EventEdge!], pageInfo: PageInfo!, totalCount: Int
  complete: Boolean!, missingSources: [String!]!, undated: Int!
}
type EventEdge { cursor: String!, node: Event! }
";

const MERGED: &str = r"
merged:
  Customer.events:
    time: at
    kind: kind
    lists:
      open:
        read: 'invoices(status: OPEN)'
        as: OpenEvent
        fields: { at: at, kind: { value: OPEN_INVOICE }, title: number, by: { value: billing }, invoice: . }
      paid:
        read: 'invoices(status: PAID)'
        as: PaidEvent
        fields: { at: at, kind: { value: PAID_INVOICE }, title: number, by: status, invoice: . }
      deals:
        read: opportunities
        as: DealEvent
        fields: { at: at, kind: { value: DEAL }, title: name, deal: . }
      tickets:
        read: tickets
        kinds: [TICKET, CHAT, NOTE]
";

/// A world with so many records, one a minute, of each list in turn: `x0`, `x1`, … or, of more than ten, `x00`, `x01`, …
fn some(count: u64) -> World {
    let mut world = empty();
    let width = if count > 10 { 2 } else { 1 };
    for (minute, list) in (0..count).zip(List::ALL.into_iter().cycle()) {
        add(&mut world, list, &format!("x{minute:0width$}"), Some(minute));
    }
    world
}

/// The small deployment with `Customer.events`: invoices by their own pages of three, in two lists; deals and tickets whole.
pub(crate) fn deployment() -> Deployment {
    let ticket = "type Ticket { id: ID!, subject: String!, priority: Int, customer: Customer }";
    let arguments =
        "first: Int, after: String, kinds: [Kind!], since: DateTime, until: DateTime, order: Order";
    Deployment::new()
        .change("schema/schema.graphql", ticket, TYPES)
        .change(
            "schema/schema.graphql",
            "  tickets: [Ticket!]\n",
            &format!("  tickets: [Ticket!]\n  events({arguments}): EventConnection\n"),
        )
        .change(
            "schema/schema.graphql",
            "type Opportunity implements Named { id: ID!,",
            "type Opportunity implements Named { id: ID!, at: DateTime,",
        )
        .change(
            "schema/schema.graphql",
            "type Invoice { id: ID!,",
            "type Invoice { id: ID!, at: DateTime,",
        )
        .change("resolvers/roles.yaml", "fields: [id, name, amount]", "fields: [id, at, name, amount]")
        .change(
            "resolvers/roles.yaml",
            "fields: [id, number, status, total, lines]",
            "fields: [id, at, number, status, total, lines]",
        )
        .change(
            "resolvers/roles.yaml",
            "fields: [id, subject, priority]",
            "fields: [id, at, kind, title, by, subject, priority]",
        )
        .change(
            "resolvers/crm/test.yaml",
            "  Opportunity:\n    id: .id\n",
            "  Opportunity:\n    id: .id\n    at: { time: .at }\n",
        )
        .change(
            "resolvers/billing/test.yaml",
            "    customerId: .account\n",
            "    customerId: .account\n    at: { time: .at }\n",
        )
        .change(
            "resolvers/support/test.yaml",
            "    subject: .subject\n",
            "    subject: .subject\n    at: { time: .at }\n    kind: { enum: .kind, values: { ticket: TICKET, chat: CHAT }, else: NOTE }\n    \
             title: .subject\n    by: { value: support }\n",
        )
        .change(
            "resolvers/billing/test.yaml",
            "      size: { variable: limit, max: 10 }\n      max_pages: 5\n",
            "      size: { variable: limit, max: 3 }\n      max_pages: 50\n    newest_first: at\n",
        )
        .file("resolvers/events.yaml", MERGED)
}

/// An instant, by its minute.
pub(crate) fn at(minute: u64) -> String {
    format!("2026-03-01T{:02}:{:02}:00Z", minute / 60, minute % 60)
}

/// One list of the world, as its backend has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    Open,
    Paid,
    Deals,
    Tickets,
}

impl List {
    pub(crate) const ALL: [Self; 4] = [Self::Open, Self::Paid, Self::Deals, Self::Tickets];
}

/// Adds a record of the second customer, of one minute or without a time. Invoices come newest first, as the vendor file says; the other lists stay as they are given.
pub(crate) fn add(world: &mut World, list: List, id: &str, minute: Option<u64>) {
    let at = minute.map(at);
    match list {
        List::Open | List::Paid => {
            let status = if list == List::Open { "open" } else { "paid" };
            let record = json!({ "id": id, "account": "b2", "at": at, "number": id, "status": status, "total": 100, "currency": "EUR" });
            world.invoices.push(record);
            let time = |record: &Value| record["at"].as_str().unwrap_or_default().to_owned();
            world.invoices.sort_by_key(|record| std::cmp::Reverse(time(record)));
        }
        List::Deals => world.opportunities.push(
            json!({ "id": id, "customer": "c2", "at": at, "name": id, "amount": "1.00", "currency": "EUR" }),
        ),
        List::Tickets => {
            let kind = ["ticket", "chat", "letter"][id.len() % 3];
            let requesters = json!([{ "email": "c2@example.com" }]);
            world.tickets.push(json!({ "id": id, "at": at, "subject": id, "kind": kind, "requesters": requesters }));
        }
    }
}

/// A world without any record that could be an event.
pub(crate) fn empty() -> World {
    World {
        invoices: Vec::new(),
        opportunities: Vec::new(),
        tickets: Vec::new(),
        ..World::default()
    }
}

/// One page of the second customer's events.
pub(crate) async fn page(gateway: &Gateway, arguments: &str, after: &Value) -> Value {
    let arguments = if arguments.is_empty() { String::new() } else { format!("{arguments}, ") };
    let query = format!(
        "query ($id: ID!, $after: String) {{ customer(id: $id) {{ events({arguments}after: $after) {{
            edges {{ cursor node {{ id at kind title __typename }} }} complete missingSources undated
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
        }} }} }}"
    );
    gateway.query_with(&query, json!({ "id": customer_id("c2"), "after": after })).await
}

/// The titles of all pages, one after the other: each is the id that its record was added with.
pub(crate) async fn walk(gateway: &Gateway, arguments: &str) -> Vec<String> {
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    for _ in 0..400 {
        let answer = page(gateway, arguments, &after).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        let events = &answer["data"]["customer"]["events"];
        seen.extend(titles(events));
        if events["pageInfo"]["hasNextPage"] == false {
            return seen;
        }
        let next = events["pageInfo"]["endCursor"].clone();
        assert_ne!(next, after, "a page that goes nowhere: {events:#}");
        after = next;
    }
    panic!("the pages do not end: {seen:?}");
}

pub(crate) fn titles(events: &Value) -> Vec<String> {
    let edges = events["edges"].as_array().expect("edges");
    edges.iter().map(|edge| edge["node"]["title"].as_str().expect("a title").to_owned()).collect()
}
