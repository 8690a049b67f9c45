//! The built program: as a command, and as a server over files of its own and a backend that the test holds.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::{Path as Key, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use crate::site::{JsonBody as _, json_of};

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cyclorama"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

/// A deployment in a folder of its own: `(name, text)`.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("cli-{name}-{}", std::process::id()));
        let folder = Self(folder);
        for (file, text) in files {
            folder.write(file, text);
        }
        folder
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

/// `cyclorama serve` with an admin listener, ended with the test.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) client: reqwest::Client,
    /// Its log, line by line as it comes.
    lines: watch::Receiver<Vec<Value>>,
    reader: Option<JoinHandle<()>>,
}

impl Served {
    pub(crate) async fn start(config: &str) -> Self {
        Self::start_by(program(), config).await
    }

    /// By a command that runs the program as something else does.
    pub(crate) async fn start_by(mut program: Command, config: &str) -> Self {
        let mut child = program
            .args(["serve", "--config", config])
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, mut lines) = watch::channel(Vec::new());
        let reader = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                sender.send_modify(|lines| lines.push(line));
            }
        });
        let address = |line: &Value| line["address"].as_str().unwrap().parse().unwrap();
        let serving = logged(&mut lines, "serving").await;
        let admin = logged(&mut lines, "the admin listener serves").await;
        let client = reqwest::Client::builder().build().unwrap();
        let (address, admin) = (address(&serving), address(&admin));
        Self { child, address, admin, client, lines, reader: Some(reader) }
    }

    /// The first line with this message, when it is there.
    pub(crate) async fn logged(&mut self, message: &str) -> Value {
        logged(&mut self.lines, message).await
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Its exit code, and its whole log.
    pub(crate) async fn ended(mut self) -> (Option<i32>, Vec<Value>) {
        let reader = self.reader.take().unwrap();
        // what it writes to ends when it does
        tokio::task::spawn_blocking(move || reader.join().unwrap()).await.unwrap();
        let code = self.child.wait().unwrap().code();
        (code, self.lines.borrow().clone())
    }

    pub(crate) async fn query(&self, query: &str) -> Value {
        let url = format!("http://{}/graphql", self.address);
        let request = self.client.post(url).json_body(&json!({ "query": query }));
        json_of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer =
            self.client.get(format!("http://{}{path}", self.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// What the admin listener says at a path.
    pub(crate) async fn get_admin(&self, path: &str, accept: &str) -> reqwest::Response {
        let url = format!("http://{}{path}", self.admin);
        self.client.get(url).header("accept", accept).send().await.unwrap()
    }

    /// The admin call: its status and its answer.
    pub(crate) async fn post_admin(&self, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.client.post(format!("http://{}{path}", self.admin));
        if let Some(body) = body {
            request = request.json_body(body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), json_of(answer).await)
    }

    pub(crate) async fn state(&self) -> Value {
        json_of(self.client.get(format!("http://{}/state", self.admin)).send().await.unwrap()).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // it may have ended already
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn logged(lines: &mut watch::Receiver<Vec<Value>>, message: &str) -> Value {
    let is_it = |line: &&Value| line["message"] == message;
    let lines = lines.wait_for(|lines| lines.iter().any(|line| is_it(&line))).await;
    let lines = lines.unwrap_or_else(|_| panic!("ended without `{message}`"));
    lines.iter().find(is_it).unwrap().clone()
}

/// A backend over a real socket: it counts, and waits or fails when it is told to.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) url: String,
    held: Arc<Held>,
    asked: watch::Receiver<usize>,
}

struct Held {
    asked: watch::Sender<usize>,
    /// Answers go out while there are permits.
    gate: Semaphore,
    status: AtomicU16,
    /// Those of each request.
    headers: Mutex<Vec<HeaderMap>>,
}

/// More than any test asks.
const OPEN: usize = 1_000_000;

impl Backend {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = watch::channel(0);
        let held = Arc::new(Held {
            asked: sender,
            gate: Semaphore::new(OPEN),
            status: AtomicU16::new(200),
            headers: Mutex::default(),
        });
        let routes =
            Router::new().route("/customers/{key}", get(customer)).with_state(Arc::clone(&held));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, held, asked }
    }

    /// Answers wait from now on.
    pub(crate) fn hold(&self) {
        self.held.gate.forget_permits(OPEN * 2);
    }

    pub(crate) fn open(&self) {
        self.held.gate.add_permits(OPEN);
    }

    /// Every answer has this status from now on.
    pub(crate) fn answer_with(&self, status: u16) {
        self.held.status.store(status, Ordering::Relaxed);
    }

    /// What the requests said of the trace that they are in.
    pub(crate) fn traces(&self) -> Vec<String> {
        self.sent("traceparent")
    }

    /// A header of the requests that had it.
    pub(crate) fn sent(&self, name: &str) -> Vec<String> {
        let headers = self.held.headers.lock().unwrap();
        let sent = headers.iter().filter_map(|headers| headers.get(name));
        sent.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    /// Ready when so many requests have come in all.
    pub(crate) async fn asked_times(&mut self, times: usize) {
        self.asked.wait_for(|asked| *asked >= times).await.unwrap();
    }
}

async fn customer(
    State(held): State<Arc<Held>>,
    Key(key): Key<String>,
    headers: HeaderMap,
) -> Response {
    held.headers.lock().unwrap().push(headers);
    held.asked.send_modify(|asked| *asked += 1);
    held.gate.acquire().await.unwrap().forget();
    let body = json!({
        "id": key, "name": format!("Customer {key}"), "email": format!("{key}@example.com"),
    });
    let status = StatusCode::from_u16(held.status.load(Ordering::Relaxed)).unwrap();
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

const SCHEMA: &str = "\
type Query { customer(id: ID!): Customer }
type Customer { id: ID! name: String sourceStatus: [SourceStatus!]! }
type SourceStatus { system: String! state: SourceState! code: String ageSeconds: Int fromCache: Boolean! }
enum SourceState { OK STALE PARTIAL UNAVAILABLE NOT_LINKED AMBIGUOUS NOT_COVERED SKIPPED PENDING }
";
const ROLES: &str = "\
roles:
  crm:
    parts:
      Customer: { anchor: true, keys: { id: id }, fields: [id, name] }
    fields: [Query.customer]
";

/// The vendor file of [`Backend`]; the name of a customer is at this path.
pub(crate) fn vendor(name: &str) -> String {
    format!(
        "role: crm\nprotocol: rest\ncalls:\n  by_id: {{ get: \"/customers/{{key}}\", per_key: {{ parallel: 4 }}, tags: [people] }}\n\
         lookups:\n  Customer: {{ id: by_id }}\ntypes:\n  Customer: {{ id: .id, name: {name} }}\nfields:\n  Query.customer: {{ reference: id, from: $args.id }}\n"
    )
}

/// The smallest deployment over a backend, with more lines for `cyclorama.yaml`.
pub(crate) fn deployment(name: &str, backend: &Backend, more: &str) -> Folder {
    let config = format!("roles:\n  crm: {{ vendor: acme, url: \"{}\" }}\n{more}", backend.url);
    let vendor = vendor(".name");
    Folder::new(
        name,
        &[
            ("cyclorama.yaml", &*config),
            ("schema/schema.graphql", SCHEMA),
            ("resolvers/roles.yaml", ROLES),
            (VENDOR, &*vendor),
        ],
    )
}

pub(crate) const VENDOR: &str = "resolvers/crm/acme.yaml";

/// A query for one customer of [`deployment`].
pub(crate) fn customer_query(key: &str) -> String {
    let id = cyclorama::value::opaque_id("Customer", "crm", key);
    format!("{{ customer(id: \"{id}\") {{ name }} }}")
}
