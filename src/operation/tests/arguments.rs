use super::*;

/// The arguments of the first root field.
fn arguments(document: &str, raw: Value) -> Result<Value, RequestError> {
    let graph = graph(SDL);
    let operation = prepared(&graph, document);
    let variables = variables(&graph, &operation, raw);
    operation.root.branches[0].fields[0].arguments(&variables).map(Value::Object)
}

#[track_caller]
fn check(document: &str, raw: Value, expected: Value) {
    assert_eq!(Ok(expected), arguments(document, raw), "{document}");
}

#[test]
fn constants_are_coerced_by_their_types() {
    check(
        "{ search(text: null, first: 3, kinds: SOFT, tags: \"a\", id: 7, ratio: 2, raw: {a: [1.50, A, null]}) { __typename } }",
        json!({}),
        serde_json::from_str(
            r#"{"text": null, "first": 3, "tags": ["a"], "kinds": [["SOFT"]], "raw": {"a": [1.50, "A", null]}, "id": "7", "ratio": 2}"#,
        )
        .unwrap(),
    );
    check("{ money(amount: 1.50) }", json!({}), json!({"amount": "1.50"}));
    check("{ money(amount: \"1.50\") }", json!({}), json!({"amount": "1.50"}));
}

#[test]
fn defaults_of_arguments_and_input_fields_are_put_in() {
    check("{ search { __typename } }", json!({}), json!({"text": "x", "first": 10}));
    check(
        "{ search(filter: {text: \"t\", inner: {text: \"u\", kind: null}}) { __typename } }",
        json!({}),
        json!({"text": "x", "first": 10, "filter": {
            "kind": "SOFT", "text": "t", "limit": 5, "inner": {"kind": null, "text": "u", "limit": 5}}}),
    );
}

#[test]
fn a_default_is_that_of_the_concrete_type() {
    let graph = graph(SDL);
    let operation = prepared(&graph, "{ node { label } }");
    let branches = &operation.root.branches[0].fields[0].selection.as_ref().unwrap().branches;
    let long: Vec<_> = branches
        .iter()
        .map(|b| b.fields[0].arguments(&Variables::default()).unwrap()["long"].clone())
        .collect();
    assert_eq!(long, [json!(true), json!(false)]);
}

#[test]
fn a_variable_that_is_not_given_leaves_the_default_or_nothing() {
    let document = "query($t: String, $n: Int, $g: [String!]) { search(text: $t, first: $n, tags: $g) { __typename } }";
    check(document, json!({}), json!({"text": "x", "first": 10}));
    check(
        document,
        json!({"t": null, "g": null}),
        json!({"text": null, "first": 10, "tags": null}),
    );
    check(
        document,
        json!({"t": "a", "n": 1, "g": "b"}),
        json!({"text": "a", "first": 1, "tags": ["b"]}),
    );
    let document =
        "query($t: String = \"y\", $n: Int = 4) { search(text: $t, first: $n) { __typename } }";
    check(document, json!({}), json!({"text": "y", "first": 4}));
}

#[test]
fn a_null_for_a_non_null_argument_is_the_fields_error() {
    let error =
        arguments("query($n: Int = 4) {\n search(first: $n) { __typename } }", json!({"n": null}))
            .unwrap_err();
    assert_eq!(error.code, ErrorCode::BadUserInput);
    assert_eq!(error.message, "Argument \"first\" of \"search\": expected a value, found null.");
    assert_eq!(error.locations, [Location { line: 2, column: 2 }]);
    let nested = "query($t: String = \"a\") { search(filter: {text: $t}) { __typename } }";
    assert!(arguments(nested, json!({"t": null})).is_err());
}

#[test]
fn variables_inside_of_values_follow_the_rules_of_their_places() {
    let document = "query($k: Kind, $l: Int, $f: Float!, $a: Any) {
        search(filter: {text: \"t\", kind: $k, limit: $l, lines: {amount: $f}}, kinds: [[$k], null], raw: [$a, {b: $a}]) { __typename } }";
    check(
        document,
        json!({"f": 1.5}),
        json!({"text": "x", "first": 10, "filter": {
            "kind": "SOFT", "text": "t", "limit": 5, "lines": [{"amount": 1.5}]},
            "kinds": [[null], null], "raw": [null, {}]}),
    );
    check(
        document,
        json!({"f": 2, "k": "HARD", "l": null, "a": {"x": [1]}}),
        json!({"text": "x", "first": 10, "filter": {
            "kind": "HARD", "text": "t", "limit": null, "lines": [{"amount": 2}]},
            "kinds": [["HARD"], null], "raw": [{"x": [1]}, {"b": {"x": [1]}}]}),
    );
}

#[test]
fn arguments_come_in_the_order_of_the_schema() {
    let graph = graph(SDL);
    let operation = prepared(
        &graph,
        "{ search(filter: {text: \"t\", kind: HARD}, first: 1, text: \"a\") { __typename } }",
    );
    let arguments = operation.root.branches[0].fields[0].arguments(&Variables::default()).unwrap();
    let text = serde_json::to_string(&arguments).unwrap();
    assert_eq!(text, r#"{"text":"a","first":1,"filter":{"kind":"HARD","text":"t","limit":5}}"#);
}

#[test]
fn numbers_keep_every_digit() {
    check(
        "{ search(raw: [12345678901234567890.123456789, 1e400]) { __typename } }",
        json!({}),
        serde_json::from_str(
            r#"{"text": "x", "first": 10, "raw": [12345678901234567890.123456789, 1e400]}"#,
        )
        .unwrap(),
    );
}

#[test]
fn defaults_without_end_are_refused() {
    let graph = graph("type Query { a(x: A): Int } input A { a: A = {} b: A = {} }");
    let errors = refused(&graph, "{ a(x: {}) }");
    assert_eq!(errors[0].code, ErrorCode::GraphqlValidationFailed);
    let operation = prepared(&graph, "query($x: A) { a(x: $x) }");
    let errors = coerce_variables(&graph, &operation, &object(json!({"x": {}}))).unwrap_err();
    assert_eq!(errors[0].code, ErrorCode::BadUserInput);
}

#[test]
fn a_custom_scalar_takes_lists_of_anything() {
    let document = "query($n: Int!, $all: Any! = [1, null]) {
        search(raw: [[$n, {n: $n}], null, $all]) { __typename } }";
    check(
        document,
        json!({"n": 2}),
        json!({"text": "x", "first": 10, "raw": [[2, {"n": 2}], null, [1, null]]}),
    );
    let graph = graph(SDL);
    let errors = refused(&graph, "query($n: Int) { search(raw: $n) { __typename } }");
    assert_eq!(
        errors[0].message,
        "Variable \"$n\" of type \"Int\" used in position expecting type \"Any\"."
    );
    let errors = refused(&graph, "{ search(raw: [$none]) { __typename } }");
    assert_eq!(errors[0].code, ErrorCode::GraphqlValidationFailed);
}
