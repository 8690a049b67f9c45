//! The shipped files become a graph, and what is generated from the code is what is committed.

use std::path::Path;

use cyclorama::compile::{Compiled, Files, compile};
use cyclorama::config::shape::{FILE_KINDS, json_schema, reference};
use cyclorama::diagnostic::render;
use cyclorama::graph::{ConnectionField, Effect, Input, KeyMode, KeySource, Source, Yields};

/// Compares, or rewrites the file when `CYCLORAMA_UPDATE` is set.
pub(crate) fn expect_file(path: &Path, generated: &str) {
    let is_update =
        std::env::vars().any(|(name, value)| name == "CYCLORAMA_UPDATE" && value == "1");
    if is_update {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, generated).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is stale: run the test with CYCLORAMA_UPDATE=1\n--- committed\n{committed}\n--- generated\n{generated}",
        path.display()
    );
}

fn shipped() -> (Compiled, Files) {
    let files = Files::read(Path::new("cyclorama.yaml"));
    (compile(&files), files)
}

#[test]
fn shipped_files_compile_without_a_diagnostic() {
    let (compiled, files) = shipped();
    assert_eq!(render::plain(&compiled.diagnostics, &files.sources), "");
    assert!(compiled.graph.is_some());
    assert_eq!(compiled.coverage.uncovered, []);
}

#[test]
fn a_type_of_records_named_subscription_is_no_root_and_is_warned_of() {
    let sdl = "type Query { all: [Subscription!] }\ntype Subscription { plan: String }\n";
    let roles = "roles:\n  billing:\n    parts: {}\n    fields: [Query.all]\n";
    let vendor = "role: billing\nprotocol: rest\nurl: http://billing.test\ncalls:\n  all: { get: /all }\n\
                  types:\n  Subscription: { plan: .plan }\nfields:\n  Query.all: { call: all }\n";
    let texts = [
        (
            "cyclorama.yaml",
            "schema: schema\nresolvers: resolvers\nroles:\n  billing: { vendor: test }\n",
        ),
        ("schema/schema.graphql", sdl),
        ("resolvers/roles.yaml", roles),
        ("resolvers/billing/test.yaml", vendor),
    ];
    let compiled = compile(&Files::in_memory("cyclorama.yaml", texts));
    let codes: Vec<&str> =
        compiled.diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
    assert_eq!(codes, ["root_name"], "{:#?}", compiled.diagnostics);
    let graph = compiled.graph.unwrap();
    assert!(graph.schema.schema_definition.subscription.is_none());
    assert!(graph.sdl.contains("schema {\n  query: Query\n}\n"));
    assert!(graph.type_named("Subscription").is_some());
}

#[test]
fn json_schemas_of_the_files_are_up_to_date() {
    for file in FILE_KINDS {
        let schema = format!("{:#}\n", json_schema::json_schema(file));
        expect_file(&Path::new("docs/schemas").join(file.schema_file), &schema);
    }
}

#[test]
fn words_that_are_numbers_may_stand_without_quotes() {
    let vendor = FILE_KINDS.iter().find(|kind| kind.schema_file == "vendor.json").unwrap();
    let schema = jsonschema::validator_for(&json_schema::json_schema(vendor)).unwrap();
    let is_valid = |version: serde_json::Value| {
        schema.is_valid(&serde_json::json!({
            "role": "support", "protocol": "soap", "url": "http://support.test",
            "soap": { "version": version }, "calls": {}, "types": {}, "fields": {},
        }))
    };
    assert!(is_valid("1.2".into()) && is_valid(1.2.into()));
    assert!(!is_valid("1.3".into()) && !is_valid(1.3.into()));
}

#[test]
fn the_configuration_reference_is_up_to_date() {
    expect_file(Path::new("docs/configuration.md"), &reference::reference());
}

#[test]
fn a_customer_has_its_parts_with_the_anchor_first_and_rules_in_order() {
    let (compiled, _) = shipped();
    let graph = compiled.graph.unwrap();
    let customer = graph.ty(graph.type_named("Customer").unwrap());
    let roles: Vec<&str> = customer.parts.iter().map(|part| &*part.role).collect();
    assert_eq!(roles, ["crm", "billing", "support"]);
    assert!(customer.parts[0].is_anchor);
    let billing = &customer.parts[1];
    let kinds: Vec<&str> =
        billing.rules.iter().map(|rule| &*billing.keys[usize::from(rule.key_kind)].kind).collect();
    assert_eq!(kinds[..2], ["id", "email"]);
    let crm = graph.shape(customer.parts[0].shape);
    let slot = &crm.slots[billing.rules[0].slots[0].index()];
    assert_eq!(&*slot.name, "billingId");
    assert_eq!(crm.slots[crm.id_slot.unwrap().index()].needs, [std::sync::Arc::from("id")]);
}

#[test]
fn fields_have_the_sources_that_the_vendor_files_say() {
    let (compiled, _) = shipped();
    let graph = compiled.graph.unwrap();
    let source = |ty: &str, field: &str| {
        let ty = graph.ty(graph.type_named(ty).unwrap());
        &ty.fields[ty.field_names[field].index()].source
    };
    let Source::Reference(customer) = source("Query", "customer") else { panic!() };
    let KeySource::Arguments(arguments) = &customer.key else { panic!() };
    assert_eq!(arguments[0].id_of, graph.type_named("Customer"));
    let Source::Reference(many) = source("Query", "customersByIds") else { panic!() };
    assert!(many.many);
    let Source::Call(invoices) = source("Customer", "invoices") else { panic!() };
    assert!(matches!(invoices.yields, Yields::Connection { .. }));
    let call = graph.call(invoices.call);
    assert!(matches!(call.keys, KeyMode::PerKey { parallel: 16 }));
    let paths = call.inputs.iter().map(|input| match input {
        Input::Argument(path) => path.path.join("."),
        other => panic!("{other:?}"),
    });
    let paths: Vec<String> = paths.collect();
    assert_eq!(
        paths,
        ["filter.createdAt.since", "filter.createdAt.until", "filter.status", "status"]
    );
    assert_eq!(call.fills.len(), 1);
    assert!(matches!(
        source("InvoiceConnection", "pageInfo"),
        Source::Connection(ConnectionField::PageInfo)
    ));
    assert!(matches!(source("Customer", "sourceStatus"), Source::SourceStatus));
    let Source::Call(comment) = source("Mutation", "addTicketComment") else { panic!() };
    assert_eq!(graph.call(comment.call).effect, Effect::Write);
    assert!(!graph.call(comment.call).drops.is_empty());
}

#[test]
fn fingerprints_are_the_same_every_time_and_differ_between_calls() {
    let graphs: Vec<_> = (0..2).map(|_| shipped().0.graph.unwrap()).collect();
    assert_eq!(graphs[0].fingerprint, graphs[1].fingerprint);
    let of = |index: usize| -> Vec<u64> {
        graphs[index].calls.iter().map(|call| call.fingerprint).collect()
    };
    assert_eq!(of(0), of(1));
    let mut unique = of(0);
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), graphs[0].calls.len());
}

#[test]
fn two_compilations_number_everything_the_same() {
    let (one, other) = (shipped().0.graph.unwrap(), shipped().0.graph.unwrap());
    assert_eq!(format!("{:?}", one.shapes), format!("{:?}", other.shapes));
    assert_eq!(format!("{:?}", one.types), format!("{:?}", other.types));
}
