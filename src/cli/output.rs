//! What commands print: text, problems, JSON with colors on a terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use clap::builder::styling::{AnsiColor, Style};
use serde_json::Value;

use super::{Exit, Failure};

pub(super) const STRONG: Style = Style::new().bold();
pub(super) const LINK: Style = AnsiColor::Cyan.on_default().underline();
pub(super) const COMMAND: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default();
const NAME: Style = AnsiColor::Blue.on_default();
const TEXT: Style = AnsiColor::Green.on_default();
const WORD: Style = AnsiColor::Magenta.on_default();

/// Prints text that may have styles; they are taken out again if standard output is not a terminal.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// A reader that has seen enough (`| head`) is no error.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("the answer could not be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// As [`print`], on standard error. If that cannot be written there is nobody left to tell.
pub(super) fn print_aside(text: &str) {
    let mut stderr = anstream::stderr().lock();
    drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
}

/// Says why a command ended.
pub(super) fn report(failure: &Failure) -> Exit {
    if !failure.message.is_empty() {
        let mut text = format!("{ERROR}error:{ERROR:#} {}\n", failure.message);
        if let Some(help) = &failure.help {
            writeln!(text, "{HELP}help:{HELP:#} {help}").ok();
        }
        print_aside(&text);
    }
    failure.exit
}

/// May standard error have colors?
pub(super) fn has_colors_aside() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
        && io::stderr().is_terminal()
}

/// JSON over several lines, with styles.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value, 0);
    text.push('\n');
    text
}

fn write_value(text: &mut String, value: &Value, depth: usize) {
    let result = match value {
        Value::Null | Value::Bool(_) => write!(text, "{WORD}{value}{WORD:#}"),
        Value::Number(_) => write!(text, "{value}"),
        Value::String(_) => write!(text, "{TEXT}{value}{TEXT:#}"),
        Value::Array(items) if items.is_empty() => write!(text, "[]"),
        Value::Object(members) if members.is_empty() => write!(text, "{{}}"),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                next_line(text, index, depth + 1);
                write_value(text, item, depth + 1);
            }
            write!(text, "\n{:1$}]", "", depth * 2)
        }
        Value::Object(members) => {
            text.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                next_line(text, index, depth + 1);
                write!(text, "{NAME}{}{NAME:#}: ", Value::from(name.as_str())).ok();
                write_value(text, member, depth + 1);
            }
            write!(text, "\n{:1$}}}", "", depth * 2)
        }
    };
    // writing to a string cannot fail
    result.ok();
}

fn next_line(text: &mut String, index: usize, depth: usize) {
    let separator = if index == 0 { "" } else { "," };
    write!(text, "{separator}\n{:1$}", "", depth * 2).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_json_without_its_styles_is_the_same_json() {
        let value = serde_json::json!({ "a": [1, -2.50, "x\"\u{1b}", null, true, {}, []], "b": { "c": {} } });
        let text = anstream::adapter::strip_str(&pretty(&value)).to_string();
        assert_eq!(text, format!("{value:#}\n"));
    }
}
