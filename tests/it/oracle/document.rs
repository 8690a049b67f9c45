//! A document as a tree, so that a failing one can be made smaller.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) is_mutation: bool,
    pub(super) variables: Vec<Variable>,
    pub(super) selections: Vec<Selection>,
    pub(super) fragments: Vec<Fragment>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) default: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Fragment {
    pub(super) name: String,
    pub(super) on: String,
    pub(super) selections: Vec<Selection>,
}

/// A field, a spread or an inline fragment. What may be left out is a list of one, so that it can be dropped like any other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Selection {
    pub(super) kind: Kind,
    pub(super) alias: Vec<String>,
    /// The field, the fragment, or the type of an inline fragment (may be empty).
    pub(super) name: String,
    pub(super) arguments: Vec<(String, String)>,
    pub(super) directives: Vec<String>,
    pub(super) selections: Vec<Self>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Field,
    Spread,
    Inline,
}

impl Document {
    pub(super) fn text(&self) -> String {
        let mut text = String::from(if self.is_mutation { "mutation" } else { "query" });
        if !self.variables.is_empty() {
            let variables: Vec<String> = self.variables.iter().map(Variable::text).collect();
            write!(text, "({})", variables.join(", ")).unwrap();
        }
        set(&mut text, &self.selections, 0);
        for fragment in &self.fragments {
            write!(text, "\nfragment {} on {}", fragment.name, fragment.on).unwrap();
            set(&mut text, &fragment.selections, 0);
        }
        text
    }
}

impl Variable {
    fn text(&self) -> String {
        let default = self.default.first().map(|value| format!(" = {value}")).unwrap_or_default();
        format!("${}: {}{default}", self.name, self.ty)
    }
}

fn set(text: &mut String, selections: &[Selection], depth: usize) {
    text.push_str(" {\n");
    for selection in selections {
        selection.write(text, depth + 1);
    }
    write!(text, "{:1$}}}", "", depth * 2).unwrap();
}

impl Selection {
    fn write(&self, text: &mut String, depth: usize) {
        write!(text, "{:1$}", "", depth * 2).unwrap();
        match self.kind {
            Kind::Field => {
                let alias =
                    self.alias.first().map(|alias| format!("{alias}: ")).unwrap_or_default();
                write!(text, "{alias}{}", self.name).unwrap();
                if !self.arguments.is_empty() {
                    let arguments =
                        self.arguments.iter().map(|(name, value)| format!("{name}: {value}"));
                    write!(text, "({})", arguments.collect::<Vec<_>>().join(", ")).unwrap();
                }
            }
            Kind::Spread => write!(text, "...{}", self.name).unwrap(),
            Kind::Inline if self.name.is_empty() => text.push_str("..."),
            Kind::Inline => write!(text, "... on {}", self.name).unwrap(),
        }
        for directive in &self.directives {
            write!(text, " {directive}").unwrap();
        }
        if !self.selections.is_empty() {
            set(text, &self.selections, depth);
        }
        text.push('\n');
    }
}
