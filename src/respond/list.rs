//! Lists inside of a record.

use super::later::Rest;
use super::{Done, Nulled, Owner, Segment, Writer};
use crate::error::ErrorCode;
use crate::execute::too_many_objects;
use crate::graph::Wrapper;
use crate::plan::Node;
use crate::value::Answer;

impl<'a> Writer<'a> {
    pub(super) fn list(
        &mut self,
        table: (u32, &'a Answer),
        range: (u32, u32),
        wrappers: &'a [Wrapper],
        node: Option<&'a Node>,
        owner: Owner<'a>,
    ) -> Done {
        if node.is_some() {
            // Records inside a record are the backend's to number, and one record may stand in many places.
            self.objects = self.objects.saturating_add((range.1 - range.0) as usize);
            if self.objects > self.source.graph.limits.objects {
                let message = too_many_objects(self.source.graph);
                self.error(owner, ErrorCode::ObjectsLimit, message, None);
                return Err(Nulled);
            }
        }
        let streamed = self.streamed.take();
        let first = streamed.map_or(range.1, |stream| range.0.saturating_add(stream.count));
        let end = first.min(range.1);
        self.out.push(b'[');
        self.items_in(streamed, |writer| {
            writer.cells(table, (range.0, end), 0, (wrappers, node), owner)
        })?;
        self.out.push(b']');
        if let Some(stream) = streamed.filter(|_| end < range.1) {
            let wrappers = wrappers.to_vec();
            let rest = Rest::Cells {
                answer: table.0,
                cells: (end, range.1),
                wrappers,
                node: node.cloned(),
            };
            self.leave_items(stream, end - range.0, rest, owner);
        }
        Ok(())
    }

    /// Items without the brackets around them.
    pub(super) fn cells(
        &mut self,
        table: (u32, &'a Answer),
        cells: (u32, u32),
        first: u32,
        (wrappers, node): (&'a [Wrapper], Option<&'a Node>),
        owner: Owner<'a>,
    ) -> Done {
        self.items = 0;
        for (index, cell) in (first..).zip(cells.0..cells.1) {
            let start = self.mark();
            if index > first {
                self.out.push(b',');
            }
            self.path.push(Segment::Index(index));
            let done = self.value(table, table.1.cell(cell), wrappers, node, owner);
            self.path.pop();
            self.end_item(start, index - first, done)?;
        }
        Ok(())
    }
}
