//! The query page: served from the binary, and used in a browser that can reach nobody else.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::needs;
use crate::site::{JsonBody as _, Setup, Site, json_of};

#[tokio::test]
async fn the_page_names_no_other_host_and_allows_none() {
    let site = Site::start().await;
    let response = site.client.get(site.url("/")).send().await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let html = response.text().await.unwrap();
    assert!(!html.contains("//"), "{html}");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    assert!(html.contains(&format!("nonce=\"{nonce}\"")), "{html}");

    let paths = html.split('"').filter(|text| text.starts_with("/page/"));
    for path in paths.collect::<Vec<_>>() {
        let response = site.client.get(site.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let content_type = response.headers()["content-type"].to_str().unwrap();
        let expected = match path.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(content_type, expected, "{path}");
    }
}

#[tokio::test]
async fn every_prepared_query_has_an_answer_in_the_demo() {
    let site = Site::start().await;
    let html = site.client.get(site.url("/")).send().await.unwrap().text().await.unwrap();
    let tabs =
        html.split("id=\"tabs\">").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
    let tabs: Vec<Value> = serde_json::from_str(tabs).unwrap();
    assert_eq!(tabs.len(), 6, "{tabs:#?}");
    for tab in tabs {
        let variables = match tab["variables"].as_str().unwrap() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap(),
        };
        let body = json!({ "query": tab["query"], "variables": variables });
        let answer = site.client.post(site.url("/graphql")).json_body(&body).send().await.unwrap();
        let answer = json_of(answer).await;
        assert!(answer.get("errors").is_none(), "{}: {answer:#}", tab["query"]);
        let first = answer["data"].as_object().and_then(|data| data.values().next());
        assert!(first.is_some_and(|value| !value.is_null()), "{}: {answer:#}", tab["query"]);
    }
}

#[tokio::test]
async fn each_answer_of_the_page_has_its_own_nonce() {
    let site = Site::start().await;
    let policy = async || {
        let response = site.client.get(site.url("/")).send().await.unwrap();
        response.headers()["content-security-policy"].clone()
    };
    assert_ne!(policy().await, policy().await);
}

#[tokio::test]
async fn who_opens_the_graphs_address_in_a_browser_comes_to_the_page_and_who_asks_it_something_does_not()
 {
    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let site = Site::start().await;
    let get = async |path: &str, accept: &str| {
        let asked = site.client.get(site.url(path)).header("accept", accept);
        let response = asked.send().await.unwrap();
        (
            response.status().as_u16(),
            response.headers()["content-type"].to_str().unwrap().to_owned(),
        )
    };
    assert_eq!(get("/graphql", BROWSER).await, (200, "text/html; charset=utf-8".to_owned()));
    let (status, content_type) = get("/graphql?query={__typename}", BROWSER).await;
    assert_eq!((status, content_type.contains("json")), (200, true));
    assert_eq!(get("/graphql", "application/json").await.0, 400, "a query is missing");
    let config = "graphiql: { enabled: false }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    let asked = site.client.get(site.url("/graphql")).header("accept", "text/html");
    assert_eq!(asked.send().await.unwrap().status(), 406);
}

#[tokio::test]
async fn a_page_that_is_switched_off_is_not_there() {
    let config = "graphiql: { enabled: false }\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    for path in ["/", "/page/start.js"] {
        assert_eq!(site.client.get(site.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_browser_that_reaches_nobody_else_runs_a_query_by_clicking() {
    if !needs::outside("a_browser_that_reaches_nobody_else_runs_a_query_by_clicking") {
        return;
    }
    let site = Site::start().await;
    let output = Command::new("node")
        .args(["tests/browser/graphiql.mjs", &site.url("/"), "--expect", "O'Neil"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
