//! Who asks: carried through every stage, so that a stage can refuse and a cache can keep apart.
//!
//! Takes: what `auth` found in a request's credentials.
//! Gives: identity, tenant, scopes, claims, and the client headers that the deployment lets calls read.
//! Never: reads a request itself, nor decides who may see what (`Access` of the graph does).

use std::sync::Arc;

use crate::graph::Access;
use crate::telemetry::counts::CallsBegun;
use crate::telemetry::trace::Trace;

/// The caller of one operation.
#[derive(Clone, Debug, Default)]
pub struct Principal {
    /// The isolation boundary of caches, flights and logs. The empty tenant is the only one until tenants are configured.
    pub tenant: Arc<str>,
    /// Who this is, or `None` for an anonymous caller.
    pub subject: Option<Arc<str>>,
    pub scopes: Vec<Arc<str>>,
    /// Claims that calls may read (`$claims.x`), as text.
    pub claims: Vec<(Arc<str>, Arc<str>)>,
    /// Client headers that calls may read (`$header.x`), lower-case names.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// The trace that the request belongs to. It says nothing of who asks: nothing is kept apart by it.
    pub trace: Option<Trace>,
    /// Counts the backend calls that are begun for the operation; no more than the trace does it say who asks.
    pub calls: Option<Arc<CallsBegun>>,
}

impl Principal {
    pub fn anonymous() -> Self {
        Self::default()
    }

    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.iter().find(|(claim, _)| &**claim == name).map(|(_, value)| &**value)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| &**header == name).map(|(_, value)| &**value)
    }

    /// May this caller see a field with this requirement? Fails closed: a policy that nobody evaluates is a refusal.
    pub fn may(&self, access: &Access) -> bool {
        let authenticated = self.subject.is_some();
        (!access.authenticated || authenticated)
            && (access.scopes.is_empty() || (authenticated && self.has_any(&access.scopes)))
            && access.policies.is_empty()
    }

    fn has_any(&self, alternatives: &[Vec<Arc<str>>]) -> bool {
        alternatives.iter().any(|all| all.iter().all(|scope| self.scopes.contains(scope)))
    }
}
