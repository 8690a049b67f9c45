//! A score from weighted factors, and flags: both read other metrics as numbers.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{Reckoner, whole, written};
use crate::graph::{Factor, Flag, Score};

impl Reckoner<'_> {
    /// The score of the factors that are known, and all factors, so that one sees what it comes from.
    pub(super) fn score(self, score: &Score, metric: &mut Map<String, Value>) -> Option<Value> {
        let (mut sum, mut weights) = (Decimal::ZERO, Decimal::ZERO);
        let mut factors = Vec::with_capacity(score.factors.len());
        for factor in &score.factors {
            let measured = self.measured(factor);
            let scaled = measured.map(|measured| scaled(measured, factor));
            if let Some(scaled) = scaled {
                let weight = Decimal::from(factor.weight);
                sum += weight * scaled;
                weights += weight;
            }
            factors.push(json!({
                "name": *factor.name,
                "weight": factor.weight,
                "measured": measured.map(written),
                "value": scaled.map(written),
            }));
        }
        metric.insert("factors".to_owned(), Value::Array(factors));
        let value = whole((sum * Decimal::ONE_HUNDRED).checked_div(weights)?)?;
        let band = score.bands.iter().find(|(_, least)| i64::from(value) >= i64::from(*least));
        metric.insert("band".to_owned(), json!(band.map(|(name, _)| &**name)));
        Some(Value::from(value))
    }

    /// `None`: a source of it is missing, or there is nothing to measure.
    fn measured(self, factor: &Factor) -> Option<Decimal> {
        let is_known = factor.lists.iter().all(|list| self.is_known(*list));
        if is_known { self.number(&factor.of) } else { None }
    }

    pub(super) fn holds(self, flag: &Flag) -> bool {
        flag.lists.iter().any(|list| self.is_known(*list))
            && self.number(&flag.of).is_some_and(|number| number > thousandths(flag.above))
    }
}

/// From 0 at the worst to 1 at the best, evenly, and no further.
fn scaled(measured: Decimal, factor: &Factor) -> Decimal {
    let (best, worst) = (thousandths(factor.best), thousandths(factor.worst));
    let share = (measured - worst).checked_div(best - worst).unwrap_or(Decimal::ZERO);
    share.clamp(Decimal::ZERO, Decimal::ONE)
}

fn thousandths(number: i64) -> Decimal {
    Decimal::new(number, 3)
}
