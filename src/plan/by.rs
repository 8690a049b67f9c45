//! What names the objects of a step that makes no call: representations of a router, ids, or keys of several kinds.

use std::sync::Arc;

use crate::graph::{ByKey, Graph, PartId, TypeId};

/// What names the objects.
#[derive(Clone, Debug)]
pub enum By {
    Representations,
    /// Opaque ids, of any type.
    Ids {
        many: bool,
    },
    Keys(Arc<ByKey>),
}

impl By {
    /// The argument that they stand in.
    pub fn argument(&self) -> &str {
        match self {
            Self::Representations => "representations",
            Self::Ids { many: true } => "ids",
            Self::Ids { many: false } => "id",
            Self::Keys(keys) => &keys.argument,
        }
    }

    pub fn is_many(&self) -> bool {
        match self {
            Self::Representations => true,
            Self::Ids { many } => *many,
            Self::Keys(keys) => keys.many,
        }
    }

    /// The kinds of keys that may name an object of a type, and the part that they are of.
    pub fn keys(&self, graph: &Graph, ty: TypeId) -> Vec<(PartId, u8)> {
        let mut keys: Vec<(PartId, u8)> = match self {
            Self::Representations => {
                graph.entity_keys(ty).iter().map(|key| (key.part, key.key_kind)).collect()
            }
            Self::Ids { .. } => graph.node_key(ty).into_iter().collect(),
            Self::Keys(keys) => {
                keys.members.iter().map(|member| (keys.part, member.key_kind)).collect()
            }
        };
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
