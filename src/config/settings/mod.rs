//! What `cyclorama.yaml` says about the process rather than about the graph.

mod admin;
mod http;
mod load;
mod telemetry;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

pub use admin::{Admin, Reload};
pub use http::{Batch, Connections, Cors, Get, Http, Sockets, StatusProfile, Streams};
pub use load::{Overload, RateKey, RateLimit};
pub use telemetry::{Otlp, Receiver};

/// The settings of one deployment that are not part of the graph.
#[derive(Clone, Debug)]
pub struct Settings {
    pub listen: SocketAddr,
    pub graphiql_enabled: bool,
    pub http: Http,
    /// Signs cursors; `None`: the process makes its own at start, and cursors do not outlive it.
    pub cursor_secret: Option<Secret>,
    pub log: Log,
    /// `None`: nothing is exported.
    pub otlp: Option<Otlp>,
    /// Who is told of alerts, if anybody.
    pub webhook: Option<Receiver>,
    pub known: KnownOperations,
    /// `None`: there is no admin listener.
    pub admin: Option<Admin>,
    pub reload: Reload,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000),
            graphiql_enabled: true,
            http: Http::default(),
            cursor_secret: None,
            log: Log::default(),
            otlp: None,
            webhook: None,
            known: KnownOperations::default(),
            admin: None,
            reload: Reload::default(),
        }
    }
}

/// Which operations are known by an id, and whether others may run.
#[derive(Clone, Debug)]
pub struct KnownOperations {
    pub mode: KnownMode,
    /// The trusted documents.
    pub documents: Arc<[KnownDocument]>,
    /// Memory for documents that clients register by their hash; `None`: they may not. Only in the mode `Open`.
    pub automatic_bytes: Option<u64>,
}

impl Default for KnownOperations {
    fn default() -> Self {
        let documents = Arc::from(Vec::new());
        Self { mode: KnownMode::Open, documents, automatic_bytes: Some(8 * 1024 * 1024) }
    }
}

/// Whether operations run that are not among the trusted documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KnownMode {
    #[default]
    Open,
    /// Only trusted documents, by id or by exactly their text.
    Safelist,
    /// Only trusted documents, by id alone.
    Ids,
}

/// A document that came with the deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDocument {
    pub ids: Vec<Arc<str>>,
    pub text: Arc<str>,
}

#[derive(Clone, Debug)]
pub struct Log {
    /// A `tracing` filter: `info`, or `warn,cyclorama=debug`.
    pub level: Arc<str>,
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Arc::from("info"), format: LogFormat::Auto }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `Human` on a terminal, `Json` otherwise.
    #[default]
    Auto,
    Human,
    Json,
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The text itself, for the one place that uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}
