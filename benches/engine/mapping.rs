//! Decoding and mapping a 60 KB answer: 128 invoices, 12 slots of each.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cyclorama::graph::{
    AnswerLimits, BackendId, CacheLimits, Call, Effect, ErrorPaths, Graph, KeyMode, Limits, Method,
    Normalizer, RequestTemplate, RestTemplate, Scalar, Shape, ShapeId, Slot, SlotId, Stale, Type,
    TypeId, TypeKind,
};
use cyclorama::mapping::{
    CurrencySource, JqProgram, Leaf, Mapping, Path, Payload, TimeForm, map_answers,
};
use cyclorama::template::UrlTemplate;
use cyclorama::value::{Key, SlotSet};

use crate::Bench;

const LIMITS: AnswerLimits = AnswerLimits { body_bytes: 10 << 20, depth: 64 };

pub(crate) fn run(bench: &Bench) {
    let body = bytes::Bytes::from(body());
    let graph = graph();
    let call = call();
    let keys: Vec<Key> = (0..40).map(|number| Key::new(&format!("cus_{number:04}"))).collect();
    let mut wanted = SlotSet::EMPTY;
    (0..12).for_each(|number| wanted.insert(SlotId(number)));
    let mut jq = SlotSet::EMPTY;
    jq.insert(SlotId(12));
    let decode = || Payload::json(body.clone(), LIMITS).expect("the body is JSON");
    let payload = [decode()];
    println!("mapping: {} bytes, 128 records", body.len());
    bench.measure("mapping: copy the body (in the figures below)", || body.to_vec());
    bench.measure("mapping: decode", decode);
    bench.measure("mapping: map 12 slots to 40 keys", || {
        map_answers(&graph, &call, ShapeId(0), wanted, &payload, &keys)
    });
    bench.measure("mapping: decode and map", || {
        map_answers(&graph, &call, ShapeId(0), wanted, &[decode()], &keys)
    });
    bench.measure("mapping: one jq slot", || {
        map_answers(&graph, &call, ShapeId(0), jq, &payload, &keys)
    });
    bench.measure("mapping: serde_json decodes, to compare", || {
        serde_json::from_slice::<serde_json::Value>(&body).expect("the body is JSON")
    });
}

fn body() -> String {
    let mut body = String::from(r#"{"object":"list","has_more":false,"data":["#);
    for number in 0..128 {
        if number > 0 {
            body.push(',');
        }
        write!(
            body,
            r#"{{"id":"in_{number:08}","object":"invoice","number":"INV-2024-{number:05}","customer":"cus_{:04}","status":"{}","total":{},"amount_due":{},"currency":"eur","created":{},"due_date":{},"description":"Consulting \u00fcber {number} hours","attempt_count":{},"paid":{},"customer_address":{{"city":"Wien","country":"AT","line1":"Am Hof {number}","postal_code":"1010"}},"metadata":{{"order":"{number}","channel":"web"}},"lines":{{"data":[{{"id":"il_{number}","amount":{},"quantity":2}}]}}}}"#,
            number % 40,
            if number % 3 == 0 { "open" } else { "paid" },
            number * 1234,
            number * 7,
            1_700_000_000 + number * 3600,
            1_702_000_000 + number * 3600,
            number % 4,
            number % 3 != 0,
            number * 617,
        )
        .expect("a string grows");
    }
    body.push_str("]}");
    body
}

fn path(text: &str) -> Path {
    Path::parse(text).expect("the path parses")
}

fn slots() -> Vec<(&'static str, Mapping)> {
    let leaf = |text, scalar| Mapping::Path { path: path(text), to: Leaf::Scalar(scalar) };
    let pair = |from, to| (Arc::from(from), Arc::from(to));
    let time = |text| Mapping::Time {
        path: path(text),
        form: TimeForm::UnixSeconds,
        unset: Vec::new(),
        is_date: false,
    };
    let money = |text| Mapping::Money {
        amount: path(text),
        currency: CurrencySource::Path(path(".currency")),
        is_minor: true,
        own_digits: [].into(),
        shape: ShapeId(1),
    };
    let city = vec![
        leaf(".customer_address.postal_code", Scalar::String),
        leaf(".customer_address.city", Scalar::String),
    ];
    let program = JqProgram::compile(".metadata | to_entries | map(.value) | join(\", \")")
        .expect("the filter compiles");
    vec![
        ("id", Mapping::Id { parts: vec![path(".id")], of: TypeId(0), role: Arc::from("billing") }),
        ("number", leaf(".number", Scalar::String)),
        ("customerId", leaf(".customer", Scalar::Id)),
        (
            "status",
            Mapping::Enum {
                path: path(".status"),
                values: vec![pair("draft", "DRAFT"), pair("open", "OPEN"), pair("paid", "PAID")],
                otherwise: Some(Arc::from("UNKNOWN")),
            },
        ),
        ("total", money(".total")),
        ("due", money(".amount_due")),
        ("issuedAt", time(".created")),
        ("dueAt", time(".due_date")),
        ("description", leaf(".description", Scalar::String)),
        ("attempts", leaf(".attempt_count", Scalar::Int)),
        ("paid", leaf(".paid", Scalar::Boolean)),
        ("place", Mapping::Join { parts: city, with: Arc::from(" ") }),
        ("note", Mapping::Jq { program: Arc::new(program), to: Leaf::Scalar(Scalar::String) }),
    ]
}

fn shape(name: &str, slots: Vec<(&str, Mapping)>) -> Shape {
    let slot = |(name, mapping)| Slot { name: Arc::from(name), mapping, needs: Vec::new() };
    let slots = slots.into_iter().map(slot).collect();
    Shape {
        name: Arc::from(name),
        ty: TypeId(0),
        slots,
        field_slots: Vec::new(),
        named_slots: Vec::new(),
        id_slot: None,
        url: None,
        pick: None,
    }
}

fn graph() -> Graph {
    let schema =
        apollo_compiler::Schema::parse_and_validate("type Query { invoice: ID }", "schema.graphql");
    let null = || Mapping::Constant { json: Box::from("null") };
    Graph {
        fingerprint: 0,
        sdl: Arc::from(""),
        schema: Arc::new(schema.expect("the schema is valid")),
        types: vec![Type {
            name: Arc::from("Invoice"),
            kind: TypeKind::Object,
            fields: Vec::new(),
            field_names: rustc_hash::FxHashMap::default(),
            parts: Vec::new(),
            access: None,
            uncovered_roles: Vec::new(),
        }],
        type_names: rustc_hash::FxHashMap::default(),
        query: TypeId(0),
        mutation: None,
        federation: None,
        derived: Vec::new(),
        merged: Vec::new(),
        shapes: vec![
            shape("Invoice", slots()),
            shape("Money", vec![("amount", null()), ("currency", null())]),
        ],
        calls: Vec::new(),
        backends: Vec::new(),
        limits: Limits::default(),
        introspection_enabled: true,
        suggestions_enabled: true,
        incremental_enabled: true,
        deadline: Duration::from_secs(15),
        page_size_max: 100,
        page_size: 20,
        cache: CacheLimits::default(),
        ages: cyclorama::graph::SchemaAges::default(),
        weights: cyclorama::graph::Weights::default(),
        cost: cyclorama::graph::CostSettings::default(),
        forward_headers: Vec::new(),
    }
}

fn call() -> Call {
    Call {
        name: Arc::from("invoices_by_customer"),
        backend: BackendId(0),
        fingerprint: 0,
        request: RequestTemplate::Rest(RestTemplate {
            method: Method::Get,
            url: UrlTemplate::parse("/v1/invoices").expect("the URL parses"),
            query: Vec::new(),
            headers: Vec::new(),
            variables: Vec::new(),
            body: None,
        }),
        inputs: Vec::new(),
        keys: KeyMode::Batch { keys: 100, bytes: 8192, parallel: 1, split_on: Vec::new() },
        pages: None,
        order: None,
        records: Some(path(".data[]")),
        answers: vec![path(".customer")],
        only: None,
        inside: None,
        inside_name: None,
        cut: None,
        longest: None,
        also: None,
        answers_normalizer: Normalizer::Exact,
        success: None,
        refused: None,
        errors: ErrorPaths::default(),
        missing: Vec::new(),
        projects: false,
        needs: Vec::new(),
        ttl: None,
        stale: Stale::default(),
        timeout: Duration::from_secs(1),
        effect: Effect::Read,
        group: 0,
        idempotency_header: None,
        is_idempotent: false,
        drops: Vec::new(),
        tags: Vec::new(),
        fills: Vec::new(),
        answer_limits: LIMITS,
        contract: None,
    }
}
