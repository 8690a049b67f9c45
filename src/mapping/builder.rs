//! The tape's other writer, for readers of formats other than JSON.

use super::json;
use super::payload::{At, DecodeError, Kind, Node, Payload, ROOT};
use crate::graph::AnswerLimits;

/// Writes a payload value by value, for formats other than JSON.
///
/// Values come in document order: an object is `begin_object`, then for each member `member` and one value, then `end`; a list
/// is `begin_list`, its values, `end`. Exactly one value stands at the top.
#[derive(Debug)]
pub struct PayloadBuilder {
    payload: Payload,
    open: Vec<At>,
    depth_max: usize,
    error: Option<DecodeError>,
}

impl PayloadBuilder {
    /// A payload read from XML: in paths, `[]` over a value that is not a list yields the value itself; text counts as the
    /// number or boolean that it spells.
    pub fn xml(limits: AnswerLimits) -> Self {
        Self {
            payload: Payload { text: String::new(), nodes: Vec::new(), is_xml: true },
            open: Vec::new(),
            depth_max: limits.depth.min(json::DEPTH_MAX),
            error: None,
        }
    }

    pub fn begin_object(&mut self) {
        self.begin(Kind::Object);
    }

    pub fn begin_list(&mut self) {
        self.begin(Kind::List);
    }

    /// Closes the innermost open object or list.
    pub fn end(&mut self) {
        let next = self.here();
        match self.open.pop() {
            Some(at) => {
                if let Some(node) = self.payload.nodes.get_mut(at as usize) {
                    node.next = next;
                }
            }
            None => self.fail("an open object or list"),
        }
    }

    /// The name of the next value; inside an object only. A name is used once in an object.
    pub fn member(&mut self, name: &str) {
        self.push(Kind::Name, name);
    }

    pub fn text(&mut self, text: &str) {
        self.count();
        self.push(Kind::Raw, text);
    }

    pub fn null(&mut self) {
        self.count();
        self.push(Kind::Null, "");
    }

    /// The payload, unless a limit was passed or the calls did not make one value.
    pub fn finish(mut self) -> Result<Payload, DecodeError> {
        if self.payload.nodes.is_empty() {
            return Err(self.error.unwrap_or(DecodeError::Empty));
        }
        if !self.open.is_empty() || self.payload.node(ROOT).next != self.here() {
            self.fail("one whole value");
        }
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.payload),
        }
    }

    fn begin(&mut self, kind: Kind) {
        self.count();
        let at = self.here();
        if self.open.len() >= self.depth_max {
            self.error.get_or_insert(DecodeError::TooDeep { limit: self.depth_max });
        }
        self.push(kind, "");
        if let Some(node) = self.payload.nodes.get_mut(at as usize) {
            (node.start, node.end) = (0, 0);
        }
        self.open.push(at);
    }

    fn push(&mut self, kind: Kind, text: &str) {
        let start = self.payload.text.len();
        if self.payload.text.len() + text.len() > json::BODY_BYTES_MAX {
            self.error.get_or_insert(DecodeError::TooLarge { limit: json::BODY_BYTES_MAX });
            return;
        }
        self.payload.text.push_str(text);
        let next = self.here() + 1;
        self.payload.nodes.push(Node {
            kind,
            has_duplicates: false,
            depth: u16::try_from(self.open.len()).unwrap_or(u16::MAX),
            start: json::offset(start),
            end: json::offset(start + text.len()),
            next,
        });
    }

    /// One more value in the innermost open object or list.
    fn count(&mut self) {
        let last = self.payload.nodes.last().map(|node| node.kind);
        if let Some(at) = self.open.last()
            && let Some(parent) = self.payload.nodes.get_mut(*at as usize)
        {
            parent.start += 1;
            if parent.kind == Kind::Object && last != Some(Kind::Name) {
                self.fail("a member's name before its value");
            }
        }
    }

    fn fail(&mut self, expected: &'static str) {
        let offset = self.payload.text.len();
        self.error.get_or_insert(DecodeError::Malformed { offset, expected });
    }

    fn here(&self) -> At {
        json::offset(self.payload.nodes.len())
    }
}
