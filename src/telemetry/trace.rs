//! Which trace a request belongs to, as W3C's Trace Context tells it from one system to the next.

use std::hash::{BuildHasher as _, RandomState};
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A trace, and whether whoever began it records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: NonZeroU128,
    is_sampled: bool,
}

impl Trace {
    /// The trace that a caller names in `traceparent`, if it is one.
    pub fn read(header: &str) -> Option<Self> {
        let mut members = header.splitn(5, '-');
        let mut member = |digits| hex(members.next()?, digits);
        let (version, id, parent, flags) = (member(2)?, member(32)?, member(16)?, member(2)?);
        // a later version may say more behind what is known of it
        if version == 0xff || (version == 0 && members.next().is_some()) {
            return None;
        }
        NonZeroU128::new(parent)?;
        Some(Self { id: NonZeroU128::new(id)?, is_sampled: flags & 1 == 1 })
    }

    /// A trace that begins here, and that nobody records.
    pub fn begin() -> Self {
        let id = u128::from(random().get()) << 64 | u128::from(random().get());
        Self { id: NonZeroU128::new(id).unwrap_or(NonZeroU128::MIN), is_sampled: false }
    }

    pub fn id(&self) -> String {
        format!("{:032x}", self.id)
    }

    /// `traceparent` for one request that goes out: a span of its own in this trace.
    pub fn next_span(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.id, random(), u8::from(self.is_sampled))
    }
}

/// Lower-case digits, so many of them.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_right = text.len() == digits && text.bytes().all(is_hex);
    is_right.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// 64 bits that nobody outside can predict: a counter under a keyed hash whose key the system chose.
pub fn random() -> NonZeroU64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let hash = KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed));
    NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn a_trace_is_continued_with_a_span_of_its_own_for_each_request() {
        for flags in ["00", "01"] {
            let header = format!("00-{ID}-b7ad6b7169203331-{flags}");
            let trace = Trace::read(&header).unwrap();
            assert_eq!(trace.id(), ID);
            let (one, other) = (trace.next_span(), trace.next_span());
            assert_ne!(one, other);
            for sent in [one, other] {
                assert_eq!(Trace::read(&sent), Some(trace));
                assert!(!sent.contains("b7ad6b7169203331") && sent.ends_with(flags), "{sent}");
            }
        }
        let begun = Trace::begin();
        assert_eq!(Trace::read(&begun.next_span()), Some(begun));
        assert_ne!(begun, Trace::begin());
    }

    #[test]
    fn what_is_no_traceparent_is_not_continued() {
        let zeros = "0".repeat(32);
        for header in [
            String::new(),
            format!("00-{ID}-b7ad6b7169203331"),
            format!("00-{zeros}-b7ad6b7169203331-01"),
            format!("00-{ID}-0000000000000000-01"),
            format!("ff-{ID}-b7ad6b7169203331-01"),
            format!("00-{ID}-b7ad6b7169203331-01-more"),
            format!("00-{}-b7ad6b7169203331-01", ID.to_uppercase()),
            format!("00-+{}-b7ad6b7169203331-01", &ID[1..]),
            format!("00-{ID}-b7ad6b716920333é-01"),
        ] {
            assert_eq!(Trace::read(&header), None, "{header}");
        }
        let later = format!("cc-{ID}-b7ad6b7169203331-01-what-it-may-be");
        assert_eq!(Trace::read(&later).unwrap().id(), ID);
    }
}
