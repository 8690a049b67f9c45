//! One POST to somebody who is told something: a collector, a webhook. What comes back is a status and a little text.

use std::time::Duration;

use bytes::Bytes;
use hyper::Uri;
use hyper::header::{HeaderMap, RETRY_AFTER};
use tokio::time::timeout;

use super::client::WireRequest;
use super::http::{Client, Whole};
use crate::error::BackendError;
use crate::graph::{Method, Tls};

/// More of an answer is not read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A client of its own: no redirects, no proxy from the environment, no retries.
pub struct Post {
    client: Client,
    /// With an empty body.
    request: WireRequest,
    timeout: Duration,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.request.fmt(formatter)
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Posted {
    pub status: u16,
    /// Whole seconds alone.
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

impl Post {
    /// To this address, with these headers, of each name the first, each attempt no longer than `timeout`. Nothing is connected yet.
    pub fn new<'a>(
        url: &str,
        tls: &Tls,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        timeout: Duration,
    ) -> Result<Self, BackendError> {
        Uri::try_from(url)
            .map_err(|error| BackendError::Build { reason: format!("the URL: {error}") })?;
        let mut request = WireRequest {
            method: Method::Post,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            answer_bytes: ANSWER_BYTES_MAX,
        };
        for (name, value) in headers {
            request.set_default_header(name, value)?;
        }
        Ok(Self { client: Client::to(url, tls, timeout, 1)?, request, timeout })
    }

    /// Sends, and reads what comes back.
    pub async fn send(&self, body: Bytes) -> Result<Posted, BackendError> {
        let request = WireRequest { body, ..self.request.clone() };
        let late = |_| BackendError::Timeout { after: self.timeout };
        timeout(self.timeout, self.exchange(request)).await.map_err(late)?
    }

    async fn exchange(&self, request: WireRequest) -> Result<Posted, BackendError> {
        let Whole { head, body, .. } = self.client.exchange(request).await?;
        let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.trim().parse().ok());
        Ok(Posted {
            status: head.status.as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
            body,
        })
    }
}

impl Posted {
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the same may be taken later (OTLP names these).
    pub fn is_passing(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504)
    }
}
