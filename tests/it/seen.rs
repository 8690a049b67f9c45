//! What whoever runs the program sees of it: metrics, the status page, traces; and that what is shipped to look at them fits.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::needs;
use crate::program::{Backend, Folder, Served, customer_query, deployment};
use crate::site::{JsonBody as _, json_of};

const QUIET: &str = "reload: { watch: false }\n";
const ALERTS: &str = "deploy/prometheus/alerts.yml";
const DASHBOARD: &str = "deploy/grafana/cyclorama.json";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

async fn metrics(served: &Served) -> String {
    let answer = served.get_admin("/metrics", "text/plain").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

/// The number of one series.
fn number(metrics: &str, series: &str) -> f64 {
    let found = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{series} is not in:\n{metrics}")).parse().unwrap()
}

/// Families with their type and meaning, in order.
fn families(metrics: &str) -> Vec<(String, String, String)> {
    let mut families = Vec::new();
    let mut lines = metrics.lines();
    while let Some(line) = lines.next() {
        let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")));
        families.push((name.to_owned(), kind.unwrap().to_owned(), help.to_owned()));
    }
    families
}

/// The names of series, without those that a histogram adds.
fn family_of<'a>(name: &'a str, known: &BTreeMap<String, String>) -> &'a str {
    let stem = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
    stem.filter(|stem| known.get(*stem).is_some_and(|kind| kind == "histogram")).unwrap_or(name)
}

/// A server that has answered, found, failed and refused something.
async fn used(name: &str) -> (Served, Backend, Folder) {
    let backend = Backend::start().await;
    let folder = deployment(name, &backend, QUIET);
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    for query in [&*customer_query("a"), &customer_query("a"), "{ nothing }"] {
        served.query(query).await;
    }
    (served, backend, folder)
}

#[tokio::test]
async fn what_happened_is_counted_where_it_happened() {
    let (served, backend, _folder) = used("counted").await;
    assert_eq!(backend.asked(), 1);
    let metrics = metrics(&served).await;
    for (series, wanted) in [
        ("cyclorama_http_requests_total{route=\"/graphql\",method=\"POST\",status=\"2xx\"}", 3.0),
        ("cyclorama_http_request_duration_seconds_count{route=\"/graphql\"}", 3.0),
        ("cyclorama_graphql_operations_total{type=\"query\",outcome=\"data\"}", 2.0),
        ("cyclorama_graphql_operations_total{type=\"unknown\",outcome=\"refused\"}", 1.0),
        // found once, and then in the cache
        ("cyclorama_graphql_operation_cost_bucket{type=\"query\",le=\"1\"}", 2.0),
        ("cyclorama_graphql_operation_cost_sum{type=\"query\"}", 2.0),
        ("cyclorama_graphql_operation_backend_calls_bucket{type=\"query\",le=\"0\"}", 1.0),
        ("cyclorama_graphql_operation_backend_calls_bucket{type=\"query\",le=\"1\"}", 2.0),
        ("cyclorama_graphql_operation_backend_calls_count{type=\"mutation\"}", 0.0),
        ("cyclorama_graphql_refused_total{code=\"GRAPHQL_VALIDATION_FAILED\"}", 1.0),
        ("cyclorama_backend_calls_total{backend=\"crm\",vendor=\"acme\"}", 1.0),
        ("cyclorama_backend_requests_total{backend=\"crm\",vendor=\"acme\"}", 1.0),
        ("cyclorama_backend_batch_keys_bucket{backend=\"crm\",vendor=\"acme\",le=\"1\"}", 1.0),
        (
            "cyclorama_backend_attempts_total{backend=\"crm\",vendor=\"acme\",outcome=\"answered\"}",
            1.0,
        ),
        ("cyclorama_backend_request_duration_seconds_count{backend=\"crm\",vendor=\"acme\"}", 1.0),
        ("cyclorama_cache_lookups_total{outcome=\"hit\"}", 1.0),
        ("cyclorama_cache_lookups_total{outcome=\"miss\"}", 1.0),
        ("cyclorama_cache_entries", 1.0),
        ("cyclorama_ready", 1.0),
        (concat!("cyclorama_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ] {
        assert!(
            (number(&metrics, series) - wanted).abs() < 1e-9,
            "{series} is not {wanted}:\n{metrics}"
        );
    }
    served.post_admin("/reload", None).await;
    let metrics = self::metrics(&served).await;
    let series = "cyclorama_reloads_total{outcome=\"unchanged\"} 1";
    assert!(metrics.lines().any(|line| line == series), "{metrics}");
}

#[tokio::test]
async fn no_series_comes_of_what_a_client_sends() {
    let (served, _backend, _folder) = used("series").await;
    let before: BTreeSet<String> = series(&metrics(&served).await);
    for number in 0..200 {
        let query = customer_query(&format!("k{number}"));
        let query = format!("query Of{number} {query}");
        let body = json!({ "query": query });
        let url = format!("http://{}/graphql", served.address);
        let request = served.client.post(url).header("x-tenant", format!("t{number}"));
        request.json_body(&body).send().await.unwrap();
    }
    let after = series(&metrics(&served).await);
    let new: Vec<&String> =
        after.difference(&before).filter(|one| !one.contains("\"/metrics\"")).collect();
    assert!(new.is_empty(), "{new:?}");
}

fn series(metrics: &str) -> BTreeSet<String> {
    let samples = metrics.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

#[tokio::test]
async fn the_catalog_of_the_documentation_is_what_is_told() {
    let (served, _backend, _folder) = used("catalog").await;
    let metrics = metrics(&served).await;
    let page = read("docs/operations.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `cyclorama_"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let told: Vec<(String, String, String)> = families(&metrics);
    let documented: Vec<(String, String, String)> = rows
        .iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].to_owned(), row[3].to_owned()))
        .collect();
    assert_eq!(documented, told, "docs/operations.md has a row for each, in this order");
    let kinds: BTreeMap<String, String> =
        told.iter().map(|(name, kind, _)| (name.clone(), kind.clone())).collect();
    for series in series(&metrics) {
        let (name, labels) = series.split_once('{').unwrap_or((&series, ""));
        let labels = labels.trim_end_matches('}').split("\",");
        let labels: Vec<&str> = labels
            .filter_map(|label| label.split('=').next())
            .filter(|label| !label.is_empty() && *label != "le")
            .collect();
        let name = family_of(name, &kinds);
        let row = rows.iter().find(|row| row[0].trim_matches('`') == name).unwrap();
        let said: Vec<&str> = row[2]
            .split(", ")
            .map(|label| label.trim_matches('`'))
            .filter(|label| !label.is_empty())
            .collect();
        assert_eq!(said, labels, "{name}");
    }
}

#[tokio::test]
async fn every_metric_of_the_dashboard_and_the_alerts_is_there() {
    let (served, _backend, _folder) = used("shipped").await;
    let kinds: BTreeMap<String, String> =
        families(&metrics(&served).await).into_iter().map(|(name, kind, _)| (name, kind)).collect();
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let mut expressions = Vec::new();
    gather(&dashboard, &mut expressions);
    assert!(expressions.len() > 15, "{} expressions", expressions.len());
    expressions.push(read(ALERTS));
    let mut used = BTreeSet::new();
    for text in &expressions {
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        for word in
            text.split(|letter| !is_word(letter)).filter(|word| word.starts_with("cyclorama_"))
        {
            let family = family_of(word, &kinds);
            assert!(kinds.contains_key(family), "{word} is not told by /metrics");
            assert!(
                kinds[family] != "histogram" || family != word,
                "{word} is a histogram: name its buckets, sum or count"
            );
            used.insert(family.to_owned());
        }
    }
    assert!(used.len() > 15, "{used:?}");
}

/// The queries of a dashboard.
fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
            Some(text) if matches!(name.as_str(), "expr" | "query" | "definition") => {
                found.push(text.to_owned());
            }
            _ => gather(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn prometheus_own_tool_finds_nothing_wrong() {
    if !needs::outside("prometheus_own_tool_finds_nothing_wrong") {
        return;
    }
    let (served, _backend, _folder) = used("promtool").await;
    let metrics = metrics(&served).await;
    let root = env!("CARGO_MANIFEST_DIR");
    let rules =
        Command::new("promtool").current_dir(root).args(["check", "rules", ALERTS]).output();
    let rules = rules.expect("promtool runs");
    assert!(rules.status.success(), "{}", String::from_utf8_lossy(&rules.stderr));
    let mut check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let told = check.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&told.stderr).into_owned() + &String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success() && said.is_empty(), "{said}");
}

#[tokio::test]
async fn the_status_page_says_in_words_how_each_backend_is_and_has_no_script() {
    let (served, _backend, _folder) = used("status").await;
    let page = served.get_admin("/status", "text/html").await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
    let html = page.text().await.unwrap();
    for words in ["Ready. Graph 1 serves.", "crm <small>acme</small>", "Answers.", "50.0 %"] {
        assert!(html.contains(words), "{words}\n{html}");
    }
    for word in ["<script", "http:", "https:", "style=", "Customer", "127.0.0.1"] {
        assert!(!html.contains(word), "{word}\n{html}");
    }
    let told = json_of(served.get_admin("/status", "application/json").await).await;
    assert_eq!(told["ready"], "Ready.");
    let hour = &told["backends"][0]["lastHour"];
    assert_eq!((&hour["attempts"], &hour["failed"]), (&json!(1), &json!(0)), "{told:#}");
    assert_eq!(hour["minutes"][0], json!({ "minutesAgo": 0, "attempts": 1, "failed": 0 }));
    assert!(hour["p95Seconds"].as_f64().is_some_and(|p95| p95 > 0.0));
    assert_eq!((&told["cache"]["hits"], &told["cache"]["misses"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_callers_trace_goes_on_to_backends_and_into_the_log() {
    let backend = Backend::start().await;
    let folder = deployment("traced", &backend, QUIET);
    let mut served = Served::start(&folder.path("cyclorama.yaml")).await;
    for key in ["a", "b"] {
        let url = format!("http://{}/graphql", served.address);
        let caller = format!("00-{TRACE}-b7ad6b7169203331-01");
        let request = served.client.post(url).header("traceparent", caller);
        request.json_body(&json!({ "query": customer_query(key) })).send().await.unwrap();
    }
    let line = served.logged("request").await;
    assert_eq!(line["span"]["trace_id"], TRACE, "{line:#}");
    served.query(&customer_query("c")).await;
    let traces = backend.traces();
    let [one, other, begun] = &traces[..] else { panic!("{traces:?}") };
    for sent in [one, other] {
        assert!(sent.starts_with(&format!("00-{TRACE}-")) && sent.ends_with("-01"), "{sent}");
        assert!(!sent.contains("b7ad6b7169203331"), "a span of its own: {sent}");
    }
    assert_ne!(one, other);
    // nobody records a trace that begins here
    assert!(
        !begun.contains(TRACE) && begun.len() == one.len() && begun.ends_with("-00"),
        "{begun}"
    );
}
