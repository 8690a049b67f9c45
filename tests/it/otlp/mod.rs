//! Traces and metrics by OTLP, as a collector gets them from the built program.

mod collector;
mod outside;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};

use self::collector::{Collector, HANGS, attribute, hex};
use crate::program::{Backend, Folder, Served, VENDOR, customer_query, deployment, vendor};
use crate::site::JsonBody as _;
use crate::transport_tls::Authority;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The lines of `cyclorama.yaml` that send to a collector, with more for `otlp`.
fn telemetry(url: &str, more: &str) -> String {
    format!(
        "reload: {{ watch: false }}\ntelemetry:\n  otlp:\n    endpoint: \"{url}\"\n    metrics: {{ every: 1h }}\n{more}"
    )
}

const ALL: &str = "    traces: { sample: 1 }\n";

async fn served(name: &str, collector: &Collector, more: &str) -> (Served, Backend, Folder) {
    let backend = Backend::start().await;
    let folder = deployment(name, &backend, &telemetry(&collector.url, more));
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    (served, backend, folder)
}

/// A query with headers of its caller.
async fn ask(served: &Served, query: &str, headers: &[(&str, &str)]) -> Value {
    let url = format!("http://{}/graphql", served.address);
    let request = served.client.post(url).json_body(&json!({ "query": query }));
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    crate::site::json_of(request.send().await.unwrap()).await
}

/// Ends the program, which sends what it still has.
async fn ended(served: Served) -> Vec<Value> {
    served.signal("-TERM");
    let (code, log) = served.ended().await;
    assert_eq!(code, Some(0), "{log:#?}");
    log
}

fn of_kind(spans: &[Span], kind: SpanKind) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind == kind as i32).collect()
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} in {spans:#?}"))
}

#[track_caller]
fn said(attributes: &[KeyValue], wanted: &[(&str, &str)]) {
    for (name, value) in wanted {
        assert_eq!(
            attribute(attributes, name).as_deref(),
            Some(*value),
            "{name} of {attributes:#?}"
        );
    }
}

#[tokio::test]
async fn a_trace_goes_from_the_caller_through_the_operation_to_every_backend_call() {
    let collector = Collector::start().await;
    let more = "    headers: { x-key: \"${env.HOME:-none}\" }\n    resource: { team: crm }\n";
    let (served, backend, _folder) = served("otlp-trace", &collector, more).await;
    let caller = format!("00-{TRACE}-{PARENT}-01");
    let query = customer_query("secret-key").replacen('{', "query Who {", 1);
    let answer = ask(&served, &query, &[("traceparent", &caller), ("tracestate", "a=1")]).await;
    assert_eq!(answer["data"]["customer"]["name"], "Customer secret-key");
    let port = backend.url.rsplit_once(':').unwrap().1.to_owned();
    ended(served).await;
    let spans = collector.spans();
    let [request, operation, call] =
        ["POST /graphql", "query", "GET crm.by_id"].map(|name| named(&spans, name));
    assert_eq!(spans.len(), 3, "{spans:#?}");
    for span in [request, operation, call] {
        assert_eq!((hex(&span.trace_id).as_str(), span.trace_state.as_str()), (TRACE, "a=1"));
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.status.is_none());
    }
    assert_eq!(hex(&request.parent_span_id), PARENT);
    assert_eq!(operation.parent_span_id, request.span_id);
    assert_eq!(call.parent_span_id, operation.span_id);
    assert_eq!(backend.traces(), [format!("00-{TRACE}-{}-01", hex(&call.span_id))]);
    assert_eq!(of_kind(&spans, SpanKind::Client), [call]);
    said(
        &request.attributes,
        &[
            ("http.request.method", "POST"),
            ("url.scheme", "http"),
            ("url.path", "/graphql"),
            ("http.route", "/graphql"),
            ("http.response.status_code", "200"),
        ],
    );
    let wanted = [
        ("graphql.operation.type", "query"),
        ("graphql.operation.name", "Who"),
        ("cyclorama.outcome", "data"),
    ];
    said(&operation.attributes, &wanted);
    said(
        &call.attributes,
        &[
            ("http.request.method", "GET"),
            ("server.address", "127.0.0.1"),
            ("server.port", &port),
            ("http.response.status_code", "200"),
            ("cyclorama.backend", "crm"),
            ("cyclorama.vendor", "acme"),
            ("cyclorama.call", "by_id"),
            ("cyclorama.keys", "1"),
        ],
    );
    let (traces, metrics) = collector.bodies();
    for body in traces.iter().chain(&metrics) {
        let text = String::from_utf8_lossy(body);
        assert!(!text.contains("secret-key") && !text.contains("customers/"), "{text}");
    }
    let home = std::env::var_os("HOME").unwrap();
    let home = home.to_str().unwrap();
    assert!(collector.headers().iter().all(|headers| headers["x-key"] == home));
    said(&collector.metrics().0, &[("service.name", "cyclorama"), ("team", "crm")]);
}

#[tokio::test]
async fn each_attempt_is_a_span_and_one_that_fails_says_how() {
    let collector = Collector::start().await;
    let (served, backend, _folder) = served("otlp-retry", &collector, ALL).await;
    backend.answer_with(503);
    ask(&served, &customer_query("a"), &[]).await;
    ask(&served, "{ nothing }", &[]).await;
    let (status, _) = served.get("/no/such/secret").await;
    assert_eq!((status, backend.asked()), (404, 3));
    let log = ended(served).await;
    let spans = collector.spans();
    let calls = of_kind(&spans, SpanKind::Client);
    let resent = |span: &&Span| attribute(&span.attributes, "http.request.resend_count");
    let mut times: Vec<_> = calls.iter().map(resent).collect();
    times.sort();
    assert_eq!(times, [None, Some("1".to_owned()), Some("2".to_owned())]);
    for call in &calls {
        said(&call.attributes, &[("http.response.status_code", "503"), ("error.type", "503")]);
        assert_eq!(call.status.as_ref().unwrap().code, 2);
        assert_eq!(call.parent_span_id, named(&spans, "query").span_id);
    }
    said(&named(&spans, "query").attributes, &[("cyclorama.outcome", "data_with_errors")]);
    let refused = named(&spans, "GraphQL Operation");
    said(
        &refused.attributes,
        &[("cyclorama.outcome", "refused"), ("error.type", "GRAPHQL_VALIDATION_FAILED")],
    );
    let missing = named(&spans, "GET");
    said(&missing.attributes, &[("http.response.status_code", "404")]);
    assert_eq!(attribute(&missing.attributes, "url.path"), None);
    let traces: Vec<&str> =
        log.iter().filter_map(|line| line["span"]["trace_id"].as_str()).collect();
    assert!(traces.contains(&hex(&calls[0].trace_id).as_str()), "the log names the trace");
}

#[tokio::test]
async fn a_callers_decision_holds_unless_the_deployment_decides_for_all() {
    for (name, more, recorded) in [
        ("otlp-follow", "    traces: { sample: 0 }\n", [false, true, false]),
        ("otlp-alone", "    traces: { sample: 0, follow_caller: false }\n", [false; 3]),
        ("otlp-all", "    traces: { sample: 1, follow_caller: false }\n", [true; 3]),
        ("otlp-usual", ALL, [false, true, true]),
    ] {
        let collector = Collector::start().await;
        let (served, backend, _folder) = served(name, &collector, more).await;
        for (key, flags) in [("a", Some("00")), ("b", Some("01")), ("c", None)] {
            let caller = flags.map(|flags| format!("00-{TRACE}-{PARENT}-{flags}"));
            let headers: Vec<_> = caller.iter().map(|caller| ("traceparent", &**caller)).collect();
            ask(&served, &customer_query(key), &headers).await;
        }
        // whoever probes is not worth a span
        served.get("/livez").await;
        ended(served).await;
        let flags = recorded.map(|is| if is { "-01" } else { "-00" });
        let sent = backend.traces();
        assert!(
            sent.iter().zip(flags).all(|(sent, flag)| sent.ends_with(flag)),
            "{name}: {sent:?}"
        );
        let spans = collector.spans();
        assert_eq!(spans.len(), 3 * recorded.iter().filter(|is| **is).count(), "{name}");
        for call in of_kind(&spans, SpanKind::Client) {
            let id = hex(&call.span_id);
            assert!(sent.iter().any(|sent| sent.contains(&id)), "{name}: {id} of {sent:?}");
        }
    }
}

#[tokio::test]
async fn what_callers_add_to_a_trace_goes_only_where_the_deployment_says() {
    let caller = format!("00-{TRACE}-{PARENT}-01");
    let headers = [("traceparent", &*caller), ("tracestate", "a=1"), ("baggage", "team=x")];
    for (name, more, state, baggage) in [
        ("carry-none", "", vec![], vec![]),
        ("carry-state", "propagate: [tracestate]\n", vec!["a=1"], vec![]),
        ("carry-all", "propagate: [tracestate, baggage]\n", vec!["a=1"], vec!["team=x"]),
    ] {
        let backend = Backend::start().await;
        let folder = deployment(name, &backend, "reload: { watch: false }\n");
        folder.write(VENDOR, &format!("{more}{}", vendor(".name")));
        let served = Served::start(&folder.path("cyclorama.yaml")).await;
        ask(&served, &customer_query("a"), &headers).await;
        assert_eq!(
            (backend.sent("tracestate"), backend.sent("baggage")),
            (
                state.into_iter().map(str::to_owned).collect(),
                baggage.into_iter().map(str::to_owned).collect::<Vec<_>>(),
            )
        );
    }
}

fn metric<'a>(metrics: &'a [Metric], name: &str) -> &'a Metric {
    metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test]
async fn metrics_are_those_of_prometheus_and_those_of_the_conventions() {
    let mut collector = Collector::start().await;
    let more = "    traces: { enabled: false }\n";
    let backend = Backend::start().await;
    let config = telemetry(&collector.url, more).replace("every: 1h", "every: 1s");
    let folder = deployment("otlp-metrics", &backend, &config);
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    for key in ["a", "b"] {
        ask(&served, &customer_query(key), &[]).await;
    }
    // one may have been under way
    collector.exports(1).await;
    let before = collector.bodies().1.len();
    collector.exports(before + 2).await;
    ended(served).await;
    assert!(collector.spans().is_empty());
    let (_, metrics) = collector.metrics();
    for (name, wanted) in [
        (
            "http.server.request.duration",
            &[
                ("http.request.method", "POST"),
                ("http.route", "/graphql"),
                ("http.response.status_code", "200"),
                ("url.scheme", "http"),
            ][..],
        ),
        (
            "http.client.request.duration",
            &[
                ("http.request.method", "GET"),
                ("server.address", "127.0.0.1"),
                ("http.response.status_code", "200"),
                ("cyclorama.backend", "crm"),
            ],
        ),
        ("cyclorama_backend_request_duration", &[("backend", "crm"), ("vendor", "acme")]),
    ] {
        let metric = metric(&metrics, name);
        assert_eq!(metric.unit, "s", "{name}");
        let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
        let [point] = &histogram.data_points[..] else { panic!("{metric:?}") };
        assert_eq!((histogram.aggregation_temporality, point.count), (2, 2), "{name}");
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert!((point.explicit_bounds[0] - 0.005).abs() < 1e-9 && point.sum.unwrap() > 0.0);
        assert!(point.start_time_unix_nano < point.time_unix_nano);
        said(&point.attributes, wanted);
    }
    let calls = metric(&metrics, "cyclorama_backend_calls");
    let Some(Data::Sum(sum)) = &calls.data else { panic!("{calls:?}") };
    assert!(sum.is_monotonic);
    assert_eq!(sum.data_points[0].value, Some(number_data_point::Value::AsInt(2)));
    assert_eq!(metric(&metrics, "cyclorama_cache_size").unit, "By");
    let ready = metric(&metrics, "cyclorama_ready");
    assert!(matches!(ready.data, Some(Data::Gauge(_))), "{ready:?}");
}

/// The one series of a counter, or of a histogram: its beginning, and how much was counted.
fn series(metric: &Metric) -> (u64, u64) {
    match metric.data.as_ref().unwrap() {
        Data::Sum(sum) => {
            let [point] = &sum.data_points[..] else { panic!("{metric:?}") };
            let Some(number_data_point::Value::AsInt(count)) = point.value else { panic!() };
            (point.start_time_unix_nano, u64::try_from(count).unwrap())
        }
        Data::Histogram(histogram) => {
            let [point] = &histogram.data_points[..] else { panic!("{metric:?}") };
            (point.start_time_unix_nano, point.count)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_counted_anew_after_a_reload_begins_then_and_what_goes_on_began_before() {
    const ANEW: [&str; 4] = [
        "cyclorama_backend_calls",
        "cyclorama_backend_requests",
        "cyclorama_backend_batch_keys",
        "cyclorama_backend_request_duration",
    ];
    const ON: &str = "http.server.request.duration";
    let mut collector = Collector::start().await;
    let backend = Backend::start().await;
    let config = telemetry(&collector.url, "    traces: { enabled: false }\n");
    let folder = deployment("otlp-reload", &backend, &config.replace("every: 1h", "every: 1s"));
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    for key in ["a", "b"] {
        ask(&served, &customer_query(key), &[]).await;
    }
    let mut exported = async || {
        // one may have been under way
        let before = collector.bodies().1.len();
        collector.exports(before + 2).await;
        collector.metrics().1
    };
    let first = exported().await;
    // the same backend, by the same way: its counts go on
    folder.write(VENDOR, &format!("{}# another\n", vendor(".name")));
    assert_eq!(served.post_admin("/reload", None).await.1["outcome"], "applied");
    ask(&served, &customer_query("c"), &[]).await;
    let second = exported().await;
    // elsewhere: they begin anew
    let other = Backend::start().await;
    let text = std::fs::read_to_string(folder.path("cyclorama.yaml")).unwrap();
    folder.write("cyclorama.yaml", &text.replace(&backend.url, &other.url));
    assert_eq!(served.post_admin("/reload", None).await.1["outcome"], "applied");
    ask(&served, &customer_query("d"), &[]).await;
    let third = exported().await;
    for name in ANEW {
        let [first, second, third] =
            [&first, &second, &third].map(|metrics| series(metric(metrics, name)));
        assert_eq!((first.1, second.1, third.1), (2, 3, 1), "{name}");
        assert_eq!(first.0, second.0, "{name}");
        assert!(third.0 > second.0, "{name}");
    }
    let began = |metrics: &[Metric]| match metric(metrics, ON).data.as_ref().unwrap() {
        Data::Histogram(histogram) => histogram.data_points[0].start_time_unix_nano,
        other => panic!("{other:?}"),
    };
    assert_eq!(began(&first), began(&third));
    ended(served).await;
}

/// A number of `/metrics`.
async fn number(served: &Served, series: &str) -> u64 {
    let answer = served.get_admin("/metrics", "text/plain").await.text().await.unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} in {answer}")).parse().unwrap()
}

#[tokio::test]
async fn a_dead_collector_costs_requests_nothing_and_the_log_one_line() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let backend = Backend::start().await;
    let config = telemetry(&url, ALL).replace("every: 1h", "every: 1s");
    let folder = deployment("otlp-dead", &backend, &config);
    let mut served = Served::start(&folder.path("cyclorama.yaml")).await;
    let told = served.logged("the collector does not take exports").await;
    assert_eq!(told["signal"], "metrics");
    let failed = "cyclorama_otlp_exports_total{signal=\"metrics\",outcome=\"failed\"}";
    while number(&served, failed).await < 3 {
        let answer = ask(&served, &customer_query("a"), &[]).await;
        assert_eq!(answer["data"]["customer"]["name"], "Customer a");
    }
    let log = ended(served).await;
    let told = |signal: &str| {
        let is_told = |line: &&Value| {
            line["message"] == "the collector does not take exports" && line["signal"] == signal
        };
        log.iter().filter(is_told).count()
    };
    assert_eq!(told("metrics"), 1, "{log:#?}");
    assert!(told("traces") <= 1, "{log:#?}");
}

#[tokio::test]
async fn a_collector_that_hangs_holds_nobody_up_and_what_has_no_room_is_counted() {
    let mut collector = Collector::start().await;
    collector.answer_with(HANGS);
    let (served, _backend, _folder) = served("otlp-hangs", &collector, ALL).await;
    ask(&served, &customer_query("a"), &[]).await;
    collector.exports(1).await;
    // what stands behind the export that hangs fills the queue
    let dropped = "cyclorama_otlp_spans_total{outcome=\"dropped\"}";
    while number(&served, dropped).await == 0 {
        let batch = (0..100).map(|_| served.get("/schema.graphql"));
        let answers = futures_util::future::join_all(batch).await;
        assert!(answers.iter().all(|(status, _)| *status == 200));
    }
}

#[tokio::test]
async fn the_end_waits_for_a_collector_no_longer_than_the_grace() {
    let collector = Collector::start().await;
    collector.answer_with(HANGS);
    let more = format!("{ALL}http: {{ grace: 1s }}\n");
    let (served, _backend, _folder) = served("otlp-grace", &collector, &more).await;
    ask(&served, &customer_query("a"), &[]).await;
    let log = ended(served).await;
    let words = "stopped with spans, metrics or alerts that nobody took in time";
    assert!(log.iter().any(|line| line["message"] == words), "{log:#?}");
}

#[tokio::test]
async fn what_the_collector_refuses_for_now_is_sent_again() {
    let mut collector = Collector::start().await;
    collector.answer_with(503);
    let (served, _backend, _folder) = served("otlp-again", &collector, ALL).await;
    ask(&served, &customer_query("a"), &[]).await;
    collector.exports(1).await;
    collector.answer_with(200);
    collector.exports(2).await;
    let taken = "cyclorama_otlp_spans_total{outcome=\"exported\"}";
    while number(&served, taken).await < 3 {
        tokio::task::yield_now().await;
    }
    let (bodies, _) = collector.bodies();
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(number(&served, "cyclorama_otlp_spans_total{outcome=\"failed\"}").await, 0);
}

#[tokio::test]
async fn an_export_is_packed_if_it_is_to_be_and_goes_over_tls_to_whom_the_deployment_trusts() {
    let authority = Authority::new("collectors");
    let collector = Collector::start_over(Some(authority.server("localhost", 2090))).await;
    for (name, more, has_come) in [
        ("otlp-tls", "    tls: { ca: \"${file.ca.pem}\" }\n    compression: gzip\n", true),
        ("otlp-untrusted", "    tls: { ca: \"${file.other.pem}\" }\n", false),
    ] {
        let backend = Backend::start().await;
        let config = telemetry(&collector.url, &format!("{ALL}{more}"));
        let folder = deployment(name, &backend, &config.replace("every: 1h", "every: 1s"));
        folder.write("ca.pem", &authority.pem);
        folder.write("other.pem", &Authority::new("another").pem);
        let before = collector.headers().len();
        let mut served = Served::start(&folder.path("cyclorama.yaml")).await;
        ask(&served, &customer_query("a"), &[]).await;
        if !has_come {
            let told = served.logged("the collector does not take exports").await;
            assert!(told["error"].as_str().unwrap().contains("UnknownIssuer"), "{told}");
            assert_eq!(collector.headers().len(), before);
            continue;
        }
        ended(served).await;
        assert_eq!(collector.spans().len(), 3);
        for headers in collector.headers() {
            assert_eq!(headers["content-encoding"], "gzip");
            let agent = headers["user-agent"].to_str().unwrap();
            assert!(agent.starts_with("cyclorama-otlp-rust/"), "{agent}");
        }
    }
}

#[tokio::test]
async fn nothing_is_exported_when_nobody_asks_for_it() {
    let backend = Backend::start().await;
    let folder = deployment("otlp-off", &backend, "reload: { watch: false }\n");
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    ask(&served, &customer_query("a"), &[]).await;
    for outcome in ["exported", "dropped", "failed"] {
        let series = format!("cyclorama_otlp_spans_total{{outcome=\"{outcome}\"}}");
        assert_eq!(number(&served, &series).await, 0);
    }
    ended(served).await;
}
