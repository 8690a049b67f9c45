//! One attempt on the wire: sent, waited for, given up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::Deadline;
use super::concurrency::Permit;
use super::line::Line;
use super::log::Log;
use super::tally::{Outcome, Tally};
use crate::error::BackendError;
use crate::transport::{WireRequest, WireResponse};

pub(super) type Exchange = BoxFuture<'static, Result<WireResponse, BackendError>>;

/// Sends and waits, no longer than the call's timeout and the operation's deadline; whichever is sooner names the error. The permit
/// goes back with the answer.
pub(super) fn exchange(
    line: &Arc<Line>,
    request: WireRequest,
    permit: Permit,
    timeout: Duration,
    deadline: &Deadline,
) -> Exchange {
    let (line, deadline) = (Arc::clone(line), deadline.clone());
    Box::pin(async move {
        let _permit = permit;
        let sent = Sent::new(&line.tally);
        let end = Instant::now() + timeout;
        let answered = deadline.within(timeout_at(end, line.wire.send(request))).await;
        sent.came();
        match answered {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(BackendError::Timeout { after: timeout }),
            None => Err(BackendError::DeadlineExceeded),
        }
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
    began: Instant,
    came: bool,
}

impl<'a> Sent<'a> {
    fn new(tally: &'a Tally) -> Self {
        Tally::count(&tally.attempts);
        Self { tally, began: Instant::now(), came: false }
    }

    /// It ended by itself, and whoever waits says how.
    fn came(mut self) {
        self.came = true;
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if !self.came {
            let now = Instant::now();
            self.tally.ended(Outcome::GivenUp, now - self.began, now);
        }
    }
}
