//! An answer in parts: the first when its steps are done, each deferred fragment and streamed list when its own are.
//!
//! Takes: a run under way, and which fields come with which part.
//! Gives: payloads, each the JSON of one part message, in one of two formats; the last one says so. Whoever speaks a protocol
//! (`multipart/mixed`, WebSocket, server-sent events) wraps them in it, and knows nothing else of parts.
//! Never: sends a field twice, announces a fragment that brings nothing, or goes on when nobody listens.
//!
//! What is due together goes together. A fragment inside of a fragment is announced when the outer one is complete. A null
//! that may not be ends the fragment that it is in, and no other.

mod format;
mod groups;
mod work;

use std::sync::Arc;

use bytes::Bytes;

pub use format::Format;

use crate::execute::{Outcome, Running, SiteState};
use crate::graph::Graph;
use crate::load::CursorKey;
use crate::operation::{Parts, SetId};
use crate::plan::Plan;
use crate::principal::Principal;
use crate::respond::{self, Later, PartWritten, PathSegment, Source};
use groups::Groups;

/// One message to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// JSON on one line.
    pub body: Bytes,
    /// Nothing comes after it.
    pub is_last: bool,
    /// The only one, and the same as the answer of an operation that defers nothing.
    pub is_whole: bool,
    /// Whether there are errors in it.
    pub has_errors: bool,
}

/// What is announced, brought and finished by one message.
#[derive(Debug, Default)]
struct News {
    pending: Vec<Pending>,
    incremental: Vec<Brought>,
    completed: Vec<Completed>,
}

impl News {
    fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.incremental.is_empty() && self.completed.is_empty()
    }
}

/// A fragment or a list that is still to come.
#[derive(Clone, Debug)]
struct Pending {
    id: u32,
    path: Vec<PathSegment>,
    label: Option<Arc<str>>,
}

#[derive(Debug)]
struct Brought {
    /// What was announced.
    of: Pending,
    /// Where it stands: below the path that was announced, or the same.
    path: Vec<PathSegment>,
    /// Of a list: the index of the first item.
    first_item: Option<u32>,
    data: Vec<u8>,
    errors: Vec<u8>,
}

#[derive(Debug)]
struct Completed {
    of: Pending,
    /// `,"errors":[…]` of what failed.
    failure: Option<Vec<u8>>,
    /// Of a list: how many items there are.
    items: Option<u32>,
}

/// What all parts are written from, apart from what is in hand.
#[derive(Clone, Copy, Debug)]
pub struct Writing<'a> {
    pub graph: &'a Graph,
    pub plan: &'a Plan,
    pub principal: &'a Principal,
    pub cursors: &'a CursorKey,
    pub introspection: &'a serde_json::Map<String, serde_json::Value>,
    pub parts: &'a Parts,
}

impl<'a> Writing<'a> {
    fn source(&self, outcome: &'a Outcome) -> Source<'a> {
        let Self { graph, plan, principal, cursors, introspection, .. } = *self;
        Source { graph, plan, outcome, principal, cursors, introspection }
    }
}

/// Runs to the end, and says each payload as soon as it is due.
pub async fn deliver(
    writing: Writing<'_>,
    mut running: Running<'_>,
    format: Format,
    mut say: impl FnMut(Payload),
) {
    while !running.is_done(SetId::FIRST) && running.advance().await {}
    let mut groups = Groups::new(writing.parts);
    let first = running.look(|outcome| first_part(writing, outcome));
    let pending = groups.begin(&first);
    say(format.first(&first, &pending));
    let mut is_over = false;
    while groups.has_next() {
        let done = running.done(writing.parts.sets());
        let is_done = |set: SetId| is_over || done.get(set.index()).copied().unwrap_or(true);
        let is_there =
            |sites: &[SiteState], later: &Later| is_done(later.set) || has_more(sites, later);
        if is_over || groups.is_due(|later| is_there(running.sites(), later)) {
            let news = running.look(|outcome| {
                let write = |later: &Later, objects| later_part(writing, outcome, later, objects);
                groups.publish(|later| is_there(&outcome.sites, later), write)
            });
            // what failed may leave nothing to tell; and once the run is over, nothing more will come
            let has_next = groups.has_next() && !(is_over && news.is_empty());
            if !has_next || !news.is_empty() {
                say(format.next(&news, has_next));
            }
            if !has_next {
                return;
            }
        } else {
            is_over = !running.advance().await;
        }
    }
}

/// Whether a page has come of which nothing is written.
fn has_more(sites: &[SiteState], later: &Later) -> bool {
    let Some((site, parent, first)) = later.pages() else { return false };
    let pages = sites.get(site.index()).and_then(|site| site.pages.get(&parent));
    pages.is_some_and(|pages| pages.rows > first)
}

fn first_part(writing: Writing<'_>, outcome: &Outcome) -> PartWritten {
    respond::first_part(writing.source(outcome), writing.parts)
}

fn later_part(
    writing: Writing<'_>,
    outcome: &Outcome,
    later: &Later,
    objects: usize,
) -> PartWritten {
    respond::later_part(writing.source(outcome), writing.parts, later, objects)
}
