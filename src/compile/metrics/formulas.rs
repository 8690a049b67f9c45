//! How each metric is reckoned.

use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use rustc_hash::FxHashMap;

use super::Reader;
use crate::config::shape::metrics::FORMS;
use crate::config::yaml::Node;
use crate::graph::{AgeUnit, Buckets, Factor, Flag, Formula, Per, Rows, Score, Term};

/// A formula and what it reads.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) formula: Arc<Formula>,
    pub(super) reads: Reads,
}

/// Lists in the order of need, and columns of them.
#[derive(Clone, Default)]
pub(super) struct Reads {
    pub(super) lists: Vec<usize>,
    columns: Vec<(usize, usize)>,
}

impl Reads {
    pub(super) fn list(&mut self, list: usize) {
        if !self.lists.contains(&list) {
            self.lists.push(list);
        }
    }

    pub(super) fn column(&mut self, list: usize, column: usize) {
        self.list(list);
        if !self.columns.contains(&(list, column)) {
            self.columns.push((list, column));
        }
    }

    fn all(&mut self, other: &Self) {
        other.lists.iter().for_each(|list| self.list(*list));
        other.columns.iter().for_each(|(list, column)| self.column(*list, *column));
    }

    pub(super) fn columns_of(&self, list: usize) -> impl Iterator<Item = usize> {
        self.columns.iter().filter(move |(of, _)| *of == list).map(|(_, column)| *column)
    }
}

/// Formulas read metrics of an earlier stage.
pub(super) fn stage(node: &Node) -> u8 {
    let has = |key| node.entry(key).is_some();
    if has("score") || has("flags") { 2 } else { u8::from(has("age")) }
}

type Known = FxHashMap<Arc<str>, Made>;

impl Reader<'_, '_> {
    pub(super) fn formula(&mut self, node: &Node, known: &Known, is_whole: bool) -> Option<Made> {
        let form = FORMS.iter().copied().find(|form| node.entry(form).is_some())?;
        let mut reads = Reads::default();
        let own = node.get(form)?;
        let formula = match form {
            "sum" => self.sum(node, own, &mut reads, is_whole),
            "buckets" => self.buckets(node, own, &mut reads, is_whole),
            "count" => self.count(node, own, &mut reads, is_whole),
            "average" => self.average(node, own, &mut reads, is_whole),
            "earliest" | "latest" => {
                self.instant(node, own, form == "latest", &mut reads, is_whole)
            }
            "age" => self.age(node, own, known, &mut reads),
            "score" => self.score(node, own, known, &mut reads),
            _ => self.flags(own, known, &mut reads),
        };
        Some(Made { formula: Arc::new(formula?), reads })
    }

    fn sum(
        &mut self,
        node: &Node,
        own: &Node,
        reads: &mut Reads,
        is_whole: bool,
    ) -> Option<Formula> {
        let mut first = self.term(node, own, reads, is_whole)?;
        if let Some(times) = node.get("times") {
            first.times = Some(self.same_list(times, first.rows.list, reads, is_whole)?);
        }
        if let Some(per) = node.get("per") {
            let list = first.rows.list;
            let unit = self.same_list(per.get("unit")?, list, reads, is_whole)?;
            let count = match per.get("count") {
                Some(count) => Some(self.same_list(count, list, reads, is_whole)?),
                None => None,
            };
            first.per = Some(Per { unit, count, is_yearly: per.get_text("as") == Some("year") });
        }
        let mut terms = vec![first];
        for minus in node.get("minus").map(Node::items).unwrap_or_default() {
            let term = self.term(minus, minus.get("sum")?, reads, is_whole)?;
            terms.push(Term { is_negative: true, ..term });
        }
        Some(Formula::Sum(terms))
    }

    fn term(&mut self, node: &Node, own: &Node, reads: &mut Reads, is_whole: bool) -> Option<Term> {
        let (list, amount, currency) = self.money(own, is_whole)?;
        reads.column(list, amount);
        reads.column(list, currency);
        let rows = self.rows(node, list, reads)?;
        Some(Term { rows, amount, currency, is_negative: false, times: None, per: None })
    }

    fn buckets(
        &mut self,
        node: &Node,
        own: &Node,
        reads: &mut Reads,
        is_whole: bool,
    ) -> Option<Formula> {
        let (list, amount, currency) = self.money(own, is_whole)?;
        reads.column(list, amount);
        reads.column(list, currency);
        let (Some(since), Some(into)) = (node.get("since"), node.get("into")) else {
            self.problem(
                "`buckets` needs `since` and `into`".to_owned(),
                node.span,
                "one of them is missing",
            );
            return None;
        };
        let since = self.same_list(since, list, reads, is_whole)?;
        let mut limits: Vec<(Arc<str>, Option<u32>)> = Vec::new();
        for entry in into.entries() {
            let days = entry.value.text().and_then(|text| text.parse().ok());
            let is_in_order = match (limits.last(), days) {
                (Some((_, None)), _) => false,
                (Some((_, Some(before))), Some(days)) => *before < days,
                _ => true,
            };
            if !is_in_order || (days.is_none() && entry.value.text() != Some("older")) {
                let label =
                    "whole days, more than those before it; `older`, at the end, for all the rest";
                self.problem(
                    format!("the bucket `{}` has no such days", entry.key),
                    entry.value.span,
                    label,
                );
                return None;
            }
            limits.push((Arc::clone(&entry.key), days));
        }
        let rows = self.rows(node, list, reads)?;
        Some(Formula::Buckets(Buckets { rows, amount, currency, since, limits }))
    }

    fn count(
        &mut self,
        node: &Node,
        own: &Node,
        reads: &mut Reads,
        is_whole: bool,
    ) -> Option<Formula> {
        let list = self.list_named(own.filled()?, own, is_whole)?;
        reads.list(list);
        let by = match node.get("by") {
            Some(by) => Some(self.same_list(by, list, reads, is_whole)?),
            None => None,
        };
        Some(Formula::Count { rows: self.rows(node, list, reads)?, by })
    }

    fn average(
        &mut self,
        node: &Node,
        own: &Node,
        reads: &mut Reads,
        is_whole: bool,
    ) -> Option<Formula> {
        if let (Some(from), Some(to)) = (own.get("from"), own.get("to")) {
            let (list, from) = self.column(from, is_whole)?;
            reads.column(list, from);
            let to = self.same_list(to, list, reads, is_whole)?;
            return Some(Formula::MeanSeconds { rows: self.rows(node, list, reads)?, from, to });
        }
        let (list, column) = self.column(own, is_whole)?;
        reads.column(list, column);
        Some(Formula::Mean { rows: self.rows(node, list, reads)?, column })
    }

    /// `where` is a test of the one list; of several lists each item counts.
    fn instant(
        &mut self,
        node: &Node,
        own: &Node,
        is_latest: bool,
        reads: &mut Reads,
        is_whole: bool,
    ) -> Option<Formula> {
        let mut of = Vec::new();
        let items = own.items();
        if let (Some(filters), true) = (node.entry("where"), items.len() > 1) {
            let label = "a test is of the fields of one list";
            self.problem("`where` stands with several lists".to_owned(), filters.key_span, label)?;
        }
        for item in items {
            let (list, column) = self.column(item, is_whole)?;
            reads.column(list, column);
            of.push((self.rows(node, list, reads)?, column));
        }
        Some(Formula::Instant { is_latest, of })
    }

    fn age(
        &mut self,
        node: &Node,
        own: &Node,
        known: &Known,
        reads: &mut Reads,
    ) -> Option<Formula> {
        let made = self.metric_named(own, known)?;
        if !matches!(*made.formula, Formula::Instant { .. }) {
            let label = "an age is of an `earliest` or `latest`";
            self.problem(format!("`{}` is no instant", own.shown()), own.span, label)?;
        }
        reads.all(&made.reads);
        let is_days = node.get_text("in") == Some("days");
        let unit = if is_days { AgeUnit::Days } else { AgeUnit::Seconds };
        Some(Formula::Age { of: made.formula, unit })
    }

    fn score(
        &mut self,
        node: &Node,
        own: &Node,
        known: &Known,
        reads: &mut Reads,
    ) -> Option<Formula> {
        let mut factors = Vec::new();
        for entry in own.entries() {
            let factor = &entry.value;
            let made = self.measure(factor.get("metric")?, known)?;
            reads.all(&made.reads);
            let (best, worst) =
                (self.number(factor.get("best")?)?, self.number(factor.get("worst")?)?);
            if best == worst {
                self.problem(
                    "`best` and `worst` are the same".to_owned(),
                    factor.span,
                    "nothing is between them",
                )?;
            }
            let weight = factor.get_text("weight")?.parse().ok()?;
            let (name, lists) = (Arc::clone(&entry.key), made.reads.lists);
            factors.push(Factor { name, of: made.formula, lists, best, worst, weight });
        }
        let bands = node.get("bands").map(Node::entries).unwrap_or_default();
        let band = |entry: &crate::config::yaml::Entry| {
            Some((Arc::clone(&entry.key), entry.value.text()?.parse().ok()?))
        };
        let mut bands: Vec<(Arc<str>, u32)> = bands.iter().filter_map(band).collect();
        bands.sort_by_key(|(_, least)| std::cmp::Reverse(*least));
        Some(Formula::Score(Score { factors, bands }))
    }

    fn flags(&mut self, own: &Node, known: &Known, reads: &mut Reads) -> Option<Formula> {
        let mut flags = Vec::new();
        for entry in own.entries() {
            let made = self.measure(entry.value.get("metric")?, known)?;
            reads.all(&made.reads);
            let above = self.number(entry.value.get("above")?)?;
            let (name, lists) = (Arc::clone(&entry.key), made.reads.lists);
            flags.push(Flag { name, of: made.formula, lists, above });
        }
        Some(Formula::Flags(flags))
    }

    // ---- what formulas are made of -----------------------------------------------------------------------------------

    fn metric_named(&mut self, node: &Node, known: &Known) -> Option<Made> {
        let name = node.filled()?;
        let found = known.get(name).cloned();
        // one with a problem of its own has been told
        let is_told = self.named.iter().any(|named| **named == *name);
        if found.is_none() && !is_told {
            let names: Vec<&str> = known.keys().map(|name| &**name).collect();
            let problem = crate::diagnostic::Diagnostic::error(
                crate::diagnostic::Code::InvalidMetric,
                format!("there is no metric `{name}` to read"),
            );
            self.problems.push(problem.at(node.span, "not under `fields`").suggest(name, names));
        }
        found
    }

    /// A metric that is one number.
    fn measure(&mut self, node: &Node, known: &Known) -> Option<Made> {
        let made = self.metric_named(node, known)?;
        let is_number = matches!(
            *made.formula,
            Formula::Count { .. }
                | Formula::Mean { .. }
                | Formula::MeanSeconds { .. }
                | Formula::Age { .. }
        );
        if !is_number {
            let label = "a count, a mean or an age is";
            self.problem(format!("`{}` is no single number", node.shown()), node.span, label)?;
        }
        Some(made)
    }

    fn number(&mut self, node: &Node) -> Option<i64> {
        let number = node.filled().and_then(|text| Decimal::from_str_exact(text).ok());
        let thousandths = number.and_then(|number| (number * Decimal::ONE_THOUSAND).to_i64());
        if thousandths.is_none() {
            self.problem(
                format!("`{}` is no number", node.shown()),
                node.span,
                "written like `2.5`",
            );
        }
        thousandths
    }

    /// A column of a list that the metric reads already.
    fn same_list(
        &mut self,
        node: &Node,
        list: usize,
        reads: &mut Reads,
        is_whole: bool,
    ) -> Option<usize> {
        let (other, column) = self.column(node, is_whole)?;
        if other != list {
            let label = "one metric goes over the items of one list";
            self.problem(format!("`{}` is of another list", node.shown()), node.span, label)?;
        }
        reads.column(list, column);
        Some(column)
    }

    fn rows(&mut self, node: &Node, list: usize, reads: &mut Reads) -> Option<Rows> {
        let mut filters = Vec::new();
        for entry in node.get("where").map(Node::entries).unwrap_or_default() {
            let column = self.column_of(list, &entry.key, &entry.value)?;
            reads.column(list, column);
            filters.extend(self.filters(list, column, &entry.value)?);
        }
        Some(Rows { list, filters })
    }
}
