//! What any document may cost: thread time to accept or refuse it, whatever it is; and that nothing panics. What a field of an
//! answer may cost, with few and with many of them.
//!
//! Times are asserted in release builds alone (`cargo test --release --test bounds`), where they mean something; the same
//! documents run in every build. `CYCLORAMA_FUZZ_CASES` makes the mutations as many as one likes.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the slowest document is told")]
#![expect(clippy::format_collect, clippy::format_push_string, reason = "texts made once")]

mod bombs;
#[path = "../../benches/engine/fields.rs"]
mod fields;
mod flat;
mod mutations;
mod places;
mod valid;
#[path = "../../benches/engine/processor.rs"]
mod processor;
#[path = "../../benches/engine/world.rs"]
mod world;

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use cyclorama::compile::{Files, compile};
use cyclorama::graph::Graph;
use cyclorama::operation::{self, Parts};
use cyclorama::plan::{self, Plan, Stages};
use cyclorama::principal::Principal;
use processor::thread_time;
use serde_json::Map;

/// As in the program (decision 0022): a good part of what planning costs is allocation.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The longest document that is looked at by default.
const BYTES: usize = 64 * 1024;
/// Thread time within which a document is accepted or refused.
const MOST: Duration = Duration::from_millis(20);

static GRAPH: LazyLock<Graph> =
    LazyLock::new(|| compile(&Files::read(Path::new("cyclorama.yaml"))).graph.unwrap());

/// Accepts or refuses a document as a request's is, up to its plan. Gives whether it was accepted, and the thread time.
fn settle(document: &str) -> (bool, Duration) {
    let begin = thread_time();
    let operation = operation::prepare(&GRAPH, document, None);
    let is_accepted = match operation {
        Ok(operation) => {
            let plan = plan::plan(&GRAPH, operation);
            std::hint::black_box(plan.as_ref().map(reckon)).is_ok()
        }
        Err(errors) => {
            assert!(!errors.is_empty() && errors.len() <= 100, "{} errors", errors.len());
            for error in &errors {
                assert!(
                    error.message.len() < 4_096,
                    "{} bytes: {document:.200}",
                    error.message.len()
                );
            }
            false
        }
    };
    let spent = thread_time().saturating_sub(begin);
    if is_accepted {
        operation::guard::check(&GRAPH.limits, document).unwrap();
    }
    (is_accepted, spent)
}

/// What stands between a plan and its first call: variables, cost, what this caller needs, which part waits for what. An answer
/// about the schema itself is not counted.
fn reckon(plan: &Plan) -> Option<(f64, u64, Option<Stages>)> {
    let operation = &plan.operation;
    let yes = ["a", "b", "yes", "v0"].map(|name| (name.to_owned(), true.into()));
    let variables = operation::coerce_variables(&GRAPH, operation, &Map::from_iter(yes)).ok()?;
    let principal = Principal::anonymous();
    let cost = operation.cost(&GRAPH, &variables).total;
    let calls = plan::calls(&GRAPH, plan, &variables, &principal).planned;
    let marks = plan::mark(&GRAPH, plan, &variables, &principal);
    let parts = Parts::new(operation, &variables).ok()?;
    let stages = parts.map(|parts| Stages::new(&GRAPH, plan, &marks, &principal, &parts));
    Some((cost, calls, stages))
}

/// The slowest document so far.
#[derive(Default)]
struct Worst {
    spent: Duration,
    name: String,
    documents: usize,
    accepted: usize,
}

impl Worst {
    /// Settles a document; one that seems slow is measured again, for what else the processor had to do just then.
    fn settle(&mut self, name: &str, document: &str) {
        let (is_accepted, mut spent) = settle(document);
        for _ in 0..4 {
            if spent < MOST / 2 || cfg!(debug_assertions) {
                break;
            }
            spent = spent.min(settle(document).1);
        }
        self.documents += 1;
        self.accepted += usize::from(is_accepted);
        if spent > self.spent {
            (self.spent, self.name) = (spent, name.to_owned());
        }
        if !cfg!(debug_assertions) {
            assert!(spent < MOST, "{name}: {spent:?} of thread time\n{document:.2000}");
        }
    }

    fn tell(&self) {
        println!(
            "{} documents, {} accepted; the slowest took {:?}: {}",
            self.documents, self.accepted, self.spent, self.name
        );
    }
}
