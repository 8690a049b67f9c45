//! Just enough of GraphQL's lexical grammar to find brackets, names and punctuation outside of strings and comments.

/// A token that the guard looks at. `Other` are numbers, strings, the remaining punctuation and bytes that are no GraphQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Open(Bracket),
    Close(Bracket),
    Name,
    Dollar,
    At,
    Colon,
    Spread,
    Other,
    /// A comma or a comment: means nothing, yet a parser must step over it.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    Brace,
    Square,
    Paren,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The tokens of a document, in one pass over its bytes.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
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

    /// After the opening quote. A string that nobody closes ends with its line, as the parser will say.
    fn string(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\n' | b'\r' => return,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
            if byte == b'"' {
                return;
            }
        }
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

    fn number(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(byte), _) if byte.is_ascii_alphanumeric() || byte == b'_' => self.at += 1,
                (Some(b'.'), Some(next)) if next.is_ascii_digit() => self.at += 1,
                (Some(b'+' | b'-'), Some(next)) if next.is_ascii_digit() => self.at += 1,
                _ => return,
            }
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.at == 0 && self.bytes.starts_with("\u{feff}".as_bytes()) {
            self.at = 3;
        }
        self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
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
            b'"' => {
                self.string();
                Kind::Other
            }
            b'-' | b'0'..=b'9' => {
                self.number();
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
