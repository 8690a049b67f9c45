//! Traces for a federation's router: `extensions.ftv1`, as Apollo's reader reads it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cyclorama::engine::Request;
use cyclorama::principal::Principal;
use serde_json::{Map, Value, json};

use crate::needs;
use crate::site::{Site, json_of};
use crate::testkit::{Deployment, Gateway, customer_id};

const QUERY: &str = "query($id: ID!) { one: customer(id: $id) { name plan invoices(first: 2) { nodes { number lines { text } } } \
                     tickets { subject } } }";

fn subgraph() -> Gateway {
    Deployment::new()
        .change(
            "schema/schema.graphql",
            "type Customer implements Named {",
            "type Customer implements Named @key(fields: \"id\") {",
        )
        .start()
}

async fn answer(gateway: &Gateway, query: &str, variables: Value, wants_trace: bool) -> Value {
    let Value::Object(variables) = variables else { panic!("variables are an object") };
    let request = Request { query: query.to_owned(), variables, wants_trace, ..Request::default() };
    let response = gateway.engine.execute(request, &Principal::anonymous()).await;
    serde_json::from_slice(&response.body).unwrap()
}

/// What a message of Protocol Buffers is, as far as what is inside it goes.
#[derive(Clone, Copy)]
enum Message {
    Trace,
    Node,
    Error,
    Numbers,
}

impl Message {
    fn inside(self, field: u64) -> Option<Self> {
        match (self, field) {
            (Self::Trace, 3 | 4) | (Self::Error, 2) => Some(Self::Numbers),
            (Self::Trace, 14) | (Self::Node, 12) => Some(Self::Node),
            (Self::Node, 11) => Some(Self::Error),
            _ => None,
        }
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

/// A message as JSON: a list of values for each field's number.
fn read(mut bytes: &[u8], message: Message) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let value = match tag & 7 {
            0 => json!(varint(&mut bytes)),
            1 => {
                let (number, rest) = bytes.split_first_chunk().unwrap();
                bytes = rest;
                json!(f64::from_le_bytes(*number))
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)).unwrap();
                let (inside, rest) = bytes.split_at(length);
                bytes = rest;
                match message.inside(tag >> 3) {
                    Some(message) => read(inside, message),
                    None => json!(String::from_utf8(inside.to_vec()).unwrap()),
                }
            }
            kind => panic!("kind {kind}"),
        };
        let values = fields.entry((tag >> 3).to_string()).or_insert_with(|| json!([]));
        values.as_array_mut().unwrap().push(value);
    }
    Value::Object(fields)
}

fn trace(answer: &Value) -> Value {
    let text = answer["extensions"]["ftv1"].as_str().unwrap_or_else(|| panic!("{answer:#}"));
    read(&STANDARD.decode(text).unwrap(), Message::Trace)
}

/// `name: Type of Parent` for each field, indented, without times.
fn outline(node: &Value, depth: usize, lines: &mut Vec<String>) {
    for child in node["12"].as_array().into_iter().flatten() {
        let id =
            child["1"][0].as_str().map_or_else(|| format!("[{}]", child["2"][0]), str::to_owned);
        let of = match (&child["3"][0], &child["13"][0]) {
            (Value::String(ty), Value::String(parent)) => format!(": {ty} of {parent}"),
            _ => String::new(),
        };
        lines.push(format!("{}{id}{of}", "  ".repeat(depth)));
        outline(child, depth + 1, lines);
    }
}

#[tokio::test]
async fn a_trace_has_every_field_of_the_answer_in_its_place() {
    let gateway = subgraph();
    let variables = json!({ "id": customer_id("c2") });
    let answered = answer(&gateway, QUERY, variables.clone(), true).await;
    let mut lines = Vec::new();
    let trace = trace(&answered);
    let root = &trace["14"][0];
    assert_eq!(root["12"][0]["14"], json!(["customer"]), "the name behind the alias");
    outline(root, 0, &mut lines);
    let expected = [
        "one: Customer of Query",
        "  name: String of Customer",
        "  plan: String of Customer",
        "  invoices: InvoiceConnection of Customer",
        "    nodes: [Invoice!]! of InvoiceConnection",
        "      [0]",
        "        number: String of Invoice",
        "        lines: [InvoiceLine!] of Invoice",
        "          [0]",
        "            text: String of InvoiceLine",
        "      [1]",
        "        number: String of Invoice",
        "        lines: [InvoiceLine!] of Invoice",
        "          [0]",
        "            text: String of InvoiceLine",
        "  tickets: [Ticket!] of Customer",
        "    [0]",
        "      subject: String! of Ticket",
    ];
    assert_eq!(lines, expected);
    let untraced = answer(&gateway, QUERY, variables, false).await;
    assert_eq!(untraced.get("extensions"), None);
    assert_eq!(untraced["data"], answered["data"], "a trace changes nothing else");
}

#[tokio::test]
async fn times_are_those_of_the_steps_and_lie_inside_the_whole() {
    let gateway = subgraph();
    let answered = answer(&gateway, QUERY, json!({ "id": customer_id("c2") }), true).await;
    let trace = trace(&answered);
    assert_eq!(trace["31"], json!([1.0]), "the fields count once");
    let whole = trace["11"][0].as_u64().unwrap();
    let seconds = |field: &str| trace[field][0]["1"][0].as_u64().unwrap();
    assert!(whole > 0 && seconds("4") > 1_600_000_000 && seconds("3") >= seconds("4"));
    let mut open = vec![&trace["14"][0]];
    let mut timed = 0;
    while let Some(node) = open.pop() {
        open.extend(node["12"].as_array().into_iter().flatten());
        let time = |field: &str| node[field][0].as_u64();
        if let Some(end) = time("9") {
            assert!(time("8").unwrap_or(0) <= end && end <= whole, "{node}");
            timed += 1;
        }
    }
    assert!(timed > 10, "{timed}");
    // what came with the customer's own record took the record's time
    let fields = |node: &Value| (node["8"].clone(), node["9"].clone());
    let customer = &trace["14"][0]["12"][0];
    let named = |name: &str| {
        let mut fields = customer["12"].as_array().unwrap().iter();
        fields.find(|field| field["1"][0] == name).unwrap()
    };
    assert_ne!(fields(named("name")), fields(named("plan")), "two backends");
}

#[tokio::test]
async fn errors_stand_at_their_places_and_those_without_a_place_at_the_root() {
    let gateway = subgraph();
    gateway.world(|world| world.break_wire("billing GET /accounts"));
    let of = json!([{ "__typename": "Customer", "id": customer_id("c2") }, { "__typename": "Customer", "id": "wrong" }]);
    let query = "query($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { name plan } } }";
    let answered = answer(&gateway, query, json!({ "of": of }), true).await;
    assert_eq!(answered["errors"].as_array().unwrap().len(), 2, "{answered:#}");
    let trace = trace(&answered);
    let root = &trace["14"][0];
    let plan = &root["12"][0]["12"][0]["12"][1];
    assert_eq!((&plan["1"][0], &plan["3"][0]), (&json!("plan"), &json!("String")));
    let told: Value = serde_json::from_str(plan["11"][0]["4"][0].as_str().unwrap()).unwrap();
    let of_plan = |error: &&Value| error["path"][2] == "plan";
    let expected = answered["errors"].as_array().unwrap().iter().find(of_plan).unwrap();
    assert_eq!(&told, expected, "what clients are told, and no more");
    assert_eq!(plan["11"][0]["2"][0]["1"], json!([1]), "the line");
    let message = root["11"][0]["1"][0].as_str().unwrap();
    assert!(message.contains("is not the id of a Customer"), "{message}");
}

#[tokio::test]
async fn a_graph_that_is_no_subgraph_gives_no_trace() {
    let gateway = Deployment::new().start();
    let answered = answer(&gateway, "{ customers { totalCount } }", json!({}), true).await;
    assert_eq!(answered.get("extensions"), None);
}

#[tokio::test]
async fn a_trace_of_a_large_answer_ends_and_the_answer_does_not() {
    let gateway = subgraph();
    let of: Vec<Value> = (0..1_000)
        .map(|index| json!({ "__typename": "Customer", "id": customer_id(&format!("c{}", index % 8 + 1)) }))
        .collect();
    let aliases: String =
        (0..30).map(|index| format!("n{index}: name")).collect::<Vec<_>>().join(" ");
    let query = format!(
        "query($of: [_Any!]!) {{ _entities(representations: $of) {{ ... on Customer {{ {aliases} }} }} }}"
    );
    let answered = answer(&gateway, &query, json!({ "of": of }), true).await;
    assert_eq!(answered["data"]["_entities"].as_array().unwrap().len(), 1_000);
    assert_eq!(answered["data"]["_entities"][999]["n29"], "Customer 8");
    let root = &trace(&answered)["14"][0];
    let traced: usize = root["12"][0]["12"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["12"].as_array().unwrap().len())
        .sum();
    assert_eq!(traced, 20_000 - 1, "all fields but that of the list itself");
}

#[tokio::test]
async fn apollos_reader_reads_the_trace_that_the_header_asks_for() {
    if !needs::outside("apollos_reader_reads_the_trace_that_the_header_asks_for") {
        return;
    }
    let site = Site::start().await;
    let body = json!({ "query": "{ customers(first: 2) { nodes { displayName } } }" }).to_string();
    let ask = |header: &'static str| {
        let request = site.client.post(site.url("/graphql"));
        let request = request.header("content-type", "application/json");
        request.header("apollo-federation-include-trace", header).body(body.clone()).send()
    };
    let other = json_of(ask("ftv2").await.unwrap()).await;
    assert_eq!(other.get("extensions"), None);
    let answered = json_of(ask("ftv1").await.unwrap()).await;
    let output = tokio::process::Command::new("node")
        .args(["tests/federation/trace.mjs", answered["extensions"]["ftv1"].as_str().unwrap()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    let customers = &read["root"]["child"][0];
    assert_eq!(
        (&customers["responseName"], &customers["parentType"]),
        (&json!("customers"), &json!("Query"))
    );
    let nodes = customers["child"][0]["child"].as_array().unwrap();
    let indexes: Vec<&Value> = nodes.iter().map(|node| &node["index"]).collect();
    assert_eq!(indexes, [&json!(0), &json!(1)]);
    let name = &nodes[1]["child"][0];
    assert_eq!((&name["responseName"], &name["type"]), (&json!("displayName"), &json!("String")));
    assert!(read["durationNs"].as_u64().unwrap() >= name["endTime"].as_u64().unwrap());
    assert!(read["startTime"]["seconds"].as_u64().unwrap() > 1_600_000_000);
}
