//! How work and memory grow with what is kept. Its allocator counts, so that documents and fields are timed elsewhere
//! (`tests/bounds`), with that of the program.
//!
//! Times are asserted in release builds alone (`cargo test --release --test growth`), where they mean something.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "what was counted is told")]

mod allocations;
#[path = "../../benches/engine/growth.rs"]
mod figures;
#[path = "../../benches/engine/processor.rs"]
mod processor;
mod scale;
#[path = "../../benches/engine/world.rs"]
mod world;
