use super::*;
use crate::error::ErrorCode as Code;

#[track_caller]
fn check(document: &str, code: Code, message: &str, line: u32, column: u32) {
    let errors = refused(&graph(SDL), document);
    assert_eq!((errors[0].code, &*errors[0].message), (code, message), "{errors:?}");
    assert_eq!(errors[0].locations.first(), Some(&Location { line, column }), "{errors:?}");
}

#[test]
fn syntax_errors_have_their_code_and_place() {
    let errors = refused(&graph(SDL), "{\n  a(\n}");
    assert_eq!(errors[0].code, Code::GraphqlParseFailed);
    assert_eq!(errors[0].locations.len(), 1);
    let errors = refused(&graph(SDL), "");
    assert_eq!(errors[0].code, Code::GraphqlParseFailed);
}

#[test]
fn brackets_that_are_never_closed_are_told_once_and_by_their_sign() {
    let errors = refused(&graph(SDL), "{ me { id");
    let told: Vec<_> =
        errors.iter().map(|error| (&*error.message, error.locations.clone())).collect();
    let end = Location { line: 1, column: 10 };
    let message = "syntax error: expected `}`, got the end of the document";
    assert_eq!(told, [(message, vec![end])]);
    for document in ["{ need(id: 1", "{ need(id: [1", "{ need(id: {a: 1", "query($x: Int"] {
        for error in refused(&graph(SDL), document) {
            let words = ["R_CURLY", "R_PAREN", "R_BRACK", "got EOF"];
            assert!(!words.iter().any(|word| error.message.contains(word)), "{error:?}");
        }
    }
}

#[test]
fn validation_errors_read_like_those_of_other_servers() {
    let invalid = Code::GraphqlValidationFailed;
    check("{\n  zzz\n}", invalid, "Cannot query field \"zzz\" on type \"Query\".", 2, 3);
    check("{ ...F }", invalid, "Unknown fragment \"F\".", 1, 3);
    check("{ a @nope }", invalid, "Unknown directive \"@nope\".", 1, 5);
    check("query($x: Int) { a }", invalid, "Variable \"$x\" is never used.", 1, 7);
    check(
        "{ need { id } }",
        invalid,
        "Field \"need\" argument \"id\" of type \"ID!\" is required, but it was not provided.",
        1,
        3,
    );
}

#[test]
fn an_unknown_field_is_told_once_with_the_nearest_name() {
    let errors = refused(&graph(SDL), "{ me { frend { nmae } } by { zzzzzz } any { name } }");
    let messages: Vec<&str> = errors.iter().map(|error| &*error.message).collect();
    assert_eq!(
        messages,
        [
            "Cannot query field \"frend\" on type \"Person\". Did you mean \"friend\"?",
            "Cannot query field \"zzzzzz\" on type \"Person\".",
            "Cannot query field \"name\" on type \"Thing\".",
        ]
    );
    let errors = refused(&graph(SDL), "{ me { id friend } }");
    assert!(errors[0].message.contains("must have a selection of subfields"), "{errors:?}");
}

#[test]
fn all_errors_of_a_document_are_told_up_to_twenty() {
    let mut graph = graph(SDL);
    graph.limits.root_fields = 1_000;
    let fields = |count: usize| (0..count).map(|index| format!("zz{index} ")).collect::<String>();
    assert_eq!(refused(&graph, &format!("{{ {} }}", fields(3))).len(), 3);
    assert_eq!(refused(&graph, &format!("{{ {} }}", fields(30))).len(), 20);
}

#[test]
fn long_names_are_cut_in_messages() {
    let errors = refused(&graph(SDL), &format!("{{ {} }}", "x".repeat(10_000)));
    assert!(errors[0].message.chars().count() <= 501, "{}", errors[0].message.len());
}

#[test]
fn subscriptions_are_refused_with_a_clear_text() {
    check(
        "query A { a }\nsubscription B { a }",
        Code::GraphqlValidationFailed,
        "Subscriptions are not supported: the schema has no subscription type.",
        2,
        1,
    );
}

#[test]
fn the_operation_must_be_determined() {
    let graph = graph(SDL);
    let refused = |document: &str, name: Option<&str>| {
        prepare(&graph, document, name).unwrap_err()[0].clone()
    };
    let two = "query A { a } query B { b }";
    for (document, name, message) in [
        (two, None, "Must provide operation name if query contains multiple operations."),
        (two, Some("C"), "Unknown operation named \"C\"."),
        ("{ a }", Some("C"), "Unknown operation named \"C\"."),
    ] {
        let error = refused(document, name);
        assert_eq!((error.code, &*error.message), (Code::OperationResolutionFailure, message));
    }
    assert!(prepare(&graph, two, Some("A")).is_ok());
}

#[test]
fn a_mutation_without_mutation_type_is_refused() {
    let graph = graph("type Query { a: Int }");
    assert_eq!(refused(&graph, "mutation { a }")[0].code, Code::GraphqlValidationFailed);
}

#[test]
fn lists_that_differ_in_length_do_not_merge() {
    check(
        "{ search(tags: [\"a\"]) { __typename } search(tags: [\"a\", \"b\"]) { __typename } }",
        Code::GraphqlValidationFailed,
        "Fields \"search\" conflict because they have differing arguments. Use different aliases on the fields to fetch \
         both if this was intentional.",
        1,
        3,
    );
}

#[test]
fn conflicting_fields_are_refused() {
    for document in
        ["{ x: a x: b }", "{ me { x: name } ...F } fragment F on Query { me { x: age } }"]
    {
        assert_eq!(
            refused(&graph(SDL), document)[0].code,
            Code::GraphqlValidationFailed,
            "{document}"
        );
    }
    // but not on types that no object has at once
    prepared(&graph(SDL), "{ any { ... on Person { x: name } ... on Rock { x: name } } }");
}

#[test]
fn variables_must_fit_where_they_stand_also_inside_of_values() {
    let graph = graph(SDL);
    for document in [
        "query($x: Int) { search(first: $x, filter: {text: \"\", limit: 1, inner: {text: $x}}) { __typename } }",
        "query($x: String) { search(filter: {text: $x}) { __typename } }",
        "query($x: String) { search(tags: [$x]) { __typename } }",
        "query($x: [String!]) { search(tags: [$x]) { __typename } }",
        "query($x: Kind) { search(kinds: [$x]) { __typename } }",
        "query($x: Int) { search(raw: {a: [$y, $x]}) { __typename } }",
        "query($x: Boolean) { a @skip(if: $x) }",
        "query($x: Boolean = null) { a @skip(if: $x) }",
        "query($x: ID) { by(key: {id: $x}) { id } }",
        "query($x: Int = \"a\") { search(first: $x) { __typename } }",
        "query($x: Nope) { search(first: $x) { __typename } }",
        "query($x: Person) { search(first: $x) { __typename } }",
    ] {
        assert_eq!(refused(&graph, document)[0].code, Code::GraphqlValidationFailed, "{document}");
    }
    for document in [
        "query($x: Int = 3) { search(first: $x) { __typename } }",
        "query($x: Int) { search(first: $x) { __typename } }",
        "query($x: String = \"a\") { search(filter: {text: $x}) { __typename } }",
        "query($x: String!) { search(tags: [$x, \"b\"]) { __typename } }",
        "query($x: [Kind]) { search(kinds: [$x, [SOFT]]) { __typename } }",
        "query($x: Int) { search(raw: {a: [$x]}) { __typename } }",
        "query($x: Boolean = true) { a @skip(if: $x) }",
        "query($x: ID!) { by(key: {id: $x}) { id } }",
    ] {
        prepared(&graph, document);
    }
}

#[test]
fn one_of_inputs_take_exactly_one_field_in_documents() {
    let graph = graph(SDL);
    for key in ["{}", "{id: 1, email: \"a\"}", "{id: null}", "{id: 1, email: null}"] {
        let errors = refused(&graph, &format!("{{ by(key: {key}) {{ id }} }}"));
        assert_eq!(errors[0].code, Code::GraphqlValidationFailed);
        assert!(errors[0].message.contains("exactly one field of \"Key\""), "{errors:?}");
    }
    prepared(&graph, "{ by(key: {id: 1}) { id } }");
}

#[test]
fn scalars_that_the_graph_checks_are_checked_in_documents() {
    let graph = graph(SDL);
    for argument in [
        "on: \"2024-02-30\"",
        "at: \"2024-01-01\"",
        "amount: \"1,5\"",
        "in: \"eur\"",
        "amount: true",
        "on: {a: 1}",
    ] {
        assert_eq!(
            refused(&graph, &format!("{{ money({argument}) }}"))[0].code,
            Code::GraphqlValidationFailed,
            "{argument}"
        );
    }
    prepared(
        &graph,
        "{ money(on: \"2024-02-29\", at: \"2024-01-01T10:00:00.5+01:00\", amount: -1.50, in: \"EUR\") }",
    );
}

/// One document for each rule of the specification's section 5.
const INVALID: &[&str] = &[
    "type A { a: A } { a }",
    "query A { a } query A { b }",
    "{ a } query B { b }",
    "{ a } { b }",
    "{ any { name } }",
    "{ a { b } }",
    "{ me }",
    "{ me { } }",
    "{ me { ... on Person { zzz } } }",
    "{ node { name } }",
    "{ search(nope: 1) { __typename } }",
    "{ search(first: 1, first: 2) { __typename } }",
    "{ search(first: null) { __typename } }",
    "{ need(id: null) { id } }",
    "{ ...F } fragment F on Query { a } fragment F on Query { b }",
    "{ ...F } fragment F on Nope { a }",
    "{ ... on Nope { a } }",
    "{ ...F } fragment F on Int { a }",
    "{ ... on Kind { a } }",
    "{ a } fragment F on Query { a }",
    "{ ...Undefined }",
    "{ me { ... on Robot { id } } }",
    "{ any { ... on Robot { id } } }",
    "{ me { ...F } } fragment F on Robot { id }",
    "{ search(first: 1.5) { __typename } }",
    "{ search(first: \"1\") { __typename } }",
    "{ search(first: 2147483648) { __typename } }",
    "{ search(text: 1) { __typename } }",
    "{ search(text: WORD) { __typename } }",
    "{ search(kinds: \"SOFT\") { __typename } }",
    "{ search(kinds: NOPE) { __typename } }",
    "{ search(id: 1.5) { __typename } }",
    "{ search(id: true) { __typename } }",
    "{ search(ratio: \"1\") { __typename } }",
    "{ search(text: [\"a\"]) { __typename } }",
    "{ search(tags: [[\"a\"]]) { __typename } }",
    "{ search(tags: [null]) { __typename } }",
    "{ search(filter: \"a\") { __typename } }",
    "{ search(filter: {text: \"\", nope: 1}) { __typename } }",
    "{ search(filter: {text: \"\", limit: 1, limit: 1}) { __typename } }",
    "{ search(raw: {a: 1, b: [{c: 1, c: 2}]}) { __typename } }",
    "{ search(filter: {limit: 1}) { __typename } }",
    "{ search(filter: {text: null}) { __typename } }",
    "query @skip(if: true) { a }",
    "{ a @skip(if: true) @skip(if: false) }",
    "{ a @skip }",
    "{ a @skip(if: 1) }",
    "{ a @skip(if: null) }",
    "{ a @deprecated }",
    "query($x: Int, $x: Int) { search(first: $x) { __typename } }",
    "query($x: Person) { a }",
    "query($x: Nope) { a }",
    "query($x: Int!) { search(text: $x) { __typename } }",
    "query($x: [Int]) { search(first: $x) { __typename } }",
    "query($x: [String]) { search(tags: $x) { __typename } }",
    "query A($x: Int) { ...F } query B { ...F } fragment F on Query { search(first: $x) { __typename } }",
    "query($x: Int = \"a\") { search(first: $x) { __typename } }",
    "query($x: Int! = null) { search(first: $x) { __typename } }",
    "query($x: Int, $y: Int = $x) { search(first: $y) { __typename } }",
    "{ any { ... on Person { x: name } ... on Rock { x: weight } } }",
    "{ any { ... on Person { x: id } ... on Rock { x: name } } }",
    "{ me { name: age name } }",
    "{ me { friend { x: id } friend { x: name } } }",
    "{ a b(x: 1) }",
    "{ __type { name } }",
    "{ __schema }",
    "mutation { __schema { queryType { name } } }",
    "{ me { __schema { queryType { name } } } }",
];

#[test]
fn every_rule_of_validation_refuses_its_document() {
    let graph = graph(SDL);
    for document in INVALID {
        for error in refused(&graph, document) {
            assert!(
                matches!(error.code, Code::GraphqlValidationFailed | Code::GraphqlParseFailed),
                "{document}: {error:?}"
            );
        }
    }
}
