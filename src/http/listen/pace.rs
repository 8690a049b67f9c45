//! What a connection is doing, and how long it may take for it.
//!
//! A connection reads a request's head, runs requests, or is idle; beside that, it may wait for a client that does not take what it is
//! sent. Each has its own time. Requests that run have none here: their operations have a deadline of their own.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Version;
use futures_util::task::AtomicWaker;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::config::settings::Connections;

/// Shared by all that has a hand on one connection.
#[derive(Debug)]
pub(super) struct Pace {
    state: Mutex<State>,
    /// Wakes whoever drives the connection when the time that is left may have changed.
    pub(super) driver: AtomicWaker,
}

#[derive(Debug)]
struct State {
    /// Requests whose answer is not written yet.
    running: usize,
    /// When the head began, or the connection became idle.
    since: Instant,
    is_reading_head: bool,
    /// Frames come and go between requests there, and say nothing about a head.
    is_http2: bool,
    /// Since when the client takes nothing.
    stalled: Option<Instant>,
    /// Whoever drives the connection is at it, and looks at the time afterwards.
    is_driven: bool,
}

impl Pace {
    /// A client that connects is expected to ask.
    pub(super) fn new() -> Arc<Self> {
        let state = State {
            running: 0,
            since: Instant::now(),
            is_reading_head: true,
            is_http2: false,
            stalled: None,
            is_driven: false,
        };
        Arc::new(Self { state: Mutex::new(state), driver: AtomicWaker::new() })
    }

    /// When the client is given up, unless something happens.
    pub(super) fn end(&self, bounds: &Connections) -> Option<Instant> {
        let state = self.state();
        match (state.stalled, state.running) {
            (Some(since), _) => Some(since + bounds.send_timeout),
            (None, 0) if state.is_reading_head => Some(state.since + bounds.head_timeout),
            (None, 0) => Some(state.since + bounds.idle_timeout),
            (None, _) => None,
        }
    }

    /// A request's head is there.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Running {
        let mut state = self.state();
        state.running += 1;
        state.is_reading_head = false;
        state.is_http2 = version == Version::HTTP_2;
        Running(Arc::clone(self))
    }

    fn finish(&self) {
        let mut state = self.state();
        state.running = state.running.saturating_sub(1);
        state.since = Instant::now();
        let is_driven = state.is_driven;
        drop(state);
        if !is_driven {
            self.driver.wake();
        }
    }

    /// Drives the connection; what changes meanwhile wakes nobody.
    pub(super) fn drive<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.state().is_driven = true;
        let polled = poll();
        self.state().is_driven = false;
        polled
    }

    fn heard(&self) {
        let mut state = self.state();
        if state.running == 0 && !state.is_reading_head && !state.is_http2 {
            state.is_reading_head = true;
            state.since = Instant::now();
        }
    }

    fn wrote(&self, is_taken: bool) {
        let mut state = self.state();
        if !is_taken {
            state.stalled.get_or_insert_with(Instant::now);
            return;
        }
        state.stalled = None;
        if state.running == 0 {
            // the rest of an answer, not time that the client has lost
            state.since = Instant::now();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that runs until this is dropped.
#[derive(Debug)]
pub(super) struct Running(Arc<Pace>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// The client's side of a connection, and whatever lives as long as it.
#[derive(Debug)]
pub(super) struct Paced<S, T> {
    stream: S,
    pace: Arc<Pace>,
    _kept: T,
}

impl<S, T> Paced<S, T> {
    pub(super) fn new(stream: S, pace: Arc<Pace>, kept: T) -> Self {
        Self { stream, pace, _kept: kept }
    }
}

impl<S: AsyncRead + Unpin, T: Unpin> AsyncRead for Paced<S, T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.pace.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin, T: Unpin> AsyncWrite for Paced<S, T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pace.wrote(result.is_ready());
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.pace.wrote(result.is_ready());
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// An answer's body, with the request that it ends.
pub(super) struct Answered {
    body: Body,
    _running: Running,
}

impl Answered {
    pub(super) fn new(body: Body, running: Running) -> Self {
        Self { body, _running: running }
    }
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
