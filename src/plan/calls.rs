//! How many backend calls a number of keys makes: what is planned, and what it can come to.
//!
//! Takes: a call, and how many keys it is made for at the most.
//! Gives: the planned number: chunks times pages, with every chunk and every page full and nothing refused; and the most, whatever
//! backends do.
//! Never: knows objects, plans or requests.

use crate::graph::{Call, CallId, KeyMode, Part};

/// Which of the two numbers is reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Every object is there, every chunk and every page is full, nothing is refused or in the cache.
    Planned,
    /// Whatever backends do.
    Worst,
}

/// Why more calls can be made than are planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum More {
    /// Chunks that a backend refuses are halved (`split_on`).
    ChunksRefused,
    /// Chunks end early when their keys are long (`bytes` of a batch).
    KeysLong,
    /// Pages come partly filled, or empty.
    PagesPartlyFilled,
    /// Nothing says how long a list is.
    ListsLong,
    /// Preferred records have no value, or do not come.
    ValuesLacking,
}

impl More {
    /// For machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChunksRefused => "chunksRefused",
            Self::KeysLong => "keysLong",
            Self::PagesPartlyFilled => "pagesPartlyFilled",
            Self::ListsLong => "listsLong",
            Self::ValuesLacking => "valuesLacking",
        }
    }

    /// For people: `at most 99 when …`.
    pub fn words(self) -> &'static str {
        match self {
            Self::ChunksRefused => "backends refuse chunks",
            Self::KeysLong => "keys are long",
            Self::PagesPartlyFilled => "pages are partly filled",
            Self::ListsLong => "lists are long",
            Self::ValuesLacking => "preferred records lack values",
        }
    }
}

/// The calls of so many keys, without their pages. No key is longer than `longest`.
pub(super) fn chunks(call: &Call, keys: u64, case: Case, longest: usize) -> u64 {
    let KeyMode::Batch { keys: most, bytes, split_on, .. } = &call.keys else { return keys };
    let full = keys.div_ceil((*most).max(1) as u64);
    match case {
        Case::Planned => full,
        // A chunk that is refused down to each of its n keys is 2n - 1 calls: the fewer chunks to begin with, the more.
        Case::Worst if !split_on.is_empty() => keys.saturating_mul(2).saturating_sub(full),
        // Each chunk but the last holds at least as many keys as fit when all are as long as can be.
        Case::Worst => keys.div_ceil(sure_keys(*most, *bytes, longest)),
    }
}

/// Keys that fit into one chunk however long they are.
fn sure_keys(most: usize, bytes: usize, longest: usize) -> u64 {
    (bytes / longest.saturating_add(1)).clamp(1, most.max(1)) as u64
}

/// Pages of one chunk, at the most.
pub(super) fn pages(call: &Call) -> u32 {
    call.pages.as_ref().map_or(1, |pages| pages.max_pages.max(1))
}

/// Pages of a chunk that has one record for each key.
pub(super) fn pages_of_records(call: &Call, keys: u64) -> u64 {
    let in_chunk = match &call.keys {
        KeyMode::Batch { keys: most, .. } => keys.min(*most as u64),
        KeyMode::None | KeyMode::PerKey { .. } => 1,
    };
    let size = call.pages.as_ref().and_then(|pages| pages.size.as_ref());
    let full = size.map_or(1, |size| in_chunk.div_ceil(u64::from(size.max.max(1))));
    full.clamp(1, u64::from(pages(call)))
}

/// Which ways chunks of so many keys have to become more than planned.
pub(super) fn more_chunks(call: &Call, keys: u64, longest: usize) -> Option<More> {
    let KeyMode::Batch { split_on, .. } = &call.keys else { return None };
    let calls = |case| chunks(call, keys, case, longest);
    (calls(Case::Worst) > calls(Case::Planned)).then_some(if split_on.is_empty() {
        More::KeysLong
    } else {
        More::ChunksRefused
    })
}

/// The calls that load a part by these kinds of keys, each once.
pub(super) fn calls_of(part: &Part, kinds: &[u8]) -> Vec<CallId> {
    let keys = kinds.iter().filter_map(|kind| part.keys.get(usize::from(*kind)));
    let mut calls: Vec<CallId> = keys.filter_map(|key| key.call).collect();
    calls.sort_unstable();
    calls.dedup();
    calls
}
