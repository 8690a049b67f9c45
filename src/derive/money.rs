//! Sums of money: exact, one total for each currency, never converted.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Reckoner;
use super::rows::Row;
use crate::graph::{Buckets, Per, Term};
use crate::mapping::minor_digits;

/// By currency.
pub(super) type Totals<'t> = BTreeMap<&'t str, Decimal>;

impl<'t> Reckoner<'t> {
    /// `None`: a sum is larger than can be counted.
    pub(super) fn sum(self, terms: &[Term]) -> Option<Totals<'t>> {
        let mut totals = Totals::new();
        for term in terms {
            for row in self.rows(&term.rows) {
                let Some((currency, amount)) = amount(row, term) else {
                    self.gaps.borrow_mut().insert(term.rows.list);
                    continue;
                };
                let amount = if term.is_negative { -amount } else { amount };
                add(&mut totals, currency, amount)?;
            }
        }
        Some(totals)
    }

    /// The totals of each bucket, also of those without any.
    pub(super) fn buckets(self, buckets: &Buckets) -> Option<Value> {
        let mut all: Vec<Totals<'t>> = buckets.limits.iter().map(|_| Totals::new()).collect();
        for row in self.rows(&buckets.rows) {
            let (Some(amount), Some(currency)) =
                (row.number(buckets.amount), row.text(buckets.currency))
            else {
                self.gaps.borrow_mut().insert(buckets.rows.list);
                continue;
            };
            // what has no date is not late
            let days = row.moment(buckets.since).map_or(0, |moment| moment.days_over(self.now));
            let fits = |limit: &Option<u32>| limit.is_none_or(|limit| days <= i64::from(limit));
            let place = buckets.limits.iter().position(|(_, limit)| fits(limit));
            if let Some(totals) = place.and_then(|place| all.get_mut(place)) {
                add(totals, currency, amount)?;
            }
        }
        let named = buckets.limits.iter().zip(all);
        let bucket =
            named.map(|((name, _), found)| json!({ "name": **name, "totals": totals(found) }));
        Some(bucket.collect())
    }
}

fn add<'t>(totals: &mut Totals<'t>, currency: &'t str, amount: Decimal) -> Option<()> {
    let total = totals.entry(currency).or_insert(Decimal::ZERO);
    *total = total.checked_add(amount)?;
    Some(())
}

/// What one row comes to.
fn amount<'t>(row: Row<'t>, term: &Term) -> Option<(&'t str, Decimal)> {
    let (mut amount, currency) = (row.number(term.amount)?, row.text(term.currency)?);
    if let Some(times) = term.times {
        amount = amount.checked_mul(row.number(times)?)?;
    }
    let amount = match &term.per {
        Some(per) => in_period(row, amount, per)?.round_dp(digits(currency)),
        // by a probability it has more digits than money has
        None if term.times.is_some() => amount.round_dp(digits(currency)),
        None => amount,
    };
    Some((currency, amount))
}

/// How many digits an amount has after the point.
fn digits(currency: &str) -> u32 {
    currency.as_bytes().first_chunk().map_or(2, |letters| minor_digits(*letters))
}

/// What an amount that recurs comes to in a month or year: a year has 12 months, 52 weeks, 365 days.
fn in_period(row: Row<'_>, amount: Decimal, per: &Per) -> Option<Decimal> {
    let a_year: u32 = match row.text(per.unit)? {
        "DAY" => 365,
        "WEEK" => 52,
        "MONTH" => 12,
        "YEAR" => 1,
        _ => return None,
    };
    let count = match per.count {
        Some(column) => row.number(column)?,
        None => Decimal::ONE,
    };
    let yearly = amount.checked_mul(Decimal::from(a_year))?.checked_div(count)?;
    if per.is_yearly { Some(yearly) } else { yearly.checked_div(Decimal::from(12)) }
}

/// As answers have them; digits are kept, so that `10.50` and `9.50` are `20.00`.
pub(super) fn totals(totals: Totals<'_>) -> Value {
    let money = |(currency, amount): (&str, Decimal)| json!({ "amount": amount.to_string(), "currency": currency });
    totals.into_iter().map(money).collect()
}
