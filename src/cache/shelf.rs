//! Where entries are looked up: many at a time, under one lock and without the store's bookkeeping for each.
//!
//! The store (moka) bounds the entries and decides which one leaves; what leaves it leaves its shelf. Of reads the store is
//! told once a second for each entry: its order of use needs to know no more.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, Weak};

use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::{Cache, Entry, Epoch, Lifetime, Past, Tag};
use crate::value::{Answer, SlotSet, Validators};

/// How often at most the store is told that an entry is in use, in milliseconds.
const TOLD_EVERY: u64 = 1_000;
const SHELVES: usize = 64;

type Entries = HashMap<Arc<[u8]>, Arc<Entry>, RandomState>;

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

/// An answer from the cache.
#[derive(Clone, Debug)]
pub struct Hit {
    pub answer: Arc<Answer>,
    /// When it was read from the backend.
    pub read_at: Instant,
    /// It is past its time.
    pub is_stale: bool,
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
    /// The entries whose keys begin with `common`.
    pub fn shelf(&self, common: &[u8]) -> Shelf<'_> {
        let entries = if self.keeps() { self.shelves.of(common, common.len()) } else { None };
        Shelf { cache: self, common: common.len(), entries }
    }
}

impl<'a> Shelf<'a> {
    /// To look many keys up. Nothing else may be waited for while it is held.
    pub fn look(&self, now: Instant) -> Look<'a> {
        let entries = self.entries.map(read);
        let clock = self.cache.clock(now);
        Look { cache: self.cache, entries, now, clock, unknown: Vec::new(), hits: 0, misses: 0 }
    }

    /// The answer under this key, if it holds the wanted slots, is in time, and is not stale.
    pub fn get(&self, key: &[u8], wanted: SlotSet, now: Instant) -> Option<Hit> {
        let mut look = self.look(now);
        let hit = look.get(key, wanted);
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

    /// That a key was missed counts for it: a full store takes in what is asked for more often than what it would give up.
    pub fn missed(&self, key: &[u8]) {
        if self.entries.is_some() {
            self.cache.store.get(key);
        }
    }

    /// Keeps an answer whose read began at `began`; thrown away if a mutation has dropped one of its tags since. The tags are
    /// only made for what may be kept.
    pub fn fill(
        &self,
        key: &[u8],
        answer: &Arc<Answer>,
        tags: impl FnOnce() -> Box<[Tag]>,
        lifetime: Lifetime,
        began: Epoch,
    ) {
        let Some(entries) = self.entries else { return };
        let entry = self.cache.entry(answer, tags, lifetime, began, self.common);
        let Some(entry) = entry else { return };
        let key: Arc<[u8]> = Arc::from(key);
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

/// A look at the entries of one load.
#[derive(Debug)]
pub struct Look<'a> {
    cache: &'a Cache,
    entries: Option<RwLockReadGuard<'a, Entries>>,
    now: Instant,
    clock: u64,
    /// Entries whose use the store is to be told.
    unknown: Vec<Arc<[u8]>>,
    hits: u64,
    misses: u64,
}

impl Look<'_> {
    /// The answer under this key, if it holds the wanted slots, is in time, and is not stale.
    pub fn get(&mut self, key: &[u8], wanted: SlotSet) -> Option<Hit> {
        let hit = self.find(key, wanted);
        let count = if hit.is_some() { &mut self.hits } else { &mut self.misses };
        *count += 1;
        hit
    }

    fn find(&mut self, key: &[u8], wanted: SlotSet) -> Option<Hit> {
        let (key, entry) = self.entries.as_ref()?.get_key_value(key)?;
        let is_good = entry.expires_at > self.now
            && entry.answer.has.covers(wanted)
            && self.cache.is_current(entry);
        if !is_good {
            return None;
        }
        if self.clock.saturating_sub(entry.told.load(Ordering::Relaxed)) >= TOLD_EVERY {
            entry.told.store(self.clock, Ordering::Relaxed);
            self.unknown.push(Arc::clone(key));
        }
        let answer = Arc::clone(&entry.answer);
        Some(Hit { answer, read_at: entry.read_at, is_stale: false })
    }

    /// Lets others write, and tells the store what was used. (What the store then gives up is taken off the shelf: it must not
    /// be held.) Counts what was found.
    pub fn end(self) {
        self.cache.hits.fetch_add(self.hits, Ordering::Relaxed);
        self.cache.misses.fetch_add(self.misses, Ordering::Relaxed);
        self.close();
    }

    fn close(self) {
        let Self { cache, entries, unknown, .. } = self;
        drop(entries);
        for key in unknown {
            cache.store.get(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::graph::CacheLimits;
    use crate::value::Cell;

    const LONG: Duration = Duration::from_mins(10);

    fn long() -> Lifetime {
        Lifetime::of(LONG)
    }

    fn cache(bytes: u64) -> Cache {
        Cache::new(CacheLimits { bytes, ..CacheLimits::default() })
    }

    fn answer() -> Arc<Answer> {
        Arc::new(Answer { rows: Box::from([Cell::Null]), ..Answer::default() })
    }

    fn fill(cache: &Cache, key: &str) {
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
    fn many_look_ups_a_second_tell_the_store_once() {
        let cache = cache(20_000);
        let now = Instant::now();
        fill(&cache, "load:used");
        let told_after = |millis| {
            let mut look = cache.shelf(b"load:").look(now + Duration::from_millis(millis));
            let hit = look.get(b"load:used", SlotSet::EMPTY);
            let told = look.unknown.len();
            look.end();
            assert!(hit.is_some());
            told
        };
        let told: Vec<usize> = [10, 500, 1_100, 1_200, 2_000, 2_300].map(told_after).into();
        assert_eq!(told, [0, 0, 1, 0, 0, 1]);
    }

    #[test]
    fn a_cache_without_room_keeps_nothing() {
        let cache = cache(0);
        fill(&cache, "load:one");
        assert!(!has(&cache, "load:one", Instant::now()));
        assert_eq!(on_shelves(&cache), 0);
    }
}
