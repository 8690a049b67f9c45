//! What a test needs from outside of the repository, and how it leaves itself out where that is not there.
//!
//! A test that leaves itself out says so on standard output and, for the summary of `cargo xtask test`, in the file that
//! `CYCLORAMA_SKIPS` names. `CYCLORAMA_REQUIRE_FIXTURES=1` turns missing fixtures into failures; `CYCLORAMA_HERMETIC=1`
//! leaves out everything that needs other programs.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The folder of shared fixtures beside the repository, or nothing if this test is to be left out.
pub(crate) fn shared(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CYCLORAMA_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        !is_set("CYCLORAMA_REQUIRE_FIXTURES"),
        "{test}: {} is missing, and fixtures are required",
        folder.display()
    );
    skip(test, "../shared is missing");
    None
}

/// Whether programs from outside (databases, other servers, a browser) may be started; if not, this test is left out.
pub(crate) fn outside(test: &str) -> bool {
    let allowed = !is_set("CYCLORAMA_HERMETIC");
    if !allowed {
        skip(test, "hermetic");
    }
    allowed
}

#[expect(clippy::print_stdout, reason = "a test that is left out says so")]
fn skip(test: &str, reason: &str) {
    println!("skipped: {test} ({reason})");
    let Some(file) = std::env::var_os("CYCLORAMA_SKIPS") else { return };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{test}\t{reason}\n").as_bytes()).unwrap();
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
}
