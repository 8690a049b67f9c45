//! Alerts: a webhook is told what begins and ends, from the built program.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::program::{Backend, Folder, Served, customer_query, deployment};
use crate::transport_tls::{Authority, Encrypted};

/// Somebody who is told: it refuses the first so many.
struct Webhook {
    url: String,
    /// Whom the deployment is to trust.
    authority: Option<Authority>,
    told: watch::Receiver<usize>,
    held: Arc<Held>,
}

struct Held {
    refuses: AtomicU16,
    count: watch::Sender<usize>,
    alerts: Mutex<Vec<Value>>,
}

impl Webhook {
    async fn start(refuses: u16, authority: Option<Authority>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let origin = if authority.is_some() { "https://localhost" } else { "http://127.0.0.1" };
        let url = format!("{origin}:{port}/hook?sig=s3cret");
        let (count, told) = watch::channel(0);
        let refuses = AtomicU16::new(refuses);
        let held = Arc::new(Held { refuses, count, alerts: Mutex::default() });
        let routes = Router::new().route("/hook", post(take)).with_state(Arc::clone(&held));
        let acceptor = authority.as_ref().map(|authority| authority.server("localhost", 2090));
        tokio::spawn(async move {
            match acceptor {
                None => axum::serve(listener, routes).await,
                Some(acceptor) => axum::serve(Encrypted::new(listener, acceptor), routes).await,
            }
        });
        Self { url, authority, told, held }
    }

    /// The alerts, once there are so many.
    async fn alerts(&mut self, count: usize) -> Vec<Value> {
        self.told.wait_for(|told| *told >= count).await.unwrap();
        self.held.alerts.lock().unwrap().clone()
    }
}

async fn take(State(held): State<Arc<Held>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-key"], "s3cret");
    let refuses = held.refuses.load(Ordering::Relaxed);
    if refuses > 0 {
        held.refuses.store(refuses - 1, Ordering::Relaxed);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    held.alerts.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    held.count.send_modify(|count| *count += 1);
    StatusCode::NO_CONTENT
}

async fn served(name: &str, webhook: &Webhook) -> (Served, Backend, Folder) {
    let backend = Backend::start().await;
    let tls = webhook.authority.as_ref().map_or("", |_| ", tls: { ca: \"${file.ca.pem}\" }");
    let more = format!(
        "reload: {{ watch: false }}\nalerts:\n  webhook: {{ url: \"{}\", headers: {{ x-key: s3cret }}{tls} }}\n",
        webhook.url
    );
    let folder = deployment(name, &backend, &more);
    if let Some(authority) = &webhook.authority {
        folder.write("ca.pem", &authority.pem);
    }
    let config = std::fs::read_to_string(folder.path("cyclorama.yaml")).unwrap();
    let policy =
        "vendor: acme, retry: { attempts: 1 }, breaker: { failures: 2, open: 1s, probes: 1 }";
    folder.write("cyclorama.yaml", &config.replace("vendor: acme", policy));
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    (served, backend, folder)
}

async fn metric(served: &Served, series: &str) -> String {
    let text = served.get_admin("/metrics", "text/plain").await.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} in {text}")).to_owned()
}

#[tokio::test]
async fn a_breaker_that_opens_and_closes_is_told_to_the_webhook_and_no_secret_to_anybody() {
    // the first attempt of the first alert is refused for now, and made again
    let mut webhook = Webhook::start(1, None).await;
    let (served, backend, _folder) = served("alerts", &webhook).await;
    backend.answer_with(503);
    for key in ["a", "b"] {
        served.query(&customer_query(key)).await;
    }
    let began = webhook.alerts(1).await.remove(0);
    let open = "cyclorama_backend_anomaly{backend=\"crm\",vendor=\"acme\",group=\"default\",kind=\"breaker\"}";
    assert_eq!(metric(&served, open).await, "1");
    backend.answer_with(200);
    while metric(&served, open).await == "1" {
        served.query(&customer_query("c")).await;
    }
    let ended = webhook.alerts(2).await.remove(1);
    for (alert, state) in [(&began, "began"), (&ended, "ended")] {
        let members =
            ["kind", "state", "backend", "vendor", "group"].map(|name| alert[name].clone());
        assert_eq!(json!(members), json!(["breaker", state, "crm", "acme", "default"]));
        let text = alert.to_string();
        assert!(!text.contains("s3cret") && !text.contains("127.0.0.1"), "{text}");
    }
    while metric(&served, "cyclorama_alerts_total{outcome=\"sent\"}").await != "2" {
        tokio::task::yield_now().await;
    }
    served.signal("-TERM");
    let (code, log) = served.ended().await;
    assert_eq!(code, Some(0));
    assert!(!format!("{log:?}").contains("s3cret"), "{log:#?}");
}

#[tokio::test]
async fn what_began_just_before_the_end_is_still_told_also_over_tls_by_an_authority_of_its_own() {
    let mut webhook = Webhook::start(0, Some(Authority::new("webhooks"))).await;
    let (served, backend, _folder) = served("alerts-last", &webhook).await;
    backend.answer_with(503);
    for key in ["a", "b"] {
        served.query(&customer_query(key)).await;
    }
    served.signal("-TERM");
    assert_eq!(served.ended().await.0, Some(0));
    assert_eq!(webhook.alerts(1).await.remove(0)["state"], "began");
}
