use super::{Node, Style, parse};
use crate::diagnostic::{Code, Diagnostic, Sources};

fn read(text: &str) -> (Option<Node>, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("a.yaml", text);
    let mut problems = Vec::new();
    let node = parse(file, text, &mut problems);
    (node, problems, sources)
}

fn codes(text: &str) -> Vec<Code> {
    read(text).1.into_iter().map(|problem| problem.code).collect()
}

#[test]
fn maps_keep_their_order_and_the_places_of_their_keys() {
    let (node, problems, sources) = read("b: 1\nä: [x, 'y']\nc:\n  d: |\n    text\n");
    assert!(problems.is_empty());
    let node = node.unwrap();
    let keys: Vec<&str> = node.entries().iter().map(|entry| &*entry.key).collect();
    assert_eq!(keys, ["b", "ä", "c"]);
    let list = node.get("ä").unwrap();
    assert_eq!(sources.text(list.span.file).get(list.span.range()), Some("[x, 'y']"));
    assert_eq!(node.get("c").unwrap().get_text("d"), Some("text\n"));
    assert!(matches!(
        &node.get("b").unwrap().value,
        super::Value::Scalar(scalar) if scalar.style == Style::Plain
    ));
    let key = node.entry("c").unwrap().key_span;
    assert_eq!(sources.place(key.file, key.start as usize).line, 3);
}

#[test]
fn what_files_must_not_use_is_refused_with_its_place() {
    assert_eq!(codes("a: &x 1\nb: 2\n"), [Code::YamlUnsupported]);
    assert_eq!(codes("a: &x 1\nb: *x\n"), [Code::YamlUnsupported, Code::YamlUnsupported]);
    assert_eq!(codes("a: !!str 1\n"), [Code::YamlUnsupported]);
    assert_eq!(codes("<<: {a: 1}\n"), [Code::YamlUnsupported]);
    assert_eq!(codes("a: 1\n---\nb: 2\n"), [Code::YamlUnsupported]);
    assert_eq!(codes("a: 1\na: 2\n"), [Code::DuplicateKey]);
    assert_eq!(codes("a: [1\n"), [Code::YamlSyntax]);
    assert_eq!(codes(&"[".repeat(2_000)), [Code::YamlSyntax]);
}

#[test]
fn an_empty_file_is_an_empty_map() {
    let (node, problems, _) = read("# nothing\n");
    assert!(problems.is_empty());
    assert_eq!(node.unwrap().map().map(<[_]>::len), Some(0));
}

#[test]
fn an_offset_into_a_scalar_has_its_own_place() {
    let (node, _, sources) = read("a: '.b[x]'\n");
    let scalar = node.unwrap();
    let place = scalar.get("a").unwrap().place_of(&sources, 3);
    assert_eq!(place.start, 7);
}
