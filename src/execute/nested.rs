//! Records inside the records in hand become objects of their own: lists, and lists of lists.
//!
//! Takes: objects whose records are in hand, the field of theirs that holds the others.
//! Gives: links to the objects at the child site; an inner list is an object without a type that stands for its items.
//! Never: calls.

use std::sync::Arc;

use super::Run;
use super::state::{Link, NullBy, PartState, Row, number};
use crate::graph::{FieldId, PartId};
use crate::plan::{SiteId, Step};
use crate::value::{Answer, Cell};

/// The list that is unpacked: whose it is and where its cells stand.
#[derive(Clone, Copy)]
struct Found<'a> {
    child: SiteId,
    parent: u32,
    answer: u32,
    loaded: &'a Answer,
}

impl Run<'_> {
    pub(super) fn nested(
        &mut self,
        step: &Step,
        child: SiteId,
        column: usize,
        field: Option<FieldId>,
    ) {
        let parents: Vec<u32> =
            self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)).collect();
        for parent in parents {
            let link = self.nested_link(step.site, child, parent, column, field);
            self.link(child, parent, link);
        }
    }

    fn nested_link(
        &mut self,
        site: SiteId,
        child: SiteId,
        parent: u32,
        column: usize,
        field: Option<FieldId>,
    ) -> Link {
        let part = PartId(u8::try_from(column).unwrap_or(u8::MAX));
        let (answer, record) = match self.part(site, parent, part) {
            PartState::Row { answer, record } => (*answer, *record),
            PartState::Failed(failure) => return Link::Failed(*failure),
            PartState::Unset => return Link::Unset,
            PartState::Ambiguous { .. } | PartState::Several { .. } => {
                let ty = self.site(site).and_then(|site| site.objects.get(parent as usize)?.ty);
                let failure = ty.map(|ty| self.ambiguous_part(ty, part));
                return failure
                    .map_or(Link::Unset, |failure| Link::Failed(self.arena.failure(failure)));
            }
            _ => return Link::Null { by: NullBy::NotLinked },
        };
        let Some(loaded) = self.arena.loaded(answer).map(|loaded| Arc::clone(&loaded.answer))
        else {
            return Link::Unset;
        };
        match Row::of(self.graph, &loaded, record).field(field) {
            Cell::Problem(problem) => Link::Failed(self.misfit(&loaded, problem)),
            Cell::Record { .. } if !self.has_room(1) => Link::Failed(self.too_many()),
            cell @ Cell::Record { .. } => Link::One(self.row(child, parent, answer, cell)),
            Cell::List { start, end } => {
                let found = Found { child, parent, answer, loaded: &loaded };
                match self.items(found, (start, end)) {
                    Some((start, end)) => Link::Many { start, end, answer: Some(answer) },
                    None => Link::Failed(self.too_many()),
                }
            }
            _ => Link::Null { by: NullBy::Answer(answer) },
        }
    }

    /// Makes the items of a list, which stand side by side, and then those of the lists among them. `None`: there is no
    /// room for them.
    fn items(&mut self, found: Found<'_>, (start, end): (u32, u32)) -> Option<(u32, u32)> {
        if !self.has_room((end - start) as usize) {
            return None;
        }
        let Found { child, parent, answer, loaded } = found;
        let first = self.site(child).map_or(0, |site| number(site.objects.len()));
        let mut lists = Vec::new();
        for (object, index) in (first..).zip(start..end) {
            match loaded.cell(index) {
                cell @ Cell::Record { .. } => {
                    self.row(child, parent, answer, cell);
                }
                Cell::Problem(problem) => self.add_misfit(child, parent, loaded, problem),
                Cell::List { start, end } => {
                    self.add_null(child, parent);
                    lists.push((object, (start, end)));
                }
                _ => self.add_null(child, parent),
            }
        }
        for (object, list) in lists {
            let items = self.items(found, list)?;
            if let Some(site) = self.site_mut(child) {
                site.lists.insert(object, items);
            }
        }
        Some((first, first + (end - start)))
    }
}
