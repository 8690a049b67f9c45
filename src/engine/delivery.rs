//! Answers in parts: a task that runs the operation, and the payloads that it says, for whoever speaks a protocol.
//!
//! [`Engine::deliver`] gives a [`Delivery`]: the whole answer if nothing was deferred, or a stream of [`Payload`]s, each the
//! JSON of one part. HTTP sends them as `multipart/mixed`, a WebSocket as `next` messages, server-sent events as `next`
//! events; the last one says `is_last`. Dropping the stream ends the operation.
//!
//! The task is there so that the operation goes on, and ends at its deadline, however slowly its client reads.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Polled, Poll, ready};

use futures_util::stream::Stream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;

use super::{Engine, Outcome, Prepared, Response, cost, refused};
use crate::deliver::{self, Format, Payload, Writing};
use crate::error::{ErrorCode, RequestError};
use crate::execute::Running;
use crate::operation::Parts;
use crate::telemetry::context::carried;

/// An answer, in whichever way it comes.
#[derive(Debug)]
pub enum Delivery {
    Whole(Response),
    InParts(Payloads),
}

/// The payloads of one answer, in order, at least two. It ends after the last of them; if it ends before, the operation was
/// lost.
#[derive(Debug)]
pub struct Payloads {
    first: Option<Payload>,
    heard: UnboundedReceiver<Payload>,
    task: AbortHandle,
    /// What whoever asked wants kept until the answer is over.
    held: Option<Box<dyn Any + Send + Sync>>,
}

impl Payloads {
    /// Keeps something for as long as the operation runs.
    #[must_use]
    pub fn holding(mut self, what: impl Any + Send + Sync) -> Self {
        self.held = Some(Box::new(what));
        self
    }
}

impl Drop for Payloads {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stream for Payloads {
    type Item = Payload;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Polled<'_>) -> Poll<Option<Payload>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        Poll::Ready(ready!(self.heard.poll_recv(context)))
    }
}

/// Starts an operation, and waits for the first part of its answer.
pub(super) async fn start(
    engine: Arc<Engine>,
    prepared: Box<Prepared>,
    parts: Parts,
    format: Format,
) -> Delivery {
    let (say, heard) = unbounded_channel();
    let cost = prepared.cost;
    let run = async move {
        let running = Running::new(&prepared.plan, engine.context(&prepared), &parts);
        let writing = Writing {
            graph: &engine.graph,
            plan: &prepared.plan,
            principal: &prepared.principal,
            cursors: &engine.cursors,
            introspection: &prepared.introspection,
            parts: &parts,
        };
        // nobody listening is the end of this task
        deliver::deliver(writing, running, format, |payload| drop(say.send(payload))).await;
    };
    let task = tokio::spawn(carried(run)).abort_handle();
    let mut payloads = Payloads { first: None, heard, task, held: None };
    match payloads.heard.recv().await {
        Some(Payload { body, has_errors, is_whole: true, .. }) => {
            let body = cost::told(body, cost);
            Delivery::Whole(Response { body, outcome: Outcome::Data { has_errors } })
        }
        Some(first) => {
            let body = cost::told(first.body, cost);
            payloads.first = Some(Payload { body, ..first });
            Delivery::InParts(payloads)
        }
        // it panicked, which is in the log
        None => Delivery::Whole(refused(&[RequestError::new(
            ErrorCode::Internal,
            "an internal error; the log has it under this request's id",
        )])),
    }
}
