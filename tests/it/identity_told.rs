//! What answers tell of how a customer was put together: its matches, its records, where each field comes from.

use std::collections::BTreeMap;

use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, customer_id, id};

const BY_EMAIL: &str =
    "- { key: id, from: crm.billingId }\n      - { key: email, from: crm.email }";

const TOLD: &str = "
type IdentityMatch { system: String!, remoteId: String, rule: String, confidence: MatchConfidence!, candidates: [String!]!, blocked: [String!]! }
enum MatchConfidence { EXACT NORMALIZED AMBIGUOUS NOT_LINKED UNAVAILABLE }
type SourceRef { system: String!, connection: String!, remoteId: String, url: String }
type FieldProvenance { field: String!, system: String, fetchedAt: DateTime, cacheAgeMs: Int, stale: Boolean! }
interface Node { id: ID! }
input CustomerKey @oneOf { id: ID, email: String, external: ExternalId }
input ExternalId { system: String!, id: String! }

scalar DateTime";

const OWN: &str = "  sourceStatus: [SourceStatus!]!
  identityMatches: [IdentityMatch!]
  refs: [SourceRef!]
  provenance: [FieldProvenance!]";

const ROOTS: &str = "type Query {
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]
  customerByKey(key: CustomerKey!): Customer
  customersByKeys(keys: [CustomerKey!]!): [Customer]";

/// The small deployment, which tells.
pub(crate) fn telling(most: u32) -> Deployment {
    let rules = format!(
        "- {{ key: id, from: crm.billingId, name: by id }}\n      - {{ key: email, from: crm.email, at_most: {most}, name: by address }}"
    );
    let lookups = "lookups:
  Query.customerByKey: { argument: key, keys: { id: crm.id, email: crm.email, external: { billing: crm.billing } } }
  Query.customersByKeys: { argument: keys, keys: { id: crm.id, email: crm.email, external: { billing: crm.billing } } }
identity:";
    let schema = "schema/schema.graphql";
    Deployment::new()
        .change(schema, "\nscalar DateTime", TOLD)
        .change(schema, "  sourceStatus: [SourceStatus!]!", OWN)
        .change(schema, "type Query {", ROOTS)
        .change(schema, "type Customer implements Named {", "type Customer implements Named & Node {")
        .change(
            schema,
            "type Invoice { id: ID!,",
            "type Invoice implements Node { refs: [SourceRef!], provenance: [FieldProvenance!], id: ID!,",
        )
        .change(schema, "type Ticket { id: ID!,", "type Ticket implements Node { id: ID!,")
        .change("resolvers/identity.yaml", BY_EMAIL, &rules)
        .change("resolvers/identity.yaml", "identity:", lookups)
        .change("resolvers/roles.yaml", "slots: [billingId]\n", "slots: [billingId, url]\n")
        .change(
            "resolvers/roles.yaml",
            "email: { slots: [email], normalize: email }",
            "email: { slots: [email], normalize: email }\n          billing: billingId",
        )
        .change("resolvers/crm/test.yaml", "    billingId: .billing\n", "    billingId: .billing\n    url: .link\n")
}

const MATCHES: &str = "identityMatches { system remoteId rule confidence candidates blocked }";

fn customer(key: &str, fields: &str) -> String {
    format!("{{ customer(id: \"{}\") {{ {fields} }} }}", customer_id(key))
}

async fn billing_match(gateway: &Gateway, key: &str) -> Value {
    let data = gateway.data(&customer(key, MATCHES)).await;
    data["customer"]["identityMatches"][1].clone()
}

#[tokio::test]
async fn each_match_tells_its_rule_and_how_sure_it_is() {
    let gateway = telling(1).start();
    let data = gateway.data(&customer("c2", MATCHES)).await;
    assert_eq!(
        data["customer"]["identityMatches"],
        json!([
            { "system": "crm", "remoteId": "c2", "rule": null, "confidence": "EXACT", "candidates": [], "blocked": [] },
            { "system": "billing", "remoteId": "b2", "rule": "by id", "confidence": "EXACT", "candidates": [], "blocked": [] },
            { "system": "support", "remoteId": "c2@example.com", "rule": "email from crm.email", "confidence": "NORMALIZED", "candidates": [], "blocked": [] },
        ])
    );
    // billing is asked, though the CRM named the account: a match is a record that is there
    assert_eq!(gateway.lines(), ["billing GET /accounts", "crm POST /customers/batch"]);
    let found = billing_match(&gateway, "c1").await;
    assert_eq!((&found["remoteId"], &found["confidence"]), (&json!("b1"), &json!("NORMALIZED")));
}

#[tokio::test]
async fn an_account_that_is_not_there_is_no_match() {
    let gateway = telling(1).start();
    gateway.world(|world| world.customers[1]["billing"] = json!("gone"));
    let found = billing_match(&gateway, "c2").await;
    assert_eq!((&found["rule"], &found["confidence"]), (&json!("by id"), &json!("NOT_LINKED")));
    assert_eq!(found["remoteId"], Value::Null);
}

#[tokio::test]
async fn two_records_are_listed_and_none_is_taken() {
    let gateway = telling(1).start();
    gateway.world(|world| {
        world
            .accounts
            .insert(0, json!({ "id": "b99", "email": "c1@example.com", "plan": "silver" }));
    });
    let found = billing_match(&gateway, "c1").await;
    assert_eq!(
        found,
        json!({ "system": "billing", "remoteId": null, "rule": "by address", "confidence": "AMBIGUOUS",
                "candidates": ["b1", "b99"], "blocked": [] })
    );
}

#[tokio::test]
async fn blocked_values_and_several_accounts_are_told() {
    let gateway = telling(3).start();
    gateway.world(|world| {
        world.customers[2]["email"] = json!("noreply@example.com");
        world.accounts.push(json!({ "id": "b99", "email": "c1@example.com", "plan": "gold" }));
    });
    let blocked = billing_match(&gateway, "c3").await;
    assert_eq!(
        (&blocked["confidence"], &blocked["blocked"]),
        (&json!("NOT_LINKED"), &json!(["by address"]))
    );
    let data = gateway.data(&customer("c1", MATCHES)).await;
    let of_billing: Vec<&Value> = data["customer"]["identityMatches"]
        .as_array()
        .expect("matches")
        .iter()
        .filter(|one| one["system"] == "billing")
        .map(|one| &one["remoteId"])
        .collect();
    assert_eq!(of_billing, ["b1", "b99"]);
}

#[tokio::test]
async fn a_dead_backend_leaves_matches_unknown_and_is_never_overtaken() {
    let gateway = telling(1).start();
    gateway.world(|world| world.reply("crm", 503, &json!({})));
    let answer = gateway
        .query("{ customerByEmail(email: \"c2@example.com\") { plan identityMatches { system confidence rule } } }")
        .await;
    let customer = &answer["data"]["customerByEmail"];
    assert_eq!(customer["plan"], Value::Null);
    assert_eq!(
        customer["identityMatches"][1],
        json!({ "system": "billing", "confidence": "UNAVAILABLE", "rule": "by id" })
    );
    assert!(!gateway.lines().iter().any(|line| line.starts_with("billing")), "never by address");
}

#[tokio::test]
async fn a_hundred_customers_cost_one_look_up_for_each_source_and_kind_of_key() {
    let gateway = telling(1).start();
    gateway.world(|world| {
        world.customers = (1..=100_u32)
            .map(|number| {
                let billing = (number % 2 == 0).then(|| format!("b{number}"));
                json!({ "id": format!("c{number}"), "name": "x", "email": format!("C{number}@example.com"), "billing": billing })
            })
            .collect();
        world.accounts = (1..=100_u32)
            .map(|number| json!({ "id": format!("b{number}"), "email": format!("c{number}@example.com"), "plan": "gold" }))
            .collect();
    });
    let ids: Vec<String> = (1..=100).map(|number| customer_id(&format!("c{number}"))).collect();
    let query = format!("query($ids: [ID!]!) {{ customersByIds(ids: $ids) {{ plan {MATCHES} }} }}");
    let answer = gateway.query_with(&query, json!({ "ids": ids })).await;
    let customers = answer["data"]["customersByIds"].as_array().expect("customers");
    assert!(customers.iter().all(|customer| customer["plan"] == "gold"), "{answer:#}");
    let lines = gateway.lines();
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("billing GET /accounts"), 2, "one by id, one by address");
    assert_eq!(count("crm"), 34, "chunks of three");
    assert_eq!(lines.len(), 36);
}

#[tokio::test]
async fn a_remote_id_that_is_a_protected_value_is_not_told() {
    let gateway = telling(1)
        .change(
            "schema/schema.graphql",
            "  email: String\n",
            "  email: String @requiresScopes(scopes: [[\"pii\"]])\n",
        )
        .start();
    let of_support = |data: Value| data["customer"]["identityMatches"][2]["remoteId"].clone();
    let hidden = gateway.data(&customer("c2", MATCHES)).await;
    assert_eq!(of_support(hidden), Value::Null);
    let entitled = gateway.as_caller(Principal {
        subject: Some("somebody".into()),
        scopes: vec!["pii".into()],
        ..Principal::anonymous()
    });
    let shown = entitled.data(&customer("c2", MATCHES)).await;
    assert_eq!(of_support(shown), "c2@example.com");
}

/// Support with two kinds of keys and a look-up for neither, as the demo's is.
fn known_by_address() -> Deployment {
    telling(1).change(
        "resolvers/roles.yaml",
        "          email: { slots: [requester], normalize: email }\n        slots: [requester]",
        "          id: supportId\n          email: { slots: [requester], normalize: email }\n        slots: [supportId, requester]",
    )
}

const REFS: &str = "refs { system remoteId }";

#[tokio::test]
async fn a_record_that_no_call_looks_up_is_named_by_its_key() {
    let gateway = known_by_address().start();
    let data = gateway.data(&customer("c2", &format!("{MATCHES} {REFS}"))).await;
    let matched = &data["customer"]["identityMatches"][2];
    assert_eq!(
        *matched,
        json!({ "system": "support", "remoteId": "c2@example.com", "rule": "email from crm.email", "confidence": "NORMALIZED", "candidates": [], "blocked": [] })
    );
    let named = &data["customer"]["refs"][2];
    assert_eq!(*named, json!({ "system": "support", "remoteId": "c2@example.com" }));
    assert_eq!(gateway.lines(), ["billing GET /accounts", "crm POST /customers/batch"]);
}

#[tokio::test]
async fn a_key_that_is_a_protected_value_is_not_told_by_refs_alone() {
    let gateway = known_by_address()
        .change(
            "schema/schema.graphql",
            "  email: String\n",
            "  email: String @requiresScopes(scopes: [[\"pii\"]])\n",
        )
        .start();
    let data = gateway.data(&customer("c2", REFS)).await;
    assert_eq!(data["customer"]["refs"][2], json!({ "system": "support", "remoteId": null }));
    assert_eq!(data["customer"]["refs"][1], json!({ "system": "billing", "remoteId": "b2" }));
}

// ---- refs and provenance -------------------------------------------------------------------------------------------

#[tokio::test]
async fn refs_name_the_records_that_an_object_is_made_of() {
    let gateway = telling(1).start();
    gateway.world(|world| world.customers[1]["link"] = json!("https://crm.test/c2"));
    let refs = "refs { system connection remoteId url }";
    let data = gateway
        .data(&customer("c2", &format!("{refs} invoices(first: 1) {{ nodes {{ {refs} }} }}")))
        .await;
    assert_eq!(
        data["customer"]["refs"],
        json!([
            { "system": "crm", "connection": "test", "remoteId": "c2", "url": "https://crm.test/c2" },
            { "system": "billing", "connection": "test", "remoteId": "b2", "url": null },
            { "system": "support", "connection": "test", "remoteId": "c2@example.com", "url": null },
        ])
    );
    assert_eq!(
        data["customer"]["invoices"]["nodes"][0]["refs"],
        json!([{ "system": "billing", "connection": "test", "remoteId": "i2-1", "url": null }])
    );
}

#[tokio::test]
async fn provenance_tells_the_system_of_each_selected_field() {
    let gateway = telling(1).start();
    let provenance = "provenance { field system cacheAgeMs stale }";
    let query = customer(
        "c2",
        &format!(
            "name mine: plan invoices(first: 1) {{ nodes {{ number {provenance} }} }} {provenance}"
        ),
    );
    let data = gateway.data(&query).await;
    let fresh = |field: &str, system: &str| json!({ "field": field, "system": system, "cacheAgeMs": 0, "stale": false });
    assert_eq!(
        data["customer"]["provenance"],
        json!([fresh("name", "crm"), fresh("mine", "billing"), fresh("invoices", "billing")])
    );
    assert_eq!(
        data["customer"]["invoices"]["nodes"][0]["provenance"],
        json!([fresh("number", "billing")])
    );
}

#[tokio::test(start_paused = true)]
async fn provenance_and_source_status_tell_when_a_record_was_fetched_and_that_it_is_past_its_time()
{
    let state = "ageSeconds: Int, fromCache: Boolean!";
    let gateway = telling(1)
        .change("schema/schema.graphql", state, &format!("{state}, fetchedAt: DateTime"))
        .start();
    let fields = "name provenance { field fetchedAt cacheAgeMs stale } sourceStatus { system state fetchedAt }";
    let query = customer("c2", fields);
    for (seconds, state, is_stale) in [(0, "OK", false), (20, "OK", false), (80, "STALE", true)] {
        let present = jiff::Timestamp::from_second(1_772_323_200 + seconds).unwrap();
        gateway.world(|world| {
            world.present = Some(present);
            if is_stale {
                world.break_wire("crm");
            }
        });
        let data = gateway.data(&query).await;
        let fetched = "2026-03-01T00:00:00.000Z";
        let told = json!({ "field": "name", "fetchedAt": fetched, "cacheAgeMs": seconds * 1_000, "stale": is_stale });
        assert_eq!(data["customer"]["provenance"], json!([told]));
        let told = json!({ "system": "crm", "state": state, "fetchedAt": fetched });
        assert_eq!(data["customer"]["sourceStatus"][0], told);
        tokio::time::advance(std::time::Duration::from_secs(if seconds == 0 { 20 } else { 60 }))
            .await;
    }
}

#[tokio::test]
async fn provenance_of_a_field_that_nobody_answered_has_no_time() {
    let gateway = telling(1).start();
    gateway.world(|world| world.break_wire("billing"));
    let answer =
        gateway.query(&customer("c2", "name plan provenance { field system fetchedAt }")).await;
    let told = &answer["data"]["customer"]["provenance"];
    assert!(told[0]["fetchedAt"].as_str().is_some_and(|at| at.ends_with('Z')), "{answer:#}");
    assert_eq!(told[1], json!({ "field": "plan", "system": "billing", "fetchedAt": null }));
}

// ---- node and keys -------------------------------------------------------------------------------------------------

#[tokio::test]
async fn node_finds_an_object_of_any_type_by_its_id() {
    let gateway = telling(1).start();
    let invoice = id("Invoice", "billing", "i3-1");
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Customer { name plan } ... on Invoice { number } } }";
    let ids = json!([customer_id("c2"), invoice, customer_id("c3"), customer_id("nobody")]);
    let answer = gateway.query_with(query, json!({ "ids": ids })).await;
    assert_eq!(
        answer["data"]["nodes"],
        json!([
            { "__typename": "Customer", "id": customer_id("c2"), "name": "Customer 2", "plan": "gold" },
            { "__typename": "Invoice", "id": invoice, "number": "3/1" },
            { "__typename": "Customer", "id": customer_id("c3"), "name": "Customer 3", "plan": "gold" },
            null,
        ])
    );
    assert_eq!(answer.get("errors"), None);
    let lines = gateway.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("crm")).count(), 1, "{lines:?}");
    let one = gateway
        .query_with("query($id: ID!) { node(id: $id) { id } }", json!({ "id": invoice }))
        .await;
    assert_eq!(one["data"]["node"]["id"], invoice.as_str());
}

#[tokio::test]
async fn an_id_that_is_none_of_this_graph_is_an_error_at_its_place() {
    let gateway = telling(1).start();
    let wrong = [
        "c2".to_owned(),
        "%%%".to_owned(),
        id("Nothing", "crm", "c2"),
        id("Opportunity", "crm", "o1"),
        id("Customer", "billing", "b2"),
    ];
    for one in wrong {
        let ids = json!({ "ids": [one, customer_id("c2")] });
        let answer =
            gateway.query_with("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids).await;
        assert_eq!(answer["data"]["nodes"], json!([null, { "id": customer_id("c2") }]), "{one}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{one}");
        assert_eq!(answer["errors"][0]["path"], json!(["nodes", 0]), "{one}");
    }
    let ticket = id("Ticket", "support", "t1");
    let answer = gateway
        .query_with("query($id: ID!) { node(id: $id) { id } }", json!({ "id": ticket }))
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_COVERED", "no call finds tickets");
}

#[tokio::test]
async fn customers_are_found_by_keys_of_several_kinds_in_one_list() {
    let gateway = telling(1).start();
    let keys = json!([
        { "id": customer_id("c1") },
        { "email": " C3@Example.com" },
        { "email": "nobody@example.com" },
        { "id": customer_id("c4") },
        { "external": { "system": "elsewhere", "id": "x" } },
        { "external": { "system": "billing", "id": "b2" } },
    ]);
    let query = "query($keys: [CustomerKey!]!) { customersByKeys(keys: $keys) { name plan } }";
    let answer = gateway.query_with(query, json!({ "keys": keys })).await;
    let gold = |name: &str| json!({ "name": name, "plan": "gold" });
    assert_eq!(
        answer["data"]["customersByKeys"],
        json!([gold("Customer 1"), gold("Customer 3"), null, gold("Customer 4"), null, null])
    );
    let codes: Vec<_> = answer["errors"].as_array().expect("errors").iter().collect();
    assert_eq!(codes.len(), 2, "{answer:#}");
    assert_eq!(codes[0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(codes[1]["extensions"]["code"], "NOT_COVERED", "the vendor has no such lookup");
    let lines = gateway.lines();
    assert_eq!(
        lines,
        [
            "billing GET /accounts",
            "billing GET /accounts",
            "crm POST /customers/batch",
            "crm POST /customers/by-email"
        ]
    );
    let one = gateway.data("{ customerByKey(key: { email: \"C5@example.com\" }) { name } }").await;
    assert_eq!(one["customerByKey"]["name"], "Customer 5");
}

// ---- any world -----------------------------------------------------------------------------------------------------

/// A sequence of numbers by chance, the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[usize::try_from(self.below(of.len() as u64)).expect("small")]
    }
}

const ADDRESSES: &[&str] = &[
    "a@x.test",
    "b@x.test",
    "c@x.test",
    "A@X.test",
    " b@x.TEST ",
    "info@x.test",
    "",
    "  ",
    "d@x.test",
];
const IDS: &[&str] = &["", "", "b1", "b2", "b3", "b9", "null", "-1", "0"];

/// How a customer is found in billing, told in the plainest way: one rule after the other, over all records.
fn resolved(customer: &Value, accounts: &[Value], most: usize) -> Vec<Value> {
    let entry = |id: Option<&str>,
                 rule: Option<&str>,
                 confidence: &str,
                 candidates: Vec<&str>,
                 blocked: &[&str]| {
        json!({ "system": "billing", "remoteId": id, "rule": rule, "confidence": confidence,
                "candidates": candidates, "blocked": blocked })
    };
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let found = |name: &str, key: &str| -> Vec<&str> {
        let mut ids: Vec<&str> = accounts
            .iter()
            .filter(|account| account[name].as_str() == Some(key))
            .filter_map(|account| account["id"].as_str())
            .collect();
        ids.sort_unstable();
        ids
    };
    let mut blocked = Vec::new();
    let own = text(customer, "billing");
    let address = text(customer, "email").trim().to_lowercase();
    let mut decided = None;
    if !own.trim().is_empty() {
        if ["null", "-1", "0"].contains(&&*own) {
            blocked.push("by id");
        } else {
            decided = Some(("by id", "EXACT", 1, found("id", &own)));
        }
    }
    if decided.is_none() && !address.is_empty() {
        if address.starts_with("info@") {
            blocked.push("by address");
        } else {
            decided = Some(("by address", "NORMALIZED", most, found("email", &address)));
        }
    }
    match decided {
        None => vec![entry(None, None, "NOT_LINKED", Vec::new(), &blocked)],
        Some((rule, _, _, ids)) if ids.is_empty() => {
            vec![entry(None, Some(rule), "NOT_LINKED", Vec::new(), &blocked)]
        }
        Some((rule, _, most, ids)) if ids.len() > most => {
            vec![entry(None, Some(rule), "AMBIGUOUS", ids, &blocked)]
        }
        Some((rule, confidence, _, ids)) => ids
            .into_iter()
            .map(|id| entry(Some(id), Some(rule), confidence, Vec::new(), &blocked))
            .collect(),
    }
}

#[tokio::test]
async fn in_any_world_the_links_are_those_of_a_resolver_that_looks_at_everything() {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for most in 1..=3 {
        let gateway = telling(most)
            .change("cyclorama.yaml", "roles:", "cache: { enabled: false }\nroles:")
            .start();
        for seed in 0..150 {
            let mut dice = Dice(seed * 7919 + u64::from(most));
            let customers: Vec<Value> = (1..=1 + dice.below(8))
                .map(|number| {
                    json!({ "id": format!("c{number}"), "name": "x", "email": dice.pick(ADDRESSES), "billing": dice.pick(IDS) })
                })
                .collect();
            let accounts: Vec<Value> = (1..=dice.below(7))
                .map(|number| {
                    let email = dice.pick(ADDRESSES).trim().to_lowercase();
                    json!({ "id": format!("b{number}"), "email": email, "plan": "gold" })
                })
                .collect();
            let ids: Vec<String> =
                (1..=customers.len()).map(|number| customer_id(&format!("c{number}"))).collect();
            gateway.world(|world| {
                world.customers.clone_from(&customers);
                world.accounts.clone_from(&accounts);
            });
            let query =
                format!("query($ids: [ID!]!) {{ customersByIds(ids: $ids) {{ {MATCHES} }} }}");
            let answer = gateway.query_with(&query, json!({ "ids": ids })).await;
            for (customer, told) in
                customers.iter().zip(answer["data"]["customersByIds"].as_array().expect("a list"))
            {
                let told: Vec<&Value> = told["identityMatches"]
                    .as_array()
                    .expect("matches")
                    .iter()
                    .filter(|one| one["system"] == "billing")
                    .collect();
                let expected = resolved(customer, &accounts, most as usize);
                assert_eq!(
                    told,
                    expected.iter().collect::<Vec<_>>(),
                    "seed {seed}, at most {most}: {customer} {accounts:?}"
                );
                *seen.entry(expected[0]["confidence"].to_string()).or_default() += 1;
            }
        }
    }
    assert!(seen.len() == 4 && seen.values().all(|count| *count > 20), "{seen:?}");
}

// ---- the documentation ---------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_page_about_identity_says_what_is_so() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/identity.md");
    let blocks = crate::docs::blocks(&std::fs::read_to_string(path).expect("the page"));
    let mut rules = 0;
    for block in blocks.iter().filter(|block| block.info == "yaml identity") {
        let mut files: Vec<(&str, &str)> = cyclorama::demo::files().to_vec();
        files.push(("resolvers/more.yaml", &block.text));
        let listed = blocks.iter().find(|block| block.info == "json crosswalk").expect("a list");
        files.push(("resolvers/crosswalk.json", &listed.text));
        let files = cyclorama::compile::Files::in_memory("cyclorama.yaml", files);
        let compiled = cyclorama::compile::compile(&files);
        assert!(compiled.graph.is_some(), "line {}: {:#?}", block.line, compiled.diagnostics);
        rules += 1;
    }
    assert!(rules >= 3, "{rules}");
    let gateway = telling(1).start();
    let mut answers = 0;
    for pair in blocks.windows(2).filter(|pair| pair[0].info == "graphql identity") {
        let expected: Value = serde_json::from_str(&pair[1].text).expect("JSON");
        let data = gateway.data(&pair[0].text).await;
        assert_eq!(data, expected, "line {}", pair[0].line);
        answers += 1;
    }
    assert!(answers >= 2, "{answers}");
}
