//! Whether a name occurs twice in an object: asked once when the object closes, so that readers need not look further
//! than the first.

use super::json::offset;

/// Objects with fewer members are compared faster than remembered.
const REMEMBERED_MIN: usize = 8;

/// Most bodies have no more names open at once before their records look like each other.
const ROOM: usize = 16;

/// The names of the open objects, by hash.
pub(super) struct Names {
    hashes: Vec<u32>,
    /// By depth: the names of the last large object without a repetition. The next one mostly has the same.
    distinct: Vec<Vec<u32>>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { hashes: Vec::with_capacity(ROOM), distinct: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn push(&mut self, name: &[u8]) {
        self.hashes.push(hash(name));
    }

    /// Takes the names from number `first` away: an object at this depth closes. May some name of it occur twice?
    pub(super) fn close(&mut self, first: usize, depth: usize) -> bool {
        let may_repeat = self.may_repeat(first, depth);
        self.hashes.truncate(first);
        may_repeat
    }

    fn may_repeat(&mut self, first: usize, depth: usize) -> bool {
        let hashes = self.hashes.get_mut(first..).unwrap_or_default();
        if hashes.len() < REMEMBERED_MIN {
            return may_repeat(hashes);
        }
        if self.distinct.len() <= depth {
            self.distinct.resize(depth + 1, Vec::new());
        }
        let Some(distinct) = self.distinct.get_mut(depth) else { return may_repeat(hashes) };
        if *distinct == *hashes {
            return false;
        }
        distinct.clear();
        distinct.extend_from_slice(hashes);
        let may_repeat = may_repeat(hashes);
        if may_repeat {
            distinct.clear();
        }
        may_repeat
    }
}

/// Equal names have equal hashes; different names seldom do.
fn hash(name: &[u8]) -> u32 {
    let word = |bytes: Option<&[u8; 8]>| bytes.map(|bytes| u64::from_le_bytes(*bytes));
    let (first, last) = match (word(name.first_chunk()), word(name.last_chunk())) {
        (Some(first), Some(last)) => (first, last),
        _ => (name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
    };
    let mixed =
        (first ^ last.rotate_left(29) ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    offset((mixed >> 32) as usize)
}

/// May some name occur twice? Small objects are compared all with all, which vector units do well.
fn may_repeat(hashes: &mut [u32]) -> bool {
    if hashes.len() > 32 {
        hashes.sort_unstable();
        return hashes.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    }
    let mut rest = &*hashes;
    while let Some((first, others)) = rest.split_first() {
        // no early end: the comparisons of one round go side by side
        if others.iter().map(|other| u32::from(other == first)).sum::<u32>() > 0 {
            return true;
        }
        rest = others;
    }
    false
}
