//! The table of coercions, held against both sides.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cyclorama::operation::{coerce_variables, prepare};
use serde_json::{Map, Value, json};

use super::compare::numbers_as_floats;
use super::sides::{Ours, Reference, Verdict};
use super::subject::{Replies, Subject};

const TABLE: &str = include_str!("../../oracle/coercion.txt");
const TYPES: &str = "scalar JSON scalar Date scalar Decimal enum Color { RED GREEN }
input In { int: Int = 1 must: Int! list: [Int!] sub: In } input Pick @oneOf { int: Int text: String in: In }
";

#[derive(Debug, PartialEq, Eq)]
enum Form {
    Literal,
    Variable,
    VariableLeftOut,
    LeftOut,
    Result,
}

struct Line<'a> {
    text: &'a str,
    /// With its default.
    ty: &'a str,
    form: Form,
    value: String,
    result: &'a str,
    reference: &'a str,
}

impl<'a> Line<'a> {
    fn read(text: &'a str) -> Self {
        let columns: Vec<&str> = text.split(';').map(str::trim).collect();
        let [ty, form, rest @ ..] = columns.as_slice() else { panic!("too few columns: {text}") };
        let form = match *form {
            "literal" => Form::Literal,
            "variable" => Form::Variable,
            "variable left out" => Form::VariableLeftOut,
            "left out" => Form::LeftOut,
            "result" => Form::Result,
            other => panic!("no form: {other}"),
        };
        let value = rest.first().copied().unwrap_or_default();
        // lines of a block string, and of a string that ends too late
        let value =
            if form == Form::Literal && (value.starts_with("\"\"\"") || !value.ends_with('"')) {
                value.replace("\\n", "\n")
            } else {
                value.to_owned()
            };
        let result = rest.get(1).copied().unwrap_or_else(|| panic!("no result: {text}"));
        assert!(rest.len() != 3, "a departure has a reason: {text}");
        Self { text, ty, form, value, result, reference: rest.get(2).copied().unwrap_or(result) }
    }

    /// The type without a default.
    fn named(&self) -> &'a str {
        self.ty.split_once(" = ").map_or(self.ty, |(ty, _)| ty)
    }

    fn document(&self, field: &str) -> String {
        match self.form {
            Form::Literal => format!("{{ {field}(x: {}) }}", self.value),
            Form::LeftOut => format!("{{ {field} }}"),
            Form::Variable => format!("query($x: {}) {{ {field}(x: $x) }}", self.named()),
            Form::VariableLeftOut => {
                format!("query($x: {}) {{ {field}(x: $x) }}", self.named())
            }
            Form::Result => format!("{{ row {{ {} }} }}", result_field(self.ty)),
        }
    }

    fn variables(&self) -> Map<String, Value> {
        let mut variables = Map::new();
        if self.form == Form::Variable {
            variables.insert("x".to_owned(), serde_json::from_str(&self.value).expect("JSON"));
        }
        variables
    }
}

fn result_field(ty: &str) -> String {
    format!("r{ty}")
}

/// A schema with a field for each type of the table.
fn files<'a>(lines: &[Line<'a>]) -> (Vec<&'a str>, [(&'static str, String); 4]) {
    let inputs: BTreeSet<&str> =
        lines.iter().filter(|line| line.form != Form::Result).map(|line| line.ty).collect();
    let inputs: Vec<&str> = inputs.into_iter().collect();
    let results: BTreeSet<&str> =
        lines.iter().filter(|line| line.form == Form::Result).map(|line| line.ty).collect();
    let mut sdl = String::from(TYPES);
    let mut fields = Map::new();
    sdl.push_str("type Query { row: Row");
    fields.insert("Query.row".to_owned(), json!({ "call": "row" }));
    for (number, ty) in inputs.iter().enumerate() {
        write!(sdl, " f{number}(x: {ty}): JSON").unwrap();
        fields.insert(format!("Query.f{number}"), json!({ "call": "value", "value": "." }));
    }
    sdl.push_str(" }\ntype Row {");
    let mut slots = Map::new();
    for ty in results {
        write!(sdl, " {}: {ty}", result_field(ty)).unwrap();
        slots.insert(result_field(ty), json!(".value"));
    }
    sdl.push_str(" }\n");
    let owned: Vec<&String> = fields.keys().collect();
    let roles = json!({ "roles": { "one": { "fields": owned } } }).to_string();
    let vendor = json!({
        "role": "one", "protocol": "rest", "url": "http://backend.test",
        "calls": { "row": { "get": "/row" }, "value": { "get": "/value" } },
        "types": { "Row": slots }, "fields": fields,
    });
    let deployment = include_str!("../../oracle/torture/cyclorama.yaml").to_owned();
    let files = [
        ("cyclorama.yaml", deployment),
        ("schema/schema.graphql", sdl),
        ("resolvers/roles.yaml", roles),
        ("resolvers/one/torture.yaml", vendor.to_string()),
    ];
    (inputs, files)
}

/// What this engine makes of a value.
fn ours(line: &Line<'_>, document: &str, subject: &Subject, engine: &Ours) -> String {
    if line.form == Form::Result {
        let mut replies = Replies::new();
        let body = format!("{{\"value\":{}}}", line.value);
        replies.insert("/row".to_owned(), (200, body.into_bytes()));
        engine.hold(&json!({}), &std::sync::Arc::new(replies));
        let Verdict::Answered { data, paths, .. } = engine.ask(document, &Map::new()) else {
            return "not answered".to_owned();
        };
        if !paths.is_empty() {
            return "refused".to_owned();
        }
        let start = format!("{{\"row\":{{\"{}\":", result_field(line.ty));
        return data
            .strip_prefix(&start)
            .and_then(|rest| rest.strip_suffix("}}"))
            .unwrap_or(&data)
            .to_owned();
    }
    let graph = &subject.graph;
    let Ok(operation) = prepare(graph, document, None) else { return "refused".to_owned() };
    let Ok(variables) = coerce_variables(graph, &operation, &line.variables()) else {
        return "refused".to_owned();
    };
    match operation.root.branches[0].fields[0].arguments(&variables) {
        Err(_) => "refused".to_owned(),
        Ok(arguments) => arguments.get("x").map_or("absent".to_owned(), Value::to_string),
    }
}

pub(super) fn the_table_holds() {
    let texts = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<Line<'_>> = texts.map(Line::read).collect();
    let (types, files) = files(&lines);
    let subject = Subject::of_files("table", &files);
    let engine = Ours::over(&subject);
    let documents: Vec<String> = lines
        .iter()
        .map(|line| {
            let number = types.iter().position(|ty| *ty == line.ty).unwrap_or_default();
            line.document(&format!("f{number}"))
        })
        .collect();
    let told: Vec<Value> = lines
        .iter()
        .zip(&documents)
        .map(|(line, document)| {
            let result = (line.form == Form::Result).then_some(line.ty);
            let value: Value = match result {
                Some(_) => serde_json::from_str(&line.value).expect("JSON"),
                None => Value::Null,
            };
            json!({ "query": document, "variables": line.variables(), "result": result, "value": value })
        })
        .collect();
    let theirs = Reference::start().tell(&json!({ "table": told, "sdl": &*subject.graph.sdl }));
    let mut wrong = Vec::new();
    for ((line, document), theirs) in
        lines.iter().zip(&documents).zip(theirs.as_array().expect("rows"))
    {
        let ours = ours(line, document, &subject, &engine);
        if ours != line.result {
            wrong.push(format!("{}\n    here it is {ours}", line.text));
        }
        let theirs = theirs.as_str().expect("text");
        if numbers_as_floats(theirs) != numbers_as_floats(line.reference) {
            wrong.push(format!("{}\n    there it is {theirs}", line.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines.len() > 180, "{} lines", lines.len());
}
