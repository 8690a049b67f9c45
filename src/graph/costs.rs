//! What operations cost, as the schema says it: weights and list sizes, by number, and what a deployment makes of them.

use crate::graph::{FieldId, TypeId};
use std::sync::Arc;

/// Whether operations are reckoned, and what becomes of those that cost too much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CostMode {
    Off,
    /// They run; the log tells of them.
    #[default]
    Measure,
    /// They are refused before a backend is called.
    Enforce,
}

/// `cost:` of `cyclorama.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostSettings {
    pub mode: CostMode,
    /// The most that one operation may cost.
    pub limit: u32,
    /// The most backend calls that may be planned for one operation.
    pub calls_limit: u32,
    /// How long a list is that nothing else is known of.
    pub list_size: u32,
}

impl Default for CostSettings {
    fn default() -> Self {
        Self { mode: CostMode::default(), limit: 5_000, calls_limit: 1_000, list_size: 10 }
    }
}

/// Everything that the schema says about costs.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    /// By type: of one instance.
    pub types: Vec<f64>,
    /// By type and field; of input objects their input fields are in `inputs`.
    pub fields: Vec<Vec<FieldWeight>>,
    /// By type: the fields of input objects, those without any weight left out.
    pub inputs: Vec<Vec<InputWeight>>,
}

#[derive(Clone, Debug, Default)]
pub struct FieldWeight {
    /// Of one instance, instead of its type's weight.
    pub weight: Option<f64>,
    pub size: Option<Arc<ListSize>>,
    /// The arguments, those without any weight left out.
    pub arguments: Vec<InputWeight>,
}

/// An argument or the field of an input object.
#[derive(Clone, Debug, PartialEq)]
pub struct InputWeight {
    pub name: Arc<str>,
    pub weight: Option<f64>,
    /// The type of the objects that stand here.
    pub object: Option<TypeId>,
}

/// How long a list is reckoned to be: what `@listSize` says, or what the engine knows by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListSize {
    /// When no slicing argument is given; `None`: the deployment's `list_size`.
    pub assumed: Option<u32>,
    /// Arguments that decide it, each as a path into its input object: a number, or a list that is as long.
    pub slicing: Vec<Vec<Arc<str>>>,
    /// Fields of the returned object that are as long; empty: the field itself is.
    pub sized_fields: Vec<Arc<str>>,
    /// Exactly one of the slicing arguments must be given.
    pub requires_one: bool,
    /// The most that a slicing argument may be: more is refused, whatever it costs.
    pub most: Option<u32>,
}

impl Weights {
    pub fn of_type(&self, ty: TypeId) -> f64 {
        self.types.get(ty.index()).copied().unwrap_or_default()
    }

    pub fn of_field(&self, ty: TypeId, field: FieldId) -> Option<&FieldWeight> {
        self.fields.get(ty.index())?.get(field.index())
    }

    pub fn of_input(&self, ty: TypeId) -> &[InputWeight] {
        self.inputs.get(ty.index()).map(Vec::as_slice).unwrap_or_default()
    }
}
