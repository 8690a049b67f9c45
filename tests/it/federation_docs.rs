//! The examples of `docs/federation.md`.

use cyclorama::compile::{Compiled, Files, compile};
use cyclorama::demo;
use serde_json::{Value, json};

use crate::docs::{Block, blocks};
use crate::needs;

fn block(info: &str) -> Block {
    let page = std::fs::read_to_string("docs/federation.md").unwrap();
    let mut found = blocks(&page).into_iter().filter(|block| block.info == info);
    let block = found.next().unwrap_or_else(|| panic!("no block `{info}`"));
    assert!(found.next().is_none(), "`{info}` twice");
    block
}

const DEPLOYMENT: &str = "schema: schema\nresolvers: resolvers\nroles:\n  crm: { vendor: test }\n";

fn compiled(schema: &str, roles: &str, vendor: &str) -> Compiled {
    let texts = [
        ("cyclorama.yaml", DEPLOYMENT),
        ("schema/schema.graphql", schema),
        ("resolvers/roles.yaml", roles),
        ("resolvers/crm/test.yaml", vendor),
    ];
    compile(&Files::in_memory("cyclorama.yaml", texts))
}

/// A text with so many spaces before each line.
fn indented(text: &str, spaces: usize) -> String {
    let before = " ".repeat(spaces);
    text.lines().flat_map(|line| [&before, line, "\n"]).collect()
}

#[test]
fn the_page_has_no_example_that_is_not_run() {
    let page = std::fs::read_to_string("docs/federation.md").unwrap();
    let infos: Vec<String> = blocks(&page).into_iter().map(|block| block.info).collect();
    assert_eq!(infos, ["sh", "graphql sdl", "yaml keys", "graphql sdl requires", "yaml requires"]);
}

#[tokio::test]
async fn the_subgraph_of_the_page_composes_with_the_shipped_schema() {
    if !needs::outside("the_subgraph_of_the_page_composes_with_the_shipped_schema") {
        return;
    }
    let files = demo::files().iter().map(|(name, text)| (*name, *text));
    let graph = compile(&Files::in_memory("cyclorama.yaml", files)).graph.unwrap();
    let ours = graph.federation.unwrap().sdl;
    let subgraphs = json!({ "cyclorama": *ours, "loyalty": block("graphql sdl").text });
    assert_eq!(problems(&subgraphs).await, json!({ "apollo": [], "guild": [] }));
}

/// What each of both composers finds wrong with these subgraphs.
async fn problems(subgraphs: &Value) -> Value {
    let output = tokio::process::Command::new("node")
        .args(["tests/federation/composers.mjs", &subgraphs.to_string()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Apollo's alone takes newer ones.
#[tokio::test]
async fn the_version_that_is_linked_is_the_newest_that_both_composers_accept() {
    if !needs::outside("the_version_that_is_linked_is_the_newest_that_both_composers_accept") {
        return;
    }
    let files = demo::files().iter().map(|(name, text)| (*name, *text));
    let graph = compile(&Files::in_memory("cyclorama.yaml", files)).graph.unwrap();
    let ours = graph.federation.unwrap().sdl;
    let (before, rest) = ours.split_once("/federation/v2.").unwrap();
    let (minor, rest) = rest.split_once('"').unwrap();
    let newer: u32 = minor.parse::<u32>().unwrap() + 1;
    let newer = format!("{before}/federation/v2.{newer}\"{rest}");
    let problems = problems(&json!({ "cyclorama": newer })).await;
    assert_ne!(
        problems,
        json!({ "apollo": [], "guild": [] }),
        "v2.{minor} is no longer the newest"
    );
}

#[test]
fn the_contracts_keys_of_the_page_are_those_of_its_directives() {
    let keys = block("yaml keys").text;
    let directive = keys.split_once("# ").unwrap().1.trim();
    let schema = format!(
        "type Query {{ product(id: ID!): Product }}\n\
         type Product @key(fields: \"id\") {directive} {{ id: ID! sku: String variant: Variant }}\n\
         type Variant {{ code: String }}\n"
    );
    let roles = format!(
        "roles:\n  crm:\n    parts:\n      Product:\n{}        slots: [variantCode]\n        fields: [id, sku, variant]\n    fields: [Query.product]\n",
        indented(&keys, 8)
    );
    let vendor = "role: crm\nprotocol: rest\nurl: http://crm.test\ncalls:\n  by_id: { get: '/products/{key}', per_key: { parallel: 1 } }\n  \
                  by_variant: { get: '/products{?sku,code}', with: { sku: '$key[0]', code: '$key[1]' }, per_key: { parallel: 1 } }\n\
                  lookups:\n  Product: { id: by_id, variant: by_variant }\n\
                  types:\n  Product: { id: .id, sku: .sku, variant: { at: ., as: Variant }, variantCode: .code }\n  Variant: { code: .code }\n\
                  fields:\n  Query.product: { reference: id, from: $args.id }\n";
    let compiled = compiled(&schema, &roles, vendor);
    assert_eq!(compiled.diagnostics, [], "{:#?}", compiled.diagnostics);
    let graph = compiled.graph.unwrap();
    let product = graph.type_named("Product").unwrap();
    let paths: Vec<String> =
        graph.entity_keys(product)[1].paths.iter().map(|path| path.path.join(".")).collect();
    assert_eq!(paths, ["sku", "variant.code"]);
}

#[test]
fn the_required_values_of_the_page_are_parts_of_keys() {
    let schema = format!(
        "scalar Decimal\ntype Query {{ customer(id: ID!): Customer }}\n{}",
        block("graphql sdl requires").text
    );
    let roles = "roles:\n  crm:\n    parts:\n      Customer: { keys: { id: id, email: email }, slots: [email], fields: [id] }\n    \
                 fields: [Query.customer, Customer.discount, Customer.mentor]\n";
    let vendor = format!(
        "role: crm\nprotocol: rest\nurl: http://crm.test\ncalls:\n  by_id: {{ get: '/customers/{{key}}', per_key: {{ parallel: 1 }} }}\n  \
         by_email: {{ get: '/customers{{?email}}', with: {{ email: $key }}, per_key: {{ parallel: 1 }} }}\n  \
         discount: {{ get: '/discounts{{?customer,points}}', with: {{ customer: '$key[0]', points: '$key[1]' }}, per_key: {{ parallel: 1 }} }}\n\
         lookups:\n  Customer: {{ id: by_id, email: by_email }}\ntypes:\n  Customer: {{ id: .id, email: .email }}\n\
         {}  Query.customer: {{ reference: id, from: $args.id }}\n",
        block("yaml requires").text
    );
    let compiled = compiled(&schema, roles, &vendor);
    assert_eq!(compiled.diagnostics, [], "{:#?}", compiled.diagnostics);
    let graph = compiled.graph.unwrap();
    let customer = graph.type_named("Customer").unwrap();
    let required = &graph.federation.as_ref().unwrap().required[&customer];
    assert_eq!(required.iter().map(|name| &**name).collect::<Vec<_>>(), ["points", "mentorEmail"]);
}
