//! One POST to somebody who is told something: a collector, a webhook. What comes back is a status and a little text.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};

use super::client::{exchange, header};
use crate::error::BackendError;

/// More of an answer is not read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A client of its own: no redirects, no proxy from the environment, no retries.
#[derive(Debug)]
pub struct Post {
    client: reqwest::Client,
    url: reqwest::Url,
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
    /// To this address, with these headers, each attempt no longer than `timeout`. Nothing is connected yet.
    pub fn new<'a>(
        url: &str,
        media: &'static str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        timeout: Duration,
    ) -> Result<Self, BackendError> {
        let url = reqwest::Url::parse(url)
            .map_err(|error| BackendError::Build { reason: format!("the URL: {error}") })?;
        let mut all = HeaderMap::new();
        all.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        for (name, value) in headers {
            let (name, value) = header(name, value)?;
            all.insert(name, value);
        }
        let mut builder =
            super::client::builder().default_headers(all).connect_timeout(timeout).timeout(timeout);
        if url.scheme() != "https" {
            // plain HTTP needs no certificates, and must work where the system has none
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(exchange)?;
        Ok(Self { client, url })
    }

    /// Sends, and reads what comes back.
    pub async fn send(&self, body: Bytes) -> Result<Posted, BackendError> {
        let request = self.client.post(self.url.clone()).body(body);
        let mut response = request.send().await.map_err(exchange)?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.trim().parse().ok());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(exchange)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Posted {
            status: response.status().as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
            body: body.freeze(),
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
