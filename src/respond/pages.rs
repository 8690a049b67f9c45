//! A streamed list that comes page by page: what is there of it while its step is not done.

use super::later::Rest;
use super::{Done, Nulled, Owner, Place, Segment, Writer};
use crate::execute::Link;
use crate::graph::Wrapper;
use crate::plan::{Node, SiteId};

/// A list: the site of its items, and the object of the site around that it is of.
type ListOf = (SiteId, u32);

impl<'a> Writer<'a> {
    /// The object whose list has come in part.
    pub(super) fn has_pages(&self, site: SiteId, place: Place) -> Option<u32> {
        self.streamed?;
        let Place::Object { object, .. } = place else { return None };
        let state = self.source.outcome.sites.get(site.index())?;
        state.pages.contains_key(&object).then_some(object)
    }

    /// So many items as come at once.
    pub(super) fn first_pages(
        &mut self,
        list: ListOf,
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let (Some((_, items)), Some(stream)) = (wrappers.split_first(), self.streamed.take())
        else {
            return Err(Nulled);
        };
        self.out.push(b'[');
        self.items_in(Some(stream), |writer| {
            writer.page_items(list, (0, stream.count), node, items, owner)
        })?;
        self.out.push(b']');
        let (site, parent) = list;
        let rest = Rest::Pages { site, parent, wrappers: items.to_vec(), node: node.clone() };
        self.leave_items(stream, self.items, rest, owner);
        Ok(())
    }

    /// What came since: of the pages, or of the whole list once it is there.
    pub(super) fn more_pages(
        &mut self,
        (site, parent): ListOf,
        first: u32,
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        let link = self.source.outcome.sites.get(site.index()).map(|state| state.link(parent));
        match link.unwrap_or_default() {
            Link::Unset => {
                self.is_open = true;
                self.page_items((site, parent), (first, u32::MAX), node, wrappers, owner)
            }
            Link::Many { start, end, .. } => {
                let objects = (start.saturating_add(first).min(end), end);
                self.object_items((site, objects), first, node, wrappers, owner)
            }
            Link::Failed(failure) => self.failed(failure, owner),
            Link::Null { .. } | Link::One(_) | Link::Rows { .. } | Link::Window(_) => Err(Nulled),
        }
    }

    /// Items of the pages that are there: at most so many, without the brackets around them.
    fn page_items(
        &mut self,
        (site, parent): ListOf,
        (first, most): (u32, u32),
        node: &'a Node,
        wrappers: &'a [Wrapper],
        owner: Owner<'a>,
    ) -> Done {
        self.items = 0;
        let outcome = self.source.outcome;
        let pages = outcome.sites.get(site.index()).and_then(|state| state.pages.get(&parent));
        let answers = pages.map_or(&[][..], |pages| &pages.answers);
        let tables = answers.iter().filter_map(|answer| Some((*answer, self.answer(*answer)?)));
        let rows = tables.flat_map(|table| table.1.rows.iter().map(move |row| (table, *row)));
        let rows: Vec<_> = rows.skip(first as usize).take(most as usize).collect();
        for (index, (table, row)) in (first..).zip(rows) {
            let start = self.mark();
            if index > first {
                self.out.push(b',');
            }
            self.path.push(Segment::Index(index));
            let done = self.value(table, row, wrappers, Some(node), owner);
            self.path.pop();
            self.end_item(start, index - first, done)?;
        }
        Ok(())
    }
}
