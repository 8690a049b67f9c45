//! The graph as a subgraph: its SDL for composers, and `_entities` through the same plan as everything else.

use cyclorama::compile::{Files, compile};
use cyclorama::principal::Principal;
use serde_json::{Value, json};

use crate::testkit::{Deployment, Gateway, codes, customer_id, id};

const SCHEMA: &str = "schema/schema.graphql";
const CUSTOMER: &str = "type Customer implements Named {";
const ENTITIES: &str = "query($of: [_Any!]!) { _entities(representations: $of) { __typename \
                        ... on Customer { name plan } ... on Invoice { number } } }";

pub(crate) fn deployment() -> Deployment {
    Deployment::new()
        .change(
            SCHEMA,
            CUSTOMER,
            "type Customer implements Named @key(fields: \"id\") @key(fields: \"email\") {",
        )
        .change(SCHEMA, "type Invoice {", "type Invoice @key(fields: \"id\") {")
}

fn customer(key: &str) -> Value {
    json!({ "__typename": "Customer", "id": customer_id(key) })
}

fn invoice(key: &str) -> Value {
    json!({ "__typename": "Invoice", "id": id("Invoice", "billing", key) })
}

async fn entities(gateway: &Gateway, representations: &[Value]) -> Value {
    gateway.query_with(ENTITIES, json!({ "of": representations })).await
}

#[tokio::test]
async fn representations_are_answered_in_their_order_with_duplicates_and_unknown_keys_in_place() {
    let gateway = deployment().start();
    let answer = entities(
        &gateway,
        &[
            customer("c2"),
            invoice("i2-1"),
            customer("nobody"),
            json!({ "__typename": "Customer", "email": " C3@Example.com" }),
            customer("c2"),
        ],
    )
    .await;
    let of = |number: u32| json!({ "__typename": "Customer", "name": format!("Customer {number}"), "plan": "gold" });
    let invoice = json!({ "__typename": "Invoice", "number": "2/1" });
    assert_eq!(answer, json!({ "data": { "_entities": [of(2), invoice, null, of(3), of(2)] } }));
}

#[tokio::test]
async fn a_hundred_representations_of_mixed_types_cost_one_step_for_each_type_and_part() {
    let gateway = deployment()
        .change(
            "resolvers/crm/test.yaml",
            "batch: { keys: 3, parallel: 2, split_on: [422] }",
            "batch: { keys: 100 }",
        )
        .start();
    let representations: Vec<Value> = (0..50)
        .flat_map(|index| {
            [customer(&format!("c{}", index % 8 + 1)), invoice(&format!("i{}-1", index % 8 + 1))]
        })
        .collect();
    let answer = entities(&gateway, &representations).await;
    let list = answer["data"]["_entities"].as_array().unwrap();
    assert_eq!((list.len(), answer.get("errors")), (100, None));
    assert!(list.iter().enumerate().all(|(index, one)| {
        let number = index / 2 % 8 + 1;
        one["name"] == format!("Customer {number}") || one["number"] == format!("{number}/1")
    }));
    let mut lines = gateway.lines();
    lines.dedup();
    // billing is found by id for the even customers and by e-mail for the odd ones
    let invoices: Vec<String> =
        (1..=8).map(|number| format!("billing GET /invoices/i{number}-1")).collect();
    let parts = ["billing GET /accounts", "crm POST /customers/batch"].map(str::to_owned);
    let expected: Vec<String> =
        parts.iter().take(1).cloned().chain(invoices).chain(parts[1..].to_vec()).collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_thousand_representations_are_answered() {
    let gateway = deployment()
        .change(
            "resolvers/crm/test.yaml",
            "batch: { keys: 3, parallel: 2, split_on: [422] }",
            "batch: { keys: 100 }",
        )
        .start();
    let representations: Vec<Value> =
        (0..1_000).map(|index| customer(&format!("c{}", index % 8 + 1))).collect();
    let answer = entities(&gateway, &representations).await;
    let list = answer["data"]["_entities"].as_array().unwrap();
    assert_eq!((list.len(), answer.get("errors")), (1_000, None));
    assert!(
        list.iter()
            .enumerate()
            .all(|(index, one)| one["name"] == format!("Customer {}", index % 8 + 1))
    );
    assert_eq!(gateway.lines().iter().filter(|line| line.starts_with("crm")).count(), 1);
}

#[tokio::test]
async fn a_thousand_representations_of_three_types_are_answered_with_each_error_at_its_place() {
    let gateway = deployment()
        .change(SCHEMA, "type Ticket {", "type Ticket @key(fields: \"id\") {")
        .change(
            "resolvers/crm/test.yaml",
            "batch: { keys: 3, parallel: 2, split_on: [422] }",
            "batch: { keys: 100 }",
        )
        .change(
            "resolvers/support/test.yaml",
            "calls:\n",
            "calls:\n  by_ids: { post: /tickets/batch, batch: { keys: 100 }, body: { ids: $keys }, \
             records: '.tickets[]', answers: .id }\n",
        )
        .change("resolvers/support/test.yaml", "Ticket: {}", "Ticket: { id: by_ids }")
        .start();
    gateway.world(|world| {
        let tickets = json!({ "tickets": world.tickets });
        world.reply("support POST /tickets/batch", 200, &tickets);
        world.reply("billing GET /invoices/i3-1", 500, &json!({}));
    });
    let number = |index: usize| index / 3 % 8 + 1;
    let of: Vec<Value> = (0..1_000)
        .map(|index| match (index % 40, index % 3, number(index)) {
            (39, ..) => json!({ "__typename": "Ticket", "id": "not an id" }),
            (19, ..) => customer("nobody"),
            (_, 0, number) => customer(&format!("c{number}")),
            (_, 1, number) => invoice(&format!("i{number}-1")),
            (_, _, number) => {
                json!({ "__typename": "Ticket", "id": id("Ticket", "support", &format!("t{number}")) })
            }
        })
        .collect();
    let query = "query($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { name } \
                 ... on Invoice { number } ... on Ticket { subject } } }";
    let answer = gateway.query_with(query, json!({ "of": of })).await;
    let mut places = Vec::new();
    let expected = (0..1_000).map(|index| match (index % 40, index % 3, number(index)) {
        (39, ..) => {
            places.push((json!(["_entities", index]), json!("BAD_USER_INPUT")));
            Value::Null
        }
        (19, ..) => Value::Null,
        (_, 0, number) => json!({ "name": format!("Customer {number}") }),
        (_, 1, 3) => {
            places.push((json!(["_entities", index, "number"]), json!("BACKEND_UNAVAILABLE")));
            json!({ "number": null })
        }
        (_, 1, number) => json!({ "number": format!("{number}/1") }),
        (_, _, number) => json!({ "subject": format!("Ticket {number}") }),
    });
    let expected: Vec<Value> = expected.collect();
    let list = answer["data"]["_entities"].as_array().unwrap();
    for (index, (found, expected)) in list.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "{index}");
    }
    assert_eq!(list.len(), expected.len());
    let errors = answer["errors"].as_array().unwrap().iter();
    let told: Vec<(Value, Value)> =
        errors.map(|error| (error["path"].clone(), error["extensions"]["code"].clone())).collect();
    assert_eq!(told, places);
    let mut lines = gateway.lines();
    let count = |lines: &[String], beginning: &str| {
        lines.iter().filter(|line| line.starts_with(beginning)).count()
    };
    assert_eq!(count(&lines, "crm POST /customers/batch"), 1);
    assert_eq!(count(&lines, "support POST /tickets/batch"), 1);
    assert_eq!((count(&lines, "billing GET /invoices/"), lines.len()), (8, 10));
    lines.dedup();
    assert_eq!(lines.len(), 10, "each key once");
}

#[tokio::test]
async fn a_mutation_of_a_subgraph_is_made_once_and_what_it_names_is_read_anew_for_routers() {
    let gateway = deployment().start();
    assert_eq!(
        entities(&gateway, &[customer("c1")]).await["data"]["_entities"][0]["name"],
        "Customer 1"
    );
    assert!(!gateway.lines().is_empty());
    entities(&gateway, &[customer("c1")]).await;
    assert_eq!(gateway.lines(), Vec::<String>::new(), "it is in the cache");
    let rename = format!(
        "mutation {{ rename(input: {{ id: \"{}\", name: \"New\" }}) {{ customer {{ name }} }} }}",
        customer_id("c1")
    );
    let data = gateway.data(&rename).await;
    assert_eq!(data, json!({ "rename": { "customer": { "name": "New" } } }));
    assert_eq!(gateway.lines(), ["crm PATCH /customers/c1"]);
    assert_eq!(entities(&gateway, &[customer("c1")]).await["data"]["_entities"][0]["name"], "New");
    assert!(gateway.lines().contains(&"crm POST /customers/batch".to_owned()));
    let data =
        gateway.data("{ __schema { mutationType { fields { name } } } _service { sdl } }").await;
    let fields = json!([{ "name": "rename" }, { "name": "addComment" }]);
    assert_eq!(data["__schema"]["mutationType"]["fields"], fields, "routers ask by queries alone");
    assert!(data["_service"]["sdl"].as_str().unwrap().contains("type Mutation {"));
}

/// Customers are a context, from which an argument of their opportunities comes.
fn with_context() -> Deployment {
    deployment()
        .change(SCHEMA, "@key(fields: \"email\") {", "@key(fields: \"email\") @context(name: \"customer\") {")
        .change(
            SCHEMA,
            "type Opportunity implements Named { id: ID!,",
            "type Opportunity implements Named @key(fields: \"id\") { id: ID!, \
             rate(plan: String @fromContext(field: \"$customer { plan }\")): String,",
        )
        .change(
            "resolvers/roles.yaml",
            "      - Customer.opportunities\n",
            "      - Customer.opportunities\n      - Opportunity.rate\n",
        )
        .change(
            "resolvers/crm/test.yaml",
            "calls:\n",
            "calls:\n  deal: { get: '/deals/{key}', per_key: { parallel: 4 } }\n  \
             rates: { get: '/rates/{key}{?plan}', with: { plan: $args.plan }, per_key: { parallel: 4 } }\n",
        )
        .change("resolvers/crm/test.yaml", "lookups:\n", "lookups:\n  Opportunity: { id: deal }\n")
        .change(
            "resolvers/crm/test.yaml",
            "fields:\n",
            "fields:\n  Opportunity.rate: { call: rates, from: id, value: .rate }\n",
        )
}

#[tokio::test]
async fn an_argument_from_a_context_is_told_to_composers_and_comes_with_the_field() {
    let gateway = with_context().start();
    gateway.world(|world| world.reply("crm GET /rates/o1", 200, &json!({ "rate": "low" })));
    // as routers ask: once for each value
    let query = "query($of: [_Any!]!, $a: String, $b: String) { \
                 a: _entities(representations: $of) { ... on Opportunity { rate(plan: $a) } } \
                 b: _entities(representations: $of) { ... on Opportunity { rate(plan: $b) } } }";
    let of = json!([{ "__typename": "Opportunity", "id": id("Opportunity", "crm", "o1") }]);
    gateway.world(|world| world.reply("crm GET /deals/o1", 200, &json!({ "id": "o1" })));
    let answer = gateway.query_with(query, json!({ "of": of, "a": "gold", "b": "basic" })).await;
    let low = json!([{ "rate": "low" }]);
    assert_eq!(answer, json!({ "data": { "a": low, "b": low } }));
    let calls = gateway.calls();
    let mut plans: Vec<&str> = calls.iter().filter_map(|call| call.parameter("plan")).collect();
    plans.sort_unstable();
    assert_eq!(plans, ["basic", "gold"]);

    if !crate::needs::outside(
        "an_argument_from_a_context_is_told_to_composers_and_comes_with_the_field",
    ) {
        return;
    }
    let sdl = gateway.data("{ _service { sdl } }").await["_service"]["sdl"].clone();
    assert!(sdl.as_str().unwrap().contains("\"@context\""), "{sdl}");
    let output = tokio::process::Command::new("node")
        .args(["tests/federation/composers.mjs", &json!({ "cyclorama": sdl }).to_string()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let problems: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(problems, json!({ "apollo": [], "guild": [] }));
}

#[tokio::test]
async fn a_bad_representation_is_an_error_at_its_own_place() {
    let gateway = deployment().start();
    let bad = [
        json!(7),
        json!({ "id": "x" }),
        json!({ "__typename": 1 }),
        json!({ "__typename": "Nope" }),
        json!({ "__typename": "Money", "amount": "1" }),
        json!({ "__typename": "Opportunity", "id": "x" }),
        json!({ "__typename": "Customer" }),
        json!({ "__typename": "Customer", "id": null }),
        json!({ "__typename": "Customer", "id": {} }),
        json!({ "__typename": "Customer", "id": "not an id" }),
        json!({ "__typename": "Customer", "id": id("Ticket", "support", "t1") }),
        json!({ "__typename": "Customer", "email": 3 }),
    ];
    let mut representations = vec![customer("c1")];
    representations.extend(bad.iter().cloned());
    representations.push(customer("c2"));
    let answer = entities(&gateway, &representations).await;
    let list = answer["data"]["_entities"].as_array().unwrap();
    let places: Vec<usize> =
        list.iter().enumerate().filter(|(_, one)| one.is_null()).map(|(place, _)| place).collect();
    assert_eq!(places, (1..=bad.len()).collect::<Vec<_>>());
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), bad.len());
    for (error, place) in errors.iter().zip(1..) {
        assert_eq!(error["path"], json!(["_entities", place]));
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{error}");
    }
    assert_eq!((&list[0]["name"], &list[13]["name"]), (&json!("Customer 1"), &json!("Customer 2")));
}

#[tokio::test]
async fn an_interface_with_a_key_is_found_under_its_own_name_as_the_type_that_its_id_is_of() {
    let gateway = Deployment::new()
        .change(SCHEMA, "interface Named {", "interface Named @key(fields: \"id\") {")
        .change(SCHEMA, CUSTOMER, "type Customer implements Named @key(fields: \"id\") {")
        .change(
            SCHEMA,
            "type Opportunity implements Named {",
            "type Opportunity implements Named @key(fields: \"id\") {",
        )
        .start();
    let named = |id: String| json!({ "__typename": "Named", "id": id });
    let of = [
        named(customer_id("c2")),
        named(id("Ticket", "support", "t1")),
        json!({ "__typename": "Named" }),
        named(customer_id("nobody")),
        customer("c3"),
    ];
    let query = "query($of: [_Any!]!) { _entities(representations: $of) { __typename ... on Named { name } } }";
    let answer = gateway.query_with(query, json!({ "of": of })).await;
    let found =
        |number: u32| json!({ "__typename": "Customer", "name": format!("Customer {number}") });
    let expected = json!([found(2), null, null, null, found(3)]);
    assert_eq!(answer["data"]["_entities"], expected, "{answer:#}");
    let errors = answer["errors"].as_array().unwrap();
    let places: Vec<&Value> = errors.iter().map(|error| &error["path"][1]).collect();
    assert_eq!(places, [1, 2]);
    assert!(errors[0]["message"].as_str().unwrap().contains("is not the id of a Named"));
}

#[tokio::test]
async fn a_failing_backend_fails_its_own_entities_alone() {
    let gateway = deployment().start();
    gateway.world(|world| {
        world.replies.insert("billing GET /invoices".to_owned(), Err("down".to_owned()));
    });
    let answer = entities(&gateway, &[customer("c1"), invoice("i2-1")]).await;
    assert_eq!(answer["data"]["_entities"][0]["name"], "Customer 1");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_UNAVAILABLE", "{answer:#}");
    assert_eq!(answer["errors"][0]["path"][1], 1, "{answer:#}");
}

#[tokio::test]
async fn what_a_caller_may_not_read_is_refused_on_this_way_too_before_any_call() {
    let gateway = deployment()
        .change(
            SCHEMA,
            "type Invoice @key(fields: \"id\")",
            "type Invoice @key(fields: \"id\") @authenticated",
        )
        .change(
            SCHEMA,
            "  email: String\n",
            "  email: String @requiresScopes(scopes: [[\"mail\"]])\n",
        )
        .start();
    let mail = json!({ "__typename": "Customer", "email": "c1@example.com" });
    let typename = "query($of: [_Any!]!) { _entities(representations: $of) { __typename } }";
    let variables = json!({ "of": [invoice("i2-1"), mail] });
    let answer = gateway.query_with(typename, variables.clone()).await;
    assert_eq!(answer["data"], json!({ "_entities": [null, null] }));
    let codes = codes(&answer);
    assert_eq!(codes, ["UNAUTHORIZED_FIELD_OR_TYPE", "UNAUTHORIZED_FIELD_OR_TYPE"]);
    assert_eq!(gateway.lines(), Vec::<String>::new());

    let secret =
        "query($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { secret } } }";
    let answer = gateway.query_with(secret, json!({ "of": [customer("c1")] })).await;
    assert_eq!(answer["errors"][0]["path"], json!(["_entities", 0, "secret"]));

    let known = gateway.as_caller(Principal {
        subject: Some("someone".into()),
        scopes: vec!["mail".into()],
        ..Principal::anonymous()
    });
    let answer = known.query_with(typename, variables).await;
    assert_eq!(
        answer,
        json!({ "data": { "_entities": [{ "__typename": "Invoice" }, { "__typename": "Customer" }] } })
    );
}

#[tokio::test]
async fn the_service_tells_the_whole_schema_with_what_it_imports() {
    let gateway = deployment().start();
    let data = gateway.data("{ _service { __typename text: sdl } }").await;
    assert_eq!(data["_service"]["__typename"], "_Service");
    let sdl = data["_service"]["text"].as_str().unwrap();
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\", \"@requiresScopes\"])";
    assert!(sdl.starts_with(link), "{sdl}");
    assert!(sdl.contains("type Invoice @key(fields: \"id\") {"), "{sdl}");
    for absent in ["directive @key", "_Any", "_entities", "_Service", "link__"] {
        assert!(!sdl.contains(absent), "{absent}: {sdl}");
    }
}

#[tokio::test]
async fn introspection_has_the_fields_for_routers_only_in_a_subgraph() {
    let query = "{ __schema { queryType { fields { name } } } __type(name: \"_Entity\") { possibleTypes { name } } }";
    let names = |data: &Value| -> Vec<String> {
        let fields = data["__schema"]["queryType"]["fields"].as_array().unwrap();
        fields.iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect()
    };
    let data = deployment().start().data(query).await;
    assert!(names(&data).ends_with(&["_service".to_owned(), "_entities".to_owned()]), "{data:#}");
    let possible = json!([{ "name": "Customer" }, { "name": "Invoice" }]);
    assert_eq!(data["__type"]["possibleTypes"], possible);

    let off = deployment().change(
        "cyclorama.yaml",
        "deadline: 10s",
        "deadline: 10s\nfederation: { enabled: false }",
    );
    let off = off.start();
    let data = off.data(query).await;
    assert!(!names(&data).iter().any(|name| name.starts_with('_')), "{data:#}");
    assert_eq!(
        off.query("{ _service { sdl } }").await["errors"][0]["extensions"]["code"],
        "GRAPHQL_VALIDATION_FAILED"
    );

    let on = Deployment::new().change(
        "cyclorama.yaml",
        "deadline: 10s",
        "deadline: 10s\nfederation: { enabled: true }",
    );
    let data = on.start().data(query).await;
    assert!(names(&data).contains(&"_service".to_owned()));
    assert!(!names(&data).contains(&"_entities".to_owned()));
}

#[tokio::test]
async fn an_operation_over_entities_is_explained() {
    let gateway = deployment().start();
    let explained = gateway
        .engine
        .explain(
            "query($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { name } } }",
            None,
        )
        .unwrap();
    let text = format!("{explained:?}");
    assert!(text.contains("crm part of Customer (anchor)"), "{text}");
    assert!(text.contains("by_id") && text.contains("by_email"), "{text}");
}

/// One line of Apollo's table of what subgraphs support: SDL that must be taken and told again as it stands.
fn told(sdl: &str) -> String {
    let texts = [
        (
            "cyclorama.yaml",
            "schema: schema\nresolvers: resolvers\nroles:\n  crm: { vendor: test }\n",
        ),
        ("schema/schema.graphql", sdl),
        ("resolvers/roles.yaml", ROLES),
        ("resolvers/crm/test.yaml", VENDOR),
    ];
    let compiled = compile(&Files::in_memory("cyclorama.yaml", texts));
    let graph = compiled.graph.unwrap_or_else(|| panic!("{sdl}: {:#?}", compiled.diagnostics));
    graph.federation.expect("a subgraph").sdl.to_string()
}

const ROLES: &str = "
roles:
  crm:
    parts:
      Product: { keys: { id: id, variant: { slots: [sku, package] } }, fields: [id, sku, package, name] }
    fields: [Query.product]
";
const VENDOR: &str = "
role: crm
protocol: rest
url: http://crm.test
calls:
  by_id: { get: '/products/{key}', per_key: { parallel: 4 } }
  by_variant: { get: '/variants{?sku,package}', with: { sku: '$key[0]', package: '$key[1]' }, per_key: { parallel: 4 } }
lookups:
  Product: { id: by_id }
types:
  Product: { id: .id, sku: .sku, package: .package, name: .name }
fields:
  Query.product: { reference: id, from: $args.id }
";

#[test]
fn every_directive_of_the_compatibility_table_is_taken_and_told() {
    let lines = [
        ("@link", "", "@key(fields: \"id\")", ""),
        ("@shareable", "", "@key(fields: \"id\") @shareable", ""),
        ("@key single", "", "@key(fields: \"id\")", ""),
        (
            "@key not resolvable",
            "",
            "@key(fields: \"sku\", resolvable: false) @key(fields: \"id\")",
            "",
        ),
        ("@tag", "", "@key(fields: \"id\") @tag(name: \"internal\")", ""),
        ("@inaccessible", "", "@key(fields: \"id\") @inaccessible", ""),
        ("@override", "", "@key(fields: \"id\")", "@override(from: \"old\")"),
        (
            "progressive @override",
            "",
            "@key(fields: \"id\")",
            "@override(from: \"old\", label: \"percent(5)\")",
        ),
        ("@interfaceObject", "", "@key(fields: \"id\") @interfaceObject", ""),
        ("@authenticated", "", "@key(fields: \"id\") @authenticated", ""),
        (
            "@requiresScopes",
            "",
            "@key(fields: \"id\")",
            "@requiresScopes(scopes: [[\"a\"], [\"b\", \"c\"]])",
        ),
        ("@policy", "", "@key(fields: \"id\")", "@policy(policies: [[\"p\"]])"),
        ("@cost", "", "@key(fields: \"id\")", "@cost(weight: 2)"),
        (
            "@composeDirective",
            "extend schema @link(url: \"https://example.com/audit/v1.0\", import: [\"@audit\"]) @composeDirective(name: \"@audit\")\n\
             directive @audit on FIELD_DEFINITION\n",
            "@key(fields: \"id\")",
            "@audit",
        ),
    ];
    for (line, before, on_type, on_field) in lines {
        let sdl = format!(
            "{before}\"All that there is.\"\ntype Query {{ product(id: ID!): Product }}\n\
             # a comment\n\"\"\"\nWhat is sold.\n\"\"\"\ntype Product {on_type} {{ id: ID! sku: String package: String name: String {on_field} }}\n"
        );
        let told = told(&sdl);
        assert!(told.ends_with(&sdl), "{line}: {told}");
        let header = told.strip_suffix(&sdl).unwrap();
        for name in [
            "@key",
            "@shareable",
            "@tag",
            "@inaccessible",
            "@override",
            "@interfaceObject",
            "@policy",
            "@cost",
        ] {
            let is_used = sdl.contains(&format!("{name}(")) || sdl.contains(&format!("{name} "));
            assert_eq!(header.contains(&format!("\"{name}\"")), is_used, "{line}: {header}");
        }
        assert!(!header.contains("directive @"), "{line}: {header}");
    }
}

#[test]
fn weights_are_told_as_whole_numbers_which_are_all_that_composers_take() {
    let of = |weight: &str| {
        told(&format!(
            "type Query {{ product(id: ID! @cost(weight: {weight})): Product }}\n\
             type Product @key(fields: \"id\") @cost(weight: {weight}) {{ id: ID! sku: String package: String name: String }}\n"
        ))
    };
    for (weight, whole) in [("\"2.5\"", "3"), ("\" 7 \"", "7"), ("\"-1.5\"", "-1"), ("4", "4")] {
        let told = of(weight);
        assert_eq!(told.matches(&format!("@cost(weight: {whole})")).count(), 2, "{weight}: {told}");
    }
}

#[test]
fn a_link_of_the_files_own_is_kept_and_definitions_of_federations_directives_are_not() {
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\", \"FieldSet\"])\n";
    let rest = "type Query { product(id: ID!): Product }\n\
                type Product @key(fields: \"id\") { id: ID! sku: String package: String name: String }\n";
    let definition = "\"Of the specification.\"\ndirective @key(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE\n";
    let told = told(&format!("{link}{definition}{rest}"));
    assert_eq!(told.matches("@link").count(), 1, "{told}");
    assert!(told.contains("federation/v2.3") && !told.contains("directive @key"), "{told}");
    assert!(!told.contains("Of the specification"), "{told}");
}
