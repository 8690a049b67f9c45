//! The two sides: this engine over a backend in memory, and the reference implementation over the same data.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use cyclorama::backend::Backends;
use cyclorama::engine::{Engine, EngineSettings, Outcome, Request};
use cyclorama::principal::Principal;
use cyclorama::transport::{MemoryWire, WireRequest, WireResponse};
use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};

use super::subject::{Replies, Subject};

struct Held {
    replies: Arc<Replies>,
    fails: Vec<String>,
}

/// What one side says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With the reasons as JSON.
    Refused(String),
    Answered {
        data: String,
        paths: Vec<Value>,
        told: String,
    },
}

/// The engine over a subject's graph. Each thread has its own. Each world has a tenant of its own: what is cached of one is
/// nothing to another.
pub(super) struct Ours {
    engine: Arc<Engine>,
    worlds: AtomicU64,
    held: Arc<Mutex<Held>>,
    runtime: tokio::runtime::Runtime,
}

impl Ours {
    pub(super) fn over(subject: &Subject) -> Self {
        let graph = Arc::clone(&subject.graph);
        let held = Arc::new(Mutex::new(Held { replies: Arc::default(), fails: Vec::new() }));
        let backends = Backends::in_memory(Arc::clone(&graph), &wire(Arc::clone(&held)));
        let settings = EngineSettings {
            cursor_secret: subject.cursor_secret.clone(),
            ..EngineSettings::default()
        };
        let engine = Engine::over(graph, backends, settings).expect("an engine");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { engine, worlds: AtomicU64::new(0), held, runtime }
    }

    /// The backend holds this world from now on.
    pub(super) fn hold(&self, world: &Value, replies: &Arc<Replies>) {
        let fails = world["fails"].as_array().into_iter().flatten();
        let fails = fails.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        *self.held.lock().expect("no panic") = Held { replies: Arc::clone(replies), fails };
        self.worlds.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks until the answer is read from the cache, and until it is written from what was written before. If these are not
    /// the answer that came first, the one that differs counts.
    pub(super) fn ask(&self, query: &str, variables: &Map<String, Value>) -> Verdict {
        let first = self.ask_once(query, variables);
        let again = (0..2).map(|_| self.ask_once(query, variables));
        let differing = again.filter(|again| *again != first).last();
        differing.unwrap_or(first)
    }

    fn ask_once(&self, query: &str, variables: &Map<String, Value>) -> Verdict {
        let request =
            Request { query: query.to_owned(), variables: variables.clone(), ..Request::default() };
        let tenant = Arc::from(self.worlds.load(Ordering::Relaxed).to_string());
        let principal = Principal { tenant, ..Principal::anonymous() };
        let response = self.runtime.block_on(self.engine.execute(request, &principal));
        let text = String::from_utf8(response.body.to_vec()).expect("UTF-8");
        let rest = match response.outcome {
            Outcome::Refused(_) => return Verdict::Refused(text),
            Outcome::Data { .. } => text.strip_prefix("{\"data\":").expect("data comes first"),
        };
        if let Outcome::Data { has_errors: false } = response.outcome {
            let data = rest.strip_suffix('}').expect("an object").to_owned();
            return Verdict::Answered { data, paths: Vec::new(), told: String::new() };
        }
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        let errors = answer["errors"].as_array().into_iter().flatten();
        let paths = errors.map(|error| error["path"].clone()).collect();
        let mut values =
            serde_json::Deserializer::from_str(rest).into_iter::<serde::de::IgnoredAny>();
        assert!(values.next().is_some_and(|data| data.is_ok()), "{text}");
        let data = rest[..values.byte_offset()].to_owned();
        Verdict::Answered { data, paths, told: answer["errors"].to_string() }
    }
}

fn wire(held: Arc<Mutex<Held>>) -> MemoryWire {
    Arc::new(move |request: WireRequest| {
        let (replies, fails) = {
            let held = held.lock().expect("no panic");
            (Arc::clone(&held.replies), held.fails.clone())
        };
        let path = request.url.strip_prefix("http://backend.test").expect("the backend").to_owned();
        let has = |name: &str| fails.iter().any(|fail| fail == name);
        let (status, body) = if path == "/echo" {
            if has("echo") { (500, b"{}".to_vec()) } else { (200, request.body.to_vec()) }
        } else if let Some(key) = path.strip_prefix("/measure/") {
            if has("measure") { (500, b"{}".to_vec()) } else { (200, measured(key, &request.body)) }
        } else {
            let missing = if path.contains("/lists/") { 500 } else { 404 };
            replies.get(&path).cloned().unwrap_or((missing, b"{}".to_vec()))
        };
        let headers = cyclorama::transport::fields([("content-type", "application/json")]);
        async move { Ok(WireResponse { status, headers, body: body.into() }) }.boxed()
    })
}

fn measured(key: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = Map::new();
    answer.insert("key".to_owned(), json!(key));
    let body: Map<String, Value> = serde_json::from_slice(body).expect("an object");
    answer.extend(body);
    Value::Object(answer).to_string().into_bytes()
}

/// The long-lived process.
pub(super) struct Reference {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Reference {
    pub(super) fn start() -> Self {
        let mut child = Command::new("node")
            .arg("tests/oracle/reference.mjs")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output }
    }

    /// Tells something, and has its answer.
    pub(super) fn tell(&mut self, line: &Value) -> Value {
        self.tell_all(std::slice::from_ref(line), || ()).0.remove(0)
    }

    /// Tells many things while `meanwhile` runs.
    pub(super) fn tell_all<T>(
        &mut self,
        lines: &[Value],
        meanwhile: impl FnOnce() -> T,
    ) -> (Vec<Value>, T) {
        let mut input = self.input.take().expect("an open pipe");
        let output = &mut self.output;
        let (answers, input, done) = std::thread::scope(|scope| {
            let writing = scope.spawn(move || {
                for line in lines {
                    // at once: each write wakes the reader
                    let line = format!("{line}\n");
                    input.write_all(line.as_bytes()).expect("the reference reads");
                }
                input
            });
            let reading = scope.spawn(move || {
                let read = |_: &Value| {
                    let mut line = String::new();
                    output.read_line(&mut line).expect("the reference answers");
                    serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer: {line}"))
                };
                lines.iter().map(read).collect::<Vec<Value>>()
            });
            let done = meanwhile();
            (reading.join().expect("no panic"), writing.join().expect("no panic"), done)
        });
        self.input = Some(input);
        (answers, done)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // the end of its input ends it
        drop(self.input.take());
        drop(self.child.wait());
    }
}

/// The reference's answers to the runs of one operation.
pub(super) fn verdicts(answer: &Value, runs: usize) -> Vec<Verdict> {
    if answer.get("refused").is_some() {
        return vec![Verdict::Refused(answer["refused"].to_string()); runs];
    }
    let answers = answer["answers"].as_array().expect("answers").iter();
    answers
        .map(|answer| match answer["data"].as_str() {
            None => Verdict::Refused(answer["refused"].to_string()),
            Some(data) => Verdict::Answered {
                data: data.to_owned(),
                paths: answer["paths"].as_array().cloned().unwrap_or_default(),
                told: answer["messages"].to_string(),
            },
        })
        .collect()
}

/// A world with the backend's answers made once.
pub(super) struct World {
    pub(super) data: Value,
    pub(super) replies: Arc<Replies>,
}

impl World {
    pub(super) fn new(subject: &Subject, data: Value) -> Self {
        let replies = Arc::new((subject.replies)(&data));
        Self { data, replies }
    }
}
