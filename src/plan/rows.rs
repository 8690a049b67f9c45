//! Which sites need no objects: their records are all there is to them, and are written from the rows of the answer as they
//! stand.

use crate::graph::{Account, Graph, TypeId, TypeKind};
use crate::plan::{
    CallStep, ConnectionNode, ConnectionWhat, EventOut, Node, Out, OutField, Site, SiteId, Step,
    Work,
};

/// Marks the sites whose objects are made by a call, are waited for by no step, and have nothing selected that is not in
/// their own records.
pub(super) fn mark_rows(graph: &Graph, root: &Node, steps: &[Step], sites: &mut [Site]) {
    for step in steps {
        if let Work::Call(call @ CallStep { merged: None, .. }) = &step.work
            && let Some(site) = sites.get_mut(call.child.index())
        {
            site.may_be_rows = has_one_part(graph, site.ty);
        }
    }
    for step in steps {
        if let Some(site) = sites.get_mut(step.site.index()) {
            site.may_be_rows = false;
        }
    }
    Walk { sites }.node(root, SiteId::ROOT);
}

/// A record of such a type is all that an object can have.
fn has_one_part(graph: &Graph, ty: TypeId) -> bool {
    match &graph.ty(ty).kind {
        TypeKind::Interface { possible } | TypeKind::Union { possible } => {
            possible.iter().all(|ty| graph.ty(*ty).parts.len() <= 1)
        }
        _ => graph.ty(ty).parts.len() <= 1,
    }
}

struct Walk<'a> {
    sites: &'a mut [Site],
}

impl Walk<'_> {
    fn node(&mut self, node: &Node, site: SiteId) {
        for branch in &node.branches {
            for field in &branch.fields {
                self.field(field, site);
            }
        }
    }

    fn field(&mut self, field: &OutField, site: SiteId) {
        let is_of_record = match &field.source {
            Out::Typename | Out::NotCovered | Out::Slot { .. } | Out::Computed(_) => true,
            Out::Account { node } => node.account != Account::Matches,
            Out::Child { site: child, node, .. } => {
                self.node(node, *child);
                false
            }
            Out::Connection { site: child, node, .. } => {
                self.connection(node, *child);
                false
            }
            Out::Derived { reads, .. } => {
                self.node(reads, site);
                false
            }
            Out::Event(EventOut::Record(node)) => {
                self.node(node, site);
                false
            }
            Out::Value { .. }
            | Out::Survivor { .. }
            | Out::Metric { .. }
            | Out::Event(_)
            | Out::SourceStatus { .. }
            | Out::Introspection
            | Out::Service { .. }
            | Out::ServiceSdl => false,
        };
        if !is_of_record && let Some(site) = self.sites.get_mut(site.index()) {
            site.may_be_rows = false;
        }
    }

    fn connection(&mut self, connection: &ConnectionNode, site: SiteId) {
        for field in &connection.fields {
            match &field.what {
                ConnectionWhat::Objects(node) => self.node(node, site),
                ConnectionWhat::Events(lists) => {
                    lists.iter().for_each(|(site, node)| self.node(node, *site));
                }
                ConnectionWhat::Inside(_, inside) => self.connection(inside, site),
                ConnectionWhat::Typename | ConnectionWhat::Leaf(_) => {}
            }
        }
    }
}
