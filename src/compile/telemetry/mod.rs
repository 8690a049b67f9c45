//! The `telemetry` and `alerts` sections of `cyclorama.yaml`, and the variables by which OpenTelemetry is usually set up.

mod variables;

use std::sync::Arc;
use std::time::Duration;

use self::variables::{ENDPOINT, Variables};
use super::load::between;
use super::tls;
use super::vendor::check_url;
use crate::config::files::Environment;
use crate::config::settings::{Otlp, Receiver, Secret};
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::template::forbidden_header;

const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// The least and the most that one attempt may be given.
const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(1));

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
    let wanted = told("endpoint").map(|url| self::url(url, variables.problems));
    let is_known = wanted != Some(None);
    let url = wanted.flatten().or_else(|| variables.endpoint());
    let url = url.unwrap_or(defaults.collector.url);
    let address = if is_known { url.reveal() } else { "" };
    let own = tls::read(told("tls"), address, "collector", variables.problems);
    let tls = if told("tls").is_some() { own } else { variables.tls() };
    let usual = variables.timeout().unwrap_or(defaults.collector.timeout);
    let timeout = timeout(node, usual, variables.problems);
    let packed = node.and_then(|node| node.get_text("compression")).map(|word| word == "gzip");
    Otlp {
        collector: Receiver { url, headers, timeout, tls },
        is_packed: packed.or_else(|| variables.is_packed()).unwrap_or(defaults.is_packed),
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
    let tls = tls::read(node.get("tls"), url.reveal(), "webhook", problems);
    Some(Receiver { url, headers, timeout: timeout(Some(node), WEBHOOK_TIMEOUT, problems), tls })
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
    between(node, "timeout", default, TIMEOUTS, problems)
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

#[cfg(test)]
mod tests;
