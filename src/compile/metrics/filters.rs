//! Which items of a list count.

use std::sync::Arc;

use super::Reader;
use crate::config::units;
use crate::config::yaml::Node;
use crate::graph::{Filter, Test, TypeKind};

impl Reader<'_, '_> {
    /// The tests of one column.
    pub(super) fn filters(
        &mut self,
        list: usize,
        column: usize,
        node: &Node,
    ) -> Option<Vec<Filter>> {
        let mut filters = Vec::new();
        for entry in node.entries() {
            let test = match &*entry.key {
                "is" => Test::Is(self.words(list, column, &entry.value)?),
                "is_not" => Test::IsNot(self.words(list, column, &entry.value)?),
                "before" => Test::Before(self.moment(&entry.value)?),
                "after" => Test::After(self.moment(&entry.value)?),
                _ => continue,
            };
            filters.push(Filter { column, test });
        }
        Some(filters)
    }

    /// Values of an enum are checked: a word that it does not have would never be met.
    fn words(&mut self, list: usize, column: usize, node: &Node) -> Option<Vec<Arc<str>>> {
        let values = self.values_of(list, column);
        let mut words = Vec::new();
        for item in node.items() {
            let word = item.text()?;
            if let Some(values) = &values
                && values.iter().all(|value| **value != *word)
            {
                let problem = crate::diagnostic::Diagnostic::error(
                    crate::diagnostic::Code::InvalidMetric,
                    format!("the enum has no value `{word}`"),
                );
                let known = values.iter().map(|value| &**value);
                self.problems.push(problem.at(item.span, "never met").suggest(word, known));
                return None;
            }
            words.push(Arc::from(word));
        }
        Some(words)
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

    /// `now`, `30d ago`, `in 7d`: seconds from now.
    fn moment(&mut self, node: &Node) -> Option<i64> {
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
            self.problem(
                format!("`{text}` is no moment"),
                node.span,
                "write `now`, `30d ago` or `in 7d`",
            );
        }
        found
    }
}
