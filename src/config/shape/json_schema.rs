//! JSON Schemas (draft 2020-12) of the files, for editors that complete and check them.

use serde_json::{Map, Number, Value, json};

use super::mapping::{FORMS, RECORD};
use super::walk::shapes;
use super::{FileKind, Key, Kind, Need, Rule, Shape};

/// The schema of one kind of file.
pub fn json_schema(file: &FileKind) -> Value {
    let mut definitions = Map::new();
    for shape in shapes(file) {
        let expands = file.expanded.is_none() || shape.name == "username_token";
        definitions.insert(shape.name.to_owned(), definition(shape, expands));
    }
    let has_mappings = definitions.contains_key("record");
    if has_mappings {
        definitions.insert("mapping".to_owned(), mapping());
        definitions.insert(
            "type_mapping".to_owned(),
            json!({ "anyOf": [
                reference("case"),
                { "type": "object", "additionalProperties": reference("mapping") },
            ] }),
        );
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": file.title.replace('`', ""),
        "$ref": format!("#/$defs/{}", file.root.name),
        "$defs": definitions,
    })
}

fn definition(shape: &Shape, expands: bool) -> Value {
    let properties: Map<String, Value> =
        shape.keys.iter().map(|key| (key.name.to_owned(), property(key, expands))).collect();
    let required: Vec<&str> =
        shape.keys.iter().filter(|key| key.need == Need::Required).map(|key| key.name).collect();
    let mut definition = json!({
        "description": shape.doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    let Value::Object(members) = &mut definition else { return definition };
    if !required.is_empty() {
        members.insert("required".to_owned(), json!(required));
    }
    let rules: Vec<Value> = shape.rules.iter().flat_map(|rule| conditions(*rule)).collect();
    if !rules.is_empty() {
        members.insert("allOf".to_owned(), Value::Array(rules));
    }
    definition
}

fn conditions(rule: Rule) -> Vec<Value> {
    let alternatives = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| json!({ "required": [name] })).collect()
    };
    match rule {
        Rule::Exactly(names) => vec![json!({ "oneOf": alternatives(names) })],
        Rule::AtLeast(names) => vec![json!({ "anyOf": alternatives(names) })],
        Rule::AtMost(names) => {
            let mut pairs = Vec::new();
            for (index, one) in names.iter().enumerate() {
                for other in names.iter().skip(index + 1) {
                    pairs.push(json!({ "not": { "required": [one, other] } }));
                }
            }
            pairs
        }
    }
}

fn property(key: &Key, expands: bool) -> Value {
    let mut schema = kind(&key.kind, expands);
    if let Value::Object(members) = &mut schema {
        let description = match key.need {
            Need::Default(value) => format!("{} Default: {value}.", key.doc),
            Need::Required | Need::Optional => key.doc.to_owned(),
        };
        members.insert("description".to_owned(), Value::String(description));
    }
    schema
}

fn kind(kind: &Kind, expands: bool) -> Value {
    let item = |item: &Kind| self::kind(item, expands);
    match kind {
        Kind::Text(_) => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Constant => json!({ "type": ["string", "number", "boolean", "null"] }),
        Kind::Bool => or_setting(json!({ "type": "boolean" }), expands),
        Kind::Integer { min, max } => {
            or_setting(json!({ "type": "integer", "minimum": min, "maximum": max }), expands)
        }
        Kind::Duration => {
            or_setting(json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }), expands)
        }
        Kind::Size => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            or_setting(json!({ "type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB)?$" }), expands),
        ] }),
        Kind::Word(words) => or_setting(json!({ "enum": spellings(words) }), expands),
        Kind::List(of) => json!({ "type": "array", "items": item(of) }),
        Kind::OneOrMore(of) => {
            json!({ "anyOf": [item(of), { "type": "array", "items": item(of) }] })
        }
        Kind::Map(_, of) => json!({ "type": "object", "additionalProperties": item(of) }),
        Kind::Struct(shape) => reference(shape.name),
        Kind::Either(single, map) => json!({ "anyOf": [item(single), item(map)] }),
        Kind::Mapping => reference("mapping"),
        Kind::TypeMapping => reference("type_mapping"),
        Kind::RequestValue | Kind::Json(_) => json!({}),
    }
}

/// Words, and those that are numbers also as numbers: YAML reads them so where they stand without quotes.
fn spellings(words: &[&str]) -> Vec<Value> {
    let numbers = words.iter().filter_map(|word| word.parse::<Number>().ok());
    words.iter().map(|word| Value::from(*word)).chain(numbers.map(Value::Number)).collect()
}

fn mapping() -> Value {
    let path = json!({ "type": "string", "pattern": "^\\." });
    let mut forms = vec![path];
    forms.extend(FORMS.iter().map(|form| reference(form.name)));
    forms.push(reference(RECORD.name));
    json!({ "description": "A path, or one of the forms.", "anyOf": forms })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// Where `${…}` is expanded, text with it may stand for any other kind.
fn or_setting(schema: Value, expands: bool) -> Value {
    if expands {
        json!({ "anyOf": [schema, { "type": "string", "pattern": "\\$\\{" }] })
    } else {
        schema
    }
}
