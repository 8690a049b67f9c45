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

use fields::PerField;
use growth::{Filled, Plans};
use processor::thread_time;

#[path = "engine/fields.rs"]
mod fields;
#[path = "engine/growth.rs"]
mod growth;
#[path = "engine/mapping.rs"]
mod mapping;
#[path = "engine/operations.rs"]
mod operations;
#[path = "engine/processor.rs"]
mod processor;
#[path = "engine/world.rs"]
mod world;

/// As in the program (decision 0022).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runs = std::env::args().find_map(|word| word.strip_prefix("--runs=")?.parse().ok());
    let bench = Bench { words, runs };
    mapping::run(&bench);
    operations::run(&bench);
    if bench.is_timed() {
        grow(&bench);
    }
}

/// How work grows; `tests/bounds` and `tests/growth` hold these figures.
fn grow(bench: &Bench) {
    let tell = |what: &str, figures: String| println!("growth: {what:42} {figures}");
    if bench.wants("growth: parents") {
        let sizes = [10, 100, 1_000, 10_000];
        for (customers, PerField { warm, cold }) in sizes.into_iter().zip(fields::parents(sizes)) {
            let what = format!("a field, {customers} parents");
            tell(&what, format!("{warm:>10.1?} warm {cold:>10.1?} cold"));
        }
    }
    if bench.wants("growth: fields") {
        let counts = [10, 100, 1_000];
        for (count, PerField { warm, cold }) in counts.into_iter().zip(fields::fields(counts)) {
            let what = format!("a field, {count} of each parent");
            tell(&what, format!("{warm:>10.1?} warm {cold:>10.1?} cold"));
        }
    }
    if bench.wants("growth: cache") {
        for customers in [1_000, 500_000] {
            let (filled, _) = growth::filled(customers, 1_024, uncounted);
            let Filled { entries, bytes, hit } = filled;
            let what = format!("a page of hits among {entries} entries");
            tell(&what, format!("{hit:>10.1?}; {bytes} bytes"));
        }
    }
    if bench.wants("growth: schema") {
        for types in [100, 1_000] {
            tell(&format!("{types} types compile"), format!("{:>10.1?}", growth::schema(types)));
        }
    }
    if bench.wants("growth: known operations") {
        for count in [100, 10_000] {
            let (Plans { hit, made_anew }, _) = growth::known(count, uncounted);
            let what = format!("one of {count} known operations");
            tell(&what, format!("{hit:>10.1?}; {made_anew} made anew"));
        }
    }
}

/// What is allocated is counted by `tests/growth`.
fn uncounted(work: &mut dyn FnMut()) -> i64 {
    work();
    0
}

/// What is asked for on the command line.
pub(crate) struct Bench {
    words: Vec<String>,
    runs: Option<usize>,
}

impl Bench {
    fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }

    /// Whether there is a clock, and not only so many runs.
    pub(crate) fn is_timed(&self) -> bool {
        self.runs.is_none()
    }

    /// Runs `work` until a fifth of a second has passed, and at least 50 times, or as often as was asked for; prints the
    /// median and the fastest.
    pub(crate) fn measure<T>(&self, name: &str, mut work: impl FnMut() -> T) {
        if !self.wants(name) {
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
