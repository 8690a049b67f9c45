//! Whole answers are given again to who sends the same, and to nobody else, for as long as running the operation would give the same.
//!
//! Every query of these tests, and of all others that go through the same door, is answered again (if it may be) and run: both must
//! be the same bytes.

use std::sync::Arc;
use std::time::Duration;

use cyclorama::engine::Invalidation;
use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, codes, customer_id};

const MINE: &str = "query Mine($id: ID!) { customer(id: $id) { name tickets { subject } } }";

async fn mine(gateway: &Gateway, key: &str) -> (Value, bool) {
    asked(gateway, MINE, json!({ "id": customer_id(key) })).await
}

/// The answer, and whether it was there already.
async fn asked(gateway: &Gateway, query: &str, variables: Value) -> (Value, bool) {
    let before = gateway.given_again();
    let answer = gateway.query_with(query, variables).await;
    (answer, gateway.given_again() > before)
}

fn name(answer: &(Value, bool)) -> (&str, bool) {
    (answer.0["data"]["customer"]["name"].as_str().unwrap_or("none"), answer.1)
}

/// A gateway that has the answer.
async fn warm() -> Gateway {
    let gateway = Deployment::new().start();
    for is_again in [false, false, true, true] {
        assert_eq!(name(&mine(&gateway, "c1").await), ("Customer 1", is_again));
    }
    assert_eq!(gateway.calls().len(), 2, "the first time alone");
    gateway
}

#[tokio::test]
async fn the_third_time_an_answer_from_the_cache_is_at_hand_for_the_same_variables_alone() {
    let gateway = warm().await;
    assert_eq!(name(&mine(&gateway, "c2").await), ("Customer 2", false));
    assert_eq!(name(&mine(&gateway, "c1").await), ("Customer 1", true));
    let other = MINE.replace("name", "id: name");
    let (answer, is_again) = asked(&gateway, &other, json!({ "id": customer_id("c1") })).await;
    assert_eq!((answer["data"]["customer"]["id"].as_str(), is_again), (Some("Customer 1"), false));
}

#[tokio::test]
async fn nobody_else_is_given_it() {
    let gateway = warm().await;
    let header = (Arc::from("x-region"), Arc::from("north"));
    let claim = (Arc::from("team"), Arc::from("a"));
    let anonymous = Principal::anonymous();
    for other in [
        Principal { tenant: Arc::from("other"), ..anonymous.clone() },
        Principal { subject: Some(Arc::from("me")), ..anonymous.clone() },
        Principal { scopes: vec![Arc::from("audit")], ..anonymous.clone() },
        Principal { claims: vec![claim], ..anonymous.clone() },
        Principal { headers: vec![header], ..anonymous.clone() },
    ] {
        let other = gateway.as_caller(other);
        // the first time it is made for this caller, perhaps from what the cache has of others
        assert_eq!(name(&mine(&other, "c1").await), ("Customer 1", false));
        mine(&other, "c1").await;
        assert_eq!(name(&mine(&other, "c1").await), ("Customer 1", true));
    }
}

#[tokio::test]
async fn what_only_some_may_see_is_given_to_them_alone() {
    let gateway = Deployment::new().start();
    let query = format!("{{ customer(id: \"{}\") {{ secret }} }}", customer_id("c1"));
    let (scopes, subject) = (vec![Arc::from("audit")], Some(Arc::from("me")));
    let auditor = gateway.as_caller(Principal { scopes, subject, ..Principal::anonymous() });
    for _ in 0..3 {
        let (answer, _) = asked(&auditor, &query, json!({})).await;
        assert_eq!(codes(&answer), Vec::<&str>::new(), "{answer}");
        let (answer, is_again) = asked(&gateway, &query, json!({})).await;
        assert_eq!((codes(&answer), is_again), (vec!["UNAUTHORIZED_FIELD_OR_TYPE"], false));
    }
    assert!(asked(&auditor, &query, json!({})).await.1);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_time_of_whatever_it_was_made_from() {
    let gateway = warm().await;
    tokio::time::advance(Duration::from_secs(29)).await;
    assert!(mine(&gateway, "c1").await.1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(!mine(&gateway, "c1").await.1);
    assert_eq!(gateway.calls().len(), 2);
}

#[tokio::test]
async fn a_mutation_and_an_invalidation_end_it() {
    let gateway = warm().await;
    let id = customer_id("c1");
    let rename =
        format!("mutation {{ rename(input: {{ id: \"{id}\", name: \"New\" }}) {{ note }} }}");
    gateway.data(&rename).await;
    assert_eq!(name(&mine(&gateway, "c1").await), ("New", false));
    for _ in 0..3 {
        mine(&gateway, "c1").await;
    }
    assert_eq!(name(&mine(&gateway, "c1").await), ("New", true));
    gateway.calls();
    gateway.engine.invalidate(&[Invalidation::Role("support".to_owned())]).unwrap();
    assert_eq!(name(&mine(&gateway, "c1").await), ("New", false));
    assert_eq!(gateway.calls().len(), 1, "the rest is still good");
}

#[tokio::test]
async fn what_was_read_anew_meanwhile_ends_it() {
    let gateway = warm().await;
    let changed =
        json!({ "items": [{ "id": "c1", "name": "Meanwhile", "email": "c1@example.com" }] });
    gateway.world(|world| world.reply("crm POST /customers/batch", 200, &changed));
    // more of the customer is asked for: the entry is replaced
    let wider = format!("{{ customer(id: \"{}\") {{ tags }} }}", customer_id("c1"));
    gateway.data(&wider).await;
    assert_eq!(name(&mine(&gateway, "c1").await), ("Meanwhile", false));
}

#[tokio::test]
async fn what_tells_of_times_states_or_places_is_made_anew_each_time() {
    let gateway = Deployment::new().start();
    for fields in
        ["sourceStatus { state ageSeconds }", "invoices { nodes { number } }", "__typename tags"]
    {
        let query = format!("{{ customer(id: \"{}\") {{ {fields} }} }}", customer_id("c1"));
        for _ in 0..3 {
            asked(&gateway, &query, json!({})).await;
        }
        let is_lasting = fields == "__typename tags";
        assert_eq!(asked(&gateway, &query, json!({})).await.1, is_lasting, "{fields}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_found_as_soon_as_a_run_would_find_it() {
    let gateway = Deployment::new().start();
    let nobody = json!({ "items": [] });
    gateway.world(|world| world.reply("crm POST /customers/batch", 200, &nobody));
    for is_again in [false, false, true] {
        assert_eq!(name(&mine(&gateway, "c1").await), ("none", is_again));
    }
    gateway.world(|world| world.replies.clear());
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(name(&mine(&gateway, "c1").await), ("Customer 1", false));
}

#[tokio::test(start_paused = true)]
async fn what_is_past_its_time_is_never_given_again() {
    let stale = "deadline: 10s\ncache: { stale_while_revalidate: 10m }";
    let gateway = Deployment::new().change("cyclorama.yaml", "deadline: 10s", stale).start();
    mine(&gateway, "c1").await;
    tokio::time::advance(Duration::from_secs(31)).await;
    gateway.world(|world| world.pauses.insert("crm".to_owned(), Duration::from_secs(9)));
    // given out past its time, and read anew meanwhile
    for _ in 0..3 {
        assert_eq!(name(&mine(&gateway, "c1").await), ("Customer 1", false));
    }
}

#[tokio::test]
async fn variables_of_skip_and_include_are_other_requests() {
    let gateway = Deployment::new().start();
    let query = "query($id: ID!, $yes: Boolean!) { customer(id: $id) { name @include(if: $yes) tags @skip(if: $yes) } }";
    for _ in 0..3 {
        for yes in [true, false] {
            let variables = json!({ "id": customer_id("c1"), "yes": yes });
            let (answer, _) = asked(&gateway, query, variables).await;
            let customer = &answer["data"]["customer"];
            assert_eq!((customer["name"].is_string(), customer["tags"].is_array()), (yes, !yes));
        }
    }
    assert_eq!(gateway.given_again(), 2);
}

#[tokio::test]
async fn an_answer_with_errors_is_never_given_again() {
    let gateway = warm().await;
    gateway.world(|world| world.reply("support", 500, &json!({})));
    gateway.engine.invalidate(&[Invalidation::Role("support".to_owned())]).unwrap();
    for _ in 0..3 {
        let (answer, is_again) = mine(&gateway, "c1").await;
        assert_eq!((codes(&answer).is_empty(), is_again), (false, false), "{answer}");
    }
}

#[tokio::test]
async fn a_long_answer_or_one_of_many_look_ups_is_made_anew() {
    let gateway = Deployment::new().start();
    let query = "query($ids: [ID!]!) { customersByIds(ids: $ids) { name } }";
    for (count, is_lasting) in [(8, true), (9, false)] {
        let ids: Vec<String> = (1..=count).map(|n| customer_id(&format!("c{n}"))).collect();
        for _ in 0..3 {
            asked(&gateway, query, json!({ "ids": ids })).await;
        }
        let (answer, is_again) = asked(&gateway, query, json!({ "ids": ids })).await;
        assert_eq!(is_again, is_lasting, "{count}: {answer}");
    }
    let long = MINE.to_owned() + &" ".repeat(4_096);
    for _ in 0..4 {
        assert!(!asked(&gateway, &long, json!({ "id": customer_id("c1") })).await.1);
    }
}

#[tokio::test]
async fn where_nothing_is_kept_nothing_is_given_again() {
    let off = "deadline: 10s\ncache: { enabled: false }";
    let gateway = Deployment::new().change("cyclorama.yaml", "deadline: 10s", off).start();
    for _ in 0..4 {
        assert!(!mine(&gateway, "c1").await.1);
    }
    assert_eq!(gateway.calls().len(), 8);
}

#[tokio::test]
async fn what_is_over_a_limit_of_cost_runs_each_time_so_that_the_log_is_told() {
    let measured = "deadline: 10s\ncost: { mode: measure, limit: 1 }";
    let gateway = Deployment::new().change("cyclorama.yaml", "deadline: 10s", measured).start();
    for _ in 0..4 {
        assert!(!mine(&gateway, "c1").await.1);
    }
}

#[tokio::test]
async fn many_callers_do_not_hold_more_than_there_is_room_for() {
    let small = "deadline: 10s\ncache: { size: 256KiB }";
    let gateway = Deployment::new().change("cyclorama.yaml", "deadline: 10s", small).start();
    // four places
    let callers: Vec<Gateway> = (0..12)
        .map(|number| {
            let tenant = Arc::from(format!("t{number}"));
            gateway.as_caller(Principal { tenant, ..Principal::anonymous() })
        })
        .collect();
    for _ in 0..2 {
        for caller in &callers {
            mine(caller, "c1").await;
        }
    }
    // the last one first: it has its place, whoever else had to leave theirs
    let mut again = 0;
    for caller in callers.iter().rev() {
        again += u32::from(mine(caller, "c1").await.1);
    }
    assert!((1..=4).contains(&again), "{again}");
}

#[tokio::test]
async fn it_counts_as_an_operation_that_ran() {
    let gateway = warm().await;
    let mut out = cyclorama::telemetry::exposition::Exposition::default();
    gateway.engine.expose(&mut out);
    let text = out.to_text();
    // four were run, and two of them were given again besides
    let ran = "cyclorama_graphql_operations_total{type=\"query\",outcome=\"data\"} 6\n";
    assert!(text.contains(ran), "{text}");
    assert!(text.contains("cyclorama_graphql_given_again_total 2\n"), "{text}");
    assert!(text.contains("cyclorama_graphql_operation_cost_count{type=\"query\"} 6\n"), "{text}");
}
