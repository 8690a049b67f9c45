//! The project's chores: `cargo xtask test`, `ci`, `fuzz`, `bench`, `setup`.
//!
//! Takes: a command and its options.
//! Gives: the chore done, step by step, and an exit code: 0 done, 1 a step failed, 2 not understood.
//! Never: installs anything without saying so first; needs a crate that is not in the standard library.

mod bench;
mod fuzz;
mod install;
mod instructions;
mod peers;
mod report;
mod run;
mod suite;

use std::process::ExitCode;

use report::{Format, Report};

const HELP: &str = "\
cargo xtask <command> [options]

Commands
  test      install what the tests need, run all of them, sum up
  ci        formatting, lints, documentation links, then `test`
  fuzz      the fuzz targets `documents` and `variables`, or one of them; a minute, or --minutes
  bench     the engine's benchmarks, then the comparison with what users would pick instead; or one of
            `engine`, `compare`, `overload` (three times as many requests as can be answered), `switches` (everything
            switched on, beside everything off) and `instructions` (callgrind's counts of the hot parts, held
            against benches/instructions.json); words behind `--` go to it
  soak      the release build over backends that misbehave in turn, under steady load, for ten minutes or --minutes:
            memory and descriptors must stay flat, and every answer be one that is expected
  setup     only install what the tests need

Options
  --hermetic      install nothing; leave out the tests that need systems from outside, and list them
  --no-install    say what is missing instead of installing it
  --format json   print one JSON object at the end (everything else goes to standard error)
  --minutes N     how long to fuzz, or to soak
  --update        with `bench instructions`: write the counts into the file
  --filter TEXT   run only tests whose name contains TEXT
  -h, --help      this text

Everything that is installed is named before it is installed. Debian packages go through apt-get (as root);
Python and Node packages go below target/.
";

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) hermetic: bool,
    pub(crate) no_install: bool,
    pub(crate) json: bool,
    pub(crate) filter: Option<String>,
    pub(crate) minutes: Option<u64>,
    /// Words behind the command: what to fuzz, what to measure.
    pub(crate) words: Vec<String>,
    /// Words behind `--`, for the benchmarks.
    pub(crate) rest: Vec<String>,
}

fn main() -> ExitCode {
    match fuzz::stand_before_rustc() {
        Some(Ok(code)) => return ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Some(Err(problem)) => {
            report::complain(&problem);
            return ExitCode::FAILURE;
        }
        None => {}
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (command, options) = match parse(&words) {
        Ok(parsed) => parsed,
        Err(problem) => {
            report::complain(&format!("{problem}\n\n{HELP}"));
            return ExitCode::from(2);
        }
    };
    let mut report = Report::new(if options.json { Format::Json } else { Format::Human });
    let done = match command.as_str() {
        "test" => suite::test(&options, &mut report),
        "ci" => suite::ci(&options, &mut report),
        "fuzz" => fuzz::fuzz(&options, &mut report),
        "bench" => bench::bench(&options, &mut report),
        "soak" => peers::soak(&options, &mut report),
        "setup" => install::everything(&options, &mut report),
        "help" => {
            report::tell(HELP);
            return ExitCode::SUCCESS;
        }
        other => {
            report::complain(&format!("`{other}` is not a command\n\n{HELP}"));
            return ExitCode::from(2);
        }
    };
    report.finish(done.is_ok());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            report::complain(&problem);
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> Result<(String, Options), String> {
    let mut options = Options::default();
    let mut command = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--hermetic" => options.hermetic = true,
            "--update" => options.rest.push(word.clone()),
            "--no-install" => options.no_install = true,
            "--format" => match words.next().map(String::as_str) {
                Some("json") => options.json = true,
                Some("human") => options.json = false,
                _ => return Err("--format takes `human` or `json`".to_owned()),
            },
            "--filter" => {
                options.filter = Some(words.next().ok_or("--filter takes a text")?.clone());
            }
            "--minutes" => {
                let minutes = words.next().and_then(|word| word.parse().ok());
                options.minutes = Some(minutes.ok_or("--minutes takes a number")?);
            }
            "-h" | "--help" => command = Some("help".to_owned()),
            "--" => options.rest.extend(words.by_ref().cloned()),
            other if other.starts_with('-') => return Err(format!("`{other}` is not an option")),
            other if command.is_none() => command = Some(other.to_owned()),
            other
                if matches!(command.as_deref(), Some("fuzz" | "bench"))
                    && options.words.is_empty() =>
            {
                options.words.push(other.to_owned());
            }
            other => return Err(format!("`{other}` is one word too many")),
        }
    }
    Ok((command.unwrap_or_else(|| "help".to_owned()), options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(String, Options), String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_may_stand_before_and_behind_the_command() {
        let (command, options) = parsed("--hermetic test --format json --filter real").unwrap();
        assert_eq!(command, "test");
        assert!(options.hermetic && options.json);
        assert_eq!(options.filter.as_deref(), Some("real"));
    }

    #[test]
    fn what_to_fuzz_and_how_long_may_be_said() {
        let (command, options) = parsed("fuzz documents --minutes 30").unwrap();
        assert_eq!(command, "fuzz");
        assert_eq!((options.words.join(" "), options.minutes), ("documents".to_owned(), Some(30)));
    }

    #[test]
    fn what_to_measure_may_be_said() {
        let (command, options) = parsed("bench compare -- --rounds 9").unwrap();
        assert_eq!((command, options.words.join(" ")), ("bench".to_owned(), "compare".to_owned()));
        assert_eq!(options.rest, ["--rounds", "9"]);
        let (_, options) = parsed("bench instructions --update").unwrap();
        assert_eq!(
            (options.words.join(" "), options.rest.join(" ")),
            ("instructions".to_owned(), "--update".to_owned())
        );
    }

    #[test]
    fn how_long_to_soak_may_be_said_and_nothing_else() {
        let (command, options) = parsed("soak --minutes 2 --format json").unwrap();
        assert_eq!((command.as_str(), options.minutes, options.json), ("soak", Some(2), true));
        assert!(parsed("soak well").is_err());
    }

    #[test]
    fn no_command_asks_for_help() {
        assert_eq!(parsed("").unwrap().0, "help");
    }

    #[test]
    fn words_that_are_not_known_are_refused() {
        assert!(parsed("test --hermetc").is_err());
        assert!(parsed("test twice").is_err());
        assert!(parsed("fuzz documents twice").is_err());
        assert!(parsed("fuzz --minutes soon").is_err());
        assert!(parsed("test --format xml").is_err());
    }
}
