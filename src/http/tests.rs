use std::convert::Infallible;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::observe::Observer;
use super::*;

async fn served(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let edge = edge::Edge::of_routes(routes, Observer::default());
    let service = tower::service_fn(move |request| {
        let edge = Arc::clone(&edge);
        async move { Ok::<_, Infallible>(edge.pass(request, None).await) }
    });
    tokio::spawn(axum::serve(listener, tower::make::Shared::new(service)).into_future());
    format!("http://{address}/")
}

async fn panics() -> &'static str {
    panic!("ada@example.com")
}

#[tokio::test]
async fn a_panic_is_an_internal_error_whose_text_stays_inside() {
    let url = served(Router::new().route("/", get(panics))).await;
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert!(answer.headers().contains_key("x-request-id"));
    let body = answer.text().await.unwrap();
    assert!(body.contains(r#""code":"INTERNAL""#), "{body}");
    assert!(!body.contains("ada@example.com"), "{body}");
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_it() {
    let url = served(Router::new().route("/", get(async || "ok"))).await;
    let answer = reqwest::get(url).await.unwrap();
    let header =
        |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    assert_eq!(header("x-frame-options").as_deref(), Some("DENY"));
    assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(header("cross-origin-resource-policy").as_deref(), Some("same-origin"));
    assert_eq!(
        header("content-security-policy").as_deref(),
        Some("default-src 'none'; frame-ancestors 'none'")
    );
    assert_eq!(header("access-control-allow-origin"), None);
}

/// It is moved several times on its way through the server: what is large in it stands in boxes.
#[tokio::test]
async fn what_is_under_way_for_a_request_is_small() {
    let edge = edge::Edge::of_routes(Router::new(), Observer::default());
    let passing = edge.pass(axum::extract::Request::default(), None);
    let bytes = size_of_val(&passing);
    assert!(bytes <= 4096, "{bytes} bytes");
    assert_eq!(passing.await.status(), 404);
}
