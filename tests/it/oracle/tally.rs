//! What the cases were, so that a generator that has gone weak is seen.

use std::collections::BTreeMap;

use super::sides::Verdict;

/// Counts by kind.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) answered: usize,
    pub(super) whole: usize,
    pub(super) with_errors: usize,
    pub(super) with_risen_nulls: usize,
    pub(super) refused_variables: usize,
    pub(super) refused_documents: usize,
    /// How often the reference refused for each reason.
    pub(super) rules: BTreeMap<String, usize>,
}

impl Tally {
    pub(super) fn cases(&self) -> usize {
        self.answered + self.refused_variables + self.refused_documents
    }

    /// `is_document`: refused whatever the variables are.
    pub(super) fn add(&mut self, theirs: &Verdict, is_document: bool) {
        match theirs {
            Verdict::Refused(reasons) => {
                let count = if is_document {
                    &mut self.refused_documents
                } else {
                    &mut self.refused_variables
                };
                *count += 1;
                let reasons: Vec<String> = serde_json::from_str(reasons).unwrap_or_default();
                let rule = reasons.first().map(|reason| rule(reason)).unwrap_or_default();
                *self.rules.entry(rule).or_default() += 1;
            }
            Verdict::Answered { data, paths, .. } => {
                self.answered += 1;
                if paths.is_empty() {
                    self.whole += 1;
                    return;
                }
                self.with_errors += 1;
                let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
                let has_risen = paths.iter().any(|path| !ends_at_null(&data, path));
                self.with_risen_nulls += usize::from(has_risen);
            }
        }
    }

    /// The counts for people.
    pub(super) fn told(&self) -> String {
        let mut rules: Vec<(&String, &usize)> = self.rules.iter().collect();
        rules.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let rules: Vec<String> =
            rules.iter().map(|(rule, count)| format!("    {count:>5}  {rule}")).collect();
        format!(
            "{} cases: {} answered ({} without errors, {} with errors, of these {} with nulls that rose), \
             {} refused for their variables, {} documents refused\n  by rule:\n{}",
            self.cases(),
            self.answered,
            self.whole,
            self.with_errors,
            self.with_risen_nulls,
            self.refused_variables,
            self.refused_documents,
            rules.join("\n")
        )
    }
}

/// Does the path lead to a null of its own, rather than to an ancestor that became null for it?
fn ends_at_null(data: &serde_json::Value, path: &serde_json::Value) -> bool {
    let segments: Vec<&serde_json::Value> = path.as_array().into_iter().flatten().collect();
    let mut here = data;
    for segment in segments {
        if here.is_null() {
            return false;
        }
        let next = match segment.as_str() {
            Some(key) => here.get(key),
            None => segment.as_u64().and_then(|index| here.get(usize::try_from(index).ok()?)),
        };
        let Some(next) = next else { return false };
        here = next;
    }
    here.is_null()
}

/// A message without what is the document's own.
fn rule(message: &str) -> String {
    let message = message.split(" at \"").next().unwrap_or(message);
    let message = match message.split_once("got invalid value") {
        Some((_, rest)) => format!(
            "Variable got invalid value; {}",
            rest.rsplit(';').next().unwrap_or(rest).trim()
        ),
        None => message.to_owned(),
    };
    let mut out = String::new();
    let mut is_quoted = false;
    for char in message.chars().take(160) {
        match char {
            '"' => {
                is_quoted = !is_quoted;
                out.push_str(if is_quoted { "\"…" } else { "\"" });
            }
            _ if is_quoted => {}
            '0'..='9' => {}
            other => out.push(other),
        }
    }
    let end = out.find("value: ").map_or(out.len(), |at| at + "value".len());
    out.chars().take(end.min(100)).collect()
}

#[test]
fn a_null_has_risen_where_the_path_leads_beneath_it() {
    use serde_json::json;
    let data = json!({ "a": null, "b": [{ "c": null }] });
    assert!(ends_at_null(&data, &json!(["a"])));
    assert!(!ends_at_null(&data, &json!(["a", "x"])));
    assert!(ends_at_null(&data, &json!(["b", 0, "c"])));
}
