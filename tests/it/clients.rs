//! The reference clients from npm, each run by Node against a gateway in this process.

use std::time::Duration;

use cyclorama::demo;
use serde_json::json;
use tokio::process::Command;

use crate::needs;
use crate::site::{Setup, Site};

/// Runs a script of `tests/clients`, which says what went wrong; whether it ran at all.
async fn run(test: &str, script: &str, arguments: &[&str]) -> bool {
    if !needs::outside(test) {
        return false;
    }
    let output = Command::new("node")
        .arg(format!("tests/clients/{script}.mjs"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{script} {arguments:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    true
}

#[tokio::test]
async fn apollos_client_sends_a_text_once_and_then_its_hash() {
    let site = Site::start().await;
    let arguments = [&*site.url("/graphql"), "automatic"];
    run("apollos_client_sends_a_text_once_and_then_its_hash", "persisted", &arguments).await;
}

#[tokio::test]
async fn apollos_client_gives_hashes_up_where_they_are_off() {
    let config = "known_operations: { automatic: false }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    let arguments = [&*site.url("/graphql"), "off"];
    run("apollos_client_gives_hashes_up_where_they_are_off", "persisted", &arguments).await;
}

#[tokio::test]
async fn apollos_client_names_trusted_documents_of_apollos_manifest() {
    let body = "query Page { customers(first: 2) { nodes { displayName __typename } __typename } }";
    let manifest = json!({
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{ "id": "page-of-two", "name": "Page", "type": "query", "body": body }],
    });
    let setup = Setup {
        config: "known_operations: { documents: trusted.json, mode: ids }\n".to_owned(),
        files: vec![("trusted.json", manifest.to_string())],
        ..Setup::default()
    };
    let site = Site::with(setup).await;
    let arguments = [&*site.url("/graphql"), "trusted"];
    run("apollos_client_names_trusted_documents_of_apollos_manifest", "persisted", &arguments)
        .await;
}

#[tokio::test]
async fn the_client_graphql_ws_is_answered() {
    let site = Site::start().await;
    let url = format!("ws://{}/graphql", site.address);
    run("the_client_graphql_ws_is_answered", "socket", &[&url]).await;
}

#[tokio::test]
async fn the_client_graphql_sse_is_answered_in_both_modes() {
    let site = Site::start().await;
    for mode in ["distinct", "single", "eager"] {
        let test = "the_client_graphql_sse_is_answered_in_both_modes";
        run(test, "events", &[&site.url("/graphql"), mode]).await;
    }
}

#[tokio::test]
async fn apollos_clients_show_the_crm_at_once_and_the_slow_support_system_when_it_answers() {
    let test = "apollos_clients_show_the_crm_at_once_and_the_slow_support_system_when_it_answers";
    let demo = demo::Options {
        slow: vec![demo::Role::Support],
        slow_by: Duration::from_millis(300),
        ..demo::Options::default()
    };
    let site = Site::with(Setup { demo, ..Setup::default() }).await;
    let (email, _) = site.backends.first_customer();
    for client in ["3", "4", "4-draft"] {
        run(test, "incremental", &[&site.url("/graphql"), client, &email]).await;
    }
}
