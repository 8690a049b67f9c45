//! The demo's own source of chance: the same seed gives the same world on every machine.

/// Splitmix64, one stream for each thing that is made.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of thing number `index` of kind `kind`.
    pub(crate) fn of(seed: u64, kind: u64, index: u64) -> Self {
        let mut mixed = Self(seed ^ kind.wrapping_mul(0xa076_1d64_78bd_642f));
        let base = mixed.next();
        let mut stream = Self(base ^ index.wrapping_mul(0xe703_7ed1_a0b4_28db));
        stream.next();
        stream
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number from 0 up to, but not including, `end`; 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // the high half of a product is as even as the demo needs, and has no division
        u64::try_from((u128::from(self.next()) * u128::from(end)) >> 64).unwrap_or(0)
    }

    /// True `percent` times in a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which must not be empty.
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "below() is less than the length"
    )]
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// A number with its bits moved about, and back: ids that look like a vendor's and still say which thing they name.
pub(crate) fn scramble(number: u32) -> u32 {
    (number.wrapping_mul(FACTOR) ^ 0x5bd1_e995).rotate_left(13)
}

pub(crate) fn unscramble(scrambled: u32) -> u32 {
    (scrambled.rotate_right(13) ^ 0x5bd1_e995).wrapping_mul(INVERSE)
}

const FACTOR: u32 = 0x9e37_79b1;
const INVERSE: u32 = inverse(FACTOR);

/// The inverse of an odd number modulo 2^32, by Newton's method.
const fn inverse(odd: u32) -> u32 {
    let mut guess = odd;
    let mut round = 0;
    while round < 5 {
        guess = guess.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(guess)));
        round += 1;
    }
    guess
}
