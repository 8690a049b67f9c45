//! What a federation's router asks for besides the graph itself.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Access, ArgumentPath, PartId, Scalar, TypeId};

/// What a federation's router asks for besides the graph itself.
#[derive(Debug, Default)]
pub struct Federation {
    /// What `_service { sdl }` answers.
    pub sdl: Arc<str>,
    /// The resolvable keys of each member of `_Entity`; none where this deployment cannot load any.
    pub entities: FxHashMap<TypeId, Vec<EntityKey>>,
    /// Interfaces with a key, and their types: an id says which of them it is of.
    pub interfaces: FxHashMap<TypeId, Vec<TypeId>>,
    /// The fields of other subgraphs that this one reads of a type's representations (`@requires`).
    pub required: FxHashMap<TypeId, Vec<Arc<str>>>,
}

/// A `@key` as `_entities` resolves it: always a key of the type's anchor.
#[derive(Debug)]
pub struct EntityKey {
    pub part: PartId,
    pub key_kind: u8,
    /// Where a representation has the parts of the key.
    pub paths: Vec<ArgumentPath>,
    /// What each of them is.
    pub scalars: Vec<Scalar>,
    /// What a caller must have for the fields of the key.
    pub access: Vec<Access>,
}
