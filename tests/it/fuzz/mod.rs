//! What a fuzzer starts from, and what one has found: replayed on every change.

mod harness;

use std::fs;
use std::path::{Path, PathBuf};

/// The files of `fuzz/seeds` and `fuzz/found` for one target.
fn files(target: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["seeds", "found"]
        .iter()
        .map(|folder| Path::new("fuzz").join(folder).join(target))
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{target}: {files:?}");
    files
}

fn replay(target: &str, check: impl Fn(&[u8])) {
    for file in files(target) {
        let bytes = fs::read(&file).unwrap();
        check(&bytes);
        // half a file, and one with a byte too many
        check(&bytes[..bytes.len() / 2]);
        check(&[&bytes[..], b"}"].concat());
    }
}

#[test]
fn documents_that_a_fuzzer_knows_hold() {
    replay("documents", harness::document);
}

#[test]
fn variables_that_a_fuzzer_knows_hold() {
    replay("variables", harness::variables);
}
