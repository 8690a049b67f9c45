//! `cyclorama schema`

use clap::{Args, ValueEnum};
use serde_json::Map;

use super::files::Source;
use super::{Exit, Failure, output, query, runtime, serve};
use crate::engine::Request;

/// Print the schema that clients see
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cyclorama schema > schema.graphql
  cyclorama schema --format json > introspection.json")]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// The schema's text, or the answer to the usual introspection query
    #[arg(long, value_enum, default_value_t = Format::Sdl)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Sdl,
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let deployment = arguments.source.deployment()?;
    if arguments.format == Format::Sdl {
        let sdl = deployment.graph.sdl.trim_end();
        output::print(&format!("{sdl}\n"))?;
        return Ok(Exit::Done);
    }
    let request = Request {
        query: include_str!("introspection.graphql").to_owned(),
        operation_name: None,
        variables: Map::new(),
        extensions: Map::new(),
    };
    let engine = serve::engine(&deployment)?;
    runtime()?.block_on(query::answer(&engine, request, query::Layout::Pretty))
}
