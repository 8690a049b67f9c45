//! The benchmarks: the engine's own, the comparison with what users would pick instead, and the product at its limits.
//!
//! Takes: which of them, and words for it.
//! Gives: figures on standard output; the comparison also writes `docs/performance.md` and its plot.
//! Never: compares with what is not installed, or without saying what it installs.

use crate::Options;
use crate::install;
use crate::instructions;
use crate::peers;
use crate::report::Report;
use crate::run;

pub(crate) fn bench(options: &Options, report: &mut Report) -> Result<(), String> {
    match options.words.first().map(String::as_str) {
        None => engine(options, report).and_then(|()| compare(options, report)),
        Some("engine") => engine(options, report),
        Some("compare") => compare(options, report),
        Some("instructions") => instructions::instructions(options, report),
        Some("overload") => overload(options, report),
        Some("switches") => {
            peers::build(report)?;
            report.step("everything switched on, and off", |report| {
                let mut command = peers::command("switches");
                command.args(&options.rest);
                peers::figures(command, options, report)
            })
        }
        Some(other) => {
            let known = "`engine`, `compare`, `overload`, `switches` and `instructions`";
            Err(format!("`{other}` is not measured; {known} are"))
        }
    }
}

fn engine(options: &Options, report: &mut Report) -> Result<(), String> {
    report.step("the engine's benchmarks", |report| {
        let mut bench = run::cargo(report);
        bench.arg("bench").args(["--bench", "engine"]);
        if let Some(filter) = &options.filter {
            bench.args(["--", filter]);
        } else if !options.rest.is_empty() {
            bench.arg("--").args(&options.rest);
        }
        run::shown(bench, report)
    })
}

/// More than the product can do. It has a core of its own, where `taskset` can give it one.
fn overload(options: &Options, report: &mut Report) -> Result<(), String> {
    peers::build(report)?;
    report.step("overload", |report| {
        let mut command = peers::command("overload");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if cores > 1 && run::asked(run::version_of("taskset")).is_some() {
            let mut pinned = run::program("taskset");
            pinned.args(["-c", &format!("1-{}", cores - 1)]);
            pinned.arg(command.get_program()).args(command.get_args());
            command = pinned;
        }
        command.args(&options.rest);
        peers::figures(command, options, report)
    })
}

fn compare(options: &Options, report: &mut Report) -> Result<(), String> {
    if !options.hermetic {
        install::peers(options, report)?;
    }
    peers::build(report)?;
    report.step("compare", |report| {
        let mut peers = peers::command("run");
        if !options.hermetic {
            peers.arg("--packages").arg(install::peers_folder());
        }
        if let Some(filter) = &options.filter {
            peers.args(["--only", filter]);
        } else if options.rest.is_empty() {
            peers.args(["--out", "docs"]);
        }
        peers.args(&options.rest);
        run::shown(peers, report)
    })
}
