//! The comparison itself: everything started, answers compared, then rounds in which everybody has a turn.
//!
//! Takes: the product's binary, `--packages` (Node packages), `--rounds`, `--milliseconds`, `--only TEXT` (of scenarios), `--among TEXT,TEXT` (of
//! contestants), `--out FOLDER`.
//! Gives: a table of medians over rounds, as text, and as a page with a plot; fails where answers differ.

use std::time::Duration;

use tokio::process::Command;

use crate::Options;
use crate::figures::{self, Row, Sample};
use crate::load::{ask, load};
use crate::process::Process;
use crate::scenarios::{Contestant, Place, Scenario, random_scenarios, scenarios};

pub(crate) async fn run(options: &Options) -> Result<(), String> {
    let place = Place::of(options)?;
    let rounds = options.number("--rounds", 5);
    let time = Duration::from_millis(options.number("--milliseconds", 1500));
    let only = options.value("--only").unwrap_or_default();
    for contestant in Contestant::ALL {
        if place.is_among(contestant) && !place.can_start(contestant) {
            eprintln!("{} is left out: it needs --packages", contestant.name());
        }
    }
    let mut rows = Vec::new();
    for scenario in scenarios().into_iter().chain(random_scenarios()) {
        if !scenario.name.contains(only) {
            continue;
        }
        eprintln!("{}", scenario.name);
        let row = compare(&place, scenario, rounds, time).await?;
        eprint!("{}", figures::text(&row, &rows));
        rows.push(row);
    }
    print!("{}", figures::markdown(&rows));
    if let Some(folder) = options.value("--out") {
        figures::write(std::path::Path::new(folder), &rows)?;
    }
    Ok(())
}

async fn compare(
    place: &Place,
    scenario: Scenario,
    rounds: u64,
    time: Duration,
) -> Result<Row, String> {
    let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
    command.args(["backends", "--latency", &scenario.latency.to_string()]);
    let backends = Process::start(command).await?;
    let mut taking = Vec::new();
    for contestant in Contestant::ALL.into_iter().filter(|one| place.is_among(*one)) {
        if contestant.takes_part(&scenario) && place.can_start(contestant) {
            let process = contestant.start(place, scenario.setting, &backends.address).await;
            let process = process.map_err(|problem| format!("{}: {problem}", contestant.name()))?;
            taking.push((contestant, process, Vec::new()));
        }
    }
    check_answers(&scenario, &taking).await?;
    for (_, process, _) in &taking {
        load(&process.address, &scenario.operation, scenario.clients, time / 2).await?;
    }
    for _ in 0..rounds {
        for (contestant, process, samples) in &mut taking {
            let sample = measure(&scenario, process, &backends.address, time).await;
            samples.push(sample.map_err(|problem| format!("{}: {problem}", contestant.name()))?);
        }
    }
    let mut by_contestant = Vec::new();
    for (contestant, process, samples) in taking {
        process.end().await;
        by_contestant.push((contestant, samples));
    }
    backends.end().await;
    Ok(Row { scenario, by_contestant })
}

/// Everybody answers the same, as JSON, to a dozen different requests.
async fn check_answers(
    scenario: &Scenario,
    taking: &[(Contestant, Process, Vec<Sample>)],
) -> Result<(), String> {
    for n in 0..12 {
        let body = scenario.operation.body(n);
        let mut first: Option<serde_json::Value> = None;
        for (contestant, process, _) in taking {
            let bytes = ask(&process.address, &body).await?;
            let answer: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| {
                format!("{}: {e}: {}", contestant.name(), String::from_utf8_lossy(&bytes))
            })?;
            match &first {
                None => first = Some(answer),
                Some(first) if *first == answer => {}
                Some(first) => {
                    return Err(format!(
                        "{} answers otherwise than the first:\n{answer:.400}\n{first:.400}",
                        contestant.name()
                    ));
                }
            }
        }
    }
    Ok(())
}

async fn measure(
    scenario: &Scenario,
    process: &Process,
    backends: &str,
    time: Duration,
) -> Result<Sample, String> {
    count(backends).await?;
    let before = process.time();
    let outcome = load(&process.address, &scenario.operation, scenario.clients, time).await?;
    let used = process.time().saturating_sub(before);
    let calls = count(backends).await?;
    let answers = outcome.answers.max(1) as f64;
    Ok(Sample {
        per_second: outcome.per_second(),
        median: outcome.quantile(0.5),
        tail: outcome.quantile(0.99),
        processor: used.div_f64(answers),
        resident: process.resident(),
        calls: calls as f64 / answers,
    })
}

/// How many requests the backends got since the last time.
async fn count(backends: &str) -> Result<u64, String> {
    let client = crate::client::Client::new(backends.to_owned());
    let body = client.get("/count").await;
    String::from_utf8_lossy(&body).trim().parse().map_err(|_| "no count".to_owned())
}
