//! What is compared: the kinds of work, who takes part, and how each is started.
//!
//! Gives: scenarios with the ratio that is to be reached; contestants as commands.

use std::path::PathBuf;

use tokio::process::Command;

use crate::Options;
use crate::operations::{Operation, Varies, drawn};
use crate::process::{Process, free_address};

/// One kind of work.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) operation: Operation,
    pub(crate) clients: usize,
    pub(crate) setting: Setting,
    /// Milliseconds that each backend takes.
    pub(crate) latency: u64,
    /// Which figure is held against the limit's, and the bound.
    pub(crate) bound: Bound,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    Cold,
    Warm,
    Soap,
    /// Cold, with a short deadline.
    Overload,
    /// Warm, with everything that can be switched on.
    SwitchedOn,
}

#[derive(Clone, Copy)]
pub(crate) enum Bound {
    /// Requests a second, at least this part of the limit's.
    Throughput(f64),
    /// The median time, at most this many of the limit's.
    Median(f64),
    /// Backend calls a request, at most.
    Calls(f64),
    /// In relation to the hand-written server that looks ahead what this scenario is, within a fifth.
    Like(&'static str),
}

const PAGE_COLD: &str = "page, cold, 1 client";
const PAGE_WARM: &str = "page, warm, 1 client";

pub(crate) fn scenarios() -> Vec<Scenario> {
    let of = |name, operation, clients, setting, bound| Scenario {
        name,
        operation,
        clients,
        setting,
        latency: 0,
        bound,
    };
    let page = Operation::page;
    let mut all = vec![
        of(PAGE_COLD, page(Varies::Page), 1, Setting::Cold, Bound::Throughput(0.50)),
        of(
            "page, cold, 50 clients",
            page(Varies::Page),
            50,
            Setting::Cold,
            Bound::Throughput(0.50),
        ),
        of(PAGE_WARM, page(Varies::FewPages), 1, Setting::Warm, Bound::Throughput(0.45)),
        of(
            "page, warm, 50 clients",
            page(Varies::FewPages),
            50,
            Setting::Warm,
            Bound::Throughput(0.45),
        ),
        of(
            "page, SOAP, 50 clients",
            page(Varies::Page),
            50,
            Setting::Soap,
            Bound::Throughput(0.50),
        ),
        of(
            "one customer, cold, 50 clients",
            Operation::one(Varies::Customer),
            50,
            Setting::Cold,
            Bound::Throughput(0.60),
        ),
        of(
            "one customer, warm, 50 clients",
            Operation::one(Varies::SameCustomers),
            50,
            Setting::Warm,
            Bound::Throughput(0.75),
        ),
        of(
            "the same page, cold, 50 clients",
            page(Varies::SamePage),
            50,
            Setting::Cold,
            Bound::Calls(0.1),
        ),
    ];
    all.push(Scenario {
        latency: 20,
        ..of(
            "page, backends of 20 ms, 1 client",
            page(Varies::Page),
            1,
            Setting::Cold,
            Bound::Median(1.03),
        )
    });
    all.push(Scenario {
        latency: 20,
        ..of(
            "known address, backends of 20 ms, 1 client",
            Operation::mine(),
            1,
            Setting::Cold,
            Bound::Median(1.03),
        )
    });
    all
}

/// Operations that nobody tuned for.
pub(crate) fn random_scenarios() -> Vec<Scenario> {
    let setting = |n: usize| if n.is_multiple_of(2) { Setting::Cold } else { Setting::Warm };
    drawn(0x00C0_FFEE, 8)
        .into_iter()
        .enumerate()
        .map(|(n, operation)| {
            let setting = setting(n);
            let varies = if setting == Setting::Warm { Varies::FewPages } else { Varies::Page };
            let name = if setting == Setting::Warm { "drawn, warm" } else { "drawn, cold" };
            let like = if setting == Setting::Warm { PAGE_WARM } else { PAGE_COLD };
            Scenario {
                name,
                operation: Operation { varies, ..operation },
                clients: 1,
                setting,
                latency: 0,
                bound: Bound::Like(like),
            }
        })
        .collect()
}

/// Who takes part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    Limit,
    Cyclorama,
    LookAhead,
    DataLoader,
    ApolloServer,
    HiveGateway,
}

impl Contestant {
    pub(crate) const ALL: [Self; 6] = [
        Self::Limit,
        Self::Cyclorama,
        Self::LookAhead,
        Self::DataLoader,
        Self::ApolloServer,
        Self::HiveGateway,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Cyclorama => "Cyclorama",
            Self::LookAhead => "async-graphql, look-ahead",
            Self::DataLoader => "async-graphql, DataLoader",
            Self::ApolloServer => "Apollo Server, dataloader",
            Self::HiveGateway => "Hive Gateway, Mesh",
        }
    }

    /// Whether it is made of Node packages.
    fn needs_packages(self) -> bool {
        matches!(self, Self::ApolloServer | Self::HiveGateway)
    }

    /// Whether it can do this kind of work at all.
    pub(crate) fn takes_part(self, scenario: &Scenario) -> bool {
        match self {
            // the limit knows its operations, and nothing else
            Self::Limit => scenario.operation.name != "Drawn",
            Self::Cyclorama | Self::LookAhead | Self::DataLoader => true,
            Self::ApolloServer => scenario.setting != Setting::Soap,
            // Mesh reads SOAP from a WSDL, which the backend does not have
            Self::HiveGateway => scenario.setting != Setting::Soap,
        }
    }

    pub(crate) async fn start(
        self,
        place: &Place,
        setting: Setting,
        backends: &str,
    ) -> Result<Process, String> {
        match self {
            Self::Limit => Process::start(place.own("limit", setting, backends)).await,
            Self::LookAhead => Process::start(place.own("lookahead", setting, backends)).await,
            Self::DataLoader => Process::start(place.own("dataloader", setting, backends)).await,
            Self::Cyclorama => {
                let address = free_address()?;
                Process::start_at(place.cyclorama(setting, backends, &address), address).await
            }
            Self::ApolloServer => Process::start(place.node("apollo.mjs", setting, backends)).await,
            Self::HiveGateway => Process::start(place.node("hive.mjs", setting, backends)).await,
        }
    }
}

/// Where programs and files are.
pub(crate) struct Place {
    cyclorama: PathBuf,
    files: PathBuf,
    packages: Option<PathBuf>,
    /// Parts of the names of those who take part. `None`: all.
    among: Option<Vec<String>>,
}

impl Place {
    pub(crate) fn of(options: &Options) -> Result<Self, String> {
        Ok(Self {
            cyclorama: options.value("--cyclorama").ok_or("--cyclorama BINARY is missing")?.into(),
            files: options.value("--files").unwrap_or(env!("CARGO_MANIFEST_DIR")).into(),
            packages: options.value("--packages").map(PathBuf::from),
            among: options
                .value("--among")
                .map(|names| names.split(',').map(str::to_owned).collect()),
        })
    }

    pub(crate) fn is_among(&self, contestant: Contestant) -> bool {
        let named = |part: &String| contestant.name().contains(part.as_str());
        self.among.as_ref().is_none_or(|names| names.iter().any(named))
    }

    pub(crate) fn can_start(&self, contestant: Contestant) -> bool {
        self.packages.is_some() || !contestant.needs_packages()
    }

    /// This program itself, as another of its commands.
    pub(crate) fn own(&self, command: &str, setting: Setting, backends: &str) -> Command {
        let mut own = Command::new(std::env::current_exe().unwrap_or_default());
        own.args([command, "--backends", backends]);
        match setting {
            Setting::Cold | Setting::Overload => {}
            Setting::Warm | Setting::SwitchedOn => drop(own.arg("--cache")),
            Setting::Soap => drop(own.arg("--soap")),
        }
        own
    }

    pub(crate) fn cyclorama(&self, setting: Setting, backends: &str, address: &str) -> Command {
        let file = match setting {
            Setting::Cold => "cold.yaml",
            Setting::Warm => "warm.yaml",
            Setting::Soap => "soap.yaml",
            Setting::Overload => "overload.yaml",
            Setting::SwitchedOn => "switched-on.yaml",
        };
        let mut serve = Command::new(&self.cyclorama);
        serve.arg("serve").arg("--config").arg(self.files.join("files").join(file));
        serve.args(["--listen", address]).env("PEERS_BACKENDS", backends);
        serve
    }

    fn node(&self, script: &str, setting: Setting, backends: &str) -> Command {
        let mut node = Command::new("node");
        node.arg(self.files.join("node").join(script))
            .env("PEERS_BACKENDS", backends)
            .env("NODE_ENV", "production");
        node.env("PEERS_CACHE", if setting == Setting::Warm { "1" } else { "" });
        if let Some(packages) = &self.packages {
            node.env("PEERS_PACKAGES", packages);
        }
        node
    }
}
