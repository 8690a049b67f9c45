//! The walk-through of the documentation, from its first step to its last: files are written and changed as the page says, the
//! program is run on them, and two little backends on loopback are what the page connects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use cyclorama::demo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::docs::{Block, blocks};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What the demo's CRM has as the billing account of the customer of the page, its number 1001.
const ZOE: &str = "cus_3d32ab7a";

// ---- the backends that the company has ------------------------------------------------------------------------------

/// Tally and Pulse: what they hold is made of what they are asked for, so that every customer has something.
#[derive(Clone, Default)]
struct Service {
    /// How often each path was asked.
    calls: Arc<Mutex<BTreeMap<String, usize>>>,
    is_down: Arc<Mutex<bool>>,
}

impl Service {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn take_calls(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

async fn answer(State(service): State<Service>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let is_pulse = path.starts_with("/v1/");
    let given = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let is_known = if is_pulse {
        given("authorization").as_deref() == Some("Bearer pulse-secret")
    } else {
        given("x-tally-key").as_deref() == Some("tally-secret")
    };
    if !is_known {
        return (axum::http::StatusCode::UNAUTHORIZED, "").into_response();
    }
    *service.calls.lock().unwrap().entry(path.clone()).or_default() += 1;
    if is_pulse && *service.is_down.lock().unwrap() {
        return (axum::http::StatusCode::SERVICE_UNAVAILABLE, "").into_response();
    }
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let query: BTreeMap<String, String> =
        head.uri.query().unwrap_or_default().split('&').filter_map(pair).collect();
    let answer = match path.as_str() {
        "/api/accounts/find" => accounts(&body),
        "/api/bills" => bills(&query),
        "/v1/people/lookup" => people(&body),
        "/v1/sessions" => sessions(&query),
        "/v1/features" => features(&query),
        _ => return (axum::http::StatusCode::NOT_FOUND, "").into_response(),
    };
    ([("content-type", "application/json")], answer.to_string()).into_response()
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    Some((name.to_owned(), value.replace("%2C", ",").replace("%5F", "_")))
}

fn accounts(body: &Value) -> Value {
    let Some(numbers) = body["old_numbers"].as_array() else {
        // nobody is known by address alone
        return json!({ "ok": true, "accounts": [] });
    };
    let account = |number: &Value| json!({ "old_no": number, "our_no": if number == ZOE { "1001" } else { "0" }, "mail": null, "owes": 125_050, "cur": "EUR" });
    json!({ "ok": true, "accounts": numbers.iter().map(account).collect::<Vec<_>>() })
}

fn bills(query: &BTreeMap<String, String>) -> Value {
    let bill = |number: u32, state: &str, open: u32| {
        json!({
            "no": format!("B-{number}"), "state": state, "due": "2999-12-24T00:00:00Z", "sum": 125_050,
            "open": open, "cur": "EUR", "account": query["account"],
        })
    };
    let all = [bill(2, "due", 125_050), bill(1, "settled", 0)];
    let state = query.get("state");
    let fits = |bill: &Value| state.is_none_or(|state| bill["state"] == state.as_str());
    let bills: Vec<Value> = all.into_iter().filter(fits).collect();
    json!({ "ok": true, "count": bills.len(), "bills": bills })
}

fn people(body: &Value) -> Value {
    let by_user = body["by"] == "user";
    let person = |value: &Value| {
        let number = value.as_str().unwrap().trim_start_matches("p-");
        assert_eq!(by_user, !value.as_str().unwrap().starts_with("p-"), "{value}");
        json!({
            "id": format!("p-{number}"), "user": number,
            "usage": { "seats": 5, "active": 3, "last": 1_790_000_000_000_u64 },
        })
    };
    json!({ "people": body["values"].as_array().unwrap().iter().map(person).collect::<Vec<_>>() })
}

/// Three visits of this month and one of long ago for each.
fn sessions(query: &BTreeMap<String, String>) -> Value {
    let now = unix_now();
    let visits = [(1, "web"), (2, "ios"), (3, "watch"), (200, "web")];
    let of = |person: &str| {
        let visits = visits.iter().map(|(day, app)| {
            json!({
                "id": format!("{person}-{day}"), "person": person, "at": now - day * 86_400,
                "length": (600 + day).to_string(), "app": app,
            })
        });
        visits.collect::<Vec<_>>()
    };
    json!({ "sessions": query["people"].split(',').flat_map(of).collect::<Vec<_>>(), "next": null })
}

fn features(query: &BTreeMap<String, String>) -> Value {
    let of = |person: &str| {
        [
            json!({ "person": person, "name": "reports", "uses": 42, "weekly": true }),
            json!({ "person": person, "name": "export", "uses": 1, "weekly": false }),
        ]
    };
    json!({ "features": query["people"].split(',').flat_map(of).collect::<Vec<_>>() })
}

fn unix_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

// ---- the company's folder -------------------------------------------------------------------------------------------

struct Company {
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Drop for Company {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Company {
    /// A copy of the shipped files.
    fn new(environment: Vec<(&'static str, String)>) -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("company-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        for name in ["schema", "resolvers", "cyclorama.yaml"] {
            copy(&Path::new(ROOT).join(name), &folder.join(name));
        }
        Self { folder, environment }
    }

    fn change(&self, path: &str, change: impl FnOnce(String) -> String) {
        let path = self.folder.join(path);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        std::fs::write(path, change(text)).unwrap();
    }

    /// What the page's block says of a file.
    fn apply(&self, block: &Block) {
        match block.info.split(' ').collect::<Vec<_>>().as_slice() {
            [_, "file", path] => {
                let path = self.folder.join(path);
                assert!(!path.exists(), "{} is there already", path.display());
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, &block.text).unwrap();
            }
            [_, "in", path] => self.change(path, |text| inserted(&text, &block.text)),
            [_, "replace", path] => {
                let (old, new) = block.text.trim_end().split_once('\n').unwrap();
                self.change(path, |text| {
                    assert!(text.contains(old), "{path} has no `{old}`");
                    text.replace(old, new)
                });
            }
            _ => {}
        }
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cyclorama"));
        command.current_dir(&self.folder).args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn check(&self) -> String {
        let output = self.run(&["check", "--coverage"]).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    async fn ask(&self, query: &str) -> Value {
        let output = self.run(&["query", "-q", query]).await;
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn key(line: &str) -> &str {
    line.trim_start().split(':').next().unwrap()
}

/// The lines of a snippet put where its keys say: below the keys that are there, each new key first of its map.
fn inserted(text: &str, snippet: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // the places of the keys that the present line is below
    let mut open: Vec<(usize, usize)> = Vec::new();
    for line in snippet.lines() {
        while open.last().is_some_and(|(within, _)| *within >= indent(line)) {
            open.pop();
        }
        let start = open.last().map_or(0, |(_, at)| at + 1);
        let outer = open.last().map(|(_, at)| indent(&lines[*at]));
        let is_inside = |line: &String| {
            line.trim().is_empty() || outer.is_none_or(|outer| indent(line) > outer)
        };
        let inside = lines[start..].iter().take_while(|line| is_inside(line));
        let found = inside.enumerate().find(|(_, there)| {
            key(there) == key(line)
                && outer.map_or(indent(there) == 0, |outer| indent(there) == outer + 2)
        });
        let at = if let Some((at, _)) = found {
            start + at
        } else {
            let spaces = outer.map_or(0, |outer| outer + 2);
            lines.insert(start, format!("{:spaces$}{}", "", line.trim_start()));
            // what follows is below a line above it
            start
        };
        open.push((indent(line), at));
    }
    lines.join("\n") + "\n"
}

// ---- the walk -------------------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_adds_a_field_replaces_a_vendor_and_adds_a_fourth_backend_by_files_alone() {
    let backends =
        demo::start(demo::Options { customers: 40, ..demo::Options::default() }).await.unwrap();
    let service = Service::default();
    let url = service.start().await;
    let mut environment: Vec<(&str, String)> = backends.environment().to_vec();
    environment.extend([
        ("TALLY_URL", url.clone()),
        ("TALLY_KEY", "tally-secret".to_owned()),
        ("PULSE_URL", url),
        ("PULSE_TOKEN", "pulse-secret".to_owned()),
    ]);
    let company = Company::new(environment);
    company.check().await;
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/walk-through.md")).unwrap();
    let mut query = String::new();
    let (mut answers, mut wrong) = (0, Vec::new());
    for block in blocks(&page) {
        company.apply(&block);
        match block.info.as_str() {
            "graphql step" => {
                company.check().await;
                query = block.text;
                continue;
            }
            "json answer without pulse" => *service.is_down.lock().unwrap() = true,
            "json answer" => {}
            _ => continue,
        }
        let answer = company.ask(&query).await;
        let shown: Value = serde_json::from_str(&block.text).unwrap();
        if format!("{answer:#}") != format!("{shown:#}") {
            wrong.push(format!("line {}: {answer:#}", block.line));
        }
        answers += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(answers, 4);
    *service.is_down.lock().unwrap() = false;
    many_customers_cost_one_call_for_each_list(&company, &service).await;
    let coverage = company.check().await;
    let has_row = |role: &str, vendor: &str| {
        let rows = coverage.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        rows.into_iter().any(|row| row.starts_with(&[role, vendor]))
    };
    assert!(has_row("billing", "tally") && has_row("usage", "pulse"), "{coverage}");
}

async fn many_customers_cost_one_call_for_each_list(company: &Company, service: &Service) {
    service.take_calls();
    let query = "{ customers(first: 40) { nodes { productUsage { seats } sessions(first: 2) { nodes { seconds } } features { feature } } } }";
    let answer = company.ask(query).await;
    let nodes = answer["data"]["customers"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 40);
    assert!(nodes.iter().all(|node| node["productUsage"]["seats"] == 5), "{answer:#}");
    let calls = service.take_calls();
    let expected = [("/v1/features", 1), ("/v1/people/lookup", 1), ("/v1/sessions", 1)];
    assert_eq!(calls, expected.map(|(path, count)| (path.to_owned(), count)).into());
}
