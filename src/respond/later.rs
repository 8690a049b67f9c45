//! Answers in parts: what is left out of one part, and how it is written when its turn comes.
//!
//! A part is written like the whole answer is: the same walk over the shape, which leaves out the fields of other sets and
//! notes where they go on. What it notes is owned, so that it outlives the look at what is in hand.

use std::sync::Arc;

use super::connection::At;
use super::merged::Events;
use super::{Done, Mark, Nulled, Owner, Place, Segment, Source, Writer, failure};
use crate::error::Location;
use crate::execute::WindowId;
use crate::graph::Wrapper;
use crate::operation::{OccurrencesId, Parts, SetId, Streamed, UsageId};
use crate::plan::{ConnectionNode, Node, NodeBranch, SiteId};

/// Something of an answer that is still to be written.
#[derive(Clone, Debug)]
pub struct Later {
    /// What it is written with.
    pub set: SetId,
    pub path: Vec<PathSegment>,
    /// The rest of a streamed list: which one, and the index of the first item.
    pub items: Option<(UsageId, u32)>,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathSegment {
    Key(Arc<str>),
    Index(u32),
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// More fields of an object.
    Object { branch: Arc<NodeBranch>, place: Place },
    /// More fields of a connection, an edge or a page info.
    Connection { node: Arc<ConnectionNode>, site: SiteId, window: WindowId, at: At },
    /// More items of a list.
    Items { rest: Rest, coordinate: Arc<str>, location: Location },
}

/// The items of a list that were left out; places are counted as the list is held.
#[derive(Clone, Debug)]
pub(super) enum Rest {
    Objects {
        site: SiteId,
        objects: (u32, u32),
        wrappers: Vec<Wrapper>,
        node: Node,
    },
    /// What is not written yet of a list that comes page by page, of this object of the site around.
    Pages {
        site: SiteId,
        parent: u32,
        wrappers: Vec<Wrapper>,
        node: Node,
    },
    Edges {
        site: SiteId,
        window: WindowId,
        places: (u32, u32),
        node: Arc<ConnectionNode>,
    },
    /// Of a merged list.
    Events {
        site: SiteId,
        window: WindowId,
        places: (u32, u32),
        wrappers: Vec<Wrapper>,
        lists: Events,
    },
    Cells {
        answer: u32,
        cells: (u32, u32),
        wrappers: Vec<Wrapper>,
        node: Option<Node>,
    },
}

/// A part of an answer, written.
#[derive(Debug)]
pub struct PartWritten {
    /// An object, or items with commas between them.
    pub data: Vec<u8>,
    /// How many items.
    pub items: u32,
    /// `,"errors":[…]`, or nothing.
    pub errors: Vec<u8>,
    /// A null that may not be rose to the top: there is no object, or no further item.
    pub is_failed: bool,
    /// Of a list: more items may come, for the same `Later` from further on.
    pub is_open: bool,
    /// What was left out.
    pub later: Vec<Later>,
    /// Objects so far, of `limits.objects`.
    pub objects: usize,
}

/// Writes what comes first: `data`, null or not.
pub fn first_part(source: Source<'_>, parts: &Parts) -> PartWritten {
    let mut writer = Writer::new(source, source.plan.bytes_before());
    writer.parts = Some(parts);
    writer.root();
    writer.written(false)
}

/// Writes something that was left out before. `objects`: as many as the parts before it met.
pub fn later_part(source: Source<'_>, parts: &Parts, later: &Later, objects: usize) -> PartWritten {
    let mut writer = Writer::new(source, 512);
    writer.parts = Some(parts);
    writer.set = later.set;
    writer.objects = objects.max(source.outcome.objects);
    writer.is_begun = later.items.is_none();
    writer.path = later.path.iter().map(PathSegment::as_segment).collect();
    let done = match &later.what {
        What::Object { branch, place } => writer.fields(branch, *place),
        What::Connection { node, site, window, at } => match writer.view(*site, *window) {
            Some(view) => writer.connection_object(node, view, *at),
            None => Err(Nulled),
        },
        What::Items { rest, coordinate, location } => {
            let first = later.items.map_or(0, |(_, first)| first);
            writer.rest(rest, first, Owner { coordinate, location: *location })
        }
    };
    writer.written(done.is_err())
}

impl Later {
    /// Of the rest of a list that comes page by page: the site of its items, whose list it is, and how many items came before.
    pub fn pages(&self) -> Option<(SiteId, u32, u32)> {
        match (&self.what, self.items) {
            (What::Items { rest: Rest::Pages { site, parent, .. }, .. }, Some((_, first))) => {
                Some((*site, *parent, first))
            }
            _ => None,
        }
    }
}

impl PathSegment {
    fn as_segment(&self) -> Segment<'_> {
        match self {
            Self::Key(key) => Segment::Key(key),
            Self::Index(index) => Segment::Index(*index),
        }
    }
}

impl<'a> Writer<'a> {
    fn written(self, is_failed: bool) -> PartWritten {
        let mut errors = Vec::new();
        if !self.errors.is_empty() {
            failure::write_errors(&mut errors, &self.errors, self.more_errors);
        }
        PartWritten {
            data: self.out,
            items: self.items,
            errors,
            is_failed,
            is_open: self.is_open,
            later: self.later,
            objects: self.objects,
        }
    }

    /// Whether a field belongs to another part than the one that is being written; `others` collects those.
    pub(super) fn comes_later(
        &self,
        occurrences: Option<OccurrencesId>,
        others: &mut Vec<SetId>,
    ) -> bool {
        let Some(parts) = self.parts else { return false };
        let set = parts.set_of(occurrences);
        if set == self.set {
            return false;
        }
        if !others.contains(&set) {
            others.push(set);
        }
        true
    }

    /// Notes what was left out of the object that was just written.
    pub(super) fn leave(&mut self, set: SetId, what: What) {
        let path = self.owned_path();
        self.later.push(Later { set, path, items: None, what });
    }

    /// Notes which items were left out of the list that was just written.
    pub(super) fn leave_items(
        &mut self,
        stream: Streamed,
        first: u32,
        rest: Rest,
        owner: Owner<'_>,
    ) {
        let (coordinate, location) = (Arc::clone(owner.coordinate), owner.location);
        let what = What::Items { rest, coordinate, location };
        let (path, items) = (self.owned_path(), Some((stream.usage, first)));
        self.later.push(Later { set: stream.set, path, items, what });
    }

    fn owned_path(&self) -> Vec<PathSegment> {
        let owned = |segment: &Segment<'_>| match segment {
            Segment::Key(key) => PathSegment::Key(Arc::from(*key)),
            Segment::Index(index) => PathSegment::Index(*index),
        };
        self.path.iter().map(owned).collect()
    }

    /// Writes the items of a list, with those fields that belong to them.
    pub(super) fn items_in(
        &mut self,
        streamed: Option<Streamed>,
        write: impl FnOnce(&mut Self) -> Done,
    ) -> Done {
        let Some(stream) = streamed else { return write(self) };
        let around = std::mem::replace(&mut self.set, stream.set);
        let done = write(self);
        self.set = around;
        done
    }

    /// After an item: one that failed is not there.
    pub(super) fn end_item(&mut self, start: Mark, before: u32, done: Done) -> Done {
        if done.is_err() {
            self.back_to(start);
        }
        self.items = if done.is_ok() { before + 1 } else { before };
        done
    }

    fn rest(&mut self, rest: &'a Rest, first: u32, owner: Owner<'a>) -> Done {
        match rest {
            Rest::Objects { site, objects, wrappers, node } => {
                self.object_items((*site, *objects), first, node, wrappers, owner)
            }
            Rest::Pages { site, parent, wrappers, node } => {
                self.more_pages((*site, *parent), first, node, wrappers, owner)
            }
            Rest::Edges { site, window, places, node } => match self.view(*site, *window) {
                Some(view) => self.edge_items(node, view, *places, first),
                None => Err(Nulled),
            },
            Rest::Events { site, window, places, wrappers, lists } => {
                match self.view(*site, *window) {
                    Some(view) => self.event_items(view, *places, lists, wrappers, owner),
                    None => Err(Nulled),
                }
            }
            Rest::Cells { answer, cells, wrappers, node } => match self.answer(*answer) {
                Some(table) => {
                    self.cells((*answer, table), *cells, first, (wrappers, node.as_ref()), owner)
                }
                None => Err(Nulled),
            },
        }
    }
}
