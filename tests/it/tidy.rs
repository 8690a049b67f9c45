//! The layout of the code itself: who may use whom, where each outside crate lives, and how large a file may be.
//!
//! Plain search in the text of the repository. What a message asks for is what the reader of the code counts on.

use std::fs;
use std::path::{Path, PathBuf};

/// What each module of `src/` may use of the others, in the order of `src/lib.rs`. Data flows forward: a stage uses the
/// stages that its own work is made of, and the shared words; nothing uses the program (`cli`, `demo`) but itself.
const USES: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "admin",
            "compile",
            "config",
            "contract",
            "demo",
            "diagnostic",
            "engine",
            "export",
            "http",
            "plan",
            "principal",
            "transport",
        ],
    ),
    ("demo", &["diagnostic"]),
    // a case is run by what runs an operation, over wires of its own
    (
        "contract",
        &["backend", "config", "diagnostic", "engine", "mapping", "principal", "transport"],
    ),
    // trusted documents are prepared as the documents of requests are
    ("compile", &["config", "diagnostic", "mapping", "operation", "template", "principal"]),
    ("config", &["diagnostic"]),
    ("diagnostic", &[]),
    ("export", &["admin", "config", "engine", "http", "transport"]),
    ("admin", &["config", "engine", "http"]),
    ("http", &["config", "engine", "operation", "principal"]),
    (
        "engine",
        &[
            "backend",
            "cache",
            "config",
            "deliver",
            "execute",
            "load",
            "operation",
            "plan",
            "principal",
            "respond",
            "template",
        ],
    ),
    ("deliver", &["execute", "load", "operation", "plan", "principal", "respond"]),
    ("operation", &["principal"]),
    ("plan", &["operation", "principal"]),
    (
        "execute",
        &["plan", "operation", "derive", "load", "merge", "cache", "template", "principal"],
    ),
    ("respond", &["execute", "plan", "operation", "derive", "load", "mapping", "principal"]),
    ("derive", &["mapping"]),
    ("load", &["merge", "cache", "backend", "mapping", "template", "principal"]),
    ("merge", &[]),
    ("cache", &[]),
    ("backend", &["transport", "mapping", "template"]),
    ("transport", &["template", "mapping"]),
    ("template", &["mapping", "principal"]),
    ("mapping", &[]),
    ("error", &[]),
    ("graph", &["mapping", "template"]),
    ("nearest", &[]),
    ("principal", &[]),
    ("telemetry", &[]),
    // ids and keys are told by the form that made them
    ("value", &["mapping"]),
];

/// Words that every module may use.
const SHARED: &[&str] = &["error", "graph", "nearest", "telemetry", "value"];

/// Where a crate from outside may be named. Those that are not here (`serde_json`, `tokio`, …) are everybody's.
const HOMES: &[(&str, &[&str])] = &[
    ("anstream", &["cli"]),
    // the graph holds the valid schema that operations are read against
    ("apollo_compiler", &["compile", "graph", "operation"]),
    ("async_graphql", &["engine/executor.rs"]),
    // only the test that mounts the engine in it
    ("async_graphql_axum", &[]),
    ("axum", &["admin", "http", "demo", "contract/mock.rs"]),
    ("clap", &["cli"]),
    ("codespan_reporting", &["diagnostic"]),
    ("flate2", &["export/otlp.rs", "transport/http"]),
    // seeded, for keys that clients have a say in
    ("foldhash", &["cache", "engine"]),
    ("getrandom", &["http", "load", "transport"]),
    ("hmac", &["load", "transport"]),
    ("http_body_util", &["transport"]),
    ("hyper", &["http/listen", "transport"]),
    ("hyper_rustls", &["transport/http"]),
    ("hyper_util", &["http/listen", "transport/http"]),
    ("jaq_core", &["mapping/jq"]),
    ("jaq_json", &["mapping/jq"]),
    ("jaq_std", &["mapping/jq"]),
    ("jsonschema", &["mapping/schema.rs"]),
    ("minijinja", &["template"]),
    // records, and the plans of one graph: both are bounded in what they weigh
    ("moka", &["cache", "engine"]),
    ("rust_decimal", &["derive", "compile"]),
    ("quick_xml", &["template", "transport"]),
    // patterns of values that match nothing
    ("regex", &["compile", "graph"]),
    ("opentelemetry_proto", &["telemetry/otlp.rs"]),
    ("prost", &["telemetry/otlp.rs"]),
    // only tests ask by it
    ("reqwest", &[]),
    ("rustls", &["transport/http"]),
    ("saphyr_parser", &["config"]),
    ("sha1", &["transport"]),
    ("sha2", &["admin", "compile", "engine", "http", "load", "operation", "transport"]),
    ("tikv_jemallocator", &["main.rs"]),
    ("tower", &["http/edge.rs", "transport/http"]),
    ("tower_http", &["http/edge.rs"]),
    ("tracing_subscriber", &["telemetry"]),
];

const SAY_NOTHING: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "core"];

const LINES_MAX: usize = 400;
const TEST_LINES_MAX: usize = 800;

/// Files that are one long table, and the lines that they may have.
const TABLES: &[(&str, usize)] = &[("src/config/shape/vendor.rs", 500)];

/// Where a wait is not of a test: programs from outside are polled, and backends in memory are slow on a paused clock.
/// The comparison's backends are slow on purpose, its load comes at a rate, and its servers are waited for.
const MAY_SLEEP: &[&str] = &[
    "benches/peers/src/backends.rs",
    "benches/peers/src/moods.rs",
    "benches/peers/src/overload.rs",
    "benches/peers/src/process.rs",
    "benches/peers/src/soak/clients.rs",
    "benches/peers/src/soak/mod.rs",
    "tests/it/policy/mod.rs",
    "tests/it/real/process.rs",
    "tests/it/testkit/mod.rs",
];

/// The stages: what they take, give and never do is the first thing that they say.
const STAGES: &[&str] = &[
    "admin",
    "backend",
    "cache",
    "compile",
    "config",
    "contract",
    "deliver",
    "derive",
    "engine",
    "execute",
    "export",
    "http",
    "load",
    "mapping",
    "merge",
    "operation",
    "plan",
    "respond",
    "template",
    "transport",
];

struct Source {
    /// Below the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        !self.path.starts_with("src/")
            || self.path.contains("/tests/")
            || matches!(name, "tests.rs" | "testkit.rs")
    }

    /// The code without its unit tests and comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().zip(1..).map(|(line, number)| (number, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn module(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        let module = rest.split('/').next()?;
        Some(module.strip_suffix(".rs").unwrap_or(module))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder that end so.
fn files(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let below = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { path: below, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn rust() -> Vec<Source> {
    ["src", "tests", "benches", "fuzz", "xtask"]
        .iter()
        .flat_map(|folder| files(folder, &[".rs"]))
        .collect()
}

fn source() -> impl Iterator<Item = Source> {
    files("src", &[".rs"]).into_iter().filter(|source| !source.is_test())
}

/// Where a word begins and ends as one.
fn names(line: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(is_part))
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn modules_use_what_stands_below_them() {
    let mut problems = Vec::new();
    for source in source() {
        let Some(module) = source.module().filter(|module| !matches!(*module, "lib" | "main"))
        else {
            continue;
        };
        let Some((_, allowed)) = USES.iter().find(|(name, _)| *name == module) else {
            problems.push(format!("{}: say in `USES` what `{module}` may use", source.path));
            continue;
        };
        for (number, line) in source.code() {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let end =
                    rest.find(|letter: char| !letter.is_ascii_lowercase()).unwrap_or(rest.len());
                let used = &rest[..end];
                let is_module = USES.iter().any(|(name, _)| *name == used);
                let is_fine = used == module || SHARED.contains(&used) || allowed.contains(&used);
                if is_module && !is_fine {
                    problems.push(format!(
                        "{}:{number}: `{module}` may not use `{used}`: move what both need below both, or among the \
                         shared words",
                        source.path
                    ));
                }
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn the_table_of_uses_has_the_modules_of_the_library_and_no_circle() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(
        modules,
        USES.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        "`USES` follows src/lib.rs"
    );
    // Take away whoever uses nobody that is left, until nothing is left: shared words are below all.
    let mut left: Vec<_> = USES.iter().filter(|(name, _)| !SHARED.contains(name)).collect();
    while !left.is_empty() {
        let names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
        left.retain(|(_, uses)| uses.iter().any(|used| names.contains(used)));
        assert!(left.len() < names.len(), "these use each other in a circle: {names:?}");
    }
}

#[test]
fn outside_crates_have_one_home() {
    let mut problems = Vec::new();
    for source in source() {
        let below = source.path.trim_start_matches("src/");
        for (number, line) in source.code() {
            for (name, homes) in HOMES {
                let is_home = || {
                    homes.iter().any(|home| {
                        below.strip_prefix(home).is_some_and(|rest| {
                            rest.is_empty() || rest.starts_with('/') || rest == ".rs"
                        })
                    })
                };
                if names(line, &format!("{name}::")) && !is_home() {
                    problems.push(format!(
                        "{}:{number}: `{name}` is only used in {}: ask that module for what you need",
                        source.path,
                        homes.join(", ")
                    ));
                }
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn files_are_short_enough_to_read() {
    let mut problems = Vec::new();
    for source in rust() {
        let table = TABLES.iter().find(|(path, _)| *path == source.path).map(|(_, lines)| *lines);
        let most = table.unwrap_or(if source.is_test() { TEST_LINES_MAX } else { LINES_MAX });
        let lines = source.text.lines().count();
        if lines > most {
            problems.push(format!(
                "{}: {lines} lines, at most {most}: split it by subject",
                source.path
            ));
        }
    }
    assert_none(&problems);
}

#[test]
fn names_of_modules_say_something() {
    let mut problems = Vec::new();
    for source in rust() {
        let words = source.path.trim_end_matches(".rs").split('/');
        if let Some(word) = words.into_iter().find(|word| SAY_NOTHING.contains(word)) {
            problems.push(format!("{}: `{word}` says nothing: name what is in it", source.path));
        }
    }
    assert_none(&problems);
}

#[test]
fn files_open_with_what_they_are() {
    let problems: Vec<String> = source()
        .filter(|source| !source.path.ends_with("main.rs") && !source.text.starts_with("//!"))
        .map(|source| format!("{}: begin with `//!` and one line on what it is", source.path))
        .collect();
    assert_none(&problems);
}

#[test]
fn stages_say_what_they_take_and_give_and_never_do() {
    let mut problems = Vec::new();
    for stage in STAGES {
        let path = format!("src/{stage}/mod.rs");
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let opening: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        for word in ["Takes:", "Gives:", "Never:"] {
            if !opening.iter().any(|line| line.starts_with(&format!("//! {word}"))) {
                problems.push(format!("{path}: the opening has no line `//! {word} …`"));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn nothing_is_exported_by_a_star() {
    let mut problems = Vec::new();
    for source in source() {
        for (number, line) in source.code() {
            if line.trim_start().starts_with("pub use ") && line.contains("::*") {
                problems.push(format!("{}:{number}: name what is exported", source.path));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn notes_for_later_name_their_issue() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut problems = Vec::new();
    for source in rust() {
        for (line, number) in source.text.lines().zip(1..) {
            if let Some(mark) = marks.iter().find(|mark| names(line, mark))
                && !line.contains(&format!("{mark}(#"))
            {
                problems.push(format!("{}:{number}: write `{mark}(#12)`, or do it", source.path));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn tests_wait_for_events_and_never_for_time() {
    let call = concat!("sleep", "(");
    let mut problems = Vec::new();
    for source in rust().into_iter().filter(Source::is_test) {
        let is_paused = source.text.contains("start_paused = true")
            || MAY_SLEEP.contains(&source.path.as_str());
        for (number, line) in source.code() {
            if names(line, call) && !is_paused {
                problems.push(format!(
                    "{}:{number}: wait for an event, or pause the clock",
                    source.path
                ));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn the_text_names_no_machine_and_no_registry() {
    let words = [
        concat!("/wor", "k/"),
        concat!("/tm", "p/"),
        concat!("/roo", "t/"),
        concat!("crates", ".io"),
        concat!("index.crates", ".io"),
        concat!("registry.npmjs", ".org"),
        concat!("pypi", ".org"),
        concat!("proxy.golang", ".org"),
    ];
    let endings = [".rs", ".md", ".yaml", ".yml", ".toml", ".graphql", ".json", ".html"];
    let folders =
        ["src", "tests", "benches", "fuzz", "xtask", "docs", "schema", "resolvers", "contracts"];
    let tops = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "Cargo.toml", "cyclorama.yaml"];
    let top = tops.iter().filter_map(|name| {
        Some(Source { path: (*name).to_owned(), text: fs::read_to_string(root().join(name)).ok()? })
    });
    let mut problems = Vec::new();
    for source in folders.iter().flat_map(|folder| files(folder, &endings)).chain(top) {
        for (line, number) in source.text.lines().zip(1..) {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                problems.push(format!(
                    "{}:{number}: `{word}` is of one machine or one registry",
                    source.path
                ));
            }
        }
    }
    assert_none(&problems);
}

/// A ban on a path of a crate that is not there would go unnoticed: clippy does not warn of it.
#[test]
fn banned_methods_are_of_crates_that_are_there() {
    let clippy = fs::read_to_string(root().join("clippy.toml")).unwrap();
    let cargo = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let banned = clippy.lines().filter_map(|line| line.trim().strip_prefix("{ path = \""));
    let mut count = 0;
    for path in banned {
        let name = path.split("::").next().unwrap().replace('_', "-");
        let is_there = matches!(name.as_str(), "std" | "core" | "alloc")
            || cargo.lines().any(|line| line.starts_with(&format!("{name} = ")));
        assert!(is_there, "clippy.toml bans `{path}…`, and `{name}` is no dependency");
        count += 1;
    }
    assert!(count > 0, "clippy.toml bans nothing anymore");
}
