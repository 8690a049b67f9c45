//! Documents and variables cut up and put together again, by a seed: whatever comes of it is accepted or refused.

use cyclorama::operation;
use serde_json::{Map, Value, json};

use crate::bombs::{chain, conflicts, overlapping, shared_variables};
use crate::{BYTES, GRAPH, Worst, valid};

/// Numbers that look random and are the same every time.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

fn cases(by_default: usize) -> usize {
    let asked = std::env::vars().find(|(name, _)| name == "CYCLORAMA_FUZZ_CASES");
    asked.map_or(by_default, |(_, cases)| cases.parse().unwrap())
}

const WORDS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "...",
    "...F0 ",
    "... on Customer ",
    "@include(if: $v0) ",
    "@skip(if: false)",
    "$v0",
    ":",
    " id ",
    "x: id ",
    " customers ",
    " nodes { id } ",
    "first: 1000000000 ",
    "\"",
    "\"\"\"",
    "\\u0000",
    "#",
    "\n",
    ",",
    "null",
    "-1e9 ",
    "query Q($v0: Boolean!) ",
    "fragment F0 on Customer { id } ",
    "__typename ",
    "__schema { types { name } } ",
    "mutation ",
    "ü",
    "\u{feff}",
    "=",
    "!",
    "{}",
    "[]",
];

/// A place between two characters.
fn place(text: &str, numbers: &mut Numbers) -> usize {
    text.floor_char_boundary(numbers.below(text.len() + 1))
}

fn mutate(text: &mut String, other: &str, numbers: &mut Numbers) {
    let (one, two) = (place(text, numbers), place(text, numbers));
    let (from, to) = (one.min(two), one.max(two));
    match numbers.below(6) {
        0 => text.replace_range(from..to.min(text.ceil_char_boundary(from + 12)), ""),
        1 => text.insert_str(from, numbers.pick(WORDS)),
        2 => {
            let piece = text[from..to.min(text.ceil_char_boundary(from + 200))].to_owned();
            text.insert_str(to, &piece.repeat(1 + numbers.below(40)));
        }
        3 => {
            let (one, two) = (place(other, numbers), place(other, numbers));
            text.insert_str(from, &other[one.min(two)..one.max(two)]);
        }
        4 => text.replace_range(from..text.ceil_char_boundary(from + 1), numbers.pick(WORDS)),
        _ => text.insert_str(to, &numbers.pick(WORDS).repeat(1 + numbers.below(100))),
    }
    text.truncate(text.floor_char_boundary(BYTES));
}

/// Changes that leave most documents valid: what means nothing between tokens, and one more selection.
fn gentle(text: &mut String, numbers: &mut Numbers) {
    let is_place = |(at, letter): &(usize, char)| {
        *letter == ' ' && text[..*at].matches('"').count().is_multiple_of(2)
    };
    let places: Vec<usize> = text.char_indices().filter(is_place).map(|(at, _)| at).collect();
    if places.is_empty() {
        return;
    }
    let at = places[numbers.below(places.len())];
    let between = [",", "\n", "\t", " # a comment {\n", "\u{feff}", ",,,, ", "\r\n"];
    match numbers.below(3) {
        0 if text[..at].ends_with('{') && !text[..at].ends_with(": {") => {
            text.insert_str(
                at,
                numbers.pick(&[
                    " __typename",
                    " ... { __typename }",
                    " ... @skip(if: true) { __typename }",
                ]),
            );
        }
        _ => text.insert_str(at, numbers.pick(&between)),
    }
}

#[test]
fn mutated_documents_are_settled_in_time() {
    let mut seeds = vec![
        "query($v0: Boolean!, $first: Int = 3) { customers(first: $first) { nodes { id displayName @include(if: $v0) ...F0 } pageInfo { endCursor } } }
         fragment F0 on Customer { invoices(first: 2) { nodes { id total { amount currency } } } sourceStatus { state } }".to_owned(),
        "query A($id: ID!) { customer(id: $id) { id tickets { nodes { id } } } } query B { __schema { types { name fields { name } } } }".to_owned(),
        chain(6, 2, "Customer", "id"),
        conflicts(12, false),
        overlapping(6, 2),
        shared_variables(4, 20),
    ];
    let mut numbers = Numbers(2026);
    let mut worst = Worst::default();
    for case in 0..cases(if cfg!(debug_assertions) { 500 } else { 20_000 }) {
        let mut text = if numbers.below(2) == 0 {
            valid::document(&mut numbers)
        } else {
            seeds[numbers.below(seeds.len())].clone()
        };
        let other = seeds[numbers.below(seeds.len())].clone();
        for _ in 0..numbers.below(4) {
            gentle(&mut text, &mut numbers);
        }
        // every other one is left as it is, the others are cut up
        if numbers.below(2) == 0 {
            for _ in 0..=numbers.below(8) {
                mutate(&mut text, &other, &mut numbers);
            }
        }
        worst.settle(&format!("mutation {case}"), &text);
        // now and then one goes on from here
        if numbers.below(50) == 0 && seeds.len() < 200 {
            seeds.push(text);
        }
    }
    worst.tell();
    let (accepted, documents) = (worst.accepted, worst.documents);
    assert!(
        accepted * 4 > documents,
        "{accepted} of {documents} accepted: too few to say anything"
    );
}

#[test]
fn what_is_grown_from_the_schema_is_accepted() {
    let mut numbers = Numbers(7);
    let mut within = 0;
    for _ in 0..200 {
        let text = valid::document(&mut numbers);
        match operation::prepare(&GRAPH, &text, None) {
            Ok(_) => within += 1,
            // more than the limits allow, and nothing else
            Err(errors) => {
                assert!(errors[0].code.as_str().ends_with("_LIMIT"), "{text}: {errors:?}");
            }
        }
    }
    assert!(within > 100, "{within}");
}

fn value(numbers: &mut Numbers, depth: usize) -> Value {
    match numbers.below(if depth > 40 { 7 } else { 10 }) {
        0 => Value::Null,
        1 => json!(numbers.below(2) == 0),
        2 => json!(numbers.next()),
        3 => json!(-1.5e300),
        4 => json!("x".repeat(numbers.below(2_000))),
        5 => json!(numbers.pick(&["", "1", "RUB", "2026-11-21", "DRAFT", "\u{0}", "ü"])),
        6 => json!(i64::MIN),
        7 => Value::Array((0..numbers.below(6)).map(|_| value(numbers, depth + 1)).collect()),
        8 => (0..60).fold(Value::Null, |inner, _| json!([inner])),
        _ => {
            let keys = ["id", "first", "firstName", "email", "subject", "input", "customerId"];
            let mut members = Map::new();
            for _ in 0..numbers.below(5) {
                members.insert(numbers.pick(&keys).to_owned(), value(numbers, depth + 1));
            }
            Value::Object(members)
        }
    }
}

#[test]
fn mutated_variables_are_accepted_or_refused() {
    let mutations = GRAPH.ty(GRAPH.mutation.unwrap());
    let mut operations = vec![
        operation::prepare(&GRAPH, "query($id: ID!, $first: Int) { customer(id: $id) { invoices(first: $first) { nodes { id } } } }", None).unwrap(),
    ];
    for field in &GRAPH.schema.get_object(&mutations.name).unwrap().fields {
        let arguments = &field.1.arguments;
        let defined: String = arguments
            .iter()
            .map(|argument| format!("${}: {} ", argument.name, argument.ty))
            .collect();
        let given: String =
            arguments.iter().map(|argument| format!("{0}: ${0} ", argument.name)).collect();
        let text = format!("mutation({defined}) {{ {}({given}) {{ __typename }} }}", field.0);
        operations.push(
            operation::prepare(&GRAPH, &text, None)
                .unwrap_or_else(|errors| panic!("{text}: {errors:?}")),
        );
    }
    let mut numbers = Numbers(21);
    let mut accepted = 0;
    for _ in 0..cases(if cfg!(debug_assertions) { 500 } else { 50_000 }) {
        let operation = &operations[numbers.below(operations.len())];
        let mut raw = Map::new();
        for name in ["id", "first", "input"] {
            if numbers.below(5) > 0 {
                raw.insert(name.to_owned(), value(&mut numbers, 0));
            }
        }
        match operation::coerce_variables(&GRAPH, operation, &raw) {
            Ok(_) => accepted += 1,
            Err(errors) => assert!(!errors.is_empty() && errors.len() <= 100, "{}", errors.len()),
        }
    }
    assert!(accepted > 0, "none of them was good");
}
