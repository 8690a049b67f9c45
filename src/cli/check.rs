//! `cyclorama check`

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use super::files::Config;
use super::{Exit, Failure, files, output};
use crate::compile::compile;
use crate::config::shape::{FILE_KINDS, json_schema};
use crate::diagnostic::{self, render};

/// Check the schema, the resolvers and the deployment's file, and print everything that is wrong with them
///
/// Prints every problem with its place in all files concerned, then which coordinates of the schema each vendor file covers, and what
/// those that are used lack (--coverage: what any lacks).
/// Calls no backend. Exits 1 if there is an error; warnings alone are 0.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: Config,
    /// For people, or one JSON object for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print the coverage even if there are errors, and nothing else
    #[arg(long)]
    coverage: bool,
    /// Exit 1 also if a vendor of this deployment does not fill all that its role promises
    #[arg(long)]
    complete: bool,
    /// Print the JSON Schema of one kind of file, for editors, and check nothing
    #[arg(long, value_name = "KIND", conflicts_with_all = ["format", "coverage", "complete"], value_parser = kinds())]
    json_schema: Option<String>,
}

/// The kinds of files, by the names of their schemas.
fn kinds() -> PossibleValuesParser {
    FILE_KINDS.map(|kind| kind.schema_file.trim_end_matches(".json")).into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if let Some(name) = &arguments.json_schema {
        let mut kinds = FILE_KINDS.iter();
        let kind = kinds.find(|kind| kind.schema_file.trim_end_matches(".json") == name);
        if let Some(kind) = kind {
            output::print(&format!("{:#}\n", json_schema::json_schema(kind)))?;
        }
        return Ok(Exit::Done);
    }
    let files = files::read(&arguments.config.config)?;
    let compiled = compile(&files);
    let has_errors = diagnostic::has_errors(&compiled.diagnostics);
    match (arguments.format, arguments.coverage) {
        (Format::Json, true) => output::print(&format!("{:#}\n", compiled.coverage.to_json()))?,
        (Format::Json, false) => {
            let mut report = render::json(&compiled.diagnostics, &files.sources);
            if let Some(members) = report.as_object_mut() {
                members.insert("coverage".to_owned(), compiled.coverage.to_json());
            }
            output::print(&format!("{report:#}\n"))?;
        }
        (Format::Text, true) => output::print(&compiled.coverage.render_text(true))?,
        (Format::Text, false) => {
            output::print(&render::colored(&compiled.diagnostics, &files.sources))?;
            if !has_errors {
                output::print(&compiled.coverage.render_text(false))?;
                output::print("the files are fine\n")?;
            }
        }
    }
    let is_wanting = arguments.complete && !compiled.coverage.is_complete();
    Ok(if has_errors || is_wanting { Exit::Failed } else { Exit::Done })
}
