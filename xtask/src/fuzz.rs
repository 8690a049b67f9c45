//! The fuzz targets: built with counters in the project's own code alone, and run by libFuzzer.
//!
//! Takes: targets, how long.
//! Gives: nothing found, or the bytes that were: put below `fuzz/found`, where the tests replay them from then on.
//! Never: needs another toolchain than the project's, or builds again what the release build has built.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Options;
use crate::report::Report;
use crate::run;

pub(crate) const TARGETS: [&str; 2] = ["documents", "variables"];

/// Set: this program stands before rustc, and says `CYCLORAMA_RUSTC` what else to do.
const WRAPPER: &str = "CYCLORAMA_FUZZ_RUSTC";

/// What LLVM is to count: every edge, and what is compared with what.
const COUNTERS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Coverflow-checks",
];

/// How long each target runs in the test command, always from the same seed; longer by hand, from another each time.
const SECONDS: u64 = 60;
const SEED: u32 = 1;

/// Runs one target, or all at once.
pub(crate) fn fuzz(options: &Options, report: &mut Report) -> Result<(), String> {
    let targets: Vec<&str> = match options.words.first() {
        None => TARGETS.to_vec(),
        Some(word) => match TARGETS.iter().find(|target| *target == word) {
            Some(target) => vec![*target],
            None => return Err(format!("`{word}` is no fuzz target: {}", TARGETS.join(", "))),
        },
    };
    let seconds = options.minutes.map_or(SECONDS, |minutes| minutes * 60);
    let seed = if options.minutes.is_some() { 0 } else { SEED };
    report.step("build the fuzz targets", build)?;
    report.step("fuzz", |report| {
        let mut running = Vec::new();
        for target in &targets {
            running.push((*target, start(target, (seconds, seed), report)?));
        }
        let mut found = Vec::new();
        for (target, mut child) in running {
            if !child.wait().map_err(|error| format!("{target}: {error}"))?.success() {
                found.push(target);
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        Err(format!("found: see fuzz/found of {}, and correct what it shows", found.join(", ")))
    })
}

fn build(report: &mut Report) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|error| format!("where is this program: {error}"))?;
    let mut build = run::cargo(report);
    build.args(["build", "--release", "--package", "cyclorama-fuzz", "--features", "libfuzzer"]);
    build.env("RUSTC_WORKSPACE_WRAPPER", own).env(WRAPPER, "1");
    run::shown(build, report)
}

/// Seed 0: libFuzzer takes one of its own.
fn start(
    target: &str,
    (seconds, seed): (u64, u32),
    report: &Report,
) -> Result<std::process::Child, String> {
    let fuzz = run::root().join("fuzz");
    let (corpus, found) = (run::target("fuzz").join(target), fuzz.join("found").join(target));
    for folder in [&corpus, &found] {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut program = run::program(run::target("release").join(format!("fuzz-{target}")));
    program.arg(&corpus).arg(fuzz.join("seeds").join(target)).arg(&found);
    program.arg(format!("-dict={}", fuzz.join("graphql.dict").display()));
    program.arg(format!("-artifact_prefix={}/", found.display()));
    program.arg(format!("-max_total_time={seconds}"));
    program.arg(format!("-seed={seed}"));
    program.args(["-max_len=8192", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
    report.say(&format!("{target}, for {seconds} s"));
    program.spawn().map_err(|error| format!("{target}: {error}"))
}

/// Stands before rustc: adds the counters to the project's own library and to the targets.
pub(crate) fn stand_before_rustc() -> Option<Result<i32, String>> {
    std::env::var_os(WRAPPER)?;
    let mut words = std::env::args_os().skip(1);
    let rustc = PathBuf::from(words.next()?);
    let words: Vec<_> = words.collect();
    let is_counted = words
        .windows(2)
        .any(|pair| matches!(pair, [name, krate] if name == "--crate-name" && is_ours(krate)));
    let mut command = Command::new(Path::new(&rustc));
    command.args(&words);
    if is_counted {
        command.args(COUNTERS);
    }
    let status = command.status().map_err(|error| format!("{}: {error}", rustc.display()));
    Some(status.map(|status| status.code().unwrap_or(1)))
}

fn is_ours(krate: &std::ffi::OsStr) -> bool {
    ["cyclorama", "fuzz_documents", "fuzz_variables"].iter().any(|own| krate == *own)
}
