//! From files to the graph: numbers for everything, or diagnostics for everything that is wrong.
//!
//! Takes: the files of one deployment.
//! Gives: the graph and its settings if nothing is wrong, and every problem found; which coordinates each vendor file covers.
//! Never: calls a backend, stops at the first problem, or makes a graph of an invalid schema.

mod admin;
mod assemble;
mod cache;
mod computed;
mod context;
mod contract;
mod coordinates;
pub(crate) mod costs;
mod coverage;
mod crosswalk;
mod deployment;
pub(crate) mod directives;
mod doubt;
mod edge;
mod federation;
mod fingerprint;
mod freshness;
mod guards;
mod identity;
mod link;
mod load;
mod lookups;
mod merged;
mod metrics;
mod one_of;
mod operations;
mod ownership;
mod reach;
mod schema;
mod survivorship;
mod telemetry;
mod tls;
mod trees;
pub(crate) mod types;
mod vendor;

pub use crate::config::files::Files;
pub use admin::open_to_all;
pub use coverage::{Candidate, Coverage, Shared, Uncovered, VendorCoverage};
pub use deployment::insecure;

use crate::config::settings::Settings;
use crate::diagnostic::{self, Diagnostic};
use crate::graph::Graph;

/// What one set of files gives.
#[derive(Debug)]
pub struct Compiled {
    /// Set if no diagnostic is an error.
    pub graph: Option<Graph>,
    pub settings: Settings,
    /// Every problem, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    pub coverage: Coverage,
}

/// Compiles the files of one deployment.
pub fn compile(files: &Files) -> Compiled {
    let mut diagnostics = files.problems.clone();
    let trees = trees::read(files, &mut diagnostics);
    let deployment = trees.config.as_ref();
    let deployment =
        deployment.map(|root| deployment::read(root, &files.environment, &mut diagnostics));
    let federation = deployment.as_ref().and_then(|deployment| deployment.federation_enabled);
    let incremental = deployment.as_ref().is_none_or(|deployment| deployment.incremental_enabled);
    let sdl =
        schema::parse(&files.sources, &files.schema, federation, incremental, &mut diagnostics);
    let linked = match (&deployment, &sdl) {
        (Some(deployment), Some(sdl)) => {
            link::link(files, &trees, deployment, sdl, &mut diagnostics)
        }
        _ => None,
    };
    let graph = linked.as_ref().map(|(graph, _)| graph);
    let documents = operations::read(files, graph, &mut diagnostics);
    diagnostic::sort(&mut diagnostics);
    let (graph, coverage) =
        linked.map_or_else(Default::default, |(graph, coverage)| (Some(graph), coverage));
    let mut settings = deployment.map(|deployment| deployment.settings).unwrap_or_default();
    settings.known.documents = documents.into();
    Compiled {
        graph: graph.filter(|_| !diagnostic::has_errors(&diagnostics)),
        settings,
        diagnostics,
        coverage,
    }
}
