//! Known operations: automatic persisted queries and trusted documents, on every way in.

use cyclorama::engine::{PlanCounts, Request};
use cyclorama::operation::hash;
use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::site::{JsonBody as _, Setup, Site, json_of};
use crate::testkit::{Deployment, customer_id};

const PAGE: &str = "{ customers(first: 2) { nodes { displayName } } }";

async fn trusting(mode: &str, documents: &str, files: Vec<(&'static str, String)>) -> Site {
    let config = format!("known_operations: {{ documents: {documents}, mode: {mode} }}\n");
    Site::with(Setup { config, files, ..Setup::default() }).await
}

fn manifest() -> Vec<(&'static str, String)> {
    vec![("trusted.json", json!({ "page": PAGE }).to_string())]
}

async fn post(site: &Site, body: Value) -> Value {
    json_of(site.client.post(site.url("/graphql")).json_body(&body).send().await.unwrap()).await
}

fn code(answer: &Value) -> &str {
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    code.unwrap_or(if answer["data"].is_object() { "-" } else { "?" })
}

fn persisted(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

#[tokio::test]
async fn a_hash_is_answered_after_its_text_was_sent_once_by_post_and_by_get() {
    let site = Site::start().await;
    let hash = hash(PAGE);
    let by_hash = json!({ "extensions": persisted(&hash) });
    let answer = post(&site, by_hash.clone()).await;
    assert_eq!(code(&answer), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(answer["errors"][0]["message"], "PersistedQueryNotFound");
    let wrong = json!({ "query": "{ __typename }", "extensions": persisted(&hash) });
    let answer = post(&site, wrong).await;
    assert_eq!(code(&answer), "PERSISTED_QUERY_HASH_MISMATCH");
    assert_eq!(answer["errors"][0]["message"], "provided sha does not match query");
    assert_eq!(code(&post(&site, by_hash.clone()).await), "PERSISTED_QUERY_NOT_FOUND");
    let first = post(&site, json!({ "query": PAGE, "extensions": persisted(&hash) })).await;
    assert_eq!(code(&first), "-");
    assert_eq!(post(&site, by_hash).await, first);
    let extensions = persisted(&hash).to_string();
    let url = reqwest::Url::parse_with_params(&site.url("/graphql"), [("extensions", extensions)]);
    let answer = site.client.get(url.unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(json_of(answer).await, first);
}

#[tokio::test]
async fn a_document_that_is_refused_is_not_kept() {
    let site = Site::start().await;
    for (text, refused) in [
        ("{ nothing }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        (format!("{{ a{} }}", " b".repeat(5000)), "TOKENS_LIMIT"),
    ] {
        let extensions = persisted(&hash(&text));
        let answer = post(&site, json!({ "query": text, "extensions": extensions })).await;
        assert_eq!(code(&answer), refused);
        let answer = post(&site, json!({ "extensions": extensions })).await;
        assert_eq!(code(&answer), "PERSISTED_QUERY_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_known_mutation_is_not_run_by_get() {
    let site = Site::start().await;
    let text = "mutation($input: AddTicketCommentInput!) { addTicketComment(input: $input) { __typename } }";
    let url = reqwest::Url::parse_with_params(
        &site.url("/graphql"),
        [("query", text), ("extensions", &persisted(&hash(text)).to_string())],
    );
    let answer = site.client.get(url.unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn trusted_documents_run_by_any_of_the_usual_fields() {
    let site = trusting("ids", "trusted.json", manifest()).await;
    for body in [
        json!({ "id": "page" }),
        json!({ "doc_id": "page" }),
        json!({ "documentId": "page" }),
        json!({ "documentId": "page", "query": "" }),
        json!({ "extensions": persisted("page") }),
    ] {
        assert_eq!(code(&post(&site, body.clone()).await), "-", "{body}");
    }
    let answer = site.client.get(site.url("/graphql?documentId=page")).send().await.unwrap();
    assert_eq!(code(&json_of(answer).await), "-");
    for (body, refused) in [
        (json!({ "query": PAGE }), "PERSISTED_QUERY_ID_REQUIRED"),
        (json!({ "id": "other" }), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "id": "page", "query": "{ __typename }" }), "PERSISTED_QUERY_HASH_MISMATCH"),
        (
            json!({ "query": PAGE, "extensions": persisted(&hash(PAGE)) }),
            "PERSISTED_QUERY_ID_REQUIRED",
        ),
    ] {
        assert_eq!(code(&post(&site, body.clone()).await), refused, "{body}");
    }
}

#[tokio::test]
async fn a_safelist_compares_texts_byte_by_byte() {
    let site = trusting("safelist", "trusted.json", manifest()).await;
    for (text, expected) in [
        (PAGE.to_owned(), "-"),
        (format!("{PAGE} "), "QUERY_NOT_IN_SAFELIST"),
        ("{ __typename }".to_owned(), "QUERY_NOT_IN_SAFELIST"),
        ("{ __schema { queryType { name } } }".to_owned(), "QUERY_NOT_IN_SAFELIST"),
    ] {
        assert_eq!(code(&post(&site, json!({ "query": text })).await), expected, "{text}");
    }
}

#[tokio::test]
async fn a_folder_of_documents_gives_ids_by_hash_and_by_path() {
    let two = "query A { __typename } query B { b: __typename }".to_owned();
    let files = vec![("ops/page.graphql", PAGE.to_owned()), ("ops/deep/two.graphql", two.clone())];
    let site = trusting("ids", "ops", files).await;
    for id in ["page".to_owned(), hash(PAGE), format!("sha256:{}", hash(PAGE))] {
        assert_eq!(code(&post(&site, json!({ "documentId": id })).await), "-", "{id}");
    }
    let answer = post(&site, json!({ "id": "deep/two", "operationName": "B" })).await;
    assert_eq!(answer["data"], json!({ "b": "Query" }));
    assert_eq!(
        code(&post(&site, json!({ "id": hash(&two) })).await),
        "OPERATION_RESOLUTION_FAILURE"
    );
}

#[tokio::test]
async fn what_is_known_by_its_id_is_neither_parsed_nor_hashed_again() {
    let text = "query($id: ID!) { customer(id: $id) { name } }";
    let gateway = Deployment::new().start();
    let ask = async |query: &str| {
        let request = Request {
            query: query.to_owned(),
            variables: json!({ "id": customer_id("c1") }).as_object().unwrap().clone(),
            extensions: json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(text) } })
                .as_object()
                .unwrap()
                .clone(),
            ..Request::default()
        };
        gateway.engine.execute(request, &Principal::anonymous()).await
    };
    let first = ask(text).await;
    assert_eq!(gateway.engine.plan_counts(), PlanCounts { hashed: 0, made: 1 });
    for _ in 0..10 {
        assert_eq!(ask("").await.body, first.body);
    }
    assert_eq!(gateway.engine.plan_counts(), PlanCounts { hashed: 0, made: 1 });
    gateway.query("{ __typename }").await;
    gateway.query("{ __typename }").await;
    assert_eq!(gateway.engine.plan_counts(), PlanCounts { hashed: 2, made: 2 });
}

#[tokio::test]
async fn production_names_nothing_and_serves_no_page() {
    let misspelled = json!({ "query": "{ customers(first: 1) { nodes { displayNam } } }" });
    let schema = json!({ "query": "{ __schema { queryType { name } } }" });
    let own =
        "profile: production\nsuggestions: { enabled: true }\nintrospection: { enabled: true }\n";
    for (config, is_open) in
        [("profile: development\n", true), ("profile: production\n", false), (own, true)]
    {
        let site = Site::with(Setup { config: config.to_owned(), ..Setup::default() }).await;
        let answer = post(&site, misspelled.clone()).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert_eq!(message.contains("displayName"), is_open, "{message}");
        assert_eq!(code(&post(&site, schema.clone()).await) == "-", is_open, "{config}");
        let page = site.client.get(site.url("/")).send().await.unwrap().status();
        assert_eq!(page == 200, config == "profile: development\n", "{config}");
    }
}

#[tokio::test]
async fn a_subselection_that_is_missing_names_nothing_in_production() {
    let config = "profile: production\n".to_owned();
    let site = Site::with(Setup { config, ..Setup::default() }).await;
    let answer = post(&site, json!({ "query": "{ customers(first: 1) }" })).await;
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(!message.contains("Did you mean") && message.ends_with('.'), "{message}");
}
