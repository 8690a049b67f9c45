use super::*;
use crate::config::files::Files;
use crate::graph::Tls;
use crate::telemetry::span::Sampler;

fn compiled(text: &str, variables: &[(&str, &str)]) -> (Option<Otlp>, Vec<Diagnostic>) {
    let files = Files::in_memory("cyclorama.yaml", [("cyclorama.yaml", text)]);
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let pem = |kind: &str| format!("-----BEGIN {kind}-----");
    let on_disk = [
        ("ca.pem", pem("CERTIFICATE")),
        ("key.pem", pem("PRIVATE KEY")),
        ("none.pem", String::new()),
    ];
    let on_disk = on_disk.map(|(name, text)| (name.to_owned(), text)).into();
    let files = files.with_environment(variables.collect(), on_disk);
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
    let resource: Vec<_> = otlp.resource.iter().map(|(name, value)| (&**name, &**value)).collect();
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

#[test]
fn an_export_may_be_packed_and_its_collector_have_an_authority_of_its_own() {
    let variables = [
        (ENDPOINT, "https://collector:4318"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "ca.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "key.pem"),
    ];
    let (otlp, problems) = compiled("log: {}\n", &variables);
    let (otlp, pem) = (otlp.unwrap(), "-----BEGIN CERTIFICATE-----");
    assert_eq!((otlp.is_packed, otlp.collector.timeout.as_millis()), (true, 2500));
    let Tls { ca, client } = otlp.collector.tls;
    assert_eq!((ca.as_deref(), &*client.unwrap().certificate), (Some(pem), pem));
    assert_eq!(problems, []);
    let text = "telemetry:\n  otlp:\n    compression: none\n    timeout: 1s\n    tls: { ca: \"${file.ca.pem}\" }\n";
    let (otlp, problems) = compiled(text, &variables);
    let otlp = otlp.unwrap();
    assert_eq!((otlp.is_packed, otlp.collector.timeout.as_millis()), (false, 1000));
    assert_eq!(otlp.collector.tls, Tls { ca: Some(Arc::from(pem)), client: None });
    assert_eq!(problems, []);
    let wrong = [
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "missing.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "none.pem"),
    ];
    let (otlp, problems) = compiled("telemetry: { otlp: {} }\n", &wrong);
    assert_eq!(otlp, Some(Otlp::default()));
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(!crate::diagnostic::has_errors(&problems));
}

#[test]
fn an_authority_of_somebody_who_is_not_spoken_to_over_tls_is_told() {
    let codes = |text: &str| -> Vec<Code> {
        compiled(text, &[]).1.iter().map(|problem| problem.code).collect()
    };
    let tls = "tls: { ca: \"${file.ca.pem}\" }";
    let otlp = format!("telemetry: {{ otlp: {{ {tls} }} }}\n");
    assert_eq!(codes(&otlp), [Code::ConflictingKeys]);
    let webhook = format!("alerts: {{ webhook: {{ url: \"http://a/\", {tls} }} }}\n");
    assert_eq!(codes(&webhook), [Code::ConflictingKeys]);
    assert_eq!(codes(&webhook.replace("http:", "https:")), []);
    let text = "telemetry: { otlp: { endpoint: \"https://a\", tls: { ca: none } } }\n";
    assert_eq!(codes(text), [Code::WrongKind]);
}
