//! The clients: so many requests a second, of every kind, some of which nobody waits for; every answer is looked at.
//!
//! Takes: an address, customers that exist, a rate, an end.
//! Gives: how long answers took, their statuses and codes, and what was no answer that anybody expects.
//! Never: has more requests under way than there are clients, or goes on past the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior};

use crate::load::Connection;
use crate::operations::Random;

/// At most so many requests at once.
const CLIENTS: usize = 64;
/// No client waits longer: more than the deployment's deadline.
const PATIENCE: Duration = Duration::from_secs(10);
const UNEXPECTED_KEPT: usize = 5;

/// Codes that say something of a backend, or that there was too much to do.
const EXPECTED: [&str; 13] = [
    "BACKEND_UNAVAILABLE",
    "BACKEND_TIMEOUT",
    "BACKEND_RATE_LIMITED",
    "BACKEND_INVALID_ANSWER",
    "BACKEND_REJECTED",
    "BACKEND_FAULT",
    "SOURCE_UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "OUTCOME_UNKNOWN",
    "OVERLOADED",
    // an anchor that failed leaves objects without their non-null id
    "NULL_FOR_NON_NULL",
    "ERRORS_TRUNCATED",
    // some of the demo's customers have records that are
    "AMBIGUOUS",
];

#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) email: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Customer,
    Page,
    Timeline,
    /// With `@defer`, read to its end.
    Parts,
    /// A document that nobody sent before.
    New,
    Change,
    /// Of a field that there is not.
    Wrong,
    /// By a hash that nobody registered.
    Unknown,
    /// The client goes away before the answer.
    Left,
}

impl Kind {
    /// Of a hundred requests.
    const SHARES: [(Self, u64); 9] = [
        (Self::Customer, 38),
        (Self::Page, 15),
        (Self::Timeline, 10),
        (Self::Parts, 8),
        (Self::New, 8),
        (Self::Change, 2),
        (Self::Wrong, 5),
        (Self::Unknown, 4),
        (Self::Left, 10),
    ];

    fn drawn(random: &mut Random) -> Self {
        let mut at = random.below(100);
        for (kind, share) in Self::SHARES {
            if at < share {
                return kind;
            }
            at -= share;
        }
        Self::Customer
    }

    fn accept(self) -> &'static str {
        if self == Self::Parts { "multipart/mixed" } else { "application/json" }
    }

    /// The code that every answer of this kind has.
    fn own_code(self) -> Option<&'static str> {
        match self {
            Self::Wrong => Some("GRAPHQL_VALIDATION_FAILED"),
            Self::Unknown => Some("PERSISTED_QUERY_NOT_FOUND"),
            _ => None,
        }
    }
}

/// One answer that was waited for.
#[derive(Clone, Copy)]
pub(super) struct Answered {
    pub(super) at: Duration,
    pub(super) took: Duration,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) answers: Vec<Answered>,
    pub(super) kinds: BTreeMap<String, u64>,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) codes: BTreeMap<String, u64>,
    pub(super) unexpected: u64,
    /// The first few of them.
    pub(super) examples: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Load {
    pub(super) address: String,
    pub(super) customers: Arc<[Customer]>,
    pub(super) rate: u64,
    pub(super) begin: Instant,
    pub(super) end: Instant,
    pub(super) tally: Arc<Mutex<Tally>>,
}

impl Load {
    /// Asks until the end.
    pub(super) async fn run(self) -> Result<(), String> {
        let mut tasks = Vec::new();
        for number in 0..CLIENTS {
            tasks.push(tokio::spawn(self.clone().client(number as u64)));
        }
        for task in tasks {
            task.await.map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    async fn client(self, number: u64) {
        let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ (number + 1));
        let every = Duration::from_secs(CLIENTS as u64) / u32::try_from(self.rate).unwrap_or(1);
        let first = self.begin + every.mul_f64(number as f64 / CLIENTS as f64);
        let mut ticks = tokio::time::interval_at(first, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut connection: Option<Connection> = None;
        while ticks.tick().await < self.end {
            let open = match connection.take().filter(|_| random.below(50) > 0) {
                Some(open) => Ok(open),
                None => Connection::open(&self.address).await,
            };
            match open {
                Ok(open) => connection = self.ask(open, &mut random).await,
                Err(problem) => self.unexpected(&problem),
            }
        }
    }

    /// One request; gives the connection back if it can be used again.
    async fn ask(&self, mut connection: Connection, random: &mut Random) -> Option<Connection> {
        let kind = Kind::drawn(random);
        let body = self.body(kind, random).to_string();
        *self.tally().kinds.entry(format!("{kind:?}").to_lowercase()).or_default() += 1;
        if kind == Kind::Left {
            if let Err(problem) = connection.send("/graphql", kind.accept(), &body).await {
                self.unexpected(&problem);
            }
            tokio::time::sleep(Duration::from_millis(random.below(60))).await;
            return None;
        }
        let began = Instant::now();
        let answer = connection.post("/graphql", kind.accept(), &body);
        let problem = match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => {
                let took = began.elapsed();
                let at = began.duration_since(self.begin);
                let mut tally = self.tally();
                tally.answers.push(Answered { at, took });
                *tally.statuses.entry(answer.status).or_default() += 1;
                let told = tally.look(kind, answer.status, answer.body);
                told.err().map(|problem| format!("{kind:?}: {problem}"))
            }
            Ok(Err(problem)) => Some(format!("{kind:?}: {problem}")),
            Err(_) => Some(format!("{kind:?}: no answer within {PATIENCE:?}")),
        };
        match problem {
            None => Some(connection),
            Some(problem) => {
                self.unexpected(&problem);
                None
            }
        }
    }

    fn body(&self, kind: Kind, random: &mut Random) -> Value {
        let at = random.below(self.customers.len().max(1) as u64);
        let Some(customer) = self.customers.get(usize::try_from(at).unwrap_or_default()) else {
            return json!({ "query": "{ __typename }" });
        };
        let email = json!({ "email": customer.email });
        match kind {
            Kind::Customer | Kind::Left => json!({ "query": CUSTOMER, "variables": email }),
            Kind::Timeline => json!({ "query": TIMELINE, "variables": email }),
            Kind::Parts => json!({ "query": PARTS, "variables": email }),
            Kind::Page => {
                json!({ "query": PAGE, "variables": { "first": 1 + random.below(30) } })
            }
            Kind::New => {
                let number = random.below(u64::MAX);
                let query = format!(
                    "query New($email: String!) {{ c{number}: customerByEmail(email: $email) {{ displayName account {{ name }} }} }}"
                );
                json!({ "query": query, "variables": email })
            }
            Kind::Change => {
                let name = format!("Name {}", random.below(1_000));
                json!({ "query": CHANGE, "variables": { "input": { "id": customer.id, "firstName": name } } })
            }
            Kind::Wrong => json!({ "query": "{ noSuchField }" }),
            Kind::Unknown => {
                let hash = format!("{:064x}", random.below(u64::MAX));
                json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } })
            }
        }
    }

    fn unexpected(&self, problem: &str) {
        let mut tally = self.tally();
        tally.unexpected += 1;
        if tally.examples.len() < UNEXPECTED_KEPT {
            tally.examples.push(problem.to_owned());
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// Whether it is an answer that this kind of request may have.
    fn look(&mut self, kind: Kind, status: u16, body: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(body);
        let refused = |why: &str| Err(format!("{why}: {status}: {text:.400}"));
        let mut codes = Vec::new();
        let mut is_answer = false;
        // the parts of an answer in parts, or the one line of a whole one
        for line in text.lines().filter(|line| line.starts_with('{')) {
            let Ok(part) = serde_json::from_str::<Value>(line) else {
                return refused("not JSON");
            };
            is_answer |= part.get("data").is_some() || part.get("errors").is_some();
            collect_codes(&part, &mut codes);
        }
        if !is_answer
            || (kind == Kind::Parts && status == 200 && !text.contains("\"hasNext\":false"))
        {
            return refused("not a whole answer");
        }
        let is_shed = status == 503 && codes == ["OVERLOADED"];
        let is_fine = match kind.own_code() {
            Some(own) => codes == [own] && status < 500,
            None => status == 200 && codes.iter().all(|code| EXPECTED.contains(&code.as_str())),
        };
        for code in codes {
            *self.codes.entry(code).or_default() += 1;
        }
        if is_fine || is_shed { Ok(()) } else { refused("not expected") }
    }
}

/// Every `extensions.code`, wherever errors stand.
fn collect_codes(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(code) = value.pointer("/extensions/code").and_then(Value::as_str) {
                into.push(code.to_owned());
            }
            members.values().for_each(|member| collect_codes(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_codes(item, into)),
        _ => {}
    }
}

const CUSTOMER: &str = "query Customer($email: String!) { customerByEmail(email: $email) { \
    id displayName account { name } balance { amount currency } \
    invoices(first: 3) { nodes { number status total { amount currency } } } \
    tickets(first: 3) { nodes { subject status } } sourceStatus { system state code } } }";

const PAGE: &str = "query Page($first: Int) { customers(first: $first) { nodes { \
    displayName primaryEmail tickets(first: 3) { nodes { subject } } \
    invoices(first: 2) { nodes { number total { amount currency } } } } \
    pageInfo { hasNextPage endCursor } } }";

const TIMELINE: &str = "query Timeline($email: String!) { customerByEmail(email: $email) { \
    timeline(first: 10) { nodes { id occurredAt kind } complete missingSources } } }";

const PARTS: &str = "query Parts($email: String!) { customerByEmail(email: $email) { displayName \
    ... @defer { tickets(first: 3) { nodes { subject } } } \
    ... @defer { invoices(first: 3) { nodes { number } } } } }";

const CHANGE: &str = "mutation Change($input: UpdateCustomerInput!) { \
    updateCustomer(input: $input) { customer { id displayName } } }";
