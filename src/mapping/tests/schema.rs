use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

fn files(files: &[(&str, Value)]) -> SchemaFiles {
    let files = files.iter().map(|(path, value)| ((*path).to_owned(), value.clone()));
    Arc::new(files.collect::<BTreeMap<_, _>>())
}

fn compiled(schema: &Value) -> AnswerSchema {
    AnswerSchema::compile(schema, "billing/a.json", &files(&[])).unwrap()
}

#[test]
fn a_violation_names_its_place_and_never_a_value_or_a_name_that_is_data() {
    let schema = compiled(&json!({
        "properties": { "by_email": { "additionalProperties": { "required": ["plan"] } } },
    }));
    assert_eq!(schema.check(&json_payload(r#"{"by_email":{"ada@x.example":{"plan":1}}}"#)), None);
    let answer = r#"{"by_email":{"ada@x.example":{"secret":"canary"},"b@x.example":{}}}"#;
    let violation = schema.check(&json_payload(answer)).unwrap();
    let Violation { place, keyword, count } = violation;
    assert_eq!((&*place, &*keyword, count), ("/by_email/*", "required", 2));
}

#[test]
fn both_drafts_are_read_each_by_its_own_rules() {
    // a list under `items` is a tuple in draft 07 alone
    let tuple = |draft: &str, items: &str| {
        compiled(&json!({ "$schema": draft, items: [{ "type": "string" }, { "type": "number" }] }))
    };
    let old = tuple("http://json-schema.org/draft-07/schema#", "items");
    let new = tuple("https://json-schema.org/draft/2020-12/schema", "prefixItems");
    for schema in [old, new] {
        assert_eq!(schema.check(&json_payload(r#"["a",1]"#)), None);
        assert_eq!(schema.check(&json_payload(r#"["a","b"]"#)).unwrap().place, "/1");
    }
    let wrong = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "items": [] });
    assert!(AnswerSchema::compile(&wrong, "billing/a.json", &files(&[])).is_err());
}

#[test]
fn a_reference_leads_to_files_of_the_folder_by_path_or_by_id_and_nowhere_else() {
    let files = files(&[
        ("schemas/money.json", json!({ "$defs": { "amount": { "type": "integer" } } })),
        ("billing/odd name.json", json!({ "type": "boolean" })),
        ("x.json", json!({ "$id": "https://acme.example/name.json", "type": "string" })),
    ]);
    let schema = json!({ "properties": {
        "total": { "$ref": "../schemas/money.json#/$defs/amount" },
        "paid": { "$ref": "odd%20name.json" },
        "name": { "$ref": "https://acme.example/name.json" },
    } });
    let schema = AnswerSchema::compile(&schema, "billing/a.json", &files).unwrap();
    assert_eq!(schema.check(&json_payload(r#"{"total":1,"paid":true,"name":"a"}"#)), None);
    for wrong in [r#"{"total":"1"}"#, r#"{"paid":1}"#, r#"{"name":1}"#] {
        assert!(schema.check(&json_payload(wrong)).is_some(), "{wrong}");
    }
    for outside in ["https://other.example/a.json", "file:///etc/hostname", "../../etc/passwd"] {
        let schema = json!({ "$ref": outside });
        assert!(AnswerSchema::compile(&schema, "billing/a.json", &files).is_err(), "{outside}");
    }
}

#[test]
fn numbers_are_held_against_a_schema_with_every_digit() {
    let schema = compiled(&json!({ "maximum": 9_007_199_254_740_993_u64 }));
    assert_eq!(schema.check(&json_payload("9007199254740993")), None);
    assert!(schema.check(&json_payload("9007199254740994")).is_some());
    let schema = compiled(&json!({ "multipleOf": 0.01 }));
    assert_eq!(schema.check(&json_payload("19.99")), None);
}

#[test]
fn the_tree_of_an_answer_is_what_it_says() {
    let text = r#"{"a":[1,-2.50,"x\n\u00e4",null,true,{}],"b":1,"b":{"c":"\"quoted\""},"é\t":0}"#;
    assert_eq!(json_payload(text).to_value(), serde_json::from_str::<Value>(text).unwrap());
    assert_eq!(Payload::default().to_value(), Value::Null);
}

fn json_payload(text: &str) -> Payload {
    super::super::testkit::json(text)
}
