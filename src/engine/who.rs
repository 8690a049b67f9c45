//! All that is known of who asks: what one is given, another who is the same may be given too.

use std::sync::Arc;

use crate::principal::Principal;

type Pairs = [(Arc<str>, Arc<str>)];

/// As it stands in a principal.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Who<'a> {
    tenant: &'a str,
    subject: Option<&'a str>,
    scopes: &'a [Arc<str>],
    claims: &'a Pairs,
    headers: &'a Pairs,
}

impl<'a> Who<'a> {
    pub(super) fn of(principal: &'a Principal) -> Self {
        // each by name, so that what is added is not forgotten here; the last two say nothing of who asks
        let Principal { tenant, subject, scopes, claims, headers, trace: _, calls: _ } = principal;
        Self { tenant, subject: subject.as_deref(), scopes, claims, headers }
    }

    pub(super) fn is(&self, principal: &Principal) -> bool {
        *self == Who::of(principal)
    }
}

/// The same, for whoever goes on without the principal.
#[derive(Debug)]
pub(super) struct KeptWho {
    tenant: Arc<str>,
    subject: Option<Arc<str>>,
    scopes: Vec<Arc<str>>,
    claims: Vec<(Arc<str>, Arc<str>)>,
    headers: Vec<(Arc<str>, Arc<str>)>,
}

impl KeptWho {
    pub(super) fn of(principal: &Principal) -> Self {
        let Principal { tenant, subject, scopes, claims, headers, trace: _, calls: _ } = principal;
        Self {
            tenant: Arc::clone(tenant),
            subject: subject.clone(),
            scopes: scopes.clone(),
            claims: claims.clone(),
            headers: headers.clone(),
        }
    }

    /// The memory that it takes, if nobody else has it.
    pub(super) fn bytes(&self) -> usize {
        let pair = |(name, value): &(Arc<str>, Arc<str>)| name.len() + value.len();
        let subject = self.subject.as_ref().map_or(0, |subject| subject.len());
        let scopes: usize = self.scopes.iter().map(|scope| scope.len()).sum();
        let pairs: usize = self.claims.iter().chain(&self.headers).map(pair).sum();
        size_of::<Self>() + self.tenant.len() + subject + scopes + pairs
    }

    pub(super) fn is(&self, principal: &Principal) -> bool {
        let Self { tenant, subject, scopes, claims, headers } = self;
        Who { tenant, subject: subject.as_deref(), scopes, claims, headers }.is(principal)
    }
}
