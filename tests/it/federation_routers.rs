//! The real composers and routers over the served graph and a second subgraph.

use std::sync::Arc;

use cyclorama::http;
use cyclorama::value::opaque_id;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::oneshot;

use crate::federation_table::Subgraph;
use crate::needs;
use crate::site::{Site, json_of};

/// What both composers find wrong, and what both routers answer.
async fn composed(settings: Value) -> Value {
    let output = Command::new("node")
        .args(["tests/federation/composed.mjs", &settings.to_string()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{complaint}");
    let report: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{complaint}"));
    assert_eq!(report["problems"], json!({ "apollo": [], "guild": [] }));
    report
}

/// The requests that subgraphs received, and with how many representations.
fn requests(answer: &Value) -> Vec<(String, Option<u64>)> {
    let all = answer["requests"].as_array().unwrap().iter();
    all.map(|one| (one["subgraph"].as_str().unwrap().to_owned(), one["representations"].as_u64()))
        .collect()
}

#[tokio::test]
async fn both_routers_answer_over_this_graph_and_another() {
    if !needs::outside("both_routers_answer_over_this_graph_and_another") {
        return;
    }
    let site = Site::start().await;
    let found = json_of(
        site.post("{ customers(first: 4) { nodes { id displayName primaryEmail } } }").await,
    )
    .await;
    let nodes = found["data"]["customers"]["nodes"].as_array().unwrap();
    let ids: Vec<&str> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
    let email = nodes[0]["primaryEmail"].as_str().unwrap();
    let nobody = opaque_id("Customer", "crm", "nobody");
    let best = [ids[0], ids[1], &nobody, "no id of ours", ids[0]];
    let operations = [
        format!("{{ customerByEmail(email: \"{email}\") {{ displayName points tier }} }}"),
        "{ best { points displayName balance { amount } } }".to_owned(),
        "{ customers(first: 4) { nodes { displayName points } } }".to_owned(),
        format!("{{ customerByEmail(email: \"{email}\") {{ subscriptions {{ plan }} points }} }}"),
    ];
    let alone = json_of(
        site.post(&format!(
            "{{ customerByEmail(email: \"{email}\") {{ subscriptions {{ plan }} }} }}"
        ))
        .await,
    )
    .await;
    let plans_alone = alone["data"]["customerByEmail"]["subscriptions"].as_array().unwrap().clone();
    assert!(!plans_alone.is_empty());
    let settings = json!({
        "url": site.url("/graphql"), "with": "loyalty", "best": best, "broken": [ids[2]], "unranked": [ids[3]], "operations": operations,
    });
    let report = composed(settings).await;
    for router in ["apollo", "hive"] {
        let answers = report["answers"][router].as_array().unwrap();
        assert_eq!(answers.len(), operations.len(), "{router}");
        across(router, &answers[0], nodes, ids[0]);
        back(router, &answers[1], nodes);
        broken(router, &answers[2], nodes);
        let subscribed = &answers[3];
        let plans = subscribed["data"]["customerByEmail"]["subscriptions"].as_array();
        assert_eq!(plans.unwrap_or_else(|| panic!("{router}: {subscribed:#}")), &plans_alone);
        assert_eq!(subscribed.get("errors"), None, "{router}");
    }
}

/// From this graph to the other: one request each.
fn across(router: &str, answer: &Value, nodes: &[Value], id: &str) {
    let expected = json!({ "customerByEmail": { "displayName": nodes[0]["displayName"], "points": id.len(), "tier": "GOLD" } });
    assert_eq!(answer["data"], expected, "{router}: {answer:#}");
    assert_eq!(
        requests(answer),
        [("cyclorama".to_owned(), None), ("loyalty".to_owned(), Some(1))],
        "{router}"
    );
}

/// From the other to this one: one request for all, nulls and errors in place.
fn back(router: &str, answer: &Value, nodes: &[Value]) {
    let best = answer["data"]["best"].as_array().unwrap_or_else(|| panic!("{router}: {answer:#}"));
    let names: Vec<&Value> = best.iter().map(|one| &one["displayName"]).collect();
    let (one, two) = (&nodes[0]["displayName"], &nodes[1]["displayName"]);
    assert_eq!(names, [one, two, &Value::Null, &Value::Null, one], "{router}: {answer:#}");
    assert!(best.iter().all(|one| one["points"].is_u64()), "{router}: {answer:#}");
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{router}: {answer:#}"));
    let told = errors.iter().map(Value::to_string).collect::<String>();
    assert!(
        told.contains("is not the id of a Customer") && told.contains("BAD_USER_INPUT"),
        "{router}: {told}"
    );
    let requests = requests(answer);
    assert_eq!(requests.len(), 2, "{router}: {requests:?}");
    assert_eq!(
        (requests[0].0.as_str(), requests[1].0.as_str()),
        ("loyalty", "cyclorama"),
        "{router}"
    );
    assert!(matches!(requests[1].1, Some(4 | 5)), "{router}: {requests:?}");
}

/// An error of the other subgraph leaves what this one has.
fn broken(router: &str, answer: &Value, nodes: &[Value]) {
    let listed = answer["data"]["customers"]["nodes"]
        .as_array()
        .unwrap_or_else(|| panic!("{router}: {answer:#}"));
    for (one, node) in listed.iter().zip(nodes) {
        assert_eq!(one["displayName"], node["displayName"], "{router}");
    }
    let points: Vec<bool> = listed.iter().map(|one| one["points"].is_null()).collect();
    assert_eq!(points, [false, false, true, true], "{router}: {answer:#}");
    assert!(answer["errors"].to_string().contains("points are not known"), "{router}: {answer:#}");
    assert_eq!(
        requests(answer),
        [("cyclorama".to_owned(), None), ("loyalty".to_owned(), Some(4))],
        "{router}"
    );
}

/// A composed graph over the subgraph that uses every directive: what routers bring from elsewhere reaches its backend.
#[tokio::test]
async fn both_routers_bring_required_values_and_objects_of_interfaces() {
    if !needs::outside("both_routers_bring_required_values_and_objects_of_interfaces") {
        return;
    }
    let subgraph = Subgraph::start();
    let gateway = http::Server::new(Arc::clone(&subgraph.engine), http::Settings::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(listener, gateway, async move { drop(stopped.await) }));

    let owner = |email: &str, devices: Value, country: &str, device: &str| {
        json!({
            "email": email, "name": "Ann", "devices": devices, "years": 4, "address": { "country": country },
            "newestDevice": opaque_id("Device", "crm", device),
        })
    };
    let owners = [
        owner("ann@example.com", json!(12), "CH", "d4"),
        owner("bob@example.com", json!(null), "XX", "unknown"),
        owner("nobody@example.com", json!(8), "CH", "d4"),
    ];
    let song = opaque_id("Media", "crm", "song");
    let operations = [
        "{ owners { email devicesPerYear postage newest { serial owner { devices } } } }"
            .to_owned(),
        "{ song { __typename id plays ... on Song { title } } }".to_owned(),
        format!(
            "{{ device(id: \"{}\") {{ owner {{ name years devicesPerYear devices }} }} }}",
            opaque_id("Device", "crm", "d1")
        ),
    ];
    let settings = json!({ "url": url, "with": "people", "owners": owners, "song": song, "operations": operations });
    let report = composed(settings).await;
    for router in ["apollo", "hive"] {
        let answers = &report["answers"][router];
        let device = json!({ "serial": "s4", "owner": { "devices": 12 } });
        let expected = json!([
            { "email": "ann@example.com", "devicesPerYear": 3, "postage": "5 to CH", "newest": device },
            { "email": "bob@example.com", "devicesPerYear": null, "postage": null, "newest": null },
            { "email": "nobody@example.com", "devicesPerYear": null, "postage": null, "newest": null },
        ]);
        assert_eq!(answers[0]["data"]["owners"], expected, "{router}: {:#}", answers[0]);
        // the one call that the backend refused, at its place in the router's answer, and nothing of what it said
        let errors = answers[0]["errors"].as_array().unwrap_or_else(|| panic!("{router}"));
        assert_eq!(errors.len(), 1, "{router}: {errors:#?}");
        assert_eq!(errors[0]["extensions"]["code"], "BACKEND_UNAVAILABLE", "{router}: {errors:#?}");
        // Hive Gateway leaves out which of the owners it is
        let place = match router {
            "apollo" => json!(["owners", 1, "postage"]),
            _ => json!(["owners", "postage"]),
        };
        assert_eq!(errors[0]["path"], place, "{router}: {errors:#?}");
        let sent = requests(&answers[0]);
        let ours: Vec<_> = sent.iter().filter(|(name, _)| name == "cyclorama").collect();
        assert_eq!(ours, [&("cyclorama".to_owned(), Some(3))], "{router}: all owners at once");

        let found = json!({ "__typename": "Song", "id": song, "plays": 100, "title": "A song" });
        assert_eq!(answers[1]["data"]["song"], found, "{router}: {:#}", answers[1]);
        // years come from the other subgraph and go back into this one's call
        let owner = json!({ "name": "Ann", "years": 4, "devicesPerYear": 3, "devices": 12 });
        assert_eq!(answers[2]["data"]["device"]["owner"], owner, "{router}: {:#}", answers[2]);
        assert_eq!(answers[2].get("errors"), None, "{router}");
    }
    // both routers together: what the second asks for is in the cache already
    let asked = subgraph.asked();
    let count = |beginning: &str| asked.iter().filter(|one| one.starts_with(beginning)).count();
    // a read that fails is tried three times, for each of the two
    assert_eq!((count("/postage/CH"), count("/postage/XX")), (1, 6), "{asked:#?}");
    assert_eq!(count("/rate?email=ann%40example.com&devices=12&years=4"), 1, "{asked:#?}");
    assert_eq!((count("/rate"), count("/media")), (2, 1), "{asked:#?}");
    let batches: Vec<_> = asked.iter().filter(|one| one.contains("bob")).collect();
    let all =
        "/owners?emails=ann%40example.com&emails=bob%40example.com&emails=nobody%40example.com";
    assert_eq!(batches, [all], "all owners in one call of the backend");
    drop(stop);
    server.await.unwrap().unwrap();
}
