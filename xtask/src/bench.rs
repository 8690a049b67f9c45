//! The benchmarks: the engine's own, and the comparison with what users would pick instead.
//!
//! Takes: which of the two, and words for it.
//! Gives: figures on standard output; the comparison also writes `docs/performance.md` and its plot.
//! Never: compares with what is not installed, or without saying what it installs.

use crate::Options;
use crate::install;
use crate::report::Report;
use crate::run;

/// The package of the comparison, a workspace of its own.
const PEERS: &str = "benches/peers/Cargo.toml";

pub(crate) fn bench(options: &Options, report: &mut Report) -> Result<(), String> {
    match options.words.first().map(String::as_str) {
        None => engine(options, report).and_then(|()| compare(options, report)),
        Some("engine") => engine(options, report),
        Some("compare") => compare(options, report),
        Some(other) => Err(format!("`{other}` is not measured; `engine` and `compare` are")),
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

fn compare(options: &Options, report: &mut Report) -> Result<(), String> {
    if !options.hermetic {
        install::peers(options, report)?;
    }
    report.step("build what is compared", |report| {
        let mut product = run::cargo(report);
        product.args(["build", "--release", "--bin", "cyclorama"]);
        run::shown(product, report)?;
        let mut peers = run::cargo(report);
        peers.args(["build", "--release", "--manifest-path", PEERS]);
        peers.env("CARGO_TARGET_DIR", run::target("peers"));
        run::shown(peers, report)
    })?;
    report.step("compare", |report| {
        let mut peers = run::program(run::target("peers").join("release/peers"));
        peers.arg("run").arg("--cyclorama").arg(run::target("release/cyclorama"));
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
