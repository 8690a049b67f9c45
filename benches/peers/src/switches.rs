//! What it costs to have everything switched on: limits of cost and calls, budgets of clients, metrics that are read every second, a
//! trace with one request in a hundred.
//!
//! Takes: `--cyclorama BINARY`, `--rounds`, `--milliseconds`, `--json`.
//! Gives: processor time for a request in relation to everything off; fails beyond the bound.

use std::time::Duration;

use serde_json::json;

use crate::Options;
use crate::figures::median;
use crate::load::{Connection, load};
use crate::operations::{Operation, Varies};
use crate::process::{Process, free_address};
use crate::scenarios::{Place, Setting};

/// Of the processor time with everything off.
const MOST: f64 = 1.2;

pub(crate) async fn run(options: &Options) -> Result<(), String> {
    let place = Place::of(options)?;
    let rounds = options.number("--rounds", 7);
    let time = Duration::from_millis(options.number("--milliseconds", 1_500));
    let mut command = place.own("backends", Setting::Cold, "");
    command.args(["--latency", "0"]);
    let backends = Process::start(command).await?;
    let off = start(&place, Setting::Warm, &backends.address).await?;
    let on = start(&place, Setting::SwitchedOn, &backends.address).await?;
    let mut figures = Vec::new();
    for (name, operation) in [
        ("one customer, warm", Operation::one(Varies::SameCustomers)),
        ("page, warm", Operation::page(Varies::FewPages)),
    ] {
        for (server, _) in [&off, &on] {
            load(&server.address, &operation, 8, time / 2).await?;
        }
        let mut ratios = Vec::new();
        for _ in 0..rounds {
            let base = spent(&off, &operation, time).await?;
            ratios.push(spent(&on, &operation, time).await? / base);
        }
        figures.push((name, median(ratios.into_iter())));
    }
    for process in [off.0, on.0, backends] {
        process.end().await;
    }
    if options.flag("--json") {
        let list = figures.iter().map(|(name, ratio)| json!({ "name": name, "ratio": ratio }));
        println!("{}", json!({ "figures": list.collect::<Vec<_>>() }));
    } else {
        for (name, ratio) in &figures {
            let mark = if *ratio <= MOST { "reached" } else { "NOT reached" };
            println!(
                "{name:24}{ratio:.2} of the processor time with everything off; at most {MOST}: {mark}"
            );
        }
    }
    let is_kept = figures.iter().all(|(_, ratio)| *ratio <= MOST);
    if is_kept { Ok(()) } else { Err("it costs more than is promised".to_owned()) }
}

/// A server, and where its metrics are.
async fn start(
    place: &Place,
    setting: Setting,
    backends: &str,
) -> Result<(Process, Option<String>), String> {
    let (address, admin) = (free_address()?, free_address()?);
    let mut command = place.cyclorama(setting, backends, &address);
    let is_on = setting == Setting::SwitchedOn;
    if is_on {
        command.args(["--admin-listen", &admin]);
    }
    Ok((Process::start_at(command, address).await?, is_on.then_some(admin)))
}

/// Processor seconds for one request.
async fn spent(
    (server, admin): &(Process, Option<String>),
    operation: &Operation,
    time: Duration,
) -> Result<f64, String> {
    let before = server.time();
    let traced = Operation { is_traced: admin.is_some(), ..operation.clone() };
    let (outcome, scraped) =
        tokio::join!(load(&server.address, &traced, 8, time), scrape(admin.as_deref(), time));
    scraped?;
    let used = server.time().saturating_sub(before);
    Ok(used.as_secs_f64() / outcome?.answers.max(1) as f64)
}

/// Reads the metrics once a second.
async fn scrape(admin: Option<&str>, time: Duration) -> Result<(), String> {
    let Some(admin) = admin else { return Ok(()) };
    let end = tokio::time::Instant::now() + time;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    while ticks.tick().await < end {
        let mut connection = Connection::open(admin).await?;
        let answer = connection.get("/metrics").await?;
        if answer.status != 200 || answer.body.is_empty() {
            return Err(format!("/metrics: {}", answer.status));
        }
    }
    Ok(())
}
