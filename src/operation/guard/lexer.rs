//! Just enough of GraphQL's lexical grammar to find brackets, names and punctuation outside of strings and comments.

/// A token that the guard looks at. `Other` are numbers, strings, the remaining punctuation and bytes that are no GraphQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::operation) enum Kind {
    Open(Bracket),
    Close(Bracket),
    Name,
    Dollar,
    At,
    Colon,
    Spread,
    Other,
    /// A string that its line ends. What a parser makes of the text behind it is the parser's own.
    Unclosed,
    /// A comma or a comment: means nothing, yet a parser must step over it.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::operation) enum Bracket {
    Brace,
    Square,
    Paren,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::operation) struct Token {
    pub(in crate::operation) kind: Kind,
    pub(in crate::operation) start: usize,
    pub(in crate::operation) end: usize,
}

/// Wherever it stands it means nothing.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The tokens of a document, in one pass over its bytes.
pub(in crate::operation) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(in crate::operation) fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip_while(&mut self, mut wanted: impl FnMut(u8) -> bool) {
        while self.peek(0).is_some_and(&mut wanted) {
            self.at += 1;
        }
    }

    /// After the opening quote. A string that nobody closes ends with its line.
    fn string(&mut self) -> Kind {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\n' | b'\r' => return Kind::Unclosed,
                // no escape reaches over the end of a line
                b'\\' if !matches!(self.peek(1), Some(b'\n' | b'\r')) => self.at += 2,
                _ => self.at += 1,
            }
            if byte == b'"' {
                return Kind::Other;
            }
        }
        Kind::Unclosed
    }

    /// After the opening quotes.
    fn block_string(&mut self) {
        while self.at < self.bytes.len() {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            if rest.starts_with(b"\"\"\"") {
                self.at += 3;
                return;
            }
            self.at += if rest.starts_with(b"\\\"\"\"") { 4 } else { 1 };
        }
    }

    /// After its first byte: as far as the grammar goes (specification, section 2.9.1), so that a flood of broken numbers is
    /// as many tokens here as it is errors to the parser.
    fn number(&mut self, first: u8) {
        let mut lead = first;
        if first == b'-' {
            match self.peek(0) {
                Some(digit) if digit.is_ascii_digit() => lead = digit,
                _ => return,
            }
            self.at += 1;
        }
        if lead != b'0' {
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        if self.peek(0) == Some(b'.') && self.peek(1).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
            if self.peek(1 + sign).is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1 + sign;
                self.skip_while(|byte| byte.is_ascii_digit());
            }
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        while self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(BYTE_ORDER_MARK)) {
            self.at += BYTE_ORDER_MARK.len();
            self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        }
        let start = self.at;
        let first = self.peek(0)?;
        self.at += 1;
        let kind = match first {
            b'{' => Kind::Open(Bracket::Brace),
            b'}' => Kind::Close(Bracket::Brace),
            b'[' => Kind::Open(Bracket::Square),
            b']' => Kind::Close(Bracket::Square),
            b'(' => Kind::Open(Bracket::Paren),
            b')' => Kind::Close(Bracket::Paren),
            b'$' => Kind::Dollar,
            b'@' => Kind::At,
            b':' => Kind::Colon,
            b',' => Kind::Ignored,
            b'#' => {
                self.skip_while(|byte| !matches!(byte, b'\n' | b'\r'));
                Kind::Ignored
            }
            b'.' if self.peek(0) == Some(b'.') && self.peek(1) == Some(b'.') => {
                self.at += 2;
                Kind::Spread
            }
            b'"' if self.peek(0) == Some(b'"') && self.peek(1) == Some(b'"') => {
                self.at += 2;
                self.block_string();
                Kind::Other
            }
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => {
                self.number(first);
                Kind::Other
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                self.skip_while(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
                Kind::Name
            }
            _ => Kind::Other,
        };
        self.at = self.at.min(self.bytes.len());
        Some(Token { kind, start, end: self.at })
    }
}
