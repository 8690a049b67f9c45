//! Records kept between operations, bounded in bytes.
//!
//! Takes: answers with their exact inputs as key, how long they may live, what they tell about (tags).
//! Gives: an answer that holds the wanted slots, is in time, and that no mutation has made stale since it was read.
//! Never: decides who may share: that follows from the key, which holds every run-time input of the request.

mod look;
mod shelf;

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use moka::notification::RemovalCause;
use rustc_hash::FxBuildHasher;
use tokio::time::Instant;

use crate::graph::{CacheLimits, Call, Graph, KeyMode, Stale, TypeId, TypeKind};
use crate::value::{Answer, Cell, Freshness, Validators, plain_text, with_remote_key};

pub use look::{BLOCK, Hit, Look, Standing};
use shelf::Shelves;
pub use shelf::{Known, Shelf};

/// A point in the order of mutations: what was read before a drop is older than it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

/// Something that an answer tells about, or comes from: all of a type, one object of it, which objects of it there are, a role,
/// a word of its call. Two things may share a number: a drop then drops more than it need, never less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(u16);

impl Tag {
    pub fn of_type(ty: TypeId) -> Self {
        Self::hash(&(ty.0, ""))
    }

    pub fn of_entity(ty: TypeId, remote_key: &str) -> Self {
        Self::hash(&(ty.0, remote_key))
    }

    pub fn of_role(role: &str) -> Self {
        Self::hash(&("role", role))
    }

    /// Of a word that calls have among their `tags`.
    pub fn of_word(word: &str) -> Self {
        Self::hash(&("tag", word))
    }

    /// Answers that an object may newly belong to, or belong to elsewhere, once it has changed: those that found nothing, and
    /// those to a question about all objects.
    pub fn of_search(ty: TypeId) -> Self {
        Self::hash(&(ty.0, ()))
    }

    fn hash(value: &impl Hash) -> Self {
        let hash = FxBuildHasher.hash_one(value);
        Self(u16::try_from(hash >> 48).unwrap_or(0))
    }
}

/// An answer in the cache.
#[derive(Debug)]
struct Entry {
    answer: Arc<Answer>,
    /// When it was read from the backend.
    read_at: Instant,
    expires_at: Instant,
    /// Until when it may be used past its time.
    stale_until: Stale<Instant>,
    /// By what its backend knows it again.
    validators: Option<Box<Validators>>,
    began: Epoch,
    tags: Box<[Tag]>,
    /// The newest epoch at which the tags were found not dropped since `began`.
    checked: AtomicU64,
    /// When the store was last told that it is in use, by the cache's clock.
    told: AtomicU64,
    /// How many bytes its key has in common with the others of its load.
    common: usize,
}

/// What the cache holds, and what became of it since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    pub entries: u64,
    pub bytes: u64,
    /// How often something was dropped, by mutations and by the operator.
    pub drops: u64,
    /// Answers that were given out past their time and read anew meanwhile.
    pub refreshed: u64,
    /// Answers that were given out past their time because their backend failed.
    pub bridged: u64,
    /// Answers that their backend said are still so.
    pub renewed: u64,
    /// Keys that were looked up and found, and those that were not.
    pub hits: u64,
    pub misses: u64,
    /// Entries that left for want of room, and those that were old.
    pub evicted: u64,
    pub expired: u64,
}

/// How an answer past its time was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    Refreshing,
    Failing,
    Unchanged,
}

/// How long an answer may be used, and how it is known again.
#[derive(Clone, Debug, Default)]
pub struct Lifetime {
    pub ttl: Duration,
    /// After that.
    pub stale: Stale,
    pub validators: Option<Box<Validators>>,
}

impl Lifetime {
    /// In time alone.
    pub fn of(ttl: Duration) -> Self {
        Self { ttl, ..Self::default() }
    }
}

#[derive(Debug)]
pub struct Cache {
    limits: CacheLimits,
    store: moka::sync::Cache<Arc<[u8]>, Arc<Entry>, RandomState>,
    shelves: Arc<Shelves>,
    began_at: Instant,
    epoch: AtomicU64,
    /// One drop at a time.
    dropping: Mutex<()>,
    /// By tag: the epoch of its last drop.
    dropped_at: Box<[AtomicU64]>,
    refreshed: AtomicU64,
    bridged: AtomicU64,
    renewed: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    left: Arc<Left>,
}

/// Entries that left the cache.
#[derive(Debug, Default)]
struct Left {
    evicted: AtomicU64,
    expired: AtomicU64,
}

impl Left {
    fn count(&self, cause: RemovalCause) {
        match cause {
            RemovalCause::Size => self.evicted.fetch_add(1, Ordering::Relaxed),
            RemovalCause::Expired => self.expired.fetch_add(1, Ordering::Relaxed),
            RemovalCause::Explicit | RemovalCause::Replaced => 0,
        };
    }
}

/// What an entry needs besides its key, its tags and its answer: its own fields, and its places in the store and on its shelf.
const ENTRY_BYTES: usize = std::mem::size_of::<Entry>() + 256;

/// Entries that are never asked for again leave after this long, whatever their own time.
const LONGEST_STAY: Duration = Duration::from_hours(1);

impl Cache {
    pub fn new(limits: CacheLimits) -> Self {
        let shelves = Arc::new(Shelves::new());
        let leaving = Arc::clone(&shelves);
        let left = Arc::new(Left::default());
        let counts = Arc::clone(&left);
        let store = moka::sync::Cache::builder()
            .max_capacity(limits.bytes)
            .weigher(|key: &Arc<[u8]>, entry: &Arc<Entry>| {
                let own = key.len() + entry.tags.len() * 2 + ENTRY_BYTES;
                entry.answer.weight().saturating_add(u32::try_from(own).unwrap_or(u32::MAX))
            })
            .time_to_live(LONGEST_STAY)
            .eviction_listener(move |key: Arc<Arc<[u8]>>, entry, cause| {
                counts.count(cause);
                leaving.remove(&key, &entry);
            })
            .build_with_hasher(RandomState::default());
        Self {
            limits,
            store,
            shelves,
            began_at: Instant::now(),
            epoch: AtomicU64::new(0),
            dropping: Mutex::new(()),
            dropped_at: (0..=u16::MAX).map(|_| AtomicU64::new(0)).collect(),
            refreshed: AtomicU64::new(0),
            bridged: AtomicU64::new(0),
            renewed: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            left,
        }
    }

    /// The present epoch: taken before a read is sent.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    fn keeps(&self) -> bool {
        self.limits.enabled && self.limits.bytes > 0
    }

    /// Milliseconds since the cache was made, from one on.
    fn clock(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.began_at).as_millis();
        u64::try_from(passed).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// An entry for an answer, unless it is not to be kept.
    fn entry(
        &self,
        answer: &Arc<Answer>,
        tags: impl FnOnce() -> Box<[Tag]>,
        lifetime: Lifetime,
        began: Epoch,
        common: usize,
    ) -> Option<Arc<Entry>> {
        let Lifetime { ttl, stale, validators } = match lifetime {
            // what does not exist may exist a moment later
            it if answer.rows.is_empty() => Lifetime::of(it.ttl.min(self.limits.negative_ttl)),
            it => it,
        };
        if ttl.is_zero() {
            return None;
        }
        let now = Instant::now();
        let until = |past: Duration| now + ttl.saturating_add(past).min(LONGEST_STAY);
        let entry = Entry {
            answer: Arc::clone(answer),
            read_at: now,
            expires_at: until(Duration::ZERO),
            stale_until: Stale {
                while_revalidate: until(stale.while_revalidate),
                if_error: until(stale.if_error),
            },
            validators,
            began,
            tags: tags(),
            checked: AtomicU64::new(began.0),
            told: AtomicU64::new(self.clock(now)),
            common,
        };
        self.is_current(&entry).then(|| Arc::new(entry))
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

    /// How long an answer may be kept: the vendor file's word, then the backend's, then the schema's (`@cacheControl`), then the
    /// deployment's; the backend's `no-store` always wins.
    fn ttl(
        &self,
        vendor: Option<Duration>,
        backend: Option<Duration>,
        schema: Option<Duration>,
    ) -> Duration {
        if backend == Some(Duration::ZERO) {
            return Duration::ZERO;
        }
        vendor.or(backend).or(schema).unwrap_or(self.limits.ttl)
    }

    /// How long an answer may be used: in time, and past it.
    pub fn lifetime(
        &self,
        call: &Call,
        freshness: &Freshness,
        schema: Option<Duration>,
    ) -> Lifetime {
        let (limits, vendor) = (&self.limits, call.stale);
        let past = |vendor: Option<Duration>, backend: Option<Duration>, default: Duration| {
            let wanted = vendor.or(backend).unwrap_or(default);
            if freshness.must_revalidate { Duration::ZERO } else { wanted.min(limits.stale_max) }
        };
        Lifetime {
            ttl: self.ttl(call.ttl, freshness.max_age, schema),
            stale: Stale {
                while_revalidate: past(
                    vendor.while_revalidate,
                    freshness.stale_while_revalidate,
                    limits.stale.while_revalidate,
                ),
                if_error: past(vendor.if_error, freshness.stale_if_error, limits.stale.if_error),
            },
            validators: freshness.validators.clone().map(Box::new),
        }
    }

    /// Counts a use of the cache that is no hit.
    pub fn used(&self, past: Past) {
        let count = match past {
            Past::Refreshing => &self.refreshed,
            Past::Failing => &self.bridged,
            Past::Unchanged => &self.renewed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub fn counts(&self) -> CacheCounts {
        self.store.run_pending_tasks();
        CacheCounts {
            entries: self.store.entry_count(),
            bytes: self.store.weighted_size(),
            drops: self.epoch.load(Ordering::Relaxed),
            refreshed: self.refreshed.load(Ordering::Relaxed),
            bridged: self.bridged.load(Ordering::Relaxed),
            renewed: self.renewed.load(Ordering::Relaxed),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            evicted: self.left.evicted.load(Ordering::Relaxed),
            expired: self.left.expired.load(Ordering::Relaxed),
        }
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

/// What an answer tells about: its type (of an abstract one: every type that its records can have), even when it is empty, and
/// each of its records; and where it comes from.
pub fn tags(graph: &Graph, call: &Call, declared: TypeId, answer: &Answer) -> Box<[Tag]> {
    let role = Tag::of_role(&graph.backend(call.backend).role);
    let mut tags = Vec::with_capacity(answer.rows.len() + call.tags.len() + 4);
    tags.extend([Tag::of_type(declared), role]);
    tags.extend(call.tags.iter().map(|word| Tag::of_word(word)));
    let is_search = call.keys == KeyMode::None || answer.rows.is_empty();
    let possible = match &graph.ty(declared).kind {
        TypeKind::Interface { possible } | TypeKind::Union { possible } => possible,
        _ => std::slice::from_ref(&declared),
    };
    for ty in possible {
        tags.push(Tag::of_type(*ty));
        tags.extend(is_search.then(|| Tag::of_search(*ty)));
    }
    for row in &answer.rows {
        let Cell::Record { shape, .. } = row else { continue };
        let shape = graph.shape(*shape);
        if shape.ty != declared {
            tags.push(Tag::of_type(shape.ty));
        }
        let id = shape.id_slot.and_then(|slot| answer.json(answer.slot(*row, slot)));
        if let Some(id) = id.and_then(plain_text) {
            tags.extend(with_remote_key(&id, |key| Tag::of_entity(shape.ty, key)));
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
