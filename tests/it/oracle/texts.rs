//! Texts, taken or refused: what is written oddly, and operations cut up and put together again by a seed.
//!
//! The reference reads them by a parser of its own, so this holds the grammar: commas, strings, numbers, descriptions.

use cyclorama::operation;
use serde_json::json;
use std::fmt::Write as _;

use super::dice::Dice;
use super::generate::Generator;
use super::regressions;
use super::sides::Reference;
use super::subject::Subject;

/// Texts that are told to the reference at once.
const BATCH: usize = 200;

/// What is put into a text.
const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "...",
    "... ",
    "... on Query ",
    " on ",
    "@include(if: true) ",
    "@skip(if: false)",
    "@",
    "$",
    "$v ",
    ":",
    " : ",
    " x ",
    "x: ",
    "=",
    "!",
    "|",
    "&",
    "\"",
    "\"\"\"",
    "\\\"\"\"",
    "\\",
    "\\u0041",
    "\\u{1F600}",
    "\\uD83D\\uDE00",
    "\\uD83D",
    "\\n",
    "\\q",
    "#",
    "# c\n",
    "\n",
    "\r",
    "\r\n",
    "\t",
    ",",
    ",,",
    " , ",
    "-",
    "0",
    "00",
    "1.",
    "1.5",
    "1e5",
    "1e",
    ".5",
    "-0",
    "1a",
    "0x1",
    "true ",
    "false ",
    "null ",
    "query ",
    "mutation ",
    "fragment ",
    "on ",
    "__typename ",
    "{ __typename }",
    "{}",
    "()",
    "[]",
    "{a: 1}",
    "\"words\" ",
    "\"\"\"words\"\"\" ",
    "\"\"",
    "\"\"\"\"\"\"",
    "\"a\nb\"",
    "\"\n\"",
    "\"\r\"",
    "\u{feff}",
    "\u{a0}",
    "\u{2028}",
    "ü",
    "\0",
    "\u{7}",
    "😀",
    "type A { a: Int } ",
    "extend ",
    "schema ",
    "directive @x on FIELD ",
    "..",
    "....",
    "?",
    "%",
    "'",
    ";",
    "*",
    "/",
];

/// What people would not think of.
const ODD: &[&str] = &[
    "",
    " ",
    ",",
    "#",
    "{ __typename",
    "{ __typename } }",
    ", { __typename } ,",
    "{ a,: __typename }",
    "{ a #c\n: __typename }",
    "{ ...,F } fragment,F,on,Query,{ __typename }",
    "{ ..., on Query { __typename } }",
    "{ ...,{ __typename } }",
    "{ ...,@skip(if: true),{ __typename } }",
    "\u{feff}{ \u{feff}__typename } \u{feff}",
    "\"a\" query { __typename }",
    "\"a\" { __typename }",
    "\"a\" \"b\" query { __typename }",
    "\"a\"",
    "{ __typename } \"a\"",
    "query \"a\" query { __typename }",
    "\"a\" fragment F on Query { __typename } \"\"\"b\"\"\" query { ...F }",
    "\"\\q\" query { __typename }",
    "\"a\nb\" query { __typename }",
    "query (\"a\" $a: Boolean! = true) { __typename @skip(if: $a) }",
    "query ($a: Boolean! = true \"b\" $b: Boolean! = false) { __typename @skip(if: $a) @include(if: $b) }",
    "query (\"a\" \"b\" $a: Boolean! = true) { __typename @skip(if: $a) }",
    "query (\"a\") { __typename }",
    "query ($a: Boolean! = true \"b\") { __typename @skip(if: $a) }",
    "{ \"a\" __typename }",
    "{ __typename @skip(if) }",
    "{ __typename @skip(if: true) @include(if: true x) }",
    "{ __typename @skip(if: \"\n\") }",
    "{ __typename @skip(if: \"\r\") }",
    "{ __type(name: \"\") { name } }",
    "{ __type(name: \"\n\") { name } }",
    "{ __type(name: \"\r\") { name } }",
    "{ __type(name: \"\n\"",
    "{ __type(name: \"\"\"\\\"\"\"\"\"\") { name } }",
    "{ __type(name: \"\"\"\\\\\"\"\"\"\"\") { name } }",
    "{ __type(name: \"\"\"\\\\\"\"\") { name } }",
    "{ __type(name: \"\"\"\\\"\"\") { name } }",
    "{ __type(name: \"\"\"\"\"\"\") { name } }",
    "{ __type(name: \"a\"\"b\") { name } }",
    "{ __type(name: \"a\" name) { name } }",
    "{ __type(name) { name } }",
    "{ __type(name: {name}) { name } }",
    "{ __type(name: \"a\"){name} }",
    "{ __type(name: \"\\u{110000}\") { name } }",
    "{ __type(name: \"\\u{D83D}\") { name } }",
    "{ __type(name: \"\\uDE00\") { name } }",
    "{ __type(name: \"\0\") { name } }",
    "{ __type(name: \"\u{7}\u{7f}\u{2028}\") { name } }",
    "{ true: __typename on: __typename }",
    "query query { __typename }",
    "fragment on on Query { __typename } { ...on }",
    "query ($true: Boolean! = true) { __typename @skip(if: $true) }",
    "query ($a: Boolean!! = true) { __typename @skip(if: $a) }",
    "query ($ a: Boolean! = true) { __typename @ skip(if: $ a) }",
    "query ($a: Boolean! = $a) { __typename @skip(if: $a) }",
    "query () { __typename }",
    "{ __typename() }",
    "{ __typename {} }",
    "{}",
    "query ($a: [Int] = [1,,2,]) { __typename }",
    "query Q($a: Int) @skip(if: $a) { __typename }",
    "{ __typename } # \0",
    "{ __typename } #",
];

/// What means nothing between two tokens, or little.
const BETWEEN: &[&str] =
    &[",", "\n", " # {c\n", "\u{feff}", "\r", " , ,", "\t", "\r\n", "#\r", ",#,\n,", " \"words\" "];

/// Something put where a space stands: most documents stay what they are.
fn spaced(mut text: String, dice: &mut Dice) -> String {
    for _ in 0..=dice.below(3) {
        let places: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
        if let Some(at) = places.get(dice.below(places.len())) {
            text.replace_range(*at..=*at, dice.pick::<&str>(BETWEEN));
        }
    }
    text
}

fn mutated(mut text: String, other: &str, dice: &mut Dice) -> String {
    for _ in 0..=dice.below(2) {
        let at = text.floor_char_boundary(dice.below(text.len() + 1));
        let end = text.ceil_char_boundary(at + dice.below(8));
        match dice.below(5) {
            0 => text.replace_range(at..end.min(text.len()), ""),
            1 => text.replace_range(at..end.min(text.len()), dice.pick::<&str>(PIECES)),
            2 => {
                let from = other.floor_char_boundary(dice.below(other.len() + 1));
                let to = other.ceil_char_boundary(from + dice.below(30)).min(other.len());
                text.insert_str(at, &other[from..to]);
            }
            _ => text.insert_str(at, dice.pick::<&str>(PIECES)),
        }
    }
    text
}

/// Does this engine take a text? `None`: it is beyond a limit.
fn is_taken(subject: &Subject, text: &str) -> Option<bool> {
    match operation::check(&subject.graph, text) {
        Ok(()) => Some(true),
        Err(errors) => {
            (!errors.iter().any(|error| error.code.as_str().ends_with("_LIMIT"))).then_some(false)
        }
    }
}

/// What is known to differ: there are no subscriptions here, and the reference bounds the digits of `\u{…}`, which the
/// specification does not.
fn is_known(text: &str) -> bool {
    text.contains("subscription") || text.contains("\\u{0")
}

/// Those of the texts on which the two differ.
fn differing(subject: &Subject, reference: &mut Reference, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for batch in texts.chunks(BATCH) {
        let lines: Vec<_> = batch
            .iter()
            .map(|text| json!({ "schema": subject.name, "query": text, "runs": [] }))
            .collect();
        let (theirs, ours) = reference.tell_all(&lines, || {
            batch.iter().map(|text| is_taken(subject, text)).collect::<Vec<_>>()
        });
        for ((text, ours), theirs) in batch.iter().zip(ours).zip(theirs) {
            let differs = ours.is_some_and(|ours| ours != theirs.get("refused").is_none());
            if differs && !is_known(text) {
                found.push(text.clone());
            }
        }
    }
    found
}

/// Leaves out of a text whatever it differs without.
fn shrunk(subject: &Subject, reference: &mut Reference, mut text: String) -> String {
    let mut size = text.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < text.len() {
            let (from, to) = (text.floor_char_boundary(at), text.ceil_char_boundary(at + size));
            let less = format!("{}{}", &text[..from], &text[to.min(text.len())..]);
            if differing(subject, reference, std::slice::from_ref(&less)).is_empty() {
                at += size;
            } else {
                text = less;
            }
        }
        size /= 2;
    }
    text
}

/// Holds the odd texts, those that are kept, and so many cut up ones.
pub(super) fn agree(subject: &Subject, reference: &mut Reference, seed: u64, cases: usize) {
    reference.tell(&json!({ "schema": subject.name, "sdl": *subject.graph.sdl }));
    let kept = std::fs::read_dir(regressions()).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.filter(|path| path.extension().is_some_and(|ending| ending == "graphql"));
    let mut texts: Vec<String> = ODD.iter().map(|text| (*text).to_owned()).collect();
    texts.extend(kept.map(|path| std::fs::read_to_string(path).unwrap()));
    let mut dice = Dice::new(seed);
    let whole = |dice: &mut Dice| {
        let seed = dice.next();
        Generator::new(subject, seed).operation().document.text()
    };
    let mut other = whole(&mut dice);
    for _ in 0..cases {
        let text = whole(&mut dice);
        texts.push(if dice.chance(40) {
            spaced(text.clone(), &mut dice)
        } else {
            mutated(text.clone(), &other, &mut dice)
        });
        other = text;
    }
    let taken = texts.iter().filter(|text| is_taken(subject, text) == Some(true)).count();
    assert!(taken > cases / 8, "{taken} of {cases} are taken");
    let mut told = String::new();
    for (number, text) in differing(subject, reference, &texts).into_iter().take(3).enumerate() {
        let text = shrunk(subject, reference, text);
        std::fs::write(regressions().join(format!("text-{seed}-{number}.graphql")), &text).unwrap();
        let outcome = operation::check(&subject.graph, &text);
        writeln!(told, "{text:?}: {outcome:?}").unwrap();
    }
    assert!(told.is_empty(), "{told}");
}
