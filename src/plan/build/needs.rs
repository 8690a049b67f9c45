//! What a selection needs of the place where it stands.

use crate::graph::{Account, Graph, Source};
use crate::operation::{Selection, Target};

/// Do objects of this selection need loads of their own, so that they must stand at a site?
pub(super) fn needs_site(graph: &Graph, selection: &Selection) -> bool {
    selection.branches.iter().any(|branch| {
        let parts = graph.ty(branch.ty).parts.len();
        branch.fields.iter().any(|field| {
            let Target::Field(id) = field.target else { return false };
            let nested =
                || field.selection.as_ref().is_some_and(|selection| needs_site(graph, selection));
            match graph.field(branch.ty, id).source {
                Source::Call(_)
                | Source::Survivor(_)
                | Source::Reference(_)
                | Source::OfBackend(_)
                | Source::SourceStatus
                | Source::Account(Account::Matches)
                | Source::Node { .. }
                | Source::ByKey(_)
                | Source::Derived(_)
                | Source::Merged(_)
                | Source::Entities => true,
                Source::Account(_) | Source::Computed(_) => parts > 1,
                Source::Slot { .. } => parts > 1 || nested(),
                Source::Connection(_)
                | Source::Status(_)
                | Source::Metric(_)
                | Source::Event
                | Source::Said(_)
                | Source::Service
                | Source::ServiceSdl
                | Source::NotCovered => nested(),
            }
        })
    })
}
