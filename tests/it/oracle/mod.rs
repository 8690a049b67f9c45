//! The engine against the reference implementation: the same requests over the same data.
//!
//! `CYCLORAMA_ORACLE_CASES` and `CYCLORAMA_ORACLE_SEED` make longer and other runs by hand.

mod coercion;
mod compare;
mod data;
pub(crate) mod dice;
mod document;
mod generate;
mod run;
mod shipped;
mod shrink;
mod sides;
mod subject;
mod tally;
mod texts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use self::run::Both;
use self::shrink::Case;
use self::sides::{Ours, Reference, Verdict};
use self::subject::Subject;
use self::tally::Tally;
use crate::needs;

const SEED: u64 = 20_261_121;
/// Of these the smaller part is over the shipped schema.
const CASES: usize = 10_500;

fn regressions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/regressions")
}

/// A number from the environment, for longer runs by hand.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok()).unwrap_or(default)
}

/// Writes a failing case beside the others, by its seed, and tells what differs.
fn saved(both: &mut Both<'_>, case: &Case, name: &str) -> String {
    let case = both.shrunk(case);
    let query = case.query().expect("a query");
    let difference = both.difference(&query, &case.variables, &case.world).expect("a difference");
    let file = regressions().join(format!("{name}.json"));
    let text = json!({
        "subject": both.subject.name,
        "query": query.lines().collect::<Vec<_>>(),
        "variables": case.variables,
        "world": case.world,
    });
    std::fs::write(&file, serde_json::to_string_pretty(&text).unwrap() + "\n").unwrap();
    format!(
        "{}\n{query}\nvariables {}\n{difference}\n",
        file.display(),
        Value::Object(case.variables)
    )
}

/// The cases that are kept, of one subject; each must agree.
fn kept_cases_agree(both: &mut Both<'_>) {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(regressions()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut differing = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "json"))
    {
        let case: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        if case["subject"] != both.subject.name {
            continue;
        }
        let lines = case["query"].as_array().expect("lines").iter();
        let query: Vec<&str> = lines.filter_map(Value::as_str).collect();
        let variables = case["variables"].as_object().expect("variables");
        if let Some(difference) = both.difference(&query.join("\n"), variables, &case["world"]) {
            differing.push(format!("{}: {difference}", file.display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[expect(clippy::print_stdout, reason = "shows what the generator makes")]
fn agree(subject: &Subject, share: u64) -> Tally {
    let cases = setting("CYCLORAMA_ORACLE_CASES", CASES as u64) * share / 100;
    let seed = setting("CYCLORAMA_ORACLE_SEED", SEED);
    let mut reference = Reference::start();
    let mut both = Both::start(subject, &mut reference);
    kept_cases_agree(&mut both);
    let mut tally = Tally::default();
    let failed = both.compared(seed, usize::try_from(cases).unwrap(), &mut tally);
    let failures: Vec<String> = failed
        .iter()
        .map(|(case, seed)| saved(&mut both, case, &format!("{}-{seed}", subject.name)))
        .collect();
    println!("{}: {}", subject.name, tally.told());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(tally.cases() as u64 >= cases);
    tally
}

#[test]
fn texts_are_taken_and_refused_as_the_reference_takes_and_refuses_them() {
    if needs::outside("texts_are_taken_and_refused_as_the_reference_takes_and_refuses_them") {
        let cases = setting("CYCLORAMA_ORACLE_CASES", CASES as u64) / 4;
        let seed = setting("CYCLORAMA_ORACLE_SEED", SEED);
        let mut reference = Reference::start();
        texts::agree(&Subject::torture(), &mut reference, seed, usize::try_from(cases).unwrap());
    }
}

/// The generator makes enough of each kind to mean something.
fn is_varied(tally: &Tally, rules: usize) {
    let cases = tally.cases();
    let refused = tally.refused_variables + tally.refused_documents;
    let told = tally.told();
    assert!((cases / 12..cases / 3).contains(&refused), "refused: {told}");
    assert!(tally.refused_documents > cases / 50, "documents refused: {told}");
    assert!(tally.whole > cases / 5, "without errors: {told}");
    assert!(tally.with_errors > cases / 5, "with errors: {told}");
    assert!(tally.with_risen_nulls > cases / 40, "with nulls that rose: {told}");
    assert!(tally.rules.len() >= rules, "rules: {told}");
}

#[test]
fn what_is_accepted_as_what_is_as_the_table_says() {
    if needs::outside("what_is_accepted_as_what_is_as_the_table_says") {
        coercion::the_table_holds();
    }
}

#[test]
fn introspection_of_every_type_equals_the_references() {
    if !needs::outside("introspection_of_every_type_equals_the_references") {
        return;
    }
    let mut reference = Reference::start();
    let (torture, shipped, as_it_is) =
        (Subject::torture(), Subject::shipped(), Subject::shipped_as_it_is());
    // with the fields for routers, which no file says
    let whole = as_it_is.graph.schema.to_string();
    let texts = [&*torture.graph.sdl, &shipped.graph.sdl, &whole].map(str::to_owned);
    for (subject, sdl) in [torture, shipped, as_it_is].iter().zip(texts) {
        let theirs = reference.tell(&json!({ "introspect": sdl }));
        let query = theirs["query"].as_str().expect("a query");
        let Verdict::Answered { data, told, .. } = Ours::over(subject).ask(query, &Map::new())
        else {
            panic!("{}: introspection is refused", subject.name);
        };
        assert_eq!(told, "", "{}", subject.name);
        let ours: Value = serde_json::from_str(&data).expect("JSON");
        let (ours, theirs) = (introspected(&ours), introspected(&theirs["data"]));
        assert!(ours.len() > 20, "{}: {} types and directives", subject.name, ours.len());
        for (name, theirs) in &theirs {
            assert_eq!(ours.get(name), Some(theirs), "{}: {name}", subject.name);
        }
        let more: Vec<&String> = ours.keys().filter(|name| !theirs.contains_key(*name)).collect();
        assert!(more.is_empty(), "{}: {more:?}", subject.name);
    }
}

/// Types and directives by name. Those of introspection itself, and the built-in ones but for their arguments, are each
/// implementation's own.
fn introspected(data: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let schema = &data["__schema"];
    for (what, sign) in [("types", ""), ("directives", "@")] {
        for one in schema[what].as_array().expect("a list") {
            let name = one["name"].as_str().expect("a name");
            let mut one = one.clone();
            match (sign, name) {
                (_, name) if name.starts_with("__") => continue,
                ("@", "skip" | "include" | "deprecated" | "specifiedBy" | "oneOf") => continue,
                ("", "Int" | "Float" | "String" | "Boolean" | "ID") => {
                    one["description"] = Value::Null;
                    one["specifiedByURL"] = Value::Null;
                }
                _ => {}
            }
            defaults_without_layout(&mut one);
            found.insert(format!("{sign}{name}"), one);
        }
    }
    let roots = ["queryType", "mutationType", "subscriptionType", "description"];
    found.insert("schema".to_owned(), roots.iter().map(|root| schema[root].clone()).collect());
    found
}

/// Defaults are literals, and commas and spaces in them say nothing.
fn defaults_without_layout(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "defaultValue" => {
                        text.retain(|char| char != ' ' && char != ',');
                    }
                    member => defaults_without_layout(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(defaults_without_layout),
        _ => {}
    }
}

#[test]
fn random_operations_over_random_data_are_answered_as_the_reference_answers_them() {
    if !needs::outside(
        "random_operations_over_random_data_are_answered_as_the_reference_answers_them",
    ) {
        return;
    }
    is_varied(&agree(&Subject::torture(), 70), 25);
}

#[test]
fn random_operations_over_the_shipped_schema_are_answered_as_the_reference_answers_them() {
    if !needs::outside(
        "random_operations_over_the_shipped_schema_are_answered_as_the_reference_answers_them",
    ) {
        return;
    }
    is_varied(&agree(&Subject::shipped(), 30), 15);
}
