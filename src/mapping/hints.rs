//! Looking a name up costs little where the last record had it in the same place.
//!
//! Takes: paths, and records one after the other.
//! Gives: what [`Path::first`] and [`Path::each`] give.
//! Never: takes a layout of one tape for that of another.

use std::num::NonZero;
use std::sync::Arc;

use super::path::{Found, Path, PathStep, walk_first};
use super::payload::{At, Kind, Payload};

/// Where names were found in the last record, by the place of the path's step in memory: the same step of the same
/// mapping mostly finds its member at the same distance in the next record.
#[derive(Debug)]
pub(super) struct Hints {
    /// Empty for the first look-ups: few records cost less without.
    known: Box<[(usize, Hint)]>,
    looked: u8,
    /// Which tape is read: layouts are its own.
    tape: u32,
}

/// Where a name was found, or not found, in the last object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hint {
    tape: u32,
    /// The object's layout on its tape; zero: it is not known.
    pub(super) layout: At,
    /// How far behind the object the value stands.
    pub(super) distance: Option<NonZero<u32>>,
}

impl Hint {
    pub(super) const NONE: Self = Self { tape: 0, layout: 0, distance: None };
}

impl Hints {
    const LEN: usize = 256;
    /// So many look-ups go without.
    const FEW: u8 = 32;

    pub(super) fn new() -> Self {
        Self { known: Box::default(), looked: 0, tape: 0 }
    }

    /// What is looked up from here on is on another tape. Those that are read with the same hints have each its own number.
    pub(super) fn turn_to(&mut self, tape: usize) {
        self.tape = u32::try_from(tape).unwrap_or(u32::MAX);
    }

    #[inline]
    pub(super) fn of(&mut self, name: &Arc<str>) -> Option<&mut Hint> {
        if self.looked < Self::FEW {
            self.looked += 1;
            return None;
        }
        if self.known.is_empty() {
            self.known = vec![(0, Hint::NONE); Self::LEN].into();
        }
        let place = std::ptr::from_ref(name) as usize;
        // steps are 16 bytes; fold so that neighboring allocations do not share a place
        let (key, hint) = self.known.get_mut((place >> 4 ^ place >> 12) % Self::LEN)?;
        if *key != place {
            (*key, *hint) = (place, Hint::NONE);
        }
        if hint.tape != self.tape {
            (hint.tape, hint.layout) = (self.tape, 0);
        }
        Some(hint)
    }
}

impl Path {
    /// [`Path::first`] with hints from record to record.
    pub(super) fn first_hinted(&self, payload: &Payload, from: At, hints: &mut Hints) -> Found {
        // most paths are names
        let mut at = from;
        for (number, step) in self.steps.iter().enumerate() {
            let node = payload.node(at);
            let (PathStep::Member(name), Kind::Object) = (step, node.kind) else {
                let rest = self.steps.get(number..).unwrap_or_default();
                return walk_first(payload, at, rest, number, &mut Some(hints));
            };
            let mut unshared = Hint::NONE;
            let hint = hints.of(name).unwrap_or(&mut unshared);
            if node.end == 0 || node.end != hint.layout {
                payload.member(at, name, hint);
            }
            match hint.distance {
                Some(distance) => at = at.saturating_add(distance.get()),
                None => return Found::Missing,
            }
        }
        Found::At(at)
    }

    /// [`Path::each`] with hints from record to record.
    pub(super) fn each_hinted(
        &self,
        payload: &Payload,
        from: At,
        hints: &mut Hints,
        visit: &mut dyn FnMut(At),
    ) {
        if self.has_each() {
            self.each(payload, from, visit);
        } else if let Found::At(at) = self.first_hinted(payload, from, hints) {
            visit(at);
        }
    }
}
