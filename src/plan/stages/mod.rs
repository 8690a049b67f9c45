//! Which steps each part of an answer waits for.
//!
//! A part is what a set of deferred fragments brings, or the items of a streamed list. It is due when the steps are done
//! whose results its fields are written from; a step that several parts need is done once, for all of them.

mod steps;
mod walk;

use std::sync::Arc;

use steps::StepSet;
use walk::Walk;

use crate::graph::{FieldId, Graph, PartId, Survivorship, TypeId};
use crate::operation::{Parts, SetId};
use crate::plan::{Marks, Plan, SiteId, StepId};
use crate::principal::Principal;

/// The steps of each set of an answer in parts.
#[derive(Debug)]
pub struct Stages {
    steps: Vec<StepSet>,
    /// Those of which a set needs no more than that their lists have begun.
    begun: Vec<StepSet>,
    /// Those of which it needs at most what preferred parts lack, and what these wait for.
    spare: Vec<StepSet>,
    spares: Vec<(Spare, Arc<Survivorship>)>,
    /// Lists that come page by page, with how many of their items come at once.
    paged: Vec<(StepId, u32)>,
}

/// A step of which a set needs no more than what parts that are preferred to it lack.
#[derive(Clone, Copy, Debug)]
pub struct Spare {
    set: SetId,
    pub step: StepId,
    pub site: SiteId,
    pub ty: TypeId,
    pub field: FieldId,
    /// What the step brings.
    pub part: PartId,
}

impl Stages {
    /// The active steps that each set needs.
    pub fn new(
        graph: &Graph,
        plan: &Plan,
        marks: &Marks,
        principal: &Principal,
        parts: &Parts,
    ) -> Self {
        Walk::new(graph, plan, marks, parts).of(Some(principal), Some(marks.truths))
    }

    /// For somebody who may see everything, and skips nothing unless it is known what.
    pub fn in_general(
        graph: &Graph,
        plan: &Plan,
        everything: &Marks,
        truths: Option<u64>,
        parts: &Parts,
    ) -> Self {
        Walk::new(graph, plan, everything, parts).of(None, truths)
    }

    /// Whether a set needs all that a step brings.
    pub fn is_needed(&self, set: SetId, step: StepId) -> bool {
        self.steps.get(set.index()).is_some_and(|steps| steps.contains(step))
    }

    /// Whether a set needs the beginning of a step's lists.
    pub fn is_begun(&self, set: SetId, step: StepId) -> bool {
        self.begun.get(set.index()).is_some_and(|steps| steps.contains(step))
    }

    /// Whether a set waits for a step, or for the beginning of its lists, whatever the objects are.
    pub fn waits(&self, set: SetId, step: StepId) -> bool {
        self.is_needed(set, step) || self.is_begun(set, step)
    }

    /// Whether it waits for a step, or may have to.
    pub fn has(&self, set: SetId, step: StepId) -> bool {
        let is_spare = || self.spare.get(set.index()).is_some_and(|steps| steps.contains(step));
        self.waits(set, step) || is_spare()
    }

    /// What a set may do without, each with the parts that are preferred to it.
    pub fn spares(&self, set: SetId) -> impl Iterator<Item = (&Spare, &[PartId])> {
        let spares = self.spares.iter().filter(move |(spare, _)| spare.set == set);
        spares.map(|(spare, rule)| (spare, rule.before(spare.part)))
    }

    pub fn paged(&self) -> &[(StepId, u32)] {
        &self.paged
    }
}
