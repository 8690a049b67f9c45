//! The `http` section of `cyclorama.yaml`: the server itself.

use std::sync::Arc;
use std::time::Duration;

use super::{Overload, RateLimit};

#[derive(Clone, Debug)]
pub struct Http {
    pub status_profile: StatusProfile,
    /// Which queries are answered by GET.
    pub get: Get,
    /// Names, in lower case and without a port, that a request's `Host` may have; `*` is any. Left out: on an address of
    /// this machine alone, `localhost` and addresses; elsewhere any.
    pub hosts: Option<Arc<[Arc<str>]>>,
    pub cors: Cors,
    pub batch: Batch,
    pub connections: Connections,
    /// How long a client may take to send a request's body.
    pub body_timeout: Duration,
    /// How long connections are still taken once the server is told to stop and says so at `/readyz`.
    pub notice: Duration,
    /// How long running requests may take after that.
    pub grace: Duration,
    pub sockets: Sockets,
    pub streams: Streams,
    pub overload: Overload,
    /// `None`: clients may ask for as much as they like.
    pub rate_limit: Option<RateLimit>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            status_profile: StatusProfile::default(),
            get: Get::default(),
            hosts: None,
            cors: Cors::default(),
            batch: Batch::default(),
            connections: Connections::default(),
            body_timeout: Duration::from_secs(30),
            notice: Duration::ZERO,
            grace: Duration::from_secs(20),
            sockets: Sockets::default(),
            streams: Streams::default(),
            overload: Overload::default(),
            rate_limit: None,
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

/// Which queries are answered by GET, the one method that a page of another site can use without asking first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Get {
    /// Not those that a page of another site may have caused.
    #[default]
    Checked,
    /// Only those with a header that such a page cannot set without asking first.
    Preflight,
    Off,
}

/// Which pages of other origins may ask, and read the answers.
#[derive(Clone, Debug)]
pub struct Cors {
    /// `https://app.example.com`, in lower case; `*` is any.
    pub origins: Arc<[Arc<str>]>,
    /// Whether they may send cookies and the like.
    pub credentials: bool,
    /// How long a browser may remember that it was allowed to ask.
    pub max_age: Duration,
}

impl Default for Cors {
    fn default() -> Self {
        Self {
            origins: Arc::from(Vec::new()),
            credentials: false,
            max_age: Duration::from_mins(10),
        }
    }
}

/// Several operations in one POST.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub enabled: bool,
    /// The most operations of one batch.
    pub operations: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Self { enabled: false, operations: 10 }
    }
}

/// Bounds of connections.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// How many there may be at once.
    pub most: usize,
    /// How long a client may take to send the head of a request.
    pub head_timeout: Duration,
    /// How long a connection is kept between requests.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what it is sent.
    pub send_timeout: Duration,
    /// The head of a request: its first line and headers.
    pub head_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            most: 10_000,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            send_timeout: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            headers: 100,
        }
    }
}

/// Bounds of one WebSocket.
#[derive(Clone, Copy, Debug)]
pub struct Sockets {
    /// How long a client may take to send `connection_init`.
    pub init_timeout: Duration,
    /// How often the server pings; a client that sent nothing between two pings is gone.
    pub ping: Duration,
    /// Operations that run at once.
    pub operations: usize,
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            init_timeout: Duration::from_secs(10),
            ping: Duration::from_secs(30),
            operations: 100,
        }
    }
}

/// Bounds of streams of events.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    /// How often a stream says something at the least.
    pub keep_alive: Duration,
    /// Streams that one client may have reserved; 0: none can be.
    pub per_client: usize,
    /// Operations that run at once on a reserved stream.
    pub operations: usize,
    /// How long a reservation is kept without its stream being opened.
    pub reservation: Duration,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(12),
            per_client: 100,
            operations: 100,
            reservation: Duration::from_secs(30),
        }
    }
}
