//! The engine's benchmarks: medians over many runs, printed; nothing is asserted.
//!
//! Times are those that the thread has spent on a processor: what else the machine does counts little.
//!
//! `cargo bench` runs all of them, `cargo bench -- mapping` those whose name holds the word. `--runs=100` runs each so
//! often without a clock: for counting instructions (`valgrind --tool=callgrind`), which are the same on a busy machine.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

#[path = "engine/mapping.rs"]
mod mapping;
#[path = "engine/operations.rs"]
mod operations;

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runs = std::env::args().find_map(|word| word.strip_prefix("--runs=")?.parse().ok());
    let bench = Bench { words, runs };
    mapping::run(&bench);
    operations::run(&bench);
}

/// What is asked for on the command line.
pub(crate) struct Bench {
    words: Vec<String>,
    runs: Option<usize>,
}

impl Bench {
    /// Runs `work` until a fifth of a second has passed, and at least 50 times, or as often as was asked for; prints the
    /// median and the fastest.
    pub(crate) fn measure<T>(&self, name: &str, mut work: impl FnMut() -> T) {
        if !self.words.is_empty() && !self.words.iter().any(|word| name.contains(word.as_str())) {
            return;
        }
        if let Some(runs) = self.runs {
            (0..runs).for_each(|_| drop(std::hint::black_box(work())));
            return;
        }
        let mut times: Vec<Duration> = Vec::new();
        let begin = thread_time();
        let is_enough =
            |runs: usize| runs >= 50 && thread_time() >= begin + Duration::from_millis(200);
        while !is_enough(times.len()) {
            let start = thread_time();
            std::hint::black_box(work());
            times.push(thread_time().saturating_sub(start));
        }
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let fastest = times.first().copied().unwrap_or_default();
        println!(
            "{name:48} {median:>12.1?} median {fastest:>12.1?} fastest ({} runs)",
            times.len()
        );
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let parts = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(parts.0.unwrap_or_default(), parts.1.unwrap_or_default())
}
