//! The examples of `docs/timeline.md`.

use std::path::Path;
use std::process::Command;

use cyclorama::demo::{self, Options, Role};
use cyclorama::diagnostic::Severity;
use serde_json::{Value, json};

use crate::docs::{Block, blocks};
use crate::site::{JsonBody as _, Setup, Site, json_of};

fn page() -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/timeline.md");
    blocks(&std::fs::read_to_string(path).unwrap())
}

fn block(info: &str) -> Block {
    page()
        .into_iter()
        .find(|block| block.info == info)
        .unwrap_or_else(|| panic!("a block `{info}`"))
}

#[tokio::test]
async fn the_query_gives_what_the_page_says_also_when_billing_is_down() {
    let (query, variables) = (block("graphql").text, block("json variables").text);
    let variables: Value = serde_json::from_str(&variables).unwrap();
    for (info, fail) in
        [("json answer", vec![]), ("json answer with --fail billing", vec![Role::Billing])]
    {
        let site =
            Site::with(Setup { demo: Options { fail, ..Options::default() }, ..Setup::default() })
                .await;
        let body = json!({ "query": query, "variables": variables });
        let answer =
            json_of(site.client.post(site.url("/graphql")).json_body(&body).send().await.unwrap())
                .await;
        let expected: Value = serde_json::from_str(&block(info).text).unwrap();
        assert_eq!(answer, expected, "{info}: {answer:#}");
    }
}

#[test]
fn the_file_compiles_in_place_of_the_shipped_one() {
    let file = block("yaml merged").text;
    let texts = demo::files().iter().map(|(name, text)| {
        (*name, if *name == "resolvers/timeline.yaml" { file.as_str() } else { *text })
    });
    let compiled =
        cyclorama::compile::compile(&cyclorama::compile::Files::in_memory("cyclorama.yaml", texts));
    let errors: Vec<_> =
        compiled.diagnostics.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert!(errors.is_empty() && compiled.graph.is_some(), "{errors:#?}");
}

#[test]
fn the_command_prints_what_the_page_shows() {
    let block = block("console");
    let (command, shown) = block.text.split_once('\n').unwrap();
    let query = command.split('\'').nth(1).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_cyclorama"))
        .args(["explain", "--demo", "-q", query])
        .output()
        .unwrap();
    let printed = String::from_utf8(out.stdout).unwrap();
    let mut rest = printed.as_str();
    for part in shown.split("…\n").map(str::trim).filter(|part| !part.is_empty()) {
        let at =
            rest.find(part).unwrap_or_else(|| panic!("not printed:\n{part}\n\nin:\n{printed}"));
        rest = &rest[at + part.len()..];
    }
}
