//! Each folder of `tests/diagnostics` is a deployment with something wrong, and the report that it gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cyclorama::compile::{Compiled, Files, compile};
use cyclorama::diagnostic::{Code, render};

use crate::compile::expect_file;

const ROOT: &str = "tests/diagnostics";

/// One case: the files of `base` with those of the folder over them; a file that holds `(none)` alone is taken away, and
/// `changes.diff` says what else of `base` is different.
fn case(folder: &Path) -> Files {
    let mut texts = BTreeMap::new();
    read(&Path::new(ROOT).join("base"), Path::new(""), &mut texts);
    read(folder, Path::new(""), &mut texts);
    texts.remove("report.txt");
    if let Some(changes) = texts.remove("changes.diff") {
        change(&changes, &mut texts);
    }
    texts.retain(|_, text| text.trim() != "(none)");
    in_memory(&texts)
}

/// Changes as a diff writes them: `@ file` or `@` begins one, then lines that stay (` `), go (`-`) and come (`+`).
fn change(changes: &str, texts: &mut BTreeMap<String, String>) {
    let mut file = String::new();
    for change in format!("\n{changes}").split("\n@").skip(1) {
        let (name, lines) = change.split_once('\n').unwrap();
        if !name.trim().is_empty() {
            name.trim().clone_into(&mut file);
        }
        let lines: Vec<&str> = lines.lines().collect();
        let (old, new) = (block(&lines, [' ', '-']), block(&lines, [' ', '+']));
        let text = format!("\n{}\n", texts[&file].trim_end());
        assert_eq!(text.matches(&old).count(), 1, "{file}: {old}");
        texts.insert(file.clone(), text.replacen(&old, &new, 1)[1..].to_owned());
    }
}

/// The lines that begin with one of the signs, without it, between line ends.
fn block(lines: &[&str], signs: [char; 2]) -> String {
    let kept = lines.iter().filter_map(|line| line.strip_prefix(signs));
    ["\n"].into_iter().chain(kept.flat_map(|line| [line, "\n"])).collect()
}

fn in_memory(texts: &BTreeMap<String, String>) -> Files {
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

/// Every line of a schema that fits its resolvers, broken in several ways: what is told is the schema's own problems.
#[test]
fn an_error_of_the_schema_casts_no_shadow_on_the_other_files() {
    let mut texts = BTreeMap::new();
    read(&Path::new(ROOT).join("base"), Path::new(""), &mut texts);
    let schema = texts["schema/schema.graphql"].clone();
    let lines: Vec<&str> = schema.lines().collect();
    let (mut broken, mut shadows) = (0, Vec::new());
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let colon = line.replace(": ", " ");
        let typo = line.replace(": ", ": Absent");
        let brace = line.replace('{', "[").replace('}', "");
        let doubled = format!("{line}\n{line}");
        for change in ["", "!", &colon, &typo, &brace, &doubled] {
            let mut changed = lines.clone();
            changed[index] = change;
            texts.insert("schema/schema.graphql".to_owned(), changed.join("\n"));
            let files = in_memory(&texts);
            let compiled = compile(&files);
            let is_of_schema = |code: Code| code == Code::InvalidSchema;
            let mut codes = compiled.diagnostics.iter().map(|one| one.code);
            if codes.clone().any(is_of_schema) {
                broken += 1;
                let report = render::plain(&compiled.diagnostics, &files.sources);
                if !codes.all(is_of_schema) {
                    shadows.push(format!("line {}: {change:?}\n{report}", index + 1));
                }
                assert!(compiled.graph.is_none());
            }
        }
    }
    assert!(shadows.is_empty(), "{}", shadows.join("\n"));
    assert!(broken > 150, "{broken}");
}

/// Every line of every other file, made something that is no YAML: what is told is that alone.
#[test]
fn a_file_that_is_no_yaml_casts_no_shadow_on_the_others() {
    let mut texts = BTreeMap::new();
    read(&Path::new(ROOT).join("base"), Path::new(""), &mut texts);
    let (mut broken, mut shadows) = (0, Vec::new());
    for name in texts.keys().filter(|name| !name.starts_with("schema/")) {
        let lines: Vec<&str> = texts[name].lines().collect();
        for (index, line) in lines.iter().enumerate() {
            for change in [format!("{line} ]"), format!("{line}: [ {{"), format!("\"{line}")] {
                let mut changed = lines.clone();
                changed[index] = &change;
                let mut texts = texts.clone();
                texts.insert(name.clone(), changed.join("\n"));
                let files = in_memory(&texts);
                let compiled = compile(&files);
                let is_syntax = |code: Code| code == Code::YamlSyntax;
                let mut codes = compiled.diagnostics.iter().map(|one| one.code);
                if codes.clone().any(is_syntax) {
                    broken += 1;
                    let report = render::plain(&compiled.diagnostics, &files.sources);
                    if !codes.all(|code| is_syntax(code) || code == Code::YamlUnsupported) {
                        shadows.push(format!("{name}:{}: {change:?}\n{report}", index + 1));
                    }
                    assert!(compiled.graph.is_none());
                }
            }
        }
    }
    assert!(shadows.is_empty(), "{} of {broken}\n{}", shadows.len(), shadows.join("\n"));
    assert!(broken > 150, "{broken}");
}
