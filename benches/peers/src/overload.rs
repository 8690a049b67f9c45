//! More than the product can do: three times as many requests as it answers at its best, sent whether or not it keeps up; and a
//! backend that is left alone because it fails.
//!
//! Takes: `--cyclorama BINARY`, `--seconds`, `--times`, `--json`; the server has the first core, if `taskset` is there, and all else the
//! core that this program was given.
//! Gives: what is answered well and in time, in relation to the best; how soon the rest is refused; fails where less than is promised.
//! Never: has more requests under way than [`MOST`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;
use tokio::time::Instant;

use crate::Options;
use crate::load::{self, Connection};
use crate::moods::{Front, Mood};
use crate::operations::{Operation, Varies};
use crate::process::{Process, free_address};
use crate::scenarios::{Place, Setting};

const MOST: usize = 4_000;
/// Of the best rate.
const GOODPUT: f64 = 0.80;
/// A refusal by load, and one by an open breaker, as 99 of 100 clients see it.
const REFUSED: Duration = Duration::from_millis(5);
const LEFT_ALONE: Duration = Duration::from_millis(1);
/// The deadline of `overload.yaml`.
const DEADLINE: Duration = Duration::from_secs(2);

struct Figure {
    name: &'static str,
    told: String,
    /// None: only shown.
    ok: Option<bool>,
}

pub(crate) async fn run(options: &Options) -> Result<(), String> {
    let place = Place::of(options)?;
    let time = Duration::from_secs(options.number("--seconds", 10).max(2));
    let mut figures = beyond(&place, time, options.number("--times", 3)).await?;
    figures.extend(left_alone(&place).await?);
    if options.flag("--json") {
        let list = figures.iter().map(|f| json!({ "name": f.name, "told": f.told, "ok": f.ok }));
        println!("{}", json!({ "figures": list.collect::<Vec<_>>() }));
    } else {
        for figure in &figures {
            let mark = match figure.ok {
                None => "",
                Some(true) => "reached",
                Some(false) => "NOT reached",
            };
            println!("{:44}{:28}{mark}", figure.name, figure.told);
        }
    }
    if figures.iter().any(|figure| figure.ok == Some(false)) {
        return Err("less than is promised".to_owned());
    }
    Ok(())
}

async fn beyond(place: &Place, time: Duration, times: u64) -> Result<Vec<Figure>, String> {
    let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
    command.args(["backends", "--latency", "5"]);
    let backends = Process::start(command).await?;
    let server = serve(place, &backends.address).await?;
    let operation = Operation::page(Varies::Page);
    let best = best(&server.address, &operation, time / 2).await?;
    let calm = server.resident();
    let came = flood(&server.address, &operation, best * times as f64, time).await?;
    let busy = server.resident();
    // it is what it was, as soon as no more is asked than it can do
    let after = flood(&server.address, &operation, best, time / 2).await;
    server.end().await;
    backends.end().await;
    let after = after?.good.len() as f64 / (time / 2).as_secs_f64();
    let good = came.good.len() as f64 / time.as_secs_f64();
    let refused = quantile(&came.refused, 0.99);
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    let shown = |name, told| Figure { name, told, ok: None };
    Ok(vec![
        shown("best", format!("{best:.0} requests/s")),
        shown("sent", format!("{:.1} times as many", came.sent as f64 / time.as_secs_f64() / best)),
        Figure {
            name: "answered well and in time",
            told: format!("{:.0} % of the best", good / best * 100.0),
            ok: Some(good >= best * GOODPUT),
        },
        shown("their median time", milliseconds(quantile(&came.good, 0.5))),
        shown("their p99", milliseconds(quantile(&came.good, 0.99))),
        shown("answered late or with errors", came.poor.to_string()),
        shown("refused", came.refused.len().to_string()),
        shown("their median time", milliseconds(quantile(&came.refused, 0.5))),
        Figure {
            name: "their p99",
            told: milliseconds(refused),
            ok: Some(!came.refused.is_empty() && refused < REFUSED),
        },
        shown("memory, calm and then", format!("{} and {} MB", calm / 1_000_000, busy / 1_000_000)),
        Figure {
            name: "afterwards",
            told: format!("{:.0} % of the best", after / best * 100.0),
            ok: Some(after >= best * GOODPUT),
        },
    ])
}

/// The most that it answers well and in time in a second, however many are sent: each time more are, until a good part is not.
async fn best(address: &str, operation: &Operation, time: Duration) -> Result<f64, String> {
    const MORE: f64 = 1.25;
    let mut rate = load::load(address, operation, 50, time).await?.per_second() / 2.0;
    let mut best: f64 = 0.0;
    for _ in 0..12 {
        let came = flood(address, operation, rate, time).await?;
        let good = came.good.len() as f64 / time.as_secs_f64();
        best = best.max(good);
        if good * MORE < rate {
            break;
        }
        rate *= MORE;
    }
    Ok(best)
}

#[derive(Default)]
struct Came {
    sent: u64,
    /// Times of answers with all data, within the deadline; sorted at the end.
    good: Vec<Duration>,
    refused: Vec<Duration>,
    poor: u64,
}

/// So many a second, whether or not answers come.
async fn flood(
    address: &str,
    operation: &Operation,
    rate: f64,
    time: Duration,
) -> Result<Came, String> {
    let came = Arc::new(Mutex::new(Came::default()));
    let idle: Arc<Mutex<Vec<Connection>>> = Arc::default();
    let mut tasks = tokio::task::JoinSet::new();
    let begin = Instant::now();
    let mut sent = 0_usize;
    while begin.elapsed() < time {
        let due = (begin.elapsed().as_secs_f64() * rate) as usize;
        while sent < due && tasks.len() < MOST {
            let (address, body) = (address.to_owned(), operation.body(sent));
            let (idle, came) = (Arc::clone(&idle), Arc::clone(&came));
            // somebody else each time: operations that run once for all who ask the same would be no load
            let asker = format!("x-asker: {sent}");
            tasks.spawn(async move { one(&address, (&body, asker), &idle, &came).await });
            sent += 1;
        }
        while tasks.try_join_next().is_some() {}
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|e| e.to_string())??;
    }
    let mut came = std::mem::take(&mut *came.lock().unwrap_or_else(PoisonError::into_inner));
    came.sent = sent as u64;
    came.good.sort_unstable();
    came.refused.sort_unstable();
    Ok(came)
}

async fn one(
    address: &str,
    (body, asker): (&str, String),
    idle: &Mutex<Vec<Connection>>,
    came: &Mutex<Came>,
) -> Result<(), String> {
    let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut connection = match kept {
        Some(connection) => connection,
        None => Connection::open(address).await?,
    };
    connection.header = Some(asker);
    let begin = Instant::now();
    let answer = connection.post("/graphql", "application/json", body).await?;
    let took = begin.elapsed();
    let has_all =
        answer.status == 200 && !answer.body.windows(9).any(|part| part == br#""errors":"#);
    {
        let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
        match answer.status {
            200 if has_all && took <= DEADLINE => came.good.push(took),
            200 => came.poor += 1,
            503 => came.refused.push(took),
            other => return Err(format!("{other}: {}", String::from_utf8_lossy(answer.body))),
        }
    }
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    Ok(())
}

/// A backend that fails is left alone: its callers are told at once.
async fn left_alone(place: &Place) -> Result<Vec<Figure>, String> {
    let front = Front::start("127.0.0.1:1".to_owned()).await?;
    front.be(Mood::Failing);
    let server = serve(place, &front.address).await?;
    let operation = Operation::one(Varies::Customer);
    let mut connection = Connection::open(&server.address).await?;
    for n in 0..30 {
        connection.ask(&operation.body(n)).await?;
    }
    let before = front.asked();
    let mut took = Vec::new();
    for n in 0..2_000 {
        let body = operation.body(n);
        let begin = Instant::now();
        let answer = connection.ask(&body).await?;
        took.push(begin.elapsed());
        if !answer.windows(19).any(|part| part == b"BACKEND_UNAVAILABLE") {
            return Err(format!("an open breaker: {}", String::from_utf8_lossy(answer)));
        }
    }
    let asked = front.asked() - before;
    server.end().await;
    took.sort_unstable();
    let tail = quantile(&took, 0.99);
    Ok(vec![
        Figure {
            name: "with an open breaker, p99",
            told: format!("{:.0} µs", tail.as_secs_f64() * 1e6),
            ok: Some(tail < LEFT_ALONE),
        },
        Figure {
            name: "requests that the backend got meanwhile",
            told: asked.to_string(),
            ok: Some(asked < 10),
        },
    ])
}

async fn serve(place: &Place, backends: &str) -> Result<Process, String> {
    let address = free_address()?;
    let command = place.cyclorama(Setting::Overload, backends, &address);
    // what it logs of refusals and failures is read, and no figure
    Process::start_logged(alone(command), address, |_| {}).await
}

/// On the first core, where there is a second for everything else.
fn alone(command: Command) -> Command {
    let has_taskset = std::process::Command::new("taskset").arg("--version").output().is_ok();
    if !has_taskset {
        return command;
    }
    let command = command.into_std();
    let mut pinned = std::process::Command::new("taskset");
    pinned.args(["-c", "0"]).arg(command.get_program()).args(command.get_args());
    pinned.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    pinned.into()
}

fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
