//! SIGTERM: nothing that runs is lost, nothing new is taken, and whoever sends requests is told first.

use futures_util::future::join_all;
use serde_json::json;

use crate::http_socket::Client;
use crate::program::{Backend, Served, customer_query, deployment};

#[tokio::test]
async fn a_hundred_slow_requests_are_answered_after_sigterm_and_the_process_ends_well() {
    let mut backend = Backend::start().await;
    let folder = deployment("drained", &backend, "http: { grace: 60s }\n");
    let config = std::fs::read_to_string(folder.path("cyclorama.yaml")).unwrap();
    folder
        .write("cyclorama.yaml", &config.replace("vendor: acme", "vendor: acme, concurrency: 200"));
    let mut served = Served::start(&folder.path("cyclorama.yaml")).await;
    let mut idle = Client::ready_at(served.address, &[]).await;
    let mut busy = Client::ready_at(served.address, &[]).await;
    backend.hold();
    let url = format!("http://{}/graphql", served.address);
    let requests = (0..100).map(|number| {
        let body = json!({ "query": customer_query(&number.to_string()) }).to_string();
        served.client.post(&url).header("content-type", "application/json").body(body).send()
    });
    let answers = tokio::spawn(join_all(requests.collect::<Vec<_>>()));
    busy.send(
        json!({ "id": "1", "type": "subscribe", "payload": { "query": customer_query("0") } }),
    )
    .await;
    // the answer to a ping says that what came before it was read
    busy.send(json!({ "type": "ping" })).await;
    assert_eq!(busy.next().await["type"], "pong");
    backend.asked_times(100).await;
    served.signal("-TERM");
    served.logged("stopping: no new connections, running requests finish").await;
    while tokio::net::TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(idle.close_code().await, 1001);
    backend.open();
    for (number, answer) in answers.await.unwrap().into_iter().enumerate() {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        assert_eq!(text, format!(r#"{{"data":{{"customer":{{"name":"Customer {number}"}}}}}}"#));
    }
    assert_eq!(busy.next().await["payload"]["data"]["customer"]["name"], "Customer 0");
    assert_eq!(busy.close_code().await, 1001);
    let (code, log) = served.ended().await;
    assert_eq!(code, Some(0), "{log:#?}");
}

#[tokio::test]
async fn readiness_ends_before_connections_are_refused_where_notice_is_given() {
    let backend = Backend::start().await;
    let folder = deployment("noticed", &backend, "http: { notice: 1h }\n");
    let mut served = Served::start(&folder.path("cyclorama.yaml")).await;
    assert_eq!(served.get("/readyz").await, (200, "ready\n".to_owned()));
    served.signal("-TERM");
    served.logged("stopping soon: /readyz says so, and connections are still taken").await;
    assert_eq!(served.get("/readyz").await, (503, "stopping\n".to_owned()));
    assert_eq!(served.get("/livez").await.0, 200);
    let answer = served.query(&customer_query("a")).await;
    assert_eq!(answer["data"]["customer"]["name"], "Customer a");
    // who does not want to wait says it twice
    served.signal("-TERM");
    assert_eq!(served.ended().await.0, Some(0));
}
