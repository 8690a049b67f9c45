//! Documents that say something once and have it stand in many places: what is long, or costly to look at, is so each time.

use crate::bombs::{flood, numbered};
use crate::{BYTES, Worst};

/// A payload on `Customer` that stands in `width` to the power of `levels` places.
fn everywhere(width: usize, levels: usize, payload: &str) -> String {
    let mut text = "{ customers { nodes { ...P0 } } }".to_owned();
    for level in 0..levels {
        let edges = numbered(width, |edge| format!("m{edge}: mergedInto {{ ...P{} }} ", level + 1));
        text.push_str(&format!(" fragment P{level} on Customer {{ {edges}}}"));
    }
    text + &format!(" fragment P{levels} on Customer {{ {payload} }}")
}

/// The same, with a piece of text in the payload that fills the document up.
fn filled(width: usize, levels: usize, before: &str, piece: &str, after: &str) -> String {
    let room =
        BYTES.saturating_sub(everywhere(width, levels, "").len() + before.len() + after.len() + 8);
    let long = piece.repeat(room / piece.len());
    everywhere(width, levels, &format!("{before}{long}{after}"))
}

/// What is long in a payload: its name, what stands before and behind it, and what it is full of.
const LONG: &[(&str, &str, &str, &str)] = &[
    ("an alias", "", "a", ": id"),
    ("an unknown field", "", "a", ""),
    ("a string", "tickets(after: \"", "a", "\") { totalCount }"),
    ("a string of escapes", "tickets(after: \"", "\\n", "\") { totalCount }"),
    ("a string of wide letters", "tickets(after: \"", "ü", "\") { totalCount }"),
    ("a block string", "tickets(after: \"\"\"", "a\n ", "\"\"\") { totalCount }"),
    ("a number", "tickets(first: 1", "0", ") { totalCount }"),
    ("a list", "tickets(after: [", "1 ", "]) { totalCount }"),
    ("an object", "tickets(after: {a: ", "\"x\" b: ", "1}) { totalCount }"),
    ("lists", "tickets(after: [", "[1 2 3] ", "]) { totalCount }"),
    ("an unknown argument", "tickets(a", "a", ": 1) { totalCount }"),
    ("unknown arguments", "tickets(", "a: 1 ", ") { totalCount }"),
    ("a variable", "tickets(after: $a", "a", ") { totalCount }"),
    ("a label", "... @defer(label: \"", "a", "\") { id }"),
    ("a label of a stream", "emails @stream(label: \"", "a", "\") { value }"),
    ("a type", "... on A", "a", " { id }"),
    ("a fragment", "...A", "a", ""),
    ("a comment", "id #", "a", "\n"),
    ("a condition", "id @include(if: $a", "a", ")"),
    ("a directive", "id @a", "a", ""),
];

fn long(add: &mut impl FnMut(&str, String)) {
    for (name, before, piece, after) in LONG {
        for (width, levels) in [(1, 1), (20, 1), (11, 2), (30, 2), (11, 3), (3, 6)] {
            add(
                &format!("{name} in {width}^{levels} places"),
                filled(width, levels, before, piece, after),
            );
        }
    }
    let short = |count| {
        [
            ("an argument", numbered(count, |index| format!("a{index}: 1 "))),
            ("a list", "1 ".repeat(count)),
            ("an object", numbered(count, |index| format!("k{index}: 1 "))),
        ]
    };
    for count in [100, 500, 900] {
        for (name, text) in short(count) {
            let payload = match name {
                "an argument" => format!("tickets({text}) {{ totalCount }}"),
                "a list" => format!("tickets(after: [{text}]) {{ totalCount }}"),
                _ => format!("tickets(after: {{{text}}}) {{ totalCount }}"),
            };
            for (width, levels) in [(20, 1), (30, 2), (11, 3)] {
                add(
                    &format!("{name} of {count} in {width}^{levels} places"),
                    everywhere(width, levels, &payload),
                );
            }
        }
    }
}

/// What is valid and makes work in each place: steps, parts, conditions, branches.
fn work(add: &mut impl FnMut(&str, String)) {
    let payloads = [
        ("lists", "tickets { nodes { id } } invoices { nodes { id } } orders { nodes { id } }"),
        ("pages", "tickets(first: 1000000000) { nodes { comments { body } } }"),
        ("branches", "interactions { nodes { id __typename } } billingDocuments { id }"),
        ("metrics", "summary { __typename }"),
        (
            "accounts",
            "sourceStatus { state } refs { system } provenance { field } identityMatches { system }",
        ),
        (
            "parts",
            "... @defer { tickets { nodes { id } } } ... @defer { invoices { nodes { id } } }",
        ),
        (
            "parts of parts",
            "... @defer { id ... @defer { tickets { nodes { id } ... @defer { totalCount } } } }",
        ),
        ("streams", "emails @stream { value } tickets { nodes @stream(initialCount: 1) { id } }"),
        (
            "conditions",
            "id @include(if: $a) id @skip(if: $b) tickets @include(if: $a) @skip(if: $b) { totalCount }",
        ),
    ];
    for (name, payload) in payloads {
        for (width, levels) in
            [(1, 1), (11, 2), (20, 2), (40, 2), (7, 3), (9, 3), (11, 3), (2, 8), (2, 9), (3, 6)]
        {
            let text = everywhere(width, levels, payload);
            let text = if payload.contains("$a") {
                format!("query($a: Boolean!, $b: Boolean!) {text}")
            } else {
                text
            };
            add(&format!("{name} in {width}^{levels} places"), text);
        }
    }
    // each level doubles the usages, and the places where each of them stands
    for levels in [4, 6, 8, 9, 10] {
        let mut text = "{ customers { nodes { ...P0 } } }".to_owned();
        for level in 0..levels {
            let next = level + 1;
            text.push_str(&format!(
                " fragment P{level} on Customer {{ ... @defer {{ mergedInto {{ ...P{next} }} }} ... @defer {{ mergedInto {{ id ...P{next} }} }} }}"
            ));
        }
        let text = text
            + &format!(
                " fragment P{levels} on Customer {{ id displayName tickets {{ nodes {{ id }} }} emails @stream {{ value }} }}"
            );
        add(&format!("{levels} doubled usages"), text);
    }
}

/// Fields that do not merge, each of them told of with the value that it does not share.
fn conflicts(add: &mut impl FnMut(&str, String)) {
    for (fragments, each) in [(1, 49), (6, 40), (12, 30), (40, 8)] {
        let spreads = numbered(fragments, |index| format!("...C{index} "));
        let bodies = numbered(fragments, |index| {
            let fields = numbered(each, |field| {
                format!("tickets(after: {}) {{ totalCount }} ", index * each + field)
            });
            format!("fragment C{index} on Customer {{ {fields} }} ")
        });
        let head = "{ customers { nodes { tickets(after: \"";
        let tail = format!("\") {{ totalCount }} {spreads} }} }} }} {bodies}");
        if head.len() + tail.len() < BYTES {
            add(
                &format!("{} fields in conflict with a long one", fragments * each),
                flood(head, "a", &tail),
            );
        }
        let alias = "a".repeat((BYTES / (fragments * each + 1)).saturating_sub(20));
        let fields = numbered(fragments * each, |index| {
            format!("{alias}: {} ", if index % 2 == 0 { "id" } else { "displayName" })
        });
        add(
            &format!("{} fields of one long alias in conflict", fragments * each),
            format!("{{ customers {{ nodes {{ {fields} }} }} }}"),
        );
    }
    for count in [20, 60, 200] {
        let long = "displayNamedisplayNamedisplayNamedisplayNamedisplayNamedispla";
        add(
            &format!("{count} unknown names of 64 letters"),
            format!(
                "{{ customers {{ nodes {{ {} }} }} }}",
                numbered(count, |index| format!("{long}{index:03} "))
            ),
        );
        let near = numbered(count, |index| {
            format!(
                "{}{index} ",
                ["displayNam", "primaryEmai", "identityMatche", "lastActivityA"][index % 4]
            )
        });
        add(
            &format!("{count} names that are nearly right"),
            format!("{{ customers {{ nodes {{ {near} }} }} }}"),
        );
    }
}

/// Operations that share what is costly to look at.
fn operations(add: &mut impl FnMut(&str, String)) {
    let payloads = [
        ("unknown arguments", numbered(900, |index| format!("a{index}: 1 "))),
        ("a list", format!("id: [{}]", "1 ".repeat(990))),
        ("lists", format!("id: [{}]", format!("[{}] ", "1 ".repeat(50)).repeat(60))),
        ("an object", format!("id: {{{}}}", numbered(900, |index| format!("k{index}: 1 ")))),
        ("a string", format!("id: \"{}\"", "a".repeat(60_000))),
    ];
    for (name, arguments) in payloads {
        let operations = numbered(10, |index| format!("query Q{index} {{ ...F }} "));
        add(
            &format!("ten operations with {name}"),
            format!("{operations} fragment F on Query {{ customer({arguments}) {{ id }} }}"),
        );
    }
    let unknown = numbered(400, |index| format!("f{index} "));
    let operations =
        numbered(10, |index| format!("query Q{index} {{ customers {{ nodes {{ ...F }} }} }} "));
    add(
        "ten operations of unknown fields",
        format!("{operations} fragment F on Customer {{ {unknown} }}"),
    );
    for count in [100, 300, 600] {
        let names = numbered(count, |index| format!("$variableOfSomeLength{index}: String "));
        let uses = numbered(90, |index| {
            format!(
                "a{index}: tickets(after: $variableOfSomeLength{}) {{ totalCount }} ",
                count - 1 - index % count
            )
        });
        add(
            &format!("uses of the last of {count} variables"),
            format!("query({names}) {{ customers {{ nodes {{ {uses} }} }} }}"),
        );
        let uses = numbered(count, |index| format!("$variableOfSomeLength{index} "));
        add(
            &format!("{count} variables in a list"),
            format!("query({names}) {{ customersByIds(ids: [{uses}]) {{ id }} }}"),
        );
        let values =
            numbered(count, |index| format!("$v{index}: [[[[String!]!]!]!]! = [[[[\"a\"]]]] "));
        add(&format!("{count} defaults"), format!("query({values}) {{ __typename }}"));
    }
}

/// Interfaces and unions: what is selected on them is selected on each of their types.
fn fans(add: &mut impl FnMut(&str, String)) {
    let fields = numbered(90, |index| format!("a{index}: id "));
    let wide = format!("node(id: \"x\") {{ {fields} }}");
    add("an interface of many aliases", format!("{{ {wide} }}"));
    add(
        "interfaces of many aliases",
        format!(
            "{{ {} }} fragment F on Node {{ {fields} }}",
            "nodes(ids: []) { ...F } ".repeat(40)
        ),
    );
    let nested = |depth: usize| {
        format!(
            "{{ node(id: \"x\") {{ {} id {} }} }}",
            "... on Node { ".repeat(depth),
            "} ".repeat(depth)
        )
    };
    for depth in [5, 20, 50] {
        add(&format!("an interface in itself, {depth} deep"), nested(depth));
    }
    for times in [10, 40] {
        let fragments = numbered(times, |index| format!("...I{index} "));
        let bodies = numbered(times, |index| {
            format!(
                "fragment I{index} on Interaction {{ id __typename a{index}: id ... on Interaction {{ b{index}: id }} }} "
            )
        });
        add(
            &format!("an interface of {times} fragments"),
            format!(
                "{{ customers {{ nodes {{ interactions {{ nodes {{ {fragments} }} edges {{ node {{ {fragments} }} }} }} }} }} }} {bodies}"
            ),
        );
        let types = ["Email", "Call", "Meeting", "Note", "Task"];
        let on = numbered(times, |index| {
            format!("... on {}Interaction {{ id a{index}: id }} ", types[index % 5])
        });
        add(
            &format!("an interface of {times} inline fragments"),
            format!("{{ customers {{ nodes {{ interactions {{ nodes {{ {on} }} }} }} }} }}"),
        );
        let foreign = numbered(times * 8, |index| {
            format!(
                "... on {} {{ __typename }} ",
                ["Node", "Interaction", "BillingDocument", "CommentAuthor"][index % 4]
            )
        });
        add(
            &format!("{} conditions that never hold", times * 8),
            format!("{{ customers {{ nodes {{ {foreign} }} }} }}"),
        );
    }
    add(
        "an interface with a long alias",
        format!("{{ node(id: \"x\") {{ {}: id }} }}", "a".repeat(65_000)),
    );
    add(
        "nodes with a long alias",
        format!(
            "{{ nodes(ids: [\"x\"]) {{ {}: id ... on Customer {{ id }} }} }}",
            "a".repeat(65_000)
        ),
    );
}

#[test]
fn what_stands_in_many_places_is_settled_in_time() {
    let mut worst = Worst::default();
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, text: String| all.push((name.to_owned(), text));
    long(&mut add);
    work(&mut add);
    conflicts(&mut add);
    operations(&mut add);
    fans(&mut add);
    for (name, text) in all {
        worst.settle(&name, &text);
    }
    worst.tell();
}
