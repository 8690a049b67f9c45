//! One pass over the tokens: counts, and for each definition what it selects and which fragments it spreads, where.

use super::lexer::{Bracket, Kind, Lexer, Token};

/// How often something occurs, and where it first went beyond its limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) found: usize,
    pub(super) first_over: Option<usize>,
}

impl Count {
    fn reach(&mut self, found: usize, limit: usize, at: usize) {
        self.found = self.found.max(found);
        if found > limit {
            self.first_over.get_or_insert(at);
        }
    }

    fn add(&mut self, limit: usize, at: usize) {
        self.reach(self.found + 1, limit, at);
    }
}

/// What one operation or fragment holds by itself, before fragments are spread.
#[derive(Debug, Default)]
pub(super) struct Definition<'a> {
    /// `None`: an operation.
    pub(super) fragment: Option<&'a str>,
    /// Fields, spreads and inline fragments.
    pub(super) selections: u64,
    pub(super) root_fields: u64,
    pub(super) depth: u64,
    pub(super) variables: u64,
    pub(super) spreads: Vec<Spread<'a>>,
    pub(super) at: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Spread<'a> {
    pub(super) fragment: &'a str,
    /// Fields around it, in its own definition.
    pub(super) depth: u64,
    pub(super) at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// The braces of a definition or an inline fragment.
    Selections,
    /// The braces of a field.
    FieldSelections,
    /// Braces and brackets of values.
    Value(Bracket),
    Parens,
}

/// What a name or a brace in a selection set means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Selection,
    /// After `alias:`.
    FieldName,
    /// After `...`.
    SpreadTarget,
    /// After `... on`.
    TypeCondition,
    /// After `@`; then what was expected before.
    Directive(After),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Selection,
    SpreadTarget,
}

/// How much of each limited thing a scan allows before it notes the place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    pub(super) tokens: usize,
    pub(super) nesting: usize,
    pub(super) aliases: usize,
    pub(super) directives: usize,
    pub(super) operations: usize,
}

#[derive(Debug)]
pub(super) struct Scan<'a> {
    text: &'a str,
    allowed: Allowed,
    pub(super) tokens: Count,
    pub(super) nesting: Count,
    pub(super) aliases: Count,
    pub(super) directives: Count,
    pub(super) operations: Count,
    pub(super) definitions: Vec<Definition<'a>>,
    open: Vec<Open>,
    parens: usize,
    fields_around: u64,
    /// The definition in hand: its header has begun, its last brace is not closed.
    current: Option<Definition<'a>>,
    wants_fragment_name: bool,
    expect: Expect,
    /// The next brace opens an inline fragment.
    is_inline: bool,
}

/// Scans a whole document. Takes time in proportion to its bytes.
pub(super) fn scan(text: &str, allowed: Allowed) -> Scan<'_> {
    let mut scan = Scan {
        text,
        allowed,
        tokens: Count::default(),
        nesting: Count::default(),
        aliases: Count::default(),
        directives: Count::default(),
        operations: Count::default(),
        definitions: Vec::new(),
        open: Vec::new(),
        parens: 0,
        fields_around: 0,
        current: None,
        wants_fragment_name: false,
        expect: Expect::Selection,
        is_inline: false,
    };
    for token in Lexer::new(text) {
        scan.tokens.add(allowed.tokens, token.start);
        scan.token(token);
    }
    if let Some(unfinished) = scan.current.take() {
        scan.definitions.push(unfinished);
    }
    scan
}

impl<'a> Scan<'a> {
    fn token(&mut self, token: Token) {
        match token.kind {
            Kind::Open(bracket) => self.open(bracket, token.start),
            Kind::Close(bracket) => self.close(bracket),
            Kind::At => {
                self.directives.add(self.allowed.directives, token.start);
                if self.parens == 0 {
                    let after = match self.expect {
                        Expect::SpreadTarget | Expect::Directive(After::SpreadTarget) => {
                            After::SpreadTarget
                        }
                        _ => After::Selection,
                    };
                    self.expect = Expect::Directive(after);
                }
            }
            Kind::Dollar if self.parens > 0 && self.open.len() > self.parens => {
                if let Some(current) = &mut self.current {
                    current.variables += 1;
                }
            }
            Kind::Name if self.parens == 0 => self.name(token),
            Kind::Spread if self.parens == 0 && !self.open.is_empty() => {
                self.expect = Expect::SpreadTarget;
                self.is_inline = true;
                if let Some(current) = &mut self.current {
                    current.selections += 1;
                }
            }
            Kind::Colon if self.parens == 0 && !self.open.is_empty() => {
                self.aliases.add(self.allowed.aliases, token.start);
                self.expect = Expect::FieldName;
            }
            _ => {}
        }
    }

    fn open(&mut self, bracket: Bracket, at: usize) {
        let open = match bracket {
            Bracket::Paren => Open::Parens,
            Bracket::Brace if self.parens == 0 => {
                if self.open.is_empty() {
                    self.begin(None, at);
                }
                if self.open.is_empty() || self.is_inline {
                    Open::Selections
                } else {
                    Open::FieldSelections
                }
            }
            Bracket::Brace | Bracket::Square => Open::Value(bracket),
        };
        match open {
            Open::Parens => self.parens += 1,
            Open::FieldSelections => self.fields_around += 1,
            Open::Selections | Open::Value(_) => {}
        }
        if matches!(open, Open::Selections | Open::FieldSelections) {
            self.expect = Expect::Selection;
            self.is_inline = false;
        }
        self.open.push(open);
        self.nesting.reach(self.open.len(), self.allowed.nesting, at);
    }

    /// A bracket that does not close the innermost open one closes nothing: the parser refuses the document.
    fn close(&mut self, bracket: Bracket) {
        let fits = match self.open.last() {
            Some(Open::Selections | Open::FieldSelections) => bracket == Bracket::Brace,
            Some(Open::Value(opened)) => bracket == *opened,
            Some(Open::Parens) => bracket == Bracket::Paren,
            None => false,
        };
        if !fits {
            return;
        }
        match self.open.pop() {
            Some(Open::Parens) => self.parens -= 1,
            Some(Open::FieldSelections) => self.fields_around -= 1,
            _ => {}
        }
        if bracket == Bracket::Brace && self.parens == 0 {
            self.expect = Expect::Selection;
            self.is_inline = false;
        }
        if self.open.is_empty() && bracket == Bracket::Brace {
            self.definitions.extend(self.current.take());
        }
    }

    fn name(&mut self, token: Token) {
        let name = self.text.get(token.start..token.end).unwrap_or_default();
        if let Expect::Directive(after) = self.expect {
            self.expect = match after {
                After::Selection => Expect::Selection,
                After::SpreadTarget => Expect::SpreadTarget,
            };
        } else if self.open.is_empty() {
            self.header(name, token.start);
        } else {
            self.selection(name, token.start);
        }
    }

    /// A name outside of all brackets: `query`, `fragment`, their names, `on`, a type.
    fn header(&mut self, name: &'a str, at: usize) {
        if self.wants_fragment_name {
            self.wants_fragment_name = false;
            if let Some(current) = &mut self.current {
                current.fragment = Some(name);
            }
        } else if self.current.is_none() {
            self.wants_fragment_name = name == "fragment";
            self.begin(self.wants_fragment_name.then_some(""), at);
        }
    }

    fn begin(&mut self, fragment: Option<&'a str>, at: usize) {
        if self.current.is_none() {
            self.current = Some(Definition { fragment, at, ..Definition::default() });
            if fragment.is_none() {
                self.operations.add(self.allowed.operations, at);
            }
        }
    }

    /// A name in a selection set.
    fn selection(&mut self, name: &'a str, at: usize) {
        let expected = std::mem::replace(&mut self.expect, Expect::Selection);
        let depth = self.fields_around;
        let Some(current) = &mut self.current else { return };
        match expected {
            Expect::SpreadTarget if name == "on" => self.expect = Expect::TypeCondition,
            Expect::SpreadTarget => {
                self.is_inline = false;
                current.spreads.push(Spread { fragment: name, depth, at });
            }
            Expect::Selection => {
                self.is_inline = false;
                current.selections += 1;
                current.root_fields += u64::from(depth == 0);
                current.depth = current.depth.max(depth + 1);
            }
            Expect::FieldName | Expect::TypeCondition | Expect::Directive(_) => {}
        }
    }
}
