//! Backend calls over real sockets on loopback: whatever a server does, one error names it and nothing else is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode, header};
use axum::routing::any;
use cyclorama::backend::{Backends, Page};
use cyclorama::error::{BackendError, ErrorCode};
use cyclorama::graph::*;
use cyclorama::mapping::Path;
use cyclorama::principal::Principal;
use cyclorama::template::{BodyTemplate, Expression, HeaderTemplate, Inputs, UrlTemplate};
use cyclorama::value::{Key, PageState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

// ---- what the other files of this behaviour use

pub(crate) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

pub(crate) fn backend(url: &str) -> Backend {
    Backend {
        role: Arc::from("billing"),
        vendor: Arc::from("test"),
        url: Arc::from(url),
        auth: Auth::None,
        headers: Vec::new(),
        concurrency: 8,
        connect_timeout: Duration::from_secs(5),
        tls_ca: None,
        tls_client: None,
        policy: Policy {
            retry: RetryPolicy { attempts: 1, ..RetryPolicy::default() },
            ..Policy::default()
        },
        propagates: Propagates::default(),
        health: None,
    }
}

pub(crate) fn rest(method: Method, url: &str) -> RestTemplate {
    RestTemplate {
        method,
        url: UrlTemplate::parse(url).unwrap(),
        query: Vec::new(),
        headers: Vec::new(),
        variables: Vec::new(),
        body: None,
    }
}

pub(crate) fn call(request: RequestTemplate) -> Call {
    Call {
        name: Arc::from("invoices"),
        backend: BackendId(0),
        fingerprint: 0,
        request,
        inputs: Vec::new(),
        keys: KeyMode::None,
        pages: None,
        order: None,
        records: Some(path(".data[]")),
        only: None,
        answers: Vec::new(),
        inside: None,
        inside_name: None,
        cut: None,
        longest: None,
        also: None,
        answers_normalizer: Normalizer::Exact,
        success: None,
        refused: None,
        errors: ErrorPaths {
            message: Some(path(".error.message")),
            code: Some(path(".error.code")),
            ..ErrorPaths::default()
        },
        missing: Vec::new(),
        projects: false,
        needs: Vec::new(),
        ttl: None,
        stale: Stale::default(),
        timeout: Duration::from_secs(20),
        effect: Effect::Read,
        group: 0,
        idempotency_header: None,
        is_idempotent: false,
        drops: Vec::new(),
        tags: Vec::new(),
        fills: Vec::new(),
        answer_limits: AnswerLimits { body_bytes: 1 << 20, depth: 64 },
        contract: None,
    }
}

pub(crate) fn get(url: &str) -> Call {
    call(RequestTemplate::Rest(rest(Method::Get, url)))
}

pub(crate) fn graph(backend: Backend) -> Arc<Graph> {
    let schema =
        apollo_compiler::Schema::parse_and_validate("type Query { a: Int }", "a.graphql").unwrap();
    Arc::new(Graph {
        fingerprint: 0,
        sdl: Arc::from(""),
        schema: Arc::new(schema),
        types: Vec::new(),
        type_names: rustc_hash::FxHashMap::default(),
        query: TypeId(0),
        mutation: None,
        federation: None,
        derived: Vec::new(),
        merged: Vec::new(),
        shapes: Vec::new(),
        calls: Vec::new(),
        backends: vec![backend],
        limits: Limits::default(),
        introspection_enabled: true,
        suggestions_enabled: true,
        incremental_enabled: true,
        deadline: Duration::from_secs(15),
        page_size_max: 100,
        page_size: 20,
        cache: CacheLimits::default(),
        ages: cyclorama::graph::SchemaAges::default(),
        weights: cyclorama::graph::Weights::default(),
        cost: cyclorama::graph::CostSettings::default(),
        forward_headers: Vec::new(),
    })
}

/// Owned inputs of a call.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) keys: Vec<Key>,
    pub(crate) arguments: serde_json::Map<String, serde_json::Value>,
    pub(crate) page: Option<PageState>,
    pub(crate) page_size: Option<u32>,
    pub(crate) principal: Principal,
}

impl Given {
    pub(crate) fn keys(keys: &[&str]) -> Self {
        Self { keys: keys.iter().map(|key| Key::new(key)).collect(), ..Self::default() }
    }

    pub(crate) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            keys: &self.keys,
            arguments: &self.arguments,
            fields: &[],
            page: self.page.as_ref(),
            page_size: self.page_size,
            principal: &self.principal,
            known: None,
        }
    }
}

pub(crate) fn later() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// A loopback server that answers every request with this handler.
async fn serve(
    handler: impl Fn(Request) -> Response<Body> + Clone + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(any(move |request: Request| {
        let response = handler(request);
        async move { response }
    }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A loopback server that reads one request head and then writes these bytes and closes.
async fn serve_raw(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match socket.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            socket.write_all(&bytes).await.unwrap();
            socket.shutdown().await.ok();
        }
    });
    url
}

fn answer(status: u16, content_type: &str, body: impl Into<Body>) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .body(body.into())
        .unwrap()
}

async fn call_at(url: &str, call: &Call) -> Result<Page, BackendError> {
    Backends::new(graph(backend(url))).unwrap().call(call, Given::default().inputs(), later()).await
}

// ---- what a server can do

#[tokio::test]
async fn a_json_answer_is_a_payload() {
    let url =
        serve(|_| answer(200, "application/json", r#"{"data":[{"id":"a"},{"id":"b"}]}"#)).await;
    let page = call_at(&url, &get("/v1/invoices")).await.unwrap();
    assert_eq!(page.payload.texts_at(&path(".data[].id")), ["a", "b"]);
    assert_eq!(page.payload.count_at(Some(&path(".data[]"))), 2);
}

#[tokio::test]
async fn what_is_not_the_json_it_should_be_names_what_came_and_shows_none_of_it() {
    for (content_type, body, expected) in [
        ("text/html", "<!doctype html><title>secret-login</title>", "HTML came"),
        ("application/json", "<html>secret</html>", "HTML came"),
        ("application/json", "", "nothing came"),
        ("application/json", "{\"data\":[{\"id\":\"secret", "application/json came"),
        ("application/json", "{\"data\":\"secret\"}", "expected"),
        ("text/plain", "secret outage", "text/plain came"),
        ("application/json; charset=iso-8859-1", "{}", "charset"),
    ] {
        let url = serve(move |_| answer(200, content_type, body)).await;
        let error = call_at(&url, &get("/v1")).await.unwrap_err();
        let text = cyclorama::error::chain(&error);
        assert_eq!(error.code(), ErrorCode::BackendInvalidAnswer, "{content_type} {body}: {text}");
        assert!(text.contains(expected), "{content_type} {body}: {text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn statuses_of_400_and_above_carry_the_backends_code_and_short_message() {
    for (status, code) in [
        (401, ErrorCode::BackendUnauthorized),
        (403, ErrorCode::BackendUnauthorized),
        (404, ErrorCode::BackendNotFound),
        (422, ErrorCode::BackendRejected),
        (429, ErrorCode::BackendRateLimited),
        (500, ErrorCode::BackendUnavailable),
        (503, ErrorCode::BackendUnavailable),
    ] {
        let body =
            format!(r#"{{"error":{{"code":"nope","message":"line\n{}"}}}}"#, "x".repeat(5000));
        let url = serve(move |_| answer(status, "application/json", body.clone())).await;
        let error = call_at(&url, &get("/v1")).await.unwrap_err();
        assert_eq!(
            (error.code(), error.status(), error.backend_code()),
            (code, Some(status), Some("nope"))
        );
        let message = error.backend_message().unwrap();
        assert!(message.starts_with("line x") && message.len() <= 300, "{message}");
    }
}

#[tokio::test]
async fn a_status_with_an_html_page_is_that_status() {
    let url = serve(|_| answer(502, "text/html", "<html>bad gateway</html>")).await;
    let error = call_at(&url, &get("/v1")).await.unwrap_err();
    assert_eq!((error.status(), error.backend_code()), (Some(502), None));
}

#[tokio::test]
async fn a_status_or_code_that_means_missing_is_an_answer_without_records() {
    let url =
        serve(|_| answer(404, "application/json", r#"{"error":{"code":"resource_missing"}}"#))
            .await;
    for word in ["404", "resource_missing"] {
        let mut call = get("/v1/invoices");
        call.missing = vec![Arc::from(word)];
        call.records = None;
        let page = call_at(&url, &call).await.unwrap();
        assert_eq!(page.payload.count_at(None), 0);
    }
}

#[tokio::test]
async fn an_answer_that_says_it_failed_is_unsuccessful_whatever_its_status() {
    let url = serve(|_| {
        answer(200, "application/json", r#"{"ok":false,"error":{"code":"E7","message":"no"}}"#)
    })
    .await;
    let mut call = get("/v1");
    call.success =
        Some(Predicate { path: path(".ok"), is: vec![Arc::from("true")], is_not: Vec::new() });
    let error = call_at(&url, &call).await.unwrap_err();
    assert_eq!((error.code(), error.backend_code()), (ErrorCode::BackendRejected, Some("E7")));
    call.missing = vec![Arc::from("E7")];
    assert_eq!(call_at(&url, &call).await.unwrap().payload.count_at(None), 0);
}

#[tokio::test]
async fn a_write_may_be_answered_with_nothing() {
    let url =
        serve(|_| Response::builder().status(StatusCode::OK).body(Body::empty()).unwrap()).await;
    let mut call = call(RequestTemplate::Rest(rest(Method::Post, "/v1/notes")));
    assert_eq!(call_at(&url, &call).await.unwrap_err().code(), ErrorCode::BackendInvalidAnswer);
    call.effect = Effect::Write;
    assert_eq!(call_at(&url, &call).await.unwrap().payload.count_at(None), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let visits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&visits);
    let elsewhere = serve(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        answer(200, "application/json", r#"{"data":[]}"#)
    })
    .await;
    let url = serve(move |_| {
        Response::builder()
            .status(302)
            .header(header::LOCATION, elsewhere.clone())
            .body(Body::empty())
            .unwrap()
    })
    .await;
    let error = call_at(&url, &get("/v1")).await.unwrap_err();
    assert!(error.to_string().contains("status 302"), "{error}");
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_shorter_than_it_says_is_an_exchange_that_broke_off() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"data\":[".to_vec();
    let url = serve_raw(bytes).await;
    let error = call_at(&url, &get("/v1")).await.unwrap_err();
    assert!(matches!(error, BackendError::Exchange { .. }), "{error:?}");
    assert_eq!(error.code(), ErrorCode::BackendUnavailable);
}

#[tokio::test]
async fn a_broken_chunk_or_no_http_at_all_is_an_exchange_that_broke_off() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"[..],
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        &b""[..],
    ] {
        let url = serve_raw(bytes.to_vec()).await;
        let error = call_at(&url, &get("/v1")).await.unwrap_err();
        assert!(matches!(error, BackendError::Exchange { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_a_connect_error_that_does_not_show_the_query() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut backend = backend(&url);
    backend.auth = Auth::Query { name: Arc::from("api_key"), value: Arc::from("hunter2") };
    let backends = Backends::new(graph(backend)).unwrap();
    let error = backends.call(&get("/v1"), Given::default().inputs(), later()).await.unwrap_err();
    assert!(matches!(error, BackendError::Connect { .. }), "{error:?}");
    assert!(!format!("{error:?} {}", cyclorama::error::chain(&error)).contains("hunter2"));
}

#[tokio::test]
async fn a_body_larger_than_allowed_is_refused_also_when_it_was_small_on_the_wire() {
    // Four megabytes of blanks in a few kilobytes of gzip.
    let bomb = gzip_of_blanks(4 << 20);
    assert!(bomb.len() < 64 * 1024);
    let url = serve(move |_| {
        Response::builder()
            .header(header::CONTENT_ENCODING, "gzip")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(bomb.clone()))
            .unwrap()
    })
    .await;
    let error = call_at(&url, &get("/v1")).await.unwrap_err();
    assert!(matches!(error, BackendError::TooLarge { limit } if limit == 1 << 20), "{error:?}");
    let plain = serve(|_| answer(200, "application/json", vec![b' '; 2 << 20])).await;
    assert_eq!(
        call_at(&plain, &get("/v1")).await.unwrap_err().code(),
        ErrorCode::BackendAnswerTooLarge
    );
}

/// A gzip member of `size` blanks: one literal, then matches of 258 at distance 1, with fixed Huffman codes (RFC 1951).
fn gzip_of_blanks(size: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let push = |bits: &mut Vec<bool>, value: u32, count: u32| {
        (0..count).for_each(|at| bits.push(value >> at & 1 == 1));
    };
    let huffman = |bits: &mut Vec<bool>, code: u32, count: u32| {
        (0..count).rev().for_each(|at| bits.push(code >> at & 1 == 1));
    };
    push(&mut bits, 1, 1);
    push(&mut bits, 1, 2);
    huffman(&mut bits, 0x30 + u32::from(b' '), 8);
    let repeats = (size - 1) / 258;
    for _ in 0..repeats {
        // Length 258 is symbol 285, no extra bits; distance 1 is symbol 0.
        huffman(&mut bits, 0b1100_0000 + (285 - 280), 8);
        huffman(&mut bits, 0, 5);
    }
    huffman(&mut bits, 0, 7);
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    bytes.extend(bits.chunks(8).map(|bits| {
        bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit) << at)
    }));
    // The checksum is wrong, and is never reached.
    bytes.extend([0; 8]);
    bytes
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout_and_loses_its_request() {
    let gone = Arc::new(Notify::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let notify = Arc::clone(&gone);
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut sink = [0; 1024];
        while socket.read(&mut sink).await.unwrap_or(0) > 0 {}
        notify.notify_one();
    });
    let mut call = get("/v1");
    call.timeout = Duration::from_millis(50);
    let error = call_at(&url, &call).await.unwrap_err();
    assert!(matches!(error, BackendError::Timeout { .. }), "{error:?}");
    gone.notified().await;
}

#[tokio::test]
async fn a_request_has_its_method_target_headers_credentials_and_body() {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let url = serve(move |request: Request| {
        let (parts, _) = request.into_parts();
        sender.send(parts).unwrap();
        answer(200, "application/json", r#"{"data":[]}"#)
    })
    .await;
    let mut backend = backend(&format!("{url}/api/"));
    backend.auth = Auth::Basic { user: Arc::from("sk_test_1"), password: Arc::from("") };
    backend.headers =
        vec![(Arc::from("Stripe-Version"), HeaderTemplate::parse("2024-06-20").unwrap())];
    let mut template = rest(Method::Patch, "/v1/customers/{key}{?q}");
    template.query = vec![
        (Arc::from("expand[]"), Expression::Constant(serde_json::json!(["a", "b"]))),
        (Arc::from("none"), Expression::Constant(serde_json::Value::Null)),
    ];
    template.headers = vec![(Arc::from("X-Req"), HeaderTemplate::parse("{key}").unwrap())];
    template.variables = vec![(Arc::from("q"), Expression::Key { part: None })];
    template.body = Some(BodyTemplate::Json(Expression::Object(vec![(
        Arc::from("id"),
        Expression::Key { part: None },
    )])));
    let backends = Backends::new(graph(backend)).unwrap();
    let call = call(RequestTemplate::Rest(template));
    backends.call(&call, Given::keys(&["a b/c"]).inputs(), later()).await.unwrap();
    let parts = seen.recv().await.unwrap();
    assert_eq!(parts.method, "PATCH");
    assert_eq!(
        parts.uri.to_string(),
        "/api/v1/customers/a%20b%2Fc?q=a%20b%2Fc&expand%5B%5D=a&expand%5B%5D=b"
    );
    let header =
        |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("authorization").as_deref(), Some("Basic c2tfdGVzdF8xOg=="));
    assert_eq!(header("stripe-version").as_deref(), Some("2024-06-20"));
    assert_eq!(header("x-req").as_deref(), Some("a b/c"));
    assert_eq!(header("content-type").as_deref(), Some("application/json"));
    assert_eq!(header("content-length").as_deref(), Some("14"));
    assert_eq!(header("accept").as_deref(), Some("application/json"));
    assert!(header("user-agent").unwrap().starts_with("cyclorama/"));
}

#[tokio::test]
async fn a_header_value_with_a_line_break_never_leaves() {
    let url = serve(|_| answer(200, "application/json", "{}")).await;
    for value in ["x\r\nset-cookie: a=b", "x\0", "é"] {
        let mut template = rest(Method::Get, "/v1");
        template.headers = vec![(Arc::from("x-ref"), HeaderTemplate::parse("{key}").unwrap())];
        let backends = Backends::new(graph(backend(&url))).unwrap();
        let call = call(RequestTemplate::Rest(template));
        let error =
            backends.call(&call, Given::keys(&[value]).inputs(), later()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::RequestNotBuilt);
    }
}
