//! Objects of other sites: what a step brought for a field.

use super::later::Rest;
use super::{Done, Nulled, Owner, Place, Segment, Writer};
use crate::execute::{FailureId, Link, PartState, anchor_state};
use crate::graph::{TypeId, Wrapper};
use crate::plan::{Node, OutField, SiteId};
use crate::value::Cell;

/// Of so many objects in a row, what they lead to is read at once.
const AHEAD: u32 = 16;

/// What is known of an object.
#[derive(Clone, Copy)]
pub(super) enum Presence {
    There(TypeId),
    /// The anchor says that there is no such object, or nothing leads to a record of it.
    Missing,
    /// A list inside a list: the range of its items.
    List(u32, u32),
    /// A null in a list, or a record that fits no type.
    Null(Option<FailureId>),
}

impl<'a> Writer<'a> {
    pub(super) fn link(&self, child: SiteId, place: Place) -> Link {
        let Place::Object { object, .. } = place else { return Link::Unset };
        let outcome = self.source.outcome;
        let Some(site) = outcome.sites.get(child.index()) else { return Link::Unset };
        if object.is_multiple_of(AHEAD) {
            outcome.arena.read_ahead(site.links_from(object, AHEAD));
        }
        site.link(object)
    }

    pub(super) fn child(
        &mut self,
        field: &'a OutField,
        site: SiteId,
        node: &'a Node,
        place: Place,
        owner: Owner<'a>,
    ) -> Done {
        let wrappers = &field.ty.wrappers;
        match self.link(site, place) {
            Link::Unset if let Some(parent) = self.has_pages(site, place) => {
                self.first_pages((site, parent), node, wrappers, owner)
            }
            Link::Unset | Link::Null { .. } | Link::Window(_) => self.null(wrappers, owner),
            Link::Failed(failure) => self.failed(failure, owner),
            Link::One(object) => self.child_object(
                (site, object),
                self.presence(site, object),
                node,
                wrappers,
                owner,
            ),
            Link::Many { start, end, .. } => {
                self.objects(site, (start, end), node, wrappers, owner)
            }
            Link::Rows { answer, start, end } => {
                self.rows(answer, (start, end), node, wrappers, owner)
            }
        }
    }

    /// A list of objects that are nothing but their records. What was written of a cached answer's rows is not written twice.
    pub(super) fn rows(
        &mut self,
        answer: u32,
        rows: (u32, u32),
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let is_whole = self.parts.is_none() && self.trace.is_none();
        let loaded = self.source.outcome.arena.loaded(answer);
        let cached = loaded.filter(|loaded| loaded.cached_at.is_some() && is_whole);
        let Some((loaded, id)) = cached.zip(node.same) else {
            return self.all_rows(answer, rows, node, wrappers, owner);
        };
        let room = self.source.graph.limits.objects.saturating_sub(self.objects);
        if let Some(objects) = loaded.answer.written.copy(id, rows, room, &mut self.out) {
            self.objects += objects;
            return Ok(());
        }
        let (start, objects) = (self.out.len(), self.objects);
        let errors = (self.errors.len(), self.more_errors);
        let done = self.all_rows(answer, rows, node, wrappers, owner);
        if done.is_ok() && errors == (self.errors.len(), self.more_errors) {
            let json = self.out.get(start..).unwrap_or_default();
            loaded.answer.keep_written(id, rows, self.objects - objects, json);
        }
        done
    }

    fn all_rows(
        &mut self,
        answer: u32,
        (start, end): (u32, u32),
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let Some((_, items)) = wrappers.split_first() else { return Err(Nulled) };
        let leaves_out = items.first().is_some_and(|wrapper| wrapper.non_null);
        let rows = self.answer(answer).map_or(&[][..], |table| &table.rows);
        self.out.push(b'[');
        for (index, row) in (0..).zip(start..end) {
            if index > 0 {
                self.out.push(b',');
            }
            self.path.push(Segment::Index(index));
            let value = self.mark();
            let record = rows.get(row as usize).copied().unwrap_or(Cell::Absent);
            let done = self.record_object(answer, record, node, items, owner);
            let done = self.or_null(value, leaves_out, done);
            self.path.pop();
            done?;
        }
        self.out.push(b']');
        Ok(())
    }

    /// An object that is nothing but its record.
    pub(super) fn row(
        &mut self,
        answer: u32,
        row: u32,
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let record = self.answer(answer).and_then(|table| table.rows.get(row as usize).copied());
        self.record_object(answer, record.unwrap_or(Cell::Absent), node, wrappers, owner)
    }

    fn record_object(
        &mut self,
        answer: u32,
        record: Cell,
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let place = Place::Record { answer, record };
        match self.type_of(place) {
            Some(ty) => self.object(node, Some(ty), place),
            None => self.null(wrappers, owner),
        }
    }

    /// A list of objects. An object that turns out not to exist is null, or left out where items may not be null.
    pub(super) fn objects(
        &mut self,
        site: SiteId,
        range: (u32, u32),
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let Some((_, items)) = wrappers.split_first() else { return Err(Nulled) };
        let streamed = self.streamed.take();
        let end = match streamed {
            Some(stream) => self.end_of(site, range, items, stream.count),
            None => range.1,
        };
        self.out.push(b'[');
        let first = (range.0, end);
        self.items_in(streamed, |writer| {
            writer.object_items((site, first), 0, node, items, owner)
        })?;
        self.out.push(b']');
        if let Some(stream) = streamed.filter(|_| end < range.1) {
            let wrappers = items.to_vec();
            let rest =
                Rest::Objects { site, objects: (end, range.1), wrappers, node: node.clone() };
            self.leave_items(stream, self.items, rest, owner);
        }
        Ok(())
    }

    /// Items without the brackets around them.
    pub(super) fn object_items(
        &mut self,
        (site, objects): (SiteId, (u32, u32)),
        first: u32,
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let leaves_out = wrappers.first().is_some_and(|wrapper| wrapper.non_null);
        let mut index = first;
        for object in objects.0..objects.1 {
            let presence = self.presence(site, object);
            if leaves_out && matches!(presence, Presence::Missing) {
                continue;
            }
            let start = self.mark();
            if index > first {
                self.out.push(b',');
            }
            self.path.push(Segment::Index(index));
            let value = self.mark();
            let done = self.child_object((site, object), presence, node, wrappers, owner);
            let done = self.or_null(value, leaves_out, done);
            self.path.pop();
            self.end_item(start, index - first, done)?;
            index += 1;
        }
        self.items = index - first;
        Ok(())
    }

    /// Where a list ends that has at most so many items.
    fn end_of(
        &self,
        site: SiteId,
        (start, end): (u32, u32),
        wrappers: &[Wrapper],
        count: u32,
    ) -> u32 {
        let leaves_out = wrappers.first().is_some_and(|wrapper| wrapper.non_null);
        let is_item = |object: &u32| {
            !leaves_out || !matches!(self.presence(site, *object), Presence::Missing)
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        (start..end).filter(is_item).nth(count).unwrap_or(end)
    }

    pub(super) fn child_object(
        &mut self,
        (site, object): (SiteId, u32),
        presence: Presence,
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        match presence {
            Presence::List(start, end) => self.objects(site, (start, end), node, wrappers, owner),
            Presence::There(ty) => self.object(node, Some(ty), Place::Object { site, object }),
            Presence::Null(Some(failure)) => self.failed(failure, owner),
            Presence::Null(None) | Presence::Missing => self.null(wrappers, owner),
        }
    }

    pub(super) fn presence(&self, site: SiteId, object: u32) -> Presence {
        let Some(state) = self.source.outcome.sites.get(site.index()) else {
            return Presence::Missing;
        };
        let Some(ty) = state.objects.get(object as usize).and_then(|object| object.ty) else {
            if let Some((start, end)) = state.lists.get(&object) {
                return Presence::List(*start, *end);
            }
            return match state.part(object, 0) {
                PartState::Failed(failure) => Presence::Null(Some(*failure)),
                _ => Presence::Null(None),
            };
        };
        match anchor_state(self.source.graph, state, object, ty) {
            Some(PartState::Missing { .. } | PartState::NotLinked) => Presence::Missing,
            _ => Presence::There(ty),
        }
    }

    pub(super) fn call_value(
        &mut self,
        field: &'a OutField,
        site: SiteId,
        node: Option<&'a Node>,
        place: Place,
        owner: Owner<'a>,
    ) -> Done {
        match self.link(site, place) {
            Link::Failed(failure) => self.failed(failure, owner),
            Link::One(object) => {
                let state = self.source.outcome.sites.get(site.index());
                let Some(PartState::Row { answer, record }) =
                    state.map(|state| state.part(object, 0))
                else {
                    return self.null(&field.ty.wrappers, owner);
                };
                let Some(table) = self.answer(*answer) else { return Err(Nulled) };
                let cell = table.slot(*record, crate::graph::SlotId(0));
                self.value((*answer, table), cell, &field.ty.wrappers, node, owner)
            }
            Link::Unset
            | Link::Null { .. }
            | Link::Many { .. }
            | Link::Rows { .. }
            | Link::Window(_) => self.null(&field.ty.wrappers, owner),
        }
    }
}
