//! Traces and metrics for a collector of OpenTelemetry, each by a task of its own.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout_at};

use super::delivery::{self, News, Trouble, deliver};
use crate::admin;
use crate::config::settings::Otlp;
use crate::error::BackendError;
use crate::http::Server;
use crate::telemetry::counts::{ExportCounts, Signal};
use crate::telemetry::otlp;
use crate::telemetry::span::{Ended, Recorder};
use crate::transport::{Post, Posted};

/// Spans that wait to be sent; one more is dropped.
const ROOM: usize = 4096;
/// Spans of one export.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const LINGER: Duration = Duration::from_secs(1);
/// Attempts of an export of spans. Metrics come again by themselves.
const ATTEMPTS: u32 = 3;
const MEDIA: &str = "application/x-protobuf";
/// Which exporter this is, and in which language it is written, as the protocol wants it.
const AGENT: &str = concat!("cyclorama-otlp-rust/", env!("CARGO_PKG_VERSION"));

/// What records traces as the settings say, and what is recorded.
pub fn recorder(
    settings: Option<&Otlp>,
    counts: &Arc<ExportCounts>,
) -> (Option<Recorder>, Option<mpsc::Receiver<Ended>>) {
    let sampler = settings.and_then(|settings| settings.traces);
    let made = sampler.map(|sampler| Recorder::new(sampler, ROOM, Arc::clone(counts)));
    made.map_or((None, None), |(recorder, ended)| (Some(recorder), Some(ended)))
}

/// Begins to export what the settings want, until it is finished.
pub(super) fn start(
    settings: &Otlp,
    (server, ended): (&Server, Option<mpsc::Receiver<Ended>>),
    counts: &Arc<ExportCounts>,
    (tasks, finished): (&mut JoinSet<()>, &watch::Receiver<bool>),
) -> Result<(), BackendError> {
    let source = source(settings);
    let exporter = |signal, path| {
        let mut headers = vec![("content-type", MEDIA), ("user-agent", AGENT)];
        headers.extend(settings.is_packed.then_some(("content-encoding", "gzip")));
        let post = delivery::post_with(&settings.collector, path, &headers)?;
        let (counts, trouble) = (Arc::clone(counts), Trouble::default());
        let is_packed = settings.is_packed;
        Ok::<_, BackendError>(Exporter { signal, post, is_packed, counts, trouble })
    };
    if let Some(ended) = ended {
        let exporter = exporter(Signal::Traces, "/v1/traces")?;
        tasks.spawn(traces(exporter, source.clone(), ended, finished.clone()));
    }
    if let Some(every) = settings.metrics {
        let exporter = exporter(Signal::Metrics, "/v1/metrics")?;
        tasks.spawn(metrics(exporter, source, (server.clone(), every), finished.clone()));
    }
    Ok(())
}

/// Who tells: what the settings say, and which process of them.
fn source(settings: &Otlp) -> Vec<(Arc<str>, Arc<str>)> {
    let id = format!("{:016x}", crate::telemetry::trace::random());
    let own = [
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", &id),
        ("telemetry.sdk.name", env!("CARGO_PKG_NAME")),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    let mut source = settings.resource.clone();
    for (name, value) in own {
        if !source.iter().any(|(other, _)| **other == *name) {
            source.push((Arc::from(name), Arc::from(value)));
        }
    }
    source
}

struct Exporter {
    signal: Signal,
    post: Post,
    is_packed: bool,
    counts: Arc<ExportCounts>,
    trouble: Trouble,
}

impl Exporter {
    /// How many of what was sent were not taken, of so many.
    async fn send(&mut self, body: Vec<u8>, attempts: u32, all: u64) -> u64 {
        let body = if self.is_packed { packed(&body) } else { Ok(body) };
        let went = match body {
            Ok(body) => deliver(&self.post, Bytes::from(body), attempts).await,
            Err(source) => Err(BackendError::Exchange { source: Box::new(source) }),
        };
        let lost = match &went {
            Ok(posted) if posted.is_taken() => otlp::rejected(self.signal, &posted.body).min(all),
            _ => all,
        };
        self.tell(&went, lost);
        lost
    }

    fn tell(&mut self, went: &Result<Posted, BackendError>, lost: u64) {
        let signal = self.signal.as_str();
        let is_taken = went.as_ref().is_ok_and(Posted::is_taken);
        self.counts.exported(self.signal, is_taken);
        match self.trouble.note(went, Instant::now()) {
            Some(News::Failed { times, reason }) => {
                tracing::warn!(
                    signal,
                    times,
                    error = reason,
                    "the collector does not take exports"
                );
            }
            Some(News::Well) => tracing::info!(signal, "the collector takes exports again"),
            None if is_taken && lost > 0 => {
                tracing::debug!(signal, lost, "the collector refused a part of an export");
            }
            None => {}
        }
    }
}

/// By gzip, fast rather than well: it is done where requests are answered.
fn packed(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body)?;
    packed.finish()
}

/// Sends spans in batches, until it is told to finish and none is left.
async fn traces(
    mut exporter: Exporter,
    source: Vec<(Arc<str>, Arc<str>)>,
    mut ended: mpsc::Receiver<Ended>,
    mut finished: watch::Receiver<bool>,
) {
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        let is_over = gather(&mut batch, &mut ended, &mut finished).await;
        if !batch.is_empty() {
            let all = batch.len() as u64;
            let body = otlp::traces(&source, batch);
            let lost = exporter.send(body, ATTEMPTS, all).await;
            exporter.counts.spans_sent(all, lost);
        }
        if is_over {
            return;
        }
    }
}

/// Waits for a batch. Whether it is the last one.
async fn gather(
    batch: &mut Vec<Ended>,
    ended: &mut mpsc::Receiver<Ended>,
    finished: &mut watch::Receiver<bool>,
) -> bool {
    let mut end = None;
    while batch.len() < BATCH {
        let (room, is_closed) = (BATCH - batch.len(), ended.is_closed());
        let more = async {
            match end {
                None => Some(ended.recv_many(batch, room).await),
                Some(end) => timeout_at(end, ended.recv_many(batch, room)).await.ok(),
            }
        };
        let came = tokio::select! {
            biased;
            // an error means that whoever tells is gone, which is the same
            _ = finished.wait_for(|is_finished| *is_finished), if !is_closed => {
                // nothing more is taken, what is there is still received
                ended.close();
                continue;
            }
            came = more => came,
        };
        match came {
            Some(0) => return true,
            Some(_) => end = end.or_else(|| Some(Instant::now() + LINGER)),
            None => return false,
        }
    }
    false
}

/// Sends the figures from time to time, and once more at the end.
async fn metrics(
    mut exporter: Exporter,
    source: Vec<(Arc<str>, Arc<str>)>,
    (server, every): (Server, Duration),
    mut finished: watch::Receiver<bool>,
) {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_over = tokio::select! {
            _ = ticks.tick() => false,
            _ = finished.wait_for(|is_finished| *is_finished) => true,
        };
        let figures = admin::metrics(&server);
        let points = figures.families.iter().map(|family| family.samples.len() as u64).sum();
        exporter.send(otlp::metrics(&source, &figures, server.began()), 1, points).await;
        if is_over {
            return;
        }
    }
}
