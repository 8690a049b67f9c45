//! Objects of other sites: what a step brought for a field.

use super::{Done, Nulled, Owner, Place, Segment, Writer};
use crate::execute::{Link, PartState, anchor_state};
use crate::graph::Wrapper;
use crate::plan::{Node, OutField, SiteId};

impl<'a> Writer<'a> {
    pub(super) fn link(&self, child: SiteId, place: Place) -> Link {
        let Place::Object { object, .. } = place else { return Link::Unset };
        self.source.outcome.sites.get(child.index()).map_or(Link::Unset, |site| site.link(object))
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
            Link::Unset | Link::Null { .. } | Link::Window(_)
                if wrappers.first().is_some_and(|wrapper| wrapper.list) =>
            {
                self.null(wrappers, owner)
            }
            Link::Unset | Link::Null { .. } | Link::Window(_) => self.null(wrappers, owner),
            Link::Failed(failure) => self.failed(failure, owner),
            Link::One(object) => self.child_object(site, object, node, wrappers, owner),
            Link::Many { start, end, .. } => {
                self.objects(site, (start, end), node, wrappers, owner)
            }
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
        let leaves_out = items.first().is_some_and(|wrapper| wrapper.non_null);
        self.out.push(b'[');
        let mut index = 0;
        for object in range.0..range.1 {
            if leaves_out && self.is_missing(site, object) {
                continue;
            }
            if index > 0 {
                self.out.push(b',');
            }
            self.path.push(Segment::Index(index));
            let start = self.out.len();
            let done = self.child_object(site, object, node, items, owner);
            let done = self.or_null(start, leaves_out, done);
            self.path.pop();
            done?;
            index += 1;
        }
        self.out.push(b']');
        Ok(())
    }

    pub(super) fn child_object(
        &mut self,
        site: SiteId,
        object: u32,
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let place = Place::Object { site, object };
        let state = self
            .source
            .outcome
            .sites
            .get(site.index())
            .map(|state| (self.type_of(place), state.part(object, 0)));
        if let Some((None, PartState::Failed(failure))) = state {
            return self.failed(*failure, owner);
        }
        if self.type_of(place).is_none() || self.is_missing(site, object) {
            return self.null(wrappers, owner);
        }
        self.object(node, place)
    }

    /// The anchor says that there is no such object.
    fn is_missing(&self, site: SiteId, object: u32) -> bool {
        let Some(state) = self.source.outcome.sites.get(site.index()) else { return true };
        let Some(ty) = state.objects.get(object as usize).and_then(|object| object.ty) else {
            return false;
        };
        matches!(
            anchor_state(self.source.graph, state, object, ty),
            Some(PartState::Missing { .. })
        )
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
            Link::Unset | Link::Null { .. } | Link::Many { .. } | Link::Window(_) => {
                self.null(&field.ty.wrappers, owner)
            }
        }
    }
}
