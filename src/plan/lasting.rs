//! Whether an operation's answer follows from what its look-ups found, and from nothing else: not from the time of day, from ages,
//! or from how the answer was put together.

use crate::graph::{Effect, Graph};
use crate::operation::OperationKind;
use crate::plan::{Node, NodeBranch, Out, Plan, Step, Work};

pub(super) fn is_lasting(graph: &Graph, plan: &Plan) -> bool {
    plan.operation.kind == OperationKind::Query
        && plan.steps.iter().all(|step| looks_up(graph, step))
        && node(&plan.root)
}

/// All that the step reads it looks up by key, as it is.
fn looks_up(graph: &Graph, step: &Step) -> bool {
    match &step.work {
        Work::Call(call) => {
            let is_read = graph.call(call.call).effect == Effect::Read;
            is_read && call.rules.is_none() && call.merged.is_none() && !call.has_cursors
        }
        Work::Part(_) | Work::Reference(_) | Work::Nested { .. } => true,
        Work::Entities(_) | Work::Merge(_) => false,
    }
}

fn node(node: &Node) -> bool {
    node.branches.iter().all(|branch| follows(branch))
}

fn follows(branch: &NodeBranch) -> bool {
    branch.fields.iter().all(|field| match &field.source {
        Out::Typename => true,
        Out::Slot { node: inside, .. }
        | Out::Survivor { node: inside, .. }
        | Out::Value { node: inside, .. } => inside.as_ref().is_none_or(node),
        Out::Child { node: inside, .. } => node(inside),
        // the time of day, ages, states; connections and merged lists have cursors; what is not covered is an error
        Out::Introspection
        | Out::Computed(_)
        | Out::Connection { .. }
        | Out::SourceStatus { .. }
        | Out::Account { .. }
        | Out::Derived { .. }
        | Out::Metric { .. }
        | Out::Event(_)
        | Out::Service { .. }
        | Out::ServiceSdl
        | Out::NotCovered => false,
    })
}
