//! Spans and figures in the words of the OpenTelemetry protocol, as protobuf.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

use super::counts::Signal;
use super::exposition::{Exposition, Family, Figure, Kind, Number, Sample};
use super::span::{self, Attribute, Ended};

/// The semantic conventions whose names are used.
const CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.44.0";
/// Attributes that are numbers.
const NUMBERS: [&str; 2] = ["http.response.status_code", "server.port"];
/// A span whose trace is recorded (W3C's flag).
const SAMPLED: u32 = 1;

/// Who tells: names and values.
pub type Source = [(Arc<str>, Arc<str>)];

/// The body of an export of spans.
pub fn traces(source: &Source, spans: Vec<Ended>) -> Vec<u8> {
    let spans = spans.into_iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, schema_url: String::new() }];
    let resource = Some(resource(source));
    let all = ResourceSpans { resource, scope_spans, schema_url: CONVENTIONS.to_owned() };
    ExportTraceServiceRequest { resource_spans: vec![all] }.encode_to_vec()
}

/// The body of an export of figures, counted since the process began if they do not say otherwise.
pub fn metrics(source: &Source, figures: &Exposition, began: SystemTime) -> Vec<u8> {
    let times = Times { began, now: nanos(SystemTime::now()) };
    let families = figures.families.iter().filter(|family| !family.samples.is_empty());
    let metrics = families.map(|family| metric(family, times)).collect();
    let all = ScopeMetrics { scope: Some(scope()), metrics, schema_url: String::new() };
    let resource_metrics = vec![ResourceMetrics {
        resource: Some(resource(source)),
        scope_metrics: vec![all],
        schema_url: CONVENTIONS.to_owned(),
    }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

/// How many of those that were sent the collector says not to have taken. What cannot be read says nothing.
pub fn rejected(signal: Signal, answer: &[u8]) -> u64 {
    let rejected = match signal {
        Signal::Traces => ExportTraceServiceResponse::decode(answer)
            .ok()
            .and_then(|answer| Some(answer.partial_success?.rejected_spans)),
        Signal::Metrics => ExportMetricsServiceResponse::decode(answer)
            .ok()
            .and_then(|answer| Some(answer.partial_success?.rejected_data_points)),
    };
    rejected.and_then(|rejected| u64::try_from(rejected).ok()).unwrap_or(0)
}

fn resource(source: &Source) -> Resource {
    let attributes = source.iter().map(|(name, value)| text(name, value)).collect();
    Resource { attributes, ..Resource::default() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

fn text(name: &str, value: &str) -> KeyValue {
    pair(name, Value::StringValue(value.to_owned()))
}

fn pair(name: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: name.to_owned(), value, ..KeyValue::default() }
}

fn number(name: &str, value: u64) -> KeyValue {
    pair(name, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn span(ended: Ended) -> Span {
    let attributes = ended.attributes.iter().map(|(name, value)| match value {
        Attribute::Word(word) => text(name, word),
        Attribute::Text(value) => text(name, value),
        Attribute::Number(value) => number(name, *value),
    });
    let kind = match ended.kind {
        span::Kind::Server => SpanKind::Server,
        span::Kind::Client => SpanKind::Client,
    };
    let status =
        ended.is_error.then(|| Status { code: StatusCode::Error as i32, ..Status::default() });
    let id = |span: Option<std::num::NonZeroU64>| {
        span.map(|span| span.get().to_be_bytes().to_vec()).unwrap_or_default()
    };
    Span {
        trace_id: ended.trace.id.get().to_be_bytes().to_vec(),
        span_id: id(ended.trace.span),
        trace_state: ended.trace.state().unwrap_or_default().to_owned(),
        parent_span_id: id(ended.parent),
        flags: SAMPLED,
        attributes: attributes.collect(),
        kind: kind as i32,
        start_time_unix_nano: nanos(ended.began),
        end_time_unix_nano: nanos(ended.began + ended.took),
        status,
        name: ended.name.into_owned(),
        ..Span::default()
    }
}

/// Of figures that are exported together.
#[derive(Clone, Copy)]
struct Times {
    /// When the process began.
    began: SystemTime,
    now: u64,
}

impl Times {
    /// A count that begins anew has another beginning: so collectors know that it did not go backwards.
    fn began(self, sample: &Sample) -> u64 {
        nanos(sample.since.unwrap_or(self.began))
    }
}

fn metric(family: &Family, times: Times) -> Metric {
    let aggregation_temporality = AggregationTemporality::Cumulative as i32;
    let points = || family.samples.iter().filter_map(|one| point(family, one, times));
    let data = match family.kind {
        Kind::Counter => metric::Data::Sum(Sum {
            data_points: points().collect(),
            aggregation_temporality,
            is_monotonic: true,
        }),
        Kind::Gauge => metric::Data::Gauge(Gauge { data_points: points().collect() }),
        Kind::Histogram => {
            let points = family.samples.iter();
            let points = points.filter_map(|one| buckets(family, one, times));
            metric::Data::Histogram(Histogram {
                data_points: points.collect(),
                aggregation_temporality,
            })
        }
    };
    let (name, unit) =
        if family.is_conventional { (family.name, "s") } else { name_and_unit(family.name) };
    Metric {
        name: name.to_owned(),
        description: family.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

/// What stands behind a name for Prometheus is a unit or the kind here, and comes back where a collector writes for Prometheus.
fn name_and_unit(name: &'static str) -> (&'static str, &'static str) {
    let name = name.strip_suffix("_total").unwrap_or(name);
    for (suffix, unit) in [("_seconds", "s"), ("_bytes", "By")] {
        if let Some(name) = name.strip_suffix(suffix) {
            return (name, unit);
        }
    }
    (name, "")
}

/// A value that is empty is none.
fn attributes(family: &Family, sample: &Sample) -> Vec<KeyValue> {
    let pairs = family.labels.iter().copied().zip(sample.values.iter().map(|value| &**value));
    let pairs = pairs.filter(|(_, value)| !value.is_empty());
    pairs
        .map(|(name, value)| match value.parse() {
            Ok(value) if NUMBERS.contains(&name) => number(name, value),
            _ => text(name, value),
        })
        .collect()
}

fn point(family: &Family, sample: &Sample, times: Times) -> Option<NumberDataPoint> {
    let Figure::Number(number) = &sample.figure else { return None };
    let value = match number {
        Number::Whole(number) => {
            number_data_point::Value::AsInt(i64::try_from(*number).unwrap_or(i64::MAX))
        }
        Number::Real(number) => number_data_point::Value::AsDouble(*number),
    };
    Some(NumberDataPoint {
        attributes: attributes(family, sample),
        start_time_unix_nano: times.began(sample),
        time_unix_nano: times.now,
        value: Some(value),
        ..NumberDataPoint::default()
    })
}

fn buckets(family: &Family, sample: &Sample, times: Times) -> Option<HistogramDataPoint> {
    let Figure::Buckets { ends, counts, sum } = &sample.figure else { return None };
    Some(HistogramDataPoint {
        attributes: attributes(family, sample),
        start_time_unix_nano: times.began(sample),
        time_unix_nano: times.now,
        count: counts.iter().sum(),
        sum: Some(sum.as_f64()),
        bucket_counts: counts.clone(),
        explicit_bounds: ends.iter().map(|end| end.as_f64()).collect(),
        ..HistogramDataPoint::default()
    })
}
