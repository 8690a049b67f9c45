//! The package `benches/peers`: built beside the product, and told what to do with its binary.
//!
//! Takes: a command of that package, and words for it.
//! Gives: what it prints; with `--format json` the object that is its last line.
//! Never: measures what was not built just now.

use crate::Options;
use crate::report::Report;
use crate::run;

/// A workspace of its own: none of its crates are the product's.
const MANIFEST: &str = "benches/peers/Cargo.toml";
/// Ten minutes, when nothing else is said.
const SOAK_MINUTES: u64 = 10;

/// Builds the product and the package, as they are measured.
pub(crate) fn build(report: &mut Report) -> Result<(), String> {
    report.step("build what is measured, and what measures it", |report| {
        let mut product = run::cargo(report);
        product.args(["build", "--release", "--bin", "cyclorama"]);
        run::shown(product, report)?;
        let mut peers = run::cargo(report);
        peers.args(["build", "--release", "--manifest-path", MANIFEST]);
        peers.env("CARGO_TARGET_DIR", run::target("peers"));
        run::shown(peers, report)
    })
}

/// One of its commands, over the product's binary.
pub(crate) fn command(name: &str) -> std::process::Command {
    let mut command = run::program(run::target("peers").join("release/peers"));
    command.arg(name).arg("--cyclorama").arg(run::target("release/cyclorama"));
    command
}

/// The product over backends that misbehave, for as long as one likes.
pub(crate) fn soak(options: &Options, report: &mut Report) -> Result<(), String> {
    build(report)?;
    let seconds = options.minutes.unwrap_or(SOAK_MINUTES) * 60;
    report.step("soak", |report| {
        report.say(&format!("for {seconds} s"));
        let mut soak = command("soak");
        soak.args(["--seconds", &seconds.to_string()]).args(&options.rest);
        figures(soak, options, report)
    })
}

/// Runs what gives figures: a table for people, or one JSON object.
pub(crate) fn figures(
    mut command: std::process::Command,
    options: &Options,
    report: &mut Report,
) -> Result<(), String> {
    if !options.json {
        return run::shown(command, report);
    }
    command.arg("--json");
    let mut last = String::new();
    let ok = run::watched(command, report, |line| line.clone_into(&mut last))?;
    if last.starts_with('{') {
        report.figures(last);
    }
    if ok { Ok(()) } else { Err("it found something: see its figures".to_owned()) }
}
