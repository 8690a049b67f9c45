//! The text of a path, read and written.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::escape;
use super::path::{Path, PathError, PathStep};

pub(super) fn parse(text: &str) -> Result<Path, PathError> {
    let mut parser = Parser { text, at: 0, steps: Vec::new() };
    parser.path()?;
    Ok(Path { steps: parser.steps })
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self.steps.first(), Some(PathStep::Member(_) | PathStep::Only)) {
            formatter.write_char('.')?;
        }
        for step in &self.steps {
            match step {
                PathStep::Member(name) if !name.is_empty() && name.chars().all(is_bare) => {
                    write!(formatter, ".{name}")?;
                }
                PathStep::Member(name) => {
                    let mut quoted = String::new();
                    escape::write_string(name, &mut quoted);
                    write!(formatter, ".{quoted}")?;
                }
                PathStep::Only => formatter.write_str(".*")?,
                PathStep::Index(index) => write!(formatter, "[{index}]")?,
                PathStep::Each => formatter.write_str("[]")?,
            }
        }
        Ok(())
    }
}

/// May stand in a name without quotes.
fn is_bare(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-' | '@' | '#' | '$' | ':')
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    steps: Vec<PathStep>,
}

impl Parser<'_> {
    fn path(&mut self) -> Result<(), PathError> {
        if !self.eat('.') {
            return Err(self.error("a path begins with `.`"));
        }
        if self.rest().is_empty() {
            return Ok(());
        }
        self.after_dot()?;
        while !self.rest().is_empty() {
            match self.peek() {
                Some('.') => {
                    self.at += 1;
                    self.after_dot()?;
                }
                Some('[') => self.bracket()?,
                _ => return Err(self.error(
                    "expected `.` or `[`; names with other characters are quoted: `.\"odd name\"`",
                )),
            }
        }
        Ok(())
    }

    fn after_dot(&mut self) -> Result<(), PathError> {
        match self.peek() {
            Some('"') => {
                let name = self.quoted()?;
                self.steps.push(PathStep::Member(name));
                Ok(())
            }
            Some('[') => self.bracket(),
            Some('*') => {
                self.at += 1;
                self.steps.push(PathStep::Only);
                Ok(())
            }
            Some('.') => Err(self.error("`..` is not a path: name each member")),
            None => Err(self.error("a member's name is missing after `.`")),
            Some(_) => {
                let rest = self.rest();
                let end = rest.find(|char| !is_bare(char)).unwrap_or(rest.len());
                let name = rest.get(..end).unwrap_or_default();
                if name.is_empty() {
                    return Err(self.error(
                        "a member's name is missing here; odd names are quoted: `.\"odd name\"`",
                    ));
                }
                self.steps.push(PathStep::Member(Arc::from(name)));
                self.at += end;
                Ok(())
            }
        }
    }

    fn bracket(&mut self) -> Result<(), PathError> {
        self.at += 1;
        let step = match self.peek() {
            Some(']') => PathStep::Each,
            Some('"') => PathStep::Member(self.quoted()?),
            _ => {
                let rest = self.rest();
                let end = rest.find(']').unwrap_or(rest.len());
                let digits = rest.get(..end).unwrap_or_default();
                // `i32` alone would take `+1` too
                let index = digits.parse().ok().filter(|_| !digits.starts_with('+'));
                let Some(index) = index else {
                    return Err(self.error("expected an index, `\"a name\"` in quotes, or `]`"));
                };
                self.at += end;
                PathStep::Index(index)
            }
        };
        if !self.eat(']') {
            return Err(self.error("expected `]`"));
        }
        self.steps.push(step);
        Ok(())
    }

    fn quoted(&mut self) -> Result<Arc<str>, PathError> {
        let start = self.at;
        let mut is_escaped = false;
        for (offset, char) in self.rest().char_indices().skip(1) {
            match char {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => {
                    let end = start + offset + 1;
                    let literal = self.text.get(start..end).unwrap_or_default();
                    let name: String = serde_json::from_str(literal).map_err(|_| PathError {
                        offset: start,
                        message: "the quoted name is not a JSON string".to_owned(),
                    })?;
                    self.at = end;
                    return Ok(Arc::from(name));
                }
                _ => {}
            }
        }
        Err(self.error("the closing quote is missing"))
    }

    fn eat(&mut self, char: char) -> bool {
        let is_here = self.peek() == Some(char);
        if is_here {
            self.at += char.len_utf8();
        }
        is_here
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, message: &str) -> PathError {
        PathError { offset: self.at, message: message.to_owned() }
    }
}
