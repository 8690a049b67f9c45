//! What `cyclorama.yaml` says about the process rather than about the graph.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The settings of one deployment that are not part of the graph.
#[derive(Clone, Debug)]
pub struct Settings {
    pub listen: SocketAddr,
    pub graphiql_enabled: bool,
    pub http: Http,
    /// Signs cursors; `None`: the process makes its own at start, and cursors do not outlive it.
    pub cursor_secret: Option<Secret>,
    pub log: Log,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000),
            graphiql_enabled: true,
            http: Http::default(),
            cursor_secret: None,
            log: Log::default(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Http {
    pub status_profile: StatusProfile,
    /// How long a client may take to send a request's body.
    pub body_timeout: Duration,
    /// How long running requests may take once the server is told to stop.
    pub grace: Duration,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            status_profile: StatusProfile::default(),
            body_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(20),
        }
    }
}

/// Which edition of "GraphQL over HTTP" decides the statuses; both cannot be met at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusProfile {
    /// What the published audit suite expects: 400 for request errors, 200 for clients that accept `application/json` only.
    #[default]
    Audit2025,
    /// The edition of September 2026: 422 for what is well-formed and wrong, 294 for partial answers.
    Draft2026,
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
