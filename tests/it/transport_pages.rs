//! Where the next page begins: five ways, and never a URL that an answer chose.

use std::sync::Arc;
use std::time::Duration;

use cyclorama::error::{BackendError, ErrorCode};
use cyclorama::graph::*;
use cyclorama::template::UrlTemplate;
use cyclorama::transport::{self, WireResponse};
use cyclorama::value::PageState;

use crate::transport::{Given, backend, call, get, path, rest};

fn pages(next: NextPage) -> Pages {
    Pages { next, carry: Vec::new(), more: None, size: None, max_pages: 10, total: None }
}

fn paged(pages: Pages) -> Call {
    Call { pages: Some(pages), ..get("/v1") }
}

fn next(call: &Call, given: &Given, body: &str) -> Result<Option<PageState>, BackendError> {
    next_with(call, given, body, &[])
}

fn next_with(
    call: &Call,
    given: &Given,
    body: &str,
    links: &[&str],
) -> Result<Option<PageState>, BackendError> {
    let links = links.iter().map(|link| ("link", *link));
    let headers = transport::fields(links.chain([("content-type", "application/json")]));
    let response = WireResponse { status: 200, headers, body: body.to_owned().into() };
    transport::decode(call, given.inputs(), response).map(|decoded| decoded.next)
}

fn state(pairs: &[(&str, &str)]) -> PageState {
    PageState(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
}

fn at(pairs: &[(&str, &str)], page_size: u32) -> Given {
    Given { page: Some(state(pairs)), page_size: Some(page_size), ..Given::default() }
}

fn size(max: u32) -> PageSize {
    PageSize { variable: Arc::from("limit"), min: 1, max }
}

// ---- cursors

#[test]
fn a_cursor_is_read_from_the_answer_until_it_is_null_or_missing() {
    let call =
        paged(pages(NextPage::Cursor(vec![(Arc::from("after"), path(".paging.next.after"))])));
    let given = Given::default();
    let one = next(&call, &given, r#"{"data":[],"paging":{"next":{"after":20}}}"#).unwrap();
    assert_eq!(one, Some(state(&[("after", "20")])));
    for last in [
        r#"{"data":[]}"#,
        r#"{"data":[],"paging":{"next":null}}"#,
        r#"{"data":[],"paging":{"next":{"after":""}}}"#,
    ] {
        assert_eq!(next(&call, &given, last).unwrap(), None);
    }
}

#[test]
fn a_cursor_may_be_the_last_record_and_more_says_when_to_stop() {
    let mut by_last =
        pages(NextPage::Cursor(vec![(Arc::from("starting_after"), path(".data[-1].id"))]));
    by_last.more = Some(path(".has_more"));
    let call = paged(by_last);
    let given = Given::default();
    let one = next(&call, &given, r#"{"data":[{"id":"a"},{"id":"b"}],"has_more":true}"#).unwrap();
    assert_eq!(one, Some(state(&[("starting_after", "b")])));
    assert_eq!(next(&call, &given, r#"{"data":[{"id":"b"}],"has_more":false}"#).unwrap(), None);
    let lost = next(&call, &given, r#"{"data":[],"has_more":true}"#).unwrap_err();
    assert_eq!(lost.code(), ErrorCode::BackendInvalidAnswer);
}

#[test]
fn a_cursor_that_leads_back_to_its_own_page_is_refused() {
    let call = paged(pages(NextPage::Cursor(vec![(Arc::from("after"), path(".after"))])));
    let error = next(&call, &at(&[("after", "x")], 10), r#"{"data":[],"after":"x"}"#).unwrap_err();
    assert_eq!(error.code(), ErrorCode::BackendInvalidAnswer);
}

// ---- numbers

#[test]
fn a_page_number_counts_up_until_a_short_page() {
    let mut by_page = pages(NextPage::Page { variable: Arc::from("page"), start: 1 });
    by_page.size = Some(size(50));
    let call = paged(by_page);
    let first = Given { page_size: Some(2), ..Given::default() };
    assert_eq!(next(&call, &first, r#"{"data":[1,2]}"#).unwrap(), Some(state(&[("page", "2")])));
    assert_eq!(
        next(&call, &at(&[("page", "2")], 2), r#"{"data":[1,2]}"#).unwrap(),
        Some(state(&[("page", "3")]))
    );
    assert_eq!(next(&call, &at(&[("page", "3")], 2), r#"{"data":[1]}"#).unwrap(), None);
    assert_eq!(next(&call, &at(&[("page", "3")], 2), r#"{"data":[]}"#).unwrap(), None);
    // The vendor's largest page is what a full page is measured by.
    assert_eq!(next(&call, &at(&[("page", "3")], 500), r#"{"data":[1,2]}"#).unwrap(), None);
}

#[test]
fn a_total_ends_a_list_also_on_a_full_page_and_not_on_a_short_one() {
    let mut by_page = pages(NextPage::Page { variable: Arc::from("page"), start: 1 });
    by_page.size = Some(size(2));
    by_page.total = Some(path(".total"));
    let call = paged(by_page);
    assert_eq!(
        next(&call, &at(&[("page", "2")], 2), r#"{"data":[1,2],"total":"4"}"#).unwrap(),
        None
    );
    assert!(
        next(&call, &at(&[("page", "2")], 2), r#"{"data":[1,2],"total":5}"#).unwrap().is_some()
    );
    let mut by_offset = pages(NextPage::Offset { variable: Arc::from("offset"), start: 0 });
    by_offset.total = Some(path(".total"));
    let call = paged(by_offset);
    // The server gave fewer than it was asked for, and says that there are more.
    let two =
        next(&call, &at(&[("offset", "100")], 100), r#"{"data":[1,2,3],"total":200}"#).unwrap();
    assert_eq!(two, Some(state(&[("offset", "103")])));
    assert_eq!(
        next(&call, &at(&[("offset", "197")], 100), r#"{"data":[1,2,3],"total":200}"#).unwrap(),
        None
    );
}

#[test]
fn more_decides_for_numbers_too_but_an_empty_page_is_the_last() {
    let mut by_offset = pages(NextPage::Offset { variable: Arc::from("from"), start: 1 });
    by_offset.more = Some(path(".next_page"));
    by_offset.size = Some(size(10));
    let call = paged(by_offset);
    let given = Given::default();
    assert_eq!(
        next(&call, &given, r#"{"data":[1,2],"next_page":"u"}"#).unwrap(),
        Some(state(&[("from", "3")]))
    );
    assert_eq!(next(&call, &given, r#"{"data":[1,2]}"#).unwrap(), None);
    assert_eq!(next(&call, &given, r#"{"data":[],"next_page":"u"}"#).unwrap(), None);
}

#[test]
fn a_number_without_size_or_total_goes_on_until_an_empty_page() {
    let call = paged(pages(NextPage::Page { variable: Arc::from("page"), start: 0 }));
    assert_eq!(
        next(&call, &Given::default(), r#"{"data":[1]}"#).unwrap(),
        Some(state(&[("page", "1")]))
    );
    assert_eq!(next(&call, &at(&[("page", "1")], 5), r#"{"data":[]}"#).unwrap(), None);
}

#[test]
fn what_is_carried_along_stays_until_the_answer_says_it_anew() {
    let mut by_page = pages(NextPage::Page { variable: Arc::from("page"), start: 1 });
    by_page.carry = vec![(Arc::from("search"), path(".search"))];
    let call = paged(by_page);
    let first = next(&call, &Given::default(), r#"{"data":[1],"search":"S"}"#).unwrap();
    assert_eq!(first, Some(state(&[("page", "2"), ("search", "S")])));
    let given = Given { page: first, ..Given::default() };
    assert_eq!(
        next(&call, &given, r#"{"data":[1]}"#).unwrap(),
        Some(state(&[("page", "3"), ("search", "S")]))
    );
    assert_eq!(
        next(&call, &given, r#"{"data":[1],"search":"T"}"#).unwrap(),
        Some(state(&[("page", "3"), ("search", "T")]))
    );
}

// ---- links

fn by_link(parameters: &[&str]) -> Call {
    let parameters = parameters.iter().map(|name| Arc::from(*name)).collect();
    paged(pages(NextPage::LinkHeader { relation: Arc::from("next"), parameters }))
}

#[test]
fn a_link_header_gives_its_declared_parameters_and_nothing_else() {
    let call = by_link(&["cursor", "limit"]);
    let given = Given::default();
    let link = r#"<https://evil.example/other?limit=5&token=t&cursor=a%20b%2Bc+d&cursor=second#f>; rel="next""#;
    let found = next_with(&call, &given, r#"{"data":[]}"#, &[link]).unwrap();
    assert_eq!(found, Some(state(&[("cursor", "a b+c d"), ("limit", "5")])));
}

#[test]
fn the_right_link_is_found_among_many_however_they_are_written() {
    let call = by_link(&["page"]);
    let body = r#"{"data":[]}"#;
    for (links, expected) in [
        (vec![r#"<?page=1>; rel="prev", <?page=3>; rel="next""#], Some("3")),
        (vec![r#"<?page=1>; rel="prev""#, "<?page=3>;rel=next"], Some("3")),
        (vec![r#"<?page=3>; title="a, <b>; rel=\"prev\""; REL = "last NEXT""#], Some("3")),
        (vec![r"<?page=3>  ;  rel  =  next , <?page=4>; rel=last"], Some("3")),
        (vec![r#"<?page=3;a,b>; foo; rel="next""#], Some("3;a,b")),
        (vec![r#"<?page=1>; rel="prev next-ish""#], None),
        (vec!["<?page=1>"], None),
        (vec!["garbage", "<unclosed; rel=next", ""], None),
        (vec![], None),
    ] {
        let found = next_with(&call, &Given::default(), body, &links).unwrap();
        assert_eq!(found, expected.map(|page| state(&[("page", page)])), "{links:?}");
    }
}

#[test]
fn a_link_without_the_declared_parameters_is_refused() {
    let error = next_with(
        &by_link(&["cursor"]),
        &Given::default(),
        r#"{"data":[]}"#,
        &["<?page=2>; rel=next"],
    )
    .unwrap_err();
    assert_eq!(error.code(), ErrorCode::BackendInvalidAnswer);
}

#[test]
fn a_link_in_the_body_is_read_like_one_in_a_header() {
    let call = paged(pages(NextPage::BodyLink {
        path: path(".next"),
        parameters: vec![Arc::from("page")],
        segment: None,
    }));
    let given = Given::default();
    let found =
        next(&call, &given, r#"{"data":[],"next":"http://127.0.0.1/x?query=q&page=2"}"#).unwrap();
    assert_eq!(found, Some(state(&[("page", "2")])));
    assert_eq!(next(&call, &given, r#"{"data":[],"next":null}"#).unwrap(), None);
}

#[test]
fn what_a_link_says_goes_into_the_calls_own_url() {
    let mut template = rest(Method::Get, "/v1/things{?cursor}");
    template.url = UrlTemplate::parse("/v1/things{?cursor}").unwrap();
    let mut call = call(RequestTemplate::Rest(template));
    call.pages = by_link(&["cursor"]).pages;
    let given = at(&[("cursor", "https://evil.example/?a=b&c=d")], 10);
    let request =
        transport::request(&backend("https://api.example/base"), &call, given.inputs()).unwrap();
    assert_eq!(
        request.url,
        "https://api.example/base/v1/things?cursor=https%3A%2F%2Fevil.example%2F%3Fa%3Db%26c%3Dd"
    );
}

// ---- freshness

#[test]
fn cache_control_says_how_long_an_answer_may_be_kept() {
    let age = |headers: &[(&str, &str)]| {
        let headers = transport::fields(headers.iter().copied());
        let response = WireResponse { status: 200, headers, body: "{}".to_owned().into() };
        transport::decode(&get("/v1"), Given::default().inputs(), response)
            .unwrap()
            .freshness
            .max_age
    };
    assert_eq!(age(&[]), None);
    assert_eq!(age(&[("cache-control", "private, max-age=60")]), Some(Duration::from_mins(1)));
    assert_eq!(
        age(&[("cache-control", "Max-Age=\"60\""), ("age", "25")]),
        Some(Duration::from_secs(35))
    );
    assert_eq!(age(&[("cache-control", "max-age=60, No-Store")]), Some(Duration::ZERO));
    assert_eq!(
        age(&[("cache-control", "max-age=60"), ("cache-control", "no-store")]),
        Some(Duration::ZERO)
    );
    let stale = age(&[("cache-control", "no-cache")]).unwrap();
    assert!(stale > Duration::ZERO && stale < Duration::from_secs(1));
    assert_eq!(age(&[("cache-control", "max-age=0")]), Some(stale));
}
