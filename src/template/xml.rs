//! SOAP envelopes: the XML that a user has from their SOAP tool, with minijinja expressions; every value escaped.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Value as Item, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde_json::Value;

use super::{Expression, Read, Scope, TemplateError, refused, unique, whole};
use crate::error::BackendError;

/// What an envelope template may name.
const ROOTS: [&str; 7] = ["key", "keys", "args", "fields", "vars", "header", "claims"];
/// The environment's own functions.
const FUNCTIONS: [&str; 3] = ["range", "dict", "namespace"];
/// Steps of one rendering: a loop over a full chunk of keys costs a few thousand.
const FUEL: u64 = 2_000_000;
/// The largest envelope that is sent: a loop over keys writes its own text as often as there are keys.
const OUTPUT_BYTES_MAX: usize = 4 * 1024 * 1024;
const NAME: &str = "envelope";
/// What the formatter's error carries when a value cannot be written in XML.
const FORBIDDEN: &str = "a value holds a character that XML does not allow";

/// A minijinja template whose values are escaped for XML.
///
/// It reads `key`, `keys`, `args.…`, `fields`, `vars.…`, `header.…`, `claims.…`. A null is written as nothing. There is no way
/// to write a value without escaping it.
#[derive(Clone, Debug)]
pub struct XmlTemplate {
    environment: Arc<Environment<'static>>,
    reads: Vec<Read>,
}

impl XmlTemplate {
    pub fn compile(text: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_formatter(write_escaped);
        for filter in ["safe", "escape", "e"] {
            environment.remove_filter(filter);
        }
        environment
            .add_template_owned(NAME, text.to_owned())
            .map_err(|error| TemplateError::new(line_start(text, error.line()), message(&error)))?;
        let names = environment
            .get_template(NAME)
            .map(|template| template.undeclared_variables(true))
            .map_err(|error| TemplateError::new(0, message(&error)))?;
        let mut reads = Vec::new();
        for name in &names {
            reads.extend(read_of(name).map_err(|message| {
                TemplateError::new(text.find(name.as_str()).unwrap_or(0), message)
            })?);
        }
        Ok(Self { environment: Arc::new(environment), reads: unique(reads) })
    }

    pub fn render(&self, scope: &Scope<'_>) -> Result<String, BackendError> {
        let context = self.context(scope)?;
        let mut written = Bounded::default();
        let rendered = self
            .environment
            .get_template(NAME)
            .and_then(|template| template.render_captured_to(context, &mut written).map(drop));
        if written.is_full {
            return Err(refused(format!("the envelope is larger than {OUTPUT_BYTES_MAX} bytes")));
        }
        let rendered = rendered.map(|()| written.bytes).map_err(|error| {
            let place = error
                .line()
                .map_or_else(String::new, |line| format!(" (line {line} of the envelope)"));
            let what = if error.detail() == Some(FORBIDDEN) {
                FORBIDDEN.to_owned()
            } else {
                error.kind().to_string()
            };
            refused(format!("{what}{place}"))
        })?;
        let text = String::from_utf8(rendered).map_err(|_| refused("the envelope is not UTF-8"))?;
        whole::check(&text).map(|()| text)
    }

    /// What keeps the envelope from being XML whatever the values are, and the byte where it is.
    pub fn fault(text: &str) -> Option<(usize, &'static str)> {
        Self::outline(text).and_then(|outline| whole::fault(&outline))
    }

    /// The envelope as it is whatever the values are: expressions as plain text, statements and comments as blanks, every
    /// byte in its place. `None` if what is written depends on conditions.
    pub(super) fn outline(text: &str) -> Option<String> {
        let mut outline = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, kind)) = next_tag(rest) {
            outline.push_str(rest.get(..before)?);
            let tag = rest.get(before..)?;
            let length = tag_length(tag, kind);
            let (inside, after) = tag.split_at_checked(length)?;
            let word = inside.trim_start_matches(['{', '%', '-', '+', ' ', '\n']);
            if kind == '%' && !["for", "endfor", "set"].iter().any(|one| word.starts_with(one)) {
                return None;
            }
            let fill = if kind == '{' { 'x' } else { ' ' };
            outline.extend(inside.bytes().map(|byte| if byte == b'\n' { '\n' } else { fill }));
            rest = after;
        }
        outline.push_str(rest);
        Some(outline)
    }

    pub fn reads(&self) -> Vec<Read> {
        self.reads.clone()
    }

    /// Only what the template reads is put into its context; what is not known is null.
    fn context(&self, scope: &Scope<'_>) -> Result<Item, BackendError> {
        let mut roots: BTreeMap<&str, Item> = BTreeMap::new();
        let mut arguments = Value::Object(scope.inputs.arguments.clone());
        let mut named: BTreeMap<&str, BTreeMap<Arc<str>, Item>> =
            ["vars", "header", "claims"].map(|root| (root, BTreeMap::new())).into();
        for read in &self.reads {
            let (root, name, value) = match read {
                Read::Key => {
                    roots.insert("key", item(&Expression::Key { part: None }.evaluate(scope)?));
                    continue;
                }
                Read::Keys => {
                    roots.insert("keys", item(&Expression::Keys.evaluate(scope)?));
                    continue;
                }
                Read::Fields => {
                    roots.insert("fields", item(&Expression::Fields.evaluate(scope)?));
                    continue;
                }
                Read::Argument { path, .. } => {
                    fill(&mut arguments, path);
                    continue;
                }
                Read::Header(name) => {
                    ("header", name, Expression::Header(Arc::clone(name)).evaluate(scope)?)
                }
                Read::Claim(name) => {
                    ("claims", name, Expression::Claim(Arc::clone(name)).evaluate(scope)?)
                }
                Read::Variable(name) => ("vars", name, scope.variable(name)?),
            };
            if let Some(names) = named.get_mut(root) {
                names.insert(Arc::clone(name), item(&value));
            }
        }
        roots.insert("args", item(&arguments));
        for (root, values) in named {
            roots.insert(root, Item::from_pairs(values));
        }
        Ok(Item::from_pairs(roots))
    }
}

/// Where the next `{{`, `{%` or `{#` is, and which.
fn next_tag(text: &str) -> Option<(usize, char)> {
    let at = |(at, _)| Some((at, char::from(*text.as_bytes().get(at + 1)?)));
    text.match_indices('{').filter_map(at).find(|(_, kind)| matches!(kind, '{' | '%' | '#'))
}

/// How long a tag is, its end included; an end inside of a quoted text is none.
fn tag_length(tag: &str, kind: char) -> usize {
    let end = match kind {
        '{' => "}}",
        '%' => "%}",
        _ => "#}",
    };
    let mut quote = None;
    for (at, character) in tag.char_indices().skip(2) {
        match quote {
            Some(open) if open == character => quote = None,
            None if kind != '#' && matches!(character, '"' | '\'') => quote = Some(character),
            None if tag.get(at..).is_some_and(|rest| rest.starts_with(end)) => return at + 2,
            _ => {}
        }
    }
    tag.len()
}

/// Takes an envelope up to its largest size.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_BYTES_MAX {
            self.is_full = true;
            return Err(std::io::Error::other("the envelope is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// `args.input.name` → what it reads; the reason if it reads nothing that there is.
fn read_of(name: &str) -> Result<Option<Read>, String> {
    let mut words = name.split('.');
    let root = words.next().unwrap_or_default();
    let path: Vec<Arc<str>> = words.map(Arc::from).collect();
    let one = || match path.as_slice() {
        [name] => Ok(Arc::clone(name)),
        _ => Err(format!("`{name}`: write `{root}.name`")),
    };
    Ok(Some(match root {
        "key" => Read::Key,
        "keys" => Read::Keys,
        "fields" => Read::Fields,
        "args" if path.is_empty() => {
            return Err("`args` alone: name the argument, `args.name`".to_owned());
        }
        "args" => Read::Argument { path, id_of: None },
        "vars" => Read::Variable(one()?),
        "header" => Read::Header(Arc::from(one()?.to_ascii_lowercase())),
        "claims" => Read::Claim(one()?),
        root if FUNCTIONS.contains(&root) => return Ok(None),
        root => return Err(format!("`{root}` is not one of {}", ROOTS.join(", "))),
    }))
}

/// Makes every member on the way to `path` exist, so that an argument that was left out reads as null.
fn fill(value: &mut Value, path: &[Arc<str>]) {
    let Some((first, rest)) = path.split_first() else { return };
    if value.is_null() {
        *value = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(members) = value {
        fill(members.entry(&**first).or_insert(Value::Null), rest);
    }
}

fn item(value: &Value) -> Item {
    match value {
        Value::Null => Item::from(()),
        Value::Bool(flag) => Item::from(*flag),
        Value::String(text) => Item::from(text.as_str()),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Item::from(number),
            (None, Some(number)) => Item::from(number),
            // Digits stay as the client wrote them.
            (None, None) => Item::from(number.to_string()),
        },
        Value::Array(items) => items.iter().map(item).collect(),
        Value::Object(members) => {
            Item::from_pairs(members.iter().map(|(name, value)| (name.as_str(), item(value))))
        }
    }
}

fn write_escaped(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Item) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => return Ok(()),
        ValueKind::String | ValueKind::Number | ValueKind::Bool => {}
        _ => {
            return Err(Error::new(
                ErrorKind::BadEscape,
                "a list or an object stands where text is needed",
            ));
        }
    }
    let text = value.to_string();
    for character in text.chars() {
        let written = match character {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&apos;"),
            // As references, or an attribute's value would be normalized.
            '\t' | '\n' | '\r' => write!(out, "&#{};", u32::from(character)),
            character if is_forbidden(character) => {
                return Err(Error::new(ErrorKind::BadEscape, FORBIDDEN));
            }
            character => write!(out, "{character}"),
        };
        written.map_err(|_| Error::from(ErrorKind::WriteFailure))?;
    }
    Ok(())
}

/// The characters that XML 1.0 has no way to write.
pub(crate) fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn line_start(text: &str, line: Option<usize>) -> usize {
    let before = line.unwrap_or(1).saturating_sub(1);
    text.split_inclusive('\n').take(before).map(str::len).sum()
}

fn message(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned)
}
