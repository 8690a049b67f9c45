//! The URL of a request: the backend's own, and below it what no value can change.

use std::sync::Arc;

use cyclorama::graph::*;
use cyclorama::template::Expression;
use cyclorama::transport;
use proptest::prelude::*;

use crate::transport::{Given, backend, call, rest};

/// The URL that a call with the one key is sent to.
fn url(base: &str, template: &str, auth: Auth, key: &str) -> Option<String> {
    let mut template = rest(Method::Get, template);
    template.variables = vec![(Arc::from("q"), Expression::Key { part: None })];
    let call = call(RequestTemplate::Rest(template));
    let backend = Backend { auth, ..backend(base) };
    transport::request(&backend, &call, Given::keys(&[key]).inputs())
        .ok()
        .map(|request| request.url)
}

#[test]
fn a_template_goes_below_the_backends_url_with_its_path_and_query() {
    let secret = || Auth::Query { name: Arc::from("api key"), value: Arc::from("a&b") };
    for (base, template, auth, expected) in [
        ("https://api.example", "/v1", Auth::None, "https://api.example/v1"),
        ("https://api.example/", "/v1", Auth::None, "https://api.example/v1"),
        (
            "https://api.example:8443/base/",
            "/v1{?q}",
            Auth::None,
            "https://api.example:8443/base/v1?q=k",
        ),
        ("https://api.example/base", "", Auth::None, "https://api.example/base"),
        ("https://api.example", "{?q}", Auth::None, "https://api.example?q=k"),
        (
            "https://api.example/base?tenant=1",
            "/v1",
            Auth::None,
            "https://api.example/base/v1?tenant=1",
        ),
        (
            "https://api.example/base?tenant=1",
            "/v1{?q}",
            Auth::None,
            "https://api.example/base/v1?tenant=1&q=k",
        ),
        ("https://api.example", "/v1{?q}", secret(), "https://api.example/v1?q=k&api%20key=a%26b"),
        ("https://api.example", "/v1", secret(), "https://api.example/v1?api%20key=a%26b"),
    ] {
        assert_eq!(url(base, template, auth, "k").as_deref(), Some(expected));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_changes_the_segments_or_the_origin(value in any::<String>(), odd in "[./%2eE\\\\;?#@:a]{0,12}") {
        for value in [value, odd] {
            let base = "https://api.example:8443/base";
            let Some(url) = url(base, "/v1/customers/{key}/invoices{?q}", Auth::None, &value) else { continue };
            let parsed = reqwest::Url::parse(&url).unwrap();
            prop_assert_eq!(parsed.origin().ascii_serialization(), "https://api.example:8443");
            let segments: Vec<_> = parsed.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 5, "{}", parsed);
            prop_assert_eq!((segments[0], segments[1], segments[2], segments[4]), ("base", "v1", "customers", "invoices"));
            let pairs: Vec<_> = parsed.query_pairs().collect();
            prop_assert_eq!(pairs.len(), 1);
            prop_assert_eq!(&*pairs[0].1, value.as_str());
            prop_assert!(parsed.fragment().is_none());
            prop_assert!(parsed.username().is_empty());
            // what the program sends by reads it in the same way
            let uri = hyper::Uri::try_from(&*url).unwrap();
            prop_assert_eq!(uri.scheme_str(), Some("https"));
            prop_assert_eq!(uri.authority().map(axum::http::uri::Authority::as_str), Some("api.example:8443"));
            prop_assert_eq!((uri.path(), uri.query()), (parsed.path(), parsed.query()));
        }
    }
}
