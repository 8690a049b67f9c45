//! From files to the graph: numbers for everything, or diagnostics for everything that is wrong.
//!
//! Takes: the files of one deployment.
//! Gives: the graph and its settings if nothing is wrong, and every problem found; which coordinates each vendor file covers.
//! Never: calls a backend, or stops at the first problem.

pub(crate) mod directives;
pub(crate) mod types;

pub use crate::config::files::Files;

use crate::config::settings::Settings;
use crate::diagnostic::Diagnostic;
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

/// Which coordinates of the schema each vendor file covers, and which nobody covers.
#[derive(Debug, Default)]
pub struct Coverage {}

impl Coverage {
    /// A table for people.
    pub fn render_text(&self) -> String {
        String::new()
    }

    pub fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

/// Compiles the files of one deployment.
pub fn compile(files: &Files) -> Compiled {
    let _ = files;
    Compiled {
        graph: None,
        settings: Settings::default(),
        diagnostics: Vec::new(),
        coverage: Coverage::default(),
    }
}
