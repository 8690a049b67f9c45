//! The chores themselves: the tests, the checks of `ci`.
//!
//! Takes: the options.
//! Gives: cargo's own output as it comes, and what came of it.
//! Never: hides a test that was left out: it is listed by name, with its reason.

use std::path::PathBuf;

use crate::Options;
use crate::install;
use crate::report::{Report, Tests};
use crate::run;

/// Where tests that leave themselves out write their names: one `name<TAB>reason` a line.
const SKIPS: &str = "CYCLORAMA_SKIPS";
/// Set: tests that need systems from outside leave themselves out.
const HERMETIC: &str = "CYCLORAMA_HERMETIC";

/// Installs, builds, runs every test.
pub(crate) fn test(options: &Options, report: &mut Report) -> Result<(), String> {
    install::everything(options, report)?;
    // Crates that only tests use can switch on features that the program then lacks.
    report.step("the program as users build it", |report| {
        let mut check = run::cargo(report);
        check.args(["check", "--bin", "cyclorama"]);
        run::shown(check, report)
    })?;
    report.step("build the tests", |report| {
        let mut build = run::cargo(report);
        build.args(["test", "--workspace", "--no-run"]);
        run::shown(build, report)
    })?;
    report.step("run the tests", |report| run_tests(options, report))?;
    if options.filter.is_some() {
        return Ok(());
    }
    // what is measured is measured in the build that is deployed
    report.step("hold every document to its time", |report| {
        let mut bounds = run::cargo(report);
        bounds.args(["test", "--release", "--test", "bounds", "--test", "growth"]);
        run::shown(bounds, report)
    })?;
    if options.hermetic {
        report.say("left out: counting instructions, which needs valgrind (`cargo xtask bench instructions`)");
        report.say("left out: fuzzing, which needs a C++ compiler (`cargo xtask fuzz` runs it)");
        return Ok(());
    }
    if crate::instructions::has_counts() {
        crate::instructions::instructions(options, report)?;
    } else {
        report.say("left out: counting instructions, of which there is no count yet (`cargo xtask bench instructions --update`)");
    }
    crate::fuzz::fuzz(options, report)
}

/// What a change must pass.
pub(crate) fn ci(options: &Options, report: &mut Report) -> Result<(), String> {
    report.step("formatting", |report| {
        let mut fmt = run::cargo(report);
        fmt.args(["fmt", "--all", "--check"]);
        run::shown(fmt, report)
    })?;
    report.step("lints", |report| {
        let mut clippy = run::cargo(report);
        clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
        run::shown(clippy, report)
    })?;
    test(options, report)
}

fn run_tests(options: &Options, report: &mut Report) -> Result<(), String> {
    let skips = skips_file()?;
    let mut command = run::cargo(report);
    command.args(["test", "--workspace", "--no-fail-fast"]).env(SKIPS, &skips);
    command.env("NODE_PATH", install::npm().join("node_modules"));
    if options.hermetic {
        command.env(HERMETIC, "1");
    }
    if let Some(filter) = &options.filter {
        command.arg(filter);
    }
    if report.colors() {
        command.args(["--", "--color", "always"]);
    }
    let mut tests = Tests::default();
    let ok = run::watched(command, report, |line| count(line, &mut tests))?;
    tests.failures.sort();
    tests.failures.dedup();
    tests.skipped = skipped(&std::fs::read_to_string(&skips).unwrap_or_default());
    std::fs::remove_file(&skips).unwrap_or_default();
    report.tests(tests);
    if ok { Ok(()) } else { Err("tests failed".to_owned()) }
}

fn skips_file() -> Result<PathBuf, String> {
    let file = run::target(&format!("skipped-tests-{}.txt", std::process::id()));
    std::fs::create_dir_all(run::target(""))
        .and_then(|()| std::fs::write(&file, ""))
        .map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(file)
}

/// Reads a line of the runner: one test's outcome, or the closing line of one binary.
fn count(line: &str, tests: &mut Tests) {
    if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
    {
        tests.failures.push(name.to_owned());
    }
    let Some(rest) = line.strip_prefix("test result: ") else { return };
    for part in rest.split([';', '.']) {
        let mut words = part.split_whitespace();
        let (Some(number), Some(word)) =
            (words.next().and_then(|n| n.parse::<u64>().ok()), words.next())
        else {
            continue;
        };
        match word {
            "passed" => tests.passed += number,
            "failed" => tests.failed += number,
            "ignored" => tests.ignored += number,
            _ => {}
        }
    }
}

fn skipped(text: &str) -> Vec<(String, String)> {
    let mut list: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, why)| (name.to_owned(), why.to_owned()))
        .collect();
    list.sort();
    list.dedup();
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_all_binaries_are_added_up() {
        let mut tests = Tests::default();
        for line in [
            "test mapping::tests::money ... ok",
            "test real::n_plus_one ... FAILED",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.02s",
            "test result: FAILED. 7 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            count(line, &mut tests);
        }
        assert_eq!((tests.passed, tests.failed, tests.ignored), (19, 1, 1));
        assert_eq!(tests.failures, ["real::n_plus_one"]);
    }

    #[test]
    fn tests_that_left_themselves_out_are_listed_once_in_order() {
        let list = skipped("real::b\thermetic\nreal::a\thermetic\nreal::b\thermetic\n");
        assert_eq!(
            list.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["real::a", "real::b"]
        );
    }
}
