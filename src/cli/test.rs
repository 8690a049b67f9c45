//! `cyclorama test`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::files::Source;
use super::output::{BAD, COMMAND, STRONG};
use super::{Exit, Failure, cases, output, runtime};
use crate::contract::{
    Case, CaseFile, Change, Difference, Found, Replayed, Unmatched, changes, replace_section,
    replay, to_yaml,
};
use crate::diagnostic::{Code, Diagnostic, Sources, Span, render};
use crate::error::chain;
use crate::graph::Graph;

/// Run contract cases against the files, without a network
///
/// Each case holds an operation, the exchanges that were recorded of the backends, and the answer that is expected. It runs through the
/// same code as a server; what a backend would be asked is looked up among the exchanges. No secret needs to be set. Exits 0 if
/// all cases hold, 1 if one does not or cannot be read, 2 if there is none.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cyclorama test
  cyclorama test contracts/customer.yaml --update
  cyclorama test contracts --config deploy/cyclorama.yaml --format json")]
pub(super) struct Arguments {
    /// Case files, or folders of them
    #[arg(value_name = "PATH", default_value = "contracts")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    source: Source,
    /// For people, or one JSON object for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the answers, and the numbers of calls, that the cases give into their files
    #[arg(long)]
    update: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Differences of one answer that are shown.
const CHANGES_MAX: usize = 20;

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut sources = Sources::default();
    let found = cases::list(&arguments.paths, &mut sources)?;
    let deployment = arguments.source.offline_deployment()?;
    let runtime = runtime()?;
    let mut reports = Vec::new();
    for mut found in found {
        found.problems.extend(unknown_backends(&deployment.graph, found.case.as_ref()));
        let report = match found.case.as_ref().filter(|_| found.problems.is_empty()) {
            None => Report { outcome: Outcome::Broken, ..Report::of(&found) },
            Some(file) => {
                let replayed = runtime.block_on(replay(&deployment.graph, &file.case));
                let replayed = replayed.map_err(|error| Failure::new(chain(&error)))?;
                judged(&found, file, replayed, &sources, arguments.update)?
            }
        };
        if arguments.format == Format::Text {
            output::print(&report.text(&sources))?;
        }
        reports.push(report);
    }
    let failed = reports.iter().filter(|report| report.outcome.is_bad()).count();
    match arguments.format {
        Format::Json => {
            let cases: Vec<Value> = reports.iter().map(|report| report.json(&sources)).collect();
            let passed = reports.len() - failed;
            let report = json!({ "cases": cases, "passed": passed, "failed": failed });
            output::print(&format!("{report:#}\n"))?;
        }
        Format::Text => output::print(&summary(&reports))?,
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

/// Exchanges of roles that nobody plays in this deployment: nothing will ever ask for them.
fn unknown_backends(graph: &Graph, file: Option<&CaseFile>) -> Vec<Diagnostic> {
    let exchanges = file.iter().flat_map(|file| file.case.exchanges.iter().zip(&file.exchanges));
    let roles = || graph.backends.iter().map(|backend| &*backend.role);
    let unknown = exchanges.filter(|(exchange, _)| !roles().any(|role| role == exchange.backend));
    unknown
        .map(|(exchange, span)| {
            let message = format!("this deployment has no backend `{}`", exchange.backend);
            Diagnostic::error(Code::UnknownRole, message)
                .at(*span, "what is recorded of it is never asked for")
                .suggest(&exchange.backend, roles())
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// The file could not be read.
    Broken,
    Updated,
}

impl Outcome {
    fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Broken)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Broken => "broken",
            Self::Updated => "updated",
        }
    }
}

/// What came of one file.
struct Report {
    path: String,
    outcome: Outcome,
    case: Option<Case>,
    /// The line of each exchange.
    lines: Vec<usize>,
    problems: Vec<Diagnostic>,
    replayed: Option<Replayed>,
    changes: Vec<Change>,
    /// Role, expected, made.
    calls: Vec<(String, usize, usize)>,
    /// The case has no answer to compare with.
    expects_nothing: bool,
}

impl Report {
    fn of(found: &Found) -> Self {
        Self {
            path: found.path.to_string_lossy().replace('\\', "/"),
            outcome: Outcome::Passed,
            case: found.case.as_ref().map(|file| file.case.clone()),
            lines: Vec::new(),
            problems: found.problems.clone(),
            replayed: None,
            changes: Vec::new(),
            calls: Vec::new(),
            expects_nothing: false,
        }
    }
}

/// Holds what a case gave against what it expects. With `update` the file is rewritten, unless a request was not recorded: then there
/// is no answer to write.
fn judged(
    found: &Found,
    file: &CaseFile,
    replayed: Replayed,
    sources: &Sources,
    update: bool,
) -> Result<Report, Failure> {
    let mut report = Report::of(found);
    let line = |span: &Span| sources.place(file.file, span.start as usize).line;
    report.lines = file.exchanges.iter().map(line).collect();
    match &file.case.expect {
        Some(expect) => report.changes = changes(expect, &replayed.answer),
        None => report.expects_nothing = true,
    }
    if let Some(expected) = &file.case.calls {
        let roles = expected
            .keys()
            .chain(replayed.calls.keys().filter(|role| !expected.contains_key(*role)));
        report.calls = roles
            .map(|role| {
                let count = |calls: &std::collections::BTreeMap<String, usize>| {
                    calls.get(role).copied().unwrap_or_default()
                };
                (role.clone(), count(expected), count(&replayed.calls))
            })
            .filter(|(_, expected, made)| expected != made)
            .collect();
    }
    let is_as_expected =
        report.changes.is_empty() && report.calls.is_empty() && !report.expects_nothing;
    report.outcome = match (replayed.unmatched.is_empty(), is_as_expected, update) {
        (true, true, _) => Outcome::Passed,
        (true, false, true) => {
            rewrite(found, file, &replayed, sources)?;
            Outcome::Updated
        }
        _ => Outcome::Failed,
    };
    report.replayed = Some(replayed);
    Ok(report)
}

/// Puts the answer, and the calls if the file counts them, in the place of what is there; the rest of the file stays as it is.
fn rewrite(
    found: &Found,
    file: &CaseFile,
    replayed: &Replayed,
    sources: &Sources,
) -> Result<(), Failure> {
    let mut sections = vec![(file.expect, to_yaml("expect", &replayed.answer))];
    if file.calls.is_some() {
        sections.push((file.calls, to_yaml("calls", &json!(replayed.calls))));
    }
    // from the end, so that places before stay what they are
    sections.sort_by_key(|(span, _)| std::cmp::Reverse(span.map_or(u32::MAX, |span| span.start)));
    let text = sources.text(file.file).to_owned();
    let text = sections
        .into_iter()
        .fold(text, |text, (span, section)| replace_section(&text, span, &section));
    std::fs::write(&found.path, text).map_err(|error| {
        Failure::new(format!("`{}` could not be written: {error}", found.path.display()))
    })
}

impl Report {
    fn text(&self, sources: &Sources) -> String {
        let style = if self.outcome.is_bad() { BAD } else { COMMAND };
        let word = match self.outcome {
            Outcome::Passed => "ok",
            Outcome::Failed => "FAILED",
            Outcome::Broken => "BROKEN",
            Outcome::Updated => "updated",
        };
        let mut text = format!("{style}{word:>8}{style:#}  {STRONG}{}{STRONG:#}", self.path);
        let calls: usize = self.replayed.iter().flat_map(|one| one.calls.values()).sum();
        if self.replayed.is_some() {
            let noun = if calls == 1 { "call" } else { "calls" };
            // writing to a string cannot fail
            write!(text, "  ({calls} {noun})").ok();
        }
        text.push('\n');
        text.push_str(&render::colored(&self.problems, sources));
        if self.outcome.is_bad() {
            self.failure(&mut text);
        }
        text
    }

    /// A recorded request, and where it stands.
    fn recorded(&self, at: usize) -> Option<String> {
        let exchange = self.case.as_ref()?.exchanges.get(at)?;
        Some(format!("{} ({}:{})", exchange.line(), self.path, self.lines.get(at)?))
    }

    fn failure(&self, text: &mut String) {
        let Some(replayed) = &self.replayed else { return };
        for unmatched in &replayed.unmatched {
            self.unmatched(unmatched, text);
        }
        for change in self.changes.iter().take(CHANGES_MAX) {
            let place = if change.place.is_empty() { "the answer" } else { &change.place };
            let shown = |value: Option<&Value>| Change::shown(value);
            writeln!(
                text,
                "          {place}\n            {BAD}- expected  {}{BAD:#}\n            {COMMAND}+ given     {}{COMMAND:#}",
                shown(change.expected.as_ref()),
                shown(change.found.as_ref())
            )
            .ok();
        }
        if self.changes.len() > CHANGES_MAX {
            writeln!(text, "          … and {} more places", self.changes.len() - CHANGES_MAX).ok();
        }
        for (role, expected, made) in &self.calls {
            writeln!(text, "          calls of {role}: {BAD}{expected} expected{BAD:#}, {COMMAND}{made} made{COMMAND:#}").ok();
        }
        let unused = replayed.unused.iter().filter_map(|at| self.recorded(*at));
        for exchange in unused {
            writeln!(text, "          recorded, and not asked for: {exchange}").ok();
        }
        let advice = if self.expects_nothing {
            "the case expects no answer yet: `cyclorama test --update` writes the one that it gives"
        } else if replayed.unmatched.is_empty() {
            "if the new answer is right, `cyclorama test --update` writes it into the case"
        } else {
            "the request has changed: correct the file that makes it, or record the case anew"
        };
        writeln!(text, "          {advice}").ok();
    }

    fn unmatched(&self, unmatched: &Unmatched, text: &mut String) {
        writeln!(text, "          not recorded: {BAD}{}{BAD:#}", unmatched.asked.line()).ok();
        let nearest = unmatched
            .nearest
            .as_ref()
            .and_then(|(at, differences)| Some((self.recorded(*at)?, differences)));
        let Some((exchange, differences)) = nearest else {
            writeln!(text, "            nothing is recorded of {}", unmatched.asked.backend).ok();
            return;
        };
        writeln!(text, "            the nearest: {exchange}").ok();
        for one in differences {
            writeln!(
                text,
                "              {}: recorded {BAD}{}{BAD:#}, asked {COMMAND}{}{COMMAND:#}",
                one.place, one.recorded, one.asked
            )
            .ok();
        }
    }

    fn json(&self, sources: &Sources) -> Value {
        let lines = |at: &usize| self.recorded(*at);
        let unmatched = |one: &Unmatched| {
            let nearest = one.nearest.as_ref().map(|(at, differences)| {
                let differences: Vec<Value> = differences.iter().map(Difference::to_json).collect();
                json!({ "request": lines(at), "differences": differences })
            });
            json!({ "request": one.asked.line(), "nearest": nearest })
        };
        let replayed = self.replayed.as_ref();
        let calls: Vec<Value> = self
            .calls
            .iter()
            .map(|(role, expected, made)| json!({ "backend": role, "expected": expected, "made": made }))
            .collect();
        json!({
            "file": self.path,
            "outcome": self.outcome.as_str(),
            "description": self.case.as_ref().and_then(|case| case.description.clone()),
            "changes": self.changes.iter().map(Change::to_json).collect::<Vec<_>>(),
            "unmatched": replayed.map(|one| one.unmatched.iter().map(unmatched).collect::<Vec<_>>()).unwrap_or_default(),
            "unused": replayed.map(|one| one.unused.iter().filter_map(lines).collect::<Vec<_>>()).unwrap_or_default(),
            "calls": replayed.map(|one| one.calls.clone()).unwrap_or_default(),
            "wrong_calls": calls,
            "expects_nothing": self.expects_nothing,
            "diagnostics": render::json(&self.problems, sources).get("diagnostics"),
        })
    }
}

fn summary(reports: &[Report]) -> String {
    let count = |outcome: Outcome| reports.iter().filter(|one| one.outcome == outcome).count();
    let total = reports.len();
    let noun = if total == 1 { "case" } else { "cases" };
    let mut parts = vec![format!("{total} {noun}")];
    for (outcome, word) in [
        (Outcome::Passed, "passed"),
        (Outcome::Updated, "updated"),
        (Outcome::Failed, "failed"),
        (Outcome::Broken, "broken"),
    ] {
        let count = count(outcome);
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    format!("\n{}\n", parts.join(", "))
}
