//! Plans kept by document, bounded in number.

use std::sync::Arc;

use moka::sync::Cache;
use rustc_hash::FxBuildHasher;
use sha2::{Digest, Sha256};

use crate::error::RequestError;
use crate::graph::Graph;
use crate::operation;
use crate::plan::{self, Plan};

#[derive(Debug)]
pub(super) struct Plans {
    kept: Cache<[u8; 32], Arc<Plan>, FxBuildHasher>,
}

impl Plans {
    pub(super) fn new(most: usize) -> Self {
        Self { kept: Cache::builder().max_capacity(most as u64).build_with_hasher(FxBuildHasher) }
    }

    pub(super) fn find_or_make(
        &self,
        graph: &Graph,
        document: &str,
        operation_name: Option<&str>,
    ) -> Result<Arc<Plan>, Vec<RequestError>> {
        let key = hash(document, operation_name);
        if let Some(plan) = self.kept.get(&key) {
            return Ok(plan);
        }
        let operation = operation::prepare(graph, document, operation_name)?;
        let plan = Arc::new(plan::plan(graph, operation));
        self.kept.insert(key, Arc::clone(&plan));
        Ok(plan)
    }
}

fn hash(document: &str, operation_name: Option<&str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(document.len().to_le_bytes());
    hash.update(document);
    if let Some(name) = operation_name {
        hash.update(b"=");
        hash.update(name);
    }
    hash.finalize().into()
}
