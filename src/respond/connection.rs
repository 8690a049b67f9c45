//! Relay connections: nodes, edges, cursors and page info over a window of objects.

use std::sync::Arc;

use crate::error::ErrorCode;
use crate::execute::{Link, MergedPage, Window, WindowId};
use crate::graph::ConnectionField;
use crate::load::Position;
use crate::plan::{ConnectionNode, ConnectionOut, ConnectionWhat, OutField, SiteId, is_visible};
use crate::respond::child::Presence;
use crate::respond::later::{Rest, What};
use crate::respond::{Done, Nulled, Owner, Place, Segment, Writer};
use crate::value::Answer;

/// Which part of a connection is being written.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// The connection itself, or its page info.
    Whole,
    /// One edge, by its place in the window.
    Edge(u32),
}

/// The window of objects that a connection shows.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    site: SiteId,
    id: WindowId,
    window: &'a Window,
}

impl<'a> View<'a> {
    /// How many items it shows.
    pub(super) fn count(self) -> u32 {
        self.window.end - self.window.start
    }

    pub(super) fn names(self) -> (SiteId, WindowId) {
        (self.site, self.id)
    }

    pub(super) fn merged(self) -> Option<&'a MergedPage> {
        self.window.merged.as_deref()
    }
}

impl<'a> Writer<'a> {
    pub(super) fn view(&self, site: SiteId, id: WindowId) -> Option<View<'a>> {
        let window = self.source.outcome.arena.windows.get(id.0 as usize)?;
        Some(View { site, id, window })
    }

    pub(super) fn connection(
        &mut self,
        field: &'a OutField,
        site: SiteId,
        node: &'a Arc<ConnectionNode>,
        place: Place,
        owner: Owner<'a>,
    ) -> Done {
        match self.link(site, place) {
            Link::Failed(failure) => self.failed(failure, owner),
            Link::Window(window) => match self.view(site, window) {
                Some(view) => {
                    if let Some(page) = &view.window.merged {
                        self.missed(page, owner)?;
                    }
                    self.connection_object(node, view, At::Whole)
                }
                None => Err(Nulled),
            },
            Link::Unset
            | Link::Null { .. }
            | Link::One(_)
            | Link::Many { .. }
            | Link::Rows { .. } => self.null(&field.ty.wrappers, owner),
        }
    }

    pub(super) fn connection_object(
        &mut self,
        node: &'a Arc<ConnectionNode>,
        view: View<'a>,
        at: At,
    ) -> Done {
        let open = self.out.len();
        let mut others = Vec::new();
        let is_begun = std::mem::take(&mut self.is_begun);
        for entry in &node.order {
            let Some(field) = node.fields.get(entry.field) else { continue };
            if !self.holds(entry) {
                continue;
            }
            if self.comes_later(field.occurrences, &mut others) {
                continue;
            }
            field.prefix.write(&mut self.out);
            if self.trace.is_some() && !matches!(field.what, ConnectionWhat::Typename) {
                self.note_field(
                    &field.response_key,
                    &field.coordinate,
                    field.ty.as_ref(),
                    node.ty,
                    None,
                );
            }
            self.path.push(Segment::Key(&field.response_key));
            let start = self.mark();
            let done = self.connection_field(node, field, view, at);
            let is_non_null = field
                .ty
                .as_ref()
                .and_then(|ty| ty.wrappers.first())
                .is_some_and(|wrapper| wrapper.non_null);
            let done = self.or_null(start, is_non_null, done);
            self.path.pop();
            done?;
        }
        self.end_object(open);
        for set in others.into_iter().filter(|_| !is_begun) {
            let (site, window) = (view.site, view.id);
            self.leave(set, What::Connection { node: Arc::clone(node), site, window, at });
        }
        Ok(())
    }

    fn connection_field(
        &mut self,
        parent: &'a ConnectionNode,
        field: &'a ConnectionOut,
        view: View<'a>,
        at: At,
    ) -> Done {
        let View { site, window, .. } = view;
        let owner = Owner { coordinate: &field.coordinate, location: field.location };
        if !field.access.is_empty() && !is_visible(&field.access, self.source.principal) {
            return self.refused(owner);
        }
        let wrappers = field.ty.as_ref().map_or(&[][..], |ty| &ty.wrappers);
        self.streamed = self.parts.and_then(|parts| parts.stream(field.stream));
        match (&field.what, at) {
            (ConnectionWhat::Typename, _) => {
                let name = &self.source.graph.ty(parent.ty).name;
                self.string(name);
                Ok(())
            }
            (ConnectionWhat::Objects(node), At::Whole) if window.are_rows => {
                self.rows(window.answer, (window.start, window.end), node, wrappers, owner)
            }
            (ConnectionWhat::Objects(node), At::Edge(place)) if window.are_rows => {
                self.row(window.answer, window.start + place, node, wrappers, owner)
            }
            (ConnectionWhat::Objects(node), At::Whole) => {
                self.objects(site, (window.start, window.end), node, wrappers, owner)
            }
            (ConnectionWhat::Objects(node), At::Edge(place)) => {
                let object = window.start + place;
                self.child_object(
                    (site, object),
                    self.presence(site, object),
                    node,
                    wrappers,
                    owner,
                )
            }
            (ConnectionWhat::Events(lists), At::Whole) => self.events(view, lists, wrappers, owner),
            (ConnectionWhat::Events(lists), At::Edge(place)) => {
                self.event(view, place, lists, wrappers, owner)
            }
            (ConnectionWhat::Inside(ConnectionField::Edges, edge), _) => {
                self.edges(edge, view, owner)
            }
            (ConnectionWhat::Inside(_, inside), at) => self.connection_object(inside, view, at),
            (ConnectionWhat::Leaf(leaf), at) => self.connection_leaf(*leaf, window, at, owner),
        }
    }

    fn edges(&mut self, edge: &'a Arc<ConnectionNode>, view: View<'a>, owner: Owner<'a>) -> Done {
        let streamed = self.streamed.take();
        let all = view.count();
        let end = streamed.map_or(all, |stream| self.end_of_edges(view, stream.count).min(all));
        self.out.push(b'[');
        self.items_in(streamed, |writer| writer.edge_items(edge, view, (0, end), 0))?;
        self.out.push(b']');
        if let Some(stream) = streamed.filter(|_| end < all) {
            let (site, window) = (view.site, view.id);
            let rest = Rest::Edges { site, window, places: (end, all), node: Arc::clone(edge) };
            self.leave_items(stream, end, rest, owner);
        }
        Ok(())
    }

    /// Items without the brackets around them.
    pub(super) fn edge_items(
        &mut self,
        edge: &'a Arc<ConnectionNode>,
        view: View<'a>,
        places: (u32, u32),
        first: u32,
    ) -> Done {
        self.items = 0;
        let mut index = first;
        for place in places.0..places.1 {
            // an object that turns out not to exist has no edge
            if !self.has_edge(view, place) {
                continue;
            }
            let start = self.mark();
            if index > first {
                self.out.push(b',');
            }
            self.path.push(Segment::Index(index));
            let done = self.connection_object(edge, view, At::Edge(place));
            self.path.pop();
            self.end_item(start, index - first, done)?;
            index += 1;
        }
        self.items = index - first;
        Ok(())
    }

    fn has_edge(&self, View { site, window, .. }: View<'a>, place: u32) -> bool {
        let object = window.start + place;
        window.are_rows
            || window.merged.is_some()
            || !matches!(self.presence(site, object), Presence::Missing)
    }

    /// The place behind the first so many edges.
    fn end_of_edges(&self, view: View<'a>, count: u32) -> u32 {
        let all = view.count();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        (0..all).filter(|place| self.has_edge(view, *place)).nth(count).unwrap_or(all)
    }

    fn connection_leaf(
        &mut self,
        leaf: ConnectionField,
        window: &Window,
        at: At,
        owner: Owner<'a>,
    ) -> Done {
        let count = window.end - window.start;
        let cursor_of = |place: u32| (count > 0).then(|| self.cursor(window, place)).flatten();
        let of_merged = window.merged.as_ref().and_then(|page| Self::merged_leaf(page, leaf, at));
        let text = match (leaf, at) {
            _ if let Some(text) = of_merged => text,
            (ConnectionField::HasNextPage, _) => window.has_next.to_string(),
            (ConnectionField::HasPreviousPage, _) => window.has_previous.to_string(),
            (ConnectionField::TotalCount, _) => {
                self.total(window).map_or_else(|| "null".to_owned(), |total| total.to_string())
            }
            (ConnectionField::StartCursor, _) => json(cursor_of(0)),
            (ConnectionField::EndCursor, _) if count == 0 => json(self.cursor_past(window)),
            (ConnectionField::EndCursor, _) => json(cursor_of(count - 1)),
            (ConnectionField::Cursor, At::Edge(place)) => json(cursor_of(place)),
            _ => "null".to_owned(),
        };
        if text == "null" && leaf == ConnectionField::Cursor {
            self.error(owner, ErrorCode::Internal, "the cursor could not be made".to_owned(), None);
            return Err(Nulled);
        }
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// How many there are in all, if the vendor says so or the whole list is held.
    fn total(&self, window: &Window) -> Option<u64> {
        let answer = self.answer(window.answer)?;
        let is_whole = window.page_size.is_none()
            || (answer.next.is_none() && answer.pages.first()?.state.is_none());
        answer.total.or_else(|| (is_whole && !answer.partial).then_some(answer.rows.len() as u64))
    }

    /// Where a client goes on that got no row but is told that there is more: records may have been left out of every page
    /// that was fetched, or none was asked for.
    fn cursor_past(&self, window: &Window) -> Option<String> {
        if !window.has_next {
            return None;
        }
        let position = match window.page_size {
            None => Position::Row(window.first_row),
            Some(size) => empty_position(self.answer(window.answer)?, window.first_row, size)?,
        };
        Some(self.source.cursors.seal(window.list.as_ref()?, &position))
    }

    /// The cursor after one object of the window.
    fn cursor(&self, window: &Window, place: u32) -> Option<String> {
        let list = window.list.as_ref()?;
        let row = window.first_row + place;
        let position = match window.page_size {
            None => Position::Row(row + 1),
            Some(size) => page_position(self.answer(window.answer)?, row, size)?,
        };
        Some(self.source.cursors.seal(list, &position))
    }
}

/// Where to go on after a window without rows: with its first row, or with the page that was not fetched anymore.
fn empty_position(answer: &Answer, row: u32, size: u32) -> Option<Position> {
    if (row as usize) < answer.rows.len() {
        let own = answer.pages.iter().rfind(|page| page.row <= row)?;
        return Some(Position::Page { state: own.state.clone(), size, skip: row - own.row });
    }
    let state = answer.next.clone()?;
    Some(Position::Page { state: Some(state), size, skip: 0 })
}

/// Where to go on after a row: the start of the next page if there is one, or so many rows into the row's own page.
fn page_position(answer: &Answer, row: u32, size: u32) -> Option<Position> {
    let page = answer.pages.iter().rposition(|page| page.row <= row)?;
    let own = answer.pages.get(page)?;
    let next = answer.pages.get(page + 1);
    let is_last_row = next.map_or_else(
        || row + 1 == u32::try_from(answer.rows.len()).unwrap_or(0),
        |next| next.row == row + 1,
    );
    let next_state = next
        .and_then(|next| next.state.clone())
        .or_else(|| if next.is_none() { answer.next.clone() } else { None });
    match next_state {
        Some(state) if is_last_row => Some(Position::Page { state: Some(state), size, skip: 0 }),
        _ => Some(Position::Page { state: own.state.clone(), size, skip: row - own.row + 1 }),
    }
}

fn json(cursor: Option<String>) -> String {
    cursor.map_or_else(|| "null".to_owned(), |cursor| format!("\"{cursor}\""))
}
