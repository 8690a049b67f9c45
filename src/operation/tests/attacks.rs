//! The catalogue of attacks on GraphQL servers, each by its name, against the limits as they are by default.

use super::*;
use crate::error::ErrorCode as Code;

#[track_caller]
fn refused_with(document: &str, code: Code) {
    let errors = refused(&graph(SDL), document);
    assert_eq!(errors[0].code, code, "{errors:?}");
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn alias_overload() {
    let aliases: String = (0..101).map(|index| format!("alias{index}: __typename ")).collect();
    refused_with(&format!("{{ me {{ {aliases} }} }}"), Code::AliasesLimit);
}

#[test]
fn field_duplication() {
    refused_with(&format!("{{ me {{ {} }} }}", "__typename ".repeat(500)), Code::DuplicatesLimit);
    // one key under an alias, in inline fragments, and by spreads
    let keys: String =
        (0..51).map(|index| format!("... {{ id: {} }} ", ["id", "name"][index % 2])).collect();
    refused_with(&format!("{{ me {{ {keys} }} }}"), Code::DuplicatesLimit);
    let spreads = "...F ".repeat(51);
    refused_with(
        &format!("{{ me {{ {spreads} }} }} fragment F on Person {{ id }}"),
        Code::DuplicatesLimit,
    );
    // as often as that is fine, and each place counts for itself
    let fine = "id ".repeat(50);
    prepared(&graph(SDL), &format!("{{ me {{ {fine} friend {{ {fine} }} }} x: me {{ {fine} }} }}"));
}

#[test]
fn directive_overload() {
    refused_with(&format!("{{ __typename {} }}", "@aa".repeat(51)), Code::DirectivesLimit);
    let errors = refused(&graph(SDL), &format!("{{ __typename {} }}", "@aa".repeat(50)));
    assert!(errors.len() <= 20, "{}", errors.len());
}

#[test]
fn circular_introspection() {
    let nest = "fields { type { ".repeat(4) + "name" + &" } }".repeat(4);
    refused_with(
        &format!("{{ __schema {{ types {{ {nest} }} }} }}"),
        Code::IntrospectionDepthLimit,
    );
    let mut strict = graph(SDL);
    strict.limits.introspection_depth = 1;
    let two = "{ __type(name: \"Person\") { fields { type { fields { name } } } } }";
    assert_eq!(refused(&strict, two)[0].code, Code::IntrospectionDepthLimit);
    prepared(&graph(SDL), two);
}

#[test]
fn list_literals_without_end() {
    let list =
        |items: usize| format!("{{ search(raw: [{}]) {{ __typename }} }}", "1,".repeat(items));
    refused_with(&list(1_001), Code::ListItemsLimit);
    prepared(&graph(SDL), &list(1_000));
    // objects and lists inside are one item each; a list inside of a list counts for itself
    let mut few = graph(SDL);
    few.limits.list_items = 3;
    let items = |list: &str| format!("{{ search(raw: {list}) {{ __typename }} }}");
    prepared(&few, &items("[{a: 1, b: [1 2 3]}, [1 2 3], -1.5]"));
    prepared(&few, "query($x: String! = \"\") { search(tags: [$x $x $x]) { __typename } }");
    for list in ["[1 2 3 4]", "[[1 2 3 4]]", "{a: [A B \"c\" null]}", "[{} {} {} {}]"] {
        assert_eq!(refused(&few, &items(list))[0].code, Code::ListItemsLimit, "{list}");
    }
    let default = "query($x: [Int] = [1 2 3 4]) { search(raw: $x) { __typename } }";
    assert_eq!(refused(&few, default)[0].code, Code::ListItemsLimit);
}

#[test]
fn deep_and_huge_input_objects() {
    let deep = format!("{}{}", "{inner: ".repeat(70), "}".repeat(70));
    refused_with(&format!("{{ search(filter: {deep}) {{ __typename }} }}"), Code::NestingLimit);
    let graph = graph(SDL);
    let operation = prepared(&graph, "query($f: Any) { search(raw: $f) { __typename } }");
    let mut nested = json!(1);
    for _ in 0..33 {
        nested = json!([nested]);
    }
    for value in [nested, json!("x".repeat(300 * 1024))] {
        let raw = object(json!({ "f": value }));
        let errors = coerce_variables(&graph, &operation, &raw).unwrap_err();
        assert_eq!(errors[0].code, Code::VariablesLimit);
    }
}

#[test]
fn depth_and_tokens() {
    // each of these is an error of its own to the parser
    refused_with(&"0".repeat(60_000), Code::TokensLimit);
    refused_with(&format!("{{ a(b: {}) }}", "-0".repeat(30_000)), Code::TokensLimit);
    let depth = |depth: usize| {
        format!(
            "{{ {} id {} }}",
            "me { ".to_owned() + &"friend { ".repeat(depth),
            "}".repeat(depth + 1)
        )
    };
    refused_with(&depth(26), Code::DepthLimit);
    refused_with(&format!("{{ {} }}", "a ".repeat(4_000)), Code::TokensLimit);
}

/// A limit's name in `cyclorama.yaml`, its code, how to set it lower, and a document that only then goes beyond it.
type Beyond = (&'static str, Code, fn(&mut Limits), &'static str);

const SPREAD: &str = "{ me { friend { ...F } ...F } } fragment F on Person { id name }";

const DOCUMENTS: &[Beyond] = &[
    ("document_bytes", Code::DocumentBytesLimit, |limits| limits.document_bytes = 9, "{ a b c  }"),
    ("tokens", Code::TokensLimit, |limits| limits.tokens = 4, "{ a b c }"),
    ("nesting", Code::NestingLimit, |limits| limits.nesting = 1, "{ me { id } }"),
    ("depth", Code::DepthLimit, |limits| limits.depth = 1, "{ me { id } }"),
    ("selections", Code::SelectionsLimit, |limits| limits.selections = 2, "{ a b c }"),
    ("spread_tokens", Code::SpreadTokensLimit, |limits| limits.spread_tokens = 27, SPREAD),
    ("spread_bytes", Code::SpreadBytesLimit, |limits| limits.spread_bytes = 71, SPREAD),
    ("aliases", Code::AliasesLimit, |limits| limits.aliases = 1, "{ x: a y: b }"),
    ("root_fields", Code::RootFieldsLimit, |limits| limits.root_fields = 2, "{ a b c }"),
    (
        "operations",
        Code::OperationsLimit,
        |limits| limits.operations = 1,
        "query A { a } query B { b }",
    ),
    (
        "operation_fragment_variables",
        Code::FragmentVariablesLimit,
        |limits| limits.operation_fragment_variables = 1,
        "query A($x: ID!) { ...F } fragment F on Query { need(id: $x) { id } x: need(id: $x) { id } }",
    ),
    (
        "directives",
        Code::DirectivesLimit,
        |limits| limits.directives = 1,
        "{ a @skip(if: true) b @skip(if: true) }",
    ),
    ("duplicates", Code::DuplicatesLimit, |limits| limits.duplicates = 1, "{ a a }"),
    (
        "list_items",
        Code::ListItemsLimit,
        |limits| limits.list_items = 1,
        "{ search(raw: [1 2]) { __typename } }",
    ),
    (
        "introspection_depth",
        Code::IntrospectionDepthLimit,
        |limits| limits.introspection_depth = 0,
        "{ __schema { types { fields { name } } } }",
    ),
    ("objects", Code::ObjectsLimit, |limits| limits.objects = 1, "{ __schema { types { name } } }"),
];

#[test]
fn every_limit_of_documents_has_a_name_and_a_code() {
    for (name, code, change, document) in DOCUMENTS {
        let mut graph = graph(SDL);
        let operation = document.contains("query A").then_some("A");
        prepare(&graph, document, operation).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        change(&mut graph.limits);
        let errors = prepare(&graph, document, operation).err().unwrap_or_default();
        assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), [*code], "{name}");
        assert!(errors[0].message.contains(&format!("limits.{name}")), "{name}: {}", errors[0]);
    }
}

#[test]
fn a_long_value_counts_with_every_field_that_it_may_be_compared_with() {
    let graph = graph(SDL);
    let fields = |count: usize| -> String {
        (0..count)
            .map(|number| format!("... @skip(if: false) {{ need(id: {number}) {{ id }} }} "))
            .collect()
    };
    let document = |bytes: usize, count: usize| {
        format!("{{ me {{ need(id: \"{}\") {{ id }} {} }} }}", "a".repeat(bytes), fields(count))
    };
    let long = guard::check(&graph.limits, &document(60_000, 20)).unwrap_err();
    assert_eq!(long.code, Code::SpreadBytesLimit);
    assert!(long.message.contains("Send it as a variable"), "{long}");
    assert_eq!(long.locations[0].column, 17, "where the value stands");
    guard::check(&graph.limits, &document(60_000, 5)).unwrap();
    guard::check(&graph.limits, &document(1_000, 40)).unwrap();
}

#[test]
fn every_limit_of_variables_has_a_name_and_a_code() {
    let document = "query($f: Any) { search(raw: $f) { __typename } }";
    let limits: [(_, _, fn(&mut Limits)); 2] = [
        ("variables_bytes", json!({ "f": "ten letters" }), |limits| limits.variables_bytes = 10),
        ("variables_depth", json!({ "f": [[[1]]] }), |limits| limits.variables_depth = 2),
    ];
    for (name, raw, change) in limits {
        let mut graph = graph(SDL);
        let operation = prepared(&graph, document);
        coerce_variables(&graph, &operation, &object(raw.clone())).unwrap();
        change(&mut graph.limits);
        let errors = coerce_variables(&graph, &operation, &object(raw)).unwrap_err();
        assert_eq!((errors.len(), errors[0].code), (1, Code::VariablesLimit), "{name}");
        assert!(errors[0].message.contains(&format!("limits.{name}")), "{name}: {}", errors[0]);
    }
}

#[test]
fn every_limit_has_a_default_a_code_and_a_name() {
    // of variables; of plans, requests, answers and the process, where they are tested
    let others = [
        "steps",
        "variables_bytes",
        "variables_depth",
        "body_bytes",
        "errors",
        "plans",
        "key_bytes",
    ];
    let all = format!("{:?}", Limits::default());
    let known = DOCUMENTS.iter().map(|(name, ..)| *name).chain(others);
    let missing: Vec<_> =
        known.clone().filter(|name| !all.contains(&format!("{name}: "))).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert_eq!(known.count(), all.matches(": ").count(), "a limit is not tested: {all}");
}

#[test]
fn names_that_are_made_to_meet_in_a_table_are_as_fast_as_others() {
    // what is counted is what matters: each name is found once, whatever it hashes to
    let names: String = (0..1_900).map(|index| format!("n{index:x} ")).collect();
    let mut graph = graph(SDL);
    graph.limits.root_fields = 10_000;
    graph.limits.duplicates = 1;
    guard::check(&graph.limits, &format!("{{ {names} }}")).unwrap();
    let twice = guard::check(&graph.limits, &format!("{{ {names} n0 }}")).unwrap_err();
    assert_eq!(twice.code, Code::DuplicatesLimit);
}

/// What Apollo Client, Relay and query pages send is far within every limit.
#[test]
fn what_ordinary_clients_send_is_within_every_limit() {
    let mut graph = graph(SDL);
    prepared(&graph, super::introspection::FULL);
    let apollo = "query Person($id: ID!) { need(id: $id) { ...Card friend { ...Card __typename } __typename } }
        fragment Card on Person { id name ...Label __typename } fragment Label on Person { label(long: true) __typename }";
    prepared(&graph, apollo);
    let relay = "query AppQuery($id: ID! $flag: Boolean!) { node { __typename __isNode: __typename ...A_node id } need(id: $id) { ...B_p @include(if: $flag) id } }
        fragment A_node on Node { __isNode: __typename id ... on Person { ...B_p } ... on Robot { model } } fragment B_p on Person { id name age }";
    prepared(&graph, relay);
    // half of what is allowed is enough for the largest of them
    graph.limits.tokens /= 2;
    graph.limits.selections /= 2;
    graph.limits.duplicates /= 2;
    for document in [super::introspection::FULL, apollo, relay] {
        prepared(&graph, document);
    }
}
