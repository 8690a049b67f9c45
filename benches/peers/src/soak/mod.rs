//! The soak: the product over backends that misbehave in turn, under steady load, while its files change.
//!
//! Takes: `--cyclorama BINARY`, `--repository FOLDER`, `--seconds`, `--rate`, `--json`.
//! Gives: a table, or one JSON object; fails unless memory and descriptors stayed flat and every answer was expected.
//! Never: ends what it did not start, or runs on after its time.

mod clients;
mod verdict;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::Instant;

use self::clients::{Customer, Load, Tally};
use self::verdict::{Sample, Seen, Verdict};
use crate::Options;
use crate::load::Connection;
use crate::moods::{Front, Mood};
use crate::process::{Process, free_address};

/// The roles, the variables that their vendor files read, and what stands behind the address.
const ROLES: [(&str, &str); 3] =
    [("DEMO_CRM_URL", ""), ("DEMO_BILLING_URL", ""), ("DEMO_SUPPORT_URL", "/helpdesk/soap")];
/// How long the server may take to be done with everything, when nobody asks any more.
const CALM: Duration = Duration::from_secs(20);
const PANICS_KEPT: usize = 5;

pub(crate) async fn run(options: &Options) -> Result<(), String> {
    let time = Duration::from_secs(options.number("--seconds", 600).max(5));
    let mut stage = Stage::set(options).await?;
    let verdict = stage.play(time, options.number("--rate", 150)).await;
    stage.demo.end().await;
    std::fs::remove_file(&stage.config).unwrap_or_default();
    let verdict = verdict?;
    if options.flag("--json") {
        println!("{}", verdict.json());
    } else {
        print!("{}", verdict.text());
    }
    if verdict.is_good() { Ok(()) } else { Err("the soak found something".to_owned()) }
}

/// Everything that runs.
struct Stage {
    demo: Process,
    fronts: Vec<Front>,
    server: Option<Process>,
    admin: String,
    config: PathBuf,
    repository: PathBuf,
    panics: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    async fn set(options: &Options) -> Result<Self, String> {
        let binary = options.value("--cyclorama").ok_or("--cyclorama BINARY is missing")?;
        let repository = std::path::absolute(options.value("--repository").unwrap_or("."))
            .map_err(|e| e.to_string())?;
        let mut demo = Command::new(binary);
        demo.args(["demo", "--listen", &free_address()?, "--latency", "2ms"]);
        let (demo, addresses) = Process::start_all(demo, 1 + ROLES.len()).await?;
        let mut fronts = Vec::new();
        for address in addresses.into_iter().skip(1) {
            fronts.push(Front::start(address).await?);
        }
        let (listen, admin) = (free_address()?, free_address()?);
        let config = std::env::temp_dir().join(format!("soak-{}.yaml", std::process::id()));
        write(&config, &repository, "100")?;
        let mut serve = Command::new(binary);
        serve.arg("serve").arg("--config").arg(&config);
        serve.args(["--listen", &listen, "--admin-listen", &admin]);
        for ((variable, path), front) in ROLES.iter().zip(&fronts) {
            serve.env(variable, format!("http://{}{path}", front.address));
        }
        let panics = Arc::new(Mutex::new(Vec::new()));
        let found = Arc::clone(&panics);
        let see = move |line: &str| {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            if line.contains("panic") && found.len() < PANICS_KEPT {
                found.push(line.to_owned());
            }
        };
        let server = Some(Process::start_logged(serve, listen, see).await?);
        Ok(Self { demo, fronts, server, admin, config, repository, panics })
    }

    async fn play(&mut self, time: Duration, rate: u64) -> Result<Verdict, String> {
        let server = self.server.take().ok_or("no server")?;
        let tally = Arc::new(Mutex::new(Tally::default()));
        let begin = Instant::now();
        let load = Load {
            address: server.address.clone(),
            customers: customers(&server.address).await?.into(),
            rate,
            begin,
            end: begin + time,
            tally: Arc::clone(&tally),
        };
        let load = tokio::spawn(load.run());
        let ((), samples, reloads) = tokio::join!(
            self.be_moody(begin, time),
            sample(&server, begin, time),
            self.reload(begin, time)
        );
        load.await.map_err(|e| e.to_string())??;
        let left = self.left().await;
        let stopped = server.stop(Duration::from_secs(30)).await;
        let mut panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = self.fronts.iter().map(Front::asked).collect();
        let seen = Seen { reloads, panics: std::mem::take(&mut panics), left, stopped, asked };
        let tally = std::mem::take(&mut *tally.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Verdict::new(time, &samples, tally, seen))
    }

    /// One backend after the other has each of the moods, and is well again for as long; all of it several times in each fifth
    /// of a long run.
    async fn be_moody(&self, begin: Instant, time: Duration) {
        let turn = (time / 160).clamp(Duration::from_millis(150), Duration::from_secs(4));
        let turns = Mood::TURNS.iter().cycle().zip(self.fronts.iter().cycle());
        for (n, (mood, front)) in (0_u32..).zip(turns) {
            front.be(*mood);
            tokio::time::sleep_until(begin + turn * (2 * n + 1)).await;
            front.be(Mood::Well);
            let next = begin + turn * (2 * n + 2);
            if next >= begin + time {
                return;
            }
            tokio::time::sleep_until(next).await;
        }
    }

    /// Changes the files again and again; each fourth time they are wrong, and must be refused.
    async fn reload(&self, begin: Instant, time: Duration) -> Result<String, String> {
        let every = (time / 40).clamp(Duration::from_millis(500), Duration::from_secs(10));
        let (mut read, mut refused) = (0, 0);
        for n in 1_u32.. {
            let at = begin + every * n;
            if at + every >= begin + time {
                break;
            }
            tokio::time::sleep_until(at).await;
            let is_wrong = n.is_multiple_of(4);
            let pages = if is_wrong { "many".to_owned() } else { (100 + n).to_string() };
            write(&self.config, &self.repository, &pages)?;
            let mut connection = Connection::open(&self.admin).await?;
            let answer = connection.post("/reload", "application/json", "").await?;
            match (answer.status, is_wrong) {
                (200, false) => read += 1,
                (422, true) => refused += 1,
                (status, _) => {
                    let text = String::from_utf8_lossy(answer.body);
                    return Err(format!("reload {n}: {status}: {text:.300}"));
                }
            }
        }
        Ok(format!("{read} read, {refused} refused"))
    }

    /// What still runs when nobody asks any more.
    async fn left(&self) -> Result<String, String> {
        let end = Instant::now() + CALM;
        loop {
            let mut connection = Connection::open(&self.admin).await?;
            let answer = connection.get("/state").await?;
            let state: Value = serde_json::from_slice(answer.body).map_err(|e| e.to_string())?;
            let of = |pointer| state.pointer(pointer).and_then(Value::as_u64);
            let (running, graphs) = (of("/operations/running"), of("/graph/alive"));
            let told = format!("{running:?} operations, {graphs:?} graphs");
            if (running, graphs) == (Some(0), Some(1)) {
                return Ok("no operation, one graph".to_owned());
            }
            if Instant::now() >= end {
                return Err(format!("{told} after {CALM:?}"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The deployment: the shipped files, impatient, with little room.
fn write(config: &Path, repository: &Path, pages: &str) -> Result<(), String> {
    let (schema, resolvers) = (repository.join("schema"), repository.join("resolvers"));
    // breakers close soon, so that each mood is felt
    let impatient = "timeout: 800ms, breaker: { open: 500ms }";
    let text = format!(
        "schema: {}\nresolvers: {}\nroles:\n  crm: {{ vendor: demo, {impatient} }}\n  \
         billing: {{ vendor: demo, {impatient} }}\n  support: {{ vendor: demo, {impatient} }}\n\
         deadline: 2s\npages: {{ default: 20, max: {pages} }}\n\
         cache: {{ size: 4MiB, ttl: 3s, stale_if_error: 5s }}\n\
         http: {{ overload: {{ operations: 50 }} }}\nreload: {{ every: 1s }}\nlog: {{ level: info, format: json }}\n",
        schema.display(),
        resolvers.display(),
    );
    std::fs::write(config, text).map_err(|e| format!("{}: {e}", config.display()))
}

async fn customers(address: &str) -> Result<Vec<Customer>, String> {
    let mut connection = Connection::open(address).await?;
    let body = r#"{"query":"{ customers(first: 100) { nodes { id primaryEmail } } }"}"#;
    let answer = connection.ask(body).await?;
    let answer: Value = serde_json::from_slice(answer).map_err(|e| e.to_string())?;
    let nodes = answer.pointer("/data/customers/nodes").and_then(Value::as_array);
    let text = |node: &Value, name: &str| Some(node.get(name)?.as_str()?.to_owned());
    let customer =
        |node| Some(Customer { id: text(node, "id")?, email: text(node, "primaryEmail")? });
    let found: Vec<Customer> = nodes.into_iter().flatten().filter_map(customer).collect();
    if found.is_empty() { Err(format!("no customers: {answer}")) } else { Ok(found) }
}

/// Memory and descriptors, every second, or oftener in a short run.
async fn sample(server: &Process, begin: Instant, time: Duration) -> Vec<Sample> {
    let every = (time / 60).clamp(Duration::from_millis(100), Duration::from_secs(1));
    let mut ticks = tokio::time::interval_at(begin + every, every);
    let mut samples = Vec::new();
    loop {
        let at = ticks.tick().await.duration_since(begin);
        if at > time {
            return samples;
        }
        samples.push(Sample { at, resident: server.resident(), descriptors: server.descriptors() });
    }
}
