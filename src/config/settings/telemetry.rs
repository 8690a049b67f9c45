//! The `telemetry` section of `cyclorama.yaml`: what others are told of what happens here.

use std::sync::Arc;
use std::time::Duration;

use super::Secret;
use crate::graph::Tls;
use crate::telemetry::span::Sampler;

/// Where traces and metrics go, by OTLP.
#[derive(Clone, Debug, PartialEq)]
pub struct Otlp {
    /// The collector, without the path of what is sent.
    pub collector: Receiver,
    /// Whether bodies are packed with gzip.
    pub is_packed: bool,
    /// What is said of this process.
    pub resource: Vec<(Arc<str>, Arc<str>)>,
    /// Which traces; `None`: none.
    pub traces: Option<Sampler>,
    /// How often metrics are sent; `None`: never.
    pub metrics: Option<Duration>,
}

/// Somebody who is told something by POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// It may hold a secret, too.
    pub url: Secret,
    pub headers: Vec<(Arc<str>, Secret)>,
    /// The longest that one attempt may take.
    pub timeout: Duration,
    pub tls: Tls,
}

impl Default for Otlp {
    fn default() -> Self {
        Self {
            collector: Receiver {
                url: Secret::new("http://127.0.0.1:4318"),
                headers: Vec::new(),
                timeout: Duration::from_secs(10),
                tls: Tls::default(),
            },
            is_packed: false,
            resource: vec![(Arc::from("service.name"), Arc::from("cyclorama"))],
            traces: Some(Sampler { share: 0.01, follows_caller: true }),
            metrics: Some(Duration::from_mins(1)),
        }
    }
}
