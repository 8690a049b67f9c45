use super::*;

#[track_caller]
fn refused(body: &str) -> String {
    let refusal = from_body(body.as_bytes(), StatusProfile::Audit2025).unwrap_err();
    assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
    assert_eq!(refusal.error.code, ErrorCode::BadRequest);
    refusal.error.message
}

#[test]
fn a_body_that_is_no_request_is_told_what_is_wrong() {
    for (body, part) in [
        ("", "empty"),
        ("{", "not valid JSON"),
        ("{\"query\": \"{ a }\"} trailing", "line 1"),
        ("3", "not a number"),
        ("\"{ a }\"", "not a string"),
        ("{}", "`query` is missing"),
        ("{\"query\": null}", "`query` is missing"),
        ("{\"query\": 3}", "`query` must be a string, not a number"),
        (
            "{\"query\": \"{ a }\", \"operationName\": []}",
            "`operationName` must be a string, not a list",
        ),
        (
            "{\"query\": \"{ a }\", \"variables\": \"{}\"}",
            "`variables` must be an object, not a string",
        ),
        (
            "{\"query\": \"{ a }\", \"extensions\": false}",
            "`extensions` must be an object, not a boolean",
        ),
        ("{\"id\": \"a\", \"documentId\": \"b\"}", "different operations"),
        ("{\"id\": 3}", "`id` must be a string, not a number"),
    ] {
        let message = refused(body);
        assert!(message.contains(part), "{body}: {message}");
    }
}

#[test]
fn a_body_with_bytes_that_are_not_utf8_is_refused() {
    let refusal = from_body(b"{\"query\": \"\xff\"}", StatusProfile::Audit2025).unwrap_err();
    assert!(refusal.error.message.contains("not valid JSON"), "{}", refusal.error.message);
}

#[test]
fn a_deeply_nested_body_is_refused_and_not_followed() {
    let body = format!("{{\"query\":\"{{ a }}\",\"variables\":{}", "[".repeat(100_000));
    assert!(refused(&body).contains("recursion limit"));
}

#[test]
fn nulls_count_as_absent() {
    let body =
        br#"{"query":"{ a }","operationName":null,"variables":null,"extensions":null,"other":1}"#;
    let Posted::One(request) = from_body(body, StatusProfile::Audit2025).unwrap() else {
        panic!("not one request")
    };
    assert_eq!(request.query, "{ a }");
    assert_eq!(request.operation_name, None);
    assert!(request.variables.is_empty() && request.extensions.is_empty());
}

#[test]
fn what_is_json_and_no_request_is_422_in_the_edition_of_2026() {
    let status =
        |body: &[u8]| from_body(body, StatusProfile::Draft2026).unwrap_err().status.as_u16();
    assert_eq!(status(b"{"), 400);
    assert_eq!(status(b"{}"), 422);
    assert_eq!(status(b"3"), 422);
}

fn pairs(pairs: &[(&str, &str)]) -> Result<engine::Request, Refusal> {
    let pairs =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    from_pairs(pairs, StatusProfile::Audit2025)
}

#[test]
fn a_query_string_carries_the_same_request() {
    let request = pairs(&[
        ("query", "query A($x: Int) { a }"),
        ("operationName", "A"),
        ("variables", "{\"x\":1}"),
        ("other", ""),
    ])
    .unwrap();
    assert_eq!(request.operation_name.as_deref(), Some("A"));
    assert_eq!(request.variables.get("x"), Some(&Value::from(1)));
}

#[test]
fn a_query_string_that_is_no_request_is_told_what_is_wrong() {
    for (given, part) in [
        (&[("variables", "{}")][..], "`query` is missing"),
        (&[("query", "{ a }"), ("variables", "{")], "`variables` is not valid JSON"),
        (&[("query", "{ a }"), ("variables", "[]")], "`variables` must be an object, not a list"),
        (&[("query", "{ a }"), ("query", "{ b }")], "twice"),
    ] {
        let message = pairs(given).unwrap_err().error.message;
        assert!(message.contains(part), "{given:?}: {message}");
    }
}
