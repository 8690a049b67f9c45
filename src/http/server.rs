//! What serves at one address, whichever graph is current.
//!
//! A request takes the current graph when it begins, and keeps it to its end; a socket takes it anew for each of its operations.
//! A reload puts another graph in its place. The old one goes when the last request that has it is done.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::SystemTime;

use axum::extract::FromRef;
use axum::http::HeaderValue;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::admit::Load;
use super::checks::{Checks, Health};
use super::edge::Edge;
use super::meters::Meters;
use super::observe::Observer;
use super::overload::OperationCounts;
use super::reloads::{Reload, ReloadCounts, Reloads};
use super::{Settings, events, listen, page, room};
use crate::engine::Engine;
use crate::graph::{Backend, Graph};
use crate::telemetry::counts::ExportCounts;
use crate::telemetry::exposition::Exposition;
use crate::telemetry::span::Recorder;

/// One graph at an address.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) engine: Arc<Engine>,
    pub(super) settings: Settings,
    pub(super) page: Option<page::Page>,
    pub(super) schema_etag: HeaderValue,
    pub(super) streams: Arc<events::Streams>,
    /// Turns true once; open sockets listen to it.
    pub(super) draining: Arc<watch::Sender<bool>>,
    pub(super) load: Arc<Load>,
    began: SystemTime,
}

impl Gateway {
    fn new(
        engine: Arc<Engine>,
        settings: Settings,
        streams: Arc<events::Streams>,
        draining: Arc<watch::Sender<bool>>,
        load: Arc<Load>,
    ) -> Arc<Self> {
        let page = settings.graphiql.then(|| page::Page::new(engine.graph(), &settings.examples));
        let schema_etag = page::etag(engine.graph().sdl.as_bytes());
        let began = SystemTime::now();
        Arc::new(Self { engine, settings, page, schema_etag, streams, draining, load, began })
    }
}

/// A server and whatever outlives one graph of it. Clones are the same server.
#[derive(Clone, Debug)]
pub struct Server {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    current: RwLock<Arc<Gateway>>,
    /// Graphs that were replaced, for as long as a request has them.
    retired: Mutex<Vec<Weak<Graph>>>,
    /// Counts graphs, from one on.
    generation: AtomicU64,
    is_leaving: AtomicBool,
    reloads: Reloads,
    checks: Arc<Checks>,
    meters: Arc<Meters>,
    recorder: Option<Arc<Recorder>>,
    exports: Arc<ExportCounts>,
    began: SystemTime,
}

/// How many graphs there are and were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generations {
    /// The number of the current graph: one, and one more with each reload.
    pub current: u64,
    /// Graphs in memory: the current one, and those that a request still has.
    pub alive: usize,
}

impl Server {
    pub fn new(engine: Arc<Engine>, settings: Settings) -> Self {
        Self::recorded(engine, settings, None, Arc::default())
    }

    /// One whose traces are recorded, and that tells what became of what is exported.
    pub fn recorded(
        engine: Arc<Engine>,
        settings: Settings,
        recorder: Option<Recorder>,
        exports: Arc<ExportCounts>,
    ) -> Self {
        let draining = Arc::new(watch::Sender::new(false));
        let gateway = Gateway::new(engine, settings, Arc::default(), draining, Arc::default());
        let shared = Shared {
            current: RwLock::new(gateway),
            retired: Mutex::default(),
            generation: AtomicU64::new(1),
            is_leaving: AtomicBool::new(false),
            reloads: Reloads::default(),
            checks: Arc::default(),
            meters: Arc::default(),
            recorder: recorder.map(Arc::new),
            exports,
            began: SystemTime::now(),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(super) fn current(&self) -> Arc<Gateway> {
        Arc::clone(&self.shared.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The engine of the current graph.
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.current().engine)
    }

    /// Serves another graph from the next request on, and gives its number. Reserved streams stay.
    pub fn replace(&self, engine: Arc<Engine>, settings: Settings) -> u64 {
        let shared = &self.shared;
        let mut current = shared.current.write().unwrap_or_else(PoisonError::into_inner);
        let (streams, draining) = (Arc::clone(&current.streams), Arc::clone(&current.draining));
        let load = Arc::clone(&current.load);
        let next = Gateway::new(engine, settings, streams, draining, load);
        let old = std::mem::replace(&mut *current, next);
        let generation = shared.generation.fetch_add(1, Ordering::Relaxed) + 1;
        drop(current);
        let mut retired = shared.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.push(Arc::downgrade(old.engine.graph()));
        drop(old);
        retired.retain(|one| one.strong_count() > 0);
        generation
    }

    pub fn generations(&self) -> Generations {
        let mut retired = self.shared.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.retain(|one| one.strong_count() > 0);
        let current = self.shared.generation.load(Ordering::Relaxed);
        Generations { current, alive: retired.len() + 1 }
    }

    /// Notes what a reading of the files came to.
    pub fn reloaded(&self, reload: Reload) {
        self.shared.reloads.add(reload);
    }

    /// How often files were read while serving, and the last time that it made a difference.
    pub fn reloads(&self) -> (ReloadCounts, Option<Reload>) {
        self.shared.reloads.get()
    }

    pub(super) fn checks(&self) -> Arc<Checks> {
        Arc::clone(&self.shared.checks)
    }

    /// What the health checks of backends found, by role, in the order of the current graph; `None` where none was made.
    pub fn health(&self) -> Vec<(Arc<str>, Option<Health>)> {
        let mut found = self.shared.checks.get();
        let engine = self.engine();
        let backends = engine.graph().backends.iter();
        let mut checked =
            |backend: &Backend| backend.health.as_ref().and(found.remove(&backend.role));
        backends.map(|backend| (Arc::clone(&backend.role), checked(backend))).collect()
    }

    pub(super) fn observer(&self) -> Observer {
        let Shared { meters, recorder, .. } = &*self.shared;
        Observer { meters: Arc::clone(meters), recorder: recorder.clone() }
    }

    /// Requests in numbers, and what became of what is exported.
    pub fn expose(&self, out: &mut Exposition) {
        self.shared.meters.expose(out);
        self.shared.exports.expose(out);
    }

    /// When the process began to serve.
    pub fn began(&self) -> SystemTime {
        self.shared.began
    }

    /// When the current graph began to.
    pub fn graph_began(&self) -> SystemTime {
        self.current().began
    }

    /// From now on `/readyz` says that this server is about to stop, so that nothing new is sent to it; it still serves.
    pub fn leave(&self) {
        self.shared.is_leaving.store(true, Ordering::Relaxed);
    }

    /// Whether the server stops, or is about to.
    pub fn is_leaving(&self) -> bool {
        self.shared.is_leaving.load(Ordering::Relaxed) || *self.current().draining.borrow()
    }

    /// How many operations run, ran and were refused.
    pub fn operations(&self) -> OperationCounts {
        let gateway = self.current();
        gateway.load.overload.counts(&gateway.settings.http.overload)
    }

    /// How many operations were refused because their client had used its budget.
    pub fn rate_limited(&self) -> u64 {
        self.current().load.rates.limited()
    }

    /// Whether so many operations were refused lately that nothing should be sent here.
    pub fn is_overloaded(&self) -> bool {
        self.current().load.overload.is_unready(Instant::now())
    }

    /// Whether requests should be sent here.
    pub fn is_ready(&self) -> bool {
        !self.is_leaving() && !self.is_overloaded()
    }

    /// How long connections are still taken once the server is told to stop.
    pub fn notice(&self) -> std::time::Duration {
        self.current().settings.http.notice
    }
}

impl FromRef<Server> for Arc<Gateway> {
    fn from_ref(server: &Server) -> Self {
        server.current()
    }
}

/// Serves until `stop` is ready, then lets running requests finish for as long as the settings allow.
pub async fn serve(
    listener: TcpListener,
    server: Server,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let is_local = listener.local_addr()?.ip().is_loopback();
    let edge = Edge::of_graph(&server, is_local);
    let mut watched = JoinSet::new();
    // among the tasks, not beside them: it is to wait as they do
    watched.spawn(room::watch(server.clone()));
    let draining = Arc::clone(&server.current().draining);
    let mut drained = draining.subscribe();
    let accepting = listen::serve(listener, edge, server.clone(), draining.subscribe());
    let drain = async {
        stop.await;
        server.leave();
        tracing::info!("stopping: no new connections, running requests finish");
        draining.send_replace(true);
    };
    let overtime = async {
        // it cannot fail: the sender is held here
        drop(drained.wait_for(|is_draining| *is_draining).await);
        let grace = server.current().settings.http.grace;
        tokio::time::sleep(grace).await;
        grace
    };
    let finish = async {
        tokio::join!(drain, accepting);
    };
    tokio::select! {
        () = finish => {}
        grace = overtime => {
            tracing::warn!(grace_ms = grace.as_millis(), "stopped with requests still running");
        }
    }
    Ok(())
}

/// Serves routes of another listener, under the same bounds of connections, until it is dropped.
pub async fn serve_beside(listener: TcpListener, routes: axum::Router, server: Server) {
    let never = watch::Sender::new(false);
    let edge = Edge::of_routes(routes, server.observer());
    listen::serve(listener, edge, server, never.subscribe()).await;
}
