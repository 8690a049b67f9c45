//! Relay connections: nodes, edges, cursors and page info over a window of objects.

use crate::error::ErrorCode;
use crate::execute::{Link, Window};
use crate::graph::ConnectionField;
use crate::load::Position;
use crate::plan::{ConnectionNode, ConnectionOut, ConnectionWhat, OutField, SiteId, is_visible};
use crate::respond::{Done, Nulled, Owner, Place, Segment, Writer};
use crate::value::Answer;

/// Which part of a connection is being written.
#[derive(Clone, Copy)]
enum At {
    /// The connection itself, or its page info.
    Whole,
    /// One edge, by its place in the window.
    Edge(u32),
}

impl<'a> Writer<'a> {
    pub(super) fn connection(
        &mut self,
        field: &'a OutField,
        site: SiteId,
        node: &'a ConnectionNode,
        place: Place,
        owner: Owner<'a>,
    ) -> Done {
        match self.link(site, place) {
            Link::Failed(failure) => self.failed(failure, owner),
            Link::Window(window) => {
                match self.source.outcome.arena.windows.get(window.0 as usize) {
                    Some(window) => self.connection_object(node, site, window, At::Whole),
                    None => Err(Nulled),
                }
            }
            Link::Unset | Link::Null { .. } | Link::One(_) | Link::Many { .. } => {
                self.null(&field.ty.wrappers, owner)
            }
        }
    }

    fn connection_object(
        &mut self,
        node: &'a ConnectionNode,
        site: SiteId,
        window: &'a Window,
        at: At,
    ) -> Done {
        self.out.push(b'{');
        let mut is_first = true;
        for entry in &node.order {
            let Some(field) = node.fields.get(entry.field) else { continue };
            if !self.holds(entry) {
                continue;
            }
            self.key(&field.prefix, &mut is_first);
            self.path.push(Segment::Key(&field.response_key));
            let start = self.out.len();
            let done = self.connection_field(node, field, site, window, at);
            let is_non_null = field
                .ty
                .as_ref()
                .and_then(|ty| ty.wrappers.first())
                .is_some_and(|wrapper| wrapper.non_null);
            let done = self.or_null(start, is_non_null, done);
            self.path.pop();
            done?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn connection_field(
        &mut self,
        parent: &'a ConnectionNode,
        field: &'a ConnectionOut,
        site: SiteId,
        window: &'a Window,
        at: At,
    ) -> Done {
        let owner = Owner { coordinate: &field.coordinate, location: field.location };
        if !field.access.is_empty() && !is_visible(&field.access, self.source.principal) {
            return self.refused(owner);
        }
        let wrappers = field.ty.as_ref().map_or(&[][..], |ty| &ty.wrappers);
        match (&field.what, at) {
            (ConnectionWhat::Typename, _) => {
                let name = &self.source.graph.ty(parent.ty).name;
                self.string(name);
                Ok(())
            }
            (ConnectionWhat::Objects(node), At::Whole) => {
                self.objects(site, (window.start, window.end), node, wrappers, owner)
            }
            (ConnectionWhat::Objects(node), At::Edge(place)) => {
                self.child_object(site, window.start + place, node, wrappers, owner)
            }
            (ConnectionWhat::Inside(ConnectionField::Edges, edge), _) => {
                self.edges(edge, site, window)
            }
            (ConnectionWhat::Inside(_, inside), at) => {
                self.connection_object(inside, site, window, at)
            }
            (ConnectionWhat::Leaf(leaf), at) => self.connection_leaf(*leaf, window, at, owner),
        }
    }

    fn edges(&mut self, edge: &'a ConnectionNode, site: SiteId, window: &'a Window) -> Done {
        self.out.push(b'[');
        for place in 0..window.end - window.start {
            if place > 0 {
                self.out.push(b',');
            }
            self.path.push(Segment::Index(place));
            let done = self.connection_object(edge, site, window, At::Edge(place));
            self.path.pop();
            done?;
        }
        self.out.push(b']');
        Ok(())
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
        let text = match (leaf, at) {
            (ConnectionField::HasNextPage, _) => window.has_next.to_string(),
            (ConnectionField::HasPreviousPage, _) => window.has_previous.to_string(),
            (ConnectionField::TotalCount, _) => {
                self.total(window).map_or_else(|| "null".to_owned(), |total| total.to_string())
            }
            (ConnectionField::StartCursor, _) => json(cursor_of(0)),
            (ConnectionField::EndCursor, _) => json(cursor_of(count.saturating_sub(1))),
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
