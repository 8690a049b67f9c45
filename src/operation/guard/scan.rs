//! One pass over the tokens: counts, and for each definition what it selects and which fragments it spreads, where.

use std::collections::HashMap;

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
    /// What it is written of, without comments and commas.
    pub(super) tokens: u64,
    pub(super) bytes: u64,
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
    pub(super) duplicates: usize,
    pub(super) list_items: usize,
}

/// A response key or a spread in one selection set; inline fragments belong to the set around them.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Selected<'a> {
    set: usize,
    is_spread: bool,
    name: &'a str,
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
    /// How often one response key is selected in one selection set.
    pub(super) duplicates: Count,
    /// Items of the longest list literal.
    pub(super) list_items: Count,
    pub(super) definitions: Vec<Definition<'a>>,
    /// The longest token: its length, and where it begins.
    pub(super) longest: (usize, usize),
    /// The first string that its line ends.
    pub(super) unclosed: Option<usize>,
    open: Vec<Open>,
    /// The selection sets around this place, by number.
    sets: Vec<usize>,
    sets_seen: usize,
    /// The names are the document's: hashed with a key that it cannot know.
    selected: HashMap<Selected<'a>, usize>,
    /// For each open list literal, its items so far.
    lists: Vec<usize>,
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
        duplicates: Count::default(),
        list_items: Count::default(),
        definitions: Vec::new(),
        longest: (0, 0),
        unclosed: None,
        open: Vec::new(),
        sets: Vec::new(),
        sets_seen: 0,
        selected: HashMap::new(),
        lists: Vec::new(),
        parens: 0,
        fields_around: 0,
        current: None,
        wants_fragment_name: false,
        expect: Expect::Selection,
        is_inline: false,
    };
    for token in Lexer::new(text) {
        scan.tokens.add(allowed.tokens, token.start);
        // one that is too long is refused for that, whatever else there is to say about it
        if scan.tokens.first_over.is_none() {
            scan.token(token);
        }
    }
    if let Some(unfinished) = scan.current.take() {
        scan.definitions.push(unfinished);
    }
    scan
}

impl<'a> Scan<'a> {
    fn token(&mut self, token: Token) {
        self.list_item(token);
        let is_inside = self.current.is_some();
        self.weigh(token);
        self.understand(token);
        // the token that began a definition
        if !is_inside {
            self.weigh(token);
        }
    }

    /// Adds a token to the definition in hand, if there is one.
    fn weigh(&mut self, token: Token) {
        if let Some(current) = self.current.as_mut().filter(|_| token.kind != Kind::Ignored) {
            let bytes = token.end - token.start;
            current.tokens += 1;
            current.bytes = current.bytes.saturating_add(bytes as u64);
            if bytes > self.longest.0 {
                self.longest = (bytes, token.start);
            }
        }
    }

    /// How often the response key is selected that most fields of the document have.
    pub(super) fn commonest_key(&self) -> usize {
        let mut times: HashMap<&str, usize> = HashMap::new();
        for (selected, count) in self.selected.iter().filter(|(selected, _)| !selected.is_spread) {
            *times.entry(selected.name).or_default() += count;
        }
        times.into_values().max().unwrap_or_default()
    }

    fn understand(&mut self, token: Token) {
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
            Kind::Unclosed => drop(self.unclosed.get_or_insert(token.start)),
            _ => {}
        }
    }

    /// Counts what stands in a list literal, each value once.
    fn list_item(&mut self, token: Token) {
        let is_value = matches!(token.kind, Kind::Open(_) | Kind::Name | Kind::Other);
        if let (true, Some(Open::Value(Bracket::Square)), Some(items)) =
            (is_value, self.open.last(), self.lists.last_mut())
        {
            *items += 1;
            self.list_items.reach(*items, self.allowed.list_items, token.start);
        }
    }

    /// Counts a response key, or a spread, of the selection set in hand.
    fn duplicate(&mut self, name: &'a str, is_spread: bool, at: usize) {
        let Some(set) = self.sets.last().copied() else { return };
        let times = self.selected.entry(Selected { set, is_spread, name }).or_default();
        *times += 1;
        self.duplicates.reach(*times, self.allowed.duplicates, at);
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
            Open::Value(Bracket::Square) => self.lists.push(0),
            Open::Selections | Open::Value(_) => {}
        }
        if matches!(open, Open::Selections | Open::FieldSelections) {
            let around = if self.is_inline { self.sets.last().copied() } else { None };
            self.sets_seen += 1;
            self.sets.push(around.unwrap_or(self.sets_seen));
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
            Some(Open::FieldSelections) => {
                self.fields_around -= 1;
                self.sets.pop();
            }
            Some(Open::Selections) => {
                self.sets.pop();
            }
            Some(Open::Value(Bracket::Square)) => {
                self.lists.pop();
            }
            Some(Open::Value(_)) | None => {}
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
                self.duplicate(name, true, at);
            }
            Expect::Selection => {
                self.is_inline = false;
                current.selections += 1;
                current.root_fields += u64::from(depth == 0);
                current.depth = current.depth.max(depth + 1);
                self.duplicate(name, false, at);
            }
            Expect::FieldName | Expect::TypeCondition | Expect::Directive(_) => {}
        }
    }
}
