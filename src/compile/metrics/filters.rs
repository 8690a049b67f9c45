//! Which items of a list count, and what is asked of a record.

use std::sync::Arc;

use super::Reader;
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Filter, Test, TypeKind};

impl Reader<'_, '_> {
    /// The tests of one column.
    pub(super) fn filters(
        &mut self,
        list: usize,
        column: usize,
        node: &Node,
    ) -> Option<Vec<Filter>> {
        let values = self.values_of(list, column);
        tests(column, node, values.as_deref(), self.problems)
    }

    /// The values of an enum's column.
    fn values_of(&self, list: usize, column: usize) -> Option<Vec<Arc<str>>> {
        let of = self.lists.get(list)?;
        let mut ty = of.element();
        for name in of.columns.get(column)? {
            let field = self.cx.ty(ty).field_names.get(name).copied()?;
            ty = self.cx.field(ty, field).ty.named;
        }
        match &self.cx.ty(ty).kind {
            TypeKind::Enum { values } => Some(values.clone()),
            _ => None,
        }
    }
}

/// The tests of a column, which may be an enum with these values.
pub(in crate::compile) fn tests(
    column: usize,
    node: &Node,
    values: Option<&[Arc<str>]>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Vec<Filter>> {
    let mut filters = Vec::new();
    for entry in node.entries() {
        let test = match &*entry.key {
            "is" => Test::Is(words(&entry.value, values, problems)?),
            "is_not" => Test::IsNot(words(&entry.value, values, problems)?),
            "before" | "after" if entry.value.text() == Some("today") => {
                if &*entry.key == "before" { Test::BeforeToday } else { Test::AfterToday }
            }
            "before" => Test::Before(moment(&entry.value, problems)?),
            "after" => Test::After(moment(&entry.value, problems)?),
            _ => continue,
        };
        filters.push(Filter { column, test });
    }
    Some(filters)
}

/// Values of an enum are checked: a word that it does not have would never be met.
fn words(
    node: &Node,
    values: Option<&[Arc<str>]>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Vec<Arc<str>>> {
    let mut words = Vec::new();
    for item in node.items() {
        let word = item.text()?;
        if let Some(values) = values
            && values.iter().all(|value| **value != *word)
        {
            let message = format!("the enum has no value `{word}`");
            let problem = Diagnostic::error(Code::InvalidMetric, message);
            let known = values.iter().map(|value| &**value);
            problems.push(problem.at(item.span, "never met").suggest(word, known));
            return None;
        }
        words.push(Arc::from(word));
    }
    Some(words)
}

/// `now`, `30d ago`, `in 7d`: seconds from now.
fn moment(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<i64> {
    let text = node.filled()?.trim();
    let seconds = |text: &str| i64::try_from(units::duration(text.trim())?.as_secs()).ok();
    let found = if text == "now" {
        Some(0)
    } else if let Some(past) = text.strip_suffix("ago") {
        seconds(past).map(|seconds| -seconds)
    } else {
        text.strip_prefix("in ").and_then(seconds)
    };
    if found.is_none() {
        let problem = Diagnostic::error(Code::InvalidMetric, format!("`{text}` is no moment"));
        problems.push(problem.at(node.span, "write `now`, `today`, `30d ago` or `in 7d`"));
    }
    found
}
