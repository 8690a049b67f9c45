//! Records kept between operations, bounded in bytes.
//!
//! Takes: answers with their exact inputs as key, how long they may live, what they tell about (tags).
//! Gives: an answer that holds the wanted slots, is in time, and that no mutation has made stale since it was read.
//! Never: decides who may share: that follows from the key, which holds every run-time input of the request.

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxBuildHasher;
use tokio::time::Instant;

use crate::graph::{CacheLimits, Graph, TypeId};
use crate::value::{Answer, Cell, SlotSet, plain_text, remote_key};

/// A point in the order of mutations: what was read before a drop is older than it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

/// Something that an answer tells about: all of a type, or one object of it. Two things may share a number: a drop then
/// drops more than it need, never less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(u16);

impl Tag {
    pub fn of_type(ty: TypeId) -> Self {
        Self::hash(&(ty.0, ""))
    }

    pub fn of_entity(ty: TypeId, remote_key: &str) -> Self {
        Self::hash(&(ty.0, remote_key))
    }

    fn hash(value: &impl Hash) -> Self {
        let hash = FxBuildHasher.hash_one(value);
        Self(u16::try_from(hash >> 48).unwrap_or(0))
    }
}

/// An answer in the cache.
#[derive(Debug)]
pub struct Entry {
    pub answer: Arc<Answer>,
    /// When it was read from the backend.
    pub read_at: Instant,
    expires_at: Instant,
    began: Epoch,
    tags: Box<[Tag]>,
    /// The newest epoch at which the tags were found not dropped since `began`.
    checked: AtomicU64,
}

#[derive(Debug)]
pub struct Cache {
    limits: CacheLimits,
    store: moka::sync::Cache<Box<[u8]>, Arc<Entry>, FxBuildHasher>,
    epoch: AtomicU64,
    /// One drop at a time.
    dropping: Mutex<()>,
    /// By tag: the epoch of its last drop.
    dropped_at: Box<[AtomicU64]>,
}

/// Entries that are never asked for again leave after this long, whatever their own time.
const LONGEST_STAY: Duration = Duration::from_hours(1);

impl Cache {
    #[expect(clippy::borrowed_box, reason = "the store hands its keys out as they are")]
    pub fn new(limits: CacheLimits) -> Self {
        let store = moka::sync::Cache::builder()
            .max_capacity(limits.bytes)
            .weigher(|key: &Box<[u8]>, entry: &Arc<Entry>| {
                let own = key.len() + entry.tags.len() * 2 + std::mem::size_of::<Entry>();
                entry.answer.weight().saturating_add(u32::try_from(own).unwrap_or(u32::MAX))
            })
            .time_to_live(LONGEST_STAY)
            .build_with_hasher(FxBuildHasher);
        let dropped_at = (0..=u16::MAX).map(|_| AtomicU64::new(0)).collect();
        Self { limits, store, epoch: AtomicU64::new(0), dropping: Mutex::new(()), dropped_at }
    }

    /// The present epoch: taken before a read is sent.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// The answer under this key, if it holds the wanted slots, is in time, and is not stale.
    pub fn get(&self, key: &[u8], wanted: SlotSet, now: Instant) -> Option<Arc<Entry>> {
        if !self.limits.enabled {
            return None;
        }
        let entry = self.store.get(key)?;
        (entry.expires_at > now && entry.answer.has.covers(wanted) && self.is_current(&entry))
            .then_some(entry)
    }

    /// What an entry under this key holds, even if it is too little for a hit: a miss asks for the union.
    pub fn held(&self, key: &[u8]) -> SlotSet {
        if !self.limits.enabled {
            return SlotSet::EMPTY;
        }
        self.store.get(key).map_or(SlotSet::EMPTY, |entry| {
            if entry.answer.has == SlotSet::ALL { SlotSet::EMPTY } else { entry.answer.has }
        })
    }

    /// Keeps an answer whose read began at `began`; thrown away if a mutation has dropped one of its tags since.
    pub fn fill(
        &self,
        key: &[u8],
        answer: &Arc<Answer>,
        tags: Box<[Tag]>,
        ttl: Duration,
        began: Epoch,
    ) {
        let ttl = if answer.rows.is_empty() { ttl.min(self.limits.negative_ttl) } else { ttl };
        if !self.limits.enabled || ttl.is_zero() {
            return;
        }
        let now = Instant::now();
        let entry = Arc::new(Entry {
            answer: Arc::clone(answer),
            read_at: now,
            expires_at: now + ttl.min(LONGEST_STAY),
            began,
            tags,
            checked: AtomicU64::new(began.0),
        });
        if self.is_current(&entry) {
            self.store.insert(Box::from(key), entry);
        }
    }

    /// Makes everything stale that has one of these tags, whether it is kept already or still being read.
    pub fn drop_tags(&self, tags: &[Tag]) {
        let _turn = self.dropping.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.epoch.load(Ordering::Acquire) + 1;
        for tag in tags {
            if let Some(dropped_at) = self.dropped_at.get(usize::from(tag.0)) {
                dropped_at.store(epoch, Ordering::Release);
            }
        }
        // Last: whoever sees the new epoch sees all of its drops, and may remember that an entry has passed it.
        self.epoch.store(epoch, Ordering::Release);
    }

    /// How long an answer may be kept: the vendor file's word, then the backend's, then the deployment's; `no-store` always wins.
    pub fn ttl(&self, vendor: Option<Duration>, backend: Option<Duration>) -> Duration {
        if backend == Some(Duration::ZERO) {
            return Duration::ZERO;
        }
        vendor.or(backend).unwrap_or(self.limits.ttl)
    }

    pub fn entries(&self) -> u64 {
        self.store.run_pending_tasks();
        self.store.entry_count()
    }

    fn is_current(&self, entry: &Entry) -> bool {
        let epoch = self.epoch();
        if entry.checked.load(Ordering::Acquire) == epoch.0 {
            return true;
        }
        let is_current = entry.tags.iter().all(|tag| {
            self.dropped_at
                .get(usize::from(tag.0))
                .is_none_or(|dropped_at| dropped_at.load(Ordering::Acquire) <= entry.began.0)
        });
        if is_current {
            entry.checked.fetch_max(epoch.0, Ordering::AcqRel);
        }
        is_current
    }
}

/// What an answer tells about: its type, even when it is empty, and each of its records.
pub fn tags(graph: &Graph, declared: TypeId, answer: &Answer) -> Box<[Tag]> {
    let mut tags = vec![Tag::of_type(declared)];
    for row in &answer.rows {
        let Cell::Record { shape, .. } = row else { continue };
        let shape = graph.shape(*shape);
        if shape.ty != declared {
            tags.push(Tag::of_type(shape.ty));
        }
        let id = shape.id_slot.and_then(|slot| answer.json(answer.slot(*row, slot)));
        if let Some(remote) = id.and_then(plain_text).and_then(|id| remote_key(&id)) {
            tags.push(Tag::of_entity(shape.ty, &remote.key));
        }
    }
    // Records inside records tell about their types too: an invoice's payments.
    for cell in &answer.cells {
        if let Cell::Record { shape, .. } = cell {
            let shape = graph.shape(*shape);
            if shape.id_slot.is_some() {
                tags.push(Tag::of_type(shape.ty));
            }
        }
    }
    tags.sort_unstable();
    tags.dedup();
    tags.into_boxed_slice()
}
