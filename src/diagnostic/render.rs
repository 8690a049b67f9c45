//! Reports: with excerpts for people, as JSON for machines.

use codespan_reporting::diagnostic as report;
use codespan_reporting::term;
use serde_json::{Value, json};

use super::{Diagnostic, FileId, Label, Severity, Sources};

/// Excerpts with their places, without colors.
pub fn plain(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        // rendering reads only texts that it was given, and writes to memory
        text.push_str(
            &term::emit_into_string(&config(), sources, &to_report(diagnostic)).unwrap_or_default(),
        );
    }
    text.push_str(&summary(diagnostics));
    text
}

/// The same with terminal colors.
pub fn colored(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut buffer = term::termcolor::Ansi::new(Vec::new());
    for diagnostic in diagnostics {
        if term::emit_to_write_style(&mut buffer, &config(), sources, &to_report(diagnostic))
            .is_err()
        {
            return plain(diagnostics, sources);
        }
    }
    let mut text = String::from_utf8(buffer.into_inner()).unwrap_or_default();
    text.push_str(&summary(diagnostics));
    text
}

/// An object with the counts and every diagnostic with its places.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let count = |severity| diagnostics.iter().filter(|one| one.severity == severity).count();
    json!({
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "diagnostics": diagnostics.iter().map(|one| to_json(one, sources)).collect::<Vec<_>>(),
    })
}

/// `2 errors, 1 warning`, or nothing when there are none.
fn summary(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for (severity, name) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let count = diagnostics.iter().filter(|one| one.severity == severity).count();
        if count > 0 {
            let separator = if text.is_empty() { "" } else { ", " };
            let plural = if count == 1 { "" } else { "s" };
            text.extend([format!("{separator}{count} {name}{plural}")]);
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn config() -> term::Config {
    term::Config { chars: term::Chars::ascii(), ..term::Config::default() }
}

fn to_report(diagnostic: &Diagnostic) -> report::Diagnostic<FileId> {
    let severity = match diagnostic.severity {
        Severity::Error => report::Severity::Error,
        Severity::Warning => report::Severity::Warning,
    };
    let labels = diagnostic.labels.iter().enumerate().map(|(index, label)| {
        let style =
            if index == 0 { report::LabelStyle::Primary } else { report::LabelStyle::Secondary };
        report::Label::new(style, label.span.file, label.span.range()).with_message(&label.text)
    });
    let notes = diagnostic.help.iter().map(|help| format!("help: {help}"));
    report::Diagnostic::new(severity)
        .with_code(diagnostic.code.as_str())
        .with_message(&diagnostic.message)
        .with_labels(labels.collect())
        .with_notes(notes.collect())
}

fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    json!({
        "code": diagnostic.code.as_str(),
        "severity": diagnostic.severity.as_str(),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "labels": diagnostic.labels.iter().map(|label| label_json(label, sources)).collect::<Vec<_>>(),
    })
}

fn label_json(label: &Label, sources: &Sources) -> Value {
    let range = label.span.range();
    let (start, end) =
        (sources.place(label.span.file, range.start), sources.place(label.span.file, range.end));
    json!({
        "file": sources.name(label.span.file),
        "line": start.line,
        "column": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "text": label.text,
    })
}
