use super::check::check;
use super::walk::shapes;
use super::{DEPLOYMENT, FILE_KINDS, Kind, Need, Shape, VENDOR};
use crate::compile::{Files, compile};
use crate::config::settings::{Admin, Http, RateLimit, Reload};
use crate::config::units;
use crate::config::yaml;
use crate::diagnostic::{Code, Sources};
use crate::graph::CostSettings;
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

/// A section with every default written out.
fn written_out(shape: &Shape, indent: usize) -> String {
    let pad = "  ".repeat(indent);
    shape.keys.iter().fold(String::new(), |text, key| match (&key.need, &key.kind) {
        (Need::Default(value), _) => text + &format!("{pad}{}: {value}\n", key.name),
        // there is none unless its section is there
        (_, Kind::Struct(shape)) if shape.name == "rate_limit" => text,
        (_, Kind::Struct(shape)) => {
            text + &format!("{pad}{}:\n{}", key.name, written_out(shape, indent + 1))
        }
        _ => text,
    })
}

#[test]
fn the_defaults_of_http_are_those_of_its_settings() {
    let http = shapes(&DEPLOYMENT).into_iter().find(|shape| shape.name == "http").unwrap();
    let text = format!("http:\n{}", written_out(http, 1));
    let compiled = compile(&Files::in_memory("cyclorama.yaml", [("cyclorama.yaml", &*text)]));
    assert_eq!(format!("{:?}", compiled.settings.http), format!("{:?}", Http::default()), "{text}");
}

#[test]
fn the_defaults_of_sections_that_switch_something_on_are_those_of_their_settings() {
    let of = |name: &str, more: &str| {
        let shape = shapes(&DEPLOYMENT).into_iter().find(|shape| shape.name == name).unwrap();
        format!("{more}{}", written_out(shape, 2))
    };
    let text = format!(
        "http:\n  rate_limit:\n{}admin:\n{}reload:\n{}",
        of("rate_limit", "    budget: 10000\n"),
        of("admin", ""),
        of("reload", "")
    );
    let compiled = compile(&Files::in_memory("cyclorama.yaml", [("cyclorama.yaml", &*text)]));
    let settings = compiled.settings;
    let said = format!("{:?} {:?} {:?}", settings.http.rate_limit, settings.admin, settings.reload);
    let (rate, admin) = (Some(RateLimit::default()), Some(Admin::default()));
    assert_eq!(said, format!("{rate:?} {admin:?} {:?}", Reload::default()), "{text}");
}

#[test]
fn the_defaults_of_cost_are_those_of_its_settings() {
    let settings = format!("{:?}", CostSettings::default()).to_lowercase();
    let cost = shapes(&DEPLOYMENT).into_iter().find(|shape| shape.name == "cost").unwrap();
    assert_eq!(cost.keys.len(), settings.matches(": ").count());
    for key in cost.keys {
        let Need::Default(text) = key.need else { panic!("{} has no default", key.name) };
        assert!(settings.contains(&format!("{}: {text}", key.name)), "{}: {settings}", key.name);
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
