//! One set of customers, known to a NetSuite-like CRM, a Stripe-like billing system and Request Tracker.
//!
//! Started once for all tests that run at the same time, and stopped when the last of them is done with it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Weak};

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::gateway::{Gateway, url};
use super::localstripe::{KEY, LocalStripe};
use super::netsuite::{ACCOUNT, NetSuite};
use super::proxy::Proxy;
use super::request_tracker::RequestTracker;
use crate::needs;

/// A person whose address has a quote, as addresses may.
pub(crate) const QUOTED: &str = "zoe.o'neil@example.com";
/// Linked to billing by id, under another address there.
pub(crate) const ORGANIZATION: &str = "orders@acme.example";
/// Known to the CRM alone.
pub(crate) const ALONE: &str = "alone@example.com";
/// Two customers of billing have this address.
pub(crate) const TWICE: &str = "twice@example.com";
/// An address that tries to leave the quotes of `TicketSQL` and of XML.
pub(crate) const HOSTILE: &str = "x' OR id > 0 OR Subject = '</email>@evil.example";
/// Plain people beside those above.
pub(crate) const PLAIN: usize = 10;

pub(crate) struct World {
    pub(crate) crm: NetSuite,
    pub(crate) billing: LocalStripe,
    pub(crate) support: RequestTracker,
}

/// A test's own gateway over a world, with nothing in its cache, and proxies that count what it asks.
pub(crate) struct Counted {
    pub(crate) gateway: Gateway,
    pub(crate) crm: Proxy,
    pub(crate) billing: Proxy,
    pub(crate) support: Proxy,
}

/// The running world, started if nobody uses it now; nothing if this test is to be left out.
pub(crate) async fn world(test: &str) -> Option<Arc<World>> {
    static RUNNING: Mutex<Weak<World>> = Mutex::const_new(Weak::new());
    if !needs::outside(test) {
        return None;
    }
    let shared = needs::shared(test)?;
    let mut running = RUNNING.lock().await;
    if let Some(world) = running.upgrade() {
        return Some(world);
    }
    let world = Arc::new(World::start(&shared).await);
    *running = Arc::downgrade(&world);
    Some(world)
}

impl World {
    /// A world of one's own, for tests that break it.
    pub(crate) async fn start(shared: &Path) -> Self {
        let (billing, support) = tokio::join!(LocalStripe::start(), RequestTracker::start());
        let (organization, ()) = tokio::join!(seed_billing(&billing), seed_support(&support));
        let crm = NetSuite::start(shared, &customers(&organization), &opportunities()).await;
        Self { crm, billing, support }
    }

    /// The `roles:` of a deployment over all three.
    pub(crate) fn roles(&self) -> String {
        self.roles_at([self.crm.address, self.billing.address, self.support.address])
    }

    fn roles_at(&self, [crm, billing, support]: [SocketAddr; 3]) -> String {
        format!(
            r#"
  crm:
    vendor: netsuite
    url: {}
    auth:
      token_passport:
        version: "2017_2"
        account: {ACCOUNT}
        consumer_key: consumer-key
        consumer_secret: consumer-secret
        token: token-id
        token_secret: token-secret
  billing:
    vendor: stripe
    url: {}
    auth: {{ bearer: {KEY} }}
  support:
    vendor: request_tracker
    url: {}
    auth: {{ header: {{ name: Authorization, value: "token {}" }} }}
"#,
            url(crm),
            url(billing),
            url(support),
            self.support.token,
        )
    }

    pub(crate) async fn counted(&self) -> Counted {
        let [crm, billing, support] =
            [self.crm.address, self.billing.address, self.support.address].map(Proxy::before);
        let roles = self.roles_at([crm.address, billing.address, support.address]);
        Counted { gateway: Gateway::start(&roles).await, crm, billing, support }
    }
}

impl Counted {
    /// Counting starts anew.
    pub(crate) fn forget(&self) {
        for proxy in [&self.crm, &self.billing, &self.support] {
            proxy.take();
        }
    }
}

/// The plain people's addresses, in the order of the CRM.
pub(crate) fn plain_email(number: usize) -> String {
    format!("person{number:02}@example.com")
}

/// The CRM's own ids: 1001 is the person with the quote, then the organization, then the plain people, then the odd ones.
fn customers(organization: &str) -> Vec<Value> {
    let mut list = vec![
        json!({
            "internalId": "1001", "externalId": "Z-1", "entityId": "CUST1001", "isPerson": true,
            "firstName": "Zoë", "lastName": "O'Neil", "email": QUOTED, "phone": "+43 1 5550100", "mobilePhone": "+43 660 5550100",
            "stage": "_customer", "entityStatus": { "internalId": "13", "name": "CUSTOMER-Closed Won" },
            "salesRep": { "internalId": "7", "name": "Rita Rep" }, "dateCreated": "2024-03-01T09:00:00.000-08:00",
            "lastModifiedDate": "2025-11-30T23:30:00.000-08:00",
        }),
        json!({
            "internalId": "1002", "entityId": "CUST1002", "isPerson": false, "companyName": "Acme & Söhne <GmbH>",
            "email": ORGANIZATION, "stage": "_customer", "stripeCustomer": organization,
            "entityStatus": { "internalId": "13", "name": "CUSTOMER-Closed Won" },
        }),
    ];
    for number in 1..=PLAIN {
        list.push(json!({
            "internalId": (1002 + number).to_string(), "entityId": format!("CUST{}", 1002 + number), "isPerson": true,
            "firstName": "Person", "lastName": format!("Number {number}"), "email": plain_email(number), "stage": "_customer",
        }));
    }
    for (number, (name, email)) in
        [("Alone", ALONE), ("Twice", TWICE), ("Hostile", HOSTILE)].into_iter().enumerate()
    {
        let id = (1101 + number).to_string();
        list.push(json!({ "internalId": id, "isPerson": true, "lastName": name, "email": email, "stage": "_lead" }));
    }
    list
}

fn opportunities() -> Vec<Value> {
    let make = |number: usize, entity: &str, total: &str, status: &str| {
        json!({
            "internalId": (5000 + number).to_string(), "tranId": format!("OPP{number}"), "title": format!("Deal {number}"),
            "entity": entity, "projectedTotal": total.parse::<f64>().unwrap(), "probability": 50,
            "currency": { "internalId": "4", "name": "EUR" },
            "entityStatus": { "internalId": "10", "name": status }, "salesRep": { "internalId": "7", "name": "Rita Rep" },
            "expectedCloseDate": "2026-06-30T00:00:00.000-07:00", "createdDate": "2025-01-15T10:00:00.000-08:00",
        })
    };
    let mut list = vec![
        make(1, "1001", "1250.5", "Proposal"),
        make(2, "1001", "99", "Closed Lost"),
        make(3, "1002", "70000", "Qualified"),
    ];
    list.extend(
        (1..=PLAIN)
            .map(|number| make(10 + number, &(1002 + number).to_string(), "10", "Qualified")),
    );
    list
}

/// The id of the organization at billing.
async fn seed_billing(billing: &LocalStripe) -> String {
    let (gold, yen) =
        tokio::join!(billing.plan("Gold", "eur", 4900), billing.plan("Tokyo", "jpy", 19_900));
    let zoe = billing.customer("Zoe O'Neil", QUOTED, Some("1001")).await;
    let in_euros = billing.subscription(&zoe, &gold).await;
    let in_yen = billing.subscription(&zoe, &yen).await;
    billing.invoice(&zoe, &in_euros, &[("Support hours", "eur", 12_050)], true).await;
    billing.invoice(&zoe, &in_yen, &[], false).await;
    let organization = billing.customer("Acme", "accounts-payable@acme.example", None).await;
    let subscription = billing.subscription(&organization, &gold).await;
    // more than one page of three
    for number in 1..=7 {
        billing.invoice(&organization, &subscription, &[], number % 2 == 0).await;
    }
    for number in 1..=PLAIN {
        let id = billing.customer("Person", &plain_email(number), None).await;
        let subscription = billing.subscription(&id, &gold).await;
        billing.invoice(&id, &subscription, &[], false).await;
    }
    billing.customer("First", TWICE, None).await;
    billing.customer("Second", TWICE, None).await;
    organization
}

async fn seed_support(support: &RequestTracker) {
    support.person("Zoë O'Neil", QUOTED).await;
    let ticket = |subject: String, requestors: &[&str], status: &str, priority: u32| {
        json!({
            "Queue": "Support", "Subject": subject, "Requestor": requestors, "Status": status, "Priority": priority,
            "Content": format!("{subject}: it does not work.\nPlease help."), "ContentType": "text/plain",
        })
    };
    let shared_email = plain_email(1);
    let mut tickets = vec![
        ticket("Zoë's printer".to_owned(), &[QUOTED], "open", 100),
        ticket("A ticket of two".to_owned(), &[QUOTED, &shared_email], "new", 0),
        ticket("Order of desks".to_owned(), &[ORGANIZATION], "open", 50),
    ];
    for number in 2..=PLAIN {
        tickets.push(ticket(format!("Question {number}"), &[&plain_email(number)], "new", 50));
    }
    let ids = support.tickets(&tickets).await;
    support.say(&ids[0], "correspond", "We are looking into it.").await;
    support.say(&ids[0], "comment", "The customer is upset.").await;
    support.say(&ids[2], "correspond", "Which color, please?").await;
    support.set(&ids[2], &json!({ "Status": "stalled", "Due": "2031-01-02 03:04:05" })).await;
    let hidden = json!({
        "Queue": "Private", "Subject": "Not for the gateway", "Requestor": [QUOTED], "Content": "secret", "ContentType": "text/plain",
    });
    support.tickets(&[hidden]).await;
}
