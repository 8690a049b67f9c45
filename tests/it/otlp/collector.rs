//! A collector of OpenTelemetry: it takes what is exported to it, or hangs, or refuses.

use std::io::Read as _;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::transport_tls::Encrypted;

/// Never answers.
pub(crate) const HANGS: u16 = 0;

#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) url: String,
    held: Arc<Held>,
    exports: watch::Receiver<usize>,
}

struct Held {
    status: AtomicU16,
    exports: watch::Sender<usize>,
    traces: Mutex<Vec<Bytes>>,
    metrics: Mutex<Vec<Bytes>>,
    headers: Mutex<Vec<HeaderMap>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        Self::start_over(None).await
    }

    /// Over TLS, if it has what it shows.
    pub(crate) async fn start_over(acceptor: Option<TlsAcceptor>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let origin = if acceptor.is_some() { "https://localhost" } else { "http://127.0.0.1" };
        let url = format!("{origin}:{port}");
        let (sender, exports) = watch::channel(0);
        let held = Arc::new(Held {
            status: AtomicU16::new(200),
            exports: sender,
            traces: Mutex::default(),
            metrics: Mutex::default(),
            headers: Mutex::default(),
        });
        let routes = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(Arc::clone(&held));
        tokio::spawn(async move {
            match acceptor {
                None => axum::serve(listener, routes).await,
                Some(acceptor) => axum::serve(Encrypted::new(listener, acceptor), routes).await,
            }
        });
        Self { url, held, exports }
    }

    pub(crate) fn answer_with(&self, status: u16) {
        self.held.status.store(status, Ordering::Relaxed);
    }

    /// Ready when so many exports have come in all.
    pub(crate) async fn exports(&mut self, times: usize) {
        self.exports.wait_for(|exports| *exports >= times).await.unwrap();
    }

    /// Bodies of the exports of traces, and of metrics.
    pub(crate) fn bodies(&self) -> (Vec<Bytes>, Vec<Bytes>) {
        let traces = self.held.traces.lock().unwrap().clone();
        (traces, self.held.metrics.lock().unwrap().clone())
    }

    pub(crate) fn headers(&self) -> Vec<HeaderMap> {
        self.held.headers.lock().unwrap().clone()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self.bodies().0.into_iter();
        let requests = requests.map(|body| ExportTraceServiceRequest::decode(body).unwrap());
        let resources = requests.flat_map(|request| request.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// Of the last export.
    pub(crate) fn metrics(&self) -> (Vec<KeyValue>, Vec<Metric>) {
        let last = self.bodies().1.pop().unwrap();
        let request = ExportMetricsServiceRequest::decode(last).unwrap();
        let [resource] = <[_; 1]>::try_from(request.resource_metrics).unwrap();
        let scopes = resource.scope_metrics.into_iter();
        let metrics = scopes.flat_map(|scope| scope.metrics).collect();
        (resource.resource.unwrap().attributes, metrics)
    }
}

async fn traces(State(held): State<Arc<Held>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    held.traces.lock().unwrap().push(unpacked(&headers, body));
    took(&held, headers).await
}

async fn metrics(State(held): State<Arc<Held>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    held.metrics.lock().unwrap().push(unpacked(&headers, body));
    took(&held, headers).await
}

fn unpacked(headers: &HeaderMap, body: Bytes) -> Bytes {
    let Some(encoding) = headers.get("content-encoding") else { return body };
    assert_eq!(encoding, "gzip");
    let mut unpacked = Vec::new();
    GzDecoder::new(&*body).read_to_end(&mut unpacked).unwrap();
    Bytes::from(unpacked)
}

async fn took(held: &Held, headers: HeaderMap) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    held.headers.lock().unwrap().push(headers);
    held.exports.send_modify(|exports| *exports += 1);
    match held.status.load(Ordering::Relaxed) {
        HANGS => std::future::pending().await,
        status => StatusCode::from_u16(status).unwrap(),
    }
}

/// An attribute, as text.
pub(crate) fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|one| one.key == name)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    })
}

pub(crate) fn hex(id: &[u8]) -> String {
    id.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
