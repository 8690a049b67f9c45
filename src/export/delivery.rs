//! Telling somebody something who may be slow, or not there: a few attempts, and few words about it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::config::settings::Receiver;
use crate::error::{BackendError, chain};
use crate::telemetry::trace::random;
use crate::transport::{Post, Posted};

/// The most that is waited for the second attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest that `Retry-After` is obeyed for.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The log is told of trouble no more often.
const QUIET: Duration = Duration::from_mins(1);

/// The way to a receiver's address with this behind it.
pub(super) fn post(receiver: &Receiver, path: &str, media: &str) -> Result<Post, BackendError> {
    post_with(receiver, path, &[("content-type", media)])
}

/// The same with headers that say what is sent: the receiver's own never take their place.
pub(super) fn post_with(
    receiver: &Receiver,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Post, BackendError> {
    let url = format!("{}{path}", receiver.url.reveal());
    let own = receiver.headers.iter().map(|(name, value)| (&**name, value.reveal()));
    let headers = headers.iter().copied().chain(own);
    Post::new(&url, &receiver.tls, headers, receiver.timeout)
}

/// Sends until it is taken, refused for good, or was tried so often. What came last.
pub(super) async fn deliver(
    post: &Post,
    body: Bytes,
    attempts: u32,
) -> Result<Posted, BackendError> {
    let mut wait = FIRST_WAIT;
    for _ in 1..attempts {
        let told = match post.send(body.clone()).await {
            Ok(posted) if posted.is_passing() => posted.retry_after,
            Ok(posted) => return Ok(posted),
            Err(_) => None,
        };
        sleep(told.unwrap_or_else(|| drawn(wait)).min(WAIT_MAX)).await;
        wait *= 2;
    }
    post.send(body).await
}

/// Half of a wait, and a part of the rest that chance decides: those who were refused together come back one by one.
fn drawn(wait: Duration) -> Duration {
    let half = wait / 2;
    let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_nanos(random().get() % nanos)
}

/// Whether things go well with one receiver, for the log.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    told_at: Option<Instant>,
    /// Failures that the log was not told of.
    untold: u64,
    is_down: bool,
}

impl Trouble {
    /// Notes how it went. What is to be said of it, if anything: how often it failed, and how the last time.
    pub(super) fn note(
        &mut self,
        went: &Result<Posted, BackendError>,
        now: Instant,
    ) -> Option<News> {
        let reason = match went {
            Ok(posted) if posted.is_taken() => {
                let was_down = std::mem::take(&mut self.is_down);
                let was_told = self.told_at.is_some();
                self.untold = 0;
                return (was_down && was_told).then_some(News::Well);
            }
            Ok(posted) => format!("status {}", posted.status),
            Err(error) => chain(error),
        };
        self.is_down = true;
        self.untold += 1;
        if self.told_at.is_some_and(|at| now.saturating_duration_since(at) < QUIET) {
            return None;
        }
        self.told_at = Some(now);
        Some(News::Failed { times: std::mem::take(&mut self.untold), reason })
    }
}

/// What the log is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    Failed { times: u64, reason: String },
    Well,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_drawn_from_its_second_half() {
        let wait = Duration::from_secs(4);
        let drawn: Vec<_> = (0..1000).map(|_| drawn(wait)).collect();
        assert!(drawn.iter().all(|drawn| (wait / 2..wait).contains(drawn)));
        let quarter = |from: u32| {
            let within = wait * from / 4..wait * (from + 1) / 4;
            drawn.iter().filter(|drawn| within.contains(*drawn)).count()
        };
        assert!(quarter(2) > 300 && quarter(3) > 300);
    }

    fn posted(status: u16) -> Posted {
        Posted { status, retry_after: None, body: Bytes::new() }
    }

    #[test]
    fn the_log_is_told_at_most_once_a_minute_and_when_it_is_well_again() {
        let (mut trouble, start) = (Trouble::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(trouble.note(&Ok(posted(200)), at(0)), None);
        let failed = |times| Some(News::Failed { times, reason: "status 503".to_owned() });
        assert_eq!(trouble.note(&Ok(posted(503)), at(1)), failed(1));
        for second in 2..61 {
            assert_eq!(trouble.note(&Ok(posted(503)), at(second)), None);
        }
        assert_eq!(trouble.note(&Ok(posted(503)), at(61)), failed(60));
        assert_eq!(trouble.note(&Ok(posted(204)), at(62)), Some(News::Well));
        assert_eq!(trouble.note(&Ok(posted(204)), at(63)), None);
        assert_eq!(trouble.note(&Ok(posted(503)), at(64)), None);
        assert_eq!(trouble.note(&Ok(posted(503)), at(121)), failed(2));
    }
}
