//! `cyclorama query`

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{ArgGroup, Args};
use serde_json::{Map, Value};

use super::files::Source;
use super::{Exit, Failure, demo, output, runtime, serve};
use crate::engine::{Engine, Outcome, Request};
use crate::principal::Principal;
use crate::telemetry;

/// Run one operation from the shell, over the backends and without a server
///
/// Prints the answer as JSON. Exits 0 if it has data and no errors, 3 if it has errors in it, 2 if the operation was refused.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cyclorama query --demo -q '{ customers(first: 3) { nodes { displayName balance { amount } } } }'
  cyclorama query -f customer.graphql --variables '{ \"email\": \"ada@example.com\" }'
  cyclorama query -f - < customer.graphql")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) document: Document,
    /// The operation's variables: a JSON object, or `@FILE`
    #[arg(long, short, value_name = "JSON")]
    variables: Option<String>,
    /// Print the answer on one line
    #[arg(long)]
    compact: bool,
    #[command(flatten)]
    source: Source,
}

/// The operation of a command.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("text").required(true).args(["query", "file"]))]
pub(super) struct Document {
    /// The text of the operation
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    /// The file that holds it; `-` is standard input
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Which operation, if the text has several
    #[arg(long, value_name = "NAME")]
    pub(super) operation: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Pretty,
    Compact,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let request = Request {
        query: arguments.document.read()?,
        operation_name: arguments.document.operation.clone(),
        variables: read_variables(arguments.variables.as_deref())?,
        ..Request::default()
    };
    // what clients are not told, why a backend gave no answer, is told to the person at the shell
    telemetry::start("warn", telemetry::Format::Human)
        .map_err(|error| Failure::new(error.to_string()))?;
    let layout = if arguments.compact { Layout::Compact } else { Layout::Pretty };
    runtime()?.block_on(async {
        if arguments.source.demo {
            let running = demo::start(crate::demo::Options::default()).await?;
            return answer(&serve::engine(&running.deployment)?, request, layout).await;
        }
        answer(&serve::engine(&arguments.source.deployment()?)?, request, layout).await
    })
}

/// Executes, prints, and says by the exit code how it went.
pub(super) async fn answer(
    engine: &Arc<Engine>,
    request: Request,
    layout: Layout,
) -> Result<Exit, Failure> {
    let response = engine.execute(request, &Principal::anonymous()).await;
    let value: Value = serde_json::from_slice(&response.body)
        .map_err(|error| Failure::new(format!("the answer is not JSON: {error}")))?;
    match layout {
        Layout::Pretty => output::print(&output::pretty(&value))?,
        Layout::Compact => output::print(&format!("{value}\n"))?,
    }
    Ok(match response.outcome {
        Outcome::Refused(_) => Exit::Refused,
        Outcome::Data { has_errors: true } => Exit::Partial,
        Outcome::Data { has_errors: false } => Exit::Done,
    })
}

impl Document {
    pub(super) fn read(&self) -> Result<String, Failure> {
        match (&self.query, &self.file) {
            (Some(query), _) => Ok(query.clone()),
            (None, Some(file)) => read_text(file),
            (None, None) => {
                Err(Failure::refused("no operation was given; use `--query` or `--file`"))
            }
        }
    }
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| Failure::new(format!("`{}` could not be read: {error}", path.display())))
}

pub(super) fn read_variables(given: Option<&str>) -> Result<Map<String, Value>, Failure> {
    let Some(given) = given else { return Ok(Map::new()) };
    let text = match given.strip_prefix('@') {
        Some(path) => read_text(Path::new(path))?,
        None => given.to_owned(),
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::refused("`--variables` must be a JSON object")
            .help("for example '{ \"first\": 10 }'")),
        Err(error) => Err(Failure::refused(format!("`--variables` is not valid JSON: {error}"))),
    }
}
