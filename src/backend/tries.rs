//! The attempts of one call: how many there were, what is known of them, whether there is another one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Deadline;
use super::breaker::Health;
use super::exchange::Outgoing;
use super::line::{Attempt, Way};
use super::log::Log;
use super::retry::{self, Cause};
use crate::error::BackendError;
use crate::graph::{Auth, Call, Effect, Method};
use crate::telemetry::span::{Kind, Span};
use crate::telemetry::trace::Trace;
use crate::template::Inputs;
use crate::transport::{self, Told, WireResponse};

pub(super) struct Tries<'a> {
    way: Way<'a>,
    call: &'a Call,
    most: u32,
    /// The attempt that is being made, the first is 1.
    pub(super) number: u32,
    /// It has a second one beside it, and is never repeated.
    pub(super) is_hedged: bool,
    keys: usize,
    /// Requests that were made, hedges too.
    sent: u64,
    /// Of the last of them.
    pub(super) method: Method,
    /// What the last answer said.
    told: Told,
    /// Its status.
    status: Option<u16>,
    /// The same for all attempts of a write.
    idempotency_key: Option<Box<str>>,
    access: Access,
    /// A write was sent whose answer did not come.
    is_unclear: bool,
    is_answered: bool,
}

/// By access tokens, where the backend wants them.
#[derive(Default)]
struct Access {
    /// That of the attempt.
    token: Option<Arc<str>>,
    /// The backend refused one that was thought good: once it may be got anew.
    is_renewed: bool,
}

impl<'a> Tries<'a> {
    /// Of so many keys, and at most so many.
    pub(super) fn new(
        way: Way<'a>,
        call: &'a Call,
        (keys, most): (usize, u32),
        now: Instant,
    ) -> Self {
        let tally = &way.line.tally;
        tally.began(keys);
        way.line.retries.deposit(now);
        if call.effect == Effect::Read && way.backend.policy.hedge.enabled {
            way.line.hedges.deposit(now);
        }
        Self {
            way,
            call,
            most,
            number: 1,
            is_hedged: false,
            keys,
            sent: 0,
            method: Method::Get,
            told: Told::default(),
            status: None,
            idempotency_key: None,
            access: Access::default(),
            is_unclear: false,
            is_answered: false,
        }
    }

    /// Gets what the request is to be sent with. Where that fails: why, and what it says of the backend.
    pub(super) async fn authorize(
        &mut self,
        deadline: &Deadline,
    ) -> Result<(), (BackendError, Health)> {
        if let Auth::ClientCredentials(client) = &self.way.backend.auth {
            // boxed: most backends want none
            let token = Box::pin(self.way.line.tokens.get(client, self.call.timeout));
            let late = (BackendError::DeadlineExceeded, Health::Unknown);
            let token = deadline.within(token).await.ok_or(late)?.map_err(|failed| {
                let health = failed.health();
                (BackendError::Token { source: failed.source }, health)
            })?;
            self.access.token = Some(token);
        }
        Ok(())
    }

    /// The request of an attempt, made anew for each: what proves who asks may be good for one alone.
    pub(super) fn request(
        &mut self,
        inputs: Inputs<'_>,
        deadline: &Deadline,
    ) -> Result<Outgoing, BackendError> {
        let Self { way, call, .. } = *self;
        let mut request = transport::request(way.backend, call, inputs)?;
        self.method = request.method;
        if let Some(token) = &self.access.token {
            request.set_default_header("authorization", &format!("Bearer {token}"))?;
        }
        if let (Effect::Write, Some(name)) = (call.effect, &call.idempotency_header) {
            let key = match self.idempotency_key.take() {
                Some(key) => key,
                None => transport::idempotency_key()?,
            };
            request.set_default_header(name, &key)?;
            self.idempotency_key = Some(key);
        }
        if let Some(name) = &way.backend.policy.deadline_header {
            let left = deadline.instant().saturating_duration_since(Instant::now());
            let left = left.min(call.timeout);
            request.set_default_header(name, &left.as_millis().to_string())?;
        }
        let span = inputs.principal.trace.as_ref().map(|trace| self.span(trace));
        if let Some(span) = &span {
            request.continue_trace(span.trace(), way.backend.propagates)?;
        }
        self.sent += 1;
        Ok(Outgoing { request, span })
    }

    /// The span of the request that is about to be sent. No URL: it holds keys.
    fn span(&self, trace: &Trace) -> Span {
        let (Way { backend, line, .. }, call) = (self.way, self.call);
        let method = self.method.as_str();
        let mut span = Span::begin(trace, Kind::Client, || {
            format!("{method} {}.{}", backend.role, call.name).into()
        });
        span.set("http.request.method", method);
        span.set("server.address", Arc::clone(&line.place.host));
        span.set("server.port", u64::from(line.place.port));
        if self.sent > 0 {
            span.set("http.request.resend_count", self.sent);
        }
        span.set("cyclorama.backend", Arc::clone(&backend.role));
        span.set("cyclorama.vendor", Arc::clone(&backend.vendor));
        span.set("cyclorama.call", Arc::clone(&call.name));
        span.set("cyclorama.keys", self.keys as u64);
        span
    }

    /// The attempt whose answer has come, or will not.
    pub(super) fn attempt(&self, began: Instant) -> Attempt {
        Attempt { method: self.method, status: self.status, began, told: self.told }
    }

    /// What came of the attempt on the wire.
    pub(super) fn came(&mut self, answered: &Result<WireResponse, BackendError>) {
        self.is_answered = answered.is_ok();
        (self.told, self.status) = (Told::default(), None);
        match answered {
            Ok(response) => {
                self.told = transport::told(response, &self.way.quota.policy.headers);
                self.status = Some(response.status);
            }
            // what was never sent was never done
            Err(
                BackendError::Build { .. }
                | BackendError::Connect { .. }
                | BackendError::Untrusted { .. },
            ) => {}
            Err(_) => self.is_unclear = self.call.effect == Effect::Write,
        }
    }

    /// How long to wait for the next attempt; `None`: there is none.
    pub(super) fn next(&mut self, error: &BackendError, deadline: &Deadline) -> Option<Duration> {
        if self.is_token_refused(error) {
            return self.way.may_retry(Instant::now()).then_some(Duration::ZERO);
        }
        let cause = Cause::of(error);
        let may = self.number < self.most
            && cause != Cause::Lasting
            && !self.is_hedged
            && retry::is_safe(self.call)
            && self.way.is_closed();
        if !may {
            return None;
        }
        let (policy, now) = (&self.way.backend.policy.retry, Instant::now());
        let told = self.told.retry_after.filter(|_| self.is_answered);
        let delay = retry::delay(policy, cause, self.number, told, &self.way.line.dice);
        if now + delay >= deadline.instant() || !self.way.may_retry(now) {
            return None;
        }
        self.number += 1;
        Some(delay)
    }

    /// Whether the backend refused the token, which then is got anew, once. What was refused was not done.
    fn is_token_refused(&mut self, error: &BackendError) -> bool {
        let is_refused = matches!(
            error,
            BackendError::Status { status: 401, .. } | BackendError::Fault { status: 401, .. }
        );
        let Some(token) =
            self.access.token.take().filter(|_| is_refused && !self.access.is_renewed)
        else {
            return false;
        };
        self.access.is_renewed = true;
        self.way.line.tokens.refuse(&token)
    }

    /// The error of the call. Of a write of which nobody knows whether it was done, that is it.
    pub(super) fn failed(&self, error: BackendError, log: &Log) -> BackendError {
        log.failed(&error, self.number);
        let is_unclear = self.is_unclear && !self.is_answered;
        let error = if is_unclear { BackendError::OutcomeUnknown } else { error };
        self.way.line.tally.failed(error.code());
        error
    }
}
