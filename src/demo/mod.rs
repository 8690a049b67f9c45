//! Three small backends with a made-up but lasting world of customers: CRM and billing over REST, support over SOAP.
//!
//! Takes: how many customers, a seed, and which backends are slow or down.
//! Gives: three servers on loopback ports, the count of their calls, and the shipped files that speak to them.
//! Never: knows the gateway; it is reached over sockets like any other backend.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use server::{Answer, Running, Site};
use world::{World, lock};

mod accounts;
mod activities;
mod billing;
mod crm;
mod details;
mod files;
mod ledger;
mod names;
mod places;
mod random;
mod records;
mod server;
mod support;
#[cfg(test)]
mod tests;
mod tickets;
mod world;
mod xml;

pub use files::files;

/// What the demo backends are to be like.
#[derive(Clone, Debug)]
pub struct Options {
    pub customers: u32,
    /// Before every answer of every backend.
    pub latency: Duration,
    /// These take [`Options::slow_by`] longer.
    pub slow: Vec<Role>,
    pub slow_by: Duration,
    /// These answer 503 to everything.
    pub fail: Vec<Role>,
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            customers: 1000,
            latency: Duration::ZERO,
            slow: Vec::new(),
            slow_by: Duration::from_millis(800),
            fail: Vec::new(),
            seed: 1,
        }
    }
}

/// The part that a demo backend plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Crm,
    Billing,
    Support,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Crm, Self::Billing, Self::Support];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Billing => "billing",
            Self::Support => "support",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no role of the demo: crm, billing or support"))
    }
}

/// The running backends. They stop when this is dropped.
#[derive(Debug)]
pub struct Backends {
    crm: Running,
    billing: Running,
    support: Running,
}

impl Backends {
    /// The address of one of them, as `url` of its vendor file has it.
    pub fn url(&self, role: Role) -> String {
        let path = if role == Role::Support { support::PATH } else { "" };
        format!("http://{}{path}", self.running(role).address)
    }

    /// The environment in which the shipped `cyclorama.yaml` and vendor files reach these backends.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("DEMO_CRM_URL", self.url(Role::Crm)),
            ("DEMO_BILLING_URL", self.url(Role::Billing)),
            ("DEMO_SUPPORT_URL", self.url(Role::Support)),
        ]
    }

    /// The e-mail address of the first customer, and the number of one of their tickets: something to begin with.
    pub fn first_customer(&self) -> (String, Option<u32>) {
        let world = &self.support.site.world;
        let ticket = tickets::tickets_of(world, 0).first().map(|ticket| ticket.number);
        (world.contact(0).email, ticket)
    }

    /// How often each endpoint was called since the start, by `role.endpoint`.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        let of = |role: Role| {
            let calls = lock(&self.running(role).site.calls);
            calls
                .iter()
                .map(|(endpoint, count)| (format!("{role}.{endpoint}"), *count))
                .collect::<Vec<_>>()
        };
        Role::ALL.into_iter().flat_map(of).collect()
    }

    /// The same, and begins to count anew.
    pub fn take_calls(&self) -> BTreeMap<String, u64> {
        let calls = self.calls();
        for role in Role::ALL {
            lock(&self.running(role).site.calls).clear();
        }
        calls
    }

    fn running(&self, role: Role) -> &Running {
        match role {
            Role::Crm => &self.crm,
            Role::Billing => &self.billing,
            Role::Support => &self.support,
        }
    }
}

/// Starts the three backends on ports of 127.0.0.1 that the system chooses.
pub async fn start(options: Options) -> std::io::Result<Backends> {
    let world = Arc::new(World::new(options.seed, options.customers));
    let site = |role: Role, answer: Answer| {
        let slow_by = if options.slow.contains(&role) { options.slow_by } else { Duration::ZERO };
        Site {
            role,
            world: Arc::clone(&world),
            answer,
            latency: options.latency + slow_by,
            is_failing: options.fail.contains(&role),
            calls: Mutex::default(),
        }
    };
    Ok(Backends {
        crm: server::run(site(Role::Crm, crm::answer)).await?,
        billing: server::run(site(Role::Billing, billing::answer)).await?,
        support: server::run(site(Role::Support, support::answer)).await?,
    })
}
