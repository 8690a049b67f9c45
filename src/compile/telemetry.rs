//! The `telemetry` and `alerts` sections of `cyclorama.yaml`, and the variables by which OpenTelemetry is usually set up.

use std::sync::Arc;
use std::time::Duration;

use super::deployment::enabled;
use super::load::between;
use super::vendor::check_url;
use crate::config::files::Environment;
use crate::config::settings::{Otlp, Receiver, Secret};
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::telemetry::span::Sampler;
use crate::template::forbidden_header;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn otlp(
    node: Option<&Node>,
    environment: &Environment,
    problems: &mut Vec<Diagnostic>,
) -> Option<Otlp> {
    let variables = Variables { environment, problems };
    let is_disabled = variables.is("OTEL_SDK_DISABLED", "true");
    let is_wanted = node.is_some() || variables.get(ENDPOINT).is_some();
    (is_wanted && !is_disabled).then(|| read(node, variables))
}

fn read(node: Option<&Node>, mut variables: Variables<'_>) -> Otlp {
    let defaults = Otlp::default();
    let told = |key: &str| node.and_then(|node| node.get(key));
    let protocol = variables.get("OTEL_EXPORTER_OTLP_PROTOCOL");
    if protocol.is_some_and(|protocol| protocol != "http/protobuf") {
        variables.ignored("OTEL_EXPORTER_OTLP_PROTOCOL", "exports go over HTTP as protobuf");
    }
    let headers = told("headers").map(|headers| self::headers(headers, variables.problems));
    let headers = headers.unwrap_or_else(|| variables.headers());
    let mut resource = defaults.resource;
    for (name, value) in variables.resource().into_iter().chain(pairs(told("resource"))) {
        resource.retain(|(other, _)| *other != name);
        resource.push((name, value));
    }
    let collector = Receiver {
        url: told("endpoint")
            .and_then(|url| self::url(url, variables.problems))
            .or_else(|| variables.endpoint())
            .unwrap_or(defaults.collector.url),
        headers,
        timeout: timeout(node, defaults.collector.timeout, variables.problems),
    };
    Otlp {
        collector,
        resource,
        traces: defaults.traces.and_then(|usual| variables.traces(told("traces"), usual)),
        metrics: defaults.metrics.and_then(|usual| variables.metrics(told("metrics"), usual)),
    }
}

/// Who is told of alerts.
pub(super) fn webhook(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Receiver> {
    let node = node.get("webhook")?;
    let url = node.get("url")?;
    // unlike other addresses it may have a query, in which many have a secret
    let (base, query) = url.filled().map(|text| text.split_once('?').unwrap_or((text, "")))?;
    let is_sendable = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>".contains(&byte);
    let query = query.bytes().all(is_sendable).then_some(query);
    let checked = query.ok_or("its query holds a character that an address cannot have");
    let url = match checked.and_then(|query| Ok((check_url(base)?, query))) {
        Ok((_, "")) => Secret::new(base),
        Ok((_, query)) => Secret::new(&format!("{base}?{query}")),
        Err(reason) => return unusable(url, reason, problems),
    };
    let headers = node.get("headers").map(|headers| self::headers(headers, problems));
    let headers = headers.unwrap_or_default();
    Some(Receiver { url, headers, timeout: timeout(Some(node), WEBHOOK_TIMEOUT, problems) })
}

/// The address of a collector.
fn url(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Secret> {
    match check_url(node.filled()?) {
        Ok(url) => Some(Secret::new(&url)),
        Err(reason) => unusable(node, reason, problems),
    }
}

fn unusable<T>(node: &Node, reason: &str, problems: &mut Vec<Diagnostic>) -> Option<T> {
    problems.push(
        Diagnostic::error(Code::InvalidUrl, "this address cannot be told anything")
            .at(node.span, "cannot be used")
            .help(reason),
    );
    None
}

fn timeout(node: Option<&Node>, default: Duration, problems: &mut Vec<Diagnostic>) -> Duration {
    let bounds = (Duration::from_millis(100), Duration::from_mins(1));
    between(node, "timeout", default, bounds, problems)
}

fn headers(node: &Node, problems: &mut Vec<Diagnostic>) -> Vec<(Arc<str>, Secret)> {
    let mut headers = Vec::new();
    for entry in node.entries() {
        let text = entry.value.filled().unwrap_or_default();
        let reason = forbidden_header(&entry.key).or_else(|| unsendable(text));
        if let Some(reason) = reason {
            let message = format!("the header `{}` cannot be set", entry.key);
            problems.push(
                Diagnostic::error(Code::InvalidTemplate, message)
                    .at(entry.key_span, "cannot be sent")
                    .help(reason),
            );
        }
        headers.push((Arc::from(entry.key.to_ascii_lowercase()), Secret::new(text)));
    }
    headers
}

fn unsendable(text: &str) -> Option<&'static str> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    (!is_plain).then_some("its value holds a character that no header may")
}

fn pairs(node: Option<&Node>) -> Vec<(Arc<str>, Arc<str>)> {
    let entries = node.map(Node::entries).unwrap_or_default().iter();
    let pairs = entries.map(|entry| (Arc::clone(&entry.key), entry.value.filled()));
    pairs.filter_map(|(name, value)| Some((name, Arc::from(value?)))).collect()
}

/// The environment, as OpenTelemetry's specification has it: what cannot be read is told, and ignored.
struct Variables<'a> {
    environment: &'a Environment,
    problems: &'a mut Vec<Diagnostic>,
}

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let value = self.environment.variable(name)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn is(&self, name: &str, wanted: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    }

    fn ignored(&mut self, name: &str, reason: &str) {
        let message = format!("the variable `{name}` is ignored: {reason}");
        self.problems.push(Diagnostic::warning(Code::WrongKind, message));
    }

    fn endpoint(&mut self) -> Option<Secret> {
        let url = self.get(ENDPOINT)?;
        match check_url(&url) {
            Ok(url) => Some(Secret::new(&url)),
            Err(reason) => {
                self.ignored(ENDPOINT, reason);
                None
            }
        }
    }

    fn headers(&mut self) -> Vec<(Arc<str>, Secret)> {
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

    fn resource(&self) -> Vec<(Arc<str>, Arc<str>)> {
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

    fn traces(&mut self, node: Option<&Node>, usual: Sampler) -> Option<Sampler> {
        if !enabled(node).unwrap_or(!self.is("OTEL_TRACES_EXPORTER", "none")) {
            return None;
        }
        let told = self.sampler(usual);
        let share = node.and_then(|node| node.get("sample"));
        let share = share.and_then(|share| self::share(share, self.problems));
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

    fn metrics(&mut self, node: Option<&Node>, usual: Duration) -> Option<Duration> {
        if !enabled(node).unwrap_or(!self.is("OTEL_METRICS_EXPORTER", "none")) {
            return None;
        }
        let bounds = (Duration::from_secs(1), Duration::from_hours(1));
        Some(between(node, "every", usual, bounds, self.problems))
    }
}

fn share(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<f64> {
    let share = read_share(node.filled()?);
    if share.is_none() {
        problems.push(
            Diagnostic::error(Code::OutOfRange, "a share from 0 to 1 must stand here")
                .at(node.span, "is none")
                .help("`0.01` is one of a hundred"),
        );
    }
    share
}

fn read_share(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::files::Files;

    fn compiled(text: &str, variables: &[(&str, &str)]) -> (Option<Otlp>, Vec<Diagnostic>) {
        let files = Files::in_memory("cyclorama.yaml", [("cyclorama.yaml", text)]);
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let files = files.with_environment(variables.collect(), std::collections::BTreeMap::new());
        let compiled = crate::compile::compile(&files);
        // the deployment lacks much else
        let named = |problem: &Diagnostic| {
            !matches!(problem.code, Code::MissingKey | Code::UnreadableFile | Code::InvalidSchema)
        };
        (compiled.settings.otlp, compiled.diagnostics.into_iter().filter(named).collect())
    }

    #[test]
    fn nothing_is_exported_unless_the_file_or_the_environment_says_so() {
        assert_eq!(compiled("log: {}\n", &[]).0, None);
        assert_eq!(compiled("telemetry: {}\n", &[]).0, None);
        assert_eq!(compiled("telemetry: { otlp: {} }\n", &[]).0, Some(Otlp::default()));
        let endpoint = (ENDPOINT, "http://collector:4318/");
        let otlp = compiled("log: {}\n", &[endpoint]).0.unwrap();
        assert_eq!(otlp.collector.url.reveal(), "http://collector:4318");
        let off = ("OTEL_SDK_DISABLED", "TRUE");
        assert_eq!(compiled("telemetry: { otlp: {} }\n", &[endpoint, off]).0, None);
    }

    #[test]
    fn what_the_file_says_goes_before_the_environment() {
        let variables = [
            (ENDPOINT, "http://elsewhere:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b%2c,authorization=Bearer c"),
            ("OTEL_SERVICE_NAME", "graph"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,team=crm%3Dbilling"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ];
        let (otlp, problems) = compiled("log: {}\n", &variables);
        let otlp = otlp.unwrap();
        let headers: Vec<_> =
            otlp.collector.headers.iter().map(|(name, value)| (&**name, value.reveal())).collect();
        assert_eq!(headers, [("x-key", "a b,"), ("authorization", "Bearer c")]);
        let resource: Vec<_> =
            otlp.resource.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(resource, [("team", "crm=billing"), ("service.name", "graph")]);
        assert_eq!(otlp.traces, Some(Sampler { share: 0.25, follows_caller: false }));
        assert_eq!((otlp.metrics, problems), (None, Vec::new()));
        let text = "telemetry:\n  otlp:\n    endpoint: https://here\n    headers: { X-Own: one }\n    \
                    resource: { service.name: own }\n    traces: { sample: 0.5, follow_caller: true }\n    \
                    metrics: { enabled: true, every: 5s }\n";
        let otlp = compiled(text, &variables).0.unwrap();
        assert_eq!(otlp.collector.url.reveal(), "https://here");
        assert_eq!(otlp.collector.headers, [(Arc::from("x-own"), Secret::new("one"))]);
        assert_eq!(otlp.resource.len(), 2);
        assert_eq!(otlp.traces, Some(Sampler { share: 0.5, follows_caller: true }));
        assert_eq!(otlp.metrics, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_webhook_may_have_a_query_and_is_never_printed() {
        let webhook = |text: &str| {
            let files = Files::in_memory("cyclorama.yaml", [("cyclorama.yaml", text)]);
            let compiled = crate::compile::compile(&files);
            let is_wrong = compiled.diagnostics.iter().any(|one| one.code == Code::InvalidUrl);
            (compiled.settings.webhook, is_wrong)
        };
        let text = "alerts:\n  webhook: { url: \"https://hooks.example/a/?sig=s3cret\", headers: { x-key: s3cret } }\n";
        let (told, is_wrong) = webhook(text);
        let told = told.unwrap();
        assert_eq!(told.url.reveal(), "https://hooks.example/a/?sig=s3cret");
        assert_eq!((told.timeout, is_wrong), (WEBHOOK_TIMEOUT, false));
        assert!(!format!("{told:?}").contains("s3cret"));
        for url in ["hooks.example", "https://hooks.example/?a b", "ftp://a/", "https://me:pw@a/"] {
            let wrong = webhook(&format!("alerts:\n  webhook: {{ url: \"{url}\" }}\n"));
            assert_eq!(wrong, (None, true), "{url}");
        }
        assert_eq!(webhook("alerts: {}\n"), (None, false));
    }

    #[test]
    fn what_is_wrong_has_its_place_and_a_wrong_variable_is_told_and_ignored() {
        let text = "telemetry:\n  otlp:\n    endpoint: \"collector:4317\"\n    headers: { host: a }\n    timeout: 2h\n    \
                    traces: { sample: 5 }\n    metrics: { every: 1ms }\n";
        let codes: Vec<Code> = compiled(text, &[]).1.iter().map(|problem| problem.code).collect();
        for code in [Code::InvalidUrl, Code::InvalidTemplate, Code::OutOfRange] {
            assert!(codes.contains(&code), "{code:?} of {codes:?}");
        }
        assert_eq!(codes.iter().filter(|code| **code == Code::OutOfRange).count(), 3);
        let variables = [
            (ENDPOINT, "collector:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ];
        let (otlp, problems) = compiled("log: {}\n", &variables);
        assert_eq!(otlp, Some(Otlp::default()));
        let ignored: Vec<_> =
            problems.iter().filter(|problem| problem.message.contains("is ignored")).collect();
        assert_eq!(ignored.len(), 3, "{problems:?}");
        assert!(!crate::diagnostic::has_errors(&ignored.into_iter().cloned().collect::<Vec<_>>()));
    }
}
