//! Which trace a request belongs to, as W3C's Trace Context tells it from one system to the next.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use super::span::Spans;

/// W3C's Trace Context: the longest `tracestate` that everybody passes on, its most members, and the longest that is kept of
/// those when it is longer.
const STATE_BYTES_MAX: usize = 512;
const STATE_MEMBERS_MAX: usize = 32;
const STATE_MEMBER_BYTES_MAX: usize = 128;
/// Of version 00.
const TRACEPARENT_BYTES: usize = 55;
/// The same of W3C's Baggage.
const BAGGAGE_BYTES_MAX: usize = 8192;
const BAGGAGE_MEMBERS_MAX: usize = 64;

/// A place in a trace: what happens next belongs to it.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(super) id: NonZeroU128,
    /// The span that is open, here or at the caller's.
    pub(super) span: Option<NonZeroU64>,
    pub(super) is_sampled: bool,
    carried: Option<Arc<Carried>>,
    /// Where spans go, if the trace is recorded here.
    pub(super) spans: Option<Spans>,
}

/// What names a trace: 32 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(NonZeroU128);

/// What the caller wants passed on with the trace. Nobody here reads it.
#[derive(Debug)]
struct Carried {
    state: Option<Box<str>>,
    baggage: Option<Box<str>>,
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
        let parent = NonZeroU64::new(u64::try_from(parent).ok()?)?;
        let trace = Self::of(NonZeroU128::new(id)?);
        Some(Self { span: Some(parent), is_sampled: flags & 1 == 1, ..trace })
    }

    /// A trace that begins here, and that nobody records.
    pub fn begin() -> Self {
        let id = u128::from(random().get()) << 64 | u128::from(random().get());
        Self::of(NonZeroU128::new(id).unwrap_or(NonZeroU128::MIN))
    }

    fn of(id: NonZeroU128) -> Self {
        Self { id, span: None, is_sampled: false, carried: None, spans: None }
    }

    /// With what the caller wants passed on, as far as it is well-formed and no longer than the standards ask for.
    #[must_use]
    pub fn carrying(mut self, state: Option<&str>, baggage: Option<&str>) -> Self {
        let (state, baggage) = (state.and_then(bounded_state), baggage.and_then(bounded_baggage));
        if state.is_some() || baggage.is_some() {
            self.carried = Some(Arc::new(Carried { state, baggage }));
        }
        self
    }

    pub fn id(&self) -> TraceId {
        TraceId(self.id)
    }

    /// `traceparent` for one request that goes out: the open span; where nothing is recorded, one that is for this request alone.
    pub fn traceparent(&self) -> String {
        let span = self.span.filter(|_| self.spans.is_some()).unwrap_or_else(random);
        let mut text = String::with_capacity(TRACEPARENT_BYTES);
        text.push_str("00-");
        push_hex(&mut text, &self.id.get().to_be_bytes());
        text.push('-');
        push_hex(&mut text, &span.get().to_be_bytes());
        text.push_str(if self.is_sampled { "-01" } else { "-00" });
        text
    }

    /// `tracestate`, as the caller sent it.
    pub fn state(&self) -> Option<&str> {
        self.carried.as_ref()?.state.as_deref()
    }

    /// `baggage`, as the caller sent it.
    pub fn baggage(&self) -> Option<&str> {
        self.carried.as_ref()?.baggage.as_deref()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// Lower-case hexadecimal digits, two for each byte. The library's own formatting costs ten times as much, and every request has some.
pub fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    let mut digits = [0; 32];
    for bytes in bytes.chunks(digits.len() / 2) {
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        let written = digits.get(..2 * bytes.len()).unwrap_or_default();
        text.push_str(std::str::from_utf8(written).unwrap_or_default());
    }
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whole members alone; the long ones go first, then the last.
fn bounded_state(text: &str) -> Option<Box<str>> {
    let is_over = |members: &[&str]| {
        members.iter().map(|one| one.len() + 1).sum::<usize>() > STATE_BYTES_MAX + 1
    };
    let mut members: Vec<&str> =
        text.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    if !is_printable(text) || members.len() > STATE_MEMBERS_MAX {
        return None;
    }
    if is_over(&members) {
        members.retain(|one| one.len() <= STATE_MEMBER_BYTES_MAX);
    }
    while is_over(&members) {
        members.pop();
    }
    (!members.is_empty()).then(|| members.join(",").into())
}

fn bounded_baggage(text: &str) -> Option<Box<str>> {
    let is_short =
        text.len() <= BAGGAGE_BYTES_MAX && text.split(',').count() <= BAGGAGE_MEMBERS_MAX;
    (is_short && !text.trim().is_empty() && is_printable(text)).then(|| text.trim().into())
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
            assert_eq!(trace.id().to_string(), ID);
            let (one, other) = (trace.traceparent(), trace.traceparent());
            assert_ne!(one, other);
            for sent in [one, other] {
                assert_eq!(Trace::read(&sent).unwrap().id().to_string(), ID);
                assert!(!sent.contains("b7ad6b7169203331") && sent.ends_with(flags), "{sent}");
            }
        }
        let begun = Trace::begin();
        assert_eq!(Trace::read(&begun.traceparent()).unwrap().id(), begun.id());
        assert_ne!(begun.id(), Trace::begin().id());
    }

    #[test]
    fn what_is_passed_on_is_no_longer_than_the_standards_ask_for() {
        let carrying = |state: &str, baggage: &str| {
            let trace = Trace::begin().carrying(Some(state), Some(baggage));
            (trace.state().map(str::to_owned), trace.baggage().map(str::to_owned))
        };
        let kept = |text: &str| Some(text.to_owned());
        assert_eq!(carrying(" a=1 , b=2,", "k=v"), (kept("a=1,b=2"), kept("k=v")));
        let long = format!("long={}", "x".repeat(STATE_MEMBER_BYTES_MAX));
        let rest = (0..30).map(|at| format!("m{at:02}={}", "y".repeat(15))).collect::<Vec<_>>();
        let (state, _) = carrying(&format!("{long},{}", rest.join(",")), "");
        let state = state.unwrap();
        assert!(state.starts_with("m00=") && state.len() <= STATE_BYTES_MAX, "{state}");
        assert!(state.len() > STATE_BYTES_MAX - 20 && !state.contains("long="), "{state}");
        let many = vec!["a=1"; STATE_MEMBERS_MAX + 1].join(",");
        let far = format!("k={}", "v".repeat(BAGGAGE_BYTES_MAX));
        assert_eq!(carrying(&many, &far), (None, None));
        assert_eq!(carrying("a=\u{e9}", "k=\n"), (None, None));
        assert_eq!(carrying("", &vec!["k=v"; BAGGAGE_MEMBERS_MAX + 1].join(",")), (None, None));
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
            assert!(Trace::read(&header).is_none(), "{header}");
        }
        let later = format!("cc-{ID}-b7ad6b7169203331-01-what-it-may-be");
        assert_eq!(Trace::read(&later).unwrap().id().to_string(), ID);
    }
}
