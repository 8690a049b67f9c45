//! Looking keys up: many of a load at a time, under one lock.
//!
//! Takes: cache keys, and the slots that are wanted.
//! Gives: what stands under each of them, and what that means for the store: what was used, what was missed.
//! Never: waits for the store while the lock is held.

use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLockReadGuard};

use tokio::time::Instant;

use super::shelf::Entries;
use super::{Cache, Entry};
use crate::value::{Answer, SlotSet};

/// So many keys at most are looked up at once.
pub const BLOCK: usize = 16;
/// How often at most the store is told that an entry is in use, in milliseconds.
const TOLD_EVERY: u64 = 1_000;

/// An entry, with the key that it stands under.
type Place<'a> = (&'a Arc<[u8]>, &'a Arc<Entry>);

/// An answer from the cache.
#[derive(Clone, Debug)]
pub struct Hit {
    pub answer: Arc<Answer>,
    /// When it was read from the backend.
    pub read_at: Instant,
    /// It is past its time.
    pub is_stale: bool,
}

/// What stands under a key.
#[derive(Debug)]
pub enum Standing {
    /// It holds the wanted slots, is in time, and is not stale.
    Good(Hit),
    /// Something else.
    Unfit,
    Nothing,
}

impl Standing {
    pub(super) fn hit(self) -> Option<Hit> {
        match self {
            Self::Good(hit) => Some(hit),
            Self::Unfit | Self::Nothing => None,
        }
    }
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

impl<'a> Look<'a> {
    pub(super) fn new(
        cache: &'a Cache,
        entries: Option<RwLockReadGuard<'a, Entries>>,
        now: Instant,
    ) -> Self {
        let clock = cache.clock(now);
        Self { cache, entries, now, clock, unknown: Vec::new(), hits: 0, misses: 0 }
    }

    /// What stands under each of these keys, in their order; no more than [`BLOCK`] at once.
    ///
    /// Entries are found first and read then: where they are many, and not in the processor's own caches, memory brings those of
    /// a block together and not one after the other.
    pub fn all<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
        wanted: SlotSet,
        mut each: impl FnMut(Standing),
    ) {
        let mut places = [None; BLOCK];
        let mut count = 0;
        for key in keys {
            debug_assert!(count < BLOCK, "a block has no more keys");
            let Some(place) = places.get_mut(count) else { break };
            *place = self.entries.as_ref().and_then(|entries| entries.get_key_value(key));
            count += 1;
        }
        let places = places.get(..count).unwrap_or_default();
        if count > 1 {
            read_ahead(places);
        }
        for place in places {
            let Some((key, entry)) = place else {
                self.misses += 1;
                each(Standing::Nothing);
                continue;
            };
            let is_good = entry.expires_at > self.now
                && entry.answer.has.covers(wanted)
                && self.cache.is_current(entry);
            if !is_good {
                self.misses += 1;
                each(Standing::Unfit);
                continue;
            }
            if self.clock.saturating_sub(entry.told.load(Ordering::Relaxed)) >= TOLD_EVERY {
                entry.told.store(self.clock, Ordering::Relaxed);
                self.unknown.push(Arc::clone(key));
            }
            self.hits += 1;
            let answer = Arc::clone(&entry.answer);
            each(Standing::Good(Hit { answer, read_at: entry.read_at, is_stale: false }));
        }
    }

    /// Lets others write, and tells the store what was used. (What the store then gives up is taken off the shelf: it must not
    /// be held.) Counts what was found.
    pub fn end(self) {
        self.cache.hits.fetch_add(self.hits, Ordering::Relaxed);
        self.cache.misses.fetch_add(self.misses, Ordering::Relaxed);
        self.close();
    }

    /// Counts nothing.
    pub(super) fn close(self) {
        let Self { cache, entries, unknown, .. } = self;
        drop(entries);
        for key in unknown {
            cache.store.get(&key);
        }
    }
}

/// Reads a little of all entries, and then of all their answers.
fn read_ahead(places: &[Option<Place<'_>>]) {
    let entries = places.iter().flatten().map(|(_, entry)| entry);
    let of_entries = entries.clone().fold(0, |sum, entry| {
        sum ^ entry.told.load(Ordering::Relaxed) ^ entry.checked.load(Ordering::Relaxed)
    });
    std::hint::black_box(of_entries);
    let of_answers = entries.fold(SlotSet::EMPTY, |sum, entry| {
        std::hint::black_box(Arc::strong_count(&entry.answer));
        sum.union(entry.answer.has)
    });
    std::hint::black_box(of_answers);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::Lifetime;
    use crate::cache::shelf::tests::{answer, cache, fill};

    #[test]
    fn many_look_ups_a_second_tell_the_store_once() {
        let cache = cache(20_000);
        let now = Instant::now();
        fill(&cache, "load:used");
        let told_after = |millis| {
            let mut look = cache.shelf(b"load:").look(now + Duration::from_millis(millis));
            let mut is_hit = false;
            let keys = std::iter::once(&b"load:used"[..]);
            look.all(keys, SlotSet::EMPTY, |standing| is_hit = standing.hit().is_some());
            let told = look.unknown.len();
            look.end();
            assert!(is_hit);
            told
        };
        let told: Vec<usize> = [10, 500, 1_100, 1_200, 2_000, 2_300].map(told_after).into();
        assert_eq!(told, [0, 0, 1, 0, 0, 1]);
    }

    #[test]
    fn what_stands_under_each_key_is_told_in_the_order_of_the_keys() {
        let cache = cache(100_000);
        (0..40).for_each(|number| fill(&cache, &format!("load:{number}")));
        let began = cache.epoch();
        let short = Lifetime::of(Duration::from_secs(1));
        let old = &b"load:old"[..];
        cache.shelf(b"load:").fill(old, &answer(), Box::default, short, began);
        let keys = ["load:7", "load:none", "load:old", "load:39", "load:", "load:0"];
        let mut look = cache.shelf(b"load:").look(Instant::now() + Duration::from_secs(2));
        let mut told = String::new();
        look.all(keys.iter().map(|key| key.as_bytes()), SlotSet::EMPTY, |standing| {
            told.push(match standing {
                Standing::Good(_) => '+',
                Standing::Unfit => '~',
                Standing::Nothing => '-',
            });
        });
        look.end();
        assert_eq!(told, "+-~+-+");
        let counts = cache.counts();
        assert_eq!((counts.hits, counts.misses), (3, 3));
    }
}
