//! Plans kept by document, or by the id of a known document, bounded in what they weigh.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;
use rustc_hash::FxBuildHasher;
use sha2::{Digest, Sha256};

use crate::error::RequestError;
use crate::graph::Graph;
use crate::operation;
use crate::plan::{self, Plan};

#[derive(Debug)]
pub(super) struct Plans {
    kept: Cache<Key, Kept, FxBuildHasher>,
    hashed: AtomicU64,
    made: AtomicU64,
}

#[derive(Clone, Debug)]
struct Kept {
    plan: Arc<Plan>,
    /// As how many plans it counts.
    plans: u32,
}

/// A larger plan counts as several.
const PLAN_BYTES: usize = 64 * 1024;

/// What has been done to find plans, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanCounts {
    /// Documents that were hashed: once for each request that sent its text.
    pub hashed: u64,
    /// Documents that were guarded, parsed, validated and planned, or refused on the way.
    pub made: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Document([u8; 32]),
    Id { id: Box<str>, operation_name: Option<Box<str>> },
}

impl Plans {
    pub(super) fn new(most: usize) -> Self {
        Self {
            kept: Cache::builder()
                .max_capacity(most as u64)
                .weigher(|_, kept: &Kept| kept.plans)
                .build_with_hasher(FxBuildHasher),
            hashed: AtomicU64::new(0),
            made: AtomicU64::new(0),
        }
    }

    pub(super) fn counts(&self) -> PlanCounts {
        PlanCounts {
            hashed: self.hashed.load(Ordering::Relaxed),
            made: self.made.load(Ordering::Relaxed),
        }
    }

    pub(super) fn find_or_make(
        &self,
        graph: &Graph,
        document: &str,
        operation_name: Option<&str>,
    ) -> Result<Arc<Plan>, Vec<RequestError>> {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        self.get(Key::Document(hash(document, operation_name)), graph, document, operation_name)
    }

    /// As above, for a document that its id stands for: it is not looked at unless its plan is gone.
    pub(super) fn find_or_make_by_id(
        &self,
        graph: &Graph,
        id: Box<str>,
        document: &str,
        operation_name: Option<&str>,
    ) -> Result<Arc<Plan>, Vec<RequestError>> {
        let key = Key::Id { id, operation_name: operation_name.map(Box::from) };
        self.get(key, graph, document, operation_name)
    }

    fn get(
        &self,
        key: Key,
        graph: &Graph,
        document: &str,
        operation_name: Option<&str>,
    ) -> Result<Arc<Plan>, Vec<RequestError>> {
        if let Some(kept) = self.kept.get(&key) {
            return Ok(kept.plan);
        }
        self.made.fetch_add(1, Ordering::Relaxed);
        let operation = operation::prepare(graph, document, operation_name)?;
        let plan = Arc::new(plan::plan(graph, operation).map_err(|error| vec![error])?);
        // literals of the document stand in its plan, in one place or in several
        let plans = (plan.weight() + document.len()).div_ceil(PLAN_BYTES);
        let plans = u32::try_from(plans).unwrap_or(u32::MAX);
        self.kept.insert(key, Kept { plan: Arc::clone(&plan), plans });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::tests::graph;

    #[test]
    fn no_more_plans_are_kept_than_the_limit_says() {
        let graph = graph("type Query { a: Int, deeper: Query }");
        let plans = Plans::new(3);
        for number in 0..200 {
            plans.find_or_make(&graph, &format!("{{ a{number}: a }}"), None).unwrap();
        }
        plans.kept.run_pending_tasks();
        assert_eq!(plans.kept.entry_count(), 3);
        // one of a hundred fields counts as three: it has all the room, or none
        let large: Vec<String> = (0..99).map(|number| format!("b{number}: a")).collect();
        plans
            .find_or_make(&graph, &format!("{{ deeper {{ {} }} }}", large.join(" ")), None)
            .unwrap();
        plans.find_or_make(&graph, "{ a }", None).unwrap();
        plans.kept.run_pending_tasks();
        assert!(plans.kept.weighted_size() <= 3, "{}", plans.kept.weighted_size());
        // a document that is refused is kept nowhere
        plans.find_or_make(&graph, "{ b }", None).unwrap_err();
        plans.find_or_make(&graph, "{ b }", None).unwrap_err();
        assert_eq!(plans.counts(), PlanCounts { hashed: 204, made: 204 });
    }
}
