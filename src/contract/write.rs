//! A case as the text of its file: YAML for people, which reads back as the very same values.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::case::{Body, Case, Exchange, Parameters, Reply};
use crate::diagnostic::Span;

/// A map or list is written on one line up to this length.
const LINE_CHARACTERS_MAX: usize = 100;
/// Values inside each other, beyond which a body is written as text: files are read to 64.
const DEPTH_MAX: usize = 48;

const HEAD: &str = "# A contract case of Cyclorama: `cyclorama test` runs it, `cyclorama mock` serves its exchanges.\n";

impl Case {
    /// The whole file.
    pub fn to_yaml(&self) -> String {
        let mut text = HEAD.to_owned();
        let mut top = Map::new();
        top.extend(
            self.description.as_deref().map(|text| ("description".to_owned(), Value::from(text))),
        );
        top.insert("query".to_owned(), Value::from(self.query.as_str()));
        top.extend(
            self.operation.as_deref().map(|name| ("operation".to_owned(), Value::from(name))),
        );
        if !self.variables.is_empty() {
            top.insert("variables".to_owned(), Value::Object(self.variables.clone()));
        }
        if !self.headers.is_empty() {
            top.insert("headers".to_owned(), named(&self.headers));
        }
        let exchanges = self.exchanges.iter().map(Exchange::to_json).collect();
        top.insert("exchanges".to_owned(), Value::Array(exchanges));
        if let Some(calls) = &self.calls {
            top.insert("calls".to_owned(), json!(calls));
        }
        top.extend(self.expect.clone().map(|expect| ("expect".to_owned(), expect)));
        for (index, (name, value)) in top.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            write_member(&mut text, name, value, 0);
        }
        text
    }
}

/// A value as a member of the file's top: `name: …`, several lines if it needs them.
pub fn to_yaml(name: &str, value: &Value) -> String {
    let mut text = String::new();
    write_member(&mut text, name, value, 0);
    text
}

/// The text of a file with one of its top members, which stands at `span`, written anew; without a place it is put at the end.
pub fn replace_section(text: &str, span: Option<Span>, section: &str) -> String {
    let Some(span) = span.map(Span::range) else {
        let text = text.trim_end();
        return format!("{text}\n\n{section}");
    };
    let start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    // what the parser counts to a block beyond its last line is not of it; a comment in that line is
    let section_end = text.get(..span.end).unwrap_or(text).trim_end().len().max(start);
    let rest = text.get(section_end..).unwrap_or_default();
    let end = rest.find('\n').map_or(text.len(), |at| section_end + at + 1);
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    format!("{before}{section}{after}")
}

impl Exchange {
    fn to_json(&self) -> Value {
        let mut exchange = Map::new();
        exchange.insert("backend".to_owned(), Value::from(self.backend.as_str()));
        let mut request = Map::new();
        if self.request.method != "GET" {
            request.insert("method".to_owned(), Value::from(self.request.method.as_str()));
        }
        request.insert("path".to_owned(), Value::from(self.request.path.as_str()));
        match &self.request.query {
            None => drop(request.insert("query".to_owned(), Value::from("any"))),
            Some(query) if query.is_empty() => {}
            Some(query) => drop(request.insert("query".to_owned(), grouped(query))),
        }
        if !self.request.ignore.is_empty() {
            request.insert("ignore".to_owned(), json!(self.request.ignore));
        }
        if !self.request.headers.is_empty() {
            request.insert("headers".to_owned(), named(&self.request.headers));
        }
        request.extend(self.request.body.as_ref().map(body));
        exchange.insert("request".to_owned(), Value::Object(request));
        match &self.reply {
            Reply::Fails(fault) => {
                exchange.insert("fails".to_owned(), Value::from(fault.as_str()));
            }
            Reply::Answer { status, headers, body: answer } => {
                let mut response = Map::new();
                if *status != 200 || answer.is_none() {
                    response.insert("status".to_owned(), Value::from(*status));
                }
                if !headers.is_empty() {
                    response.insert("headers".to_owned(), named(headers));
                }
                response.extend(answer.as_ref().map(body));
                exchange.insert("response".to_owned(), Value::Object(response));
            }
        }
        Value::Object(exchange)
    }
}

fn body(body: &Body) -> (String, Value) {
    let value = match body {
        Body::Form(form) => return ("form".to_owned(), grouped(form)),
        Body::Text(text) => Value::from(text.as_str()),
        Body::Tree(tree) if may_be_yaml(tree, 0) => tree.clone(),
        // what the files' YAML has no words for is JSON in a text
        Body::Tree(tree) => Value::from(tree.to_string()),
    };
    ("body".to_owned(), value)
}

fn may_be_yaml(value: &Value, depth: usize) -> bool {
    let is_fine = |value: &Value| may_be_yaml(value, depth + 1);
    match value {
        _ if depth > DEPTH_MAX => false,
        Value::Array(items) => items.iter().all(is_fine),
        Value::Object(members) => {
            members.iter().all(|(name, value)| name != "<<" && is_fine(value))
        }
        // only a map or list is a tree
        _ => depth > 0,
    }
}

fn named(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}

/// A name that occurs several times has a list.
fn grouped(pairs: &Parameters) -> Value {
    let mut members: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        let value = Value::from(value.as_str());
        match members.get_mut(name) {
            None => drop(members.insert(name.clone(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(members)
}

fn write_member(out: &mut String, name: &str, value: &Value, indent: usize) {
    // writing to a string cannot fail
    write!(out, "{:indent$}{}:", "", scalar(name)).ok();
    write_value(out, value, indent);
}

/// What stands behind `name:` or `-`, its line's end included.
fn write_value(out: &mut String, value: &Value, indent: usize) {
    if let Some(line) = one_line(value)
        && line.chars().count() + indent <= LINE_CHARACTERS_MAX
    {
        writeln!(out, " {line}").ok();
        return;
    }
    match value {
        Value::Object(members) => {
            out.push('\n');
            for (name, value) in members {
                write_member(out, name, value, indent + 2);
            }
        }
        Value::Array(items) => {
            out.push('\n');
            for item in items {
                write_item(out, item, indent + 2);
            }
        }
        Value::String(text) if is_block(text) => {
            out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
            let indent = indent + 2;
            for line in text.trim_end_matches('\n').split('\n') {
                if line.is_empty() {
                    out.push('\n');
                } else {
                    writeln!(out, "{:indent$}{line}", "").ok();
                }
            }
        }
        other => {
            writeln!(out, " {}", written(other)).ok();
        }
    }
}

/// An item of a list; the first member of a map stands in the line of its dash.
fn write_item(out: &mut String, item: &Value, indent: usize) {
    let line = one_line(item).filter(|line| line.chars().count() + indent <= LINE_CHARACTERS_MAX);
    match item {
        Value::Object(members) if line.is_none() => {
            for (index, (name, value)) in members.iter().enumerate() {
                let dash = if index == 0 { "- " } else { "  " };
                write!(out, "{:indent$}{dash}{}:", "", scalar(name)).ok();
                write_value(out, value, indent + 2);
            }
        }
        _ => {
            write!(out, "{:indent$}-", "").ok();
            write_value(out, item, indent);
        }
    }
}

/// A value on one line, if it has nothing inside what it has inside.
fn one_line(value: &Value) -> Option<String> {
    let is_flat = |value: &Value| match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => !is_block(text),
        _ => true,
    };
    match value {
        Value::Object(members) if members.is_empty() => Some("{}".to_owned()),
        Value::Array(items) if items.is_empty() => Some("[]".to_owned()),
        Value::Object(members) => members.values().all(is_flat).then(|| {
            let members = members.iter();
            let members: Vec<String> = members
                .map(|(name, value)| format!("{}: {}", scalar(name), written(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }),
        Value::Array(items) => items.iter().all(is_flat).then(|| {
            let items: Vec<String> = items.iter().map(written).collect();
            format!("[{}]", items.join(", "))
        }),
        Value::String(text) if is_block(text) => None,
        other => Some(written(other)),
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        other => other.to_string(),
    }
}

/// Text that is better read over several lines, and can be: no line begins with a space or ends with one, no odd character.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.starts_with([' ', '\n'])
        && !body.ends_with('\n')
        && text.chars().all(|letter| letter == '\n' || !is_odd(letter))
        && body.split('\n').all(|line| !line.ends_with(' '))
}

fn is_odd(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Plain where no reader of YAML could take it for anything but this text.
fn scalar(text: &str) -> String {
    let is_word = |letter: char| letter.is_alphabetic() || letter == '_' || letter == '/';
    let is_inside =
        |letter: char| is_word(letter) || letter.is_ascii_digit() || ".@+-".contains(letter);
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_plain = text.starts_with(is_word)
        && text.split(' ').all(|word| !word.is_empty() && word.chars().all(is_inside))
        && !words.contains(&text.to_lowercase().as_str());
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::new();
    for letter in Value::from(text).to_string().chars() {
        // JSON leaves these as they are, YAML takes some of them for line ends
        if is_odd(letter) {
            write!(quoted, "\\u{:04x}", u32::from(letter)).ok();
        } else {
            quoted.push(letter);
        }
    }
    quoted
}
