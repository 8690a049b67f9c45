//! Documents that are made to hurt, each as large as it may be, and some of every size by a seeded generator.

use crate::{BYTES, Worst};

/// Text repeated to nearly the largest document.
pub(crate) fn flood(before: &str, piece: &str, after: &str) -> String {
    let times = (BYTES - before.len() - after.len()) / piece.len();
    format!("{before}{}{after}", piece.repeat(times))
}

pub(crate) fn numbered(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

/// A chain of fragments, each spreading the next `times` times.
pub(crate) fn chain(length: usize, times: usize, ty: &str, field: &str) -> String {
    let mut text = "{ customers { nodes { ...F0 } } }".to_owned();
    for index in 0..length {
        let next = format!(" ...F{}", index + 1).repeat(times);
        text.push_str(&format!("fragment F{index} on {ty} {{ {next} }} "));
    }
    text + &format!("fragment F{length} on {ty} {{ {field} }}")
}

/// Operations that share a fragment of variables that nobody defines.
pub(crate) fn shared_variables(operations: usize, uses: usize) -> String {
    let operations = numbered(operations, |index| format!("query Q{index} {{ ...F }} "));
    let fields = numbered(uses, |index| format!("f{index}: customer(id: $v{index}) {{ id }} "));
    format!("{operations} fragment F on Query {{ {fields} }}")
}

/// One response key for many fields and arguments: every pair is to be compared.
pub(crate) fn conflicts(count: usize, is_equal: bool) -> String {
    let fields = numbered(count, |index| {
        let id = if is_equal { 0 } else { index };
        format!("... {{ x: customer(id: \"{id}\") {{ id displayName }} }} ")
    });
    format!("{{ {fields} }}")
}

/// Fragments that are spread side by side, each with the same nested keys.
pub(crate) fn overlapping(fragments: usize, depth: usize) -> String {
    let spreads = numbered(fragments, |index| format!("...F{index} "));
    let bodies = numbered(fragments, |index| {
        format!(
            "fragment F{index} on Customer {{ {} id {} }} ",
            "tickets { nodes { requester { ".repeat(depth),
            "} } } ".repeat(depth)
        )
    });
    format!("{{ customers {{ nodes {{ {spreads} }} }} }} {bodies}")
}

/// What a document may be full of.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "@a",
    "...",
    "$a ",
    "a ",
    "1 ",
    ",",
    "#\n",
    "\"",
    "\"\" ",
    "\"\"\"\"\"\"",
    "ü",
    "\\",
    "\\u{1F600}",
    "\u{feff}",
    "\0",
    "!",
    "&|",
    "{a",
    "a:",
    "a{",
    "{...",
    "@a(",
    "query ",
    "fragment ",
    "{ a } ",
    "-",
    "0",
    ".",
    "..",
    "\"\\u",
    "\r",
    "type A{a:A}",
    "subscription S{a}",
    "...on Query{",
    "[[",
    "{a:[",
];

fn floods(add: &mut impl FnMut(&str, String)) {
    for piece in PIECES {
        add(&format!("a flood of {piece:?}"), flood("", piece, ""));
        add(&format!("a flood of {piece:?} in a selection"), flood("{ ", piece, " }"));
        add(
            &format!("a flood of {piece:?} in a value"),
            flood("{ customer(id: ", piece, ") { id } }"),
        );
        add(
            &format!("a flood of {piece:?} in a string"),
            flood("{ customer(id: \"", piece, "\") { id } }"),
        );
        add(
            &format!("a flood of {piece:?} in a block string"),
            flood("{ customer(id: \"\"\"", piece, "\"\"\") { id } }"),
        );
        add(&format!("a flood of {piece:?} in a comment"), flood("# ", piece, "\n{ __typename }"));
    }
}

fn repeated(add: &mut impl FnMut(&str, String)) {
    for count in [5, 10, 20, 40, 49, 50, 99, 200, 900] {
        add(&format!("{count} conflicting fields"), conflicts(count, false));
        add(&format!("{count} equal fields"), conflicts(count, true));
        add(&format!("{count} overlapping fragments"), overlapping(count, 1));
        add(&format!("{count} overlapping fragments, three deep"), overlapping(count, 3));
        for operations in [1, 5, 10] {
            add(
                &format!("{operations} operations, {count} variables"),
                shared_variables(operations, count),
            );
        }
        add(
            &format!("{count} directives"),
            format!("{{ __typename {} }}", "@skip(if: true) ".repeat(count)),
        );
        add(
            &format!("{count} unknown fields"),
            format!(
                "{{ customers {{ nodes {{ {} }} }} }}",
                numbered(count, |index| format!("dispayNam{index} "))
            ),
        );
        repeated_definitions(add, count);
    }
}

fn repeated_definitions(add: &mut impl FnMut(&str, String), count: usize) {
    let names = numbered(count, |index| format!("$v{index}: Boolean! "));
    let uses = numbered(count, |index| format!("id @include(if: $v{index}) "));
    add(
        &format!("{count} conditions"),
        format!("query({names}) {{ customers {{ nodes {{ {uses} }} }} }}"),
    );
    add(&format!("{count} unused variables"), format!("query({names}) {{ __typename }}"));
    add(
        &format!("{count} unused fragments"),
        "{ __typename } ".to_owned()
            + &numbered(count, |index| format!("fragment F{index} on Query {{ __typename }} ")),
    );
    add(
        &format!("{count} fragments of one name"),
        "{ ...F } ".to_owned() + &"fragment F on Query { __typename } ".repeat(count),
    );
    add(&format!("{count} operations of one name"), "query Q { __typename } ".repeat(count));
    add(
        &format!("an argument {count} times"),
        format!("{{ customer({}) {{ id }} }}", "id: 1 ".repeat(count)),
    );
}

fn shapes(add: &mut impl FnMut(&str, String)) {
    for (length, times) in
        [(12, 2), (24, 2), (100, 2), (9, 3), (40, 40), (3, 49), (2, 70), (900, 1), (60, 1)]
    {
        for ty in ["Customer", "Unknown"] {
            add(
                &format!("{length} fragments, each {times} times, on {ty}"),
                chain(length, times, ty, "id"),
            );
        }
    }
    add(
        "deep fields",
        format!(
            "{{ customers {{ nodes {{ {} id {} }} }} }}",
            "tickets { nodes { requester { ".repeat(7),
            "} } } ".repeat(7)
        ),
    );
    add(
        "circular introspection",
        format!(
            "{{ __schema {{ types {{ {} name {} }} }} }}",
            "fields { type { ".repeat(9),
            "} } ".repeat(9)
        ),
    );
    add("a list of numbers", flood("{ customer(id: [", "1,", "]) { id } }"));
    add("a list of a thousand", format!("{{ customer(id: [{}]) {{ id }} }}", "{a:1}".repeat(900)));
    add("one long name", flood("{ ", "abcdefgh", " }"));
    add("one long number", flood("{ customer(id: 1", "0", ") { id } }"));
}

fn all() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, text: String| all.push((name.to_owned(), text));
    floods(&mut add);
    repeated(&mut add);
    shapes(&mut add);
    all
}

#[test]
fn every_bomb_is_settled_in_time() {
    let mut worst = Worst::default();
    for (name, text) in all() {
        worst.settle(&name, &text);
    }
    worst.tell();
}
