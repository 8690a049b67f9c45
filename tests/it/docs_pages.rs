//! What the README, the architecture page and the pages for operators say is so: names, codes, links, commands and answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::docs::{Block, blocks};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The one block of a page with this info string.
fn block(page: &str, info: &str) -> Block {
    let mut found: Vec<Block> =
        blocks(&read(page)).into_iter().filter(|block| block.info == info).collect();
    assert_eq!(found.len(), 1, "{page} has one block `{info}`");
    found.remove(0)
}

/// All files below a folder of the repository with this extension, relative to the repository.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_life_of_a_request_names_functions_that_are_there() {
    let stages = block("ARCHITECTURE.md", "text stages");
    let mut count = 0;
    for line in stages.text.lines() {
        let mut words = line.split_whitespace();
        let (Some(stage), Some(file), Some(function)) = (words.next(), words.next(), words.next())
        else {
            panic!("stage, file, function: {line}");
        };
        let home = file.trim_start_matches("src/").split('/').next();
        assert_eq!(home, Some(stage), "{line}");
        let text = read(file);
        let is_there = text.lines().any(|line| {
            let definition = line.trim_start().split_once("fn ").map(|(_, rest)| rest);
            definition.is_some_and(|rest| {
                rest.strip_prefix(function).is_some_and(|rest| rest.starts_with(['(', '<']))
            })
        });
        assert!(is_there, "{file} has no function `{function}`");
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn the_architecture_lists_the_modules_in_the_order_of_the_library() {
    let listed = block("ARCHITECTURE.md", "text modules");
    let lib = read("src/lib.rs");
    let modules: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut order: Vec<&str> = Vec::new();
    for line in listed.text.lines() {
        order.extend(line.split_whitespace().take_while(|word| modules.contains(word)));
    }
    let in_library: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(order, in_library);
}

#[test]
fn every_invariant_names_tests_that_are_there() {
    let mut tests = BTreeSet::new();
    for file in files("src", "rs").into_iter().chain(files("tests/it", "rs")) {
        let text = read(file.to_str().unwrap());
        for line in text.lines() {
            if let Some((_, rest)) = line.trim_start().split_once("fn ") {
                let name: String = rest
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect();
                tests.insert(name);
            }
        }
    }
    let text = read("ARCHITECTURE.md");
    let invariants: Vec<&str> =
        text.lines().filter(|line| line.starts_with("**Invariant:**")).collect();
    assert!(invariants.len() > 15, "{}", invariants.len());
    for invariant in invariants {
        let (_, checks) =
            invariant.split_once("(checked by ").unwrap_or_else(|| panic!("no test: {invariant}"));
        let named: Vec<&str> = checks.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{invariant}");
        for name in named {
            assert!(tests.contains(name), "no test `{name}`");
        }
    }
    assert!(text.lines().count() <= 200, "the architecture fits on a few screens");
}
