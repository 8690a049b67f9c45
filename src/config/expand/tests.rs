use std::collections::BTreeMap;

use super::expand;
use crate::config::files::Environment;
use crate::config::yaml::{self, Node};
use crate::diagnostic::{Diagnostic, Sources};

fn expanded(text: &str, keys: Option<&[&str]>) -> (Node, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let file = sources.add("a.yaml", text);
    let mut problems = Vec::new();
    let mut node = yaml::parse(file, text, &mut problems).unwrap();
    let environment = Environment::Fixed {
        variables: BTreeMap::from([
            ("TOKEN".to_owned(), "s3cret".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]),
        files: BTreeMap::from([("key.txt".to_owned(), "from file\n".to_owned())]),
    };
    expand(&mut node, keys, &[], &environment, &sources, &mut problems);
    (node, problems)
}

#[test]
fn variables_defaults_and_files_are_put_in() {
    let text =
        "a: x-${env.TOKEN}-y\nb: ${env.NONE:-http://d:1}\nc: ${file.key.txt}\nd: ${env.EMPTY:-e}\n";
    let (node, problems) = expanded(text, None);
    assert_eq!(problems, []);
    assert_eq!(node.get_text("a"), Some("x-s3cret-y"));
    assert_eq!(node.get_text("b"), Some("http://d:1"));
    assert_eq!(node.get_text("c"), Some("from file"));
    assert_eq!(node.get_text("d"), Some("e"));
}

#[test]
fn what_was_put_in_is_not_shown() {
    let (node, _) = expanded("a: ${env.TOKEN}\n", None);
    assert_eq!(node.get("a").unwrap().shown(), "${…}");
}

#[test]
fn an_empty_default_is_a_value() {
    let (node, problems) = expanded("a: ${env.NONE:-}\n", None);
    assert_eq!(problems, []);
    assert_eq!(node.get_text("a"), Some(""));
}

#[test]
fn nothing_that_was_put_in_is_expanded_again() {
    let (node, problems) = expanded("a: ${env.NONE:-$}{env.TOKEN}\n", None);
    assert_eq!(problems, []);
    assert_eq!(node.get_text("a"), Some("${env.TOKEN}"));
}

#[test]
fn outside_of_plain_settings_it_is_refused() {
    let (_, problems) = expanded("url: ${env.TOKEN}\nget: /${env.TOKEN}\n", Some(&["url"]));
    assert_eq!(problems.len(), 1);
    assert!(!format!("{problems:?}").contains("s3cret"));
}
