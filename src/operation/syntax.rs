//! Where the parser in use reads a text otherwise than the specification does.
//!
//! Takes: a document's text that the guard has let through.
//! Gives: the text for apollo-parser, every byte in its place, without what says nothing and yet confuses it: commas (before the
//! colon of an alias, behind `...`), and descriptions of operations, fragments and variables; or the mistake that it would pass
//! over: a name without colon and value among arguments or in an input object.
//! Never: changes what a document means; takes more than linear time.

use std::borrow::Cow;
use std::ops::Range;

use apollo_compiler::ast;

use super::guard::lexer::{Bracket, Kind, Lexer, Token};

/// What is wrong, and where: `at` in bytes from the start of the text.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    pub(super) message: String,
    pub(super) at: usize,
}

/// The text for apollo-parser.
///
/// # Errors
///
/// A mistake that apollo-parser would pass over.
pub fn read(text: &str) -> Result<Cow<'_, str>, Mistake> {
    let tokens: Vec<Token> = Lexer::new(text).collect();
    let mut reader =
        Reader { text, frames: Vec::new(), before: [None; 2], name: 0..0, blanks: Vec::new() };
    let mut rest = tokens.iter().peekable();
    while let Some(token) = rest.next() {
        if token.kind == Kind::Ignored {
            if reader.byte(*token) == Some(b',') {
                reader.blanks.push(token.start..token.end);
            }
            continue;
        }
        while rest.peek().is_some_and(|next| next.kind == Kind::Ignored) {
            if let Some(next) = rest.next().filter(|next| reader.byte(**next) == Some(b',')) {
                reader.blanks.push(next.start..next.end);
            }
        }
        reader.token(*token, rest.peek().copied().copied())?;
    }
    Ok(blanked(text, reader.blanks))
}

fn blanked(text: &str, blanks: Vec<Range<usize>>) -> Cow<'_, str> {
    if blanks.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    for blank in blanks {
        if let Some(bytes) = bytes.get_mut(blank) {
            bytes.fill(b' ');
        }
    }
    // whole tokens were replaced by spaces
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What an open bracket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Selections,
    Variables,
    /// Arguments, or an input object: names, each with a colon and a value.
    Members(Want),
    List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Name,
    Colon,
    Value,
}

struct Reader<'a> {
    text: &'a str,
    frames: Vec<Frame>,
    /// The last two tokens, the nearest first.
    before: [Option<Token>; 2],
    /// The name that wants a colon.
    name: Range<usize>,
    blanks: Vec<Range<usize>>,
}

impl Reader<'_> {
    fn byte(&self, token: Token) -> Option<u8> {
        self.text.as_bytes().get(token.start).copied()
    }

    fn token(&mut self, token: Token, next: Option<Token>) -> Result<(), Mistake> {
        if self.is_description(token, next) {
            self.check_string(token)?;
            self.blanks.push(token.start..token.end);
            // as if it were not there
            return Ok(());
        }
        self.member(token)?;
        match token.kind {
            Kind::Open(bracket) => self.frames.push(self.opened(bracket)),
            Kind::Close(_) => drop(self.frames.pop()),
            _ => {}
        }
        self.before = [Some(token), self.before[0]];
        Ok(())
    }

    /// Whether a token is a string that describes what follows it.
    fn is_description(&self, token: Token, next: Option<Token>) -> bool {
        if self.byte(token) != Some(b'"') {
            return false;
        }
        let before = self.before[0];
        match self.frames.last() {
            None => {
                let is_first = before.is_none_or(|it| it.kind == Kind::Close(Bracket::Brace));
                let word = next.and_then(|next| self.text.get(next.start..next.end));
                is_first && matches!(word, Some("query" | "mutation" | "subscription" | "fragment"))
            }
            Some(Frame::Variables) => {
                let is_value = matches!(before.and_then(|it| self.byte(it)), Some(b':' | b'='));
                !is_value && next.is_some_and(|next| next.kind == Kind::Dollar)
            }
            Some(_) => false,
        }
    }

    /// The parser does not see it, so it is parsed by itself.
    fn check_string(&self, token: Token) -> Result<(), Mistake> {
        let string = self.text.get(token.start..token.end).unwrap_or_default();
        let parsed = ast::Document::parse(format!("{{a(a:{string})}}"), "description.graphql");
        parsed.map(drop).map_err(|failed| {
            let first = failed.errors.iter().next();
            let message = first.map(|first| first.error.to_string()).unwrap_or_default();
            Mistake { message, at: token.start }
        })
    }

    fn opened(&self, bracket: Bracket) -> Frame {
        let [before, one_before] = self.before;
        match bracket {
            Bracket::Square => Frame::List,
            Bracket::Paren if self.frames.is_empty() => {
                let is_directive = before.is_some_and(|it| it.kind == Kind::Name)
                    && one_before.is_some_and(|it| it.kind == Kind::At);
                if is_directive { Frame::Members(Want::Name) } else { Frame::Variables }
            }
            Bracket::Brace if matches!(self.frames.last(), None | Some(Frame::Selections)) => {
                Frame::Selections
            }
            Bracket::Paren | Bracket::Brace => Frame::Members(Want::Name),
        }
    }

    /// Follows names, colons and values. What else is wrong the parser tells.
    fn member(&mut self, token: Token) -> Result<(), Mistake> {
        let Some(Frame::Members(want)) = self.frames.last_mut() else { return Ok(()) };
        *want = match (*want, token.kind) {
            (Want::Name, Kind::Name) => {
                self.name = token.start..token.end;
                Want::Colon
            }
            (Want::Colon, Kind::Colon) | (Want::Value, Kind::Dollar) => Want::Value,
            (Want::Colon, _) => {
                let name = self.text.get(self.name.clone()).unwrap_or_default();
                let message = format!("syntax error: expected a colon after \"{name}\"");
                return Err(Mistake { message, at: token.start });
            }
            (Want::Name | Want::Value, _) => Want::Name,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(text.len(), expected.len());
    }

    #[test]
    fn commas_and_descriptions_are_blanked_in_their_place() {
        check(
            "{ a, ,: b(c: [1,2], d: \",\") ...,F # , \n }",
            "{ a   : b(c: [1 2]  d: \",\") ... F # , \n }",
        );
        check("\"é\" query { a }", "     query { a }");
        check(
            "{ a } \"\"\"x\ny\"\"\" fragment F on A { a }",
            "{ a }           fragment F on A { a }",
        );
        check(
            "query(\"x\" $a: A = \"y\" \"z\", # c\n $b: B)",
            "query(    $a: A = \"y\"      # c\n $b: B)",
        );
    }

    #[test]
    fn strings_that_describe_nothing_stay() {
        for text in [
            "\"x\" { a }",
            "\"x\" \"y\" query { a }",
            "\"x\"",
            "query \"x\" query { a }",
            "query($a: A = \"x\" $b: B) { a(b: \"x\" c: $c) }",
            "query($a: \"x\" $b: B) { a }",
            "query($a: A @b(c: \"x\" d: 1) $b: B) { \"x\" a }",
            "query @a(b: \"x\" c: $c) { a }",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_description_is_a_string_like_any_other() {
        let mistake = read("{ a } \"\\q\" query A { a }").unwrap_err();
        assert_eq!((mistake.at, mistake.message.contains("escaped")), (6, true), "{mistake:?}");
    }

    #[test]
    fn a_name_without_its_colon_is_told() {
        for (text, at) in [
            ("{ a(b) }", 5),
            ("{ a(b c: 1) }", 6),
            ("{ a(b: c d) }", 10),
            ("{ a(b: $c d) }", 11),
            ("{ a(b: {c}) }", 9),
            ("{ a(b: [{c: {d: 1} e}]) }", 20),
            ("{ a @b(c) }", 8),
            ("query @b(c) { a }", 10),
            ("query($a: A = {b}) { a }", 16),
            ("query($a: A @b(c)) { a }", 16),
        ] {
            assert_eq!(read(text).map_err(|mistake| mistake.at), Err(at), "{text}");
        }
    }
}
