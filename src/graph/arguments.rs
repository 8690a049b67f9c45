//! Where a key or an input stands among the arguments of a field.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::graph::{Normalizer, TypeId};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgumentPath {
    pub path: Vec<Arc<str>>,
    /// The opaque id is checked to be of this type, and replaced by its remote key.
    pub id_of: Option<TypeId>,
    pub normalizer: Normalizer,
}

impl ArgumentPath {
    /// The value that stands there.
    pub fn value_in<'a>(&self, arguments: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.path.split_first()?;
        rest.iter().try_fold(arguments.get(&**first)?, |value, name| value.get(&**name))
    }
}
