//! Chunks of keys, each one call (and its pages), each with its own fate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::cache::{self, Epoch, Lifetime, Past};
use crate::error::{BackendError, BackendFailure, ErrorCode, LoadError};
use crate::graph::{Call, Fill, KeyMode};
use crate::load::fetch::{Fetched, answers};
use crate::load::flight::{Chunk, Flight};
use crate::load::memo::Noted;
use crate::load::{KeyOutcome, Load, Loaded, Loader, Memo, Missing, cache_prefix};
use crate::mapping::{self, Refusal};
use crate::value::{Answer, Key};

static FLIGHT_NUMBER: AtomicU64 = AtomicU64::new(0);

pub(super) fn start(
    loader: &Arc<Loader>,
    mut load: Load,
    memo: &mut Memo,
    Missing { keys, are_held }: Missing,
) -> Vec<Flight> {
    let graph = Arc::clone(&loader.graph);
    let call = graph.call(load.call);
    let mut buffer = Vec::new();
    let shelf = loader.cache.shelf(&load.prefix);
    // What others bring, or have brought since, need hold no more than is wanted here.
    let asked = load.wanted;
    // A miss for want of slots asks for what is held too, so that the new entry is no poorer than the old.
    for key in keys.iter().filter(|_| are_held) {
        load.wanted = load.wanted.union(shelf.held(load.cache_key(key.as_str(), &mut buffer)));
    }
    load.project(&graph);
    let until = load.deadline.instant();
    load.deadline = load.deadline.shared();
    let load = Arc::new(load);
    let began = loader.cache.epoch();
    let mut flights: Vec<Flight> = Vec::new();
    // From here to the end nobody else can offer these keys: of two that miss a key at the same time one flies.
    let mut board = loader.flights.board();
    let mut own = Vec::with_capacity(keys.len());
    let mut noted = memo.notes().then(Noted::default);
    let now = Instant::now();
    for key in keys {
        let cache_key = load.cache_key(key.as_str(), &mut buffer);
        if let Some(flight) = board.join(cache_key, asked, began, until) {
            if let Some(noted) = &mut noted {
                noted.joined(cache_key, &flight);
            }
            // many keys may have the same; what is dropped here is never the last of it
            if flights.last().is_none_or(|last| !last.ptr_eq(&flight)) {
                flights.push(flight);
            }
        // One that landed since the key was looked up has left its answer.
        } else if let Some(hit) = shelf.get(cache_key, asked, now) {
            flights.push(landed(key, hit.into()));
        } else {
            shelf.missed(cache_key);
            own.push(key);
        }
    }
    let chunks = chunks(&call.keys, own);
    let parallel = parallel(&call.keys);
    // as many as there are may fly at once
    let permits = (chunks.len() > parallel).then(|| Arc::new(Semaphore::new(parallel)));
    for keys in chunks {
        let cache_keys: Arc<[Arc<[u8]>]> =
            keys.iter().map(|key| Arc::from(load.cache_key(key.as_str(), &mut buffer))).collect();
        let number = FLIGHT_NUMBER.fetch_add(1, Ordering::Relaxed);
        let seats = Seats { loader: Arc::clone(loader), keys: Arc::clone(&cache_keys), number };
        let flight = fly(seats, permits.clone(), Arc::clone(&load), keys, began);
        board.offer(&cache_keys, &flight, &load, began, number);
        if let Some(noted) = &mut noted {
            noted.started(&cache_keys, &flight);
        }
        flights.push(flight);
    }
    drop(board);
    if let Some(noted) = noted {
        memo.note(&load, asked, noted);
    }
    flights
}

/// A flight that is over.
fn landed(key: Key, loaded: Loaded) -> Flight {
    let chunk = Arc::new(Chunk { keys: vec![key], outcomes: vec![Ok(loaded)] });
    std::future::ready(chunk).boxed().shared()
}

/// One chunk's future, that any waiter drives.
fn fly(
    seats: Seats,
    permits: Option<Arc<Semaphore>>,
    load: Arc<Load>,
    keys: Vec<Key>,
    began: Epoch,
) -> Flight {
    async move {
        let _permit = match &permits {
            Some(permits) => permits.acquire().await.ok(),
            None => None,
        };
        Arc::new(run(&seats.loader, &load, (keys, &seats.keys), began).await)
    }
    .boxed()
    .shared()
}

/// Takes a flight's seats away when it lands, and also when nobody waits for it anymore.
struct Seats {
    loader: Arc<Loader>,
    keys: Arc<[Arc<[u8]>]>,
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
async fn run(
    loader: &Arc<Loader>,
    load: &Load,
    (keys, cache_keys): (Vec<Key>, &[Arc<[u8]>]),
    began: Epoch,
) -> Chunk {
    let call = loader.graph.call(load.call);
    let fetched = answers(loader, load, &keys).await;
    let kept = fetched.and_then(|(answers, fetched)| {
        keep(loader, load, (&keys, cache_keys), answers, &fetched, began)
    });
    match kept {
        Ok(outcomes) => Chunk { keys, outcomes },
        Err(error) if keys.len() > 1 && is_split(call, &error) => {
            let mut keys = keys;
            let right = keys.split_off(keys.len() / 2);
            let of_keys = cache_keys.split_at_checked(keys.len()).unwrap_or_default();
            let (mut left, right) = futures_util::future::join(
                half(loader, load, (keys, of_keys.0), began),
                half(loader, load, (right, of_keys.1), began),
            )
            .await;
            left.keys.extend(right.keys);
            left.outcomes.extend(right.outcomes);
            left
        }
        Err(error) => {
            let failure = failure(loader, call, error);
            let bridged = |key| bridge(loader, load, key, &failure);
            let outcomes =
                keys.iter().map(|key| bridged(key).ok_or_else(|| Arc::clone(&failure))).collect();
            Chunk { keys, outcomes }
        }
    }
}

fn half<'a>(
    loader: &'a Arc<Loader>,
    load: &'a Load,
    keys: (Vec<Key>, &'a [Arc<[u8]>]),
    began: Epoch,
) -> BoxFuture<'a, Chunk> {
    run(loader, load, keys, began).boxed()
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

/// The answer of before, past its time, in the place of one that the backend is in no state to give.
fn bridge(loader: &Loader, load: &Load, key: &Key, failure: &BackendFailure) -> Option<Loaded> {
    if !is_outage(&failure.error) {
        return None;
    }
    let mut buffer = Vec::new();
    let cache_key = load.cache_key(key.as_str(), &mut buffer);
    let shelf = loader.cache.shelf(&load.prefix);
    let hit = shelf.stale(cache_key, load.wanted, Instant::now(), Past::Failing)?;
    loader.cache.used(Past::Failing);
    Some(hit.into())
}

/// The backend is in no state to answer; what it refuses, and whom it does not know, is an answer.
fn is_outage(error: &BackendError) -> bool {
    match error.code() {
        ErrorCode::BackendUnavailable
        | ErrorCode::BackendTimeout
        | ErrorCode::DeadlineExceeded
        | ErrorCode::BackendRateLimited
        | ErrorCode::BackendInvalidAnswer => true,
        // `Server` in SOAP 1.1, `Receiver` in 1.2, with a prefix or without
        ErrorCode::BackendFault => error
            .backend_code()
            .and_then(|code| code.rsplit(':').next())
            .is_some_and(|code| code == "Server" || code == "Receiver"),
        _ => false,
    }
}

/// Keeps what was fetched and mapped.
fn keep(
    loader: &Loader,
    load: &Load,
    (keys, cache_keys): (&[Key], &[Arc<[u8]>]),
    mut answers: Vec<Answer>,
    fetched: &Fetched,
    began: Epoch,
) -> Result<Vec<KeyOutcome>, BackendError> {
    let graph = &loader.graph;
    let call = graph.call(load.call);
    if let Some(answer) = &fetched.unchanged {
        renew(loader, load, cache_keys, answer, fetched, began);
        return Ok(vec![Ok(Loaded::now(Arc::clone(answer)))]);
    }
    answers.resize_with(keys.len(), Answer::default);
    let mut refused = refused(loader, call, keys, &answers, fetched);
    // Records that nobody can have are not "nothing found".
    if answers.iter().all(|answer| answer.rows.is_empty())
        && refused.iter().all(Option::is_none)
        && let Some(count) = mapping::records_without_keys(call, &fetched.payloads)
    {
        let reason = format!("none of its {count} records says which key it answers (`answers`)");
        return Err(BackendError::Decode { reason });
    }
    let lifetime_as = |id| {
        let schema = graph.ages.of(id, load.shape, load.wanted);
        loader.cache.lifetime(call, &fetched.freshness, schema)
    };
    let lifetime = lifetime_as(load.call);
    let declared = graph.shape(load.shape).ty;
    let shelf = loader.cache.shelf(&load.prefix);
    let mut kept = Vec::with_capacity(answers.len());
    let cut = mapping::cut_keys(call, &fetched.payloads, keys);
    for (place, (mut answer, cache_key)) in answers.into_iter().zip(cache_keys).enumerate() {
        if let Some(failure) = refused.get_mut(place).and_then(Option::take) {
            kept.push(Err(failure));
            continue;
        }
        answer.partial =
            fetched.is_cut && load.window.is_none() || cut.binary_search(&place).is_ok();
        // a total of several keys is nobody's own
        answer.total = fetched.total.filter(|_| keys.len() == 1);
        let answer = Arc::new(answer);
        let tags = || cache::tags(graph, call, declared, &answer);
        shelf.fill(Arc::clone(cache_key), &answer, tags, lifetime.clone(), began);
        for fill in &call.fills {
            let lifetime = Lifetime { validators: None, ..lifetime_as(fill.call) };
            fill_by_id(loader, load, fill, &answer, &lifetime, began);
        }
        kept.push(Ok(Loaded::now(answer)));
    }
    Ok(kept)
}

/// The failures of keys that an answer refuses, by the keys' places: of those alone that have no record.
fn refused(
    loader: &Loader,
    call: &Call,
    keys: &[Key],
    answers: &[Answer],
    fetched: &Fetched,
) -> Vec<Option<LoadError>> {
    let mut failures = Vec::new();
    for (places, Refusal { code, message }) in mapping::refusals(call, &fetched.payloads, keys) {
        failures.resize(keys.len(), None);
        let error = BackendError::Unsuccessful { code, message };
        loader.backends.tell(call, &error);
        let failure = failure(loader, call, error);
        for (place, (seat, answer)) in failures.iter_mut().zip(answers).enumerate() {
            let is_meant = places.as_ref().is_none_or(|places| places.contains(&place));
            if is_meant && answer.rows.is_empty() && seat.is_none() {
                *seat = Some(Arc::clone(&failure));
            }
        }
    }
    failures
}

/// What the backend says is still so is in time again.
fn renew(
    loader: &Loader,
    load: &Load,
    cache_keys: &[Arc<[u8]>],
    answer: &Arc<Answer>,
    fetched: &Fetched,
    began: Epoch,
) {
    let (graph, Some(cache_key)) = (&loader.graph, cache_keys.first()) else { return };
    let call = graph.call(load.call);
    let schema = graph.ages.of(load.call, load.shape, load.wanted);
    let lifetime = loader.cache.lifetime(call, &fetched.freshness, schema);
    let tags = || cache::tags(graph, call, graph.shape(load.shape).ty, answer);
    let shelf = loader.cache.shelf(&load.prefix);
    shelf.fill(Arc::clone(cache_key), answer, tags, lifetime, began);
    loader.cache.used(Past::Unchanged);
}

/// A list's records are also the answers of a by-id call, where the vendor file says so.
fn fill_by_id(
    loader: &Loader,
    load: &Load,
    fill: &Fill,
    answer: &Answer,
    lifetime: &Lifetime,
    began: Epoch,
) {
    let graph = &loader.graph;
    let target = graph.call(fill.call);
    if !target.inputs.is_empty() {
        return;
    }
    let prefix = cache_prefix(target, load.shape, &load.arguments, None, &load.principal);
    let shelf = loader.cache.shelf(&prefix);
    for row in &answer.rows {
        let texts: Option<Vec<_>> =
            fill.slots.iter().map(|slot| answer.key_text(graph, *row, *slot)).collect();
        let Some(key) = texts.and_then(|texts| Key::composite(texts.iter().map(|text| &**text)))
        else {
            continue;
        };
        let own = Arc::new(answer.row_alone(graph, *row));
        let tags = || cache::tags(graph, target, graph.shape(load.shape).ty, &own);
        let cache_key = [&prefix[..], key.as_str().as_bytes()].concat();
        shelf.fill(cache_key, &own, tags, lifetime.clone(), began);
    }
}

/// A write: sent once, never shared, never kept. What it makes stale is dropped by the caller.
pub async fn write(loader: &Loader, load: &mut Load, key: &Key) -> Result<Arc<Answer>, LoadError> {
    load.project(&loader.graph);
    match answers(loader, load, std::slice::from_ref(key)).await {
        Ok((answers, _)) => Ok(Arc::new(answers.into_iter().next().unwrap_or_default())),
        Err(error) => Err(failure(loader, loader.graph.call(load.call), error)),
    }
}
