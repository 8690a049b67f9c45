//! The program from the shell: help, exit codes, errors that say what to do.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::program::{Folder, program};

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in: {}", self.stderr);
        }
        self
    }

    #[track_caller]
    fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stdout.contains(part), "no `{part}` in: {}", self.stdout);
        }
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

fn run(arguments: &[&str]) -> Ran {
    Ran::of(program().args(arguments).output().unwrap())
}

#[test]
fn help_names_every_command_with_examples_and_exit_codes() {
    run(&["--help"]).code(0).prints(&[
        "serve",
        "demo",
        "check",
        "explain",
        "schema",
        "query",
        "Exit codes:",
        "Examples:",
    ]);
    for command in
        ["serve", "demo", "check", "explain", "schema", "query", "record", "test", "mock"]
    {
        run(&[command, "--help"]).code(0).prints(&["Usage: cyclorama", command]);
    }
    run(&["--version"]).code(0).prints(&["cyclorama 0."]);
}

#[test]
fn a_wrong_command_line_is_refused_with_a_hint() {
    run(&[]).code(2).says(&["Usage:"]);
    run(&["serv"]).code(2).says(&["serve"]);
    run(&["serve", "--listn", "x"]).code(2).says(&["--listen"]);
    run(&["serve", "--listen", "nowhere"]).code(2).says(&["--listen"]);
    run(&["query", "--demo"]).code(2).says(&["--query"]);
    run(&["demo", "--slow", "marketing"]).code(2).says(&["crm, billing or support"]);
    run(&["demo", "--latency", "fast"]).code(2).says(&["20ms"]);
    run(&["demo", "--customers", "0"]).code(2).says(&["customers"]);
    run(&["query", "--demo", "-q", "{ a }", "--variables", "[]"]).code(2).says(&["JSON object"]);
    run(&["query", "--demo", "-q", "{ a }", "--variables", "{"]).code(2).says(&["not valid JSON"]);
}

#[test]
fn a_missing_file_is_named() {
    for command in ["serve", "check", "schema"] {
        run(&[command, "--config", "no/such.yaml"]).code(1).says(&["no/such.yaml", "--config"]);
    }
    run(&["query", "--demo", "-f", "no/such.graphql"]).code(1).says(&["no/such.graphql"]);
}

#[test]
fn the_shipped_files_are_fine() {
    run(&["check"]).code(0).prints(&["crm", "billing", "support"]);
    let report = run(&["check", "--format", "json"]).code(0).json();
    assert_eq!(report["errors"], 0, "{report:#}");
    assert!(report["coverage"].is_object() || report["coverage"].is_array(), "{report:#}");
    let coverage = run(&["check", "--coverage", "--format", "json"]).code(0).json();
    assert_eq!(coverage, report["coverage"]);
}

#[test]
fn the_json_schema_of_each_kind_of_file_is_printed() {
    for kind in ["cyclorama", "roles", "identity", "vendor", "case"] {
        let printed = run(&["check", "--json-schema", kind]).code(0).json();
        let committed = std::fs::read_to_string(format!("docs/schemas/{kind}.json")).unwrap();
        assert_eq!(printed, serde_json::from_str::<Value>(&committed).unwrap());
    }
    run(&["check", "--json-schema", "vendors"]).code(2).says(&["vendor"]);
}

#[test]
fn wrong_files_are_reported_with_their_places_and_nothing_is_served() {
    let folder = Folder::new(
        "wrong",
        &[
            (
                "cyclorama.yaml",
                "schema: schema\nresolvers: resolvers\nlisten_on: 127.0.0.1:4000\nroles: {}\n",
            ),
            ("schema/a.graphql", "type Query { customer: Custmer }\ntype Customer { id: ID! }\n"),
            ("resolvers/roles.yaml", "roles: {}\n"),
        ],
    );
    let config = folder.path("cyclorama.yaml");
    run(&["check", "-c", &config]).code(1).prints(&["listen_on", "Custmer", "cyclorama.yaml:3:1"]);
    let report = run(&["check", "-c", &config, "--format", "json"]).code(1).json();
    assert!(report["errors"].as_u64() >= Some(2), "{report:#}");
    for diagnostic in report["diagnostics"].as_array().unwrap() {
        assert!(diagnostic["labels"][0]["line"].is_u64(), "{diagnostic:#}");
    }
    run(&["serve", "-c", &config]).code(1).says(&["listen_on", "Custmer"]);
    run(&["query", "-c", &config, "-q", "{ __typename }"]).code(1).says(&["listen_on"]);
}

#[test]
fn the_schema_is_printed_as_text_as_introspection_and_for_a_federation() {
    run(&["schema", "--demo"]).code(0).prints(&["type Query", "type Customer"]);
    run(&["schema", "--demo", "--format", "federation"]).code(0).prints(&[
        "@link(",
        "@key(fields: \"id\")",
        "@shareable",
        "\"A postal address.\"",
    ]);
    let answer = run(&["schema", "--demo", "--format", "json"]).code(0).json();
    let types = answer["data"]["__schema"]["types"].as_array().unwrap();
    assert!(types.iter().any(|ty| ty["name"] == "Customer"));
}

#[test]
fn a_plan_is_printed_for_people_machines_and_pictures() {
    let query =
        "{ customers(first: 2) { nodes { displayName tickets(first: 1) { nodes { subject } } } } }";
    run(&["explain", "--demo", "-q", query]).code(0).prints(&["crm", "support"]);
    assert!(
        run(&["explain", "--demo", "-q", query, "--format", "json"]).code(0).json().is_object()
    );
    run(&["explain", "--demo", "-q", query, "--format", "mermaid"]).code(0).prints(&["flowchart"]);
    run(&["explain", "--demo", "-q", "{ nothing }"]).code(2).says(&["1:3", "nothing"]);
}

#[test]
fn a_query_from_the_shell_says_by_its_exit_code_how_it_went() {
    let customers = "query($n: Int) { customers(first: $n) { nodes { displayName } } }";
    let answer =
        run(&["query", "--demo", "-q", customers, "--variables", r#"{"n": 2}"#]).code(0).json();
    assert_eq!(
        answer["data"]["customers"]["nodes"].as_array().map(Vec::len),
        Some(2),
        "{answer:#}"
    );
    let refused = run(&["query", "--demo", "-q", "{ nothing }"]).code(2).json();
    assert_eq!(refused["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let compact = run(&["query", "--demo", "--compact", "-q", "{ __typename }"]).code(0);
    assert_eq!(compact.stdout, "{\"data\":{\"__typename\":\"Query\"}}\n");
}

#[test]
fn a_query_whose_backends_are_away_has_errors_in_its_answer() {
    let answer = run(&["query", "-q", "{ customers(first: 1) { nodes { id } } }"]).code(3).json();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_UNAVAILABLE", "{answer:#}");
}

#[test]
fn a_query_comes_from_a_file_or_from_standard_input() {
    let folder = Folder::new(
        "query",
        &[("a.graphql", "query A { __typename } query B { b: __typename }"), ("v.json", "{}")],
    );
    let (file, variables) = (folder.path("a.graphql"), format!("@{}", folder.path("v.json")));
    let answer =
        run(&["query", "--demo", "-f", &file, "--operation", "B", "-v", &variables]).code(0).json();
    assert_eq!(answer["data"]["b"], "Query");
    let text = std::fs::File::open(&file).unwrap();
    let output = program()
        .args(["query", "--demo", "-f", "-", "--operation", "A"])
        .stdin(text)
        .output()
        .unwrap();
    Ran::of(output).code(0).prints(&["Query"]);
}

#[test]
fn without_a_terminal_there_are_no_colors() {
    let ran = run(&["query", "--demo", "-q", "{ __typename }"]).code(0);
    assert!(
        !ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let ran = run(&["check", "-c", "no"]).code(1);
    assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    run(&["serve", "--listen", &address]).code(1).says(&[&address, "--listen"]);
    run(&["demo", "--listen", &address]).code(1).says(&[&address, "--listen"]);
}

#[test]
fn an_address_that_others_can_reach_is_refused_without_authentication() {
    run(&["serve", "--listen", "0.0.0.0:0"]).code(1).says(&[
        "0.0.0.0:0",
        "authentication",
        "127.0.0.1",
    ]);
}

/// A server that was started, ended with the test.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // it may have ended already
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Sends SIGTERM, and gives the exit code.
    fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    fn get(&self, path: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = format!("http://{}{path}", self.address);
        runtime.block_on(async { reqwest::get(url).await.unwrap().text().await.unwrap() })
    }
}

#[test]
fn a_served_deployment_logs_json_and_ends_on_sigterm() {
    let mut child = program()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"serving\"") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "ended without serving");
    }
    let event: Value = serde_json::from_str(&line).unwrap();
    let server = Server { child, address: event["address"].as_str().unwrap().to_owned() };
    assert_eq!(server.get("/readyz"), "ready\n");
    let secret = "/graphql?query=%7B__typename%20%23ada%40example.com%7D%0A%7D";
    server.get(secret);
    assert_eq!(server.terminate(), Some(0));
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let requests: Vec<Value> = rest
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        })
        .filter(|event| event["message"] == "request")
        .collect();
    let [request] = requests.as_slice() else { panic!("{rest}") };
    assert_eq!(
        (&request["route"], &request["method"]),
        (&"/graphql".into(), &"GET".into()),
        "{request:#}"
    );
    assert!(request["status"].is_u64() && request["duration_ms"].is_number(), "{request:#}");
    let digits = request["duration_ms"].to_string();
    let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    assert!(fraction <= 3, "{request:#}");
    assert!(request["span"]["request_id"].is_string(), "{request:#}");
    assert!(!rest.contains("ada"), "{rest}");
}

#[test]
fn the_demo_says_where_it_is_and_what_to_try() {
    let mut child = program()
        .args(["demo", "--listen", "127.0.0.1:0", "--customers", "20"])
        .args(["--fail", "support", "--slow", "crm"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let (mut text, mut line) = (String::new(), String::new());
    while !line.contains("Ctrl-C") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "ended after: {text}");
        text.push_str(&line);
    }
    for part in ["20 customers", "(REST, slow)", "(SOAP, failing)", "curl -s", "O'\\''Neil"] {
        assert!(text.to_lowercase().contains(&part.to_lowercase()), "no `{part}` in: {text}");
    }
    let address = text.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let server = Server { child, address: address.to_owned() };
    // what it says to try is tried, by the shell that it was written for
    let curl = text.lines().find(|line| line.trim_start().starts_with("curl")).unwrap();
    let output = Command::new("sh").args(["-c", curl.trim()]).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)));
    let customer = &answer["data"]["customerByEmail"];
    assert!(customer["displayName"].is_string(), "{answer:#}");
    let states = customer["sourceStatus"].as_array().unwrap();
    assert!(
        states.iter().any(|one| one["system"] == "support" && one["state"] == "UNAVAILABLE"),
        "{answer:#}"
    );
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn an_operation_over_a_limit_is_refused_at_the_shell_too() {
    let aliases = (0..101).fold(String::new(), |text, n| text + &format!("a{n}: __typename "));
    let document = format!("{{ {aliases} }}");
    run(&["query", "--demo", "--compact", "-q", &document]).code(2).prints(&["ALIASES_LIMIT"]);
    let page = "{ customers(first: 1000000000) { totalCount } }";
    run(&["query", "--demo", "--compact", "-q", page]).prints(&["PAGE_SIZE_LIMIT"]);
}
