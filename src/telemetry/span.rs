//! Spans: what happened within a trace, and from when to when, for whoever collects them.
//!
//! A span of a trace that nobody records is nothing but its place. One that is recorded goes into a bounded queue when it ends; where
//! there is no room it is dropped and counted. Nobody ever waits for it.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::counts::ExportCounts;
use super::trace::{Trace, random};

/// Which side of a request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Server,
    Client,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    Word(&'static str),
    Text(Arc<str>),
    Number(u64),
}

/// What is open now. It ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    trace: Trace,
    /// `None`: nobody records it.
    record: Option<Box<Record>>,
}

#[derive(Debug)]
struct Record {
    began_at: Instant,
    spans: Spans,
    ended: Ended,
}

/// A span that has ended.
#[derive(Debug)]
pub struct Ended {
    /// The trace, and in it this span.
    pub trace: Trace,
    pub parent: Option<NonZeroU64>,
    pub name: Cow<'static, str>,
    pub kind: Kind,
    pub began: SystemTime,
    pub took: Duration,
    pub attributes: Vec<(&'static str, Attribute)>,
    /// It failed.
    pub is_error: bool,
}

/// Where spans go that have ended.
#[derive(Clone, Debug)]
pub struct Spans {
    queue: mpsc::Sender<Ended>,
    counts: Arc<ExportCounts>,
}

/// Decides which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Of the traces that begin here, from 0 to 1.
    pub share: f64,
    /// Whether a caller's own decision holds.
    pub follows_caller: bool,
}

/// What records traces, and which of them.
#[derive(Debug)]
pub struct Recorder {
    sampler: Sampler,
    spans: Spans,
}

impl Recorder {
    /// With the other end of its queue, which holds so many spans.
    pub fn new(
        sampler: Sampler,
        room: usize,
        counts: Arc<ExportCounts>,
    ) -> (Self, mpsc::Receiver<Ended>) {
        let (queue, ended) = mpsc::channel(room.max(1));
        (Self { sampler, spans: Spans { queue, counts } }, ended)
    }

    /// The trace, and whether it is recorded.
    pub fn decide(&self, mut trace: Trace) -> Trace {
        let is_decided = self.sampler.follows_caller && trace.span.is_some();
        if !is_decided {
            trace.is_sampled = is_within(self.sampler.share, trace.id.get());
        }
        trace.spans = trace.is_sampled.then(|| self.spans.clone());
        trace
    }
}

/// By the lower half of the trace's id, as the libraries of OpenTelemetry do it, so that all who take part decide alike.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the lower half is what is wanted; a share is between 0 and 1"
)]
fn is_within(share: f64, id: u128) -> bool {
    let drawn = (id as u64) >> 1;
    share >= 1.0 || drawn < (share.max(0.0) * (1_u64 << 63) as f64) as u64
}

impl Span {
    /// Begins within the open span of a trace. Names are few: they come of the program and its files.
    pub fn begin(trace: &Trace, kind: Kind, name: impl FnOnce() -> Cow<'static, str>) -> Self {
        let mut own = trace.clone();
        let Some(spans) = trace.spans.clone() else { return Self { trace: own, record: None } };
        own.span = Some(random());
        let ended = Ended {
            trace: own.clone(),
            parent: trace.span,
            name: name(),
            kind,
            began: SystemTime::now(),
            took: Duration::ZERO,
            attributes: Vec::new(),
            is_error: false,
        };
        let record = Record { began_at: Instant::now(), spans, ended };
        Self { trace: own, record: Some(Box::new(record)) }
    }

    /// The trace from within this span.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    pub fn rename(&mut self, name: &'static str) {
        if let Some(record) = &mut self.record {
            record.ended.name = Cow::Borrowed(name);
        }
    }

    pub fn set(&mut self, name: &'static str, value: impl Into<Attribute>) {
        if let Some(record) = &mut self.record {
            record.ended.attributes.push((name, value.into()));
        }
    }

    /// It failed, by a word of the program or a status.
    pub fn fail(&mut self, cause: impl Into<Attribute>) {
        self.set("error.type", cause);
        if let Some(record) = &mut self.record {
            record.ended.is_error = true;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(mut record) = self.record.take() else { return };
        record.ended.took = record.began_at.elapsed();
        let Spans { queue, counts } = &record.spans;
        if queue.try_send(record.ended).is_err() {
            counts.spans_dropped();
        }
    }
}

impl From<&'static str> for Attribute {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

impl From<Arc<str>> for Attribute {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Attribute {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Sampler = Sampler { share: 1.0, follows_caller: true };

    fn caller(flags: &str) -> Trace {
        let header = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        Trace::read(&header).unwrap()
    }

    fn recorder(sampler: Sampler, room: usize) -> (Recorder, mpsc::Receiver<Ended>) {
        Recorder::new(sampler, room, Arc::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_span_is_within_the_one_that_is_open_and_takes_as_long_as_it_is() {
        let (recorder, mut ended) = recorder(ALL, 8);
        let outer = Span::begin(&recorder.decide(caller("01")), Kind::Server, || "outer".into());
        let mut inner = Span::begin(outer.trace(), Kind::Client, || "inner".into());
        inner.set("cyclorama.keys", 3);
        inner.fail("timed_out");
        let sent = inner.trace().traceparent();
        tokio::time::advance(Duration::from_secs(2)).await;
        drop(inner);
        drop(outer);
        let (inner, outer) = (ended.recv().await.unwrap(), ended.recv().await.unwrap());
        assert_eq!((&*inner.name, inner.took), ("inner", Duration::from_secs(2)));
        assert_eq!(outer.parent.map(NonZeroU64::get), Some(0xb7ad_6b71_6920_3331));
        assert_eq!(inner.parent, outer.trace.span);
        assert!(inner.is_error && !outer.is_error);
        assert_eq!(inner.attributes[0], ("cyclorama.keys", Attribute::Number(3)));
        let span = inner.trace.span.unwrap();
        assert_eq!(sent, format!("00-0af7651916cd43dd8448eb211c80319c-{span:016x}-01"));
    }

    #[tokio::test]
    async fn where_there_is_no_room_spans_are_dropped_and_counted_and_nobody_waits() {
        let (recorder, mut ended) = recorder(ALL, 2);
        let trace = recorder.decide(Trace::begin());
        (0..5).for_each(|_| drop(Span::begin(&trace, Kind::Server, || "one".into())));
        assert_eq!(recorder.spans.counts.spans().dropped, 3);
        assert!(ended.recv().await.is_some() && ended.recv().await.is_some());
        assert!(ended.try_recv().is_err());
    }

    #[test]
    fn a_callers_decision_holds_and_a_share_of_the_others_is_recorded() {
        let sampled = |sampler: Sampler, trace: Trace| {
            let trace = recorder(sampler, 1).0.decide(trace);
            assert_eq!(trace.is_sampled, trace.spans.is_some());
            assert!(trace.traceparent().ends_with(if trace.is_sampled { "-01" } else { "-00" }));
            trace.is_sampled
        };
        let none = Sampler { share: 0.0, follows_caller: true };
        assert!(sampled(none, caller("01")) && !sampled(ALL, caller("00")));
        let alone = |share| Sampler { share, follows_caller: false };
        assert!(!sampled(alone(0.0), caller("01")) && sampled(alone(1.0), caller("00")));
        let tenth = Sampler { share: 0.1, follows_caller: true };
        let count = (0..4_000).filter(|_| sampled(tenth, Trace::begin())).count();
        assert!((200..=600).contains(&count), "{count} of 4000");
        // the same as with others: the lower 63 bits against the share
        assert!(is_within(0.5, 0x7fff_ffff_ffff_ffff) && !is_within(0.5, 0x8000_0000_0000_0000));
        assert!(!is_within(0.5, u128::MAX) && is_within(1.0, u128::MAX) && !is_within(0.0, 0));
    }
}
