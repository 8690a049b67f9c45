//! What a chore says while it runs and at the end.
//!
//! Takes: steps as they begin and end, the tests' outcome.
//! Gives: lines with colours on a terminal; with `--format json` one object on standard output, all else on standard error.
//! Never: decides anything.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Human,
    Json,
}

/// A step of a chore that has ended.
#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    ok: bool,
}

/// What came of the tests.
#[derive(Debug, Default)]
pub(crate) struct Tests {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
    pub(crate) failures: Vec<String>,
    /// Name and reason of each test that left itself out.
    pub(crate) skipped: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct Report {
    format: Format,
    colors: bool,
    steps: Vec<Step>,
    installed: Vec<String>,
    tests: Option<Tests>,
    /// What was measured, as a JSON object.
    figures: Option<String>,
}

impl Report {
    pub(crate) fn new(format: Format) -> Self {
        let terminal = if format == Format::Json {
            std::io::stderr().is_terminal()
        } else {
            std::io::stdout().is_terminal()
        };
        let colors = terminal && std::env::var_os("NO_COLOR").is_none();
        Self {
            format,
            colors,
            steps: Vec::new(),
            installed: Vec::new(),
            tests: None,
            figures: None,
        }
    }

    pub(crate) fn colors(&self) -> bool {
        self.colors
    }

    /// A line of progress.
    pub(crate) fn say(&self, line: &str) {
        match self.format {
            Format::Human => tell(&format!("{line}\n")),
            Format::Json => complain(line),
        }
    }

    /// Runs one step, with a line before it and a line behind it.
    pub(crate) fn step<T>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.say(&format!("{} {name}", self.paint("1;36", "==>")));
        let began = now();
        let done = work(self);
        let took = began.elapsed();
        let mark =
            if done.is_ok() { self.paint("32", "ok ") } else { self.paint("1;31", "failed") };
        self.say(&format!(
            "{} {mark} {name} ({:.1} s)",
            self.paint("1;36", "==>"),
            took.as_secs_f64()
        ));
        self.steps.push(Step { name: name.to_owned(), took, ok: done.is_ok() });
        done
    }

    pub(crate) fn installed(&mut self, what: impl Into<String>) {
        self.installed.push(what.into());
    }

    pub(crate) fn tests(&mut self, tests: Tests) {
        self.tests = Some(tests);
    }

    pub(crate) fn figures(&mut self, json: String) {
        self.figures = Some(json);
    }

    /// The last words: the steps with their times, the tests that were left out, the outcome.
    pub(crate) fn finish(&self, ok: bool) {
        match self.format {
            Format::Json => tell(&format!("{}\n", self.json(ok))),
            Format::Human if self.steps.is_empty() => {}
            Format::Human => tell(&self.summary(ok)),
        }
    }

    fn summary(&self, ok: bool) -> String {
        let mut text = String::from("\n");
        for step in &self.steps {
            let mark =
                if step.ok { self.paint("32", "ok    ") } else { self.paint("1;31", "failed") };
            writeln!(text, "  {mark} {:>7.1} s  {}", step.took.as_secs_f64(), step.name)
                .unwrap_or_default();
        }
        if let Some(tests) = &self.tests {
            for (name, reason) in &tests.skipped {
                writeln!(text, "  {} {name} ({reason})", self.paint("33", "skipped"))
                    .unwrap_or_default();
            }
            for name in &tests.failures {
                writeln!(text, "  {} {name}", self.paint("1;31", "failed")).unwrap_or_default();
            }
            let result = if ok { self.paint("32", "ok") } else { self.paint("1;31", "FAILED") };
            writeln!(
                text,
                "\ntests: {result}. {} passed; {} failed; {} ignored; {} skipped",
                tests.passed,
                tests.failed,
                tests.ignored,
                tests.skipped.len()
            )
            .unwrap_or_default();
        }
        text
    }

    fn json(&self, ok: bool) -> String {
        let steps = list(&self.steps, |step| {
            format!(
                "{{\"name\":{},\"seconds\":{:.1},\"ok\":{}}}",
                quoted(&step.name),
                step.took.as_secs_f64(),
                step.ok
            )
        });
        let installed = list(&self.installed, |what| quoted(what));
        let tests = self.tests.as_ref().map_or_else(
            || "null".to_owned(),
            |tests| {
                format!(
                    "{{\"passed\":{},\"failed\":{},\"ignored\":{},\"failures\":{},\"skipped\":{}}}",
                    tests.passed,
                    tests.failed,
                    tests.ignored,
                    list(&tests.failures, |name| quoted(name)),
                    list(&tests.skipped, |(name, reason)| format!(
                        "{{\"name\":{},\"reason\":{}}}",
                        quoted(name),
                        quoted(reason)
                    )),
                )
            },
        );
        let figures = self.figures.as_deref().unwrap_or("null");
        format!(
            "{{\"ok\":{ok},\"steps\":{steps},\"installed\":{installed},\"tests\":{tests},\"figures\":{figures}}}"
        )
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.colors { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn list<T>(items: &[T], write: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(write).collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            letter if (letter as u32) < 0x20 => {
                write!(out, "\\u{:04x}", letter as u32).unwrap_or_default();
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[expect(clippy::disallowed_methods, reason = "a chore measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// To standard output; a closed pipe is not an error of ours.
pub(crate) fn tell(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).unwrap_or_default();
}

/// To standard error.
pub(crate) fn complain(text: &str) {
    let mut out = std::io::stderr().lock();
    writeln!(out, "{text}").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_summary_is_json_whatever_names_hold() {
        let mut report = Report::new(Format::Json);
        report.tests(Tests {
            passed: 3,
            failed: 1,
            ignored: 0,
            failures: vec!["a\"b\\c".to_owned()],
            skipped: vec![("real::one".to_owned(), "line\nbreak".to_owned())],
        });
        assert_eq!(
            report.json(false),
            "{\"ok\":false,\"steps\":[],\"installed\":[],\"tests\":{\"passed\":3,\"failed\":1,\"ignored\":0,\
             \"failures\":[\"a\\\"b\\\\c\"],\"skipped\":[{\"name\":\"real::one\",\"reason\":\"line\\u000abreak\"}]},\"figures\":null}"
        );
        report.figures("{\"seconds\":600}".to_owned());
        assert!(report.json(true).ends_with(",\"figures\":{\"seconds\":600}}"));
    }
}
