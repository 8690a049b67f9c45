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
    "resolvers/crm/demo.yaml",
    "resolvers/identity.yaml",
    "resolvers/roles.yaml",
    "resolvers/support/demo.yaml",
    "schema/billing.graphql",
    "schema/common.graphql",
    "schema/crm.graphql",
    "schema/customer.graphql",
    "schema/scalars.graphql",
    "schema/support.graphql",
];
