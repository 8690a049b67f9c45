//! The command line: one module for each command.
//!
//! Takes: arguments, the files that they name.
//! Gives: answers on standard output, problems on standard error, an exit code that says which of the two.
//! Never: makes decisions about data; a command is the same code as the server with another way in.

mod cases;
mod check;
mod demo;
mod explain;
mod files;
mod mock;
mod output;
mod query;
mod record;
mod reload;
mod schema;
mod serve;
mod signals;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Something that ends a command: the text is for the person who typed it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// Printed after `error: `; empty if everything was said already.
    message: String,
    help: Option<String>,
}

/// Exit codes; `AFTER_HELP` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Refused = 2,
    Partial = 3,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  the files have errors, a contract case does not hold, or something could not be read, started or written
  2  the command line or the operation was refused
  3  the operation ran, and its answer has errors in it

Examples:
  cyclorama demo
  cyclorama check
  cyclorama serve --config deploy/cyclorama.yaml --listen 127.0.0.1:8080
  cyclorama query --demo -q '{ customers(first: 3) { nodes { displayName } } }'";

/// One live GraphQL graph of every customer, over the CRM, billing and support systems a company already has.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP, arg_required_else_help = true, subcommand_required = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Demo(demo::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Schema(schema::Arguments),
    Query(query::Arguments),
    Record(record::Arguments),
    Test(test::Arguments),
    Mock(mock::Arguments),
}

/// Runs the program with these arguments, the program's own name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // help and version are "errors" for standard output
            let is_wrong = error.use_stderr();
            let exit = if is_wrong { Exit::Refused } else { Exit::Done };
            return if error.print().is_ok() { exit.into() } else { Exit::Failed.into() };
        }
    };
    let result = match arguments.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Query(arguments) => query::run(&arguments),
        Command::Record(arguments) => record::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Mock(arguments) => mock::run(&arguments),
    };
    result.unwrap_or_else(|failure| output::report(&failure)).into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into(), help: None }
    }

    fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, ..Self::new(message) }
    }

    /// The problem was printed already.
    fn silent(exit: Exit) -> Self {
        Self { exit, message: String::new(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A runtime for the commands that talk to backends.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the runtime could not be started: {error}")))
}
