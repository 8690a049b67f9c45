//! A plain JSON client for seeding and for asking the gateway.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

#[derive(Clone)]
pub(crate) struct Rest {
    client: reqwest::Client,
    base: String,
    authorization: Option<String>,
}

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|e| panic!("not JSON ({e}): {} {}", self.status, self.text))
    }
}

impl Rest {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let client =
            reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        Self { client, base: format!("http://{address}"), authorization: None }
    }

    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        let authorization =
            format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
        Self { authorization: Some(authorization), ..self }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.base))).await
    }

    /// POST of JSON; panics unless the answer is a success.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.try_post(path, body).await;
        assert!(
            (200..300).contains(&answer.status),
            "POST {path} {body}: {} {}",
            answer.status,
            answer.text
        );
        answer.json()
    }

    /// PUT of JSON; panics unless the answer is a success.
    pub(crate) async fn put(&self, path: &str, body: &Value) {
        let answer = self.write(self.client.put(format!("{}{path}", self.base)), body).await;
        assert!(
            (200..300).contains(&answer.status),
            "PUT {path} {body}: {} {}",
            answer.status,
            answer.text
        );
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> Answer {
        self.write(self.client.post(format!("{}{path}", self.base)), body).await
    }

    async fn write(&self, request: reqwest::RequestBuilder, body: &Value) -> Answer {
        self.send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// Whether anything that speaks HTTP answers there.
    pub(crate) async fn is_up(&self, path: &str) -> bool {
        self.client
            .get(format!("{}{path}", self.base))
            .timeout(Duration::from_secs(10))
            .send()
            .await
            .is_ok()
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> Answer {
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.unwrap();
        Answer { status: answer.status().as_u16(), text: answer.text().await.unwrap() }
    }
}
