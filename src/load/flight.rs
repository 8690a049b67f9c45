//! Loads under way, shared by everyone who may see the same answer.
//!
//! A flight is a chunk's future that any waiter drives; it ends when its last waiter leaves.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, Shared, WeakShared};
use rustc_hash::FxHashMap;

use crate::cache::Epoch;
use crate::load::KeyOutcome;
use crate::value::{Key, SlotSet};

/// What a chunk gave, for each of its keys in order.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) keys: Vec<Key>,
    pub(crate) outcomes: Vec<KeyOutcome>,
}

pub(crate) type Flight = Shared<BoxFuture<'static, Arc<Chunk>>>;

type Weak = WeakShared<BoxFuture<'static, Arc<Chunk>>>;

/// The flights of all operations, by cache key.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    map: Mutex<FxHashMap<Box<[u8]>, Seat>>,
}

#[derive(Debug)]
struct Seat {
    flight: Weak,
    wanted: SlotSet,
    began: Epoch,
    number: u64,
}

impl Flights {
    /// A flight that will hold the wanted slots and began after the last mutation.
    pub(crate) fn join(&self, cache_key: &[u8], wanted: SlotSet, now: Epoch) -> Option<Flight> {
        let map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let seat = map.get(cache_key)?;
        if seat.began == now && seat.wanted.covers(wanted) { seat.flight.upgrade() } else { None }
    }

    /// Offers a flight to others under these keys. A newer flight takes the place of an older one.
    pub(crate) fn offer(
        &self,
        keys: &[Box<[u8]>],
        flight: &Flight,
        wanted: SlotSet,
        began: Epoch,
        number: u64,
    ) {
        let Some(weak) = flight.downgrade() else { return };
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            map.insert(key.clone(), Seat { flight: weak.clone(), wanted, began, number });
        }
    }

    /// Takes a flight's own seats away, when it has landed or was given up.
    pub(crate) fn clear(&self, keys: &[Box<[u8]>], number: u64) {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            if let Entry::Occupied(seat) = map.entry(key.clone())
                && seat.get().number == number
            {
                seat.remove();
            }
        }
    }
}
