//! How long a list is reckoned to be.

use std::sync::Arc;

use serde_json::Value;

use super::Known;
use crate::graph::Graph;
use crate::graph::ListSize;
use crate::operation::{ArgumentValue, SelectedField};

#[derive(Clone, Debug)]
pub(super) enum Size {
    /// No list.
    One,
    Fixed(f64),
    Sliced(Arc<Sliced>),
}

/// A size that arguments decide.
#[derive(Debug)]
pub(super) struct Sliced {
    /// The slicing arguments that may be given, each with what is left of its path.
    given: Vec<(ArgumentValue, Vec<Arc<str>>)>,
    otherwise: f64,
    most: Option<u32>,
    requires_one: bool,
}

impl Size {
    pub(super) fn of(graph: &Graph, size: &ListSize, field: &SelectedField) -> Self {
        let otherwise = f64::from(size.assumed.unwrap_or(graph.cost.list_size));
        let given: Vec<_> = size.slicing.iter().filter_map(|path| at(field, path)).collect();
        if given.is_empty() && !size.requires_one {
            return Self::Fixed(otherwise);
        }
        let (most, requires_one) = (size.most, size.requires_one);
        Self::Sliced(Arc::new(Sliced { given, otherwise, most, requires_one }))
    }

    pub(super) fn value(&self, known: Known<'_>) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Fixed(size) => *size,
            Self::Sliced(sliced) => sliced.value(known),
        }
    }

    /// How many slicing arguments are given, where it must be one.
    pub(super) fn slicing_given(&self, known: Known<'_>) -> Option<usize> {
        let Self::Sliced(sliced) = self else { return None };
        sliced.requires_one.then(|| sliced.lengths(known).count())
    }
}

impl Sliced {
    /// The greatest of those that are given.
    fn value(&self, known: Known<'_>) -> f64 {
        let greatest = self.lengths(known).reduce(f64::max);
        match known {
            // a variable may also be left out
            Known::Bound if !self.is_settled() => {
                Some(greatest.map_or(self.otherwise, |most| most.max(self.otherwise)))
            }
            _ => greatest,
        }
        .unwrap_or(self.otherwise)
    }

    /// Whether some slicing argument is there whatever the variables are.
    fn is_settled(&self) -> bool {
        self.given.iter().any(|(value, path)| match value {
            ArgumentValue::Constant(value) => length(value, path).is_some(),
            ArgumentValue::List(_) => true,
            ArgumentValue::Variable { .. } | ArgumentValue::Object(_) => false,
        })
    }

    /// A field that is asked for more than a page may have brings an error and costs nothing: no length is more than that.
    fn lengths(&self, known: Known<'_>) -> impl Iterator<Item = f64> {
        let most = self.most.map_or(f64::INFINITY, f64::from);
        let lengths = self.given.iter();
        let lengths = lengths.filter_map(move |(value, path)| self.length(value, path, known));
        lengths.map(move |length| length.min(most))
    }

    /// `None`: null, or not given.
    fn length(&self, value: &ArgumentValue, path: &[Arc<str>], known: Known<'_>) -> Option<f64> {
        match (value, known) {
            (ArgumentValue::Constant(value), _) => length(value, path),
            (ArgumentValue::Variable { id, default, .. }, Known::Variables { variables, .. }) => {
                let given = variables.0.get(usize::from(id.0)).and_then(Option::as_ref);
                given.or(default.as_ref()).and_then(|value| length(value, path))
            }
            (ArgumentValue::Variable { .. }, Known::Bound) => {
                Some(self.most.map_or(f64::INFINITY, f64::from))
            }
            (ArgumentValue::List(items), _) => Some(count(items.len())),
            (ArgumentValue::Object(_), _) => None,
        }
    }
}

/// The value of an argument, or of a field inside of it, as far as the document says it; and the path from there on.
fn at(field: &SelectedField, path: &[Arc<str>]) -> Option<(ArgumentValue, Vec<Arc<str>>)> {
    let (first, mut rest) = path.split_first()?;
    let mut value = &field.arguments.iter().find(|argument| argument.name == *first)?.value;
    while let (ArgumentValue::Object(entries), Some((name, after))) = (value, rest.split_first()) {
        value = entries.iter().find(|(entry, _)| entry == name).map(|(_, value)| value)?;
        rest = after;
    }
    Some((value.clone(), rest.to_vec()))
}

/// What a value says about a length: a number that much, a list its own.
fn length(value: &Value, path: &[Arc<str>]) -> Option<f64> {
    match path.iter().try_fold(value, |value, name| value.get(&**name))? {
        Value::Null => None,
        Value::Array(items) => Some(count(items.len())),
        value => Some(value.as_f64().unwrap_or_default().max(0.0)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "no list is so long")]
fn count(items: usize) -> f64 {
    items as f64
}
