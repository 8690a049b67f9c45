//! Chunks of keys, each one call (and its pages), each with its own fate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::cache::{self, Epoch};
use crate::error::{BackendError, BackendFailure, LoadError};
use crate::graph::{Call, Fill, KeyMode};
use crate::load::flight::{Chunk, Flight};
use crate::load::{Load, Loader, Memo, cache_prefix};
use crate::mapping::{self, Payload};
use crate::template::Inputs;
use crate::value::{Answer, Key, PageStart};

static FLIGHT_NUMBER: AtomicU64 = AtomicU64::new(0);

pub(super) fn start(
    loader: &Arc<Loader>,
    mut load: Load,
    memo: &mut Memo,
    keys: Vec<Key>,
) -> Vec<Flight> {
    let graph = Arc::clone(&loader.graph);
    let call = graph.call(load.call);
    let mut buffer = Vec::new();
    // A miss for want of slots asks for what is held too, so that the new entry is no poorer than the old.
    for key in &keys {
        load.wanted =
            load.wanted.union(loader.cache.held(load.cache_key(key.as_str(), &mut buffer)));
    }
    if call.projects {
        load.fields = super::asked_for(&graph, load.call, load.shape, load.wanted);
    }
    let permits = Arc::new(Semaphore::new(parallel(&call.keys)));
    let load = Arc::new(load);
    let began = loader.cache.epoch();
    let mut flights = Vec::new();
    // From here to the end nobody else can offer these keys: of two that miss a key at the same time one flies.
    let mut board = loader.flights.board();
    let mut own = Vec::with_capacity(keys.len());
    for key in keys {
        let cache_key = load.cache_key(key.as_str(), &mut buffer);
        match board.join(cache_key, load.wanted, began) {
            Some(flight) => {
                memo.flights.insert(Box::from(cache_key), (load.wanted, flight.clone()));
                flights.push(flight);
            }
            // One that landed since the key was looked up has left its answer.
            None => match loader.cache.get(cache_key, load.wanted, Instant::now()) {
                Some(entry) => flights.push(landed(key, Arc::clone(&entry.answer))),
                None => own.push(key),
            },
        }
    }
    for keys in chunks(&call.keys, own) {
        let cache_keys: Vec<Box<[u8]>> =
            keys.iter().map(|key| Box::from(load.cache_key(key.as_str(), &mut buffer))).collect();
        let number = FLIGHT_NUMBER.fetch_add(1, Ordering::Relaxed);
        let seats = Seats { loader: Arc::clone(loader), keys: cache_keys.clone(), number };
        let flight = fly(seats, Arc::clone(&permits), Arc::clone(&load), keys, began);
        board.offer(&cache_keys, &flight, load.wanted, began, number);
        for key in cache_keys {
            memo.flights.insert(key, (load.wanted, flight.clone()));
        }
        flights.push(flight);
    }
    flights
}

/// A flight that is over.
fn landed(key: Key, answer: Arc<Answer>) -> Flight {
    let chunk = Arc::new(Chunk { keys: vec![key], outcomes: vec![Ok(answer)] });
    std::future::ready(chunk).boxed().shared()
}

/// One chunk's future, that any waiter drives.
fn fly(
    seats: Seats,
    permits: Arc<Semaphore>,
    load: Arc<Load>,
    keys: Vec<Key>,
    began: Epoch,
) -> Flight {
    async move {
        let _permit = permits.acquire().await;
        Arc::new(run(&seats.loader, &load, keys, began).await)
    }
    .boxed()
    .shared()
}

/// Takes a flight's seats away when it lands, and also when nobody waits for it anymore.
struct Seats {
    loader: Arc<Loader>,
    keys: Vec<Box<[u8]>>,
    number: u64,
}

impl std::ops::Drop for Seats {
    fn drop(&mut self) {
        self.loader.flights.clear(&self.keys, self.number);
    }
}

fn parallel(keys: &KeyMode) -> usize {
    match keys {
        KeyMode::None => 1,
        KeyMode::PerKey { parallel } | KeyMode::Batch { parallel, .. } => (*parallel).max(1),
    }
}

/// Keys in chunks of the call's limits, in keys and in bytes.
pub(crate) fn chunks(mode: &KeyMode, keys: Vec<Key>) -> Vec<Vec<Key>> {
    let (limit, bytes_limit) = match mode {
        KeyMode::None | KeyMode::PerKey { .. } => (1, usize::MAX),
        KeyMode::Batch { keys, bytes, .. } => ((*keys).max(1), *bytes),
    };
    let mut chunks: Vec<Vec<Key>> = Vec::new();
    let mut bytes = 0;
    for key in keys {
        let length = key.as_str().len() + 1;
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < limit && bytes + length <= bytes_limit => {
                bytes += length;
                chunk.push(key);
            }
            _ => {
                bytes = length;
                chunks.push(vec![key]);
            }
        }
    }
    chunks
}

/// One chunk: fetched, mapped, matched by key, kept. A refused chunk is halved where the call says so.
fn run<'a>(
    loader: &'a Arc<Loader>,
    load: &'a Load,
    keys: Vec<Key>,
    began: Epoch,
) -> BoxFuture<'a, Chunk> {
    async move {
        let call = loader.graph.call(load.call);
        let fetched = fetch(loader, load, &keys).await;
        match fetched.and_then(|fetched| keep(loader, load, &keys, fetched, began)) {
            Ok(answers) => {
                let outcomes = answers.into_iter().map(Ok).collect();
                Chunk { keys, outcomes }
            }
            Err(error) if keys.len() > 1 && is_split(call, &error) => {
                let mut keys = keys;
                let right = keys.split_off(keys.len() / 2);
                let (mut left, right) = futures_util::future::join(
                    run(loader, load, keys, began),
                    run(loader, load, right, began),
                )
                .await;
                left.keys.extend(right.keys);
                left.outcomes.extend(right.outcomes);
                left
            }
            Err(error) => {
                let failure = failure(loader, call, error);
                let outcomes = keys.iter().map(|_| Err(Arc::clone(&failure))).collect();
                Chunk { keys, outcomes }
            }
        }
    }
    .boxed()
}

fn is_split(call: &Call, error: &BackendError) -> bool {
    let KeyMode::Batch { split_on, .. } = &call.keys else { return false };
    error.status().is_some_and(|status| split_on.contains(&status))
}

fn failure(loader: &Loader, call: &Call, error: BackendError) -> LoadError {
    let backend = loader.graph.backend(call.backend);
    Arc::new(BackendFailure {
        role: Arc::clone(&backend.role),
        vendor: Arc::clone(&backend.vendor),
        call: Arc::clone(&call.name),
        error,
    })
}

/// The pages of one chunk.
struct Fetched {
    payloads: Vec<Payload>,
    starts: Vec<PageStart>,
    next: Option<crate::value::PageState>,
    total: Option<u64>,
    max_age: Option<std::time::Duration>,
    is_cut: bool,
}

/// Calls until there is no next page, the window is full, or the bound of pages is reached.
async fn fetch(loader: &Loader, load: &Load, keys: &[Key]) -> Result<Fetched, BackendError> {
    let call = loader.graph.call(load.call);
    let mut fetched = Fetched {
        payloads: Vec::new(),
        starts: Vec::new(),
        next: None,
        total: None,
        max_age: None,
        is_cut: false,
    };
    let mut state = load.window.as_ref().and_then(|window| window.state.clone());
    let size = load
        .window
        .as_ref()
        .map(|window| window.size)
        .or_else(|| call.pages.as_ref()?.size.as_ref().map(|size| size.max));
    let mut rows = 0;
    loop {
        let inputs = Inputs {
            keys,
            arguments: &load.arguments,
            fields: &load.fields,
            page: state.as_ref(),
            page_size: size,
            principal: &load.principal,
        };
        let deadline = Instant::now() + loader.graph.deadline;
        let page = loader.backends.call(call, inputs, deadline).await?;
        fetched.starts.push(PageStart { row: rows, state: state.take() });
        let count = page.payload.count_at(call.records.as_ref());
        rows = rows.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        if let Some(total) = call.pages.as_ref().and_then(|pages| pages.total.as_ref()) {
            fetched.total = page
                .payload
                .text_at(total)
                .and_then(|text| text.trim().parse().ok())
                .or(fetched.total);
        }
        fetched.max_age = match (fetched.max_age, page.max_age) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        fetched.payloads.push(page.payload);
        let Some(next) = page.next else { return Ok(fetched) };
        let max_pages = call.pages.as_ref().map_or(1, |pages| pages.max_pages as usize);
        let is_full = load.window.as_ref().is_some_and(|window| rows >= window.rows);
        if is_full || fetched.payloads.len() >= max_pages {
            fetched.is_cut = !is_full;
            fetched.next = Some(next);
            return Ok(fetched);
        }
        state = Some(next);
    }
}

/// Maps what was fetched, and keeps it.
fn keep(
    loader: &Loader,
    load: &Load,
    keys: &[Key],
    fetched: Fetched,
    began: Epoch,
) -> Result<Vec<Arc<Answer>>, BackendError> {
    let graph = &loader.graph;
    let call = graph.call(load.call);
    let mut answers =
        mapping::map_answers(graph, call, load.shape, load.wanted, &fetched.payloads, keys);
    answers.resize_with(keys.len(), Answer::default);
    // Records that nobody can have are not "nothing found".
    if answers.iter().all(|answer| answer.rows.is_empty())
        && let Some(count) = mapping::records_without_keys(call, &fetched.payloads)
    {
        let reason = format!("none of its {count} records says which key it answers (`answers`)");
        return Err(BackendError::Decode { reason });
    }
    let ttl = loader.cache.ttl(call.ttl, fetched.max_age);
    let declared = graph.shape(load.shape).ty;
    let mut buffer = Vec::new();
    let Fetched { starts, next, total, is_cut, .. } = fetched;
    let mut kept = Vec::with_capacity(answers.len());
    for (mut answer, key) in answers.into_iter().zip(keys) {
        answer.partial = is_cut && load.window.is_none();
        if load.window.is_some() {
            answer.next.clone_from(&next);
            answer.pages = starts.clone().into_boxed_slice();
        }
        answer.total = total;
        let answer = Arc::new(answer);
        let tags = cache::tags(graph, declared, &answer);
        loader.cache.fill(load.cache_key(key.as_str(), &mut buffer), &answer, tags, ttl, began);
        for fill in &call.fills {
            fill_by_id(loader, load, fill, &answer, ttl, began);
        }
        kept.push(answer);
    }
    Ok(kept)
}

/// A list's records are also the answers of a by-id call, where the vendor file says so.
fn fill_by_id(
    loader: &Loader,
    load: &Load,
    fill: &Fill,
    answer: &Answer,
    ttl: std::time::Duration,
    began: Epoch,
) {
    let graph = &loader.graph;
    let target = graph.call(fill.call);
    if !target.inputs.is_empty() {
        return;
    }
    let prefix = cache_prefix(target, load.shape, &load.arguments, None, &load.principal);
    for row in &answer.rows {
        let texts: Option<Vec<_>> =
            fill.slots.iter().map(|slot| answer.key_text(graph, *row, *slot)).collect();
        let Some(key) = texts.and_then(|texts| Key::composite(texts.iter().map(|text| &**text)))
        else {
            continue;
        };
        let own = Arc::new(answer.row_alone(graph, *row));
        let tags = cache::tags(graph, graph.shape(load.shape).ty, &own);
        let cache_key = [&prefix[..], key.as_str().as_bytes()].concat();
        loader.cache.fill(&cache_key, &own, tags, ttl, began);
    }
}

/// A write: sent once, never shared, never kept. What it makes stale is dropped by the caller.
pub async fn write(loader: &Loader, load: &Load, key: &Key) -> Result<Arc<Answer>, LoadError> {
    let call = loader.graph.call(load.call);
    let keys = std::slice::from_ref(key);
    match fetch(loader, load, keys).await {
        Ok(fetched) => {
            let answers = mapping::map_answers(
                &loader.graph,
                call,
                load.shape,
                load.wanted,
                &fetched.payloads,
                keys,
            );
            Ok(Arc::new(answers.into_iter().next().unwrap_or_default()))
        }
        Err(error) => Err(failure(loader, call, error)),
    }
}
