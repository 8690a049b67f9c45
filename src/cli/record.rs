//! `cyclorama record`

use std::path::{Path, PathBuf};

use clap::Args;

use super::files::{Deployment, Source};
use super::query::{Document, read_variables};
use super::{Exit, Failure, demo, output, runtime};
use crate::contract::{Choices, Recorded, Wanted, record};
use crate::error::chain;
use crate::telemetry;
use crate::transport::Wire;

/// Run an operation on the live backends and write what happened as a contract case
///
/// Credentials are never written. Personal data (what the schema calls `@sensitive`, addresses, numbers and names by how they look or
/// what their members are called) is replaced, the same value by the same stand-in everywhere, so that the case still holds; it
/// is run before it is written. Read the file before you share it: no program knows all personal data.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cyclorama record --demo -q '{ customers(first: 2) { nodes { displayName } } }' --out contracts/customers.yaml
  cyclorama record -f customer.graphql --variables @ada.json --scrub project --out contracts/ada.yaml")]
pub(super) struct Arguments {
    #[command(flatten)]
    document: Document,
    /// The operation's variables: a JSON object, or `@FILE`
    #[arg(long, short, value_name = "JSON")]
    variables: Option<String>,
    /// A client header, for calls that read `$header.name`; may be given again
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Where to write the case; without it, it is printed
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "out")]
    force: bool,
    /// What the case shows, for its reader
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A member whose values are to be replaced too; may be given again
    #[arg(long, value_name = "NAME")]
    scrub: Vec<String>,
    /// A member whose values are to stay; may be given again
    #[arg(long, value_name = "NAME")]
    keep: Vec<String>,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let wanted = Wanted {
        description: arguments.description.clone(),
        query: arguments.document.read()?,
        operation: arguments.document.operation.clone(),
        variables: read_variables(arguments.variables.as_deref())?,
        headers: arguments.headers.clone(),
        choices: Choices { scrub: arguments.scrub.clone(), keep: arguments.keep.clone() },
    };
    if let Some(path) = &arguments.out
        && path.exists()
        && !arguments.force
    {
        let failure = Failure::refused(format!("`{}` is there already", path.display()));
        return Err(failure.help("`--force` writes over it"));
    }
    telemetry::start("warn", telemetry::Format::Human)
        .map_err(|error| Failure::new(error.to_string()))?;
    let recorded = runtime()?.block_on(async {
        if arguments.source.demo {
            let running = demo::start(crate::demo::Options::default()).await?;
            return recorded(&running.deployment, wanted).await;
        }
        recorded(&arguments.source.deployment()?, wanted).await
    })?;
    check(&recorded)?;
    let text = recorded.case.to_yaml();
    match &arguments.out {
        None => output::print(&text)?,
        Some(path) => {
            write(path, &text)?;
            let exchanges = recorded.case.exchanges.len();
            let noun = if exchanges == 1 { "exchange" } else { "exchanges" };
            output::print_aside(&format!("{exchanges} {noun} written to {}\n", path.display()));
        }
    }
    let has_errors = recorded.live.get("errors").is_some();
    Ok(if has_errors { Exit::Partial } else { Exit::Done })
}

async fn recorded(deployment: &Deployment, wanted: Wanted) -> Result<Recorded, Failure> {
    let recorded = record(&deployment.graph, wanted, Wire::http).await;
    recorded.map_err(|error| Failure::new(chain(&error)))
}

/// Whether the case may be written.
fn check(recorded: &Recorded) -> Result<(), Failure> {
    if recorded.live.get("data").is_none() {
        let message =
            recorded.live.pointer("/errors/0/message").and_then(serde_json::Value::as_str);
        let message = message.unwrap_or("no reason was given");
        return Err(Failure::refused(format!("the operation was refused: {message}")));
    }
    if recorded.unreadable > 0 {
        return Err(Failure::new(
            "a backend's answer is not UTF-8, and cannot be written into a case",
        ));
    }
    if let Some(unmatched) = recorded.replayed.unmatched.first() {
        let message = format!(
            "the case would not hold: with stand-ins for personal data, {} is asked for, which was not recorded",
            unmatched.asked.line()
        );
        let places = unmatched.nearest.iter().flat_map(|(_, differences)| differences);
        let places: Vec<&str> = places.map(|one| one.place.as_str()).collect();
        return Err(Failure::new(message).help(format!(
            "it differs in {}; `--keep NAME` leaves the values of a member as they are; what is different in every request (a time, a \
             random number) cannot be recorded",
            if places.is_empty() { "everything".to_owned() } else { places.join(", ") }
        )));
    }
    if !recorded.holds() {
        return Err(Failure::new(
            "the case would not hold: with stand-ins for personal data, other errors come",
        )
        .help("`--keep NAME` leaves the values of a member as they are"));
    }
    if recorded.leaks {
        return Err(Failure::new(
            "nothing was written: a secret, or an e-mail address, would be in the file",
        )
        .help("`--scrub NAME` replaces all values of a member"));
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!("`{}` could not be written: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write `name: value`")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}
