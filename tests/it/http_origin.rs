//! Requests that a browser sends for pages of other sites: none of them causes anything, unless the deployment allows it.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::process::Command;

use crate::http::{Answer, encoded};
use crate::http_life::exchange;
use crate::needs;
use crate::site::{JsonBody as _, Setup, Site};

const QUERY: &str = "{ customers(first: 1) { nodes { displayName } } }";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const ELSEWHERE: &str = "https://evil.example";

fn mutation(site: &Site) -> String {
    let (_, ticket) = site.backends.first_customer();
    let id = cyclorama::value::opaque_id("Ticket", "support", &ticket.unwrap().to_string());
    format!(
        r#"mutation {{ addTicketComment(input: {{ ticketId: "{id}", body: "x" }}) {{ __typename }} }}"#
    )
}

fn calls(site: &Site) -> u64 {
    site.backends.calls().values().sum()
}

async fn with(config: &str) -> Site {
    Site::with(Setup { config: config.to_owned(), ..Setup::default() }).await
}

type Headers = &'static [(&'static str, &'static str)];

/// What browsers of all ages say of a request for a page of another site.
const OF_ANOTHER_SITE: [Headers; 5] = [
    &[("sec-fetch-site", "cross-site"), ("user-agent", BROWSER)],
    &[("sec-fetch-site", "same-site"), ("origin", ELSEWHERE), ("user-agent", BROWSER)],
    &[("origin", ELSEWHERE), ("user-agent", BROWSER)],
    &[("origin", "null"), ("user-agent", BROWSER)],
    &[("referer", "https://evil.example/"), ("user-agent", BROWSER)],
];

/// Every header with which a request needs no preflight, in a form that may look like another.
const SIMPLE_TYPES: [Option<&str>; 10] = [
    None,
    Some("text/plain"),
    Some("text/plain; application/json"),
    Some("text/plain;charset=application/json"),
    Some("application/x-www-form-urlencoded"),
    Some("application/x-www-form-urlencoded; charset=application/json"),
    Some("multipart/form-data; boundary=x"),
    Some("multipart/form-data; boundary=application/json"),
    Some(""),
    Some("text/plain, application/json"),
];

#[tokio::test]
async fn nothing_that_a_browser_sends_unasked_for_another_site_makes_a_call() {
    let site = with("http: { batch: { enabled: true } }\n").await;
    let mutation = mutation(&site);
    for said in OF_ANOTHER_SITE {
        for content_type in SIMPLE_TYPES {
            for accept in ["*/*", "text/event-stream"] {
                let headers = |mut request: reqwest::RequestBuilder| {
                    for (name, value) in said {
                        request = request.header(*name, *value);
                    }
                    if let Some(content_type) = content_type {
                        request = request.header("content-type", content_type);
                    }
                    request.header("accept", accept)
                };
                for operation in [QUERY, &mutation] {
                    let body = json!({ "query": operation });
                    let url = site.url(&format!("/graphql?query={}", encoded(operation)));
                    let form = format!("query={}", encoded(operation));
                    for body in [body.to_string(), json!([body]).to_string(), form] {
                        for url in [&url, &site.url("/graphql")] {
                            let status = headers(site.client.post(url)).body(body.clone());
                            let status = status.send().await.unwrap().status().as_u16();
                            assert!(
                                matches!(status, 406 | 415),
                                "{status}: {said:?} {content_type:?}"
                            );
                        }
                    }
                    for method in [Method::GET, Method::HEAD] {
                        let status = headers(site.client.request(method, &url)).send().await;
                        let status = status.unwrap().status().as_u16();
                        assert!(matches!(status, 403 | 405 | 406), "{status}: {said:?} {accept}");
                    }
                }
            }
        }
    }
    assert_eq!(calls(&site), 0);
}

/// What a GET says of itself, and its status in the modes `checked` and `preflight`.
const GETS: [(Headers, u16, u16); 11] = [
    (&[("sec-fetch-site", "same-origin"), ("user-agent", BROWSER)], 200, 403),
    (&[("sec-fetch-site", "none"), ("user-agent", BROWSER)], 200, 403),
    (&[("sec-fetch-mode", "cors"), ("user-agent", "node")], 200, 403),
    (&[("user-agent", "curl/8.5.0")], 200, 403),
    (&[], 200, 403),
    (&[("origin", ELSEWHERE)], 403, 403),
    // a page can send these only where it was allowed to
    (&[("sec-fetch-site", "cross-site"), ("apollo-require-preflight", "true")], 200, 200),
    (&[("user-agent", BROWSER), ("x-apollo-operation-name", "Page")], 200, 200),
    (&[("user-agent", BROWSER), ("content-type", "application/json")], 200, 200),
    (&[("user-agent", BROWSER), ("apollo-require-preflight", "")], 403, 403),
    (&[("user-agent", BROWSER), ("content-type", "text/plain")], 403, 403),
];

#[tokio::test]
async fn a_query_by_get_is_answered_to_our_own_pages_and_to_what_is_no_browser() {
    for mode in ["checked", "preflight", "off"] {
        let site = with(&format!("http: {{ get: {mode} }}\n")).await;
        for (number, (said, checked, preflight)) in GETS.iter().enumerate() {
            let (status, code) = match (mode, checked, preflight) {
                ("off", ..) => (405, "METHOD_NOT_ALLOWED"),
                ("checked", 200, _) | ("preflight", _, 200) => (200, "-"),
                _ => (403, "CSRF_ERROR"),
            };
            // a page of its own size, so that no cache answers it
            let query = format!("{{ customers(first: {}) {{ nodes {{ id }} }} }}", number + 1);
            let url = site.url(&format!("/graphql?query={}", encoded(&query)));
            let before = calls(&site);
            let request = said
                .iter()
                .fold(site.client.get(url), |request, (name, value)| request.header(*name, *value));
            let answer = Answer::of(request).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{mode} {said:?}");
            assert_eq!(calls(&site) - before, u64::from(status == 200), "{mode} {said:?}");
        }
    }
}

#[tokio::test]
async fn a_page_that_calls_this_machine_by_another_name_is_refused_everywhere() {
    let site = Site::start().await;
    for path in ["/graphql", "/", "/schema.graphql", "/page/start.js", "/nowhere"] {
        let request = site.client.get(site.url(path)).header("host", "evil.example");
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.code()), (421, "HOST_NOT_ALLOWED"), "{path}");
    }
    let post = site.client.post(site.url("/graphql")).header("host", "evil.example:4000");
    let answer = Answer::of(post.json_body(&json!({ "query": QUERY }))).await;
    assert_eq!((answer.status, answer.code()), (421, "HOST_NOT_ALLOWED"));
    assert!(answer.message().contains("`evil.example`"), "{}", answer.message());
    assert_eq!(calls(&site), 0);
    let healthy = site.client.get(site.url("/livez")).header("host", "pod-7").send().await.unwrap();
    assert_eq!(healthy.status(), 200);
    let nameless = exchange(site.address, b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(nameless.starts_with("HTTP/1.1 400 "), "{nameless}");
    let named = with("http: { hosts: [graph.example] }\n").await;
    let request = named.client.get(named.url("/schema.graphql")).header("host", "graph.example");
    assert_eq!(request.send().await.unwrap().status(), 200);
}

const CORS: &str = "http: { cors: { origins: [\"https://app.example\"], max_age: 5m } }\n";

fn preflight(site: &Site, origin: &str) -> reqwest::RequestBuilder {
    site.client
        .request(Method::OPTIONS, site.url("/graphql"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
}

#[tokio::test]
async fn an_origin_that_the_deployment_names_may_ask_and_read() {
    let site = with(CORS).await;
    let response = preflight(&site, "https://app.example").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let headers = response.headers();
    for (name, value) in [
        ("access-control-allow-origin", "https://app.example"),
        ("access-control-allow-methods", "GET, POST, PUT, DELETE"),
        ("access-control-allow-headers", "authorization,content-type"),
        ("access-control-max-age", "300"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(!headers.contains_key("access-control-allow-credentials"));
    let post = site.client.post(site.url("/graphql")).header("origin", "https://app.example");
    let response = post.json_body(&json!({ "query": QUERY })).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
    let vary: Vec<_> = response.headers().get_all("vary").iter().collect();
    assert!(vary.iter().any(|vary| *vary == "origin"), "{vary:?}");
    let get = site
        .client
        .get(site.url(&format!("/graphql?query={}", encoded(QUERY))))
        .header("origin", "https://app.example")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(get.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_origin_that_nobody_named_is_told_nothing() {
    for (config, origin) in [
        ("", "https://app.example"),
        (CORS, ELSEWHERE),
        (CORS, "https://app.example.evil.example"),
        (CORS, "http://app.example"),
        (CORS, "null"),
    ] {
        let site = with(config).await;
        let asked = preflight(&site, origin).send().await.unwrap();
        assert_eq!(asked.status(), StatusCode::NO_CONTENT);
        let post = site.client.post(site.url("/graphql")).header("origin", origin);
        let answered = post.json_body(&json!({ "query": "{ __typename }" })).send().await.unwrap();
        for response in [asked, answered] {
            let mut names = response.headers().keys();
            assert!(!names.any(|name| name.as_str().starts_with("access-control")), "{origin}");
        }
        assert_eq!(calls(&site), 0);
    }
}

#[tokio::test]
async fn credentials_are_allowed_where_the_deployment_says_so() {
    let site =
        with("http: { cors: { origins: [\"https://app.example\"], credentials: true } }\n").await;
    let response = preflight(&site, "https://APP.example").send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-credentials"], "true");
    let any = with("http: { cors: { origins: [\"*\"] } }\n").await;
    let response = preflight(&any, ELSEWHERE).send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], ELSEWHERE);
    assert!(!response.headers().contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn a_real_browser_on_pages_of_other_sites_makes_no_call() {
    if !needs::outside("a_real_browser_on_pages_of_other_sites_makes_no_call") {
        return;
    }
    let site = Site::start().await;
    let output = Command::new("node")
        .args(["tests/browser/elsewhere.mjs", &site.url("/"), &mutation(&site)])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(calls(&site), 0);
}
