//! The examples of the documentation: vendor files compile, mappings give what the pages say they give.

use std::path::Path;
use std::sync::Arc;

use cyclorama::compile::{Compiled, Files, compile};
use cyclorama::demo;
use cyclorama::diagnostic::Severity;
use cyclorama::graph::Graph;
use cyclorama::mapping::map_answers;
use cyclorama::principal::Principal;
use cyclorama::template::Inputs;
use cyclorama::transport::{WireResponse, decode};
use cyclorama::value::{Answer, Cell, Key, SlotSet};
use serde_json::{Map, Value};

/// A fenced block: what stands behind its opening fence, its text, its line.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) info: String,
    pub(crate) text: String,
    pub(crate) line: usize,
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.to_owned(), text: String::new(), line: number + 1 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

/// The shipped files with another vendor file for one role, and the demo's for the CRM if it is not that.
fn compiled(role: &str, vendor: &str) -> Compiled {
    let name = format!("resolvers/{role}/docs.yaml");
    let mut texts: Vec<(&str, String)> = vec![(name.as_str(), vendor.to_owned())];
    // what the pages call so
    let schema_name = format!("resolvers/{role}/schemas/invoice.json");
    let schema = blocks(&page("contracts.md"));
    let schema = schema.into_iter().find(|block| block.info == "json schemas/invoice.json");
    texts.push((&schema_name, schema.expect("a schema").text));
    for (path, text) in demo::files() {
        let text = demo::Role::ALL.into_iter().fold((*text).to_owned(), |text, one| {
            let line = format!("  {one}: {{ vendor: demo }}\n");
            match one.as_str() {
                name if name == role => {
                    text.replace(&line, &format!("  {name}: {{ vendor: docs }}\n"))
                }
                "crm" => text,
                _ => text.replace(&line, ""),
            }
        });
        texts.push((path, text));
    }
    let texts = texts.iter().map(|(name, text)| (*name, text.as_str()));
    compile(&Files::in_memory("cyclorama.yaml", texts))
}

fn errors(compiled: &Compiled) -> Vec<String> {
    let errors = compiled.diagnostics.iter().filter(|problem| problem.severity == Severity::Error);
    errors.map(|problem| format!("{problem:#?}")).collect()
}

#[test]
fn the_vendor_files_of_the_documentation_compile() {
    let mut count = 0;
    for name in ["vendor-files.md", "adding-a-field.md", "contracts.md", "lists.md"] {
        for block in blocks(&page(name)).into_iter().filter(|block| block.info == "yaml vendor") {
            let top = |key: &str| {
                block.text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
            };
            let mut vendor = block.text.clone();
            for (key, value) in
                [("role:", "crm"), ("protocol:", "rest"), ("url:", "https://api.example")]
            {
                if top(key).is_none() {
                    vendor = format!("{key} {value}\n{vendor}");
                }
            }
            let compiled = compiled(top("role:").unwrap_or("crm"), &vendor);
            let errors = errors(&compiled);
            assert!(errors.is_empty(), "{name}:{}: {}", block.line, errors.join("\n"));
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}

#[test]
fn the_mappings_of_the_documentation_give_what_it_says() {
    let blocks = blocks(&page("mapping.md"));
    let is_mapping = |block: &&[Block]| block[0].info.starts_with("yaml mapping ");
    let examples: Vec<&[Block]> = blocks.windows(3).filter(is_mapping).collect();
    assert_eq!(
        examples.len(),
        blocks.iter().filter(|block| block.info.starts_with("yaml mapping ")).count()
    );
    assert!(examples.len() > 15, "{}", examples.len());
    for example in examples {
        let [mapping, input, output] = example else { panic!("three blocks") };
        let place = format!("mapping.md:{}", mapping.line);
        assert!(
            input.info.ends_with(" input") && output.info == "json output",
            "{place}: mapping, input, output"
        );
        let mut expected: Value =
            serde_json::from_str(&output.text).unwrap_or_else(|error| panic!("{place}: {error}"));
        let ty = mapping.info.trim_start_matches("yaml mapping ");
        let mut given = mapped(ty, &mapping.text, input, &place);
        strip_nulls(&mut expected);
        strip_nulls(&mut given);
        assert_eq!(given, expected, "{place}");
    }
}

/// What the fields of type `ty` are for an input, by name.
fn mapped(ty: &str, mapping: &str, input: &Block, place: &str) -> Value {
    let role = match ty {
        "Customer" | "Account" | "Opportunity" => "crm",
        "Invoice" | "PaymentMethod" => "billing",
        "Ticket" | "TicketComment" => "support",
        other => panic!("{place}: no role is known for {other}"),
    };
    let is_xml = input.info.starts_with("xml");
    let types = if mapping.starts_with("types:") {
        mapping.to_owned()
    } else {
        let lines: Vec<&str> = mapping.lines().collect();
        format!("types:\n  {ty}:\n    {}\n", lines.join("\n    "))
    };
    let (protocol, call) = if is_xml {
        let envelope = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><ask>{{ key }}</ask></e:Body></e:Envelope>";
        ("soap", format!("envelope: '{envelope}'\n    records: .ticket"))
    } else {
        ("rest", "get: /example/{key}".to_owned())
    };
    // every object has an id, whatever the example is about
    let head = format!("  {ty}:\n");
    let is_value = matches!(ty, "TicketComment" | "PaymentMethod");
    let types = match types.split_once(&head) {
        Some((before, after)) if !is_value && !after.starts_with("    id:") => {
            format!("{before}{head}    id: .key\n{after}")
        }
        _ => types,
    };
    // a value type has no lookup: it is used by a field of its own
    let used = match ty {
        "TicketComment" => {
            "fields:\n  Ticket.internalNotes: { call: example, from: id }\n".to_owned()
        }
        "PaymentMethod" => "lookups:\n  Invoice: { id: example }\n".to_owned(),
        ty => format!("lookups:\n  {ty}: {{ id: example }}\n"),
    };
    let types = match ty {
        "TicketComment" => format!("{types}  Ticket:\n    id: .id\n"),
        "PaymentMethod" => {
            format!(
                "{types}  Payment:\n    id: .id\n    method: {{ as: PaymentMethod }}\n  Invoice:\n    id: .id\n    payments: {{ each: .all, as: Payment }}\n"
            )
        }
        _ => types,
    };
    let vendor = format!(
        "role: {role}\nprotocol: {protocol}\nurl: https://api.example\ncalls:\n  example:\n    {call}\n{used}{types}"
    );
    let compiled = compiled(role, &vendor);
    let errors = errors(&compiled);
    assert!(errors.is_empty(), "{place}: {}\n{vendor}", errors.join("\n"));
    let graph = compiled.graph.expect("a graph");
    record(&graph, ty, role, input, place)
}

fn record(graph: &Graph, ty: &str, role: &str, input: &Block, place: &str) -> Value {
    let call = graph.calls.iter().find(|call| &*call.name == "example").expect("the call");
    let is_ours = |shape: &&cyclorama::graph::Shape| {
        &*graph.ty(shape.ty).name == ty
            && (shape.name.contains(role) || shape.name.as_ref() == ty)
            && !shape.slots.is_empty()
    };
    let names: Vec<&Arc<str>> = graph.shapes.iter().map(|shape| &shape.name).collect();
    let shape = graph.shapes.iter().position(|shape| is_ours(&shape));
    let shape = shape.unwrap_or_else(|| panic!("{place}: no shape of {ty} among {names:?}"));
    let shape = cyclorama::graph::ShapeId(u16::try_from(shape).expect("few shapes"));
    let (content_type, body) = if input.info.starts_with("xml") {
        let text = &input.text;
        let envelope = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>";
        ("text/xml", format!("{envelope}{text}</e:Body></e:Envelope>"))
    } else {
        ("application/json", input.text.clone())
    };
    let response = WireResponse {
        status: 200,
        headers: cyclorama::transport::fields([("content-type", content_type)]),
        body: body.into(),
    };
    let key = Key::new("1");
    let (arguments, principal) = (Map::new(), Principal::anonymous());
    let inputs = Inputs {
        keys: std::slice::from_ref(&key),
        arguments: &arguments,
        fields: &[],
        page: None,
        page_size: None,
        principal: &principal,
        known: None,
    };
    let decoded =
        decode(call, inputs, response).unwrap_or_else(|error| panic!("{place}: {error:?}"));
    let answers = map_answers(graph, call, shape, SlotSet::ALL, &[decoded.payload], &[key]);
    let answer = answers.first().expect("one answer");
    value(graph, answer, *answer.rows.first().unwrap_or_else(|| panic!("{place}: no record")))
}

fn value(graph: &Graph, answer: &Answer, cell: Cell) -> Value {
    match cell {
        Cell::Null | Cell::Absent => Value::Null,
        Cell::Text { .. } => serde_json::from_str(answer.json(cell).expect("text")).expect("JSON"),
        Cell::Problem(index) => {
            Value::from(format!("! {}", answer.problems[index as usize].message))
        }
        Cell::List { start, end } => {
            (start..end).map(|index| value(graph, answer, answer.cell(index))).collect()
        }
        Cell::Record { shape, start } => {
            let slots = graph.shape(shape).slots.iter().zip(start..);
            let members = slots.map(|(slot, index)| {
                (slot.name.to_string(), value(graph, answer, answer.cell(index)))
            });
            Value::Object(members.collect())
        }
    }
}

/// A member that is null and a member that is not there are the same in an answer's record.
fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}
