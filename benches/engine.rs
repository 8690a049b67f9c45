//! The engine's benchmarks: medians over many runs, printed; nothing is asserted.
//!
//! `cargo bench` runs all of them, `cargo bench -- mapping` those whose name holds the word.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

use std::time::{Duration, Instant};

#[path = "engine/mapping.rs"]
mod mapping;
#[path = "engine/operations.rs"]
mod operations;

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let bench = Bench { words };
    mapping::run(&bench);
    operations::run(&bench);
}

/// What is asked for on the command line.
pub(crate) struct Bench {
    words: Vec<String>,
}

impl Bench {
    /// Runs `work` until a fifth of a second has passed, and at least 50 times; prints the median and the fastest.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    pub(crate) fn measure<T>(&self, name: &str, mut work: impl FnMut() -> T) {
        if !self.words.is_empty() && !self.words.iter().any(|word| name.contains(word.as_str())) {
            return;
        }
        let mut times: Vec<Duration> = Vec::new();
        let begin = Instant::now();
        while times.len() < 50 || begin.elapsed() < Duration::from_millis(200) {
            let start = Instant::now();
            std::hint::black_box(work());
            times.push(start.elapsed());
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
