//! A second request beside a slow one.
//!
//! When a read takes longer than nearly all before it, the same is asked once more, and the first good answer is used; the other request
//! is given up. Only while the backend is well, where a permit and the quota are free at that moment, and within two budgets: a few of a
//! hundred calls, and that of retries, so that both together add no more than retries may. What is hedged is not repeated.

use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::{Instant, timeout};

use super::concurrency::Permit;
use super::exchange::Exchange;
use super::line::Way;
use super::tally::{Ended, Outcome, Tally};
use crate::error::BackendError;
use crate::graph::Method;
use crate::transport::WireResponse;

type Answered = Result<WireResponse, BackendError>;

/// After how long a first attempt is slow; `None`: nothing goes beside it.
pub(super) fn after(way: Way<'_>, attempt: u32) -> Option<Duration> {
    let policy = way.backend.policy.hedge;
    if !policy.enabled || attempt > 1 {
        return None;
    }
    Some(way.group.durations.percentile(policy.percentile)?.max(policy.after))
}

/// The first good answer of the request that was sent and of another that `again` sends if that one is slow. The flag is set when it is.
pub(super) async fn send(
    way: Way<'_>,
    mut first: Exchange,
    after: Duration,
    again: impl FnOnce(Permit) -> Result<Exchange, BackendError>,
    method: Method,
    is_hedged: &mut bool,
) -> Answered {
    let began = Instant::now();
    if let Ok(answered) = timeout(after, first.as_mut()).await {
        return answered;
    }
    let Some(Ok(second)) = way.leave_for_a_hedge().map(again) else { return first.await };
    *is_hedged = true;
    Tally::count(&way.line.tally.hedges);
    let (answered, other, is_second) = match select(first, second).await {
        Either::Left((answered, second)) => (answered, second, false),
        Either::Right((answered, first)) => (answered, first, true),
    };
    let (answered, is_second) = if is_good(&answered) {
        (answered, is_second)
    } else {
        // the other one may still come to something
        let (now, status) = (Instant::now(), answered.ok().map(|response| response.status));
        let ended = Ended::new(method, status, Outcome::GivenUp);
        way.line.tally.ended(ended, now - began, now);
        (other.await, !is_second)
    };
    if is_second && is_good(&answered) {
        Tally::count(&way.line.tally.hedges_won);
    }
    answered
}

fn is_good(answered: &Answered) -> bool {
    answered.as_ref().is_ok_and(|response| response.status < 500 && response.status != 429)
}

impl Way<'_> {
    /// A permit for a second request, if it costs nobody anything.
    fn leave_for_a_hedge(&self) -> Option<Permit> {
        let (line, now) = (self.line, Instant::now());
        let permit = line.concurrency.enter_now().filter(|_| self.is_closed());
        let permit = permit.filter(|_| line.hedges.left(now) > 0 && line.retries.left(now) > 0);
        let permit = permit.filter(|_| self.quota.take_now(now));
        let permit = permit.filter(|_| line.hedges.withdraw(now) && line.retries.withdraw(now));
        if permit.is_none() {
            Tally::count(&line.tally.hedges_denied);
        }
        permit
    }
}
