use super::*;
use crate::error::ErrorCode as Code;

/// Coerces `value` as a variable of type `ty`; errors as text.
fn coerced(ty: &str, value: &str) -> Result<Value, Vec<String>> {
    let graph =
        graph(&format!("{SDL} extend type Query {{ take(x: {}): Int }}", ty.trim_end_matches('!')));
    let operation = prepared(&graph, &format!("query($x: {ty}) {{ take(x: $x) }}"));
    let raw = object(serde_json::from_str(&format!("{{\"x\": {value}}}")).unwrap());
    match coerce_variables(&graph, &operation, &raw) {
        Ok(variables) => Ok(variables.0[0].clone().unwrap()),
        Err(errors) => {
            assert!(
                errors
                    .iter()
                    .all(|error| error.code == Code::BadUserInput && error.locations.len() == 1)
            );
            Err(errors.into_iter().map(|error| error.message).collect())
        }
    }
}

#[test]
fn values_are_coerced_by_their_types() {
    for (ty, value, expected) in [
        ("Int", "1", "1"),
        ("Int", "-2147483648", "-2147483648"),
        ("Int", "3.0", "3"),
        ("Float", "1", "1"),
        ("Float", "1.5e3", "1.5e3"),
        ("String", "\"a\"", "\"a\""),
        ("Boolean", "false", "false"),
        ("ID", "\"a\"", "\"a\""),
        ("ID", "12", "\"12\""),
        ("ID", "1.0", "\"1\""),
        ("ID", "-2e3", "\"-2000\""),
        ("ID", "-0", "\"0\""),
        ("ID", "123456789012345678901234567890", "\"123456789012345678901234567890\""),
        ("Kind", "\"SOFT\"", "\"SOFT\""),
        ("Decimal", "\"1.50\"", "\"1.50\""),
        ("Decimal", "1.50", "\"1.50\""),
        ("Date", "\"2000-02-29\"", "\"2000-02-29\""),
        ("DateTime", "\"2024-12-31T23:59:60Z\"", "\"2024-12-31T23:59:60Z\""),
        ("CurrencyCode", "\"EUR\"", "\"EUR\""),
        ("Any", "{\"a\": [1.10, null]}", "{\"a\": [1.10, null]}"),
        ("Int", "null", "null"),
        ("[Int]", "1", "[1]"),
        ("[Int]", "[1, null]", "[1, null]"),
        ("[[Int]]", "1", "[[1]]"),
        ("[[Int]]", "[1, [2]]", "[[1], [2]]"),
        ("[Int]", "null", "null"),
        ("Filter", "{\"text\": \"t\"}", "{\"kind\": \"SOFT\", \"text\": \"t\", \"limit\": 5}"),
        (
            "Filter",
            "{\"text\": \"t\", \"limit\": null, \"kind\": \"HARD\"}",
            "{\"kind\": \"HARD\", \"text\": \"t\", \"limit\": null}",
        ),
        (
            "Filter",
            "{\"text\": \"t\", \"lines\": {\"amount\": 1}}",
            "{\"kind\": \"SOFT\", \"text\": \"t\", \"limit\": 5, \"lines\": [{\"amount\": 1}]}",
        ),
        ("Key", "{\"id\": 1}", "{\"id\": \"1\"}"),
    ] {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(coerced(ty, value), Ok(expected), "{ty} {value}");
    }
}

#[test]
fn values_that_do_not_fit_are_refused_with_their_path() {
    for (ty, value, expected) in [
        ("Int", "1.5", "$x: expected a 32-bit integer, found a number."),
        ("Int", "2147483648", "$x: expected a 32-bit integer, found an integer."),
        ("Int", "1e99999", "$x: expected a 32-bit integer, found a number."),
        ("Int", "\"1\"", "$x: expected a 32-bit integer, found a string."),
        ("Int", "true", "$x: expected a 32-bit integer, found true or false."),
        ("Int!", "null", "$x: expected Int!, found null."),
        ("Float", "\"1\"", "$x: expected a finite number, found a string."),
        ("Float", "1e999", "$x: expected a finite number, found a number."),
        ("String", "1", "$x: expected a string, found an integer."),
        ("Boolean", "0", "$x: expected true or false, found an integer."),
        ("ID", "1.5", "$x: expected a string or an integer, found a number."),
        ("ID", "1e16", "$x: expected a string or an integer, found a number."),
        ("Kind", "\"soft\"", "$x: \"soft\" is not a value of the enum Kind."),
        ("Kind", "1", "$x: expected a value of the enum Kind, found an integer."),
        ("Decimal", "\"1e3\"", "$x: expected a decimal number, as a string, found a string."),
        ("Decimal", "\"\"", "$x: expected a decimal number, as a string, found a string."),
        (
            "Date",
            "\"2023-02-29\"",
            "$x: expected a date like 2024-01-31, as a string, found a string.",
        ),
        (
            "Date",
            "\"2023-13-01\"",
            "$x: expected a date like 2024-01-31, as a string, found a string.",
        ),
        (
            "DateTime",
            "\"2024-01-01T00:00:00\"",
            "$x: expected an RFC 3339 date and time with offset, as a string, found a string.",
        ),
        (
            "CurrencyCode",
            "\"EURO\"",
            "$x: expected three capital letters, as a string, found a string.",
        ),
        ("[Int]", "[1, \"a\"]", "$x[1]: expected a 32-bit integer, found a string."),
        ("[Int!]", "[null]", "$x[0]: expected Int!, found null."),
        ("Filter", "[]", "$x: expected an object of type Filter, found a list."),
        ("Filter", "{}", "$x.text: a value of type \"String!\" is required."),
        ("Filter", "{\"text\": null}", "$x.text: expected String!, found null."),
        (
            "Filter",
            "{\"text\": \"\", \"no\": 1}",
            "$x: field \"no\" is not defined by type \"Filter\".",
        ),
        ("Key", "{}", "$x: exactly one field of \"Key\" must be given, and it must not be null."),
        (
            "Key",
            "{\"id\": null}",
            "$x: exactly one field of \"Key\" must be given, and it must not be null.",
        ),
        (
            "Key",
            "{\"id\": 1, \"email\": null}",
            "$x: exactly one field of \"Key\" must be given, and it must not be null.",
        ),
    ] {
        assert_eq!(coerced(ty, value), Err(vec![expected.to_owned()]), "{ty} {value}");
    }
}

#[test]
fn all_errors_are_told_at_once() {
    let value = r#"{"text": 1, "kind": "X", "inner": {"text": "a", "lines": [{"amount": 1}, {"sku": true}, {"amount": "2"}]}}"#;
    assert_eq!(
        coerced("Filter", value),
        Err(vec![
            "$x.kind: \"X\" is not a value of the enum Kind.".to_owned(),
            "$x.text: expected a string, found an integer.".to_owned(),
            "$x.inner.lines[1].amount: a value of type \"Float!\" is required.".to_owned(),
            "$x.inner.lines[1].sku: expected a string or an integer, found true or false."
                .to_owned(),
            "$x.inner.lines[2].amount: expected a finite number, found a string.".to_owned(),
        ])
    );
}

#[test]
fn a_required_variable_must_be_given() {
    let graph = graph(SDL);
    let operation =
        prepared(&graph, "query($a: ID!, $b: Boolean) { need(id: $a, flag: $b) { id } }");
    let errors = coerce_variables(&graph, &operation, &Map::new()).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "$a: a value of type \"ID!\" is required.");
    let variables = variables(&graph, &operation, json!({"a": 1, "unknown": {"x": 1}}));
    assert_eq!(variables.0, [Some(json!("1")), None]);
}

#[test]
fn defaults_stand_in_for_variables_that_are_not_given() {
    let graph = graph(SDL);
    let operation = prepared(
        &graph,
        "query($f: Filter = {text: \"d\"}, $t: [String!] = \"a\", $id: ID = 3) {
           search(filter: $f, tags: $t, id: $id) { __typename } }",
    );
    let found = variables(&graph, &operation, json!({"id": null}));
    let filter = json!({"kind": "SOFT", "text": "d", "limit": 5});
    assert_eq!(found.0, [Some(filter), Some(json!(["a"])), Some(Value::Null)]);
}

#[test]
fn null_cannot_decide_a_condition() {
    let graph = graph(SDL);
    let operation = prepared(&graph, "query($x: Boolean = true) { a @include(if: $x) }");
    let errors = coerce_variables(&graph, &operation, &object(json!({"x": null}))).unwrap_err();
    assert_eq!(errors[0].message, "$x: null cannot decide @skip or @include.");
    assert_eq!(operation.truths(&variables(&graph, &operation, json!({}))), 1);
    assert_eq!(operation.truths(&variables(&graph, &operation, json!({"x": false}))), 0);
}

#[test]
fn variables_that_are_too_large_or_too_deep_are_refused() {
    let mut graph = graph(SDL);
    graph.limits.variables_bytes = 100;
    graph.limits.variables_depth = 3;
    let operation = prepared(&graph, "query($x: Any) { search(raw: $x) { __typename } }");
    let refused = |raw: Value| {
        let errors = coerce_variables(&graph, &operation, &object(raw)).unwrap_err();
        (errors[0].code, errors[0].message.clone())
    };
    let (code, message) = refused(json!({"x": "a".repeat(101)}));
    assert_eq!(
        (code, message.contains("limits.variables_bytes allows 100")),
        (Code::VariablesLimit, true)
    );
    // those that nobody declared count too
    assert_eq!(
        refused(json!({"y": ["a".repeat(50), {"b".repeat(60): 1}]})).0,
        Code::VariablesLimit
    );
    let (code, message) = refused(json!({"x": [[[[1]]]]}));
    assert_eq!(
        (code, message.contains("limits.variables_depth allows 3")),
        (Code::VariablesLimit, true)
    );
    assert!(coerce_variables(&graph, &operation, &object(json!({"x": [[[1]]]}))).is_ok());
}
