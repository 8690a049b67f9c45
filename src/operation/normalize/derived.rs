//! What metrics and merged lists read: selected beside them, as a client would, and written nowhere.

use super::{Normalizer, Set};
use crate::error::RequestError;
use crate::graph::{Source, TypeId};
use crate::operation::{Conjunction, SelectedField, Selection, Target, UsageId};

impl<'a> Normalizer<'a> {
    /// `field` is one of `ty`'s, at `depth` response keys from the root.
    pub(super) fn reads(
        &mut self,
        (ty, depth): (TypeId, usize),
        field: &SelectedField,
        selection: &Selection,
    ) -> Result<Option<Selection>, RequestError> {
        let graph = self.graph;
        let Target::Field(id) = field.target else { return Ok(None) };
        let derived = match graph.field(ty, id).source {
            Source::Derived(derived) => derived,
            Source::Merged(merged) => {
                let of = &graph.merged(merged).reads.selection_set;
                let all = self.circumstances(field).into_iter();
                let sets: Vec<_> = all.map(|(when, usage)| Set { of, when, usage }).collect();
                return self.read((ty, depth), field, &sets);
            }
            _ => return Ok(None),
        };
        let mut sets = Vec::new();
        for metric in selection.branches.iter().flat_map(|branch| &branch.fields) {
            let Target::Field(id) = metric.target else { continue };
            let Some(Some(defined)) = graph.derived(derived).metrics.get(id.index()) else {
                continue;
            };
            for (when, usage) in self.circumstances(metric) {
                sets.push(Set { of: &defined.reads.selection_set, when, usage });
            }
        }
        self.read((ty, depth), field, &sets)
    }

    fn read(
        &mut self,
        (ty, depth): (TypeId, usize),
        field: &SelectedField,
        sets: &[Set<'a>],
    ) -> Result<Option<Selection>, RequestError> {
        self.reads_at = Some(field.location);
        let reads = self.selection(ty, sets, depth);
        self.reads_at = None;
        reads.map(Some)
    }

    /// When a field counts, and what it is deferred by.
    fn circumstances(&self, field: &SelectedField) -> Vec<(Conjunction, Option<UsageId>)> {
        let deferred =
            field.occurrences.and_then(|id| self.deferrals.occurrences.get(id.0 as usize));
        match deferred {
            Some(all) => all.iter().map(|one| (one.when, one.usage)).collect(),
            None if field.when.0.is_empty() => vec![(Conjunction::ALWAYS, None)],
            None => field.when.0.iter().map(|when| (*when, None)).collect(),
        }
    }
}
