//! What may be shared is shared, what may not never is, and what a mutation made stale is not seen again.

use std::sync::Arc;
use std::time::Duration;

use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, codes, customer_id};

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

/// The one whose entry holds other slots is asked for more than is wanted; what others bring of the rest is enough.
#[tokio::test(start_paused = true)]
async fn a_key_that_somebody_else_reads_is_not_read_again_for_the_sake_of_what_is_held_of_another()
{
    let gateway = Deployment::new().start();
    let names = |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| format!("\"{}\"", customer_id(id))).collect();
        format!("{{ customersByIds(ids: [{}]) {{ name }} }}", ids.join(", "))
    };
    let email = format!("{{ customer(id: \"{}\") {{ email }} }}", customer_id("c2"));
    gateway.data(&email).await;
    gateway.calls();
    tokio::time::advance(Duration::from_secs(31)).await;
    let gate = gateway.world(|world| world.hold("crm POST /customers/batch"));
    let (one, two) = (names(&["c1"]), names(&["c1", "c2"]));
    let (one, two) = (gateway.query(&one), gateway.query(&two));
    tokio::pin!(one, two);
    for _ in 0..50 {
        assert!(futures_util::poll!(&mut one).is_pending());
        tokio::task::yield_now().await;
    }
    assert!(futures_util::poll!(&mut two).is_pending());
    let both = futures_util::future::join(one, two);
    tokio::pin!(both);
    let (one, two) = loop {
        gate.notify_waiters();
        match futures_util::poll!(&mut both) {
            std::task::Poll::Ready(answers) => break answers,
            std::task::Poll::Pending => tokio::task::yield_now().await,
        }
    };
    assert_eq!(one["data"]["customersByIds"][0], two["data"]["customersByIds"][0]);
    assert_eq!(two["data"]["customersByIds"][1], json!({ "name": "Customer 2" }));
    let calls = gateway.calls();
    let asked: Vec<_> =
        calls.iter().map(|call| (&call.body["ids"], &call.body["fields"])).collect();
    let expected =
        [(json!(["c1"]), json!(["id", "name"])), (json!(["c2"]), json!(["email", "id", "name"]))];
    assert_eq!(asked, expected.iter().map(|(ids, fields)| (ids, fields)).collect::<Vec<_>>());
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
            reply.headers.extend(cyclorama::transport::fields([("cache-control", "no-store")]));
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

// ---- how long --------------------------------------------------------------------------------------------------------

/// The small deployment with `@cacheControl` on fields and types of the schema.
fn aged(changes: &[(&str, &str)]) -> Deployment {
    changes.iter().fold(Deployment::new(), |deployment, (from, to)| {
        deployment.change("schema/schema.graphql", from, to)
    })
}

/// How long the answer of a query stays: looked at again after so many seconds each.
async fn stays(gateway: &Gateway, query: &str, seconds: u64) -> bool {
    gateway.data(query).await;
    gateway.calls();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    count(gateway, query).await == 0
}

const CUSTOMER: (&str, &str) = (
    "type Customer implements Named {",
    "type Customer implements Named @cacheControl(maxAge: 7) {",
);

#[tokio::test(start_paused = true)]
async fn the_schema_says_how_long_when_neither_vendor_file_nor_backend_does() {
    let gateway = aged(&[CUSTOMER]).start();
    assert!(stays(&gateway, &customer("name"), 6).await);
    assert!(!stays(&gateway, &customer("name"), 8).await);
}

#[tokio::test(start_paused = true)]
async fn the_least_age_of_the_fields_that_a_record_fills_counts() {
    let changes = [
        CUSTOMER,
        (
            "  name: String\n  email: String\n",
            "  name: String\n  email: String @cacheControl(maxAge: 3)\n",
        ),
    ];
    let gateway = aged(&changes).start();
    assert!(stays(&gateway, &customer("name"), 6).await);
    assert!(!stays(&gateway, &customer("name email"), 4).await);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_a_call_answers_goes_before_the_type_that_it_returns() {
    let changes = [
        ("  balance: Money\n", "  balance: Money @cacheControl(maxAge: 50)\n"),
        ("type Money {", "type Money @cacheControl(maxAge: 5) {"),
    ];
    let gateway = aged(&changes).start();
    let query = customer("balance { amount }");
    gateway.data(&query).await;
    tokio::time::advance(Duration::from_secs(45)).await;
    gateway.calls();
    gateway.data(&query).await;
    assert!(!gateway.lines().contains(&"billing GET /accounts/b1/balance".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_value_inside_a_record_may_shorten_its_time() {
    let changes = [(
        "type InvoiceLine { text: String",
        "type InvoiceLine { text: String @cacheControl(maxAge: 2)",
    )];
    let gateway = aged(&changes).start();
    let query = |fields: &str| {
        format!(
            "{{ invoice(id: \"{}\") {{ {fields} }} }}",
            crate::testkit::id("Invoice", "billing", "i2-1")
        )
    };
    assert!(!stays(&gateway, &query("lines { text }"), 3).await);
}

#[tokio::test(start_paused = true)]
async fn an_age_of_nothing_keeps_nothing() {
    let gateway = aged(&[(
        "type Customer implements Named {",
        "type Customer implements Named @cacheControl(maxAge: 0) {",
    )])
    .start();
    assert!(!stays(&gateway, &customer("name"), 0).await);
}

fn with_cache_control(gateway: &Gateway, value: &str) {
    gateway.world(|world| {
        let body = json!({ "items": [{ "id": "c1", "name": "Customer 1" }] });
        world.reply("crm POST /customers/batch", 200, &body);
        if let Some(Ok(reply)) = world.replies.get_mut("crm POST /customers/batch") {
            reply.headers.extend(cyclorama::transport::fields([("cache-control", value)]));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn the_backends_headers_go_before_the_schema() {
    let gateway = aged(&[CUSTOMER]).start();
    with_cache_control(&gateway, "max-age=20");
    assert!(stays(&gateway, &customer("name"), 19).await);
    assert!(!stays(&gateway, &customer("name"), 21).await);
}

#[tokio::test(start_paused = true)]
async fn the_vendor_file_goes_before_the_backends_headers_and_the_schema() {
    let by_id = ("resolvers/crm/test.yaml", "  by_id:\n", "  by_id:\n    ttl: 25s\n");
    let gateway = aged(&[CUSTOMER]).change(by_id.0, by_id.1, by_id.2).start();
    with_cache_control(&gateway, "max-age=10");
    assert!(stays(&gateway, &customer("name"), 24).await);
    assert!(!stays(&gateway, &customer("name"), 26).await);
    with_cache_control(&gateway, "no-store");
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(!stays(&gateway, &customer("name"), 0).await);
}

#[tokio::test]
async fn a_cached_list_is_written_as_each_operation_asks_for_it_however_often_and_by_turns() {
    let (warm, fresh) = (
        Deployment::new().start(),
        Deployment::new()
            .change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\ncache: { enabled: false }")
            .start(),
    );
    let of = |selection: &str| {
        customer(&format!("invoices {{ nodes {{ {selection} }} }} tickets {{ subject }}"))
    };
    let queries = [
        of("number"),
        of("number total { amount }"),
        of("n: number __typename lines { text amount { currency } }"),
        of("id"),
    ];
    for round in 0..3 {
        for query in &queries {
            for _ in 0..round {
                assert_eq!(warm.data(query).await, fresh.data(query).await, "{query}");
            }
        }
    }
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
async fn a_changed_object_is_read_anew_wherever_it_stands_or_may_newly_belong() {
    let gateway = Deployment::new().start();
    let by_email =
        |email: &str| format!("{{ customerByEmail(email: \"{email}@example.com\") {{ name }} }}");
    let (page, own, other, nobody) = (
        "{ customers(first: 2) { nodes { name } } }".to_owned(),
        by_email("c1"),
        by_email("c2"),
        by_email("nobody"),
    );
    for query in [&page, &own, &other, &nobody] {
        gateway.data(query).await;
        gateway.calls();
        assert_eq!(count(&gateway, query).await, 0, "{query} is kept");
    }
    gateway.data(&rename("New")).await;
    gateway.calls();
    assert_eq!(count(&gateway, &other).await, 0, "another object stays");
    assert_eq!(count(&gateway, &own).await, 1, "an answer that holds it");
    assert_eq!(count(&gateway, &nobody).await, 1, "an answer that found nothing");
    assert_eq!(count(&gateway, &page).await, 1, "a list of all objects");
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

#[tokio::test(start_paused = true)]
async fn a_mutation_is_tried_again_if_its_call_is_idempotent_and_else_sent_once() {
    for (idempotent, sent) in [("true", 3), ("false", 1)] {
        let call = "    patch: /customers/{id}\n";
        let gateway = Deployment::new()
            .change("resolvers/crm/test.yaml", "retry: { attempts: 1 }", "retry: { attempts: 3 }")
            .change(
                "resolvers/crm/test.yaml",
                call,
                &format!("{call}    idempotent: {idempotent}\n"),
            )
            .start();
        let reply = Ok(crate::testkit::reply(503, &json!({})));
        gateway.world(|world| world.replies.insert("crm PATCH".to_owned(), reply.clone()));
        let id = customer_id("c1");
        let rename =
            format!("mutation {{ rename(input: {{ id: \"{id}\", name: \"X\" }}) {{ note }} }}");
        let answer = gateway.query(&rename).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_UNAVAILABLE", "{answer}");
        assert_eq!(gateway.lines(), vec!["crm PATCH /customers/c1"; sent], "{idempotent}");
    }
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

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_past_the_deadline_has_an_unknown_outcome_and_the_next_one_is_not_sent()
{
    let gateway = Deployment::new().start();
    gateway.world(|world| world.pauses.insert("crm".to_owned(), Duration::from_secs(8)));
    let id = customer_id("c1");
    let field = format!("rename(input: {{ id: \"{id}\", name: \"X\" }}) {{ note }}");
    let answer = gateway.query(&format!("mutation {{ a: {field} b: {field} c: {field} }}")).await;
    assert_eq!(answer["data"], json!({ "a": { "note": "renamed" }, "b": null, "c": null }));
    let codes = codes(&answer);
    assert_eq!(codes, ["OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"], "{answer}");
    assert_eq!(gateway.calls().len(), 2);
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

#[tokio::test]
async fn a_write_that_may_have_been_done_drops_what_it_names_and_a_refused_one_drops_nothing() {
    let cases = [
        ("a broken backend", 500, "{}", 1),
        ("an unavailable backend", 503, "{}", 1),
        ("an answer that cannot be read", 200, "<html>", 1),
        ("a truncated answer", 200, "{\"note\":", 1),
        ("a refusal", 422, "{}", 0),
    ];
    for (what, status, body, calls) in cases {
        let gateway = Deployment::new().start();
        gateway.data(&customer("name")).await;
        gateway.world(|world| {
            world.reply("crm PATCH", status, &json!({}));
            if let Some(Ok(reply)) = world.replies.get_mut("crm PATCH") {
                reply.body = body.into();
            }
        });
        let answer = gateway.query(&rename("New")).await;
        assert_eq!(answer["errors"][0]["path"], json!(["rename"]), "{what}: {answer}");
        let writes = gateway.lines().iter().filter(|line| line.starts_with("crm PATCH")).count();
        assert_eq!(writes, 1, "{what}");
        gateway.world(|world| world.replies.clear());
        assert_eq!(count(&gateway, &customer("name")).await, calls, "{what}");
    }
}

// ---- time ----------------------------------------------------------------------------------------------------------

/// What a backend is told of the time that its answer is waited for, in milliseconds.
fn told(gateway: &Gateway, line: &str) -> Vec<u64> {
    let calls = gateway.calls();
    let found = calls.iter().filter(|call| call.line() == line);
    let header = |call: &crate::testkit::Call| {
        let found = call.headers.iter().find(|(name, _)| name == "x-request-timeout-ms");
        found.and_then(|(_, value)| value.parse().ok()).expect("a number of milliseconds")
    };
    found.map(header).collect()
}

#[tokio::test(start_paused = true)]
async fn later_calls_are_told_what_is_left_of_the_operations_time() {
    let gateway = Deployment::new().start();
    gateway.world(|world| world.pauses.insert("crm".to_owned(), Duration::from_secs(6)));
    gateway
        .data(&format!(
            "{{ customer(id: \"{}\") {{ name tickets {{ subject }} }} }}",
            customer_id("c2")
        ))
        .await;
    assert_eq!(told(&gateway, "support POST /tickets/search"), [4_000]);
}

#[tokio::test(start_paused = true)]
async fn who_joins_a_load_has_all_of_their_own_time() {
    let gateway = Deployment::new().start();
    for (backend, seconds) in [("crm", 6), ("support", 5)] {
        let pause = Duration::from_secs(seconds);
        gateway.world(|world| world.pauses.insert(backend.to_owned(), pause));
    }
    let query = customer("name tickets { subject }");
    let first = gateway.query(&query);
    let second = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        gateway.query(&query).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(codes(&first), ["DEADLINE_EXCEEDED"]);
    assert_eq!(second.get("errors"), None, "{second}");
    assert_eq!(gateway.lines(), ["crm POST /customers/batch", "support POST /tickets/search"]);
}
