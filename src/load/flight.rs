//! Loads under way, shared by everyone who may see the same answer.
//!
//! A flight is a chunk's future that any waiter drives; it ends when its last waiter leaves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, Shared, WeakShared};
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use crate::backend::Deadline;
use crate::cache::Epoch;
use crate::load::{KeyOutcome, Load};
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
    map: Mutex<Offered>,
}

type Offered = FxHashMap<Arc<[u8]>, Arc<Seat>>;

/// What stands under each key of a flight.
#[derive(Debug)]
pub(crate) struct Seat {
    flight: Weak,
    wanted: SlotSet,
    began: Epoch,
    number: u64,
    deadline: Deadline,
}

/// All flights, held for as long as it takes to join or offer some.
pub(crate) struct Board<'a> {
    map: MutexGuard<'a, Offered>,
}

impl Board<'_> {
    /// A flight that will hold the wanted slots and began after the last mutation. Who joins it waits until then.
    pub(crate) fn join(
        &self,
        cache_key: &[u8],
        wanted: SlotSet,
        now: Epoch,
        until: Instant,
    ) -> Option<Flight> {
        let seat = self.map.get(cache_key)?;
        if seat.began != now || !seat.wanted.covers(wanted) {
            return None;
        }
        seat.deadline.extend(until);
        seat.flight.upgrade()
    }

    /// Offers a flight to others under these keys. A newer flight takes the place of an older one.
    pub(crate) fn offer(
        &mut self,
        keys: &[Arc<[u8]>],
        flight: &Flight,
        load: &Load,
        began: Epoch,
        number: u64,
    ) {
        let Some(flight) = flight.downgrade() else { return };
        let (wanted, deadline) = (load.wanted, load.deadline.clone());
        let seat = Arc::new(Seat { flight, wanted, began, number, deadline });
        for key in keys {
            self.map.insert(Arc::clone(key), Arc::clone(&seat));
        }
    }
}

impl Flights {
    /// Nothing that is joined may be dropped while the board is held: a flight that ends takes its seats away here.
    pub(crate) fn board(&self) -> Board<'_> {
        Board { map: self.map.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Takes a flight's own seats away, when it has landed or was given up.
    pub(crate) fn clear(&self, keys: &[Arc<[u8]>], number: u64) {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            // mostly its own: looked up once
            if let Some(newer) = map.remove(key).filter(|seat| seat.number != number) {
                map.insert(Arc::clone(key), newer);
            }
        }
    }
}
