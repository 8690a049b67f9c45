//! `cyclorama schema`

use clap::{Args, ValueEnum};

use super::files::Source;
use super::{Exit, Failure, output, query, runtime, serve};
use crate::engine::Request;

/// Print the schema that clients see
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cyclorama schema > schema.graphql
  cyclorama schema --format json > introspection.json
  cyclorama schema --format federation > subgraph.graphql")]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// The schema's text, the answer to the usual introspection query, or the text for a federation's composer
    #[arg(long, value_enum, default_value_t = Format::Sdl)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Sdl,
    Json,
    Federation,
}

const NO_SUBGRAPH: &str = "this deployment is no subgraph of a federation: give a type a `@key` in the schema, or write \
                           `federation: { enabled: true }` in cyclorama.yaml";

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let deployment = arguments.source.deployment()?;
    if arguments.format == Format::Sdl {
        let sdl = deployment.graph.sdl.trim_end();
        output::print(&format!("{sdl}\n"))?;
        return Ok(Exit::Done);
    }
    if arguments.format == Format::Federation {
        let Some(federation) = &deployment.graph.federation else {
            return Err(Failure::new(NO_SUBGRAPH));
        };
        output::print(&format!("{}\n", federation.sdl.trim_end()))?;
        return Ok(Exit::Done);
    }
    let request =
        Request { query: include_str!("introspection.graphql").to_owned(), ..Request::default() };
    let engine = serve::engine(&deployment)?;
    runtime()?.block_on(query::answer(&engine, request, query::Layout::Pretty))
}
