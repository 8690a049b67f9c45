//! The access token of a backend that is spoken to with one: got by the first who needs it, kept while it is good.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::breaker::Health;
use super::tally::Outcome;
use crate::error::BackendError;
use crate::graph::ClientCredentials;
use crate::transport::{self, Wire};

/// The last tenth of its time, up to a minute, a token is no longer used: it has to get there.
const EARLY_MOST: Duration = Duration::from_mins(1);

/// One that is refused so soon after it was granted would be refused again: what is wrong is not its age.
const FRESH: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Tokens {
    wire: Wire,
    /// Whoever gets a token holds it; the others wait.
    turn: tokio::sync::Mutex<()>,
    last: Mutex<Option<Last>>,
}

/// What came of the last time that a token was to be got.
struct Last {
    of: Arc<ClientCredentials>,
    at: Instant,
    /// The token, and until when it is good.
    came: Result<(Arc<str>, Option<Instant>), Arc<BackendError>>,
}

/// Why there is no token.
pub(super) struct NoToken {
    pub(super) source: Arc<BackendError>,
    /// Another one asked, and this one waited for what came.
    is_anothers: bool,
}

impl NoToken {
    /// What it says of the backend, of which nothing can be asked without. One request that fails is one sign, however many wait for
    /// it; of one that gives no answer each of them has lost the time. Credentials that are refused are wrong, and nothing is down.
    pub(super) fn health(&self) -> Health {
        match (Outcome::of(&self.source), self.is_anothers) {
            (Some(Outcome::TimedOut), _) | (Some(Outcome::Failed), false) => Health::Bad,
            _ => Health::Unknown,
        }
    }
}

impl std::fmt::Debug for Last {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Last(…)")
    }
}

impl Tokens {
    pub(super) fn over(wire: Wire) -> Self {
        Self { wire, turn: tokio::sync::Mutex::default(), last: Mutex::default() }
    }

    /// A token that is good. Who waited for another's that could not be got does not try again.
    pub(super) async fn get(
        &self,
        of: &Arc<ClientCredentials>,
        within: Duration,
    ) -> Result<Arc<str>, NoToken> {
        if let Some(token) = self.known(of) {
            return Ok(token);
        }
        let asked = Instant::now();
        let _turn = if let Ok(turn) = self.turn.try_lock() {
            turn
        } else {
            let turn = self.turn.lock().await;
            if let Some(known) = self.known_since(of, asked) {
                return known;
            }
            turn
        };
        let came = match timeout(within, self.ask(of)).await {
            Ok(came) => came,
            Err(_) => Err(BackendError::Timeout { after: within }),
        };
        let last = Last { of: Arc::clone(of), at: Instant::now(), came: came.map_err(Arc::new) };
        let token = last.token(false);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        token
    }

    /// The backend does not take this one. Whether another one may be got: by now, or because this one is old.
    pub(super) fn refuse(&self, token: &str) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_last = |last: &Last| last.came.as_ref().is_ok_and(|(one, _)| **one == *token);
        let Some(granted) = last.as_ref().filter(|last| is_last(last)) else { return true };
        let is_old = granted.at.elapsed() >= FRESH;
        if is_old {
            *last = None;
        }
        is_old
    }

    fn known(&self, of: &ClientCredentials) -> Option<Arc<str>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, until) = last.as_ref().filter(|last| *last.of == *of)?.came.as_ref().ok()?;
        until.is_none_or(|until| Instant::now() < until).then(|| Arc::clone(token))
    }

    /// What another one got, or why not.
    fn known_since(
        &self,
        of: &ClientCredentials,
        asked: Instant,
    ) -> Option<Result<Arc<str>, NoToken>> {
        if let Some(token) = self.known(of) {
            return Some(Ok(token));
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = last.as_ref().filter(|last| *last.of == *of && last.at >= asked)?;
        failed.came.is_err().then(|| failed.token(true))
    }

    async fn ask(
        &self,
        of: &ClientCredentials,
    ) -> Result<(Arc<str>, Option<Instant>), BackendError> {
        let response = self.wire.send(transport::token_request(of)?).await?;
        let granted = transport::granted(&response)?;
        let until = granted.lifetime.map(|lifetime| {
            Instant::now() + lifetime.saturating_sub((lifetime / 10).min(EARLY_MOST))
        });
        Ok((granted.token, until))
    }
}

impl Last {
    fn token(&self, is_anothers: bool) -> Result<Arc<str>, NoToken> {
        match &self.came {
            Ok((token, _)) => Ok(Arc::clone(token)),
            Err(error) => Err(NoToken { source: Arc::clone(error), is_anothers }),
        }
    }
}
