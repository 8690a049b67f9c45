//! The shipped schema and vendor files, in the binary, so that the demo needs no folder.

/// Path below the repository's root, and text: `schema/*.graphql` and `resolvers/**/*.yaml` that the demo deployment reads.
pub fn files() -> &'static [(&'static str, &'static str)] {
    FILES
}

macro_rules! shipped {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../", $path)))),*]
    };
}

const FILES: &[(&str, &str)] = shipped![
    "cyclorama.yaml",
    "resolvers/billing/demo.yaml",
    "resolvers/computed.yaml",
    "resolvers/crm/demo.yaml",
    "resolvers/identity.yaml",
    "resolvers/metrics.yaml",
    "resolvers/roles.yaml",
    "resolvers/support/demo.yaml",
    "resolvers/timeline.yaml",
    "schema/billing.graphql",
    "schema/common.graphql",
    "schema/crm.graphql",
    "schema/customer.graphql",
    "schema/interactions.graphql",
    "schema/lists.graphql",
    "schema/orders.graphql",
    "schema/payments.graphql",
    "schema/scalars.graphql",
    "schema/subscriptions.graphql",
    "schema/summary.graphql",
    "schema/support.graphql",
];
