//! Reading the files anew while serving: when they change, on SIGHUP, and when the admin call says so.
//!
//! One task does it, one reading after the other. The graph that serves is only ever replaced by one without errors.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::files::Deployment;
use super::serve::{edge, engine_settings};
use super::signals::Hangup;
use crate::compile::{Compiled, Files, compile};
use crate::config::settings::Settings;
use crate::diagnostic::{self, render};
use crate::error::chain;
use crate::http::{Examples, Reload, ReloadOutcome, Server};

/// Readings that may wait for their turn; who asks for more waits to ask.
const WAITING_MAX: usize = 16;

/// What reads the files, and what it began with.
pub(super) struct Reloader {
    config: PathBuf,
    server: Server,
    /// The settings with which the process began.
    began: Settings,
    /// The files that serve.
    served: u64,
    /// The files that were read last: they serve, or were refused.
    read: u64,
}

/// What the files say.
struct Reading {
    fingerprint: u64,
    /// `None`: they have errors.
    deployment: Option<Deployment>,
    report: Value,
    /// The report for people.
    text: String,
}

impl Reading {
    /// Blocks.
    fn of(config: &Path) -> Self {
        let files = Files::read(config);
        let Compiled { graph, settings, diagnostics, .. } = compile(&files);
        let graph = graph.filter(|_| !diagnostic::has_errors(&diagnostics));
        Self {
            fingerprint: files.fingerprint(),
            deployment: graph.map(|graph| Deployment { graph: Arc::new(graph), settings }),
            report: render::json(&diagnostics, &files.sources),
            text: render::plain(&diagnostics, &files.sources),
        }
    }
}

impl Reloader {
    /// `files` are those that serve.
    pub(super) fn new(config: PathBuf, files: &Files, began: Settings, server: Server) -> Self {
        let now = files.fingerprint();
        Self { config, server, began, served: now, read: now }
    }

    /// Reads the files whenever there is reason to, for as long as the process lives. Whoever sends is told what came of it.
    pub(super) fn start(self) -> mpsc::Sender<oneshot::Sender<Reload>> {
        let (told, asked) = mpsc::channel(WAITING_MAX);
        tokio::spawn(self.run(asked));
        told
    }

    async fn run(mut self, mut asked: mpsc::Receiver<oneshot::Sender<Reload>>) {
        let settings = self.began.reload;
        let mut looks = tokio::time::interval(settings.every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut hangup = Hangup::new();
        let mut changed = None;
        loop {
            tokio::select! {
                // without an admin listener nobody asks, and the rest goes on
                Some(answer) = asked.recv() => {
                    let reload = self.reload("the admin call").await;
                    // an error means that who asked has left
                    drop(answer.send(reload));
                }
                () = hangup.heard() => {
                    self.reload("SIGHUP").await;
                }
                _ = looks.tick(), if settings.watch => {
                    let now = self.look().await;
                    // what has changed must be the same twice: somebody may be writing yet
                    if now != self.read && changed.replace(now) == Some(now) {
                        self.reload("the files have changed").await;
                    }
                }
            }
        }
    }

    async fn look(&self) -> u64 {
        let config = self.config.clone();
        let look = tokio::task::spawn_blocking(move || Files::read(&config).fingerprint());
        look.await.unwrap_or(self.read)
    }

    async fn reload(&mut self, reason: &'static str) -> Reload {
        let config = self.config.clone();
        let reload = match tokio::task::spawn_blocking(move || Reading::of(&config)).await {
            Ok(reading) => self.apply(reading, reason),
            Err(error) => self.refused(reason, failed(&chain(&error)), &chain(&error)),
        };
        self.server.reloaded(reload.clone());
        reload
    }

    fn apply(&mut self, reading: Reading, reason: &'static str) -> Reload {
        self.read = reading.fingerprint;
        let Some(Deployment { graph, settings }) = reading.deployment else {
            return self.refused(reason, reading.report, &reading.text);
        };
        if reading.fingerprint == self.served {
            return self.told(ReloadOutcome::Unchanged, reading.report, Vec::new());
        }
        let engine = self.server.engine().after(graph, &engine_settings(&settings));
        let engine = match engine {
            Ok(engine) => engine,
            Err(error) => return self.refused(reason, failed(&chain(&error)), &chain(&error)),
        };
        let needs_restart = changed_for_good(&self.began, &settings);
        let generation = self.server.replace(engine, edge(&settings, Examples::default()));
        self.served = reading.fingerprint;
        tracing::info!(
            reason,
            generation,
            warnings = reading.text,
            ?needs_restart,
            "another graph serves"
        );
        self.told(ReloadOutcome::Applied, reading.report, needs_restart)
    }

    fn refused(&self, reason: &'static str, report: Value, text: &str) -> Reload {
        let generation = self.server.generations().current;
        tracing::error!(
            reason,
            generation,
            diagnostics = text,
            "the files were refused: the graph before them serves on"
        );
        self.told(ReloadOutcome::Refused, report, Vec::new())
    }

    fn told(
        &self,
        outcome: ReloadOutcome,
        report: Value,
        needs_restart: Vec<&'static str>,
    ) -> Reload {
        let generation = self.server.generations().current;
        Reload { outcome, generation, at: SystemTime::now(), report, needs_restart }
    }
}

/// A problem that is none of the files.
fn failed(reason: &str) -> Value {
    json!({ "errors": 1, "warnings": 0, "diagnostics": [{ "severity": "error", "message": reason, "labels": [] }] })
}

/// The settings that are read when the process begins, and not again.
fn changed_for_good(began: &Settings, now: &Settings) -> Vec<&'static str> {
    let admin = |settings: &Settings| {
        settings.admin.as_ref().map(|admin| (admin.listen, admin.token.clone()))
    };
    let reload = |settings: &Settings| (settings.reload.watch, settings.reload.every);
    let log = |settings: &Settings| (Arc::clone(&settings.log.level), settings.log.format);
    let most = |settings: &Settings| settings.http.connections.most;
    let all = [
        ("listen", began.listen != now.listen),
        ("admin", admin(began) != admin(now)),
        ("reload", reload(began) != reload(now)),
        ("log", log(began) != log(now)),
        ("telemetry", began.otlp != now.otlp),
        ("alerts", began.webhook != now.webhook),
        ("http.connections.most", most(began) != most(now)),
    ];
    all.into_iter().filter(|(_, has_changed)| *has_changed).map(|(name, _)| name).collect()
}
