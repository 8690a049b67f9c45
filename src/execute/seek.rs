//! Keys to loads: looked up in the cache, and loads joined or started for those that miss.
//!
//! Takes: a load and the keys of a step's objects.
//! Gives: the answers that the cache has, and the flights that bring the others.
//! Never: waits.

use std::borrow::Cow;

use crate::cache::{BLOCK, Hit, Standing};
use crate::execute::Run;
use crate::execute::begin::{Reach, set};
use crate::execute::landed::{Group, Pending};
use crate::execute::state::number;
use crate::load::{Flight, Found, Load, Loaded, Looked, Memo, Missing};
use crate::value::Key;

/// More look-ups are not noted: to make them all again costs as much as to write the answer.
const LOOKS_MAX: usize = 8;

impl Run<'_> {
    /// Looks up all keys of a load; of those that miss, sorted and without duplicates, the loads are started.
    pub(super) fn seek(
        &self,
        load: Load,
        memo: &mut Memo,
        mut keys: Vec<(Cow<'_, str>, u32)>,
    ) -> Sought {
        let mut sought = Sought {
            hits: Vec::with_capacity(keys.len()),
            hit_objects: Vec::with_capacity(keys.len()),
            ..Sought::default()
        };
        let mut buffer = Vec::new();
        let mut missed = Vec::new();
        let own = memo.own(&load);
        if !own.is_empty() {
            let flying;
            (flying, keys) = keys.into_iter().partition(|(key, _)| {
                own.find(load.cache_key(key, &mut buffer), load.wanted).is_some()
            });
            missed.extend(flying.into_iter().map(|(key, object)| Missed {
                key,
                object,
                is_held: false,
            }));
        }
        let notes_looks = self.looked.is_some() && keys.len() <= LOOKS_MAX;
        sought.looked = notes_looks.then(Vec::new);
        let mut look = self.context.loader.look(&load, self.now);
        for block in keys.chunks_mut(BLOCK) {
            let cache_keys = CacheKeys::of(&load, block, &mut buffer);
            let mut of_block = block.iter_mut().zip(cache_keys.clone());
            look.all(cache_keys, load.wanted, |standing| {
                let Some(((key, object), cache_key)) = of_block.next() else { return };
                match standing {
                    Standing::Good(hit) => {
                        if let Some(looked) = &mut sought.looked {
                            looked.push(Looked::new(&load, cache_key, &hit));
                        }
                        sought.hit(hit, [*object]);
                    }
                    Standing::Unfit | Standing::Nothing => missed.push(Missed {
                        key: std::mem::take(key),
                        object: *object,
                        is_held: matches!(standing, Standing::Unfit),
                    }),
                }
            });
        }
        look.end();
        if !missed.is_empty() {
            sought.looked = None;
            self.start(load, memo, missed, &mut sought);
        }
        sought
    }

    /// Joins or starts the loads of keys that are not in the cache.
    fn start(&self, load: Load, memo: &mut Memo, mut keys: Vec<Missed<'_>>, sought: &mut Sought) {
        keys.sort_unstable();
        let mut buffer = Vec::with_capacity(128);
        let (mut misses, mut old) = (Vec::new(), Vec::new());
        let are_held = keys.iter().any(|missed| missed.is_held);
        let own = memo.own(&load);
        for group in keys.chunk_by(|one, other| one.key == other.key) {
            let Some(Missed { key, is_held, .. }) = group.first() else { continue };
            let objects = group.iter().map(|missed| missed.object);
            let cache_key = load.cache_key(key, &mut buffer);
            let key = Key::new(key);
            let found = match own.find(cache_key, load.wanted) {
                Some(flight) => Found::Flying(flight.clone()),
                None if *is_held => self.context.loader.join(&load, cache_key, self.now),
                // whoever flies it is joined when flights are started
                None => Found::Miss,
            };
            match found {
                Found::Hit(hit) => {
                    sought.hit(hit, objects);
                    continue;
                }
                Found::Old(hit) => {
                    sought.hit(hit, objects);
                    old.push(key);
                    continue;
                }
                Found::Flying(flight) => {
                    if sought.flights.last().is_none_or(|last| !last.ptr_eq(&flight)) {
                        sought.flights.push(flight);
                    }
                }
                Found::Miss => misses.push(key.clone()),
            }
            sought.pending.add(key, objects);
        }
        if !old.is_empty() {
            self.context.loader.refresh(load.clone(), old);
        }
        if !misses.is_empty() {
            sought.flights.extend(self.context.loader.start(
                load,
                memo,
                Missing { keys: misses, are_held },
            ));
        }
    }

    pub(super) fn take(&mut self, sought: Sought, reaches: &mut [Reach]) -> Group {
        let looked = self.looked.take().zip(sought.looked);
        self.looked = looked.and_then(|(mut looked, more)| {
            looked.extend(more);
            (looked.len() <= LOOKS_MAX).then_some(looked)
        });
        let first = number(self.arena.answers.len());
        self.arena.answers.extend(sought.hits.into_iter().map(Loaded::from));
        for (object, hit) in sought.hit_objects {
            set(reaches, object, Reach::Answer(first + hit));
        }
        Group { pending: sought.pending, flights: sought.flights, chunks: Vec::new() }
    }
}

/// A key that is not in the cache as it is wanted, and an object that waits for it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Missed<'k> {
    key: Cow<'k, str>,
    object: u32,
    /// There is an entry, which is not good as it is.
    is_held: bool,
}

/// What looking up a load's keys gave.
#[derive(Default)]
pub(super) struct Sought {
    hits: Vec<Hit>,
    /// Object and hit.
    hit_objects: Vec<(u32, u32)>,
    pending: Pending,
    flights: Vec<Flight>,
    /// The look-ups, if they are noted and all were hits.
    looked: Option<Vec<Looked>>,
}

impl Sought {
    fn hit(&mut self, hit: Hit, objects: impl IntoIterator<Item = u32>) {
        let number = number(self.hits.len());
        self.hits.push(hit);
        self.hit_objects.extend(objects.into_iter().map(|object| (object, number)));
    }
}

/// The cache keys of some keys of a load, in one text.
#[derive(Clone, Debug)]
struct CacheKeys<'b> {
    text: &'b [u8],
    /// Where each ends that is left. Zeros after them.
    ends: [usize; BLOCK],
    place: usize,
    start: usize,
}

impl<'b> CacheKeys<'b> {
    fn of(load: &Load, keys: &[(Cow<'_, str>, u32)], buffer: &'b mut Vec<u8>) -> Self {
        buffer.clear();
        buffer.reserve(keys.iter().map(|(key, _)| load.cache_key_length(key)).sum());
        let mut ends = [0; BLOCK];
        for (end, (key, _)) in ends.iter_mut().zip(keys) {
            load.write_cache_key(key, buffer);
            *end = buffer.len();
        }
        Self { text: buffer, ends, place: 0, start: 0 }
    }
}

impl<'b> Iterator for CacheKeys<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let end = *self.ends.get(self.place)?;
        let key = self.text.get(self.start..end)?;
        self.place += 1;
        self.start = end;
        Some(key)
    }
}
