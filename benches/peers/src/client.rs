//! How the limit asks the backends: hyper's pooled client, and a body read to its end.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

#[derive(Clone)]
pub(crate) struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    backends: String,
}

impl Client {
    pub(crate) fn new(backends: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { pool: Pool::builder(TokioExecutor::new()).build(connector), backends }
    }

    pub(crate) async fn get(&self, target: &str) -> Bytes {
        self.send("GET", target, Bytes::new()).await
    }

    pub(crate) async fn post(&self, target: &str, body: String) -> Bytes {
        self.send("POST", target, body.into()).await
    }

    async fn send(&self, method: &str, target: &str, body: Bytes) -> Bytes {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{target}", self.backends))
            .header("content-type", "text/xml; charset=utf-8")
            .body(Full::new(body))
            .expect("a request");
        let response = self.pool.request(request).await.expect("a backend");
        response.into_body().collect().await.expect("a whole answer").to_bytes()
    }
}
