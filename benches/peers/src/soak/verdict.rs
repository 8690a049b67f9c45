//! What came of a soak: figures of each fifth of its time, what is held against them, as a table and as JSON.
//!
//! Gives: whether memory and descriptors stayed flat, every answer was one that is expected, and nothing is left running.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::clients::Tally;

/// What the last fifth may have more of than the second, as a part of it, and in any case: the allocator keeps what it once had.
const MEMORY: (f64, u64) = (0.10, 8 * 1024 * 1024);
const DESCRIPTORS: (f64, u64) = (0.10, 40);

/// The process at one moment.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    pub(super) at: Duration,
    pub(super) resident: u64,
    pub(super) descriptors: u64,
}

/// A fifth of the time.
struct Fifth {
    per_second: f64,
    median: Duration,
    tail: Duration,
    resident: u64,
    descriptors: u64,
}

struct Check {
    name: &'static str,
    ok: bool,
    told: String,
}

pub(super) struct Verdict {
    fifths: Vec<Fifth>,
    checks: Vec<Check>,
    tally: Tally,
    time: Duration,
}

/// What else was seen, besides answers and samples.
pub(super) struct Seen {
    pub(super) reloads: Result<String, String>,
    /// Lines of the log that tell of a panic.
    pub(super) panics: Vec<String>,
    /// What the server still had to do when nobody asked for anything any more.
    pub(super) left: Result<String, String>,
    pub(super) stopped: Result<(), String>,
    /// Requests that each backend got.
    pub(super) asked: Vec<u64>,
}

impl Verdict {
    pub(super) fn new(time: Duration, samples: &[Sample], tally: Tally, seen: Seen) -> Self {
        let fifths: Vec<Fifth> =
            (0..5).map(|n| fifth(samples, &tally, time * n / 5, time * (n + 1) / 5)).collect();
        let mut checks = vec![
            flat("memory is flat", &fifths, MEMORY, |fifth| fifth.resident),
            flat("descriptors are flat", &fifths, DESCRIPTORS, |fifth| fifth.descriptors),
            Check {
                name: "every answer is one that is expected",
                ok: tally.unexpected == 0 && !tally.answers.is_empty(),
                told: format!("{} were not; {}", tally.unexpected, tally.examples.join("; ")),
            },
            Check {
                name: "nothing panicked",
                ok: seen.panics.is_empty(),
                told: format!("{} lines of the log; {}", seen.panics.len(), seen.panics.join("; ")),
            },
            Check {
                name: "every backend was asked",
                ok: seen.asked.iter().all(|asked| *asked > 0),
                told: format!("{:?} requests", seen.asked),
            },
        ];
        for (name, done) in [
            ("files that change are read, and wrong ones refused", seen.reloads),
            ("nothing is left running", seen.left),
            ("it stops when it is asked to", seen.stopped.map(|()| "it did".to_owned())),
        ] {
            let ok = done.is_ok();
            checks.push(Check { name, ok, told: done.unwrap_or_else(|problem| problem) });
        }
        Self { fifths, checks, tally, time }
    }

    pub(super) fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        writeln!(
            out,
            "{:>8}{:>14}{:>10}{:>10}{:>12}{:>14}",
            "fifth", "answers/s", "p50 ms", "p99 ms", "memory MB", "descriptors"
        )
        .unwrap_or_default();
        for (n, fifth) in self.fifths.iter().enumerate() {
            writeln!(
                out,
                "{:>8}{:>14.0}{:>10.1}{:>10.1}{:>12.1}{:>14}",
                n + 1,
                fifth.per_second,
                fifth.median.as_secs_f64() * 1e3,
                fifth.tail.as_secs_f64() * 1e3,
                fifth.resident as f64 / 1e6,
                fifth.descriptors,
            )
            .unwrap_or_default();
        }
        writeln!(out, "requests  {}", pairs(&self.tally.kinds)).unwrap_or_default();
        writeln!(out, "statuses  {}", pairs(&self.tally.statuses)).unwrap_or_default();
        writeln!(out, "codes     {}", pairs(&self.tally.codes)).unwrap_or_default();
        for check in &self.checks {
            let mark = if check.ok { "ok    " } else { "FAILED" };
            writeln!(out, "{mark} {}: {}", check.name, check.told).unwrap_or_default();
        }
        out
    }

    pub(super) fn json(&self) -> Value {
        let milliseconds = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        let fifth = |fifth: &Fifth| {
            json!({
                "answersPerSecond": fifth.per_second.round(),
                "p50Ms": milliseconds(fifth.median),
                "p99Ms": milliseconds(fifth.tail),
                "residentBytes": fifth.resident,
                "descriptors": fifth.descriptors,
            })
        };
        let check =
            |check: &Check| json!({ "name": check.name, "ok": check.ok, "told": check.told });
        json!({
            "ok": self.is_good(),
            "seconds": self.time.as_secs(),
            "answers": self.tally.answers.len(),
            "requests": self.tally.kinds,
            "statuses": self.tally.statuses,
            "codes": self.tally.codes,
            "fifths": self.fifths.iter().map(fifth).collect::<Vec<_>>(),
            "checks": self.checks.iter().map(check).collect::<Vec<_>>(),
        })
    }
}

fn pairs<K: std::fmt::Display>(counts: &std::collections::BTreeMap<K, u64>) -> String {
    counts.iter().map(|(key, count)| format!("{key} {count}")).collect::<Vec<_>>().join(", ")
}

fn fifth(samples: &[Sample], tally: &Tally, begin: Duration, end: Duration) -> Fifth {
    let is_in = |at: Duration| (begin..end).contains(&at);
    let mut took: Vec<Duration> =
        tally.answers.iter().filter(|one| is_in(one.at)).map(|one| one.took).collect();
    took.sort_unstable();
    let samples: Vec<&Sample> = samples.iter().filter(|sample| is_in(sample.at)).collect();
    Fifth {
        per_second: took.len() as f64 / (end - begin).as_secs_f64(),
        median: took.get(took.len() / 2).copied().unwrap_or_default(),
        tail: took.get(took.len() * 99 / 100).copied().unwrap_or_default(),
        resident: median(samples.iter().map(|sample| sample.resident)),
        descriptors: median(samples.iter().map(|sample| sample.descriptors)),
    }
}

fn median(figures: impl Iterator<Item = u64>) -> u64 {
    let mut figures: Vec<u64> = figures.collect();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn flat(
    name: &'static str,
    fifths: &[Fifth],
    (part, more): (f64, u64),
    figure: fn(&Fifth) -> u64,
) -> Check {
    let (second, last) = (fifths.get(1).map_or(0, figure), fifths.last().map_or(0, figure));
    let most = (second as f64 * (1.0 + part)) as u64 + more;
    Check {
        name,
        // nothing measured is nothing shown
        ok: second > 0 && last <= most,
        told: format!("{second} in the second fifth, {last} in the last, at most {most}"),
    }
}
