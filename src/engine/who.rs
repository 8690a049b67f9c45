//! All that is known of who asks: what one is given, another who is the same may be given too.

use std::sync::Arc;

use crate::principal::Principal;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Who {
    tenant: Arc<str>,
    subject: Option<Arc<str>>,
    scopes: Vec<Arc<str>>,
    claims: Vec<(Arc<str>, Arc<str>)>,
    headers: Vec<(Arc<str>, Arc<str>)>,
}

impl Who {
    pub(super) fn of(principal: &Principal) -> Self {
        // each by name, so that what is added is not forgotten here; the last two say nothing of who asks
        let Principal { tenant, subject, scopes, claims, headers, trace: _, calls: _ } = principal;
        Self {
            tenant: Arc::clone(tenant),
            subject: subject.clone(),
            scopes: scopes.clone(),
            claims: claims.clone(),
            headers: headers.clone(),
        }
    }

    pub(super) fn is(&self, principal: &Principal) -> bool {
        let Self { tenant, subject, scopes, claims, headers } = self;
        *tenant == principal.tenant
            && *subject == principal.subject
            && *scopes == principal.scopes
            && *claims == principal.claims
            && *headers == principal.headers
    }
}
