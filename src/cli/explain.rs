//! `cyclorama explain`

use clap::{Args, ValueEnum};

use super::files::Source;
use super::query::{Document, read_variables};
use super::{Exit, Failure, output, serve};
use crate::error::RequestError;

/// Print the plan of an operation: which backend calls, in which order, how many at most
///
/// Calls no backend. A plan is the same for all variables; with some, what it costs is told for those.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cyclorama explain --demo -q '{ customers { nodes { displayName tickets { nodes { subject } } } } }'
  cyclorama explain -f customer.graphql --format mermaid > plan.mmd")]
pub(super) struct Arguments {
    #[command(flatten)]
    document: Document,
    /// The operation's variables, to reckon with: a JSON object, or `@FILE`
    #[arg(long, short, value_name = "JSON")]
    variables: Option<String>,
    /// For people, for machines, or as a Mermaid diagram
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Mermaid,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let document = arguments.document.read()?;
    let deployment = arguments.source.deployment()?;
    let variables = arguments.variables.as_deref().map(|text| read_variables(Some(text)));
    let variables = variables.transpose()?;
    let name = arguments.document.operation.as_deref();
    let explained = serve::engine(&deployment)?.explain_with(&document, name, variables.as_ref());
    let explanation = explained.map_err(|errors| Failure::refused(listed(&errors)))?;
    match arguments.format {
        Format::Text => output::print(&explanation.to_text())?,
        Format::Json => output::print(&format!("{:#}\n", explanation.to_json()))?,
        Format::Mermaid => output::print(&explanation.to_mermaid())?,
    }
    Ok(Exit::Done)
}

/// The reasons, one on each line, with their places.
fn listed(errors: &[RequestError]) -> String {
    let line = |error: &RequestError| match error.locations.first() {
        Some(place) => format!("{}:{}: {error}", place.line, place.column),
        None => error.to_string(),
    };
    let lines: Vec<_> = errors.iter().map(line).collect();
    format!("the operation was refused\n  {}", lines.join("\n  "))
}
