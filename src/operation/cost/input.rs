//! What arguments cost: objects 1, scalars nothing, unless `@cost` says otherwise; lists the sum of their items.

use serde_json::Value;

use super::Known;
use crate::graph::Graph;
use crate::graph::{FieldWeight, InputWeight, Weights};
use crate::operation::{ArgumentValue, SelectedField};

/// Of one object.
const OBJECT: f64 = 1.0;

#[derive(Debug)]
pub(super) enum ArgumentCost {
    Fixed(f64),
    /// A variable decides some of it.
    Variable(InputWeight, ArgumentValue),
}

impl ArgumentCost {
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    pub(super) fn cost(&self, known: Known<'_>) -> f64 {
        match (self, known) {
            (Self::Fixed(cost), _) => *cost,
            (Self::Variable(..), Known::Bound) => f64::INFINITY,
            (Self::Variable(weight, value), Known::Variables { .. }) => given(known, weight, value),
        }
    }
}

/// The arguments of a field that cost something. A default counts as if it were given.
pub(super) fn arguments(
    graph: &Graph,
    field_weight: &FieldWeight,
    field: &SelectedField,
) -> Vec<ArgumentCost> {
    let weighed = field_weight.arguments.iter().filter_map(|weight| {
        let given = field.arguments.iter().find(|argument| argument.name == weight.name)?;
        Some(match &given.value {
            ArgumentValue::Constant(value) => {
                ArgumentCost::Fixed(constant(&graph.weights, weight, value))
            }
            value => ArgumentCost::Variable(weight.clone(), value.clone()),
        })
    });
    weighed.collect()
}

fn given(known: Known<'_>, weight: &InputWeight, value: &ArgumentValue) -> f64 {
    let Known::Variables { weights, variables, .. } = known else { return 0.0 };
    match value {
        ArgumentValue::Constant(value) => constant(weights, weight, value),
        ArgumentValue::Variable { id, default, .. } => {
            let value = variables.0.get(usize::from(id.0)).and_then(Option::as_ref);
            value.or(default.as_ref()).map_or(0.0, |value| constant(weights, weight, value))
        }
        ArgumentValue::List(items) => {
            let items = items.iter().map(|item| given(known, weight, item));
            weight.weight.unwrap_or(0.0) + items.sum::<f64>()
        }
        ArgumentValue::Object(entries) => {
            let fields = weight.object.map(|ty| weights.of_input(ty)).unwrap_or_default();
            let costs = fields.iter().filter_map(|field| {
                let (_, value) = entries.iter().find(|(name, _)| *name == field.name)?;
                Some(given(known, field, value))
            });
            weight.weight.unwrap_or(OBJECT) + costs.sum::<f64>()
        }
    }
}

fn constant(weights: &Weights, weight: &InputWeight, value: &Value) -> f64 {
    match (value, weight.object) {
        (Value::Null, _) => 0.0,
        (Value::Array(items), _) => {
            let items = items.iter().map(|item| constant(weights, weight, item));
            weight.weight.unwrap_or(0.0) + items.sum::<f64>()
        }
        (Value::Object(entries), Some(ty)) => {
            let fields = weights.of_input(ty).iter();
            let costs = fields.filter_map(|field| {
                entries.get(&*field.name).map(|value| constant(weights, field, value))
            });
            weight.weight.unwrap_or(OBJECT) + costs.sum::<f64>()
        }
        _ => weight.weight.unwrap_or(0.0),
    }
}
