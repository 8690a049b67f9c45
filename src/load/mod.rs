//! Many keys to answers, past the cache and the flights that are under way.
//!
//! Takes: a load (call, inputs, wanted slots) and keys.
//! Gives: for each key its answer or its own error; exactly the planned number of calls for those that miss.
//! Never: matches an answer to a key by position; lets two loads share whose requests read different inputs.

mod chunk;
mod early;
mod fetch;
mod flight;
mod memo;
mod page;

use std::sync::{Arc, Weak};

use tokio::time::Instant;

use crate::backend::{Backends, Deadline};
use crate::cache::{Cache, Hit, Look, Past, Shelf};
use crate::error::LoadError;
use crate::graph::{Call, Graph, Input, ShapeId};
use crate::principal::Principal;
use crate::value::{Answer, Key, SlotSet};

pub use chunk::write;
pub use early::{Early, EarlyPage, Told};
pub(crate) use flight::Chunk;
pub(crate) use flight::Flight;
use flight::Flights;
pub use memo::Memo;
pub use page::{CursorKey, PageWindow, Position};

/// The live side of loading: one for the life of a graph.
#[derive(Debug)]
pub struct Loader {
    pub graph: Arc<Graph>,
    pub backends: Backends,
    pub cache: Cache,
    flights: Flights,
}

impl Loader {
    pub fn new(graph: Arc<Graph>, backends: Backends, cache: Cache) -> Arc<Self> {
        Arc::new(Self { graph, backends, cache, flights: Flights::default() })
    }
}

/// One step's load, without its keys: everything that its requests read besides them.
#[derive(Clone, Debug)]
pub struct Load {
    pub call: crate::graph::CallId,
    pub shape: ShapeId,
    pub wanted: SlotSet,
    /// Property names to ask for, sorted (`$fields`). Empty until something is sent.
    pub fields: Vec<Arc<str>>,
    pub arguments: serde_json::Map<String, serde_json::Value>,
    pub window: Option<PageWindow>,
    pub principal: Arc<Principal>,
    /// When whoever waits for it stops to: the operation, and of a flight all that have joined it.
    pub deadline: Deadline,
    /// Who wants each page as it comes.
    pub told: Option<Told>,
    /// The cache key up to the load's own key.
    prefix: Vec<u8>,
}

impl Load {
    pub fn new(
        graph: &Graph,
        target: (crate::graph::CallId, ShapeId),
        wanted: SlotSet,
        arguments: serde_json::Map<String, serde_json::Value>,
        window: Option<PageWindow>,
        (principal, deadline): (&Arc<Principal>, Instant),
    ) -> Self {
        let (call, shape) = target;
        let compiled = graph.call(call);
        let mut wanted = wanted;
        graph.shape(shape).id_slot.iter().for_each(|slot| wanted.insert(*slot));
        let prefix = cache_prefix(compiled, shape, &arguments, window.as_ref(), principal);
        Self {
            call,
            shape,
            wanted,
            fields: Vec::new(),
            arguments,
            window,
            principal: Arc::clone(principal),
            deadline: deadline.into(),
            told: None,
            prefix,
        }
    }

    /// In bytes.
    pub fn cache_key_length(&self, key: &str) -> usize {
        self.prefix.len() + key.len()
    }

    /// Appends the cache key of one key of this load.
    pub fn write_cache_key(&self, key: &str, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(&self.prefix);
        buffer.extend_from_slice(key.as_bytes());
    }

    /// The cache key of one key of this load, in a buffer that is used again.
    pub fn cache_key<'b>(&self, key: &str, buffer: &'b mut Vec<u8>) -> &'b [u8] {
        buffer.clear();
        buffer.reserve(self.cache_key_length(key));
        self.write_cache_key(key, buffer);
        buffer
    }
}

impl Load {
    /// Names the properties to ask for, where the call reads them.
    fn project(&mut self, graph: &Graph) {
        if graph.call(self.call).projects {
            self.fields = asked_for(graph, self.call, self.shape, self.wanted);
        }
    }

    /// What names this load's list whatever part of it is asked for: cursors are bound to it, together with the key.
    pub fn list_prefix(&self, graph: &Graph) -> Vec<u8> {
        cache_prefix(graph.call(self.call), self.shape, &self.arguments, None, &self.principal)
    }
}

/// The property names that the wanted slots' mappings read, and those that say which key a record answers.
fn asked_for(
    graph: &Graph,
    call: crate::graph::CallId,
    shape: ShapeId,
    wanted: SlotSet,
) -> Vec<Arc<str>> {
    let (shape, call) = (graph.shape(shape), graph.call(call));
    let slots = shape.slots.iter().zip(0_u16..);
    let named = |name: &Arc<str>| match &call.inside_name {
        Some(inside) => Arc::from(format!("{inside}{name}")),
        None => Arc::clone(name),
    };
    let mut fields: Vec<Arc<str>> = slots
        .filter(|(_, index)| wanted.contains(crate::graph::SlotId(*index)))
        .flat_map(|(slot, _)| &slot.needs)
        .chain(shape.pick.iter().flat_map(|pick| &pick.needs))
        .map(named)
        .chain(call.needs.iter().cloned())
        .collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

/// Tenant, fingerprint, shape, window, and every run-time input that the request reads, each with its length in front so
/// that no two sets of inputs spell the same key.
fn cache_prefix(
    call: &Call,
    shape: ShapeId,
    arguments: &serde_json::Map<String, serde_json::Value>,
    window: Option<&PageWindow>,
    principal: &Principal,
) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(64);
    let mut part = |bytes: &[u8]| {
        prefix.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        prefix.extend_from_slice(bytes);
    };
    part(principal.tenant.as_bytes());
    part(&call.fingerprint.to_le_bytes());
    part(&shape.0.to_le_bytes());
    for input in &call.inputs {
        match input {
            Input::Argument(path) => {
                let value = path.value_in(arguments);
                part(value.map_or_else(String::new, serde_json::Value::to_string).as_bytes());
            }
            Input::Header(name) => input_text(&mut part, principal.header(name)),
            Input::Claim(name) => input_text(&mut part, principal.claim(name)),
        }
    }
    if let Some(window) = window {
        part(window.spelled().as_bytes());
    }
    prefix
}

/// A missing header and an empty one are different inputs.
fn input_text(part: &mut impl FnMut(&[u8]), value: Option<&str>) {
    match value {
        Some(value) => part(format!("={value}").as_bytes()),
        None => part(b"-"),
    }
}

/// An answer and where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub answer: Arc<Answer>,
    /// When it was read from the backend, if it was not read by this operation.
    pub cached_at: Option<Instant>,
    /// It is past its time.
    pub is_stale: bool,
}

impl Loaded {
    /// Read by this operation, or one beside it.
    pub fn now(answer: Arc<Answer>) -> Self {
        Self { answer, cached_at: None, is_stale: false }
    }
}

impl From<Hit> for Loaded {
    fn from(hit: Hit) -> Self {
        Self { answer: hit.answer, cached_at: Some(hit.read_at), is_stale: hit.is_stale }
    }
}

/// A look-up that an answer was made with: a key, and what was found under it.
#[derive(Debug)]
pub struct Looked {
    key: Box<[u8]>,
    /// How many bytes of the key are its load's prefix.
    common: usize,
    wanted: SlotSet,
    /// The answer itself is not held: it may be large.
    found: Weak<Answer>,
}

impl Looked {
    pub(crate) fn new(load: &Load, cache_key: &[u8], hit: &Hit) -> Self {
        Self {
            key: Box::from(cache_key),
            common: load.prefix.len(),
            wanted: load.wanted,
            found: Arc::downgrade(&hit.answer),
        }
    }

    /// The memory that it takes.
    pub fn bytes(&self) -> usize {
        self.key.len() + size_of::<Self>()
    }
}

/// Keys that missed, sorted and without duplicates.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(crate) keys: Vec<Key>,
    /// Under some of them there are entries, which are not good as they are.
    pub(crate) are_held: bool,
}

/// What is known of a key that missed, before anything is sent.
#[derive(Debug)]
pub(crate) enum Found {
    Hit(Hit),
    /// Past its time and good enough until it is read anew, which nobody does yet.
    Old(Hit),
    Flying(Flight),
    Miss,
}

impl Loader {
    /// To look the keys of a load up in the cache. Nothing else may be waited for while it is held.
    pub(crate) fn look(&self, load: &Load, now: Instant) -> Look<'_> {
        self.shelf(load).look(now)
    }

    /// Whether all these look-ups would find again what they found.
    pub fn finds_again(&self, looked: &[Looked], now: Instant) -> bool {
        looked.iter().all(|one| {
            let prefix = one.key.get(..one.common).unwrap_or(&one.key);
            self.cache.shelf(prefix).finds_again(&one.key, one.wanted, now, &one.found)
        })
    }

    fn shelf(&self, load: &Load) -> Shelf<'_> {
        self.cache.shelf(&load.prefix)
    }

    /// Looks up a key whose entry is not good as it is: whether it will do all the same, and whether others have the key
    /// under way.
    pub(crate) fn join(&self, load: &Load, cache_key: &[u8], now: Instant) -> Found {
        let until = load.deadline.instant();
        let joined = self.flights.board().join(cache_key, load.wanted, self.cache.epoch(), until);
        let old = self.shelf(load).stale(cache_key, load.wanted, now, Past::Refreshing);
        match (joined, old) {
            // somebody reads it already
            (Some(_), Some(hit)) => Found::Hit(hit),
            (None, Some(hit)) => Found::Old(hit),
            (Some(flight), None) => Found::Flying(flight),
            // One that landed between the two looks has left its answer.
            (None, None) => {
                self.shelf(load).get(cache_key, load.wanted, now).map_or(Found::Miss, Found::Hit)
            }
        }
    }

    /// Reads keys anew whose answers were given out past their time. Nobody waits for it, so it is spawned; it ends at the deadline
    /// that an operation has.
    pub(crate) fn refresh(self: &Arc<Self>, load: Load, keys: Vec<Key>) {
        for _ in &keys {
            self.cache.used(Past::Refreshing);
        }
        let deadline = Instant::now() + self.graph.deadline;
        let load = Load { told: None, deadline: deadline.into(), ..load };
        let missing = Missing { keys, are_held: true };
        let flights = self.start(load, &mut Memo::of(1), missing);
        let flights = futures_util::future::join_all(flights);
        // who fails is logged where calls are made
        tokio::spawn(async move { drop(tokio::time::timeout_at(deadline, flights).await) });
    }

    /// Starts the calls for keys that missed: chunks of the call's limits, bounded in number, shared with whoever asks
    /// for the same. Nothing is sent before the flights are awaited.
    pub(crate) fn start(
        self: &Arc<Self>,
        load: Load,
        memo: &mut Memo,
        missing: Missing,
    ) -> Vec<Flight> {
        chunk::start(self, load, memo, missing)
    }
}

/// The outcome of one key of a chunk.
pub(crate) type KeyOutcome = Result<Loaded, LoadError>;
