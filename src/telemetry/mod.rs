//! Logs: where they go, how they look, what they never hold. Words for figures and traces, for whoever has some to tell.
//!
//! Takes: a filter and a format, once, at start.
//! Gives: lines on standard error, for people on a terminal and as JSON otherwise; every line of a request has its id.
//! Never: writes documents, variables, answers, or what a panic says: they may hold personal data.

pub mod context;
pub mod counts;
pub mod exposition;
pub mod histogram;
mod lines;
pub mod otlp;
pub mod span;
pub mod trace;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `Human` on a terminal, `Json` otherwise.
    #[default]
    Auto,
    Human,
    Json,
}

/// The filter could not be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{filter}` is not a log filter; write a level (`info`) or levels by module (`warn,cyclorama=debug`)"
)]
pub struct FilterError {
    filter: String,
}

/// Starts logging for the whole process. Only the first call of a process has an effect.
pub fn start(filter: &str, format: Format) -> Result<(), FilterError> {
    let filter = read_filter(filter)?;
    let is_terminal = std::io::stderr().is_terminal();
    let is_json = match format {
        Format::Auto => !is_terminal,
        Format::Human => false,
        Format::Json => true,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if is_json {
        builder.event_format(lines::Json).try_init()
    } else {
        builder.with_ansi(is_terminal).event_format(lines::Human).try_init()
    };
    // an error means that somebody, a test, was first
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "a panic was caught");
        }));
    }
    Ok(())
}

/// A bare level is ours; other crates stay quiet unless they are named.
fn read_filter(text: &str) -> Result<EnvFilter, FilterError> {
    let refused = || FilterError { filter: text.to_owned() };
    let level = |text: &str| text.trim().parse::<LevelFilter>().ok();
    // a lone word that is no level would be taken for a module's name, and an empty text for `error`
    if text
        .split(',')
        .any(|part| part.trim().is_empty() || (!part.contains('=') && level(part).is_none()))
    {
        return Err(refused());
    }
    if let Some(level) = level(text) {
        let others = level.min(LevelFilter::WARN);
        return EnvFilter::try_new(format!("{others},cyclorama={level}")).map_err(|_| refused());
    }
    EnvFilter::try_new(text).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_for_our_own_modules() {
        assert_eq!(read_filter("debug").unwrap().to_string(), "cyclorama=debug,warn");
        assert_eq!(read_filter("error").unwrap().to_string(), "cyclorama=error,error");
        assert_eq!(
            read_filter("warn,cyclorama::load=trace").unwrap().to_string(),
            "cyclorama::load=trace,warn"
        );
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_an_example() {
        for filter in ["", "loud", "info,", "cyclorama=loud"] {
            let message = read_filter(filter).unwrap_err().to_string();
            assert!(message.contains("warn,cyclorama=debug"), "{filter}: {message}");
        }
    }
}
