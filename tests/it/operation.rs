//! Operations on the shipped graph, up to the point where a plan would be made.

use std::path::Path;

use cyclorama::compile::{Files, compile};
use cyclorama::error::ErrorCode;
use cyclorama::graph::Graph;
use cyclorama::operation::{Variables, introspect, prepare};

fn shipped() -> Graph {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("cyclorama.yaml");
    compile(&Files::read(&config)).graph.unwrap()
}

/// What clients ask before anything else.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema {
    queryType { name } mutationType { name } subscriptionType { name } types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
  fragment FullType on __Type { kind name description specifiedByURL
    fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef }
      isDeprecated deprecationReason }
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[test]
fn clients_can_read_the_whole_shipped_schema() {
    let graph = shipped();
    let operation = prepare(&graph, INTROSPECTION, None).unwrap();
    let answer = introspect(&graph, &operation, &Variables::default()).unwrap();
    let types = answer["__schema"]["types"].as_array().unwrap();
    // apollo-compiler lists the types of introspection too, as the specification asks
    let ours = types.iter().filter(|ty| !ty["name"].as_str().unwrap().starts_with("__"));
    assert_eq!(ours.count(), graph.types.len());
}

#[test]
fn a_fragment_bomb_on_the_shipped_schema_is_refused_before_it_is_parsed() {
    let graph = shipped();
    let mut bomb = "{ customer(id: 1) { ...F0 } }".to_owned();
    for index in 0..24 {
        let next = index + 1;
        bomb += &["fragment F", &index.to_string(), " on Customer { "].concat();
        bomb += &["...F", &next.to_string(), " ...F", &next.to_string(), " }"].concat();
    }
    bomb += "fragment F24 on Customer { and this is no GraphQL";
    let errors = prepare(&graph, &bomb, None).unwrap_err();
    assert_eq!(errors[0].code, ErrorCode::SelectionsLimit, "{errors:?}");
}
