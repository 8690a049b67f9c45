//! What the README, the architecture page and the pages for operators say is so: names, codes, links, commands and answers.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cyclorama::error::ErrorCode;
use serde_json::{Value, json};

use super::docs::{Block, blocks};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The one block of a page with this info string.
fn block(page: &str, info: &str) -> Block {
    let mut found: Vec<Block> =
        blocks(&read(page)).into_iter().filter(|block| block.info == info).collect();
    assert_eq!(found.len(), 1, "{page} has one block `{info}`");
    found.remove(0)
}

/// All files below a folder of the repository with this extension, relative to the repository.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_life_of_a_request_names_functions_that_are_there() {
    let stages = block("ARCHITECTURE.md", "text stages");
    let mut count = 0;
    for line in stages.text.lines() {
        let mut words = line.split_whitespace();
        let (Some(stage), Some(file), Some(function)) = (words.next(), words.next(), words.next())
        else {
            panic!("stage, file, function: {line}");
        };
        let home = file.trim_start_matches("src/").split('/').next();
        assert_eq!(home, Some(stage), "{line}");
        let text = read(file);
        let is_there = text.lines().any(|line| {
            let definition = line.trim_start().split_once("fn ").map(|(_, rest)| rest);
            definition.is_some_and(|rest| {
                rest.strip_prefix(function).is_some_and(|rest| rest.starts_with(['(', '<']))
            })
        });
        assert!(is_there, "{file} has no function `{function}`");
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn the_architecture_lists_the_modules_in_the_order_of_the_library() {
    let listed = block("ARCHITECTURE.md", "text modules");
    let lib = read("src/lib.rs");
    let modules: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut order: Vec<&str> = Vec::new();
    for line in listed.text.lines() {
        order.extend(line.split_whitespace().take_while(|word| modules.contains(word)));
    }
    let in_library: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(order, in_library);
}

#[test]
fn every_invariant_names_tests_that_are_there() {
    let mut tests = BTreeSet::new();
    for file in files("src", "rs").into_iter().chain(files("tests/it", "rs")) {
        let text = read(file.to_str().unwrap());
        for line in text.lines() {
            if let Some((_, rest)) = line.trim_start().split_once("fn ") {
                let name: String = rest
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect();
                tests.insert(name);
            }
        }
    }
    let text = read("ARCHITECTURE.md");
    let invariants: Vec<&str> =
        text.lines().filter(|line| line.starts_with("**Invariant:**")).collect();
    assert!(invariants.len() > 15, "{}", invariants.len());
    for invariant in invariants {
        let (_, checks) =
            invariant.split_once("(checked by ").unwrap_or_else(|| panic!("no test: {invariant}"));
        let named: Vec<&str> = checks.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{invariant}");
        for name in named {
            assert!(tests.contains(name), "no test `{name}`");
        }
    }
    assert!(text.lines().count() <= 200, "the architecture fits on a few screens");
}

/// The pages for readers: README, architecture, changes, and everything below `docs`.
fn pages() -> Vec<String> {
    let below = files("docs", "md").into_iter().map(|path| path.to_str().unwrap().to_owned());
    ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]
        .map(str::to_owned)
        .into_iter()
        .chain(below)
        .collect()
}

#[test]
fn every_error_code_has_one_row_and_every_row_a_code() {
    let text = read("docs/error-codes.md");
    let mut listed: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code)
        .collect();
    let mut codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    listed.sort_unstable();
    codes.sort_unstable();
    assert_eq!(listed, codes);
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    let mut count = 0;
    for page in pages() {
        let folder = Path::new(&page).parent().unwrap().to_owned();
        for target in links(&read(&page)) {
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if path.is_empty() { PathBuf::from(&page) } else { folder.join(path) };
            assert!(root().join(&file).exists(), "{page}: {target}");
            if !anchor.is_empty() {
                let headings = headings(&read(file.to_str().unwrap()));
                assert!(headings.contains(anchor), "{page}: {target}: {headings:?}");
            }
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

/// The targets of a page's links, outside of its fenced blocks.
fn links(text: &str) -> Vec<String> {
    let mut is_code = false;
    let prose = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    let targets = prose.flat_map(|line| line.split("](").skip(1));
    targets.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// A page's headings as anchors, spelled as GitHub spells them.
fn headings(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let letters =
                words.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
            letters.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
        })
        .collect()
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cyclorama"));
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// A server that was started and is ended with this value.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // it may have ended already
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Starts `demo` or `serve` on a free port, and waits until it says where.
    fn start(arguments: &[&str]) -> Self {
        let is_demo = arguments.contains(&"demo");
        let mut command = program();
        command.args(arguments).args(["--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said: Box<dyn std::io::BufRead> = if is_demo {
            Box::new(BufReader::new(child.stdout.take().unwrap()))
        } else {
            Box::new(BufReader::new(child.stderr.take().unwrap()))
        };
        let mut server = Self { child, address: String::new() };
        let mark = if is_demo { "http://" } else { "\"address\":\"" };
        while server.address.is_empty() {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "{arguments:?} ended");
            if let Some((_, rest)) = line.split_once(mark) {
                let end = rest.find(['/', '"']).unwrap();
                server.address = rest[..end].to_owned();
            }
        }
        server
    }

    fn answer(&self, query: &str, variables: &Value) -> Value {
        let text = self.text(query, variables, "application/json");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn text(&self, query: &str, variables: &Value, accept: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .post(format!("http://{}/graphql", self.address))
            .header("content-type", "application/json")
            .header("accept", accept)
            .body(body);
        runtime.block_on(async { request.send().await.unwrap().text().await.unwrap() })
    }
}

/// The same text for the same members in the same order.
fn spelled(json: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    format!("{value:#}")
}

#[test]
fn the_first_query_has_the_answers_that_the_readme_shows() {
    let mut query = String::new();
    let mut variables = Value::Null;
    let mut answers = 0;
    for block in blocks(&read("README.md")) {
        match block.info.as_str() {
            "graphql" => query.clone_from(&block.text),
            "json variables" => variables = serde_json::from_str(&block.text).unwrap(),
            info => {
                let Some(with) = info.strip_prefix("json answer") else { continue };
                let more = with.trim_start().trim_start_matches("with ");
                let arguments: Vec<&str> =
                    ["demo"].into_iter().chain(more.split_whitespace()).collect();
                let answer = Server::start(&arguments).answer(&query, &variables);
                assert_eq!(spelled(&block.text), format!("{answer:#}"), "README.md:{}", block.line);
                answers += 1;
            }
        }
    }
    assert_eq!(answers, 2);
}

#[test]
fn every_operation_of_the_pages_is_answered_by_the_demo() {
    let server = Server::start(&["demo"]);
    let mut count = 0;
    for page in pages() {
        let blocks = blocks(&read(&page));
        for (index, block) in blocks.iter().enumerate() {
            let is_operation =
                ["query", "mutation", "{"].iter().any(|start| block.text.starts_with(start));
            if block.info != "graphql" || !is_operation {
                continue;
            }
            let variables = blocks.get(index + 1).filter(|next| next.info == "json variables");
            let variables =
                variables.map_or(Value::Null, |next| serde_json::from_str(&next.text).unwrap());
            let answer = server.answer(&block.text, &variables);
            assert_eq!(answer.get("errors"), None, "{page}:{}: {answer:#}", block.line);
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn the_parts_of_an_answer_are_those_that_their_page_shows() {
    let server = Server::start(&["demo", "--slow", "support"]);
    let blocks = blocks(&read("docs/incremental-delivery.md"));
    let find = |info: &str| blocks.iter().filter(|block| block.info == info).collect::<Vec<_>>();
    let variables = serde_json::from_str(&find("json variables")[0].text).unwrap();
    let accept = "multipart/mixed;incrementalSpec=v0.2, application/json";
    let text = server.text(&find("graphql")[0].text, &variables, accept);
    let parts: Vec<Value> = text
        .split("\r\n---")
        .filter_map(|part| serde_json::from_str(part.split_once("\r\n\r\n")?.1).ok())
        .collect();
    let shown = find("json part");
    let shown: Vec<Value> =
        shown.iter().map(|block| serde_json::from_str(&block.text).unwrap()).collect();
    assert_eq!(parts, shown);
}

/// A command line's words, as a shell would take them apart: quotes, and comments at the end.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (_, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The arguments for the program, of a line that runs it.
pub(crate) fn arguments(line: &str) -> Option<Vec<String>> {
    let words = words(line);
    let rest = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["cyclorama", ..] => 1,
        ["cargo", "run", "--release", "--", ..] => 4,
        _ => return None,
    };
    Some(words[rest..].to_vec())
}

#[test]
fn every_command_line_of_the_pages_is_understood() {
    let mut lines = BTreeSet::new();
    for page in pages() {
        let text = read(&page);
        let fenced =
            blocks(&text).into_iter().filter(|block| block.info == "sh" || block.info == "console");
        for block in fenced {
            lines.extend(
                block.text.lines().map(|line| line.trim().trim_start_matches("$ ").to_owned()),
            );
        }
        for line in text.lines().filter(|line| !line.trim_start().starts_with("```")) {
            lines.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let commands: Vec<Vec<String>> = lines.iter().filter_map(|line| arguments(line)).collect();
    for command in &commands {
        let output = program().args(command).arg("--help").output().unwrap();
        assert!(
            output.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(commands.len() > 5, "{commands:?}");
}

#[test]
fn the_commands_of_the_readme_run() {
    let mut count = 0;
    for block in blocks(&read("README.md")).into_iter().filter(|block| block.info == "sh") {
        for command in block.text.lines().filter_map(|line| arguments(line.trim())) {
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            if matches!(command.first(), Some(&("demo" | "serve"))) {
                drop(Server::start(&command));
            } else {
                let output = program().args(&command).output().unwrap();
                assert!(
                    output.status.success(),
                    "{command:?}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            count += 1;
        }
    }
    assert!(count >= 3, "{count}");
}

/// A block `console` is one command and what it prints; a line `…` stands for any number of lines.
#[test]
fn what_commands_print_is_what_the_pages_show() {
    let mut count = 0;
    for page in pages() {
        for block in blocks(&read(&page)).into_iter().filter(|block| block.info == "console") {
            let (line, shown) = block.text.split_once('\n').unwrap();
            let command = arguments(line.trim_start_matches("$ ")).unwrap();
            let output = program().args(&command).output().unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            let mut rest = printed.as_str();
            for (index, part) in shown.split("…\n").enumerate() {
                let at = rest.find(part).filter(|at| index > 0 || *at == 0);
                let at = at.unwrap_or_else(|| panic!("{page}:{}: {printed}", block.line));
                rest = &rest[at + part.len()..];
            }
            count += 1;
        }
    }
    assert!(count > 0);
}

/// The page's policy in place of the shipped file's roles.
#[test]
fn the_policy_that_the_page_shows_is_read_and_right() {
    use cyclorama::compile::{Files, compile};
    let config = block("docs/operations.md", "yaml cyclorama.yaml").text;
    let texts = cyclorama::demo::files().iter().filter(|(name, _)| *name != "cyclorama.yaml");
    let texts = texts.copied().chain([("cyclorama.yaml", config.as_str())]);
    let compiled = compile(&Files::in_memory("cyclorama.yaml", texts));
    assert!(compiled.diagnostics.is_empty(), "{:#?}", compiled.diagnostics);
    let graph = compiled.graph.unwrap();
    let crm = &graph.backends[0];
    let rate = crm.policy.groups[0].quota.as_ref().unwrap().rate.unwrap();
    assert_eq!((&*crm.role, crm.concurrency, rate.calls, rate.burst), ("crm", 10, 90, 9));
    let (retry, breaker) = (crm.policy.retry, crm.policy.groups[0].breaker);
    assert_eq!((retry.attempts, retry.budget.percent, breaker.failures), (2, 10, 5));
    // what is not said is as usual
    assert_eq!((breaker.percent, graph.backends[1].policy.retry.attempts), (50, 3));
}

#[test]
fn the_real_systems_of_the_readme_compile() {
    let config = block("README.md", "yaml cyclorama.yaml");
    let environment = block("README.md", "sh environment");
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("docs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("cyclorama.yaml");
    let indented = config.text.lines().map(|line| line.strip_prefix("   ").unwrap_or(line));
    let text: Vec<String> = ["schema", "resolvers"]
        .into_iter()
        .map(|name| format!("{name}: {}", root().join(name).display()))
        .chain(indented.map(str::to_owned))
        .collect();
    std::fs::write(&file, text.join("\n")).unwrap();
    let mut command = program();
    command.arg("check").arg("-c").arg(&file);
    let variables: Vec<(String, String)> = environment
        .text
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.replace('…', "x")))
        .collect();
    let output = command.envs(variables).output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
