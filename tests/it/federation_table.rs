//! Apollo's table of what subgraphs support, a test for each line, over a subgraph that uses all of it.

use std::sync::{Arc, Mutex};

use cyclorama::backend::Backends;
use cyclorama::compile::{Files, compile};
use cyclorama::engine::{Engine, EngineSettings, Request};
use cyclorama::principal::Principal;
use cyclorama::transport::{MemoryWire, WireRequest};
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use crate::testkit::{codes, id, reply};

const SCHEMA: &str = include_str!("../federation/catalog/schema/catalog.graphql");
const FILES: [(&str, &str); 4] = [
    ("cyclorama.yaml", include_str!("../federation/catalog/cyclorama.yaml")),
    ("schema/catalog.graphql", SCHEMA),
    ("resolvers/roles.yaml", include_str!("../federation/catalog/resolvers/roles.yaml")),
    ("resolvers/crm/test.yaml", include_str!("../federation/catalog/resolvers/crm/test.yaml")),
];

/// The subgraph at work, and what its backend was asked for.
pub(crate) struct Subgraph {
    pub(crate) engine: Arc<Engine>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Subgraph {
    pub(crate) fn start() -> Self {
        let compiled = compile(&Files::in_memory("cyclorama.yaml", FILES));
        assert_eq!(compiled.diagnostics, [], "{:#?}", compiled.diagnostics);
        let graph = Arc::new(compiled.graph.unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let wire: MemoryWire = Arc::new(move |request: WireRequest| {
            let target = request.url.trim_start_matches("http://crm.test").to_owned();
            let (status, body) = backend(&target);
            seen.lock().unwrap().push(target);
            async move { Ok(reply(status, &body)) }.boxed()
        });
        let backends = Backends::in_memory(Arc::clone(&graph), &wire);
        let engine = Engine::over(graph, backends, EngineSettings::default()).unwrap();
        Self { engine, asked }
    }

    async fn query(&self, query: &str, variables: Value) -> Value {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        let request = Request { query: query.to_owned(), variables, ..Request::default() };
        let response = self.engine.execute(request, &Principal::anonymous()).await;
        serde_json::from_slice(&response.body).unwrap()
    }

    /// `_entities` as routers ask for it.
    async fn entities(&self, selection: &str, representations: Value) -> Value {
        let query = format!(
            "query($representations: [_Any!]!) {{ _entities(representations: $representations) {{ {selection} }} }}"
        );
        self.query(&query, json!({ "representations": representations })).await
    }

    /// What the backend was asked for since the last time, sorted.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort_unstable();
        asked
    }
}

fn device(number: u32) -> Value {
    json!({
        "id": format!("d{number}"), "serial": format!("s{number}"), "plant": "Bern", "model": { "code": "m1" },
        "size": { "width": 3, "weight": 1.5, "unit": "kg" }, "owner": "ann@example.com", "notes": "fragile", "price": "9.90",
        "history": ["made"], "secret": "hush", "margin": "1.00", "supplier": "none",
        "studies": [{ "number": "7", "title": "Seven", "outcome": "fine" }], "maker": { "id": "acme" },
    })
}

fn backend(target: &str) -> (u16, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let items = |items: Vec<Value>| (200, json!({ "items": items }));
    let last = path.rsplit('/').next().unwrap_or_default();
    match path {
        "/devices" if query.contains("ids=") => {
            items((1..=9).filter(|n| query.contains(&format!("ids=d{n}"))).map(device).collect())
        }
        "/devices" => {
            items((1..=9).filter(|n| query.contains(&format!("serial=s{n}"))).map(device).collect())
        }
        "/studies/7" => (200, json!({ "number": "7", "title": "Seven", "outcome": "fine" })),
        "/retired" => items(vec![json!({ "serial": "old", "plant": "Bern", "reason": "broke" })]),
        "/owners" => {
            let owners = [("ann", "Ann"), ("bob", "Bob")].into_iter();
            let asked = owners.filter(|(word, _)| query.contains(&format!("{word}%40example.com")));
            items(asked.map(|(word, name)| json!({ "email": format!("{word}@example.com"), "name": name, "devices": 12 })).collect())
        }
        "/rate" => {
            let number = |name: &str| -> u32 {
                let pair = query.split('&').find_map(|pair| pair.strip_prefix(name));
                pair.and_then(|text| text.strip_prefix('=')?.parse().ok()).unwrap()
            };
            (200, json!({ "rate": number("devices") / number("years") }))
        }
        "/media" => items(vec![json!({ "id": "song", "plays": 100 })]),
        "/postage/XX" => (500, json!({})),
        _ if path.starts_with("/postage/") => (200, json!({ "price": format!("5 to {last}") })),
        "/warranties/w1" => (200, json!({ "number": "w1", "ends": "2031" })),
        _ => (404, json!({})),
    }
}

fn told() -> String {
    let compiled = compile(&Files::in_memory("cyclorama.yaml", FILES));
    compiled.graph.unwrap().federation.unwrap().sdl.to_string()
}

fn device_id(number: u32) -> String {
    id("Device", "crm", &format!("d{number}"))
}

// ---- what every subgraph must do -------------------------------------------------------------------------------------

#[tokio::test]
async fn service_tells_the_schema_whole_with_directives_and_descriptions() {
    let data = Subgraph::start().query("{ _service { sdl } }", json!({})).await;
    // nothing is added to files that link to the specification themselves, and nothing is taken away
    assert_eq!(data, json!({ "data": { "_service": { "sdl": SCHEMA } } }));
}

#[test]
fn link_is_there_once_and_imports_what_is_used() {
    let told = told();
    assert_eq!(told.matches("https://specs.apollo.dev/federation/").count(), 1);
    assert!(!told.contains("directive @key") && !told.contains("directive @link"));
}

#[tokio::test]
async fn key_single() {
    let subgraph = Subgraph::start();
    let of = json!([{ "__typename": "Owner", "email": "Ann@Example.com" }]);
    let answer = subgraph.entities("... on Owner { email name }", of).await;
    let ann = json!({ "email": "ann@example.com", "name": "Ann" });
    assert_eq!(answer, json!({ "data": { "_entities": [ann] } }));
    assert_eq!(subgraph.asked(), ["/owners?emails=ann%40example.com"]);
}

// ---- keys ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn key_multiple_each_by_its_own_lookup() {
    let subgraph = Subgraph::start();
    let of = json!([
        { "__typename": "Device", "id": device_id(1) },
        { "__typename": "Device", "serial": "s2", "plant": "Bern" },
        { "__typename": "Device", "serial": "s3", "model": { "__typename": "Model", "code": "m1" } },
    ]);
    let answer = subgraph.entities("... on Device { id serial model { code } }", of).await;
    let found = |n: u32| json!({ "id": device_id(n), "serial": format!("s{n}"), "model": { "code": "m1" } });
    assert_eq!(answer, json!({ "data": { "_entities": [found(1), found(2), found(3)] } }));
    let lookups =
        ["/devices?ids=d1", "/devices?serial=s2&plant=Bern", "/devices?serial=s3&model=m1"];
    assert_eq!(subgraph.asked(), lookups);
}

#[tokio::test]
async fn key_of_several_fields() {
    let subgraph = Subgraph::start();
    let of = json!([{ "__typename": "Retired", "serial": "old", "plant": "Bern" }]);
    let answer = subgraph.entities("... on Retired { serial plant reason }", of).await;
    let found = json!({ "serial": "old", "plant": "Bern", "reason": "broke" });
    assert_eq!(answer, json!({ "data": { "_entities": [found] } }));
    let field = "{ retired(serial: \"old\", plant: \"Bern\") { reason } }";
    let answer = subgraph.query(field, json!({})).await;
    assert_eq!(answer["data"]["retired"]["reason"], "broke");
    assert_eq!(subgraph.asked().len(), 1, "the second is in the cache");
}

#[tokio::test]
async fn key_of_a_nested_object() {
    let subgraph = Subgraph::start();
    let of = json!([
        { "__typename": "Study", "case": { "number": "7" } },
        { "__typename": "Study", "case": { "number": "8" } },
        { "__typename": "Study", "case": { "number": { "a": 1 } } },
        { "__typename": "Study", "case": "7" },
    ]);
    let answer = subgraph.entities("... on Study { case { number title } outcome }", of).await;
    let seven = json!({ "case": { "number": "7", "title": "Seven" }, "outcome": "fine" });
    assert_eq!(answer["data"]["_entities"], json!([seven, null, null, null]));
    let places: Vec<&Value> =
        answer["errors"].as_array().unwrap().iter().map(|error| &error["path"]).collect();
    assert_eq!(places, [&json!(["_entities", 2]), &json!(["_entities", 3])]);
    assert_eq!(subgraph.asked(), ["/studies/7", "/studies/8"]);
}

#[tokio::test]
async fn key_that_is_not_resolvable_only_refers() {
    let subgraph = Subgraph::start();
    let query = "query($id: ID!) { device(id: $id) { maker { __typename id } } }";
    let answer = subgraph.query(query, json!({ "id": device_id(1) })).await;
    let maker = json!({ "__typename": "Maker", "id": "acme" });
    assert_eq!(answer, json!({ "data": { "device": { "maker": maker } } }));
    let of = json!([{ "__typename": "Maker", "id": "acme" }]);
    let answer = subgraph.entities("__typename", of).await;
    assert_eq!(answer["errors"][0]["message"], "`Maker` is no entity of this subgraph");
    let possible = "{ __type(name: \"_Entity\") { possibleTypes { name } } }";
    let possible = subgraph.query(possible, json!({})).await;
    assert!(!possible.to_string().contains("Maker"));
}

// ---- fields that cross subgraphs -------------------------------------------------------------------------------------

#[tokio::test]
async fn requires_brings_other_subgraphs_values_into_the_call() {
    let subgraph = Subgraph::start();
    let owner = |devices: Value, years: Value| json!({ "__typename": "Owner", "email": "ann@example.com", "devices": devices, "years": years });
    let of =
        json!([owner(json!(12), json!(4)), owner(json!(30), json!(3)), owner(json!(12), json!(4))]);
    let answer = subgraph.entities("... on Owner { devicesPerYear }", of).await;
    let rate = |rate: u32| json!({ "devicesPerYear": rate });
    assert_eq!(answer, json!({ "data": { "_entities": [rate(3), rate(10), rate(3)] } }));
    let expected = [
        "/owners?emails=ann%40example.com",
        "/rate?email=ann%40example.com&devices=12&years=4",
        "/rate?email=ann%40example.com&devices=30&years=3",
    ];
    assert_eq!(subgraph.asked(), expected);
}

#[tokio::test]
async fn requires_with_a_null_is_null_and_without_its_values_an_error_in_place() {
    let subgraph = Subgraph::start();
    let of = json!([
        { "__typename": "Owner", "email": "ann@example.com", "devices": null, "years": 4 },
        { "__typename": "Owner", "email": "ann@example.com" },
        { "__typename": "Owner", "email": "ann@example.com", "devices": [1], "years": 4 },
        { "__typename": "Owner", "email": "ann@example.com", "devices": 8, "years": 4 },
    ]);
    let answer = subgraph.entities("... on Owner { name devicesPerYear }", of).await;
    let ann = |rate: Value| json!({ "name": "Ann", "devicesPerYear": rate });
    let expected = json!([ann(json!(null)), ann(json!(null)), ann(json!(null)), ann(json!(2))]);
    assert_eq!(answer["data"]["_entities"], expected);
    let errors = answer["errors"].as_array().unwrap();
    let places: Vec<(&Value, &Value)> =
        errors.iter().map(|error| (&error["path"], &error["extensions"]["code"])).collect();
    let bad = json!("BAD_USER_INPUT");
    let second = json!(["_entities", 1, "devicesPerYear"]);
    let third = json!(["_entities", 2, "devicesPerYear"]);
    assert_eq!(places, [(&second, &bad), (&third, &bad)]);

    // without a router nobody brings the values
    let query = "query($id: ID!) { device(id: $id) { owner { devicesPerYear } } }";
    let answer = subgraph.query(query, json!({ "id": device_id(1) })).await;
    assert_eq!(answer["data"]["device"]["owner"], json!({ "devicesPerYear": null }));
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("federation's router"));
}

#[tokio::test]
async fn requires_of_a_nested_field_and_as_a_reference() {
    let subgraph = Subgraph::start();
    let of = json!([
        { "__typename": "Owner", "email": "ann@example.com", "address": { "country": "CH" }, "newestDevice": device_id(4) },
        { "__typename": "Owner", "email": "ann@example.com", "address": null, "newestDevice": "not ours" },
    ]);
    let answer = subgraph.entities("... on Owner { postage newest { serial } }", of).await;
    let first = json!({ "postage": "5 to CH", "newest": { "serial": "s4" } });
    let second = json!({ "postage": null, "newest": null });
    assert_eq!(answer["data"]["_entities"], json!([first, second]));
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["path"], json!(["_entities", 1, "newest"]));
    assert_eq!(
        subgraph.asked(),
        ["/devices?ids=d4", "/owners?emails=ann%40example.com", "/postage/CH"]
    );
}

#[tokio::test]
async fn provides_answers_an_external_field_on_its_way() {
    let subgraph = Subgraph::start();
    let query = "query($id: ID!) { device(id: $id) { owner { email devices } } }";
    let answer = subgraph.query(query, json!({ "id": device_id(1) })).await;
    let owner = json!({ "email": "ann@example.com", "devices": 12 });
    assert_eq!(answer, json!({ "data": { "device": { "owner": owner } } }));
}

#[tokio::test]
async fn external_fields_of_others_are_null_here_and_no_error_of_the_files() {
    let subgraph = Subgraph::start();
    let of = json!([{ "__typename": "Owner", "email": "ann@example.com" }]);
    let answer = subgraph.entities("... on Owner { address { country } }", of).await;
    assert_eq!(answer["data"]["_entities"], json!([{ "address": null }]));
}

#[tokio::test]
async fn extends_as_a_keyword_and_as_a_directive() {
    let subgraph = Subgraph::start();
    let of = json!([
        { "__typename": "Warranty", "number": "w1" },
        { "__typename": "Owner", "email": "ann@example.com" },
    ]);
    let answer = subgraph.entities("... on Warranty { ends } ... on Owner { name }", of).await;
    assert_eq!(answer, json!({ "data": { "_entities": [{ "ends": "2031" }, { "name": "Ann" }] } }));
    let told = told();
    assert!(told.contains("extend type Owner @key") && told.contains("type Warranty @extends"));
}

#[tokio::test]
async fn interface_object_is_answered_under_its_own_name() {
    let subgraph = Subgraph::start();
    let song = id("Media", "crm", "song");
    let of = json!([{ "__typename": "Media", "id": song }]);
    let answer = subgraph.entities("__typename ... on Media { plays }", of).await;
    let found = json!({ "__typename": "Media", "plays": 100 });
    assert_eq!(answer, json!({ "data": { "_entities": [found] } }));
}

#[tokio::test]
async fn shareable_override_tag_and_inaccessible_are_told_and_their_fields_answered() {
    let told = told();
    for kept in [
        "type Size @shareable {",
        "unit: String @inaccessible",
        "notes: String @tag(name: \"internal\")",
        "name: String @override(from: \"people\", label: \"percent(5)\")",
    ] {
        assert!(told.contains(kept), "{kept}");
    }
    let subgraph = Subgraph::start();
    let query =
        "query($id: ID!) { device(id: $id) { notes size { width weight unit } owner { name } } }";
    let answer = subgraph.query(query, json!({ "id": device_id(1) })).await;
    let size = json!({ "width": 3, "weight": 1.5, "unit": "kg" });
    let device = json!({ "notes": "fragile", "size": size, "owner": { "name": "Ann" } });
    assert_eq!(answer, json!({ "data": { "device": device } }));
}

#[test]
fn compose_directive_keeps_a_directive_of_our_own_with_its_definition() {
    let told = told();
    assert!(told.contains("@composeDirective(name: \"@audit\")"));
    assert!(told.contains("directive @audit(level: Int! = 1) on FIELD_DEFINITION | OBJECT"));
    assert!(told.contains("@audit(level: 2)"));
}

#[tokio::test]
async fn authenticated_requires_scopes_and_policy_are_told_and_enforced() {
    let told = told();
    for kept in ["@authenticated", "@requiresScopes(scopes: [[\"finance\"]", "@policy(policies:"] {
        assert!(told.contains(kept), "{kept}");
    }
    let subgraph = Subgraph::start();
    let of = json!([{ "__typename": "Device", "id": device_id(1) }]);
    let answer = subgraph.entities("... on Device { serial secret margin supplier }", of).await;
    let device = json!({ "serial": "s1", "secret": null, "margin": null, "supplier": null });
    assert_eq!(answer["data"]["_entities"], json!([device]));
    let codes = codes(&answer);
    assert_eq!(codes, ["UNAUTHORIZED_FIELD_OR_TYPE"; 3]);
}

#[test]
fn cost_and_list_size_are_told() {
    let told = told();
    assert!(told.contains("@cost(weight: 3)") && told.contains("@listSize(assumedSize: 10)"));
}
