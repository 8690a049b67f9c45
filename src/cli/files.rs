//! The files of a command: read, compiled, and their problems printed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{Exit, Failure, demo, output};
use crate::compile::{Compiled, Files, compile};
use crate::config::settings::Settings;
use crate::diagnostic::{self, render};
use crate::graph::Graph;

/// The file that stands for a deployment.
#[derive(Args, Debug)]
pub(super) struct Config {
    /// The deployment's file; the folders that it names are relative to it
    #[arg(long, short, value_name = "FILE", default_value = "cyclorama.yaml")]
    pub(super) config: PathBuf,
}

/// A deployment's file, or the demo's.
#[derive(Args, Debug)]
pub(super) struct Source {
    #[command(flatten)]
    pub(super) config: Config,
    /// Take the demo's files, which the program carries with it, and its backends
    #[arg(long, conflicts_with = "config")]
    pub(super) demo: bool,
}

/// A graph that may run.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) graph: Arc<Graph>,
    pub(super) settings: Settings,
}

/// Reads the files; the folder's own problems become diagnostics of the compilation.
pub(super) fn read(config: &Path) -> Result<Files, Failure> {
    if !config.exists() {
        let message = format!("there is no file `{}`", config.display());
        return Err(Failure::new(message)
            .help("name one with `--config FILE`; `cyclorama demo` needs none"));
    }
    Ok(Files::read(config))
}

/// Compiles, prints what is wrong, and gives the graph if nothing is.
pub(super) fn deployment(files: &Files) -> Result<Deployment, Failure> {
    let Compiled { graph, settings, diagnostics, .. } = compile(files);
    let text = if output::has_colors_aside() {
        render::colored(&diagnostics, &files.sources)
    } else {
        render::plain(&diagnostics, &files.sources)
    };
    output::print_aside(&text);
    match graph {
        Some(graph) if !diagnostic::has_errors(&diagnostics) => {
            Ok(Deployment { graph: Arc::new(graph), settings })
        }
        _ => Err(Failure::silent(Exit::Failed)),
    }
}

impl Config {
    /// The graph of this deployment.
    pub(super) fn deployment(&self) -> Result<Deployment, Failure> {
        deployment(&read(&self.config)?)
    }
}

impl Source {
    /// The graph that was asked for, for looking at it: the demo's backends are not started.
    pub(super) fn deployment(&self) -> Result<Deployment, Failure> {
        if self.demo { deployment(&demo::files(None)) } else { self.config.deployment() }
    }

    /// The same where no backend will be asked: no secret needs to be set.
    pub(super) fn offline_deployment(&self) -> Result<Deployment, Failure> {
        if self.demo {
            self.deployment()
        } else {
            deployment(&read(&self.config.config)?.offline())
        }
    }
}
