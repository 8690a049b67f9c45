//! What may be shared is shared, what may not never is, and what a mutation made stale is not seen again.

use std::sync::Arc;
use std::time::Duration;

use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, customer_id};

fn customer(fields: &str) -> String {
    format!("{{ customer(id: \"{}\") {{ {fields} }} }}", customer_id("c1"))
}

fn caller(tenant: &str, region: &str) -> Principal {
    Principal {
        tenant: Arc::from(tenant),
        headers: vec![(Arc::from("x-region"), Arc::from(region))],
        ..Principal::anonymous()
    }
}

async fn count(gateway: &Gateway, query: &str) -> usize {
    gateway.data(query).await;
    gateway.calls().len()
}

#[tokio::test]
async fn a_second_read_within_its_time_makes_no_call() {
    let gateway = Deployment::new().start();
    assert_eq!(count(&gateway, &customer("name")).await, 1);
    assert_eq!(count(&gateway, &customer("name")).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_entry_ends_with_its_time() {
    let gateway = Deployment::new().start();
    assert_eq!(count(&gateway, &customer("name")).await, 1);
    tokio::time::advance(Duration::from_secs(29)).await;
    assert_eq!(count(&gateway, &customer("name")).await, 0);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(count(&gateway, &customer("name")).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_backend_does_not_know_is_remembered_for_a_short_time() {
    let gateway = Deployment::new().start();
    let query = format!("{{ customer(id: \"{}\") {{ name }} }}", customer_id("nobody"));
    assert_eq!(count(&gateway, &query).await, 1);
    assert_eq!(count(&gateway, &query).await, 0);
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(count(&gateway, &query).await, 1);
}

#[tokio::test]
async fn a_hit_needs_all_wanted_slots_and_a_miss_asks_for_the_union() {
    let gateway = Deployment::new().start();
    gateway.data(&customer("name")).await;
    assert_eq!(gateway.calls()[0].body["fields"], json!(["id", "name"]));
    gateway.data(&customer("email")).await;
    assert_eq!(gateway.calls()[0].body["fields"], json!(["email", "id", "name"]));
    assert_eq!(count(&gateway, &customer("name email")).await, 0);
}

#[tokio::test]
async fn no_store_of_the_backend_always_wins() {
    let gateway = Deployment::new().start();
    gateway.world(|world| {
        world.reply(
            "crm POST /customers/batch",
            200,
            &json!({ "items": [{ "id": "c1", "name": "Customer 1" }] }),
        );
        if let Some(Ok(reply)) = world.replies.get_mut("crm POST /customers/batch") {
            reply.headers.push(("cache-control".into(), "no-store".into()));
        }
    });
    assert_eq!(count(&gateway, &customer("name")).await, 1);
    assert_eq!(count(&gateway, &customer("name")).await, 1);
}

#[tokio::test]
async fn a_list_fills_the_by_id_loads_that_it_declares() {
    let gateway = Deployment::new().start();
    gateway.data("{ customers(first: 3) { nodes { name } } }").await;
    gateway.calls();
    assert_eq!(count(&gateway, &customer("name")).await, 0);
}

#[tokio::test]
async fn two_tenants_never_share_an_entry() {
    let gateway = Deployment::new().start();
    let (one, other) =
        (gateway.as_caller(caller("one", "x")), gateway.as_caller(caller("other", "x")));
    assert_eq!(count(&one, &customer("name")).await, 1);
    assert_eq!(count(&other, &customer("name")).await, 1);
    assert_eq!(count(&one, &customer("name")).await, 0);
}

#[tokio::test]
async fn two_tenants_never_share_a_flight() {
    let gateway = Deployment::new().start();
    let (one, other) =
        (gateway.as_caller(caller("one", "x")), gateway.as_caller(caller("other", "x")));
    let query = customer("name");
    tokio::join!(one.query(&query), one.query(&query), other.query(&query));
    assert_eq!(gateway.calls().len(), 2);
}

#[tokio::test]
async fn callers_whose_forwarded_headers_differ_never_share() {
    let gateway = Deployment::new().start();
    let (east, west) =
        (gateway.as_caller(caller("", "east")), gateway.as_caller(caller("", "west")));
    let query = "{ weather(place: \"here\") }";
    let (one, other) = tokio::join!(east.query(query), west.query(query));
    assert_eq!(one["data"]["weather"], "here in east");
    assert_eq!(other["data"]["weather"], "here in west");
    assert_eq!(gateway.calls().len(), 2);
    assert_eq!(west.data(query).await["weather"], "here in west");
    assert_eq!(gateway.calls().len(), 0);
}

#[tokio::test]
async fn callers_whose_claims_differ_never_share_a_call_that_reads_them() {
    let gateway = Deployment::new()
        .change("resolvers/crm/test.yaml", "{header.x-region}", "{claims.region}")
        .start();
    let claiming = |region: &str| Principal {
        claims: vec![(Arc::from("region"), Arc::from(region))],
        ..Principal::anonymous()
    };
    let (east, west) = (gateway.as_caller(claiming("east")), gateway.as_caller(claiming("west")));
    let query = "{ weather(place: \"here\") }";
    let (one, other, again) = tokio::join!(east.query(query), west.query(query), east.query(query));
    assert_eq!(one["data"]["weather"], "here in east");
    assert_eq!(other["data"]["weather"], "here in west");
    assert_eq!(again, one);
    assert_eq!(gateway.calls().len(), 2);
}

#[tokio::test]
async fn a_call_that_does_not_read_a_header_is_shared_by_callers_whose_headers_differ() {
    let gateway = Deployment::new().start();
    let (east, west) =
        (gateway.as_caller(caller("", "east")), gateway.as_caller(caller("", "west")));
    assert_eq!(count(&east, &customer("name")).await, 1);
    assert_eq!(count(&west, &customer("name")).await, 0);
}

#[tokio::test]
async fn different_arguments_are_different_entries() {
    let gateway = Deployment::new().start();
    assert_eq!(gateway.data("{ weather(place: \"a\") }").await["weather"], "a in nowhere");
    assert_eq!(gateway.data("{ weather(place: \"b\") }").await["weather"], "b in nowhere");
    assert_eq!(gateway.data("{ weather }").await["weather"], "anywhere in nowhere");
    assert_eq!(gateway.calls().len(), 3);
}

#[tokio::test]
async fn a_cache_that_is_off_keeps_nothing_and_one_operation_still_loads_once() {
    let gateway = Deployment::new()
        .change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\ncache: { enabled: false }")
        .start();
    let id = customer_id("c1");
    let query =
        format!("{{ a: customer(id: \"{id}\") {{ name }} b: customer(id: \"{id}\") {{ name }} }}");
    assert_eq!(count(&gateway, &query).await, 1);
    assert_eq!(count(&gateway, &query).await, 1);
}

// ---- mutations and generations ---------------------------------------------------------------------------------------

fn rename(name: &str) -> String {
    let id = customer_id("c1");
    format!(
        "mutation {{ rename(input: {{ id: \"{id}\", name: \"{name}\" }}) {{ note customer {{ name }} }} }}"
    )
}

#[tokio::test]
async fn a_mutation_drops_the_entries_that_it_names() {
    let gateway = Deployment::new().start();
    gateway.data(&customer("name")).await;
    gateway.data(&format!("{{ customer(id: \"{}\") {{ name }} }}", customer_id("c2"))).await;
    gateway.calls();
    let data = gateway.data(&rename("New")).await;
    assert_eq!(data["rename"], json!({ "note": "renamed", "customer": { "name": "New" } }));
    assert_eq!(gateway.lines(), ["crm PATCH /customers/c1"]);
    assert_eq!(gateway.data(&customer("name")).await["customer"]["name"], "New");
    assert_eq!(gateway.calls().len(), 1);
    // Another customer's entry stays.
    assert_eq!(
        count(&gateway, &format!("{{ customer(id: \"{}\") {{ name }} }}", customer_id("c2"))).await,
        0
    );
}

#[tokio::test]
async fn a_read_that_began_before_a_mutation_never_refills_what_it_dropped() {
    let gateway = Deployment::new().start();
    let gate = gateway.world(|world| world.hold("crm POST /customers/batch"));
    let query = customer("name");
    let read = gateway.query(&query);
    tokio::pin!(read);
    assert!(futures_util::poll!(&mut read).is_pending());
    gateway.world(|world| world.gates.clear());
    gateway.data(&rename("New")).await;
    gate.notify_waiters();
    // The old read answers its own operation with what it saw …
    assert_eq!(read.await["data"]["customer"]["name"], "Customer 1");
    gateway.calls();
    // … and nobody else.
    assert_eq!(gateway.data(&query).await["customer"]["name"], "New");
    assert_eq!(gateway.calls().len(), 1);
}

#[tokio::test]
async fn what_is_read_after_a_mutation_never_joins_an_older_flight() {
    let gateway = Deployment::new().start();
    let gate = gateway.world(|world| world.hold("crm POST /customers/batch"));
    let query = customer("name");
    let old = gateway.query(&query);
    tokio::pin!(old);
    assert!(futures_util::poll!(&mut old).is_pending());
    gateway.world(|world| world.gates.clear());
    gateway.data(&rename("New")).await;
    assert_eq!(gateway.data(&query).await["customer"]["name"], "New");
    gate.notify_waiters();
    old.await;
}

#[tokio::test]
async fn mutations_run_one_after_the_other_and_are_never_shared_or_repeated() {
    let gateway = Deployment::new().start();
    let id = customer_id("c1");
    let field = |alias: &str, name: &str| {
        format!(
            "{alias}: rename(input: {{ id: \"{id}\", name: \"{name}\" }}) {{ customer {{ name }} }}"
        )
    };
    let data = gateway
        .data(&format!(
            "mutation {{ {} {} {} }}",
            field("a", "X"),
            field("b", "Y"),
            field("c", "Y")
        ))
        .await;
    assert_eq!(data["a"]["customer"]["name"], "X");
    assert_eq!(data["b"]["customer"]["name"], "Y");
    let names: Vec<Value> = gateway.calls().iter().map(|call| call.body["name"].clone()).collect();
    assert_eq!(names, ["X", "Y", "Y"]);
}

#[tokio::test]
async fn a_failed_mutation_is_an_error_of_its_field_and_the_next_one_runs() {
    let gateway = Deployment::new().start();
    let (bad, good) = (customer_id("nobody"), customer_id("c1"));
    let answer = gateway
        .query(&format!(
            "mutation {{ a: rename(input: {{ id: \"{bad}\", name: \"X\" }}) {{ note }} b: rename(input: {{ id: \"{good}\", name: \"X\" }}) {{ note }} }}"
        ))
        .await;
    assert_eq!(answer["data"], json!({ "a": null, "b": { "note": "renamed" } }));
    assert_eq!(answer["errors"][0]["path"], json!(["a"]));
    assert_eq!(answer["errors"][0]["extensions"]["backendCode"], "unknown_customer");
    assert!(!answer.to_string().contains("secret words"), "{answer}");
}

#[tokio::test]
async fn a_write_whose_client_leaves_is_still_made_and_drops_what_it_names() {
    let gateway = Deployment::new().start();
    gateway.data(&customer("name")).await;
    let gate = gateway.world(|world| world.hold("crm PATCH"));
    let mutation = rename("New");
    {
        let write = gateway.query(&mutation);
        tokio::pin!(write);
        for _ in 0..10 {
            assert!(futures_util::poll!(&mut write).is_pending());
            tokio::task::yield_now().await;
        }
    }
    gate.notify_waiters();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    gateway.calls();
    assert_eq!(gateway.data(&customer("name")).await["customer"]["name"], "New");
    assert_eq!(gateway.calls().len(), 1);
}

#[tokio::test]
async fn a_read_whose_clients_have_all_left_is_given_up_and_one_whose_client_stays_goes_on() {
    let gateway = Deployment::new().start();
    let gate = gateway.world(|world| world.hold("crm POST /customers/batch"));
    let query = customer("name");
    let stays = gateway.query(&query);
    tokio::pin!(stays);
    {
        let leaves = gateway.query(&query);
        tokio::pin!(leaves);
        assert!(futures_util::poll!(&mut leaves).is_pending());
        assert!(futures_util::poll!(&mut stays).is_pending());
    }
    assert!(futures_util::poll!(&mut stays).is_pending());
    gate.notify_waiters();
    assert_eq!(stays.await["data"]["customer"]["name"], "Customer 1");
    assert_eq!(gateway.calls().len(), 1);
}

#[tokio::test]
async fn an_entry_is_never_replaced_by_one_that_holds_less() {
    let gateway = Deployment::new().start();
    let query =
        |fields: &str| format!("{{ customerByEmail(email: \"c1@example.com\") {{ {fields} }} }}");
    assert_eq!(count(&gateway, &query("name")).await, 1);
    assert_eq!(count(&gateway, &query("tags")).await, 1);
    assert_eq!(count(&gateway, &query("name tags")).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_on_several_threads_that_miss_together_make_the_calls_of_one() {
    for _ in 0..50 {
        let gateway = Arc::new(Deployment::new().start());
        let tasks = (0..8).map(|_| {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                gateway.query("{ customers(first: 8) { nodes { tickets { subject } } } }").await
            })
        });
        for answer in futures_util::future::join_all(tasks).await {
            assert_eq!(answer.expect("no panic").get("errors"), None);
        }
        assert_eq!(gateway.calls().len(), 2);
    }
}
