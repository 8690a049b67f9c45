use super::*;

fn answer(graph: &Graph, document: &str, raw: Value) -> Value {
    let operation = prepared(graph, document);
    let variables = variables(graph, &operation, raw);
    Value::Object(introspect(graph, &operation, &variables).unwrap())
}

#[test]
fn the_schema_is_answered_by_response_key() {
    let graph = graph(SDL);
    let found = answer(
        &graph,
        "query($n: String!, $s: Boolean!) {
           a __typename
           s: __schema { queryType { name } mutationType { name } }
           __type(name: $n) { name fields { name type { kind ofType { name } } } }
           no: __type(name: \"Nope\") { name }
           skipped: __type(name: \"Query\") @skip(if: $s) { name } }",
        json!({"n": "Line", "s": true}),
    );
    assert_eq!(
        found,
        json!({
            "s": {"queryType": {"name": "Query"}, "mutationType": {"name": "Mutation"}},
            "__type": {"name": "Line", "fields": null},
            "no": null,
        })
    );
}

#[test]
fn other_variables_of_the_operation_do_no_harm() {
    let graph = graph(SDL);
    let found = answer(
        &graph,
        "query($f: Filter, $n: Int = 3) { search(filter: $f, first: $n) { __typename } __schema { queryType { name } } }",
        json!({"f": {"text": "t"}, "n": null}),
    );
    assert_eq!(found, json!({"__schema": {"queryType": {"name": "Query"}}}));
}

/// What query pages ask.
pub(super) const FULL: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name }
  types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
  fragment FullType on __Type { kind name description specifiedByURL
    fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[test]
fn the_introspection_of_clients_is_within_the_limits() {
    let graph = graph(SDL);
    let found = answer(&graph, FULL, json!({}));
    assert!(found["__schema"]["types"].as_array().unwrap().len() > 15);
}

#[test]
fn introspection_that_goes_round_in_circles_is_refused() {
    let graph = graph(SDL);
    let deep = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(refused(&graph, deep)[0].code, ErrorCode::IntrospectionDepthLimit);
    let through_fragments = "{ __schema { types { ...A } } } fragment A on __Type { ...C fields { type { ...B } } }
        fragment B on __Type { ...C fields { type { ...C } } } fragment C on __Type { fields { name } }";
    assert_eq!(refused(&graph, through_fragments)[0].code, ErrorCode::IntrospectionDepthLimit);
    prepared(&graph, "{ __schema { types { fields { type { fields { name } } } } } }");
}

#[test]
fn introspection_with_a_huge_answer_is_refused() {
    let mut graph = graph(SDL);
    graph.limits.objects = 10;
    let document =
        "{ __schema { types { fields { name type { fields { name args { name } } } } } } }";
    assert_eq!(refused(&graph, document)[0].code, ErrorCode::ObjectsLimit);
}

#[test]
fn introspection_can_be_disabled() {
    let mut graph = graph(SDL);
    graph.introspection_enabled = false;
    for document in [
        "{ __schema { queryType { name } } }",
        "{ a x: __type(name: \"Query\") { name } }",
        "{ ...F } fragment F on Query { __schema { queryType { name } } }",
    ] {
        let errors = refused(&graph, document);
        assert_eq!(errors[0].code, ErrorCode::GraphqlValidationFailed);
        assert!(errors[0].message.contains("introspection is disabled"), "{errors:?}");
    }
    prepared(&graph, "{ __typename me { __typename } }");
}
