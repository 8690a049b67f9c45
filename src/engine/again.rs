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
use super::who::Who;
use super::{Engine, Outcome, Prepared, Response};
use crate::graph::CacheLimits;
use crate::load::Looked;
use crate::plan::Plan;
use crate::principal::Principal;

/// What is larger, with its request and the keys of its look-ups, is not kept.
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
    sent: Box<[u8]>,
    who: Who,
    looked: Vec<Looked>,
    body: Bytes,
    plan: Arc<Plan>,
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
        let keys: usize = looked.iter().map(Looked::bytes).sum();
        if self.places.is_empty() || sent.len() + keys + body.len() > ANSWER_BYTES_MAX {
            return;
        }
        let principal = &prepared.principal;
        let Some([first, second]) = self.places(sent, principal) else { return };
        let is_free = |place: &Place| {
            read(place).is_none_or(|kept| *kept.sent == **sent && kept.who.is(principal))
        };
        let place = if !is_free(first) && is_free(second) { second } else { first };
        let kept = Kept {
            sent: Box::from(&**sent),
            who: Who::of(principal),
            looked,
            body: body.clone(),
            plan: Arc::clone(&prepared.plan),
            reckoned: prepared.reckoned,
            is_named: prepared.is_named,
        };
        let before = place.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(kept));
        drop(before);
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
    /// As in the request.
    pub fn operation_name(&self) -> Option<&str> {
        self.plan.operation.name.as_deref().filter(|_| self.is_named)
    }

    /// As [`Engine::reckon`].
    pub fn cost(&self) -> u64 {
        whole(self.reckoned).max(1)
    }
}

impl Engine {
    /// The answer to a request that was sent so before by the same asker, if running it again would give the same.
    pub fn find_again(&self, sent: &[u8], principal: &Principal) -> Option<Arc<Kept>> {
        let kept = self.answers.find(sent, principal)?;
        self.loader.finds_again(&kept.looked, Instant::now()).then_some(kept)
    }

    /// Gives it, and counts the operation as if it had run.
    pub fn give_again(&self, kept: &Kept, principal: &Principal) -> Response {
        let mut counted = self.operations.begin(principal);
        counted.is(&kept.plan.operation, kept.reckoned);
        let outcome = Outcome::Data { has_errors: false };
        let response = Response { body: kept.body.clone(), outcome };
        counted.given_again(&response);
        response
    }
}
