//! Other programs, started and waited for.
//!
//! Takes: a program with its arguments.
//! Gives: whether it went well, or what it printed.
//! Never: hands on standard input, so nothing can ask a question.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::report::Report;

/// The repository's folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A folder below `target/` of the repository.
pub(crate) fn target(name: &str) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), PathBuf::from)
        .join(name)
}

/// A program that will run in the repository's folder, without standard input.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs this.
pub(crate) fn cargo(report: &Report) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if report.colors() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// Runs to the end; every line that it prints is shown, and handed to `see`.
pub(crate) fn watched(
    mut command: Command,
    report: &Report,
    mut see: impl FnMut(&str),
) -> Result<bool, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("`{name}` cannot be started: {e}"))?;
    if let Some(out) = child.stdout.take() {
        let mut reader = BufReader::new(out);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(|e| format!("`{name}`: {e}"))? > 0 {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            report.say(text);
            see(&plain(text));
            line.clear();
        }
    }
    Ok(child.wait().map_err(|e| format!("`{name}`: {e}"))?.success())
}

/// Runs to the end; what it prints is shown; an error if it failed.
pub(crate) fn shown(command: Command, report: &Report) -> Result<(), String> {
    let line = described(&command);
    if watched(command, report, |_| {})? { Ok(()) } else { Err(format!("`{line}` failed")) }
}

/// Runs to the end; what it prints on standard output is given, the rest is shown; an error if it failed.
pub(crate) fn output(mut command: Command) -> Result<String, String> {
    let line = described(&command);
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| format!("`{line}`: {e}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("`{line}` failed"))
    }
}

/// Runs silently; what it printed, or nothing if it failed or is not there.
pub(crate) fn asked(mut command: Command) -> Option<String> {
    let out = command.stderr(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The question whether a program is there.
pub(crate) fn version_of(name: &str) -> Command {
    let mut command = program(name);
    command.arg("--version");
    command
}

/// The command as one would type it.
pub(crate) fn described(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Without terminal colors.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_taken_out() {
        assert_eq!(plain("test a ... \u{1b}[32mok\u{1b}(B\u{1b}[m"), "test a ... ok");
    }
}
