//! The shipped schema over one backend that is made for it: each field is a member of the same name; what has arguments or
//! pages is a call by the key in `ref`.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::Schema;
use apollo_compiler::schema::{ExtendedType, FieldDefinition, ObjectType};
use cyclorama::graph::Graph;
use cyclorama::value::opaque_id;
use serde_json::{Map, Value, json};

use super::data::{self, Wrong};
use super::dice::Dice;
use super::subject::Replies;

/// What has tests of its own, or a meaning that canned data has not: statuses, cursors, writes, metrics, computed
/// fields, merged lists, several objects by id.
pub(super) const WITHOUT: &[&str] = &[
    "sourceStatus",
    "cursor",
    "startCursor",
    "endCursor",
    "after",
    "Customer.summary",
    "Invoice.isOverdue",
    "Invoice.daysOverdue",
    "Customer.timeline",
    "Query.customersByIds",
    "Query.customersByEmails",
    "Query.customerByKey",
    "Query.customersByKeys",
    "Query.node",
    "Query.nodes",
    "identityMatches",
    "refs",
    "provenance",
];

/// What the gateway tells of its objects itself.
const TOLD: &[&str] = &["sourceStatus", "identityMatches", "refs", "provenance"];

const DEPLOYMENT: &str = "listen: 127.0.0.1:0
schema: schema
resolvers: resolvers
roles: { one: { vendor: all, retry: { attempts: 1 }, breaker: { enabled: false } } }
deadline: 60s
cache: { ttl: 1h, size: 16MiB }
cursor_secret: a secret of the tests
limits: { document_bytes: 1MiB, tokens: 100000, nesting: 200, depth: 100, selections: 100000, spread_tokens: 1000000, spread_bytes: 16MiB, steps: 100000, aliases: 10000, root_fields: 1000, operation_fragment_variables: 100000, directives: 10000, errors: 100000, plans: 10 }
";

/// The folder's schema without what is `WITHOUT`. Keys are for routers: one backend resolves none.
fn schema() -> Schema {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut schema = Schema::builder();
    for file in files {
        schema = schema.parse(std::fs::read_to_string(&file).unwrap(), file);
    }
    // directives that the project defines are unknown here
    let mut schema = schema.build().unwrap();
    schema.schema_definition.make_mut().mutation = None;
    schema.types.retain(|name, _| !is_of_writes(name));
    for ty in schema.types.values_mut() {
        let ExtendedType::Object(ty) = ty else { continue };
        let ty = ty.make_mut();
        ty.directives.retain(|directive| directive.name != "key");
        let name = ty.name.clone();
        ty.fields.retain(|field, _| {
            !TOLD.contains(&field.as_str()) && !WITHOUT.contains(&&*format!("{name}.{field}"))
        });
        // canned lists are neither narrowed nor ordered
        let narrows = |name: &str| matches!(name, "filter" | "orderBy" | "status");
        for field in ty.fields.values_mut() {
            field.make_mut().arguments.retain(|argument| !narrows(&argument.name));
        }
    }
    schema
}

fn is_of_writes(name: &str) -> bool {
    name == "Mutation" || name.ends_with("Payload") || name.ends_with("Input")
}

pub(super) fn files() -> [(&'static str, String); 4] {
    let schema = schema();
    let sdl = schema.to_string();
    let mut types = Map::new();
    let mut fields = Map::new();
    let mut calls = Map::new();
    for ty in schema.types.values() {
        match ty {
            ExtendedType::Object(ty) if ty.name == "Query" => root(ty, &mut calls, &mut fields),
            ExtendedType::Object(ty) if is_record(ty) => {
                types.insert(
                    ty.name.to_string(),
                    Value::Object(record(ty, &schema, &mut calls, &mut fields)),
                );
            }
            ExtendedType::Interface(_) | ExtendedType::Union(_) => {
                let arms: Map<String, Value> = possible(&schema, ty.name())
                    .into_iter()
                    .map(|name| (name.clone(), json!({ "as": name })))
                    .collect();
                types.insert(ty.name().to_string(), json!({ "case": ".kindOfRecord", "is": arms }));
            }
            _ => {}
        }
    }
    let roots: Vec<&String> = fields.keys().filter(|name| name.starts_with("Query.")).collect();
    let roles = json!({ "roles": { "one": { "fields": roots } } });
    let vendor = json!({
        "role": "one", "protocol": "rest", "url": "http://backend.test",
        "calls": calls, "types": types, "fields": fields,
    });
    [
        ("cyclorama.yaml", DEPLOYMENT.to_owned()),
        ("schema/schema.graphql", sdl),
        ("resolvers/roles.yaml", roles.to_string()),
        ("resolvers/one/all.yaml", vendor.to_string()),
    ]
}

fn is_record(ty: &ObjectType) -> bool {
    let name = ty.name.as_str();
    let is_made = ["Connection", "Edge"].iter().any(|end| name.ends_with(end));
    !is_made
        && !matches!(
            name,
            "Query"
                | "PageInfo"
                | "SourceStatus"
                | "IdentityMatch"
                | "SourceRef"
                | "FieldProvenance"
        )
        && !name.starts_with("__")
}

fn possible(schema: &Schema, name: &str) -> Vec<String> {
    match schema.types.get(name) {
        Some(ExtendedType::Union(ty)) => ty.members.iter().map(ToString::to_string).collect(),
        Some(ExtendedType::Interface(interface)) => schema
            .types
            .values()
            .filter_map(ExtendedType::as_object)
            .filter(|ty| ty.implements_interfaces.contains(&interface.name))
            .map(|ty| ty.name.to_string())
            .collect(),
        _ => vec![name.to_owned()],
    }
}

/// The element of a connection, if the field is one.
fn paged(field: &FieldDefinition) -> Option<String> {
    field.ty.inner_named_type().strip_suffix("Connection").map(str::to_owned)
}

fn is_called(field: &FieldDefinition) -> bool {
    !field.arguments.is_empty() || paged(field).is_some()
}

/// The types of what calls answer.
fn called(schema: &Schema) -> BTreeSet<String> {
    let objects = schema.types.values().filter_map(ExtendedType::as_object);
    let fields = objects.flat_map(|ty| ty.fields.values());
    let called = fields.filter(|field| is_called(field));
    called
        .map(|field| paged(field).unwrap_or_else(|| field.ty.inner_named_type().to_string()))
        .filter(|name| !name.starts_with("__"))
        .collect()
}

fn list_call(element: &str, calls: &mut Map<String, Value>) -> String {
    let name = format!("list_{element}");
    let call = json!({ "get": format!("/lists/{element}/{{key}}"), "per_key": { "parallel": 8 }, "records": ".items[]" });
    calls.insert(name.clone(), call);
    name
}

fn root(ty: &ObjectType, calls: &mut Map<String, Value>, fields: &mut Map<String, Value>) {
    for (name, field) in &ty.fields {
        let coordinate = format!("Query.{name}");
        if let Some(element) = paged(field) {
            let call = format!("all_{element}");
            calls.insert(
                call.clone(),
                json!({ "get": format!("/lists/{element}/k0"), "records": ".items[]" }),
            );
            fields.insert(coordinate, json!({ "call": call }));
            continue;
        }
        let returned = field.ty.inner_named_type().to_string();
        let call = format!("one_{returned}");
        calls.insert(
            call.clone(),
            json!({ "get": format!("/{returned}/{{key}}"), "per_key": { "parallel": 8 }, "missing": [404] }),
        );
        let argument = field.arguments.first().expect("a key");
        let from = if argument.ty.inner_named_type() == "ID" {
            json!({ "id": format!("$args.{}", argument.name), "of": returned })
        } else {
            json!(format!("$args.{}", argument.name))
        };
        fields.insert(coordinate, json!({ "call": call, "from": from }));
    }
}

fn record(
    ty: &ObjectType,
    schema: &Schema,
    calls: &mut Map<String, Value>,
    fields: &mut Map<String, Value>,
) -> Map<String, Value> {
    let mut slots = Map::new();
    for (name, field) in &ty.fields {
        if WITHOUT.contains(&name.as_str()) {
            continue;
        }
        let returned = field.ty.inner_named_type();
        if is_called(field) {
            let call = list_call(&paged(field).unwrap_or_else(|| returned.to_string()), calls);
            fields.insert(format!("{}.{name}", ty.name), json!({ "call": call, "from": "ref" }));
            slots.insert("ref".to_owned(), json!(".ref"));
            continue;
        }
        let is_leaf = matches!(
            schema.types.get(returned),
            Some(ExtendedType::Scalar(_) | ExtendedType::Enum(_))
        );
        let mapping = match (is_leaf, field.ty.is_list()) {
            (true, _) => json!(format!(".{name}")),
            (false, true) => json!({ "each": format!(".{name}"), "as": returned.as_str() }),
            (false, false) => json!({ "at": format!(".{name}"), "as": returned.as_str() }),
        };
        slots.insert(name.to_string(), mapping);
    }
    slots
}

// ---- data --------------------------------------------------------------------------------------------------------------

pub(super) fn world(graph: &Graph, seed: u64) -> Value {
    let mut dice = Dice::new(seed);
    let wrong = *dice.pick(&data::DEGREES);
    let mut maker = Maker { schema: &graph.schema, dice, wrong };
    let (mut records, mut lists) = (Map::new(), Map::new());
    for ty in called(&graph.schema) {
        let (mut of_type, mut lists_of_type) = (Map::new(), Map::new());
        for key in data::KEYS {
            if !maker.dice.chance(wrong.calls / 2) {
                let record = maker.called(|maker| maker.record(&ty, 2));
                of_type.insert(key.to_owned(), record);
            }
            let list = maker.called(|maker| {
                let length = maker.dice.below(4);
                (0..length).map(|_| maker.given(&ty, 1)).collect()
            });
            lists_of_type.insert(key.to_owned(), list);
        }
        records.insert(ty.clone(), Value::Object(of_type));
        lists.insert(ty, Value::Object(lists_of_type));
    }
    json!({ "records": records, "lists": lists, "fails": [] })
}

struct Maker<'a> {
    schema: &'a Schema,
    dice: Dice,
    wrong: Wrong,
}

impl Maker<'_> {
    fn called(&mut self, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.dice.chance(self.wrong.calls) { json!({ "$fail": 500 }) } else { make(self) }
    }

    fn given(&mut self, ty: &str, depth: usize) -> Value {
        match self.dice.below(100) {
            0..=3 if self.wrong.nulls > 0 => Value::Null,
            4..=6 if self.wrong.kinds > 0 => data::anything(&mut self.dice),
            _ => self.record(ty, depth),
        }
    }

    fn record(&mut self, ty: &str, depth: usize) -> Value {
        let kind = self.dice.pick(&possible(self.schema, ty)).clone();
        let mut record = Map::new();
        let told = if self.dice.chance(self.wrong.kinds) { "Stranger" } else { &kind };
        record.insert("kindOfRecord".to_owned(), json!(told));
        if !self.dice.chance(10) {
            record.insert("ref".to_owned(), json!(self.dice.pick(&data::KEYS)));
        }
        let schema = self.schema;
        let Some(ty) = schema.get_object(&kind) else { return Value::Null };
        for (name, field) in ty.fields.iter().filter(|(_, field)| !is_called(field)) {
            if WITHOUT.contains(&name.as_str()) || self.dice.chance(self.wrong.nulls) {
                continue;
            }
            let value = if self.dice.chance(self.wrong.kinds) {
                data::anything(&mut self.dice)
            } else if field.ty.is_list() {
                let length = if depth == 0 { 0 } else { self.dice.below(4) };
                (0..length).map(|_| self.value(field, depth)).collect()
            } else {
                self.value(field, depth)
            };
            record.insert(name.to_string(), value);
        }
        Value::Object(record)
    }

    fn value(&mut self, field: &FieldDefinition, depth: usize) -> Value {
        let name = field.ty.inner_named_type();
        match self.schema.types.get(name) {
            Some(ExtendedType::Enum(ty)) => {
                let values: Vec<_> = ty.values.keys().collect();
                json!(self.dice.pick(&values).as_str())
            }
            Some(ExtendedType::Scalar(_)) => self.scalar(name),
            // amounts and the like hold no others
            _ if depth == 0 && name != "Money" => Value::Null,
            _ => self.given(name, depth.saturating_sub(1)),
        }
    }

    fn scalar(&mut self, name: &str) -> Value {
        let values = match name {
            "Int" => vec![json!(0), json!(1), json!(-1), json!(42), json!(i32::MAX)],
            "Boolean" => vec![json!(true), json!(false)],
            "ID" => vec![json!(7), json!("id-1"), json!("id-2")],
            "Decimal" => vec![json!("19.90"), json!("-0.005"), json!("12345678901234567890.5")],
            "DateTime" => vec![json!("2026-03-01T08:30:00Z"), json!("1999-12-31T23:59:59Z")],
            "Date" => vec![json!("2026-02-28"), json!("2024-02-29")],
            "CurrencyCode" => vec![json!("EUR"), json!("USD")],
            _ => vec![json!(""), json!("plain"), json!("with \"quotes\""), json!("zażółć 🦀\n")],
        };
        self.dice.pick(&values).clone()
    }
}

pub(super) fn replies(world: &Value) -> Replies {
    let mut replies = BTreeMap::new();
    let entries = |value: &Value| value.as_object().cloned().unwrap_or_default();
    for (ty, records) in entries(&world["records"]) {
        for (key, record) in entries(&records) {
            replies.insert(format!("/{ty}/{key}"), data::reply(&record, &record));
        }
    }
    for (ty, lists) in entries(&world["lists"]) {
        for (key, list) in entries(&lists) {
            replies.insert(
                format!("/lists/{ty}/{key}"),
                data::reply(&list, &json!({ "items": list })),
            );
        }
    }
    replies
}

/// Page sizes that are one, ids of what there is, and of what there is not.
pub(super) fn scalars(name: &str) -> Option<Vec<Value>> {
    let id = |ty: &str, key: &str| json!(opaque_id(ty, "one", key));
    match name {
        "Int" => Some(vec![json!(1), json!(2), json!(50)]),
        "ID" => {
            let types = ["Customer", "Customer", "Invoice", "Ticket"];
            let mut ids: Vec<Value> =
                types.iter().flat_map(|ty| ["k1", "k2", "k3"].map(|key| id(ty, key))).collect();
            ids.extend([json!("no id"), id("Customer", "unknown")]);
            Some(ids)
        }
        _ => None,
    }
}
