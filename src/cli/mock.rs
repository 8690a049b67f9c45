//! `cyclorama mock`

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::output::{BAD, COMMAND, LINK, STRONG};
use super::{Exit, Failure, cases, output, runtime, serve, signals};
use crate::compile::insecure;
use crate::contract::{Case, Mock, MockOptions, Served};
use crate::diagnostic::{Sources, render};

/// Serve the recorded exchanges of contract cases as a stand-in for the backends
///
/// Each backend is a path of the one address. A request that was not recorded is answered 404, with the recorded one that is most like
/// it and in what they differ. Needs no configuration and no secret.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cyclorama mock contracts
  cyclorama mock contracts --listen 127.0.0.1:4010 --latency 200ms")]
pub(super) struct Arguments {
    /// Case files, or folders of them
    #[arg(value_name = "PATH", default_value = "contracts")]
    paths: Vec<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4010")]
    listen: SocketAddr,
    /// How long each answer takes: `20ms`, `1s`
    #[arg(long, value_name = "DURATION", value_parser = cases::duration, default_value = "0ms")]
    latency: Duration,
    /// Print nothing of the requests
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if let Some(diagnostic) = insecure(arguments.listen) {
        let failure =
            Failure::new("a stand-in has no authentication, and listens on this machine alone");
        return Err(diagnostic.help.into_iter().fold(failure, Failure::help));
    }
    let mut sources = Sources::default();
    let mut found = Vec::new();
    for one in cases::list(&arguments.paths, &mut sources)? {
        output::print_aside(&render::plain(&one.problems, &sources));
        let file = one.case.ok_or_else(|| Failure::silent(Exit::Failed))?;
        found.push((cases::shown(&one.path), file.case));
    }
    for line in conflicts(&found) {
        output::print_aside(&line);
    }
    let is_quiet = arguments.quiet;
    let options = MockOptions { latency: arguments.latency };
    let mock = Mock::new(found, options, move |served| {
        if !is_quiet {
            // whoever no longer reads gets no more answers told
            output::print(&told(served)).unwrap_or_default();
        }
    });
    runtime()?.block_on(async {
        let listener = serve::bind(arguments.listen, "--listen").await?;
        let address = serve::address(&listener)?;
        output::print(&welcome(address, &mock))?;
        serve::finish(Arc::clone(&mock).serve(listener, signals::asked_to_stop()).await)
    })
}

fn welcome(address: SocketAddr, mock: &Mock) -> String {
    let mut text = format!(
        "\n  {STRONG}Recorded exchanges{STRONG:#} at {LINK}http://{address}/{LINK:#}\n\n  In cyclorama.yaml, beside each `vendor`:\n\n  roles:\n"
    );
    for backend in mock.backends() {
        // writing to a string cannot fail
        writeln!(
            text,
            "    {backend}: {{ vendor: …, url: {COMMAND}\"{}\"{COMMAND:#} }}",
            Mock::url(address, &backend)
        )
        .ok();
    }
    text.push_str("\n  Ctrl-C stops it.\n\n");
    text
}

fn told(served: &Served) -> String {
    match &served.case {
        Some(case) => format!("{COMMAND}{}{COMMAND:#} {}  ({case})\n", served.status, served.line),
        None => format!("{BAD}{} {}  not recorded{BAD:#}\n", served.status, served.line),
    }
}

/// Requests to which cases give different answers: only the first case's are served.
fn conflicts(cases: &[(String, Case)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, (name, case)) in cases.iter().enumerate() {
        for exchange in &case.exchanges {
            let earlier = cases.iter().take(index).find(|(_, other)| {
                let same = other.exchanges.iter().filter(|one| {
                    one.backend == exchange.backend && one.request == exchange.request
                });
                let same: Vec<_> = same.collect();
                !same.is_empty() && same.iter().all(|one| one.reply != exchange.reply)
            });
            if let Some((earlier, _)) = earlier {
                lines.push(format!(
                    "note: {} is answered as in {earlier}, not as in {name}\n",
                    exchange.line()
                ));
            }
        }
    }
    lines
}
