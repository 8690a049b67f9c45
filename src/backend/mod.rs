//! One backend call, with the policy around it.
//!
//! Takes: a call, its inputs, the operation's deadline.
//! Gives: the decoded payload, or one error.
//! Never: knows GraphQL, keys' owners, or the cache.

use std::sync::Arc;

use crate::error::BackendError;
use crate::graph::{Call, Graph};
use crate::mapping::Payload;
use crate::template::Inputs;
use crate::value::PageState;

/// One page of a backend's answer.
#[derive(Debug)]
pub struct Page {
    pub payload: Payload,
    /// Where the next page begins, if the call pages and the answer says that there is more.
    pub next: Option<PageState>,
    /// How long the answer may be kept, by its own `Cache-Control`; zero for `no-store`.
    pub max_age: Option<std::time::Duration>,
}

/// The live side of the graph's backends: connections, permits. One for the life of a graph.
#[derive(Debug)]
pub struct Backends {
    graph: Arc<Graph>,
}

impl Backends {
    /// One call. The order of the lines is the policy.
    pub async fn call(
        &self,
        call: &Call,
        inputs: Inputs<'_>,
        deadline: tokio::time::Instant,
    ) -> Result<Page, BackendError> {
        let _ = (&self.graph, call, inputs, deadline);
        Err(BackendError::DeadlineExceeded)
    }
}
