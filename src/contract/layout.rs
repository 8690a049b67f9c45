//! XML over several lines, for people: only where it means the same.

use crate::transport::body_tree;

/// The envelope with each element in a line of its own; as it came where text stands between elements, or where anything would change.
pub(super) fn laid_out(text: &str) -> String {
    let tokens = tokens(text);
    let laid_out = lines(&tokens);
    match (body_tree(text), body_tree(&laid_out)) {
        (Some(before), Some(after)) if before == after => laid_out,
        _ => text.to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Open(&'a str),
    Close(&'a str),
    /// An empty element, a declaration, a comment.
    Single(&'a str),
    Text(&'a str),
}

fn lines(tokens: &[Token<'_>]) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut rest = tokens;
    while let [first, after @ ..] = rest {
        rest = after;
        let mut line = |depth: usize, text: &str| {
            out.push_str(&"  ".repeat(depth));
            out.push_str(text);
            out.push('\n');
        };
        match (first, after) {
            (Token::Open(open), [Token::Text(text), Token::Close(close), after @ ..]) => {
                line(depth, &format!("{open}{text}{close}"));
                rest = after;
            }
            (Token::Open(open), [Token::Close(close), after @ ..]) => {
                line(depth, &format!("{open}{close}"));
                rest = after;
            }
            (Token::Open(open), _) => {
                line(depth, open);
                depth += 1;
            }
            (Token::Close(close), _) => {
                depth = depth.saturating_sub(1);
                line(depth, close);
            }
            (Token::Single(single), _) => line(depth, single),
            (Token::Text(text), _) if text.trim().is_empty() => {}
            (Token::Text(text), _) => line(depth, text),
        }
    }
    out
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let length = match rest.strip_prefix('<') {
            None => rest.find('<').unwrap_or(rest.len()),
            Some(_) => markup_length(rest),
        };
        let (token, after) = rest.split_at(length.clamp(1, rest.len()));
        tokens.push(match token {
            token if token.starts_with("<![CDATA[") => Token::Text(token),
            token if token.starts_with("</") => Token::Close(token),
            token if token.starts_with("<!") || token.starts_with("<?") => Token::Single(token),
            token if token.starts_with('<') && token.ends_with("/>") => Token::Single(token),
            token if token.starts_with('<') => Token::Open(token),
            token => Token::Text(token),
        });
        rest = after;
    }
    tokens
}

/// How long a piece of markup is, its closing bracket included.
pub(super) fn markup_length(text: &str) -> usize {
    let until = |end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
    match text {
        text if text.starts_with("<!--") => until("-->"),
        text if text.starts_with("<![CDATA[") => until("]]>"),
        text if text.starts_with("<?") => until("?>"),
        text if text.starts_with("</") || text.starts_with("<!") => until(">"),
        text => tag_length(text),
    }
}

/// Up to the `>` that is in no quotes.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '>') => return at + 1,
            _ => {}
        }
    }
    text.len()
}
