//! The JSON reader: one pass over a body, iterative, no allocation for a value.

use super::escape::{Escapes, plain_length, unescape};
use super::names::Names;
use super::payload::{At, DecodeError, Kind, Node};
use super::sibling::Sibling;

/// Offsets are 32 bits wide.
pub(super) const BODY_BYTES_MAX: usize = 1 << 30;
/// Depths are 16 bits wide.
pub(super) const DEPTH_MAX: usize = 1 << 15;

/// Reads one JSON text to an empty tape. Gives the text of the strings that could not stay where they are: its offsets go on
/// where the body ends.
pub(super) fn decode(
    text: &str,
    depth_max: usize,
    nodes: &mut Vec<Node>,
) -> Result<String, DecodeError> {
    let bytes = text.as_bytes();
    nodes.reserve(bytes.len() / 8 + 4);
    let mut reader = Reader {
        text,
        bytes,
        at: if text.starts_with('\u{feff}') { 3 } else { 0 },
        nodes,
        open: Vec::new(),
        names: Names::new(),
        depth_max: depth_max.min(DEPTH_MAX),
        rewritten: String::new(),
    };
    reader.skip_space();
    if reader.at >= bytes.len() {
        return Err(DecodeError::Empty);
    }
    reader.document()?;
    Ok(reader.rewritten)
}

pub(super) fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: &'a mut Vec<Node>,
    open: Vec<Open>,
    names: Names,
    depth_max: usize,
    rewritten: String,
}

struct Open {
    node: At,
    is_object: bool,
    /// Members or elements so far.
    count: u32,
    /// Where the names of this object begin in `names`.
    names: usize,
    sibling: Sibling,
}

/// What comes after a token.
enum Then {
    Value,
    AfterValue,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<(), DecodeError> {
        let mut then = Then::Value;
        loop {
            self.skip_space();
            then = match then {
                Then::Value => self.value()?,
                Then::AfterValue if self.open.is_empty() => break,
                Then::AfterValue => self.after_value()?,
            };
        }
        if self.at < self.bytes.len() { Err(self.expected("the end of the body")) } else { Ok(()) }
    }

    fn value(&mut self) -> Result<Then, DecodeError> {
        if let Some(open) = self.open.last_mut() {
            open.count += 1;
            if !open.is_object {
                open.sibling.element(offset(self.nodes.len()));
            }
        }
        match self.byte() {
            b'{' => return self.begin(Kind::Object),
            b'[' => return self.begin(Kind::List),
            b'"' => self.string()?,
            b't' => self.word("true", Kind::True)?,
            b'f' => self.word("false", Kind::False)?,
            b'n' => self.word("null", Kind::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            b'<' if self.nodes.is_empty() => return Err(self.expected("JSON, not HTML or XML,")),
            _ => return Err(self.expected("a JSON value")),
        }
        Ok(Then::AfterValue)
    }

    fn after_value(&mut self) -> Result<Then, DecodeError> {
        let is_object = self.open.last().is_some_and(|open| open.is_object);
        match (self.byte(), is_object) {
            (b',', true) => {
                self.at += 1;
                self.member()?;
                Ok(Then::Value)
            }
            (b',', false) => {
                self.at += 1;
                Ok(Then::Value)
            }
            (b'}', true) | (b']', false) => {
                self.end();
                Ok(Then::AfterValue)
            }
            (_, true) => Err(self.expected("`,` or `}`")),
            (_, false) => Err(self.expected("`,` or `]`")),
        }
    }

    fn begin(&mut self, kind: Kind) -> Result<Then, DecodeError> {
        if self.open.len() >= self.depth_max {
            return Err(DecodeError::TooDeep { limit: self.depth_max });
        }
        let node = offset(self.nodes.len());
        self.push(kind, 0, 0);
        let is_object = kind == Kind::Object;
        let like = self.open.last().map_or(0, |open| open.sibling.value);
        let sibling = Sibling::of(self.nodes, like, kind);
        self.open.push(Open { node, is_object, count: 0, names: self.names.len(), sibling });
        self.at += 1;
        self.skip_space();
        if self.byte() == if is_object { b'}' } else { b']' } {
            self.end();
            return Ok(Then::AfterValue);
        }
        if is_object {
            self.member()?;
        }
        Ok(Then::Value)
    }

    fn end(&mut self) {
        self.at += 1;
        let Some(open) = self.open.pop() else { return };
        let has_duplicates = open.is_object
            && !open.sibling.has_same_names
            && self.names.close(open.names, self.open.len());
        let next = offset(self.nodes.len());
        let layout = if open.is_object && !has_duplicates {
            open.sibling.layout(self.nodes, open.node, open.count)
        } else {
            0
        };
        if let Some(node) = self.nodes.get_mut(open.node as usize) {
            (node.start, node.end, node.next) = (open.count, layout, next);
            node.has_duplicates = has_duplicates;
        }
    }

    /// A member's name and the colon after it.
    fn member(&mut self) -> Result<(), DecodeError> {
        let Some(open) = self.open.last_mut() else { return self.name() };
        let known = open.sibling.member(self.nodes, self.bytes, self.at, open.node);
        let Some(colon) = known else { return self.name() };
        self.push(Kind::Name, self.at + 1, colon - 1);
        self.at = colon + 1;
        Ok(())
    }

    #[inline(never)]
    fn name(&mut self) -> Result<(), DecodeError> {
        self.skip_space();
        if self.byte() != b'"' {
            return Err(self.expected("a member's name in quotes"));
        }
        let start = self.at + 1;
        if let Some(end) = self.name_of_sibling(start) {
            self.at = end + 1;
            self.push(Kind::Name, start, end);
        } else {
            self.other_name(start)?;
        }
        self.skip_space();
        if self.byte() != b':' {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Where the name ends, if it is that of the record before. With the first that is not, all names so far are remembered.
    fn name_of_sibling(&mut self, start: usize) -> Option<usize> {
        let open = self.open.last_mut()?;
        let was_same = open.sibling.has_same_names;
        let end = open.sibling.name(self.nodes, self.bytes, start, open.node);
        if was_same && end.is_none() {
            let mut at = open.node as usize + 1;
            while let (Some(name), Some(value)) = (self.nodes.get(at), self.nodes.get(at + 1)) {
                let text = self.bytes.get(name.start as usize..name.end as usize);
                self.names.push(text.unwrap_or_default());
                at = value.next as usize;
            }
        }
        end
    }

    fn other_name(&mut self, start: usize) -> Result<(), DecodeError> {
        let (end, escapes) = self.scan_string()?;
        let text = self.text.get(start..end).unwrap_or_default();
        if escapes == Escapes::None {
            self.names.push(text.as_bytes());
            self.push(Kind::Name, start, end);
        } else {
            let text = unescape(text);
            self.names.push(text.as_bytes());
            self.push_rewritten(Kind::Name, &text);
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), DecodeError> {
        let start = self.at + 1;
        let end = start + plain_length(self.bytes.get(start..).unwrap_or_default());
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            self.push(Kind::Plain, start, end);
            return Ok(());
        }
        let (end, escapes) = self.scan_string()?;
        match escapes {
            Escapes::None => self.push(Kind::Plain, start, end),
            Escapes::Whole => self.push(Kind::Escaped, start, end),
            Escapes::Broken => {
                let text = unescape(self.text.get(start..end).unwrap_or_default());
                self.push_rewritten(Kind::Raw, &text);
            }
        }
        Ok(())
    }

    /// From the opening quote to behind the closing one. Gives where the text ends and what escapes it has.
    fn scan_string(&mut self) -> Result<(usize, Escapes), DecodeError> {
        self.at += 1;
        let mut escapes = Escapes::None;
        loop {
            self.at += plain_length(self.bytes.get(self.at..).unwrap_or_default());
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok((self.at - 1, escapes));
                }
                b'\\' => escapes = escapes.max(self.escape()?),
                _ if self.at >= self.bytes.len() => {
                    return Err(self.expected("the end of a string"));
                }
                _ => return Err(self.expected("an escape instead of a control character")),
            }
        }
    }

    fn escape(&mut self) -> Result<Escapes, DecodeError> {
        self.at += 1;
        match self.byte() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.at += 1;
                Ok(Escapes::Whole)
            }
            b'u' => {
                let unit = self.hex4()?;
                let is_low = |unit: u16| (0xdc00..0xe000).contains(&unit);
                if is_low(unit) {
                    return Ok(Escapes::Broken);
                }
                if !(0xd800..0xdc00).contains(&unit) {
                    return Ok(Escapes::Whole);
                }
                if self.byte() == b'\\' && self.bytes.get(self.at + 1) == Some(&b'u') {
                    let back = self.at;
                    self.at += 1;
                    if is_low(self.hex4()?) {
                        return Ok(Escapes::Whole);
                    }
                    self.at = back;
                }
                Ok(Escapes::Broken)
            }
            _ => Err(self.expected("an escape that JSON knows")),
        }
    }

    /// From the `u` to behind its four digits.
    fn hex4(&mut self) -> Result<u16, DecodeError> {
        self.at += 1;
        let mut unit = 0_u16;
        for _ in 0..4 {
            let Some(digit) = char::from(self.byte()).to_digit(16) else {
                return Err(self.expected("four hexadecimal digits"));
            };
            unit = unit << 4 | u16::try_from(digit).unwrap_or_default();
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), DecodeError> {
        let start = self.at;
        if self.byte() == b'-' {
            self.at += 1;
        }
        if self.byte() == b'0' {
            self.at += 1;
            if self.byte().is_ascii_digit() {
                return Err(self.expected("a number without leading zero"));
            }
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(Kind::Number, start, self.at);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), DecodeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| !byte.is_ascii_digit());
        match end.unwrap_or(rest.len()) {
            0 => Err(self.expected("a digit")),
            count => {
                self.at += count;
                Ok(())
            }
        }
    }

    fn word(&mut self, word: &'static str, kind: Kind) -> Result<(), DecodeError> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(self.expected("a JSON value"));
        }
        let start = self.at;
        self.at += word.len();
        self.push(kind, start, self.at);
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = offset(self.nodes.len() + 1);
        // `depth_max` keeps the depth within 16 bits
        let depth = u16::try_from(self.open.len()).unwrap_or(u16::MAX);
        self.nodes.push(Node {
            kind,
            has_duplicates: false,
            depth,
            start: offset(start),
            end: offset(end),
            next,
        });
    }

    fn push_rewritten(&mut self, kind: Kind, text: &str) {
        let start = self.bytes.len() + self.rewritten.len();
        self.rewritten.push_str(text);
        self.push(kind, start, start + text.len());
    }

    #[inline]
    fn skip_space(&mut self) {
        if self.byte() > b' ' {
            return;
        }
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// The byte here; zero at the end, which is no more welcome in JSON than a zero in the body.
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or_default()
    }

    fn expected(&self, expected: &'static str) -> DecodeError {
        DecodeError::Malformed { offset: self.at, expected }
    }
}
