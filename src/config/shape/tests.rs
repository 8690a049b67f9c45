use super::check::check;
use super::walk::shapes;
use super::{DEPLOYMENT, FILE_KINDS, Kind, Need, VENDOR};
use crate::config::units;
use crate::config::yaml;
use crate::diagnostic::{Code, Sources};
use crate::graph::Limits;

fn codes(kind: &super::FileKind, text: &str) -> Vec<Code> {
    let mut sources = Sources::default();
    let file = sources.add("a.yaml", text);
    let mut problems = Vec::new();
    let node = yaml::parse(file, text, &mut problems).unwrap();
    check(kind.root, &node, &mut problems);
    problems.into_iter().map(|problem| problem.code).collect()
}

#[test]
fn the_defaults_of_limits_are_those_of_the_graph() {
    let graph = format!("{:?}", Limits::default());
    let limits = shapes(&DEPLOYMENT).into_iter().find(|shape| shape.name == "limits").unwrap();
    assert_eq!(limits.keys.len(), graph.matches(": ").count());
    for key in limits.keys {
        let Need::Default(text) = key.need else { panic!("{} has no default", key.name) };
        let said = format!("{}: {}", key.name, units::size(text).unwrap());
        let is_last = graph.contains(&format!("{said} }}"));
        assert!(is_last || graph.contains(&format!("{said},")), "{said} is not in {graph}");
    }
}

#[test]
fn every_default_is_of_its_own_kind() {
    for shape in FILE_KINDS.iter().flat_map(|file| shapes(file)) {
        for key in shape.keys {
            let Need::Default(text) = key.need else { continue };
            let is_fine = match &key.kind {
                Kind::Bool => units::boolean(text).is_some(),
                Kind::Duration => units::duration(text).is_some(),
                Kind::Size => units::size(text).is_some(),
                Kind::Integer { min, max } => {
                    text.parse::<u64>().is_ok_and(|number| (*min..=*max).contains(&number))
                }
                Kind::Word(words) => words.contains(&text),
                _ => true,
            };
            assert!(is_fine, "{}.{}: {text}", shape.name, key.name);
        }
    }
}

#[test]
fn every_sentence_ends() {
    for shape in FILE_KINDS.iter().flat_map(|file| shapes(file)) {
        let docs = shape.keys.iter().map(|key| key.doc).chain([shape.doc]);
        for doc in docs {
            assert!(doc.ends_with(['.', '?', '"']), "{}: {doc}", shape.name);
        }
    }
}

#[test]
fn all_problems_of_a_file_are_found_at_once() {
    let text = "role: x\nprotocol: rst\ntimeout: 5\nanswer: { depth: 0, bytes: 1 }\ncalls: []\n";
    assert_eq!(
        codes(&VENDOR, text),
        [Code::UnknownWord, Code::WrongKind, Code::OutOfRange, Code::UnknownKey, Code::WrongKind,]
    );
}

#[test]
fn an_object_of_a_request_may_have_the_words_of_forms_as_members() {
    let text = "role: x\nprotocol: rest\ncalls:\n  a:\n    post: /a\n    body: { id: $key, join: 1, text: a, quote: b, enum: [c] }\n";
    assert_eq!(codes(&VENDOR, text), []);
}
