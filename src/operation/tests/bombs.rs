//! Documents that are made to hurt are refused by the guard, each by its own code.

use super::*;
use crate::error::ErrorCode as Code;

#[track_caller]
fn code(document: &str) -> Code {
    let errors = refused(&graph(SDL), document);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].code
}

/// A chain of `length` fragments, each spreading the next `times` times.
fn fragment_bomb(length: usize, times: usize, condition: &str) -> String {
    let mut text = "{ ...F0 }".to_owned();
    for index in 0..length {
        let next = format!(" ...F{}", index + 1).repeat(times);
        text.push_str(&format!("fragment F{index} on {condition} {{ {next} }}"));
    }
    text.push_str(&format!("fragment F{length} on {condition} {{ a }}"));
    text
}

#[test]
fn a_guard_error_names_the_limit_what_was_found_and_the_place() {
    let mut graph = graph(SDL);
    graph.limits.aliases = 1;
    let errors = refused(&graph, "{\n  x: a\n  y: a z: b\n}");
    assert_eq!(
        errors,
        [RequestError::new(
            Code::AliasesLimit,
            "The document has 3 aliases; limits.aliases allows 1."
        )
        .at(Location { line: 3, column: 4 })]
    );
}

#[test]
fn exponential_fragments_are_refused() {
    assert_eq!(code(&fragment_bomb(24, 2, "Query")), Code::SelectionsLimit);
    assert_eq!(code(&fragment_bomb(14, 3, "Query")), Code::SelectionsLimit);
    assert_eq!(code(&fragment_bomb(24, 2, "Unknown")), Code::SelectionsLimit);
    // 2^70 is more than a u64 counts
    assert_eq!(code(&fragment_bomb(70, 2, "Query")), Code::SelectionsLimit);
}

#[test]
fn fragments_that_spread_themselves_are_refused() {
    for document in [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } fragment C on Query { me { ...A } }",
        "{ a } fragment A on Query { ...B } fragment B on Query { ...A }",
    ] {
        let errors = refused(&graph(SDL), document);
        assert_eq!(errors[0].code, Code::GraphqlValidationFailed);
        assert!(errors[0].message.starts_with("Cannot spread fragment"), "{errors:?}");
    }
}

#[test]
fn floods_of_one_kind_are_refused() {
    let bytes = 64 * 1024;
    for (flood, expected) in [
        ("{", Code::TokensLimit),
        ("[", Code::TokensLimit),
        ("(", Code::TokensLimit),
        ("}", Code::TokensLimit),
        ("@a", Code::TokensLimit),
        ("\"\"", Code::TokensLimit),
        ("...", Code::TokensLimit),
        ("ä", Code::TokensLimit),
        ("$a ", Code::TokensLimit),
        ("a ", Code::TokensLimit),
        ("1 ", Code::TokensLimit),
        (",", Code::TokensLimit),
        ("#\n", Code::TokensLimit),
        ("\"", Code::TokensLimit),
    ] {
        assert_eq!(code(&flood.repeat(bytes / flood.len())), expected, "{flood:?}");
        assert_eq!(
            code(&format!("{{a {}", flood.repeat(bytes / flood.len() - 4))),
            expected,
            "{flood:?} inside"
        );
    }
    assert_eq!(code(&" ".repeat(bytes + 1)), Code::DocumentBytesLimit);
    assert_eq!(code(&format!("{{ {} }}", "a ".repeat(3_000))), Code::RootFieldsLimit);
}

#[test]
fn one_long_token_is_the_parsers_business() {
    let bytes = 64 * 1024 - 10;
    for document in [
        "#".repeat(bytes),
        "\"".to_owned() + &"x".repeat(bytes),
        "\"\"\"".to_owned() + &"x\n".repeat(bytes / 2 - 3),
        "\\\"".repeat(1_000),
        "1".repeat(bytes),
    ] {
        let errors = refused(&graph(SDL), &document);
        assert!(errors.iter().all(|error| error.message.chars().count() < 600), "{errors:?}");
        assert!(
            matches!(errors[0].code, Code::GraphqlParseFailed | Code::OperationResolutionFailure),
            "{errors:?}"
        );
    }
}

#[test]
fn deep_documents_are_refused() {
    assert_eq!(
        code(&format!("{{ a(x: {}1{}) }}", "[".repeat(100), "]".repeat(100))),
        Code::NestingLimit
    );
    assert_eq!(code(&format!("{{ a(x: {}1) }}", "{a:[".repeat(100))), Code::NestingLimit);
    assert_eq!(
        code(&format!("{{ {} {} }}", "me { ".repeat(70), "}".repeat(70))),
        Code::NestingLimit
    );
    assert_eq!(
        code(&format!("{{ {} id {} }}", "me { ".repeat(30), "}".repeat(30))),
        Code::DepthLimit
    );
    // the same through fragments, each flat
    let mut text = "{ me { ...F0 } }".to_owned();
    for index in 0..30 {
        text.push_str(&format!("fragment F{index} on Person {{ friend {{ ...F{} }} }}", index + 1));
    }
    text.push_str("fragment F30 on Person { id }");
    assert_eq!(code(&text), Code::DepthLimit);
    // brackets that close another kind close nothing
    assert_eq!(code(&format!("{{ a(x: {}", "[}".repeat(70))), Code::NestingLimit);
}

#[test]
fn wide_documents_are_refused() {
    assert_eq!(code(&format!("{{ {} }}", "a ".repeat(21))), Code::RootFieldsLimit);
    assert_eq!(code(&format!("{{ {} }}", "... { ... { a } } ".repeat(21))), Code::RootFieldsLimit);
    let aliases: String = (0..101).map(|index| format!("x{index}: id ")).collect();
    assert_eq!(code(&format!("{{ me {{ {aliases} }} }}")), Code::AliasesLimit);
    assert_eq!(code(&format!("{{ a {} }}", "@aa ".repeat(51))), Code::DirectivesLimit);
    let operations: String = (0..11).map(|index| format!("query Q{index} {{ a }} ")).collect();
    assert_eq!(code(&operations), Code::OperationsLimit);
    assert_eq!(code(&"{ a }".repeat(21)), Code::OperationsLimit);
}

#[test]
fn many_operations_that_share_a_fragment_of_variables_are_refused() {
    let uses: String =
        (0..60).map(|index| format!("by(key: {{ id: $v{index} }}) {{ id }} ")).collect();
    let operations: String = (0..10).map(|index| format!("query Q{index} {{ ...F }} ")).collect();
    let mut graph = graph(SDL);
    graph.limits.root_fields = 100;
    let errors = refused(&graph, &format!("{operations} fragment F on Query {{ {uses} }}"));
    assert_eq!(errors[0].code, Code::FragmentVariablesLimit);
    assert_eq!(
        errors[0].message,
        "The document has 600 uses of variables in fragments, times the operations; \
         limits.operation_fragment_variables allows 500."
    );
}

/// The parser takes a line's end for a part of a string that begins with it, and so finds a document where the guard sees strings.
#[test]
fn nothing_hides_behind_a_string_that_its_line_ends() {
    let graph = graph(SDL);
    let aliases: String = (0..101).map(|index| format!("x{index}: id ")).collect();
    for end in ["\n", "\r", "\r\n", "a\n", "\\\n"] {
        for document in [
            format!("{{ need(id: \"{end}\") {{ {aliases} }} }}"),
            format!("{{ a @skip(if: \"{end}\") {} }}", "@aa ".repeat(51)),
            format!("{{ need(id: \"{end}\") {{ id }} }}"),
        ] {
            assert_eq!(refused(&graph, &document)[0].code, Code::GraphqlParseFailed, "{document}");
        }
    }
}

#[test]
fn strings_and_comments_do_not_count_as_brackets_or_names() {
    let graph = graph(SDL);
    let brackets = "{[(".repeat(100);
    let document = format!(
        "{{ # {brackets} @a x: y ...\n search(text: \"{brackets} \\\" ... # @a\", tags: [\"\"\"{brackets} \\\"\"\" \" @a : \"\"\"]) {{ __typename }} }}"
    );
    prepared(&graph, &document);
}

#[test]
fn abstract_types_inside_of_abstract_types_are_bounded() {
    let types: String =
        (0..12).map(|index| format!("type T{index} implements N {{ n: N id: ID }} ")).collect();
    let mut graph = graph(&format!("type Query {{ n: N }} interface N {{ n: N id: ID }} {types}"));
    graph.limits.selections = 1_000;
    let document = format!("{{ {} id {} }}", "n { ".repeat(12), "}".repeat(12));
    let errors = refused(&graph, &document);
    assert_eq!(errors[0].code, Code::SelectionsLimit);
    assert!(errors[0].message.contains("limits.selections"), "{errors:?}");
}

#[test]
fn more_variables_in_conditions_than_bits_are_refused() {
    let mut graph = graph(SDL);
    graph.limits.directives = 1_000;
    graph.limits.duplicates = 1_000;
    let names: Vec<_> = (0..65).map(|index| format!("v{index}")).collect();
    let definitions: String = names.iter().map(|name| format!("${name}: Boolean! ")).collect();
    let fields: String = names.iter().map(|name| format!("id @include(if: ${name}) ")).collect();
    let errors = refused(&graph, &format!("query({definitions}) {{ me {{ {fields} }} }}"));
    assert_eq!(errors[0].code, Code::ConditionsLimit);
}

#[test]
fn what_the_guard_counts_through_fragments_is_what_is_written_out() {
    let mut graph = graph(SDL);
    graph.limits.selections = 6;
    // me, ...F, and in F: friend, id, name; and b
    let document = "{ me { ...F } b } fragment F on Person { friend { id } name }";
    prepared(&graph, document);
    graph.limits.selections = 5;
    assert_eq!(refused(&graph, document)[0].code, Code::SelectionsLimit);
    graph.limits.selections = 6;
    graph.limits.depth = 3;
    prepared(&graph, document);
    graph.limits.depth = 2;
    assert_eq!(refused(&graph, document)[0].code, Code::DepthLimit);
}

#[test]
fn directives_before_a_brace_do_not_change_what_the_brace_opens() {
    let mut graph = graph(SDL);
    graph.limits.depth = 2;
    graph.limits.root_fields = 2;
    prepared(
        &graph,
        "query($x: Boolean!) { ... @include(if: $x) { ... on Query @skip(if: $x) { me @include(if: $x) { id } } } a }",
    );
    graph.limits.depth = 1;
    assert_eq!(
        refused(&graph, "{ ... @include(if: true) { me @include(if: true) { id } } }")[0].code,
        Code::DepthLimit
    );
}
