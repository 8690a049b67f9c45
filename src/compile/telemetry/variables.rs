//! The variables by which OpenTelemetry is usually set up.

use std::sync::Arc;
use std::time::Duration;

use super::{TIMEOUTS, read_share, share as share_of, unsendable};
use crate::compile::deployment::enabled;
use crate::compile::load::between;
use crate::compile::vendor::check_url;
use crate::config::files::Environment;
use crate::config::settings::Secret;
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{ClientCertificate, Tls};
use crate::telemetry::span::Sampler;
use crate::template::forbidden_header;

pub(super) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The environment, as OpenTelemetry's specification has it: what cannot be read is told, and ignored.
pub(super) struct Variables<'a> {
    pub(super) environment: &'a Environment,
    pub(super) problems: &'a mut Vec<Diagnostic>,
}

impl Variables<'_> {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = self.environment.variable(name)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(super) fn is(&self, name: &str, wanted: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    }

    pub(super) fn ignored(&mut self, name: &str, reason: &str) {
        let message = format!("the variable `{name}` is ignored: {reason}");
        self.problems.push(Diagnostic::warning(Code::WrongKind, message));
    }

    pub(super) fn endpoint(&mut self) -> Option<Secret> {
        let url = self.get(ENDPOINT)?;
        match check_url(&url) {
            Ok(url) => Some(Secret::new(&url)),
            Err(reason) => {
                self.ignored(ENDPOINT, reason);
                None
            }
        }
    }

    /// How long one attempt may take, in milliseconds.
    pub(super) fn timeout(&mut self) -> Option<Duration> {
        const NAME: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
        let time = self.get(NAME)?.parse().ok().map(Duration::from_millis);
        let time = time.filter(|time| (TIMEOUTS.0..=TIMEOUTS.1).contains(time));
        if time.is_none() {
            self.ignored(NAME, "milliseconds from 100 to 60000 must stand in it");
        }
        time
    }

    pub(super) fn is_packed(&mut self) -> Option<bool> {
        const NAME: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
        match &*self.get(NAME)? {
            "gzip" => Some(true),
            "none" => Some(false),
            _ => {
                self.ignored(NAME, "exports are packed by `gzip` or not at all");
                None
            }
        }
    }

    /// From files.
    pub(super) fn tls(&mut self) -> Tls {
        let ca = self.pem("OTEL_EXPORTER_OTLP_CERTIFICATE");
        let key = self.pem("OTEL_EXPORTER_OTLP_CLIENT_KEY");
        let certificate = self.pem("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE");
        let client = certificate.zip(key);
        Tls { ca, client: client.map(|(certificate, key)| ClientCertificate { certificate, key }) }
    }

    fn pem(&mut self, name: &str) -> Option<Arc<str>> {
        let path = self.get(name)?;
        match self.environment.file(&path) {
            Ok(text) if text.contains("-----BEGIN ") => return Some(Arc::from(text)),
            Ok(_) => self.ignored(name, "the file that it names holds no PEM"),
            Err(reason) => {
                self.ignored(name, &format!("the file that it names cannot be read: {reason}"));
            }
        }
        None
    }

    pub(super) fn headers(&mut self) -> Vec<(Arc<str>, Secret)> {
        const NAME: &str = "OTEL_EXPORTER_OTLP_HEADERS";
        let (mut headers, mut reason) = (Vec::new(), None);
        for (name, value) in self.list(NAME) {
            match forbidden_header(&name).or_else(|| unsendable(&value)) {
                None => headers.push((Arc::from(name.to_ascii_lowercase()), Secret::new(&value))),
                wrong => reason = wrong,
            }
        }
        if let Some(reason) = reason {
            self.ignored(NAME, reason);
        }
        headers
    }

    pub(super) fn resource(&self) -> Vec<(Arc<str>, Arc<str>)> {
        let attributes = self.list("OTEL_RESOURCE_ATTRIBUTES").into_iter();
        let service = self.get("OTEL_SERVICE_NAME").map(|name| ("service.name".to_owned(), name));
        attributes.chain(service).map(|(name, value)| (Arc::from(name), Arc::from(value))).collect()
    }

    /// `name=value,name=value`, percent-encoded.
    fn list(&self, name: &str) -> Vec<(String, String)> {
        let text = self.get(name).unwrap_or_default();
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (decoded(name.trim()), decoded(value.trim()))).collect()
    }

    pub(super) fn traces(&mut self, node: Option<&Node>, usual: Sampler) -> Option<Sampler> {
        if !enabled(node).unwrap_or(!self.is("OTEL_TRACES_EXPORTER", "none")) {
            return None;
        }
        let told = self.sampler(usual);
        let share = node.and_then(|node| node.get("sample"));
        let share = share.and_then(|share| share_of(share, self.problems));
        let follows = node.and_then(|node| node.get_text("follow_caller"));
        Some(Sampler {
            share: share.unwrap_or(told.share),
            follows_caller: follows.and_then(units::boolean).unwrap_or(told.follows_caller),
        })
    }

    fn sampler(&mut self, usual: Sampler) -> Sampler {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(name) = self.get(NAME) else { return usual };
        let argument = self.get(ARGUMENT);
        let share = argument.as_deref().and_then(read_share);
        let (share, follows_caller) = match &*name {
            "always_on" => (1.0, false),
            "always_off" => (0.0, false),
            "parentbased_always_on" => (1.0, true),
            "parentbased_always_off" => (0.0, true),
            "traceidratio" | "parentbased_traceidratio" => {
                if argument.is_some() && share.is_none() {
                    self.ignored(ARGUMENT, "a share from 0 to 1 must stand in it");
                }
                (share.unwrap_or(1.0), name.starts_with("parentbased"))
            }
            _ => {
                self.ignored(NAME, "this sampler is not known");
                (usual.share, usual.follows_caller)
            }
        };
        Sampler { share, follows_caller }
    }

    pub(super) fn metrics(&mut self, node: Option<&Node>, usual: Duration) -> Option<Duration> {
        if !enabled(node).unwrap_or(!self.is("OTEL_METRICS_EXPORTER", "none")) {
            return None;
        }
        let bounds = (Duration::from_secs(1), Duration::from_hours(1));
        Some(between(node, "every", usual, bounds, self.problems))
    }
}

/// What is no percent-encoding stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, others @ ..] = rest {
        let code = (*byte == b'%').then(|| others.first_chunk::<2>()).flatten();
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*byte));
        rest = code.and_then(|_| others.get(2..)).unwrap_or(others);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
