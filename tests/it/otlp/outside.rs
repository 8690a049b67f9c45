//! What is exported, read by OpenTelemetry's own messages for Python.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{ALL, Collector, ask, ended, served};
use crate::needs;
use crate::program::customer_query;

/// The lines that `read.py` writes of one export.
fn read(signal: &str, body: &[u8]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new(root.join("target/venv/bin/python"))
        .arg(root.join("tests/it/otlp/read.py"))
        .arg(signal)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`cargo xtask test` installs Python and opentelemetry-proto");
    python.stdin.take().unwrap().write_all(body).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn opentelemetrys_own_messages_read_what_is_exported() {
    if !needs::outside("opentelemetrys_own_messages_read_what_is_exported") {
        return;
    }
    let collector = Collector::start().await;
    let (served, _backend, _folder) = served("otlp-python", &collector, ALL).await;
    ask(&served, &customer_query("a"), &[]).await;
    ended(served).await;
    let (traces, metrics) = collector.bodies();
    let spans: Vec<String> = traces.iter().flat_map(|body| read("traces", body)).collect();
    let [call, operation, request] = &spans[..] else { panic!("{spans:?}") };
    let words = |line: &str| line.rsplitn(4, ' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(call)[3], "GET crm.by_id");
    assert_eq!(words(operation)[3], "query");
    let [attributes, parent, trace, name] = &words(request)[..] else { panic!("{request}") };
    assert_eq!((&**attributes, &**parent, &**name), ("5", "", "POST /graphql"));
    assert!(spans.iter().all(|span| span.contains(trace)));
    let lines = read("metrics", metrics.last().unwrap());
    for line in [
        "http.server.request.duration s histogram 1",
        "http.client.request.duration s histogram 1",
        "cyclorama_backend_calls - sum 1",
        "cyclorama_cache_size By gauge 1",
    ] {
        assert!(lines.iter().any(|one| one == line), "{line} in {lines:#?}");
    }
}
