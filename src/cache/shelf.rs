//! Where entries stand to be looked up: under one lock for a load, and without the store's bookkeeping for each.
//!
//! The store (moka) bounds the entries and decides which one leaves; what leaves it leaves its shelf. Of reads the store is
//! told once a second for each entry: its order of use needs to know no more.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, Weak};

use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::look::Look;
use super::{Cache, Entry, Epoch, Hit, Lifetime, Past, Tag};
use crate::value::{Answer, SlotSet, Validators};

const SHELVES: usize = 64;

pub(super) type Entries = HashMap<Arc<[u8]>, Arc<Entry>, RandomState>;

/// All entries. Those of one load stand on one shelf.
#[derive(Debug)]
pub(super) struct Shelves {
    shelves: Box<[RwLock<Entries>]>,
    hasher: RandomState,
}

impl Shelves {
    pub(super) fn new() -> Self {
        let hasher = RandomState::default();
        let shelf = |_| RwLock::new(Entries::with_hasher(hasher.clone()));
        Self { shelves: (0..SHELVES).map(shelf).collect(), hasher }
    }

    fn of(&self, key: &[u8], common: usize) -> Option<&RwLock<Entries>> {
        let prefix = key.get(..common).unwrap_or(key);
        let place = usize::try_from(self.hasher.hash_one(prefix) >> 32).unwrap_or_default();
        self.shelves.get(place % SHELVES)
    }

    /// What has left the store leaves its shelf, unless something newer stands in its place.
    pub(super) fn remove(&self, key: &Arc<[u8]>, entry: &Arc<Entry>) {
        let Some(entries) = self.of(key, entry.common) else { return };
        let mut entries = entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.get(key).is_some_and(|own| Arc::ptr_eq(own, entry)) {
            entries.remove(key);
        }
    }
}

/// An answer that a backend may be asked about.
#[derive(Clone, Debug)]
pub struct Known {
    pub answer: Arc<Answer>,
    pub validators: Validators,
}

/// The entries of one load: of all keys that begin with the same bytes.
#[derive(Clone, Copy, Debug)]
pub struct Shelf<'a> {
    cache: &'a Cache,
    /// How many bytes the keys have in common.
    common: usize,
    /// `None`: nothing is kept.
    entries: Option<&'a RwLock<Entries>>,
}

impl Cache {
    /// From then on the store counts who is missed.
    fn is_half_full(&self) -> bool {
        self.store.weighted_size() >= self.limits.bytes / 2
    }

    /// So many keys were looked up and found, by whoever found them before.
    pub fn found_again(&self, keys: usize) {
        self.hits.fetch_add(keys as u64, Ordering::Relaxed);
    }

    /// The entries whose keys begin with `common`.
    pub fn shelf(&self, common: &[u8]) -> Shelf<'_> {
        let entries = if self.keeps() { self.shelves.of(common, common.len()) } else { None };
        Shelf { cache: self, common: common.len(), entries }
    }
}

impl<'a> Shelf<'a> {
    /// To look many keys up. Nothing else may be waited for while it is held.
    pub fn look(&self, now: Instant) -> Look<'a> {
        Look::new(self.cache, self.entries.map(read), now)
    }

    /// The answer under this key, if it holds the wanted slots, is in time, and is not stale.
    pub fn get(&self, key: &[u8], wanted: SlotSet, now: Instant) -> Option<Hit> {
        let mut look = self.look(now);
        let mut hit = None;
        look.all(std::iter::once(key), wanted, |standing| hit = standing.hit());
        // looked up before: once for each key is counted
        look.close();
        hit
    }

    /// Whether a look-up would find what one found before: this very answer. That is not counted.
    pub fn finds_again(
        &self,
        key: &[u8],
        wanted: SlotSet,
        now: Instant,
        found: &Weak<Answer>,
    ) -> bool {
        // what a weak pointer was made of is nowhere else for as long as there is one
        let hit = self.get(key, wanted, now);
        hit.is_some_and(|hit| std::ptr::eq(Arc::as_ptr(&hit.answer), found.as_ptr()))
    }

    /// What an entry under this key holds, even if it is too little for a hit: a miss asks for the union.
    pub fn held(&self, key: &[u8]) -> SlotSet {
        let held = self.entries.and_then(|entries| Some(read(entries).get(key)?.answer.has));
        held.filter(|has| *has != SlotSet::ALL).unwrap_or(SlotSet::EMPTY)
    }

    /// The answer under this key that is past its time and may yet be used in this case, if it holds the wanted slots and was not
    /// dropped since.
    pub fn stale(&self, key: &[u8], wanted: SlotSet, now: Instant, past: Past) -> Option<Hit> {
        let entry = self.usable(key, wanted)?;
        let until = match past {
            Past::Refreshing => entry.stale_until.while_revalidate,
            Past::Failing | Past::Unchanged => entry.stale_until.if_error,
        };
        (entry.expires_at <= now && until > now).then(|| Hit {
            answer: Arc::clone(&entry.answer),
            read_at: entry.read_at,
            is_stale: true,
        })
    }

    /// The answer under this key that its backend may know again, in time or not.
    pub fn known(&self, key: &[u8], wanted: SlotSet) -> Option<Known> {
        let entry = self.usable(key, wanted)?;
        let validators = (**entry.validators.as_ref()?).clone();
        Some(Known { answer: Arc::clone(&entry.answer), validators })
    }

    fn usable(&self, key: &[u8], wanted: SlotSet) -> Option<Arc<Entry>> {
        let entry = Arc::clone(read(self.entries?).get(key)?);
        (entry.answer.has.covers(wanted) && self.cache.is_current(&entry)).then_some(entry)
    }

    /// That a key was missed counts for it: a full store takes in what is asked for more often than what it would give up. (It
    /// begins to count when it is half full.)
    pub fn missed(&self, key: &[u8]) {
        if self.entries.is_some() && self.cache.is_half_full() {
            self.cache.store.get(key);
        }
    }

    /// Keeps an answer whose read began at `began`; thrown away if a mutation has dropped one of its tags since. The tags are
    /// only made for what may be kept.
    pub fn fill(
        &self,
        key: impl Into<Arc<[u8]>>,
        answer: &Arc<Answer>,
        tags: impl FnOnce() -> Box<[Tag]>,
        lifetime: Lifetime,
        began: Epoch,
    ) {
        let Some(entries) = self.entries else { return };
        let entry = self.cache.entry(answer, tags, lifetime, began, self.common);
        let Some(entry) = entry else { return };
        let key = key.into();
        // First here, then in the store: what the store refuses, or gives up at once, is taken off again.
        let replaced = entries
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(Arc::clone(&key), Arc::clone(&entry));
        drop(replaced);
        self.cache.store.insert(key, entry);
    }
}

fn read(entries: &RwLock<Entries>) -> RwLockReadGuard<'_, Entries> {
    entries.read().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::graph::CacheLimits;
    use crate::value::Cell;

    const LONG: Duration = Duration::from_mins(10);

    fn long() -> Lifetime {
        Lifetime::of(LONG)
    }

    pub(in crate::cache) fn cache(bytes: u64) -> Cache {
        Cache::new(CacheLimits { bytes, ..CacheLimits::default() })
    }

    pub(in crate::cache) fn answer() -> Arc<Answer> {
        Arc::new(Answer { rows: Box::from([Cell::Null]), ..Answer::default() })
    }

    pub(in crate::cache) fn fill(cache: &Cache, key: &str) {
        let began = cache.epoch();
        cache.shelf(b"load:").fill(key.as_bytes(), &answer(), Box::default, long(), began);
    }

    fn has(cache: &Cache, key: &str, now: Instant) -> bool {
        cache.shelf(b"load:").get(key.as_bytes(), SlotSet::EMPTY, now).is_some()
    }

    fn on_shelves(cache: &Cache) -> u64 {
        cache.shelves.shelves.iter().map(|shelf| read(shelf).len() as u64).sum()
    }

    #[test]
    fn what_leaves_the_store_leaves_its_shelf() {
        let cache = cache(20_000);
        for number in 0..1_000 {
            fill(&cache, &format!("load:{number}"));
        }
        let kept = cache.counts().entries;
        assert!((1..100).contains(&kept), "{kept} entries of 20,000 bytes");
        assert_eq!(on_shelves(&cache), kept);
    }

    #[test]
    fn what_takes_the_place_of_an_entry_stays_when_that_one_leaves() {
        let cache = cache(100_000);
        for _ in 0..10 {
            fill(&cache, "load:one");
        }
        assert_eq!((cache.counts().entries, on_shelves(&cache)), (1, 1));
        assert!(has(&cache, "load:one", Instant::now()));
    }

    #[test]
    fn an_entry_in_use_outlives_a_flood_of_others() {
        let cache = cache(20_000);
        let now = Instant::now();
        fill(&cache, "load:used");
        for number in 0..100 {
            fill(&cache, &format!("load:before:{number}"));
            cache.counts();
            assert!(
                has(&cache, "load:used", now + Duration::from_secs(2 * number + 2)),
                "{number}"
            );
        }
        for number in 0..1_000 {
            fill(&cache, &format!("load:after:{number}"));
        }
        cache.counts();
        assert!(has(&cache, "load:used", now));
    }

    #[test]
    fn a_full_cache_takes_in_what_is_asked_for_again_and_again() {
        let cache = cache(20_000);
        for number in 0..1_000 {
            fill(&cache, &format!("load:once:{number}"));
        }
        for _ in 0..20 {
            if !has(&cache, "load:wanted", Instant::now()) {
                cache.shelf(b"load:").missed(b"load:wanted");
                fill(&cache, "load:wanted");
            }
            cache.counts();
        }
        assert!(has(&cache, "load:wanted", Instant::now()));
    }

    #[test]
    fn a_cache_without_room_keeps_nothing() {
        let cache = cache(0);
        fill(&cache, "load:one");
        assert!(!has(&cache, "load:one", Instant::now()));
        assert_eq!(on_shelves(&cache), 0);
    }
}
