//! The comparison: the backends, the limit program, hand-written servers, and the load that is put on all of them.
//!
//! Takes: a command, and for `run` where the product's binary and the Node packages are.
//! Gives: servers on loopback ports, or a table of ratios.
//! Never: times anything whose answer differs from the others'.

mod backends;
mod client;
mod figures;
mod limit;
mod load;
mod moods;
mod operations;
mod overload;
mod process;
mod run;
mod scenarios;
mod server;
mod soak;
mod switches;
mod world;
mod written;

use std::process::ExitCode;

const HELP: &str = "\
peers backends [--latency MS]       three systems: CRM and billing over REST, support over REST and SOAP
peers limit --backends ADDRESS …    knows the one query, makes the needed calls, glues text
peers lookahead --backends ADDRESS  async-graphql by hand, one resolver that looks ahead and batches
peers dataloader --backends ADDRESS async-graphql by hand, DataLoader for each list
peers run --cyclorama BINARY        starts everything, compares, measures, prints; --out FOLDER writes the page and the plot
peers overload --cyclorama BINARY   three times as many requests as the product can answer; a backend that is left alone
peers switches --cyclorama BINARY   the product with everything switched on, beside everything off
peers soak --cyclorama BINARY       the product over backends that misbehave, for --seconds; memory, descriptors and answers are held
";

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = Options { words };
    let done = match options.words.first().map(String::as_str) {
        Some("backends") => backends::serve(&options).await,
        Some("limit") => limit::serve(&options).await,
        Some("lookahead") => written::serve(&options, written::Way::LookAhead).await,
        Some("dataloader") => written::serve(&options, written::Way::DataLoader).await,
        Some("run") => run::run(&options).await,
        Some("overload") => overload::run(&options).await,
        Some("switches") => switches::run(&options).await,
        Some("soak") => soak::run(&options).await,
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// The words of the command line.
pub(crate) struct Options {
    words: Vec<String>,
}

impl Options {
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == name)?;
        self.words.get(at + 1).map(String::as_str)
    }

    pub(crate) fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.value(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name)
    }

    pub(crate) fn backends(&self) -> Result<String, String> {
        Ok(self.value("--backends").ok_or("--backends ADDRESS is missing")?.to_owned())
    }
}
