//! What every log line of a request says of it: its ids, and its operation's name.
//!
//! Takes: the ids of a request; a future that works for it.
//! Gives: the future, all of whose lines say so, whichever task it runs in.
//! Never: writes anything before there is a line. Most requests have one line, many have none.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::future::Either;
use tracing::Instrument as _;

use super::trace::TraceId;

tokio::task_local! {
    static CURRENT: LogContext;
}

/// Of one request. Clones are of the same.
#[derive(Clone, Debug)]
pub struct LogContext(Arc<Said>);

#[derive(Debug)]
pub(super) struct Said {
    request_id: Bytes,
    pub(super) trace_id: TraceId,
    pub(super) operation: OnceLock<Box<str>>,
}

impl Said {
    pub(super) fn request_id(&self) -> &str {
        std::str::from_utf8(&self.request_id).unwrap_or_default()
    }
}

impl LogContext {
    /// The id is text.
    pub fn new(request_id: Bytes, trace_id: TraceId) -> Self {
        Self(Arc::new(Said { request_id, trace_id, operation: OnceLock::new() }))
    }

    /// Does the work of this request.
    pub fn around<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// From here on the lines of the current request also say its operation's name. The first word counts.
    pub fn name_operation(name: &str) {
        // outside of a request there is nobody to name
        CURRENT.try_with(|context| context.0.operation.get_or_init(|| name.into()).len()).ok();
    }

    /// Shows what is said of the current request.
    pub(super) fn look<T>(at: impl FnOnce(&Said) -> T) -> Option<T> {
        CURRENT.try_with(|context| at(&context.0)).ok()
    }
}

/// Work that may go on in another task, with lines as they are here; so are those of a program that mounts the engine and has spans
/// of its own.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let context = CURRENT.try_with(Clone::clone).ok();
    let work = work.in_current_span();
    match context {
        Some(context) => Either::Left(context.around(work)),
        None => Either::Right(work),
    }
}
