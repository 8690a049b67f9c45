//! Health checks of backends: data must flow, and one backend without it makes nobody unready.

use serde_json::json;

use crate::program::{Backend, Folder, Served, deployment};
use crate::site::json_of;

/// A deployment whose CRM is looked at every second.
fn checked(name: &str, backend: &Backend) -> Folder {
    let folder = deployment(name, backend, "");
    let config = std::fs::read_to_string(folder.path("cyclorama.yaml")).unwrap();
    let health = "vendor: acme, health: { call: by_id, key: probe, every: 1s }";
    folder.write("cyclorama.yaml", &config.replace("vendor: acme", health));
    folder
}

#[tokio::test]
async fn a_backend_whose_data_does_not_flow_is_told_and_makes_nobody_unready() {
    let mut backend = Backend::start().await;
    let folder = checked("health", &backend);
    let mut served = Served::start(&folder.path("cyclorama.yaml")).await;
    // past the cache: each check is a call
    backend.asked_times(2).await;
    let (status, text) = served.get("/readyz?verbose").await;
    assert_eq!(status, 200);
    assert!(text.contains("\n[+] crm: data flowed "), "{text}");
    backend.answer_with(503);
    let failed = served.logged("a backend's health check fails").await;
    assert_eq!(
        (&failed["backend"], &failed["code"]),
        (&json!("crm"), &json!("BACKEND_UNAVAILABLE"))
    );
    assert_eq!(served.get("/readyz").await, (200, "ready\n".to_owned()));
    let (status, text) = served.get("/readyz?verbose").await;
    assert!(status == 200 && text.contains("\n[-] crm: BACKEND_UNAVAILABLE for "), "{text}");
    let backends = served.state().await["backends"].clone();
    assert_eq!(
        (&backends[0]["role"], &backends[0]["health"]["problem"]),
        (&json!("crm"), &json!("BACKEND_UNAVAILABLE"))
    );
    assert!(backends[0]["health"]["failures"].as_u64() >= Some(1), "{backends:#}");
    let status = served.get_admin("/status", "application/json").await;
    let state = json_of(status).await["backends"][0]["state"].to_string();
    assert!(state.ends_with("Its health check fails (BACKEND_UNAVAILABLE).\""), "{state}");
    let metrics = served.get_admin("/metrics", "*/*").await.text().await.unwrap();
    assert!(metrics.contains("\ncyclorama_backend_healthy{backend=\"crm\"} 0\n"), "{metrics}");
    backend.answer_with(200);
    served.logged("a backend's health check is well again").await;
    assert!(served.get("/readyz?verbose").await.1.contains("\n[+] crm: data flowed "));
}

#[tokio::test]
async fn an_answer_without_the_record_is_no_flow_of_data_and_nothing_is_checked_unasked() {
    let backend = Backend::start().await;
    let folder = checked("no-record", &backend);
    folder.write(
        crate::program::VENDOR,
        &crate::program::vendor(".name")
            .replace("per_key:", "records: \".items[]\", answers: .id, per_key:"),
    );
    let mut served = Served::start(&folder.path("cyclorama.yaml")).await;
    assert_eq!(
        served.logged("a backend's health check fails").await["code"],
        "BACKEND_INVALID_ANSWER"
    );

    let quiet = Backend::start().await;
    let folder = deployment("unchecked", &quiet, "");
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    assert!(served.get("/readyz?verbose").await.1.contains("\n[ ] crm: not checked\n"));
    assert_eq!(quiet.asked(), 0);
}
