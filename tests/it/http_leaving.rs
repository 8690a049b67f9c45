//! Clients that leave: what nobody waits for any more ends at once, however they spoke; what somebody waits for goes on.

use cyclorama::engine::figures::Outcome;
use reqwest::Version;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::http_life::{ONE_CUSTOMER, head, silent_crm};
use crate::http_socket::{Client, subscribe};
use crate::site::{JsonBody as _, Site};

async fn start() -> (TcpListener, Site) {
    let (crm, setup) = silent_crm().await;
    (crm, Site::with(setup).await)
}

/// A call that has come, and is not answered.
async fn called(crm: &TcpListener) -> TcpStream {
    let (mut call, _) = crm.accept().await.unwrap();
    assert!(head(&mut call).await.starts_with("POST /crm/"));
    call
}

/// Requests to the CRM: all of them, and those that were given up. None ended because its time was over.
fn attempts(site: &Site) -> (u64, u64) {
    let figures = site.gateway.engine().backends();
    let crm = figures.iter().find(|one| &*one.role == "crm").unwrap();
    let count = |wanted| crm.outcomes.iter().find(|(outcome, _)| *outcome == wanted).unwrap().1;
    assert_eq!(count(Outcome::TimedOut), 0);
    (crm.attempts, count(Outcome::GivenUp))
}

/// Ready when the other side of a call has gone, because the call was given up.
async fn given_up(site: &Site, mut call: TcpStream) {
    let before = attempts(site);
    let mut rest = Vec::new();
    call.read_to_end(&mut rest).await.unwrap_or_default();
    let (all, given_up) = attempts(site);
    assert_eq!((all, given_up), (before.0, all), "{before:?}");
}

/// Ready when so many operations run.
async fn running(site: &Site, wanted: usize) {
    while site.gateway.operations().running != wanted {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_its_socket_or_completes_an_operation_takes_its_calls_with_it() {
    let (crm, site) = start().await;
    let mut client = Client::ready_at(site.address, &[]).await;
    client.send(subscribe("1", ONE_CUSTOMER)).await;
    let call = called(&crm).await;
    client.send(json!({ "type": "complete", "id": "1" })).await;
    given_up(&site, call).await;
    client.send(subscribe("2", ONE_CUSTOMER)).await;
    let call = called(&crm).await;
    drop(client);
    given_up(&site, call).await;
    assert_eq!(attempts(&site), (2, 2));
}

#[tokio::test]
async fn a_request_that_is_reset_over_http_2_takes_its_calls_with_it_and_the_connection_stays() {
    let (crm, site) = start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let ask = |query: &str| client.post(site.url("/graphql")).json_body(&json!({ "query": query }));
    // the connection is there, and stays in use
    assert_eq!(ask("{ __typename }").send().await.unwrap().version(), Version::HTTP_2);
    let request = tokio::spawn(ask(ONE_CUSTOMER).send());
    let call = called(&crm).await;
    let other = tokio::spawn(ask(&ONE_CUSTOMER.replace("ada@", "bob@")).send());
    let mut other_call = called(&crm).await;
    request.abort();
    given_up_beside(&site, call).await;
    answer(&mut other_call).await;
    assert_eq!(other.await.unwrap().unwrap().status(), 200);
    assert_eq!(attempts(&site), (2, 1));
}

/// The same while another call goes on.
async fn given_up_beside(site: &Site, mut call: TcpStream) {
    let mut rest = Vec::new();
    call.read_to_end(&mut rest).await.unwrap_or_default();
    assert_eq!(attempts(site).1, 1);
}

async fn answer(call: &mut TcpStream) {
    let body = r#"{"results":[]}"#;
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    call.write_all(answer.as_bytes()).await.unwrap();
}

/// Two clients that ask the same, and the one call that is made for both.
async fn both(crm: &TcpListener, site: &Site, query: &str) -> ([Client; 2], TcpStream) {
    let mut first = Client::ready_at(site.address, &[]).await;
    let mut second = Client::ready_at(site.address, &[]).await;
    first.send(subscribe("1", query)).await;
    let call = called(crm).await;
    second.send(subscribe("1", query)).await;
    second.heard().await;
    running(site, 2).await;
    ([first, second], call)
}

#[tokio::test]
async fn a_call_that_several_wait_for_goes_on_without_the_first_of_them_and_ends_with_the_last() {
    let (crm, site) = start().await;
    let ([first, mut second], mut call) = both(&crm, &site, ONE_CUSTOMER).await;
    drop(first);
    running(&site, 1).await;
    assert_eq!(attempts(&site), (1, 0));
    answer(&mut call).await;
    let next: Value = second.next().await;
    assert_eq!(next["payload"]["data"], json!({ "customerByEmail": null }), "{next}");
    drop((second, call));
    running(&site, 0).await;
    let other = ONE_CUSTOMER.replace("ada@", "bob@");
    let ([first, second], call) = both(&crm, &site, &other).await;
    drop(first);
    running(&site, 1).await;
    assert_eq!(attempts(&site), (2, 0));
    drop(second);
    let mut call = call;
    let mut rest = Vec::new();
    call.read_to_end(&mut rest).await.unwrap_or_default();
    assert_eq!(attempts(&site), (2, 1));
}
