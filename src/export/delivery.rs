//! Telling somebody something who may be slow, or not there: a few attempts, and few words about it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::config::settings::Receiver;
use crate::error::{BackendError, chain};
use crate::transport::{Post, Posted};

/// The wait before the second attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest that `Retry-After` is obeyed for.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The log is told of trouble no more often.
const QUIET: Duration = Duration::from_mins(1);

/// The way to a receiver's address with this behind it.
pub(super) fn post(
    receiver: &Receiver,
    path: &str,
    media: &'static str,
) -> Result<Post, BackendError> {
    let url = format!("{}{path}", receiver.url.reveal());
    let headers = receiver.headers.iter().map(|(name, value)| (&**name, value.reveal()));
    Post::new(&url, media, headers, receiver.timeout)
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
        sleep(told.unwrap_or(wait).min(WAIT_MAX)).await;
        wait *= 2;
    }
    post.send(body).await
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
