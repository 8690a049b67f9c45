//! When whoever waits for a call stops to.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// An instant; of a call that several wait for, that of the last of them, whoever comes while it is under way.
#[derive(Clone, Debug)]
pub struct Deadline {
    at: Instant,
    /// So many nanoseconds later, by now.
    later: Option<Arc<AtomicU64>>,
}

/// Which of two ends came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    Bound,
    Deadline,
}

impl From<Instant> for Deadline {
    fn from(at: Instant) -> Self {
        Self { at, later: None }
    }
}

impl Deadline {
    /// The same, for a call that others may come to wait for.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self { at: self.instant(), later: Some(Arc::default()) }
    }

    pub fn instant(&self) -> Instant {
        let later = self.later.as_ref().map_or(0, |later| later.load(Ordering::Relaxed));
        self.at + Duration::from_nanos(later)
    }

    /// Somebody else waits, until then.
    pub fn extend(&self, to: Instant) {
        let Some(later) = &self.later else { return };
        let nanos = to.saturating_duration_since(self.at).as_nanos();
        later.fetch_max(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn has_passed(&self, now: Instant) -> bool {
        now >= self.instant()
    }

    /// What the future gives, if it gives it in time. `None`: nobody waits for it any more.
    pub(super) async fn within<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.within_bound(None, pin!(future)).await.ok()
    }

    /// The same, and no later than `end`: one timer for both. The future stays where it is: it may be large.
    pub(super) async fn within_bound<T>(
        &self,
        end: Option<Instant>,
        mut future: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, Late> {
        loop {
            let at = self.instant();
            let end = end.filter(|end| *end <= at);
            match timeout_at(end.unwrap_or(at), future.as_mut()).await {
                Ok(output) => return Ok(output),
                Err(_) if end.is_some() => return Err(Late::Bound),
                Err(_) if self.instant() > at => {}
                Err(_) => return Err(Late::Deadline),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::{Deadline, Late};

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_to_wait_longer_moves_it_and_nobody_moves_it_back() {
        let began = Instant::now();
        let seconds = Duration::from_secs;
        let deadline = Deadline::from(began + seconds(1)).shared();
        let waiting = deadline.within(std::future::pending::<()>());
        let joins = async {
            sleep(seconds(1) / 2).await;
            deadline.extend(began + seconds(3));
            deadline.extend(began + seconds(2));
        };
        let (ended, ()) = tokio::join!(waiting, joins);
        assert_eq!((ended, began.elapsed()), (None, seconds(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_sooner_of_two_ends_is_told_also_when_the_deadline_moves_past_the_other() {
        let seconds = Duration::from_secs;
        for (end, moved_to, told, after) in [
            (2, 1, Late::Deadline, 1),
            (1, 1, Late::Bound, 1),
            (2, 3, Late::Bound, 2),
            (4, 3, Late::Deadline, 3),
        ] {
            let now = Instant::now();
            let deadline = Deadline::from(now + seconds(1)).shared();
            deadline.extend(now + seconds(moved_to));
            let ended = deadline
                .within_bound(Some(now + seconds(end)), pin!(std::future::pending::<()>()))
                .await;
            assert_eq!((ended, now.elapsed()), (Err(told), seconds(after)), "{end}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_not_shared_stays_where_it_is() {
        let began = Instant::now();
        let deadline = Deadline::from(began + Duration::from_secs(1));
        deadline.extend(began + Duration::from_secs(9));
        assert_eq!(deadline.within(std::future::pending::<()>()).await, None);
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        assert!(deadline.has_passed(Instant::now()));
    }
}
