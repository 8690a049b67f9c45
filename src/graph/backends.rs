//! Backends: where they are, and how the deployment proves itself to them.

use std::sync::Arc;
use std::time::Duration;

use super::{CallId, Policy};
use crate::template::HeaderTemplate;

/// One vendor file playing one role in this deployment.
#[derive(Debug)]
pub struct Backend {
    pub role: Arc<str>,
    pub vendor: Arc<str>,
    /// `scheme://host[:port]` and an optional path prefix; never changed by data.
    pub url: Arc<str>,
    pub auth: Auth,
    pub headers: Vec<(Arc<str>, HeaderTemplate)>,
    /// Calls to this backend at once, over all operations.
    pub concurrency: usize,
    pub connect_timeout: Duration,
    /// The authorities, as certificates in PEM, of which one must have signed the backend's own; `None`: those of the system.
    pub tls_ca: Option<Arc<str>>,
    /// By what the gateway shows who it is, where the backend asks.
    pub tls_client: Option<ClientCertificate>,
    pub policy: Policy,
    pub propagates: Propagates,
    /// `None`: nothing is asked of it but what operations need.
    pub health: Option<HealthCheck>,
}

/// What of a caller's trace goes on to a backend, besides which one it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Propagates {
    /// `tracestate`
    pub state: bool,
    pub baggage: bool,
}

/// A read that is made from time to time, to see whether data flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub call: CallId,
    pub key: Option<Arc<str>>,
    pub every: Duration,
    pub timeout: Duration,
}

/// Credentials of the deployment toward a backend. `Debug` prints the kind, never the secret.
#[derive(Clone)]
pub enum Auth {
    None,
    Header {
        name: Arc<str>,
        value: Arc<str>,
    },
    Query {
        name: Arc<str>,
        value: Arc<str>,
    },
    Basic {
        user: Arc<str>,
        password: Arc<str>,
    },
    Bearer {
        token: Arc<str>,
    },
    /// WS-Security `UsernameToken`, put into the envelope's header.
    UsernameToken {
        user: Arc<str>,
        password: Arc<str>,
        is_digest: bool,
    },
    /// The token passport of `NetSuite`'s SOAP service, put into the envelope's header.
    TokenPassport(Box<TokenPassport>),
    /// A bearer token that is got for these (OAuth 2.0, RFC 6749, section 4.4).
    ClientCredentials(Arc<ClientCredentials>),
}

/// A certificate, perhaps with those between it and its authority, and its key, in PEM. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    pub certificate: Arc<str>,
    pub key: Arc<str>,
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ClientCertificate(…)")
    }
}

/// How somebody who is told something over TLS is known, and who tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// As of a backend.
    pub ca: Option<Arc<str>>,
    pub client: Option<ClientCertificate>,
}

/// What an access token is got with.
#[derive(PartialEq, Eq)]
pub struct ClientCredentials {
    pub token_url: Arc<str>,
    pub client_id: Arc<str>,
    pub client_secret: Arc<str>,
    pub scope: Option<Arc<str>>,
    /// In the body, for servers that do not read the `Authorization` header.
    pub in_body: bool,
}

/// What a token passport is made of. The secrets sign it and are never sent.
#[derive(Clone)]
pub struct TokenPassport {
    /// Of the web service, as its namespaces have it: `2017_2`.
    pub version: Arc<str>,
    pub account: Arc<str>,
    pub consumer_key: Arc<str>,
    pub consumer_secret: Arc<str>,
    pub token: Arc<str>,
    pub token_secret: Arc<str>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::None => "None",
            Self::Header { .. } => "Header(…)",
            Self::Query { .. } => "Query(…)",
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer { .. } => "Bearer(…)",
            Self::UsernameToken { .. } => "UsernameToken(…)",
            Self::TokenPassport(_) => "TokenPassport(…)",
            Self::ClientCredentials(_) => "ClientCredentials(…)",
        })
    }
}
