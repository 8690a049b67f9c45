//! Documents that nobody would write: the guard counts what there is, and nothing panics.

use std::sync::LazyLock;

use apollo_compiler::ast;
use proptest::prelude::*;

use super::*;
use crate::operation::tests::property::random_document;

/// What a plain walk over a document's tree finds, with every fragment written out.
#[derive(Debug, Default, PartialEq)]
struct Found {
    selections: usize,
    depth: usize,
    root_fields: usize,
    aliases: usize,
    directives: usize,
    duplicates: usize,
}

fn walk(document: &ast::Document, set: &[ast::Selection], depth: usize, found: &mut Found) {
    for selection in set {
        found.selections += 1;
        match selection {
            ast::Selection::Field(field) => {
                found.depth = found.depth.max(depth + 1);
                found.root_fields += usize::from(depth == 0);
                walk(document, &field.selection_set, depth + 1, found);
            }
            ast::Selection::InlineFragment(inline) => {
                walk(document, &inline.selection_set, depth, found);
            }
            ast::Selection::FragmentSpread(spread) => {
                let fragments =
                    document.definitions.iter().filter_map(ast::Definition::as_fragment_definition);
                let fragment =
                    fragments.into_iter().find(|fragment| fragment.name == spread.fragment_name);
                if let Some(fragment) = fragment {
                    walk(document, &fragment.selection_set, depth, found);
                }
            }
        }
    }
}

/// What is written, without writing fragments out.
fn written(set: &[ast::Selection], found: &mut Found) {
    for selection in set {
        let (directives, inner) = match selection {
            ast::Selection::Field(field) => {
                found.aliases += usize::from(field.alias.is_some());
                (&field.directives, field.selection_set.as_slice())
            }
            ast::Selection::InlineFragment(inline) => {
                (&inline.directives, inline.selection_set.as_slice())
            }
            ast::Selection::FragmentSpread(spread) => (&spread.directives, [].as_slice()),
        };
        found.directives += directives.len();
        written(inner, found);
    }
}

/// The most selections of one key, or spreads of one fragment, in one set with its inline fragments.
fn duplicates(set: &[ast::Selection]) -> usize {
    fn collect<'a>(
        set: &'a [ast::Selection],
        keys: &mut Vec<String>,
        inner: &mut Vec<&'a [ast::Selection]>,
    ) {
        for selection in set {
            match selection {
                ast::Selection::Field(field) => {
                    keys.push(field.response_name().to_string());
                    inner.push(&field.selection_set);
                }
                ast::Selection::InlineFragment(inline) => {
                    collect(&inline.selection_set, keys, inner);
                }
                ast::Selection::FragmentSpread(spread) => {
                    keys.push(format!("...{}", spread.fragment_name));
                }
            }
        }
    }
    let (mut keys, mut inner) = (Vec::new(), Vec::new());
    collect(set, &mut keys, &mut inner);
    let times = |key: &String| keys.iter().filter(|other| *other == key).count();
    let here = keys.iter().map(times).max().unwrap_or(0);
    inner.into_iter().map(duplicates).fold(here, usize::max)
}

fn found(document: &ast::Document) -> Found {
    let mut found = Found::default();
    for definition in &document.definitions {
        match definition {
            ast::Definition::OperationDefinition(operation) => {
                walk(document, &operation.selection_set, 0, &mut found);
                written(&operation.selection_set, &mut found);
                found.duplicates = found.duplicates.max(duplicates(&operation.selection_set));
            }
            ast::Definition::FragmentDefinition(fragment) => {
                written(&fragment.selection_set, &mut found);
                found.duplicates = found.duplicates.max(duplicates(&fragment.selection_set));
            }
            _ => {}
        }
    }
    found
}

type Limit = fn(&mut Limits) -> &mut usize;

const COUNTED: [(Limit, ErrorCode); 6] = [
    (|limits| &mut limits.selections, ErrorCode::SelectionsLimit),
    (|limits| &mut limits.depth, ErrorCode::DepthLimit),
    (|limits| &mut limits.root_fields, ErrorCode::RootFieldsLimit),
    (|limits| &mut limits.aliases, ErrorCode::AliasesLimit),
    (|limits| &mut limits.directives, ErrorCode::DirectivesLimit),
    (|limits| &mut limits.duplicates, ErrorCode::DuplicatesLimit),
];

fn least(found: &Found) -> Limits {
    Limits {
        tokens: 100_000,
        selections: found.selections,
        depth: found.depth,
        root_fields: found.root_fields,
        aliases: found.aliases,
        directives: found.directives,
        duplicates: found.duplicates,
        ..Limits::default()
    }
}

/// Whatever the parser finds in a text, the guard has counted.
fn nothing_is_hidden(text: &str) {
    let Ok(parsed) = syntax::read(text) else { return };
    let Ok(document) = ast::Document::parse(parsed, "x") else { return };
    if guard::check(&Limits::default(), text).is_err() {
        return;
    }
    let found = found(&document);
    for (limit, _) in COUNTED {
        let mut least = least(&found);
        let least = *limit(&mut least);
        let mut limits = Limits::default();
        *limit(&mut limits) = least.saturating_sub(1);
        assert!(least == 0 || guard::check(&limits, text).is_err(), "{text:?}\n{found:?}");
    }
}

/// Are these the least limits that let the document through?
fn check_least(text: &str, found: &Found) {
    let limits = least(found);
    guard::check(&limits, text).unwrap_or_else(|error| panic!("{text}\n{found:?}\n{error}"));
    for (limit, code) in COUNTED {
        let mut limits = limits.clone();
        let limit = limit(&mut limits);
        if *limit > 0 {
            *limit -= 1;
            assert_eq!(guard::check(&limits, text).unwrap_err().code, code, "{text}\n{found:?}");
        }
    }
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "...",
    "...",
    "on ",
    "fragment F ",
    "F ",
    "query ",
    "mutation Q",
    "$a",
    ": ",
    "a ",
    "me ",
    "node ",
    "Person ",
    "Query ",
    "@include(if: ",
    "@skip",
    "true ",
    "\"",
    "\"\"\"",
    "\\",
    "#",
    "\n",
    ",",
    "1",
    "-1.5e3",
    "ü",
    "\u{feff}",
    "\0",
    "=",
    "!",
    "|",
    "&",
    "search(first: 1)",
    "{ a }",
    "fragment F on Query { a }",
    "subscription ",
    "type A { a: A }",
    "null ",
    "x: ",
    "__schema { queryType { name } } ",
];

/// What may make a string, a comment or a bracket of what is none.
const INTO: &[&str] = &[
    "\"",
    "\"\"\"",
    "\\",
    "\\\"\"\"",
    "\"\n\"",
    "\"\r\"",
    "\"a\n",
    "\"\\\n\"",
    "#",
    "\n",
    "\r",
    "\u{2028}",
    "\u{feff}",
    ",",
    ":",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "...",
    "@a",
    "$a",
    "(a: \"",
    "\")",
    "(a: \"\"\"",
    "\"\"\")",
    "x",
    "on",
];

static GRAPH: LazyLock<Graph> = LazyLock::new(|| graph(SDL));

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(11),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_guard_counts_what_a_walk_over_the_tree_counts(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = random_document(bytes);
        let document = ast::Document::parse(&*text, "x").unwrap();
        check_least(&text, &found(&document));
    }

    #[test]
    fn soup_is_refused_or_accepted_and_never_more(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        if let Err(errors) = prepare(&GRAPH, &text, None) {
            prop_assert!(!errors.is_empty() && errors.len() <= 20);
        }
        nothing_is_hidden(&text);
    }

    #[test]
    fn what_is_put_into_a_document_hides_nothing_from_the_guard(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        put in prop::collection::vec((any::<prop::sample::Index>(), 0..INTO.len()), 1..4),
    ) {
        let mut text = random_document(bytes);
        for (place, piece) in put {
            text.insert_str(text.floor_char_boundary(place.index(text.len())), INTO[piece]);
        }
        nothing_is_hidden(&text);
    }
}

#[test]
fn the_longest_road_that_the_limits_allow_fits_on_a_small_stack() {
    let mut graph = graph(SDL);
    graph.limits.depth = 60;
    let mut text = "{ me { ...F0 } }".to_owned();
    let chain = 80;
    for index in 0..chain {
        let (open, close) = if index < 50 { ("friend { ", "} ") } else { ("", "") };
        text.push_str(&format!(
            "fragment F{index} on Person {{ {}{open}...F{}{close} {} }}",
            "... { ".repeat(4),
            index + 1,
            "} ".repeat(4)
        ));
    }
    text.push_str(&format!("fragment F{chain} on Person {{ id }}"));
    prepared(&graph, &text);
    let list = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    prepared(&graph, &format!("{{ search(raw: {list}) {{ __typename }} }}"));
}
