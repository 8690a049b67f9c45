//! What one operation has loaded or is loading.
//!
//! Takes: the flights of a load, as they are started or joined.
//! Gives: the operation's own flight for a key: one load for each (call, inputs, key) in a query.
//! Never: costs anything for each key that the operation's own flights bring; they are found by the keys' order.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::load::{Flight, Load};
use crate::value::SlotSet;

/// The flights of one operation, by load.
#[derive(Debug, Default)]
pub struct Memo {
    loads: FxHashMap<Box<[u8]>, Vec<Noted>>,
    /// There is but one load: nobody asks for it again.
    is_of_one: bool,
}

/// The sorted cache keys of a chunk, and what brings them.
type Started = (Arc<[Arc<[u8]>]>, Flight);

/// Flights that were started or joined together.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// What they bring at least.
    wanted: SlotSet,
    /// Own ones, in the order of their keys.
    started: Vec<Started>,
    /// Those of others, by key, in the order of the keys.
    joined: Vec<(Box<[u8]>, Flight)>,
}

impl Noted {
    /// A flight of keys that come after those of the one before.
    pub(super) fn started(&mut self, cache_keys: &Arc<[Arc<[u8]>]>, flight: &Flight) {
        self.started.push((Arc::clone(cache_keys), flight.clone()));
    }

    /// A flight of a key that comes after the one before.
    pub(super) fn joined(&mut self, cache_key: &[u8], flight: &Flight) {
        self.joined.push((Box::from(cache_key), flight.clone()));
    }

    fn is_empty(&self) -> bool {
        self.started.is_empty() && self.joined.is_empty()
    }

    fn find(&self, cache_key: &[u8]) -> Option<&Flight> {
        self.find_started(cache_key).or_else(|| {
            let place = self.joined.binary_search_by(|(key, _)| (**key).cmp(cache_key)).ok()?;
            self.joined.get(place).map(|(_, flight)| flight)
        })
    }

    fn find_started(&self, cache_key: &[u8]) -> Option<&Flight> {
        let is_before = |keys: &[Arc<[u8]>]| keys.last().is_some_and(|last| **last < *cache_key);
        let place = self.started.partition_point(|(keys, _)| is_before(keys));
        let (keys, flight) = self.started.get(place)?;
        keys.binary_search_by(|key| (**key).cmp(cache_key)).ok().map(|_| flight)
    }
}

/// The flights of one load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'m>(&'m [Noted]);

impl<'m> Own<'m> {
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The flight that brings at least these slots of a key.
    pub(crate) fn find(self, cache_key: &[u8], wanted: SlotSet) -> Option<&'m Flight> {
        let enough = self.0.iter().filter(|noted| noted.wanted.covers(wanted));
        enough.rev().find_map(|noted| noted.find(cache_key))
    }
}

impl Memo {
    /// Of an operation that can make so many calls.
    pub fn of(calls: u64) -> Self {
        Self { is_of_one: calls <= 1, ..Self::default() }
    }

    /// Whether it is worth noting anything.
    pub(super) fn notes(&self) -> bool {
        !self.is_of_one
    }

    /// Flights of a load that bring at least these slots.
    pub(super) fn note(&mut self, load: &Load, wanted: SlotSet, noted: Noted) {
        if noted.is_empty() {
            return;
        }
        let noted = Noted { wanted, ..noted };
        match self.loads.get_mut(&*load.prefix) {
            Some(own) => own.push(noted),
            None => drop(self.loads.insert(Box::from(&*load.prefix), vec![noted])),
        }
    }

    /// What there is of a load.
    pub(crate) fn own(&self, load: &Load) -> Own<'_> {
        if self.loads.is_empty() {
            return Own(&[]);
        }
        Own(self.loads.get(&*load.prefix).map(Vec::as_slice).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::FutureExt;

    use super::*;
    use crate::graph::SlotId;
    use crate::load::Chunk;

    fn flight() -> Flight {
        let chunk = Arc::new(Chunk { keys: Vec::new(), outcomes: Vec::new() });
        std::future::ready(chunk).boxed().shared()
    }

    fn keys<const COUNT: usize>(texts: [&str; COUNT]) -> Arc<[Arc<[u8]>]> {
        texts.iter().map(|text| Arc::from(text.as_bytes())).collect()
    }

    fn slots(slots: &[u16]) -> SlotSet {
        let mut set = SlotSet::EMPTY;
        for slot in slots {
            set.insert(SlotId(*slot));
        }
        set
    }

    #[test]
    fn each_key_is_found_in_the_flight_that_brings_it() {
        let (first, second, joined) = (flight(), flight(), flight());
        let mut noted = Noted::default();
        noted.started(&keys(["b", "d"]), &first);
        noted.joined(b"c", &joined);
        noted.started(&keys(["e", "g"]), &second);
        let is = |key: &str, flight: Option<&Flight>| {
            let found = noted.find(key.as_bytes());
            found.zip(flight).map_or(found.is_none() && flight.is_none(), |(a, b)| a.ptr_eq(b))
        };
        for key in ["b", "d"] {
            assert!(is(key, Some(&first)), "{key}");
        }
        for key in ["e", "g"] {
            assert!(is(key, Some(&second)), "{key}");
        }
        assert!(is("c", Some(&joined)));
        for key in ["", "a", "bb", "dd", "f", "h"] {
            assert!(is(key, None), "{key}");
        }
    }

    #[test]
    fn a_flight_that_brings_too_little_is_not_found() {
        let (poor, rich) = (flight(), flight());
        let of = |wanted, flight: &Flight| {
            let mut noted = Noted { wanted, ..Noted::default() };
            noted.started(&keys(["a"]), flight);
            noted
        };
        let both = [of(slots(&[1, 2]), &rich), of(slots(&[1]), &poor)];
        let find = |wanted| Own(&both).find(b"a", wanted);
        assert!(
            find(slots(&[1])).is_some_and(|found| found.ptr_eq(&poor)),
            "the last that will do"
        );
        assert!(find(slots(&[2])).is_some_and(|found| found.ptr_eq(&rich)));
        assert!(find(slots(&[3])).is_none());
    }
}
