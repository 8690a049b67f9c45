//! Reserved streams: who may use them, and the operations whose results go through each.
//!
//! A stream belongs to who reserved it. To anybody else it does not exist, whatever token they show. It ends with its connection, and
//! with it everything that it was waiting for; a task of its own drives its operations, so that a client that reads slowly
//! holds none of them up, and no backend's permit.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::{self, BoxStream, SelectAll, StreamExt as _};
use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::config::settings::Streams as Bounds;
use crate::error::ErrorCode;
use crate::http::request::Refusal;
use crate::principal::Principal;
use crate::telemetry::context::carried;

/// The events of one operation, `complete` as the last.
pub(super) type Operation = BoxStream<'static, Part>;

pub(super) struct Part {
    pub(super) text: Bytes,
    /// The operation that ends with it: its id, and which of that id.
    pub(super) ends: Option<(Box<str>, u64)>,
}

/// Every reserved stream, by its token.
#[derive(Debug, Default)]
pub(in crate::http) struct Streams(Mutex<FxHashMap<Box<str>, Arc<Reserved>>>);

#[derive(Debug)]
pub(super) struct Reserved {
    asker: Asker,
    /// Until when it is kept without a connection.
    end: Instant,
    state: Mutex<State>,
    operations: mpsc::UnboundedSender<Abortable<Operation>>,
}

#[derive(Debug)]
struct State {
    /// Taken by the connection.
    receiver: Option<mpsc::UnboundedReceiver<Abortable<Operation>>>,
    running: FxHashMap<Box<str>, (u64, AbortHandle)>,
    count: u64,
}

/// Who asks, as far as streams are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Asker {
    tenant: Arc<str>,
    who: Who,
    address: Option<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Subject(Arc<str>),
    /// Told apart by the headers that reach backends.
    Anonymous(Vec<(Arc<str>, Arc<str>)>),
}

impl Asker {
    pub(in crate::http) fn new(principal: &Principal, address: Option<IpAddr>) -> Self {
        let who = match &principal.subject {
            Some(subject) => Who::Subject(Arc::clone(subject)),
            None => Who::Anonymous(principal.headers.clone()),
        };
        Self { tenant: Arc::clone(&principal.tenant), who, address }
    }

    fn owns_what(&self, other: &Self) -> bool {
        self.tenant == other.tenant && self.who == other.who
    }

    /// Whose streams are counted together: a subject's, or those from one address.
    fn counts_with(&self, other: &Self) -> bool {
        match (&self.who, &other.who) {
            (Who::Subject(one), Who::Subject(another)) => {
                one == another && self.tenant == other.tenant
            }
            (Who::Anonymous(_), Who::Anonymous(_)) => self.address == other.address,
            _ => false,
        }
    }
}

impl Streams {
    /// A token for one stream.
    pub(super) fn reserve(
        &self,
        asker: Asker,
        bounds: Bounds,
        most: usize,
    ) -> Result<String, Refusal> {
        let mut all = self.all();
        let now = Instant::now();
        all.retain(|_, stream| stream.is_open() || stream.end > now);
        let own = all.values().filter(|stream| stream.asker.counts_with(&asker)).count();
        if own >= bounds.per_client || all.len() >= most {
            let message = format!(
                "{own} streams are reserved already; http.streams.per_client allows {}",
                bounds.per_client
            );
            return Err(limit(ErrorCode::StreamsLimit, message));
        }
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Refusal::new(status, ErrorCode::Internal, "the system gives no random numbers")
        })?;
        let token = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let (operations, receiver) = mpsc::unbounded_channel();
        let state = State { receiver: Some(receiver), running: FxHashMap::default(), count: 0 };
        let end = now + bounds.reservation;
        let reserved = Reserved { asker, end, state: Mutex::new(state), operations };
        all.insert(token.as_str().into(), Arc::new(reserved));
        Ok(token)
    }

    /// The stream behind a token, for whom it belongs to.
    pub(super) fn find(&self, token: &str, asker: &Asker) -> Result<Arc<Reserved>, Refusal> {
        let all = self.all();
        let stream = all.get(token).filter(|stream| {
            stream.asker.owns_what(asker) && (stream.is_open() || stream.end > Instant::now())
        });
        stream.map(Arc::clone).ok_or_else(|| {
            let message = "no stream is reserved under this token; reserve one by PUT";
            Refusal::new(StatusCode::NOT_FOUND, ErrorCode::StreamNotFound, message)
        })
    }

    /// Connects a stream, once. Its task ends when the events are dropped.
    pub(super) fn open(
        streams: &Arc<Self>,
        token: &str,
        stream: Arc<Reserved>,
        draining: watch::Receiver<bool>,
    ) -> Result<BoxStream<'static, Bytes>, Refusal> {
        let Some(receiver) = stream.state().receiver.take() else {
            let message = "the stream of this token is open already";
            return Err(Refusal::new(StatusCode::CONFLICT, ErrorCode::StreamConflict, message));
        };
        let (sender, events) = mpsc::channel(1);
        let (streams, token) = (Arc::clone(streams), Box::<str>::from(token));
        let task = async move {
            drive(&stream, receiver, sender, draining).await;
            streams.all().remove(&token);
        };
        tokio::spawn(carried(task));
        let next = |mut events: mpsc::Receiver<Bytes>| async move {
            events.recv().await.map(|event| (event, events))
        };
        Ok(stream::unfold(events, next).boxed())
    }

    fn all(&self) -> MutexGuard<'_, FxHashMap<Box<str>, Arc<Reserved>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reserved {
    /// Adds an operation. It starts when the stream is open.
    pub(super) fn submit(
        &self,
        id: &str,
        most: usize,
        operation: impl FnOnce(u64) -> Operation,
    ) -> Result<(), Refusal> {
        let mut state = self.state();
        if state.running.contains_key(id) {
            let message = "an operation with this `operationId` runs already";
            return Err(Refusal::new(StatusCode::CONFLICT, ErrorCode::StreamConflict, message));
        }
        if state.running.len() >= most {
            let message = format!(
                "{} operations run on this stream already, as many as http.streams.operations allows",
                state.running.len()
            );
            return Err(limit(ErrorCode::StreamOperationsLimit, message));
        }
        state.count += 1;
        let number = state.count;
        let (handle, registration) = AbortHandle::new_pair();
        state.running.insert(id.into(), (number, handle));
        // an error means that the connection has just ended, and the operation with it
        drop(self.operations.send(Abortable::new(operation(number), registration)));
        Ok(())
    }

    /// Ends an operation that nobody waits for anymore.
    pub(super) fn give_up(&self, id: &str) {
        if let Some((_, handle)) = self.state().running.remove(id) {
            handle.abort();
        }
    }

    fn ended(&self, id: &str, number: u64) {
        let mut state = self.state();
        // one that was given up may have a successor of its name
        if state.running.get(id).is_some_and(|(running, _)| *running == number) {
            state.running.remove(id);
        }
    }

    fn is_open(&self) -> bool {
        self.state().receiver.is_none()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a stream's operations until its connection ends, or the server stops and they are done.
async fn drive(
    stream: &Reserved,
    mut operations: mpsc::UnboundedReceiver<Abortable<Operation>>,
    events: mpsc::Sender<Bytes>,
    mut draining: watch::Receiver<bool>,
) {
    let mut running = SelectAll::new();
    let mut written: VecDeque<Part> = VecDeque::new();
    let mut is_draining = false;
    while !(is_draining && running.is_empty() && written.is_empty() && operations.is_empty()) {
        tokio::select! {
            biased;
            () = events.closed() => return,
            place = events.reserve(), if !written.is_empty() => {
                let (Ok(place), Some(part)) = (place, written.pop_front()) else { return };
                place.send(part.text);
                if let Some((id, number)) = part.ends {
                    stream.ended(&id, number);
                }
            }
            Some(part) = running.next(), if !running.is_empty() => written.push_back(part),
            Some(operation) = operations.recv() => running.push(operation),
            _ = draining.wait_for(|it| *it), if !is_draining => is_draining = true,
        }
    }
}

fn limit(code: ErrorCode, message: String) -> Refusal {
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, code, message)
}
