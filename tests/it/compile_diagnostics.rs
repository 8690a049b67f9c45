//! Each folder of `tests/diagnostics` is a deployment with something wrong, and the report that it gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cyclorama::compile::{Compiled, Files, compile};
use cyclorama::diagnostic::{Code, render};

use crate::compile::expect_file;

const ROOT: &str = "tests/diagnostics";

/// One case: the files of `base` with those of the folder over them; a file that holds `(none)` alone is taken away.
fn case(folder: &Path) -> Files {
    let mut texts = BTreeMap::new();
    read(&Path::new(ROOT).join("base"), Path::new(""), &mut texts);
    read(folder, Path::new(""), &mut texts);
    texts.remove("report.txt");
    texts.retain(|_, text| text.trim() != "(none)");
    let texts: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let variables = BTreeMap::from([("SECRET".to_owned(), "never-shown".to_owned())]);
    Files::in_memory("cyclorama.yaml", texts).with_environment(variables, BTreeMap::new())
}

fn read(folder: &Path, below: &Path, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = below.join(path.file_name().unwrap());
        if path.is_dir() {
            read(&path, &name, texts);
        } else {
            texts.insert(name.to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap());
        }
    }
}

fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(ROOT).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| !path.ends_with("base")).collect();
    folders.sort();
    folders
}

fn report(folder: &Path) -> (Compiled, String) {
    let files = case(folder);
    let compiled = compile(&files);
    let text = render::plain(&compiled.diagnostics, &files.sources);
    (compiled, text)
}

#[test]
fn the_base_of_all_cases_has_nothing_wrong() {
    let (compiled, text) = report(&Path::new(ROOT).join("base"));
    assert_eq!(text, "");
    assert!(compiled.graph.is_some());
}

#[test]
fn without_the_anchors_role_its_objects_are_not_covered_and_the_rest_is() {
    let mut texts = BTreeMap::new();
    read(&Path::new(ROOT).join("base"), Path::new(""), &mut texts);
    let config = "roles:\n  billing: { vendor: acme, url: \"http://billing.example\" }\n";
    texts.insert("cyclorama.yaml".to_owned(), config.to_owned());
    let texts = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let files = Files::in_memory("cyclorama.yaml", texts);
    let compiled = compile(&files);
    assert_eq!(render::plain(&compiled.diagnostics, &files.sources), "");
    let uncovered: Vec<&str> =
        compiled.coverage.uncovered.iter().map(|one| one.coordinate.as_str()).collect();
    assert!(uncovered.contains(&"Query.customer") && uncovered.contains(&"Invoice.customer"));
    assert!(!uncovered.contains(&"Query.invoices") && !uncovered.contains(&"Invoice.total"));
    let graph = compiled.graph.unwrap();
    let customer = graph.ty(graph.type_named("Customer").unwrap());
    assert_eq!(customer.uncovered_roles, [std::sync::Arc::from("crm")]);
}

#[test]
fn every_case_gives_its_report_and_no_secret() {
    for folder in folders() {
        let (_, text) = report(&folder);
        assert!(!text.contains("never-shown"), "{}", folder.display());
        expect_file(&folder.join("report.txt"), &text);
    }
}

#[test]
fn every_case_shows_the_code_that_it_is_named_after() {
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let (compiled, text) = report(&folder);
        let mut codes = compiled.diagnostics.iter().map(|one| one.code.as_str());
        let is_named = name.starts_with("many_") || codes.any(|code| name.starts_with(code));
        assert!(is_named, "{name}\n{text}");
    }
}

#[test]
fn every_code_has_a_case() {
    let seen: BTreeSet<Code> = folders()
        .iter()
        .flat_map(|folder| report(folder).0.diagnostics.into_iter().map(|one| one.code))
        .collect();
    let seen: BTreeSet<Code> = seen.into_iter().chain(codes_of_many_roles()).collect();
    let missing: Vec<&str> =
        Code::ALL.iter().filter(|code| !seen.contains(code)).map(|code| code.as_str()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// More roles than there are numbers; no folder has so many files.
fn codes_of_many_roles() -> Vec<Code> {
    let names: Vec<String> = (0..300).map(|number| format!("r{number}")).collect();
    let lines = |line: &dyn Fn(&String) -> String| -> String { names.iter().map(line).collect() };
    let config = lines(&|name| format!("  {name}: {{ vendor: v, url: \"http://a.example\" }}\n"));
    let roles = lines(&|name| format!("  {name}: {{ fields: [] }}\n"));
    let mut texts = vec![
        ("cyclorama.yaml".to_owned(), format!("roles:\n{config}")),
        ("resolvers/roles.yaml".to_owned(), format!("roles:\n{roles}")),
        ("schema/a.graphql".to_owned(), "type Query { a: Int }".to_owned()),
    ];
    for name in &names {
        texts.push((format!("resolvers/{name}/v.yaml"), format!("role: {name}\nprotocol: rest\n")));
    }
    let texts = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let files = Files::in_memory("cyclorama.yaml", texts);
    compile(&files).diagnostics.into_iter().map(|one| one.code).collect()
}

#[test]
fn a_graph_with_an_error_is_no_graph() {
    for folder in folders() {
        let (compiled, text) = report(&folder);
        assert_eq!(compiled.graph.is_none(), text.contains("error["), "{}", folder.display());
    }
}

#[test]
fn the_report_for_machines_has_every_place() {
    let files = case(&Path::new(ROOT).join("many_at_once"));
    let compiled = compile(&files);
    let json = render::json(&compiled.diagnostics, &files.sources);
    let diagnostics = json["diagnostics"].as_array().unwrap();
    assert_eq!(diagnostics.len(), compiled.diagnostics.len());
    let names: BTreeSet<&str> = diagnostics
        .iter()
        .flat_map(|one| one["labels"].as_array().unwrap())
        .map(|label| label["file"].as_str().unwrap())
        .collect();
    assert!(names.len() >= 4, "{names:?}");
}
