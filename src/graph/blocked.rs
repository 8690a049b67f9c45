//! Values that say nothing about who somebody is: shared mailboxes, placeholders.

use regex::Regex;
use rustc_hash::FxHashSet;

/// Compared without case.
#[derive(Debug, Default)]
pub struct Blocked {
    exact: FxHashSet<Box<str>>,
    /// Sorted.
    prefixes: Vec<Box<str>>,
    patterns: Vec<Regex>,
}

impl Blocked {
    pub fn new(
        exact: FxHashSet<Box<str>>,
        mut prefixes: Vec<Box<str>>,
        patterns: Vec<Regex>,
    ) -> Self {
        prefixes.sort_unstable();
        Self { exact, prefixes, patterns }
    }

    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty() && self.patterns.is_empty()
    }

    /// Is this value, or any part of a composite key, blocked?
    pub fn holds(&self, key: &str) -> bool {
        key.split(crate::value::KEY_SEPARATOR).any(|value| self.holds_value(value))
    }

    fn holds_value(&self, value: &str) -> bool {
        // most are in lower case already: normalized keys are
        let value = crate::value::lower(crate::value::trimmed(value));
        self.exact.contains(&*value)
            || self.begins(&value)
            || self.patterns.iter().any(|pattern| pattern.is_match(&value))
    }

    /// Of the prefixes only those with the value's own first letter are looked at.
    fn begins(&self, value: &str) -> bool {
        let first = value.as_bytes().first();
        let start = self.prefixes.partition_point(|prefix| prefix.as_bytes().first() < first);
        let prefixes = self.prefixes.iter().skip(start);
        prefixes
            .take_while(|prefix| prefix.as_bytes().first() == first)
            .any(|prefix| value.starts_with(&**prefix))
    }
}
