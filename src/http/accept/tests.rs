use super::*;

#[track_caller]
fn check(accept: Option<&str>, expected: Option<Media>) {
    let mut headers = HeaderMap::new();
    if let Some(accept) = accept {
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
    }
    let expected = expected.map(|media| Wanted { media, events: false });
    assert_eq!(negotiate(&headers, StatusProfile::Audit2025), expected, "Accept: {accept:?}");
}

#[test]
fn a_stream_is_for_clients_that_name_it_and_prefer_it() {
    for (accept, events) in [
        ("text/event-stream", true),
        ("text/event-stream; charset=utf-8", true),
        ("text/event-stream, */*", true),
        ("text/event-stream, application/json;q=0.9", true),
        ("text/event-stream, application/json", false),
        (
            "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
            false,
        ),
        ("text/event-stream;q=0.5, application/json;q=0.4", true),
        ("text/event-stream;q=0.5, */*", false),
        ("text/*, */*;q=0.1", false),
        ("*/*", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        let wanted = negotiate(&headers, StatusProfile::Audit2025);
        assert_eq!(wanted.map(|wanted| wanted.events), Some(events), "Accept: {accept}");
    }
    check(Some("text/event-stream;q=0"), None);
    check(Some("text/*"), None);
}

#[test]
fn an_answer_is_in_the_media_type_that_the_client_prefers() {
    check(None, Some(Media::Json));
    check(Some("*/*"), Some(Media::Json));
    check(Some("application/*"), Some(Media::Json));
    check(Some("application/json"), Some(Media::Json));
    check(Some("application/graphql-response+json"), Some(Media::Response));
    check(Some("application/graphql-response+json, application/json"), Some(Media::Response));
    check(Some("application/json, application/graphql-response+json"), Some(Media::Response));
    check(Some("application/graphql-response+json;q=0.5, application/json"), Some(Media::Json));
    check(Some("application/json, text/plain, */*"), Some(Media::Json));
    check(Some("application/graphql-response+json, */*;q=0.1"), Some(Media::Response));
    check(Some("APPLICATION/JSON; CHARSET=\"UTF-8\""), Some(Media::Json));
    check(Some("text/html, application/json;q=0.9, */*;q=0.8"), Some(Media::Json));
}

#[test]
fn a_client_that_reads_neither_media_type_is_told_so() {
    check(Some("text/html"), None);
    check(Some("image/*, text/*"), None);
    check(Some("application/json;q=0"), None);
    check(Some("application/json; charset=iso-8859-1"), None);
    check(Some("application/xml"), None);
    check(Some(""), None);
    check(Some("nonsense"), None);
}

#[test]
fn a_named_type_of_quality_zero_is_refused_even_under_a_wildcard() {
    check(Some("application/json;q=0, */*"), Some(Media::Response));
    check(Some("application/json;q=0, application/graphql-response+json;q=0, */*"), None);
}

#[test]
fn the_edition_of_2026_prefers_its_own_media_type() {
    let headers = HeaderMap::new();
    let wanted = negotiate(&headers, StatusProfile::Draft2026);
    assert_eq!(wanted, Some(Wanted { media: Media::Response, events: false }));
}

#[track_caller]
fn content_type(value: &str) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
    check_content_type(&headers)
}

#[test]
fn only_json_in_utf8_is_read() {
    for fine in [
        "application/json",
        "Application/JSON;charset=UTF-8",
        "application/json; charset=\"utf-8\"; x=y",
    ] {
        assert_eq!(content_type(fine), Ok(()), "{fine}");
    }
    for (wrong, part) in [
        ("text/plain", "`text/plain`"),
        ("application/x-www-form-urlencoded", "application/json"),
        ("multipart/form-data; boundary=x", "application/json"),
        ("application/json; charset=utf-16", "UTF-8"),
        ("application/jsonx", "application/json"),
    ] {
        let message = content_type(wrong).unwrap_err();
        assert!(message.contains(part), "{wrong}: {message}");
    }
    assert!(check_content_type(&HeaderMap::new()).unwrap_err().contains("no content type"));
}

#[test]
fn a_compressed_body_is_refused() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert!(check_content_type(&headers).unwrap_err().contains("gzip"));
}
