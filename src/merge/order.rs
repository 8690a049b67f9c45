//! The merge itself: the first events of several lists that are each in order.

use super::{EventRow, Key};

/// One list, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    pub list: u8,
    pub events: Vec<EventRow>,
    /// There may be more than was read.
    pub has_more: bool,
    /// Nothing that was not read stands before it.
    pub last: Option<i128>,
}

/// An event of a page: which stream, and which of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub stream: usize,
    pub event: usize,
}

/// The first events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub taken: Vec<Taken>,
    pub has_next: bool,
}

/// A merge under way.
#[derive(Debug)]
pub struct Merging<'s> {
    streams: &'s [Stream],
    /// How many events of each stream are taken.
    pub taken: Vec<usize>,
}

/// The first events of all streams in one order, at most so many. It ends early where something that was not read could come before
/// what is next.
pub fn merge(streams: &[Stream], first: usize) -> Page {
    let mut merging = Merging::new(streams);
    let mut page = Page::default();
    while page.taken.len() < first {
        let Some(taken) = merging.take_next() else { break };
        page.taken.push(taken);
    }
    page.has_next = merging.is_open();
    page
}

impl<'s> Merging<'s> {
    pub fn new(streams: &'s [Stream]) -> Self {
        Self { streams, taken: vec![0; streams.len()] }
    }

    /// Takes the next event.
    pub fn take_next(&mut self) -> Option<Taken> {
        let heads = self.streams.iter().zip(&self.taken).enumerate();
        let heads = heads.filter_map(|(stream, (of, taken))| {
            Some(((of.events.get(*taken)?.rank, of.list), stream))
        });
        let (place, stream) = heads.min()?;
        if !self.is_certain(place) {
            return None;
        }
        let taken = self.taken.get_mut(stream)?;
        let event = *taken;
        *taken += 1;
        Some(Taken { stream, event })
    }

    /// Whether nothing that was not read stands before this place.
    fn is_certain(&self, place: (i128, u8)) -> bool {
        self.streams.iter().zip(&self.taken).all(|(of, taken)| {
            let is_read = *taken < of.events.len() || !of.has_more;
            is_read || of.last.is_some_and(|last| place < (last, of.list))
        })
    }

    fn is_open(&self) -> bool {
        self.streams
            .iter()
            .zip(&self.taken)
            .any(|(of, taken)| *taken < of.events.len() || of.has_more)
    }
}

impl Stream {
    /// The place of one of its events among all.
    pub fn key(&self, event: usize) -> Option<Key> {
        let EventRow { rank, id, .. } = self.events.get(event)?;
        Some(Key { rank: *rank, list: self.list, id: id.clone() })
    }
}
