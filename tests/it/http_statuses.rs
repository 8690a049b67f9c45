//! What is wrong with a request, by the two editions of GraphQL over HTTP.

use reqwest::Method;

use crate::http::{Answer, encoded};
use crate::site::{Setup, Site};

const RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// A request, and how it is answered: to clients of the newer media type and of the older one.
struct Case {
    method: Method,
    /// What follows `/graphql` in the URL.
    query: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    code: &'static str,
    /// A part of the message.
    says: &'static str,
    audit: [u16; 2],
    draft: [u16; 2],
}

fn post(body: &'static str, code: &'static str, says: &'static str, status: u16) -> Case {
    Case {
        method: Method::POST,
        query: "",
        headers: &[("content-type", JSON)],
        body,
        code,
        says,
        audit: [status; 2],
        draft: [status; 2],
    }
}

fn get(query: &'static str, code: &'static str, says: &'static str, status: u16) -> Case {
    Case { method: Method::GET, query, headers: &[], ..post("", code, says, status) }
}

impl Case {
    /// It is JSON, and not a request.
    fn malformed(self) -> Self {
        Self { draft: [422; 2], ..self }
    }

    /// It is a request, and the document or its variables are wrong.
    fn invalid(self) -> Self {
        Self { audit: [400, 200], draft: [422; 2], ..self }
    }

    fn with(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }
}

fn requests() -> Vec<Case> {
    let fine = r#"{"query":"{ __typename }"}"#;
    vec![
        post(fine, "-", "-", 200),
        post(
            r#"{"query":"{ __typename }","operationName":"","extensions":{"x":1},"y":2}"#,
            "-",
            "-",
            200,
        ),
        post(
            r#"{"query":"query A { __typename } query B { a: __typename }","operationName":"B"}"#,
            "-",
            "-",
            200,
        ),
        post(fine, "-", "-", 200)
            .with(&[("content-type", "application/json; charset=\"UTF-8\"; v=1")]),
        get("?query=%7B__typename%7D&operationName=&variables=&extensions=&other=1", "-", "-", 200),
        post("", "BAD_REQUEST", "empty", 400),
        post("{", "BAD_REQUEST", "not valid JSON", 400),
        post(r#"{"query":"{ __typename }"} x"#, "BAD_REQUEST", "not valid JSON", 400),
        get(
            "?query=%7B__typename%7D&variables=%7B",
            "BAD_REQUEST",
            "`variables` is not valid JSON",
            400,
        ),
    ]
}

fn malformed() -> Vec<Case> {
    let bad = "BAD_REQUEST";
    vec![
        post("3", bad, "not a number", 400),
        post(r#""{ __typename }""#, bad, "not a string", 400),
        post("null", bad, "not null", 400),
        post("{}", bad, "`query` is missing", 400),
        post(r#"{"query":3}"#, bad, "`query` must be a string", 400),
        post(r#"{"query":"{ a }","variables":[]}"#, bad, "`variables` must be an object", 400),
        post(
            r#"{"query":"{ a }","operationName":1}"#,
            bad,
            "`operationName` must be a string",
            400,
        ),
        post(r#"{"query":"{ a }","extensions":""}"#, bad, "`extensions` must be an object", 400),
        post(r#"{"documentId":"a","id":"b"}"#, bad, "different operations", 400),
        post(r#"{"query":"{ __typename }","query":"{ a }"}"#, bad, "`query` is there twice", 400),
        post("[]", "BATCHING_NOT_ENABLED", "batches", 400),
        get("", bad, "`query` is missing", 400),
        get("?query=a&query=b", bad, "`query` is there twice", 400),
        get("?query=a&extensions=%5B%5D", bad, "`extensions` must be an object", 400),
    ]
    .into_iter()
    .map(Case::malformed)
    .collect()
}

fn invalid() -> Vec<Case> {
    let unresolved = "OPERATION_RESOLUTION_FAILURE";
    let mut cases: Vec<Case> = vec![
        post(r#"{"query":"{ nothing }"}"#, "GRAPHQL_VALIDATION_FAILED", "nothing", 400),
        post(r#"{"query":"subscription { a }"}"#, "GRAPHQL_VALIDATION_FAILED", "subscription", 400),
        post(r#"{"query":"query A { __typename }","operationName":"B"}"#, unresolved, "\"B\"", 400),
        post(
            r#"{"query":"query A { a: __typename } query B { __typename }"}"#,
            unresolved,
            "operation",
            400,
        ),
        post(
            r#"{"query":"query($id: ID!) { customer(id: $id) { id } }"}"#,
            "BAD_USER_INPUT",
            "$id",
            400,
        ),
        get("?query=%7Bnothing%7D", "GRAPHQL_VALIDATION_FAILED", "nothing", 400),
        post(
            r#"{"documentId":"none"}"#,
            "PERSISTED_QUERY_NOT_FOUND",
            "PersistedQueryNotFound",
            400,
        ),
    ]
    .into_iter()
    .map(Case::invalid)
    .collect();
    let unread = post(r#"{"query":"{"}"#, "GRAPHQL_PARSE_FAILED", "", 400);
    cases.push(Case { audit: [400, 200], ..unread });
    cases
}

fn refused() -> Vec<Case> {
    let fine = r#"{"query":"{ __typename }"}"#;
    let unsupported = |says| post(fine, "UNSUPPORTED_MEDIA_TYPE", says, 415);
    vec![
        unsupported("no content type").with(&[]),
        unsupported("`text/plain`").with(&[("content-type", "text/plain")]),
        unsupported("`utf-16`").with(&[("content-type", "application/json; charset=utf-16")]),
        unsupported("`gzip`").with(&[("content-type", JSON), ("content-encoding", "gzip")]),
        get("?query=mutation%7B__typename%7D", "METHOD_NOT_ALLOWED", "allowed: POST", 405),
        post(fine, "METHOD_NOT_ALLOWED", "PATCH", 405).by(Method::PATCH),
        get("?query=%7B__typename%7D", "CSRF_ERROR", "POST", 403)
            .with(&[("sec-fetch-site", "cross-site")]),
        get("?query=%7B__typename%7D", "HOST_NOT_ALLOWED", "http.hosts", 421)
            .with(&[("host", "evil.example")]),
    ]
}

#[tokio::test]
async fn each_wrong_request_has_the_status_of_its_edition_and_says_what_is_wrong() {
    for profile in ["audit-2025", "draft-2026"] {
        let config = format!("http: {{ status_profile: {profile} }}\n");
        let site = Site::with(Setup { config, ..Setup::default() }).await;
        for case in [requests(), malformed(), invalid(), refused()].into_iter().flatten() {
            let statuses = if profile == "audit-2025" { case.audit } else { case.draft };
            for (accept, status) in [(RESPONSE, statuses[0]), (JSON, statuses[1])] {
                let url = site.url(&format!("/graphql{}", case.query));
                let request =
                    site.client.request(case.method.clone(), url).header("accept", accept);
                let request = case
                    .headers
                    .iter()
                    .fold(request, |request, (name, value)| request.header(*name, *value));
                let answer = Answer::of(request.body(case.body)).await;
                let what =
                    format!("{profile} {accept} {}{}: {}", case.query, case.body, answer.body);
                assert_eq!((answer.status, answer.code()), (status, case.code), "{what}");
                assert!(answer.message().contains(case.says), "{what}");
                assert_eq!(
                    answer.body.get("data").is_some(),
                    status == 200 && case.code == "-",
                    "{what}"
                );
                // in the edition of 2026 older clients have their label on successes alone
                let is_old = accept == JSON && (profile == "audit-2025" || status == 200);
                let label = if is_old || status == 421 { JSON } else { RESPONSE };
                assert_eq!(answer.content_type, format!("{label}; charset=utf-8"), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn the_media_type_follows_accept() {
    let site = Site::start().await;
    let url = site.url(&format!("/graphql?query={}", encoded("{ __typename }")));
    for (accept, expected) in [
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/graphql-response+json, application/json;q=0.9", RESPONSE),
        ("application/graphql-response+json;q=0.1, application/json;q=0.2", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("text/event-stream;q=0.3, application/json;q=0.4", JSON),
        ("application/json, multipart/mixed", JSON),
    ] {
        let answer = Answer::of(site.client.get(&url).header("accept", accept)).await;
        assert_eq!(
            (answer.status, answer.content_type),
            (200, format!("{expected}; charset=utf-8")),
            "{accept}"
        );
    }
    for accept in
        ["text/html", "application/json;q=0", "image/*", "application/json; charset=latin1"]
    {
        let answer = Answer::of(site.client.get(&url).header("accept", accept)).await;
        assert_eq!((answer.status, answer.code()), (406, "NOT_ACCEPTABLE"), "{accept}");
    }
    let two = site.client.get(&url).header("accept", "image/png").header("accept", RESPONSE);
    assert_eq!(Answer::of(two).await.content_type, format!("{RESPONSE}; charset=utf-8"));
}
