//! Merged lists: the events of a page, what is missing of it, and the fields of events that are no fields of their records.

use std::sync::Arc;

use super::connection::{At, View};
use super::later::Rest;
use super::{Done, Nulled, Owner, Place, Writer};
use crate::execute::{MergedPage, PartState};
use crate::graph::{ConnectionField, Wrapper};
use crate::plan::{EventOut, Node, OutField, SiteId};
use crate::value::opaque_id;

/// Where the events of each list stand, and what they are written as.
pub(super) type Events = Arc<[(SiteId, Node)]>;

impl<'a> Writer<'a> {
    /// Tells which lists failed. If none answered there is nothing to show.
    pub(super) fn missed(&mut self, page: &MergedPage, owner: Owner<'a>) -> Done {
        for failure in &page.failures {
            if let Some(failure) = self.source.outcome.arena.failures.get(failure.0 as usize) {
                self.tell(owner, failure);
            }
        }
        if page.is_answered || page.failures.is_empty() { Ok(()) } else { Err(Nulled) }
    }

    /// `nodes` of a merged list.
    pub(super) fn events(
        &mut self,
        view: View<'a>,
        lists: &'a Events,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let Some((_, items)) = wrappers.split_first() else { return Err(Nulled) };
        let streamed = self.streamed.take();
        let all = view.count();
        let end = streamed.map_or(all, |stream| stream.count.min(all));
        self.out.push(b'[');
        self.items_in(streamed, |writer| writer.event_items(view, (0, end), lists, items, owner))?;
        self.out.push(b']');
        if let Some(stream) = streamed.filter(|_| end < all) {
            let (site, window) = view.names();
            let (wrappers, lists) = (items.to_vec(), Arc::clone(lists));
            let rest = Rest::Events { site, window, places: (end, all), wrappers, lists };
            self.leave_items(stream, self.items, rest, owner);
        }
        Ok(())
    }

    /// Items without the brackets around them.
    pub(super) fn event_items(
        &mut self,
        view: View<'a>,
        (first, end): (u32, u32),
        lists: &'a Events,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let leaves_out = wrappers.first().is_some_and(|wrapper| wrapper.non_null);
        for place in first..end {
            let start = self.mark();
            if place > first {
                self.out.push(b',');
            }
            self.path.push(super::Segment::Index(place));
            let value = self.mark();
            let done = self.event(view, place, lists, wrappers, owner);
            let done = self.or_null(value, leaves_out, done);
            self.path.pop();
            self.end_item(start, place - first, done)?;
        }
        self.items = end - first;
        Ok(())
    }

    pub(super) fn event(
        &mut self,
        view: View<'a>,
        place: u32,
        lists: &'a Events,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let event = view.merged().and_then(|page| page.events.get(place as usize));
        let of = event.and_then(|(list, object)| Some((lists.get(usize::from(*list))?, *object)));
        match of {
            Some(((site, node), object)) => {
                let presence = self.presence(*site, object);
                self.child_object((*site, object), presence, node, wrappers, owner)
            }
            None => self.null(wrappers, owner),
        }
    }

    /// What a merged list says of itself, as JSON.
    pub(super) fn merged_leaf(page: &MergedPage, leaf: ConnectionField, at: At) -> Option<String> {
        let cursor = |cursor: Option<&Box<str>>| cursor.map(|cursor| format!("\"{cursor}\""));
        let has_events = !page.events.is_empty();
        Some(match (leaf, at) {
            (ConnectionField::Complete, _) => {
                (page.missing.is_empty() && page.undated == 0).to_string()
            }
            (ConnectionField::MissingSources, _) => {
                let missing: Vec<&str> = page.missing.iter().map(|role| &**role).collect();
                serde_json::to_string(&missing).ok()?
            }
            (ConnectionField::Undated, _) => page.undated.to_string(),
            (ConnectionField::TotalCount, _) => "null".to_owned(),
            (ConnectionField::StartCursor, _) => {
                cursor(page.cursors.first().filter(|_| has_events))?
            }
            (ConnectionField::EndCursor, _) => cursor(page.cursors.last())?,
            (ConnectionField::Cursor, At::Edge(place)) => cursor(page.cursors.get(place as usize))?,
            _ => return None,
        })
    }

    /// A field of an event that is no field of its record.
    pub(super) fn event_field(
        &mut self,
        of: &'a EventOut,
        field: &'a OutField,
        place: Place,
        owner: Owner<'a>,
    ) -> Done {
        match of {
            EventOut::Value(value) if &**value == "null" => self.null(&field.ty.wrappers, owner),
            EventOut::Value(value) => {
                self.out.extend_from_slice(value.as_bytes());
                Ok(())
            }
            EventOut::Record(node) => self.object(node, self.type_of(place), place),
            EventOut::Id { ty, role } => match self.remote_id(place) {
                Some(key) => {
                    self.string(&opaque_id(ty, role, &key));
                    Ok(())
                }
                None => self.null(&field.ty.wrappers, owner),
            },
        }
    }

    /// The id of an object's record, as its backend has it.
    fn remote_id(&self, place: Place) -> Option<String> {
        let graph = self.source.graph;
        let (answer, record) = match place {
            Place::Record { answer, record } => (answer, record),
            Place::Object { site, object } => {
                let state = self.source.outcome.sites.get(site.index())?;
                let records = (0..state.columns).map(|column| state.part(object, column));
                records.into_iter().find_map(|part| match part {
                    PartState::Row { answer, record } => Some((*answer, *record)),
                    _ => None,
                })?
            }
        };
        let crate::value::Cell::Record { shape, .. } = record else { return None };
        let slot = graph.shape(shape).id_slot?;
        Some(self.answer(answer)?.key_text(graph, record, slot)?.into_owned())
    }
}
