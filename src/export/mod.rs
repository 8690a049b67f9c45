//! What happens here, told to others: traces and metrics by OTLP, alerts to a webhook.
//!
//! Takes: spans that have ended, a server's figures, who is to be told.
//! Gives: exports, until it is told to finish; what became of them, in numbers, and at most one line a minute in the log.
//! Never: makes a request wait, or keeps more than a bounded number of spans.

mod alerts;
mod delivery;
mod otlp;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use otlp::recorder;

use crate::config::settings::{Otlp, Receiver};
use crate::error::BackendError;
use crate::http::Server;
use crate::telemetry::counts::ExportCounts;
use crate::telemetry::span::Ended;

/// The tasks that tell others.
#[derive(Debug)]
pub struct Export {
    tasks: JoinSet<()>,
    finish: watch::Sender<bool>,
}

/// Who is to be told, and of what.
#[derive(Debug)]
pub struct Told<'a> {
    pub otlp: Option<&'a Otlp>,
    /// Spans of what is recorded.
    pub ended: Option<mpsc::Receiver<Ended>>,
    pub webhook: Option<&'a Receiver>,
}

impl Export {
    /// Begins to tell what happens at this server.
    pub fn start(
        told: Told<'_>,
        server: &Server,
        counts: &Arc<ExportCounts>,
    ) -> Result<Self, BackendError> {
        let (finish, finished) = watch::channel(false);
        let mut tasks = JoinSet::new();
        if let Some(settings) = told.otlp {
            let from = (server, told.ended);
            otlp::start(settings, from, counts, (&mut tasks, &finished))?;
        }
        if let Some(webhook) = told.webhook {
            alerts::start(webhook, server, counts, (&mut tasks, &finished))?;
        }
        Ok(Self { tasks, finish })
    }

    /// Sends what is still there, no longer than this.
    pub async fn finish(mut self, within: Duration) {
        if self.tasks.is_empty() {
            return;
        }
        self.finish.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(within, all).await.is_err() {
            tracing::warn!(
                within_ms = within.as_millis(),
                "stopped with spans, metrics or alerts that nobody took in time"
            );
        }
    }
}
