//! The machine's clock jumps, as it does when somebody sets it: what is timed here goes on by the clock that does not.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::needs;
use crate::program::{Backend, Served, customer_query, deployment, program};

/// The library of Debian's package `faketime`, whatever the machine is.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    let mut libraries =
        folders.map(|folder| folder.unwrap().path().join("faketime/libfaketime.so.1"));
    libraries.find(|library| library.is_file()).expect("the Debian package faketime")
}

#[tokio::test]
async fn when_the_clock_jumps_an_hour_forth_and_back_no_record_grows_old_and_no_call_times_out() {
    if !needs::outside("the clock jumps") {
        return;
    }
    let backend = Backend::start().await;
    let settings =
        "cache: { ttl: 60s }\nhttp: { rate_limit: { budget: 100000 } }\nreload: { watch: false }\n";
    let folder = deployment("clock", &backend, settings);
    let jump = folder.path("jump");
    std::fs::write(&jump, "+0").unwrap();
    let mut command = program();
    command
        .env("LD_PRELOAD", faketime())
        .env("FAKETIME_TIMESTAMP_FILE", &jump)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let served = Served::start_by(command, &folder.path("cyclorama.yaml")).await;
    let query = customer_query("a").replace("name", "name sourceStatus { state ageSeconds }");
    let mut hours = Vec::new();
    for jumped in ["+0", "+3600", "-3600", "+7200", "+0"] {
        std::fs::write(&jump, jumped).unwrap();
        let cached = served.query(&query).await;
        assert_eq!(cached.get("errors"), None, "{cached:#}");
        let status = &cached["data"]["customer"]["sourceStatus"][0];
        assert_eq!(status["state"], "OK", "{jumped}: {cached:#}");
        assert!(status["ageSeconds"].as_u64().unwrap() < 60, "{jumped}: {cached:#}");
        // one that is read now, with all its timers
        let read = served.query(&customer_query(jumped.trim_start_matches(['+', '-']))).await;
        assert_eq!(read.get("errors"), None, "{jumped}: {read:#}");
        hours.push(date(&served).await);
    }
    // the program did see the clock jump
    assert_ne!(hours[0], hours[1]);
    // once the first, and each of the others: a second time nothing
    assert_eq!(backend.asked(), 4);
    let (code, log) = {
        served.signal("-TERM");
        served.ended().await
    };
    assert_eq!(code, Some(0));
    let is_bad = |line: &&Value| line["level"] == json!("ERROR") || line["level"] == json!("WARN");
    assert_eq!(log.iter().find(is_bad), None);
}

/// The hour that the server's own clock shows.
async fn date(served: &Served) -> String {
    let url = format!("http://{}/livez", served.address);
    let answer = served.client.get(url).send().await.unwrap();
    let date = answer.headers()["date"].to_str().unwrap().to_owned();
    date.split(' ').nth(4).unwrap()[..2].to_owned()
}
