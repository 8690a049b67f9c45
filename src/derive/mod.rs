//! Reckons metrics: from the items of an object's lists to one value that says how complete it is; and what follows from one record.
//!
//! Takes: a formula, the lists that it reads as tables of texts, or the texts of one record, the present time.
//! Gives: the metric as a JSON object: its value, as of when, whether a source was missing and which; or the record's value.
//! Never: loads anything; shows a value of which nothing is known; counts in binary fractions.

mod moment;
mod money;
mod record;
mod rows;
mod score;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use self::moment::Moment;
use crate::graph::{AgeUnit, Formula};

pub use rust_decimal::Decimal as Number;

pub use self::record::compute;
pub use self::rows::{Reading, Table, Text, number};

/// The lists that a metric may read, by their place; `None`: it was not asked for.
pub type Tables<'a> = [Option<Table<'a>>];

/// Reckons one metric that reads these lists.
pub fn reckon(formula: &Formula, lists: &[usize], tables: &Tables<'_>, now: Timestamp) -> Value {
    let gaps = RefCell::default();
    let reckoner = Reckoner { tables, now, gaps: &gaps };
    let mut metric = Map::new();
    reckoner.fill(formula, lists, &mut metric);
    let used = || lists.iter().filter_map(|list| tables.get(*list)?.as_ref());
    let is_whole = |list: &usize| {
        let table = tables.get(*list).and_then(Option::as_ref);
        table.is_some_and(|table| table.reading == Reading::Whole) && !gaps.borrow().contains(list)
    };
    let partial = lists.iter().filter(|list| !is_whole(list));
    let sources = partial.filter_map(|list| Some(&tables.get(*list)?.as_ref()?.sources));
    let missing: BTreeSet<&str> = sources.flatten().map(|source| &**source).collect();
    let age = used().map(|table| table.age).max().unwrap_or(Duration::ZERO);
    let as_of = now.checked_sub(age).unwrap_or(now);
    metric.insert("asOf".to_owned(), json!(as_of.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    metric.insert("complete".to_owned(), Value::Bool(lists.iter().all(is_whole)));
    metric.insert("missingSources".to_owned(), json!(missing));
    Value::Object(metric)
}

#[derive(Clone, Copy)]
struct Reckoner<'t> {
    tables: &'t Tables<'t>,
    now: Timestamp,
    /// Lists with a row that counts and does not say how much.
    gaps: &'t RefCell<BTreeSet<usize>>,
}

impl Reckoner<'_> {
    /// Whether something is known of a list.
    fn is_known(self, list: usize) -> bool {
        let table = self.tables.get(list).and_then(Option::as_ref);
        table.is_some_and(|table| table.reading != Reading::Missing)
    }

    /// The value, and what belongs to it.
    fn fill(self, formula: &Formula, lists: &[usize], metric: &mut Map<String, Value>) {
        if !self.has_value(formula, lists) {
            metric.insert("value".to_owned(), Value::Null);
            return;
        }
        let value = match formula {
            Formula::Sum(terms) => self.sum(terms).map(money::totals),
            Formula::Buckets(buckets) => self.buckets(buckets),
            Formula::Count { rows, by } => {
                if let Some(column) = by {
                    metric.insert("by".to_owned(), self.counts(rows, *column));
                }
                Some(json!(self.rows(rows).count()))
            }
            Formula::Mean { rows, column } => {
                let count = self.rows(rows).filter(|row| row.number(*column).is_some()).count();
                metric.insert("count".to_owned(), json!(count));
                self.number(formula).map(written)
            }
            Formula::MeanSeconds { .. } | Formula::Age { .. } => {
                self.number(formula).and_then(whole).map(Value::from)
            }
            Formula::Instant { is_latest, of } => {
                self.instant(*is_latest, of).map(|moment| json!(moment.to_string()))
            }
            Formula::Score(score) => self.score(score, metric),
            Formula::Flags(flags) => {
                let holds = flags.iter().filter(|flag| self.holds(flag));
                Some(holds.map(|flag| json!(*flag.name)).collect())
            }
        };
        metric.insert("value".to_owned(), value.unwrap_or(Value::Null));
    }

    /// A sum of which the first list is not known is not known; a list of several instants, or a score, says what it can.
    fn has_value(self, formula: &Formula, lists: &[usize]) -> bool {
        match formula {
            Formula::Instant { .. } | Formula::Score(_) | Formula::Flags(_) => {
                lists.iter().any(|list| self.is_known(*list))
            }
            Formula::Age { of, .. } => self.has_value(of, lists),
            Formula::Sum(_)
            | Formula::Buckets(_)
            | Formula::Count { .. }
            | Formula::Mean { .. }
            | Formula::MeanSeconds { .. } => lists.first().is_some_and(|list| self.is_known(*list)),
        }
    }

    /// What a metric comes to as one number; money has a currency and is none.
    fn number(self, formula: &Formula) -> Option<Decimal> {
        match formula {
            Formula::Count { rows, .. } => Some(Decimal::from(self.rows(rows).count())),
            Formula::Mean { rows, column } => {
                let values = self.rows(rows).filter_map(|row| row.number(*column));
                mean(values)
            }
            Formula::MeanSeconds { rows, from, to } => {
                let spans = self.rows(rows).filter_map(|row| {
                    let (from, to) = (row.moment(*from)?, row.moment(*to)?);
                    Some(Decimal::from(from.seconds_until(&to)))
                });
                mean(spans)
            }
            Formula::Age { of, unit } => {
                let Formula::Instant { is_latest, of } = &**of else { return None };
                let seconds = self.instant(*is_latest, of)?.seconds_before(self.now);
                Some(Decimal::from(match unit {
                    AgeUnit::Seconds => seconds,
                    AgeUnit::Days => seconds.div_euclid(moment::DAY),
                }))
            }
            Formula::Sum(_)
            | Formula::Buckets(_)
            | Formula::Instant { .. }
            | Formula::Score(_)
            | Formula::Flags(_) => None,
        }
    }

    fn counts(self, rows: &crate::graph::Rows, column: usize) -> Value {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for key in self.rows(rows).filter_map(|row| row.text(column)) {
            *counts.entry(key).or_default() += 1;
        }
        counts.into_iter().map(|(key, count)| json!({ "key": key, "count": count })).collect()
    }

    fn instant(self, is_latest: bool, of: &[(crate::graph::Rows, usize)]) -> Option<Moment> {
        let all = of.iter().flat_map(|(rows, column)| {
            self.rows(rows).filter_map(|row| row.moment(*column)).collect::<Vec<_>>()
        });
        if is_latest { all.max() } else { all.min() }
    }
}

fn mean(values: impl Iterator<Item = Decimal>) -> Option<Decimal> {
    let (mut sum, mut count) = (Decimal::ZERO, 0_u32);
    for value in values {
        sum = sum.checked_add(value)?;
        count += 1;
    }
    sum.checked_div(Decimal::from(count))
}

/// A decimal as answers have it: exact, four digits after the point at the most.
fn written(number: Decimal) -> Value {
    Value::String(number.round_dp(4).normalize().to_string())
}

fn whole(number: Decimal) -> Option<i32> {
    i32::try_from(number.round_dp(0)).ok()
}

#[cfg(test)]
mod tests;
