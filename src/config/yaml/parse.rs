//! The parser's events to the tree.

use std::borrow::Cow;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{Entry, Node, Scalar, Style, Value};
use crate::diagnostic::{Code, Diagnostic, FileId, Span};

/// Maps and lists inside each other.
const NESTING_MAX: usize = 64;

/// Parses one file. `None` when nothing can be read from it; every problem is a diagnostic.
pub(crate) fn parse(file: FileId, text: &str, problems: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut builder = Builder {
        file,
        offsets: Offsets::of(text),
        open: Vec::new(),
        root: None,
        documents: 0,
        problems,
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => {
                let span = builder.span(span.start, span.end);
                if builder.event(event, span).is_err() {
                    return None;
                }
            }
            Err(error) => {
                let at = builder.span(*error.marker(), *error.marker());
                builder.problems.push(
                    Diagnostic::error(Code::YamlSyntax, "this is not YAML").at(at, error.info()),
                );
                return None;
            }
        }
    }
    let empty = Node { span: Span::new(file, 0, 0), value: Value::Map(Vec::new()) };
    Some(builder.root.filter(|root| !root.is_null()).unwrap_or(empty))
}

/// Nothing more can be read.
struct Stop;

struct Builder<'a> {
    file: FileId,
    offsets: Offsets,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    problems: &'a mut Vec<Diagnostic>,
}

/// A list or map whose end has not come yet.
enum Open {
    List { start: Span, items: Vec<Node> },
    Map { start: Span, entries: Vec<Entry>, key: Option<(Arc<str>, Span)> },
}

impl Builder<'_> {
    fn span(&self, start: Marker, end: Marker) -> Span {
        Span::new(self.file, self.offsets.byte(start.index()), self.offsets.byte(end.index()))
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.unsupported(span, "a second document");
                    return Err(Stop);
                }
            }
            Event::Alias(_) => {
                self.unsupported(span, "an alias");
                self.add(Node { span, value: null() });
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_marks(span, anchor, tag.as_ref());
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let scalar = Scalar { text: Arc::from(&*text), style, is_expanded: false };
                self.add(Node { span, value: Value::Scalar(scalar) });
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_marks(span, anchor, tag.as_ref());
                self.open(span, Open::List { start: span, items: Vec::new() })?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_marks(span, anchor, tag.as_ref());
                self.open(span, Open::Map { start: span, entries: Vec::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.add(open.close(span));
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, span: Span, open: Open) -> Result<(), Stop> {
        if self.open.len() >= NESTING_MAX {
            self.problems.push(
                Diagnostic::error(Code::YamlSyntax, "this file is nested too deeply")
                    .at(span, format!("the {NESTING_MAX}th level stands here")),
            );
            return Err(Stop);
        }
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key: key @ Some(_), .. }) => {
                if let Some((key, key_span)) = key.take() {
                    entries.push(Entry { key, key_span, value: node });
                }
            }
            Some(Open::Map { .. }) => self.key(&node),
        }
    }

    fn key(&mut self, node: &Node) {
        let text = if let Some(text) = node.text() {
            Arc::from(text)
        } else {
            self.unsupported(node.span, "a key that is not a single word");
            Arc::from("")
        };
        if &*text == "<<" {
            self.unsupported(node.span, "a merge key");
        }
        let Some(Open::Map { entries, key, .. }) = self.open.last_mut() else { return };
        let first = entries.iter().find(|entry| entry.key == text).map(|entry| entry.key_span);
        if let Some(first) = first {
            self.problems.push(
                Diagnostic::error(Code::DuplicateKey, format!("`{text}` stands here twice"))
                    .at(node.span, "the second")
                    .at(first, "the first")
                    .help("keep one of them"),
            );
        }
        *key = Some((text, node.span));
    }

    fn refuse_marks(&mut self, span: Span, anchor: usize, tag: Option<&Cow<'_, Tag>>) {
        if anchor > 0 {
            self.unsupported(span, "an anchor");
        }
        if tag.is_some() {
            self.unsupported(span, "a tag");
        }
    }

    fn unsupported(&mut self, span: Span, what: &str) {
        self.problems.push(
            Diagnostic::error(Code::YamlUnsupported, format!("{what} is not read here"))
                .at(span, "this")
                .help("write the value out where it is used"),
        );
    }
}

impl Open {
    /// `end`: the closing bracket, or an empty place after a block.
    fn close(self, end: Span) -> Node {
        let whole = |start: Span, last: Option<Span>| {
            let is_bracket = end.end > end.start;
            let end = if is_bracket { end.end } else { last.map_or(start.end, |last| last.end) };
            Span { end: end.max(start.end), ..start }
        };
        match self {
            Self::List { start, items } => Node {
                span: whole(start, items.last().map(|item| item.span)),
                value: Value::List(items),
            },
            Self::Map { start, entries, .. } => Node {
                span: whole(start, entries.last().map(|entry| entry.value.span)),
                value: Value::Map(entries),
            },
        }
    }
}

fn null() -> Value {
    Value::Scalar(Scalar { text: Arc::from(""), style: Style::Plain, is_expanded: false })
}

/// Character offsets, as the parser counts, to bytes.
struct Offsets(Option<Vec<usize>>);

impl Offsets {
    fn of(text: &str) -> Self {
        let offsets = || text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect();
        Self((!text.is_ascii()).then(offsets))
    }

    fn byte(&self, index: usize) -> usize {
        match &self.0 {
            None => index,
            Some(offsets) => offsets.get(index).or(offsets.last()).copied().unwrap_or_default(),
        }
    }
}
