//! One attempt on the wire: sent, waited for, given up.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::concurrency::Permit;
use super::deadline::{Deadline, Late};
use super::line::Line;
use super::log::Log;
use super::tally::{Ended, Outcome, Tally};
use crate::error::BackendError;
use crate::graph::Method;
use crate::telemetry::span::Span;
use crate::transport::{WireRequest, WireResponse};

pub(super) type Exchange = BoxFuture<'static, Result<WireResponse, BackendError>>;

/// A request that may be sent, and what is told of it; `None`: it belongs to no trace.
pub(super) struct Outgoing {
    pub(super) request: WireRequest,
    pub(super) span: Option<Span>,
}

/// Sends and waits, no longer than the call's timeout and the operation's deadline; whichever is sooner names the error. The permit
/// goes back with the answer.
pub(super) fn exchange(
    line: &Arc<Line>,
    outgoing: Outgoing,
    permit: Permit,
    timeout: Duration,
    deadline: &Deadline,
) -> Exchange {
    let (line, deadline) = (Arc::clone(line), deadline.clone());
    let Outgoing { request, span } = outgoing;
    Box::pin(async move {
        let _permit = permit;
        let began = Instant::now();
        let sent = Sent::new(&line.tally, request.method, span, began);
        let end = began + timeout;
        let sending = pin!(line.wire.send(request));
        let answered = deadline.within_bound(Some(end), sending).await;
        let answered = match answered {
            Ok(result) => result,
            Err(Late::Bound) => Err(BackendError::Timeout { after: timeout }),
            Err(Late::Deadline) => Err(BackendError::DeadlineExceeded),
        };
        sent.came(&answered);
        answered
    })
}

/// A write that was begun is awaited to its end, also when the caller goes away.
pub(super) async fn finish(
    exchange: Exchange,
    log: Log,
    attempt: u32,
) -> Result<WireResponse, BackendError> {
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        // The caller is gone: nobody else will tell.
        if let Err(Err(error)) = sender.send(exchange.await) {
            log.failed(&error, attempt);
        }
    });
    receiver.await.unwrap_or(Err(BackendError::OutcomeUnknown))
}

/// A request that is on its way: dropped, it was given up.
struct Sent<'a> {
    tally: &'a Tally,
    method: Method,
    began: Instant,
    came: bool,
    span: Option<Span>,
}

impl<'a> Sent<'a> {
    fn new(tally: &'a Tally, method: Method, span: Option<Span>, began: Instant) -> Self {
        Tally::count(&tally.attempts);
        Self { tally, method, began, came: false, span }
    }

    /// It ended by itself, and whoever waits says how.
    fn came(mut self, answered: &Result<WireResponse, BackendError>) {
        self.came = true;
        let Some(span) = &mut self.span else { return };
        match answered {
            Ok(response) => {
                span.set("http.response.status_code", u64::from(response.status));
                if response.status >= 400 {
                    span.fail(Arc::from(response.status.to_string()));
                }
            }
            Err(error) => span.fail(Outcome::of(error).map_or("not_sent", Outcome::as_str)),
        }
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if !self.came {
            let now = Instant::now();
            let ended = Ended::new(self.method, None, Outcome::GivenUp);
            self.tally.ended(ended, now - self.began, now);
            if let Some(span) = &mut self.span {
                span.fail(Outcome::GivenUp.as_str());
            }
        }
    }
}
