//! The reference page of the files: a table of keys for each shape.

use super::walk::shapes;
use super::{FILE_KINDS, FileKind, Kind, Need, Rule, Shape};
use crate::diagnostic::Code;

/// `docs/configuration.md`.
pub fn reference() -> String {
    let mut page = String::from(
        "# Configuration reference\n\n\
         Every key of every file. This page and the JSON Schemas under `docs/schemas/` are generated from one table in the \
         code (`CYCLORAMA_UPDATE=1 cargo test --test it` rewrites them); `cyclorama check` holds files against the same table.\n\n\
         Durations are written `250ms`, `5s`, `2m`, `1h`, `30d`; sizes `1000`, `64KiB`, `2MiB`, `1GiB`. Anchors, aliases, merge keys \
         and tags of YAML are refused.\n",
    );
    let mut seen = Vec::new();
    for file in FILE_KINDS {
        section(&mut page, file, &mut seen);
    }
    page.push_str("\n## Diagnostics\n\nWhat `cyclorama check` can say, by code.\n\n| code | means |\n|---|---|\n");
    for code in Code::ALL {
        page.extend([format!("| `{}` | {} |\n", code.as_str(), cell(code.doc()))]);
    }
    page
}

fn section(page: &mut String, file: &FileKind, seen: &mut Vec<&'static str>) {
    page.extend([format!(
        "\n## {}\n\nFor editors: `# yaml-language-server: $schema=…/docs/schemas/{}`, as `cyclorama check` prints it with `--json-schema`.\n",
        file.title, file.schema_file
    )]);
    for shape in shapes(file) {
        if seen.contains(&shape.name) {
            continue;
        }
        seen.push(shape.name);
        table(page, shape);
    }
}

fn table(page: &mut String, shape: &Shape) {
    page.extend([format!(
        "\n### {}\n\n{}\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
        shape.name.replace('_', " "),
        shape.doc
    )]);
    for key in shape.keys {
        let default = match key.need {
            Need::Required => "required".to_owned(),
            Need::Optional => String::new(),
            Need::Default(value) => format!("`{value}`"),
        };
        page.extend([format!(
            "| `{}` | {} | {default} | {} |\n",
            key.name,
            cell(&kind(&key.kind)),
            cell(key.doc)
        )]);
    }
    for rule in shape.rules {
        let (words, names) = match rule {
            Rule::Exactly(names) => ("Exactly one of", names),
            Rule::AtLeast(names) => ("At least one of", names),
            Rule::AtMost(names) => ("At most one of", names),
        };
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        page.extend([format!("\n{words} {}.\n", names.join(", "))]);
    }
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Text(what) | Kind::Json(what) => (*what).to_owned(),
        Kind::Constant => "a single value".to_owned(),
        Kind::Bool => "`true` or `false`".to_owned(),
        Kind::Integer { min, max } => format!("{min} to {max}"),
        Kind::Duration => "duration".to_owned(),
        Kind::Size => "size".to_owned(),
        Kind::Word(words) => {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::List(item) => format!("list of: {}", self::kind(item)),
        Kind::OneOrMore(item) => format!("{}, or a list", self::kind(item)),
        Kind::Map(what, item) => format!("by {what}: {}", self::kind(item)),
        Kind::Struct(shape) => {
            format!("[{0}](#{1})", shape.name.replace('_', " "), shape.name.replace('_', "-"))
        }
        Kind::Either(single, map) => format!("{} or {}", self::kind(single), self::kind(map)),
        Kind::Mapping => "mapping".to_owned(),
        Kind::TypeMapping => {
            "mappings by field and slot, or a `case` for an abstract type".to_owned()
        }
        Kind::RequestValue => "request value".to_owned(),
    }
}

/// A table's cell cannot hold a bar.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
