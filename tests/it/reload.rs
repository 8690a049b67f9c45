//! Files that change while the program serves: what is right is served, what is wrong is told, and no request notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::http_socket::Client;
use crate::program::{Backend, Served, VENDOR, customer_query, deployment, vendor};

const QUIET: &str = "reload: { watch: false }\n";

fn name(answer: &Value) -> &str {
    answer["data"]["customer"]["name"].as_str().unwrap_or_else(|| panic!("{answer:#}"))
}

fn resident_kib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// Asks without a pause until it is told to stop, and counts.
async fn ask(served: Arc<Served>, is_over: Arc<AtomicBool>, asked: Arc<AtomicUsize>) {
    while !is_over.load(Ordering::Relaxed) {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        let answer = served.query(&customer_query(&format!("k{}", number % 50))).await;
        assert_eq!(name(&answer), format!("Customer k{}", number % 50), "{answer:#}");
        assert_eq!(answer.get("errors"), None, "{answer:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_reloads_under_load_fail_no_request_and_leave_no_graph_behind() {
    let backend = Backend::start().await;
    let folder = deployment("reloads", &backend, QUIET);
    let served = Arc::new(Served::start(&folder.path("cyclorama.yaml")).await);
    let (is_over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| tokio::spawn(ask(Arc::clone(&served), Arc::clone(&is_over), Arc::clone(&asked))))
        .collect();
    let mut early = (0, 0);
    for reload in 1..=200 {
        folder.write(VENDOR, &format!("{}# {reload}\n", vendor(".name")));
        let (status, answer) = served.post_admin("/reload", None).await;
        assert_eq!((status, &answer["outcome"]), (200, &json!("applied")), "{answer:#}");
        assert_eq!(answer["generation"], reload + 1);
        if reload == 50 {
            early = (resident_kib(served.pid()), descriptors(served.pid()));
        }
    }
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let late = (resident_kib(served.pid()), descriptors(served.pid()));
    let state = served.state().await;
    assert_eq!(
        state["graph"],
        json!({ "generation": 201, "alive": 1, "fingerprint": state["graph"]["fingerprint"] })
    );
    assert_eq!(state["reload"]["applied"], 200);
    assert!(asked.load(Ordering::Relaxed) > 200, "{asked:?} requests");
    // 150 graphs more, each of them larger than the tenth of this
    assert!(
        late.0 < early.0 + 10 * 1024,
        "resident KiB after 50 and 200 reloads: {early:?}, {late:?}"
    );
    assert!(late.1 < early.1 + 20, "descriptors after 50 and 200 reloads: {early:?}, {late:?}");
}

#[tokio::test]
async fn wrong_files_are_refused_with_their_places_and_the_graph_before_them_serves_on() {
    let backend = Backend::start().await;
    let folder = deployment("refused", &backend, QUIET);
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    folder.write(VENDOR, &vendor(".name").replace("by_id }", "by_ids }"));
    for _ in 0..2 {
        let (status, answer) = served.post_admin("/reload", None).await;
        assert_eq!(
            (status, &answer["outcome"], &answer["generation"]),
            (422, &json!("refused"), &json!(1))
        );
        let place = &answer["diagnostics"][0]["labels"][0];
        assert!(
            place["file"].as_str().unwrap().ends_with(VENDOR) && place["line"].is_u64(),
            "{answer:#}"
        );
    }
    assert_eq!(name(&served.query(&customer_query("a")).await), "Customer a");
    let (status, text) = served.get("/readyz?verbose").await;
    assert_eq!(status, 200);
    assert!(
        text.starts_with("ready\n[-] graph: 1 serves; ") && text.contains("refused with 2 errors"),
        "{text}"
    );
    let state = served.state().await;
    assert_eq!(
        (&state["reload"]["refused"], &state["reload"]["last"]["outcome"]),
        (&json!(2), &json!("refused"))
    );

    folder.write(VENDOR, &vendor(".name"));
    assert_eq!(served.post_admin("/reload", None).await.1["outcome"], "unchanged");
    assert!(served.get("/readyz?verbose").await.1.starts_with("ready\n[+] graph: 1 serves\n"));
    folder.write(VENDOR, &vendor(".email"));
    assert_eq!(served.post_admin("/reload", None).await.1["outcome"], "applied");
    assert_eq!(name(&served.query(&customer_query("a")).await), "a@example.com");
}

#[tokio::test]
async fn changed_files_are_read_without_being_told_and_on_a_signal() {
    let backend = Backend::start().await;
    let folder = deployment("watched", &backend, "reload: { every: 100ms }\n");
    let mut served = Served::start(&folder.path("cyclorama.yaml")).await;
    folder.write(VENDOR, &vendor(".email"));
    assert_eq!(served.logged("another graph serves").await["reason"], "the files have changed");
    assert_eq!(name(&served.query(&customer_query("a")).await), "a@example.com");
    folder.write(VENDOR, "role: crm\n");
    let refused = served.logged("the files were refused: the graph before them serves on").await;
    assert!(refused["diagnostics"].as_str().unwrap().contains(VENDOR), "{refused:#}");
    assert_eq!(name(&served.query(&customer_query("b")).await), "b@example.com");

    let folder = deployment("signalled", &backend, QUIET);
    let mut served = Served::start(&folder.path("cyclorama.yaml")).await;
    folder.write(VENDOR, &vendor(".email"));
    served.signal("-HUP");
    assert_eq!(served.logged("another graph serves").await["reason"], "SIGHUP");
    assert_eq!(name(&served.query(&customer_query("a")).await), "a@example.com");
}

#[tokio::test]
async fn what_runs_keeps_its_graph_and_a_socket_goes_on_with_the_next_one() {
    let mut backend = Backend::start().await;
    let folder = deployment("kept", &backend, QUIET);
    let served = Arc::new(Served::start(&folder.path("cyclorama.yaml")).await);
    let mut socket = Client::ready_at(served.address, &[]).await;
    backend.hold();
    let running = tokio::spawn({
        let served = Arc::clone(&served);
        async move { served.query(&customer_query("a")).await }
    });
    backend.asked_times(1).await;
    folder.write(VENDOR, &vendor(".email"));
    assert_eq!(served.post_admin("/reload", None).await.1["outcome"], "applied");
    assert_eq!(served.state().await["graph"]["alive"], 2);
    backend.open();
    assert_eq!(name(&running.await.unwrap()), "Customer a");
    assert_eq!(served.state().await["graph"]["alive"], 1);
    let query = customer_query("a");
    socket.send(json!({ "id": "1", "type": "subscribe", "payload": { "query": query } })).await;
    assert_eq!(name(&socket.next().await["payload"]), "a@example.com");
}

#[tokio::test]
async fn settings_that_are_read_at_the_start_alone_are_named_and_the_others_apply() {
    let backend = Backend::start().await;
    let folder = deployment("restart", &backend, QUIET);
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    let config = std::fs::read_to_string(folder.path("cyclorama.yaml")).unwrap();
    let more = "listen: 127.0.0.1:4999\nlog: { level: debug }\nhttp: { get: \"off\" }\n";
    folder.write("cyclorama.yaml", &format!("{config}{more}"));
    let (_, answer) = served.post_admin("/reload", None).await;
    assert_eq!(answer["needsRestart"], json!(["listen", "log"]), "{answer:#}");
    assert_eq!(served.get("/graphql?query=%7B__typename%7D").await.0, 405);
}

#[tokio::test]
async fn entries_are_dropped_by_type_object_role_and_tag_and_a_wrong_list_drops_nothing() {
    let backend = Backend::start().await;
    let folder = deployment("invalidated", &backend, QUIET);
    let served = Served::start(&folder.path("cyclorama.yaml")).await;
    let asked = async |key: &str| {
        let before = backend.asked();
        served.query(&customer_query(key)).await;
        backend.asked() - before
    };
    assert_eq!((asked("a").await, asked("b").await, asked("a").await), (1, 1, 0));
    let id = cyclorama::value::opaque_id("Customer", "crm", "a");
    for one in [
        json!({ "kind": "entity", "id": id }),
        json!({ "kind": "key", "type": "Customer", "key": "a" }),
    ] {
        let (status, answer) = served.post_admin("/invalidate", Some(&json!([one]))).await;
        assert_eq!(status, 200, "{answer:#}");
        assert_eq!((asked("a").await, asked("b").await), (1, 0), "{one}");
    }
    for one in [
        json!({ "kind": "type", "type": "Customer" }),
        json!({ "kind": "role", "role": "crm" }),
        json!({ "kind": "tag", "tag": "people" }),
        json!({ "kind": "all" }),
    ] {
        assert_eq!(served.post_admin("/invalidate", Some(&json!([one]))).await.0, 200, "{one}");
        assert_eq!((asked("a").await, asked("b").await), (1, 1), "{one}");
    }
    let all = json!({ "kind": "all" });
    for (wrong, status) in [
        (json!([all, { "kind": "type", "type": "Custmer" }]), 422),
        (json!([all, { "kind": "role", "role": "billing" }]), 422),
        (json!([all, { "kind": "tag", "tag": "peple" }]), 422),
        (json!([all, { "kind": "entity", "id": "a" }]), 422),
        (json!([all, { "kind": "entity", "id": id, "type": "Customer" }]), 400),
        (json!([all, { "kind": "everything" }]), 400),
        (json!({ "kind": "all" }), 400),
    ] {
        let (found, answer) = served.post_admin("/invalidate", Some(&wrong)).await;
        assert_eq!(found, status, "{wrong}: {answer:#}");
        assert!(answer["detail"].is_string(), "{answer:#}");
        assert_eq!((asked("a").await, asked("b").await), (0, 0), "{wrong}");
    }
}
