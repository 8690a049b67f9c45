//! The `telemetry` and `alerts` sections of `cyclorama.yaml`.

use super::deployment::TEXT;
use super::role::TLS;
use super::{Kind, Shape, default, optional, required};

pub(super) static TELEMETRY: Shape = Shape {
    name: "telemetry",
    doc: "What others are told of what happens here.",
    keys: &[optional(
        "otlp",
        Kind::Struct(&OTLP),
        "Traces and metrics for a collector of OpenTelemetry. None, when left out and `OTEL_EXPORTER_OTLP_ENDPOINT` is not set.",
    )],
    rules: &[],
};

/// Defaults are those of `settings::Otlp`; a test holds them together.
static OTLP: Shape = Shape {
    name: "otlp",
    doc: "Traces and metrics for a collector of OpenTelemetry, by OTLP over HTTP (protobuf). What is left out here is taken from the \
          environment: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT` (milliseconds), \
          `OTEL_EXPORTER_OTLP_COMPRESSION`, `OTEL_EXPORTER_OTLP_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and \
          `OTEL_EXPORTER_OTLP_CLIENT_KEY` (files; a relative path begins where `cyclorama.yaml` is), `OTEL_SERVICE_NAME`, \
          `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`, `OTEL_TRACES_EXPORTER` and \
          `OTEL_METRICS_EXPORTER` (`none`); \
          `OTEL_SDK_DISABLED=true` switches all of it off.",
    keys: &[
        default(
            "endpoint",
            Kind::Text("URL"),
            "http://127.0.0.1:4318",
            "The collector; `/v1/traces` and `/v1/metrics` are put behind it.",
        ),
        optional(
            "headers",
            Kind::Map("header name", &TEXT),
            "Headers of every export: `authorization: \"Bearer ${env.COLLECTOR_TOKEN}\"`.",
        ),
        default(
            "compression",
            Kind::Word(&["none", "gzip"]),
            "none",
            "How exports are packed on their way. `gzip` makes them a few times smaller.",
        ),
        optional(
            "tls",
            Kind::Struct(&TLS),
            "How an `https` collector is known, and the gateway to it.",
        ),
        default(
            "timeout",
            Kind::Duration,
            "10s",
            "How long one attempt of an export may take, 100ms to 1m.",
        ),
        optional(
            "resource",
            Kind::Map("attribute", &TEXT),
            "What is said of this process: `deployment.environment.name: production`. `service.name` is `cyclorama` by default.",
        ),
        optional("traces", Kind::Struct(&TRACES), "Which traces are recorded."),
        optional("metrics", Kind::Struct(&METRICS), "How often metrics are sent."),
    ],
    rules: &[],
};

static TRACES: Shape = Shape {
    name: "traces",
    doc: "Which traces are recorded.",
    keys: &[
        default("enabled", Kind::Bool, "true", "Whether any are."),
        default(
            "sample",
            Kind::Text("share"),
            "0.01",
            "The share of the traces that begin here, 0 to 1.",
        ),
        default(
            "follow_caller",
            Kind::Bool,
            "true",
            "Whether a caller who is in a trace decides for it. `false`: `sample` decides for all, where callers are not trusted.",
        ),
    ],
    rules: &[],
};

static METRICS: Shape = Shape {
    name: "exported_metrics",
    doc: "How often metrics are sent: those of `/metrics`, and those of HTTP by OpenTelemetry's semantic conventions.",
    keys: &[
        default("enabled", Kind::Bool, "true", "Whether they are."),
        default("every", Kind::Duration, "1m", "How often, 1s to 1h."),
    ],
    rules: &[],
};

pub(super) static ALERTS: Shape = Shape {
    name: "alerts",
    doc: "Who is told that a backend became slow or is left alone by its breaker, and when that ends.",
    keys: &[optional("webhook", Kind::Struct(&WEBHOOK), "By a POST with JSON.")],
    rules: &[],
};

static WEBHOOK: Shape = Shape {
    name: "webhook",
    doc: "A POST with JSON: `kind` (`slow`, `breaker`), `state` (`began`, `ended`), `at`, `backend`, `vendor`, `group`, `medianSeconds`, \
          `normSeconds` and `text`, a sentence for people. It is tried five times in 15 seconds.",
    keys: &[
        required("url", Kind::Text("URL"), "Where to. It is never printed: it may hold a secret."),
        optional(
            "headers",
            Kind::Map("header name", &TEXT),
            "Headers of every POST: `authorization: \"Bearer ${env.ALERTS_TOKEN}\"`.",
        ),
        default("timeout", Kind::Duration, "5s", "How long one attempt may take, 100ms to 1m."),
        optional(
            "tls",
            Kind::Struct(&TLS),
            "How an `https` receiver is known, and the gateway to it.",
        ),
    ],
    rules: &[],
};
