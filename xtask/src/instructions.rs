//! Instructions of the hot parts, counted by callgrind and held against `benches/instructions.json`: they are nearly the same every
//! time, on a busy machine too.
//!
//! Takes: the engine's benchmarks as a program; the counts of the file.
//! Gives: counts for one run of each part; fails where one has grown by more than a twentieth; with `--update` the file anew.
//! Never: fails for another compiler's sake: its counts are shown beside those of the file, and not held.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Options;
use crate::report::Report;
use crate::run;

/// Benchmarks by the beginning of their names, and how often each is run.
const PARTS: [(&str, u64); 6] = [
    ("operation: guard, parse, validate", 10),
    ("operation: plan of a document", 10),
    ("operation: known by its id", 20),
    ("operation: warm", 10),
    ("operation: cold", 4),
    ("mapping: decode and map", 10),
];
/// A count may be above that of the file by one part of so many.
const GROWTH: u64 = 20;
/// Hashes have other seeds in each process: the least of a few counts is the count.
const TRIES: usize = 3;
const COMPILER: &str = "compiler";

/// Counts by part.
type Counts = BTreeMap<String, u64>;

pub(crate) fn instructions(options: &Options, report: &mut Report) -> Result<(), String> {
    report.step("count the instructions of the hot parts", |report| {
        let program = build(report)?;
        let compiler = run::asked(run::version_of("rustc")).unwrap_or_default();
        let compiler = compiler.trim();
        if options.rest.iter().any(|word| word == "--update") {
            let mut counts = Counts::new();
            for (part, runs) in PARTS {
                let count = least(&program, part, runs, 0)?;
                report.say(&format!("{part}: {count}"));
                counts.insert(part.to_owned(), count);
            }
            return write(&counts, compiler);
        }
        let text = std::fs::read_to_string(file());
        let text = text.map_err(|e| format!("{}: {e}; `--update` writes it", file().display()))?;
        let (counts, known) = read(&text)?;
        let is_held = known == compiler;
        if !is_held {
            report.say(&format!("not held: the file's counts are of {known}, this is {compiler}"));
        }
        let mut grown = Vec::new();
        for (part, runs) in PARTS {
            let before = counts.get(part).copied().ok_or_else(|| format!("{part}: no count"))?;
            let most = before + before / GROWTH;
            let count = least(&program, part, runs, most)?;
            let part_of = count.saturating_mul(1_000) / before.max(1);
            report.say(&format!("{part}: {count}, {}.{} % of the file's", part_of / 10, part_of % 10));
            if count > most {
                grown.push(format!("{part}: {count} instructions, {before} before"));
            }
        }
        if grown.is_empty() || !is_held {
            return Ok(());
        }
        Err(format!(
            "more instructions than before; if they are worth it, `cargo xtask bench instructions --update`:\n  {}",
            grown.join("\n  ")
        ))
    })
}

/// The engine's benchmarks, from what the release build has built.
fn build(report: &Report) -> Result<PathBuf, String> {
    let mut build = run::cargo(report);
    build.args([
        "build",
        "--release",
        "--bench",
        "engine",
        "--message-format",
        "json-render-diagnostics",
    ]);
    let told = run::output(build)?;
    let found = told.lines().filter(|line| line.contains("\"name\":\"engine\"")).find_map(|line| {
        Some(line.split_once("\"executable\":\"")?.1.split_once('"')?.0.to_owned())
    });
    found.map(PathBuf::from).ok_or_else(|| "cargo does not say where the benchmarks are".to_owned())
}

/// The count for one run: the least of several, unless the first ones are few enough.
fn least(program: &Path, part: &str, runs: u64, enough: u64) -> Result<u64, String> {
    let mut least = u64::MAX;
    for _ in 0..TRIES {
        let (few, many) = (count(program, part, 1)?, count(program, part, 1 + runs)?);
        least = least.min(many.saturating_sub(few) / runs);
        if least <= enough {
            break;
        }
    }
    Ok(least)
}

/// The instructions of a process that makes its preparations, and then so many runs.
fn count(program: &Path, part: &str, runs: u64) -> Result<u64, String> {
    let mut valgrind = run::program("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    valgrind.arg(format!("--runs={runs}")).arg(part);
    let output = valgrind.output().map_err(|e| format!("valgrind: {e}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let collected =
        told.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match collected {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("{part}: valgrind counted nothing:\n{told}")),
    }
}

/// Whether there is something to hold counts against.
pub(crate) fn has_counts() -> bool {
    file().exists()
}

fn file() -> PathBuf {
    run::root().join("benches/instructions.json")
}

fn write(counts: &Counts, compiler: &str) -> Result<(), String> {
    std::fs::write(file(), written(counts, compiler))
        .map_err(|e| format!("{}: {e}", file().display()))
}

fn written(counts: &Counts, compiler: &str) -> String {
    let mut lines = vec![format!("  \"{COMPILER}\": \"{compiler}\"")];
    lines.extend(counts.iter().map(|(part, count)| format!("  \"{part}\": {count}")));
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

/// The counts, and the compiler that they are of.
fn read(text: &str) -> Result<(Counts, String), String> {
    let mut counts = Counts::new();
    let mut compiler = String::new();
    for line in text.lines().map(|line| line.trim().trim_end_matches(',')) {
        let Some((name, value)) = line.strip_prefix('"').and_then(|rest| rest.split_once("\": "))
        else {
            continue;
        };
        if name == COMPILER {
            value.trim_matches('"').clone_into(&mut compiler);
        } else {
            let count = value.parse().map_err(|e| format!("{name}: {value}: {e}"))?;
            counts.insert(name.to_owned(), count);
        }
    }
    Ok((counts, compiler))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_no_count_is_refused() {
        let counts = Counts::from([("operation: warm".to_owned(), 12), ("mapping".to_owned(), 7)]);
        let text = written(&counts, "rustc 1.95.0");
        assert_eq!(read(&text).unwrap(), (counts, "rustc 1.95.0".to_owned()));
        assert!(read("{\n  \"operation: warm\": many\n}").is_err());
    }
}
