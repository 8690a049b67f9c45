//! What `tests/it/fuzz/harness.rs` says of documents, for bytes that libFuzzer chooses by the code that they reach.

#![no_main]

#[path = "../../tests/it/fuzz/harness.rs"]
mod harness;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/testkit/mod.rs"]
mod testkit;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::document(bytes));
