//! Whole answers, given again: to the same bytes from the same asker, while all that an answer was made from is what the cache has
//! (decision 0026).
//!
//! Takes: requests as they were sent, who asks, and answers that were made from the cache alone and without an error.
//! Gives: the answer that running the operation again would give.
//! Never: trusts a time or an epoch of its own: whatever the answer was made from is looked up again, and must be the very same.

use std::hash::BuildHasher as _;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::operations::whole;
use super::who::KeptWho;
use super::{Engine, Outcome, Prepared, Request, Response};
use crate::graph::CacheLimits;
use crate::load::Looked;
use crate::operation::OperationKind;
use crate::principal::Principal;

/// What is larger, with its request, the keys of its look-ups and what is known of who asked, is not kept.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// All of them take at most this part of what the cache may take.
const PART: u64 = 16;
const PLACES_MAX: u64 = 2_048;

/// Each answer has two places where it may stand, and takes that of another if both are taken.
#[derive(Debug)]
pub(super) struct Answers {
    places: Box<[RwLock<Option<Arc<Kept>>>]>,
    hasher: RandomState,
}

/// An answer that may be given again.
#[derive(Debug)]
pub struct Kept {
    sent: Bytes,
    who: KeptWho,
    looked: Vec<Looked>,
    body: Bytes,
    /// Of the operation, as its plan has it: plans are large, and bounded elsewhere.
    kind: OperationKind,
    name: Option<Arc<str>>,
    reckoned: f64,
    /// Its requests name the operation.
    is_named: bool,
}

type Place = RwLock<Option<Arc<Kept>>>;

impl Answers {
    pub(super) fn new(limits: &CacheLimits) -> Self {
        let bytes = if limits.enabled { limits.bytes / PART } else { 0 };
        let count = (bytes / ANSWER_BYTES_MAX as u64).min(PLACES_MAX);
        Self {
            places: (0..count).map(|_| RwLock::default()).collect(),
            hasher: RandomState::default(),
        }
    }

    /// Keeps an answer that was made from these look-ups.
    pub(super) fn keep(&self, prepared: &Prepared, looked: Vec<Looked>, body: &Bytes) {
        let Some(sent) = &prepared.sent else { return };
        let principal = &prepared.principal;
        let Some(places @ [first, _]) = self.places(sent, principal) else { return };
        let (kind, name) = prepared.kind_and_name();
        let kept = Kept {
            // a copy: it may be a small part of something large
            sent: sent.clone(),
            body: Bytes::copy_from_slice(body),
            who: KeptWho::of(principal),
            looked,
            kind,
            name: name.cloned(),
            reckoned: prepared.reckoned,
            is_named: prepared.is_named,
        };
        if kept.bytes() > ANSWER_BYTES_MAX {
            return;
        }
        let is_free = |place: &&Place| {
            read(place).is_none_or(|other| *other.sent == **sent && other.who.is(principal))
        };
        let place = places.into_iter().find(is_free).unwrap_or(first);
        let before = place.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(kept));
        drop(before);
    }

    /// Takes an answer away that is no longer right, unless another one stands there by now.
    fn drop_one(&self, sent: &[u8], principal: &Principal, kept: &Arc<Kept>) {
        for place in self.places(sent, principal).into_iter().flatten() {
            let mut place = place.write().unwrap_or_else(PoisonError::into_inner);
            if place.as_ref().is_some_and(|other| Arc::ptr_eq(other, kept)) {
                *place = None;
            }
        }
    }

    fn find(&self, sent: &[u8], principal: &Principal) -> Option<Arc<Kept>> {
        let places = self.places(sent, principal)?;
        let mut kept = places.into_iter().filter_map(read);
        kept.find(|kept| *kept.sent == *sent && kept.who.is(principal))
    }

    fn places(&self, sent: &[u8], principal: &Principal) -> Option<[&Place; 2]> {
        let hash = self.hasher.hash_one((sent, &principal.tenant, &principal.headers));
        let place = |hash: u64| {
            let count = u64::try_from(self.places.len()).ok()?;
            self.places.get(usize::try_from(hash.checked_rem(count)?).ok()?)
        };
        Some([place(hash)?, place(hash.rotate_left(32))?])
    }
}

fn read(place: &Place) -> Option<Arc<Kept>> {
    place.read().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Kept {
    fn bytes(&self) -> usize {
        let keys: usize = self.looked.iter().map(Looked::bytes).sum();
        let name = self.name.as_ref().map_or(0, |name| name.len());
        self.sent.len() + self.body.len() + self.who.bytes() + keys + name
    }

    /// As in the request.
    pub fn operation_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.is_named)
    }

    /// As [`Engine::reckon`].
    pub fn cost(&self) -> u64 {
        whole(self.reckoned).max(1)
    }
}

impl Engine {
    /// The answer to a request that was sent so before by the same asker, if running it again would give the same.
    pub fn find_again(&self, sent: &[u8], principal: &Principal) -> Option<Arc<Kept>> {
        if sent.len() > ANSWER_BYTES_MAX {
            return None;
        }
        let kept = self.answers.find(sent, principal)?;
        if !self.loader.finds_again(&kept.looked, Instant::now()) {
            self.answers.drop_one(sent, principal, &kept);
            return None;
        }
        Some(kept)
    }

    /// Gives it, and counts the operation as if it had run.
    pub fn give_again(&self, kept: &Kept, principal: &Principal) -> Response {
        let mut counted = self.operations.begin(principal);
        counted.is((kept.kind, kept.name.as_ref()), kept.reckoned);
        self.loader.cache.found_again(kept.looked.len());
        let outcome = Outcome::Data { has_errors: false };
        let response = Response { body: kept.body.clone(), outcome };
        counted.given_again(&response);
        response
    }
}

impl Prepared {
    /// Of the operation.
    pub(super) fn kind_and_name(&self) -> (OperationKind, Option<&Arc<str>>) {
        (self.plan.operation.kind, self.plan.operation.name.as_ref())
    }

    /// The request as it was sent, if its answer may be given again.
    pub(super) fn may_be_kept(&self, request: &Request, is_dear: bool) -> Option<Bytes> {
        let sent = request.sent.as_ref().filter(|sent| sent.len() <= ANSWER_BYTES_MAX)?;
        // what is named by a hash is kept and found by it; what is too dear is told to the log each time
        let is_by_hash = request.extensions.contains_key("persistedQuery");
        let is_plain = self.cost.is_none() && !self.is_traced && !is_by_hash && !is_dear;
        (is_plain && self.plan.is_lasting).then(|| Bytes::copy_from_slice(sent))
    }
}
